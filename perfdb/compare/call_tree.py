"""Which call paths explain a change: a few subtrees of the call tree that account for most of it, each with a verdict.

    CallTree (all runs) ─▶ Subtrees: those with samples enough, inclusive weights ─▶ deltas, noise ─▶ paths.explain
                                                                                  └▶ compare_counts ─▶ findings

A subtree is a call path with everything below it. Which subtrees are told is chosen by how much they changed, so that
their tests must allow for the choice: a p-value counts as one of as many as there were subtrees to choose from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfdb.compare.costs import Item
from perfdb.compare.paths import HOLDS, PRICES, WHOLE, Choice, explain
from perfdb.compare.preorder import F64, Shape, depths, in_preorder, inclusive, is_outside_of, owners, sum_below
from perfdb.compare.verdicts import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    Criteria,
    Finding,
    finding,
    total_finding,
)
from perfdb.profile.columns import I64, Bool
from perfdb.profile.identity import levels
from perfdb.stats import ALLOWANCE, Differences, benjamini_hochberg, compare_counts

LEAST_SAMPLES = 3
"""A subtree with fewer samples a run, in the mean of both sides, shows nothing by itself."""
LEAST_SHARE = 1e-4
"""Nor does one with less of all work: a change of half a percent is hard to show, and this is 2 % of that."""
LEAST_SPREAD = 0.03
"""Runs are never taken to vary less than this between each other, whatever a few of them show."""
PRIOR_DEGREES = 4
"""So many degrees of freedom the spread of all subtrees has in that of each."""
LARGE_SAMPLES = 30
"""From so many samples a run on a subtree tells how much runs vary, and not only how much counts do."""
MOST = 0.5
"""A subtree that holds so much of all work is judged by itself, as the program is: against the rest of the program, as
others are, one could as well say that the rest changed."""


@dataclass(frozen=True, slots=True)
class CallTree:
    """The call paths of one example's runs: nodes of shape (nodes,), parents before children, `parent` -1 at a root.

    `item` is a row of `items`. Weights and samples are exclusive and have the shape (runs, nodes); `history_samples`
    may have no runs. Nodes of one parent have distinct items, and items distinct keys.
    """

    parent: I64
    item: I64
    items: tuple[Item, ...]
    baseline_ns: I64
    contender_ns: I64
    baseline_samples: I64
    contender_samples: I64
    history_samples: I64


@dataclass(frozen=True, slots=True)
class PathChange:
    """One subtree: the path (root first; empty for the whole program) with everything below it, in mean ns a run."""

    path: tuple[Item, ...]
    baseline_ns: float
    contender_ns: float
    finding: Finding

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns


@dataclass(frozen=True, slots=True)
class Paths:
    """What explains a change: subtrees that do not overlap, the largest change first.

    `rest_*` is what is outside of them: rows and rest sum to the total. `accounted` is the fraction of the change that
    the rows account for, as `paths.accounted` has it.
    """

    rows: tuple[PathChange, ...]
    rest_baseline_ns: float
    rest_contender_ns: float
    total_baseline_ns: float
    total_contender_ns: float
    accounted: float


@dataclass(frozen=True, slots=True)
class _Subtrees:
    """The subtrees that can be chosen, in preorder, row 0 the whole program; sums are inclusive: (runs, subtrees).

    `node` is the node of the call tree at the top of each, -1 in row 0; `owner`, of shape (nodes,), is the smallest
    subtree that each node is in.
    """

    shape: Shape
    node: I64
    owner: I64
    baseline_ns: I64
    contender_ns: I64
    baseline: I64
    contender: I64
    history: I64


def explain_change(tree: CallTree, criteria: Criteria, total_is_changed: bool) -> Paths:
    """The call paths that explain the change from baseline to contender; what is promised of them says `paths.explain`.

    `total_is_changed` is whether the whole program is known to have changed.
    """
    subtrees = _subtrees(tree)
    before, after = (sums.mean(axis=0) for sums in (subtrees.baseline_ns, subtrees.contender_ns))
    share = _share(subtrees)
    choice = explain(subtrees.shape, after - before, _noise(subtrees), share, total_is_changed)
    findings = _findings(tree, subtrees, choice, (before, after), criteria)
    rows = tuple(
        PathChange(_path(tree, int(subtrees.node[row])), float(before[row]), float(after[row]), each)
        for row, each in zip(choice.rows, findings, strict=True)
    )
    total = float(before[0]), float(after[0])
    return Paths(
        rows,
        total[0] - sum(row.baseline_ns for row in rows),
        total[1] - sum(row.contender_ns for row in rows),
        *total,
        choice.accounted,
    )


def has_enough(means: F64, total: float) -> Bool:
    """Which subtrees have samples enough to be told, by their mean samples a run and those of the whole program."""
    is_enough: Bool = means >= max(LEAST_SAMPLES, LEAST_SHARE * total) * (1 - 1e-9)
    return is_enough


def _subtrees(tree: CallTree) -> _Subtrees:
    """The subtrees with samples enough; work of the others counts where the next larger one does its own."""
    by_depth = levels(depths(tree.parent).astype(np.int32))
    means = (tree.baseline_samples.mean(axis=0) + tree.contender_samples.mean(axis=0)) / 2
    is_kept = has_enough(inclusive(tree.parent, by_depth, means), means.sum())
    kept = np.flatnonzero(is_kept)
    place = np.zeros(len(is_kept) + 1, np.int64)  # the last is that of what no kept subtree holds: the top's
    place[kept] = np.arange(1, len(kept) + 1)
    parent = np.concatenate(([-1], place[tree.parent[kept]]))
    shape, position = in_preorder(parent)
    owner, node = position[place[owners(tree.parent, by_depth, is_kept)]], np.full(len(parent), -1, np.int64)
    node[position[1:]] = kept
    sides = (tree.baseline_ns, tree.contender_ns, tree.baseline_samples, tree.contender_samples, tree.history_samples)
    return _Subtrees(shape, node, owner, *(sum_below(shape, owner, side) for side in sides))


def _share(subtrees: _Subtrees) -> F64:
    """The part of all samples of both sides, run by run of equal weight, that each subtree holds: (subtrees,)."""
    means = subtrees.baseline.mean(axis=0) + subtrees.contender.mean(axis=0)
    share: F64 = means / max(float(means[0]), 1e-9)
    return share


def _noise(subtrees: _Subtrees) -> F64:
    """The standard deviation of each subtree's change that chance and the spread of runs bring, in ns: (subtrees,)."""
    spread = _spread(subtrees)
    variance = np.zeros(len(spread))
    for samples, weights in (
        (subtrees.baseline, subtrees.baseline_ns),
        (subtrees.contender, subtrees.contender_ns),
    ):
        means = samples.mean(axis=0)
        ns_a_sample = weights[:, 0].sum() / max(samples[:, 0].sum(), 1)
        variance += (means + spread * means**2) * ns_a_sample**2 / len(samples)
    noise: F64 = np.sqrt(variance)
    return noise


def _spread(subtrees: _Subtrees) -> F64:
    """The relative variance of each subtree between runs of one commit, beyond that of counts: shape (subtrees,).

    Few runs tell little of a single subtree: what all of them show together is its prior, and the least it gets.
    """
    excess, degrees = np.zeros(len(subtrees.node)), 0
    for runs in (subtrees.baseline, subtrees.contender, subtrees.history):
        if len(runs) > 1:
            means = np.maximum(runs.mean(axis=0), 1)
            excess += ((runs - runs.mean(axis=0)) ** 2).sum(axis=0) / means**2 - (len(runs) - 1) / means
            degrees += len(runs) - 1
    least = LEAST_SPREAD**2
    if not degrees:
        return np.full(len(excess), least)
    is_large = subtrees.baseline.mean(axis=0) + subtrees.contender.mean(axis=0) >= 2 * LARGE_SAMPLES
    if is_large.any():
        least = max(least, float(np.median(excess[is_large])) / degrees)
    return np.maximum(least, (PRIOR_DEGREES * least + excess) / (PRIOR_DEGREES + degrees))


def _findings(
    tree: CallTree, subtrees: _Subtrees, choice: Choice, means_ns: tuple[F64, F64], criteria: Criteria
) -> list[Finding]:
    """A verdict on each chosen subtree, by one comparison of them and of the functions outside of them.

    What only one side has has no effect.
    """
    if not choice.rows:
        return []
    rows = np.array(choice.rows, np.int64)
    share = _share(subtrees)[rows]
    before, delta_ns = means_ns[0][rows].tolist(), (means_ns[1] - means_ns[0])[rows].tolist()
    alone = {
        place: _program_finding(tree, subtrees, choice.rows[place], delta_ns[place], criteria)
        for place in np.flatnonzero(share >= MOST).tolist()
    }
    findings = list(alone.values())
    if len(alone) < len(rows):
        # A subtree that holds most of the work would decide what speed all share: its functions stand for it.
        others = [place for place in range(len(rows)) if place not in alone]
        chosen = [side[:, rows[others]] for side in (subtrees.baseline, subtrees.contender, subtrees.history)]
        found = _compare(tree, is_outside_of(subtrees.shape, rows[others])[subtrees.owner], chosen, criteria)
        column = {place: at for at, place in enumerate(others)}
        findings = [
            alone[place]
            if place in alone
            else finding(found, column[place], delta, criteria, delta / work if work else None)
            for place, (work, delta) in enumerate(zip(before, delta_ns, strict=True))
        ]
    if share.max() >= WHOLE:
        return findings  # there was no choice
    alternatives = np.sqrt(_share(subtrees)[_alternatives(subtrees, means_ns)]).sum()
    part = np.sqrt(share) / max(alternatives, np.sqrt(share).sum())
    told = _as_chosen(findings, delta_ns, part, criteria.fdr)
    after = means_ns[1][rows].tolist()
    return [
        each if work and rest else replace(each, effect=None, low=None, high=None)
        for each, work, rest in zip(told, before, after, strict=True)
    ]


def _program_finding(tree: CallTree, subtrees: _Subtrees, row: int, delta_ns: float, criteria: Criteria) -> Finding:
    """The verdict on a subtree as if it were a program of its own; where it holds nearly all, that on the program."""
    rows = np.array([0 if _share(subtrees)[row] >= WHOLE else row])
    is_own = ~is_outside_of(subtrees.shape, rows)[subtrees.owner]
    nothing = [side[:, :0] for side in (subtrees.baseline, subtrees.contender, subtrees.history)]
    return total_finding(_compare(tree, is_own, nothing, criteria).total, delta_ns, criteria)


def _as_chosen(findings: Sequence[Finding], delta_ns: Sequence[float], part: F64, fdr: float) -> list[Finding]:
    """The findings on what was chosen among many, with p-values adjusted for the choice; one of each a finding.

    It is as if all had been tested, what was not chosen with a p-value of 1. `part` is the part of the allowance for
    false flags that a subtree has: more if it is larger (weighted Benjamini-Hochberg: Genovese et al. 2006), by the
    root of its work, which depends on both sides together and not on their difference.
    """
    p_values = np.array([math.nan if each.p_value is None else each.p_value for each in findings])
    tested = max(int(np.isfinite(p_values).sum()), 1)
    adjusted = np.minimum(benjamini_hochberg(p_values / part / tested) / ALLOWANCE, 1).tolist()
    told = []
    for each, delta, value in zip(findings, delta_ns, adjusted, strict=True):
        # A subtree that is new has no effect, as it is one out of nothing.
        direction = REGRESSED if (delta if each.effect is None else each.effect) > 0 else IMPROVED
        verdict = EQUAL if each.verdict == EQUAL else direction if value <= fdr else INCONCLUSIVE
        told.append(replace(each, adjusted=None if math.isnan(value) else value, verdict=verdict))
    return told


def _compare(tree: CallTree, is_counted: Bool, chosen: list[I64], criteria: Criteria) -> Differences:
    """The comparison of chosen columns, (runs, columns) a side, and of what functions do in the nodes that count."""
    count = len(tree.items)
    column = np.where(is_counted, tree.item, count)
    functions = [
        np.array([np.bincount(column, run, count + 1)[:count] for run in side]).reshape(len(side), count)
        for side in (tree.baseline_samples, tree.contender_samples, tree.history_samples)
    ]
    used = np.flatnonzero(sum(side.sum(axis=0) for side in functions))
    sides = [np.concatenate((first, rest[:, used]), axis=1) for first, rest in zip(chosen, functions, strict=True)]
    return compare_counts(*sides, fdr=criteria.fdr, margin=criteria.margin)


def _alternatives(subtrees: _Subtrees, means_ns: tuple[F64, F64]) -> Bool:
    """Which subtrees there were to choose from.

    Callers that do nothing but call one other are one with it, and what is too small to hold enough of the program's
    change is none.
    """
    work = sum(side.sum(axis=0) for side in (subtrees.baseline, subtrees.contender, subtrees.history))
    largest = np.zeros(len(work), np.int64)
    np.maximum.at(largest, subtrees.shape.parent[1:], work[1:])
    before, after = means_ns
    is_large = np.maximum(before, after) >= (1 - HOLDS) * PRICES[0] * abs(float(after[0] - before[0]))
    return np.asarray((largest != work) & is_large, np.bool_)


def _path(tree: CallTree, node: int) -> tuple[Item, ...]:
    """The frames down to a node, root first."""
    path: list[Item] = []
    while node >= 0:
        path.append(tree.items[tree.item[node]])
        node = int(tree.parent[node])
    return tuple(reversed(path))
