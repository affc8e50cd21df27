"""Results of benchmarks for tests: as runs of a comparison, and as runs in a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from perfdb import store
from perfdb.compare import RunFacts
from perfdb.profile import Machine, Process, Source
from perfdb.profile.builder import About, measured_profile
from perfdb.profile.columns import MEASURED, NO_PID, Caveat
from perfdb.profile.measurement import Measurement, summed_up

Metrics = Mapping[tuple[str, str], Sequence[float]]
"""The repetitions of each metric and unit, of one run."""

WALL, CPU, MEMORY = ("wall_time", "ms"), ("cpu_time", "ms"), ("peak_memory", "bytes")
RATE, COUNTER, EXIT = ("bytes_per_second", "bytes/s"), ("hits", ""), ("exit_code", "")
BOX = Machine("BOX", "Linux", "AMD Ryzen 9 7950X", 32)
_FIRST_AT = datetime(2024, 5, 1, tzinfo=UTC)


def measurements(metrics: Metrics) -> tuple[Measurement, ...]:
    """The metrics of a run, one by one."""
    return tuple(
        Measurement(metric, unit, float(value), repetition)
        for (metric, unit), values in metrics.items()
        for repetition, value in enumerate(values)
    )


def measured_run(run_id: str, metrics: Metrics | None = None, **changes: Any) -> RunFacts:
    """A run of a comparison that is the result of a benchmark; by default of 1 ms."""
    facts: dict[str, Any] = {
        "run_id": run_id, "process": "bench", "machine": "BOX", "build": "Release", "is_dirty": False,
        "detail": MEASURED, "interval_ns": 0, "unresolved_share": None, "caveats": (), "cpu": "Ryzen", "cores": 16,
        "measured": summed_up(measurements(metrics or {WALL: [1.0]})),
    }  # fmt: skip
    return RunFacts(**(facts | changes))


def write_benchmark(
    connection: store.Connection,
    commit_sha: str,
    example: str,
    metrics: Metrics,
    *,
    at: int = 0,
    caveats: tuple[Caveat, ...] = (),
    machine: Machine = BOX,
    build: str = "Release",
) -> str:
    """Record a result of a benchmark; `at` is when, in minutes. Gives the run's id."""
    moment = _FIRST_AT + timedelta(minutes=at)
    about = About(
        Source("google-benchmark", f"{commit_sha[:4]}-{at}.json", f"{at:064x}"), 0, machine=machine, caveats=caveats
    )
    made = measured_profile(about, Process(NO_PID, "bench"), moment)
    run = store.NewRun(store.Revision(commit_sha), example, 0, moment, build=build, measurements=measurements(metrics))
    return store.write_measured(connection, [(made, run)])[0]
