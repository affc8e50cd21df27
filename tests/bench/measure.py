"""Measuring: the best of several runs, since other work on the machine can only make a run slower; and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(tempfile.gettempdir()) / "perfdb-bench"
"""What is dear to make is kept here between runs of the bench; it can be deleted at any time."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the result. `limit` None is a figure for information; `at_least` says which side of it is good."""

    what: str
    measured: float | None
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether the limit is not kept; a figure that could not be measured has missed it."""
        if self.limit is None:
            return False
        if self.measured is None:
            return True
        return self.measured < self.limit if self.at_least else self.measured > self.limit


def best_of(runs: int, work: Callable[[], object]) -> float:
    """Seconds of the quickest run."""
    return min(_seconds(work) for _ in range(runs))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def program(arguments: Sequence[str | Path], folder: Path = CHECKOUT) -> str:
    """Run a program to its end; returns what it printed, raises RuntimeError with its last words if it failed."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    # A user's Python keeps the byte code of an installed program, and so does ours, away from the checkout.
    environment |= {"PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [*map(str, arguments)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        said = (result.stderr or result.stdout).strip().splitlines()
        raise RuntimeError(said[-1] if said else f"exit code {result.returncode}")
    return result.stdout


def perfdb(*arguments: str | Path, folder: Path = CHECKOUT) -> str:
    """Run `perfdb` as a process of its own, in a folder."""
    return program([sys.executable, "-m", "perfdb", *arguments], folder)


# Around a read: prints its seconds and the peak of memory before and after it. `VmHWM` belongs to the program alone;
# `ru_maxrss`, for systems without it, may include what the bench itself had when it started the program.
_BEFORE = """
import json, sys

def peak_kib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)

before = peak_kib()
"""

_AFTER = """
print(json.dumps({"seconds": seconds, "before": before * 1024, "peak": peak_kib() * 1024,
                  "samples": profile.sample_count, "caveats": [each.text for each in profile.caveats]}))
"""

_IMPORTS = """
import mmap, sys, time
from perfdb.etl import read_etl
from perfdb.profile import Source
import pyfwnt
"""

_READ = """
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    start = time.perf_counter()
    with memoryview(mapped) as data:
        profile = read_etl(data, Source("etl", "trace", ""))
    seconds = time.perf_counter() - start
"""


@dataclass(frozen=True, slots=True)
class ReadCost:
    """What a process that reads one trace costs: seconds of the read, bytes of memory before it and at the peak."""

    seconds: float
    before: int
    peak: int
    samples: int
    caveats: tuple[str, ...]


def cost_of(imports: str, work: str, path: Path) -> ReadCost:
    """Read a file in a process of its own: `work` leaves `seconds` and `profile`, and what is imported is before it."""
    script = imports + _BEFORE + work + _AFTER
    found = json.loads(program([sys.executable, "-c", script, path]))
    return ReadCost(found["seconds"], found["before"], found["peak"], found["samples"], tuple(found["caveats"]))


def read_in_a_process(trace: Path) -> ReadCost:
    """Read a mapped trace in a process of its own."""
    return cost_of(_IMPORTS, _READ, trace)


_FILE_IMPORTS = """
import sys, time
from pathlib import Path
from perfdb.readers import READERS, open_trace
import perfdb.readers.perf_script.assemble
"""

_READ_FILE = """
start = time.perf_counter()
with open_trace(Path(sys.argv[1]), READERS) as opened:
    profile = opened.read()
seconds = time.perf_counter() - start
"""


def read_file_in_a_process(path: Path) -> ReadCost:
    """Read a file of whatever format in a process of its own."""
    return cost_of(_FILE_IMPORTS, _READ_FILE, path)


def corpus_trace(corpus: Path) -> Path:
    """The real trace, unpacked into the cache."""
    target = CACHE / "dotnet-gc-x64.etl"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(corpus / "dotnet-gc-x64.etl.zip") as archive:
            (name,) = (name for name in archive.namelist() if name.endswith(".etl"))
            write_whole(target, archive.read(name))
    return target


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that is there wholly or not at all."""
    part = target.with_suffix(".part")
    part.write_bytes(content)
    part.replace(target)
