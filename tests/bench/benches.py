"""What is measured, and the limits that the project promises to keep. Each bench is a function; `BENCHES` is
the list.
"""

from __future__ import annotations

import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

from perfdb.etl import read_etl
from perfdb.profile import Source
from tests.bench.dumper import dumper
from tests.bench.large import large_trace
from tests.bench.measure import CACHE, Figure, best_of, corpus_trace, perfdb, program, read_in_a_process
from tests.bench.naming import naming
from tests.bench.pages import pages
from tests.bench.perf_script import perf_script
from tests.bench.symbols import symbols

UNPACKED_BYTES = 23_042_592
"""The corpus trace with all its buffers unpacked."""

DISSECT_RATIO = 40
DISSECT_VERSION = "3.14"
ROUNDS = 3
TIMES_UNPACKED = 6
LARGE_MB_PER_S = 80
LARGE_PEAK_MB = 700
RECORD_SECONDS = 1.5
HELP_SECONDS = 0.25
DIFF_SECONDS = 0.9

COMMIT = "abc1234" + "0" * 33
"""A commit that no repository has; a full hash is taken all the same."""

MB = 1_000_000

_STEP = """
import sys, time
from dissect.etl import ETL
start = time.perf_counter()
count = 0
with open(sys.argv[1], "rb") as file:
    for record in ETL(file):
        count += 1
        if sys.argv[2] == "events":
            try:
                record.event
            except Exception:
                pass  # kinds that it does not know
print(count, time.perf_counter() - start)
"""
"""dissect.etl's own loop. `records` only counts them; `events` also asks each for its event, which is what a program
that reads anything out of a trace does, and where the 10 s of the project's comparison go."""


def read(corpus: Path) -> list[Figure]:
    """Reading the corpus trace, beside dissect.etl, which is AGPL and so is only ever run as a program of its own."""
    trace = corpus_trace(corpus)
    data = memoryview(trace.read_bytes())
    ours: list[float] = []
    theirs: dict[str, list[float]] = {"events": [], "records": []}
    problem = ""
    # In turns, so that a busy moment of the machine is not one side's alone; the best of each side counts.
    for _ in range(ROUNDS):
        ours.append(best_of(5, lambda: read_etl(data, Source("etl", trace.name, ""))))
        try:
            for what, seconds in theirs.items():
                seconds.append(float(program([_dissect(), "-c", _STEP, trace, what]).split()[1]))
        except (RuntimeError, OSError) as error:
            problem = str(error)
            break

    def against(what: str, limit: float | None, doing: str) -> Figure:
        measured = None if problem else min(theirs[what]) / min(ours)
        note = problem or f"{doing}: {min(theirs[what]):.1f} s"
        return Figure("… dissect.etl's time over ours", measured, "x", limit, True, note)

    return [
        Figure("read the corpus trace", min(ours) * 1000, "ms"),
        against("events", DISSECT_RATIO, "stepping through the 179,474 events"),
        against("records", None, "counting the records, without asking for their events"),
    ]


def _dissect() -> Path:
    """The Python of a throw-away environment that has dissect.etl."""
    folder = CACHE / f"dissect-{DISSECT_VERSION}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        program([python, "-m", "pip", "install", "--quiet", f"dissect.etl=={DISSECT_VERSION}"])
        done.touch()
    return python


def memory(corpus: Path) -> list[Figure]:
    """The memory of a process that reads the corpus trace."""
    cost = read_in_a_process(corpus_trace(corpus))
    above = (cost.peak - cost.before) / UNPACKED_BYTES
    note = f"{cost.peak / MB:.0f} MB for the whole process, {cost.before / MB:.0f} MB of them before reading"
    return [
        Figure("peak memory over the unpacked trace", cost.peak / UNPACKED_BYTES, "x", TIMES_UNPACKED, note=note),
        Figure("… above what the imports take", above, "x"),
    ]


def large(corpus: Path) -> list[Figure]:
    """A trace of a gigabyte."""
    trace, unpacked = large_trace(corpus_trace(corpus))
    costs = [read_in_a_process(trace) for _ in range(2)]
    best = min(costs, key=lambda cost: cost.seconds)
    note = f"{unpacked / MB:,.0f} MB unpacked, {best.samples:,} samples in {best.seconds:.1f} s" + "".join(
        f"; {caveat}" for caveat in best.caveats
    )
    return [
        Figure("read a trace of 1 GB", unpacked / MB / best.seconds, "MB/s", LARGE_MB_PER_S, True, note),
        Figure("… peak memory, mapped file included", max(cost.peak for cost in costs) / MB, "MB", LARGE_PEAK_MB),
    ]


def record(corpus: Path) -> list[Figure]:
    """`perfdb record`, the whole process, into a new history each time."""
    trace = corpus_trace(corpus)
    with tempfile.TemporaryDirectory() as folder:
        names = iter(range(1000))

        def once() -> None:
            history = Path(folder) / f"{next(names)}.duckdb"
            perfdb("--db", history, "record", trace, "--commit", COMMIT, "--example", "x")

        return [_timed("perfdb record, corpus trace", once, 5, RECORD_SECONDS)]


def help_(corpus: Path) -> list[Figure]:
    """`perfdb --help`."""
    return [_timed("perfdb --help", lambda: perfdb("--help"), 7, HELP_SECONDS)]


def diff(corpus: Path) -> list[Figure]:
    """`perfdb diff` on the demo's history, in the demo's own repository, whose branches it names."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        try:
            perfdb("demo", "--keep", demo)
        except RuntimeError as problem:
            return [Figure("perfdb diff, demo", None, "s", DIFF_SECONDS, note=str(problem))]
        return [_timed("perfdb diff, demo", lambda: perfdb(*DEMO_DIFF, folder=demo), 5, DIFF_SECONDS)]


DEMO_DIFF = ("diff", "main", "bulk-insert")
"""The call that is timed; the history is the one that perfdb finds from the demo's folder."""


def _timed(what: str, work: Callable[[], object], runs: int, limit: float) -> Figure:
    try:
        return Figure(what, best_of(runs, work), "s", limit)
    except RuntimeError as problem:
        return Figure(what, None, "s", limit, note=str(problem))


BENCHES: dict[str, Callable[[Path], list[Figure]]] = {
    "read": read,
    "memory": memory,
    "large": large,
    "dumper": dumper,
    "perf": perf_script,
    "symbols": symbols,
    "naming": naming,
    "record": record,
    "help": help_,
    "diff": diff,
    "pages": pages,
}
