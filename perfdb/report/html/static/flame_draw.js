// Drawing what `layOut` found onto a canvas: one pass a colour, then marks, then the names that fit.

/** Height of a row of frames in CSS pixels, the line between rows included. */
export const ROW_HEIGHT = 20;
/** Narrower frames have no name, no pattern and no gap to the next, in CSS pixels. */
const NARROWEST_NAMED = 44;
const NARROWEST_MARKED = 8;
const NARROWEST_SPACED = 3;
const TEXT_INSET = 4;

/**
 * A drawer for one canvas context; it keeps its columns from frame to frame.
 *
 * The scene it is given has: visible, view, width, height and top (of what is scrolled to) in CSS pixels, ratio (device
 * pixels a CSS pixel), palette, shadeOf(node) and markOf(node) (0 none, 1 new, 2 vanished), nameOf(node, room),
 * font, searched (whether `visible.matched` counts), selected and hovered (null or {depth, lo, hi}).
 */
export class FrameDrawer {
  constructor(context) {
    this.context = context;
    this.key = new Uint16Array(0);
    this.order = new Int32Array(0);
    this.left = new Float64Array(0);
    this.wide = new Float64Array(0);
    this.starts = new Int32Array(0);
    this.pattern = null;
    this.patternOf = "";
  }

  draw(scene) {
    const { context } = this;
    const { visible, palette } = scene;
    context.setTransform(scene.ratio, 0, 0, scene.ratio, 0, 0);
    context.fillStyle = palette.surface;
    context.fillRect(0, 0, scene.width, scene.height);
    if (visible.count > this.key.length) this.reserve(visible.node.length);
    this.place(scene);
    this.sortByColor(scene);
    this.fill(scene);
    this.drawMarks(scene);
    this.drawNames(scene);
    this.outline(scene, scene.hovered, 1);
    this.outline(scene, scene.selected, 2);
  }

  reserve(capacity) {
    this.key = new Uint16Array(capacity);
    this.order = new Int32Array(capacity);
    this.left = new Float64Array(capacity);
    this.wide = new Float64Array(capacity);
  }

  /** Where each frame lies in CSS pixels, on whole device pixels, and cut to the canvas. */
  place({ visible, view, width, ratio }) {
    const scale = width / (view.hi - view.lo);
    for (let at = 0; at < visible.count; at++) {
      const left = Math.max(-2, (visible.lo[at] - view.lo) * scale);
      const right = Math.min(width + 2, (visible.hi[at] - view.lo) * scale);
      const start = Math.round(left * ratio) / ratio;
      this.left[at] = start;
      this.wide[at] = Math.max(1 / ratio, Math.round(right * ratio) / ratio - start);
    }
  }

  /** Rows of `visible` in the order of their colours: shades, muted shades, dust, muted dust. */
  sortByColor({ visible, palette, shadeOf, searched }) {
    const shades = palette.fills.length;
    if (this.starts.length !== 2 * shades + 3) this.starts = new Int32Array(2 * shades + 3);
    const { starts, key, order } = this;
    starts.fill(0);
    for (let at = 0; at < visible.count; at++) {
      const muted = searched && visible.matched[at] === 0;
      key[at] = visible.merged[at]
        ? 2 * shades + (muted ? 1 : 0)
        : shadeOf(visible.node[at]) + (muted ? shades : 0);
      starts[key[at] + 1]++;
    }
    for (let color = 1; color < starts.length; color++) starts[color] += starts[color - 1];
    for (let at = 0; at < visible.count; at++) order[starts[key[at]]++] = at;
  }

  fill({ visible, palette, top }) {
    const { context, key, order, left, wide } = this;
    const shades = palette.fills.length;
    let color = -1;
    for (let row = 0; row < visible.count; row++) {
      const at = order[row];
      if (key[at] !== color) {
        color = key[at];
        if (color < shades) context.fillStyle = palette.fills[color];
        else if (color < 2 * shades) context.fillStyle = palette.muted[color - shades];
        else context.fillStyle = color === 2 * shades ? palette.dust : palette.dustMuted;
      }
      const gap = wide[at] > NARROWEST_SPACED ? 1 : 0;
      context.fillRect(left[at], visible.depth[at] * ROW_HEIGHT - top, wide[at] - gap, ROW_HEIGHT - 1);
    }
  }

  /** Hatch what only the contender has, hollow what only the baseline has, underline what matches a search. */
  drawMarks({ visible, palette, markOf, searched, top, ratio }) {
    const { context, left, wide } = this;
    for (let at = 0; at < visible.count; at++) {
      if (visible.merged[at] || wide[at] < NARROWEST_MARKED || (searched && !visible.matched[at])) continue;
      const mark = markOf(visible.node[at]);
      if (mark === 0) continue;
      const y = visible.depth[at] * ROW_HEIGHT - top;
      if (mark === 1) {
        context.fillStyle = this.hatch(palette.hatch, ratio);
        context.fillRect(left[at], y, wide[at] - 1, ROW_HEIGHT - 1);
      } else {
        context.fillStyle = palette.surface;
        context.fillRect(left[at] + 3, y + 3, wide[at] - 7, ROW_HEIGHT - 7);
      }
    }
    if (!searched) return;
    context.fillStyle = palette.match;
    for (let at = 0; at < visible.count; at++) {
      if (!visible.matched[at]) continue;
      const gap = wide[at] > NARROWEST_SPACED ? 1 : 0;
      context.fillRect(left[at], (visible.depth[at] + 1) * ROW_HEIGHT - top - 4, wide[at] - gap, 3);
    }
  }

  /** A pattern of rising lines, made once for each colour and resolution. */
  hatch(color, ratio) {
    const wanted = `${color} ${ratio}`;
    if (this.patternOf === wanted) return this.pattern;
    const size = 8;
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    pen.strokeStyle = color;
    pen.globalAlpha = 0.4;
    pen.lineWidth = 2;
    pen.beginPath();
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
    }
    pen.stroke();
    this.pattern = this.context.createPattern(tile, "repeat");
    this.patternOf = wanted;
    return this.pattern;
  }

  drawNames({ visible, palette, nameOf, searched, top, width, font }) {
    const { context, left, wide } = this;
    context.font = font;
    context.textBaseline = "middle";
    for (let muted = 0; muted <= (searched ? 1 : 0); muted++) {
      context.fillStyle = muted ? palette.inkMuted : palette.ink;
      for (let at = 0; at < visible.count; at++) {
        if (wide[at] < NARROWEST_NAMED || visible.merged[at]) continue;
        if (searched && (visible.matched[at] === 0) !== (muted === 1)) continue;
        const start = Math.max(0, left[at]) + TEXT_INSET;
        const room = Math.min(width, left[at] + wide[at]) - start - TEXT_INSET;
        if (room < NARROWEST_NAMED - 2 * TEXT_INSET) continue;
        const name = nameOf(visible.node[at], room);
        if (name !== "") context.fillText(name, start, visible.depth[at] * ROW_HEIGHT - top + ROW_HEIGHT / 2);
      }
    }
  }

  /** A line around a frame; one that is too narrow to be seen gets a line that can be. */
  outline({ view, palette, top, width }, frame, thickness) {
    if (frame === null) return;
    const { context } = this;
    const scale = width / (view.hi - view.lo);
    const left = Math.max(0, (frame.lo - view.lo) * scale);
    const right = Math.min(width, (frame.hi - view.lo) * scale);
    if (right < 0 || left > width) return;
    const inset = thickness / 2;
    const y = frame.depth * ROW_HEIGHT - top + inset;
    context.strokeStyle = palette.ink;
    context.lineWidth = thickness;
    context.strokeRect(left + inset, y, Math.max(4, right - left) - 1 - thickness, ROW_HEIGHT - 1 - thickness);
  }
}
