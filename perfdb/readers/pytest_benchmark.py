"""Results of pytest-benchmark: `pytest --benchmark-json results.json`, or a file of `--benchmark-save`.

    {"machine_info": {"node": …, "system": "Linux", "release": …, "cpu": {"brand_raw": …, "count": 8}},
     "commit_info": {"id": "…", "dirty": false, …},
     "benchmarks": [
       {"name": "test_copy", "fullname": "tests/bench.py::test_copy", "extra_info": {…},
        "stats": {"mean": 1.5e-07, "rounds": 1400, "iterations": 10, "data": [1.7e-07, …], …}}, …],
     "datetime": "2026-11-29T11:44:03.895274+00:00", "version": "5.3.1"}

Times are in seconds, of one call of what is measured: a round is the mean of `iterations` of them. There may be
hundreds of thousands of rounds, more than anybody would ask for: where there are twice `ROUNDS` of them or more, so
many in a row are put together as make `ROUNDS` repetitions or a few more, each the mean of its rounds. Files of
`--benchmark-save` have no `data` without `--benchmark-save-data`, and their mean is taken. Numbers in `extra_info` are
metrics of the benchmark's own, without unit.

Written by plugin.py and session.py of https://github.com/ionelmc/pytest-benchmark
"""

from __future__ import annotations

from perfdb.profile.columns import Caveat, Machine, Source
from perfdb.profile.measurement import MS, WALL_TIME, BenchmarkResult, BenchmarkResults, Measurement
from perfdb.readers.benchmark_json import (
    Json,
    key_paths,
    load_json,
    moment,
    odd_counters,
    own_metrics,
    refuse_twice,
    require_some,
)
from perfdb.readers.files import Content, Reader, ReadOptions, refuse_as_profile
from perfdb.units import MS_PER_S

ROUNDS = 100
"""So many repetitions are kept of a benchmark at least, where it has so many rounds, and fewer than twice as many."""

_UNVERSIONED = "unversioned"
_KEYS = frozenset({("machine_info",), ("commit_info",), ("benchmarks", "fullname"), ("benchmarks", "stats")})


def _recognises(head: bytes) -> bool:
    return len(_KEYS & key_paths(head)) >= 2


def _read(content: Content, source: Source, options: ReadOptions) -> BenchmarkResults:
    root, caveats = load_json(content, source)
    results = refuse_twice(
        [_result(each, caveats) for each in root.rows("benchmarks")],
        "Give each a name of its own, or write them to files of their own.",
    )
    require_some(results, source)
    commit = root.inner("commit_info")
    commit_id = commit.text("id")
    is_known = commit_id not in ("", _UNVERSIONED)
    return BenchmarkResults(
        source,
        results,
        program="pytest",
        machine=_machine(root.inner("machine_info")),
        started_at=moment(root.text("datetime")),
        commit_sha=commit_id if is_known else None,
        is_dirty=commit.truth("dirty") if is_known else None,
    )


def _machine(told: Json) -> Machine:
    cpu = told.inner("cpu")
    return Machine(
        hostname=told.text("node"),
        os=f"{told.text('system')} {told.text('release')}".strip(),
        cpu=cpu.text("brand_raw") or cpu.text("brand"),
        cores=cpu.count("count"),
    )


def _result(told: Json, caveats: tuple[Caveat, ...]) -> BenchmarkResult:
    name = told.text("fullname") or told.name("name")
    stats = told.inner("stats")
    rounds = stats.numbers("data")
    if rounds:
        times, of_rounds = _joined(rounds)
    else:
        times = [stats.number("mean")]
        count = stats.count("rounds")
        what = f"{count:,} rounds" if count else "the rounds"
        of_rounds = (Caveat("mean-only", f"only the mean of {what} is told (--benchmark-save-data has all)"),)
    own, odd = own_metrics(told.inner("extra_info").values)
    return BenchmarkResult(
        name,
        (*(Measurement(WALL_TIME, MS, time * MS_PER_S, at) for at, time in enumerate(times)), *own),
        (*caveats, *of_rounds, *odd_counters(odd)),
    )


def _joined(rounds: list[float]) -> tuple[list[float], tuple[Caveat, ...]]:
    """The times of repetitions, and a caveat where each of them is the mean of several rounds."""
    together = len(rounds) // ROUNDS
    if together < 2:
        return rounds, ()
    starts = [at * together for at in range(len(rounds) // together)]
    ends = [*starts[1:], len(rounds)]  # the last one takes what is left over
    means = [sum(rounds[start:end]) / (end - start) for start, end in zip(starts, ends, strict=True)]
    text = f"a repetition is the mean of {together:,} rounds in a row: there are {len(rounds):,}"
    return means, (Caveat("rounds-joined", text),)


PYTEST_BENCHMARK = Reader(
    name="pytest-benchmark",
    title="results of pytest-benchmark (JSON)",
    suffixes=(".json",),
    recognises=_recognises,
    read=refuse_as_profile,
    read_results=_read,
)
