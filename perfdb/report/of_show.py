"""The report of where time goes: for each example its runs, then modules and functions by exclusive cost.

Examples without profiles have metrics instead, which stand together where there are several such examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perfdb.compare import HotExample, HotItem, Shown
from perfdb.compare.hot import HotMetric
from perfdb.report.amounts import amounts, metric_label, summary_text
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import cell
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


_METRICS = (
    Column("metric", "metric"),
    Column("repetitions", "repetitions", "count", gives_way=4),
    Column("median", "median", "figure"),
    Column("mean", "mean", "figure", gives_way=1),
    Column("least", "min", "figure", gives_way=2),
    Column("most", "max", "figure", gives_way=3),
)
_FLAT_METRICS = (
    Column("metric", "metric"),
    Column("unit", "unit"),
    Column("repetitions", "repetitions", "count"),
    Column("median", "median", "value"),
    Column("mean", "mean", "value"),
    Column("least", "min", "value"),
    Column("most", "max", "value"),
)
"""What only metrics have, in their own unit."""


def show_report(shown: Shown, by: str = "both", with_all: bool = False) -> Report:
    """`by` is `module`, `function` or `both`: which costs are listed; the data has all of them.

    `with_all` lists all the symbol files that are wanted.
    """
    profiled = [example for example in shown.examples if example.has_profiles]
    what = f"CPU time of {shown.scope}" if profiled or not shown.examples else "metrics"
    lines = (*shown.lines, f"{what}, mean of the runs")
    blocks = [Block(shown.title, 1, lines, caveats=tuple(caveat.text for caveat in shown.caveats))]
    rows: list[tuple[Any, ...]] = []
    for example in profiled:
        blocks.append(_example_block(example))
        if by != "function":
            blocks.append(Block(table=_table("module", example, example.modules, example.modules_rest)))
            rows += [_flat_row(example, "module", hot) for hot in example.modules]
        if by != "module":
            blocks.append(_function_block(example, alone=by == "function"))
            rows += [_flat_row(example, "function", hot) for hot in example.functions]
    blocks += _benchmark_blocks(shown)
    if shown.wanted:
        blocks.append(wanted_block(shown.wanted, None if with_all else MOST_WANTED))
    return Report(tuple(blocks), _flat_table(shown, rows), _data(shown))


def _example_block(example: HotExample) -> Block:
    runs = example.runs
    spread = example.total.dispersion
    mean = f"{example.total.mean / NS_PER_MS:,.1f} ms CPU" + ("" if spread is None else f" ±{spread * 100:.1f} %")
    processes = ", ".join(sorted({run.process for run in runs}))
    lines: tuple[str, ...] = (f"{mean}, {processes}",)
    if example.metrics:
        lines += (f"measured: {', '.join(map(_metric_text, example.metrics))}",)
    return Block(_heading(example), 2, lines, caveats=_caveats(example))


def _heading(example: HotExample) -> str:
    return f"{example.example}  ({_runs_text(example)})"


def _runs_text(example: HotExample) -> str:
    return f"{len(example.runs)} run{'s' if len(example.runs) != 1 else ''}"


def _metric_text(metric: HotMetric) -> str:
    return f"{metric_label(metric.metric)} {summary_text(metric.median, metric.unit)}"


def _caveats(example: HotExample) -> tuple[str, ...]:
    runs = example.runs
    told: dict[str, int] = {}
    for run in runs:
        for caveat in run.caveats:
            told[caveat.text] = told.get(caveat.text, 0) + 1
        if run.is_dirty:
            told["uncommitted changes in the tree"] = told.get("uncommitted changes in the tree", 0) + 1
    count = len(runs)
    of_runs = (text if count == 1 else f"{times} of {count} runs: {text}" for text, times in told.items())
    return (*(caveat.text for caveat in example.caveats), *of_runs)


def _benchmark_blocks(shown: Shown) -> Iterator[Block]:
    """The metrics of the examples without profiles: of one alone, or of all in one table."""
    examples = [example for example in shown.examples if not example.has_profiles]
    if len(examples) == 1:
        (example,) = examples
        processes = ", ".join(sorted({run.process for run in example.runs} - {""}))
        table = Table(_METRICS, tuple(map(_metric_cells, example.metrics)))
        yield Block(_heading(example), 2, (processes,) if processes else (), table, _caveats(example))
        return
    if not examples:
        return
    lines = [(example.example, *_metric_cells(each)) for example in examples for each in example.metrics]
    cut = lines[: shown.most_measured]
    told = (f"the first {len(cut):,} of {len(lines):,} metrics",) if len(cut) < len(lines) else ()
    columns = (Column("benchmark", "example"), *_METRICS)
    table = Table(columns, tuple(cut), "more metrics" if len(cut) < len(lines) else "")
    runs = dict.fromkeys(map(_runs_text, examples))
    each = f", {next(iter(runs))} each" if len(runs) == 1 else ""
    yield Block(f"benchmarks  ({len(examples):,} examples{each})", 2, told, table, _common_caveats(examples))


def _common_caveats(examples: Sequence[HotExample]) -> tuple[str, ...]:
    """What is said of several benchmarks, each thing once."""
    told: dict[str, int] = {}
    for example in examples:
        for text in _caveats(example):
            told[text] = told.get(text, 0) + 1
    return tuple(
        text if count == len(examples) else f"{count:,} of {len(examples):,} examples: {text}"
        for text, count in told.items()
    )


def _metric_cells(metric: HotMetric) -> tuple[Any, ...]:
    bounds = [value for value in (metric.least, metric.most) if value is not None]
    written = amounts((metric.median.mean, metric.mean.mean, *bounds), metric.unit)
    spread = metric.median.dispersion
    median = written[0] if spread is None else f"{written[0]} ±{cell(spread, 'share')}"
    least, most = written[2:] if len(bounds) == 2 else (None, None)
    return metric.metric, metric.repetitions, median, written[1], least, most


def _flat_table(shown: Shown, rows: Sequence[tuple[Any, ...]]) -> Table:
    """The table for CSV; it has columns of metrics where there are metrics."""
    if not any(example.metrics for example in shown.examples):
        return Table(_FLAT, tuple(rows))
    metrics = [
        (example.example, "metric", *(None,) * 6, each.median.runs, each.metric, each.unit, *_figures(each))
        for example in shown.examples
        for each in example.metrics
    ]
    empty = (None,) * len(_FLAT_METRICS)
    return Table((*_FLAT, *_FLAT_METRICS), (*((*row, *empty) for row in rows), *metrics))


def _figures(metric: HotMetric) -> tuple[int, float, float, float | None, float | None]:
    return metric.repetitions, metric.median.mean, metric.mean.mean, metric.least, metric.most


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
                "cpu_ms": example.total.mean / NS_PER_MS if example.has_profiles else None,
                "modules": [_item_data(hot) for hot in example.modules],
                "functions": [_item_data(hot) for hot in example.functions],
                "metrics": [_metric_data(each) for each in example.metrics],
            }
            for example in shown.examples
        ],
        "wanted_symbols": shown.wanted,
    }


def _metric_data(metric: HotMetric) -> dict[str, Any]:
    """One metric in its unit: means over the runs, least and most over all repetitions."""
    repetitions, median, mean, least, most = _figures(metric)
    return {
        "metric": metric.metric,
        "unit": metric.unit,
        "runs": metric.median.runs,
        "repetitions": repetitions,
        "median": median,
        "median_spread": metric.median.spread,
        "mean": mean,
        "least": least,
        "most": most,
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
