"""Stacks of many runs in columns, held against what the tables say row by row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb import store
from perfdb.errors import DatabaseError
from perfdb.profile import Process
from perfdb.store.stacks import StackSamples, Work, _places, stack_samples
from tests.store.conftest import NEW, OLD
from tests.store.profiles import MS, new_run, profile

Counts = Counter[tuple[int, tuple[str, ...]]]
"""Samples by the place of a run and a call path, root first."""


def counts_of(found: StackSamples) -> Counts:
    """The samples of every stack, its path walked up from the leaf."""
    tree, counts = found.tree, Counts()
    for run, stack, samples in zip(found.run.tolist(), found.stack.tolist(), found.samples.tolist(), strict=True):
        path = []
        while stack >= 0:
            function = tree.function[stack]
            path.append(f"{tree.module[function]}!{tree.name[function]}")
            stack = int(tree.parent[stack])
        counts[run, tuple(reversed(path))] += samples
    return counts


def counts_row_by_row(connection: store.Connection, runs: list[store.Run], main_only: bool) -> Counts:
    """The same, read from the tables one row after the other."""
    stacks = {
        stack: (parent, f"{module}!{function}")
        for stack, parent, module, function in connection.execute(
            "select stack_id, parent_stack_id, module.name, function.name "
            "from stack join function using (function_id) join module using (module_id)"
        ).fetchall()
    }
    counts = Counts()
    for place, run in enumerate(runs):
        rows = connection.execute(
            "select stack_id, samples from sample where run_id = $run::uuid and (pid = $pid or not $main_only)",
            {"run": run.run_id, "pid": run.main_pid, "main_only": main_only},
        ).fetchall()
        for stack, samples in rows:
            path = []
            while stack is not None:
                stack, name = stacks[stack]
                path.append(name)
            counts[place, tuple(reversed(path))] += samples
    return counts


def test_columns_tell_what_the_tables_do(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        runs = store.runs(connection)
        ids = [run.run_id for run in runs]
        everything = stack_samples(connection, dict.fromkeys(ids))
        main = stack_samples(connection, {run.run_id: [(run.main_pid, run.main_incarnation)] for run in runs})

        assert counts_row_by_row(connection, runs, False) == counts_of(everything)
        assert counts_row_by_row(connection, runs, True) == counts_of(main)
    assert 2 == len(everything.tree) - len(main.tree) + 1  # svchost.exe has a frame of its own, and shares its root
    assert (main.weight_ns == MS * main.samples).all()
    assert (main.tree.parent < np.arange(len(main.tree))).all()
    assert (main.tree.depth == np.where(main.tree.parent < 0, 1, main.tree.depth[main.tree.parent] + 1)).all()


def test_runs_are_told_apart_and_stacks_of_others_left_out(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        [old] = store.runs(connection, commit_shas=[OLD], examples=["templates"])
        [new] = store.runs(connection, commit_shas=[NEW], examples=["templates"])
        found = stack_samples(connection, {new.run_id: None, old.run_id: None})

    path = ("ntdll.dll!start", "app.exe!main")
    assert {(0, path): 7, (1, path): 7} == counts_of(found)
    assert 2 == len(found.tree)


def test_a_process_is_known_by_its_pid_and_its_turn(connection: store.Connection) -> None:
    lives = [Process(7, "a.exe"), Process(7, "a.exe", incarnation=1), Process(8, "b.exe")]
    work = {str(place): [("a.exe!main", place + 1)] for place in range(3)}
    run_id = store.write_run(connection, profile(work, processes=lives, tids=[1, 2]), new_run())

    def samples(asked: Work) -> int:
        return int(stack_samples(connection, asked).samples.sum())

    assert [1, 2, 4, 6] == [samples({run_id: part}) for part in ([(7, 0)], [(7, 1)], [(7, 0), (8, 0)], None)]
    assert 0 == samples({run_id: [(9, 0)]}) == samples({run_id: []}) == samples({})


def test_the_processes_of_several_runs_are_told_apart(connection: store.Connection) -> None:
    work = {"a.exe": [("a.exe!main", 1)], "b.exe": [("a.exe!main", 2), ("a.exe!main;a.exe!f", 4)]}
    first, second, third = (store.write_run(connection, profile(work), new_run(example=name)) for name in "abc")

    found = stack_samples(connection, {second: [(101, 0), (100, 0)], first: None, third: [(101, 0)]})

    counts = np.bincount(found.part, found.samples).tolist()
    assert [6, 1, 7, 6] == counts
    assert [0, 0, 1, 2] == [found.run[found.part == part][0] for part in range(4)]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from stack where depth = 2",
        "delete from stack where depth = 4",
        "delete from function where name = 'main'",
        "update stack set depth = 7 where depth = 3",
        "update stack set parent_stack_id = stack_id where depth = 3",
    ],
)
def test_a_history_that_does_not_hold_together_is_refused(history: Path, statement: str) -> None:
    with store.opened_for_write(history) as connection:
        connection.execute(statement)
        oldest = store.runs(connection)[-1].run_id

        with pytest.raises(DatabaseError, match="does not hold together.*perfdb db check"):
            stack_samples(connection, {oldest: None})


IDS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40) | st.integers(2**64 - 40, 2**64 - 1), unique=True)


@given(IDS, IDS)
def test_an_id_is_found_where_it_stands(ids: list[int], others: list[int]) -> None:
    known = np.array(sorted(ids), np.uint64)
    wanted = np.array(ids, np.uint64)

    assert known[_places(known, wanted)].tolist() == ids
    if set(others) - set(ids):
        with pytest.raises(DatabaseError):
            _places(known, np.array(ids + others, np.uint64))
