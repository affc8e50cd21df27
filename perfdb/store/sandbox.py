"""SQL that people type: one statement that reads, on a connection that can do nothing else.

Three walls, each of which would do for most of what is refused:

1. The connection (`connection.opened_for_read`): read-only, no files, no network, no extensions, settings locked.
2. The kind of statement: exactly one, a query or EXPLAIN of one. DuckDB's own parser says what it is.
3. The table functions that it calls: DuckDB writes out the parsed query as JSON, in which their names stand plainly,
   and only those on a list are let through. Without this, `select * from enable_logging(...)` is a query that writes
   files in DuckDB 1.5, and `query('...')` runs a text that nobody has looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb

from perfdb.errors import QueryError

if TYPE_CHECKING:
    import polars

ALLOWED = "one SELECT (also WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE) or EXPLAIN of one"

TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_functions", "duckdb_indexes",
        "duckdb_keywords", "duckdb_schemas", "duckdb_settings", "duckdb_tables", "duckdb_types", "duckdb_views",
        "generate_series", "histogram", "histogram_values", "json_each", "json_tree", "pragma_database_size",
        "pragma_storage_info", "pragma_table_info", "pragma_version", "query_table", "range", "repeat", "repeat_row",
        "summary", "unnest",
    }
)  # fmt: skip
"""Table functions that read nothing but the database and their arguments."""

FORBIDDEN_FUNCTIONS = frozenset({"write_log"})
"""Scalar functions with an effect; all others only compute."""

_EXPLAIN = re.compile(
    r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*explain\b(?:\s+analyze\b|\s*\([^)]*\))?", re.IGNORECASE | re.DOTALL
)
_CHUNK_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave: names and DuckDB types of the columns, and the rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]


def run_sql(connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, str | None] | None = None) -> Result:
    """Run one reading statement, `params` being the values of its `$name`s; QueryError for what is refused or wrong."""
    with _refusals():
        _require_reading(connection, sql)
        connection.execute(sql, dict(params or {}))
        described = connection.description or []
        names, types = tuple(str(each[0]) for each in described), tuple(str(each[1]) for each in described)
        rows: list[tuple[Any, ...]] = []
        while chunk := connection.fetchmany(_CHUNK_ROWS):
            rows += chunk
    return Result(names, types, rows)


def frame(
    connection: duckdb.DuckDBPyConnection, sql: str, params: Mapping[str, str | None] | None = None
) -> polars.DataFrame:
    """The result of `run_sql` as a polars frame: columns are handed over whole, not value by value."""
    import polars

    with _refusals():
        _require_reading(connection, sql)
        relation = connection.sql(sql, params=dict(params or {}))
        twice = {name for name in relation.columns if relation.columns.count(name) > 1}
        if twice:
            raise QueryError(f"a frame needs a name a column, and {min(twice)} is there twice: name them with AS")
        # polars remembers for ever the class of what it is given. The relation's own would keep DuckDB's module alive
        # past the end of Python, and DuckDB 2.0 then complains of leaks on standard error; this class is Python's.
        return polars.DataFrame(SimpleNamespace(__arrow_c_stream__=relation.__arrow_c_stream__))


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn errors of DuckDB into QueryError."""
    try:
        yield
    except duckdb.PermissionException as problem:
        reason = str(problem).splitlines()[0]
        raise QueryError(f"perfdb sql reads the history alone, no files, network or settings ({reason})") from problem
    except duckdb.Error as problem:
        raise QueryError(_essence(problem)) from problem


def _require_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise QueryError unless `sql` is one statement that only reads."""
    statements = connection.extract_statements(sql)
    kinds = [_kind(statement) for statement in statements]
    if not kinds:
        raise QueryError(f"asked to run SQL, found none: give {ALLOWED}")
    if kinds in (["CREATE", "SELECT"], ["MULTI"]) and "pivot" in sql.lower():
        raise QueryError(
            "PIVOT makes a type on the way: name its values, as in PIVOT t ON column IN ('a', 'b') USING …"
        )
    if len(kinds) > 1:
        raise QueryError(f"asked to run {len(kinds)} statements, allowed is {ALLOWED}")
    if kinds[0] not in ("SELECT", "EXPLAIN"):
        raise QueryError(f"asked to run {kinds[0]}, allowed is {ALLOWED}: perfdb sql reads and changes nothing")
    query = _EXPLAIN.sub("", sql, count=1) if kinds[0] == "EXPLAIN" else sql
    [(text,)] = connection.execute("select json_serialize_sql($query::varchar)", {"query": query}).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise QueryError(f"this statement does more than read, allowed is {ALLOWED}")
    for node in _nodes(tree):
        _require_harmless(node)


def _kind(statement: duckdb.Statement) -> str:
    """What DuckDB's parser calls a statement; "OTHER" for a kind that its Python side has no name for."""
    try:
        name = statement.type.name
    except ValueError:
        return "OTHER"
    return name if name.isupper() else "OTHER"


def _require_harmless(node: dict[str, Any]) -> None:
    if node.get("type") == "TABLE_FUNCTION":
        name = str(node.get("function", {}).get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise QueryError(
                f"asked to call the table function {name}, which perfdb sql does not let through: it reads the tables "
                "and views of the history only (SHOW TABLES lists them)"
            )
    elif str(node.get("function_name", "")).lower() in FORBIDDEN_FUNCTIONS:
        raise QueryError(f"asked to call {node['function_name']}, which does more than compute")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed query."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _essence(problem: duckdb.Error) -> str:
    """DuckDB's message without empty lines, and without the traceback that some carry: what, candidates, where."""
    text = str(problem)
    if "pytz" in text:
        return "a TIMESTAMP WITH TIME ZONE has no value in Python here: cast it, as in now()::timestamp"
    lines = text.split("Stack Trace:")[0].splitlines()
    return "\n".join(line.rstrip() for line in lines if line.strip())
