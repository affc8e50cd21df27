// The functions table: all of them, a window of rows at a time, sorted and filtered.

import { make, makeName, makeSearch } from "./elements.js";
import { directionOf, formatChange, formatCount, formatDelta, formatEffect, formatMs, formatShare } from "./format.js";
import { badgeOf, filterRows, nextSort, sortRows, sumRows, tableColumns } from "./functions.js";

const CHUNK = 100;

/**
 * Fill `host` with the table of an example. `pick(item)` is called for a function that is to be looked at,
 * `change({sort, filter})` where the user sorts or filters. Returns {show(sort, filter)}: `sort` is "key", "-key" for
 * down, or "".
 */
export function createTable(host, loaded, { pick, change }) {
  const columns = tableColumns(loaded.columns, loaded.sides);
  const count = make("output", { class: "count", role: "status" });
  const search = makeSearch("Filter functions", "filter: words of module!function", (filter) => change({ filter }));
  const heads = new Map();
  const head = make("thead", {}, groupRow(columns), headRow(columns, heads, (sort) => change({ sort })));
  const body = make("tbody", {});
  const foot = make("tfoot", {});
  const caption = make("caption", { class: "unseen" }, `Functions of ${loaded.example}`);
  const table = make("table", { class: `functions sides-${loaded.sides.length}` }, caption, head, body, foot);
  const box = make("div", { class: "scroll tall", role: "region", tabindex: "0", "aria-label": "Functions" }, table);
  const more = make("button", { type: "button", class: "quiet more", on: { click: () => addRows() } });
  host.replaceChildren(make("div", { class: "toolbar" }, search.element, count), box, more, notes(loaded));

  let shown = { sort: null, filter: null, rows: [], written: 0 };

  const addRows = () => {
    const from = shown.written;
    const rows = shown.rows.slice(from, from + CHUNK);
    body.append(...rows.map((row) => functionRow(loaded, columns, row, pick)));
    shown.written += rows.length;
    const left = shown.rows.length - shown.written;
    more.hidden = left === 0;
    more.textContent = `Show ${formatCount(Math.min(CHUNK, left))} of ${formatCount(left)} more`;
  };
  box.addEventListener("scroll", () => {
    const near = box.scrollTop + box.clientHeight * 2 > box.scrollHeight;
    if (near && shown.written < shown.rows.length) addRows();
  });

  const show = (sort, filter) => {
    if (search.input.value !== filter && document.activeElement !== search.input) search.input.value = filter;
    if (shown.sort === sort && shown.filter === filter) return;
    const key = sort.replace(/^-/, "");
    const column = columns.find((each) => each.key === key) ?? null;
    const found = filterRows(loaded.columns, loaded.items, filter);
    shown = { sort, filter, rows: sortRows(loaded.columns, found, column, sort.startsWith("-")), written: 0 };
    for (const [each, cell] of heads) {
      cell.setAttribute("aria-sort", each !== key ? "none" : sort.startsWith("-") ? "descending" : "ascending");
    }
    const all = loaded.columns.size;
    count.textContent =
      found.length === all
        ? `${formatCount(all)} function${all === 1 ? "" : "s"}`
        : `${formatCount(found.length)} of ${formatCount(all)} functions`;
    foot.replaceChildren(totalRow(loaded, columns, found, filter));
    body.replaceChildren();
    box.scrollTop = 0;
    addRows();
  };
  return { show };
}

/** The row above the heads: what stands for exclusive and for inclusive costs. */
function groupRow(columns) {
  const row = make("tr", { class: "groups" });
  for (let at = 0; at < columns.length; ) {
    let end = at + 1;
    while (end < columns.length && columns[end].group === columns[at].group) end++;
    const wide = columns.slice(at, end).every((column) => column.kind.includes("wide")) ? "wide" : "";
    const { group } = columns[at];
    const options = { scope: "colgroup", colspan: end - at, class: wide };
    row.append(group === "" ? make("td", {}) : make("th", options, group));
    at = end;
  }
  return row;
}

function headRow(columns, heads, sortBy) {
  const row = make("tr", {});
  for (const column of columns) {
    const cell = make("th", { scope: "col", class: column.kind, "aria-sort": "none" });
    const turn = () => sortBy(nextSort(column, cell.getAttribute("aria-sort")));
    cell.append(make("button", { type: "button", class: "sort", on: { click: turn } }, column.title));
    heads.set(column.key, cell);
    row.append(cell);
  }
  return row;
}

function functionRow(loaded, columns, row, pick) {
  const item = loaded.columns.item[row];
  const told = loaded.columns.told;
  const status = told.status === undefined ? "" : (told.status[row] ?? "");
  const line = make("tr", { class: status === "" ? "" : `is-${badgeOf(told.word[row], status)}` });
  for (const column of columns) {
    if (column.kind === "name") {
      const button = makeName(loaded.items[item], "button", { type: "button", class: "item link" });
      button.addEventListener("click", () => pick(item));
      line.append(make("th", { scope: "row", class: "name" }, button));
      continue;
    }
    const text = column.text(row);
    const direction = column.kind.includes("delta") ? directionOf(text) : "";
    const badge = column.kind === "verdict" && text !== "" ? ` badge ${badgeOf(text, status)}` : "";
    line.append(make("td", { class: `${column.kind} ${direction}${badge}`.trim() }, make("span", {}, text)));
  }
  return line;
}

function totalRow(loaded, columns, rows, filter) {
  const sums = sumRows(loaded.columns, rows);
  const [before, after] = [sums.exclusive[0], sums.exclusive.at(-1)];
  const isAll = rows.length === loaded.columns.size;
  const program = isAll ? loaded.program : null;
  const share = loaded.columns.totals.at(-1) ? after / loaded.columns.totals.at(-1) : null;
  const texts = {
    excl: formatMs(after),
    "excl-share": formatShare(share),
    share: formatShare(share),
    "excl-a": formatMs(before),
    "excl-b": formatMs(after),
    delta: formatDelta(after - before),
    change: formatChange(before ? (after - before) / before : null),
    effect: program ? formatEffect(program.effect, program.low, program.high) : "",
    verdict: program ? program.word : "",
    samples: sums.samples.map(formatCount).join(" → "),
  };
  const label = isAll && filter === "" ? "total" : "total of these";
  const cells = columns.map((column) => {
    if (column.kind === "name") return make("th", { scope: "row", class: "name" }, label);
    const text = texts[column.key] ?? "";
    const direction = column.kind.includes("delta") ? directionOf(text) : "";
    return make("td", { class: `${column.kind} ${direction}`.trim() }, text);
  });
  return make("tr", { class: program ? `sum is-${badgeOf(program.word, program.word)}` : "sum" }, ...cells);
}

function notes(loaded) {
  const runs = loaded.sides.map((side) => `${side.label}: ${formatCount(side.runs)}`).join(", ");
  const order =
    loaded.sides.length === 2
      ? " Unless sorted, what regressed or improved stands first, then the rest, each by how much it changed."
      : "";
  const text =
    `CPU ms a run, the mean of the runs (${runs}); samples are of all runs.${order} Inclusive: the function and all ` +
    "it calls, each sample once; it does not add up.";
  return make("p", { class: "hint" }, text);
}
