"""Who called whom, where a source tells that and no call paths: what a butterfly needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.compare.costs import Item
from perfdb.profile.columns import I64


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one example: shape (calls,), in which `caller` and `callee` are rows of `items`; pairs are distinct.

    `samples` and `weight_ns` have the shape (sides, calls), summed over the runs of each side. Every occurrence on a
    stack counts, so that calls of a recursive function by itself may weigh more than the function.
    """

    items: tuple[Item, ...]
    caller: I64
    callee: I64
    samples: I64
    weight_ns: I64
