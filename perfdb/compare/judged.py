"""The items of one example on their way to verdicts: what is counted, what is told, which class they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perfdb.compare.costs import Aligned
from perfdb.compare.ledger import NEW, OTHERS, UNRESOLVED, VANISHED
from perfdb.compare.verdicts import INCONCLUSIVE, NOT_COMPARABLE, Criteria, Finding, finding, not_comparable
from perfdb.profile.columns import I64
from perfdb.stats import Differences, compare_counts, one_sided

TOO_SMALL = 3.0
"""Items with fewer samples a run than that are counted among the others, where nothing is told of them."""


@dataclass(slots=True)
class Judged:
    """Items of one example. `obstacles` says of each why it cannot be compared, '' where it can; empty for none at all.

    Items that cannot be compared are judged together, a column a module, so that their samples still count.
    `differences` is None until the runs have been compared.
    """

    costs: Aligned
    obstacles: Sequence[str] = ()
    differences: Differences | None = None
    column: I64 = field(init=False)
    modules: list[str] = field(init=False)
    """The module of each column, as it is spelt."""

    def __post_init__(self) -> None:
        obstacles = self.obstacles or [""] * len(self.costs.items)
        columns: dict[tuple[str, str | None], int] = {}
        self.modules = []
        places = []
        for item, obstacle in zip(self.costs.items, obstacles, strict=True):
            key = (item.key[0], None) if obstacle else item.key
            place = columns.setdefault(key, len(columns))
            if place == len(self.modules):
                self.modules.append(item.module)
            places.append(place)
        self.obstacles = obstacles
        self.column = np.array(places, np.int64)

    @property
    def has_samples(self) -> bool:
        """Whether both sides have any."""
        return bool(self.costs.baseline_samples.any() and self.costs.contender_samples.any())

    def compare(self, criteria: Criteria) -> Differences:
        """Compare the counts of both sides' runs, with the history behind the baseline."""
        is_by_module = all(item.function is None for item in self.costs.items)
        return compare_counts(
            self._counts(self.costs.baseline_samples),
            self._counts(self.costs.contender_samples),
            self._counts(self.costs.history_samples),
            groups=None if is_by_module else self.groups()[0],
            fdr=criteria.fdr,
            margin=criteria.margin,
        )

    def groups(self) -> tuple[I64, list[str]]:
        """The module of each column as a number, and what the modules are called."""
        rows: dict[str, int] = {}
        spelt: list[str] = []
        for name in self.modules:
            if rows.setdefault(name.lower(), len(spelt)) == len(spelt):
                spelt.append(name)
        return np.array([rows[name.lower()] for name in self.modules], np.int64), spelt

    def _counts(self, samples: I64) -> I64:
        counts = np.zeros((len(self.modules), len(samples)), np.int64)
        np.add.at(counts, self.column, samples.T)
        return counts.T

    def finding(self, place: int, reason: str, criteria: Criteria) -> Finding | None:
        """What is told of an item; `reason` is why nothing here can be compared."""
        if reason or self.obstacles[place]:
            return not_comparable(reason or self.obstacles[place])
        if self.differences is None:
            return None
        before, after = float(self.costs.baseline_ns[:, place].mean()), float(self.costs.contender_ns[:, place].mean())
        plain = after / before - 1 if before else None
        return finding(self.differences, int(self.column[place]), after - before, criteria, plain)

    def classes(self, findings: Sequence[Finding | None]) -> list[str]:
        """The class of each item in the ledger; what is new or has vanished is told by `stats.one_sided`."""
        before, after = self.costs.baseline_samples, self.costs.contender_samples
        sides = one_sided(before, after).tolist()
        means = [side.mean(axis=0) if self.costs.items else np.zeros(0) for side in (before, after)]
        is_small = ((means[0] + means[1]) / 2 < TOO_SMALL).tolist()
        return [
            self._class(place, found, sides[place], is_small=is_small[place]) for place, found in enumerate(findings)
        ]

    def _class(self, place: int, found: Finding | None, side: int, *, is_small: bool) -> str:
        if self.costs.items[place].is_unresolved:
            return UNRESOLVED
        if self.obstacles[place]:
            return OTHERS
        if side:
            return NEW if side > 0 else VANISHED
        if found is None or found.verdict == NOT_COMPARABLE:
            return OTHERS
        return OTHERS if is_small and found.verdict == INCONCLUSIVE else found.verdict
