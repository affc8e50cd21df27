// The part of the program that is looked at, as {lo, hi}, fractions of it: zoomed, panned, and how one becomes another.

/** No zoom goes further: 1,280 pixels of this width are still well apart in double precision. */
export const NARROWEST_VIEW = 1e-10;

export const WHOLE_VIEW = Object.freeze({ lo: 0, hi: 1 });

/** The nearest view of the same width that lies in the program; no wider than it and no narrower than the narrowest. */
export function clampView(lo, hi) {
  const width = Math.min(1, Math.max(NARROWEST_VIEW, hi - lo));
  const middle = (lo + hi) / 2;
  const start = Math.min(1 - width, Math.max(0, middle - width / 2));
  return { lo: start, hi: start + width };
}

/** The view made `factor` times wider, what is at fraction `anchor` of it staying there. */
export function zoomView(view, factor, anchor) {
  const width = view.hi - view.lo;
  const changed = Math.min(1, Math.max(NARROWEST_VIEW, width * factor));
  const lo = view.lo + anchor * (width - changed);
  return clampView(lo, lo + changed);
}

/** The view moved by a fraction of its own width. */
export function panView(view, by) {
  const step = by * (view.hi - view.lo);
  return clampView(view.lo + step, view.hi + step);
}

/**
 * The view at `part` (0 to 1) of the way: widths change by equal factors in equal times, about the place that both
 * views show at the same fraction; views of about the same width slide.
 */
export function viewBetween(a, b, part) {
  if (part <= 0) return a;
  if (part >= 1) return b;
  const before = a.hi - a.lo;
  const after = b.hi - b.lo;
  const factor = after / before;
  const fixed = (a.lo * after - b.lo * before) / (after - before);
  if (Math.abs(Math.log(factor)) < 0.05 || !(fixed >= 0 && fixed <= 1)) {
    return { lo: a.lo + (b.lo - a.lo) * part, hi: a.hi + (b.hi - a.hi) * part };
  }
  const scale = factor ** part;
  const lo = fixed - (fixed - a.lo) * scale;
  return { lo, hi: lo + before * scale };
}

/** Quick first, then slower: how far along a move is when `part` of its time has passed. */
export function easedPart(part) {
  return part >= 1 ? 1 : 1 - (1 - part) ** 3;
}
