// Pictures (root first and leaf first) and what of them is seen, against twins that look at every frame.

import assert from "node:assert/strict";
import test from "node:test";

import { leafFirst } from "../../../perfdb/report/html/static/inverted.js";
import { layOut, NARROWEST_FRAME, openVisible, VisibleFrames } from "../../../perfdb/report/html/static/layout.js";
import { hiddenNs, rootFirst, widthWeights } from "../../../perfdb/report/html/static/picture.js";
import { decodeTree } from "../../../perfdb/report/html/static/tree.js";
import { WHOLE_VIEW } from "../../../perfdb/report/html/static/view.js";
import { besideOf, spanOf, widestBelow, widestOf } from "../../../perfdb/report/html/static/walk.js";
import { payloadOf, randomNumbers, randomStacks } from "./trees.mjs";

const MS = 1e6;

function treeOf(stacks, options) {
  return decodeTree(payloadOf(stacks, options));
}

function openAll(picture) {
  for (let node = 0; node < picture.size; node++) picture.open(node);
  return picture;
}

/** Each frame's chain of items from the program down, with its total of each side. */
function chainsOf(picture) {
  const chains = new Map();
  for (let node = 1; node < picture.size; node++) {
    const chain = [];
    for (let at = node; at !== 0; at = picture.parent[at]) chain.unshift(picture.item[at]);
    assert.equal(chain.length, picture.depth[node]);
    assert.ok(!chains.has(chain.join()));
    chains.set(chain.join(), picture.total.map((column) => column[node]));
  }
  return chains;
}

/** The same from the tree's own weights: every stack (reversed for leaf first) adds to each of its beginnings. */
function slowChains(tree, order) {
  const chains = new Map();
  for (let node = 0; node < tree.size; node++) {
    const ns = tree.self.map((column) => column[node]);
    if (order === "leaf" && ns.every((value) => value === 0)) continue;
    const stack = [];
    for (let at = node; at >= 0; at = tree.parent[at]) stack.push(tree.item[at]);
    if (order === "root") stack.reverse();
    for (let length = 1; length <= stack.length; length++) {
      const key = stack.slice(0, length).join();
      const had = chains.get(key) ?? ns.map(() => 0);
      chains.set(key, had.map((value, side) => value + ns[side]));
    }
  }
  return chains;
}

function childrenOf(picture, node) {
  const children = [];
  for (let each = picture.first[node]; each !== 0; each = picture.next[each]) children.push(each);
  return children;
}

/** What layOut finds, the slow way: every frame placed, those that are seen kept, narrow neighbours merged. */
function slowLayout(picture, view, width, from, to) {
  const found = [];
  const total = picture.value[0];
  const narrow = (NARROWEST_FRAME * (view.hi - view.lo) * total) / width;
  const visit = (above, start) => {
    let x = start;
    let dust = null;
    const flush = () => dust !== null && found.push(dust) && (dust = null);
    for (const node of childrenOf(picture, above)) {
      const frame = { node, depth: picture.depth[node], lo: x, hi: x + picture.value[node], merged: 0 };
      x = frame.hi;
      if (picture.value[node] <= 0) continue;
      if (frame.hi <= view.lo * total || frame.lo >= view.hi * total) continue;
      if (picture.value[node] < narrow) {
        dust = dust ?? { ...frame, merged: 0 };
        dust.merged++;
        dust.hi = frame.hi;
        continue;
      }
      flush();
      found.push(frame);
      visit(node, frame.lo);
    }
    flush();
  };
  found.push({ node: 0, depth: 0, lo: 0, hi: total, merged: 0 });
  visit(0, 0);
  const deepest = Math.max(...found.map((frame) => frame.depth));
  return { deepest, frames: found.filter((frame) => frame.depth >= from && frame.depth <= to) };
}

function framesOf(out, total) {
  return Array.from({ length: out.count }, (_, at) => ({
    node: out.node[at],
    depth: out.depth[at],
    lo: Math.round(out.lo[at] * total),
    hi: Math.round(out.hi[at] * total),
    merged: out.merged[at],
  })).sort((a, b) => a.depth - b.depth || a.lo - b.lo);
}

test("the root-first picture has every call path once, with the tree's totals", () => {
  for (let seed = 0; seed < 60; seed++) {
    const tree = treeOf(randomStacks(seed));

    assert.deepEqual(slowChains(tree, "root"), chainsOf(rootFirst(tree)));
  }
});

test("the leaf-first picture has every chain of callers once, over random trees with recursion", () => {
  for (let seed = 0; seed < 120; seed++) {
    const tree = treeOf(randomStacks(seed));
    const expected = slowChains(tree, "leaf");

    assert.deepEqual(new Map([...expected].sort()), new Map([...chainsOf(openAll(leafFirst(tree)))].sort()));
  }
});

test("frames of the leaf-first picture are opened once, and only when asked", () => {
  const picture = leafFirst(treeOf({ "a;b;c": [5], "a;d;c": [2], "a;d": [1] }));

  assert.equal(3, picture.size); // the program, c, d
  assert.equal(2, picture.open(1));
  assert.equal(0, picture.open(1));
  assert.deepEqual([5, 2], childrenOf(picture, 1).map((node) => picture.samples[0][node]));
});

test("callers in the leaf-first picture stand by their samples, the most first", () => {
  for (let seed = 0; seed < 40; seed++) {
    const picture = openAll(leafFirst(treeOf(randomStacks(seed, { stacks: 60 }))));
    for (let node = 0; node < picture.size; node++) {
      const work = childrenOf(picture, node).map((each) => picture.samples[0][each] + picture.samples[1][each]);

      assert.deepEqual([...work].sort((a, b) => b - a), work);
    }
  }
});

test("width is ms a run of a side, or the mean of both", () => {
  const tree = treeOf({ a: [6, 8] }, { runs: [3, 2] });
  const picture = rootFirst(tree);
  const widths = ["baseline", "contender", "both"].map((width) => {
    picture.weigh(widthWeights(width, tree.runs));
    return picture.value[1];
  });

  assert.deepEqual([2, 4, 3], widths.map((value) => Math.round(1e9 * value) / 1e9));
  assert.deepEqual([1 / 4 / 1e6], widthWeights("both", [4]));
});

test("a changed width holds for frames of the leaf-first picture that are opened later", () => {
  const picture = leafFirst(treeOf({ "a;b": [6, 8] }));
  picture.weigh([0, 1 / MS]);
  picture.open(1);

  assert.deepEqual([8, 8, 8], [...picture.value.subarray(0, 3)]);
});

test("what has no width is told: call paths that the side shown has not", () => {
  const tree = treeOf({ "a;b": [3, 0], "a;c": [2, 5], a: [7, 0], d: [0, 1] });

  assert.equal(3 * MS, hiddenNs(tree, "root", 1)); // a has samples below it, so its own 7 lie in what is seen of it
  assert.equal(10 * MS, hiddenNs(tree, "leaf", 1));
  assert.equal(1 * MS, hiddenNs(tree, "root", 0));
});

test("only what is in view and wide enough is found, the rest is dust, over random trees and views", () => {
  const out = new VisibleFrames();
  for (let seed = 0; seed < 200; seed++) {
    const next = randomNumbers(seed);
    const tree = treeOf(randomStacks(seed, { stacks: 80, functions: 9 }));
    const picture = seed % 2 ? rootFirst(tree) : openAll(leafFirst(tree));
    picture.weigh([1 / MS, seed % 3 ? 1 / MS : 0]);
    if (picture.value[0] === 0) continue;
    const lo = next() * 0.8;
    const view = { lo, hi: lo + next() * (1 - lo) + 0.001 };
    const from = Math.floor(next() * 3);
    const to = from + Math.floor(next() * 4);
    const width = 2 + next() * 40; // few pixels, so that much is narrow
    layOut(picture, view, width, from, to, null, true, out);
    const expected = slowLayout(picture, view, width, from, to);

    const total = picture.value[0];
    const end = Math.round(view.hi * total); // dust may be cut there or go on
    const cut = (frames) => frames.map((frame) => (frame.merged ? { ...frame, hi: Math.min(frame.hi, end) } : frame));
    expected.frames.sort((a, b) => a.depth - b.depth || a.lo - b.lo);

    assert.deepEqual(cut(expected.frames), cut(framesOf(out, total)));
    assert.equal(expected.deepest, out.deepest);
  }
});

test("no weight is lost: what is drawn in a row is as wide as all frames of that row", () => {
  const out = new VisibleFrames();
  for (let seed = 0; seed < 40; seed++) {
    const picture = rootFirst(treeOf(randomStacks(seed, { stacks: 200, functions: 30 })));
    picture.weigh([1 / MS, 1 / MS]);
    layOut(picture, WHOLE_VIEW, 20, 1, 1, null, false, out);
    const drawn = framesOf(out, picture.value[0]).reduce((sum, frame) => sum + frame.hi - frame.lo, 0);

    assert.equal(picture.value[0], drawn);
  }
});

test("frames that match a search are marked, and dust that has one is too", () => {
  const stacks = { a: [1000] };
  for (let at = 0; at < 9; at++) stacks[`b${at}`] = [1];
  const picture = rootFirst(treeOf(stacks));
  picture.weigh([1]);
  const out = new VisibleFrames();
  const mask = Uint8Array.from({ length: 10 }, (_, item) => (item === 5 ? 1 : 0));
  layOut(picture, WHOLE_VIEW, 100, 1, 1, mask, false, out);

  assert.deepEqual([0, 9], [...out.merged.subarray(0, out.count)]);
  assert.deepEqual([0, 1], [...out.matched.subarray(0, out.count)]);
});

test("a program without weight has nothing to be seen", () => {
  const picture = rootFirst(treeOf({ a: [0, 4] }));
  picture.weigh([1, 0]);
  const out = new VisibleFrames();
  layOut(picture, WHOLE_VIEW, 100, 0, 9, null, true, out);

  assert.equal(0, out.count);
  assert.deepEqual({ lo: 0, hi: 1 }, spanOf(picture, 1));
  assert.equal(false, openVisible(leafFirst(treeOf({ a: [0, 4] })), WHOLE_VIEW, 100, 10, out));
});

test("a frame is found where it lies, and nothing beside it", () => {
  const picture = rootFirst(treeOf({ a: [3], b: [1] }));
  picture.weigh([1]);
  const out = new VisibleFrames();
  layOut(picture, WHOLE_VIEW, 400, 0, 9, null, true, out);

  assert.equal(1, out.node[out.find(1, 0.74)]);
  assert.equal(2, out.node[out.find(1, 0.75)]);
  assert.equal(-1, out.find(2, 0.5));
});

test("a lazy picture opens what can be seen, within its budget, and then has no more", () => {
  const stacks = { "a;b;c": [900], "d;e": [1] };
  const picture = leafFirst(treeOf(stacks));
  const out = new VisibleFrames();
  picture.weigh([1]);
  let calls = 1;
  while (openVisible(picture, WHOLE_VIEW, 100, 0, out)) calls++;

  assert.equal(3, calls); // c, b and a each took a call; a has no caller, and e is too narrow to be seen
  assert.equal(true, picture.isOpen(1));
  assert.equal(false, picture.isOpen(2));
});

test("frames are walked from one to the next", () => {
  const picture = rootFirst(treeOf({ "a;b": [2, 1], "a;c": [5, 0], "a;d": [0, 3], e: [9, 9] }));
  picture.weigh([1, 0]); // so that d has no width
  const [a, b, c, d, e] = [1, 2, 3, 4, 5];

  assert.equal(e, widestBelow(picture, 0));
  assert.equal(c, widestBelow(picture, a));
  assert.equal(0, widestBelow(picture, b));
  assert.equal(c, besideOf(picture, b, 1));
  assert.equal(0, besideOf(picture, c, 1));
  assert.equal(b, besideOf(picture, c, -1));
  assert.equal(0, besideOf(picture, b, -1));
  assert.equal(c, besideOf(picture, d, -1));
  assert.equal(0, besideOf(picture, 0, 1));
  assert.deepEqual({ lo: 2 / 16, hi: 7 / 16 }, spanOf(picture, c));
  assert.deepEqual({ lo: 0, hi: 1 }, spanOf(picture, 0));
});

test("a function is found where it is widest, leaf first on the top level", () => {
  const tree = treeOf({ "a;f": [2], "b;f": [5], "b;f;a": [1] });
  const picture = rootFirst(tree);
  picture.weigh([1]);
  const inverted = leafFirst(tree);
  inverted.weigh([1]);
  inverted.open(1);

  assert.equal(4, widestOf(picture, 1));
  assert.equal(0, widestOf(picture, 9));
  assert.equal(1, widestOf(inverted, 1));
  assert.equal(0, widestOf(inverted, 2)); // b has no weight of its own
});
