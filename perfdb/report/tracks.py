"""Call paths of runs as files of other tools are made from them: one tree, and tracks of work on it.

`folded`, `speedscope` and `firefox` write the same `Tracks`, each in its own format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from perfdb.profile.columns import I64
from perfdb.store.stacks import StackTree


@dataclass(frozen=True, slots=True)
class Track:
    """The work of one example, or of one process of it, added up over the runs of `run_ids`.

    `stack`, rows of the tree in ascending order, `samples` and `weight_ns` have the shape (stacks,); the latter two are
    exclusive. `pids` are those of the process in all these runs.
    """

    example: str
    process: str
    pids: tuple[int, ...]
    run_ids: tuple[str, ...]
    stack: I64
    samples: I64
    weight_ns: I64


@dataclass(frozen=True, slots=True)
class Tracks:
    """What an export holds: `tree` is in preorder, among siblings those with more work first.

    `interval_ns` is the shortest sampling interval of the runs, `started_at` when the first of them began; `facts` are
    labels and values that tell of the runs, `notes` what one must know to read their sum. `by_process` says that tracks
    are single processes, else they are examples.
    """

    title: str
    tree: StackTree
    tracks: tuple[Track, ...]
    by_process: bool
    interval_ns: int
    started_at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def name(self, track: Track) -> str:
        """What a viewer calls the track: `insert: app.exe (4711), 3 runs added up`."""
        name = f"{track.example}: {track.process} ({track.pids[0]})" if self.by_process else track.example
        return f"{name}, {len(track.run_ids)} runs added up" if len(track.run_ids) > 1 else name


class Walker:
    """Walks up the tree of tracks from sampled stacks, for formats that spell whole call paths."""

    def __init__(self, tree: StackTree) -> None:
        self._parent: list[int] = tree.parent.tolist()
        self._depth: list[int] = tree.depth.tolist()
        self._function: list[int] = tree.function.tolist()

    def paths(self, rows: I64) -> Iterator[list[int]]:
        """The functions of each of these rows of the tree, root first; a list is good until the next one is asked for.

        Of neighbours in preorder the common part is not walked again.
        """
        parent, depth, function = self._parent, self._depth, self._function
        nodes: list[int] = []
        path: list[int] = []
        for row in rows.tolist():
            fresh, at = [], row
            while at >= 0 and not (depth[at] <= len(nodes) and nodes[depth[at] - 1] == at):
                fresh.append(at)
                at = parent[at]
            kept = depth[at] if at >= 0 else 0
            fresh.reverse()
            nodes[kept:] = fresh
            path[kept:] = [function[node] for node in fresh]
            yield path
