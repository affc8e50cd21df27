// The rows of the functions table: their values, how they are filtered, sorted and summed. No document here.

import { formatChange, formatCount, formatDelta, formatEffect, formatMs, formatShare } from "./format.js";
import { fullName, matchingItems } from "./flame_search.js";

const EXCLUSIVE = "exclusive, ms a run";
const INCLUSIVE = "inclusive, ms a run";
const SIGNIFICANT = ["regressed", "improved"];

/**
 * The functions of a payload as columns, in ms a run: `exclusive` and `inclusive` a side (null where not known),
 * `samples` over all runs of a side, `names` for sorting; for two sides `delta`, `inclusiveDelta`, `change` too.
 */
export function functionColumns(payload) {
  const { functions, sides, items } = payload;
  const perRun = (column, side) => column.map((ns) => (ns === null ? null : ns / sides[side].runs / 1e6));
  const exclusive = functions.exclusive_ns.map(perRun);
  const inclusive = functions.inclusive_ns.map(perRun);
  const totals = exclusive.map((column) => column.reduce((sum, ms) => sum + ms, 0));
  const columns = {
    size: functions.item.length,
    item: functions.item,
    names: functions.item.map((item) => fullName(items[item]).toLowerCase()),
    exclusive,
    inclusive,
    samples: functions.exclusive_samples,
    totals,
    exclusiveShare: exclusive.map((column, side) => column.map((ms) => shareOf(ms, totals[side]))),
    inclusiveShare: inclusive.map((column, side) => column.map((ms) => shareOf(ms, totals[side]))),
    told: functions,
  };
  if (sides.length === 2) {
    columns.delta = exclusive[1].map((ms, row) => ms - exclusive[0][row]);
    columns.change = columns.delta.map((ms, row) => (exclusive[0][row] ? ms / exclusive[0][row] : null));
    columns.inclusiveDelta = inclusive[1].map((ms, row) => differenceOf(inclusive[0][row], ms));
  }
  return columns;
}

/** A part of a whole; null where one of them is not known or there is nothing. */
export function shareOf(part, whole) {
  return part === null || !whole ? null : part / whole;
}

/** The second less the first, null where one is not known. */
export function differenceOf(before, after) {
  return before === null || after === null ? null : after - before;
}

/**
 * The columns of the table, as {key, title, group, kind, value(row), text(row)}; values sort, null as the least.
 *
 * Groups are what stands above several columns. "roomy" columns give way where a window is not wide, "wide" ones on
 * a phone.
 */
export function tableColumns(columns, sides) {
  const name = { key: "name", title: "function", group: "", kind: "name", value: (row) => columns.names[row] };
  const figure = (key, title, group, values, text, kind = "number") => ({
    key,
    title,
    group,
    kind,
    value: (row) => values[row],
    text: (row) => text(values[row]),
  });
  const { exclusive, inclusive, exclusiveShare, inclusiveShare, samples } = columns;
  if (sides.length === 1) {
    return [
      name,
      figure("excl", "ms", "exclusive", exclusive[0], formatMs),
      figure("excl-share", "share", "exclusive", exclusiveShare[0], formatShare, "number wide"),
      figure("samples", "samples", "exclusive", samples[0], formatCount, "number wide"),
      figure("incl", "ms", "inclusive", inclusive[0], formatMs),
      figure("incl-share", "share", "inclusive", inclusiveShare[0], formatShare, "number wide"),
    ];
  }
  const { effect, low, high, word } = columns.told;
  return [
    name,
    figure("excl-a", "baseline", EXCLUSIVE, exclusive[0], formatMs, "number wide"),
    figure("excl-b", "contender", EXCLUSIVE, exclusive[1], formatMs),
    figure("delta", "delta", EXCLUSIVE, columns.delta, formatDelta, "number delta"),
    figure("change", "change", EXCLUSIVE, columns.change, formatChange, "number delta wide roomy"),
    {
      key: "effect",
      title: "effect, 95 %",
      group: EXCLUSIVE,
      kind: "number wide",
      value: (row) => effect[row],
      text: (row) => formatEffect(effect[row], low[row], high[row]),
    },
    {
      key: "verdict",
      title: "verdict",
      group: EXCLUSIVE,
      kind: "verdict",
      value: (row) => verdictRank(columns, row),
      text: (row) => word[row],
    },
    figure("share", "share", EXCLUSIVE, exclusiveShare[1], formatShare, "number wide"),
    {
      key: "samples",
      title: "samples",
      group: EXCLUSIVE,
      kind: "number wide",
      value: (row) => samples[0][row] + samples[1][row],
      text: (row) => `${formatCount(samples[0][row])} → ${formatCount(samples[1][row])}`,
    },
    figure("incl-a", "baseline", INCLUSIVE, inclusive[0], formatMs, "number wide"),
    figure("incl-b", "contender", INCLUSIVE, inclusive[1], formatMs, "number wide"),
    figure("incl-delta", "delta", INCLUSIVE, columns.inclusiveDelta, formatDelta, "number delta wide"),
  ];
}

const RANKS = ["regressed", "new", "improved", "vanished", "equal", "inconclusive", "unresolved", "others"];

/** Verdicts in an order to sort by, those that matter first when sorted down. */
function verdictRank(columns, row) {
  const { status, relevant } = columns.told;
  const rank = RANKS.indexOf(status[row]);
  return rank < 0 ? null : (relevant[row] ? 100 : 0) + RANKS.length - rank;
}

/** The rows whose full name has all words of the text, in the order in which they stand. */
export function filterRows(columns, items, text) {
  const mask = matchingItems(items, text);
  const found = [];
  for (let row = 0; row < columns.size; row++) if (mask === null || mask[columns.item[row]]) found.push(row);
  return found;
}

/**
 * Rows in the order of a column, `descending` or not; what is not known comes last, equal ones by name.
 *
 * Without a column they stand as in perfdb's own tables: of two sides, what regressed or improved comes first, then the
 * rest, each by how much it changed; of one side, by exclusive cost.
 */
export function sortRows(columns, rows, column, descending) {
  const byName = (a, b) => (columns.names[a] < columns.names[b] ? -1 : columns.names[a] > columns.names[b] ? 1 : 0);
  const compare = column === null ? naturalOrder(columns) : valueOrder(column, descending);
  return rows.slice().sort((a, b) => compare(a, b) || byName(a, b));
}

function valueOrder(column, descending) {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return x < y ? -sign : sign;
  };
}

function naturalOrder(columns) {
  const cost = columns.exclusive.at(-1);
  const inclusive = columns.inclusive.at(-1);
  if (columns.delta === undefined) return (a, b) => cost[b] - cost[a] || inclusive[b] - inclusive[a];
  const first = columns.told.status.map((status) => (SIGNIFICANT.includes(status) ? 0 : 1));
  const greatest = cost.map((ms, row) => Math.max(ms, columns.exclusive[0][row]));
  return (a, b) =>
    first[a] - first[b] || Math.abs(columns.delta[b]) - Math.abs(columns.delta[a]) || greatest[b] - greatest[a];
}

/** What rows cost together, in ms a run: {exclusive, samples}, a number a side. Inclusive costs do not add up. */
export function sumRows(columns, rows) {
  const sum = (column) => rows.reduce((total, row) => total + column[row], 0);
  return { exclusive: columns.exclusive.map(sum), samples: columns.samples.map(sum) };
}

/** The class of a verdict's words: `improved, small` is `small`, `~ 4 more runs` is `open`. */
export function badgeOf(word, status) {
  if (word.startsWith("~")) return "open";
  if (word.endsWith(", small")) return "small";
  return word === "" ? "plain" : status.replace(/ /g, "-");
}

/** Figures sort down first, for the greatest are asked for; names up; a third time, as the table came. */
export function nextSort(column, now) {
  const order = column.kind === "name" ? ["ascending", "descending"] : ["descending", "ascending"];
  const next = order[order.indexOf(now) + 1];
  if (next === undefined) return "";
  return next === "descending" ? `-${column.key}` : column.key;
}
