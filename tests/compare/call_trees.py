"""Call trees for tests, written as paths with their samples of 1 ms: `{"main;run;insert": 300}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfdb.compare.call_tree import CallTree
from perfdb.compare.costs import Item
from perfdb.profile.columns import I64

MS = 1_000_000
Run = Mapping[str, int]
"""Exclusive samples by path, root first, of functions of app.exe."""


def call_tree(baseline: Sequence[Run], contender: Sequence[Run], history: Sequence[Run] = ()) -> CallTree:
    """The tree of these runs; callers need not be named."""
    rows: dict[tuple[str, ...], int] = {}
    names: dict[str, int] = {}
    for run in (*baseline, *contender, *history):
        for path in run:
            frames = tuple(path.split(";"))
            for depth in range(1, len(frames) + 1):
                rows.setdefault(frames[:depth], len(rows))
                names.setdefault(frames[depth - 1], len(names))

    def samples(runs: Sequence[Run]) -> I64:
        matrix = np.zeros((len(runs), len(rows)), np.int64)
        for place, run in enumerate(runs):
            for path, count in run.items():
                matrix[place, rows[tuple(path.split(";"))]] = count
        return matrix

    left, right = samples(baseline), samples(contender)
    return CallTree(
        parent=np.array([rows.get(frames[:-1], -1) for frames in rows], np.int64),
        item=np.array([names[frames[-1]] for frames in rows], np.int64),
        items=tuple(Item("app.exe", name) for name in names),
        baseline_ns=left * MS,
        contender_ns=right * MS,
        baseline_samples=left,
        contender_samples=right,
        history_samples=samples(history),
    )


def drawn_runs(means: Run, count: int, seed: int, spread: float = 0.02) -> list[Run]:
    """Runs whose speed and paths vary by `spread` each, with counts that vary as counts do."""
    random = np.random.default_rng(seed)
    runs: list[Run] = []
    for _ in range(count):
        speed = random.normal(1, spread)
        drawn = {path: random.poisson(mean * speed * max(random.normal(1, spread), 0)) for path, mean in means.items()}
        runs.append({path: int(number) for path, number in drawn.items()})
    return runs
