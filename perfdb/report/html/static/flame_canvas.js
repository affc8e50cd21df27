// The canvas of a flame graph in its scroller: its size, its colours, and drawing a part of a picture onto it.

import { changeShade, flamePalette, MODULE_HUES, moduleShade, PLAIN_THEME } from "./colors.js";
import { FrameDrawer, ROW_HEIGHT } from "./flame_draw.js";
import { flameElement } from "./flame_elements.js";
import { fullName } from "./flame_search.js";
import { flameMs } from "./flame_words.js";
import { LabelFitter } from "./labels.js";
import { layOut, openVisible, VisibleFrames } from "./layout.js";

const FEWEST_ROWS = 6;
/** Of the window's height at most this much is graph, and at most so many rows; deeper graphs scroll. */
const GREATEST_PART = 0.7;
const MOST_ROWS = 45;
/** Origins that a leaf-first picture may sort in one frame, so that a frame stays short. */
const OPEN_BUDGET = 40000;

/**
 * A canvas for the trees of some items and sides.
 *
 * The canvas is as high as the rows shown and stays in place while its scroller, with a stage as high as all rows,
 * scrolls past it: no canvas is ever larger than the window.
 */
export class FlameCanvas {
  constructor(tree, items, sides) {
    Object.assign(this, { tree, items });
    this.itemShades = sides.length === 1 ? Uint8Array.from(items, (item) => moduleShade(item[0], item[1])) : null;
    this.canvas = flameElement("canvas", "flame-canvas", "Flame graph");
    this.stage = flameElement("div", "flame-stage", this.canvas);
    this.scroller = flameElement("div", "flame-scroller", this.stage);
    this.drawer = new FrameDrawer(this.canvas.getContext("2d", { alpha: false }));
    this.visible = new VisibleFrames();
    this.shownRows = FEWEST_ROWS;
    this.stageRows = 0;
    this.width = 1;
    this.scene = {
      visible: this.visible,
      shadeOf: (node) => this.shadeOf(node),
      markOf: (node) => this.markOf(node),
      nameOf: (node, room) => this.nameOf(node, room),
    };
  }

  /** Read the colours and the font that the style sheets give to an element. */
  readTheme(element) {
    const style = getComputedStyle(element);
    const theme = {};
    for (const name of Object.keys(PLAIN_THEME)) theme[name] = style.getPropertyValue(`--flame-${name}`);
    this.palette = flamePalette(theme, this.tree.runs.length);
    this.font = style.getPropertyValue("--flame-font").trim() || "12px monospace";
    const { context } = this.drawer;
    this.labels = new LabelFitter((text) => {
      context.font = this.font;
      return context.measureText(text).width;
    });
  }

  get height() {
    return this.shownRows * ROW_HEIGHT;
  }

  get top() {
    return this.scroller.scrollTop;
  }

  set top(pixels) {
    if (Math.round(pixels) !== Math.round(this.scroller.scrollTop)) this.scroller.scrollTop = pixels;
  }

  /** Forget how high the graph was: it takes the height of what it shows next. */
  forgetRows() {
    this.shownRows = FEWEST_ROWS;
  }

  /** Fit the canvas to its place: CSS pixels of the scroller, device pixels of the screen. */
  fit() {
    const ratio = window.devicePixelRatio || 1;
    setHeight(this.scroller, this.height);
    this.width = Math.max(1, this.canvas.getBoundingClientRect().width); // may end between two pixels
    const wide = Math.round(this.width * ratio);
    const high = Math.round(this.height * ratio);
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
      setHeight(this.canvas, this.height);
    }
    this.scene.ratio = ratio;
  }

  /**
   * Draw a picture: `view` of it, with what matches `mask` (null: no search), and what is selected and hovered.
   *
   * While something moves, rows out of sight are not looked at; when it is `still` the graph gets the height it needs.
   * Returns whether there is more to draw, in another frame.
   */
  draw(picture, view, mask, selected, hovered, still) {
    this.fit();
    const more = picture.order === "leaf" && openVisible(picture, view, this.width, OPEN_BUDGET, this.visible);
    this.drawRows(picture, view, mask, selected, hovered, still);
    if (still && this.fitRows()) {
      this.fit();
      this.drawRows(picture, view, mask, selected, hovered, true);
    }
    return more;
  }

  drawRows(picture, view, mask, selected, hovered, still) {
    const { scene, top, height } = this;
    const to = Math.floor((top + height - 1) / ROW_HEIGHT);
    layOut(picture, view, this.width, Math.floor(top / ROW_HEIGHT), to, mask, still, this.visible);
    this.picture = picture;
    scene.view = view;
    scene.width = this.width;
    scene.height = height;
    scene.top = top;
    scene.palette = this.palette;
    scene.font = this.font;
    scene.searched = mask !== null;
    scene.selected = selected;
    scene.hovered = hovered;
    this.drawer.draw(scene);
  }

  /** The depth of what `view` has in its lowest row; the stage becomes at least that high. */
  deepestOf(picture, view) {
    layOut(picture, view, this.width, 0, 0, null, true, this.visible);
    this.growStage(this.visible.deepest + 1);
    return this.visible.deepest;
  }

  /** As many rows as there are, up to a part of the window; never fewer than before. Returns whether there are more. */
  fitRows() {
    const rows = this.visible.deepest + 1;
    const most = Math.min(MOST_ROWS, Math.floor((window.innerHeight * GREATEST_PART) / ROW_HEIGHT));
    const had = this.shownRows;
    this.shownRows = Math.max(had, Math.min(rows, most));
    this.stageRows = Math.max(rows, this.shownRows);
    setHeight(this.stage, this.stageRows * ROW_HEIGHT);
    return had !== this.shownRows;
  }

  growStage(rows) {
    if (rows <= this.stageRows) return;
    this.stageRows = rows;
    setHeight(this.stage, rows * ROW_HEIGHT);
  }

  /** Scroll just as far as it takes to have a row in sight, and one beside it. */
  revealRow(depth) {
    this.growStage(depth + 1);
    const y = depth * ROW_HEIGHT;
    if (y < this.top + ROW_HEIGHT) this.top = y - ROW_HEIGHT;
    else if (y + 2 * ROW_HEIGHT > this.top + this.height) this.top = y + 2 * ROW_HEIGHT - this.height;
  }

  /** What was drawn at a place in CSS pixels: {node, merged, depth, lo, hi}, or null. */
  frameAt(x, y, view) {
    const place = view.lo + (x / this.width) * (view.hi - view.lo);
    const at = this.visible.find(Math.floor((y + this.top) / ROW_HEIGHT), place);
    if (at < 0) return null;
    const { node, merged, depth, lo, hi } = this.visible;
    return { node: node[at], merged: merged[at], depth: depth[at], lo: lo[at], hi: hi[at] };
  }

  /** The lower left corner of what is in sight of a frame, in pixels of the window. */
  cornerOf(frame, view) {
    const box = this.canvas.getBoundingClientRect();
    const x = ((frame.lo - view.lo) / (view.hi - view.lo)) * this.width;
    const y = (frame.depth + 1) * ROW_HEIGHT - this.top;
    return { x: box.left + Math.min(this.width, Math.max(0, x)), y: box.top + y };
  }

  shadeOf(node) {
    const { picture, tree } = this;
    if (this.itemShades !== null) return node === 0 ? MODULE_HUES : this.itemShades[picture.item[node]];
    const [baseline, contender] = picture.total;
    const [before, after] = picture.samples;
    return changeShade(baseline[node], contender[node], before[node], after[node], tree.runs[0], tree.runs[1]);
  }

  markOf(node) {
    if (this.itemShades !== null) return 0;
    const { total } = this.picture;
    if (total[0][node] === 0) return 1;
    return total[1][node] === 0 ? 2 : 0;
  }

  /** "module!function" where that fits, else of the function what fits. */
  nameOf(node, room) {
    if (node === 0) return this.labels.fit(`all call paths: ${flameMs(this.picture.value[0])} a run`, room);
    const item = this.items[this.picture.item[node]];
    const full = fullName(item);
    if (item[1] === "<unresolved>" || this.labels.widthOf(full) <= room) return this.labels.fit(full, room);
    return this.labels.fit(item[1], room);
  }
}

function setHeight(element, pixels) {
  const height = `${pixels}px`;
  if (element.style.height !== height) element.style.height = height;
}
