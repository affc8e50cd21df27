"""What became of recorded traces: a line each, or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfdb.profile.columns import LOSSES_NOT_TOLD, NO_PID
from perfdb.profile.outcome import KNOWN, Outcome
from perfdb.report.blocks import Report, Table
from perfdb.report.cells import printable
from perfdb.report.names import short_commit, short_run


def outcome_line(outcome: Outcome) -> str:
    """One line: example, commit, process, samples, CPU time, hottest module, and what was lost."""
    commit = short_commit(outcome.commit_sha, outcome.is_dirty)
    if outcome.status == KNOWN:
        return printable(f"{short_run(outcome.run_id)}  {outcome.example}  {commit}  unchanged: {outcome.message}")
    parts = (
        short_run(outcome.run_id),
        outcome.example,
        commit,
        outcome.process if outcome.pid == NO_PID else f"{outcome.process} ({outcome.pid})",
        f"{outcome.samples:,} samples",
        f"{outcome.cpu_ms:,.1f} ms CPU",
        f"hottest {outcome.hottest_module} {outcome.hottest_share * 100:.1f} %",
        _losses(outcome),
    )
    line = printable("  ".join(parts))
    return "\n".join([line, *(f"  ! {printable(caveat.text)}" for caveat in outcome.caveats)])


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
    return data | {
        "is_dirty": outcome.is_dirty,
        "process": outcome.process,
        "pid": outcome.pid,
        "samples": outcome.samples,
        "cpu_ms": outcome.cpu_ms,
        "hottest_module": outcome.hottest_module,
        "hottest_share": outcome.hottest_share,
        "lost_events": outcome.lost_events,
        "lost_buffers": outcome.lost_buffers,
        "unresolved_share": outcome.unresolved_share,
        "caveats": outcome.caveats,
    }
