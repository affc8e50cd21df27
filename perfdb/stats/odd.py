"""Odd runs: now and then something inflates one group (module) of functions in one run, and that is no regression.

One function that is 30 % up in one run may be noise; all functions of a group together tell. In each run the log-rates
of a group, against the other runs, average to the group's factor x, known with the variance V. Either nothing happened
there, or with the probability `ODD_RUN` / groups something of about `ODD_SPREAD`, up or down (a spike and a slab:
Mitchell & Beauchamp 1988):

    x ~ N(0, V)   or   N(0, V + ODD_SPREAD²)

What is said of a function comes from the *other* functions of its group, so that a function's own change never passes
for an odd run. Its count is divided by the factor as far as that is probable, and what remains doubtful widens its
variance and remains as a risk in the tests.

A session of three runs or more is held against itself: what all its runs share is a change, not an odd run. One or two
runs are held against earlier ones (or the other side); of two runs that moved alike it is asked whether they moved
together, which is more probable than two odd runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.stats.levels import weighted_median
from perfdb.stats.normal import F64
from perfdb.stats.sessions import ODD_SPREAD, Doubts, Session

ODD_RUN = 0.03
"""How probable it is that some group of a run is odd."""
MOST_ODD = 0.01
"""How probable it is at most that a given group of a run is: few groups do not make odd ones frequent."""
MOVED_TOGETHER = 0.01
"""How probable it is that a group's functions all changed together."""
ALONE = 0.0003
"""How probable it is that a single function's value is odd, which its group cannot tell."""
GROUP_NOISE = 0.02**2
"""The functions of a group are never quite independent: the variance of what they share in every run."""
CHANGED, CHANGE_VARIANCE = 0.05, 0.25**2
"""Against another session so many functions have changed, by about so much; they tell little of their group."""
LEAST_TO_JUDGE_THEMSELVES = 3
HUBER = 2.5
_SMALL = 0.25


@dataclass(frozen=True, slots=True)
class Found:
    """A group that is odd in a run, by its place among the groups: `factor` times as much as usual."""

    run: int
    group: int
    factor: float
    probability: float


@dataclass(frozen=True, slots=True)
class Groups:
    """Which functions belong together.

    `order` sorts the functions by group, `starts` is where each group starts in it, `places` which group of the
    caller's that is, `of` the group of each function. A group is odd in a run with the `probability`.
    """

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    places: npt.NDArray[np.intp]
    of: npt.NDArray[np.intp]
    probability: float

    def sums(self, values: F64) -> F64:
        """Sums by group of values by function, shape (runs, functions) to (runs, groups)."""
        sums: F64 = np.add.reduceat(values[:, self.order], self.starts, axis=1)
        return sums


def make_groups(groups: npt.NDArray[np.intp], count: int) -> Groups:
    """The groups of the modelled functions, from each function's place among `count` groups; shape (functions,)."""
    order = np.argsort(groups, kind="stable")
    places, starts, of = np.unique(groups[order], return_index=True, return_inverse=True)
    return Groups(order, starts, places, of[np.argsort(order, kind="stable")], min(ODD_RUN / max(count, 1), MOST_ODD))


def find_odd(
    baseline: Session, contender: Session, history: Session | None, dispersions: F64, groups: Groups
) -> tuple[list[Doubts], list[list[Found]]]:
    """For each session, baseline first: what is doubtful of each value, and the odd groups with a probability > 0.5."""
    earlier = history if history is not None else contender
    before = baseline if baseline.count >= LEAST_TO_JUDGE_THEMSELVES or history is None else history
    pairs = [(baseline, earlier), (contender, before)] + ([(history, baseline)] if history is not None else [])
    judged = [
        _against_itself(session, dispersions, groups)
        if session.count >= LEAST_TO_JUDGE_THEMSELVES
        else _against_others(session, others, dispersions, groups)
        for session, others in pairs
    ]
    return [doubts for doubts, _ in judged], [found for _, found in judged]


def _against_itself(session: Session, dispersions: F64, groups: Groups) -> tuple[Doubts, list[Found]]:
    """Each run against the session's others; twice, since an odd run spoils what the others are held against."""
    reference, weights = np.median(session.rates, axis=0), np.ones_like(session.rates)
    variances = _variances(session, dispersions, session.means, np.full_like(dispersions, session.count - 1.0))
    for step in range(2):
        if step:
            rest = np.maximum(weights.sum(axis=0) - weights, 0.5)
            reference = ((weights * session.rates).sum(axis=0) - weights * session.rates) / rest
        deviations = np.log((session.rates + _SMALL) / (reference + _SMALL))
        information = 1 / (variances * np.maximum(np.abs(deviations) / (HUBER * np.sqrt(variances)), 1))
        together = _Evidence.of_groups(information, deviations, groups)
        weights = 1 - together.odd(groups.probability)[:, groups.of]
    return _judged(information, deviations, groups)


def _against_others(session: Session, others: Session, dispersions: F64, groups: Groups) -> tuple[Doubts, list[Found]]:
    """Each of one or two runs against another session, from which the program may have changed."""
    deviations = np.log((session.rates + _SMALL) / (others.means + _SMALL))
    variances = _variances(session, dispersions, others.means, others.runs)
    for row, run_variances in zip(deviations, variances, strict=True):
        row -= weighted_median(row, 1 / (run_variances + 0.05**2))
    usual = (1 - CHANGED) * _density(deviations, variances)
    wide = variances + CHANGE_VARIANCE
    changed = 1 - usual / (usual + CHANGED * _density(deviations, wide) + 1e-300)
    return _judged((1 - changed) / variances + changed / wide, deviations, groups, changed_together=session.count == 2)


def _variances(session: Session, dispersions: F64, means: F64, runs: F64) -> F64:
    """The variances of log-rates against a mean of so many runs; shape (runs, functions)."""
    sampling = 1 / np.maximum(session.means * session.factors[:, None], 0.5)
    variances: F64 = sampling + dispersions + (1 / np.maximum(means, 0.5) + dispersions) / runs
    return variances


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Log-factors and their variances, of groups or (without itself) of functions; shape (runs, either)."""

    factors: F64
    variances: F64

    @classmethod
    def of_groups(cls, information: F64, deviations: F64, groups: Groups) -> _Evidence:
        known = groups.sums(information)
        return cls(groups.sums(information * deviations) / known, 1 / known + GROUP_NOISE)

    @classmethod
    def of_others(cls, information: F64, deviations: F64, groups: Groups) -> _Evidence:
        known = groups.sums(information)[:, groups.of]
        others = np.maximum(known - information, 1e-9 * known)
        pulls = groups.sums(information * deviations)[:, groups.of] - information * deviations
        return cls(np.where(others > 1e-6 * known, pulls / others, 0.0), 1 / others + GROUP_NOISE)

    def odd(self, probability: float, *, changed_together: bool = False) -> F64:
        """How probable it is that each is odd, if it is with `probability` before anything is seen."""
        usual = (1 - probability) * _density(self.factors, self.variances)
        odd = probability * _density(self.factors, self.variances + ODD_SPREAD**2)
        if not changed_together:
            alone: F64 = odd / (usual + odd + 1e-300)
            return alone
        # Of two runs: neither odd, one of them, both, or the group changed, and the second is as high as the first.
        kept = ODD_SPREAD**2 / (self.variances[0] + ODD_SPREAD**2)
        again = _density(self.factors[1] - kept * self.factors[0], self.variances[1] + kept * self.variances[0])
        changed = MOVED_TOGETHER * again * odd[0] / probability
        both, other = odd[0] * odd[1], odd * usual[::-1]
        either: F64 = (other + both) / (usual[0] * usual[1] + other.sum(axis=0) + both + changed + 1e-300)
        return either

    def posterior(self) -> tuple[F64, F64]:
        """The mean and the variance of the log-factor where it is odd."""
        kept = ODD_SPREAD**2 / (self.variances + ODD_SPREAD**2)
        return kept * self.factors, kept * self.variances


def _density(deviations: F64, variances: F64) -> F64:
    density: F64 = np.exp(-0.5 * np.minimum(deviations**2 / variances, 600)) / np.sqrt(variances)
    return density


def _judged(
    information: F64, deviations: F64, groups: Groups, *, changed_together: bool = False
) -> tuple[Doubts, list[Found]]:
    others = _Evidence.of_others(information, deviations, groups)
    odd = others.odd(groups.probability, changed_together=changed_together)
    centres, variances = others.posterior()
    left = odd * (1 - odd)
    # What is improbable is no variance of every value; it remains as a risk.
    spread = odd * (odd * variances + left * centres**2)
    doubts = Doubts(odd * centres, spread, left + ALONE, left, (1 - odd) * centres, variances)
    together = _Evidence.of_groups(information, deviations, groups)
    probable = together.odd(groups.probability, changed_together=changed_together)
    factors, _ = together.posterior()
    found = [
        Found(int(run), int(groups.places[group]), float(np.exp(factors[run, group])), float(probable[run, group]))
        for run, group in np.argwhere(probable > 0.5)
    ]
    return doubts, found
