"""What all functions have in common between two sessions, and how far whole runs lie apart.

The *level* is the change of speed that most functions share. Each function's log-ratio is the level and noise of known
variance; but some functions changed themselves, with a probability that is estimated too, and theirs lie wider by
`CHANGE_SPREAD`. The level is the maximum of that likelihood (EM from the weighted median): a redescending estimate,
which a few changed functions hardly move, unlike the ratio of the sums, and which uses every precise function, unlike a
median. It is the size factor of Anders & Huber 2010 between sessions, made robust.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perfdb.stats.normal import F64

CHANGE_SPREAD = 0.25
"""Functions that changed changed by about 25 %, up or down."""
CHANGED = (0.01, 0.03, 0.1, 0.3)
"""The shares of changed functions that are tried."""
FOLLOWERS = 0.75
"""A level beyond the drift of machines is one only if functions with this share of the samples follow it."""
COMMON_DRIFT = 0.04
"""How far machines and their load move the speed of all functions between two sessions, as a log-ratio."""
MANY_CHANGED = (0.3, 0.5, 0.8)
"""The shares of changed functions that are tried where no level is common."""
MOVED = (0.02, 0.05, 0.1, 0.2)
"""The shares of functions that moved between history and baseline that are tried."""
BETWEEN = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
"""The spreads between sessions, as log-ratios, that are tried."""
MOVED_PENALTY, BETWEEN_PENALTY = 10.0, 100.0
"""Log-likelihood per unit of the two: exponential priors of means 0.1 and 0.01."""
DRIFTS: F64 = np.exp(np.linspace(np.log(0.005), np.log(0.2), 14))
"""The grid of the spread between whole runs, as log-ratios: 0.5 to 20 %."""
ODD_RUN, ODD_RUN_SPREAD = 0.03, 0.1


@dataclass(frozen=True, slots=True)
class Level:
    """The common log-ratio, its `information` (1 / variance), and each function's probability to have `changed`.

    `is_common` is whether functions share it at all; if not, it is what machines drift.
    """

    log_ratio: float
    information: float
    changed: F64
    log_likelihood: float
    is_common: bool = True


def common_levels(log_ratios: F64, variances: F64, shares_changed: F64) -> list[Level]:
    """The levels of functions' log-ratios, shape (functions,), if such shares of the functions changed themselves.

    `variances` has the shape (tries, functions), `shares_changed` (tries,): one level for each try.
    """
    share = shares_changed[:, None]
    wide = variances + CHANGE_SPREAD**2
    usual_scale, wide_scale = (1 - share) / np.sqrt(variances), share / np.sqrt(wide)
    start = [_weighted_median(log_ratios, 1 / (row + 0.05**2)) for row in variances]
    level = np.array(start)[:, None]
    for _ in range(12):
        squares = (log_ratios - level) ** 2
        good = usual_scale * np.exp(-0.5 * np.minimum(squares / variances, 600))
        density = good + wide_scale * np.exp(-0.5 * np.minimum(squares / wide, 600)) + 1e-300
        changed = 1 - good / density
        information = (1 - changed) / variances + changed / wide
        level = ((information * log_ratios).sum(axis=1) / information.sum(axis=1))[:, None]
    likelihood = np.log(density).sum(axis=1)
    return [
        Level(float(level[place, 0]), float(information[place].sum()), changed[place], float(likelihood[place]))
        for place in range(len(share))
    ]


def contender_level(log_ratios: F64, variances: F64, samples: F64) -> Level:
    """The likeliest level over the shares of changed functions; all of shape (functions,).

    A change of speed that is the program's, or the machine's, is shared by nearly all of it. Where the functions that
    follow the likeliest level have less than `FOLLOWERS` of the `samples`, as when one large part became quicker and
    the rest stayed, there is no such level, and none is taken off but what machines drift.
    """
    tries = np.tile(variances, (len(CHANGED), 1))
    levels = common_levels(log_ratios, tries, np.array(CHANGED))
    scores = [level.log_likelihood + math.log1p(-share) for level, share in zip(levels, CHANGED, strict=True)]
    best = levels[int(np.argmax(scores))]
    if abs(best.log_ratio) <= COMMON_DRIFT or samples @ (1 - best.changed) >= FOLLOWERS * samples.sum():
        return best
    return _level_of_drift(log_ratios, variances)


def _level_of_drift(log_ratios: F64, variances: F64) -> Level:
    """The likeliest level where many functions changed: near 0, as far as machines drift."""
    share = np.array(MANY_CHANGED)[:, None]
    wide = variances + CHANGE_SPREAD**2
    level = np.zeros_like(share)
    for _ in range(12):
        squares = (log_ratios - level) ** 2
        good = (1 - share) / np.sqrt(variances) * np.exp(-0.5 * np.minimum(squares / variances, 600))
        density = good + share / np.sqrt(wide) * np.exp(-0.5 * np.minimum(squares / wide, 600)) + 1e-300
        changed = 1 - good / density
        information = ((1 - changed) / variances).sum(axis=1) + 1 / COMMON_DRIFT**2
        level = (((1 - changed) / variances * log_ratios).sum(axis=1) / information)[:, None]
    likelihood = np.log(density).sum(axis=1)
    best = int(np.argmax(likelihood))
    known = float(information[best])
    return Level(float(level[best, 0]), known, changed[best], float(likelihood[best]), is_common=False)


def history_level(log_ratios: F64, variances: F64) -> tuple[Level, float, float]:
    """The level of baseline against history, whose `changed` is staleness; variance between sessions; share moved."""
    between, moved = (axis.ravel() for axis in np.meshgrid(BETWEEN, MOVED, indexing="ij"))
    levels = common_levels(log_ratios, variances + between[:, None] ** 2, moved)
    likelihoods = np.array([level.log_likelihood for level in levels])
    best = int(np.argmax(likelihoods - MOVED_PENALTY * moved - BETWEEN_PENALTY * between))
    return levels[best], float(between[best] ** 2), float(moved[best])


def drift_posterior(log_factors: list[F64], information: float) -> F64:
    """How probable each spread of `DRIFTS` between whole runs is; shape (grid,), sums to 1.

    `log_factors` are those of each session's runs; each is known with variance 1 / `information`.
    """
    total = np.zeros(DRIFTS.size)
    variances = DRIFTS**2 + 1 / information
    wide = variances + ODD_RUN_SPREAD**2
    for factors in log_factors:
        runs = len(factors)
        if runs < 2:
            continue
        squares = ((factors - factors.mean()) ** 2 * runs / (runs - 1))[:, None]
        density = (1 - ODD_RUN) * np.exp(-0.5 * np.minimum(squares / variances, 600)) / np.sqrt(variances)
        density += ODD_RUN * np.exp(-0.5 * np.minimum(squares / wide, 600)) / np.sqrt(wide)
        total += np.log(density + 1e-300).sum(axis=0) * (runs - 1) / runs
    weights = np.exp(total - total.max())
    result: F64 = weights / weights.sum()
    return result


def _weighted_median(values: F64, weights: F64) -> float:
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order])
    low = np.searchsorted(upto, upto[-1] / 2 * (1 - 1e-12))
    high = np.searchsorted(upto, upto[-1] / 2 * (1 + 1e-12))
    return float(values[order][low] + values[order][min(high, len(values) - 1)]) / 2
