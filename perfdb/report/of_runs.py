"""The list of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perfdb.compare.measured import metric_order
from perfdb.profile.columns import MEASURED
from perfdb.profile.measurement import CPU_TIME, MS, Measured
from perfdb.report.amounts import amounts, metric_label
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.names import short_commit, short_run
from perfdb.store.model import Run
from perfdb.units import NS_PER_MS

_COLUMNS = (
    Column("run", "run"),
    Column("commit", "commit"),
    Column("example", "example"),
    Column("build", "build", gives_way=4),
    Column("machine", "machine", gives_way=8),
    Column("recorded_at", "recorded (UTC)", "time", gives_way=1),
    Column("process", "process", gives_way=7),
    Column("samples", "samples", "count", gives_way=3),
    Column("cpu_ms", "CPU ms", "ms"),
    Column("measured", "measured", "figure"),
    Column("hottest", "hottest module", gives_way=5),
    Column("hottest_share", "%", "share", gives_way=6),
    Column("notes", "notes", gives_way=2),
)


MOST_NAMED = 3
"""A caveat of more runs than that is said once for all of them."""


def runs_report(runs: Sequence[Run], has_older: bool = False) -> Report:
    """The runs as a table for people, and as records for programs; caveats stand below the table, by run.

    `has_older` says that there are more than these.
    """
    rows = tuple(_row(run) for run in runs)
    caveats = tuple(_caveat_lines(runs))
    records = [run_record(run) for run in runs]
    keys = tuple(records[0]) if records else ()
    flat = Table(
        tuple(Column(key, key) for key in keys),
        tuple(tuple(_flat(value) for value in record.values()) for record in records),
    )
    table = Table(_COLUMNS, rows, "older runs" if has_older else "")
    shown = _without_empty(table, any(run.detail != MEASURED for run in runs))
    return Report((Block(table=shown), Block(caveats=caveats)), flat, records)


def _caveat_lines(runs: Sequence[Run]) -> Iterator[str]:
    """Each caveat with the runs that it is of: named, where they are few."""
    whose: dict[str, list[Run]] = {}
    for run in runs:
        for caveat in run.caveats:
            whose.setdefault(caveat.text, []).append(run)
    for text, members in whose.items():
        if len(members) > MOST_NAMED:
            yield f"{len(members):,} runs: {text}"
        else:
            yield from (f"{short_run(run.run_id)} {run.example}: {text}" for run in members)


def _without_empty(table: Table, has_profiles: bool) -> Table:
    """The table without the columns that say nothing in any row: lines are long enough.

    Where no run is a profile, that holds for all of what only profiles have.
    """
    silent = ("",) if has_profiles else ("", None)
    kept = [
        place
        for place in range(len(table.columns))
        if not table.rows or any(row[place] not in silent for row in table.rows)
    ]
    return Table(
        tuple(table.columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in table.rows),
        table.left_out,
    )


RUN_KINDS = {
    "run_id": "text",
    "commit_sha": "text",
    "committed_at": "moment",
    "subject": "text",
    "is_dirty": "truth",
    "example": "text",
    "build": "text",
    "machine": "text",
    "process": "text",
    "recorded_at": "moment",
    "started_at": "moment",
    "samples": "count",
    "cpu_ms": "number",
    "wall_ms": "number",
    "hottest_module": "text",
    "hottest_share": "number",
    "sample_count": "count",
    "idle_count": "count",
    "interval_ms": "number",
    "lost_events": "count",
    "lost_buffers": "count",
    "unresolved_share": "number",
    "source_name": "text",
    "tags": "texts",
    "caveats": "texts",
    "detail": "text",
    "measured": "texts",
}
"""What kind of value each field of a run's record holds, for frames, whose types must not depend on their rows."""


def run_record(run: Run) -> dict[str, Any]:
    """One run for programs: its facts in ms and fractions, tags as `k=v`, caveats as sentences.

    Metrics are `wall_time=12.5 ms`, the median of the repetitions. A result of a benchmark has no samples, and its CPU
    time where it tells one.
    """
    is_measured = run.detail == MEASURED
    return {
        "run_id": run.run_id,
        "commit_sha": run.commit_sha,
        "committed_at": run.committed_at,
        "subject": run.subject,
        "is_dirty": run.is_dirty,
        "example": run.example,
        "build": run.build,
        "machine": run.machine,
        "process": run.process,
        "recorded_at": run.recorded_at,
        "started_at": run.started_at,
        "samples": None if is_measured else run.samples,
        "cpu_ms": _metric_ms(run, CPU_TIME) if is_measured else run.cpu_ns / NS_PER_MS,
        "wall_ms": run.wall_ms,
        "hottest_module": run.hottest_module,
        "hottest_share": run.hottest_share,
        "sample_count": run.sample_count,
        "idle_count": run.idle_count,
        "interval_ms": run.interval_ns / NS_PER_MS,
        "lost_events": run.lost_events,
        "lost_buffers": run.lost_buffers,
        "unresolved_share": run.unresolved_share,
        "source_name": run.source_name,
        "tags": [f"{key}={value}" for key, value in run.tags.items()],
        "caveats": [caveat.text for caveat in run.caveats],
        "detail": run.detail,
        "measured": [f"{each.metric}={each.median!r} {each.unit}".rstrip() for each in _metrics(run)],
    }


def _metrics(run: Run) -> list[Measured]:
    """The metric that stands for the run first."""
    return sorted(run.measured, key=lambda each: metric_order((each.metric, each.unit)))


def _metric_ms(run: Run, metric: str) -> float | None:
    return next((each.mean for each in run.measured if (each.metric, each.unit) == (metric, MS)), None)


def _row(run: Run) -> tuple[Any, ...]:
    is_measured = run.detail == MEASURED
    first = next(iter(_metrics(run)), None) if is_measured else None
    return (
        short_run(run.run_id),
        short_commit(run.commit_sha, run.is_dirty),
        run.example,
        run.build,
        run.machine,
        run.recorded_at,
        run.process,
        None if is_measured else run.samples,
        None if is_measured else run.cpu_ns / NS_PER_MS,
        f"{amounts((first.median,), first.unit)[0]} {metric_label(first.metric)}" if first else "",
        run.hottest_module,
        run.hottest_share,
        _notes(run),
    )


def _notes(run: Run) -> str:
    notes = [f"{key}={value}" for key, value in run.tags.items()]
    if run.lost_events or run.lost_buffers:
        notes.append(f"lost {run.lost_events:,} events, {run.lost_buffers:,} buffers")
    if run.caveats:
        notes.append(f"{len(run.caveats)} caveat{'s' if len(run.caveats) != 1 else ''}")
    return ", ".join(notes)


def _flat(value: Any) -> Any:
    """A list in one cell of a CSV."""
    return "; ".join(value) if isinstance(value, list) else value
