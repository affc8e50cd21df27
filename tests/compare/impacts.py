"""Impacts by hand: examples of one program, of which some functions changed, and what is said of targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfdb.compare import Comparison, Criteria, ExampleCase, Item, Scope, Side, compare_examples
from perfdb.compare.impact import Impact, judge_impact
from perfdb.compare.sides import EXACT
from tests.compare.sides import Work, case_of

HOT = [Item(f"lib{number % 4}.dll", f"ns::f{number}") for number in range(24)]
MEANS = {item: 3_000 // (number + 1) for number, item in enumerate(HOT)}
INSERT, PARSE = HOT[1], HOT[2]


def drawn(
    seed: int, changes: Mapping[Item, float] | None = None, runs: int = 4, more: Work | None = None
) -> list[Work]:
    """Runs of one program; `changes` are factors by function, `more` is work that others do not have."""
    random = np.random.default_rng(seed)
    found: list[Work] = []
    for _ in range(runs):
        wanted = {
            item: mean * (changes or {}).get(item, 1.0) * float(random.lognormal(0, 0.02))
            for item, mean in MEANS.items()
        }
        found.append({item: int(random.poisson(mean)) for item, mean in wanted.items()} | dict(more or {}))
    return found


def judged(cases: Sequence[ExampleCase], *targets: str, inclusive: bool = False) -> Impact:
    """The impact on these targets, of two commits."""
    return judge_impact(compared(cases), cases, targets, inclusive)


def compared(cases: Sequence[ExampleCase]) -> Comparison:
    sides = [Side(name, sha * 40, "", EXACT, 0, sha * 40) for name, sha in (("main", "a"), ("faster", "b"))]
    examples, pooled = compare_examples(cases, Criteria())
    return Comparison(sides[0], sides[1], Scope(), Criteria(), examples, pooled, (), (), ())


def faster(example: str, seed: int, factor: float = 0.5, **changes: float) -> ExampleCase:
    """`INSERT` takes a part of its time; other functions by their names."""
    factors = {INSERT: factor} | {item: changes[name] for item in HOT if (name := str(item.function)[4:]) in changes}
    return case_of(drawn(seed), drawn(seed + 1, factors), example=example)
