"""`perfdb report analyze` on the demo: its files as goldens, their figures, what is told and where it is written."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import perfdb.report
from tests.cli.conftest import Run
from tests.cli.test_demo import steady
from tests.conftest import GitRepo
from tests.golden import assert_golden
from tests.traces import small_trace

SCHEMA_FILE = Path(perfdb.report.__file__).parent / "schemas" / "hotspots-1.schema.json"
EXAMPLES = ("inheritance", "simple", "templates")


@pytest.fixture(scope="module")
def written(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the files of the demo's newest commit are written, once for all tests."""
    from perfdb.cli import main

    folder = tmp_path_factory.mktemp("analysis")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(demo_folder)
        assert main(["report", "analyze", "bulk-insert", "--output-folder", str(folder)]) == 0
    return folder


@pytest.fixture
def project(git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with two traces that are not recorded; the current folder is in it."""
    git_repo.commit({"app.cpp": "int main() {}\n", ".gitignore": "artifacts/\n"}, "First")
    traces = git_repo.path / "artifacts" / "profile"
    traces.mkdir(parents=True)
    (traces / "one.etl").write_bytes(small_trace())
    (traces / "CON.etl").write_bytes(small_trace(library=60))
    monkeypatch.chdir(git_repo.path)
    return git_repo


def report_of(folder: Path) -> str:
    [report] = folder.glob("performance_report_*.md")
    return report.read_text(encoding="utf-8")


def hotspots(folder: Path, example: str) -> Any:
    return json.loads((folder / f"{example}_hotspots.json").read_text(encoding="utf-8"))


def test_the_summary_is_the_golden(written: Path) -> None:
    assert_golden("analysis_summary.txt", steady((written / "templates_summary.txt").read_text(encoding="utf-8")))


def test_the_report_is_the_golden(written: Path) -> None:
    assert_golden("analysis_report.md.txt", steady(report_of(written)))


def test_the_report_finds_what_the_demo_has_planted(written: Path) -> None:
    report = report_of(written).replace("\\", "").replace("`", "")

    assert "below kuzu_shared.dll!kuzu::main::Connection::executeWithParams called from indexer.exe!" in report
    assert re.search(
        r"\*\*undo\*\* \(\d+\.\d ms\): Since [0-9a-f]{10}, 1 function regressed: ucrtbase\.dll!strtod", report
    )
    assert "arrow.dll!arrow::ArrayBuilder::Resize" in report
    assert "ucrtbased.dll" in report


def test_hotspots_fit_their_schema(written: Path) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

    for example in EXAMPLES:
        assert [] == [each.message for each in validator.iter_errors(hotspots(written, example))]


def test_hotspots_equal_function_cost_to_the_last_sample(perfdb: Run, demo: Path, written: Path) -> None:
    ran = perfdb(
        "sql",
        "--format",
        "json",
        "select example, module, function, sum(exclusive_samples)::bigint as exclusive_samples, "
        "sum(inclusive_samples)::bigint as inclusive_samples, sum(exclusive_ms) / 3 as exclusive_ms, "
        "sum(inclusive_ms) / 3 as inclusive_ms from function_cost join revision using (commit_sha) "
        "where is_main_process and subject = 'Insert rows in bulk' group by all",
    )

    rows = json.loads(ran.out)
    for example in EXAMPLES:
        expected = {(row["module"], row["function"]): row for row in rows if row["example"] == example}
        found = {(each["module"], each["function"]): each for each in hotspots(written, example)["functions"]}
        assert expected.keys() == found.keys()
        for key, row in expected.items():
            for name in ("exclusive_samples", "inclusive_samples"):
                assert row[name] == found[key][name]
            for name in ("exclusive_ms", "inclusive_ms"):
                assert row[name] == pytest.approx(found[key][name])


def test_the_comparison_is_that_of_diff(perfdb: Run, demo: Path, written: Path) -> None:
    data = json.loads(perfdb("diff", "main", "bulk-insert", "--json").out)

    for diff in data["examples"]:
        assert diff["total"] == hotspots(written, diff["example"])["comparison"]["total"]
        assert diff["functions"]["rows"] == hotspots(written, diff["example"])["comparison"]["functions"]["rows"]


def test_every_example_has_a_page_that_needs_nothing_else(written: Path) -> None:
    for example in EXAMPLES:
        page = (written / f"{example}_butterfly.html").read_text(encoding="utf-8")
        assert page.lstrip().lower().startswith("<!doctype html>")
        assert example in page
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_every_command_that_is_advised_exists(perfdb: Run, written: Path, project: GitRepo) -> None:
    perfdb("report", "analyze")
    texts = report_of(written) + report_of(project.path / "artifacts" / "profile" / "analysis")
    commands = re.findall(r"^perfdb (.+)$", texts, re.MULTILINE)

    assert {"diff", "record", "symbolicate"} == {command.split()[0] for command in commands}
    for command in commands:
        usage = perfdb(command.split()[0], "--help").out
        for option in re.findall(r"--[a-z-]+", command):
            assert option in usage, command


def test_the_files_are_listed(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("report", "analyze", "--directory", "artifacts/profile")

    folder = Path("artifacts", "profile", "analysis")
    assert 0 == ran.code
    listed = ran.out.splitlines()
    assert sorted(str(path) for path in folder.iterdir()) == sorted(listed)
    kinds = ("summary.txt", "hotspots.json", "butterfly.html")
    assert [*(f"one_{kind}" for kind in kinds)] == [Path(path).name for path in listed if "one_" in path]
    assert 3 == sum(Path(path).name.startswith("_CON-") for path in listed), "CON is a device on Windows"
    assert "note: 2 traces are not in the history, and read for this report only; to record: perfdb record" in ran.err
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()


def test_the_list_can_be_json(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("report", "analyze", "--json", "-o", "out/deep")

    told = json.loads(ran.out)
    assert ["summary", "hotspots", "butterfly"] * 2 + ["report"] == [each["kind"] for each in told]
    assert ["CON"] * 3 + ["one"] * 3 + [None] == [each["example"] for each in told]
    assert all(Path(each["path"]).is_file() for each in told)
    assert all(Path("out", "deep") == Path(each["path"]).parent for each in told)


def test_what_was_written_is_no_trace_the_next_time(perfdb: Run, project: GitRepo) -> None:
    first = perfdb("report", "analyze", "-o", "artifacts/profile")
    again = perfdb("report", "analyze", "-o", "artifacts/profile")

    assert (0, 0) == (first.code, again.code)
    examples = [[line for line in ran.out.splitlines() if "performance_report" not in line] for ran in (first, again)]
    assert examples[0] == examples[1]


def test_a_bad_trace_is_told_and_the_others_are_written(perfdb: Run, project: GitRepo) -> None:
    (project.path / "artifacts" / "profile" / "bad.etl").write_bytes(b"bad")

    ran = perfdb("report", "analyze")

    assert 3 == ran.code
    assert 7 == len(ran.out.splitlines())
    assert "bad.etl: asked for a trace, found something else" in ran.err
    assert ran.err.endswith("error: 1 of 3 traces could not be analysed; the others were.\n")
    assert "## Could not be read" in report_of(project.path / "artifacts" / "profile" / "analysis")


def test_where_every_trace_is_bad_nothing_is_written(perfdb: Run, project: GitRepo) -> None:
    for trace in (project.path / "artifacts" / "profile").iterdir():
        trace.write_bytes(b"bad")

    ran = perfdb("report", "analyze")

    assert (3, "") == (ran.code, ran.out)
    assert not (project.path / "artifacts" / "profile" / "analysis").exists()


def test_a_folder_that_cannot_be_made_is_said(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("report", "analyze", "-o", "app.cpp/inner")

    assert 3 == ran.code
    assert re.search(r"error: asked to write into app\.cpp.inner, found that it cannot be made", ran.err)


def test_without_anything_it_says_how_to_begin(perfdb: Run, git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(git_repo.path)

    ran = perfdb("report", "analyze")

    assert (3, "") == (ran.code, ran.out)
    assert "type `perfdb record TRACE` to begin one" in ran.err


def test_the_commands_at_a_pages_foot_work(perfdb: Run, demo: Path, written: Path, tmp_path: Path) -> None:
    page = (written / "templates_butterfly.html").read_text(encoding="utf-8")

    calls = [shlex.split(html.unescape(each)) for each in re.findall(r"perfdb (?:show|report page) [^\n<]+", page)]
    assert 2 == len(calls)
    for call in calls:
        words = [str(tmp_path / word) if word.endswith(".html") else word for word in call[1:]]
        assert 0 == perfdb(*words).code, words
