// The columns of a tree and what is asked of them, against a slow twin that expands every sample to its path.

import assert from "node:assert/strict";
import test from "node:test";

import { callersAndCallees, decodeTree, inclusiveOf } from "../../../perfdb/report/html/static/tree.js";
import { payloadOf, randomStacks } from "./trees.mjs";

const MS = 1e6;

/** Every node's stack, root first, with its own weight: the slow and obvious form of a tree. */
function pathsOf(tree) {
  return Array.from({ length: tree.size }, (_, node) => {
    const path = [];
    for (let at = node; at >= 0; at = tree.parent[at]) path.unshift(tree.item[at]);
    return { path, ns: tree.self.map((column) => column[node]) };
  });
}

function added(rows, sides) {
  return Array.from({ length: sides }, (_, side) => rows.reduce((sum, row) => sum + row.ns[side], 0));
}

function slowCallersAndCallees(tree, item) {
  const pairs = { callers: new Map(), callees: new Map() };
  const count = (kind, other, ns) => {
    const had = pairs[kind].get(other) ?? ns.map(() => 0);
    pairs[kind].set(other, had.map((value, side) => value + ns[side]));
  };
  const paths = pathsOf(tree);
  for (const { path, ns } of paths) {
    const callers = new Set();
    const callees = new Set();
    path.forEach((callee, at) => {
      const caller = at === 0 ? -1 : path[at - 1];
      if (callee === item) callers.add(caller);
      if (caller === item) callees.add(callee);
    });
    for (const other of callers) count("callers", other, ns);
    for (const other of callees) count("callees", other, ns);
  }
  const sorted = (kind) =>
    [...pairs[kind]]
      .map(([other, ns]) => ({ item: other, ns }))
      .sort((a, b) => b.ns.at(-1) - a.ns.at(-1) || b.ns[0] - a.ns[0] || a.item - b.item);
  const sides = tree.self.length;
  return {
    total: added(paths.filter((row) => row.path.includes(item)), sides),
    self: added(paths.filter((row) => row.path.at(-1) === item), sides),
    callers: sorted("callers"),
    callees: sorted("callees"),
  };
}

test("a payload without call paths has no tree", () => {
  assert.equal(decodeTree({ sides: [{ label: "a", runs: 1 }], tree: null }), null);
});

test("a payload with no sample has a tree without nodes", () => {
  const tree = decodeTree({ sides: [{ label: "a", runs: 1 }], tree: { up: [], item: [], samples: [[]], unit_ns: 1 } });

  assert.equal(0, tree.size);
  assert.deepEqual([0], tree.sum);
});

test("columns of a tree by hand", () => {
  // main (1 sample) calls a (2), which calls b (4), and c (8); other (16) is a second root
  const tree = decodeTree({
    sides: [{ label: "a", runs: 3 }],
    tree: { up: [0, 0, 0, 2, 2], item: [0, 1, 2, 3, 4], samples: [[1, 2, 4, 8, 16]], weight_ns: null, unit_ns: MS },
  });

  assert.deepEqual([-1, 0, 1, 0, -1], [...tree.parent]);
  assert.deepEqual([1, 2, 3, 2, 1], [...tree.depth]);
  assert.deepEqual([4, 3, 3, 4, 5], [...tree.end]);
  assert.deepEqual([15, 6, 4, 8, 16], [...tree.totalSamples[0]]);
  assert.deepEqual([15 * MS, 6 * MS, 4 * MS, 8 * MS, 16 * MS], [...tree.total[0]]);
  assert.deepEqual([31 * MS], tree.sum);
  assert.deepEqual([31], tree.samples);
  assert.deepEqual([3], tree.runs);
  assert.equal(5, tree.itemCount);
});

test("weights are the payload's own where it gives them", () => {
  const tree = decodeTree(payloadOf({ a: [2], "a;b": [3] }, { weight: (count) => count * 7 }));

  assert.deepEqual([14, 21], [...tree.self[0]]);
  assert.deepEqual([35], tree.sum);
});

test("depths that are no tree are refused", () => {
  const sides = [{ label: "a", runs: 1 }];

  const decoded = (up, item) => decodeTree({ sides, tree: { up, item, samples: [[1, 1]], unit_ns: 1 } });

  assert.equal(2, decoded([0, 1], [0, 0]).size);
  assert.throws(() => decoded([0, 3], [0, 0]), RangeError);
  assert.throws(() => decoded([0, 0], [0]), RangeError);
});

test("totals and intervals agree with paths, over random trees with recursion", () => {
  for (let seed = 0; seed < 60; seed++) {
    const tree = decodeTree(payloadOf(randomStacks(seed)));
    const paths = pathsOf(tree);
    for (let node = 0; node < tree.size; node++) {
      const { path } = paths[node];
      const below = paths.filter((row) => String(path) === String(row.path.slice(0, path.length)));

      assert.deepEqual(added(below, 2), tree.total.map((column) => column[node]));
      assert.equal(below.length, tree.end[node] - node);
      assert.equal(paths[node].path.length, tree.depth[node]);
    }
  }
});

test("callers and callees agree with every sample's pairs, over random trees with recursion", () => {
  for (let seed = 0; seed < 120; seed++) {
    const tree = decodeTree(payloadOf(randomStacks(seed, { sides: 1 + (seed % 2) })));
    for (let item = 0; item < tree.itemCount; item++) {
      assert.deepEqual(slowCallersAndCallees(tree, item), callersAndCallees(tree, item));
    }
  }
});

test("without recursion callers add up to the total, and callees with the own weight too", () => {
  const tree = decodeTree(payloadOf({ "main;a;c": [2, 1], "main;b;c": [3, 9], "main;b;c;d": [5, 5], c: [1, 0] }));
  const found = callersAndCallees(tree, 2); // items in preorder: main, a, c, b, d

  assert.deepEqual([11 * MS, 15 * MS], found.total);
  assert.deepEqual([6 * MS, 10 * MS], found.self);
  assert.deepEqual(
    [
      { item: 3, ns: [8 * MS, 14 * MS] },
      { item: 1, ns: [2 * MS, 1 * MS] },
      { item: -1, ns: [1 * MS, 0] },
    ],
    found.callers,
  );
  assert.deepEqual([{ item: 4, ns: [5 * MS, 5 * MS] }], found.callees);
});

test("a function that calls itself is its own caller, and a sample counts once for that pair", () => {
  const tree = decodeTree(payloadOf({ "f;f;f": [5] }));
  const found = callersAndCallees(tree, 0);

  assert.deepEqual([5 * MS], found.total);
  assert.deepEqual([{ item: -1, ns: [5 * MS] }, { item: 0, ns: [5 * MS] }], found.callers);
  assert.deepEqual([{ item: 0, ns: [5 * MS] }], found.callees);
});

test("a pair met in one stack again, below another caller, counts once", () => {
  const tree = decodeTree(payloadOf({ "a;f;b;a;f": [3], "a;f;b;f": [4] }));
  const found = callersAndCallees(tree, 1); // a, f, b

  assert.deepEqual([7 * MS], found.total);
  assert.deepEqual([{ item: 0, ns: [7 * MS] }, { item: 2, ns: [4 * MS] }], found.callers);
});

test("a function that is nowhere has neither callers nor weight", () => {
  const tree = decodeTree(payloadOf({ a: [1] }));

  assert.deepEqual({ total: [0], self: [0], callers: [], callees: [] }, callersAndCallees(tree, 7));
});

test("samples with any of several functions count once, over random trees", () => {
  for (let seed = 0; seed < 120; seed++) {
    const tree = decodeTree(payloadOf(randomStacks(seed)));
    for (let bits = 0; bits < 2 ** tree.itemCount; bits++) {
      const mask = Uint8Array.from({ length: tree.itemCount }, (_, item) => (bits >> item) & 1);
      const rows = pathsOf(tree).filter((row) => row.path.some((item) => mask[item]));

      assert.deepEqual(added(rows, 2), inclusiveOf(tree, mask));
    }
  }
});
