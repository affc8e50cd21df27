"""All or nothing: one transaction around a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from perfdb.errors import DatabaseError


@contextmanager
def atomic(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit at the end of the block, or undo all of it where it raises. It does not nest.

    Never catch a DuckDB error inside the block and go on: DuckDB 2.0 has then already aborted the transaction. A full
    disk or a file that turns out to be read-only becomes a DatabaseError; every other error passes as it is.
    """
    connection.execute("begin transaction")
    try:
        yield
        connection.execute("commit")
    except BaseException as problem:
        with suppress(duckdb.Error):  # after some errors DuckDB has already rolled back
            connection.execute("rollback")
        if isinstance(problem, duckdb.IOException):
            raise DatabaseError(f"nothing was written: {str(problem).splitlines()[0]}") from problem
        raise
