"""The tree of all sampled call paths: a forest in preorder that loses nothing, against counting path by path."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare.costs import Item
from perfdb.compare.preorder import depths
from perfdb.compare.sampled import SampledTree, sampled_tree

ITEMS = tuple(Item(module, function) for module in ("a.exe", "B.dll") for function in ("f", "g", "h"))


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[int], list[int], list[list[int]]]:
    """Parents, items (distinct below one parent) and the samples of two sides; every node has an earlier parent."""
    parents: list[int] = []
    items: list[int] = []
    for row in range(draw(st.integers(0, 14))):
        parent = draw(st.integers(-1, row - 1))
        taken = {item for above, item in zip(parents, items, strict=True) if above == parent}
        free = [item for item in range(len(ITEMS)) if item not in taken]
        if free:
            parents.append(parent)
            items.append(draw(st.sampled_from(free)))
    counts = st.lists(st.integers(0, 3), min_size=len(parents), max_size=len(parents))
    return parents, items, [draw(counts), draw(counts)]


def tree_of(parents: Sequence[int], items: Sequence[int], samples: Sequence[Sequence[int]]) -> SampledTree:
    """The same nodes, by depth as the store gives them, as a sampled tree with 10 ns a sample."""
    parent = np.array(parents, np.int64)
    depth = depths(parent) + 1
    order = np.argsort(depth, kind="stable")
    place = np.argsort(order)
    counts = np.array(samples, np.int64).reshape(len(samples), len(parents))[:, order]
    above = parent[order]
    return sampled_tree(
        np.where(above >= 0, place[above], -1),
        depth[order].astype(np.int32),
        np.array(items, np.int64)[order],
        ITEMS,
        counts,
        counts * 10,
        (2, 3),
    )


def counted(parents: Sequence[int], items: Sequence[Item], samples: Sequence[Sequence[int]]) -> list[dict[str, int]]:
    """By side, the samples of each path that has some: the slow, obvious way."""
    paths: list[str] = []
    for parent, item in zip(parents, items, strict=True):
        paths.append(f"{paths[parent]};{item}" if parent >= 0 else str(item))
    return [{path: count for path, count in zip(paths, side, strict=True) if count} for side in samples]


@given(forests())
def test_every_sample_keeps_its_path_and_the_nodes_are_in_preorder(
    given_forest: tuple[list[int], list[int], list[list[int]]],
) -> None:
    parents, items, samples = given_forest

    tree = tree_of(parents, items, samples)

    parent, depth = tree.parent.tolist(), tree.depth.tolist()
    assert counted(parents, [ITEMS[item] for item in items], samples) == counted(
        parent, [tree.items[item] for item in tree.item.tolist()], tree.samples.tolist()
    )
    assert (tree.samples * 10 == tree.weight_ns).all()
    assert [depth[row] + 1 if row >= 0 else 1 for row in parent] == depth
    open_rows: list[int] = []  # the rows from a root to the last one
    for row, above in enumerate(parent):
        while open_rows and open_rows[-1] != above:
            open_rows.pop()
        assert above == (open_rows[-1] if open_rows else -1)
        open_rows.append(row)


@given(forests())
def test_inclusive_costs_are_those_of_all_paths_below(
    given_forest: tuple[list[int], list[int], list[list[int]]],
) -> None:
    tree = tree_of(*given_forest)

    inclusive = tree.inclusive_samples().tolist()

    for side, sums in zip(tree.samples.tolist(), inclusive, strict=True):
        expected = list(side)
        for row in range(len(tree) - 1, -1, -1):
            if tree.parent[row] >= 0:
                expected[tree.parent[row]] += expected[row]
        assert expected == sums
    assert (tree.inclusive_ns() == 10 * tree.inclusive_samples()).all()


@given(forests())
def test_siblings_go_by_their_work_and_items_by_how_often_they_are_met(
    given_forest: tuple[list[int], list[int], list[list[int]]],
) -> None:
    tree = tree_of(*given_forest)

    work = tree.inclusive_samples().sum(axis=0).tolist()
    last: dict[int, tuple[int, str]] = {}
    for row, above in enumerate(tree.parent.tolist()):
        rank = (-work[row], str(tree.items[tree.item[row]]).lower())
        assert last.get(above, rank) <= rank
        last[above] = rank
    met = np.bincount(tree.item, minlength=len(tree.items)).tolist()
    assert sorted(met, reverse=True) == met
    assert all(met)


def test_a_tree_without_samples_is_empty() -> None:
    tree = tree_of([-1, 0], [0, 1], [[0, 0], [0, 0]])

    assert (0, (), (2, 3)) == (len(tree), tree.items, tree.runs)
    assert (2, 0) == tree.inclusive_ns().shape
