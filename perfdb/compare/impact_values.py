"""What an impact says, as values: a program taken apart into targets and the rest, example by example and over all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import Item
from perfdb.compare.ledger import Entry
from perfdb.compare.targets import Target
from perfdb.compare.verdicts import NOT_COMPARABLE, Finding
from perfdb.profile.columns import Caveat

ABSENT = "absent"
"""The class of a target that neither side of an example has."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a program on both sides, in mean ns a run, and as a fraction of the program (None where that is 0).

    `group` is its class in the ledger, `ABSENT` where neither side has it, '' where it has none. Over several examples
    costs are sums of means, and `told` is in how many of them the finding is founded.
    """

    baseline_ns: float
    contender_ns: float
    baseline_share: float | None
    contender_share: float | None
    finding: Finding | None = None
    group: str = ""
    told: int = 1

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns

    @property
    def change(self) -> float | None:
        """The delta as a fraction of the baseline; None where that is 0."""
        return self.delta_ns / self.baseline_ns if self.baseline_ns else None


@dataclass(frozen=True, slots=True)
class Parts:
    """A program taken apart: `targets`, less what several of them share (None: nothing), and `elsewhere` sum to it."""

    targets: tuple[Part, ...]
    shared: Part | None
    elsewhere: Part
    program: Part


@dataclass(frozen=True, slots=True)
class ExampleImpact:
    """One example. `slower` are modules and functions outside of the targets that regressed or are new.

    They stand by module, a module before its functions, whose costs it holds; the most ms first. Modules that are
    targets in part are not among them, but their other functions are. Where costs are inclusive, these may lie below
    the target.
    """

    diff: ExampleDiff
    parts: Parts
    slower: tuple[Entry, ...]

    @property
    def is_comparable(self) -> bool:
        """Whether anything is judged in it."""
        return self.diff.finding.verdict != NOT_COMPARABLE


@dataclass(frozen=True, slots=True)
class Moved:
    """A module or function that got slower outside of the targets, with the examples in which it did; sums of means.

    `is_new` is whether the baseline has it in none of them.
    """

    item: Item
    examples: tuple[str, ...]
    baseline_ns: float
    contender_ns: float
    is_new: bool

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns


@dataclass(frozen=True, slots=True)
class Impact:
    """The comparison, and what it says of the targets.

    `is_chosen` is whether nobody named the targets: they are the modules that improved, else those that changed, and
    there may be none. `pooled` is over the examples that can be compared, None where they are fewer than two. `slower`
    counts what stands in the examples once, the functions of modules aside that are there themselves.
    """

    comparison: Comparison
    targets: tuple[Target, ...]
    is_chosen: bool
    is_inclusive: bool
    examples: tuple[ExampleImpact, ...]
    pooled: Parts | None
    slower: tuple[Moved, ...]
    caveats: tuple[Caveat, ...]

    @property
    def comparable(self) -> tuple[ExampleImpact, ...]:
        """The examples in which something is judged."""
        return tuple(each for each in self.examples if each.is_comparable)


def with_shares(
    before: float,
    after: float,
    program: Sequence[float],
    finding: Finding | None = None,
    group: str = "",
    told: int = 1,
) -> Part:
    """A part of a program whose two sides cost `program`; all in ns."""
    shares = [cost / whole if whole else None for cost, whole in zip((before, after), program, strict=True)]
    return Part(before, after, shares[0], shares[1], finding, group, told)
