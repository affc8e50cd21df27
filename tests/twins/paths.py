"""The slow, obvious twin of `compare.paths` and `compare.preorder`: every set of subtrees is tried, every path walked.

Trees are given by the parent of each row, an earlier one; that of row 0, the top, is -1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from perfdb.compare.call_tree import CallTree
from perfdb.compare.costs import Item
from perfdb.compare.paths import ACCOUNTED, HOLDS

Path = tuple[tuple[str, str | None], ...]
"""The keys of items, root first."""


def above(parent: Sequence[int], row: int) -> list[int]:
    """The rows from a row up to the top, itself first."""
    rows = []
    while row >= 0:
        rows.append(row)
        row = parent[row]
    return rows


def apart(parent: Sequence[int], rows: Sequence[int]) -> bool:
    """Whether no row lies below another."""
    return all(one not in above(parent, other)[1:] for one in rows for other in rows)


def every_set(parent: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All sets of subtrees that do not overlap."""
    for count in range(len(parent) + 1):
        for rows in combinations(range(len(parent)), count):
            if apart(parent, rows):
                yield rows


def best_score(parent: Sequence[int], score: Sequence[float]) -> float:
    """The most that the scores of subtrees that do not overlap sum to."""
    return max(sum(score[row] for row in rows) for rows in every_set(parent))


def accounted(delta: Sequence[float], part: Sequence[int], rest: Sequence[int]) -> float:
    """What fraction of the change the part accounts for."""
    gross = max(abs(delta[0]), sum(abs(delta[row]) for row in (*part, *rest)))
    missing = sum(abs(delta[row]) for row in rest)
    missing += abs(delta[0] - sum(delta[row] for row in (*part, *rest)))
    return 1 - missing / gross if gross else 1.0


def fewest(delta: Sequence[float], rows: Sequence[int]) -> int | None:
    """How many of the rows it takes to account for enough of the change; None where all of them do not."""
    for count in range(len(rows) + 1):
        for part in combinations(rows, count):
            rest = [row for row in rows if row not in part]
            if accounted(delta, part, rest) >= ACCOUNTED - 1e-9:
                return count
    return None


def holders(parent: Sequence[int], delta: Sequence[float], row: int) -> list[int]:
    """The subtrees within a subtree, itself too, that hold its change."""
    within = [other for other in range(len(parent)) if row in above(parent, other)]
    return [other for other in within if abs(delta[other] - delta[row]) <= HOLDS * abs(delta[row]) * (1 + 1e-12)]


def path_of(tree: CallTree, node: int) -> tuple[Item, ...]:
    """The frames down to a node, root first."""
    return tuple(tree.items[tree.item[row]] for row in reversed(above(tree.parent.tolist(), node)))


def weight_below(tree: CallTree, path: Sequence[Item], of_contender: bool) -> float:
    """Mean ns a run of everything at or below a path: every node is asked whether its path begins so."""
    runs = tree.contender_ns if of_contender else tree.baseline_ns
    begins = [path_of(tree, node)[: len(path)] == tuple(path) for node in range(len(tree.parent))]
    return sum(int(value) for run in runs.tolist() for value, is_in in zip(run, begins, strict=True) if is_in) / len(
        runs
    )
