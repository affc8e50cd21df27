"""Small profiles with named functions, written as stacks: `profile({"app.exe": [("app.exe!main;a.dll!f", 3)]})`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from perfdb.profile import (
    Caveat,
    FrameTable,
    FunctionTable,
    LoadedModule,
    Machine,
    Process,
    Profile,
    SampleTable,
    Source,
)
from perfdb.profile.check import self_check
from perfdb.profile.tree import build_tree
from perfdb.store import NewRun, Revision

MS = 1_000_000
STARTED_AT = datetime(2024, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
RECORDED_AT = datetime(2024, 3, 1, 13, 0, tzinfo=UTC)
MACHINE = Machine("BUILD-7", "Windows 11 22631", "AMD Ryzen 9 7950X", 32)

Stacks = Sequence[tuple[str, int]]
"""Call paths, root first, as `module!function;module!function`, each with its number of samples of 1 ms."""


def profile(
    work: Mapping[str, Stacks],
    *,
    source: str = "trace-1.etl",
    idle: int = 5,
    lost_events: int = 0,
    lost_buffers: int = 0,
    caveats: tuple[Caveat, ...] = (),
    processes: Sequence[Process] | None = None,
    tids: Sequence[int] | None = None,
) -> Profile:
    """A profile of processes and their stacks; process i has pid 100 + i unless `processes` says otherwise.

    Samples are 1 ms apart. Their threads are taken from `tids` in turn, by default thread 1 alone.
    """
    samples = [(row, path) for row, stacks in enumerate(work.values()) for path, count in stacks for _ in range(count)]
    names: dict[tuple[str, str], int] = {}
    stacks = [[names.setdefault(_pair(frame), len(names)) for frame in path.split(";")] for _, path in samples]
    modules = list(dict.fromkeys(module for module, _ in names))
    module_of_name = np.array([modules.index(module) for module, _ in names], np.int32)
    lengths = np.array([len(stack) for stack in stacks], np.int64)
    flat = np.array([frame for stack in stacks for frame in stack], np.int32)
    tree, leaf = build_tree(np.cumsum(lengths) - lengths, lengths, flat)
    count = len(samples)
    rows = np.arange(len(names))
    made = Profile(
        source=Source("etl", source, hashlib.sha256(source.encode(errors="replace")).hexdigest()),
        machine=MACHINE,
        started_at=STARTED_AT,
        duration_ns=(count + 10) * MS,
        interval_ns=MS,
        sample_count=count + idle,
        idle_count=idle,
        lost_events=lost_events,
        lost_buffers=lost_buffers,
        processes=tuple(processes or [Process(100 + row, name, f'"{name}" --run', 4) for row, name in enumerate(work)]),
        modules=tuple(modules),
        loaded=tuple(
            LoadedModule(row, rf"C:\bin\{name}", "AB12" * 8 + "1", "x.pdb") for row, name in enumerate(modules)
        ),
        functions=FunctionTable(module_of_name, tuple(name for _, name in names)),
        frames=FrameTable(module_of_name, (rows * 16).astype(np.uint64), rows.astype(np.int32)),
        stacks=tree,
        samples=SampleTable(
            time_ns=np.arange(count, dtype=np.int64) * MS,
            process=np.array([row for row, _ in samples], np.int32),
            tid=np.array([(tids or [1])[row % len(tids or [1])] for row in range(count)], np.int64),
            cpu=np.zeros(count, np.int32),
            stack=leaf,
            count=np.ones(count, np.int64),
            weight_ns=np.full(count, MS, np.int64),
            flags=np.zeros(count, np.uint8),
            has_stack=np.ones(count, np.bool_),
        ),
        caveats=caveats,
    )
    self_check(made)
    return made


def _pair(frame: str) -> tuple[str, str]:
    module, function = frame.split("!", 1)
    return module, function


INDEXER: Stacks = (
    ("ntdll.dll!start;app.exe!main;kuzu.dll!insert", 6),
    ("ntdll.dll!start;app.exe!main;kuzu.dll!insert;ntdll.dll!alloc", 3),
    ("ntdll.dll!start;app.exe!main;app.exe!parse;app.exe!parse", 2),
    ("ntdll.dll!start;app.exe!main;kuzu.dll!<unresolved>", 1),
)
"""12 ms of work: a recursion, a frame without a symbol, one module both at the root and at a leaf."""


def indexer(source: str = "trace-1.etl") -> Profile:
    """A profile of two processes: the indexer with `INDEXER`'s work, and 2 ms of another one."""
    return profile({"app.exe": INDEXER, "svchost.exe": (("ntdll.dll!start;svchost.exe!serve", 2),)}, source=source)


def new_run(commit_sha: str = "a" * 40, example: str = "simple", **more: object) -> NewRun:
    """What is to be known of a run of process 0, of a commit of which nothing but its hash is."""
    plain = NewRun(Revision(commit_sha), example, main_process=0, recorded_at=RECORDED_AT)
    return replace(plain, **more)  # type: ignore[arg-type]
