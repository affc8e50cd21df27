"""A module or function with all that it calls: what that cost each run, and how it is judged.

Costs are those that the runs tell, to the nanosecond. They are judged as the diff judges call paths: as one column
beside the functions outside, or, where they are most of the work, as a program of their own. Which functions lie
outside is taken from the call tree, where small subtrees count as their callers, which is near enough for a measure;
without a tree there is only the sum, which is taken as a program of one function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.compare.call_tree import MOST, CallTree
from perfdb.compare.costs import Item
from perfdb.compare.diff import ExampleCase
from perfdb.compare.impact_judged import Verdict, of_program
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.preorder import depths
from perfdb.compare.verdicts import Criteria, Finding, finding
from perfdb.profile.columns import I64, NOT_KNOWN, STACKS, Bool
from perfdb.profile.identity import levels
from perfdb.stats import Differences, compare_counts, judge_families, one_sided

Sides = list[I64]
"""Samples of (baseline, contender, history), each of shape (runs, columns)."""


@dataclass(frozen=True, slots=True)
class Column:
    """Work of each run, shape (runs,): in ns on both sides, and in samples on both and in the history."""

    baseline_ns: I64
    contender_ns: I64
    baseline_samples: I64
    contender_samples: I64
    history_samples: I64


def inclusive_columns(case: ExampleCase, item: Item) -> tuple[Column, Column] | None:
    """What an item and all it calls cost each run, and the rest; None where some compared run does not tell that.

    Samples are weights by what a sample of the run weighs, which is exact where all weigh the same.
    """
    costs = case.modules if item.function is None else case.functions
    runs = (case.runs.baseline, case.runs.contender, case.runs.history)
    weights, samples, rest_weights, rest_samples = [], [], [], []
    for number, (side, facts) in enumerate(zip(costs, runs, strict=True)):
        place = next((at for at, each in enumerate(side.items) if each.key == item.key), -1)
        own = side.inclusive_ns[:, place] if place >= 0 else np.zeros(len(facts), np.int64)
        # Who tells all callers, and does not name this one, has none of it.
        is_told = own != NOT_KNOWN if place >= 0 else np.array([run.detail == STACKS for run in facts], np.bool_)
        if number < 2 and not is_told.all():
            return None
        totals, counts = side.total_ns()[is_told], side.exclusive_samples.sum(axis=1)[is_told]
        weights.append(own[is_told])
        samples.append(np.rint(own[is_told] * (counts / np.maximum(totals, 1))).astype(np.int64))
        rest_weights.append(totals - weights[-1])
        rest_samples.append(counts - samples[-1])
    return (
        Column(weights[0], weights[1], samples[0], samples[1], samples[2]),
        Column(rest_weights[0], rest_weights[1], rest_samples[0], rest_samples[1], rest_samples[2]),
    )


def judge_inclusive(
    cases: Sequence[ExampleCase], columns: Sequence[Column], item: Item, criteria: Criteria
) -> list[Verdict]:
    """The verdict on an item with all that it calls, whose work is in the columns; one an example."""
    plans = [_plan(case, column, item) for case, column in zip(cases, columns, strict=True)]
    found = _compared(cases, columns, [plan[0] for plan in plans], criteria)
    told: list[Verdict] = []
    for case, column, (_, is_alone), each in zip(cases, columns, plans, found, strict=True):
        side = int(one_sided(column.baseline_samples[:, None], column.contender_samples[:, None])[0])
        if side:
            told.append((None, NEW if side > 0 else VANISHED))
            continue
        before, after = float(column.baseline_ns.mean()), float(column.contender_ns.mean())
        if is_alone or each is None:
            said = of_program(case, each, column.baseline_ns, column.contender_ns, criteria)
        else:
            said = finding(each, 0, after - before, criteria, after / before - 1 if before else None)
        told.append((said, said.verdict if said else ""))
    return told


def judge_outside(
    cases: Sequence[ExampleCase], columns: Sequence[Column], item: Item, criteria: Criteria
) -> list[Finding | None]:
    """The verdict on all work outside, which is in the columns, as a program of its own."""
    sides = []
    for case, column in zip(cases, columns, strict=True):
        functions = _functions(case.tree, column, ~_inside(case.tree, item)) if case.tree else None
        sides.append(functions or _alone(column))
    found = _compared(cases, columns, sides, criteria)
    return [
        of_program(case, each, column.baseline_ns, column.contender_ns, criteria)
        for case, column, each in zip(cases, columns, found, strict=True)
    ]


def _plan(case: ExampleCase, column: Column, item: Item) -> tuple[Sides, bool]:
    """What is compared: the work beside other functions, as column 0, or alone; and whether alone."""
    alone = _alone(column)
    if case.tree is None:
        return alone, True
    inside = _inside(case.tree, item)
    functions = _functions(case.tree, column, ~inside)
    if functions is None:
        return alone, True
    whole = sum(float(side.exclusive_samples.sum(axis=1).mean()) for side in case.modules[:2])
    own = float(column.baseline_samples.mean() + column.contender_samples.mean())
    if own >= MOST * whole:
        return _functions(case.tree, column, inside) or alone, True
    return [np.concatenate(pair, axis=1) for pair in zip(alone, functions, strict=True)], False


def _alone(column: Column) -> Sides:
    return [side[:, None] for side in (column.baseline_samples, column.contender_samples, column.history_samples)]


def _inside(tree: CallTree, item: Item) -> Bool:
    """Which nodes are the item, or lie below it: shape (nodes,)."""
    is_own = np.array([each.key[0] == item.key[0] and item.function in (None, each.function) for each in tree.items])
    inside = np.asarray(is_own[tree.item], np.bool_)
    for rows in levels(depths(tree.parent).astype(np.int32))[1:]:
        inside[rows] |= inside[tree.parent[rows]]
    return inside


def _functions(tree: CallTree, column: Column, is_counted: Bool) -> Sides | None:
    """What functions do in the nodes that count; None where the tree has not the column's runs, or nothing counts."""
    count = len(tree.items)
    at = np.where(is_counted, tree.item, count)
    sides = [
        np.array([np.bincount(at, run, count + 1)[:count] for run in side], np.int64).reshape(len(side), count)
        for side in (tree.baseline_samples, tree.contender_samples, tree.history_samples)
    ]
    runs = (column.baseline_samples, column.contender_samples, column.history_samples)
    used = np.flatnonzero(sum(side.sum(axis=0) for side in sides))
    if any(len(side) != len(each) for side, each in zip(sides, runs, strict=True)) or not len(used):
        return None
    return [side[:, used] for side in sides]


def _compared(
    cases: Sequence[ExampleCase], columns: Sequence[Column], sides: Sequence[Sides], criteria: Criteria
) -> list[Differences | None]:
    """The comparisons of what can be compared, judged together."""
    is_able = [
        not case.runs.reason and bool(column.baseline_samples.any() and column.contender_samples.any())
        for case, column in zip(cases, columns, strict=True)
    ]
    found = [
        compare_counts(*each, fdr=criteria.fdr, margin=criteria.margin)
        for each, able in zip(sides, is_able, strict=True)
        if able
    ]
    judged = iter(judge_families(found, fdr=criteria.fdr, margin=criteria.margin))
    return [next(judged) if able else None for able in is_able]
