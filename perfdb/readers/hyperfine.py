"""Results of hyperfine: `hyperfine --export-json results.json COMMAND…`.

    {"results": [
      {"command": "indexer --n 1", "mean": 0.81, "stddev": 0.01, "median": …, "user": 0.7, "system": 0.1, "min": …,
       "max": …, "times": [0.81, 0.82, 0.80], "memory_usage_byte": [8192000, …], "exit_codes": [0, 0, 0],
       "parameters": {"n": "1"}}, …

Times are in seconds. `times`, `memory_usage_byte` and `exit_codes` have a value a run, `user` and `system` are means of
them all. `command` is the name where one was given (`--command-name`), which all values of a parameter share: then the
parameters are added to it. Nothing is told of the machine, the moment or the commit.

Written by export/json.rs of https://github.com/sharkdp/hyperfine
"""

from __future__ import annotations

import re

from perfdb.profile.columns import Caveat, Source
from perfdb.profile.measurement import (
    BYTES,
    KERNEL_TIME,
    MS,
    PEAK_MEMORY,
    USER_TIME,
    WALL_TIME,
    BenchmarkResult,
    BenchmarkResults,
    Measurement,
)
from perfdb.readers.benchmark_json import Json, key_paths, load_json, refuse_twice, require_some
from perfdb.readers.files import Content, Reader, ReadOptions, refuse_as_profile
from perfdb.units import MS_PER_S

_VALUE_KEYS = ("mean", "times", "exit_codes", "median")


def _recognises(head: bytes) -> bool:
    paths = key_paths(head)
    return ("results", "command") in paths and any(("results", key) in paths for key in _VALUE_KEYS)


def _read(content: Content, source: Source, options: ReadOptions) -> BenchmarkResults:
    root, caveats = load_json(content, source)
    results = refuse_twice(
        [_result(each, caveats) for each in root.rows("results")],
        "Give each a name of its own (--command-name), or export them to files of their own.",
    )
    require_some(results, source)
    return BenchmarkResults(source, results)


def _result(told: Json, caveats: tuple[Caveat, ...]) -> BenchmarkResult:
    times = told.numbers("times")
    if not times:
        caveats += (Caveat("mean-only", "only the mean of the runs is told"),)
    values = [
        *(Measurement(WALL_TIME, MS, time * MS_PER_S, run) for run, time in enumerate(times or [told.number("mean")])),
        *(
            Measurement(metric, MS, told.number(key) * MS_PER_S)
            for key, metric in (("user", USER_TIME), ("system", KERNEL_TIME))
            if told.has(key)
        ),
        # It is 0 on systems that do not tell it.
        *(
            Measurement(PEAK_MEMORY, BYTES, size, run)
            for run, size in enumerate(told.numbers("memory_usage_byte"))
            if size
        ),
    ]
    return BenchmarkResult(_name(told), tuple(values), (*caveats, *_failures(told)))


def _name(told: Json) -> str:
    """The command, with the parameters of which nothing is to be seen in it."""
    command = told.name("command")
    parameters = told.inner("parameters")
    unseen = [
        f"{key}={parameters.text(key)}"
        for key in parameters.values
        if not re.search(rf"(?<!\w){re.escape(parameters.text(key))}(?!\w)", command)
    ]
    return f"{command} ({', '.join(unseen)})" if unseen else command


def _failures(told: Json) -> tuple[Caveat, ...]:
    """A caveat where runs failed, which hyperfine goes on after only where it is told to; a signal has no code."""
    codes = told.values.get("exit_codes") or []
    if not isinstance(codes, list):
        raise told.wrong("exit_codes", "an array of numbers")
    bad = [code for code in codes if code != 0]
    if not bad:
        return ()
    shown = ", ".join(dict.fromkeys("a signal" if code is None else f"exit code {code}" for code in bad[:5]))
    return (Caveat("exit-codes", f"{len(bad)} of {len(codes)} runs failed ({shown}), and count all the same"),)


HYPERFINE = Reader(
    name="hyperfine",
    title="results of hyperfine (JSON)",
    suffixes=(".json",),
    recognises=_recognises,
    read=refuse_as_profile,
    read_results=_read,
)
