"""Tracks written as stacks: `tracks({("simple", "app.exe", 7): [("app.exe!main;a.dll!f", 3)]})`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from perfdb.report.tracks import Track, Tracks
from perfdb.store.stacks import StackTree
from tests.store.profiles import MS

Frame = tuple[str, str]
"""(module, function)."""

Owner = tuple[str, str, int]
"""(example, process, pid)."""

STARTED_AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def tracks(
    work: Mapping[Owner, Sequence[tuple[str, int]]],
    *,
    by_process: bool = False,
    run_ids: tuple[str, ...] = ("r1",),
    notes: tuple[str, ...] = (),
) -> Tracks:
    """Tracks of stacks that are told by names, root first, each with its samples of 1 ms."""
    named = {
        owner: [([_frame(name) for name in path.split(";")], count) for path, count in stacks]
        for owner, stacks in work.items()
    }
    return tracks_of_frames(named, by_process=by_process, run_ids=run_ids, notes=notes)


def tracks_of_frames(
    work: Mapping[Owner, Sequence[tuple[Sequence[Frame], int]]],
    *,
    by_process: bool = False,
    run_ids: tuple[str, ...] = ("r1",),
    notes: tuple[str, ...] = (),
) -> Tracks:
    """The same of frames; what is told twice is added up."""
    paths = {
        tuple(path[: end + 1]) for stacks in work.values() for path, _ in stacks for end in range(len(path))
    }  # in the order of their frames, paths are in preorder
    rows = {path: row for row, path in enumerate(sorted(paths))}
    functions = {frame: row for row, frame in enumerate(sorted({path[-1] for path in rows}))}
    tree = StackTree(
        parent=np.array([rows.get(path[:-1], -1) for path in rows], np.int64),
        depth=np.array([len(path) for path in rows], np.int32),
        function=np.array([functions[path[-1]] for path in rows], np.int64),
        module=np.array([module for module, _ in functions], np.object_),
        name=np.array([name for _, name in functions], np.object_),
    )
    made = []
    for (example, process, pid), stacks in work.items():
        counts: dict[int, int] = {}
        for path, count in stacks:
            counts[rows[tuple(path)]] = counts.get(rows[tuple(path)], 0) + count
        samples = np.array([count for _, count in sorted(counts.items())], np.int64)
        made.append(Track(example, process, (pid,), run_ids, np.array(sorted(counts), np.int64), samples, samples * MS))
    facts = (("commit", "abc"),)
    return Tracks("main", tree, tuple(made), by_process, MS, STARTED_AT, facts, notes)


def _frame(name: str) -> Frame:
    module, function = name.split("!", 1)
    return module, function
