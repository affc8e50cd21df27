// The flame graph with its toolbar.

import { make, makeChoice, makeSearch } from "./elements.js";
import { createFlame } from "./flame.js";
import { formatShare } from "./format.js";

const ORDERS = [
  ["root", "root first"],
  ["leaf", "leaf first"],
];
const WIDTHS = [
  ["both", "both"],
  ["baseline", "baseline"],
  ["contender", "contender"],
];

/**
 * Fill `host` with the flame graph of an example. `pick(item)` is called for a function to be looked at,
 * `change({order, width, search})` where the user turns a knob. Returns {show(place), focusItem(item), flame,
 * destroy()}.
 */
export function createFlameView(host, loaded, why, { pick, change }) {
  if (loaded.tree === null || loaded.tree.size === 0) {
    const reason = loaded.tree === null ? why : "no sample of these runs has a stack.";
    host.replaceChildren(make("p", { class: "note" }, `No flame graph: ${reason}`));
    return { show: () => {}, focusItem: () => false, flame: null, destroy: () => {} };
  }
  const two = loaded.sides.length === 2;
  const order = makeChoice("Order", ORDERS, (value) => change({ order: value }));
  const width = makeChoice("Width", WIDTHS, (value) => change({ width: value }));
  const find = (text) => change({ search: text });
  const search = makeSearch("Search the flame graph", "search: words of module!function", find);
  const matched = make("output", { class: "count", role: "status" });
  const reset = make("button", { type: "button", class: "quiet", on: { click: () => flame.reset() } }, "Show all");
  const canvas = make("div", { class: "flame-host" });
  const bar = make("div", { class: "toolbar" }, order.element);
  if (two) bar.append(make("span", { class: "label" }, "width", width.element));
  bar.append(search.element, matched, reset);
  host.replaceChildren(bar, canvas);
  const flame = createFlame(canvas, { tree: loaded.tree, items: loaded.items, sides: loaded.sides, onPick: pick });
  let searched = "";
  const show = (place) => {
    order.set(place.order);
    width.set(place.width);
    flame.setOrder(place.order);
    if (two) flame.setWidth(place.width);
    if (document.activeElement !== search.input) search.input.value = place.search;
    if (place.search !== searched) {
      searched = place.search;
      matched.textContent = matchedText(flame.search(searched).matched, loaded.sides, searched);
    }
    flame.resize();
  };
  return { show, focusItem: (item) => flame.focusItem(item), flame, destroy: () => flame.destroy() };
}

/** "matched 12.3 %", of each side where there are two. */
export function matchedText(matched, sides, text) {
  if (text.trim() === "") return "";
  if (sides.length === 1) return `matched ${formatShare(matched[0])}`;
  return `matched ${matched.map((share, side) => `${formatShare(share)} of ${sides[side].label}`).join(", ")}`;
}
