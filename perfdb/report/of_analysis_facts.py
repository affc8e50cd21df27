"""What an analysis is made of: each example at each commit with its costs, call paths and change since a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import Item
from perfdb.compare.hot import HotExample
from perfdb.compare.page import PageContent
from perfdb.compare.sampled import SampledTree
from perfdb.profile.columns import Caveat
from perfdb.profile.outcome import Outcome, WantedSymbols
from perfdb.report.names import short_commit
from perfdb.store.model import Run

UNRECORDED = "0" * 40
"""The commit of runs that are not in the history: whoever made the traces knows which it is."""

Key = tuple[str, str | None]
"""What `Item.key` is."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a module or function, summed over the runs; `inclusive` is None where some run does not tell."""

    exclusive: int
    inclusive: int | None


@dataclass(frozen=True, slots=True)
class ExampleAnalysis:
    """One example at one commit. `page` is of this example alone, one-sided, with all rows.

    `samples` are by `Item.key`, modules with no function. `comparison` is with the baseline, of this example alone;
    None where there is none, for which `no_baseline` gives the reason.
    """

    runs: tuple[Run, ...]
    page: PageContent
    samples: Mapping[Key, Samples] = field(default_factory=dict)
    comparison: Comparison | None = None
    no_baseline: str = ""

    @property
    def example(self) -> str:
        """The example's name."""
        return self.runs[0].example

    @property
    def commit_sha(self) -> str:
        """The commit of all its runs, `UNRECORDED` where they are not in the history."""
        return self.runs[0].commit_sha

    @property
    def is_recorded(self) -> bool:
        """Whether the history has the runs."""
        return self.commit_sha != UNRECORDED

    @property
    def commit(self) -> str:
        """The commit as tables show it, and commands take it."""
        return short_commit(self.commit_sha) if self.is_recorded else "not recorded"

    @property
    def heading(self) -> str:
        """The example and its commit."""
        return f"{self.example} at {self.commit}" if self.is_recorded else f"{self.example} ({self.commit})"

    @property
    def subject(self) -> str:
        """The first line of the commit's message, '' where it is not known."""
        return self.runs[0].subject or ""

    @property
    def hot(self) -> HotExample:
        """Its modules and functions, all of them."""
        assert self.page.shown is not None
        return self.page.shown.examples[0]

    @property
    def wanted(self) -> tuple[WantedSymbols, ...]:
        """The symbol files that its runs lack, those of the most samples first."""
        return self.page.shown.wanted if self.page.shown else ()

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What holds for all its runs."""
        return self.page.shown.caveats if self.page.shown else ()

    @property
    def tree(self) -> SampledTree | None:
        """Its call paths, None where some run tells none."""
        return self.page.examples[0].tree if self.page.examples else None

    @property
    def diff(self) -> ExampleDiff | None:
        """What the comparison says of it."""
        return self.comparison.examples[0] if self.comparison else None

    def samples_of(self, item: Item) -> Samples:
        """The samples of a module or function."""
        return self.samples.get(item.key, Samples(0, None))


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that an analysis found. `title` is what was asked for, `lines` say what was taken for it.

    `unrecorded` are the traces that were read though the history does not have them, `with_sheet` those of them whose
    run sheet says their commit; `failed` those that could not be read; `notes` what else came up. `made_at` is in UTC.
    """

    title: str
    lines: tuple[str, ...]
    examples: tuple[ExampleAnalysis, ...]
    made_at: datetime
    unrecorded: tuple[str, ...] = ()
    failed: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    with_sheet: frozenset[str] = frozenset()
