"""Reading the history back, and the facts of its file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from perfdb import store
from perfdb.profile import Caveat
from perfdb.store import migrations
from perfdb.store.migrations import Migration
from tests.store.conftest import COMMITTED_AT, NEW, OLD
from tests.store.profiles import MS


def test_runs_come_newest_first_and_filtered(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        everything = store.runs(connection)
        ids = [run.run_id for run in everything]

        assert [(NEW, "templates"), (NEW, "simple"), (NEW, "simple"), (OLD, "templates"), (OLD, "simple")] == [
            (run.commit_sha, run.example) for run in everything
        ]
        assert ids[:2] == [run.run_id for run in store.runs(connection, limit=2)]
        assert ids[3:] == [run.run_id for run in store.runs(connection, commit_shas=[OLD])]
        assert ids == [run.run_id for run in store.runs(connection, commit_shas=[OLD, NEW])]
        assert [ids[1], ids[2], ids[4]] == [run.run_id for run in store.runs(connection, examples=["simple", "x, y"])]
        assert [ids[1], ids[4]] == [run.run_id for run in store.runs(connection, run_ids=[ids[4], ids[1]])]
        assert [] == store.runs(connection, build="Debug")
        assert [] == store.runs(connection, commit_shas=[])
        assert 5 == len(store.runs(connection, build="Release"))


def test_a_run_carries_what_was_lost_and_what_was_hot(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        lossy = store.runs(connection, examples=["simple"])[1]

    assert (3, 0, (Caveat("lost-events", "3 events were lost"),)) == (
        lossy.lost_events,
        lossy.lost_buffers,
        lossy.caveats,
    )
    assert ("kuzu.dll", 10 / 15, 15 * MS) == (lossy.hottest_module, lossy.hottest_share, lossy.cpu_ns)


def test_costs_come_by_run_with_the_heaviest_first(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        old = [run.run_id for run in store.runs(connection, commit_shas=[OLD], examples=["simple"])]
        modules = store.module_costs(connection, old)
        main = store.module_costs(connection, old, main_only=True)

    assert [
        ("app.exe", True, "kuzu.dll", 7 * MS, 10 * MS, 7, 10),
        ("app.exe", True, "ntdll.dll", 3 * MS, 12 * MS, 3, 12),
        ("app.exe", True, "app.exe", 2 * MS, 12 * MS, 2, 12),
        ("svchost.exe", False, "svchost.exe", 2 * MS, 2 * MS, 2, 2),
        ("svchost.exe", False, "ntdll.dll", 0, 2 * MS, 0, 2),
    ] == list(
        zip(
            modules.process, modules.is_main, modules.module, modules.exclusive_ns, modules.inclusive_ns,
            modules.exclusive_samples, modules.inclusive_samples, strict=True,
        )
    )  # fmt: skip
    assert modules.function is None
    assert ["kuzu.dll", "ntdll.dll", "app.exe"] == main.module.tolist()


def test_costs_of_no_run_are_empty(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        functions = store.function_costs(connection, [])

        assert (0, "int64") == (len(functions), str(functions.exclusive_ns.dtype))
        assert [] == store.processes(connection, [])


def test_commits_come_newest_first(history: Path) -> None:
    day = COMMITTED_AT + timedelta(days=1)
    with store.opened_for_read(history) as connection:
        assert [
            store.RecordedCommit(
                NEW, "tree-b", COMMITTED_AT + timedelta(hours=1), "Commit b", 3, day + timedelta(minutes=4)
            ),
            store.RecordedCommit(OLD, "tree-a", COMMITTED_AT, "Commit a", 2, day + timedelta(minutes=1)),
        ] == store.recorded_commits(connection)


def test_info_counts_and_names(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        info = store.info(connection, history)

    assert (history, history.stat().st_size, 5, duckdb.__version__) == (
        info.path, info.size_bytes, info.schema_version, info.duckdb_version
    )  # fmt: skip
    assert (2, 5, 8, 0) == (info.rows["revision"], info.rows["run"], info.rows["function"], info.rows["run_tag"])
    assert info.oldest_run is not None
    assert info.newest_run is not None
    assert (OLD, "simple", NEW, "templates") == (
        info.oldest_run.commit_sha, info.oldest_run.example, info.newest_run.commit_sha, info.newest_run.example
    )  # fmt: skip


def test_info_of_an_empty_history(connection: store.Connection, path: Path) -> None:
    info = store.info(connection, path)

    assert (0, None, None) == (info.rows["run"], info.oldest_run, info.newest_run)


VIEWS = {
    "run_summary": "run_id commit_sha committed_at example machine build process recorded_at samples cpu_ms wall_ms "
    "lost_events unresolved_share",
    "module_cost": "run_id commit_sha committed_at example process is_main_process module exclusive_samples "
    "inclusive_samples exclusive_ms inclusive_ms exclusive_share inclusive_share",
    "function_cost": "run_id commit_sha committed_at example process is_main_process module function exclusive_samples "
    "inclusive_samples exclusive_ms inclusive_ms exclusive_share inclusive_share",
    "stack_cost": "run_id commit_sha example process stack samples cpu_ms",
    "measurement_summary": "run_id commit_sha committed_at example machine build metric unit repetitions mean median "
    "least most spread",
    "line_cost": "run_id commit_sha committed_at example process is_main_process module function is_inlined file line "
    "exclusive_samples inclusive_samples exclusive_ms inclusive_ms",
    "call_cost": "run_id commit_sha committed_at example process caller_module caller callee_module callee samples "
    "cpu_ms",
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_columns_of_a_view_are_a_promise(history: Path, view: str) -> None:
    with store.opened_for_read(history) as connection:
        result = store.run_sql(connection, f"select * from {view}")

    assert VIEWS[view].split() == list(result.columns)
    assert set(result.types) <= {"UUID", "VARCHAR", "TIMESTAMP", "BIGINT", "DOUBLE", "BOOLEAN"}
    assert bool(result.rows) == (view not in {"call_cost", "line_cost", "measurement_summary"})


def test_shares_are_of_the_process_and_add_up(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        for view in ("module_cost", "function_cost"):
            rows = store.run_sql(
                connection, f"select sum(exclusive_share), max(inclusive_share) from {view} group by run_id, process"
            ).rows

            assert [(pytest.approx(1), 1.0)] * 6 == rows


SPOILS = {
    "insert into example select * from example": "examples that are there twice: 2",
    "insert into stack select * from stack limit 1": "stacks that are there twice: 1",
    "insert into run select * from run limit 1": "runs that are there twice: 1",
    "delete from revision where commit_sha[1] = 'a'": "runs of a commit that is not there: 2",
    "delete from machine": "runs of a machine that is not there: 5",
    "delete from process where pid = 100": "runs whose main process is not there: 5",
    "delete from module where name = 'kuzu.dll'": "functions of a module that is not there: 3",
    "delete from function where name = 'insert'": "weights of a function that is not there: 3",
    "delete from stack where depth = 2": "stacks whose parent is not there, or not one level above: ",
    "delete from run where source_name = 'old-simple.etl'": "rows of table sample of a run that is not there: 5",
    "update sample set weight_ns = weight_ns + 1": "processes whose samples do not add up to their functions: 6",
    "delete from module_weight where pid = 101": "processes whose samples do not add up to their modules: 1",
    "update function_weight set inclusive_ns = 0": "processes whose samples do not add up to their functions: 6",
    "update run set sample_count = 0": "runs whose samples are not those of their trace: 5",
}


@pytest.mark.parametrize("statement", SPOILS)
def test_check_finds_what_was_spoilt(history: Path, statement: str) -> None:
    with store.opened_for_write(history) as connection:
        connection.execute(statement)
        problems = store.check(connection)

    assert any(problem.startswith(SPOILS[statement]) for problem in problems), problems


def test_check_finds_nothing_in_a_good_history(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        assert [] == store.check(connection)


def test_check_finds_a_changed_migration(history: Path) -> None:
    first, *rest = migrations.known()
    with store.opened_for_read(history) as connection:
        assert ["migration 0001_tables ran with another text than this perfdb has"] == store.check(
            connection, [Migration(1, "tables", first.sql + " "), *rest]
        )


def test_check_finds_a_damaged_block(history: Path) -> None:
    content = bytearray(history.read_bytes())
    place = content.rindex(b"new-templates.etl")
    content[place] ^= 0xFF
    history.write_bytes(content)
    with store.opened_for_read(history) as connection:
        problems = store.check(connection)

    assert ["table run cannot be read"] == [problem.split(":")[0] for problem in problems]
