"""Reading what `perf script` prints: 300,000 lines made on the spot, beside the slow twin, and ten times as many."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from perfdb.readers import READERS, open_trace
from tests.bench.measure import CACHE, Figure, best_of, read_file_in_a_process
from tests.twins.perf_script_lines import read_lines

LINES = 300_000
SECONDS = 2.0
PEAK_MB = 300
TWIN_RATIO = 2
TIMES = 10
LARGE_PEAK_MB = 400
ROUNDS = 3
MB = 1_000_000


def perf_script(corpus: Path) -> list[Figure]:
    """The promise about 300,000 lines, for each of the three kinds of lines."""
    stacks = _text("stacks", LINES, _stacks)
    try:
        figures = [
            *_figures("with stacks", stacks),
            *_figures("with inlined frames and source lines", _text("inlined", LINES, _inlined)),
            *_figures("without stacks", _text("leaves", LINES, _leaves)),
        ]
        large = read_file_in_a_process(_text("stacks", LINES * TIMES, _stacks))
    except RuntimeError as problem:
        return [Figure("read perf script text", None, "s", SECONDS, note=str(problem))]
    return [
        *figures,
        _against_the_twin(stacks),
        Figure(f"read {LINES * TIMES:,} lines of perf script", large.seconds, "s", note=f"{large.samples:,} samples"),
        Figure("… peak memory, whole process", large.peak / MB, "MB", LARGE_PEAK_MB),
    ]


def _figures(what: str, text: Path) -> Iterator[Figure]:
    costs = [read_file_in_a_process(text) for _ in range(ROUNDS)]
    best = min(costs, key=lambda cost: cost.seconds)
    note = f"{text.stat().st_size / MB:.0f} MB, {best.samples:,} samples"
    yield Figure(f"read {LINES:,} lines of perf script {what}", best.seconds, "s", SECONDS, note=note)
    yield Figure("… peak memory, whole process", max(cost.peak for cost in costs) / MB, "MB", PEAK_MB)


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
        with text.open(encoding="utf-8") as lines:
            read_lines(lines)
        twins.append(time.perf_counter() - start)
    note = f"line by line, without making a profile: {min(twins):.2f} s; ours: {min(ours):.2f} s"
    return Figure("… time of a line-by-line reader over ours", min(twins) / min(ours), "x", TWIN_RATIO, True, note)


def _text(kind: str, lines: int, samples: Callable[[random.Random], Iterator[str]]) -> Path:
    """A text of at least so many lines, made on the first call and kept in the cache."""
    target = CACHE / f"{kind}-{lines}.perf"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part, count, chance = target.with_suffix(".part"), 0, random.Random(7)
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for sample in samples(chance):
                count += file.write(sample) and sample.count("\n")
                if count >= lines:
                    break
        part.replace(target)
    return target


def _heads(chance: random.Random) -> Iterator[str]:
    """The beginning of one sample after the other: four threads of a process, and a second process."""
    time_ns = 812_000_000_000
    while True:
        time_ns += chance.randrange(200_000, 1_100_000)
        name, pid, tid = chance.choice(
            [("app", 700, 700), ("Web Content", 700, 703), ("worker: 1", 700, 704), ("sh", 9, 9)]
        )
        seconds, fraction = divmod(time_ns, 1_000_000_000)
        yield f"{name} {pid}/{tid} [00{chance.randrange(8)}] {seconds}.{fraction:09}:    1003009 cpu-clock: "


def _functions(chance: random.Random) -> list[str]:
    """Symbols and images as C++ programs have them."""
    images = [
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "/opt/my app/bin/app",
        "/opt/my app/lib/libparse.so",
        "[kernel.kallsyms]",
    ]
    shapes = [
        "ns::list<int>::push_{}",
        "(anonymous namespace)::read_{}(char const*, int)",
        "main_{}",
        "std::sort<int*, n::less_{}>",
    ]
    return [f"{chance.choice(shapes).format(at)}+0x%x ({chance.choice(images)})" for at in range(3000)]


def _paths(chance: random.Random) -> list[list[str]]:
    """Call paths, innermost first, that share their outer frames."""
    functions = _functions(chance)
    paths = [["main+0x%x (/opt/my app/bin/app)"]]
    while len(paths) < 4000:
        above = paths[min(int(chance.expovariate(1 / 400)), len(paths) - 1)] if len(paths) > 5 else paths[0]
        if len(above) < 40:
            paths.append([chance.choice(functions), *above])
    return paths


def _chosen(chance: random.Random, paths: list[list[str]]) -> list[str]:
    """A path; the sampled place differs from sample to sample, places of calls do not."""
    path = paths[min(int(chance.expovariate(1 / 600)), len(paths) - 1)]
    return [function % (chance.randrange(400) if not at else 64 + at) for at, function in enumerate(path)]


def _stacks(chance: random.Random) -> Iterator[str]:
    paths = _paths(chance)
    for head in _heads(chance):
        frames = "".join(f"\t{0x1000 + _address(frame):16x} {frame}\n" for frame in _chosen(chance, paths))
        yield f"{head}\n{frames}\n"


def _inlined(chance: random.Random) -> Iterator[str]:
    paths = _paths(chance)
    for head in _heads(chance):
        lines = []
        for at, frame in enumerate(_chosen(chance, paths)):
            address = f"\t{0x1000 + _address(frame):16x} "
            if at % 3 == 1:
                lines.append(
                    f"{address}{frame.partition(' (/')[0].partition(' ([')[0]}\n  list.h:{at + 10} (inlined)\n"
                )
            lines.append(f"{address}{frame}\n  source_{at}.cpp:{at + 20}\n")
        yield f"{head}\n{''.join(lines)}\n"


def _leaves(chance: random.Random) -> Iterator[str]:
    paths = _paths(chance)
    for head in _heads(chance):
        frame = _chosen(chance, paths)[0]
        yield f"{head}{0x1000 + _address(frame):16x} {frame}\n"


def _address(text: str) -> int:
    """An address for a frame: the same in every run."""
    return sum((at + 1) * 131 * ord(char) for at, char in enumerate(text)) & 0xFFFFF
