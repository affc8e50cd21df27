// The rows of the functions table: values, filter, order, sums.

import assert from "node:assert/strict";
import test from "node:test";

import {
  badgeOf,
  filterRows,
  functionColumns,
  nextSort,
  sortRows,
  sumRows,
  tableColumns,
} from "../../../perfdb/report/html/static/functions.js";

const MS = 1e6;
const items = [
  ["kuzu.dll", "Table::insert"],
  ["app.exe", "main"],
  ["app.exe", "parse"],
  ["arrow.dll", "resize"],
];
const sides = [
  { label: "main", runs: 2 },
  { label: "work", runs: 3 },
];
const functions = {
  item: [0, 1, 2, 3],
  exclusive_ns: [
    [40 * MS, 0, 20 * MS, 0],
    [30 * MS, 3 * MS, 60 * MS, 9 * MS],
  ],
  inclusive_ns: [
    [40 * MS, 60 * MS, null, 0],
    [30 * MS, 102 * MS, 60 * MS, 9 * MS],
  ],
  exclusive_samples: [
    [40, 0, 20, 0],
    [30, 3, 60, 9],
  ],
  status: ["improved", "others", "regressed", "new"],
  word: ["improved", "", "regressed, small", "new"],
  relevant: [true, false, false, false],
  effect: [-0.5, null, 1, null],
  low: [-0.6, null, 0.8, null],
  high: [-0.4, null, null, null],
};
const two = functionColumns({ items, sides, functions });
const columns = tableColumns(two, sides);
const column = (key) => columns.find((each) => each.key === key);
const texts = (key) => two.item.map((_, row) => column(key).text(row));

test("costs are means of each side's own number of runs", () => {
  assert.deepEqual(["20.0", "0.0", "10.0", "0.0"], texts("excl-a"));
  assert.deepEqual(["10.0", "1.0", "20.0", "3.0"], texts("excl-b"));
  assert.deepEqual(["-10.0", "+1.0", "+10.0", "+3.0"], texts("delta"));
});

test("what is not known is neither nothing nor a difference", () => {
  assert.deepEqual(["20.0", "30.0", "-", "0.0"], texts("incl-a"));
  assert.deepEqual(["-10.0", "+4.0", "-", "+3.0"], texts("incl-delta"));
  assert.deepEqual(["-50.0 %", "-", "+100.0 %", "-"], texts("change"));
  assert.deepEqual(["-50.0 % [-60.0, -40.0]", "", "+100.0 % [+80.0, …]", ""], texts("effect"));
});

test("rows stand as in the diff until they are sorted", () => {
  const all = filterRows(two, items, "");

  assert.deepEqual([2, 0, 3, 1], sortRows(two, all, null, false));
  assert.deepEqual([2, 3, 1, 0], sortRows(two, all, column("delta"), true));
  assert.deepEqual([1, 2, 3, 0], sortRows(two, all, column("name"), false));
});

test("what is not known comes last, whichever way one sorts", () => {
  const all = filterRows(two, items, "");

  assert.equal(2, sortRows(two, all, column("incl-a"), true).at(-1));
  assert.equal(2, sortRows(two, all, column("incl-a"), false).at(-1));
});

test("a filter finds words anywhere in the full name, whatever their case", () => {
  assert.deepEqual([1, 2], filterRows(two, items, "APP"));
  assert.deepEqual([0], filterRows(two, items, "insert kuzu"));
  assert.deepEqual([], filterRows(two, items, "insert app"));
});

test("sums are of the rows that are left", () => {
  assert.deepEqual({ exclusive: [30, 30], samples: [60, 90] }, sumRows(two, [0, 2]));
});

test("figures sort down first and names up, and a third time as the table came", () => {
  const turns = (key, ...states) => states.map((now) => nextSort(column(key), now));

  assert.deepEqual(["-delta", "delta", ""], turns("delta", "none", "descending", "ascending"));
  assert.deepEqual(["name", "-name", ""], turns("name", "none", "ascending", "descending"));
});

test("one side has costs and shares, and the greatest first", () => {
  const one = functionColumns({
    items,
    sides: sides.slice(0, 1),
    functions: {
      item: [0, 1, 2],
      exclusive_ns: [[20 * MS, 0, 60 * MS]],
      inclusive_ns: [[20 * MS, 80 * MS, 60 * MS]],
      exclusive_samples: [[20, 0, 60]],
    },
  });
  const shown = tableColumns(one, sides.slice(0, 1));

  assert.deepEqual(["name", "excl", "excl-share", "samples", "incl", "incl-share"], shown.map((each) => each.key));
  assert.deepEqual(["25.0 %", "0.0 %", "75.0 %"], one.item.map((_, row) => shown[2].text(row)));
  assert.deepEqual([2, 0, 1], sortRows(one, [0, 1, 2], null, false));
});

test("colour follows what was found, not the sign", () => {
  assert.equal("improved", badgeOf("improved", "improved"));
  assert.equal("small", badgeOf("improved, small", "improved"));
  assert.equal("open", badgeOf("~ 4 more runs", "inconclusive"));
  assert.equal("not-comparable", badgeOf("not comparable", "not comparable"));
  assert.equal("plain", badgeOf("", "others"));
});
