"""What `perfdb diff` says of runs, what its gate does, and that an answer can be had again; with real git."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfdb.cli import main
from tests.cli.conftest import Run
from tests.conftest import GitRepo

FUNCTIONS = {f"lib{number % 3}.dll!f{number}": 3_000 // (number + 1) for number in range(24)}


def record(
    repo: GitRepo,
    runs: int,
    seed: int,
    changes: Mapping[str, float] | None = None,
    example: str = "x",
    speed: float = 1,
) -> None:
    """Record runs of the current commit, from folded stacks; `changes` are factors by function."""
    random = np.random.default_rng(seed)
    for number in range(runs):
        lines = []
        for function, mean in FUNCTIONS.items():
            wanted = mean * speed * (changes or {}).get(function, 1.0) * float(random.lognormal(0, 0.02))
            lines.append(f"app.exe!main;app.exe!work;{function} {random.poisson(wanted)}")
        path = repo.path / f"{example}_{seed}_{number}.folded"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert 0 == main(["record", str(repo.path / f"{example}_{seed}_*.folded"), "--example", example])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """`main` with four runs, and a branch `slower` with four in which f2 takes half as long again."""
    repo = GitRepo.create(tmp_path_factory.mktemp("recorded") / "repo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repo.path)
        repo.commit({"app.cpp": "1\n", ".gitignore": "artifacts/\n*.folded\n*.json\nperfdb.toml\n"}, "First")
        record(repo, 4, 1)
        repo.branch("slower")
        repo.commit({"app.cpp": "2\n"}, "Second")
        record(repo, 4, 2, {"lib2.dll!f2": 1.5})
    return repo


@pytest.fixture
def project(recorded: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A copy of `recorded`, which is the current folder."""
    shutil.copytree(recorded.path, tmp_path / "repo")
    monkeypatch.chdir(tmp_path / "repo")
    return replace(recorded, path=tmp_path / "repo")


def diff(perfdb: Run, *words: str | Path) -> dict[str, Any]:
    ran = perfdb("diff", *words, "--json")
    assert (0, "") == (ran.code, ran.err)
    found: dict[str, Any] = json.loads(ran.out)
    return found


def verdicts(example: dict[str, Any]) -> dict[str, str]:
    return {row["function"]: row["verdict"] for row in example["functions"]["rows"]}


def test_the_program_comes_first_then_what_changed(perfdb: Run, project: GitRepo) -> None:
    ran = perfdb("diff", "main", "slower")

    assert re.search(r"^regressed \+\d\.\d % \[\+\d\.\d, \+\d+\.\d\], 4 v 4 runs: ", ran.out, re.MULTILINE)
    (row,) = re.findall(r"^lib2.dll!f2 .*$", ran.out, re.MULTILINE)
    assert row.endswith("regressed")
    assert {"f2"} == {name for name, verdict in verdicts(diff(perfdb, "main", "slower")["examples"][0]).items()
                      if verdict in ("regressed", "improved")}  # fmt: skip


def test_without_a_gate_it_exits_with_0_and_with_one_it_says_why_in_one_line(perfdb: Run, project: GitRepo) -> None:
    assert (0, "") == (perfdb("diff", "main", "slower").code, perfdb("diff", "main", "slower").err)

    failed = perfdb("diff", "main", "slower", "--fail-on", "regressed", "--top", "1")

    assert 1 == failed.code
    assert 1 == failed.err.count("\n")
    assert failed.err.startswith("gate failed (regressed): ")
    assert "lib2.dll!f2 +" in failed.err
    assert "limit 5 %" in failed.err
    assert "perfdb diff main slower --example x" in failed.err
    assert "perfdb.toml" in failed.err
    assert (0, "") == (perfdb("diff", "slower", "main", "--fail-on", "regressed").code, "")


def test_a_gate_looks_beyond_what_the_table_lists(perfdb: Run, project: GitRepo) -> None:
    limits = '[[gate.limit]]\nallow = "any"\n\n[[gate.limit]]\nfunction = "f2"\nallow = 0.1\n'
    (project.path / "perfdb.toml").write_text(limits)

    ran = perfdb("diff", "main", "slower", "--fail-on", "regressed", "--by", "module")

    assert 1 == ran.code
    assert "limit 10 %" in ran.err


def test_limits_accept_a_change(perfdb: Run, project: GitRepo) -> None:
    (project.path / "perfdb.toml").write_text(
        '[[gate.limit]]\nallow = "20%"\n\n[[gate.limit]]\nmodule = "LIB2.dll"\nallow = "100%"\n'
    )

    assert (0, "") == (lambda ran: (ran.code, ran.err))(perfdb("diff", "main", "slower", "--fail-on", "regressed"))


def test_the_gate_on_totals_lets_a_function_pass(perfdb: Run, project: GitRepo) -> None:
    wide = perfdb("diff", "main", "slower", "--fail-on", "total", "--margin", "30%")
    assert (0, "") == (wide.code, wide.err)

    project.git("checkout", "-q", "-b", "all-slower", "main")
    project.commit({"app.cpp": "3\n"}, "Third")
    record(project, 4, 3, speed=1.3)

    failed = perfdb("diff", "main", "all-slower", "--fail-on", "total")
    assert 1 == failed.code
    assert "x: the program +" in failed.err
    assert not [v for v in verdicts(diff(perfdb, "main", "all-slower")["examples"][0]).values() if v == "regressed"]


def test_one_run_a_side_passes_a_gate_and_says_what_is_needed(perfdb: Run, project: GitRepo) -> None:
    for branch, seed in (("main", 5), ("slower", 6)):
        project.checkout(branch)
        record(project, 1, seed, {"lib0.dll!f0": float(seed)}, example="once")

    ran = perfdb("diff", "main", "slower", "--example", "once", "--fail-on", "regressed", "--fail-on", "total")

    assert 0 == ran.code
    assert ran.err.startswith("gate passed, but not all can be told yet: once: ")
    assert "--fail-on inconclusive" in ran.err
    assert "record at least 3 a side" in ran.out
    assert 1 == perfdb("diff", "main", "slower", "--example", "once", "--fail-on", "inconclusive").code


def test_earlier_runs_tell_what_one_run_a_side_cannot(perfdb: Run, project: GitRepo) -> None:
    """Two commits on from `main`, each profiled once: its four runs tell how runs vary."""
    project.checkout("main")
    project.commit({"app.cpp": "4\n"}, "Nothing new")
    record(project, 1, 7)
    project.branch("much-slower")
    project.commit({"app.cpp": "5\n"}, "Much slower")
    record(project, 1, 8, {"lib0.dll!f0": 3.0})

    told = diff(perfdb, "main", "much-slower")["examples"][0]
    assert 4 == len(told["runs"]["history"])
    assert "regressed" == verdicts(told)["f0"]
    alone = diff(perfdb, "main", "much-slower", "--history", "0")["examples"][0]
    assert ([], "inconclusive") == (alone["runs"]["history"], verdicts(alone)["f0"])
    assert "1 v 1 runs and 4 earlier" in perfdb("diff", "main", "much-slower").out


def test_margin_and_least_ms_say_what_matters(perfdb: Run, project: GitRepo) -> None:
    assert "regressed, small" in perfdb("diff", "main", "slower", "--min-ms", "5000").out
    assert 0 == perfdb("diff", "main", "slower", "--min-ms", "5000", "--fail-on", "regressed").code

    (project.path / "perfdb.toml").write_text('[diff]\nmargin = "30%"\nmin_ms = 1\nhistory = 3\n')
    assert {"margin": 0.3, "min_ms": 1, "fdr": 0.05, "history": 3} == diff(perfdb, "main", "slower")["settings"]
    assert 0.02 == diff(perfdb, "main", "slower", "--margin", "2%")["settings"]["margin"]


@pytest.mark.parametrize("margin", ["5", "0", "-1%", "100%", "many", "", "nan"])
def test_a_margin_that_is_none(perfdb: Run, project: GitRepo, margin: str) -> None:
    ran = perfdb("diff", "main", "slower", "--margin", margin)

    assert (2, "") == (ran.code, ran.out)
    assert "--margin takes a fraction such as 2% or 0.02" in ran.err


def test_a_replay_gives_the_same_answer(perfdb: Run, project: GitRepo, tmp_path: Path) -> None:
    file = tmp_path / "review.json"
    first = perfdb("diff", "main", "slower", "--margin", "3%", "--example", "x", "--json")
    file.write_text(first.out, encoding="utf-8")
    # What was recorded since then changes the diff, and not its replay.
    record(project, 3, 9, {"lib0.dll!f0": 4})

    again = perfdb("diff", "--replay", file, "--json")

    assert (0, "the same answer as in the file\n") == (again.code, again.err)
    assert first.out == again.out
    assert first.out != perfdb("diff", "main", "slower", "--margin", "3%", "--example", "x", "--json").out
    assert 1 == perfdb("diff", "--replay", file, "--fail-on", "regressed").code


def test_a_replay_says_what_differs(perfdb: Run, project: GitRepo, tmp_path: Path) -> None:
    data = diff(perfdb, "main", "slower")
    row = next(row for row in data["examples"][0]["functions"]["rows"] if row["function"] == "f2")
    row["verdict"] = "equal"
    file = tmp_path / "review.json"
    file.write_text(json.dumps(data), encoding="utf-8")

    assert "! x: lib2.dll!f2: was equal, is regressed\n" == perfdb("diff", "--replay", file).err


def _without_runs(data: dict[str, Any]) -> dict[str, Any]:
    for run in data["examples"][0]["runs"]["baseline"]:
        run["run_id"] = "0190b5a0-0000-7000-8000-000000000000"
    return data


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("not json", 3, "it is not JSON"),
        ("[1, 2]", 3, "its schema is None"),
        ('{"schema": "perfdb.diff/1"}', 3, "its schema is 'perfdb.diff/1'"),
        ('{"schema": "perfdb.diff/2"}', 3, "it lacks, or has wrong"),
        ('{"schema": "perfdb.diff/2", "settings": {}, "scope": {}, "examples": []}', 3, "an example without runs"),
        ('{"schema": "perfdb.diff/2", "settings": 5, "scope": [], "examples": {}}', 3, "it lacks, or has wrong"),
    ],
)
def test_a_replay_of_what_is_no_diff(
    perfdb: Run, project: GitRepo, tmp_path: Path, text: str, code: int, said: str
) -> None:
    file = tmp_path / "review.json"
    file.write_text(text, encoding="utf-8")

    ran = perfdb("diff", "--replay", file)

    assert (code, "") == (ran.code, ran.out)
    assert said in ran.err
    assert "perfdb diff A B --json" in ran.err


def test_a_replay_of_runs_that_are_gone(perfdb: Run, project: GitRepo, tmp_path: Path) -> None:
    file = tmp_path / "review.json"
    file.write_text(json.dumps(_without_runs(diff(perfdb, "main", "slower"))), encoding="utf-8")

    ran = perfdb("diff", "--replay", file)

    assert (4, "") == (ran.code, ran.out)
    assert "the history lacks 1 of its 5 runs" in ran.err


def test_a_diff_of_nothing_and_a_replay_with_more_words(perfdb: Run, project: GitRepo, tmp_path: Path) -> None:
    assert (2, True) == (lambda ran: (ran.code, "perfdb diff A B" in ran.err))(perfdb("diff"))
    ran = perfdb("diff", "main", "--replay", tmp_path / "review.json")
    assert (2, True) == (ran.code, "other words in the call" in ran.err)


def test_earlier_runs_that_cannot_help_are_told(project: GitRepo, perfdb: Run) -> None:
    project.checkout("main")
    for number, commit in enumerate(("Nothing new", "Nothing new either")):
        project.commit({"app.cpp": f"{number + 10}\n"}, commit)
        path = project.path / f"release_{number}.folded"
        path.write_text("app.exe!main;lib0.dll!f0 500\n")
        assert 0 == perfdb("record", path, "--example", "x", "--build", "Release").code

    assert "! 4 earlier runs tell nothing here" in perfdb("diff", "HEAD~1", "HEAD").out
    assert "earlier runs tell nothing" not in perfdb("diff", "HEAD~1", "HEAD", "--history", "0").out
    file = project.path / "review.json"
    file.write_text(perfdb("diff", "HEAD~1", "HEAD", "--json").out, encoding="utf-8")
    assert "the same answer as in the file\n" == perfdb("diff", "--replay", file).err
