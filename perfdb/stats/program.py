"""The program as a whole: how its samples changed, run-wide changes of speed included.

The plain ratio of the totals is moved by every erratic hot function and by every odd run. Here the total's change is
the common level, which is known better, and what functions add that changed themselves: each function's own change
counts by the probability that there is one, shrunk as far as it is uncertain, and adds that uncertainty. How far whole
runs lie apart (a warmer machine) is learned from all sessions' runs and is most of the interval.
"""

from __future__ import annotations

import math

import numpy as np

from perfdb.stats.differences import TotalDifference
from perfdb.stats.functions import Fit, run_variances
from perfdb.stats.judging import TOTAL_SHARE, verdict_of_total
from perfdb.stats.levels import CHANGE_SPREAD, DRIFTS, drift_posterior
from perfdb.stats.needed import runs_needed
from perfdb.stats.normal import F64, half_width, two_sided_tail
from perfdb.stats.sessions import LEAST_TO_JUDGE_RUNS, ODD_SPREAD, Session

STALE_PROBABILITY, STALE_SPREAD = 0.05, 0.15
"""The program's level in the history is out of date with this probability, and then lies off by about so much."""
ODD_TOTAL = 0.003
"""How probable it is that a run as a whole is odd, by about `ODD_SPREAD`."""


ONE_SIDED_CV = 0.07
"""How much new and vanished work varies between runs: what is usual, for nobody knows it from both sides."""


def total_difference(fitted: Fit, one_sided: tuple[F64, F64], fdr: float, margin: float) -> TotalDifference:
    """The total's change; one test, its level is `TOTAL_SHARE` of `fdr`.

    `one_sided` are the samples of each run of (baseline, contender) in functions that the other side has not; they are
    added as they are.
    """
    own, own_variance = _own_changes(fitted, one_sided)
    drift = _drift(fitted)
    level = fitted.level.log_ratio
    level_variance = 1 / fitted.level.information if fitted.level.is_common else 0.0
    centres, weights, spreads = [], [], []
    for probability, shift, runs in _baselines(fitted, drift):
        centres.append(np.full(DRIFTS.size, level + shift + own))
        weights.append(probability * drift)
        spreads.append(np.sqrt(DRIFTS**2 * runs + level_variance + own_variance))
    weight, centre, spread = np.concatenate(weights), np.concatenate(centres), np.concatenate(spreads)
    effect = float((weight * centre).sum())
    spread = np.sqrt(spread**2 + (centre - effect) ** 2)
    p_value = float((weight * two_sided_tail(effect / spread)).sum())
    for without, probability in _without_odd_run(fitted, drift, effect):
        p_value = min(p_value + probability * float((weight * two_sided_tail(without / spread)).sum()), 1.0)
    adjusted = min(p_value / TOTAL_SHARE, 1.0)
    wide, narrow = (float(half_width(weight[None], spread[None], outside)[0]) for outside in (0.05, 0.1))
    within = max(-math.expm1(effect - narrow), math.expm1(min(effect + narrow, 700)))
    per_run = float((drift * DRIFTS**2).sum()) + _factor_variance(fitted)
    earlier = np.array([fitted.history.count if fitted.history else 0.0])
    needed = runs_needed(np.array([per_run]), earlier, np.array([fdr * TOTAL_SHARE]), margin)
    return TotalDifference(
        effect=math.expm1(effect),
        low=math.expm1(effect - wide),
        high=math.expm1(effect + wide),
        p_value=p_value,
        adjusted=adjusted,
        verdict=verdict_of_total(effect, adjusted, within, fdr, margin),
        runs_needed=int(needed[0]),
        within=within,
    )


def _without_odd_run(fitted: Fit, drift: F64, effect: float) -> list[tuple[float, float]]:
    """For each side, the effect without the run that speaks most for it, and how probable it is that the run is odd."""
    usual = float((drift * DRIFTS**2).sum()) + _factor_variance(fitted)
    found = []
    for session, direction in ((fitted.contender, 1), (fitted.baseline, -1)):
        others = session.count - 1
        if not others:
            continue
        factors = np.log(session.factors)
        loudest = float(factors[np.argmax(factors * direction * effect)])
        variance = usual * (1 + 1 / others)
        wide = variance + ODD_SPREAD**2
        square = (loudest * (1 + 1 / others)) ** 2
        gain = math.exp(min(0.5 * square * (1 / variance - 1 / wide), 100)) * math.sqrt(variance / wide)
        odd = ODD_TOTAL * gain / (1 - ODD_TOTAL + ODD_TOTAL * gain)
        without = effect - direction * loudest / others
        found.append((without if without * effect > 0 else 0.0, odd))
    return found


def _own_changes(fitted: Fit, one_sided: tuple[F64, F64]) -> tuple[float, float]:
    """What functions' own changes, and those on one side, add to the log-ratio of the totals, and its variance.

    Where no level is common, most changed, and the plain ratio of the totals is all there is.
    """
    gone, gone_variance = _per_run(one_sided[0], fitted.baseline)
    new, new_variance = _per_run(one_sided[1], fitted.contender)
    both, variance = _shared_changes(fitted)
    before, level = float(fitted.blended.means.sum()), fitted.level.log_ratio
    after = before * math.exp(both + level) + new
    before += gone
    part = 1 - new / after
    variance = part**2 * variance + (gone_variance / before**2) + (new_variance / after**2)
    return math.log(after / before) - level, variance


def _per_run(samples: F64, session: Session) -> tuple[float, float]:
    """What of one-sided work is in a run, and the variance of that; `samples` has the shape (runs,)."""
    if not samples.any():
        return 0.0, 0.0
    rates = samples / session.factors
    mean = float(np.median(rates) if len(rates) >= LEAST_TO_JUDGE_RUNS else rates.mean())
    return mean, (mean + (ONE_SIDED_CV * mean) ** 2) / len(rates)


def _shared_changes(fitted: Fit) -> tuple[float, float]:
    """The log-ratio of the totals of what both sides have, less the level, and its variance."""
    means = fitted.blended.means
    shares = means / means.sum()
    variances = run_variances(fitted) * (1 / fitted.contender.runs + 1 / fitted.blended.runs)
    between = fitted.past.between if fitted.past else 0.0
    if not fitted.level.is_common:
        both = (means + fitted.contender.means) / (means + fitted.contender.means).sum()
        spread = variances + fitted.disagreement + between
        ratio = math.log(fitted.contender.means.sum() / means.sum())
        return ratio - fitted.level.log_ratio, float((both**2 * spread).sum())
    kept = CHANGE_SPREAD**2 / (CHANGE_SPREAD**2 + variances)
    changed, effects = fitted.level.changed, fitted.log_effects
    expected = changed * kept * effects
    spread = changed * (kept * variances + (kept * effects) ** 2) - expected**2
    spread = spread + fitted.disagreement + between
    return math.log(float((shares * np.exp(expected)).sum())), float((shares**2 * spread).sum())


def _factor_variance(fitted: Fit) -> float:
    """How uncertain one run's speed factor is; the level compares means of several."""
    baseline_runs = fitted.baseline.count + (fitted.history.count if fitted.history else 0)
    return 1 / fitted.level.information / (1 / fitted.contender.count + 1 / baseline_runs)


def _drift(fitted: Fit) -> F64:
    sessions = [fitted.baseline, fitted.contender] + ([fitted.history] if fitted.history else [])
    return drift_posterior([np.log(session.factors) for session in sessions], 1 / _factor_variance(fitted))


def _baselines(fitted: Fit, drift: F64) -> list[tuple[float, float, float]]:
    """(probability, shift of the level, 1 / runs of both sides): with the history's level, and without."""
    contender, baseline = 1 / fitted.contender.count, fitted.baseline.count
    if fitted.history is None or fitted.past is None:
        return [(1.0, 0.0, contender + 1 / baseline)]
    history, apart = fitted.history.count, fitted.past.log_ratio
    variance = (float((drift * DRIFTS**2).sum()) + _factor_variance(fitted)) * (1 / baseline + 1 / history)
    wide = variance + STALE_SPREAD**2
    fresh = (1 - STALE_PROBABILITY) * math.exp(-0.5 * min(apart**2 / variance, 600)) / math.sqrt(variance)
    moved = STALE_PROBABILITY * math.exp(-0.5 * min(apart**2 / wide, 600)) / math.sqrt(wide)
    stale = moved / (fresh + moved)
    pooled = history / (baseline + history) * apart
    return [(1 - stale, pooled, contender + 1 / (baseline + history)), (stale, 0.0, contender + 1 / baseline)]
