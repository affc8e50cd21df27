"""The tables of a diff: programs, ledgers, call paths and functions of several examples, all with the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from perfdb.compare.call_tree import PathChange, Paths
from perfdb.compare.comparison import ExampleDiff, PooledEntry
from perfdb.compare.ledger import NEW, OTHERS, UNRESOLVED, VANISHED, Entry, Ledger, Remainder
from perfdb.compare.verdicts import IMPROVED, REGRESSED, Finding
from perfdb.profile.columns import UNKNOWN_MODULE
from perfdb.report.blocks import Column, Table
from perfdb.report.call_paths import call_paths
from perfdb.report.of_diff_words import fewest_runs, verdict_cell
from perfdb.units import NS_PER_MS

_FIRST = (REGRESSED, IMPROVED)


@dataclass(frozen=True, slots=True)
class _Row:
    """`names` are the first cells; `finding` brings the effect, which of all but programs is against what all share."""

    names: tuple[Any, ...]
    baseline_ns: float
    contender_ns: float
    finding: Finding | None = None
    verdict: str = ""

    @property
    def has_interval(self) -> bool:
        return self.finding is not None and not (self.finding.low is None and self.finding.high is None)

    def cells(self) -> tuple[Any, ...]:
        delta_ns, finding = self.contender_ns - self.baseline_ns, self.finding
        # Work out of nothing has no relative change, whatever was estimated for it.
        is_told = finding is not None and finding.effect is not None and bool(self.baseline_ns)
        return (
            *self.names,
            self.baseline_ns / NS_PER_MS,
            self.contender_ns / NS_PER_MS,
            delta_ns / NS_PER_MS,
            delta_ns / self.baseline_ns if self.baseline_ns else None,
            (finding.effect, finding.low, finding.high) if finding and is_told else None,
            self.verdict,
        )


def _table(names: tuple[Column, ...], rows: Sequence[_Row]) -> Table:
    """Verdicts that no row has are left out, and so are effects without any interval, for they are the changes."""
    columns = (
        *names,
        Column("baseline_ms", "baseline ms", "ms", gives_way=2),
        Column("contender_ms", "contender ms", "ms", gives_way=3),
        Column("delta_ms", "delta ms", "delta_ms"),
        Column("change", "change", "change", gives_way=1),
        Column("effect", "effect, 95 %", "effect"),
        Column("verdict", "verdict"),
    )
    cells = [row.cells() for row in rows]
    dropped = {"verdict"} if not any(row.verdict for row in rows) else set()
    if not any(row.has_interval for row in rows):
        dropped.add("effect")
    kept = [at for at, column in enumerate(columns) if column.key not in dropped]
    return Table(tuple(columns[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in cells))


def programs_table(examples: Sequence[ExampleDiff]) -> Table:
    """Every example in a line: what regressed, what improved, then the rest, by name."""
    rows = [
        _Row(
            (example.example,),
            example.total.baseline.mean,
            example.total.contender.mean,
            example.finding,
            verdict_cell(example.finding, fewest_runs(example)),
        )
        for example in sorted(examples, key=_rank)
    ]
    return _table((Column("example", "example"),), rows)


def _rank(example: ExampleDiff) -> tuple[int, float]:
    finding = example.finding
    if not finding.is_significant:
        return len(_FIRST), 0.0
    return _FIRST.index(finding.verdict), -abs(finding.effect or 0.0)


def ledger_table(example: ExampleDiff, ledger: Ledger, kind: str) -> Table:
    """The rows, then what is summed by class, then the total: a column adds up to its last cell."""
    runs, is_judged = fewest_runs(example), not example.runs.reason
    rows = [_entry_row(entry, runs, is_judged) for entry in ledger.rows]
    rows += [_Row((_rest_label(rest, kind),), rest.baseline_ns, rest.contender_ns) for rest in ledger.rest]
    rows.append(_total_row(example))
    # Of the classes, only unresolved work is never listed: what else is summed was cut off.
    is_cut = any(rest.group != UNRESOLVED for rest in ledger.rest)
    return replace(_table((Column(kind, kind),), rows), left_out=f"more {kind}s" if is_cut else "")


def _total_row(example: ExampleDiff) -> _Row:
    verdict = "" if example.runs.reason else verdict_cell(example.finding, fewest_runs(example))
    return _Row(("total",), example.total.baseline.mean, example.total.contender.mean, example.finding, verdict)


def _entry_row(entry: Entry, runs: int, is_judged: bool) -> _Row:
    verdict = verdict_cell(entry.finding, runs, entry.group) if is_judged or entry.group in (NEW, VANISHED) else ""
    return _Row((str(entry.item),), entry.baseline.mean, entry.contender.mean, entry.finding, verdict)


def _rest_label(rest: Remainder, kind: str) -> str:
    """What a summed line is called: work in no module is `<unknown>` here as in every other table."""
    if rest.group == UNRESOLVED:
        return UNKNOWN_MODULE if kind == "module" else "(unresolved)"
    if rest.group == OTHERS:
        return f"({rest.count:,} other{'s' if rest.count != 1 else ''})"
    return f"({rest.count:,} {rest.group})"


def paths_table(example: ExampleDiff, paths: Paths) -> Table:
    """The call paths that explain a change, then all other work, then the total."""
    runs = fewest_runs(example)
    shown = call_paths([row.path for row in paths.rows])
    rows = [
        _Row((path,), row.baseline_ns, row.contender_ns, row.finding, verdict_cell(row.finding, runs, _path_group(row)))
        for path, row in zip(shown, paths.rows, strict=True)
    ]
    rows.append(_Row(("(other paths)",), paths.rest_baseline_ns, paths.rest_contender_ns))
    rows.append(_total_row(example))
    return _table((Column("path", "call path", "path"),), rows)


def _path_group(row: PathChange) -> str:
    return NEW if not row.baseline_ns else VANISHED if not row.contender_ns else ""


def pooled_table(entries: Sequence[PooledEntry]) -> Table:
    """Functions over several examples, with how many they are."""
    names = (Column("function", "function"), Column("examples", "examples", "count"))
    rows = [
        _Row(
            (str(entry.item), len(entry.examples)),
            entry.baseline_ns,
            entry.contender_ns,
            entry.finding,
            verdict_cell(entry.finding, 0),
        )
        for entry in entries
    ]
    return _table(names, rows)
