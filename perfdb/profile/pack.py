"""A profile as bytes, so that a run's addresses can be given names when its symbol files turn up later.

The bytes are a zip of columns and one JSON text, which holds the names and a version number. A column is numpy's own
array file (NEP 1) of bytes, first all lowest bytes, then all second lowest, and so on; ascending ones are kept as
differences: both halve what deflate makes of them. What is kept is what resolving and the store need: samples are
summed over time and processors, and modules in which no frame lies are left out. A profile of sums has no addresses,
and is not packed.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from perfdb.profile.check import self_check
from perfdb.profile.columns import (
    U8,
    Caveat,
    FrameTable,
    FunctionTable,
    LoadedModule,
    Machine,
    Process,
    Profile,
    SampleTable,
    Source,
    StackTable,
)
from perfdb.profile.weights import sum_samples

VERSION = 1

_NAMES = "names.json"
_ASCENDING = ("frame_rva", "stack_parent", "work_stack")
_PLAIN = ("duration_ns", "interval_ns", "sample_count", "idle_count", "lost_events", "lost_buffers", "detail")


class PackError(Exception):
    """Bytes that are no packed profile, or one of a version that this perfdb does not know."""


def has_addresses(profile: Profile) -> bool:
    """Whether some frame is a place in a loaded module: only then can it be given a name later."""
    return bool(np.any(profile.frames.loaded >= 0))


def pack(profile: Profile) -> bytes:
    """The profile as it was read, before symbols; see the module for what `unpack` gives back of it."""
    work = sum_samples(profile)
    used, loaded = np.unique(profile.frames.loaded, return_inverse=True)
    kept = used[used >= 0]
    columns: dict[str, npt.NDArray[Any]] = {
        "function_module": profile.functions.module,
        "frame_loaded": (loaded - (len(used) - len(kept))).astype(np.int32),
        "frame_rva": profile.frames.rva,
        "frame_function": profile.frames.function,
        "stack_parent": profile.stacks.parent,
        "stack_frame": profile.stacks.frame,
        "stack_depth": profile.stacks.depth,
        "work_process": work.process,
        "work_tid": work.tid,
        "work_stack": work.stack,
        "work_samples": work.samples,
        "work_ns": work.weight_ns,
    }
    names = {
        "version": VERSION,
        "source": asdict(profile.source),
        "machine": asdict(profile.machine),
        "started_at": None if profile.started_at is None else profile.started_at.isoformat(),
        "processes": [asdict(each) for each in profile.processes],
        "modules": profile.modules,
        "loaded": [asdict(profile.loaded[row]) for row in kept.tolist()],
        "functions": profile.functions.name,
        "caveats": [asdict(each) for each in profile.caveats],
        "columns": {name: column.dtype.str for name, column in columns.items()},
        **{name: getattr(profile, name) for name in _PLAIN},
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr(_NAMES, json.dumps(names, ensure_ascii=True))
        for name, column in columns.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, _planes(column, name in _ASCENDING), allow_pickle=False)
    return out.getvalue()


def _planes(column: npt.NDArray[Any], ascending: bool) -> U8:
    """The bytes of a column: shape (bytes of a value, values)."""
    values = np.diff(column, prepend=column.dtype.type(0)) if ascending else column
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return np.ascontiguousarray(little.view(np.uint8).reshape(len(column), column.itemsize).T)


def _column(planes: U8, dtype: str, ascending: bool) -> npt.NDArray[Any]:
    """The reverse of `_planes`."""
    values = np.ascontiguousarray(planes.T).reshape(-1).view(np.dtype(dtype).newbyteorder("<"))
    values = values.astype(np.dtype(dtype).newbyteorder("="), copy=False)
    return np.cumsum(values, dtype=values.dtype) if ascending else values


def unpack(data: bytes) -> Profile:
    """A packed profile. Samples that were alike are one, at time 0. Raises PackError."""
    try:
        profile = _unpacked(data)
        self_check(profile)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError, AssertionError) as problem:
        raise PackError(f"the kept addresses cannot be read ({problem})") from problem
    return profile


def _unpacked(data: bytes) -> Profile:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = json.loads(archive.read(_NAMES))
        if names["version"] != VERSION:
            raise PackError(f"the addresses were kept in format {names['version']}, which this perfdb does not know")
        column = {
            name: _column(
                np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False),
                dtype,
                name in _ASCENDING,
            )
            for name, dtype in names["columns"].items()
        }
    rows = len(column["work_stack"])
    return Profile(
        source=Source(**names["source"]),
        machine=Machine(**names["machine"]),
        started_at=None if names["started_at"] is None else datetime.fromisoformat(names["started_at"]),
        processes=tuple(Process(**each) for each in names["processes"]),
        modules=tuple(names["modules"]),
        loaded=tuple(LoadedModule(**each) for each in names["loaded"]),
        functions=FunctionTable(column["function_module"], tuple(names["functions"])),
        frames=FrameTable(column["frame_loaded"], column["frame_rva"], column["frame_function"]),
        stacks=StackTable(column["stack_parent"], column["stack_frame"], column["stack_depth"]),
        samples=SampleTable(
            time_ns=np.zeros(rows, np.int64),
            process=column["work_process"],
            tid=column["work_tid"],
            cpu=np.zeros(rows, np.int32),
            stack=column["work_stack"],
            count=column["work_samples"],
            weight_ns=column["work_ns"],
            flags=np.zeros(rows, np.uint8),
            has_stack=np.ones(rows, np.bool_),
        ),
        caveats=tuple(Caveat(**each) for each in names["caveats"]),
        **{name: names[name] for name in _PLAIN},
    )
