"""Impacts made by hand: costs in ms a run, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfdb.compare.comparison import Comparison
from perfdb.compare.costs import Item
from perfdb.compare.impact import ExampleImpact, Impact, Moved, Part, Parts
from perfdb.compare.sides import Matched
from perfdb.compare.targets import Target
from perfdb.compare.verdicts import Finding
from perfdb.profile.columns import Caveat
from perfdb.units import NS_PER_MS
from tests.report.diffs import BETTER, SAME, comparison, example_diff, runs

KUZU, NTDLL, UCRT = Item("kuzu_shared.dll"), Item("ntdll.dll"), Item("ucrtbase.dll")


def part(before: float, after: float, finding: Finding | None = None, group: str = "", told: int = 1) -> Part:
    """A part of a program of 1,000 ms on either side."""
    return Part(before * NS_PER_MS, after * NS_PER_MS, before / 1000, after / 1000, finding, group, told)


def example(
    *targets: Part,
    name: str = "simple",
    program: Finding = BETTER,
    elsewhere: Finding | None = SAME,
    matched: Matched | None = None,
    caveats: Sequence[Caveat] = (),
    common_effect: float = 0.0,
) -> ExampleImpact:
    """One example."""
    diff = example_diff(program, matched or runs(3, 3), name=name, caveats=caveats, common_effect=common_effect)
    return ExampleImpact(diff, parts(*targets, program=program, elsewhere=elsewhere), ())


def parts(*targets: Part, program: Finding = BETTER, elsewhere: Finding | None = SAME, told: int = 1) -> Parts:
    """A program of 1,000 ms; all else has what the targets leave."""
    left = [1000 - sum(getattr(each, side) for each in targets) / NS_PER_MS for side in ("baseline_ns", "contender_ns")]
    return Parts(targets, None, part(left[0], left[1], elsewhere, told=told), part(1000, 1000, program, told=told))


def impact(
    *examples: ExampleImpact,
    targets: Sequence[Item] = (KUZU,),
    pooled: Parts | None = None,
    slower: Sequence[Moved] = (),
    caveats: Sequence[Caveat] = (),
    of: Comparison | None = None,
) -> Impact:
    """An impact on items that were named."""
    compared = of or comparison(*(each.diff for each in examples))
    named = tuple(Target(str(item), (item,)) for item in targets)
    return Impact(compared, named, False, False, examples, pooled, tuple(slower), tuple(caveats))


def moved(item: Item, before: float, after: float, *examples: str) -> Moved:
    """Something that got slower elsewhere."""
    return Moved(item, examples or ("simple",), before * NS_PER_MS, after * NS_PER_MS, not before)


def unlike(each: ExampleImpact, finding: Finding) -> ExampleImpact:
    """The same example with another verdict on its program, and on all its parts."""
    told = parts(
        *(replace(target, finding=finding) for target in each.parts.targets), program=finding, elsewhere=finding
    )
    return ExampleImpact(replace(each.diff, finding=finding), told, ())
