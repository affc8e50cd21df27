"""Opening a file: every kind that may be found at the path, and what is said of it."""

from __future__ import annotations

import _thread
import multiprocessing
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import pytest

from perfdb import store
from perfdb.errors import DatabaseError, DatabaseLockedError, DatabaseVersionError
from perfdb.store import connection, migrations
from perfdb.store.migrations import Migration
from tests.conftest import CHECKOUT
from tests.store.conftest import small_history
from tests.store.profiles import indexer, new_run


def read(path: Path, wait_s: float = 0) -> None:
    with store.opened_for_read(path, wait_s):
        pass


def write(path: Path, wait_s: float = 0) -> None:
    with store.opened_for_write(path, wait_s):
        pass


BOTH = pytest.mark.parametrize("use", [read, write])
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def leftovers(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each != path)


def test_reading_what_is_not_there_says_how_to_begin(path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"there is no history yet at .*perfdb\.duckdb: type `perfdb record TRACE`"):
        read(path)
    with pytest.raises(DatabaseError, match="there is no history at"):
        store.upgrade(path)
    assert not path.parent.exists()


def test_writing_makes_the_folder_and_the_file_and_nothing_else(path: Path) -> None:
    write(path)
    read(path)

    assert [] == leftovers(path)


def test_a_creation_that_fails_leaves_nothing(path: Path) -> None:
    wrong = [Migration(1, "tables", "create table t (a integer); select nonsense")]
    with pytest.raises(duckdb.Error, match="nonsense"), store.opened_for_write(path, migrations=wrong):
        pass

    assert [] == list(path.parent.iterdir())


def test_two_that_create_at_once_make_one_history(path: Path) -> None:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            write(path, 10)
        except DatabaseLockedError:
            pass
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read(path)

    assert [] == problems
    assert [] == leftovers(path)


def test_creating_what_another_process_has_just_made_and_writes_is_no_mistake(path: Path) -> None:
    write(path)
    path.with_name(path.name + ".wal").touch()
    connection._create(path, None)  # as if the file had not been there a moment ago

    read(path)
    assert [f"{path.name}.wal"] == leftovers(path)


def test_a_log_without_its_database_is_not_mixed_into_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.with_name(path.name + ".wal").write_bytes(b"old log")
    with pytest.raises(DatabaseError, match=r"found perfdb\.duckdb\.wal left by one that is gone"):
        write(path)


FOREIGN: dict[str, tuple[bytes, str]] = {
    "text": (b"hello\n" * 1000, "is not a DuckDB database"),
    "short": (b"hi", "is not a DuckDB database"),
    "empty": (b"", "is an empty file and no database: delete it"),
    "sqlite": (b"SQLite format 3\0" + bytes(4096), "is not a DuckDB database"),
    "trace": (bytes(65536), "is not a DuckDB database"),
}


@BOTH
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, use: Callable[[Path], None], kind: str) -> None:
    content, message = FOREIGN[kind]
    path = tmp_path / "file.duckdb"
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match=message):
        use(path)

    assert content == path.read_bytes()
    assert [] == leftovers(path)


@BOTH
def test_a_real_sqlite_database_is_left_alone(tmp_path: Path, use: Callable[[Path], None]) -> None:
    path = tmp_path / "file.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table run (a)")
    connection.close()
    with pytest.raises(DatabaseError, match="is not a DuckDB database"):
        use(path)


@BOTH
def test_a_folder_is_no_history(tmp_path: Path, use: Callable[[Path], None]) -> None:
    with pytest.raises(DatabaseError, match="is not a file"):
        use(tmp_path)


@BOTH
@pytest.mark.parametrize("keep", [12, 4096, 12_288, 20_000, 300_000])
def test_a_truncated_database_is_a_sentence(history: Path, use: Callable[[Path], None], keep: int) -> None:
    cut = history.read_bytes()[:keep]
    history.write_bytes(cut)
    with pytest.raises(DatabaseError, match="cannot be read as a DuckDB database.*restore it from a backup"):
        use(history)

    assert cut == history.read_bytes()


@BOTH
@pytest.mark.parametrize("statement", ["create table customer (a integer)", "create view sales as select 1 as a"])
def test_a_database_of_another_program_is_left_alone(
    tmp_path: Path, use: Callable[[Path], None], statement: str
) -> None:
    path = tmp_path / "other.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(statement)
    before = path.read_bytes()
    with pytest.raises(
        DatabaseError, match=r"belongs to another program \(it has a table (customer|sales) and no history"
    ):
        use(path)

    assert before == path.read_bytes()


@BOTH
def test_a_newer_history_is_refused_with_what_to_do(history: Path, use: Callable[[Path], None]) -> None:
    newer = Migration(len(migrations.known()) + 1, "future", "create table future (a integer)")
    with store.opened_for_write(history, migrations=[*migrations.known(), newer]):
        pass
    with pytest.raises(
        DatabaseVersionError,
        match=rf"was written by a newer perfdb \(.*schema {newer.number}; this one knows schema {newer.number - 1}\): "
        r"upgrade perfdb \(pip install -U perfdb\) or use another --db",
    ):
        use(history)


@pytest.fixture
def old_history(path: Path) -> Path:
    """A history as the first migration alone leaves it."""
    with store.opened_for_write(path, migrations=migrations.known()[:1]):
        pass
    return path


def test_an_older_history_is_not_upgraded_by_reading(old_history: Path) -> None:
    before = old_history.read_bytes()
    needed = len(migrations.known())
    with pytest.raises(
        DatabaseVersionError, match=rf"older perfdb \(schema 1, this one needs {needed}\): type `perfdb db migrate`"
    ):
        read(old_history)

    assert before == old_history.read_bytes()


def test_an_older_history_is_upgraded_by_writing(old_history: Path) -> None:
    with store.opened_for_write(old_history) as connection:
        store.write_run(connection, indexer(), new_run())
    with store.opened_for_read(old_history) as connection:
        assert 1 == len(store.runs(connection))


def test_upgrade_tells_what_it_did(old_history: Path) -> None:
    assert ["0002_views", "0003_sums", "0004_symbols", "0005_measurements"] == store.upgrade(old_history)
    assert [] == store.upgrade(old_history)


def held(path: str, read_only: bool, ready: object, done: object) -> None:
    """Hold a database open, in a process of its own."""
    with duckdb.connect(path, read_only=read_only):
        ready.set()  # type: ignore[attr-defined]
        done.wait(30)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("use", "their_read_only"), [(read, False), (write, False), (write, True)])
def test_a_locked_history_is_told_with_its_holder(
    history: Path, use: Callable[[Path, float], None], their_read_only: bool
) -> None:
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=held, args=(str(history), their_read_only, ready, done))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(DatabaseLockedError, match=r"is in use by .*: try again when it is done") as told:
            use(history, 0)
        with pytest.raises(DatabaseLockedError, match=r"\(waited 0\.2 s\)"):
            use(history, 0.2)
        if sys.platform == "linux":
            assert f"process {other.pid}" in str(told.value)
        threading.Timer(0.2, done.set).start()
        use(history, 20)  # waits until the other one is done
    finally:
        done.set()
        other.join()


def test_two_ways_of_opening_in_one_program_are_told_apart(history: Path) -> None:
    with (
        store.opened_for_read(history),
        pytest.raises(DatabaseLockedError, match="open in this same program already"),
        store.opened_for_write(history, 0),
    ):
        pass


def test_several_may_read_at_once(history: Path) -> None:
    with store.opened_for_read(history) as one, store.opened_sandboxed(history) as two:
        assert len(store.runs(one)) == len(store.run_sql(two, "select * from run").rows)


@pytest.mark.parametrize("second", [store.opened_for_read, store.opened_for_write])
def test_a_second_connection_does_not_take_the_lock_of_the_first_along(
    history: Path, second: Callable[[Path], store.Opened]
) -> None:
    """On POSIX a lock is lost when its process closes any other handle of the file, as a look at its head would."""
    write_it = "import sys; from tests.store.test_connection import Path, write; write(Path(sys.argv[1]))"
    with second(history):
        with second(history):
            pass
        ran = subprocess.run(
            [sys.executable, "-c", write_it, str(history)], capture_output=True, text=True, cwd=CHECKOUT, check=False
        )

    assert "DatabaseLockedError" in ran.stderr


AS_NOBODY = """
import os, sys
from pathlib import Path
import numpy, duckdb, polars
from perfdb import store
from perfdb.errors import PerfdbError
from tests.store.profiles import indexer, new_run

duckdb.connect().execute("select 1").fetchall()
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    with getattr(store, sys.argv[2])(Path(sys.argv[1]), 0) as connection:
        print(len(store.runs(connection)))
except PerfdbError as problem:
    print(type(problem).__name__, problem)
"""


@pytest.fixture
def public_history() -> Iterator[Path]:
    """A history in a folder that every user may enter, as pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="perfdb-test-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "history" / "perfdb.duckdb"
        small_history(path)
        path.parent.chmod(0o755)
        yield path
        path.parent.chmod(0o755)


def as_nobody(path: Path, use: str) -> str:
    """What a process whom permissions bind is told: this user's, or nobody's where this is root."""
    ran = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(path), use], capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@POSIX
def test_a_read_only_file_can_be_read_but_not_written(public_history: Path) -> None:
    public_history.chmod(0o444)

    assert "5" == as_nobody(public_history, "opened_for_read")
    assert f"DatabaseError {public_history} is read-only: change its permissions, or use another --db" == as_nobody(
        public_history, "opened_for_write"
    )


@POSIX
def test_a_file_that_may_not_be_read_is_told(public_history: Path) -> None:
    public_history.chmod(0o000)

    assert f"DatabaseError cannot read {public_history} (Permission denied): check its permissions" == as_nobody(
        public_history, "opened_for_read"
    )


@POSIX
def test_a_read_only_folder_can_be_read_but_not_written(public_history: Path) -> None:
    folder = public_history.parent
    public_history.chmod(0o666)
    folder.chmod(0o555)
    missing = public_history.with_name("other.duckdb")

    assert "5" == as_nobody(public_history, "opened_for_read")
    assert as_nobody(public_history, "opened_for_write").startswith(f"DatabaseError the folder {folder} is read-only")
    assert as_nobody(missing, "opened_for_write").startswith(f"DatabaseError cannot make {missing}")
    assert [] == leftovers(public_history)


@POSIX
def test_a_folder_that_may_not_be_entered_is_told(public_history: Path) -> None:
    public_history.parent.chmod(0o000)
    for use in ("opened_for_read", "opened_for_write"):
        assert as_nobody(public_history, use).startswith(f"DatabaseError cannot look for {public_history} (Permission")


def test_the_file_can_be_read_by_the_oldest_duckdb(history: Path) -> None:
    """DuckDB 2.0's own format shuts out 1.5; a file says which format it has in its header."""
    with duckdb.connect(history, read_only=True) as connection:
        row = connection.execute(
            "select tags['storage_version'] from duckdb_databases() where path is not null"
        ).fetchone()

    assert ("v1.5.0+",) == row


def test_migrations_run_in_order_and_say_so(path: Path) -> None:
    steps: Sequence[Migration] = [
        Migration(1, "a", "create table a (x integer)"),
        Migration(2, "b", "create table b (x integer)"),
    ]
    with store.opened_for_write(path, migrations=steps) as connection:
        assert [(1, "a"), (2, "b")] == [(each.number, each.name) for each in migrations.applied(connection)]
        assert [] == migrations.pending(connection, steps)
        assert [each.checksum for each in steps] == [each.checksum for each in migrations.applied(connection)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    first = Migration(1, "a", "create table a (x integer)")
    with store.opened_for_write(path, migrations=[first]):
        pass
    bad = Migration(2, "b", "create table b (x integer); insert into a values (1); insert into nonsense values (1)")
    with pytest.raises(duckdb.Error, match="nonsense"), store.opened_for_write(path, migrations=[first, bad]):
        pass
    with store.opened_for_read(path, migrations=[first]) as connection:
        tables = connection.execute("select table_name from duckdb_tables() order by all").fetchall()
        assert [("a",), ("schema_migration",)] == tables
        assert [bad] == migrations.pending(connection, [first, bad])


def test_a_migration_that_was_changed_after_it_ran_is_found_out(history: Path) -> None:
    first, *rest = migrations.known()
    changed = [Migration(1, first.name, first.sql + "\n-- a word more"), *rest]
    with (
        pytest.raises(DatabaseError, match="another text of migration 0001_tables"),
        store.opened_for_read(history, migrations=changed),
    ):
        pass


def test_line_ends_do_not_change_a_checksum() -> None:
    assert Migration(1, "a", "x\ny\n").checksum == Migration(1, "a", "x\r\ny\r\n").checksum


def test_the_migrations_are_numbered_without_gaps() -> None:
    assert [1, 2, 3, 4, 5] == [step.number for step in migrations.known()]


@pytest.mark.parametrize("use", [store.opened_for_read, store.opened_for_write])
def test_ctrl_c_during_a_statement_is_a_keyboard_interrupt(
    path: Path, use: Callable[[Path], connection.Opened]
) -> None:
    write(path)
    pressed = threading.Timer(0.2, _thread.interrupt_main)
    pressed.start()

    with pytest.raises(KeyboardInterrupt), use(path) as opened:
        opened.execute("select count(*) from range(1_000_000_000_000) numbers where range % 7 = 3").fetchall()

    pressed.join()
    read(path)


def test_ctrl_c_while_duckdb_takes_columns_is_a_keyboard_interrupt(path: Path) -> None:
    class Columns:
        def __arrow_c_stream__(self, _: object = None) -> object:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.opened_for_write(path) as opened:
        opened.register("incoming", Columns())
