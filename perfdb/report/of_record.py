"""What became of recorded traces and benchmarks: a line each, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfdb.profile.columns import LOSSES_NOT_TOLD, NO_PID
from perfdb.profile.measurement import WALL_TIME, Measured
from perfdb.profile.outcome import KNOWN, Outcome
from perfdb.report.amounts import amounts, metric_label
from perfdb.report.blocks import Report, Table
from perfdb.report.cells import cell, printable
from perfdb.report.names import short_commit, short_run
from perfdb.report.of_diff_words import counted


def outcome_line(outcome: Outcome) -> str:
    """One line: example, commit, process, samples, CPU time, hottest module, and what was lost; of a benchmark, what it
    measured first. Caveats follow.
    """
    commit = short_commit(outcome.commit_sha, outcome.is_dirty)
    if outcome.status == KNOWN:
        return printable(f"{short_run(outcome.run_id)}  {outcome.example}  {commit}  unchanged: {outcome.message}")
    told = _work(outcome) if outcome.has_profile else (_first_metric(outcome.measured),)
    line = printable("  ".join((short_run(outcome.run_id), outcome.example, commit, *told)))
    caveats = [caveat for caveat in outcome.caveats if caveat not in outcome.told_before]
    return "\n".join([line, *(f"  ! {printable(caveat.text)}" for caveat in caveats)])


def _work(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.process if outcome.pid == NO_PID else f"{outcome.process} ({outcome.pid})",
        f"{outcome.samples:,} samples",
        f"{outcome.cpu_ms:,.1f} ms CPU",
        f"hottest {outcome.hottest_module} {outcome.hottest_share * 100:.1f} %",
        _losses(outcome),
    )


def _first_metric(measured: Sequence[Measured]) -> str:
    """`wall time 12.31 µs ±1.2 % (10 repetitions)`: the median, as in comparisons, and how far the repetitions lie
    apart; of the first of its metrics where the benchmark measured no time.
    """
    if not measured:
        return "nothing measured"
    first = next((each for each in measured if each.metric == WALL_TIME), measured[0])
    (amount,) = amounts((first.median,), first.unit)
    has_spread = first.spread is not None and first.median > 0
    spread = f" ±{cell((first.spread or 0.0) / first.median, 'share')}" if has_spread else ""
    repetitions = f" ({counted(first.repetitions, 'repetition')})" if first.repetitions > 1 else ""
    return f"{metric_label(first.metric)} {amount}{spread}{repetitions}"


def _losses(outcome: Outcome) -> str:
    lost = [
        f"{count:,} {what}{'s' if count != 1 else ''} lost"
        for count, what in ((outcome.lost_events, "event"), (outcome.lost_buffers, "buffer"))
        if count
    ]
    if outcome.unresolved_share:
        lost.append(f"{outcome.unresolved_share * 100:.0f} % without symbols")
    if any(caveat.code == LOSSES_NOT_TOLD for caveat in outcome.caveats):
        return ", ".join(["losses not told", *lost])
    return ", ".join(lost) or "nothing lost"


def record_report(outcomes: Sequence[Outcome]) -> Report:
    """The outcomes as data."""
    return Report((), Table((), ()), [_data(outcome) for outcome in outcomes])


def _data(outcome: Outcome) -> dict[str, Any]:
    data: dict[str, Any] = {
        "status": outcome.status,
        "run_id": outcome.run_id,
        "source_name": outcome.source_name,
        "example": outcome.example,
        "commit_sha": outcome.commit_sha,
    }
    if outcome.status == KNOWN:
        return data
    data |= {
        "is_dirty": outcome.is_dirty,
        "process": outcome.process,
        "caveats": outcome.caveats,
        "measured": outcome.measured,
    }
    if not outcome.has_profile:
        return data
    return data | {
        "pid": outcome.pid,
        "samples": outcome.samples,
        "cpu_ms": outcome.cpu_ms,
        "hottest_module": outcome.hottest_module,
        "hottest_share": outcome.hottest_share,
        "lost_events": outcome.lost_events,
        "lost_buffers": outcome.lost_buffers,
        "unresolved_share": outcome.unresolved_share,
    }
