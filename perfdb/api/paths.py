"""From stacks of the store to what comparisons take: the call tree of each example, with the samples of its runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from perfdb import store
from perfdb.api.stacks import Nodes, Runs, nodes_of, work_in_scope
from perfdb.compare.call_tree import CallTree, has_enough
from perfdb.compare.preorder import inclusive, owners
from perfdb.compare.scope import Scope
from perfdb.profile.columns import I64, STACKS
from perfdb.profile.identity import levels
from perfdb.store.stacks import StackSamples, stack_samples


def call_trees(
    connection: store.Connection,
    baseline: Runs,
    contender: Runs,
    history: Runs,
    scope: Scope,
    pooled: Collection[str] = (),
) -> dict[str, CallTree]:
    """The call trees of the examples that both sides have, by example; of those in `pooled`, with all processes.

    An example with a compared run that has no stacks has no tree; of its history, runs without stacks are left out, and
    so are all runs without the process that is asked for.
    """
    sides = {}
    for example in baseline.keys() & contender.keys():
        compared = (*baseline[example], *contender[example])
        if compared and all(run.detail == STACKS for run in compared):
            earlier = [run for run in history.get(example, ()) if run.detail == STACKS]
            sides[example] = [list(baseline[example]), list(contender[example]), earlier]
    runs = [run for lists in sides.values() for side in lists for run in side]
    if not runs:
        return {}
    work = work_in_scope(connection, runs, scope, pooled)
    found = stack_samples(connection, work)
    nodes = nodes_of(found.tree)
    place = {run_id: row for row, run_id in enumerate(work)}
    trees = {}
    for example, lists in sorted(sides.items()):
        rows = [np.array([place[run.run_id] for run in side if run.run_id in place], np.int64) for side in lists]
        if len(rows[0]) and len(rows[1]):
            trees[example] = _call_tree(found, nodes, rows)
    return trees


def _call_tree(found: StackSamples, nodes: Nodes, sides: Sequence[I64]) -> CallTree:
    """The tree of the runs in `sides` (baseline, contender, history), which are places in `found.run`.

    Before there is a column for every node and run, the nodes with too few samples are counted as their callers: of
    large runs these are nearly all.
    """
    runs = np.unique(np.concatenate(sides))
    row_of_run = np.full(int(max(runs.max(), found.run.max(initial=0))) + 1, -1, np.int64)
    row_of_run[runs] = np.arange(len(runs))
    row, stack, values = row_of_run[found.run], found.stack, (found.samples, found.weight_ns)
    if (row < 0).any():
        own = np.flatnonzero(row >= 0)
        row, stack, values = row[own], stack[own], (found.samples[own], found.weight_ns[own])
    baseline, contender, history = (row_of_run[side] for side in sides)
    part = np.zeros(len(runs))  # what a sample of a run adds to the mean of both sides
    for side in (baseline, contender):
        part[side] += 0.5 / len(side)
    by_depth = levels(nodes.depth)
    means = np.zeros(len(nodes.parent))
    np.add.at(means, nodes.of_stack, np.bincount(stack, part[row] * values[0], len(nodes.of_stack)))
    is_used = has_enough(inclusive(nodes.parent, by_depth, means), means.sum())
    owner_of_stack = owners(nodes.parent, by_depth, is_used | (nodes.parent < 0))[nodes.of_stack]
    is_used[owner_of_stack[stack]] = True
    used = np.flatnonzero(is_used)
    place = np.full(len(nodes.parent) + 1, -1, np.int64)  # the last is that of no parent
    place[used] = np.arange(len(used))
    cell = row * len(used) + place[owner_of_stack][stack]
    samples, weight_ns = (_summed(cell, column, (len(runs), len(used))) for column in values)
    return CallTree(
        parent=place[nodes.parent[used]],
        item=nodes.item[used],
        items=nodes.items,
        baseline_ns=weight_ns[baseline],
        contender_ns=weight_ns[contender],
        baseline_samples=samples[baseline],
        contender_samples=samples[contender],
        history_samples=samples[history],
    )


def _summed(cell: I64, values: I64, shape: tuple[int, int]) -> I64:
    """A matrix of the sums of values by cell, the rows one after another."""
    sums = np.zeros(shape[0] * shape[1], np.int64)
    np.add.at(sums, cell, values)
    return sums.reshape(shape)
