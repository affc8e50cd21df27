// The call paths of one example as columns: one number a node, nodes in preorder, so that a subtree is an interval.
//
// Node i has its descendants at i+1 … end[i]-1. Every question below is one pass over the nodes: "was this sample
// counted already?" becomes "does this node lie before the end of the last subtree that was counted?".

/**
 * The tree of a payload, or null where it has none.
 *
 * Columns of shape (size): parent (-1 at a root), depth (1 at a root), end, item. Columns a side, of shape (size):
 * self and total (exclusive and inclusive ns over all runs), selfSamples and totalSamples. `sum` and `samples` are of
 * the whole side, `runs` how many runs it has, `itemCount` one more than the greatest item. Throws a RangeError where
 * the depths are no tree or a column is too short.
 */
export function decodeTree(payload) {
  const packed = payload.tree;
  if (packed === null || packed === undefined) return null;
  const size = packed.up.length;
  const columns = [packed.item, ...packed.samples, ...(packed.weight_ns ?? [])];
  if (columns.some((column) => column.length !== size)) throw new RangeError("columns of the tree differ in length");
  const item = Int32Array.from(packed.item);
  const { parent, depth } = placesOf(packed.up);
  const selfSamples = packed.samples.map((column) => Float64Array.from(column));
  const self = packed.weight_ns
    ? packed.weight_ns.map((column) => Float64Array.from(column))
    : selfSamples.map((column) => column.map((count) => count * packed.unit_ns));
  let itemCount = 0;
  for (let i = 0; i < size; i++) if (item[i] >= itemCount) itemCount = item[i] + 1;
  const runs = payload.sides.map((side) => side.runs);
  return {
    size,
    parent,
    depth,
    end: endsOf(parent),
    item,
    itemCount,
    self,
    total: self.map((column) => totalsOf(column, parent)),
    selfSamples,
    totalSamples: selfSamples.map((column) => totalsOf(column, parent)),
    sum: self.map(sumOf),
    samples: selfSamples.map(sumOf),
    runs,
  };
}

/** Parent and depth of each node, from how many levels it is above a child of the node before it. */
function placesOf(up) {
  const size = up.length;
  const parent = new Int32Array(size);
  const depth = new Int32Array(size);
  let before = -1; // the node before
  let level = 0;
  for (let i = 0; i < size; i++) {
    for (let rise = up[i]; rise > 0; rise--) {
      if (before < 0) throw new RangeError(`node ${i} of the tree is above its root`);
      before = parent[before];
      level--;
    }
    parent[i] = before;
    depth[i] = ++level;
    before = i;
  }
  return { parent, depth };
}

/** Where the descendants of each node end. */
function endsOf(parent) {
  const end = new Int32Array(parent.length);
  for (let i = parent.length - 1; i >= 0; i--) {
    if (end[i] === 0) end[i] = i + 1;
    if (parent[i] >= 0 && end[parent[i]] < end[i]) end[parent[i]] = end[i];
  }
  return end;
}

/** What each node and all below it have. */
function totalsOf(own, parent) {
  const total = Float64Array.from(own);
  for (let i = parent.length - 1; i >= 0; i--) if (parent[i] >= 0) total[parent[i]] += total[i];
  return total;
}

function sumOf(column) {
  let sum = 0;
  for (let i = 0; i < column.length; i++) sum += column[i];
  return sum;
}

/**
 * Who called `item` and whom it called, in ns a side over all runs.
 *
 * A sample counts once for each distinct pair (caller, callee) on its stack: with recursion, callers may add up to more
 * than `total`; without it they add up to `total`, and callees and `self` do so too. Caller -1 stands for none: `item`
 * was the root. Both lists are sorted by the last side, then the first, the greatest first.
 */
export function callersAndCallees(tree, item) {
  const callers = newPairs(tree);
  const callees = newPairs(tree);
  const total = new Float64Array(tree.total.length);
  const self = new Float64Array(tree.total.length);
  let covered = 0; // the end of the last subtree that `total` has
  for (let i = 0; i < tree.size; i++) {
    const caller = tree.parent[i] < 0 ? -1 : tree.item[tree.parent[i]];
    if (caller === item) countPair(tree, callees, tree.item[i], i);
    if (tree.item[i] !== item) continue;
    countPair(tree, callers, caller, i);
    for (let side = 0; side < self.length; side++) self[side] += tree.self[side][i];
    if (i < covered) continue;
    covered = tree.end[i];
    for (let side = 0; side < total.length; side++) total[side] += tree.total[side][i];
  }
  return { total: [...total], self: [...self], callers: sortedPairs(callers), callees: sortedPairs(callees) };
}

/** For each other item, one place on for -1: the end of the last subtree its pair has, and what the pair has. */
function newPairs(tree) {
  const places = tree.itemCount + 1;
  return { covered: new Int32Array(places), met: [], ns: tree.total.map(() => new Float64Array(places)) };
}

function countPair(tree, pairs, other, node) {
  const place = other + 1;
  if (node < pairs.covered[place]) return;
  if (pairs.covered[place] === 0) pairs.met.push(other);
  pairs.covered[place] = tree.end[node];
  for (let side = 0; side < pairs.ns.length; side++) pairs.ns[side][place] += tree.total[side][node];
}

function sortedPairs(pairs) {
  const rows = pairs.met.map((item) => ({ item, ns: pairs.ns.map((column) => column[item + 1]) }));
  return rows.sort((a, b) => b.ns.at(-1) - a.ns.at(-1) || b.ns[0] - a.ns[0] || a.item - b.item);
}

/** The ns a side of all samples that have any frame of `mask`, which has one number an item, not 0 for those meant. */
export function inclusiveOf(tree, mask) {
  const found = tree.total.map(() => 0);
  for (let i = 0; i < tree.size; ) {
    if (!mask[tree.item[i]]) {
      i++;
      continue;
    }
    for (let side = 0; side < found.length; side++) found[side] += tree.total[side][i];
    i = tree.end[i];
  }
  return found;
}
