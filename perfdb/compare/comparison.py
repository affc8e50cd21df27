"""What a diff says, as values: the two sides, and each example with its verdicts, ledgers, call paths and caveats."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfdb.compare.call_tree import Paths
from perfdb.compare.costs import Item
from perfdb.compare.ledger import Entry, Ledger
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.scope import Scope
from perfdb.compare.sides import Matched, RunFacts, Side
from perfdb.compare.verdicts import Criteria, Finding
from perfdb.profile.columns import Caveat
from perfdb.stats import Summary
from perfdb.units import NS_PER_MS


@dataclass(frozen=True, slots=True)
class ExampleDiff:
    """One example on both sides. `runs` are those that were compared, `finding` is the verdict on the program.

    `common_effect` is the relative change of speed that all functions share and against which each one's effect is
    told, `module_effect` the same of modules; None where that cannot be told. `paths` is None where some run has no
    call paths, or has other names. `measured` are the metrics that both sides have. Where some run is no profile, the
    ledgers are empty, and the first metric stands for the program.
    """

    example: str
    runs: Matched
    finding: Finding
    common_effect: float | None
    modules: Ledger
    functions: Ledger
    paths: Paths | None
    caveats: tuple[Caveat, ...]
    measured: tuple[MeasuredEntry, ...] = ()
    module_effect: float | None = None

    @property
    def has_profiles(self) -> bool:
        """Whether all runs are profiles: the program's cost is then its CPU time, and it has modules and functions."""
        return self.runs.has_profiles

    @property
    def primary(self) -> MeasuredEntry | None:
        """The metric that stands for the program where its cost is not its CPU time by samples; None also without."""
        return None if self.has_profiles or not self.measured else self.measured[0]

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
        """The whole program's CPU time; without profiles its primary metric where that is a time, else nothing."""
        total, primary = self.modules.total, self.primary
        if primary is not None and primary.is_time:
            before, after = _in_ns(primary.baseline), _in_ns(primary.contender)
            total = replace(total, baseline=before, contender=after)
        return replace(total, finding=self.finding)


def _in_ns(summary: Summary) -> Summary:
    spread = None if summary.spread is None else summary.spread * NS_PER_MS
    return Summary(summary.mean * NS_PER_MS, spread, summary.runs)


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

    `pooled` are the functions that several examples have, those whose change is told first. `most_measured` is how many
    lines the table of metrics of examples without profiles has at most, None for all.
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
    most_measured: int | None = None

    def cut(self, top: int | None) -> Comparison:
        """The same with `top` rows in each ledger at most, None for all; the others are summed by class.

        Metrics stay, but so many lines are shown of those of examples without profiles.
        """
        examples = tuple(
            replace(each, modules=each.modules.cut(top), functions=each.functions.cut(top)) for each in self.examples
        )
        return replace(self, examples=examples, most_measured=top)

    @property
    def with_profiles(self) -> tuple[ExampleDiff, ...]:
        """The examples of which all compared runs are profiles."""
        return tuple(each for each in self.examples if each.has_profiles)

    @property
    def without_profiles(self) -> tuple[ExampleDiff, ...]:
        """The examples of which some run is the result of a benchmark."""
        return tuple(each for each in self.examples if not each.has_profiles)
