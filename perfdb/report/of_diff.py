"""The report of a diff.

The sides, then for each example the program, its modules and its functions as closed ledgers.
"""

from __future__ import annotations

from typing import Any

from perfdb.compare import Comparison, Entry, ExampleDiff, Ledger, Side
from perfdb.profile.columns import UNKNOWN_MODULE
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import cell
from perfdb.stats import Summary
from perfdb.units import NS_PER_MS

SCHEMA = "perfdb.diff/1"

_FLAT = (
    Column("example", "example"),
    Column("kind", "kind"),
    Column("module", "module"),
    Column("function", "function"),
    Column("status", "status"),
    Column("baseline_ms", "baseline ms", "ms"),
    Column("baseline_spread_ms", "± ms", "ms"),
    Column("contender_ms", "contender ms", "ms"),
    Column("contender_spread_ms", "± ms", "ms"),
    Column("delta_ms", "delta ms", "delta_ms"),
    Column("change", "delta %", "change"),
    Column("baseline_runs", "baseline runs", "count"),
    Column("contender_runs", "contender runs", "count"),
)


def diff_report(comparison: Comparison, by: str = "both") -> Report:
    """`by` is `module`, `function` or `both`: which ledgers are shown; the data has all of them."""
    blocks = [_head(comparison)]
    for example in comparison.examples:
        blocks += _example_blocks(example, by)
    rows = tuple(row for example in comparison.examples for row in _flat_rows(example, by))
    return Report(tuple(blocks), Table(_FLAT, rows), _data(comparison))


def _head(comparison: Comparison) -> Block:
    lines = [
        f"baseline   {_side(comparison.baseline)}",
        f"contender  {_side(comparison.contender)}",
        f"CPU time of {comparison.scope}, exclusive, mean of the runs",
    ]
    for name, only in (("baseline", comparison.only_baseline), ("contender", comparison.only_contender)):
        if only:
            lines.append(f"only in {name}: {', '.join(only)}")
    heading = f"{comparison.baseline.asked} → {comparison.contender.asked}"
    return Block(heading, 1, tuple(lines), caveats=tuple(caveat.text for caveat in comparison.caveats))


def _side(side: Side) -> str:
    return f"{side.recorded_sha[:10]}  {side.subject}".rstrip()


def _example_blocks(example: ExampleDiff, by: str) -> list[Block]:
    runs = f"{len(example.baseline)} v {len(example.contender)} runs"
    total = example.total
    line = f"{_mean(total.baseline)} → {_mean(total.contender)} CPU, {_delta(total)}"
    caveats = tuple(caveat.text for caveat in example.caveats)
    blocks = [Block(f"{example.example}  ({runs})", 2, (line,), caveats=caveats)]
    if by != "function":
        blocks.append(Block(table=_ledger_table(example.modules, "module")))
    if by != "module":
        blocks.append(_function_block(example.functions))
    return blocks


def _function_block(ledger: Ledger) -> Block:
    if not ledger.rows and not ledger.new.count and not ledger.vanished.count and not ledger.others.count:
        return Block(lines=("functions: no sample of these runs has a symbol, so modules are the finest answer",))
    return Block(table=_ledger_table(ledger, "function"))


def _mean(summary: Summary) -> str:
    mean = f"{summary.mean / NS_PER_MS:,.1f} ms"
    return mean if summary.dispersion is None else f"{mean} ±{summary.dispersion:.1%}".replace("%", " %")


def _delta(entry: Entry) -> str:
    change = "" if entry.change is None else f" ({cell(entry.change, 'change')})"
    return f"{cell(entry.delta_ns / NS_PER_MS, 'delta_ms')} ms{change}"


def _ledger_table(ledger: Ledger, kind: str) -> Table:
    """The rows, then what is summed, then the total: a column adds up to its last cell."""
    columns = (
        Column(kind, kind),
        Column("baseline_ms", "baseline ms", "ms"),
        Column("baseline_spread", "±", "share"),
        Column("contender_ms", "contender ms", "ms"),
        Column("contender_spread", "±", "share"),
        Column("delta_ms", "delta ms", "delta_ms"),
        Column("change", "delta %", "change"),
        Column("status", "", "text"),
    )
    rows: list[tuple[Any, ...]] = [
        (
            str(entry.item),
            entry.baseline.mean / NS_PER_MS,
            entry.baseline.dispersion,
            entry.contender.mean / NS_PER_MS,
            entry.contender.dispersion,
            entry.delta_ns / NS_PER_MS,
            entry.change,
            "" if entry.status == "changed" else entry.status,
        )
        for entry in ledger.rows
    ]
    for name, rest in ledger.remainders():
        if rest.count:
            label = _remainder_label(name, rest.count, kind)
            rows.append(_sum_row(label, rest.baseline_ns, rest.contender_ns))
    rows.append(_sum_row("total", ledger.total.baseline.mean, ledger.total.contender.mean))
    return Table(columns, tuple(rows))


def _remainder_label(name: str, count: int, kind: str) -> str:
    """What a summed line is called: work in no module is `<unknown>` here as in every other table."""
    if name == "unresolved":
        return UNKNOWN_MODULE if kind == "module" else "(unresolved)"
    return "(others)" if name == "others" else f"({count} {name})"


def _sum_row(label: str, baseline_ns: float, contender_ns: float) -> tuple[Any, ...]:
    delta = contender_ns - baseline_ns
    change = delta / baseline_ns if baseline_ns else None
    return (label, baseline_ns / NS_PER_MS, None, contender_ns / NS_PER_MS, None, delta / NS_PER_MS, change, "")


def _flat_rows(example: ExampleDiff, by: str) -> list[tuple[Any, ...]]:
    rows = [_flat_entry(example, "program", example.total)]
    for kind, ledger in (("module", example.modules), ("function", example.functions)):
        if by not in (kind, "both"):
            continue
        rows += [_flat_entry(example, kind, entry) for entry in ledger.rows]
        for name, rest in ledger.remainders():
            if not rest.count:
                continue
            change = rest.delta_ns / rest.baseline_ns if rest.baseline_ns else None
            means = (rest.baseline_ns / NS_PER_MS, None, rest.contender_ns / NS_PER_MS, None, rest.delta_ns / NS_PER_MS)
            rows.append((example.example, kind, None, None, name, *means, change, None, None))
    return rows


def _flat_entry(example: ExampleDiff, kind: str, entry: Entry) -> tuple[Any, ...]:
    item = entry.item
    return (
        example.example,
        kind,
        item.module if item else None,
        item.function if item else None,
        entry.status if item else "total",
        entry.baseline.mean / NS_PER_MS,
        _spread_ms(entry.baseline),
        entry.contender.mean / NS_PER_MS,
        _spread_ms(entry.contender),
        entry.delta_ns / NS_PER_MS,
        entry.change,
        entry.baseline.runs,
        entry.contender.runs,
    )


def _spread_ms(summary: Summary) -> float | None:
    return None if summary.spread is None else summary.spread / NS_PER_MS


def _data(comparison: Comparison) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "baseline": comparison.baseline,
        "contender": comparison.contender,
        "scope": comparison.scope,
        "caveats": comparison.caveats,
        "only_baseline": comparison.only_baseline,
        "only_contender": comparison.only_contender,
        "examples": [
            {
                "example": example.example,
                "baseline_runs": example.baseline,
                "contender_runs": example.contender,
                "caveats": example.caveats,
                "total": _entry_data(example.total),
                "modules": _ledger_data(example.modules),
                "functions": _ledger_data(example.functions),
            }
            for example in comparison.examples
        ],
    }


def _ledger_data(ledger: Ledger) -> dict[str, Any]:
    data: dict[str, Any] = {"rows": [_entry_data(entry) for entry in ledger.rows]}
    for name, rest in ledger.remainders():
        data[name.replace(", ", "_").replace(" ", "_")] = {
            "count": rest.count,
            "baseline_ms": rest.baseline_ns / NS_PER_MS,
            "contender_ms": rest.contender_ns / NS_PER_MS,
            "delta_ms": rest.delta_ns / NS_PER_MS,
        }
    return data | {"total": _entry_data(ledger.total)}


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {
        "module": entry.item.module if entry.item else None,
        "function": entry.item.function if entry.item else None,
        "status": entry.status,
        "baseline_ms": entry.baseline.mean / NS_PER_MS,
        "baseline_spread_ms": _spread_ms(entry.baseline),
        "contender_ms": entry.contender.mean / NS_PER_MS,
        "contender_spread_ms": _spread_ms(entry.contender),
        "delta_ms": entry.delta_ns / NS_PER_MS,
        "change": entry.change,
    }
