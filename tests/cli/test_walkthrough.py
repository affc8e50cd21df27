"""The README's way from nothing to a diff, typed as it stands there: g++, git and perf for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import CHECKOUT
from tests.perf import need, need_perf

MARK = "<!-- tests/cli/test_walkthrough.py types these lines -->"


def typed_lines() -> str:
    """The block of code behind the mark in the README, as a shell would get it."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    block = readme.split(MARK, 1)[1].split("\n#", 1)[0]
    lines = [line[4:] for line in block.splitlines() if line.startswith("    ")]
    assert any(line.startswith("perfdb profile") for line in lines)
    return "\n".join(lines)


def walk(folder: Path) -> subprocess.CompletedProcess[str]:
    """Type the lines in a folder."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PERFDB_", "GIT_"))}
    environ |= {
        "CHECKOUT": str(CHECKOUT),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]]),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    environ |= {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    script = f"set -eu -o pipefail\n{typed_lines()}\n"
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
    )


def asked(folder: Path, *words: str) -> Any:
    """What perfdb answers as JSON in the folder."""
    command = [str(Path(sys.executable).with_name("perfdb")), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_planted_function_comes_first_with_about_its_size(tmp_path: Path) -> None:
    need("git", "g++", "bash")
    need_perf()

    done = walk(tmp_path)

    folder = tmp_path / "indexer"
    assert done.returncode == 0, done.stderr
    assert "recorded 18 runs of 3 examples; next: perfdb diff main thorough" in done.stderr
    _assert_turns(folder)
    _assert_measured(folder)
    _assert_traces(folder)
    diff = asked(folder, "diff", "main", "thorough", "--json")
    (words,) = [each for each in diff["examples"] if each["example"] == "words"]
    first = words["functions"]["rows"][0]
    assert ("indexer", "indexer::hash_word", "regressed") == (first["module"], first["function"], first["status"])
    assert 0.6 < first["change"] < 1.5  # it does the same twice


def _assert_turns(folder: Path) -> None:
    """Both builds take turns, and each run is its commit's."""
    runs = asked(folder, "sql", "select example, subject from run_summary join revision using (commit_sha) "
                 "order by recorded_at", "--format", "json")  # fmt: skip
    subjects = [run["subject"] for run in runs if run["example"] == "words"]
    first, second = "Index words", "Hash more thoroughly"
    assert [first, second, second, first, first, second] == subjects


def _assert_measured(folder: Path) -> None:
    """The measurements stand beside the samples."""
    rows = asked(folder, "sql", "select example, metric, unit, repetitions, mean from measurement_summary",
                 "--format", "json")  # fmt: skip
    told = {(row["example"], row["metric"]) for row in rows}
    metrics = ("wall_time", "user_time", "kernel_time", "peak_memory", "exit_code")
    assert told == {(example, metric) for example in ("words", "sort", "templates") for metric in metrics}
    assert all(row["mean"] == 0 for row in rows if row["metric"] == "exit_code")
    assert all(1e6 < row["mean"] < 1e9 for row in rows if row["metric"] == "peak_memory")


def _assert_traces(folder: Path) -> None:
    """The traces are called as promised, each with its sheet."""
    names = sorted(path.name for path in (folder / "artifacts" / "profile").iterdir())
    traces = [name for name in names if not name.endswith(".run.json")]
    assert len(traces) == 18
    assert all(re.fullmatch(r"indexer_profile_(words|sort|templates)_\d{8}-\d{6}\.perf\.gz", name) for name in traces)
    assert names == sorted([*traces, *(f"{name}.run.json" for name in traces)])
