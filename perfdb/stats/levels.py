"""What all functions have in common between two sessions, and how far whole runs lie apart.

The *level* is the change of speed that most functions share. Each function's log-ratio is the level and noise; but some
functions changed themselves, with a probability that is estimated too, and theirs lie wider by `CHANGE_SPREAD`. The
noise is a mixture as well, over what the function's dispersion may be. The level is the maximum of that likelihood (EM
from the weighted median): a redescending estimate, which a few changed or erratic functions hardly move, unlike the
ratio of the sums, and which uses every precise function, unlike a median. It is the size factor of Anders & Huber 2010
between sessions, made robust.
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
MOVED = (0.04, 0.08, 0.15, 0.3)
"""The shares of functions that moved between history and baseline that are tried."""
BETWEEN = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12)
"""The spreads between sessions, as log-ratios, that are tried."""
LEVEL_STEPS = 15
"""So many steps of EM reach the level."""
MOVED_PENALTY, BETWEEN_PENALTY = 5.0, 100.0
"""Log-likelihood per unit of the two: exponential priors of means 0.2 and 0.01."""
DRIFTS: F64 = np.exp(np.linspace(np.log(0.005), np.log(0.2), 14))
"""The grid of the spread between whole runs, as log-ratios: 0.5 to 20 %."""
USUAL_DRIFT, USUAL_DRIFT_FACTOR = 0.03, 0.8
"""Before any run is seen, the spread between runs is log-normal around the usual one, within a factor exp(0.8)."""
ODD_RUN, ODD_RUN_SPREAD = 0.03, 0.1


@dataclass(frozen=True, slots=True)
class Level:
    """The common log-ratio, its `information` (1 / variance), and each function's probability to have `changed`.

    `weights`, shape (functions,), is how much each function pulls, in the unit of the information. `is_common` is
    whether functions share the level at all; if not, it is what machines drift.
    """

    log_ratio: float
    information: float
    changed: F64
    log_likelihood: float
    weights: F64
    is_common: bool = True


def common_levels(log_ratios: F64, variances: F64, shares_changed: F64) -> list[Level]:
    """The levels of functions' log-ratios, shape (functions,), if such shares of the functions changed themselves.

    `variances` has the shape (tries, functions), `shares_changed` (tries,): one level for each try.
    """
    share = shares_changed[:, None]
    wide = variances + CHANGE_SPREAD**2
    usual_scale, wide_scale = (1 - share) / np.sqrt(variances), share / np.sqrt(wide)
    start = [weighted_median(log_ratios, 1 / (row + 0.05**2)) for row in variances]
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
        Level(
            float(level[place, 0]),
            float(information[place].sum()),
            changed[place],
            float(likelihood[place]),
            information[place],
        )
        for place in range(len(share))
    ]


def contender_level(log_ratios: F64, sampling: F64, per_run: F64, dispersions: F64, shares: F64, samples: F64) -> Level:
    """The likeliest level over the shares of changed functions; arguments as those of `history_level`.

    A change of speed that is the program's, or the machine's, is shared by nearly all of it. Where the functions that
    follow the likeliest level have less than `FOLLOWERS` of the `samples`, (functions,), as when one large part became
    quicker and the rest stayed, there is no such level, and none is taken off but what machines drift.

    Each function's noise is a mixture over what its dispersion may be, so one that lies far off counts less: it is
    noisier than it looked.
    """
    variances = sampling[:, None] + per_run[:, None] * dispersions
    typical = sampling + per_run * np.exp(shares @ np.log(dispersions))
    start = weighted_median(log_ratios, 1 / (typical + 0.05**2))
    best: Level | None = None
    best_score = -math.inf
    for share in CHANGED:
        level = _mixed_level(log_ratios, variances, shares, share, start)
        score = level.log_likelihood + math.log1p(-share)
        if best is None or score > best_score:
            best, best_score = level, score
    assert best is not None
    if abs(best.log_ratio) <= COMMON_DRIFT or samples @ (1 - best.changed) >= FOLLOWERS * samples.sum():
        return best
    return _level_of_drift(log_ratios, typical)


def _level_of_drift(log_ratios: F64, variances: F64) -> Level:
    """The likeliest level where many functions changed: near 0, as far as machines drift."""
    share = np.array(MANY_CHANGED)[:, None]
    wide = variances + CHANGE_SPREAD**2
    level = np.zeros_like(share)
    for _ in range(12):
        squares = (log_ratios - level) ** 2
        good = np.log((1 - share) / np.sqrt(variances)) - 0.5 * squares / variances
        density = np.logaddexp(good, np.log(share / np.sqrt(wide)) - 0.5 * squares / wide)
        changed = 1 - np.exp(good - density)
        information = ((1 - changed) / variances).sum(axis=1) + 1 / COMMON_DRIFT**2
        level = (((1 - changed) / variances * log_ratios).sum(axis=1) / information)[:, None]
    likelihood = density.sum(axis=1)
    best = int(np.argmax(likelihood))
    known = float(information[best])
    weights = (1 - changed[best]) / variances
    return Level(float(level[best, 0]), known, changed[best], float(likelihood[best]), weights, is_common=False)


def _mixed_level(log_ratios: F64, variances: F64, shares: F64, share_changed: float, start: float) -> Level:
    """The level if such a share of the functions changed; `variances` and `shares` have the shape (functions, grid)."""
    variances = np.concatenate([variances, variances + CHANGE_SPREAD**2], axis=1)
    scale = np.concatenate([(1 - share_changed) * shares, share_changed * shares], axis=1) / np.sqrt(variances)
    parts, precision, level = shares.shape[1], 1 / variances, start
    for _ in range(LEVEL_STEPS):
        deviations = (log_ratios - level)[:, None]
        density = scale * np.exp(-0.5 * np.minimum(deviations**2 * precision, 600)) + 1e-300
        likelihood = density.sum(axis=1)
        weights = density / likelihood[:, None] * precision
        known = weights.sum(axis=1)
        level = float((known * log_ratios).sum() / known.sum())
    scores = weights * precision * deviations**2
    lost = scores.sum(axis=1) - (known * deviations[:, 0]) ** 2
    information = max(float((known - lost).sum()), 0.2 * float(known.sum()))
    changed = density[:, parts:].sum(axis=1) / likelihood
    return Level(level, information, changed, float(np.log(likelihood).sum()), known)


@dataclass(frozen=True, slots=True)
class Past:
    """The baseline against the history: their common `log_ratio`, variance `between` sessions, share that `moved`.

    `stale` is the probability that a function's history is out of date, (functions,). The baseline's distance from the
    history also tells of dispersions: `agreed` and `changed`, both (functions, grid), are what is known of them if the
    history holds, and if it does not. A noisy function and one that moved look alike; only both together are sound.
    """

    log_ratio: float
    between: float
    moved: float
    stale: F64
    agreed: F64
    changed: F64

    @property
    def shares(self) -> F64:
        """What is known of dispersions, whether the history holds or not; shape (functions, grid)."""
        stale = self.stale[:, None]
        shares: F64 = (1 - stale) * self.agreed + stale * self.changed
        return shares


def history_level(log_ratios: F64, sampling: F64, per_run: F64, dispersions: F64, shares: F64) -> Past:
    """What the log-ratios of baseline to history, shape (functions,), say.

    Their variances are `sampling` + `per_run` × dispersion, both (functions,); `shares`, shape (functions, grid), is
    how probable each of `dispersions`, (grid,), is for each function.
    """
    between, moved = (axis.ravel() for axis in np.meshgrid(BETWEEN, MOVED, indexing="ij"))
    typical = sampling + per_run * np.exp(shares @ np.log(dispersions))
    levels = common_levels(log_ratios, typical + between[:, None] ** 2, moved)
    variances = sampling[:, None] + per_run[:, None] * dispersions
    best, past = -math.inf, None
    for level, spread, share in zip(levels, between.tolist(), moved.tolist(), strict=True):
        squares = ((log_ratios - level.log_ratio) ** 2)[:, None]
        agreed = (1 - share) * shares * _density(squares, variances + spread**2)
        changed = share * shares * _density(squares, variances + spread**2 + CHANGE_SPREAD**2)
        together = agreed.sum(axis=1) + changed.sum(axis=1) + 1e-300
        score = float(np.log(together).sum()) - MOVED_PENALTY * share - BETWEEN_PENALTY * spread
        if score > best:
            best = score
            past = Past(
                level.log_ratio, spread**2, share, changed.sum(axis=1) / together, _rows(agreed), _rows(changed)
            )
    assert past is not None
    return past


def _density(squares: F64, variances: F64) -> F64:
    density: F64 = np.exp(-0.5 * np.minimum(squares / variances, 600)) / np.sqrt(variances)
    return density


def _rows(weights: F64) -> F64:
    """Each row made to sum to 1."""
    weights = weights + 1e-290
    rows: F64 = weights / weights.sum(axis=1, keepdims=True)
    return rows


def drift_posterior(log_factors: list[F64], information: float) -> F64:
    """How probable each spread of `DRIFTS` between whole runs is; shape (grid,), sums to 1.

    `log_factors` are those of each session's runs; each is known with variance 1 / `information`.
    """
    total = -0.5 * (np.log(DRIFTS / USUAL_DRIFT) / USUAL_DRIFT_FACTOR) ** 2
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


def weighted_median(values: F64, weights: F64) -> float:
    """The value with half of the weight on either side; of two such values the middle."""
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order])
    low = np.searchsorted(upto, upto[-1] / 2 * (1 - 1e-12))
    high = np.searchsorted(upto, upto[-1] / 2 * (1 + 1e-12))
    return float(values[order][low] + values[order][min(high, len(values) - 1)]) / 2
