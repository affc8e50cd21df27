"""Where in a call tree the time is: the path on which it stays together, the heaviest paths, who asks for what.

Costs are in mean ns a run; trees are in preorder, so that the rows below a row follow it without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from perfdb.compare.costs import Item
from perfdb.compare.preorder import owners
from perfdb.compare.sampled import SampledTree
from perfdb.profile.columns import I64
from perfdb.profile.identity import levels

HOLDS_TOGETHER = 0.6
"""A caller's time is followed into a callee that has so much of it; where none has, the time spreads out."""


@dataclass(frozen=True, slots=True)
class PathCost:
    """A call path, root first, with what is at its end and below: ns are means of the runs, samples their sums."""

    path: tuple[Item, ...]
    exclusive_ns: float
    inclusive_ns: float
    exclusive_samples: int
    inclusive_samples: int


@dataclass(frozen=True, slots=True)
class HotPath:
    """The path on which the time stays together. `share` is of the program's time.

    `callees` are what its end calls, `modules` where the time below it is exclusive: with mean ns, the most first.
    """

    cost: PathCost
    share: float
    callees: tuple[tuple[Item, float], ...]
    modules: tuple[tuple[Item, float], ...]


def hot_path(tree: SampledTree) -> HotPath | None:
    """The path from the heaviest root down to where the time spreads out; None for a tree without work.

    A path that ends in frames without names is told up to the last that has one; where none has, up to where it came
    into the module that it is in.
    """
    work = tree.inclusive_ns()[0]
    total = int(tree.weight_ns[0].sum())
    if not total:
        return None
    row = 0  # of siblings, the heaviest comes first
    while row + 1 < len(tree) and tree.parent[row + 1] == row and work[row + 1] >= HOLDS_TOGETHER * work[row]:
        row += 1
    named = row
    while named >= 0 and tree.items[tree.item[named]].is_unresolved:
        named = int(tree.parent[named])
    row = named if named >= 0 else _entry(tree, row)
    runs = tree.runs[0] or 1
    below = slice(row, _end(tree, row))
    by_item = np.zeros(len(tree.items), np.int64)
    np.add.at(by_item, tree.item[below], tree.weight_ns[0, below])
    modules: dict[str, tuple[Item, int]] = {}
    for item in np.flatnonzero(by_item).tolist():
        module = Item(tree.items[item].module)
        modules[module.key[0]] = (module, modules.get(module.key[0], (module, 0))[1] + int(by_item[item]))
    callees = np.flatnonzero(tree.parent == row).tolist()
    return HotPath(
        _cost(tree, row, work, tree.inclusive_samples()[0]),
        int(work[row]) / total,
        tuple((tree.items[tree.item[callee]], int(work[callee]) / runs) for callee in callees),
        tuple((module, ns / runs) for module, ns in sorted(modules.values(), key=_heaviest)),
    )


def heaviest_paths(tree: SampledTree, most: int, items: Iterable[Item] = ()) -> list[PathCost]:
    """The `most` paths with the most exclusive time, and the heaviest path to each of `items`; the heaviest first."""
    exclusive = tree.weight_ns[0]
    order = np.argsort(-exclusive, kind="stable")
    rows = {row for row in order[:most].tolist() if exclusive[row]}
    rows |= {row for item in items if (row := _heaviest_row(tree, item)) is not None}
    work, samples = tree.inclusive_ns()[0], tree.inclusive_samples()[0]
    return [_cost(tree, row, work, samples) for row in sorted(rows, key=lambda row: (-int(exclusive[row]), row))]


def heaviest_path_to(tree: SampledTree, item: Item) -> PathCost | None:
    """The path to an item on which it has the most exclusive time; None where it has none."""
    row = _heaviest_row(tree, item)
    return None if row is None else _cost(tree, row, tree.inclusive_ns()[0], tree.inclusive_samples()[0])


def asked_by(tree: SampledTree, is_served: Callable[[Item], bool]) -> list[tuple[Item, float]]:
    """Whose calls led to the exclusive time of some items: the nearest other caller of each, the most first."""
    served = np.array([is_served(item) for item in tree.items], np.bool_)[tree.item]
    owner = owners(tree.parent, levels(tree.depth), ~served)
    rows = np.flatnonzero(served & (owner >= 0) & (tree.weight_ns[0] > 0))
    sums = np.zeros(len(tree.items), np.int64)
    np.add.at(sums, tree.item[owner[rows]], tree.weight_ns[0, rows])
    order = np.argsort(-sums, kind="stable").tolist()
    return [(tree.items[item], int(sums[item]) / (tree.runs[0] or 1)) for item in order if sums[item]]


def _heaviest(module: tuple[Item, int]) -> tuple[int, str]:
    return -module[1], module[0].key[0]


def _heaviest_row(tree: SampledTree, item: Item) -> int | None:
    numbers = [number for number, each in enumerate(tree.items) if each.key == item.key]
    rows = np.flatnonzero(np.isin(tree.item, numbers) & (tree.weight_ns[0] > 0))
    return int(rows[np.argmax(tree.weight_ns[0, rows])]) if len(rows) else None


def _entry(tree: SampledTree, row: int) -> int:
    """The caller of `row`, or the row itself, that was called from another module."""
    module = tree.items[tree.item[row]].module.lower()
    while (above := int(tree.parent[row])) >= 0 and tree.items[tree.item[above]].module.lower() == module:
        row = above
    return row


def _end(tree: SampledTree, row: int) -> int:
    """The row after the last one below `row`."""
    after = np.flatnonzero(tree.depth[row + 1 :] <= tree.depth[row])
    return row + 1 + int(after[0]) if len(after) else len(tree)


def _cost(tree: SampledTree, row: int, work: I64, samples: I64) -> PathCost:
    frames: list[Item] = []
    at = row
    while at >= 0:
        frames.append(tree.items[tree.item[at]])
        at = int(tree.parent[at])
    runs = tree.runs[0] or 1
    return PathCost(
        tuple(reversed(frames)),
        int(tree.weight_ns[0, row]) / runs,
        int(work[row]) / runs,
        int(tree.samples[0, row]),
        int(samples[row]),
    )
