"""The program on a real terminal: its width, its colours, `-v`, and names of strangers in every line."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from wcwidth import wcswidth

from tests.cli.conftest import Run

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

DIFF = ("diff", "main", "bulk-insert")
COMMANDS = {
    "diff": DIFF,
    "show": ("show", "main", "--example", "simple"),
    "runs": ("runs", "--top", "3"),
    "query": ("query", "runs_by_commit"),
    "list": ("query", "--list"),
    "doctor": ("doctor",),
    "error": ("show", "no-such-revision-" * 8),
}
RED, GREEN, ESCAPE = "\x1b[31m", "\x1b[32m", "\x1b"


def on_terminal(
    *words: str | Path, width: int = 80, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What `perfdb` writes to a terminal of so many columns, colours and all, from both of its streams."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    command = [sys.executable, "-m", "perfdb", *map(str, words)]
    terminal = kept | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"} | dict(environ or {})
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=terminal, cwd=cwd) as child:
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 1 << 16):
                written += piece
        except OSError:  # how Linux says that the other side has closed
            pass
    os.close(ours)
    assert child.returncode in (0, 2, 3)
    return written.decode().replace("\r\n", "\n")


def bare(text: str) -> str:
    """The text without colours."""
    return re.sub(r"\x1b\[\d+m", "", text)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("command", ["diff", "show"])
def test_no_line_is_wider_than_the_terminal(demo: Path, command: str, width: int) -> None:
    printed = bare(on_terminal(*COMMANDS[command], width=width))

    assert width >= max(map(wcswidth, printed.split("\n")))
    assert "kuzu_shared.dll" in printed


@pytest.mark.parametrize("command", ["runs", "query", "list", "doctor", "error"])
def test_no_line_of_any_command_is_wider_than_a_narrow_terminal(demo: Path, command: str) -> None:
    printed = on_terminal(*COMMANDS[command], width=50)

    assert 50 >= max(map(wcswidth, printed.split("\n")))
    assert len(printed.splitlines()) > 2


def test_what_finds_no_room_is_told_with_the_way_to_see_it(demo: Path) -> None:
    last = on_terminal("runs", "--top", "3", width=80).splitlines()[-1]

    assert "not shown: machine, process, hottest module, %, older runs (-v shows all)" == last
    assert "not shown" not in on_terminal("runs", width=200)


def test_the_columns_that_are_set_are_the_width(demo: Path) -> None:
    printed = bare(on_terminal(*DIFF, width=200, environ={"COLUMNS": "70"}))

    assert 60 < max(map(wcswidth, printed.split("\n"))) <= 70


def test_colours_say_the_direction_on_a_terminal_only(perfdb: Run, demo: Path) -> None:
    words = (*DIFF, "--example", "templates", "--by", "module")

    coloured = on_terminal(*words, width=200)
    piped = perfdb(*words).out

    assert {f"{RED}regressed", f"{GREEN}improved"} <= set(re.findall(r"\x1b\[3.m[a-z]+", coloured))
    assert ESCAPE not in piped
    assert piped == bare(coloured)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "0"}, {"TERM": "dumb"}, {"CLICOLOR": "0"}])
def test_who_wants_no_colours_gets_none(demo: Path, environ: dict[str, str]) -> None:
    printed = on_terminal(*DIFF, "--example", "templates", "--by", "module", environ=environ)

    assert ESCAPE not in printed
    assert "regressed" in printed


def test_an_empty_no_color_is_none(demo: Path) -> None:
    assert RED in on_terminal(*DIFF, "--example", "templates", "--by", "module", environ={"NO_COLOR": ""})


def test_verbose_shows_every_row_column_and_name_however_narrow_the_terminal(perfdb: Run, demo: Path) -> None:
    for words in (DIFF, COMMANDS["show"], COMMANDS["query"], ("sql", "from run_summary")):
        printed = bare(on_terminal(*words, "-v", width=60))

        assert perfdb(*words, "--verbose").out == printed
        assert "not shown" not in printed
    assert "more are in the JSON" not in perfdb(*DIFF, "-v").out
    assert "more are in the JSON" in perfdb(*DIFF).out


def test_verbose_lifts_the_number_of_rows_but_not_one_that_was_typed(perfdb: Run, demo: Path) -> None:
    def rows(*words: str) -> int:
        ran = perfdb("show", "main", "--example", "simple", "--format", "json", *words)
        return len(json.loads(ran.out)["examples"][0]["functions"])

    assert 15 == rows()
    assert rows("--top", "0") == rows("-v") > 15
    assert 2 == rows("-v", "--top", "2")
    assert perfdb("diff", "main", "bulk-insert", "--top", "0").out.count("\n") < perfdb(*DIFF, "-v").out.count("\n")


@pytest.fixture
def hostile(perfdb: Run, tmp_path: Path) -> Path:
    """A history of functions that would colour, overwrite, retitle, reverse and hide, and a file named like them."""
    functions = (
        "\x1b[2Jgone",
        "\x1b]2title\x07",
        "a\u202eb",
        "a\u200bb",
        "ab",
        "日本語の関数" * 12,
        "f<" + "int, " * 90 + ">",
    )
    folded = "".join(f"a.exe!main;b.dll!{function} {weight + 1}\n" for weight, function in enumerate(functions))
    (tmp_path / "x.folded").write_text(folded, encoding="utf-8")
    assert 0 == perfdb("--db", tmp_path / "h.duckdb", "record", tmp_path / "x.folded", "--commit", "f" * 40).code
    return tmp_path


@pytest.mark.parametrize("words", [("show",), ("show", "-v"), ("query", "hotspots"), ("sql", "from function_cost")])
def test_names_of_strangers_are_text(hostile: Path, words: tuple[str, ...]) -> None:
    printed = on_terminal("--db", hostile / "h.duckdb", *words, width=300, cwd=hostile)

    assert r"\x1b[2Jgone" in printed
    assert r"\x1b]2title\x07" in printed
    assert r"a\u200bb" in printed
    assert [] == re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", bare(printed))


def test_wide_names_of_strangers_keep_their_columns(hostile: Path) -> None:
    printed = on_terminal("--db", hostile / "h.duckdb", "show", "--by", "function", width=70, cwd=hostile)

    rows = [line for line in printed.splitlines() if line.startswith("b.dll!")]
    assert 7 == len(set(rows))
    assert 1 == len({wcswidth(row) for row in rows})


def test_messages_do_not_obey_the_names_they_tell(hostile: Path) -> None:
    (hostile / "[bold]\x1b[2J.folded").write_text("a.exe!main;b.dll!f x\n")

    printed = on_terminal("--db", "h.duckdb", "record", "[[]*.folded", "--commit", "e" * 40, cwd=hostile)

    assert r"\x1b[2J.folded" in printed
    assert ESCAPE not in printed
