"""Bringing a database file to the tables that this perfdb knows: numbered steps, forward only.

    migrations/0001_tables.sql, 0002_views.sql, ...        table schema_migration: one row a step that has run

A step and its row commit together, so a step that fails leaves the file as it was. The row keeps a checksum of the
step's text: a step that was changed after it ran is found out. `applied`, `pending` and `verify` only read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import duckdb

from perfdb import __version__
from perfdb.errors import DatabaseError, DatabaseVersionError
from perfdb.store.atomic import atomic
from perfdb.store.resources import folder, read_sql

_FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

_CREATE_RECORD = """
create table if not exists schema_migration (
    number integer not null,
    name varchar not null,
    checksum varchar not null,
    applied_at timestamp not null,
    perfdb_version varchar not null
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its name and its SQL."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256, in hex, of the text with lines ended by LF."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """A step that has run in this file; `applied_at` is in UTC."""

    number: int
    name: str
    checksum: str
    applied_at: datetime
    perfdb_version: str


@cache
def known() -> tuple[Migration, ...]:
    """The steps that this perfdb knows, in order."""
    steps = []
    for path in sorted(folder("migrations").glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: a migration is named 0001_words.sql")
        steps.append(Migration(int(match[1]), match[2], read_sql(path)))
    if [step.number for step in steps] != list(range(1, len(steps) + 1)):
        raise ValueError(f"{folder('migrations')}: the numbers of the migrations are not 1, 2, 3, ...")
    return tuple(steps)


def applied(connection: duckdb.DuckDBPyConnection) -> list[AppliedMigration]:
    """The steps that have run in this file, in order; none in a file that has no schema_migration."""
    if "schema_migration" not in _tables(connection):
        return []
    rows = connection.execute(
        "select number, name, checksum, applied_at, perfdb_version from schema_migration order by number"
    ).fetchall()
    return [AppliedMigration(number, name, sum_, at.replace(tzinfo=UTC), by) for number, name, sum_, at, by in rows]


def pending(connection: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """The steps that have not run in this file yet, in order."""
    done = {step.number for step in applied(connection)}
    return [step for step in (known() if migrations is None else migrations) if step.number not in done]


def verify(connection: duckdb.DuckDBPyConnection, path: str, migrations: Sequence[Migration] | None = None) -> None:
    """Raise where the file is another program's, a newer perfdb's, or has run a step that reads differently here."""
    steps = {step.number: step for step in (known() if migrations is None else migrations)}
    tables = _tables(connection)
    if tables and "schema_migration" not in tables:
        raise DatabaseError(
            f"{path} belongs to another program (it has a table {min(tables)} and no history): use another --db"
        )
    for row in applied(connection):
        step = steps.get(row.number)
        if step is None:
            raise DatabaseVersionError(
                f"{path} was written by a newer perfdb ({row.perfdb_version}, schema {row.number}; this one knows "
                f"schema {max(steps, default=0)}): upgrade perfdb (pip install -U perfdb) or use another --db"
            )
        if step.checksum != row.checksum:
            raise DatabaseError(
                f"{path} was made with another text of migration {row.number:04}_{row.name} (by perfdb "
                f"{row.perfdb_version}): install a released perfdb, or record into another --db"
            )


def require_current(
    connection: duckdb.DuckDBPyConnection, path: str, migrations: Sequence[Migration] | None = None
) -> None:
    """Raise DatabaseVersionError where the file is older than this perfdb; reading never upgrades."""
    waiting = pending(connection, migrations)
    if waiting:
        raise DatabaseVersionError(
            f"{path} was written by an older perfdb (schema {waiting[0].number - 1}, this one needs "
            f"{waiting[-1].number}): type `perfdb db migrate` to upgrade it"
        )


def apply(
    connection: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] | None = None, now: datetime | None = None
) -> list[Migration]:
    """Run the steps that are pending, each in a transaction of its own, and return them."""
    waiting = pending(connection, migrations)
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    for step in waiting:
        with atomic(connection):
            connection.execute(_CREATE_RECORD)
            connection.execute(step.sql)
            connection.execute(
                "insert into schema_migration values ($number, $name, $checksum, $moment, $version)",
                {
                    "number": step.number,
                    "name": step.name,
                    "checksum": step.checksum,
                    "moment": moment,
                    "version": __version__,
                },
            )
    return waiting


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = current_database() and not internal "
        "union all select view_name from duckdb_views() where database_name = current_database() and not internal"
    ).fetchall()
    return {name for (name,) in rows}
