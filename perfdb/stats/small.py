"""Functions too small to be modelled: only what comes from next to nothing can be shown of them.

A function of less than `LEAST_MEAN` samples a run has no dispersion that could be learned. Given its samples on both
sides together, those of the contender are binomial; their tail is bounded by exp(-n KL) (Chernoff 1952), which holds
exactly and needs no approximation. Runs may differ by `CV` between each other, and the run that speaks most for a
change is left out, so that a burst in one run shows nothing.
"""

from __future__ import annotations

import math

import numpy as np

from perfdb.stats.normal import F64, half_width

LEAST_MEAN = 3.0
CV = 0.5


def small_p_values(baseline: F64, contender: F64, level: float) -> F64:
    """Bounds of two-sided p-values, (functions,), of counts of shape (runs, functions); `level` is a log-ratio."""
    expected = math.exp(level) * len(contender) / (len(baseline) + math.exp(level) * len(contender))
    grew = contender.mean(axis=0) > baseline.mean(axis=0) * math.exp(level)
    if len(contender) < 2 or len(baseline) < 2:
        return np.ones(baseline.shape[1])
    fewer_contender = contender.sum(axis=0) - contender.max(axis=0)
    fewer_baseline = baseline.sum(axis=0) - baseline.max(axis=0)
    above = np.where(grew, fewer_contender, contender.sum(axis=0))
    below = np.where(grew, baseline.sum(axis=0), fewer_baseline)
    together = above + below
    runs = len(baseline) + len(contender)
    worth = together / (1 + CV**2 * together / runs)
    share = np.divide(above, together, out=np.full(len(above), expected), where=together > 0)
    share = np.where(grew, np.maximum(share, expected), np.minimum(share, expected))
    distance = _entropy_term(share, expected) + _entropy_term(1 - share, 1 - expected)
    bounds: F64 = np.minimum(2 * np.exp(-worth * distance), 1)
    return bounds


def _entropy_term(share: F64, expected: float) -> F64:
    terms: F64 = share * np.log(np.maximum(share, 1e-300) / expected)
    return terms


def small_intervals(baseline: F64, contender: F64, level: float) -> tuple[F64, F64]:
    """Log-effects and the half widths of their 95 % intervals, (functions,); NaN for a function without samples."""
    above, below = contender.sum(axis=0), baseline.sum(axis=0)
    effects = np.log((above + 0.5) / len(contender)) - np.log((below + 0.5) / len(baseline)) - level
    variances = 1 / (above + 0.5) + 1 / (below + 0.5) + CV**2 * (1 / len(contender) + 1 / len(baseline))
    deviations = float(half_width(np.ones((1, 1)), np.ones((1, 1)), 0.05)[0])
    is_empty = above + below == 0
    return np.where(is_empty, np.nan, effects), np.where(is_empty, np.nan, deviations * np.sqrt(variances))
