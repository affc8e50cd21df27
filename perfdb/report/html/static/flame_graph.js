// What is looked at in a flame graph: picture, view, selection, search; and how it answers to input.
//
// Input comes from flame_input.js, drawing is in flame_canvas.js.

import { FlameCanvas } from "./flame_canvas.js";
import { ROW_HEIGHT } from "./flame_draw.js";
import { flameElement, flameHelp, flameLegend, flameTooltip } from "./flame_elements.js";
import { listenToKeys, listenToPointers } from "./flame_input.js";
import { measureZoom } from "./flame_measure.js";
import { matchingItems } from "./flame_search.js";
import { dustFacts, frameFacts, frameSentence, widthSentence } from "./flame_words.js";
import { leafFirst } from "./inverted.js";
import { hiddenNs, rootFirst, widthWeights } from "./picture.js";
import { inclusiveOf } from "./tree.js";
import { clampView, easedPart, panView, viewBetween, WHOLE_VIEW, zoomView } from "./view.js";
import { besideOf, spanOf, widestBelow, widestOf } from "./walk.js";

const ZOOM_MS = 220;
/** Rows above a frame that stay in sight when it is zoomed to. */
const ROWS_ABOVE = 3;
const NOTHING_SELECTED = "No frame is selected.";

let flameCount = 0; // for ids

/** The graph of a tree in a host element; `createFlame` in flame.js says what it is given and can do. */
export class FlameGraph {
  constructor(host, tree, items, sides, onPick, onState) {
    Object.assign(this, { host, tree, items, sides, onPick, onState });
    this.pictures = {};
    this.order = "root";
    this.width = "both";
    this.view = WHOLE_VIEW;
    this.focused = 0; // the frame zoomed to
    this.selected = null; // {node, merged, depth, lo, hi}, as is `hovered`
    this.hovered = null;
    this.mask = null;
    this.move = null; // a zoom that is under way
    this.scheduled = 0;
    this.build();
    this.area.readTheme(host);
    this.listen();
    this.usePicture();
    this.area.fit();
  }

  build() {
    const id = `flame-help-${++flameCount}`;
    this.area = new FlameCanvas(this.tree, this.items, this.sides);
    this.legend = flameLegend(this.sides, this.modules());
    this.tooltip = flameTooltip(this.sides);
    this.canvas = this.area.canvas;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-describedby", id);
    this.said = flameElement("p", "flame-said");
    this.said.setAttribute("aria-live", "polite");
    this.pick = flameElement("button", "flame-pick", "Callers and callees");
    this.pick.type = "button";
    const status = flameElement("div", "flame-status", this.said, this.pick);
    this.host.classList.add("flame");
    this.host.replaceChildren(
      this.legend.element,
      this.area.scroller,
      status,
      flameHelp(id),
      this.tooltip.element,
    );
  }

  /** The modules with the most exclusive weight, the first first. */
  modules() {
    const { tree, items } = this;
    const weights = new Map();
    for (let node = 0; node < tree.size; node++) {
      const [module] = items[tree.item[node]];
      weights.set(module, (weights.get(module) ?? 0) + tree.self[0][node]);
    }
    return [...weights].sort((a, b) => b[1] - a[1]).map(([module]) => module);
  }

  listen() {
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    const actions = {
      hover: (x, y, clientX, clientY) => this.hover(x, y, clientX, clientY),
      leave: () => this.leave(),
      click: (x, y) => this.click(x, y),
      pickAt: (x, y) => this.pickFrame(this.area.frameAt(x, y, this.view)),
      pickSelected: () => this.pickFrame(this.selected),
      zoom: (factor, x) => this.zoom(factor, x / this.area.width),
      zoomSelected: (factor) => this.zoomSelected(factor),
      drag: (dx, dy) => this.drag(dx, dy),
      walk: (where) => this.walk(where),
      enter: () => this.selected && this.zoomTo(this.selected),
      reset: () => this.reset(),
    };
    listenToPointers(this.canvas, actions, signal);
    listenToKeys(this.canvas, actions, signal);
    this.canvas.addEventListener("blur", () => this.leave(), { signal });
    this.pick.addEventListener("click", () => this.pickFrame(this.selected), { signal });
    this.area.scroller.addEventListener("scroll", () => this.scrolled(), { signal });
    window.addEventListener("resize", () => this.resize(), { signal });
    const retheme = () => {
      this.area.readTheme(this.host);
      this.describeWidth();
      this.draw();
    };
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme, { signal });
    window.matchMedia("print").addEventListener("change", retheme, { signal });
    this.themes = new MutationObserver(retheme);
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.sizes = new ResizeObserver(() => this.requestDraw());
    this.sizes.observe(this.area.scroller);
  }

  usePicture() {
    this.pictures[this.order] ??= this.order === "root" ? rootFirst(this.tree) : leafFirst(this.tree);
    this.picture = this.pictures[this.order];
    this.picture.weigh(widthWeights(this.width, this.tree.runs));
    this.move = null;
    this.view = WHOLE_VIEW;
    this.focused = 0;
    this.area.forgetRows();
    this.area.top = 0;
    this.leave();
    this.select(null);
    this.canvas.setAttribute("aria-label", `Flame graph, ${this.order === "root" ? "root first" : "leaf first"}`);
    this.describeWidth();
  }

  describeWidth() {
    const side = this.width === "contender" ? 1 : 0;
    const shown = this.sides.length === 2 && this.width !== "both";
    const hidden = shown ? hiddenNs(this.tree, this.order, side) / this.tree.runs[1 - side] / 1e6 : 0;
    this.legend.update(this.area.palette, widthSentence(this.order, this.width, this.sides, hidden));
  }

  setOrder(order) {
    if (order === this.order) return;
    this.order = order;
    this.usePicture();
    this.tellState();
  }

  setWidth(width) {
    if (width === this.width || this.sides.length === 1) return;
    this.width = width;
    this.usePicture();
    this.tellState();
  }

  tellState() {
    this.onState({ order: this.order, width: this.width, item: this.picture.item[this.focused] });
  }

  search(text) {
    this.mask = matchingItems(this.items, text);
    this.requestDraw();
    const { mask, tree } = this;
    const found = mask === null ? tree.sum.map(() => 0) : inclusiveOf(tree, mask);
    return { matched: found.map((ns, side) => (tree.sum[side] > 0 ? ns / tree.sum[side] : 0)) };
  }

  focusItem(item) {
    const node = widestOf(this.picture, item);
    if (node === 0) return false;
    this.select(this.frameOf(node));
    this.zoomTo(this.selected);
    return true;
  }

  reset() {
    this.select(null);
    this.zoomTo(this.frameOf(0));
  }

  resize() {
    this.leave();
    this.area.forgetRows();
    this.requestDraw();
  }

  async measure(frames) {
    const result = await measureZoom(this.picture, frames, (view) => {
      this.move = null;
      this.area.draw(this.picture, view, this.mask, this.selected, this.hovered, false);
    });
    this.requestDraw();
    return result;
  }

  destroy() {
    this.stopping.abort();
    this.themes.disconnect();
    this.sizes.disconnect();
    cancelAnimationFrame(this.scheduled);
    this.scheduled = -1; // and no other is asked for
    this.host.classList.remove("flame");
    this.host.replaceChildren();
  }

  // frames

  frameOf(node) {
    return { node, merged: 0, depth: this.picture.depth[node], ...spanOf(this.picture, node) };
  }

  factsOf(frame) {
    if (frame.merged) return dustFacts(this.picture, this.tree, frame.node, frame.merged);
    return frameFacts(this.picture, this.tree, this.items, this.sides, frame.node);
  }

  select(frame) {
    this.selected = frame;
    this.said.textContent = frame === null ? NOTHING_SELECTED : frameSentence(this.factsOf(frame), this.sides);
    this.pick.hidden = frame === null || frame.merged > 0 || frame.node === 0;
    this.requestDraw();
  }

  pickFrame(frame) {
    if (frame !== null && frame.merged === 0 && frame.node !== 0) this.onPick(this.picture.item[frame.node]);
  }

  // looking around

  hover(x, y, clientX, clientY) {
    const frame = this.area.frameAt(x, y, this.view);
    if (frame === null) {
      this.leave();
      return;
    }
    const { hovered } = this;
    if (hovered === null || frame.node !== hovered.node || frame.merged !== hovered.merged) {
      this.hovered = frame;
      this.tooltip.show(this.factsOf(frame));
      this.requestDraw();
    }
    this.tooltip.place(clientX, clientY);
  }

  leave() {
    this.tooltip.hide();
    if (this.hovered !== null) this.requestDraw();
    this.hovered = null;
  }

  click(x, y) {
    const frame = this.area.frameAt(x, y, this.view);
    if (frame === null) return;
    this.select(frame);
    this.zoomTo(frame);
  }

  zoom(factor, anchor) {
    this.look(zoomView(this.view, factor, anchor));
  }

  zoomSelected(factor) {
    const { view, selected } = this;
    const middle = selected === null ? (view.lo + view.hi) / 2 : (selected.lo + selected.hi) / 2;
    this.zoom(factor, Math.min(1, Math.max(0, (middle - view.lo) / (view.hi - view.lo))));
  }

  /** Move what is looked at by CSS pixels; returns whether it moved sideways. */
  drag(dx, dy) {
    const before = this.view;
    this.look(panView(before, dx / this.area.width));
    if (dy !== 0) this.area.top += dy;
    return before.lo !== this.view.lo;
  }

  look(view) {
    this.move = null;
    this.view = view;
    this.leave();
    this.requestDraw();
  }

  scrolled() {
    if (this.move === null && this.hovered !== null) this.leave();
    this.requestDraw();
  }

  walk(where) {
    const { picture } = this;
    const from = this.selected === null || this.selected.merged ? this.focused : this.selected.node;
    const steps = {
      home: () => 0,
      up: () => picture.parent[from],
      down: () => widestBelow(picture, from) || from,
      left: () => besideOf(picture, from, -1) || from,
      right: () => besideOf(picture, from, 1) || from,
    };
    if (this.move !== null) this.finishMove();
    this.leave();
    this.select(this.frameOf(steps[where]()));
    this.reveal(this.selected);
    this.draw();
    const { x, y } = this.area.cornerOf(this.selected, this.view);
    this.tooltip.show(this.factsOf(this.selected));
    this.tooltip.place(x, y - ROW_HEIGHT / 2);
  }

  /** Move only as far as it takes to have a frame in sight. */
  reveal(frame) {
    const { view } = this;
    const covers = frame.lo <= view.lo && frame.hi >= view.hi;
    const inside = frame.lo >= view.lo - 1e-12 && frame.hi <= view.hi + 1e-12;
    if (!covers && !inside) {
      const wide = Math.max(view.hi - view.lo, frame.hi - frame.lo);
      const middle = (frame.lo + frame.hi) / 2;
      this.look(clampView(middle - wide / 2, middle + wide / 2));
    }
    this.area.revealRow(frame.depth);
  }

  zoomTo(frame) {
    const { area, picture } = this;
    this.focused = frame.merged ? picture.parent[frame.node] : frame.node;
    this.leave();
    const view = clampView(frame.lo, frame.hi);
    const rows = area.deepestOf(picture, view) + 1;
    const row = area.top / ROW_HEIGHT;
    const near = frame.depth >= row && frame.depth <= row + area.shownRows / 2;
    const lowest = Math.max(0, rows - area.shownRows);
    const topTo = ROW_HEIGHT * Math.max(0, Math.min(lowest, near ? row : frame.depth - ROWS_ABOVE));
    this.move = { from: this.view, to: view, topFrom: area.top, topTo, start: -1 };
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) this.finishMove();
    this.requestDraw();
    this.tellState();
  }

  finishMove() {
    this.view = this.move.to;
    this.area.top = this.move.topTo;
    this.move = null;
  }

  advance(now) {
    const { move } = this;
    if (move.start < 0) move.start = now;
    const part = easedPart((now - move.start) / ZOOM_MS);
    if (part >= 1) {
      this.finishMove();
      return;
    }
    this.view = viewBetween(move.from, move.to, part);
    this.area.top = move.topFrom + (move.topTo - move.topFrom) * part;
    this.requestDraw();
  }

  requestDraw() {
    if (this.scheduled !== 0) return;
    this.scheduled = requestAnimationFrame((now) => {
      this.scheduled = 0;
      if (this.move !== null) this.advance(now);
      this.draw();
    });
  }

  draw() {
    const still = this.move === null;
    if (this.area.draw(this.picture, this.view, this.mask, this.selected, this.hovered, still)) this.requestDraw();
  }
}
