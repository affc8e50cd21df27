"""`perfdb report regressions`: the report of the demo, where it goes, and what it fails on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.golden import assert_golden


def test_the_demos_report(perfdb: Run, demo: Path) -> None:
    ran = perfdb("report", "regressions", "main", "bulk-insert")

    assert (0, "") == (ran.code, ran.err)
    assert_golden("regressions_demo.md.txt", ran.out)


def test_the_file_holds_what_would_be_printed(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "review.md"
    printed = perfdb("report", "regressions", "main", "bulk-insert", "--example", "simple").out

    ran = perfdb("report", "regressions", "main", "bulk-insert", "--example", "simple", "-o", target)

    assert (0, "", f"wrote {target}\n") == (ran.code, ran.out, ran.err)
    assert printed == target.read_text(encoding="utf-8")
    again = perfdb("report", "regressions", "main", "bulk-insert", "-o", target)
    assert (3, printed) == (again.code, target.read_text(encoding="utf-8"))
    assert "--force" in again.err
    assert 0 == perfdb("report", "regressions", "main", "bulk-insert", "-o", target, "--force").code


def test_the_json_holds_the_diff_and_can_be_replayed(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "review.json"
    assert 0 == perfdb("report", "regressions", "main...bulk-insert", "-o", target).code

    data = json.loads(target.read_text(encoding="utf-8"))
    assert ("perfdb.regressions/1", "improved", {"improved": 3}) == (data["schema"], data["verdict"], data["counts"])
    assert json.loads(perfdb("diff", "main...bulk-insert", "--json").out) == data["diff"]
    assert "the same answer as in the file" in perfdb("diff", "--replay", target).err


def test_the_page_is_written_by_its_suffix(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "review.html"

    assert 0 == perfdb("report", "regressions", "main...bulk-insert", "--example", "simple", "-o", target).code
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "bulk-insert" in page


def test_another_suffix_is_refused(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    ran = perfdb("report", "regressions", "main", "bulk-insert", "-o", tmp_path / "review.pdf")

    assert 2 == ran.code
    assert "give .md, .html or .json" in ran.err
    assert [] == list(tmp_path.iterdir())


def test_it_is_appended_to_the_steps_summary(
    perfdb: Run, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary, target = tmp_path / "summary", tmp_path / "review.json"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    call = ("report", "regressions", "main", "bulk-insert", "--example", "simple")
    printed = perfdb(*call).out

    ran = perfdb(*call, "--github", "-o", target)

    assert 0 == ran.code
    assert f"before\n\n{printed}" == summary.read_text(encoding="utf-8")
    assert target.exists()


def test_a_summary_that_is_full_is_left_alone(
    perfdb: Run, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary"
    summary.write_bytes(b"x" * (1 << 20))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    ran = perfdb("report", "regressions", "main", "bulk-insert", "--github")

    assert 3 == ran.code
    assert "GitHub takes 1,048,576" in ran.err
    assert 1 << 20 == summary.stat().st_size
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary"))
    assert 3 == perfdb("report", "regressions", "main", "bulk-insert", "--github").code


def test_outside_of_github_nothing_is_appended(perfdb: Run, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    ran = perfdb("report", "regressions", "main", "bulk-insert", "--github")

    assert 0 == ran.code
    assert "GITHUB_STEP_SUMMARY is not set" in ran.err


def test_a_gate_fails_when_the_report_is_written(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    target = tmp_path / "review.md"
    call = ("report", "regressions", "main", "bulk-insert", "--example", "templates")

    ran = perfdb(*call, "--fail-on", "regressed", "-o", target)

    assert 1 == ran.code
    assert re.search("strtod", ran.err)
    assert target.read_text(encoding="utf-8").startswith("## perfdb: ")
    assert 0 == perfdb(*call, "--fail-on", "total").code


def test_criteria_are_those_of_diff(perfdb: Run, demo: Path) -> None:
    ran = perfdb("report", "regressions", "main", "bulk-insert", "--margin", "30%", "--min-ms", "9", "--history", "3")

    assert "a change of 30 % and 9 ms matters" in ran.out
    assert "--margin 30% --min-ms 9 --history 3" in ran.out
    assert 2 == perfdb("report", "regressions", "main", "bulk-insert", "--margin", "2").code


def test_what_cannot_be_compared_is_said_as_diff_says_it(perfdb: Run, demo: Path) -> None:
    unknown = perfdb("report", "regressions", "main", "nothing")
    assert unknown == perfdb("diff", "main", "nothing")
    assert 0 != unknown.code
    nothing = perfdb("report", "regressions", "main", "bulk-insert", "--example", "nothing")
    assert 4 == nothing.code


@pytest.mark.parametrize(
    "call",
    [
        ("diff", "main", "bulk-insert"),
        ("report", "regressions", "main", "bulk-insert"),
        ("impact", "main", "bulk-insert"),
        ("show", "main"),
        ("export", "main", "--as", "folded"),
    ],
)
def test_an_example_that_is_not_there_is_no_typo_that_passes(perfdb: Run, demo: Path, call: tuple[str, ...]) -> None:
    ran = perfdb(*call, "--example", "templates", "--example", "tempaltes")

    assert (4, "") == (ran.code, ran.out)
    assert "asked for example tempaltes, found no run of that. There are " in ran.err


def test_a_run_is_no_revision(perfdb: Run, demo: Path) -> None:
    ran = perfdb("report", "regressions", "r0123abcd", "main")

    assert 2 == ran.code
    assert "asked to compare r0123abcd, found that it is a run" in ran.err


def test_a_file_is_not_written_into_a_folder_that_is_not_there(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    missing = perfdb("report", "regressions", "main", "bulk-insert", "-o", tmp_path / "no" / "x.md")
    assert 3 == missing.code
    assert f"found no folder {tmp_path / 'no'}" in missing.err
    (tmp_path / "x.md").mkdir()
    folder = perfdb("report", "regressions", "main", "bulk-insert", "-o", tmp_path / "x.md", "--force")
    assert 3 == folder.code
    assert "found that it is a folder" in folder.err
