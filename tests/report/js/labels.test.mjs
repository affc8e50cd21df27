// Names that are cut to their room, found by a search, and put into words.

import assert from "node:assert/strict";
import test from "node:test";

import { matchingItems } from "../../../perfdb/report/html/static/flame_search.js";
import {
  dustFacts,
  flameChange,
  flameMs,
  flamePercent,
  frameFacts,
  frameSentence,
  widthSentence,
} from "../../../perfdb/report/html/static/flame_words.js";
import { leafFirst } from "../../../perfdb/report/html/static/inverted.js";
import { LabelFitter, shortenMiddle } from "../../../perfdb/report/html/static/labels.js";
import { rootFirst } from "../../../perfdb/report/html/static/picture.js";
import { decodeTree } from "../../../perfdb/report/html/static/tree.js";
import { payloadOf } from "./trees.mjs";

const SIDES = [{ label: "main", runs: 2 }, { label: "new", runs: 2 }];

test("a long name loses its middle", () => {
  assert.equal("kuzu…::insert", shortenMiddle([..."kuzu::storage::NodeTable::insert"], 13));
  assert.equal("insert", shortenMiddle([..."insert"], 6));
});

test("names are fitted to pixels, whatever the width of their characters", () => {
  const fitter = new LabelFitter((text) => [...text].reduce((sum, one) => sum + (one > "\u2fff" ? 12 : 6), 0));
  for (const name of ["kuzu::storage::NodeTable::insert", "日本語の関数名::日本語の関数", "a日b本c語d日e本f語"]) {
    for (let room = 0; room < 300; room++) {
      const short = fitter.fit(name, room);

      assert.ok(fitter.measure(short) <= room, `${short} in ${room}`);
      if (room >= fitter.measure(name)) assert.equal(name, short);
    }
  }
});

test("no character of two code units is cut in half", () => {
  const fitter = new LabelFitter((text) => 6 * [...text].length);

  assert.equal("🦊🦊…🦊🦊🦊", fitter.fit("🦊".repeat(40), 36));
});

test("no name is shown where fewer than five characters would be left", () => {
  const fitter = new LabelFitter((text) => 6 * text.length);

  assert.equal("", fitter.fit("kuzu::insert", 29));
  assert.equal("k…ert", fitter.fit("kuzu::insert", 30));
});

test("a search finds names with all its words, in any case and order", () => {
  const items = [["kuzu.dll", "Node::Insert<int, long>"], ["ntdll.dll", "insert"], ["kuzu.dll", "scan"]];

  assert.deepEqual([1, 1, 0], [...matchingItems(items, "INSERT")]);
  assert.deepEqual([1, 0, 0], [...matchingItems(items, " insert  kuzu")]);
  assert.deepEqual([1, 0, 0], [...matchingItems(items, "dll!node")]);
  assert.deepEqual([1, 0, 0], [...matchingItems(items, "<int, long>")]);
  assert.deepEqual([0, 0, 0], [...matchingItems(items, ".*")]);
  assert.equal(null, matchingItems(items, "  "));
});

test("figures have three digits that count", () => {
  assert.deepEqual(
    ["0 ms", "0.012 ms", "1.23 ms", "12.3 ms", "123 ms", "12,346 ms", "−1.50 ms"],
    [0, 0.0123, 1.234, 12.34, 123.4, 12345.6, -1.5].map(flameMs),
  );
  assert.deepEqual(["0 %", "< 0.01 %", "1.23 %", "12.3 %"], [0, 0.00001, 0.0123, 0.1234].map(flamePercent));
  assert.deepEqual(
    ["+1.00 ms (+50 %)", "−1.00 ms (−33.3 %)", "+2.00 ms", "−2.00 ms", "0 ms"],
    [[2, 3], [3, 2], [0, 2], [2, 0], [2, 2]].map(([a, b]) => flameChange(a, b)),
  );
});

test("a frame is told with both sides' inclusive and exclusive ms a run, share and change", () => {
  const payload = payloadOf({ "a;b": [200, 800], a: [200, 200] }, { runs: [2, 2] });
  const tree = decodeTree(payload);
  const picture = rootFirst(tree);
  const facts = frameFacts(picture, tree, payload.items, SIDES, 1);

  assert.equal("m.dll!a", facts.name);
  assert.deepEqual(["inclusive", "exclusive"], facts.rows.map((row) => row.label));
  assert.deepEqual([[200, 500], [100, 100]], facts.rows.map((row) => row.ms));
  assert.deepEqual([[1, 1], [0.5, 0.2]], facts.rows.map((row) => row.share));
  assert.equal("slower", facts.change);
  assert.equal(
    "m.dll!a: inclusive 200 ms in main, 500 ms in new; exclusive 100 ms in main, 100 ms in new, a run; slower",
    frameSentence(facts, SIDES),
  );
});

test("a change says which side has the frame alone, and whether that may be chance", () => {
  const payload = payloadOf({ a: [0, 90], b: [2, 0], c: [90, 80], d: [90, 10] });
  const tree = decodeTree(payload);
  const picture = rootFirst(tree);

  assert.deepEqual(
    ["only in new; slower", "only in main; the same, or within chance", "the same, or within chance", "faster"],
    [1, 2, 3, 4].map((node) => frameFacts(picture, tree, payload.items, SIDES, node).change),
  );
});

test("leaf first, a function has its exclusive and inclusive time, a caller what it leads to", () => {
  const payload = payloadOf({ "a;b": [4], b: [1], "b;c": [2] });
  const tree = decodeTree(payload);
  const picture = leafFirst(tree);
  picture.open(1);
  const factsOf = (node) => frameFacts(picture, tree, payload.items, [SIDES[0]], node);
  const [leaf, caller] = [1, picture.first[1]].map(factsOf);

  assert.deepEqual([["exclusive", [5]], ["inclusive", [7]]], leaf.rows.map((row) => [row.label, row.ms]));
  assert.equal("m.dll!a", caller.name);
  assert.equal("m.dll!b", caller.of);
  assert.deepEqual([["exclusive there", [4]]], caller.rows.map((row) => [row.label, row.ms]));
  assert.equal("", caller.change);
});

test("dust is told by how many frames it stands for and what they weigh together", () => {
  const payload = payloadOf({ a: [9], b: [0], c: [1], d: [2] });
  const tree = decodeTree(payload);
  const picture = rootFirst(tree);
  picture.weigh([1]);
  const facts = dustFacts(picture, tree, 2, 2);

  assert.equal("2 frames, each too narrow to draw", facts.name);
  assert.deepEqual([3], facts.rows[0].ms);
});

test("a name of thousands of characters is shortened in sentences, not where it is shown whole", () => {
  const payload = payloadOf({ [`m.dll!${"x".repeat(4000)}`]: [4] });
  const tree = decodeTree(payload);
  const facts = frameFacts(rootFirst(tree), tree, payload.items, [SIDES[0]], 1);

  assert.equal(4006, facts.name.length);
  assert.ok(frameSentence(facts, [SIDES[0]]).length < 260);
});

test("the meaning of width is told, what it hides, and what colour does not know", () => {
  const colour = "Colour allows for chance in counting samples, not for how runs vary: verdicts do.";
  assert.equal(
    "Width: inclusive CPU ms a run; below a function is what it calls.",
    widthSentence("root", "both", [SIDES[0]], 0),
  );
  assert.equal(
    `Width: exclusive CPU ms a run, mean of both sides; below a function are its callers. ${colour}`,
    widthSentence("leaf", "both", SIDES, 0),
  );
  assert.equal(
    "Width: inclusive CPU ms a run of new; below a function is what it calls. " +
      `Not visible: 12.3 ms a run of main, on call paths without a sample of new. ${colour}`,
    widthSentence("root", "contender", SIDES, 12.34),
  );
  assert.equal(
    "Width: inclusive CPU ms a run of main; below a function is what it calls. Every call path of new is visible. " +
      colour,
    widthSentence("root", "baseline", SIDES, 0),
  );
});
