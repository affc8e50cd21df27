"""What a diff says, as values: the two sides, and each example with its verdicts, ledgers, call paths and caveats."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfdb.compare.call_tree import Paths
from perfdb.compare.costs import Item
from perfdb.compare.ledger import Entry, Ledger
from perfdb.compare.scope import Scope
from perfdb.compare.sides import Matched, RunFacts, Side
from perfdb.compare.verdicts import Criteria, Finding
from perfdb.profile.columns import Caveat


@dataclass(frozen=True, slots=True)
class ExampleDiff:
    """One example on both sides. `runs` are those that were compared, `finding` is the verdict on the program.

    `common_effect` is the relative change of speed that all functions share and against which each one's effect is
    told; None where that cannot be told. `paths` is None where some run has no call paths, or has other names.
    """

    example: str
    runs: Matched
    finding: Finding
    common_effect: float | None
    modules: Ledger
    functions: Ledger
    paths: Paths | None
    caveats: tuple[Caveat, ...]

    @property
    def baseline(self) -> tuple[RunFacts, ...]:
        """The runs of the baseline."""
        return self.runs.baseline

    @property
    def contender(self) -> tuple[RunFacts, ...]:
        """The runs of the contender."""
        return self.runs.contender

    @property
    def total(self) -> Entry:
        """The whole program's CPU time."""
        return replace(self.modules.total, finding=self.finding)


@dataclass(frozen=True, slots=True)
class PooledEntry:
    """One function over several examples: costs are sums of the examples' means, the finding is on its mean effect."""

    item: Item
    examples: tuple[str, ...]
    baseline_ns: float
    contender_ns: float
    finding: Finding

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns


@dataclass(frozen=True, slots=True)
class Comparison:
    """A diff: the two sides, the examples that both have, and the names of those that only one has.

    `pooled` are the functions that several examples have, those whose change is told first.
    """

    baseline: Side
    contender: Side
    scope: Scope
    criteria: Criteria
    examples: tuple[ExampleDiff, ...]
    pooled: tuple[PooledEntry, ...]
    only_baseline: tuple[str, ...]
    only_contender: tuple[str, ...]
    caveats: tuple[Caveat, ...]

    def cut(self, top: int | None) -> Comparison:
        """The same with `top` rows in each ledger at most, None for all; the others are summed by class."""
        examples = tuple(
            replace(each, modules=each.modules.cut(top), functions=each.functions.cut(top)) for each in self.examples
        )
        return replace(self, examples=examples)
