"""Reading what `xperf -a dumper` prints: the corpus trace's text, beside the slow twin, and a gigabyte of it."""

from __future__ import annotations

import lzma
import time
from collections.abc import Iterator
from pathlib import Path

from perfdb.readers import READERS, open_trace
from tests.bench.measure import CACHE, Figure, best_of, read_file_in_a_process, write_whole
from tests.twins.dumper_lines import read_dump

SECONDS = 1.5
PEAK_MB = 300
TWIN_RATIO = 5
LARGE_BYTES = 1_000_000_000
"""The least bytes of the large text."""
LARGE_PEAK_MB = 600
ROUNDS = 4
MB = 1_000_000


def dumper(corpus: Path) -> list[Figure]:
    """The three promises about the dumper's text."""
    text = _corpus_text(corpus)
    try:
        costs = [read_file_in_a_process(text) for _ in range(3)]
        best = min(costs, key=lambda cost: cost.seconds)
        large = _large_text(text)
        long = read_file_in_a_process(large)
    except RuntimeError as problem:
        return [Figure("read the corpus dumper", None, "s", SECONDS, note=str(problem))]
    size, large_size = text.stat().st_size / MB, large.stat().st_size / MB
    return [
        Figure("read the corpus dumper", best.seconds, "s", SECONDS, note=f"{size:.0f} MB, {best.samples:,} samples"),
        Figure("… peak memory, whole process", max(cost.peak for cost in costs) / MB, "MB", PEAK_MB),
        _against_the_twin(text),
        Figure(
            *("read a dumper of 1 GB", large_size / long.seconds, "MB/s"),
            note=f"{large_size:,.0f} MB, {long.samples:,} samples in {long.seconds:.1f} s",
        ),
        Figure("… peak memory, whole process", long.peak / MB, "MB", LARGE_PEAK_MB),
    ]


def _against_the_twin(text: Path) -> Figure:
    """In turns, so that a busy moment of the machine is not one side's alone; the best of each side counts."""

    def read() -> None:
        with open_trace(text, READERS) as opened:
            opened.read()

    ours: list[float] = []
    twins: list[float] = []
    for _ in range(ROUNDS):
        ours.append(best_of(2, read))
        start = time.perf_counter()
        read_dump(text)
        twins.append(time.perf_counter() - start)
    note = f"line by line: {min(twins):.2f} s; ours: {min(ours):.2f} s"
    return Figure("… time of a line-by-line reader over ours", min(twins) / min(ours), "x", TWIN_RATIO, True, note)


def _corpus_text(corpus: Path) -> Path:
    """The corpus trace's text, unpacked into the cache."""
    target = CACHE / "dotnet-gc-x64.dumper.txt"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        write_whole(target, lzma.decompress((corpus / f"{target.name}.xz").read_bytes()))
    return target


def _large_text(text: Path) -> Path:
    """The text again and again, each time later, made on the first call and kept in the cache."""
    rounds = -(-LARGE_BYTES // text.stat().st_size)
    target = CACHE / f"large-{rounds}.dumper.txt"
    if not target.exists():
        part = target.with_suffix(".part")
        with part.open("w", encoding="latin-1", newline="") as file:
            file.writelines(_rounds(text, rounds))
        part.replace(target)
    return target


def _rounds(text: Path, rounds: int) -> Iterator[str]:
    """The header once, then the rows of each round as one string."""
    head, end, body = text.read_bytes().decode("latin-1").partition("EndHeader\r\n")
    about, line_end, body = body.partition("\r\n")
    yield f"{head}{end}{about}{line_end}"
    rows: list[tuple[str, int, str]] = []
    for line in body.splitlines(keepends=True):
        event, time_us, rest = line.split(",", 2) if line.count(",") > 1 else (line, "", "")
        if time_us.strip().isdigit():
            rows.append((event, int(time_us), rest))
    span = max(row[1] for row in rows) + 1000
    for nth in range(rounds):
        yield "".join(f"{event}, {time_us + nth * span:>10},{rest}" for event, time_us, rest in rows)
