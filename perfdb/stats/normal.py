"""Tails of the normal distribution, and of mixtures of normals that share their centre.

`scipy.special` has these too, but importing it takes longer than a whole comparison. The logarithm of the tail is
nearly a parabola, so a table of it, made once with `math.erfc`, is exact to 4 parts in a million between its points.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

_STEP = 0.005
_FARTHEST = 37.0
"""Beyond this many standard deviations `math.erfc` comes near the smallest number there is."""


@cache
def _log_tails() -> F64:
    points = np.arange(0, _FARTHEST + 3 * _STEP, _STEP)
    logarithms: F64 = np.log(np.array([math.erfc(point / math.sqrt(2)) for point in points.tolist()]))
    return logarithms


def two_sided_tail(deviations: npt.ArrayLike) -> F64:
    """P(|Z| >= |deviation|) of a standard normal Z, in the shape of `deviations`; never quite 0."""
    places = np.minimum(np.abs(np.asarray(deviations, np.float64)), _FARTHEST) / _STEP
    below = places.astype(np.int64)
    part = places - below
    table = _log_tails()
    tails: F64 = np.exp(table[below] * (1 - part) + table[below + 1] * part)
    return tails


def half_width(weights: F64, spreads: F64, outside: float) -> F64:
    """The half width around 0 that leaves the probability `outside` outside; shape (rows,).

    Each row is a mixture of normals of mean 0: `weights`, which sum to 1, and standard deviations `spreads`, both of
    shape (rows, parts).
    """
    low = np.zeros(len(weights))
    high = spreads.max(axis=1) * 7
    for _ in range(26):
        middle = (low + high) / 2
        too_small = (weights * two_sided_tail(middle[:, None] / spreads)).sum(axis=1) > outside
        low, high = np.where(too_small, middle, low), np.where(too_small, high, middle)
    width: F64 = (low + high) / 2
    return width
