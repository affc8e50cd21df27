// Views: zooming, panning and moving from one to another.

import assert from "node:assert/strict";
import test from "node:test";

import {
  clampView,
  easedPart,
  NARROWEST_VIEW,
  panView,
  viewBetween,
  WHOLE_VIEW,
  zoomView,
} from "../../../perfdb/report/html/static/view.js";
import { randomNumbers } from "./trees.mjs";

function assertNear(expected, found, tolerance = 1e-12) {
  assert.ok(Math.abs(expected - found) <= tolerance, `${found} is not ${expected}`);
}

test("what is at the anchor stays there when a view is zoomed", () => {
  const zoomed = zoomView({ lo: 0.2, hi: 0.6 }, 0.5, 0.25);

  assertNear(0.3, zoomed.lo + 0.25 * (zoomed.hi - zoomed.lo));
  assertNear(0.2, zoomed.hi - zoomed.lo);
});

test("no view leaves the program, is wider than it or narrower than the narrowest", () => {
  const next = randomNumbers(1);
  let view = WHOLE_VIEW;
  for (let step = 0; step < 2000; step++) {
    view = next() < 0.6 ? zoomView(view, Math.exp(4 * next() - 2.2), next()) : panView(view, 4 * next() - 2);

    assert.ok(view.lo >= 0 && view.hi <= 1 + 1e-15, `${view.lo} to ${view.hi}`);
    assert.ok(view.hi - view.lo >= NARROWEST_VIEW * 0.999);
  }
});

test("a view moved beyond an end stops there, as wide as it was", () => {
  assert.deepEqual({ lo: 0, hi: 0.25 }, panView({ lo: 0.125, hi: 0.375 }, -3));
  assert.deepEqual({ lo: 0.75, hi: 1 }, panView({ lo: 0.125, hi: 0.375 }, 9));
  assert.deepEqual({ lo: 0, hi: 1 }, clampView(-3, 5));
});

test("a move begins and ends at its views, and never shows more than both", () => {
  const next = randomNumbers(2);
  for (let trial = 0; trial < 300; trial++) {
    const [a, b] = [0, 1].map(() => clampView(next(), next() * 10 ** (-6 * next())));

    assert.deepEqual(a, viewBetween(a, b, 0));
    assert.deepEqual(b, viewBetween(a, b, 1));
    for (const part of [0.1, 0.5, 0.9]) {
      const { lo, hi } = viewBetween(a, b, part);

      assert.ok(lo >= Math.min(a.lo, b.lo) - 1e-9 && hi <= Math.max(a.hi, b.hi) + 1e-9);
      assert.ok(hi > lo);
    }
  }
});

test("halfway into a view a hundredth as wide, a tenth of the program is seen", () => {
  const { lo, hi } = viewBetween(WHOLE_VIEW, { lo: 0.495, hi: 0.505 }, 0.5);

  assertNear(0.1, hi - lo);
  assertNear(0.45, lo);
});

test("moves start quickly and end slowly", () => {
  assert.equal(0, easedPart(0));
  assert.equal(1, easedPart(1));
  assert.equal(1, easedPart(7));
  assert.ok(easedPart(0.5) > 0.8);
});
