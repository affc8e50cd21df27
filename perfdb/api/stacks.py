"""From stacks of the store to trees of named nodes: which processes of which runs, and which call paths they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb import store
from perfdb.compare.costs import Item
from perfdb.compare.sampled import SampledTree, sampled_tree
from perfdb.compare.scope import Scope, matches_process
from perfdb.profile.columns import I32, I64, STACKS
from perfdb.profile.identity import levels
from perfdb.store.stacks import StackTree, Work, stack_samples

Runs = Mapping[str, Sequence[store.Run]]
"""Runs by example."""


def sampled_trees(
    connection: store.Connection, sides: Sequence[Runs], scope: Scope, pooled: Collection[str] = ()
) -> dict[str, SampledTree]:
    """All call paths of the examples that every side has, by example; of those in `pooled`, with all processes.

    An example with a run that has no stacks has no tree. Raises DatabaseError where a stack has no parent.
    """
    examples = sorted(set.intersection(*(set(side) for side in sides)))
    examples = [
        example
        for example in examples
        if all(side[example] and all(run.detail == STACKS for run in side[example]) for side in sides)
    ]
    runs = [run for example in examples for side in sides for run in side[example]]
    if not runs:
        return {}
    work = work_in_scope(connection, runs, scope, pooled)
    found = stack_samples(connection, work)
    nodes = nodes_of(found.tree)
    place = {run_id: row for row, run_id in enumerate(work)}
    node = nodes.of_stack[found.stack]
    trees = {}
    for example in examples:
        counts = [[place[run.run_id] for run in side[example] if run.run_id in place] for side in sides]
        if not all(counts):
            continue
        samples, weight_ns = (np.zeros((len(sides), len(nodes.parent)), np.int64) for _ in range(2))
        for row, members in enumerate(counts):
            own = np.flatnonzero(np.isin(found.run, members))
            np.add.at(samples[row], node[own], found.samples[own])
            np.add.at(weight_ns[row], node[own], found.weight_ns[own])
        lengths = [len(members) for members in counts]
        trees[example] = sampled_tree(nodes.parent, nodes.depth, nodes.item, nodes.items, samples, weight_ns, lengths)
    return trees


def work_in_scope(
    connection: store.Connection, runs: Sequence[store.Run], scope: Scope, pooled: Collection[str]
) -> Work:
    """Which processes of which runs are in scope; a run without the process that is asked for is not there."""
    if scope.process is None:
        everything = {run.run_id for run in runs if scope.all_processes or run.example in pooled}
        main = {run.run_id: [(run.main_pid, run.main_incarnation)] for run in runs}
        return {run_id: None if run_id in everything else process for run_id, process in main.items()}
    work: dict[str, list[tuple[int, int]]] = {}
    for process in store.processes(connection, [run.run_id for run in runs]):
        if process.samples and matches_process(scope.process, process.name, process.pid):
            work.setdefault(process.run_id, []).append((process.pid, process.incarnation))
    return work


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of call trees, shape (nodes,), parents before children; `of_stack` is the node of each stack."""

    parent: I64
    depth: I32
    item: I64
    items: tuple[Item, ...]
    of_stack: I64


def nodes_of(tree: StackTree) -> Nodes:
    """The stacks of the history as nodes: modules whose names differ in letter case only become one."""
    rows: dict[tuple[str, str | None], int] = {}
    items: list[Item] = []
    of_function = []
    for module, name in zip(tree.module.tolist(), tree.name.tolist(), strict=True):
        item = Item(module, name)
        row = rows.setdefault(item.key, len(items))
        if row == len(items):
            items.append(item)
        of_function.append(row)
    item_of_stack = np.array(of_function, np.int64)[tree.function]
    if len(items) == len(of_function):  # the history tells all of these apart too, so its stacks are distinct
        return Nodes(tree.parent, tree.depth, item_of_stack, tuple(items), np.arange(len(tree)))
    of_stack = np.full(len(tree), -1, np.int64)
    parents, found, count = [], [], 0
    for stacks in levels(tree.depth):
        above = np.where(tree.parent[stacks] >= 0, of_stack[tree.parent[stacks]], -1)
        pairs, of_pair = np.unique((above + 1) * len(items) + item_of_stack[stacks], return_inverse=True)
        of_stack[stacks] = count + of_pair
        parents.append(pairs // len(items) - 1)
        found.append(pairs % len(items))
        count += len(pairs)
    depth = np.repeat(np.arange(1, len(parents) + 1, dtype=np.int32), [len(level) for level in parents])
    return Nodes(np.concatenate(parents), depth, np.concatenate(found), tuple(items), of_stack)
