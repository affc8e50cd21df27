"""Which subtrees of a call tree explain a change: the choice, in numbers alone.

Every node stands for the subtree below it, with how much that changed (`delta`) and how much of it chance brings
(`noise`, a standard deviation). Row 0 is the whole program. Of all sets of subtrees that do not overlap

    surest      is the one with the most change that chance does not explain, a price for each subtree taken off
    smallest    is the smallest part of it that accounts for 90 % of the change
    sharpened   is that, with the deepest subtrees that still hold the change

The price keeps a set small, the noise keeps it from following chance into ever smaller subtrees: of siblings that all
changed a little their parent is told, of siblings that changed against each other each is. Where the surest set does
not account for 90 %, less sure subtrees are added to it; where that does not do, less sure sets are tried, and at the
end there is the whole program, which always accounts for its change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perfdb.compare.preorder import F64, Shape, is_outside_of
from perfdb.profile.columns import I64, Bool

ACCOUNTED = 0.9
"""How much of a change its explanation accounts for."""
ENOUGH = ACCOUNTED - 1e-9
"""The same, with room for rounding."""
MOST_ROWS = 12
"""So many subtrees are an explanation at most; more are a list."""
CERTAINTIES = (2.0, 1.0)
"""How many standard deviations of a subtree's change are put down to chance, after what is sure among so many."""
GUESSES = (0.5, 0.0)
"""The same for what is only added to sure subtrees, so that these need not give way to a caller of theirs."""
PRICES = (0.02, 0.05, 0.1)
"""What a subtree must hold to be worth a line, as a part of the whole change."""
WHOLE = 0.9
"""A subtree that holds this much of all work is nearly the whole program."""
HOLDS = 0.1
"""A subtree of a subtree holds its change when it differs from it by this part at most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows of a tree, by the size of their change; what part of the change they account for."""

    rows: tuple[int, ...]
    accounted: float


def explain(shape: Shape, delta: F64, noise: F64, share: F64, is_changed: bool) -> Choice:
    """The subtrees that explain a change, the largest first; arrays have the shape (nodes,).

    `share` is what part of all work a subtree holds: one that holds nearly all says no more than the program's own
    change does, and is told only where no finer subtrees account for it. Where the whole program is known to have
    changed (`is_changed`), the rows account for `ACCOUNTED` of the change or more, and are `MOST_ROWS` at most; they
    are the fewest of the surest set that allows it, and none can give its place to a deeper one that holds its change
    without the rows accounting for too little. Where it is not, only what stands out is told, if anything does.
    """
    size, is_fine = np.abs(delta), share < WHOLE
    sure = max(CERTAINTIES[0], math.sqrt(2 * math.log(len(delta))))
    known = surest(shape, np.where(is_fine, size - sure * noise, 0))
    gross = max(float(size[0]), float(size[known].sum()))
    is_changed = is_changed and bool(size[0])
    if not gross or not (is_changed or len(known)):
        return Choice((), 0.0 if gross else 1.0)
    kept = surest(shape, np.where(is_fine, size - sure * noise - PRICES[0] * gross, 0))
    added = (sure, *CERTAINTIES, *(GUESSES if len(kept) else ()))
    attempts = [(is_fine & ~_touches(shape, kept), certainty) for certainty in added]
    attempts += [(mask, each) for mask in (is_fine, np.ones_like(is_fine)) for each in (sure, *CERTAINTIES)]
    for allowed, certainty in attempts if is_changed else attempts[:1]:
        part, rest = _affordable(shape, delta, allowed, size - certainty * noise, gross)
        if not is_changed or (len(part) <= MOST_ROWS and accounted(delta, part, rest) >= ENOUGH):
            break
    else:
        part, rest = np.zeros(1, np.int64), np.zeros(0, np.int64)
    return sharpened(shape, delta, part[:MOST_ROWS], np.concatenate((part[MOST_ROWS:], rest)))


def _touches(shape: Shape, rows: I64) -> Bool:
    """Which subtrees hold one of these rows, or lie in one, and are none of them: shape (nodes,)."""
    touches = ~is_outside_of(shape, rows)
    for row in shape.parent[rows].tolist():
        while row >= 0 and not touches[row]:
            touches[row] = True
            row = int(shape.parent[row])
    touches[rows] = False
    return touches


def _affordable(shape: Shape, delta: F64, allowed: Bool, score: F64, gross: float) -> tuple[I64, I64]:
    """What `smallest` makes of the surest set, at the lowest price at which it is not too long, else at the highest."""
    for price in PRICES:
        rows = surest(shape, np.where(allowed, score - price * gross, 0))
        part, rest = smallest(delta, rows)
        if len(part) <= MOST_ROWS:
            break
    return part, rest


def surest(shape: Shape, score: F64) -> I64:
    """The rows of the set of subtrees, none within another, whose scores sum to most; the deeper ones of equals."""
    best, below = np.maximum(score, 0), np.zeros(len(score))
    is_taken = score > 0
    for rows in reversed(shape.levels):
        is_taken[rows] &= score[rows] > below[rows]
        best[rows] = np.maximum(best[rows], below[rows])
        inner = rows[rows > 0]
        np.add.at(below, shape.parent[inner], best[inner])
    taken = np.flatnonzero(is_taken)
    reach = np.maximum.accumulate(shape.end[taken])
    is_within = np.zeros(len(taken), np.bool_)
    is_within[1:] = taken[1:] < reach[:-1]
    return taken[~is_within]


def accounted(delta: F64, part: I64, rest: I64) -> float:
    """What fraction of the change the subtrees in `part` account for, when those in `rest` changed too.

    The change is the net one, or what all these rose and fell together where that is more: a rise does not make up for
    a fall. What is missing is the change of the rest, and of what is outside of both.
    """
    total, told, untold = (float(delta[rows].sum()) for rows in (np.zeros(1, np.int64), part, rest))
    left = float(np.abs(delta[rest]).sum())
    gross = max(abs(total), float(np.abs(delta[part]).sum()) + left)
    return 1 - (left + abs(total - told - untold)) / gross if gross else 1.0


def smallest(delta: F64, rows: I64) -> tuple[I64, I64]:
    """The fewest of the rows that account for `ACCOUNTED` of the change, and the rest; all where no part of them does.

    Both have the largest change first. A part of the same size that accounts for more there is not.
    """
    ranked = rows[np.lexsort((rows, -np.abs(delta[rows])))]
    total = abs(float(delta[0]) - float(delta[ranked].sum()))
    sizes = np.abs(delta[ranked])
    missing = total + sizes.sum() - np.cumsum(sizes)
    gross = max(abs(float(delta[0])), float(sizes.sum()))
    enough = np.flatnonzero(missing <= (1 - ENOUGH) * gross)
    count = int(enough[0]) + 1 if len(enough) else len(ranked)
    return ranked[:count], ranked[count:]


def sharpened(shape: Shape, delta: F64, part: I64, rest: I64) -> Choice:
    """The part with each of its subtrees replaced by the deepest one that holds its change.

    A replacement that would leave less accounted for than `ACCOUNTED` is not made, where more was.
    """
    found = part.copy()
    least = ENOUGH if accounted(delta, part, rest) >= ENOUGH else -math.inf
    holders = [_holders(shape, delta, row) for row in part.tolist()]
    is_done = False
    while not is_done:  # one replacement may make room for another, as what they leave out may add up to little
        is_done = True
        for place, deeper in enumerate(holders):
            for row in deeper:
                if shape.depth[row] <= shape.depth[found[place]]:
                    break
                trial = found.copy()
                trial[place] = row
                if accounted(delta, trial, rest) >= least:
                    found, is_done = trial, False
                    break
    found = found[np.argsort(-np.abs(delta[found]), kind="stable")]
    return Choice(tuple(found.tolist()), accounted(delta, found, rest))


def _holders(shape: Shape, delta: F64, row: int) -> list[int]:
    """The subtrees below a row that hold its change, the deepest first; of one depth the one that holds it best."""
    below = np.arange(row + 1, shape.end[row])
    apart = np.abs(delta[below] - delta[row])
    holds = apart <= HOLDS * abs(delta[row])
    below, apart = below[holds], apart[holds]
    order: list[int] = below[np.lexsort((below, apart, -shape.depth[below]))].tolist()
    return order
