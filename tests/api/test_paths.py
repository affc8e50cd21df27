"""The call trees of a diff's examples: which runs, which processes, which nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb import store
from perfdb.api.paths import call_trees
from perfdb.compare.call_tree import CallTree, explain_change
from perfdb.compare.scope import Scope
from perfdb.compare.verdicts import Criteria
from perfdb.profile.columns import EDGES
from tests.store.profiles import INDEXER, MS, Stacks, new_run, profile
from tests.twins.paths import path_of

GROWN: Stacks = (*INDEXER, ("ntdll.dll!start;app.exe!main;kuzu.dll!insert;ntdll.dll!alloc", 40))
SERVICE: Stacks = (("ntdll.dll!start;svchost.exe!serve", 30),)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[store.Connection]:
    with store.opened_for_write(tmp_path / "perfdb.duckdb") as opened:
        yield opened


def record(connection: store.Connection, commit: str, *works: Stacks, example: str = "simple") -> list[store.Run]:
    """Runs of a commit, each with this work of app.exe, beside a service."""
    ids = [
        store.write_run(
            connection,
            profile({"app.exe": work, "svchost.exe": SERVICE}, source=f"{commit}-{example}-{place}.etl"),
            new_run(commit_sha=commit * 40, example=example),
        )
        for place, work in enumerate(works)
    ]
    found = {run.run_id: run for run in store.runs(connection, run_ids=ids)}
    return [found[run_id] for run_id in ids]


def samples(tree: CallTree, matrix: str = "baseline_samples") -> list[dict[str, int]]:
    """The exclusive samples of each run by path."""
    paths = [";".join(str(item) for item in path_of(tree, node)) for node in range(len(tree.parent))]
    return [
        {path: count for path, count in zip(paths, row, strict=True) if count} for row in getattr(tree, matrix).tolist()
    ]


def test_each_run_has_its_row_and_each_call_path_its_node(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER, INDEXER), record(connection, "b", GROWN, INDEXER, GROWN)
    earlier = record(connection, "c", INDEXER)

    trees = call_trees(connection, {"simple": old}, {"simple": new}, {"simple": earlier}, Scope())

    assert ["simple"] == list(trees)
    tree = trees["simple"]
    # What has fewer than three samples a run counts as its caller's.
    insert, alloc = (
        "ntdll.dll!start;app.exe!main;kuzu.dll!insert",
        "ntdll.dll!start;app.exe!main;kuzu.dll!insert;ntdll.dll!alloc",
    )
    few = {"ntdll.dll!start;app.exe!main": 3, insert: 6}
    assert [few | {alloc: 3}] * 2 == samples(tree)
    assert [few | {alloc: 43}, few | {alloc: 3}, few | {alloc: 43}] == samples(tree, "contender_samples")
    assert [few | {alloc: 3}] == samples(tree, "history_samples")
    assert (tree.baseline_ns == MS * tree.baseline_samples).all()
    assert (tree.contender_ns == MS * tree.contender_samples).all()
    [row] = explain_change(tree, Criteria(), True).rows
    assert alloc == ";".join(str(item) for item in row.path)


def test_the_process_that_is_asked_for(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER, INDEXER), record(connection, "b", GROWN)

    def work(scope: Scope, pooled: Sequence[str] = ()) -> list[int]:
        trees = call_trees(connection, {"simple": old}, {"simple": new}, {}, scope, pooled)
        return [int(tree.contender_samples.sum()) for tree in trees.values()]

    assert [52] == work(Scope())
    assert [82] == work(Scope(all_processes=True)) == work(Scope(), ["simple"])
    assert [30] == work(Scope(process="SVCHOST")) == work(Scope(process="101"))
    assert [] == work(Scope(process="other.exe"))


def test_a_run_without_the_process_is_left_out(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER), record(connection, "b", GROWN)
    alone = store.write_run(connection, profile({"app.exe": INDEXER}, source="alone.etl"), new_run("b" * 40))
    new += store.runs(connection, run_ids=[alone])

    both = call_trees(connection, {"simple": old}, {"simple": new}, {}, Scope(process="app"))["simple"]
    one = call_trees(connection, {"simple": old}, {"simple": new}, {}, Scope(process="svchost"))["simple"]

    assert (2, 1) == (len(both.contender_ns), len(one.contender_ns))


def test_an_example_has_a_tree_where_all_its_compared_runs_have_stacks(connection: store.Connection) -> None:
    old, new = record(connection, "a", INDEXER), record(connection, "b", GROWN, INDEXER)
    no_stacks = [replace(run, detail=EDGES) for run in new]
    sides = {"simple": old, "only here": old}

    assert {} == call_trees(connection, sides, {"simple": [new[0], no_stacks[1]]}, {}, Scope())
    tree = call_trees(connection, sides, {"simple": new[:1]}, {"simple": no_stacks}, Scope())["simple"]
    assert (1, 1, 0) == (len(tree.baseline_ns), len(tree.contender_ns), len(tree.history_samples))


def test_examples_do_not_mix(connection: store.Connection) -> None:
    work: Stacks = (("app.exe!other", 9),)
    simple, other = record(connection, "a", INDEXER), record(connection, "a", work, example="other")

    trees = call_trees(connection, {"simple": simple, "other": other}, {"other": other, "simple": simple}, {}, Scope())

    assert ["other", "simple"] == list(trees)
    assert [{"app.exe!other": 9}] == samples(trees["other"]) == samples(trees["other"], "contender_samples")
    assert 12 == sum(samples(trees["simple"])[0].values())


def test_modules_whose_names_differ_in_letter_case_are_one(connection: store.Connection) -> None:
    # The history folds ASCII alone, comparisons all letters.
    left: Stacks = (("É.dll!f;app.exe!g", 5), ("É.dll!f", 4))
    right: Stacks = (("é.dll!f;app.exe!g", 5), ("é.dll!f;APP.exe!g", 4), ("é.dll!f", 40), ("b.dll!h;É.dll!f", 6))
    old, new = record(connection, "a", left), record(connection, "b", right)

    tree = call_trees(connection, {"simple": old}, {"simple": new}, {}, Scope())["simple"]

    assert 4 == len(tree.parent)
    assert len(tree.items) == len({item.key for item in tree.items})
    assert [[4, 5], [6, 9, 40]] == [
        sorted(count for count in row if count)
        for row in (*tree.baseline_samples.tolist(), *tree.contender_samples.tolist())
    ]


def test_a_root_with_few_samples_keeps_them(connection: store.Connection) -> None:
    few: Stacks = (("lost.dll!a;app.exe!b", 1), ("lost.dll!c", 1))
    old, new = record(connection, "a", INDEXER), record(connection, "b", (*INDEXER, *few))

    tree = call_trees(connection, {"simple": old}, {"simple": new}, {}, Scope())["simple"]

    assert {"lost.dll!a": 1, "lost.dll!c": 1} == {
        path: count for path, count in samples(tree, "contender_samples")[0].items() if path.startswith("lost")
    }
