"""Two sides of a diff, compared: verdicts with intervals, ledgers that add up, call paths, and their caveats.

    conditions   which runs can be compared at all         obstacles    where names stand in the way of functions
    costs        runs × items as matrices                  judged       items on their way to verdicts
    diff         examples in, verdicts out                 pooled       one function over several examples
    ledger       lines that add up to the total            call_tree    which call paths explain a change
    paths        which subtrees those are                  verdicts     words for what stats says
    measured     metrics: times, memory, rates
    gate         does the comparison pass?                 hot          where the time of one side goes
    impact       what an optimisation brought              targets      which functions a name means

How sure we are of a difference is a question of its own: `perfdb.stats` answers it from the counts of runs.
"""

from perfdb.compare.call_tree import CallTree, PathChange, Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.conditions import match_runs
from perfdb.compare.costs import Aligned, Costs, Item, align, no_costs, pivot
from perfdb.compare.diff import ExampleCase, compare_examples
from perfdb.compare.hot import HotExample, HotItem, Shown, hot_example
from perfdb.compare.ledger import CLASSES, Entry, Ledger, Remainder, close_ledger
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.run_caveats import mixed_caveats, repetition_caveats
from perfdb.compare.scope import Scope, matches_process
from perfdb.compare.sides import Matched, RunFacts, SetAside, Side, side_caveats, stand_in_caveat
from perfdb.compare.verdicts import Criteria, Finding

__all__ = [
    "CLASSES",
    "Aligned",
    "CallTree",
    "Comparison",
    "Costs",
    "Criteria",
    "Entry",
    "ExampleCase",
    "ExampleDiff",
    "Finding",
    "HotExample",
    "HotItem",
    "Item",
    "Ledger",
    "Matched",
    "MeasuredEntry",
    "PathChange",
    "Paths",
    "PooledEntry",
    "Remainder",
    "RunFacts",
    "Scope",
    "SetAside",
    "Shown",
    "Side",
    "align",
    "close_ledger",
    "compare_examples",
    "hot_example",
    "match_runs",
    "matches_process",
    "mixed_caveats",
    "no_costs",
    "pivot",
    "repetition_caveats",
    "side_caveats",
    "stand_in_caveat",
]
