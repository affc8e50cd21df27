"""Results of google/benchmark: `./bench --benchmark_out=results.json --benchmark_out_format=json`.

    {"context": {"date": …, "host_name": …, "executable": …, "num_cpus": 8, "library_build_type": "release", …},
     "benchmarks": [
       {"name": "BM_Copy/8", "run_name": "BM_Copy/8", "run_type": "iteration", "repetition_index": 0,
        "real_time": 14.5, "cpu_time": 14.5, "time_unit": "ns", "bytes_per_second": 5.5e8, "my_counter": 3}, …

A row is one repetition of one benchmark, or an aggregate of several repetitions. Its times are of one iteration, the
mean of as many as the library found fit; with manual time, `real_time` is what the benchmark itself measured. Whatever
else is a number is a counter, most of them the benchmark's own. Aggregates are read only where the repetitions were not
written (`--benchmark_report_aggregates_only`), and then only the mean; fits of complexity (BigO, RMS) are no
measurements. Before version 1.5 aggregates had names with `_mean`, `_median`, `_stddev` at their end, and nothing more.

The library knows no commit and no build of the program: `library_build_type` is of the library itself. Both are taken
from what the call adds to the context, `--benchmark_context=commit=…,build=…`.

Written by json_reporter.cc of https://github.com/google/benchmark
"""

from __future__ import annotations

from collections.abc import Sequence

from perfdb.profile.columns import Caveat, Machine, Source
from perfdb.profile.measurement import (
    BYTES,
    CPU_TIME,
    MS,
    WALL_TIME,
    BenchmarkResult,
    BenchmarkResults,
    Measurement,
)
from perfdb.readers.benchmark_json import (
    Json,
    key_paths,
    load_json,
    moment,
    odd_counters,
    own_metrics,
    program_name,
    require_some,
)
from perfdb.readers.files import Content, Reader, ReadOptions, refuse_as_profile

_PER_MS = {"ns": 1e6, "us": 1e3, "ms": 1.0, "s": 1e-3}
_UNITS = {
    "bytes_per_second": "bytes/s",
    "items_per_second": "items/s",
    "max_bytes_used": BYTES,
    "total_allocated_bytes": BYTES,
    "net_heap_growth": BYTES,
}
_NO_COUNTERS = frozenset(
    {
        "cpu_time",
        "family_index",
        "iterations",
        "per_family_instance_index",
        "real_time",
        "repetition_index",
        "repetitions",
        "threads",
    }
)
_FITS = ("BigO", "RMS")
_SUFFIXES = ("mean", "median", "stddev", "cv", *_FITS)
_ROW_KEYS = ("run_type", "time_unit", "real_time", "cpu_time")
_CONTEXT_KEYS = ("library_build_type", "num_cpus", "cpu_scaling_enabled", "mhz_per_cpu")


def _recognises(head: bytes) -> bool:
    paths = key_paths(head)
    return any(("benchmarks", key) in paths for key in _ROW_KEYS) or (
        ("benchmarks",) in paths and any(("context", key) in paths for key in _CONTEXT_KEYS)
    )


def _read(content: Content, source: Source, options: ReadOptions) -> BenchmarkResults:
    root, caveats = load_json(content, source)
    context = root.inner("context")
    rows = root.rows("benchmarks")
    names = {row.name("name") for row in rows}
    groups: dict[str, list[tuple[str, Json]]] = {}
    for row in rows:
        name, aggregate = _what(row, names)
        groups.setdefault(name, []).append((aggregate, row))
    common = (*caveats, *_caveats(context))
    found = [_result(name, group, common) for name, group in groups.items()]
    results = tuple(result for result in found if result is not None)
    require_some(results, source)
    return BenchmarkResults(
        source,
        results,
        program=program_name(context.text("executable")),
        machine=Machine(hostname=context.text("host_name"), cores=context.count("num_cpus")),
        started_at=moment(context.text("date")),
        commit_sha=_added(context, "commit") or None,
        build=_added(context, "build"),
    )


def _added(context: Json, key: str) -> str:
    """What the call added to the context, which may be of any type where a program made it."""
    return context.text(key) if isinstance(context.values.get(key), str) else ""


def _what(row: Json, names: set[str]) -> tuple[str, str]:
    """The benchmark of a row, and which aggregate of it the row is, "" for a repetition."""
    name = row.name("name")
    if row.has("run_type"):
        aggregate = (row.text("aggregate_name") or "mean") if row.text("run_type") == "aggregate" else ""
        return row.text("run_name") or name, aggregate
    benchmark, _, suffix = name.rpartition("_")
    if suffix in _FITS or (suffix in _SUFFIXES and {f"{benchmark}_mean", f"{benchmark}_stddev"} <= names):
        return benchmark, suffix
    return name, ""


def _caveats(context: Json) -> tuple[Caveat, ...]:
    """What the library itself warns of."""
    found = []
    if context.text("library_build_type") == "debug":
        text = "google/benchmark itself was built for debugging, which may cost time within what it measures"
        found.append(Caveat("debug-library", text))
    if context.truth("cpu_scaling_enabled"):
        found.append(Caveat("cpu-scaling", "the processors changed their speed as they liked: times are noisy"))
    return tuple(found)


def _result(name: str, rows: Sequence[tuple[str, Json]], caveats: tuple[Caveat, ...]) -> BenchmarkResult | None:
    """What is told of one benchmark; None where that is only how its time grows with its input."""
    for _, row in rows:
        if row.truth("error_occurred"):
            return BenchmarkResult(name, failed=f"it failed: {row.text('error_message') or 'it does not say why'}")
        if row.truth("skipped"):
            return BenchmarkResult(name, failed=f"it was skipped: {row.text('skip_message') or 'it does not say why'}")
    repetitions = [row for aggregate, row in rows if not aggregate]
    if repetitions:
        return _repeated(name, repetitions, caveats)
    means = [row for aggregate, row in rows if aggregate == "mean"]
    if len(means) == 1:
        told = Caveat("mean-only", "only the mean of the repetitions is told (--benchmark_report_aggregates_only)")
        return _benchmark(name, [(0, means[0])], (*caveats, told))
    if means:
        return BenchmarkResult(name, failed=_twice(len(means)))
    if all(aggregate in _FITS for aggregate, _ in rows):
        return None
    return BenchmarkResult(name, failed="the file has neither its repetitions nor their mean: have either written")


def _repeated(name: str, rows: Sequence[Json], caveats: tuple[Caveat, ...]) -> BenchmarkResult:
    if any(row.has("repetition_index") for row in rows):
        numbers = [row.count("repetition_index") for row in rows]
    else:
        numbers = list(range(len(rows)))
    if len(set(numbers)) < len(numbers):
        return BenchmarkResult(name, failed=_twice(max(map(numbers.count, numbers))))
    return _benchmark(name, list(zip(numbers, rows, strict=True)), caveats)


def _twice(times: int) -> str:
    return f"the file has {times} benchmarks of this name: give each a name of its own (->Name)"


def _benchmark(name: str, rows: Sequence[tuple[int, Json]], caveats: tuple[Caveat, ...]) -> BenchmarkResult:
    measurements: list[Measurement] = []
    odd: list[str] = []
    for repetition, row in rows:
        unit = row.text("time_unit") or "ns"
        if unit not in _PER_MS:
            raise row.wrong("time_unit", "ns, us, ms or s")
        measurements.append(Measurement(WALL_TIME, MS, row.number("real_time") / _PER_MS[unit], repetition))
        if row.has("cpu_time"):
            measurements.append(Measurement(CPU_TIME, MS, row.number("cpu_time") / _PER_MS[unit], repetition))
        counters, left_out = own_metrics(
            {key: value for key, value in row.values.items() if key not in _NO_COUNTERS}, repetition
        )
        measurements += [
            Measurement(each.metric, _UNITS.get(each.metric, each.unit), each.value, repetition) for each in counters
        ]
        odd += left_out
    return BenchmarkResult(name, tuple(measurements), (*caveats, *odd_counters(odd)))


GOOGLE_BENCHMARK = Reader(
    name="google-benchmark",
    title="results of google/benchmark (JSON)",
    suffixes=(".json",),
    recognises=_recognises,
    read=refuse_as_profile,
    read_results=_read,
)
