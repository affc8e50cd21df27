"""Which runs `perfdb diff` compares: ancestors, equal trees, merge bases, dirty runs; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.traces import small_trace


@pytest.fixture
def project(git_repo: GitRepo, perfdb: Run, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """`main` with a recorded commit, and a branch `faster` with a recorded commit."""
    monkeypatch.chdir(git_repo.path)
    git_repo.commit({"app.cpp": "slow\n", ".gitignore": "artifacts/\n*.etl\n"}, "Slow")
    record(perfdb, git_repo, library=30)
    git_repo.branch("faster")
    git_repo.commit({"app.cpp": "fast\n"}, "Fast")
    record(perfdb, git_repo, library=20)
    return git_repo


def record(perfdb: Run, repo: GitRepo, example: str = "x", **work: int) -> None:
    (repo.path / "run.etl").write_bytes(small_trace(**work))
    assert perfdb("record", "run.etl", "--example", example).code == 0


def test_two_revisions(perfdb: Run, project: GitRepo) -> None:
    data = json.loads(perfdb("diff", "main", "faster", "--format", "json").out)

    modules = {row["module"]: row["delta_ms"] for row in data["examples"][0]["modules"]["rows"]}
    assert {"library.dll": -10.0, "app.exe": 0.0, "ntoskrnl.exe": 0.0} == modules
    assert -0.25 == data["examples"][0]["total"]["change"]


def test_one_revision_is_compared_with_head(perfdb: Run, project: GitRepo) -> None:
    assert perfdb("diff", "main").out.replace("HEAD", "faster") == perfdb("diff", "main", "faster").out


def test_three_dots_start_from_the_merge_base(perfdb: Run, project: GitRepo) -> None:
    base = project.git("rev-parse", "main")
    project.checkout("main")
    project.commit({"other.cpp": "1\n"}, "Moves on")
    record(perfdb, project, library=99)

    data = json.loads(perfdb("diff", "main...faster", "--format", "json").out)

    assert base == data["baseline"]["recorded_sha"]
    assert "merge base of main and faster" == data["baseline"]["asked"]
    assert 40.0 == data["examples"][0]["total"]["baseline_ms"]


def test_a_revision_without_runs_falls_back_to_its_nearest_recorded_ancestor(perfdb: Run, project: GitRepo) -> None:
    recorded = project.git("rev-parse", "HEAD")
    project.commit({"a.cpp": "1\n"}, "Unrecorded")
    project.commit({"a.cpp": "2\n"}, "Unrecorded too")

    ran = perfdb("diff", "main", "faster")

    expected = f"faster has no runs: contender is its nearest recorded ancestor {recorded[:10]}, 2 commits back"
    assert expected in ran.out


def test_a_commit_with_the_same_tree_counts_as_the_revision(perfdb: Run, project: GitRepo) -> None:
    recorded = project.git("rev-parse", "faster")
    project.checkout("main")
    project.branch("squashed")
    project.commit({"app.cpp": "fast\n"}, "Fast, squashed")

    ran = perfdb("diff", "main", "squashed")

    assert f"squashed has no runs: contender is {recorded[:10]}, a commit with the same tree" in ran.out
    assert "-10.0" in ran.out


def test_clean_runs_are_compared_where_there_are_any(perfdb: Run, project: GitRepo) -> None:
    (project.path / "app.cpp").write_text("an experiment\n")
    record(perfdb, project, library=500)

    example = json.loads(perfdb("diff", "main", "faster", "--format", "json").out)["examples"][0]

    assert [False] == [run["is_dirty"] for run in example["runs"]["contender"]]


def test_dirty_runs_are_compared_with_a_caveat_where_there_are_no_others(perfdb: Run, project: GitRepo) -> None:
    (project.path / "app.cpp").write_text("an experiment\n")
    record(perfdb, project, example="y", library=20)
    project.git("checkout", "-q", "--", "app.cpp")
    project.checkout("main")
    record(perfdb, project, example="y", library=30)

    assert "contender: 1 of 1 runs are of a tree with uncommitted changes" in perfdb("diff", "main", "faster").out


def test_several_runs_have_a_mean_and_a_spread(perfdb: Run, project: GitRepo) -> None:
    record(perfdb, project, library=24)

    total = json.loads(perfdb("diff", "main", "faster", "--format", "json").out)["examples"][0]["total"]

    assert total["contender_ms"] == 32.0
    assert total["contender_spread_ms"] == pytest.approx(2.0 * 2**0.5)
    assert total["baseline_spread_ms"] is None


def test_an_example_that_one_side_lacks_is_named(perfdb: Run, project: GitRepo) -> None:
    record(perfdb, project, example="new-one")

    assert "only in contender: new-one" in perfdb("diff", "main", "faster").out


def test_nothing_in_common_is_too_little_to_answer(perfdb: Run, project: GitRepo) -> None:
    project.git("checkout", "-q", "--orphan", "elsewhere")
    project.commit({"b.cpp": "1\n"}, "Another root")
    record(perfdb, project, example="z")

    ran = perfdb("diff", "main", "elsewhere")

    assert (4, "") == (ran.code, ran.out)
    assert "main has x; elsewhere has z" in ran.err


def test_a_revision_without_recorded_ancestors_is_too_little(perfdb: Run, project: GitRepo) -> None:
    project.git("checkout", "-q", "--orphan", "elsewhere")
    project.commit({"b.cpp": "1\n"}, "Another root")

    ran = perfdb("diff", "main", "elsewhere")

    assert (4, "") == (ran.code, ran.out)
    assert "no run of it nor of any of its ancestors" in ran.err


def test_an_unknown_revision(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("diff", "main", "nonsense")

    assert (3, "") == (ran.code, ran.out)
    assert "asked for revision nonsense: neither git nor the history knows it" in ran.err
    assert "perfdb runs" in ran.err


def test_a_commit_is_found_by_its_beginning_without_git(
    perfdb: Run, project: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = project.path / "artifacts" / "perfdb.duckdb"
    shas = [project.git("rev-parse", name) for name in ("main", "faster")]
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)

    ran = perfdb("--db", database, "diff", shas[0][:8], shas[1][:8])

    assert ran.code == 0
    assert "-10.0" in ran.out


def test_runs_in_other_conditions_are_set_aside_and_said(perfdb: Run, project: GitRepo) -> None:
    (project.path / "run.etl").write_bytes(small_trace(hostname="LAPTOP", interval_100ns=5_000))
    perfdb("record", "run.etl", "--example", "x")

    ran = perfdb("diff", "main", "faster")

    assert "1 v 1 runs" in ran.out
    assert "! contender: 1 run not compared" in ran.out
    assert "was sampled every 0.5 ms; compared are runs sampled every 1 ms" in ran.out


def test_sides_in_other_conditions_are_not_comparable(perfdb: Run, project: GitRepo) -> None:
    project.checkout("main")
    (project.path / "run.etl").write_bytes(small_trace(hostname="BUILD-01"))
    perfdb("record", "run.etl", "--example", "y")
    project.checkout("faster")
    (project.path / "run.etl").write_bytes(small_trace(hostname="LAPTOP"))
    perfdb("record", "run.etl", "--example", "y")

    ran = perfdb("diff", "main", "faster", "--example", "y", "--fail-on", "regressed")

    assert 0 == ran.code
    assert "not comparable" in ran.out
    assert "BUILD-01" in ran.out
    assert "LAPTOP" in ran.out
    assert "y: not comparable" in ran.err
    assert 1 == perfdb("diff", "main", "faster", "--example", "y", "--fail-on", "inconclusive").code


def test_an_unknown_process_is_answered_with_those_there_are(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("diff", "main", "faster", "--process", "nobody")

    assert ran.code == 3
    assert "The busiest are app.exe, other.exe" in ran.err


def test_one_process_and_all_of_them_do_not_go_together(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("diff", "main", "faster", "--process", "app", "--all-processes")

    assert (2, "") == (ran.code, ran.out)
    assert "--process or --all-processes" in ran.err


def test_a_list_does_not_pass_off_the_runs_of_an_ancestor(perfdb: Run, project: GitRepo) -> None:
    recorded = project.git("rev-parse", "HEAD")
    project.commit({"a.cpp": "1\n"}, "Unrecorded")

    for words in (("runs", "faster"), ("query", "hotspots", "--param", "commit=faster")):
        ran = perfdb(*words)

        assert (4, "") == (ran.code, ran.out)
        assert f"nearest recorded ancestor is {recorded[:10]}, 1 commit back" in ran.err
