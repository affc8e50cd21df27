"""A diff as one flat table, for CSV: programs, modules, functions, call paths, and functions over several examples.

Of each example the rows of kind `module` add up to its `program`, and so do those of kind `function`: the ones without
a name sum what is not listed, by class. So do the rows of kind `module_class` and `function_class`, which are the whole
ledger by class. What a row does not have is empty. Rows of kind `metric` are in their own unit, and add up to nothing;
their columns are there where some example has metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfdb.compare.call_tree import Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.ledger import OTHERS, Ledger
from perfdb.report.blocks import Column, Table
from perfdb.report.of_diff_data import (
    costs_data,
    entry_data,
    item_data,
    measured_data,
    path_data,
    pooled_data,
    program_data,
    remainder_data,
)

FINDING = (
    Column("effect", "effect", "change"),
    Column("low", "low", "change"),
    Column("high", "high", "change"),
    Column("p_value", "p", "value"),
    Column("adjusted", "adjusted p", "value"),
    Column("verdict", "verdict"),
    Column("runs_needed", "runs needed", "count"),
    Column("is_relevant", "relevant", "value"),
    Column("reason", "reason"),
)
"""What is told of each cost that was judged."""
COLUMNS: tuple[Column, ...] = (
    Column("example", "example"),
    Column("kind", "kind"),
    Column("module", "module"),
    Column("function", "function"),
    Column("path", "path"),
    Column("status", "status"),
    Column("count", "count", "count"),
    Column("baseline_ms", "baseline ms", "ms"),
    Column("baseline_spread_ms", "± ms", "ms"),
    Column("contender_ms", "contender ms", "ms"),
    Column("contender_spread_ms", "± ms", "ms"),
    Column("delta_ms", "delta ms", "delta_ms"),
    Column("change", "change", "change"),
    *FINDING,
    Column("baseline_samples", "baseline samples", "count"),
    Column("contender_samples", "contender samples", "count"),
    Column("baseline_runs", "baseline runs", "count"),
    Column("contender_runs", "contender runs", "count"),
)


METRIC_COLUMNS = (
    Column("metric", "metric"),
    Column("unit", "unit"),
    Column("better", "better"),
    Column("baseline", "baseline", "value"),
    Column("baseline_spread", "±", "value"),
    Column("contender", "contender", "value"),
    Column("contender_spread", "±", "value"),
    Column("baseline_repetitions", "baseline repetitions", "count"),
    Column("contender_repetitions", "contender repetitions", "count"),
)
"""What only metrics have."""
METRIC = "metric"
NS_DIGITS, TINY = 6, 1e-3
"""Figures are written with so many digits behind the point, but for smaller ones, which are p-values."""


def flat_table(comparison: Comparison, by: str) -> Table:
    """`by` is `module`, `function` or `both`, as in the report."""
    records = [record for example in comparison.examples for record in _example_records(example, by)]
    if by != "module":
        records += [_pooled_record(entry) for entry in comparison.pooled]
    columns = COLUMNS
    if any(example.measured for example in comparison.examples):
        columns += METRIC_COLUMNS
    return Table(columns, tuple(tuple(_value(record, column.key) for column in columns) for record in records))


def _value(record: dict[str, Any], key: str) -> Any:
    """Metrics are written as they are: ns would be lost of benchmarks in ms."""
    return record.get(key) if record["kind"] == METRIC else flat_value(record.get(key))


def flat_value(value: Any) -> Any:
    """Nanoseconds are the last digits of ms that mean anything."""
    return round(value, NS_DIGITS) if isinstance(value, float) and abs(value) > TINY else value


def _example_records(example: ExampleDiff, by: str) -> Iterator[dict[str, Any]]:
    runs = {"baseline_runs": len(example.baseline), "contender_runs": len(example.contender)}
    here = {"example": example.example}
    program: dict[str, Any] = {"kind": "program"} | program_data(example)
    if example.primary is not None:
        program["metric"] = example.primary.metric
    yield here | program | runs
    yield from (here | {"kind": METRIC} | measured_data(entry) for entry in example.measured)
    if not example.has_profiles:
        return
    for kind, ledger in (("module", example.modules), ("function", example.functions)):
        if by in (kind, "both"):
            yield from (here | record | runs for record in _ledger_records(kind, ledger))
    if by != "module" and example.paths is not None:
        yield from (here | record | runs for record in _path_records(example.paths))


def _ledger_records(kind: str, ledger: Ledger) -> Iterator[dict[str, Any]]:
    yield from ({"kind": kind} | entry_data(entry) for entry in ledger.rows)
    yield from ({"kind": kind} | remainder_data(rest) for rest in ledger.rest)
    yield from ({"kind": f"{kind}_class"} | remainder_data(each) for each in ledger.classes if each.count)


def _path_records(paths: Paths) -> Iterator[dict[str, Any]]:
    """Paths as the view `stack_cost` writes them: root first, `;` between the frames."""
    for row in paths.rows:
        yield (
            path_data(row)
            | item_data(row.path[-1] if row.path else None)
            | {"kind": "path", "path": ";".join(map(str, row.path))}
        )
    if paths.rows:
        yield costs_data(paths.rest_baseline_ns, paths.rest_contender_ns) | {"kind": "path", "status": OTHERS}


def _pooled_record(entry: PooledEntry) -> dict[str, Any]:
    examples = {"example": "; ".join(entry.examples), "count": len(entry.examples)}
    return pooled_data(entry) | examples | {"kind": "pooled"}
