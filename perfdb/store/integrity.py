"""Does a history hold together? What constraints would have refused, and what only sums can tell.

The tables have no keys and no references that DuckDB would watch over (see `migrations/0001_tables.sql`), so this looks
for what is there twice, what refers to nothing, and weights that are not the sums of their samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from perfdb.store.migrations import Migration, applied, known
from perfdb.store.queries import internal
from perfdb.store.read import TABLES


def check(connection: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] | None = None) -> list[str]:
    """The problems that were found, as sentences; none where the history holds together."""
    problems = [problem for table in TABLES for problem in _unreadable(connection, table)]
    if problems:  # nothing else can be asked of a file that cannot be read
        return problems
    problems += _changed_migrations(connection, known() if migrations is None else migrations)
    for problem, count, instance in connection.execute(internal("check").sql).fetchall():
        problems.append(f"{problem}: {count:,}, such as {instance}")
    return problems


def _unreadable(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Read every value of a table: DuckDB checks the checksum of each block that it loads."""
    try:
        connection.execute(f"select bit_xor(hash({table})) from {table}").fetchall()
    except duckdb.Error as problem:
        return [f"table {table} cannot be read: {str(problem).splitlines()[0]}"]
    return []


def _changed_migrations(connection: duckdb.DuckDBPyConnection, migrations: Sequence[Migration]) -> list[str]:
    checksums = {step.number: step.checksum for step in migrations}
    return [
        f"migration {row.number:04}_{row.name} ran with another text than this perfdb has"
        for row in applied(connection)
        if checksums.get(row.number) != row.checksum
    ]
