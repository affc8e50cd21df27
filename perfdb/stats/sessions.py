"""The runs of one side: their speed factors, and each function's mean with odd runs counting less.

A *session* is a set of runs of the same program: the baseline, the contender, or the history. A run's *factor* is how
much slower or quicker than its session it ran as a whole (a warmer machine, a longer run). It is estimated from all
functions, each by what it tells (a function's information about the factor is m / (1 + φ m), so that one hot and
erratic function does not rule it), and what deviates by more than 2.5 standard deviations pulls no harder than one that
deviates by 2.5 (Huber 1964). What is left after the factor is a function's own variation.

A run may be *odd*: now and then something inflates part of one run. A function's value in a run is odd with probability
`ODD_PROBABILITY`, and then wider by `ODD_SPREAD`; with three runs or more, a value counts in the mean by the
probability that it is not odd. Where groups of functions are known, `odd` says more: see `Doubts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perfdb.stats.normal import F64

ODD_PROBABILITY = 0.005
ODD_SPREAD = 0.3
HUBER = 2.5
LEAST_FACTOR = 0.1
"""A run's factor is at least this part of what its samples alone would make it: one that has hardly a function with the
others in common is odd, and not slow."""
RUN_SPREAD = 0.05
"""How far whole runs of a session lie apart at least, as a log-ratio."""
ODD_RUN_PROBABILITY = 0.03
"""How probable it is that a whole run is odd (cut short, of another program, on a busy machine)."""
LEAST_TO_JUDGE_RUNS = 3


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is doubtful of each value; all of shape (runs, functions), or (1, 1) for all values alike.

    Counts are divided by exp(`shift`), which is known with the variance `variance`. What is left is odd with the
    probability `odd`. `risk` is the part of it that the value's group makes likely, and then the log-value lies off by
    `apart`, with the variance `apart_variance`.
    """

    shift: F64
    variance: F64
    odd: F64
    risk: F64
    apart: F64
    apart_variance: F64


_ZERO, _ONE = np.zeros((1, 1)), np.ones((1, 1))
NO_DOUBTS = Doubts(_ZERO, _ZERO, ODD_PROBABILITY * _ONE, _ZERO, _ZERO, _ONE)
"""Nothing is known of groups: any value may be odd."""


@dataclass(frozen=True, slots=True)
class Session:
    """One side's runs. Counts are samples per run of mean speed.

    `rates` (counts over the run's factor, and over what is taken out as odd, by `doubts`) and `weights` have the shape
    (runs, functions); `factors` (runs,), 1 in the middle; `means` and `runs`, how many runs a mean is worth,
    (functions,).
    """

    rates: F64
    weights: F64
    factors: F64
    means: F64
    runs: F64
    doubts: Doubts

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.rates)


def fit_session(counts: F64, dispersions: F64, doubts: Doubts = NO_DOUBTS) -> Session:
    """The factors and means of `counts`, shape (runs, functions), given each function's dispersion, (functions,)."""
    counts = counts / np.exp(doubts.shift)
    factors = run_factors(counts, dispersions)
    rates = counts / factors[:, None]
    if len(counts) < LEAST_TO_JUDGE_RUNS:
        weights = _known(rates.mean(axis=0), factors, dispersions, doubts)
        return Session(rates, weights, factors, _mean(rates, weights), weights.sum(axis=0), doubts)
    means = np.median(rates, axis=0)
    for _ in range(3 if len(counts) > LEAST_TO_JUDGE_RUNS else 1):
        weights = _not_odd(rates, means, factors, dispersions, doubts) * _known(means, factors, dispersions, doubts)
        means = _mean(rates, weights)
    return Session(rates, weights, factors, means, weights.sum(axis=0), doubts)


def _mean(rates: F64, weights: F64) -> F64:
    mean: F64 = (weights * rates).sum(axis=0) / weights.sum(axis=0)
    return mean


def _known(means: F64, factors: F64, dispersions: F64, doubts: Doubts) -> F64:
    """How much each value is worth beside one of which nothing had to be taken out; shape (runs, functions)."""
    usual = 1 / (np.maximum(means, 0.5) * factors[:, None]) + dispersions
    worth: F64 = usual / (usual + doubts.variance)
    return worth


def _not_odd(rates: F64, means: F64, factors: F64, dispersions: F64, doubts: Doubts) -> F64:
    """The probability that each value is not odd; shape (runs, functions)."""
    usual = np.maximum(means, 0.5) / factors[:, None] + (dispersions + doubts.variance) * means**2
    if len(rates) == LEAST_TO_JUDGE_RUNS:  # the middle of three is one value, and varies as one
        usual = usual * 1.5
    # Of a value out of next to nothing it is the value itself that says how wide odd ones lie.
    odd = usual + (ODD_SPREAD * np.maximum(means, rates)) ** 2
    squares = (rates - means) ** 2
    good = (1 - doubts.odd) * np.exp(-0.5 * np.minimum(squares / usual, 200)) / np.sqrt(usual)
    bad = doubts.odd * np.exp(-0.5 * np.minimum(squares / odd, 200)) / np.sqrt(odd)
    weights: F64 = good / (good + bad) + 1e-3
    return weights


def centre(log_factors: F64) -> float:
    """The middle of the runs' log-factors, shape (runs,): of three or more, odd ones count nothing."""
    return _middle(log_factors)[0]


def odd_run_probabilities(log_factors: F64) -> F64:
    """How probable it is that each run as a whole is odd, shape (runs,); nothing is known of fewer than three."""
    return 1 - _middle(log_factors)[1]


def _middle(log_factors: F64) -> tuple[float, F64]:
    """The mean of log-factors, each by the probability that its run is not odd; and these probabilities.

    Odd ones lie wider by `ODD_SPREAD`. How wide the others lie is told by the median of their distances, so that one
    run in three cannot hide.
    """
    if len(log_factors) < LEAST_TO_JUDGE_RUNS:
        return float(log_factors.mean()), np.ones(len(log_factors))
    middle = float(np.median(log_factors))
    spread = max(RUN_SPREAD, 1.4826 * float(np.median(np.abs(log_factors - middle))))
    usual, wide = spread**2, spread**2 + ODD_SPREAD**2
    weights = np.ones(len(log_factors))
    for _ in range(3):
        squares = (log_factors - middle) ** 2
        gain = np.exp(0.5 * np.minimum(squares * (1 / usual - 1 / wide), 600)) * math.sqrt(usual / wide)
        weights = 1 / (1 + ODD_RUN_PROBABILITY / (1 - ODD_RUN_PROBABILITY) * gain)
        middle = float((weights * log_factors).sum() / weights.sum())
    return middle, weights


def run_factors(counts: F64, dispersions: F64) -> F64:
    """How much slower each run was than its session; shape (runs,), 1 for the middle of the session (see `centre`)."""
    totals = counts.sum(axis=1)
    if len(counts) == 1 or not (totals > 0).all():
        return np.ones(len(counts))
    factors: F64 = totals / totals.mean()
    least = LEAST_FACTOR * totals / np.median(totals)
    middle = np.median if len(counts) >= 3 else np.mean
    means: F64 = np.asarray(middle(counts / factors[:, None], axis=0), np.float64)
    for _ in range(4):
        rates = counts / factors[:, None]
        spread = np.sqrt(means / factors[:, None] + dispersions * means**2)
        deviations = np.clip(rates - means, -HUBER * spread, HUBER * spread)
        information = 1 / (1 + dispersions * means)
        known = float((information * means).sum())
        if known <= 0:
            break
        factors = factors * np.maximum(1 + (deviations * information).sum(axis=1) / known, 0.1)
        factors = np.maximum(factors / np.exp(centre(np.log(factors))), least)
        pulls = np.clip(counts / factors[:, None] - means, -HUBER * spread, HUBER * spread)
        means = np.maximum(means + pulls.mean(axis=0), 0)
    return factors
