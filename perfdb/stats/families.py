"""Many tests at once: how the allowance for false flags is spent, and adjusted p-values.

Thousands of functions share one allowance. Most are so small that nothing could be shown of them; spending evenly would
leave the large ones blind. The allowance is therefore spent where it finds most: function i is tested at the level α_i,
with the α_i chosen to find as many worthwhile changes as possible while they sum to the allowance. A change of θ
standard errors is found at threshold z with probability P(Z > z - θ); more allowance gains exp(z θ - θ² / 2) per unit,
and at the optimum all gains are equal (Spjøtvoll 1972; Roeder & Wasserman 2009). The α_i depend on how precisely a
function is known and how large it is, never on what it did, so they may be chosen after seeing the counts (independent
filtering: Bourgon et al. 2010; weighted Benjamini-Hochberg: Genovese et al. 2006).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from perfdb.stats.normal import F64, two_sided_tail

WORTHWHILE: F64 = np.log([1.2] * 5 + [1.5])
"""The changes that the allowance is spent to find, as log-ratios; small ones count five times."""
EVEN_PART = 0.03
"""This part of the allowance is spread evenly by worth, so that small changes of precisely known functions show too."""
LARGE_SHARE, WORTH_POWER = 0.0125, 4.0
"""Finding a change is worth the same in every function of this share or more, and less below, by this power."""

_ERRORS: F64 = np.exp(np.linspace(np.log(0.005), np.log(0.6), 60))
_THRESHOLDS: F64 = np.linspace(0, 8, 161)
_LOG_GAINS: F64 = np.linspace(-30, 60, 1801)


@cache
def _threshold_table() -> F64:
    """The threshold at which more allowance gains exp(log gain); shape (standard errors, log gains)."""
    effects = WORTHWHILE / _ERRORS[:, None, None]
    gains = np.exp(np.clip(_THRESHOLDS[:, None] * effects - effects**2 / 2, -300, 80)).mean(axis=2)
    return np.array([np.interp(_LOG_GAINS, np.log(row), _THRESHOLDS) for row in gains])


def spend(standard_errors: F64, shares: F64, allowance: float) -> F64:
    """The level at which each function is tested, shape (functions,); they sum to `allowance`.

    `standard_errors` are those of log-ratios, `shares` are of all samples.
    """
    if not standard_errors.size:
        return np.zeros(0)
    step = np.log(_ERRORS[1] / _ERRORS[0])
    rows = np.clip(np.rint(np.log(standard_errors / _ERRORS[0]) / step), 0, len(_ERRORS) - 1).astype(np.int64)
    log_worth = WORTH_POWER * np.log(np.clip(shares / LARGE_SHARE, 1e-6, 1))
    worth = np.exp(log_worth)
    table = _threshold_table()

    def levels(log_gain: float) -> F64:
        places = np.rint((log_gain - log_worth - _LOG_GAINS[0]) / (_LOG_GAINS[1] - _LOG_GAINS[0]))
        return two_sided_tail(table[rows, np.clip(places, 0, len(_LOG_GAINS) - 1).astype(np.int64)])

    low, high = -20.0, 60.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if levels(middle).sum() > allowance else (low, middle)
    found = levels(high)
    chosen = found * ((1 - EVEN_PART) / found.sum())
    result: F64 = allowance * (chosen + EVEN_PART * worth / worth.sum())
    return result


def benjamini_hochberg(p_values: npt.ArrayLike) -> F64:
    """Adjusted p-values of one family (Benjamini & Hochberg 1995), shape (tests,); NaN stays NaN, uncounted."""
    given = np.asarray(p_values, np.float64)
    adjusted = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    count = int(known.sum())
    if count:
        adjusted[known] = np.minimum(adjust(given[known], np.full(count, 1 / count)), 1)
    return adjusted


def adjust(p_values: F64, levels: F64) -> F64:
    """Weighted Benjamini-Hochberg: what a function's allowance must be multiplied by for it to be flagged.

    `p_values` and the `levels` they are tested at, shape (functions,). A result of at most 1 is flagged: the k smallest
    ratios p / level are flagged together when the largest of them is at most k.
    """
    ratios = p_values / levels
    order = np.argsort(ratios, kind="stable")
    steps = ratios[order] / np.arange(1, len(ratios) + 1)
    adjusted = np.empty(len(ratios))
    adjusted[order] = np.minimum.accumulate(steps[::-1])[::-1]
    return adjusted
