"""The runs of one side: their speed factors, and each function's mean with odd runs counting less.

A *session* is a set of runs of the same program: the baseline, the contender, or the history. A run's *factor* is how
much slower or quicker than its session it ran as a whole (a warmer machine, a longer run). It is estimated from all
functions, each by what it tells (a function's information about the factor is m / (1 + φ m), so that one hot and
erratic function does not rule it), and what deviates by more than 2.5 standard deviations pulls no harder than one that
deviates by 2.5 (Huber 1964). What is left after the factor is a function's own variation.

A run may be *odd*: now and then something inflates part of one run. A function's value in a run is odd with probability
`ODD_PROBABILITY`, and then wider by `ODD_SPREAD`; with four runs or more, a value counts in the mean by the
probability that it is not odd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.stats.normal import F64

ODD_PROBABILITY = 0.005
ODD_SPREAD = 0.3
HUBER = 2.5
LEAST_TO_JUDGE_RUNS = 4


@dataclass(frozen=True, slots=True)
class Session:
    """One side's runs. Counts are samples per run of mean speed.

    `rates` (counts over the run's factor) and `weights` have the shape (runs, functions); `factors` (runs,), geometric
    mean 1; `means` and `runs`, how many runs a mean is worth, (functions,).
    """

    rates: F64
    weights: F64
    factors: F64
    means: F64
    runs: F64

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.rates)


def fit_session(counts: F64, dispersions: F64) -> Session:
    """The factors and means of `counts`, shape (runs, functions), given each function's dispersion, (functions,)."""
    factors = run_factors(counts, dispersions)
    rates = counts / factors[:, None]
    if len(counts) < LEAST_TO_JUDGE_RUNS:
        weights = np.ones_like(rates)
        return Session(rates, weights, factors, rates.mean(axis=0), weights.sum(axis=0))
    means = np.median(rates, axis=0)
    for _ in range(3):
        weights = _not_odd(rates, means, factors, dispersions)
        means = (weights * rates).sum(axis=0) / weights.sum(axis=0)
    return Session(rates, weights, factors, means, weights.sum(axis=0))


def _not_odd(rates: F64, means: F64, factors: F64, dispersions: F64) -> F64:
    """The probability that each value is not odd; shape (runs, functions)."""
    usual = np.maximum(means, 0.5) / factors[:, None] + dispersions * means**2
    odd = usual + (ODD_SPREAD * means) ** 2
    squares = (rates - means) ** 2
    good = (1 - ODD_PROBABILITY) * np.exp(-0.5 * np.minimum(squares / usual, 200)) / np.sqrt(usual)
    bad = ODD_PROBABILITY * np.exp(-0.5 * np.minimum(squares / odd, 200)) / np.sqrt(odd)
    weights: F64 = good / (good + bad) + 1e-3
    return weights


def run_factors(counts: F64, dispersions: F64) -> F64:
    """How much slower each run was than its session; shape (runs,), geometric mean 1."""
    totals = counts.sum(axis=1)
    if len(counts) == 1 or not (totals > 0).all():
        return np.ones(len(counts))
    factors: F64 = totals / totals.mean()
    centre = np.median if len(counts) >= 3 else np.mean
    means: F64 = np.asarray(centre(counts / factors[:, None], axis=0), np.float64)
    for _ in range(4):
        rates = counts / factors[:, None]
        spread = np.sqrt(means / factors[:, None] + dispersions * means**2)
        deviations = np.clip(rates - means, -HUBER * spread, HUBER * spread)
        information = 1 / (1 + dispersions * means)
        known = float((information * means).sum())
        if known <= 0:
            break
        factors = factors * np.maximum(1 + (deviations * information).sum(axis=1) / known, 0.1)
        factors = factors / np.exp(np.log(factors).mean())
        pulls = np.clip(counts / factors[:, None] - means, -HUBER * spread, HUBER * spread)
        means = np.maximum(means + pulls.mean(axis=0), 0)
    return factors
