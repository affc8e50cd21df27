"""What a page shows is what the history holds: its functions, and its call paths, to the last sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfdb import store
from perfdb.api import History, open_history
from perfdb.compare.page import PageExample
from perfdb.compare.sampled import SampledTree
from perfdb.errors import RevisionError
from perfdb.profile.columns import LEAF
from tests.api.test_paths import GROWN, SERVICE
from tests.store.profiles import INDEXER, Stacks, new_run, profile
from tests.store.test_sums import summed

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Two runs of an old commit, one of a new one; beside them an example whose source tells no call paths."""
    path = tmp_path / "perfdb.duckdb"
    with store.opened_for_write(path) as connection:
        for commit, work, name in ((OLD, INDEXER, "1"), (OLD, GROWN, "2"), (NEW, GROWN, "3")):
            made = profile({"app.exe": work, "svchost.exe": SERVICE}, source=f"{name}.etl")
            store.write_run(connection, made, new_run(commit))
        store.write_run(connection, summed(), new_run(OLD, "edges", main_process=2))
        store.write_run(connection, summed(LEAF, "d.txt"), new_run(OLD, "leaf", main_process=2))
    return open_history(path, cwd=tmp_path)


def by_function(tree: SampledTree, side: int) -> dict[str, tuple[int, int]]:
    """Exclusive and inclusive samples of each function, counted path by path: the slow, obvious way."""
    sums: dict[str, tuple[int, int]] = {}
    for row, count in enumerate(tree.samples[side].tolist()):
        on_path, at = [], row
        while at >= 0:
            on_path.append(str(tree.items[tree.item[at]]))
            at = int(tree.parent[at])
        for name in set(on_path):
            exclusive, inclusive = sums.get(name, (0, 0))
            sums[name] = exclusive + count * (name == on_path[0]), inclusive + count
    return {name: both for name, both in sums.items() if any(both)}


def told(history: History, commit: str) -> dict[str, tuple[int, int]]:
    """The same by the view that users ask, over all runs of the commit."""
    rows = history.run_sql(
        "SELECT module || '!' || function, sum(exclusive_samples)::bigint, sum(inclusive_samples)::bigint "
        f"FROM function_cost WHERE commit_sha = '{commit}' AND example = 'simple' AND is_main_process GROUP BY 1"
    ).rows
    return {name: (exclusive, inclusive) for name, exclusive, inclusive in rows}


def named(examples: tuple[PageExample, ...]) -> dict[str, PageExample]:
    return {example.example: example for example in examples}


def test_the_call_paths_of_a_page_add_up_to_function_cost(history: History) -> None:
    one, two = history.page(OLD), history.page(NEW, OLD)

    (tree,) = (example.tree for example in one.examples if example.tree)
    assert told(history, OLD) == by_function(tree, 0)
    (tree,) = (example.tree for example in two.examples if example.tree)
    assert [told(history, OLD), told(history, NEW)] == [by_function(tree, side) for side in (0, 1)]


def test_the_functions_of_a_page_are_those_of_its_runs(history: History) -> None:
    (example,) = (example for example in history.page(NEW, OLD).examples)

    for side, commit in zip(example.sides, (OLD, NEW), strict=True):
        costs = side.functions
        samples = costs.exclusive_samples.sum(axis=0).tolist()
        assert {name: exclusive for name, (exclusive, _) in told(history, commit).items()} == {
            str(item): count for item, count in zip(costs.items, samples, strict=True)
        }
    assert [2, 1] == [len(side.runs) for side in example.sides]


def test_what_has_no_call_paths_shows_its_functions(history: History) -> None:
    page = history.page(OLD)

    assert page.shown is not None
    assert page.comparison is None
    examples = named(page.examples)
    assert ["edges", "leaf", "simple"] == sorted(examples)
    assert [None, None] == [examples[name].tree for name in ("edges", "leaf")]
    assert [True, False, False] == [examples[name].calls is not None for name in ("edges", "leaf", "simple")]
    assert all(example.sides[0].functions.items for example in page.examples)


def test_a_page_of_one_run(history: History) -> None:
    (run,) = history.list_runs(NEW)

    page = history.page(f"r{run.run_id.replace('-', '')[-8:]}")

    (example,) = page.examples
    assert [(run.run_id,)] == [tuple(facts.run_id for facts in side.runs) for side in example.sides]


def test_a_page_of_a_process(history: History) -> None:
    from perfdb.api import Scope

    (example,) = history.page(NEW, scope=Scope(process="svchost")).examples

    work: Stacks = SERVICE
    assert example.tree is not None
    assert sum(count for _, count in work) == example.tree.samples.sum()


def test_a_page_of_a_commit_without_runs_is_an_error(history: History) -> None:
    with pytest.raises(RevisionError, match="the history does not have it"):
        history.page("c" * 40)
