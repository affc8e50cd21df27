"""Analysing from Python: which runs are taken, what they are held against, and that the history stays as it was."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import perfdb
from perfdb.api import History, open_history
from perfdb.api.analyze import AnalyzeRequest
from perfdb.collect.run_sheet import RunSheet, sheet_path, write_sheet
from perfdb.errors import InputError, RevisionError, UsageError
from perfdb.report.of_analysis_facts import Analysis, ExampleAnalysis
from perfdb.report.of_analysis_markdown import to_record
from tests.conftest import GitRepo
from tests.traces import small_trace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """Three commits on main, each with a run of `x`, the second with one of `y` too, whose traces are in `traces`."""
    repo = GitRepo.create(tmp_path_factory.mktemp("analyze") / "repo")
    traces = repo.path / "traces"
    traces.mkdir()
    history = open_history(repo.path / "artifacts" / "perfdb.duckdb", cwd=repo.path)
    for number in (1, 2, 3):
        repo.commit({"a.cpp": f"{number}\n", ".gitignore": "artifacts/\ntraces/\n"}, f"Commit {number}")
        for example in ("x", "y") if number == 2 else ("x",):
            trace = traces / f"{example}_2026010{number}_120000.etl"
            trace.write_bytes(small_trace(library=30 + number))
            history.record(trace, example=example)
    return repo


@pytest.fixture
def project(made: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A copy of it; the current folder is in it."""
    repo = replace(made, path=tmp_path / "repo")
    shutil.copytree(made.path, repo.path)
    monkeypatch.chdir(repo.path)
    return repo


def analyze(*targets: str, **request: str) -> Analysis:
    history: History = perfdb.open()
    return history.analyze(AnalyzeRequest(targets, **request))


def sides(of: ExampleAnalysis) -> tuple[str, str]:
    """The subjects of what is compared."""
    assert of.comparison is not None
    return of.comparison.baseline.subject, of.comparison.contender.subject


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_revision_is_held_against_its_nearest_recorded_ancestor_that_has_the_example(project: GitRepo) -> None:
    project.commit({"a.cpp": "4\n"}, "Nothing recorded")
    (project.path / "traces" / "late.etl").write_bytes(small_trace(library=50))
    project.commit({"a.cpp": "5\n"}, "Commit 5")
    perfdb.open().record("traces/late.etl", example="x")
    perfdb.open().record("traces/late.etl", example="y")

    x, y = analyze("HEAD").examples

    assert ("Commit 3", "Commit 5") == sides(x)
    assert ("Commit 2", "Commit 5") == sides(y)


def test_a_revision_that_another_stands_in_for_says_so(project: GitRepo) -> None:
    project.commit({"a.cpp": "4\n"}, "Nothing recorded")

    [only] = analyze("HEAD").examples

    assert ("Commit 2", "Commit 3") == sides(only)
    assert ["HEAD has no runs: this is its nearest recorded ancestor " + only.commit + ", 1 commit back"] == [
        caveat.text for caveat in only.caveats
    ]


def test_the_first_commit_has_no_baseline_and_says_so(project: GitRepo) -> None:
    [only] = analyze("HEAD~2").examples

    assert only.comparison is None
    assert (
        "no earlier commit with runs of x is recorded; perfdb report analyze --baseline REV names one"
        == only.no_baseline
    )


def test_a_baseline_can_be_named(project: GitRepo) -> None:
    [only] = analyze("HEAD", baseline="HEAD~2").examples

    assert ("Commit 1", "Commit 3") == sides(only)
    assert only.comparison is not None
    assert "HEAD~2" == only.comparison.baseline.asked


def test_a_named_baseline_without_the_example_is_said(project: GitRepo) -> None:
    x, y = analyze("HEAD~1", baseline="HEAD~2").examples

    assert ("Commit 1", "Commit 2") == sides(x)
    assert "the baseline HEAD~2 has no runs of it" == y.no_baseline
    assert "the baseline HEAD is this very commit" == analyze("HEAD", baseline="HEAD").examples[0].no_baseline
    with pytest.raises(RevisionError, match="nonesuch"):
        analyze("HEAD", baseline="nonesuch")


def test_runs_with_uncommitted_changes_are_no_baseline(project: GitRepo) -> None:
    (project.path / "traces" / "dirty.etl").write_bytes(small_trace(library=60))
    project.commit({"a.cpp": "4\n"}, "Commit 4")
    (project.path / "a.cpp").write_text("changed\n")
    perfdb.open().record("traces/dirty.etl", example="x")
    project.commit({"a.cpp": "5\n"}, "Commit 5")
    (project.path / "traces" / "late.etl").write_bytes(small_trace(library=50))
    perfdb.open().record("traces/late.etl", example="x")

    assert ("Commit 3", "Commit 5") == sides(analyze("HEAD").examples[0])


def test_runs_are_grouped_by_example_and_commit(project: GitRepo) -> None:
    names = [f"r{run.run_id.replace('-', '')[-8:]}" for run in perfdb.open().list_runs(examples=["x"])]

    found = analyze(*names)

    assert 3 == len(found.examples)
    assert {"x"} == {each.example for each in found.examples}
    assert 3 == len({each.commit_sha for each in found.examples})


def test_only_the_runs_that_are_named_are_compared(project: GitRepo) -> None:
    history = perfdb.open()
    (project.path / "traces" / "again.etl").write_bytes(small_trace(library=90))
    history.record("traces/again.etl", example="x")
    [first] = [run for run in history.list_runs("HEAD") if run.source_name != "again.etl"]

    [only] = analyze(first.run_id).examples

    assert only.diff is not None
    assert [first.run_id] == [run.run_id for run in only.diff.contender]
    assert only.hot.total.mean == only.diff.total.contender.mean


def test_traces_that_the_history_knows_are_its_runs(project: GitRepo) -> None:
    found = analyze(directory="traces")

    assert ["x", "x", "x", "y"] == [each.example for each in found.examples]
    assert all(each.is_recorded for each in found.examples)
    assert ((), (), ()) == (found.unrecorded, found.failed, found.notes)


def test_a_trace_with_a_run_sheet_needs_no_commit_to_be_recorded(project: GitRepo) -> None:
    trace = project.path / "traces" / "new_20260109_120000.etl"
    trace.write_bytes(small_trace(library=70))
    sha256 = hashlib.sha256(trace.read_bytes()).hexdigest()
    write_sheet(sheet_path(trace), RunSheet(sha256, "new", commit_sha=project.git("rev-parse", "HEAD")))

    found = analyze(directory="traces")

    (name,) = found.unrecorded
    assert {name} == found.with_sheet
    assert "--commit" not in to_record(found, name)


def test_other_traces_are_read_and_not_recorded(project: GitRepo) -> None:
    before = digest(project.path / "artifacts" / "perfdb.duckdb")
    (project.path / "traces" / "new_20260109_120000.etl").write_bytes(small_trace(library=70))

    found = analyze(directory="traces")

    [new] = [each for each in found.examples if not each.is_recorded]
    assert ("new", 80.0) == (new.example, new.hot.total.mean / 1e6)
    assert (str(Path("traces", "new_20260109_120000.etl")),) == found.unrecorded
    assert "these runs are not in the history: record them first" == new.no_baseline
    assert before == digest(project.path / "artifacts" / "perfdb.duckdb")


def test_neither_a_history_nor_git_is_needed_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.etl").write_bytes(small_trace())

    found = analyze(directory=".")

    assert ["a"] == [each.example for each in found.examples]
    assert not (tmp_path / "artifacts").exists()


def test_a_bad_trace_costs_itself_only(project: GitRepo) -> None:
    (project.path / "traces" / "bad.etl").write_bytes(b"bad")
    cut = small_trace(library=75)
    (project.path / "traces" / "cut.etl").write_bytes(cut[: len(cut) // 64])

    found = analyze(directory="traces")

    assert 4 == len(found.examples)
    assert {"bad.etl", "cut.etl"} == {outcome.source_name for outcome in found.failed}


def test_a_trace_that_was_recorded_twice_is_taken_once(project: GitRepo) -> None:
    perfdb.open().record("traces/y_20260102_120000.etl", example="y", commit="HEAD")

    found = analyze(directory="traces")

    [y] = [each for each in found.examples if each.example == "y"]
    assert "Commit 3" == y.subject
    assert any("recorded 2 times" in note for note in found.notes)


def test_without_a_target_the_traces_of_artifacts_profile_are_taken(project: GitRepo) -> None:
    folder = project.path / "artifacts" / "profile"
    folder.mkdir(parents=True)

    assert ("HEAD", ("nothing was named: these are the runs of HEAD",)) == (analyze().title, analyze().lines)

    (folder / "z.etl").write_bytes(small_trace())
    found = analyze()
    assert ["z"] == [each.example for each in found.examples]
    assert ("nothing was named: these are the traces in artifacts/profile",) == found.lines


def test_what_does_not_fit_together_is_refused(project: GitRepo) -> None:
    (project.path / "empty" / "inner").mkdir(parents=True)

    with pytest.raises(UsageError, match="either --directory, or runs or a revision"):
        analyze("HEAD", directory="traces")
    with pytest.raises(InputError, match=r"found no trace in it\. It has the folders inner\."):
        analyze(directory="empty")
    with pytest.raises(InputError, match="found no such folder"):
        analyze(directory="nonesuch")
    with pytest.raises(InputError, match="found a file"):
        analyze(directory="a.cpp")


def test_samples_are_those_of_function_cost_and_module_cost(project: GitRepo) -> None:
    (project.path / "traces" / "again.etl").write_bytes(small_trace(library=90, app=20))
    history = perfdb.open()
    history.record("traces/again.etl", example="x")

    [only] = analyze("HEAD").examples

    sums = "sum(exclusive_samples)::bigint as exclusive, sum(inclusive_samples)::bigint as inclusive"
    for view, columns in (("function_cost", "module, function"), ("module_cost", "module, null::varchar as function")):
        rows = history.sql(
            f"select {columns}, {sums} from {view} "
            f" where commit_sha = '{only.commit_sha}' and example = 'x' and is_main_process group by all"
        ).rows()
        expected = {(module.lower(), function): (mine, below) for module, function, mine, below in rows}
        found = {
            key: (each.exclusive, each.inclusive)
            for key, each in only.samples.items()
            if (key[1] is None) == (view == "module_cost")
        }
        assert expected == found
