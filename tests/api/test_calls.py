"""Who called whom on a page, for runs whose source tells calls and no call paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfdb import store
from perfdb.api.calls import example_calls
from perfdb.compare.calls import Calls
from perfdb.compare.scope import Scope
from perfdb.profile.columns import LEAF
from tests.store.profiles import indexer, new_run
from tests.store.test_sums import summed


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[store.Connection]:
    with store.opened_for_write(tmp_path / "perfdb.duckdb") as opened:
        yield opened


def told(calls: Calls) -> list[tuple[str, str, list[int]]]:
    """Each call: the caller, the callee, the samples of each side."""
    return [
        (str(calls.items[caller]), str(calls.items[callee]), samples)
        for caller, callee, samples in zip(
            calls.caller.tolist(), calls.callee.tolist(), calls.samples.T.tolist(), strict=True
        )
    ]


def record(connection: store.Connection, *names: str) -> list[store.Run]:
    ids = [store.write_run(connection, summed(name=name), new_run(main_process=2)) for name in names]
    return store.runs(connection, run_ids=ids)


def test_calls_of_the_runs_of_a_side_are_added_up(connection: store.Connection) -> None:
    old, new = record(connection, "a.html", "b.html"), record(connection, "c.html")

    calls = example_calls(connection, [{"simple": old}, {"simple": new}], Scope())["simple"]

    assert [("app.exe!main", "app.exe!work", [16, 8])] == told(calls)
    assert (calls.weight_ns == 1_000_000 * calls.samples).all()


def test_an_example_has_calls_where_all_its_runs_tell_them(connection: store.Connection) -> None:
    (edges,) = record(connection, "a.html")
    ids = [
        store.write_run(connection, indexer(), new_run()),
        store.write_run(connection, summed(LEAF, "d.txt"), new_run(main_process=2)),
    ]
    stacks, leaf = (store.runs(connection, run_ids=[each])[0] for each in ids)

    assert {} == example_calls(connection, [{"simple": [edges, stacks]}], Scope())
    assert {} == example_calls(connection, [{"simple": [leaf]}], Scope())
    assert {} == example_calls(connection, [{"simple": [edges]}, {"other": [edges]}], Scope())


def test_a_process_that_tells_no_calls_has_none(connection: store.Connection) -> None:
    runs = {"simple": record(connection, "a.html")}

    assert [] == [
        each for calls in example_calls(connection, [runs], Scope(process="app")).values() for each in told(calls)
    ]
