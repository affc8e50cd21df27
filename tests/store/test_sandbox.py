"""SQL that people type: what is let through, what is not, and what is said of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from perfdb import store
from perfdb.errors import DatabaseError, QueryError
from tests.conftest import CHECKOUT

a_variable_of_python = {"a": np.arange(3)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A history, and beside it what a statement might try to read."""
    place = tmp_path_factory.mktemp("sandbox")
    shutil.copy(template, place / "perfdb.duckdb")
    (place / "in.csv").write_text("secret\nsecret\n")
    with duckdb.connect(place / "other.duckdb") as connection:
        connection.execute("create table t as select 1 as a")
    return place


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Iterator[store.Connection]:
    """One connection for all tests: no statement must be able to spoil it for the next."""
    with store.opened_sandboxed(folder / "perfdb.duckdb") as connection:
        yield connection


def seen(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir())


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select 1 as a", [(1,)]),
        ("-- a comment\nselect 1;", [(1,)]),
        ("with x as (select 2 as a) from x", [(2,)]),
        ("values (1), (2)", [(1,), (2,)]),
        ("from range(2)", [(0,), (1,)]),
        ("select unnest([1, 2])", [(1,), (2,)]),
        ("select name from example order by all", [("simple",), ("templates",)]),
        ("select count(*) from run_summary where recorded_at < now()", [(5,)]),
        ("pivot (select 1 as a, 'x' as b) on b in ('x', 'y') using sum(a)", [(1, None)]),
        ("select example, count(*) from run_summary group by all order by all", [("simple", 3), ("templates", 2)]),
        ("select sum(exclusive_samples)::bigint from query_table('module_weight')", [(73,)]),
        ("select $text || '!'", [("given!",)]),
        ("select 1 where false", []),
    ],
)
def test_what_reads_is_let_through(sandbox: store.Connection, sql: str, rows: list[tuple[object, ...]]) -> None:
    params: dict[str, str | None] = {"text": "given"} if "$text" in sql else {}

    assert rows == store.run_sql(sandbox, sql, params).rows


@pytest.mark.parametrize(
    "sql",
    [
        "explain select * from run",
        "EXPLAIN ANALYZE select count(*) from run",
        "-- why?\n /* so */ explain (format json) select 1",
        "describe run",
        "describe select 1",
        "summarize run_summary",
        "show tables",
        "show all tables",
        "select * from duckdb_columns()",
        "select * from information_schema.tables",
    ],
)
def test_what_describes_is_let_through(sandbox: store.Connection, sql: str) -> None:
    assert store.run_sql(sandbox, sql).rows
    assert store.frame(sandbox, sql).height


CHANGES = [
    "insert into example values (1, 'x')",
    "update run set build = 'x'",
    "delete from run",
    "truncate run",
    "merge into run using run as other on false when not matched then insert",
    "drop table run",
    "alter table run add column x integer",
    "comment on table run is 'x'",
    "create table x (a integer)",
    "create temp table x (a integer)",
    "create or replace temp view run as select 1",
    "create macro m() as 1",
    "create temp macro m() as 1",
    "create secret s (type s3)",
    "create schema s",
    "create sequence s",
    "create type t as enum ('a')",
    "attach ':memory:' as x",
    "attach '{folder}/other.duckdb' as x",
    "detach x",
    "use memory",
    "copy run to '{folder}/out.csv'",
    "copy (select 1) to '{folder}/out.parquet'",
    "copy example from '{folder}/in.csv'",
    "export database '{folder}/out'",
    "import database '{folder}/out'",
    "install httpfs",
    "load httpfs",
    "load '{folder}/x.duckdb_extension'",
    "set threads = 1",
    "set lock_configuration = false",
    "set enable_external_access = true",
    "set variable x = 1",
    "reset threads",
    "pragma threads = 1",
    "pragma enable_profiling",
    "pragma show_tables",
    "pragma disable_checkpoint_on_shutdown",
    "call duckdb_tables()",
    "call enable_logging()",
    "call pragma_version()",
    "checkpoint",
    "force checkpoint",
    "vacuum",
    "analyze",
    "begin",
    "commit",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "select 1; select 2",
    "select 1; drop table run",
    "explain create temp table x (a integer)",
    "explain analyze create temp table x (a integer)",
    "explain (analyze, format json) create temp table x (a integer)",
    "explain analyze insert into example values (1, 'x')",
    "explain copy run to '{folder}/out.csv'",
    "explain pragma enable_profiling",
    "explain explain select 1",
    "with x as (insert into example values (1, 'x') returning *) from x",
    "pivot run on build using count(*)",
]

WAYS_OUT = [
    "from '{folder}/in.csv'",
    "from '{folder}/*.csv'",
    "select * from '{folder}/other.duckdb'",
    "select * from read_csv('{folder}/in.csv')",
    "select * from read_csv_auto('{folder}/in.csv')",
    "select * from read_text('{folder}/in.csv')",
    "select * from read_blob('{folder}/in.csv')",
    "select * from read_json('{folder}/in.csv')",
    "select * from read_parquet('{folder}/in.csv')",
    "select * from parquet_metadata('{folder}/in.csv')",
    "select * from sniff_csv('{folder}/in.csv')",
    "select * from read_duckdb('{folder}/other.duckdb')",
    "select * from glob('{folder}/*')",
    "select * from query_table(['{folder}/in.csv'])",
    "select * from query('select 1')",
    "select * from query('from read_text(''{folder}/in.csv'')')",
    "select * from query('from enable_log' || 'ging(storage = ''file'', storage_path = ''{folder}/log'')')",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select * from enable_logging(storage = 'file', storage_path = '{folder}/log')",
    'select * from "enable_logging"()',
    "select * from system.main.ENABLE_LOGGING()",
    "select * from enable_profiling(save_location = '{folder}/profile.json')",
    "select (select count(*) from disable_logging())",
    "select 1 where exists (from truncate_duckdb_logs())",
    "with x as (from checkpoint()) from x",
    "select 1 union all select 1 from force_checkpoint()",
    "explain analyze select * from enable_logging()",
    "describe (from enable_logging())",
    "summarize from enable_logging()",
    "select * from run, lateral (from enable_logging())",
    "select * from duckdb_secrets()",
    "select * from which_secret('s3://x', 's3')",
    "select * from duckdb_extensions()",
    "select write_log('x')",
    "select system.main.write_log('x')",
    "select getenv('HOME')",
    "select * from 'https://example.org/x.csv'",
    "select * from 's3://bucket/x.parquet'",
    "from a_variable_of_python",
    "select * from pandas_scan(1)",
]


@pytest.mark.parametrize("sql", CHANGES + WAYS_OUT)
def test_what_changes_or_leaves_the_history_is_refused(folder: Path, sandbox: store.Connection, sql: str) -> None:
    before = seen(folder)

    for use in (store.run_sql, store.frame):
        with pytest.raises(QueryError) as refused:
            use(sandbox, sql.replace("{folder}", str(folder)))
        assert "secret\n" not in str(refused.value)
        assert "Traceback" not in str(refused.value)
    assert before == seen(folder)
    assert [(5,)] == store.run_sql(sandbox, "select count(*) from run").rows  # and the connection still works


def test_the_seal_holds_without_the_guard(folder: Path, sandbox: store.Connection) -> None:
    """The connection itself refuses, should a statement ever slip past the parser's eye."""
    before = seen(folder)
    for sql in (
        "insert into example values (1, 'x')",
        f"copy run to '{folder}/out.csv'",
        f"attach '{folder}/other.duckdb'",
        f"from read_csv('{folder}/in.csv')",
        f"from enable_logging(storage = 'file', storage_path = '{folder}/log')",
        f"from enable_profiling(save_location = '{folder}/profile.json')",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "load httpfs",
        "from a_variable_of_python",
    ):
        with pytest.raises(duckdb.Error):
            sandbox.execute(sql).fetchall()
    assert before == seen(folder)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "asked to run SQL, found none: give one SELECT"),
        ("  -- nothing\n", "asked to run SQL, found none: give one SELECT"),
        ("drop table run", "asked to run DROP, allowed is one SELECT .* reads and changes nothing"),
        ("select 1; select 2", "asked to run 2 statements, allowed is one SELECT"),
        ("pivot run on build using count(*)", "name its values, as in PIVOT t ON column IN"),
        ("from read_csv('x')", "asked to call the table function read_csv, which perfdb sql does not let through"),
        ("from '/x.csv'", "perfdb sql reads the history alone, no files"),
        (
            "select machin from run_summary",
            '(?s)Referenced column "machin" not found.*"machine".*LINE 1: select machin',
        ),
        ("from run_sumary", '(?s)run_sumary does not exist!\nDid you mean "run_summary"\\?\nLINE 1'),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select 'x'::integer", "Could not convert string 'x' to INT32"),
        ("select $missing", "missing"),
    ],
)
def test_a_mistake_is_told_in_a_few_lines(sandbox: store.Connection, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as told:
        store.run_sql(sandbox, sql)

    assert len(str(told.value).splitlines()) <= 5


def test_a_moment_with_a_time_zone_is_a_value_or_a_sentence(sandbox: store.Connection) -> None:
    """DuckDB gives it to Python since 2.0.1; before, it asked for a package that perfdb does not need."""
    try:
        duckdb.execute("select now()").fetchall()
    except duckdb.Error:
        with pytest.raises(QueryError, match=r"has no value in Python here: cast it, as in now\(\)::timestamp"):
            store.run_sql(sandbox, "select now()")
    else:
        assert 1 == len(store.run_sql(sandbox, "select now()").rows)


def test_a_result_has_names_types_and_rows(sandbox: store.Connection) -> None:
    result = store.run_sql(
        sandbox,
        "select commit_sha[1:1] as commit, samples, cpu_ms, recorded_at from run_summary order by recorded_at limit 1",
    )

    assert ("commit", "samples", "cpu_ms", "recorded_at") == result.columns
    assert ("VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMP") == result.types
    assert [("a", 12, 12.0, datetime(2024, 2, 2, 10, 0))] == result.rows


def test_a_long_result_comes_whole(sandbox: store.Connection) -> None:
    assert 25_001 == len(store.run_sql(sandbox, "from range(25001)").rows)


def test_a_frame_has_the_same_values(sandbox: store.Connection) -> None:
    columns = "example, samples, cpu_ms, committed_at, [1, 2] as list, now() as zoned"
    sql = f"select {columns} from run_summary where example = $e"
    made = store.frame(sandbox, sql, {"e": "templates"})

    assert ["example", "samples", "cpu_ms", "committed_at", "list", "zoned"] == made.columns
    assert [7, 7] == made["samples"].to_list()


def test_a_frame_without_rows_keeps_its_columns(sandbox: store.Connection) -> None:
    assert ((0, 2), ["a", "b"]) == (
        (made := store.frame(sandbox, "select 1 as a, 'x' as b where false")).shape,
        made.columns,
    )


def test_a_frame_needs_different_names(sandbox: store.Connection) -> None:
    with pytest.raises(QueryError, match="a is there twice: name them with AS"):
        store.frame(sandbox, "select 1 as a, 2 as a")


def test_python_ends_in_silence_after_a_frame(history: Path) -> None:
    """DuckDB 2.0 tells of objects that outlive Python, and polars used to keep some of its classes alive."""
    code = (
        "import sys; from pathlib import Path; from perfdb import store\n"
        "with store.opened_sandboxed(Path(sys.argv[1])) as connection:\n"
        "    print(store.frame(connection, 'from run_summary').height, len(store.runs(connection)))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(history)], capture_output=True, text=True, cwd=CHECKOUT, check=True
    )

    assert ("5 5\n", "") == (ran.stdout, ran.stderr)


def test_there_is_no_history_to_ask(path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no history yet"), store.opened_sandboxed(path):
        pass
    assert not os.path.lexists(path)
