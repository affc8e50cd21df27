"""Diffs with metrics made by hand: of profiles, and of benchmarks, which have nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import Aligned
from perfdb.compare.ledger import close_ledger
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.sides import Matched
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Finding, not_comparable
from perfdb.profile.columns import Caveat
from perfdb.profile.measurement import BYTES, MS
from perfdb.stats import Summary
from tests.report.diffs import OPEN, comparison, example_diff, run, runs

SLOWER = Finding(REGRESSED, 0.31, 0.27, 0.35, 1e-8, 1e-7, 4, True)
SLOWER_BY_LITTLE = Finding(REGRESSED, 0.011, 0.008, 0.014, 1e-6, 1e-5, 2, False)
QUICKER = Finding(IMPROVED, -0.22, -0.25, -0.19, 1e-7, 1e-6, 3, True)
LESS = Finding(REGRESSED, -0.24, -0.26, -0.21, 1e-8, 1e-7, 4, True)
ALIKE = Finding(EQUAL, 0.001, -0.01, 0.012, 0.8, 1.0, 3, False)
UNTOLD = Finding(INCONCLUSIVE, 0.04, -0.06, 0.14, 0.3, 0.6, 9, False)

NOISY = Caveat("scaling", "all 6 runs: the processors changed their speed as they liked")


def metric(
    name: str, unit: str, before: float, after: float, finding: Finding | None, count: int = 3, repetitions: int = 5
) -> MeasuredEntry:
    """A metric of some runs with a dispersion of 1 %."""
    sides = [Summary(value, value / 100 if count > 1 else None, count) for value in (before, after)]
    return MeasuredEntry(name, unit, sides[0], sides[1], (count * repetitions, count * repetitions), finding)


def bare_runs(count: int = 3, reason: str = "") -> Matched:
    """So many results of a benchmark on each side."""
    sides = [
        tuple(replace(run(number), detail="measured", samples=0, interval_ns=0) for number in numbers)
        for numbers in (range(1, count + 1), range(count + 1, 2 * count + 1))
    ]
    return Matched(sides[0], sides[1], reason=reason)


def benchmark(
    name: str,
    *metrics: MeasuredEntry,
    matched: Matched | None = None,
    finding: Finding | None = None,
    caveats: Sequence[Caveat] = (NOISY,),
) -> ExampleDiff:
    """An example without profiles; its first metric stands for it."""
    found = finding or (metrics[0].finding if metrics else None) or not_comparable("nobody knows")
    empty = np.zeros((1, 0), np.int64)
    nothing = close_ledger(Aligned((), empty, empty, empty, empty, empty), [], [])
    return ExampleDiff(name, matched or bare_runs(), found, None, nothing, nothing, None, tuple(caveats), metrics)


def benchmarks() -> tuple[ExampleDiff, ...]:
    """One of everything."""
    return (
        benchmark(
            "BM_parse/64",
            metric("wall_time", MS, 1.2e-5, 1.57e-5, SLOWER),
            metric("bytes_per_second", "bytes/s", 5.1e9, 3.9e9, LESS),
            metric("hits", "", 1024, 2048, None),
        ),
        benchmark(
            "BM_copy", metric("wall_time", MS, 812.0, 633.0, QUICKER), metric("peak_memory", BYTES, 1e9, 1e9, ALIKE)
        ),
        benchmark("BM_sort", metric("wall_time", MS, 0.5, 0.52, UNTOLD)),
        benchmark("BM_hash", metric("cpu_time", MS, 1.0, 1.011, SLOWER_BY_LITTLE), caveats=()),
        benchmark("BM_new", matched=bare_runs(1, "two machines"), finding=not_comparable("two machines")),
    )


def profiled() -> ExampleDiff:
    """A profile beside which memory grew."""
    measured = (
        metric("wall_time", MS, 2_700.0, 2_560.0, QUICKER),
        metric("peak_memory", BYTES, 120 * 2**20, 150 * 2**20, SLOWER),
    )
    return replace(example_diff(OPEN, runs(3, 3)), measured=measured)


def mixed() -> Comparison:
    """Profiles and benchmarks."""
    return comparison(*benchmarks(), profiled())
