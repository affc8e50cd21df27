"""One function in several examples: its evidence pooled into one effect.

Effects are averaged as log-ratios, each by how precisely it is known. Where the examples disagree by more than their
intervals explain, they really differ, and the variance between them widens the result (random effects: DerSimonian &
Laird 1986).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from perfdb.errors import InputError
from perfdb.stats.normal import F64, two_sided_tail

_DEVIATIONS = 1.959963984540054
"""A 95 % interval reaches so many standard errors each way."""
_LEAST_ERROR = 1e-9
"""An interval of no width would weigh infinitely."""


class Pooled(NamedTuple):
    """Effects with 95 % intervals and two-sided p-values of "no change on average", each of shape (functions,)."""

    effect: F64
    low: F64
    high: F64
    p_value: F64


def pool_effects(effects: npt.ArrayLike, lows: npt.ArrayLike, highs: npt.ArrayLike) -> Pooled:
    """Pool relative changes and their 95 % intervals, shape (examples, functions), by function.

    NaN, or an interval without a finite end, is an example that knows nothing of the function; a function that none
    knows is NaN. Intervals are taken as symmetric on the log scale, and p-values from the normal distribution.
    InputError where the three shapes differ.
    """
    given = [np.asarray(each, np.float64) for each in (effects, lows, highs)]
    if given[0].ndim != 2 or any(each.shape != given[0].shape for each in given):
        shapes = ", ".join(str(each.shape) for each in given)
        raise InputError(f"effects, lows and highs have the shapes {shapes}; all three must be (examples, functions)")
    is_known = np.all([np.isfinite(each) & (each > -1) for each in given], axis=0)
    centres, lowest, highest = (np.log1p(np.where(is_known, each, 0.0)) for each in given)
    variances = np.maximum((highest - lowest) / (2 * _DEVIATIONS), _LEAST_ERROR) ** 2
    weights = is_known / variances
    mean = _mean(centres, weights)
    excess = (weights * (centres - mean) ** 2).sum(axis=0) - (is_known.sum(axis=0) - 1)
    total = weights.sum(axis=0)
    scale = total - np.divide((weights**2).sum(axis=0), total, out=np.zeros_like(total), where=total > 0)
    between = np.divide(np.maximum(excess, 0), scale, out=np.zeros_like(total), where=scale > 1e-9 * total)
    weights = is_known / (variances + between)
    mean, total = _mean(centres, weights), weights.sum(axis=0)
    error = np.sqrt(np.divide(1.0, total, out=np.full_like(total, np.nan), where=total > 0))
    p_value = np.where(np.isnan(error), np.nan, two_sided_tail(np.nan_to_num(mean / error)))
    width = _DEVIATIONS * error
    low, high = np.expm1(mean - width), np.expm1(np.minimum(mean + width, 700))
    return Pooled(np.expm1(mean), low, high, p_value)


def _mean(values: F64, weights: F64) -> F64:
    total = weights.sum(axis=0)
    mean: F64 = np.divide((weights * values).sum(axis=0), total, out=np.full_like(total, np.nan), where=total > 0)
    return mean
