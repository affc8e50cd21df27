"""Profiling: what is refused before anything is run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from perfdb.api.history import PERF_FORMAT, open_history
from perfdb.api.profile import ProfileRequest
from perfdb.errors import InputError
from perfdb.readers.perf_script import PERF
from tests.conftest import GitRepo


@pytest.mark.parametrize(
    ("command", "second"),
    [(["{build}/app"], "a"), ([sys.executable], "b")],
    ids=["one build folder", "no {build} in the example"],
)
def test_a_pair_that_runs_one_program_for_both_is_refused(
    git_repo: GitRepo, monkeypatch: pytest.MonkeyPatch, command: Sequence[str], second: str
) -> None:
    git_repo.commit({"app.cpp": ""}, "First")
    git_repo.git("branch", "old")
    git_repo.commit({"app.cpp": "int main() {}"}, "Second")
    for build in ("a", "b"):
        program = git_repo.path / build / "app"
        program.parent.mkdir()
        program.touch(0o755)
        program.with_suffix(".exe").touch()
    (git_repo.path / "perfdb.toml").write_text(f"[examples.simple]\ncommand = {json.dumps(command)}\n", "utf-8")
    monkeypatch.chdir(git_repo.path)
    request = ProfileRequest(pair=(("old", Path("a")), ("HEAD", Path(second))))

    with pytest.raises(InputError, match="the example 'simple' starts the same program for both"):
        list(open_history().profile_each(request))


def test_runs_of_perf_are_known_by_the_name_of_their_reader() -> None:
    assert PERF_FORMAT == PERF.name
