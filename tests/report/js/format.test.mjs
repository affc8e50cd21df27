// Figures are written as Python writes them: the cases are those of perfdb/report/cells.py.

import assert from "node:assert/strict";
import test from "node:test";

import {
  directionOf,
  formatChange,
  formatDelta,
  formatEffect,
  formatMs,
  formatShare,
} from "../../../perfdb/report/html/static/format.js";

test("milliseconds have one decimal, thousands apart, and halves go to the even digit", () => {
  const written = [0, 0.25, 0.75, 102.25, 102.75, 0.35, 999.95, 1689, 1234567.89].map(formatMs);

  assert.deepEqual(["0.0", "0.2", "0.8", "102.2", "102.8", "0.3", "1,000.0", "1,689.0", "1,234,567.9"], written);
  assert.equal("-", formatMs(null));
});

test("a delta bears its sign unless it rounds to none", () => {
  assert.deepEqual(["+0.1", "-1,448.0", "0.0", "0.0", "0.0"], [0.1, -1448, 0.04, -0.04, 0].map(formatDelta));
});

test("a change that is not quite nothing never looks like nothing", () => {
  const written = [0, 0.0001, -0.0004, 0.0006, -0.265, 12.503].map(formatChange);

  assert.deepEqual(["0.0 %", "+<0.1 %", "-<0.1 %", "+0.1 %", "-26.5 %", "+1,250 %"], written);
});

test("an effect leaves open what is not known", () => {
  assert.equal("-26.8 % [-29.1, -24.0]", formatEffect(-0.268, -0.291, -0.24));
  assert.equal("-26.8 % [-29.1, …]", formatEffect(-0.268, -0.291, null));
  assert.equal("", formatEffect(null, null, null));
});

test("a share is a percentage", () => {
  assert.deepEqual(["12.3 %", "100.0 %", "-"], [0.1234, 1, null].map(formatShare));
});

test("a direction is that of the text that is read", () => {
  assert.deepEqual(["slower", "faster", "", ""], ["+0.1", "-0.1", "0.0", "-"].map(directionOf));
});
