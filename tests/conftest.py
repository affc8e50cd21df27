"""What every test stands on: a hermetic environment, the real traces, a real git repository, hypothesis profiles."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from perfdb.store import connection

CHECKOUT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("PERFDB_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
"""The folder of real traces, looked up before the tests' own environment takes over."""

# "quick" is for every run, "thorough" for HYPOTHESIS_PROFILE=thorough. CI draws the same examples each time: a red run
# there should mean a changed program, while a developer's machine goes on looking for new ones.
_COMMON = settings(
    deadline=None,
    derandomize="CI" in os.environ,
    database=None if "CI" in os.environ else settings.default.database,  # type: ignore[union-attr]
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("quick", _COMMON, max_examples=40)
settings.register_profile("thorough", _COMMON, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Tests run side by side, and these histories are small: more threads in each database would only wait for each other.
for _config in (connection.SEALED_CONFIG, connection.WRITER_CONFIG):
    _config["threads"] = 1

COLUMNS = 120
"""The width of the terminal that tests run in."""


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine reaches a test: not perfdb's, not git's, not the terminal's, no symbol path."""
    terminal = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    for name in list(os.environ):
        if name.startswith(("PERFDB_", "GIT_", "_NT_")) or name in terminal:
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    for name, value in _GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real traces with known answers: PERFDB_CORPUS, else ../shared/corpus; skips where there is none."""
    if not CORPUS.is_dir():
        pytest.skip(f"needs the corpus of real traces; {CORPUS} is no folder, and PERFDB_CORPUS may name another")
    return CORPUS


# Commits get the same hashes on every machine. The configuration files named here are not there, which git takes as
# empty; the protocol is for submodules, which the tests take from the folder next door.
_GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": str(CHECKOUT / "tests" / "no-such-gitconfig"),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_CONFIG_KEY_1": "core.autocrlf",
    "GIT_CONFIG_VALUE_1": "false",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}
FIRST_COMMIT_AT = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass
class GitRepo:
    """A real git repository on branch `main`; commits are made at `FIRST_COMMIT_AT` and every hour after it."""

    path: Path
    _next_at: datetime = field(default=FIRST_COMMIT_AT)

    @classmethod
    def create(cls, path: Path) -> GitRepo:
        """An empty repository in a folder that is made when it is missing."""
        path.mkdir(parents=True, exist_ok=True)
        repo = cls(path)
        repo.git("init", "-q")
        repo.git("symbolic-ref", "HEAD", "refs/heads/main")
        return repo

    def git(self, *words: str, given: bytes | None = None) -> str:
        """What git prints, without the last line end; raises CalledProcessError when it fails."""
        at = f"{int(self._next_at.timestamp())} +0000"
        environ = os.environ | _GIT_ENVIRONMENT | {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        ran = subprocess.run(["git", *words], cwd=self.path, env=environ, input=given, capture_output=True, check=True)
        return ran.stdout.decode(errors="replace").rstrip("\n")

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "work") -> str:
        """Write files (None removes one), commit them on the current branch, and give the full hash."""
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--", *files)
        self.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", message)
        return self._committed()

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and switch to it."""
        self.git("checkout", "-q", "-b", name, start, "--")

    def checkout(self, rev: str) -> None:
        """Switch to a branch, or to a commit without one."""
        self.git("checkout", "-q", rev, "--")

    def merge(self, *others: str, message: str = "merge") -> str:
        """Merge branches into the current one, always with a commit of its own, and give its full hash."""
        self.git("merge", "-q", "--no-ff", "-m", message, *others)
        return self._committed()

    def _committed(self) -> str:
        self._next_at += timedelta(hours=1)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def git_repo(tmp_path: Path) -> GitRepo:
    """An empty repository in a folder of its own, `tmp_path / "repo"`; the current folder stays where it was."""
    return GitRepo.create(tmp_path / "repo")
