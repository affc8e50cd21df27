// Which frames are to be seen, and where: from the program down, past all that is out of view or too narrow to draw.

/** Frames narrower than this many CSS pixels are drawn together, as dust. */
export const NARROWEST_FRAME = 0.5;
/** Frames narrower than this many CSS pixels are not opened: what is below them would not be seen. */
const NARROWEST_OPENED = 1;
/** To open a frame takes as long as to sort so many origins, besides those it has. */
const OPENING_COST = 50;

/**
 * Frames found by `layOut`, as columns that are used again: node, depth, lo and hi (fractions of the program), merged
 * (0 for a frame; for dust how many frames it stands for, `node` then being the first of them), matched (0 or 1).
 * `deepest` is the greatest depth that has anything in view.
 */
export class VisibleFrames {
  constructor() {
    this.count = 0;
    this.deepest = 0;
    this.node = new Int32Array(0);
    this.depth = new Int32Array(0);
    this.merged = new Int32Array(0);
    this.matched = new Uint8Array(0);
    this.lo = new Float64Array(0);
    this.hi = new Float64Array(0);
    this.stack = new Int32Array(1024);
    this.starts = new Float64Array(1024);
    this.grow(1024);
  }

  grow(capacity) {
    for (const name of ["node", "depth", "merged", "matched", "lo", "hi"]) this[name] = copyOf(this[name], capacity);
  }

  growStack() {
    this.stack = copyOf(this.stack, this.stack.length * 2);
    this.starts = copyOf(this.starts, this.starts.length * 2);
  }

  add(node, depth, lo, hi, merged, matched) {
    if (this.count === this.node.length) this.grow(this.count * 2);
    const at = this.count++;
    this.node[at] = node;
    this.depth[at] = depth;
    this.lo[at] = lo;
    this.hi[at] = hi;
    this.merged[at] = merged;
    this.matched[at] = matched;
  }

  /** The row of these columns that has the frame at a depth and a fraction of the program; -1 where there is none. */
  find(depth, place) {
    for (let at = 0; at < this.count; at++) {
      if (this.depth[at] === depth && this.lo[at] <= place && place < this.hi[at]) return at;
    }
    return -1;
  }
}

function copyOf(column, capacity) {
  const copy = new column.constructor(capacity);
  copy.set(column);
  return copy;
}

/**
 * Find the frames in `view` ({lo, hi}: fractions of the program) on `width` CSS pixels, at depths `from` to `to`.
 *
 * `mask` has one number an item, not 0 where it matches a search; null for no search. With `deep`, `out.deepest` looks
 * below `to` as well. Allocates nothing unless `out` has to grow.
 */
export function layOut(picture, view, width, from, to, mask, deep, out) {
  const { first, next, value, item, depth } = picture;
  const total = value[0];
  out.count = 0;
  out.deepest = 0;
  if (!(total > 0)) return;
  const low = view.lo * total;
  const high = view.hi * total;
  const narrow = (NARROWEST_FRAME * (high - low)) / width;
  if (from <= 0) out.add(0, 0, 0, 1, 0, 0);
  let waiting = 1;
  out.stack[0] = 0;
  out.starts[0] = 0;
  while (waiting > 0) {
    waiting--;
    const above = out.stack[waiting];
    const level = depth[above] + 1;
    if (level > to && !deep) continue;
    const drawn = level >= from && level <= to;
    let x = out.starts[waiting];
    let merged = 0;
    let dust = 0; // its first frame, where it begins, and whether any matches
    let dustLow = 0;
    let dustMatched = 0;
    let place = x;
    for (let node = first[above]; node !== 0; node = next[node]) {
      const wide = value[node];
      if (wide <= 0) continue;
      place = x;
      x += wide;
      if (x <= low) continue;
      if (place >= high) break;
      const matched = mask !== null && mask[item[node]] ? 1 : 0;
      if (wide < narrow) {
        if (merged === 0) {
          dust = node;
          dustLow = place;
          dustMatched = 0;
        }
        merged++;
        dustMatched |= matched;
        continue;
      }
      if (merged > 0) {
        if (drawn) out.add(dust, level, dustLow / total, place / total, merged, dustMatched);
        merged = 0;
      }
      if (drawn) out.add(node, level, place / total, x / total, 0, matched);
      if (level > out.deepest) out.deepest = level;
      if (first[node] === 0) continue;
      if (waiting === out.stack.length) out.growStack();
      out.stack[waiting] = node;
      out.starts[waiting++] = place;
    }
    if (merged > 0) {
      if (drawn) out.add(dust, level, dustLow / total, Math.min(x, high) / total, merged, dustMatched);
      if (level > out.deepest) out.deepest = level;
    }
  }
}

/**
 * Open the frames of a lazy picture that are wide enough to be seen in `view`, at most about `budget` origins at once.
 *
 * Returns whether some are left for the next call. `out` lends its stack.
 */
export function openVisible(picture, view, width, budget, out) {
  const total = picture.value[0];
  if (!(total > 0)) return false;
  const low = view.lo * total;
  const high = view.hi * total;
  const narrow = (NARROWEST_OPENED * (high - low)) / width;
  let spent = 0;
  let waiting = 1; // level by level, so that what is on top is there first
  out.stack[0] = 0;
  out.starts[0] = 0;
  for (let turn = 0; turn < waiting; turn++) {
    let x = out.starts[turn];
    for (let node = picture.first[out.stack[turn]]; node !== 0; node = picture.next[node]) {
      const place = x;
      x += picture.value[node];
      if (x <= low || picture.value[node] < narrow) continue;
      if (place >= high) break;
      if (!picture.isOpen(node)) {
        if (spent > budget) return true;
        spent += picture.open(node) + OPENING_COST;
      }
      if (picture.first[node] === 0) continue;
      if (waiting === out.stack.length) out.growStack();
      out.stack[waiting] = node;
      out.starts[waiting++] = place;
    }
  }
  return false;
}
