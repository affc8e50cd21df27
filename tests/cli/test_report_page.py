"""`perfdb report page`: what it writes where, and what it refuses before any work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.store.conftest import NEW, OLD, small_history


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of `small_history`'s runs, which is the history of the current folder, outside of any git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFDB_DB", str(tmp_path / "h.duckdb"))
    return small_history(tmp_path / "h.duckdb")


def test_a_page_is_written_and_its_size_told(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("report", "page", NEW, "-o", "page.html")

    written = Path("page.html").read_text(encoding="utf-8")
    assert (0, "") == (ran.code, ran.out)
    assert f"wrote page.html: {len(written.encode()) / 1000:.0f} KB, 2 examples\n" == ran.err
    assert written.startswith("<!DOCTYPE html>")


def test_without_a_file_the_page_goes_where_output_goes(perfdb: Run, runs: list[str]) -> None:
    perfdb("report", "page", runs[0], "-o", "page.html")

    ran = perfdb("report", "page", runs[0])

    assert (0, Path("page.html").read_text(encoding="utf-8"), "") == (ran.code, ran.out, ran.err)


def test_a_terminal_is_no_place_for_a_page(perfdb: Run, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    ran = perfdb("report", "page", NEW)

    assert (2, "") == (ran.code, ran.out)
    assert "-o page.html" in ran.err


def test_two_revisions_with_a_target_have_their_impact(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("report", "page", NEW, "--against", OLD, "--target", "kuzu.dll", "--example", "simple", "-o", "p.html")

    written = Path("p.html").read_text(encoding="utf-8")
    assert (0, "1 example\n") == (ran.code, ran.err[-10:])
    assert '<h2 id="impact-title">Impact</h2>' in written
    assert f"--against {OLD} --target kuzu.dll --example simple" in written


def test_a_file_is_replaced_only_when_told_to(perfdb: Run, runs: list[str]) -> None:
    Path("page.html").write_text("mine")

    assert 3 == perfdb("report", "page", NEW, "-o", "page.html").code
    assert "mine" == Path("page.html").read_text()
    assert 0 == perfdb("report", "page", NEW, "-o", "page.html", "--force").code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", "kuzu.dll"), "--against REV"),
        (("--margin", "2%"), "go with --against REV"),
    ],
)
def test_words_for_two_sides_need_two(perfdb: Run, runs: list[str], words: tuple[str, ...], told: str) -> None:
    ran = perfdb("report", "page", NEW, *words, "-o", "page.html")

    assert 2 == ran.code
    assert told in ran.err
    assert not Path("page.html").exists()


def test_runs_are_not_compared(perfdb: Run, runs: list[str]) -> None:
    for words in ((runs[0], "--against", OLD), (NEW, "--against", runs[0])):
        ran = perfdb("report", "page", *words, "-o", "page.html")

        assert 2 == ran.code
        assert f"asked to compare {runs[0]}, found that it is a run" in ran.err


def test_the_commands_of_a_page_give_the_same_page(perfdb: Run, runs: list[str]) -> None:
    perfdb("report", "page", NEW, "--against", OLD, "--margin", "2%", "-o", "first.html")
    first = Path("first.html").read_text(encoding="utf-8")
    (call,) = (line for line in first.splitlines() if "perfdb report page" in line)

    words = call.partition("<code>")[2].partition("</code>")[0].split()[1:]
    assert 0 == perfdb(*words).code
    assert Path("page.html").read_text(encoding="utf-8") == first


def test_what_regressed_within_programs_that_improved_stands_first(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "p.html"
    assert 0 == perfdb("report", "page", "bulk-insert", "--against", "main", "-o", target).code

    said = "3 of 3 examples improved, but 1 function regressed: ucrtbase.dll!strtod +181.3 ms in templates"
    assert said in target.read_text(encoding="utf-8")
