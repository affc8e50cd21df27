"""The closed ledger: every nanosecond of a difference, and every sample, stands in exactly one of its lines.

    regressed + improved + equal + inconclusive + new + vanished + unresolved + others = total

Items are listed, or summed by these classes, and never dropped: a reader who adds up the lines gets the total. `others`
are those of which nothing is said: too small to be judged, or not comparable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfdb.compare.costs import Aligned, Item
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Finding
from perfdb.profile.columns import I64, Bool
from perfdb.stats import Summary, summarise, summarise_columns

NEW, VANISHED, UNRESOLVED, OTHERS = "new", "vanished", "unresolved", "others"
CLASSES = (REGRESSED, IMPROVED, EQUAL, INCONCLUSIVE, NEW, VANISHED, UNRESOLVED, OTHERS)
"""The classes of items, in the order in which they are summed."""
_FIRST = (REGRESSED, IMPROVED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One item on both sides, in ns a run; samples are summed over a side's runs.

    `group` is its class in the ledger, `total` for the total. `finding` is None where nothing is judged.
    """

    item: Item | None
    group: str
    baseline: Summary
    contender: Summary
    baseline_samples: int
    contender_samples: int
    finding: Finding | None = None

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline, of the means."""
        return self.contender.mean - self.baseline.mean

    @property
    def change(self) -> float | None:
        """The delta as a fraction of the baseline; None where that is 0."""
        return self.delta_ns / self.baseline.mean if self.baseline.mean else None


@dataclass(frozen=True, slots=True)
class Remainder:
    """The sum of `count` items of one class, in mean ns a run and in samples of all runs of a side."""

    group: str
    count: int
    baseline_ns: float
    contender_ns: float
    baseline_samples: int
    contender_samples: int

    def with_entry(self, entry: Entry) -> Remainder:
        """The sum with one item more."""
        return Remainder(
            self.group,
            self.count + 1,
            self.baseline_ns + entry.baseline.mean,
            self.contender_ns + entry.contender.mean,
            self.baseline_samples + entry.baseline_samples,
            self.contender_samples + entry.contender_samples,
        )

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns

    @property
    def change(self) -> float | None:
        """The delta as a fraction of the baseline; None where that is 0."""
        return self.delta_ns / self.baseline_ns if self.baseline_ns else None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A difference with all its parts.

    `rows` and `rest` (what is not listed, by class) add up to `total`; so do the `classes`, which hold every item.
    """

    rows: tuple[Entry, ...]
    rest: tuple[Remainder, ...]
    classes: tuple[Remainder, ...]
    total: Entry

    def cut(self, top: int | None) -> Ledger:
        """The same with `top` rows at most, None for all; the others are summed by class."""
        if top is None or len(self.rows) <= top:
            return self
        rest = {each.group: each for each in self.rest}
        for entry in self.rows[top:]:
            sums = rest.get(entry.group, Remainder(entry.group, 0, 0.0, 0.0, 0, 0))
            rest[entry.group] = sums.with_entry(entry)
        return replace(self, rows=self.rows[:top], rest=tuple(rest[group] for group in CLASSES if group in rest))


def close_ledger(costs: Aligned, groups: Sequence[str], findings: Sequence[Finding | None]) -> Ledger:
    """Compare two sides item by item, given each item's class and finding; every item but unresolved work gets a row.

    What is regressed or improved comes first, then the rest, each by |delta|. Items that neither side has are left out.
    """
    summaries = [summarise_columns(side) for side in (costs.baseline_ns, costs.contender_ns)]
    means = [np.array([each.mean for each in side]) for side in summaries]
    delta, cost = means[1] - means[0], np.maximum(*means)
    there = np.flatnonzero(cost > 0).tolist()
    # Of equal deltas the greater cost comes first, then the name decides: the same history gives the same table.
    ranked = sorted(
        (place for place in there if groups[place] != UNRESOLVED),
        key=lambda place: (
            groups[place] not in _FIRST,
            -abs(delta[place]),
            -cost[place],
            str(costs.items[place]).lower(),
        ),
    )
    baseline_samples, contender_samples = (
        side.sum(axis=0).tolist() for side in (costs.baseline_samples, costs.contender_samples)
    )
    masks = _masks(costs, groups, there)
    unresolved = _sum(costs, UNRESOLVED, masks[UNRESOLVED])
    return Ledger(
        tuple(
            Entry(
                costs.items[place],
                groups[place],
                summaries[0][place],
                summaries[1][place],
                baseline_samples[place],
                contender_samples[place],
                findings[place],
            )
            for place in ranked
        ),
        (unresolved,) if unresolved.count else (),
        tuple(_sum(costs, group, mask) for group, mask in masks.items()),
        _total(costs),
    )


def _masks(costs: Aligned, groups: Sequence[str], there: Sequence[int]) -> dict[str, Bool]:
    masks = {group: np.zeros(len(costs.items), np.bool_) for group in CLASSES}
    for place in there:
        masks[groups[place]][place] = True
    return masks


def _sum(costs: Aligned, group: str, chosen: Bool) -> Remainder:
    return Remainder(
        group,
        int(np.count_nonzero(chosen)),
        _mean(costs.baseline_ns[:, chosen]),
        _mean(costs.contender_ns[:, chosen]),
        int(costs.baseline_samples[:, chosen].sum()),
        int(costs.contender_samples[:, chosen].sum()),
    )


def _mean(costs: I64) -> float:
    return float(costs.sum(axis=1).mean())


def _total(costs: Aligned) -> Entry:
    return Entry(
        None,
        "total",
        summarise(costs.baseline_ns.sum(axis=1)),
        summarise(costs.contender_ns.sum(axis=1)),
        int(costs.baseline_samples.sum()),
        int(costs.contender_samples.sum()),
    )
