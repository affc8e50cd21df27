"""What a page shows: the costs and call paths of one revision or run, or of two with what their comparison says."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.compare.calls import Calls
from perfdb.compare.comparison import Comparison
from perfdb.compare.costs import Costs
from perfdb.compare.hot import Shown
from perfdb.compare.impact import Impact
from perfdb.compare.sampled import SampledTree
from perfdb.compare.sides import RunFacts


@dataclass(frozen=True, slots=True)
class PageSide:
    """The runs of one side of an example, and what its functions cost, in the order of the runs."""

    runs: tuple[RunFacts, ...]
    functions: Costs


@dataclass(frozen=True, slots=True)
class PageExample:
    """One example: its sides (one, or baseline and contender) and their call paths.

    `tree` has as many sides; it is None where some run tells no call paths. `calls` are there instead where all runs
    tell who called whom.
    """

    example: str
    sides: tuple[PageSide, ...]
    tree: SampledTree | None
    calls: Calls | None = None

    @property
    def has_profiles(self) -> bool:
        """Whether all runs are profiles: results of benchmarks have no functions to look at."""
        return not any(run.is_measured for side in self.sides for run in side.runs)


@dataclass(frozen=True, slots=True)
class PageContent:
    """Everything on one page: either `shown`, of one side, or `comparison`, of two, with the same examples.

    Both hold all rows. `asked` are the words that name a page of one side on a command line, none where none do.
    `impact` is what the comparison says of the targets that were asked for.
    """

    title: str
    examples: tuple[PageExample, ...]
    shown: Shown | None = None
    comparison: Comparison | None = None
    impact: Impact | None = None
    asked: tuple[str, ...] = ()
