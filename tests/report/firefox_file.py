"""What a file of the Firefox Profiler has to be, by its types and its changelog; and what one says.

Strict where the viewer is lenient: every column is there and as long as its table, every number that names a row names
one, what is null may be null. For version 62 of the processed format.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Frame = tuple[str, str]
"""(module, function)."""

_COLOURS = {
    "transparent", "purple", "green", "orange", "yellow", "lightblue", "blue", "brown", "magenta", "red", "lightred",
    "darkgrey", "grey",
}  # fmt: skip
_LIB = {"arch", "name", "path", "debugName", "debugPath", "breakpadId", "codeId"}
_THREAD = {
    "name", "processName", "isMainThread", "processType", "processStartupTime", "processShutdownTime", "registerTime",
    "unregisterTime", "pausedRanges", "showMarkersInTimeline", "pid", "tid", "markers", "samples",
}  # fmt: skip
_META = {
    "interval", "startTime", "processType", "product", "stackwalk", "version", "preprocessedProfileVersion",
    "markerSchema", "categories", "symbolicated",
}  # fmt: skip

Rule = Callable[[Any], bool]


def checked_firefox(text: str) -> dict[str, Any]:
    """The file's content; an AssertionError says what is wrong with it."""
    assert text.isascii(), "names are escaped"
    content: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
    assert {"meta", "libs", "pages", "counters", "profilerOverhead", "shared", "threads"} == content.keys()
    _check_meta(content["meta"], len(content["threads"]))
    for lib in content["libs"]:
        assert _LIB == lib.keys()
        assert all(isinstance(value, str) for key, value in lib.items() if key != "codeId")
    _check_shared(content["shared"], len(content["libs"]), content["meta"]["categories"])
    assert content["threads"]
    for thread in content["threads"]:
        _check_thread(thread, content["shared"]["stackTable"]["length"])
    pids = [thread["pid"] for thread in content["threads"]]
    assert len(set(pids)) == len(pids), "the viewer joins threads of one pid into one process"
    return content


def _check_meta(meta: dict[str, Any], threads: int) -> None:
    assert meta.keys() >= _META
    assert meta["preprocessedProfileVersion"] == 62
    assert meta["interval"] > 0
    assert meta["startTime"] >= 0
    assert meta["symbolicated"] is True
    assert isinstance(meta["product"], str)
    assert any(category["color"] == "grey" for category in meta["categories"])
    for category in meta["categories"]:
        assert {"name", "color", "subcategories"} == category.keys()
        assert category["color"] in _COLOURS
        assert category["subcategories"][0] == "Other"
    assert {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns"} == meta["sampleUnits"]
    assert all(
        row in range(threads) for key in ("initialVisibleThreads", "initialSelectedThreads") for row in meta[key]
    )
    for section in meta["extra"]:
        assert all({"label", "format", "value"} == entry.keys() for entry in section["entries"])


def _check_shared(shared: dict[str, Any], libs: int, categories: list[dict[str, Any]]) -> None:
    assert all(isinstance(each, str) for each in shared["stringArray"])
    assert len(set(shared["stringArray"])) == len(shared["stringArray"])
    strings, frames, functions, resources, symbols, sources = (
        _row_of(len(shared["stringArray"])),
        *(_row_of(shared[name]["length"]) for name in ("frameTable", "funcTable", "resourceTable", "nativeSymbols")),
        _row_of(shared["sources"]["length"]),
    )
    whole: Rule = lambda value: type(value) is int and value >= 0  # noqa: E731
    flag: Rule = lambda value: type(value) is bool  # noqa: E731
    _check_table(shared["stackTable"], {"frame": frames, "prefix": lambda value: value is None or whole(value)})
    prefixes = shared["stackTable"]["prefix"]
    assert all(prefix is None or prefix < row for row, prefix in enumerate(prefixes)), "parents come before children"
    _check_table(
        shared["frameTable"],
        {
            "address": lambda value: type(value) is int and value >= -1,
            "inlineDepth": whole,
            "category": _or_null(_row_of(len(categories))),
            "subcategory": _or_null(whole),
            "func": functions,
            "nativeSymbol": _or_null(symbols),
            "innerWindowID": _or_null(whole),
            "line": _or_null(whole),
            "column": _or_null(whole),
        },
    )
    for category, below in zip(shared["frameTable"]["category"], shared["frameTable"]["subcategory"], strict=True):
        assert category is None or below in range(len(categories[category]["subcategories"]))
    _check_table(
        shared["funcTable"],
        {
            "name": strings,
            "isJS": flag,
            "relevantForJS": flag,
            "resource": lambda value: value == -1 or resources(value),
            "source": _or_null(sources),
            "lineNumber": _or_null(whole),
            "columnNumber": _or_null(whole),
        },
    )
    _check_table(
        shared["resourceTable"],
        {"lib": _or_null(_row_of(libs)), "name": strings, "host": _or_null(strings), "type": whole},
    )
    _check_table(
        shared["nativeSymbols"],
        {"libIndex": _row_of(libs), "address": whole, "name": strings, "functionSize": _or_null(whole)},
    )
    any_value: Rule = lambda value: True  # noqa: E731
    columns = ("id", "filename", "startLine", "startColumn", "sourceMapURL")
    _check_table(shared["sources"], dict.fromkeys(columns, any_value))


def _check_thread(thread: dict[str, Any], stacks: int) -> None:
    assert _THREAD == thread.keys()
    assert all(isinstance(thread[key], str) for key in ("name", "processName", "processType", "pid", "tid"))
    assert thread["isMainThread"] is True
    samples = thread["samples"]
    assert samples["weightType"] in ("samples", "tracing-ms", "bytes")
    number: Rule = lambda value: type(value) in (int, float) and value >= 0  # noqa: E731
    table = {key: values for key, values in samples.items() if key != "weightType"}
    rules = {"stack": _or_null(_row_of(stacks)), "time": number, "weight": number, "threadCPUDelta": number}
    _check_table(table, rules)
    times = samples["time"]
    assert times == sorted(times)
    assert samples["stack"][-1] is None
    assert samples["weight"][-1] == 0
    assert None not in samples["stack"][:-1]
    markers = ("data", "name", "startTime", "endTime", "phase", "category")
    _check_table(thread["markers"], dict.fromkeys(markers, _or_null(number)))


def _check_table(table: dict[str, Any], columns: dict[str, Rule]) -> None:
    assert {"length", *columns} == table.keys()
    for name, is_right in columns.items():
        assert len(table[name]) == table["length"], name
        wrong = [value for value in table[name] if not is_right(value)]
        assert not wrong, f"{name} holds {wrong[:3]}"


def _row_of(length: int) -> Rule:
    return lambda value: type(value) is int and 0 <= value < length


def _or_null(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def paths_of(content: dict[str, Any], thread: dict[str, Any]) -> dict[tuple[Frame, ...], int]:
    """The weight of each stack of a thread, root first, in nanoseconds."""
    shared = content["shared"]
    strings, functions, resources = shared["stringArray"], shared["funcTable"], shared["resourceTable"]
    frames = [
        (strings[resources["name"][functions["resource"][row]]], strings[functions["name"][row]])
        for row in shared["frameTable"]["func"]
    ]
    stacks = shared["stackTable"]
    paths: list[tuple[Frame, ...]] = []
    for frame, prefix in zip(stacks["frame"], stacks["prefix"], strict=True):
        paths.append((*(paths[prefix] if prefix is not None else ()), frames[frame]))
    sums: dict[tuple[Frame, ...], int] = {}
    for stack, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"], strict=True):
        if stack is not None:
            sums[paths[stack]] = sums.get(paths[stack], 0) + round(weight * 1_000_000)
    return sums


def category_of(content: dict[str, Any], module: str) -> set[str]:
    """The names of the categories that a module's frames are in."""
    shared = content["shared"]
    own = {row for row, name in enumerate(shared["resourceTable"]["name"]) if shared["stringArray"][name] == module}
    frames = zip(shared["frameTable"]["func"], shared["frameTable"]["category"], strict=True)
    return {
        content["meta"]["categories"][category]["name"]
        for function, category in frames
        if shared["funcTable"]["resource"][function] in own
    }


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
