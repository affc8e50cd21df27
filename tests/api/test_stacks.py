"""The sampled trees of examples: which runs and processes are in them, and that they hold what the history holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb import store
from perfdb.api.stacks import sampled_trees
from perfdb.compare.sampled import SampledTree
from perfdb.compare.scope import Scope
from perfdb.profile.columns import EDGES
from tests.api.test_paths import GROWN, SERVICE, record
from tests.store.profiles import INDEXER, MS, Stacks


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[store.Connection]:
    with store.opened_for_write(tmp_path / "perfdb.duckdb") as opened:
        yield opened


def paths(tree: SampledTree, side: int) -> dict[str, int]:
    """The exclusive samples of a side, by path."""
    named: list[str] = []
    for parent, item in zip(tree.parent.tolist(), tree.item.tolist(), strict=True):
        own = str(tree.items[item])
        named.append(f"{named[parent]};{own}" if parent >= 0 else own)
    return {path: count for path, count in zip(named, tree.samples[side].tolist(), strict=True) if count}


def added(*works: Stacks) -> dict[str, int]:
    """The samples of several runs by path."""
    sums: dict[str, int] = {}
    for path, count in (each for work in works for each in work):
        sums[path] = sums.get(path, 0) + count
    return sums


def test_the_runs_of_a_side_are_added_up(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER, INDEXER), record(connection, "b", GROWN, INDEXER, GROWN)

    tree = sampled_trees(connection, [{"simple": old}, {"simple": new}], Scope())["simple"]

    assert added(INDEXER, INDEXER) == paths(tree, 0)
    assert added(GROWN, INDEXER, GROWN) == paths(tree, 1)
    assert (2, 3) == tree.runs
    assert (tree.weight_ns == MS * tree.samples).all()


def test_processes_are_those_asked_for(connection: store.Connection) -> None:
    runs = {"simple": record(connection, "a", INDEXER)}

    def work(scope: Scope, pooled: tuple[str, ...] = ()) -> list[dict[str, int]]:
        return [paths(tree, 0) for tree in sampled_trees(connection, [runs], scope, pooled).values()]

    assert [added(INDEXER)] == work(Scope())
    assert [added(INDEXER, SERVICE)] == work(Scope(all_processes=True)) == work(Scope(), ("simple",))
    assert [added(SERVICE)] == work(Scope(process="svchost"))
    assert [] == work(Scope(process="other.exe"))


def test_an_example_has_a_tree_where_all_its_runs_have_stacks_on_every_side(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER), record(connection, "b", GROWN)
    sides = [{"simple": old, "here": old, "bare": old}, {"simple": new, "bare": [replace(new[0], detail=EDGES)]}]

    assert ["simple"] == list(sampled_trees(connection, sides, Scope()))
    assert {} == sampled_trees(connection, [{"bare": sides[1]["bare"]}], Scope())


def test_two_sides_have_one_tree(connection: store.Connection) -> None:
    gone: Stacks = (("app.exe!main;old.dll!f", 4),)
    old, new = record(connection, "a", gone), record(connection, "b", GROWN)

    tree = sampled_trees(connection, [{"simple": old}, {"simple": new}], Scope())["simple"]

    assert (added(gone), added(GROWN)) == (paths(tree, 0), paths(tree, 1))
