"""The program as a whole: help, versions, exit codes, streams, and the databases that it refuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from perfdb import __version__
from perfdb.cli import entry
from perfdb.cli.app import COMMANDS
from tests.cli.conftest import Run
from tests.conftest import CHECKOUT
from tests.golden import assert_golden
from tests.traces import small_trace

NAMES = [name for name, _ in COMMANDS]


def test_help_is_the_golden(perfdb: Run) -> None:
    ran = perfdb("--help")

    assert ran.code == 0
    assert_golden("help.txt", ran.out)


@pytest.mark.parametrize("name", [*NAMES, "db"])
def test_every_command_has_help(perfdb: Run, name: str) -> None:
    assert perfdb(name, "--help").out.startswith("Usage: perfdb")


def test_version(perfdb: Run) -> None:
    assert f"perfdb {__version__}\n" == perfdb("--version").out


@pytest.mark.parametrize("words", [("nonsense",), ("diff",), ("show", "--by", "line"), ("runs", "--top", "-1")])
def test_wrong_usage_exits_2(perfdb: Run, words: tuple[str, ...]) -> None:
    ran = perfdb(*words)

    assert (2, "") == (ran.code, ran.out)
    assert "Usage: perfdb" in ran.err


def test_every_command_is_in_the_readme(perfdb: Run) -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    missing = [name for name in [*NAMES, "db"] if f"perfdb {name}" not in readme]
    assert missing == []


def test_every_command_and_option_that_the_readme_shows_exists(perfdb: Run) -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")

    helps = {name: perfdb(name, "--help").out for name in [*NAMES, "db"]}
    for name, rest in re.findall(r"perfdb (record|runs|show|diff|sql|query|doctor|demo|db)\b([^`\n]*)", readme):
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in helps[name], f"README shows perfdb {name} {option}"


def test_a_bug_keeps_its_traceback(perfdb: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfdb.api.open_history", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        perfdb("runs")


@pytest.mark.parametrize("words", [("runs",), ("show",), ("diff", "a", "b"), ("sql", "select 1"), ("db", "info")])
def test_no_history_yet(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)

    ran = perfdb(*words)

    assert (3, "") == (ran.code, ran.out)
    assert "there is no history yet" in ran.err
    assert "perfdb record" in ran.err
    assert [] == list(tmp_path.iterdir())


def test_a_database_of_another_program_is_not_touched(
    perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.etl").write_bytes(small_trace())
    foreign = tmp_path / "notes.txt"
    foreign.write_text("these are my notes, not a database\n" * 100)

    for words in (("runs",), ("record", "a.etl", "--commit", "c1"), ("db", "migrate")):
        ran = perfdb("--db", foreign, *words)

        assert (3, "") == (ran.code, ran.out)
        assert "is not a DuckDB database" in ran.err
    assert foreign.read_text().startswith("these are my notes")


def test_a_locked_database_is_said_in_a_sentence(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.etl").write_bytes(small_trace())
    (tmp_path / "perfdb.toml").write_text('database = "h.duckdb"\nlock_wait_s = 0\n')
    assert perfdb("record", "a.etl", "--commit", "c1").code == 0
    code = "import duckdb, sys; c = duckdb.connect('h.duckdb'); print('ready', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert b"ready" in holder.stdout.readline()
        for words in (("runs",), ("record", "a.etl", "--commit", "c2")):
            ran = perfdb(*words)

            assert (3, "") == (ran.code, ran.out)
            assert "is in use by" in ran.err
            assert "try again" in ran.err
    finally:
        holder.communicate()


def test_settings_that_say_nonsense(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "perfdb.toml").write_text("databse = 'x'\n")

    ran = perfdb("runs")

    assert (3, "") == (ran.code, ran.out)
    assert "Did you mean 'database'?" in ran.err


def test_the_environment_names_a_database(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFDB_DB", str(tmp_path / "elsewhere.duckdb"))
    (tmp_path / "a.etl").write_bytes(small_trace())

    assert perfdb("record", "a.etl", "--commit", "c1").code == 0
    assert (tmp_path / "elsewhere.duckdb").exists()


def run_process(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "perfdb", *words], env=environment, capture_output=True, check=False, **options
    )


def test_a_real_process_keeps_its_streams_apart(demo_folder: Path) -> None:
    good = run_process("runs", "--format", "json", cwd=demo_folder)
    bad = run_process("diff", "main", "nonsense", cwd=demo_folder)

    assert (0, b"") == (good.returncode, good.stderr)
    assert good.stdout.startswith(b"[")
    assert (3, b"") == (bad.returncode, bad.stdout)
    assert bad.stderr.startswith(b"error: ")
    assert b"Traceback" not in bad.stderr


@pytest.mark.skipif(os.name == "nt", reason="pipes of Windows do not break")
def test_a_reader_that_goes_away_is_no_error(demo_folder: Path) -> None:
    words = ["sql", "select range from range(200000)", "--format", "csv"]
    # Unbuffered, Python takes half a write for a whole one, and the rest of ours would end in silence.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    program = subprocess.Popen(
        [sys.executable, "-m", "perfdb", *words],
        cwd=demo_folder,
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()

    assert b"" == program.stderr.read()
    assert 141 == program.wait()
    program.stderr.close()


def test_a_console_that_knows_no_unicode_still_gets_an_answer(demo_folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "ascii"}
    words = [sys.executable, "-m", "perfdb", "diff", "main", "bulk-insert"]
    ran = subprocess.run(words, cwd=demo_folder, env=environment, capture_output=True, check=False)

    assert (0, b"") == (ran.returncode, ran.stderr)
    assert b"kuzu_shared.dll" in ran.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_takes_nothing_is_said(demo_folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "perfdb", "runs"],
            cwd=demo_folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert 3 == ran.returncode
    assert b"No space left" in ran.stderr
    assert b"Traceback" not in ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell of Windows closes no streams")
def test_a_closed_output_is_no_bug(demo_folder: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m perfdb runs >&-"],
        cwd=demo_folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (ran.returncode, ran.stderr)


def test_a_demo_where_nothing_can_be_written(perfdb: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    ran = perfdb("demo", "--keep", tmp_path / "file" / "demo")

    assert 3 == ran.code
    assert "cannot be" in ran.err


@pytest.mark.parametrize("output", ["table", "markdown", "csv", "json"])
@pytest.mark.parametrize(
    "words",
    [
        ("runs",),
        ("show", "main"),
        ("diff", "main", "bulk-insert"),
        ("sql", "select 1 as a, 2 as a"),
        ("query", "--list"),
        ("query", "hotspots"),
        ("db", "info"),
        ("doctor",),
    ],
)
def test_every_table_in_every_format(perfdb: Run, demo: Path, words: tuple[str, ...], output: str) -> None:
    ran = perfdb(*words, "--format", output)

    assert (0, "") == (ran.code, ran.err)
    assert ran.out
    if output == "json":
        json.loads(ran.out)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), ImportError("initialization failed")])
def test_ctrl_c_before_a_command_has_begun_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    raised.__cause__ = KeyboardInterrupt()

    def interrupted() -> int:
        raise raised

    monkeypatch.setattr("perfdb.cli.main", interrupted)

    with pytest.raises(SystemExit) as ended:
        entry()

    assert 130 == ended.value.code


def test_a_part_that_cannot_be_imported_is_no_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise ImportError("no module of that name")

    monkeypatch.setattr("perfdb.cli.main", broken)

    with pytest.raises(ImportError, match="no module of that name"):
        entry()
