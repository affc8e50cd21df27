"""Programs of others that tests hold perfdb's files against: packages of npm, at exact versions, fetched once.

They are kept beside the system's temporary files, outside the checkout. Nothing of them is run while they are fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest


def npm_package(name: str, version: str) -> Path:
    """The folder of an unpacked package, without what it depends on; skips where npm cannot get it, but fails in CI.

    It is there whole or not at all: who comes first puts it there, also among several processes.
    """
    home = Path(tempfile.gettempdir()) / "perfdb-npm" / f"{name.replace('/', '+')}-{version}"
    if home.is_dir():
        return home / "package"
    npm = shutil.which("npm")
    if npm is None:
        missing(f"needs npm, for {name} {version}")
    home.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        ran = subprocess.run(
            [npm, "pack", "--loglevel", "error", "--ignore-scripts", f"{name}@{version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if ran.returncode or len(archives) != 1:
            missing(f"needs {name} {version}, which npm could not get: {ran.stderr.strip()[:300]}")
        whole = Path(folder) / "whole"
        with tarfile.open(archives[0]) as archive:
            archive.extractall(whole, filter="data")
        try:
            whole.rename(home)
        except OSError:  # another process was quicker
            if not home.is_dir():
                raise
    return home / "package"


def missing(what: str) -> NoReturn:
    """End a test for want of something: skipped where people work, failed in CI, which has all."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)
