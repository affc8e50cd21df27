"""All call paths of one example as a tree, with the samples and weights of one side or of two: what pictures show.

Where `call_tree` prunes and keeps runs apart, to judge, nothing is left out here, and the runs of a side are added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.compare.costs import Item
from perfdb.compare.preorder import inclusive, subtree_order
from perfdb.profile.columns import I32, I64
from perfdb.profile.identity import levels


@dataclass(frozen=True, slots=True)
class SampledTree:
    """The call paths of one example: nodes of shape (nodes,) in preorder, `parent` -1 at a root.

    `item` is a row of `items`, and nodes of one parent have distinct items, those with more work first; `depth` is 1 at
    a root. `samples` and `weight_ns` are exclusive, of shape (sides, nodes), summed over the runs of each side; a side
    has `runs[side]` of them. Two sides are (baseline, contender).
    """

    parent: I64
    depth: I32
    item: I64
    items: tuple[Item, ...]
    samples: I64
    weight_ns: I64
    runs: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.parent)

    def inclusive_ns(self) -> I64:
        """What each node and all below it weigh: shape (sides, nodes)."""
        return self._below(self.weight_ns)

    def inclusive_samples(self) -> I64:
        """The samples of each node and of all below it: shape (sides, nodes)."""
        return self._below(self.samples)

    def _below(self, exclusive: I64) -> I64:
        by_depth = levels(self.depth)
        sums = exclusive.copy()
        for rows in reversed(by_depth[1:]):
            for side in sums:
                np.add.at(side, self.parent[rows], side[rows])
        return sums


def sampled_tree(
    parent: I64, depth: I32, item: I64, items: Sequence[Item], samples: I64, weight_ns: I64, runs: Sequence[int]
) -> SampledTree:
    """The tree of nodes that are given parents before children, in preorder; what has no sample is left out.

    Items are renumbered by their work, the greatest first, so that numbers of what is met most are the smallest.
    """
    by_depth = levels(depth)
    work = inclusive(parent, by_depth, samples.sum(axis=0).astype(np.float64))
    used = np.flatnonzero(work > 0)
    place = np.full(len(parent) + 1, -1, np.int64)  # the last is that of no parent
    place[used] = np.arange(len(used))
    above, kept_item, kept_work, kept_depth = place[parent[used]], item[used], work[used], depth[used]
    met = np.bincount(kept_item, minlength=len(items))
    by_use = np.argsort(-met, kind="stable")
    number = np.empty(len(items), np.int64)
    number[by_use] = np.arange(len(items))
    names = np.array([str(each).lower() for each in items], np.object_)
    rank = np.empty(len(items), np.int64)
    rank[np.argsort(names, kind="stable")] = np.arange(len(items))
    order, position = subtree_order(above, levels(kept_depth), np.lexsort((rank[kept_item], -kept_work)))
    parents = above[order]
    return SampledTree(
        parent=np.where(parents >= 0, position[parents], -1),
        depth=kept_depth[order],
        item=number[kept_item[order]],
        items=tuple(items[row] for row in by_use[: np.count_nonzero(met)].tolist()),
        samples=samples[:, used][:, order],
        weight_ns=weight_ns[:, used][:, order],
        runs=tuple(runs),
    )
