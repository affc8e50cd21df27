"""The progress bar: on a terminal only, and only for work of more than a second."""

from __future__ import annotations

import io

import pytest

from perfdb.cli import progress


class Terminal(io.StringIO):
    """Standard error as a terminal would be."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("perfdb.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_short_work_shows_nothing(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with progress.ProgressBar() as bar:
        clock[0] += 0.9
        bar.show("a.etl", 1, 2)

    assert "" == terminal.getvalue()


def test_long_work_shows_how_far_it_is(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with progress.ProgressBar() as bar:
        clock[0] += 1.5
        bar.show("a.etl", 1, 4)
        bar.show("a.etl", 3, 4)

    assert "a.etl" in terminal.getvalue()
    assert "75%" in terminal.getvalue()


def test_a_log_file_gets_no_bar(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)

    with progress.ProgressBar() as bar:
        clock[0] += 100
        bar.show("a.etl", 1, 2)

    assert "" == log.getvalue()


def test_a_hidden_bar_is_erased_and_comes_back(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with progress.ProgressBar() as bar:
        clock[0] += 1.5
        bar.show("a.etl", 1, 4)
        bar.hide()
        erased = len(terminal.getvalue())
        assert terminal.getvalue().endswith("\x1b[2K")
        bar.hide()
        assert erased == len(terminal.getvalue())
        bar.show("b.etl", 2, 0)

    assert "b.etl" in terminal.getvalue()[erased:]


def test_names_of_files_are_neither_markup_nor_escapes(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)

    with progress.ProgressBar() as bar:
        clock[0] += 1.1
        bar.show("[red]a[/b]\x1b[2J.etl", 1, 2)

    assert "[red]a[/b]\\x1b[2J.etl" in terminal.getvalue()
