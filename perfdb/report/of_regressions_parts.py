"""Parts of a regression report: how much is told of what, its folded pieces, and the table of benchmarks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.measured import MeasuredEntry
from perfdb.report.amounts import metric_label
from perfdb.report.blocks import Table
from perfdb.report.cells import cell, printable
from perfdb.report.markdown import caveats_text, escape, heading, is_label, table_markdown
from perfdb.report.of_diff_measured import (
    benchmarks_table,
    common_caveats,
    counts_line,
    is_changed,
    ranked_lines,
    value_text,
)
from perfdb.report.of_diff_words import counted
from perfdb.report.widths import shorten_apart, shorten_middle
from perfdb.units import NS_PER_MS

MOST_CAVEATS = 10
"""So many caveats of an example are told; of more, the number."""
LONGEST_CAVEAT, LONGEST_NAME = 600, 80


@dataclass(frozen=True, slots=True)
class Step:
    """How much is told: rows a table, characters a name, examples with tables, and lines of the table of programs."""

    rows: int
    name: int
    examples: int
    programs: int
    subject: int = 200


STEPS = (
    Step(15, 240, 1_000, 1_000),
    Step(15, 140, 1_000, 1_000),
    Step(10, 120, 50, 1_000),
    Step(10, 100, 30, 1_000),
    Step(8, 100, 25, 400),
    Step(8, 90, 20, 400),
    Step(6, 80, 16, 200),
    Step(5, 80, 12, 200),
    Step(5, 70, 8, 200),
    Step(5, 60, 5, 100, 100),
    Step(3, 50, 3, 50, 80),
    Step(3, 40, 1, 25, 60),
    Step(1, 40, 0, 10, 40),
)


def metric_text(example: ExampleDiff, entry: MeasuredEntry) -> str:
    """`peak_memory 12.10 MiB → 14.02 MiB (+15.9 %) in x`."""
    change = "" if entry.change is None else f" ({cell(entry.change, 'change')})"
    name = escape(printable(metric_label(entry.metric)))
    return f"{name} {escape(value_text(entry))}{change} in {bare(example.example)}"


def benchmark_parts(examples: Sequence[ExampleDiff], step: Step) -> Iterator[str]:
    """The metrics of examples without profiles: all that changed, as far as there is room, and some of the others."""
    if not examples:
        return
    lines = ranked_lines(examples)
    changed = sum(map(is_changed, lines))
    shown = lines[: max(min(changed, step.programs), step.rows)]
    yield heading(f"Benchmarks: {counted(len(examples), 'example')}", 3)
    yield escape(printable(counts_line(lines, len(shown))))
    yield cut_caveats(common_caveats(examples))
    yield step_table(benchmarks_table(shown), step)


def cut_caveats(caveats: Sequence[str]) -> str:
    """The first caveats, shortened, and how many more there are."""
    shown = list(caveats[:MOST_CAVEATS])
    if len(caveats) > MOST_CAVEATS:
        shown.append(f"{len(caveats) - MOST_CAVEATS:,} more caveats are in the JSON")
    return caveats_text(tuple(shorten_middle(printable(each), LONGEST_CAVEAT) for each in shown))


def bare(example: str) -> str:
    """The name of an example in a sentence."""
    return escape(shorten_middle(printable(example), LONGEST_NAME))


def in_ms(delta_ns: float) -> str:
    """`+181.0 ms`."""
    return f"{cell(delta_ns / NS_PER_MS, 'delta_ms')} ms"


def folded(title: str, table: Table, step: Step) -> str:
    """A table, folded."""
    return details(title, step_table(table, step))


def details(title: str, text: str) -> str:
    """A folded part; the blank lines make both forges read Markdown inside."""
    # A summary is HTML: Markdown's own escapes would be seen.
    shown = html.escape(printable(title), quote=False)
    return f"<details>\n<summary>{shown}</summary>\n\n{text}\n\n</details>"


def step_table(table: Table, step: Step) -> str:
    """The table with its names in at most `step.name` characters, no two alike."""
    whole = [printable(str(row[0])) for row in table.rows]
    short = shorten_apart(list(dict.fromkeys(name for name in whole if not is_label(name))), step.name)
    rows = tuple((short.get(name, name), *row[1:]) for name, row in zip(whole, table.rows, strict=True))
    return table_markdown(replace(table, rows=rows), is_padded=False)
