"""Runs of sources that tell sums instead of samples: what is kept of them, and what stays unknown."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from perfdb import store
from perfdb.profile import EDGES, LEAF, NO_PID, NOT_KNOWN, POOLED_PROCESS, Process, Profile, Source
from perfdb.profile.builder import About, Names, Weights, summed_profile
from perfdb.store import migrations
from tests.store.profiles import indexer, new_run

MS = 1_000_000


def summed(detail: str = EDGES, name: str = "report.html") -> Profile:
    """A report over two processes together: 10 samples, `main` calls `work` in 8 of them."""
    names = Names()
    main, work, hidden = (names.function("app.exe", each) for each in ("main", "work", "<trimmed>"))
    app = names.module("APP.exe")

    def weights(exclusive: int, inclusive: int) -> Weights:
        return exclusive, inclusive, exclusive * MS, inclusive * MS if inclusive != NOT_KNOWN else NOT_KNOWN

    is_leaf = detail == LEAF
    return summed_profile(
        About(Source("butterfly", name, name), interval_ns=MS, idle_count=3),
        [Process(7, "app.exe", samples=9), Process(8, "other.exe", samples=1), Process(NO_PID, POOLED_PROCESS)],
        names,
        {
            (2, main): weights(1, NOT_KNOWN if is_leaf else 9),
            (2, work): weights(8, NOT_KNOWN if is_leaf else 8),
            (2, hidden): weights(1, NOT_KNOWN),
        },
        {(2, app): weights(10, NOT_KNOWN if is_leaf else 10)},
        {} if is_leaf else {(2, main, work): (8, 8 * MS)},
        detail,
    )


@pytest.fixture
def recorded(connection: store.Connection) -> store.Connection:
    """A history with one run that has samples, and one of each other detail."""
    store.write_run(connection, indexer(), new_run())
    store.write_run(connection, summed(), new_run(example="edges", main_process=2))
    store.write_run(connection, summed(LEAF, "detail.txt"), new_run(example="leaf", main_process=2))
    return connection


def rows(connection: store.Connection, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.run_sql(connection, statement).rows]


def test_weights_are_kept_and_unknown_ones_are_null(recorded: store.Connection) -> None:
    found = rows(
        recorded,
        "select function, exclusive_samples, inclusive_samples, exclusive_ms, inclusive_ms, inclusive_share "
        "from function_cost where example = 'edges' and is_main_process order by exclusive_ms desc, function",
    )

    assert [
        ("work", 8, 8, 8.0, 8.0, 0.8),
        ("<trimmed>", 1, None, 1.0, None, None),
        ("main", 1, 9, 1.0, 9.0, 0.9),
    ] == found
    assert [(10, 10, 1.0)] == rows(
        recorded,
        "select exclusive_samples, inclusive_samples, inclusive_share from module_cost where example = 'edges'",
    )
    assert [(None, None)] == rows(
        recorded, "select distinct inclusive_ms, inclusive_share from function_cost where example = 'leaf'"
    )


def test_a_run_of_sums_has_a_summary_and_no_stacks(recorded: store.Connection) -> None:
    assert [("edges", POOLED_PROCESS, 10, 10.0), ("leaf", POOLED_PROCESS, 10, 10.0)] == rows(
        recorded,
        "select example, process, samples, cpu_ms from run_summary where example != 'simple' order by example",
    )
    assert [("edges", 13, 3), ("leaf", 13, 3), ("stacks", 19, 5)] == recorded.execute(
        "select detail, sample_count, idle_count from run order by detail"
    ).fetchall()
    assert ["simple"] == [row[0] for row in rows(recorded, "select distinct example from stack_cost")]


def test_calls_are_kept(recorded: store.Connection) -> None:
    assert [("edges", "app.exe", "main", "app.exe", "work", 8, 8.0)] == rows(
        recorded, "select example, caller_module, caller, callee_module, callee, samples, cpu_ms from call_cost"
    )


def test_what_processes_did_is_told_although_not_by_function(recorded: store.Connection) -> None:
    (run,) = store.runs(recorded, examples=["edges"])

    found = [(each.name, each.samples, each.weight_ns) for each in store.processes(recorded, [run.run_id])]
    assert [(POOLED_PROCESS, 10, 10 * MS), ("app.exe", 9, 9 * MS), ("other.exe", 1, MS)] == found


def test_costs_say_what_is_not_known(recorded: store.Connection) -> None:
    (run,) = store.runs(recorded, examples=["leaf"])
    costs = store.function_costs(recorded, [run.run_id])

    assert {NOT_KNOWN} == set(costs.inclusive_ns.tolist())
    assert [8 * MS, MS, MS] == costs.exclusive_ns.tolist()


def test_the_check_holds_sums_together(recorded: store.Connection) -> None:
    assert [] == store.check(recorded)
    recorded.execute("update function_weight set exclusive_samples = 0 where exclusive_samples = 8")

    assert any("do not add up to their functions" in problem for problem in store.check(recorded))


def test_a_call_of_nobody_is_found(recorded: store.Connection) -> None:
    recorded.execute("update call set callee_id = 1")

    assert any("calls of a function that is not there" in problem for problem in store.check(recorded))


def test_a_history_from_before_keeps_its_runs(path: Path) -> None:
    """The tables get their new columns with the old rows in them."""
    with store.opened_for_write(path, migrations=migrations.known()[:2]) as connection:
        connection.execute(
            "insert into process values (uuid(), 4, 0, 'System', '', null, null, null); "
            "insert into function_weight values (uuid(), 4, 0, 1, 2, 3, 4, 5)"
        )
    assert ["0003_sums", "0004_symbols", "0005_measurements"] == store.upgrade(path)
    with duckdb.connect(path, read_only=True) as opened:
        assert [("System", None)] == opened.execute("select name, samples from process").fetchall()
        assert [(3, 5)] == opened.execute("select inclusive_samples, inclusive_ns from function_weight").fetchall()
