"""The report of where time goes: for each example its runs, then modules and functions by exclusive cost."""

from __future__ import annotations

from typing import Any

from perfdb.compare import HotExample, HotItem, Shown
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.of_symbols import MOST_WANTED, wanted_block
from perfdb.units import NS_PER_MS

SCHEMA = "perfdb.show/1"

_FLAT = (
    Column("example", "example"),
    Column("kind", "kind"),
    Column("module", "module"),
    Column("function", "function"),
    Column("exclusive_ms", "exclusive ms", "ms"),
    Column("exclusive_share", "excl %", "share"),
    Column("inclusive_ms", "inclusive ms", "ms"),
    Column("inclusive_share", "incl %", "share"),
    Column("runs", "runs", "count"),
)


def show_report(shown: Shown, by: str = "both", with_all: bool = False) -> Report:
    """`by` is `module`, `function` or `both`: which costs are listed; the data has all of them.

    `with_all` lists all the symbol files that are wanted.
    """
    lines = (*shown.lines, f"CPU time of {shown.scope}, mean of the runs")
    blocks = [Block(shown.title, 1, lines, caveats=tuple(caveat.text for caveat in shown.caveats))]
    rows: list[tuple[Any, ...]] = []
    for example in shown.examples:
        blocks.append(_example_block(example))
        if by != "function":
            blocks.append(Block(table=_table("module", example, example.modules, example.modules_rest)))
            rows += [_flat_row(example, "module", hot) for hot in example.modules]
        if by != "module":
            blocks.append(_function_block(example, alone=by == "function"))
            rows += [_flat_row(example, "function", hot) for hot in example.functions]
    if shown.wanted:
        blocks.append(wanted_block(shown.wanted, None if with_all else MOST_WANTED))
    return Report(tuple(blocks), Table(_FLAT, tuple(rows)), _data(shown))


def _example_block(example: HotExample) -> Block:
    runs = example.runs
    spread = example.total.dispersion
    mean = f"{example.total.mean / NS_PER_MS:,.1f} ms CPU" + ("" if spread is None else f" ±{spread * 100:.1f} %")
    processes = ", ".join(sorted({run.process for run in runs}))
    told: dict[str, int] = {}
    for run in runs:
        for caveat in run.caveats:
            told[caveat.text] = told.get(caveat.text, 0) + 1
        if run.is_dirty:
            told["uncommitted changes in the tree"] = told.get("uncommitted changes in the tree", 0) + 1
    count = len(runs)
    of_runs = (text if count == 1 else f"{times} of {count} runs: {text}" for text, times in told.items())
    caveats = (*(caveat.text for caveat in example.caveats), *of_runs)
    heading = f"{example.example}  ({count} run{'s' if count != 1 else ''})"
    return Block(heading, 2, (f"{mean}, {processes}",), caveats=caveats)


def _function_block(example: HotExample, alone: bool) -> Block:
    if example.has_symbols or alone:
        return Block(table=_table("function", example, example.functions, example.functions_rest))
    return Block(lines=("functions: no sample of these runs has a symbol, so modules are the finest answer",))


def _table(kind: str, example: HotExample, items: tuple[HotItem, ...], rest: tuple[int, float]) -> Table:
    columns = (
        Column(kind, kind),
        Column("exclusive_ms", "exclusive ms", "ms"),
        Column("exclusive_share", "excl %", "share", gives_way=2),
        Column("inclusive_ms", "inclusive ms", "ms", gives_way=1),
        Column("inclusive_share", "incl %", "share", gives_way=3),
    )
    rows: list[tuple[Any, ...]] = [(str(hot.item), *_costs(hot)) for hot in items]
    total = example.total.mean
    if rest[0]:
        rows.append(("(others)", rest[1] / NS_PER_MS, rest[1] / total if total else 0.0, None, None))
    rows.append(("total", total / NS_PER_MS, 1.0 if total else 0.0, None, None))
    return Table(columns, tuple(rows), f"more {kind}s" if rest[0] else "")


def _costs(hot: HotItem) -> tuple[float, float, float | None, float | None]:
    return (
        hot.exclusive.mean / NS_PER_MS,
        hot.exclusive_share,
        None if hot.inclusive is None else hot.inclusive.mean / NS_PER_MS,
        hot.inclusive_share,
    )


def _flat_row(example: HotExample, kind: str, hot: HotItem) -> tuple[Any, ...]:
    return (example.example, kind, hot.item.module, hot.item.function, *_costs(hot), len(example.runs))


def _data(shown: Shown) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "title": shown.title,
        "scope": shown.scope,
        "caveats": shown.caveats,
        "examples": [
            {
                "example": example.example,
                "runs": example.runs,
                "caveats": example.caveats,
                "cpu_ms": example.total.mean / NS_PER_MS,
                "modules": [_item_data(hot) for hot in example.modules],
                "functions": [_item_data(hot) for hot in example.functions],
            }
            for example in shown.examples
        ],
        "wanted_symbols": shown.wanted,
    }


def _item_data(hot: HotItem) -> dict[str, Any]:
    exclusive_ms, exclusive_share, inclusive_ms, inclusive_share = _costs(hot)
    return {
        "module": hot.item.module,
        "function": hot.item.function,
        "exclusive_ms": exclusive_ms,
        "exclusive_share": exclusive_share,
        "inclusive_ms": inclusive_ms,
        "inclusive_share": inclusive_share,
    }
