// The butterfly: one function, who called it and whom it called, to walk on by clicking.

import { callersAndCalleesTold } from "./calls.js";
import { make, makeBar, makeName, makeSearch } from "./elements.js";
import { fullName, matchingItems } from "./flame_search.js";
import { directionOf, formatChange, formatCount, formatDelta, formatMs, formatShare } from "./format.js";
import { badgeOf, differenceOf, shareOf, sortRows } from "./functions.js";
import { callersAndCallees } from "./tree.js";

const MOST_ROWS_FIRST = 25;
const MOST_FOUND = 12;

const RULE_OF_PATHS =
  "A sample counts once for each pair of caller and callee on its stack. Without recursion, callers add up to the " +
  "inclusive time, and so do callees with the function’s own time; with recursion they may add up to more. " +
  "Shares are of that inclusive time.";
const RULE_OF_CALLS =
  "As the source tells: every occurrence on a stack counts, so recursive calls may weigh more than the function. " +
  "Shares are of the function’s inclusive time.";

/** Fill `host` with the butterfly of an example; `pick(item)` walks on. Returns {show(item), focus()}. */
export function createButterfly(host, loaded, why, { pick, showFlame }) {
  if (loaded.tree === null && loaded.calls === null) {
    host.replaceChildren(make("p", { class: "note" }, `No callers and callees: ${why}`));
    return { show: () => {}, focus: () => {} };
  }
  const found = make("ul", { class: "found", hidden: true });
  const search = makeSearch("Go to a function", "go to: words of module!function", (text) => {
    found.replaceChildren(...matches(loaded, text, go));
    found.hidden = found.childElementCount === 0;
  });
  const go = (item) => {
    search.input.value = "";
    found.replaceChildren();
    found.hidden = true;
    pick(item);
  };
  search.input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") found.querySelector("button")?.click();
  });
  const name = make("h3", { class: "function-name", tabindex: "-1" });
  const figures = make("div", { class: "figures" });
  const flame = make("button", { type: "button", class: "quiet", hidden: !loaded.tree?.size }, "Show in flame graph");
  const callers = make("div", { class: "wing callers" });
  const callees = make("div", { class: "wing callees" });
  const rule = make("p", { class: "hint" }, loaded.tree === null ? RULE_OF_CALLS : RULE_OF_PATHS);
  host.replaceChildren(
    make("div", { class: "toolbar" }, make("div", { class: "finder" }, search.element, found)),
    make("div", { class: "body-of" }, name, figures, flame),
    make("div", { class: "wings" }, callers, callees),
    rule,
  );
  let shown = -1;
  const show = (item) => {
    if (item === shown) return;
    shown = item;
    const facts = factsOf(loaded, item);
    name.replaceChildren(makeName(loaded.items[item]));
    figures.replaceChildren(figuresTable(loaded, facts));
    flame.onclick = () => showFlame(item);
    const context = { loaded, item, pick: go, total: facts.inclusive };
    callers.replaceChildren(...wing(context, "Called by", facts.callers));
    callees.replaceChildren(...wing(context, "Calls", facts.callees));
  };
  return { show, focus: () => name.focus({ preventScroll: true }) };
}

/** Costs of a function in ms a run and side, its callers and callees: {item, ms}, -1 for none, -2 for itself. */
function factsOf(loaded, item) {
  const found = loaded.tree === null ? callersAndCalleesTold(loaded.calls, item) : callersAndCallees(loaded.tree, item);
  const row = loaded.rowOf[item];
  const { told } = loaded.columns;
  const perRun = (ns) => ns.map((value, side) => value / loaded.sides[side].runs / 1e6);
  const ofRow = (columns, ns) => (row >= 0 ? columns.map((column) => column[row]) : ns === null ? null : perRun(ns));
  const unknown = loaded.sides.map(() => null);
  const exclusive = ofRow(loaded.columns.exclusive, found.self) ?? unknown;
  const inclusive = ofRow(loaded.columns.inclusive, found.total) ?? unknown;
  const rows = (pairs) => pairs.map((pair) => ({ item: pair.item, ms: perRun(pair.ns) }));
  const callees = rows(found.callees);
  if (exclusive.some((ms) => ms > 0)) callees.push({ item: -2, ms: exclusive });
  return {
    exclusive,
    inclusive,
    samples: row >= 0 ? loaded.columns.samples.map((column) => column[row]) : unknown,
    word: row >= 0 && told.word ? told.word[row] : "",
    status: row >= 0 && told.status ? (told.status[row] ?? "") : "",
    callers: rows(found.callers),
    callees: callees.sort((a, b) => b.ms.at(-1) - a.ms.at(-1) || b.ms[0] - a.ms[0]),
  };
}

/** Exclusive and inclusive cost of the function, side by side. */
function figuresTable(loaded, facts) {
  const two = loaded.sides.length === 2;
  const heads = two ? ["ms a run", "baseline", "contender", "delta", "change", "share"] : ["", "ms a run", "share"];
  const rows = [
    ["inclusive", facts.inclusive],
    ["exclusive", facts.exclusive],
  ].map(([label, ms]) => {
    const share = formatShare(shareOf(ms.at(-1), loaded.columns.totals.at(-1)));
    const cells = [make("th", { scope: "row" }, label), ...ms.map((value) => make("td", {}, formatMs(value)))];
    if (two) {
      const delta = differenceOf(ms[0], ms[1]);
      const text = formatDelta(delta);
      cells.push(make("td", { class: directionOf(text) }, text));
      cells.push(make("td", { class: "wide" }, formatChange(delta === null || !ms[0] ? null : delta / ms[0])));
    }
    cells.push(make("td", {}, share));
    const isJudged = label === "exclusive" && facts.word !== "";
    return make("tr", { class: isJudged ? `is-${badgeOf(facts.word, facts.status)}` : "" }, ...cells);
  });
  const samples = facts.samples.map((count) => (count === null ? "-" : formatCount(count))).join(" → ");
  const word = facts.word === "~" ? "not shown to differ or to be equal" : facts.word;
  const said = word === "" ? "" : `; verdict: ${word}`;
  return make(
    "div",
    { class: "scroll" },
    make(
      "table",
      { class: "small" },
      make("caption", { class: "unseen" }, "Costs of this function"),
      make("thead", {}, make("tr", {}, ...heads.map((text) => headOf(text, text === "change" ? "wide" : "")))),
      make("tbody", {}, ...rows),
    ),
    make("p", { class: "hint" }, `${samples} exclusive samples${said}`),
  );
}

function headOf(text, kind) {
  return make("th", { scope: "col", class: kind }, text);
}

function wing(context, title, rows) {
  const { loaded } = context;
  const two = loaded.sides.length === 2;
  const heads = two ? ["baseline", "contender", "delta", "share"] : ["ms a run", "share"];
  const body = make("tbody", {}, ...rows.slice(0, MOST_ROWS_FIRST).map((row) => wingRow(context, row)));
  const table = make(
    "table",
    { class: "wing-table" },
    make("caption", {}, `${title} (${formatCount(rows.filter((row) => row.item >= 0).length)})`),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        headOf("function", "name"),
        ...heads.map((text) => headOf(text, text === "baseline" ? "number wide" : "number")),
      ),
    ),
    body,
  );
  const parts = [make("div", { class: "scroll" }, table)];
  if (rows.length === 0) {
    const none = make("td", { colspan: heads.length + 1, class: "none" }, "nothing that any sample shows");
    body.append(make("tr", {}, none));
  }
  if (rows.length > MOST_ROWS_FIRST) {
    const more = make("button", { type: "button", class: "quiet" }, `Show all ${formatCount(rows.length)}`);
    more.addEventListener("click", () => {
      body.append(...rows.slice(MOST_ROWS_FIRST).map((row) => wingRow(context, row)));
      more.remove();
    });
    parts.push(more);
  }
  return parts;
}

function wingRow({ loaded, item, pick, total }, row) {
  const share = shareOf(row.ms.at(-1), total.at(-1));
  const line = make("tr", {}, make("th", { scope: "row", class: "name" }, wingName(loaded, item, row.item, pick)));
  row.ms.forEach((ms, side) => {
    line.append(make("td", { class: side === 0 && row.ms.length === 2 ? "number wide" : "number" }, formatMs(ms)));
  });
  if (row.ms.length === 2) {
    const text = formatDelta(row.ms[1] - row.ms[0]);
    line.append(make("td", { class: `number ${directionOf(text)}`.trim() }, text));
  }
  line.append(make("td", { class: "number share" }, makeBar(share ?? 0), make("span", {}, formatShare(share))));
  return line;
}

function wingName(loaded, here, item, pick) {
  if (item === -1) return make("span", { class: "plain" }, "(no caller: first on the stack)");
  if (item === -2) return make("span", { class: "plain" }, "(itself: exclusive)");
  const button = makeName(loaded.items[item], "button", { type: "button", class: "item link" });
  if (item === here) button.append(make("span", { class: "plain" }, " (recursion)"));
  button.addEventListener("click", () => pick(item));
  return button;
}

/** Buttons for the functions whose names have all words, those of the greatest cost first. */
function matches(loaded, text, go) {
  const mask = matchingItems(loaded.items, text);
  if (mask === null) return [];
  const { columns } = loaded;
  const rows = Array.from({ length: columns.size }, (_, row) => row).filter((row) => mask[columns.item[row]]);
  const best = sortRows(columns, rows, null, true).slice(0, MOST_FOUND);
  const lines = best.map((row) => {
    const item = columns.item[row];
    const button = makeName(loaded.items[item], "button", { type: "button", class: "item link" });
    button.addEventListener("click", () => go(item));
    return make("li", {}, button);
  });
  const left = rows.length - best.length;
  if (rows.length === 0) lines.push(make("li", { class: "none" }, `no function has “${text}” in its name`));
  if (left > 0) lines.push(make("li", { class: "none" }, `${formatCount(left)} more`));
  return lines;
}

/** The function that a butterfly opens with: what changed or cost most. */
export function firstItem(loaded) {
  const { columns } = loaded;
  const rows = Array.from({ length: columns.size }, (_, row) => row);
  const hasName = (row) => !fullName(loaded.items[columns.item[row]]).endsWith("<unresolved>");
  const best = sortRows(columns, rows, null, true).find(hasName);
  return best === undefined ? (columns.item[0] ?? -1) : columns.item[best];
}
