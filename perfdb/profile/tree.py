"""Prefix trees of call paths, built from many stacks at once: one pass a level, never one a stack."""

from __future__ import annotations

import numpy as np

from perfdb.profile.columns import I32, I64, StackTable


def build_tree(starts: I64, lengths: I64, frames: I32) -> tuple[StackTable, I32]:
    """The prefix tree of stacks that are given root first, and for each of them the row of its leaf.

    Stack i is `frames[starts[i] : starts[i] + lengths[i]]`; an empty one gets row -1.
    """
    count = len(starts)
    node = np.full(count, -1, np.int64)
    leaf = np.full(count, -1, np.int32)
    span = int(frames.max(initial=-1)) + 1
    parents: list[I64] = []
    labels: list[I64] = []
    depths: list[I32] = []
    alive = np.flatnonzero(lengths > 0)
    rows = 0
    level = 0
    while len(alive):
        keys = (node[alive] + 1) * span + frames[starts[alive] + level]
        distinct, inverse = np.unique(keys, return_inverse=True)
        parents.append(distinct // span - 1)
        labels.append(distinct % span)
        level += 1
        depths.append(np.full(len(distinct), level, np.int32))
        node[alive] = rows + inverse
        rows += len(distinct)
        done = lengths[alive] == level
        leaf[alive[done]] = node[alive[done]]
        alive = alive[~done]
    if not parents:
        empty = np.zeros(0, np.int32)
        return StackTable(empty, empty, empty), leaf
    parent = np.concatenate(parents).astype(np.int32)
    frame = np.concatenate(labels).astype(np.int32)
    return StackTable(parent, frame, np.concatenate(depths)), leaf
