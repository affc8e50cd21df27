"""Metrics compared: the times, memory and rates of both sides' runs, judged as one family over all examples.

A run says of a metric the *median* of its repetitions: one that something disturbed does not move it. A side says the
mean over its runs, and how far they lie apart. Repetitions of one run lie closer together than runs do, for they share
a process, its memory and the minute; they tell how far the run's own median may be off, and nothing of other runs.

Values are compared where both sides have the metric in the same unit, of those runs that have it. Which direction is
better is `profile.measurement.better`'s to say. Of metrics of which it does not know, both means are given and no
verdict, and they are not in the family. Exit codes are no amounts, and left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfdb.compare.sides import Matched, RunFacts
from perfdb.compare.verdicts import (
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    Criteria,
    Finding,
    not_comparable,
    total_finding,
)
from perfdb.profile.columns import Caveat
from perfdb.profile.measurement import (
    CPU_TIME,
    EXIT_CODE,
    HIGHER,
    KERNEL_TIME,
    MS,
    NEITHER,
    USER_TIME,
    WALL_TIME,
    Measured,
    better,
)
from perfdb.stats import Summary, TotalDifference, Values, compare_values, judge_values, repetition_error, summarise
from perfdb.units import NS_PER_MS

_FIRST = (WALL_TIME, CPU_TIME, USER_TIME, KERNEL_TIME)
"""The metrics that are told first, and the first of which stands for a program without a profile."""
WINDOWS_TICK_MS = 15.625
"""What Windows counts processor time in (64 ticks a second); a value that is no whole number of them is finer."""
_TICK_SLACK = 1e-3
WENT_ALONG = 0.5
"""Processor time went along with wall time where it may have changed by so much of what that did."""
_TURNED = {REGRESSED: IMPROVED, IMPROVED: REGRESSED}

Key = tuple[str, str]
"""A metric and its unit."""


@dataclass(frozen=True, slots=True)
class MeasuredEntry:
    """One metric on both sides, in its unit: over the runs of a side, each with the median of its repetitions.

    `repetitions` are all those of (baseline, contender). `finding` is None where nobody knows which direction is
    better; its effect is contender / baseline - 1 whichever that is, so that of a rate a negative one is a regression.
    """

    metric: str
    unit: str
    baseline: Summary
    contender: Summary
    repetitions: tuple[int, int]
    finding: Finding | None = None

    @property
    def better(self) -> str:
        """Which values are better; see `perfdb.profile.measurement`."""
        return better(self.metric, self.unit)

    @property
    def is_time(self) -> bool:
        """Whether it is a time, in ms."""
        return self.unit == MS

    @property
    def delta(self) -> float:
        """Contender minus baseline, of the means."""
        return self.contender.mean - self.baseline.mean

    @property
    def change(self) -> float | None:
        """The delta as a fraction of the baseline; None where that is 0."""
        return self.delta / self.baseline.mean if self.baseline.mean else None


def compare_measured(examples: Sequence[Matched], criteria: Criteria) -> list[tuple[MeasuredEntry, ...]]:
    """The metrics of each example that both sides' compared runs have, the one that stands for a program first."""
    metrics = [_metrics(runs) for runs in examples]
    able = [
        each for runs, own in zip(examples, metrics, strict=True) for each in own if not runs.reason and each.is_judged
    ]
    found = judge_values([each.compare(criteria) for each in able], fdr=criteria.fdr, margin=criteria.margin)
    differences = {id(each): difference for each, difference in zip(able, found, strict=True)}
    return [
        tuple(each.entry(runs.reason, differences.get(id(each)), criteria) for each in own)
        for runs, own in zip(examples, metrics, strict=True)
    ]


def program_finding(runs: Matched, entries: Sequence[MeasuredEntry]) -> Finding:
    """The verdict on a program of which some compared run is no profile: that on its first metric."""
    if runs.reason:
        return not_comparable(runs.reason)
    if not entries:
        before, after = (", ".join(sorted({_told(each) for each in _of(side)})) or "none" for side in _compared(runs))
        return not_comparable(f"no metric is in both sides: baseline has {before}; contender has {after}")
    first = entries[0]
    if first.finding is None:
        return not_comparable(f"nobody knows whether more of {first.metric} is better, or less")
    return first.finding


def unit_caveats(runs: Matched) -> tuple[Caveat, ...]:
    """Which metrics the two sides tell in other units, so that they are not compared."""
    before, after = ({each.metric: each.unit for each in _of(side)} for side in _compared(runs))
    keys = [{(each.metric, each.unit) for each in _of(side)} for side in _compared(runs)]
    shared = {metric for metric, _ in keys[0] & keys[1]}
    return tuple(
        Caveat("unit", f"{metric} is in {before[metric] or 'no unit'} in the baseline, in {after[metric] or 'no unit'} "
               "in the contender, and not compared")
        for metric in sorted(before.keys() & after.keys() - shared)
    )  # fmt: skip


def _compared(runs: Matched) -> tuple[tuple[RunFacts, ...], tuple[RunFacts, ...]]:
    return runs.baseline, runs.contender


def _of(runs: Sequence[RunFacts]) -> Iterator[Measured]:
    return (each for run in runs for each in run.measured if each.metric != EXIT_CODE and math.isfinite(each.median))


def _told(each: Measured) -> str:
    return f"{each.metric} ({each.unit})" if each.unit else each.metric


# ---- one metric ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Metric:
    """One metric of an example: what the runs of (baseline, contender, history) say of it."""

    key: Key
    baseline: tuple[Measured, ...]
    contender: tuple[Measured, ...]
    history: tuple[Measured, ...]

    @property
    def is_judged(self) -> bool:
        """Whether its change is a ratio that may be good or bad: what is 0 has none."""
        is_positive = all(each.median > 0 for each in (*self.baseline, *self.contender))
        return is_positive and better(*self.key) != NEITHER

    def compare(self, criteria: Criteria) -> TotalDifference:
        history = tuple(each for each in self.history if each.median > 0)
        return compare_values(
            _values(self.baseline),
            _values(self.contender),
            _values(history) if history else None,
            fdr=criteria.fdr,
            margin=criteria.margin,
            step=_clock_step(self.key, (*self.baseline, *self.contender, *history)),
        )

    def entry(self, reason: str, difference: TotalDifference | None, criteria: Criteria) -> MeasuredEntry:
        sides = (self.baseline, self.contender)
        before, after = (summarise([each.median for each in side]) for side in sides)
        repetitions = [sum(each.repetitions for each in side) for side in sides]
        entry = MeasuredEntry(*self.key, before, after, (repetitions[0], repetitions[1]))
        return replace(entry, finding=_finding(entry, reason, difference, criteria))


def _metrics(runs: Matched) -> list[_Metric]:
    sides = [_by_key(side) for side in (runs.baseline, runs.contender, runs.history)]
    shared = sorted(sides[0].keys() & sides[1].keys(), key=metric_order)
    return [_Metric(key, sides[0][key], sides[1][key], sides[2].get(key, ())) for key in shared]


def _by_key(runs: Sequence[RunFacts]) -> dict[Key, tuple[Measured, ...]]:
    found: dict[Key, tuple[Measured, ...]] = {}
    for each in _of(runs):
        found[each.metric, each.unit] = (*found.get((each.metric, each.unit), ()), each)
    return found


def metric_order(key: Key) -> tuple[int, bool, Key]:
    """Where a metric stands among others: times of the whole program first, what nobody can judge last."""
    place = _FIRST.index(key[0]) if key[0] in _FIRST else len(_FIRST)
    return place, better(*key) == NEITHER, key


def waiting_caveats(entries: Sequence[MeasuredEntry]) -> tuple[Caveat, ...]:
    """What to say where the wall time changed and the processor's time is shown not to have gone along with it."""
    found = {entry.metric: entry.finding for entry in entries if entry.unit == MS}
    wall = found.get(WALL_TIME)
    working = found.get(CPU_TIME) or found.get(USER_TIME)
    if wall is None or working is None or not wall.is_significant or wall.effect is None:
        return ()
    bound = working.high if wall.effect > 0 else working.low
    if bound is None or bound / wall.effect >= WENT_ALONG:
        return ()
    text = (
        "the wall time changed, and the time on the processor did not go along: the machine was busier for one side, "
        "or the program waits"
    )
    return (Caveat("wall-not-cpu", text),)


def _clock_step(key: Key, values: Sequence[Measured]) -> float:
    """The step in which values are counted: Windows counts processor time in timer ticks. 0 where none is known."""
    if key[0] not in (USER_TIME, KERNEL_TIME) or key[1] != MS:
        return 0.0
    ticks = np.array([each.median for each in values], np.float64) / WINDOWS_TICK_MS
    return WINDOWS_TICK_MS if bool((np.abs(ticks - np.rint(ticks)) < _TICK_SLACK).all()) else 0.0


def _values(side: Sequence[Measured]) -> Values:
    return Values(
        np.array([each.median for each in side], np.float64),
        np.array([repetition_error(each.spread, each.median, each.repetitions) for each in side], np.float64),
    )


def _finding(
    entry: MeasuredEntry, reason: str, difference: TotalDifference | None, criteria: Criteria
) -> Finding | None:
    if entry.better == NEITHER:
        return None
    if reason:
        return not_comparable(reason)
    if difference is None:
        return Finding(INCONCLUSIVE)
    # The least change in ms is of times alone: what else changed by enough is a question of the margin.
    delta_ns = entry.delta * NS_PER_MS if entry.is_time else math.inf
    found = total_finding(difference, delta_ns, criteria)
    if entry.better == HIGHER:
        return replace(found, verdict=_TURNED.get(found.verdict, found.verdict))
    return found
