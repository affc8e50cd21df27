"""perf for tests, where this machine has it and lets it sample."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest


@cache
def _obstacle() -> str:
    """Why perf cannot be used here, "" where it can: it is asked to sample something."""
    if shutil.which("perf") is None:
        return "perf is not installed"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "perf.data")
        command = ["perf", "record", "-q", "-o", str(data), "-e", "cpu-clock:u", "-g", "--", "true"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 and data.exists() else f"perf may not sample here: {done.stderr.strip()}"


def need_perf() -> None:
    """Skip the test, with the reason, where perf cannot be used."""
    if obstacle := _obstacle():
        pytest.skip(obstacle)


def need(*programs: str) -> None:
    """Skip the test where a program is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
