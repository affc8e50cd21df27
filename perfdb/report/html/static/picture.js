// What the flame graph draws: frames as first child and next sibling, frame 0 the whole program, 0 also "no frame".
//
// A picture has the columns parent, depth, item (-1 for the program), first, next, and a side total and samples
// (inclusive). `value` is what width shows, after `weigh`. The leaf-first picture is in inverted.js.

/** The tree as it is: the program on top, below each function what it calls, in the tree's order. */
export function rootFirst(tree) {
  const size = tree.size + 1;
  const picture = {
    order: "root",
    size,
    parent: new Int32Array(size),
    depth: new Int32Array(size),
    item: new Int32Array(size).fill(-1),
    first: new Int32Array(size),
    next: new Int32Array(size),
    total: tree.total.map((column, side) => behind(tree.sum[side], column)),
    samples: tree.totalSamples.map((column, side) => behind(tree.samples[side], column)),
    value: new Float64Array(size),
    weigh(weights) {
      weighPicture(picture, weights);
    },
    isOpen: () => true,
    open: () => 0,
  };
  picture.depth.set(tree.depth, 1);
  picture.item.set(tree.item, 1);
  if (tree.size) picture.first[0] = 1;
  for (let node = 0; node < tree.size; node++) {
    const above = tree.parent[node];
    picture.parent[node + 1] = above + 1;
    if (node + 1 < tree.end[node]) picture.first[node + 1] = node + 2;
    if (tree.end[node] < (above < 0 ? tree.size : tree.end[above])) picture.next[node + 1] = tree.end[node] + 1;
  }
  return picture;
}

function behind(head, column) {
  const joined = new Float64Array(column.length + 1);
  joined[0] = head;
  joined.set(column, 1);
  return joined;
}

/** Set what width shows: the weighted sum of the sides, from frame `from` on. */
export function weighPicture(picture, weights, from = 0) {
  const { value, total, size } = picture;
  for (let node = from; node < size; node++) {
    let sum = 0;
    for (let side = 0; side < weights.length; side++) sum += weights[side] * total[side][node];
    value[node] = sum;
  }
}

/** Weights for ms a run of "baseline", of "contender", or the mean of "both"; those of one side alone are its own. */
export function widthWeights(width, runs) {
  const share = (side) => {
    if (runs.length === 1) return 1;
    if (width === "both") return 0.5;
    return side === (width === "contender" ? 1 : 0) ? 1 : 0;
  };
  return runs.map((count, side) => share(side) / count / 1e6);
}

/**
 * The ns of the other side that have no width where width shows `side` only: those of call paths it has not.
 *
 * Root first, a path is seen if any sample of `side` is on it or below; leaf first, if any is exactly on it.
 */
export function hiddenNs(tree, order, side) {
  const shown = order === "root" ? tree.total[side] : tree.self[side];
  const other = tree.self[1 - side];
  let hidden = 0;
  for (let node = 0; node < tree.size; node++) if (shown[node] === 0) hidden += other[node];
  return hidden;
}
