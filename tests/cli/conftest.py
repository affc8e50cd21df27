"""The program as a user runs it, in process, and the demo's history to ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from perfdb.cli import main


@dataclass(frozen=True)
class Ran:
    """What one call of the program did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def perfdb(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `perfdb` with the given words."""

    def run(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `perfdb demo` has been."""
    folder = tmp_path_factory.mktemp("demo") / "indexer"
    assert main(["demo", "--keep", str(folder)]) == 0
    return folder


@pytest.fixture
def demo(demo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is the demo's."""
    monkeypatch.chdir(demo_folder)
    return demo_folder
