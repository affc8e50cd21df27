"""Loading columns into DuckDB in bulk: names where they are new, a run's own rows under its run_id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I64, NOT_KNOWN, U64

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of one length by name; text is in object arrays of str."""

_INCOMING, _NUMBERS, _ROW, _TEXT = "perfdb_incoming", "perfdb_numbers", "perfdb_row", "text_of_"
"""The names under which a bulk load stands while it is copied."""

_ABSENT = -(1 << 62)
"""A number that no pid and no time is."""

_SEPARATOR = "\x1e"
"""ASCII's record separator, which stands in no name: `clean` sees to that."""


def insert_new(
    connection: duckdb.DuckDBPyConnection, table: str, keys: Sequence[str], columns: Columns, chosen: str = "*"
) -> None:
    """Add the rows whose keys the table does not have yet."""
    same = " and ".join(f"{table}.{key} = {_INCOMING}.{key}" for key in keys)
    new = f"not exists (select 1 from {table} where {same})"
    _load(connection, f"insert into {table} by name select {chosen} from {_INCOMING} where {new}", columns, {})


def insert_run(
    connection: duckdb.DuckDBPyConnection, table: str, run_id: str, columns: Columns, nullable: Sequence[str] = ()
) -> None:
    """Add rows that are the run's own; in the `nullable` columns null stands as `optional` writes it."""
    nulls = ", ".join(f"nullif({name}, {_ABSENT}) as {name}" for name in nullable)
    chosen = f"* replace ({nulls})" if nullable else "*"
    statement = f"insert into {table} by name select $run_id::uuid as run_id, {chosen} from {_INCOMING}"
    _load(connection, statement, columns, {"run_id": run_id})


def insert_runs(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Columns, nullable: Sequence[str] = ()
) -> None:
    """Add rows of several runs: the column `run_id` says whose each row is. Nulls are as in `insert_run`."""
    nulls = [f"nullif({name}, {_ABSENT}) as {name}" for name in nullable]
    chosen = f"* replace ({', '.join(['run_id::uuid as run_id', *nulls])})"
    _load(connection, f"insert into {table} by name select {chosen} from {_INCOMING}", columns, {})


def update_run(
    connection: duckdb.DuckDBPyConnection, table: str, run_id: str, keys: Sequence[str], columns: Columns
) -> None:
    """Change the run's rows with these keys to what the other columns say."""
    changed = ", ".join(f"{name} = {_INCOMING}.{name}" for name in columns if name not in keys)
    same = " and ".join(f"{table}.{key} = {_INCOMING}.{key}" for key in keys)
    statement = f"update {table} set {changed} from {_INCOMING} where {table}.run_id = $run_id::uuid and {same}"
    _load(connection, statement, columns, {"run_id": run_id})


def _load(connection: duckdb.DuckDBPyConnection, statement: str, columns: Columns, params: dict[str, Any]) -> None:
    """Run a statement that reads the columns from `_INCOMING`.

    Numbers go over as arrays. Text goes over as one long string a column and is split by DuckDB: of an array or list
    of str, DuckDB 1.5 asks of each value whether it is one of pandas', and so looks for pandas 5,000 times a trace.
    """
    rows = len(next(iter(columns.values())))
    if not rows:
        return
    text = {name: column for name, column in columns.items() if column.dtype == object}
    numbers = {name: column for name, column in columns.items() if name not in text}
    connection.register(_NUMBERS, {_ROW: np.arange(rows)} | numbers)
    split = ", ".join(f"unnest(string_split(${_TEXT}{name}, '{_SEPARATOR}')) as {name}" for name in text)
    joined = f" positional join (select {split}) as texts" if text else ""
    incoming = f"with {_INCOMING} as (select * exclude ({_ROW}) from {_NUMBERS}{joined}) "
    values = {f"{_TEXT}{name}": _SEPARATOR.join(column.tolist()) for name, column in text.items()}
    try:
        connection.execute(incoming + statement, params | values)
    finally:
        with suppress(duckdb.Error):  # an aborted transaction takes its views along
            connection.unregister(_NUMBERS)


def ids(*values: int) -> U64:
    """Some ids as a column."""
    return np.array(values, np.uint64)


def optional(values: Sequence[int | None]) -> I64:
    """Numbers for a nullable column."""
    return np.array([_ABSENT if value is None else value for value in values], np.int64)


def texts(values: Sequence[str]) -> npt.NDArray[np.object_]:
    """Text as a column."""
    column = np.empty(len(values), object)
    column[:] = [clean(value) for value in values]
    return column


def clean(text: str) -> str:
    """Text as DuckDB takes it: half a surrogate pair, which damaged UTF-16 leaves, becomes a question mark."""
    text = text.replace(_SEPARATOR, "?")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def or_absent(values: I64) -> I64:
    """Weights for a nullable column: those that are `NOT_KNOWN` become null."""
    return np.where(values == NOT_KNOWN, _ABSENT, values)


def grouped_sum(group: I64, values: I64, count: int) -> I64:
    """Integer sums per group: shape (count,)."""
    total = np.zeros(count, np.int64)
    np.add.at(total, group, values)
    return total
