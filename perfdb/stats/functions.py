"""Function by function: baseline (with the history behind it) against contender."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.stats.dispersion import DISPERSIONS, log_likelihood, posterior, typical
from perfdb.stats.levels import MOVED, Level, Past, contender_level, history_level
from perfdb.stats.normal import F64, half_width, two_sided_tail
from perfdb.stats.odd import ALONE, Found, Groups, find_odd
from perfdb.stats.sessions import NO_DOUBTS, ODD_SPREAD, Doubts, Session, fit_session

ODD_RISK = 0.002
"""How probable it is, before it is looked at, that a function's value in one run is odd where no groups are known."""
LEAST_DOUBT, DOUBT = 0.02, 3.0
"""A function's history is out of date with at least the first probability, and so many times the share of functions
that moved beyond the least that is tried, however well it agrees with the baseline: a move by less than the noise
agrees too, and yet may make an alarm of the pooled baseline."""
FIRST_DISPERSION = 0.08**2
_SMALL = 0.25
"""Added to means before a logarithm."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the contender would count if nothing had changed: the `means`, and how many `runs` each is worth."""

    means: F64
    runs: F64


@dataclass(frozen=True, slots=True)
class Fit:
    """The sessions, fitted together; every array has the shape (functions,), `shares` is (functions, grid).

    `fresh` is the baseline pooled with the history, `direct` the baseline alone, `blended` both by the probability that
    the history of the function is out of date (`past`). `extra` is variance of the log-ratio that no run-to-run spread
    explains: of the level, and between sessions. `odd` are the odd groups that were taken out, by session.
    """

    baseline: Session
    contender: Session
    history: Session | None
    shares: F64
    dispersions: F64
    past: Past | None
    fresh: Expected
    direct: Expected
    blended: Expected
    level: Level
    extra: F64
    odd: list[list[Found]]

    @property
    def log_effects(self) -> F64:
        """Log-ratios of contender to baseline, against the common level."""
        return _log_ratio(self.contender.means, self.blended.means) - self.level.log_ratio

    @property
    def disagreement(self) -> F64:
        """The variance that comes from not knowing whether the history is stale."""
        if self.past is None:
            return np.zeros(1)
        stale = self.past.stale
        apart: F64 = stale * (1 - stale) * _log_ratio(self.fresh.means, self.direct.means) ** 2
        return apart

    @property
    def any_shares(self) -> F64:
        """`shares`, with what the history says too; shape (functions, grid)."""
        return self.shares if self.past is None else self.past.shares


def fit(baseline: F64, contender: F64, history: F64, groups: Groups | None = None) -> Fit:
    """Fit counts of shape (runs, functions); `history` may have no runs."""
    counts = [baseline, contender] + ([history] if len(history) else [])
    dispersions = np.full(baseline.shape[1], FIRST_DISPERSION)
    doubts = [NO_DOUBTS] * len(counts)
    odd: list[list[Found]] = [[] for _ in counts]
    for step in range(2):
        sessions = _sessions(counts, dispersions, doubts)
        if step and groups is not None:
            doubts, odd = find_odd(sessions[0], sessions[1], sessions[2] if len(history) else None, dispersions, groups)
            sessions = _sessions(counts, dispersions, doubts)
        shares = posterior(log_likelihood(sessions))
        dispersions = typical(shares)
    sessions = _sessions(counts, dispersions, doubts)
    first, second, third = sessions[0], sessions[1], sessions[2] if len(history) else None
    direct = Expected(first.means, first.runs)
    past, fresh, stale = None, direct, np.zeros(len(dispersions))
    if third is not None:
        past = _past(first, third, shares)
        fresh, stale = _pooled(first, third, past, dispersions), past.stale
    blended = Expected((1 - stale) * fresh.means + stale * direct.means, (1 - stale) * fresh.runs + stale * direct.runs)
    per_run = 1 / second.runs + 1 / blended.runs
    sampling = per_run / np.maximum((second.means + blended.means) / 2, 0.5)
    known = shares if past is None else past.shares
    log_ratios, samples = _log_ratio(second.means, blended.means), second.means + blended.means
    level = contender_level(log_ratios, sampling, per_run, DISPERSIONS, known, samples)
    variances, information = sampling + per_run * dispersions, level.weights
    # A function that shapes the level follows it, and deviates from it by less than one that does not.
    extra = np.maximum(0, (1 - 1.5 * information * variances) / level.information)
    if past is not None:
        extra = extra + past.between * (1 + (direct.runs / fresh.runs) ** 2)
    return Fit(first, second, third, shares, dispersions, past, fresh, direct, blended, level, extra, odd)


def _sessions(counts: list[F64], dispersions: F64, doubts: list[Doubts]) -> list[Session]:
    return [fit_session(side, dispersions, doubt) for side, doubt in zip(counts, doubts, strict=True)]


def _past(baseline: Session, history: Session, shares: F64) -> Past:
    """What the baseline's distance from the history says."""
    count, before = baseline.count, history.count
    pooled = (baseline.means * count + history.means * before) / (count + before)
    per_run = 1 / baseline.runs + 1 / history.runs
    log_ratios = _log_ratio(baseline.means, history.means)
    return history_level(log_ratios, per_run / np.maximum(pooled, 0.5), per_run, DISPERSIONS, shares)


def _pooled(baseline: Session, history: Session, past: Past, dispersions: F64) -> Expected:
    """Baseline and history, where the history holds."""
    worth = history.runs / (1 + history.runs * past.between / _run_variance(baseline.means, dispersions))
    runs = baseline.runs + worth
    return Expected((baseline.runs * baseline.means + worth * history.means * math.exp(past.log_ratio)) / runs, runs)


def p_values(fitted: Fit) -> F64:
    """The probability of a deviation as large if nothing had changed; shape (functions,)."""
    past = fitted.past
    if past is None:
        return _p_against(fitted, fitted.shares, fitted.direct, baseline_alone=True)
    direct = _p_against(fitted, past.changed, fitted.direct, baseline_alone=True)
    fresh = _p_against(fitted, past.agreed, fitted.fresh, baseline_alone=False)
    stale = np.maximum(past.stale, LEAST_DOUBT + DOUBT * (past.moved - min(MOVED)))
    return (1 - stale) * fresh + stale * direct


def _p_against(fitted: Fit, shares: F64, expected: Expected, *, baseline_alone: bool) -> F64:
    """p-values against one expectation, with what they would be if the run that supports them most were odd."""
    half = math.exp(fitted.level.log_ratio / 2)
    contender = fitted.contender
    grew = contender.means / half > expected.means * half
    p = _tail(fitted, shares, contender.means, contender.runs, expected)
    risk = _risk(fitted, contender)
    risky = risk * _p_without_best_run(fitted, shares, contender, expected, grew, at_contender=True)
    if baseline_alone:
        side = fitted.baseline
        risk = _risk(fitted, side)
        risky = risky + risk * _p_without_best_run(fitted, shares, side, expected, ~grew, at_contender=False)
    return np.minimum(p + risky, 1)


def _risk(fitted: Fit, side: Session) -> F64:
    """The probability that some run's value is odd, given how far it lies from the other runs; shape (functions,)."""
    prior = (ODD_RISK if side.doubts is NO_DOUBTS else ALONE) + side.doubts.risk
    if side.count == 1:
        return np.broadcast_to(prior[0], side.means.shape)
    rest = np.maximum(side.runs - side.weights, 0.5)
    reference = (side.means * side.runs - side.weights * side.rates) / rest
    squares = np.log((side.rates + _SMALL) / (np.maximum(reference, 0) + _SMALL)) ** 2
    usual = _run_variance(side.means, fitted.dispersions) * (1 + 1 / rest)
    wide = usual + ODD_SPREAD**2
    gain = np.exp(0.5 * np.minimum(squares * (1 / usual - 1 / wide), 100)) * np.sqrt(usual / wide)
    odd: F64 = prior * gain / (1 - prior + prior * gain)
    risk: F64 = np.minimum(odd.sum(axis=0), 1)
    return risk


def _p_without_best_run(
    fitted: Fit, shares: F64, side: Session, expected: Expected, high: npt.NDArray[np.bool_], *, at_contender: bool
) -> F64:
    """p-values with the run left out that speaks most for a change; with one run, with a spread that odd runs have."""
    contender = fitted.contender
    if side.count == 1:
        log_ratios = _log_ratio(contender.means, expected.means) - fitted.level.log_ratio
        means = (contender.means + expected.means) / 2
        variances = _run_variance(means, fitted.dispersions) * (1 / contender.runs + 1 / expected.runs)
        variances = variances + fitted.extra
        alone = two_sided_tail(log_ratios / np.sqrt(variances + ODD_SPREAD**2))
        if side.doubts is NO_DOUBTS:
            return alone
        apart = side.doubts.apart[0] if at_contender else -side.doubts.apart[0]
        grouped = two_sided_tail((log_ratios - apart) / np.sqrt(variances + side.doubts.apart_variance[0]))
        risk = side.doubts.risk[0]
        either: F64 = (ALONE * alone + risk * grouped) / (ALONE + risk)
        return either
    best = np.argmax(np.where(high, side.rates, -side.rates), axis=0)
    weights = side.weights.copy()
    weights[best, np.arange(len(best))] = 0
    runs = np.minimum(weights.sum(axis=0), side.count - 1)
    means = (weights * side.rates).sum(axis=0) / weights.sum(axis=0)
    half = math.exp(fitted.level.log_ratio / 2)
    if at_contender:
        p, still_high = _tail(fitted, shares, means, runs, expected), means / half > expected.means * half
    else:
        p = _tail(fitted, shares, contender.means, contender.runs, Expected(means, runs))
        still_high = means * half > contender.means / half
    return np.where(still_high == high, p, 1.0)


def _tail(fitted: Fit, shares: F64, means: F64, runs: F64, expected: Expected) -> F64:
    """Two-sided tails of the difference on the scale where a negative binomial count has variance 1 (Anscombe 1948)."""
    half = math.exp(fitted.level.log_ratio / 2)
    dispersions = DISPERSIONS[:, None]
    here, there = means / half, expected.means * half
    difference = _stabilised(here, dispersions) - _stabilised(there, dispersions)
    per_run = 1 / np.maximum((here + there) / 2, 0.5) + dispersions
    sampling = 1 / runs + 1 / expected.runs
    deviations = difference / np.sqrt(sampling * (1 + fitted.extra / (per_run * sampling)))
    tails: F64 = (shares.T * two_sided_tail(deviations)).sum(axis=0)
    return tails


def _stabilised(means: F64, dispersions: F64) -> F64:
    scaled: F64 = 2 * np.arcsinh(np.sqrt(dispersions * (means + 0.2))) / np.sqrt(dispersions)
    return scaled


def half_widths(fitted: Fit, outside: tuple[float, ...]) -> list[F64]:
    """Half widths of the log-effects' intervals that leave the probabilities `outside` outside; each (functions,)."""
    contender, expected = fitted.contender, fitted.blended
    variances = (1 / np.maximum(contender.means, 0.5)[:, None] + DISPERSIONS) / contender.runs[:, None]
    variances += (1 / np.maximum(expected.means, 0.5)[:, None] + DISPERSIONS) / expected.runs[:, None]
    spreads = np.sqrt(variances + (fitted.extra + fitted.disagreement)[:, None])
    shares = fitted.any_shares
    return [half_width(shares, spreads, probability) for probability in outside]


def standard_errors(fitted: Fit) -> F64:
    """How precisely each log-ratio is known, were there no change; shape (functions,). Independent of the effects."""
    counts = fitted.baseline.count, fitted.contender.count
    means = (fitted.baseline.means * counts[0] + fitted.contender.means * counts[1]) / sum(counts)
    runs = 1 / fitted.contender.count + 1 / fitted.fresh.runs
    errors: F64 = np.sqrt(_run_variance(means, fitted.dispersions) * runs + fitted.extra)
    return errors


def run_variances(fitted: Fit) -> F64:
    """The variance of one run's log-rate; shape (functions,)."""
    return _run_variance((fitted.contender.means + fitted.blended.means) / 2, fitted.dispersions)


def _run_variance(means: F64, dispersions: F64) -> F64:
    variances: F64 = 1 / np.maximum(means, 0.5) + dispersions
    return variances


def _log_ratio(above: F64, below: F64) -> F64:
    ratios: F64 = np.log((above + _SMALL) / (below + _SMALL))
    return ratios
