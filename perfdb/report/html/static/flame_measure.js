// A scripted zoom, frame by frame, with the time that each frame took: for benchmarks.

import { clampView, easedPart, viewBetween, WHOLE_VIEW } from "./view.js";
import { spanOf, widestBelow } from "./walk.js";

/** Views that are this part of the program wide, or narrower, are zoomed to and left again. */
const MEASURED_WIDTHS = [0.1, 0.01, 0.001];

/** Zoom in and out of `picture` over so many frames, `draw(view)` drawing each: {frames, drawMs, frameMs}. */
export async function measureZoom(picture, frames, draw) {
  const views = [WHOLE_VIEW, ...MEASURED_WIDTHS.flatMap((width) => [viewNarrowerThan(picture, width), WHOLE_VIEW])];
  const result = { frames, drawMs: [], frameMs: [] };
  let last = await nextFrame();
  for (let frame = 0; frame < frames; frame++) {
    const along = (frame / frames) * (views.length - 1);
    const leg = Math.floor(along);
    const view = viewBetween(views[leg], views[leg + 1], easedPart(along - leg));
    const start = performance.now();
    draw(view);
    result.drawMs.push(performance.now() - start);
    const now = await nextFrame();
    result.frameMs.push(now - last);
    last = now;
  }
  return result;
}

function nextFrame() {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}

/** The view of the first frame, down from the program by the widest, that is narrower than a part of it. */
function viewNarrowerThan(picture, width) {
  let node = 0;
  while (picture.value[node] >= width * picture.value[0]) {
    const below = widestBelow(picture, node);
    if (below === 0) break;
    node = below;
  }
  const { lo, hi } = spanOf(picture, node);
  return clampView(lo, hi);
}
