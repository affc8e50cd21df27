"""Prefix trees and the weights over them, against dictionaries of whole paths."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.profile import StackTable
from perfdb.profile.tree import build_tree
from perfdb.profile.weights import StackWeights, item_weights

STACKS = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=12)


def tree_of(stacks: list[list[int]]) -> tuple[StackTable, list[int]]:
    length = np.array([len(stack) for stack in stacks], np.int64)
    frames = np.array([frame for stack in stacks for frame in stack], np.int32)
    tree, leaf = build_tree(np.cumsum(length) - length, length, frames)
    return tree, leaf.tolist()


def path(tree: StackTable, row: int) -> list[int]:
    """The frames of a row, root first."""
    above = path(tree, int(tree.parent[row])) if tree.parent[row] >= 0 else []
    return [*above, int(tree.frame[row])]


@given(STACKS)
def test_a_tree_holds_its_stacks_and_no_row_twice(stacks: list[list[int]]) -> None:
    tree, leaf = tree_of(stacks)

    assert [path(tree, row) if row >= 0 else [] for row in leaf] == stacks
    prefixes = {tuple(stack[: depth + 1]) for stack in stacks for depth in range(len(stack))}
    assert sorted(tuple(path(tree, row)) for row in range(len(tree))) == sorted(prefixes)
    assert tree.depth.tolist() == [len(path(tree, row)) for row in range(len(tree))]
    assert all(parent < row for row, parent in enumerate(tree.parent.tolist()))


def test_no_stacks_at_all() -> None:
    tree, leaf = tree_of([])

    assert (len(tree), leaf) == (0, [])


WEIGHED = st.lists(
    st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 2), st.integers(1, 1 << 55)),
    max_size=12,
)


@given(WEIGHED, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_weights_are_those_of_the_slow_twin(rows: list[tuple[list[int], int, int]], label: list[int]) -> None:
    tree, leaf = tree_of([stack for stack, _, _ in rows])
    weights = StackWeights(
        process=np.array([process for _, process, _ in rows], np.int32),
        tid=np.zeros(len(rows), np.int64),
        stack=np.array(leaf, np.int32),
        samples=np.ones(len(rows), np.int64),
        weight_ns=np.array([weight for _, _, weight in rows], np.int64),
    )
    labels = np.array(label, np.int32)[tree.frame] if len(tree) else np.zeros(0, np.int32)
    found = item_weights(tree, labels, weights)

    exclusive: dict[tuple[int, int], int] = defaultdict(int)
    inclusive: dict[tuple[int, int], int] = defaultdict(int)
    for stack, process, weight in rows:
        exclusive[process, label[stack[-1]]] += weight
        for item in {label[frame] for frame in stack}:
            inclusive[process, item] += weight
    keys = list(zip(found.process.tolist(), found.item.tolist(), strict=True))
    assert keys == sorted(inclusive)
    assert found.inclusive_ns.tolist() == [inclusive[key] for key in keys]
    assert found.exclusive_ns.tolist() == [exclusive[key] for key in keys]
    assert int(found.exclusive_samples.sum()) == len(rows)
