"""Opening the database file: for reading, for writing, and what may stand in the way of either.

A history is one DuckDB file. One process may write it, or several may read it, never both at once: DuckDB locks the
file. So connections are opened late and closed early, and a lock is waited for.

Reading connections are sealed: read-only, no files, no network, no extensions, no Python variables, and the settings
locked. All of them are, since DuckDB wants one configuration for all connections of a process to one file.

A file is made under another name and then moved, so that no half-made one is ever found at its place. Why DuckDB does
not take a file is found out by its first bytes, but only after DuckDB refused it: on POSIX, closing a file drops every
lock that the process has on it, and with it that of a connection which another part of the program holds.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import duckdb

from perfdb.errors import DatabaseError, DatabaseLockedError, DatabaseVersionError
from perfdb.store import migrations as steps

Connection = duckdb.DuckDBPyConnection
Opened = AbstractContextManager[Connection]
"""A connection for the length of a `with` block."""

STORAGE_VERSION = "v1.5.0"
"""The file format of new files: one that the oldest DuckDB perfdb runs with can read, as it cannot DuckDB 2.0's own."""

_RETRY_S = 0.05
_MAGIC = slice(8, 12)

_BASE_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
SEALED_CONFIG = _BASE_CONFIG | {"enable_external_access": False}
"""DuckDB's settings of connections that only read."""
WRITER_CONFIG = _BASE_CONFIG | {"storage_compatibility_version": STORAGE_VERSION}
"""DuckDB's settings of connections that write."""

_SEAL = """
set TimeZone = 'UTC';
set python_enable_replacements = false;
set disabled_filesystems = 'LocalFileSystem';
set lock_configuration = true;
"""

# The last: another thread of this process is just opening the same file.
_LOCKED = re.compile(
    r"Could not set lock on file|being used by another process|is already attached by database", re.IGNORECASE
)
_HOLDER = re.compile(r"\(PID (\d+)\)")


@contextmanager
def opened_for_read(
    path: Path, lock_wait_s: float = 5.0, migrations: Sequence[steps.Migration] | None = None
) -> Iterator[Connection]:
    """A sealed, read-only connection to a current history; it is closed at the end of the block.

    Raises DatabaseError where there is no history, DatabaseVersionError where it is older or newer than this perfdb,
    DatabaseLockedError where another process writes it for longer than `lock_wait_s` seconds (0: try once).
    """
    if not _is_there(path):
        raise DatabaseError(
            f"there is no history yet at {path}: type `perfdb record TRACE` to begin one, or name another with --db"
        )
    connection = _connect(path, lock_wait_s, lambda: duckdb.connect(path, read_only=True, config=SEALED_CONFIG))
    with _closing(connection, path):
        _seal(connection)
        steps.verify(connection, str(path), migrations)
        steps.require_current(connection, str(path), migrations)
        yield connection


def opened_sandboxed(path: Path, lock_wait_s: float = 5.0) -> Opened:
    """A connection for SQL that people type: every reading one is sealed, so this is `opened_for_read`."""
    return opened_for_read(path, lock_wait_s)


@contextmanager
def opened_for_write(
    path: Path, lock_wait_s: float = 5.0, migrations: Sequence[steps.Migration] | None = None
) -> Iterator[Connection]:
    """A connection that may write, to a history that is made or upgraded first; it is closed at the end of the block.

    Raises as `opened_for_read`, and DatabaseError where the file or its folder cannot be written.
    """
    if not _is_there(path):
        _create(path, migrations)
    _refuse_unwritable(path)
    with _closing(_connect(path, lock_wait_s, lambda: _connect_writer(path)), path) as connection:
        steps.verify(connection, str(path), migrations)
        steps.apply(connection, migrations)
        yield connection


def upgrade(path: Path, lock_wait_s: float = 5.0, migrations: Sequence[steps.Migration] | None = None) -> list[str]:
    """Bring an existing history to this perfdb's schema; the names of the steps that ran, none where it was current."""
    if not _is_there(path):
        raise DatabaseError(f"there is no history at {path} to upgrade: `perfdb record TRACE` begins one")
    _refuse_unwritable(path)
    with _closing(_connect(path, lock_wait_s, lambda: _connect_writer(path)), path) as connection:
        steps.verify(connection, str(path), migrations)
        return [f"{step.number:04}_{step.name}" for step in steps.apply(connection, migrations)]


def _connect_writer(path: Path) -> Connection:
    return duckdb.connect(path, config=WRITER_CONFIG)


@contextmanager
def _closing(connection: Connection, path: Path) -> Iterator[Connection]:
    """Close at the end of the block; what DuckDB finds broken in the file on the way becomes a sentence.

    Ctrl+C during a statement is a KeyboardInterrupt, as anywhere else: DuckDB makes errors of its own of it.
    """
    try:
        yield connection
    except (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException) as problem:
        raise _damaged(path, problem) from problem
    except (RuntimeError, duckdb.Error) as problem:
        if isinstance(problem.__cause__, KeyboardInterrupt) or str(problem).startswith("KeyboardInterrupt"):
            raise KeyboardInterrupt from problem
        raise
    finally:
        connection.close()


def _seal(connection: Connection) -> None:
    """Close every way out of the database; a no-op where another connection of this process has done it."""
    [(is_sealed,)] = connection.execute("select current_setting('lock_configuration')").fetchall()
    if not is_sealed:
        connection.execute(_SEAL)


def _create(path: Path, migrations: Sequence[steps.Migration] | None) -> None:
    """Make an empty history under a name of its own, then give it its place, unless another process was faster."""
    # In this order: another process that creates the history gives it its place before it has a log.
    if path.with_name(path.name + ".wal").exists() and not path.exists():
        raise DatabaseError(
            f"asked to begin a history at {path}, found {path.name}.wal left by one that is gone: move it away first"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise DatabaseError(f"cannot make the folder {path.parent} ({problem.strerror}): use another --db") from problem
    if not os.access(path.parent, os.W_OK):
        raise DatabaseError(f"cannot make {path} (the folder {path.parent} is read-only): use another --db")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    try:
        with _closing(_connect(path, 0, lambda: _connect_writer(draft)), path) as connection:
            steps.apply(connection, migrations)
        with suppress(FileExistsError):
            _move_to_free_place(draft, path)
    except OSError as problem:
        raise DatabaseError(f"cannot make {path} ({problem.strerror}): use another --db") from problem
    finally:
        for left in (draft, draft.with_name(draft.name + ".wal")):
            left.unlink(missing_ok=True)


def _move_to_free_place(draft: Path, path: Path) -> None:
    """Rename without ever replacing a file, which `os.rename` does everywhere but on Windows."""
    if os.name == "nt":
        draft.rename(path)
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as a USB stick's
        draft.replace(path)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as problem:
        raise DatabaseError(f"cannot look for {path} ({problem.strerror}): check the folder's permissions") from problem


def _refuse_foreign(path: Path) -> None:
    """Raise where a path is no file, or a file whose first bytes are not DuckDB's; see the module's docstring."""
    if not path.is_file():
        raise DatabaseError(f"{path} is not a file, so it holds no history: name a file with --db")
    try:
        with path.open("rb") as file:
            head = file.read(_MAGIC.stop)
    except OSError as problem:
        raise DatabaseError(f"cannot read {path} ({problem.strerror}): check its permissions") from problem
    if not head:
        raise DatabaseError(f"{path} is an empty file and no database: delete it, or use another --db")
    if head[_MAGIC] != b"DUCK":
        raise DatabaseError(f"{path} is not a DuckDB database, so it holds no history: use another --db")


def _refuse_unwritable(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise DatabaseError(f"{path} is read-only: change its permissions, or use another --db")
    if not os.access(path.parent, os.W_OK):
        raise DatabaseError(
            f"the folder {path.parent} is read-only, and a history needs room beside it for its log: use another --db"
        )


def _connect(path: Path, lock_wait_s: float, connect: Callable[[], Connection]) -> Connection:
    """Connect, trying again while another process holds the file, for up to `lock_wait_s` seconds."""
    give_up = time.monotonic() + lock_wait_s
    while True:
        try:
            return connect()
        except duckdb.ConnectionException as problem:
            raise DatabaseLockedError(
                f"{path} is open in this same program already, in another way: close that connection first"
            ) from problem
        except duckdb.Error as problem:
            if not _LOCKED.search(str(problem)):
                raise _cannot_open(path, problem) from problem
            if time.monotonic() >= give_up:
                raise _locked(path, lock_wait_s, problem) from problem
            time.sleep(_RETRY_S)


def _locked(path: Path, lock_wait_s: float, problem: duckdb.Error) -> DatabaseLockedError:
    holder = _HOLDER.search(str(problem))
    who = f"process {holder[1]}" if holder else "another process"
    waited = f" (waited {lock_wait_s:g} s)" if lock_wait_s else ""
    return DatabaseLockedError(f"{path} is in use by {who}{waited}: try again when it is done")


def _cannot_open(path: Path, problem: duckdb.Error) -> DatabaseError:
    if path.exists():
        _refuse_foreign(path)
    text = str(problem)
    if "read a database file with version number" in text:
        return DatabaseVersionError(
            f"{path} was written by a newer DuckDB than {duckdb.__version__}: upgrade it (pip install -U duckdb) "
            "or use another --db"
        )
    if "Permission denied" in text or "Access is denied" in text or "Read-only file system" in text:
        return DatabaseError(
            f"{path} cannot be opened (permission denied): change its permissions, or use another --db"
        )
    return _damaged(path, problem)


def _damaged(path: Path, problem: duckdb.Error) -> DatabaseError:
    return DatabaseError(
        f"{path} cannot be read as a DuckDB database ({str(problem).splitlines()[0]}): "
        "restore it from a backup, or use another --db"
    )
