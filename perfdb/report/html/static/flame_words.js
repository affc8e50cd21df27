// What is said of a frame, in its tooltip and to screen readers: figures a run, side by side, and what changed.

import { isWithinChance } from "./colors.js";
import { fullName } from "./flame_search.js";
import { shortenMiddle } from "./labels.js";
import { inclusiveOf } from "./tree.js";

/** Longer names are shortened in sentences: so many characters. */
const SENTENCE_NAME = 160;

/** Milliseconds with three figures that count. */
export function flameMs(ms) {
  const size = Math.abs(ms);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size === 0 ? 0 : 3;
  const sign = ms < 0 ? "−" : "";
  return `${sign}${size.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ms`;
}

/** A fraction as percent. */
export function flamePercent(fraction) {
  const percent = 100 * fraction;
  if (percent === 0) return "0 %";
  if (percent < 0.01) return "< 0.01 %";
  return `${percent.toFixed(percent >= 10 ? 1 : 2)} %`;
}

/** The change from `before` to `after`, as "+1.23 ms (+45.6 %)"; without percent where there was nothing before. */
export function flameChange(before, after) {
  const delta = after - before;
  const signed = `${delta > 0 ? "+" : ""}${flameMs(delta)}`;
  if (delta === 0 || before === 0 || after === 0) return signed;
  const percent = (100 * delta) / before;
  const sign = percent > 0 ? "+" : "−";
  return `${signed} (${sign}${Math.abs(percent).toLocaleString("en-US", { maximumFractionDigits: 1 })} %)`;
}

/**
 * What is known of a frame: its name, rows of {label, ms: [a side], share: [a side]} in ms a run, and for two sides the
 * words on its change ("slower", "faster", "the same, or within chance", with "only in …" before).
 */
export function frameFacts(picture, tree, items, sides, node) {
  const item = picture.item[node];
  const ofSides = (ns) => ({
    ms: ns.map((value, side) => value / tree.runs[side] / 1e6),
    share: ns.map((value, side) => (tree.sum[side] > 0 ? value / tree.sum[side] : 0)),
  });
  const total = picture.total.map((column) => column[node]);
  const rows = [];
  if (node === 0) {
    rows.push({ label: "whole program", ...ofSides(total) });
  } else if (picture.order === "root") {
    rows.push({ label: "inclusive", ...ofSides(total) });
    rows.push({ label: "exclusive", ...ofSides(tree.self.map((column) => column[node - 1])) });
  } else if (picture.depth[node] === 1) {
    rows.push({ label: "exclusive", ...ofSides(total) });
    const mask = new Uint8Array(items.length);
    mask[item] = 1;
    rows.push({ label: "inclusive", ...ofSides(inclusiveOf(tree, mask)) });
  } else {
    rows.push({ label: "exclusive there", ...ofSides(total) });
  }
  return {
    name: node === 0 ? "all call paths" : fullName(items[item]),
    of: picture.order === "leaf" && picture.depth[node] > 1 ? fullName(items[picture.item[leafOf(picture, node)]]) : "",
    rows,
    change: total.length === 2 ? changeWords(picture, tree, sides, node) : "",
  };
}

/** The same of dust: `count` frames that stand beside each other, from `node` on. */
export function dustFacts(picture, tree, node, count) {
  const ns = tree.sum.map(() => 0);
  for (let each = node, left = count; each !== 0 && left > 0; each = picture.next[each]) {
    if (picture.value[each] <= 0) continue;
    left--;
    for (let side = 0; side < ns.length; side++) ns[side] += picture.total[side][each];
  }
  const ms = ns.map((value, side) => value / tree.runs[side] / 1e6);
  const share = ns.map((value, side) => (tree.sum[side] > 0 ? value / tree.sum[side] : 0));
  const name = count === 1 ? "1 frame too narrow to draw" : `${count} frames, each too narrow to draw`;
  return { name, of: "", rows: [{ label: "together", ms, share }], change: "" };
}

function leafOf(picture, node) {
  let leaf = node;
  while (picture.depth[leaf] > 1) leaf = picture.parent[leaf];
  return leaf;
}

function changeWords(picture, tree, sides, node) {
  const [a, b] = picture.total.map((column) => column[node]);
  const [m, n] = picture.samples.map((column) => column[node]);
  const [p, q] = tree.runs;
  const only = a === 0 && b > 0 ? `only in ${sides[1].label}` : b === 0 && a > 0 ? `only in ${sides[0].label}` : "";
  const word = isWithinChance(a, b, m, n, p, q)
    ? "the same, or within chance"
    : b / q > a / p
      ? "slower"
      : "faster";
  return only === "" ? word : `${only}; ${word}`;
}

/** What is said of a frame in one line, with its name shortened where it is long. */
export function frameSentence(facts, sides) {
  const rows = facts.rows.map((row) => {
    if (row.ms.length === 1) return `${row.label} ${flameMs(row.ms[0])} (${flamePercent(row.share[0])})`;
    return `${row.label} ${row.ms.map((ms, side) => `${flameMs(ms)} in ${sides[side].label}`).join(", ")}`;
  });
  const brief = (name) => shortenMiddle(Array.from(name), SENTENCE_NAME);
  const of = facts.of === "" ? "" : ` on the way to ${brief(facts.of)}`;
  return `${brief(facts.name)}${of}: ${rows.join("; ")}, a run${facts.change === "" ? "" : `; ${facts.change}`}`;
}

/** What colours do not know. */
export const CHANCE_SENTENCE = "Colour allows for chance in counting samples, not for how runs vary: verdicts do.";

/** What width means, and colour does not, with what cannot be seen: `hidden` in ms a run of the other side. */
export function widthSentence(order, width, sides, hidden) {
  const what = order === "root" ? "inclusive" : "exclusive";
  const rows = order === "root" ? "below a function is what it calls" : "below a function are its callers";
  const of = (owner) => `Width: ${what} CPU ms a run${owner}; ${rows}.`;
  if (sides.length === 1) return of("");
  if (width === "both") return `${of(", mean of both sides")} ${CHANCE_SENTENCE}`;
  const side = width === "contender" ? 1 : 0;
  const other = sides[1 - side].label;
  const lost =
    hidden > 0
      ? `Not visible: ${flameMs(hidden)} a run of ${other}, on call paths without a sample of ${sides[side].label}.`
      : `Every call path of ${other} is visible.`;
  return `${of(` of ${sides[side].label}`)} ${lost} ${CHANCE_SENTENCE}`;
}
