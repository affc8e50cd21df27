"""Whether a measured value changed: `compare_values`, one metric of one example (wall time, peak memory, a rate).

A run tells one figure, the median of its repetitions; repetitions within a run say how well that median is known, and
nothing of how runs differ. The logarithm of a run's value is

    level of its session + what runs differ by (spread unknown) + the run's own error

`mixture` weighs every spread, which runs are odd, and whether the history still holds; the answer is the
contender's level less the baseline's. Totals of profiles are judged by the same ideas (`program`), from samples.
README.md in this folder says what was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.errors import InputError
from perfdb.stats.differences import INCONCLUSIVE, TotalDifference
from perfdb.stats.judging import TOTAL_SHARE, verdict_of_total
from perfdb.stats.mixture import SPREADS, Difference, difference_of, level_of, with_history
from perfdb.stats.needed import runs_needed
from perfdb.stats.normal import F64
from perfdb.stats.sides import check_fractions

STEP_ERROR = 0.5
"""A clock that ticks in steps is off by so much of a step: what a value between two ticks varies by at worst."""
LEAST_STEP = 1e-4
"""Steps of less than this part of the smallest value are none."""
_QUANTILES: F64 = np.array([0.025, 0.05, 0.95, 0.975])
_MOST = 700.0


@dataclass(frozen=True, slots=True)
class Values:
    """One metric of the runs of one side; arrays of shape (runs,).

    `value` is one figure a run, in any unit: the median (or mean) of its repetitions. `error` is its relative standard
    error, from the repetitions within the run (`repetition_error`), 0 where there is one repetition.
    """

    value: F64
    error: F64


def repetition_error(spread: float | None, median: float, repetitions: int) -> float:
    """The relative standard error of a median of repetitions; `spread` is their sample standard deviation.

    The variance of a normal sample's median is about (π / 2) / (n + π / 2 - 1) of one value's: exact for one, within
    3 % for odd numbers, a little large for even ones. 0 where nothing is known: one repetition, no spread, no positive
    median.
    """
    if spread is None or repetitions < 2 or not (math.isfinite(spread) and math.isfinite(median) and median > 0):
        return 0.0
    part = (math.pi / 2) / (repetitions + math.pi / 2 - 1)
    return abs(spread) / median * math.sqrt(part)


def compare_values(
    baseline: Values,
    contender: Values,
    history: Values | None = None,
    *,
    fdr: float = 0.05,
    margin: float = 0.05,
    step: float = 0.0,
) -> TotalDifference:
    """Compare one metric of two sides; which direction is better is the caller's business.

    `effect` is contender over baseline, less 1. `history` are earlier runs of the baseline's program: they tell how
    runs vary and, as far as the level did not move since, count as further baseline runs; those without a positive
    finite value are left out. With one run a side and no history of two only the plain ratio is told. Nothing is told
    where a compared value is not positive and finite.

    `step` is what a coarse clock counts in, in the unit of the values (15.625 ms for CPU times of Windows). Steps are
    found without it where values differ; where all are alike, only `step` keeps them from passing for exact.

    InputError for a side without runs, for errors that are not one a run, for a step that is negative or not finite,
    and where `fdr` or `margin` is no fraction.
    """
    check_fractions(fdr=fdr, margin=margin)
    if not (step >= 0 and math.isfinite(step)):
        raise InputError(f"step is {step:g}; it is what values are counted in, such as 15.625, or 0 if that is unknown")
    sides = [_checked(baseline, "the baseline"), _checked(contender, "the contender")]
    for name, side in zip(("baseline", "contender"), sides, strict=True):
        if not side.value.size:
            raise InputError(f"the {name} has no runs; a comparison needs at least one a side")
    if not all(_is_usable(side.value).all() for side in sides):
        return _untold(math.nan)
    if history is not None:
        earlier = _checked(history, "the history")
        usable = _is_usable(earlier.value)
        if usable.any():
            sides.append(Values(earlier.value[usable], earlier.error[usable]))
    if sum(side.value.size - 1 for side in sides) == 0:
        return _untold(float(sides[1].value[0]) / float(sides[0].value[0]) - 1)
    largest = max(float(side.value[-1]) for side in sides)
    logs = [np.log(side.value) - math.log(largest) for side in sides]
    errors = _errors(logs, sides, step / largest)
    levels = [level_of(*each) for each in zip(logs, errors, strict=True)]
    expected = with_history(levels[0], levels[2]) if len(levels) > 2 else levels[0]
    found = difference_of(expected, levels[1])
    return _told(found, float(np.mean(np.concatenate(errors) ** 2)), sides[0].value.size, fdr, margin)


def _told(found: Difference, error_variance: float, baseline_runs: int, fdr: float, margin: float) -> TotalDifference:
    low, narrow_low, narrow_high, high = np.minimum(found.log_ratio.quantiles(_QUANTILES), _MOST).tolist()
    effect = min(max(found.log_ratio.mean, low), high)
    p_value = min(2 * found.log_ratio.opposite, 1.0)
    adjusted = min(p_value / TOTAL_SHARE, 1.0)
    within = max(-math.expm1(narrow_low), math.expm1(narrow_high))
    per_run = SPREADS**2 + error_variance
    earlier = max(float((found.spreads * per_run * found.precision).sum()) - baseline_runs, 0.0)
    variance = float((found.spreads * per_run).sum())
    needed = runs_needed(np.array([variance]), np.array([earlier]), np.array([fdr * TOTAL_SHARE]), margin)
    return TotalDifference(
        effect=math.expm1(effect),
        low=math.expm1(low),
        high=math.expm1(high),
        p_value=p_value,
        adjusted=adjusted,
        verdict=verdict_of_total(effect, adjusted, within, fdr, margin),
        runs_needed=int(needed[0]),
        within=within,
    )


def _untold(effect: float) -> TotalDifference:
    return TotalDifference(effect, math.nan, math.nan, math.nan, math.nan, INCONCLUSIVE, 0)


def _checked(side: Values, name: str) -> Values:
    """The runs in an order of their own, so that the caller's is of no account; unknown errors are 0."""
    value, error = np.asarray(side.value, np.float64), np.asarray(side.error, np.float64)
    if value.ndim != 1 or value.shape != error.shape:
        raise InputError(
            f"{name} has values of shape {value.shape} and errors of shape {error.shape}; both are (runs,)"
        )
    error = np.where(np.isfinite(error) & (error > 0), error, 0.0)
    order = np.lexsort((error, value))
    return Values(value[order], error[order])


def _is_usable(values: F64) -> npt.NDArray[np.bool_]:
    usable: npt.NDArray[np.bool_] = np.isfinite(values) & (values > 0)
    return usable


def _errors(logs: list[F64], sides: list[Values], step: float) -> list[F64]:
    """The relative error of each run's value, of repetitions and of steps, whose least size is `step`; each (runs,)."""
    largest = max(float(side.error.max()) for side in sides)
    step = max(_step(np.exp(np.concatenate(logs))), step)
    found = []
    for values, side in zip(logs, sides, strict=True):
        # One repetition tells no error, and is no better known than the median of several.
        repetitions = np.where(side.error > 0, side.error, largest)
        steps = STEP_ERROR * step / max(float(np.exp(values).mean()), step) if step else 0.0
        found.append(np.hypot(repetitions, steps))
    return found


def _step(values: F64) -> float:
    """The largest step that all values are multiples of, as those of a coarse clock are; 0 if they are all alike.

    It is their greatest common divisor (Euclid), found up to `LEAST_STEP`; of values that have none it is about that.
    """
    distinct = np.unique(values)
    least = LEAST_STEP * float(distinct[0])
    if distinct[-1] - distinct[0] <= least:
        return 0.0
    step = float(distinct[0])
    for value in distinct[1:].tolist():
        larger, smaller = value, step
        while smaller > least:
            rest = math.fmod(larger, smaller)
            larger, smaller = smaller, min(rest, smaller - rest)
        step = larger
    return step
