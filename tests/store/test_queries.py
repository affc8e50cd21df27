"""Named queries: their headers, their parameters, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perfdb import store
from perfdb.errors import InputError, QueryError, UsageError
from perfdb.store.queries import internal, parse
from perfdb.store.resources import folder
from tests.store.conftest import NEW, OLD

REQUIRED = {"module": "kuzu.dll", "function": "insert", "baseline": OLD, "contender": NEW, "run_ids": "", "top": "5"}


@pytest.fixture
def opened(history: Path) -> Iterator[store.Connection]:
    with store.opened_sandboxed(history) as connection:
        yield connection


def ask(connection: store.Connection, name: str, **given: str) -> list[tuple[Any, ...]]:
    query = store.load_query(name)
    return list(store.run_sql(connection, query.sql, query.bind(given)).rows)


def test_these_come_with_perfdb() -> None:
    names = [query.name for query in store.named_queries()]

    assert [
        "function_trend", "hot_lines", "hotspots", "lost_events", "metric_trend", "module_trend", "new_functions",
        "runs_by_commit", "wanted_symbols",
    ] == names  # fmt: skip


@pytest.mark.parametrize("name", [query.name for query in store.named_queries()])
def test_a_query_gives_the_columns_it_says(opened: store.Connection, name: str) -> None:
    query = store.load_query(name)
    given = {param.name: REQUIRED[param.name] for param in query.params if param.is_required}
    result = store.run_sql(opened, query.sql, query.bind(given))

    assert query.columns == result.columns
    # No run of this history has lines or measurements: see test_lines.py and test_measurements.py.
    assert bool(result.rows) == (name not in ("hot_lines", "metric_trend"))
    assert set(result.types) <= {"UUID", "VARCHAR", "TIMESTAMP", "BIGINT", "DOUBLE", "BOOLEAN"}


@pytest.mark.parametrize("name", sorted(path.stem for path in (folder("queries") / "internal").glob("*.sql")))
def test_an_internal_query_gives_the_columns_it_says(opened: store.Connection, name: str) -> None:
    query = internal(name)
    given = {param.name: REQUIRED[param.name] for param in query.params if param.is_required}
    connection = opened.execute(query.sql, query.bind(given))

    assert query.columns == tuple(column[0] for column in connection.description or [])


def test_hotspots(opened: store.Connection) -> None:
    assert [
        ("simple", "app.exe", "kuzu.dll", "insert", 2, 7.5, 12.0, 1 / 3, 8 / 15),
        ("simple", "app.exe", "kuzu.dll", "bulk", 2, 6.0, 6.0, 4 / 15, 4 / 15),
        ("templates", "app.exe", "app.exe", "main", 1, 7.0, 7.0, 1.0, 1.0),
        ("templates", "app.exe", "ntdll.dll", "start", 1, 0.0, 7.0, 0.0, 1.0),
    ] == ask(opened, "hotspots", top="2")
    assert ["serve", "start"] == [row[3] for row in ask(opened, "hotspots", commit=OLD, process="SVCHOST")]
    assert {"templates"} == {row[0] for row in ask(opened, "hotspots", example="templates")}


def test_runs_by_commit(opened: store.Connection) -> None:
    assert [
        (NEW, "Commit b", "simple", 2, 22.5, 15.0, 30.0, 3),
        (NEW, "Commit b", "templates", 1, 7.0, 7.0, 7.0, 0),
        (OLD, "Commit a", "simple", 1, 12.0, 12.0, 12.0, 0),
        (OLD, "Commit a", "templates", 1, 7.0, 7.0, 7.0, 0),
    ] == [(row[0], *row[2:8], row[9]) for row in ask(opened, "runs_by_commit")]


def test_trends(opened: store.Connection) -> None:
    for module in ("KUZU.dll", "kuzu"):
        assert [
            ("simple", "kuzu.dll", OLD, "Commit a", 1, 7.0, 10.0, 7 / 12, None),
            ("simple", "kuzu.dll", NEW, "Commit b", 2, 15.0, 19.5, 2 / 3, 8.0),
        ] == [(*row[:3], *row[4:7], *row[8:]) for row in ask(opened, "module_trend", module=module)]
    assert [("bulk", 0.0, None), ("bulk", 6.0, 6.0), ("insert", 6.0, None), ("insert", 7.5, 1.5)] == [
        (row[2], row[7], row[11])
        for word in ("BULK", "sert")
        for row in ask(opened, "function_trend", function=word, module="kuzu.dll")
    ]
    assert [] == ask(opened, "module_trend", module="absent.dll")


def test_new_functions(opened: store.Connection) -> None:
    assert [("simple", "kuzu.dll", "bulk", 2, 6.0, 6.0, 4 / 15, 4 / 15)] == ask(
        opened, "new_functions", baseline=OLD, contender=NEW
    )
    assert [] == ask(opened, "new_functions", baseline=NEW, contender=OLD)


def test_lost_events(opened: store.Connection) -> None:
    assert [(NEW, "simple", 3, 0, "3 events were lost")] == [
        (*row[1:3], *row[6:]) for row in ask(opened, "lost_events", commit=NEW)
    ]
    assert [] == ask(opened, "lost_events", commit=OLD)


HEADER = """-- question: which?
-- free words in between
-- param commit (revision) = NULL: the commit
-- param top = 20: how many: at most
-- param name: a name
-- columns: a, b

select 1
-- param late: not in the header
"""


def test_a_header_is_read() -> None:
    query = parse("mine", HEADER, "mine.sql")

    assert ("mine", "which?", ("a", "b"), HEADER) == (query.name, query.question, query.columns, query.sql)
    assert (
        store.QueryParam("commit", "the commit", None, is_required=False, is_revision=True),
        store.QueryParam("top", "how many: at most", "20", is_required=False, is_revision=False),
        store.QueryParam("name", "a name", None, is_required=True, is_revision=False),
    ) == query.params


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1", r"mine\.sql: begin the file with one line `-- question: …`, found 0"),
        ("-- question: x\nselect 1", r"mine\.sql: begin the file with one line `-- columns: …`"),
        ("-- question: x\n-- question: y\n-- columns: a", "found 2"),
        ("-- question:\n-- columns: a", "question"),
        ("-- question: x\n-- param no description\n-- columns: a", "found `-- param no description`, expected"),
        ("-- question: x\n-- param 1x: y\n-- columns: a", "expected"),
    ],
)
def test_a_header_that_misses_a_part_is_told_with_its_file(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse("mine", text, "mine.sql")


def test_parameters_are_bound() -> None:
    query = parse("mine", HEADER, "mine.sql")

    assert {"commit": None, "top": "20", "name": "x"} == query.bind({"name": "x"})
    assert {"commit": "y", "top": "1", "name": "x"} == query.bind({"name": "x", "top": "1", "commit": "y"})
    with pytest.raises(UsageError, match=r"query mine needs name \(a name\): add --param name=…"):
        query.bind({})
    with pytest.raises(UsageError, match="given the parameter nme: it takes commit, top, name"):
        query.bind({"nme": "x"})


def test_a_file_of_the_user_is_a_query_too(opened: store.Connection, tmp_path: Path) -> None:
    file = tmp_path / "mine.sql"
    file.write_bytes("-- question: é?\r\n-- param n: rows\r\n-- columns: a\r\nfrom range($n::bigint) t(a)\r\n".encode())

    assert [(0,), (1,)] == ask(opened, str(file), n="2")


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        QueryError, match="asked for the query hotspot, found none of that name: did you mean hotspots?"
    ):
        store.load_query("hotspot")
    with pytest.raises(QueryError, match="found none of that name: `perfdb query --list`"):
        store.load_query("internal/runs")
    with pytest.raises(InputError, match="found no such file"):
        store.load_query(str(tmp_path / "absent.sql"))
    (tmp_path / "bytes.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot read the query file"):
        store.load_query(str(tmp_path / "bytes.sql"))


def test_a_value_is_never_code(opened: store.Connection) -> None:
    assert [] == ask(opened, "hotspots", example="'; drop table run; --")
    with pytest.raises(QueryError, match="Could not convert string 'many' to INT64"):
        ask(opened, "hotspots", top="many")
