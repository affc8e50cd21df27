"""Diffs made by hand: costs in ms a run, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfdb.compare.call_tree import PathChange, Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.costs import Aligned, Item
from perfdb.compare.ledger import NEW, OTHERS, UNRESOLVED, Ledger, close_ledger
from perfdb.compare.scope import Scope
from perfdb.compare.sides import EXACT, Matched, RunFacts, SetAside, Side
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Criteria, Finding
from perfdb.profile.columns import STACKS, Caveat
from perfdb.units import NS_PER_MS

Told = tuple[Sequence[float], Sequence[float], str, Finding | None]
"""Costs of the baseline's and the contender's runs in ms, the class, the finding."""

STRTOD, INSERT = Item("ucrtbase.dll", "strtod"), Item("kuzu_shared.dll", "kuzu::storage::LocalNodeTable::insert")
RESIZE, COPY = Item("arrow.dll", "arrow::ArrayBuilder::Resize"), Item("kuzu_shared.dll", "kuzu::common::copy")
CHECK, HASH = Item("ucrtbased.dll", "check_bytes"), Item("kuzu_shared.dll", "kuzu::function::murmurhash64")
BARE, TINY = Item("ntdll.dll", "<unresolved>"), Item("indexer.exe", "main")

WORSE = Finding(REGRESSED, 0.782, 0.65, 0.92, 1e-9, 2e-8, 3, True)
BETTER = Finding(IMPROVED, -0.42, -0.5, -0.31, 1e-7, 1e-6, 3, True)
SAME = Finding(EQUAL, 0.004, -0.021, 0.03, 0.7, 1.0, 2, False)
OPEN = Finding(INCONCLUSIVE, -0.283, -0.51, 0.06, 0.09, 0.6, 6, True)
TINY_GAIN = Finding(IMPROVED, -0.021, -0.031, -0.011, 1e-4, 1e-3, 2, False)

FUNCTIONS: dict[Item, Told] = {
    STRTOD: ([230.0, 233.0], [410.0, 415.0], REGRESSED, WORSE),
    INSERT: ([150.0, 152.0], [86.0, 88.0], IMPROVED, BETTER),
    COPY: ([1000.0, 1002.0], [980.0, 981.0], IMPROVED, TINY_GAIN),
    HASH: ([50.0, 51.0], [50.0, 51.5], EQUAL, SAME),
    CHECK: ([120.0, 118.0], [86.0, 85.0], INCONCLUSIVE, OPEN),
    RESIZE: ([0.0, 0.0], [20.0, 21.0], NEW, None),
    BARE: ([900.0, 964.0], [700.0, 697.0], UNRESOLVED, None),
    TINY: ([1.0, 0.0], [0.0, 2.0], OTHERS, None),
}


def ledger(told: Mapping[Item, Told] = FUNCTIONS, top: int | None = None) -> Ledger:
    """A closed ledger, with a sample a millisecond."""
    before, after = (np.array([each[side] for each in told.values()], np.float64).T for side in (0, 1))
    costs = Aligned(
        tuple(told),
        (before * NS_PER_MS).astype(np.int64),
        (after * NS_PER_MS).astype(np.int64),
        before.astype(np.int64),
        after.astype(np.int64),
        np.zeros((0, len(told)), np.int64),
    )
    return close_ledger(costs, [each[2] for each in told.values()], [each[3] for each in told.values()]).cut(top)


def by_module(told: Mapping[Item, Told]) -> dict[Item, Told]:
    """The same costs by module, of which nothing is said."""
    modules: dict[Item, Told] = {}
    for item, (before, after, _, _) in told.items():
        known = modules.get(Item(item.module), ([0.0] * len(before), [0.0] * len(after), OTHERS, None))
        sums = [[a + b for a, b in zip(*pair, strict=True)] for pair in ((known[0], before), (known[1], after))]
        modules[Item(item.module)] = (sums[0], sums[1], OTHERS, None)
    return modules


def run(number: int) -> RunFacts:
    """A run whose id ends in its number."""
    run_id = f"0190f5c2-1111-7222-8333-{number:012d}"
    return RunFacts(run_id, "indexer.exe", "builder-1", "Release", False, STACKS, 1_000_000, 0.1, (), samples=2_000)


def runs(
    baseline: int = 2, contender: int = 2, history: int = 0, aside: Sequence[SetAside] = (), reason: str = ""
) -> Matched:
    """So many runs on each side."""
    numbers = iter(range(1, 1000))
    sides = [tuple(run(next(numbers)) for _ in range(count)) for count in (baseline, contender, history)]
    return Matched(sides[0], sides[1], sides[2], tuple(aside), reason)


def example_diff(
    finding: Finding = BETTER,
    matched: Matched | None = None,
    functions: Mapping[Item, Told] = FUNCTIONS,
    modules: Mapping[Item, Told] | None = None,
    top: int | None = None,
    paths: Paths | None = None,
    common_effect: float | None = 0.0,
    caveats: Sequence[Caveat] = (),
    name: str = "templates",
) -> ExampleDiff:
    """One example; its modules are made of its functions unless they are given."""
    return ExampleDiff(
        name,
        matched or runs(),
        finding,
        common_effect,
        ledger(by_module(functions) if modules is None else modules, top),
        ledger(functions, top),
        paths,
        tuple(caveats),
    )


def paths(*rows: PathChange, total: tuple[float, float] = (2_485.5, 2_336.25)) -> Paths:
    """Paths of a program whose sides cost `total` ms; what they account for is taken to be 94 %."""
    before, after = (value * NS_PER_MS for value in total)
    rest = before - sum(row.baseline_ns for row in rows), after - sum(row.contender_ns for row in rows)
    return Paths(rows, *rest, before, after, 0.94)


def path_change(frames: Sequence[Item], before: float, after: float, finding: Finding) -> PathChange:
    """A path whose costs are in ms."""
    return PathChange(tuple(frames), before * NS_PER_MS, after * NS_PER_MS, finding)


def comparison(
    *examples: ExampleDiff, criteria: Criteria | None = None, pooled: Sequence[PooledEntry] = (), subject: str = "Index"
) -> Comparison:
    """A diff of two commits."""
    return Comparison(
        Side("main", "a" * 40, subject, EXACT, 0, "a" * 40),
        Side("bulk-insert", "b" * 40, "Insert rows in bulk", EXACT, 0, "b" * 40),
        Scope(),
        criteria or Criteria(),
        examples or (example_diff(),),
        tuple(pooled),
        (),
        (),
        (),
    )
