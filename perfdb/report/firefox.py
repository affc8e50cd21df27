"""A file for profiler.firefox.com, in the Firefox Profiler's "processed" format, version 62.

The viewer upgrades older versions when it loads them, so the version need not follow it. What a version holds is told
by `docs-developer/CHANGELOG-formats.md` and `src/types/profile.ts` of firefox-devtools/profiler.

- Functions, frames, stacks and strings are tables of columns that all threads share; one function is one frame here.
- Every track is the main thread of a process of its own. A sample is a stack with its weight in milliseconds.
- The history knows how often a stack was met and not when: samples follow each other in the order of the tree, each
  beginning where the one before ends. A last sample without stack and weight says when the last stack ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from perfdb import __version__
from perfdb.profile.columns import JIT_MODULE, UNKNOWN_MODULE
from perfdb.report.tracks import Track, Tracks
from perfdb.units import NS_PER_MS

VERSION = 62
_GECKO_VERSION = 24
"""Of the format that Firefox itself writes; the viewer wants one, and nothing here depends on it."""

_CATEGORIES = (("Other", "grey"), ("User", "blue"), ("Kernel", "orange"), ("JIT", "yellow"))
_OTHER, _USER, _KERNEL, _JIT = range(len(_CATEGORIES))
_KERNEL_MODULES = {"ntoskrnl.exe", "ntkrnlmp.exe", "ntkrnlpa.exe", "hal.dll", "vmlinux", "[kernel.kallsyms]"}
_LIBRARY = 1
"""The type of a resource that is a library."""


def firefox_text(tracks: Tracks) -> str:
    """The tracks as a file of the Firefox Profiler: compact JSON in ASCII, whatever the names hold."""
    strings: dict[str, int] = {}
    modules: dict[str, int] = {}
    names = list(zip(tracks.tree.module.tolist(), tracks.tree.name.tolist(), strict=True))
    functions = _func_table(
        names=[_place(strings, name) for _, name in names],
        resources=[_place(modules, module) for module, _ in names],
    )
    resources = _resource_table([_place(strings, module) for module in modules])
    shared = {
        "stackTable": _stack_table(tracks),
        "frameTable": _frame_table([_category(module) for module, _ in names]),
        "funcTable": functions,
        "resourceTable": resources,
        "nativeSymbols": {"length": 0, "libIndex": [], "address": [], "name": [], "functionSize": []},
        "sources": {"length": 0, "id": [], "filename": [], "startLine": [], "startColumn": [], "sourceMapURL": []},
        "stringArray": list(strings),
    }
    pids = _distinct([str(track.pids[0]) for track in tracks.tracks])
    content = {
        "meta": _meta(tracks),
        "libs": [_lib(module) for module in modules],
        "pages": [],
        "counters": [],
        "profilerOverhead": [],
        "shared": shared,
        "threads": [_thread(tracks, track, pid) for track, pid in zip(tracks.tracks, pids, strict=True)],
    }
    return json.dumps(content, separators=(",", ":")) + "\n"


def _place(table: dict[str, int], text: str) -> int:
    return table.setdefault(text, len(table))


def _distinct(names: Iterable[str]) -> list[str]:
    """The names, and `.1`, `.2`, … behind one that has been there: the viewer joins threads of one pid."""
    met: dict[str, int] = {}
    distinct = []
    for name in names:
        times = met[name] = met.get(name, -1) + 1
        distinct.append(f"{name}.{times}" if times else name)
    return distinct


def _category(module: str) -> int:
    folded = module.lower()
    if folded == JIT_MODULE:
        return _JIT
    if folded == UNKNOWN_MODULE:
        return _OTHER
    return _KERNEL if folded.endswith((".sys", ".ko")) or folded in _KERNEL_MODULES else _USER


def _stack_table(tracks: Tracks) -> dict[str, Any]:
    prefix = [parent if parent >= 0 else None for parent in tracks.tree.parent.tolist()]
    return {"length": len(prefix), "prefix": prefix, "frame": tracks.tree.function.tolist()}


def _frame_table(categories: list[int]) -> dict[str, Any]:
    count = len(categories)
    return {
        "length": count,
        "address": [-1] * count,
        "inlineDepth": [0] * count,
        "category": categories,
        "subcategory": [0] * count,
        "func": list(range(count)),
        "nativeSymbol": [None] * count,
        "innerWindowID": [None] * count,
        "line": [None] * count,
        "column": [None] * count,
    }


def _func_table(names: list[int], resources: list[int]) -> dict[str, Any]:
    count = len(names)
    return {
        "length": count,
        "name": names,
        "isJS": [False] * count,
        "relevantForJS": [False] * count,
        "resource": resources,
        "source": [None] * count,
        "lineNumber": [None] * count,
        "columnNumber": [None] * count,
    }


def _resource_table(names: list[int]) -> dict[str, Any]:
    count = len(names)
    return {
        "length": count,
        "lib": list(range(count)),
        "name": names,
        "host": [None] * count,
        "type": [_LIBRARY] * count,
    }


def _lib(module: str) -> dict[str, Any]:
    return {
        "arch": "",
        "name": module,
        "path": module,
        "debugName": module,
        "debugPath": module,
        "breakpadId": "",
        "codeId": None,
    }


def _meta(tracks: Tracks) -> dict[str, Any]:
    told = [*tracks.facts, *(("note", note) for note in tracks.notes)]
    return {
        "interval": tracks.interval_ns / NS_PER_MS,
        "startTime": tracks.started_at.timestamp() * 1000,
        "processType": 0,
        "extensions": {"length": 0, "baseURL": [], "id": [], "name": []},
        "categories": [{"name": name, "color": color, "subcategories": ["Other"]} for name, color in _CATEGORIES],
        "product": tracks.title,
        "stackwalk": 1,
        "debug": False,
        "version": _GECKO_VERSION,
        "preprocessedProfileVersion": VERSION,
        "symbolicated": True,
        "symbolicationNotSupported": True,
        "markerSchema": [],
        "sampleUnits": {"time": "ms", "eventDelay": "ms", "threadCPUDelta": "ns"},
        "importedFrom": f"perfdb {__version__}",
        "usesOnlyOneStackType": True,
        "sourceCodeIsNotOnSearchfox": True,
        "initialVisibleThreads": list(range(len(tracks.tracks))),
        "initialSelectedThreads": [0],
        "keepProfileThreadOrder": True,
        "extra": [
            {
                "label": "perfdb",
                "entries": [{"label": label, "format": "string", "value": value} for label, value in told],
            }
        ],
    }


def _thread(tracks: Tracks, track: Track, pid: str) -> dict[str, Any]:
    name = tracks.name(track)
    ends = np.concatenate(([0], np.cumsum(track.weight_ns)))
    return {
        "name": name,
        "processName": track.process,
        "isMainThread": True,
        "processType": "default",
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "showMarkersInTimeline": False,
        "pid": pid,
        "tid": pid,
        "markers": {
            "length": 0,
            "data": [],
            "name": [],
            "startTime": [],
            "endTime": [],
            "phase": [],
            "category": [],
        },
        "samples": {
            "length": len(ends),
            "stack": [*track.stack.tolist(), None],
            "time": [end / NS_PER_MS for end in ends.tolist()],
            "weight": [weight / NS_PER_MS for weight in track.weight_ns.tolist()] + [0],
            "weightType": "tracing-ms",
            "threadCPUDelta": [0, *track.weight_ns.tolist()],
        },
    }
