// The flame graph of one example: a canvas that can be zoomed, searched and walked, with its legend and tooltip.

import { FlameGraph } from "./flame_graph.js";

/**
 * Draw the tree into an empty element; see the methods of the object returned for what it can do.
 *
 * `items` are [module, function], `sides` one {label, runs} or baseline and contender. `onPick(item)` is called when a
 * function is picked to be looked at elsewhere, `onState({order, width, item})` when one of these changes: item is that
 * of the frame zoomed to, -1 for the program.
 */
export function createFlame(host, { tree, items, sides, onPick = () => {}, onState = () => {} }) {
  const graph = new FlameGraph(host, tree, items, sides, onPick, onState);
  return {
    /** Show "root" or "leaf" first. */
    setOrder: (order) => graph.setOrder(order),
    /** Let width show the ms a run of "baseline", "contender" or "both" (the mean). */
    setWidth: (width) => graph.setWidth(width),
    /** Highlight frames whose name has all words; returns {matched: share of each side's work with such a frame}. */
    search: (text) => graph.search(text),
    /** Zoom to the widest frame of a function; returns whether there is one. */
    focusItem: (item) => graph.focusItem(item),
    reset: () => graph.reset(),
    /** Take the size of the element and of the window anew, as after the element was hidden. */
    resize: () => graph.resize(),
    /** Zoom in and out as a script says, `frames` frames long: {frames, drawMs, frameMs}, one number a frame. */
    measure: (frames = 240) => graph.measure(frames),
    destroy: () => graph.destroy(),
  };
}
