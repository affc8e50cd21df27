"""`perfdb xperf` and what `perfdb doctor` says of it, with a program that stands in for xperf."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.collect.project import BUTTERFLY, DETAIL, LOST, REPORTS, SUMMARY, Project
from tests.collect.stand_in import Play, calls


@pytest.fixture
def project(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, perfdb, monkeypatch)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_classic_reports_are_written_beside_the_trace(project: Project) -> None:
    project.with_xperf(REPORTS)

    ran = project.perfdb("xperf", project.trace)

    assert (0, "") == (ran.code, ran.err)
    base = project.trace.parent
    assert [
        f"{base / 'app_summary.txt'}  {len(SUMMARY)} bytes",
        f"{base / 'app_butterfly.html'}  {len(BUTTERFLY)} bytes",
        f"{base / 'app_detail.txt'}  {len(DETAIL)} bytes",
    ] == ran.out.splitlines()
    assert [SUMMARY, BUTTERFLY, DETAIL] == [
        (base / name).read_bytes().decode() for name in ("app_summary.txt", "app_butterfly.html", "app_detail.txt")
    ]
    assert ["app.etl", "app_butterfly.html", "app_detail.txt", "app_summary.txt"] == names(base)
    assert ["profile", "stack -butterfly 10", "profile -detail"] == [
        " ".join(call["words"][8:]) for call in calls(project.program)
    ]


def test_only_some_reports_elsewhere_with_other_hits(project: Project) -> None:
    project.with_xperf(REPORTS)

    words = ("--only", "butterfly", "--only", "summary", "--output-folder", "new/reports", "--min-hits", "3")
    ran = project.perfdb("xperf", "traces", *words)

    assert (0, "") == (ran.code, ran.err)
    assert ["app_butterfly.html", "app_summary.txt"] == names(project.folder / "new" / "reports")
    assert ["app.etl"] == names(project.trace.parent)
    assert ["profile", "stack -butterfly 3"] == [" ".join(call["words"][8:]) for call in calls(project.program)]


def test_existing_reports_are_replaced_only_by_force(project: Project) -> None:
    project.with_xperf(REPORTS)
    existing = project.trace.parent / "app_summary.txt"
    existing.write_text("mine")

    refused = project.perfdb("xperf", project.trace, "--only", "summary")

    assert (3, "") == (refused.code, refused.out)
    said = "found that it exists. Add --force to replace it, or name an --output-folder."
    assert f"error: asked to write {existing}, {said}\n" == refused.err
    assert "mine" == existing.read_text()
    assert [] == calls(project.program)
    assert 0 == project.perfdb("xperf", project.trace, "--only", "summary", "--force").code
    assert SUMMARY == existing.read_bytes().decode()


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (Play("", exit_code=1, says=LOST), "left an empty file (exit code 1); it said: 6728 Events were lost"),
        (Play(None, says="error: stack: no option specified\n"), "it said: error: stack: no option specified. Try by"),
        (Play(BUTTERFLY[:60]), "xperf -a stack -butterfly 10 wrote something else, or not all of it (exit code 0)"),
        (Play(BUTTERFLY, dies=True), "crashed before its file was whole"),
        (Play(SUMMARY), "xperf -a stack -butterfly 10 wrote something else, or not all of it"),
    ],
    ids=["events lost", "no file", "half a file", "crash", "another report"],
)
def test_a_report_that_fails_does_not_stop_the_others(project: Project, play: Play, said: str) -> None:
    project.with_xperf({**REPORTS, "stack": play})

    ran = project.perfdb("xperf", project.trace)

    assert 3 == ran.code
    assert 2 == len(ran.out.splitlines())
    assert ran.err.startswith("error: app.etl: xperf ")
    assert said in ran.err
    assert ran.err.endswith("error: 1 of 3 reports could not be written; the others were.\n")
    assert ["app.etl", "app_detail.txt", "app_summary.txt"] == names(project.trace.parent)


def test_an_old_report_stays_when_its_successor_fails(project: Project) -> None:
    project.with_xperf(Play(SUMMARY[:10], dies=True))
    existing = project.trace.parent / "app_summary.txt"
    existing.write_text("the old one")

    ran = project.perfdb("xperf", project.trace, "--only", "summary", "--force")

    assert 3 == ran.code
    assert "the old one" == existing.read_text()
    assert ["app.etl", "app_summary.txt"] == names(project.trace.parent)


def test_a_report_despite_a_failure_is_kept_with_a_note(project: Project) -> None:
    project.with_xperf({**REPORTS, "profile": Play(SUMMARY, exit_code=2)})

    ran = project.perfdb("xperf", project.trace, "--only", "summary")

    assert 0 == ran.code
    assert "note: app_summary.txt: xperf failed after it had written this (exit code 2): it may not be all\n" == ran.err


def test_a_butterfly_without_functions_says_how_to_get_them(project: Project) -> None:
    project.with_xperf({**REPORTS, "stack": Play(BUTTERFLY.replace("id='#SN1'", ""))})

    ran = project.perfdb("xperf", project.trace, "--only", "butterfly")

    assert 0 == ran.code
    assert "note: app_butterfly.html: no function has 10 hits or more: --min-hits 1 shows all\n" == ran.err


def test_an_xperf_that_hangs_leaves_nothing_beside_the_trace(project: Project) -> None:
    project.with_xperf(Play(SUMMARY, hangs=True), settings="timeout_s = 0.3")

    ran = project.perfdb("xperf", project.trace)

    assert (3, "") == (ran.code, ran.out)
    assert 3 == ran.err.count("was still at work after")
    assert ["app.etl"] == names(project.trace.parent)


def test_several_traces_folders_and_globs(project: Project) -> None:
    project.with_xperf(REPORTS)
    for name in ("b.etl", "c.etl.gz", "notes.txt"):
        (project.trace.parent / name).write_bytes(project.trace.read_bytes())
    (project.trace.parent / "d.etl").write_text("no trace")

    ran = project.perfdb("xperf", "traces", "traces/*.etl", "--only", "detail")

    assert 3 == ran.code
    assert ["app_detail.txt", "b_detail.txt"] == [Path(line.split("  ")[0]).name for line in ran.out.splitlines()]
    assert "d.etl: asked for a trace, found something else" in ran.err
    assert "1 of 3 reports could not be written" in ran.err


def test_archives_and_files_that_meet_are_refused(project: Project) -> None:
    project.with_xperf(REPORTS)
    packed = project.folder / "app.etl.gz"
    packed.write_bytes(gzip.compress(project.trace.read_bytes()))
    other = project.folder / "app.etl"
    other.write_bytes(project.trace.read_bytes())

    archive = project.perfdb("xperf", packed)
    meeting = project.perfdb("xperf", project.trace, other, "--output-folder", "reports")

    assert (3, "") == (archive.code, archive.out)
    assert f"error: {packed}: asked for reports of it, found an archive. Unpack it: xperf cannot.\n" == archive.err
    assert (2, "") == (meeting.code, meeting.out)
    assert "found that both would be" in meeting.err
    assert not (project.folder / "reports").exists()


def test_a_folder_that_cannot_be_made_is_said(project: Project) -> None:
    project.with_xperf(REPORTS)
    (project.folder / "file").write_text("in the way")

    ran = project.perfdb("xperf", project.trace, "--only", "summary", "--output-folder", "file/reports")

    assert (3, "") == (ran.code, ran.out)
    assert "found that it cannot be (" in ran.err
    assert "Name another folder: --output-folder DIR." in ran.err


# ---- doctor ----------------------------------------------------------------------------------------------------------


def finding(perfdb: Run) -> dict[str, str] | None:
    rows: list[dict[str, str]] = json.loads(perfdb("doctor", "--format", "json").out)
    return next((row for row in rows if row["what"] == "xperf"), None)


def test_doctor_says_which_xperf_the_settings_name(project: Project) -> None:
    project.with_xperf(REPORTS)
    settings = project.folder / "perfdb.toml"

    found = finding(project.perfdb)
    settings.write_text("[xperf]\nprogram = 'gone.exe'\n")
    gone = finding(project.perfdb)

    assert found is not None
    assert ("ok", f"{project.program} (settings: {settings})", "") == tuple(found.values())[1:]
    assert gone is not None
    assert (
        "missing",
        f"no program at {project.folder / 'gone.exe'}",
        f"mend program under [xperf] in {settings}",
    ) == tuple(gone.values())[1:]


@pytest.mark.skipif(os.name == "nt", reason="Windows is where xperf is at home")
def test_elsewhere_than_on_windows_doctor_is_silent_about_xperf(project: Project) -> None:
    assert finding(project.perfdb) is None
