"""The summary of one example as plain text: what was profiled, and where its time went, by module and by function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from perfdb.compare.hot import HotExample, HotItem, Shown
from perfdb.profile.columns import LOSSES_NOT_TOLD
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import cell, moment
from perfdb.report.names import short_run
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.report.of_diff import diff_report
from perfdb.report.of_diff_words import counted
from perfdb.report.of_show import show_report
from perfdb.report.of_symbols import wanted_block
from perfdb.report.render import render
from perfdb.units import NS_PER_MS

T = TypeVar("T", float, datetime)

WIDTH = 132
"""Names are shortened so that lines have so many characters, as far as that keeps them apart."""
TOP = 20
"""How many functions a table lists; `hotspots` has all of them."""
_MORE = "the hotspots file beside this one has all"
MOST_RUNS = 10
"""How many runs are named."""


def summary_text(of: ExampleAnalysis) -> str:
    """The whole file."""
    return render(Report(tuple(_blocks(of)), Table((), ())), "table", width=WIDTH, more=_MORE)


def _blocks(of: ExampleAnalysis) -> Iterator[Block]:
    yield Block(of.heading, 1, tuple(facts(of)))
    shown = Shown(of.example, (), "", (_cut(of.hot),), ())
    _, program, modules, functions = show_report(shown).blocks
    yield Block("CPU time, mean of the runs", 2, program.lines, caveats=caveat_texts(of))
    yield replace(modules, heading="modules by exclusive time")
    yield replace(functions, heading="functions by exclusive time")
    inclusive = _inclusive_table(of.hot)
    if inclusive.rows and of.hot.has_symbols:
        yield Block("functions by inclusive time", 2, table=inclusive)
    if of.comparison is None:
        yield Block("change since a baseline", 2, (f"not told: {of.no_baseline}",))
    else:
        head, *rest = diff_report(of.comparison.cut(TOP)).blocks
        yield replace(head, heading=f"change since a baseline: {head.heading}")
        yield from rest
    if of.wanted:
        yield wanted_block(of.wanted)


def caveat_texts(of: ExampleAnalysis) -> tuple[str, ...]:
    """What is to be said of the runs before any number, with how many of them it holds for."""
    program = show_report(Shown(of.example, (), "", (of.hot,), ())).blocks[1]
    return (*(caveat.text for caveat in of.caveats), *program.caveats)


def facts(of: ExampleAnalysis) -> Iterator[str]:
    """What was profiled, a line a fact."""
    runs = of.runs
    yield f"commit    {of.commit}  {of.subject}".rstrip()
    names = [short_run(run.run_id) for run in runs] if of.is_recorded else [run.source_name for run in runs]
    more = f" and {len(names) - MOST_RUNS} more" if len(names) > MOST_RUNS else ""
    yield f"runs      {len(runs)}: {', '.join(names[:MOST_RUNS])}{more}"
    machines = sorted({f"{run.machine or 'an unknown machine'}{_processor(run.cpu, run.cores)}" for run in runs})
    yield f"machine   {', '.join(machines)}"
    yield f"build     {', '.join(sorted({run.build or 'not said' for run in runs}))}"
    started = [run.started_at for run in runs if run.started_at is not None]
    if len(started) == len(runs):
        yield f"when      {_span(started, moment)} UTC"
    elif of.is_recorded:
        yield f"when      recorded {_span([run.recorded_at for run in runs], moment)} UTC"
    intervals = sorted({run.interval_ns for run in runs})
    every = ", ".join(f"{interval / NS_PER_MS:g} ms" for interval in intervals)
    processes = ", ".join(sorted({run.process for run in of.hot.runs}))
    yield f"samples   {sum(run.samples for run in runs):,} of {processes}, one every {every}"
    total = of.hot.total
    spread = "" if total.dispersion is None else f" ±{cell(total.dispersion, 'share')}"
    yield f"CPU time  {total.mean / NS_PER_MS:,.1f} ms{spread}, mean of {counted(len(runs), 'run')}"
    walls = [run.wall_ms for run in runs if run.wall_ms]
    if len(walls) == len(runs):
        yield f"wall      {_span(walls, '{:,.1f}'.format)} ms"
    events, buffers = sum(run.lost_events for run in runs), sum(run.lost_buffers for run in runs)
    untold = sum(any(caveat.code == LOSSES_NOT_TOLD for caveat in run.caveats) for run in runs)
    lost = f"{counted(events, 'event')}, {counted(buffers, 'buffer')}"
    if untold == len(runs):
        lost = "not told"
    elif untold:
        lost += f"; not told by {untold} of {counted(len(runs), 'run')}"
    yield f"lost      {lost}"


def _processor(cpu: str, cores: int) -> str:
    parts = [part for part in (cpu, f"{cores} cores" if cores else "") if part]
    return f" ({', '.join(parts)})" if parts else ""


def _span(values: Sequence[T], written: Callable[[T], str]) -> str:
    """The least and the greatest, or the one that all are."""
    low, high = written(min(values)), written(max(values))
    return low if low == high else f"{low} to {high}"


def _cut(hot: HotExample) -> HotExample:
    rest = hot.functions[TOP:]
    return replace(
        hot, functions=hot.functions[:TOP], functions_rest=(len(rest), sum(each.exclusive.mean for each in rest))
    )


def _inclusive_table(hot: HotExample) -> Table:
    columns = (
        Column("function", "function"),
        Column("inclusive_ms", "inclusive ms", "ms"),
        Column("inclusive_share", "incl %", "share"),
        Column("exclusive_ms", "exclusive ms", "ms"),
        Column("exclusive_share", "excl %", "share"),
    )
    told = [each for each in hot.functions if each.inclusive is not None]
    rows = tuple(
        (
            str(each.item),
            _ns(each) / NS_PER_MS,
            each.inclusive_share,
            each.exclusive.mean / NS_PER_MS,
            each.exclusive_share,
        )
        for each in sorted(told, key=lambda each: -_ns(each))[:TOP]
    )
    return Table(columns, rows)


def _ns(hot: HotItem) -> float:
    return hot.inclusive.mean if hot.inclusive else 0.0
