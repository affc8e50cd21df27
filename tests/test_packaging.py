"""A wheel, built and installed elsewhere, has all it needs: the migrations and queries came along."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.traces import small_trace


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    constraints = {"PIP_CONSTRAINT": "constraints.txt", "PIP_BUILD_CONSTRAINT": "constraints.txt"}
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), "."],
        cwd=CHECKOUT,
        env={**os.environ, **constraints},
        check=True,
        capture_output=True,
    )
    return next(folder.glob("perfdb-*.whl"))


def test_the_wheel_carries_the_sql_and_what_pages_are_made_of(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    for folder in ("migrations", "queries"):
        for path in sorted((CHECKOUT / folder).rglob("*.sql")):
            assert f"perfdb/{path.relative_to(CHECKOUT).as_posix()}" in names
    assert "perfdb/py.typed" in names
    for folder in ("report/html/static", "report/html/templates", "report/schemas"):
        own = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "perfdb" / folder).iterdir()}
        assert own
        assert own <= names
    assert not [name for name in names if name.startswith(("tests/", "artifacts/"))]


def test_an_installed_perfdb_records_and_compares(wheel: Path, tmp_path: Path) -> None:
    """The wheel is unpacked into an environment of its own; the libraries are those of this one, added by path."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.strip()
    zipfile.ZipFile(wheel).extractall(site)
    import duckdb

    Path(site, "libraries.pth").write_text(str(Path(duckdb.__file__).parents[1]) + "\n")
    (tmp_path / "slow.etl").write_bytes(small_trace(library=30))
    (tmp_path / "fast.etl").write_bytes(small_trace(library=20))

    def run(*words: str) -> str:
        code = "import sys; sys.path = [p for p in sys.path if p]; from perfdb.cli import entry; entry()"
        done = subprocess.run([python, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)
        return done.stdout

    where = subprocess.run(
        [python, "-c", "import perfdb; print(perfdb.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(site)
    run("record", "slow.etl", "--commit", "before", "--example", "x")
    run("record", "fast.etl", "--commit", "after", "--example", "x")
    assert "-10.0" in run("diff", "before", "after")
    assert "hotspots" in run("query", "--list")
