// The leaf-first picture: functions by exclusive weight, below each its callers; built only where somebody looks.
//
// Each frame stands for the tree's nodes ("origins") that end in the same chain of callers. Origins stand in one
// column, those of a frame next to each other, and `at` has how far up each of them was followed. To open a frame,
// its origins go one caller up and are sorted by that caller: no node of the tree is ever copied.

import { weighPicture } from "./picture.js";

/** The inverted picture of a tree; only its first level is open. See picture.js for its columns. */
export function leafFirst(tree) {
  const origin = originsOf(tree);
  const at = new Int32Array(origin.length);
  const scratch = { origin: new Int32Array(origin.length), at: new Int32Array(origin.length) };
  const count = new Int32Array(tree.itemCount); // of the origins of each caller, in `open`; else all 0
  const slot = new Int32Array(tree.itemCount); // of each caller in `met`, then its frame
  const from = [0];
  const to = [origin.length];
  const opened = [false];
  let weights = tree.total.map(() => 0);
  const picture = {
    order: "leaf",
    size: 1,
    parent: new Int32Array(64),
    depth: new Int32Array(64),
    item: new Int32Array(64).fill(-1),
    first: new Int32Array(64),
    next: new Int32Array(64),
    total: tree.sum.map((sum) => new Float64Array(64).fill(sum)),
    samples: tree.samples.map((count) => new Float64Array(64).fill(count)),
    value: new Float64Array(64),
    weigh(changed) {
      weights = changed;
      weighPicture(picture, weights);
    },
    isOpen: (node) => opened[node],
    open,
  };

  /** Make the callers of a frame; returns how many origins that took, 0 where it was open already. */
  function open(node) {
    if (opened[node]) return 0;
    opened[node] = true;
    const start = from[node];
    const stop = to[node];
    const met = [];
    for (let k = start; k < stop; k++) {
      at[k] = node === 0 ? origin[k] : tree.parent[at[k]];
      if (at[k] < 0) continue;
      const item = tree.item[at[k]];
      if (count[item]++ === 0) met.push(item);
    }
    if (met.length) addFrames(node, met, start, stop);
    return stop - start;
  }

  function addFrames(above, met, start, stop) {
    const base = picture.size;
    reserve(base + met.length);
    const work = new Float64Array(met.length);
    met.forEach((item, index) => {
      slot[item] = index;
    });
    for (let k = start; k < stop; k++) {
      if (at[k] < 0) continue;
      for (const column of tree.selfSamples) work[slot[tree.item[at[k]]]] += column[origin[k]];
    }
    met.sort((a, b) => work[slot[b]] - work[slot[a]] || a - b);
    let next = start;
    met.forEach((item, index) => {
      const node = base + index;
      picture.parent[node] = above;
      picture.depth[node] = picture.depth[above] + 1;
      picture.item[node] = item;
      picture.next[node] = index + 1 < met.length ? node + 1 : 0;
      opened[node] = false;
      from[node] = next;
      to[node] = next; // grows below
      next += count[item];
      count[item] = 0;
    });
    met.forEach((item, index) => {
      slot[item] = base + index;
    });
    picture.first[above] = base;
    picture.size = base + met.length;
    let last = next; // origins without a caller go behind all others
    for (let k = start; k < stop; k++) {
      const node = at[k] < 0 ? 0 : slot[tree.item[at[k]]];
      const target = node ? to[node]++ : last++;
      scratch.origin[target] = origin[k];
      scratch.at[target] = at[k];
      if (node) addWeights(node, origin[k]);
    }
    origin.set(scratch.origin.subarray(start, stop), start);
    at.set(scratch.at.subarray(start, stop), start);
    weighPicture(picture, weights, base);
  }

  function addWeights(node, leaf) {
    for (let side = 0; side < tree.self.length; side++) {
      picture.total[side][node] += tree.self[side][leaf];
      picture.samples[side][node] += tree.selfSamples[side][leaf];
    }
  }

  function reserve(size) {
    const had = picture.item.length;
    if (size <= had) return;
    const wider = (column) => {
      const copy = new column.constructor(Math.max(size, had * 2));
      copy.set(column);
      return copy;
    };
    for (const name of ["parent", "depth", "item", "first", "next", "value"]) picture[name] = wider(picture[name]);
    picture.total = picture.total.map((column) => wider(column));
    picture.samples = picture.samples.map((column) => wider(column));
  }

  for (const columns of [picture.total, picture.samples]) for (const column of columns) column.fill(0, 1);
  open(0);
  return picture;
}

/** The nodes that have weight of their own. */
function originsOf(tree) {
  const found = [];
  for (let node = 0; node < tree.size; node++) {
    if (tree.self.some((column) => column[node] > 0)) found.push(node);
  }
  return Int32Array.from(found);
}
