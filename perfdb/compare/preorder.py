"""Trees in preorder, and sums over their subtrees: passes over whole levels or whole arrays, never node by node.

A parent comes before its children. In preorder, besides, the nodes below a node follow it without a gap, so that sums
over subtrees are differences of running sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I32, I64, Bool
from perfdb.profile.identity import levels

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """A tree in preorder: shape (nodes,); row 0 is its top, and the nodes below a row are those up to `end`.

    `levels` are the rows by depth, the top first.
    """

    parent: I64
    depth: I64
    end: I64
    levels: tuple[I32, ...]


def depths(parent: I64) -> I64:
    """How many nodes lie above each: shape (nodes,)."""
    depth, above = (parent >= 0).astype(np.int64), parent
    while (above >= 0).any():  # each round looks twice as far up
        inner = above >= 0
        depth = depth + np.where(inner, depth[above], 0)
        above = np.where(inner, above[above], -1)
    return depth


def in_preorder(parent: I64) -> tuple[Shape, I64]:
    """A tree whose only root is row 0, in preorder, and the new place of each row."""
    depth = depths(parent)
    order, position = subtree_order(parent, levels(depth.astype(np.int32)), np.arange(len(parent)))
    above = np.where(parent[order] >= 0, position[parent[order]], -1)
    depth = depth[order]
    by_depth = levels(depth.astype(np.int32))
    end = np.arange(len(order)) + inclusive(above, by_depth, np.ones(len(parent))).astype(np.int64)
    return Shape(above, depth, end, tuple(by_depth)), position


def subtree_order(parent: I64, by_depth: Sequence[I32], siblings: I64) -> tuple[I64, I64]:
    """The rows of a forest in preorder, and the new place of each row; `siblings` are all rows as siblings are to go.

    `parent` is -1 at a root; `by_depth` are the rows by depth, the roots first.
    """
    size = inclusive(parent, by_depth, np.ones(len(parent))).astype(np.int64)
    rank = np.empty(len(parent), np.int64)
    rank[siblings] = np.arange(len(parent))
    position = np.zeros(len(parent), np.int64)
    for rows in by_depth:
        rows = rows[np.lexsort((rank[rows], parent[rows]))]
        above = parent[rows]
        before = np.cumsum(size[rows]) - size[rows]
        is_first = np.concatenate(([True], np.diff(above) != 0)) if len(rows) else np.zeros(0, np.bool_)
        first = np.where(above >= 0, position[above] + 1, 0)
        position[rows] = first + before - before[is_first][np.cumsum(is_first) - 1]
    return np.argsort(position), position


def sum_below(shape: Shape, owner: I64, exclusive: I64) -> I64:
    """Sums over subtrees, (runs, subtrees), of what nodes have, (runs, nodes)."""
    ends = np.zeros((len(exclusive), len(shape.end) + 1), np.int64)
    for run, values in enumerate(exclusive):
        np.add.at(ends[run], owner + 1, values)
    ends = np.cumsum(ends, axis=1)
    return ends[:, shape.end] - ends[:, :-1]


def is_outside_of(shape: Shape, rows: I64) -> Bool:
    """Which subtrees lie in none of these rows: shape (subtrees,)."""
    steps = np.zeros(len(shape.end) + 1, np.int64)
    steps[rows] += 1
    np.subtract.at(steps, shape.end[rows], 1)
    return np.asarray(np.cumsum(steps[:-1]) == 0, np.bool_)


def inclusive(parent: I64, by_depth: Sequence[I32], exclusive: F64) -> F64:
    """What each node and all below it have, of what each has: shape (nodes,). `by_depth` are rows, the roots first."""
    sums = exclusive.copy()
    for rows in reversed(by_depth[1:]):
        np.add.at(sums, parent[rows], sums[rows])
    return sums


def owners(parent: I64, by_depth: Sequence[I32], is_kept: Bool) -> I64:
    """The node itself where it is kept, else the nearest one above it that is, -1 where none is: shape (nodes,)."""
    owner = np.where(is_kept, np.arange(len(parent)), -1)
    for rows in by_depth[1:]:
        dropped = rows[~is_kept[rows]]
        owner[dropped] = owner[parent[dropped]]
    return owner
