"""What a session's runs tell of its level, for every spread that runs may have, as mixtures of normals.

A run's log-value is its session's level and what runs differ by: normal with the spread between runs, and the run's
own error. Now and then a run is odd, and lies wider. Of one to three runs every choice of odd ones is weighed, for
which run is odd is then open; of more, the level is where the likelihood of that mixture peaks. The spread is unknown
and the same in all sessions: everything here is told for each of `SPREADS`, and weighed together at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from perfdb.stats.normal import F64, two_sided_tail

SPREADS: F64 = np.exp(np.linspace(math.log(0.001), math.log(0.5), 20))
"""The grid of the spread between runs, as log-ratios: 0.1 to 50 %."""
USUAL_SPREAD, USUAL_FACTOR = 0.04, 1.1
"""Before any run is seen, the spread is log-normal around the usual one, within a factor exp(1.1). Wider than a
profile's drift: a metric may be as steady as peak memory or as erratic as a short benchmark."""
ODD_RUN = 0.02
"""How probable it is that a run is odd."""
ODD_SPREADS: F64 = np.array([0.1, 0.3, 1.0])
"""By so much odd runs lie wider, as log-ratios, each as probable: a run that took ten times as long is odd too. Odd
runs of one session are alike in that."""
MOVES: F64 = np.array([0.0, 0.03, 0.1, 0.3, 1.0])
MOVE_PROBABILITIES: F64 = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
"""How far the level moved between the history and the baseline, as the spread of a log-ratio, and how probable that is.
Small moves are thought common, for the runs cannot show them, and beside a level that moved a little chance looks like
a change."""
WEIGHED = 3
"""Up to so many runs every choice of odd ones is weighed."""
NEGLIGIBLE = 1e-7
"""Parts of less weight change no answer."""
PRECISION, MOST_STEPS = 1e-6, 40
"""Iterations end when they move by less than this part of the least spread, or after so many steps."""
_LOG_TAU = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Parts:
    """A level as a mixture of normals for each spread: `log_weight`, `centre` and `variance` are (spreads, parts).

    The weights are likelihoods: their sum, by spread, tells how well the runs agree with that spread.
    """

    log_weight: F64
    centre: F64
    variance: F64


@dataclass(frozen=True, slots=True)
class Mixture:
    """Normals with weights that sum to 1; all of shape (parts,)."""

    weight: F64
    centre: F64
    spread: F64

    @property
    def mean(self) -> float:
        """Where the mixture lies on average."""
        return float((self.weight * self.centre).sum())

    @property
    def opposite(self) -> float:
        """The probability of the side of 0 that is less probable; of both its tail, never quite 0."""
        deviations = self.centre / self.spread
        return min(float((self.weight * _below(sign * deviations)).sum()) for sign in (1, -1))

    def quantiles(self, probabilities: F64) -> F64:
        """The values below which such probabilities lie, shape (probabilities,)."""
        kept = self.weight > NEGLIGIBLE
        centre, spread = self.centre[kept], self.spread[kept]
        weight = self.weight[kept] / self.weight[kept].sum()
        low = np.full(len(probabilities), float((centre - 8 * spread).min()))
        high = np.full(len(probabilities), float((centre + 8 * spread).max()))
        enough = PRECISION * float(spread.min())
        found = np.full(len(probabilities), float(weight @ centre))
        for _ in range(MOST_STEPS):
            deviations = (found[:, None] - centre) / spread
            excess = _below(deviations) @ weight - probabilities
            low, high = np.where(excess < 0, found, low), np.where(excess < 0, high, found)
            slope = np.exp(-0.5 * np.minimum(deviations**2, 600)) @ (weight / spread) / math.sqrt(2 * math.pi)
            # Newton's step, or the middle where that leaves what is known to hold the quantile.
            next_one = found - excess / np.maximum(slope, 1e-300)
            next_one = np.where((next_one > low) & (next_one < high), next_one, (low + high) / 2)
            moved, found = float(np.abs(next_one - found).max()), next_one
            if moved < enough:
                break
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """Contender's level less the baseline's: the `log_ratio`, and what else the runs tell.

    `spreads`, shape (spreads,), is how probable each of `SPREADS` is, and `precision` how precisely the baseline's
    level is known with it (1 / variance).
    """

    log_ratio: Mixture
    spreads: F64
    precision: F64


def level_of(logs: F64, errors: F64) -> Parts:
    """The level of a session's runs: `logs` of their values and `errors` of these, both (runs,)."""
    usual = SPREADS[:, None] ** 2 + errors**2
    if len(logs) > WEIGHED:
        return _at_the_peak(logs, usual)
    wider, log_prior = _choices(len(logs))
    variances = usual[:, None, :] + wider
    precisions = 1 / variances
    known = precisions.sum(axis=2)
    centres = (precisions * logs).sum(axis=2) / known
    squares = (precisions * (logs - centres[:, :, None]) ** 2 + np.log(variances) + _LOG_TAU).sum(axis=2)
    weights = log_prior - 0.5 * squares + 0.5 * (_LOG_TAU - np.log(known))
    return Parts(weights, centres, 1 / known)


@cache
def _choices(runs: int) -> tuple[F64, F64]:
    """Every choice of odd runs: their variance beyond the usual, (choices, runs); its log-probability, (choices,)."""
    wider, priors = [], []
    for odd in product((False, True), repeat=runs):
        prior = math.prod(ODD_RUN if each else 1 - ODD_RUN for each in odd)
        spreads = ODD_SPREADS.tolist() if any(odd) else [0.0]
        wider += [np.where(odd, spread**2, 0.0) for spread in spreads]
        priors += [prior / len(spreads)] * len(spreads)
    return np.array(wider), np.log(priors)


def _at_the_peak(logs: F64, usual: F64) -> Parts:
    """One normal for each spread, at the likeliest level; `usual` has the shape (spreads, runs)."""
    variances = np.concatenate([usual[None], usual + ODD_SPREADS[:, None, None] ** 2])
    shares = np.array([1 - ODD_RUN, *([ODD_RUN / ODD_SPREADS.size] * ODD_SPREADS.size)])
    priors = np.log(shares)[:, None, None] - 0.5 * (np.log(variances) + _LOG_TAU)
    level = np.full((len(usual), 1), float(np.median(logs)))
    for _ in range(MOST_STEPS):
        squares = (logs - level) ** 2
        densities = priors - 0.5 * squares / variances
        together = np.logaddexp.reduce(densities, axis=0)
        shares = np.exp(densities - together)
        pulls = (shares / variances).sum(axis=0)
        before, level = level, ((pulls * logs).sum(axis=1) / pulls.sum(axis=1))[:, None]
        if np.abs(level - before).max() < PRECISION * SPREADS[0]:
            break
    lost = ((shares / variances**2).sum(axis=0) - pulls**2) * squares
    known = np.maximum((pulls - lost).sum(axis=1), 0.2 * pulls.sum(axis=1))
    weight = together.sum(axis=1) + 0.5 * (_LOG_TAU - np.log(known))
    return Parts(weight[:, None], level, 1 / known[:, None])


def with_history(baseline: Parts, history: Parts) -> Parts:
    """The baseline's level, known from earlier runs too, as far as it did not move since."""
    # (spreads, parts of the baseline, of the history, moves)
    centre, variance = baseline.centre[:, :, None, None], baseline.variance[:, :, None, None]
    earlier = history.centre[:, None, :, None]
    wide = history.variance[:, None, :, None] + MOVES**2
    apart = variance + wide
    log_weight = (
        baseline.log_weight[:, :, None, None] + history.log_weight[:, None, :, None] + np.log(MOVE_PROBABILITIES)
    )
    log_weight = log_weight - 0.5 * ((centre - earlier) ** 2 / apart + np.log(apart) + _LOG_TAU)
    pooled = (centre * wide + earlier * variance) / apart
    rows = len(SPREADS), -1
    return Parts(log_weight.reshape(rows), pooled.reshape(rows), (variance * wide / apart).reshape(rows))


def difference_of(baseline: Parts, contender: Parts) -> Difference:
    """Every spread, and every part of either side, weighed by how well the runs agree with it."""
    prior = -0.5 * (np.log(SPREADS / USUAL_SPREAD) / USUAL_FACTOR) ** 2
    known = prior + _together(baseline) + _together(contender)
    spreads = np.exp(known - known.max())
    spreads /= spreads.sum()
    rows = spreads > NEGLIGIBLE
    before, after = _probable(baseline, rows), _probable(contender, rows)
    log_weight = prior[rows, None, None] + before.log_weight[:, :, None] + after.log_weight[:, None, :]
    centre = after.centre[:, None, :] - before.centre[:, :, None]
    variance = after.variance[:, None, :] + before.variance[:, :, None]
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mixture = Mixture(weight.ravel(), centre.ravel(), np.sqrt(variance).ravel())
    own = np.exp(baseline.log_weight - _together(baseline)[:, None])
    return Difference(mixture, spreads, (own / baseline.variance).sum(axis=1))


def _together(parts: Parts) -> F64:
    """The logarithm of how well the runs agree with each spread; shape (spreads,)."""
    together: F64 = np.logaddexp.reduce(parts.log_weight, axis=1)
    return together


def _probable(parts: Parts, rows: npt.NDArray[np.bool_]) -> Parts:
    """Those spreads, and of the parts those that are not negligible with all of them."""
    shares = np.exp(parts.log_weight[rows] - _together(parts)[rows, None])
    kept = (shares > NEGLIGIBLE).any(axis=0)
    return Parts(parts.log_weight[rows][:, kept], parts.centre[rows][:, kept], parts.variance[rows][:, kept])


def _below(deviations: F64) -> F64:
    half = two_sided_tail(deviations) / 2
    below: F64 = np.where(deviations < 0, half, 1 - half)
    return below
