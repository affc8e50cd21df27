"""How often a whole diff cries wolf: three examples in which nothing changed, compared as `perfdb diff` does.

`detection` measures one family of tests; a reader sees programs, modules, functions and pooled functions at once, and
a gate looks at them all. Programs and runs are those of `detection_law`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfdb.compare import Comparison, Costs, Criteria, ExampleCase, Finding, Item, Matched, RunFacts, Scope, Side
from perfdb.compare import compare_examples as compare
from perfdb.compare.gate import judge_gate
from perfdb.units import NS_PER_MS
from tests.bench.detection_law import HELD_BACK_FROM, I64, make_case
from tests.bench.measure import Figure

EXAMPLES = 3
SAMPLES = (2_000, 10_000)
DIFFS = 200
KINDS = ("a program", "a module", "a function", "a pooled function", "anything")
GATES = ("regressed", "total")


def false_alarm_figures(runs: int, part: float) -> list[Figure]:
    """The shares of diffs of three examples that flag something, or fail a gate, with `runs` runs a side."""
    count = max(round(DIFFS * part), 1)
    told = np.mean([_told(HELD_BACK_FROM + 10 * number, runs, SAMPLES[number % 2]) for number in range(count)], axis=0)
    words = [f"flags {kind}" for kind in KINDS] + [f"fails --fail-on {gate}" for gate in GATES]
    return [
        Figure(f"n = {runs:2}  nothing changed, a diff of {EXAMPLES} examples {word}", 100 * share, "%")
        for word, share in zip(words, told.tolist(), strict=True)
    ]


def _told(seed: int, runs: int, samples: int) -> list[bool]:
    cases = [_case(seed + number, runs, samples, f"example {number}") for number in range(EXAMPLES)]
    examples, pooled = compare(cases, Criteria())
    side = Side("a", "a", "", "exact", 0, "a")
    comparison = Comparison(side, side, Scope(), Criteria(), examples, pooled, (), (), ())
    entries = [[*each.modules.rows, *each.functions.rows] for each in examples]
    found: dict[str, list[Finding | None]] = {
        "a program": [each.finding for each in examples],
        "a module": [row.finding for rows in entries for row in rows if row.item and row.item.function is None],
        "a function": [row.finding for rows in entries for row in rows if row.item and row.item.function is not None],
        "a pooled function": [each.finding for each in pooled],
    }
    flags = [any(each and each.is_significant for each in found[kind]) for kind in KINDS[:-1]]
    return [*flags, any(flags), *(judge_gate(comparison, [gate]).failed for gate in GATES)]


def _case(seed: int, runs: int, samples: int, example: str) -> ExampleCase:
    made = make_case(seed, runs, samples)
    history = np.zeros((0, made.baseline.shape[1]), np.int64) if made.history is None else made.history
    functions = tuple(Item(f"m{module}.dll", f"f{place}") for place, module in enumerate(made.modules.tolist()))
    modules = tuple(Item(f"m{module}.dll") for module in range(int(made.modules.max()) + 1))
    sides = (made.baseline, made.contender, history)
    facts = [tuple(_facts(f"{name}{run}") for run in range(len(side))) for name, side in zip("bch", sides, strict=True)]
    by_module = [_sums(side, made.modules, len(modules)) for side in sides]
    module_costs, function_costs = (
        [_costs(side, items) for side in counts] for counts, items in ((by_module, modules), (sides, functions))
    )
    return ExampleCase(
        example,
        Matched(facts[0], facts[1], facts[2]),
        (module_costs[0], module_costs[1], module_costs[2]),
        (function_costs[0], function_costs[1], function_costs[2]),
    )


def _sums(counts: I64, modules: I64, count: int) -> I64:
    sums = np.zeros((count, len(counts)), np.int64)
    np.add.at(sums, modules, counts.T)
    return sums.T


def _costs(counts: I64, items: Sequence[Item]) -> Costs:
    return Costs(tuple(items), counts * NS_PER_MS, counts * NS_PER_MS, counts)


def _facts(run_id: str) -> RunFacts:
    return RunFacts(run_id, "app.exe", "host", "Release", False, "stacks", NS_PER_MS, 0.0, ())
