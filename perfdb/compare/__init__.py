"""Two sides of a diff, compared: what changed by how much, as a ledger that adds up, with the caveats that go along.

How sure we are of a difference is a question of its own: `Costs` keeps every run's figures apart, of both sides,
which is what a judge of differences between runs needs; the ledger only sums and sorts.
"""

from perfdb.compare.costs import Costs, Item, pivot
from perfdb.compare.diff import (
    Comparison,
    ExampleDiff,
    RunFacts,
    Side,
    compare_example,
    mixed_caveats,
    side_caveats,
    stand_in_caveat,
)
from perfdb.compare.hot import HotExample, HotItem, Shown, hot_example
from perfdb.compare.ledger import Entry, Ledger, Remainder, close_ledger

__all__ = [
    "Comparison",
    "Costs",
    "Entry",
    "ExampleDiff",
    "HotExample",
    "HotItem",
    "Item",
    "Ledger",
    "Remainder",
    "RunFacts",
    "Shown",
    "Side",
    "close_ledger",
    "compare_example",
    "hot_example",
    "mixed_caveats",
    "pivot",
    "side_caveats",
    "stand_in_caveat",
]
