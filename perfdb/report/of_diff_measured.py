"""Metrics in a diff: those of one example as a table, and those of all examples without profiles as one.

A file of results may have hundreds of benchmarks: they stand together, what changed first, and what is said of many of
them is said once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, NOT_COMPARABLE, REGRESSED, Finding
from perfdb.report.amounts import amounts, sides_text
from perfdb.report.blocks import Block, Column, Table
from perfdb.report.of_diff_words import counted, fewest_runs, program_lines, verdict_cell

_ORDER = (REGRESSED, IMPROVED, INCONCLUSIVE, NOT_COMPARABLE, EQUAL)
_OPEN = {INCONCLUSIVE: "open", EQUAL: "shown equal"}
MOST_CAVEATS = 10
"""So many things that hold for some benchmarks are told; of more, the number."""
MOST_NAMED = 3
"""So many benchmarks are named of which one thing is said."""
BY_METRIC = (
    Column("metric", "metric"),
    Column("baseline", "baseline", "figure", gives_way=2),
    Column("contender", "contender", "figure", gives_way=3),
    Column("change", "change", "signed", gives_way=1),
    Column("effect", "effect, 95 %", "effect"),
    Column("verdict", "verdict"),
)

Line = tuple[ExampleDiff, MeasuredEntry | None]
"""A line of the table of benchmarks; without an entry where the two sides have no metric in common."""


def measured_table(example: ExampleDiff) -> Table:
    """The metrics of one example; they are not sums of anything."""
    return _table(BY_METRIC, [_cells(example, entry) for entry in example.measured])


def ranked_lines(examples: Sequence[ExampleDiff]) -> list[Line]:
    """The metrics of examples: what regressed, what improved, then the rest, each by the size of its change.

    Of changes that are the same to a tenth of a percent, those of one example stand together.
    """
    lines: list[Line] = [(each, entry) for each in examples for entry in (each.measured or (None,))]
    return sorted(lines, key=_rank)


def benchmarks_table(lines: Sequence[Line]) -> Table:
    """Metrics of several examples, in the order given."""
    rows = [(example.example, *_cells(example, entry)) for example, entry in lines]
    return _table((Column("benchmark", "example"), *BY_METRIC), rows)


def benchmark_blocks(comparison: Comparison) -> Iterator[Block]:
    """What a diff says of its examples without profiles: one in detail, several in one table."""
    examples = comparison.without_profiles
    if len(examples) == 1:
        (example,) = examples
        caveats = tuple(common_caveats(examples, named=False))
        heading = f"{example.example}  ({_runs_text(example)})"
        table = measured_table(example) if example.measured else None
        yield Block(heading, 2, program_lines(example, comparison.criteria), table, caveats)
    elif examples:
        lines = ranked_lines(examples)
        shown = lines[: comparison.most_measured]
        table = replace(benchmarks_table(shown), left_out="more metrics" if len(shown) < len(lines) else "")
        told = (counts_line(lines, len(shown)),)
        yield Block(f"benchmarks  ({_all_runs(examples)})", 2, told, table, tuple(common_caveats(examples)))


def is_changed(line: Line) -> bool:
    """Whether a metric regressed or improved."""
    return _verdict(line) in (REGRESSED, IMPROVED)


def counts_line(lines: Sequence[Line], shown: int) -> str:
    """How many metrics have each verdict: `400 metrics: 2 regressed, 398 open; the first 15 are shown`."""
    verdicts = [_verdict(line) for line in lines if line[1] is not None]
    parts = [f"{verdicts.count(each):,} {_OPEN.get(each, each)}" for each in _ORDER if each in verdicts]
    parts += [f"{verdicts.count(''):,} without a verdict"] if "" in verdicts else []
    text = f"{counted(len(verdicts), 'metric')}{': ' if parts else ''}{', '.join(parts)}"
    if len(verdicts) < len(lines):
        text += f"; {counted(len(lines) - len(verdicts), 'example')} without one that both sides have"
    if shown >= len(lines):
        return text
    return f"{text}; the first is shown" if shown == 1 else f"{text}; the first {shown:,} are shown"


def common_caveats(examples: Sequence[ExampleDiff], named: bool = True) -> list[str]:
    """What is said of several benchmarks, each thing once; `named` with the benchmarks, where it is not all of them.

    One that is not named has its reason elsewhere.
    """
    told: dict[str, dict[str, None]] = {}
    for example in examples:
        for text in _caveats(example, with_reason=named):
            told.setdefault(text, {})[example.example] = None
    texts = [
        text if not named or len(names) == len(examples) else f"{_listed(list(names))}: {text}"
        for text, names in told.items()
    ]
    more = len(texts) - MOST_CAVEATS
    return [*texts[:MOST_CAVEATS], f"{more:,} more caveats are in the JSON"] if more > 0 else texts


def hidden_regressions(comparison: Comparison) -> list[tuple[ExampleDiff, MeasuredEntry]]:
    """The metrics that regressed, and by so much that it matters, where the verdict on the program does not say so."""
    found = [
        (example, entry)
        for example in comparison.examples
        if example.finding.verdict not in (REGRESSED, NOT_COMPARABLE)
        for entry in example.measured
        if entry.finding is not None and entry.finding.verdict == REGRESSED and entry.finding.is_relevant
    ]
    return sorted(found, key=lambda each: -_size(each[1]))


def _caveats(example: ExampleDiff, with_reason: bool) -> Iterator[str]:
    if with_reason and example.finding.verdict == NOT_COMPARABLE:
        yield f"not comparable: {example.finding.reason}"
    yield from (caveat.text for caveat in example.caveats)
    aside: dict[tuple[str, str], int] = {}
    for run in example.runs.set_aside:
        aside[run.side, run.reason] = aside.get((run.side, run.reason), 0) + 1
    for (side, reason), count in aside.items():
        yield f"{side}: {counted(count, 'run')} not compared: {reason}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return f"{', '.join(names[:MOST_NAMED])} and {more:,} more" if more > 0 else ", ".join(names)


def _runs_text(example: ExampleDiff) -> str:
    return f"{len(example.baseline)} v {len(example.contender)} runs"


def _all_runs(examples: Sequence[ExampleDiff]) -> str:
    told = dict.fromkeys(map(_runs_text, examples))
    each = f", {next(iter(told))} each" if len(told) == 1 else ""
    return f"{counted(len(examples), 'example')}{each}"


def _verdict(line: Line) -> str:
    example, entry = line
    finding = example.finding if entry is None else entry.finding
    return finding.verdict if finding is not None else ""


def _rank(line: Line) -> tuple[int, bool, float, str, int]:
    example, entry = line
    verdict = _verdict(line)
    place = _ORDER.index(verdict) if verdict else len(_ORDER)
    if entry is None:
        return place, False, 0.0, example.example, 0
    is_small = entry.finding is not None and entry.finding.is_significant and not entry.finding.is_relevant
    return place, is_small, -round(_size(entry), 3), example.example, example.measured.index(entry)


def _size(entry: MeasuredEntry) -> float:
    effect = entry.change if entry.finding is None or entry.finding.effect is None else entry.finding.effect
    return abs(effect or 0.0)


def _cells(example: ExampleDiff, entry: MeasuredEntry | None) -> tuple[Any, ...]:
    if entry is None:
        return (None, None, None, None, None, verdict_cell(example.finding, 0))
    finding: Finding | None = entry.finding
    runs = min(entry.baseline.runs, entry.contender.runs, fewest_runs(example))
    is_told = finding is not None and finding.effect is not None
    return (
        entry.metric,
        *sides_text(entry.baseline, entry.contender, entry.unit),
        entry.change,
        (finding.effect, finding.low, finding.high) if finding and is_told else None,
        verdict_cell(finding, runs),
    )


def _table(columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]) -> Table:
    """Effects without any interval are left out, for they are the changes."""
    cells = list(rows)
    at = next(place for place, column in enumerate(columns) if column.key == "effect")
    if any(row[at] is not None and (row[at][1] is not None or row[at][2] is not None) for row in cells):
        return Table(tuple(columns), tuple(cells))
    kept = [place for place in range(len(columns)) if place != at]
    return Table(tuple(columns[place] for place in kept), tuple(tuple(row[place] for place in kept) for row in cells))


def value_text(entry: MeasuredEntry) -> str:
    """`12.31 µs → 13.02 µs`."""
    return " → ".join(amounts((entry.baseline.mean, entry.contender.mean), entry.unit))
