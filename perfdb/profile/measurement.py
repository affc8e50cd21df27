"""What is measured beside a profile, or without one: times, memory, rates.

Times are in ms and memory in bytes, whatever the source has them in, so that values of several sources can be compared.
A run may have a metric once, or once a repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median, stdev

from perfdb.profile.columns import Caveat, Machine, Source

MS, BYTES, PLAIN = "ms", "bytes", ""
"""Units; rates are a unit a second, such as `bytes/s`."""

WALL_TIME, CPU_TIME = "wall_time", "cpu_time"
USER_TIME, KERNEL_TIME = "user_time", "kernel_time"
PEAK_MEMORY, EXIT_CODE = "peak_memory", "exit_code"

LOWER, HIGHER, NEITHER = "lower", "higher", ""
"""Which values of a metric are better; of some, as counters of a benchmark's own, nobody knows."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric, such as ("wall_time", "ms", 812.0); `repetition` counts from 0."""

    metric: str
    unit: str
    value: float
    repetition: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of one run, all repetitions together: `spread` is their sample standard deviation, None for one.

    `least` and `most` are None where nobody asked for them.
    """

    metric: str
    unit: str
    mean: float
    median: float
    spread: float | None
    repetitions: int
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """What a benchmark program tells of one benchmark: `name` is what the history calls the example.

    `failed` says why there is nothing to keep, "" where there is; only then are there `measurements`.
    """

    name: str
    measurements: tuple[Measurement, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class BenchmarkResults:
    """A file of benchmark results. `program` is what was run, "" if not told.

    `commit_sha` and `is_dirty` say what the file says was measured, None where it says nothing; `build` likewise, "".
    """

    source: Source
    results: tuple[BenchmarkResult, ...]
    program: str = ""
    machine: Machine = field(default_factory=Machine)
    started_at: datetime | None = None
    commit_sha: str | None = None
    is_dirty: bool | None = None
    build: str = ""


def summed_up(measurements: Sequence[Measurement]) -> tuple[Measured, ...]:
    """The metrics of one run, by name and unit, the repetitions of each together."""
    values: dict[tuple[str, str], list[float]] = {}
    for each in measurements:
        values.setdefault((each.metric, each.unit), []).append(each.value)
    return tuple(_summed(metric, unit, found) for (metric, unit), found in sorted(values.items()))


def _summed(metric: str, unit: str, values: Sequence[float]) -> Measured:
    spread = stdev(values) if len(values) > 1 else None
    return Measured(metric, unit, fmean(values), median(values), spread, len(values), min(values), max(values))


def better(metric: str, unit: str) -> str:
    """`LOWER` for times and memory, `HIGHER` for rates, else `NEITHER`."""
    if unit.endswith("/s"):
        return HIGHER
    return LOWER if unit in (MS, BYTES) and metric != EXIT_CODE else NEITHER
