"""The closed ledger: every nanosecond of a difference stands in exactly one of its lines.

    listed rows + new, not listed + vanished, not listed + unresolved + others = total

The rows are the items with the greatest change; what is not listed is summed, never dropped. A reader who adds up the
lines gets the total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.compare.costs import Costs, Item, align
from perfdb.profile.columns import I64, TRIMMED, Bool
from perfdb.stats import Summary, summarise

CHANGED, NEW, VANISHED, UNTOLD = "changed", "new", "vanished", "untold"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item on both sides, in ns a run. `change` is the delta as a fraction of the baseline; None where that is 0.

    `status` is `new` where no baseline run has the item, `vanished` where no contender run has it, else `changed`; but
    `untold` where the side without it leaves out functions of its module that did little.
    """

    item: Item | None
    status: str
    baseline: Summary
    contender: Summary

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline, of the means."""
        return self.contender.mean - self.baseline.mean

    @property
    def change(self) -> float | None:
        """The delta as a fraction of the baseline."""
        return self.delta_ns / self.baseline.mean if self.baseline.mean else None


@dataclass(frozen=True, slots=True)
class Remainder:
    """The sum of `count` items that have no line of their own, in mean ns a run."""

    count: int
    baseline_ns: float
    contender_ns: float

    @property
    def delta_ns(self) -> float:
        """Contender minus baseline."""
        return self.contender_ns - self.baseline_ns


@dataclass(frozen=True, slots=True)
class Ledger:
    """A difference with all its parts; see the module's docstring for the sum that holds."""

    rows: tuple[Entry, ...]
    new: Remainder
    vanished: Remainder
    unresolved: Remainder
    others: Remainder
    total: Entry

    def remainders(self) -> tuple[tuple[str, Remainder], ...]:
        """The summed lines with their names, in the order in which they are shown."""
        return (
            ("new, not listed", self.new),
            ("vanished, not listed", self.vanished),
            ("unresolved", self.unresolved),
            ("others", self.others),
        )


def close_ledger(baseline: Costs, contender: Costs, top: int | None = None) -> Ledger:
    """Compare two sides item by item; the `top` items by |delta| get rows (None: all of them)."""
    items, left, right = align(baseline, contender)
    delta = right.mean(axis=0) - left.mean(axis=0) if items else np.zeros(0)
    unresolved = np.array([item.is_unresolved for item in items], np.bool_)
    in_left, in_right = _present(left), _present(right)
    is_there = in_left | in_right
    # An item that a side may have hidden is neither new nor vanished.
    is_untold = _may_hide(items, in_left) | _may_hide(items, in_right)
    is_new, is_gone = (is_there & ~side & ~is_untold for side in (in_left, in_right))
    named = np.flatnonzero(~unresolved & is_there)
    # Of equal deltas the greater cost comes first, then the name decides: the same history gives the same table.
    cost = np.maximum(right.mean(axis=0), left.mean(axis=0)) if items else np.zeros(0)
    ranked = sorted(named.tolist(), key=lambda place: (-abs(delta[place]), -cost[place], str(items[place]).lower()))
    listed = ranked if top is None else ranked[:top]
    rows = tuple(
        Entry(
            items[place],
            UNTOLD if is_untold[place] else NEW if is_new[place] else VANISHED if is_gone[place] else CHANGED,
            summarise(left[:, place]),
            summarise(right[:, place]),
        )
        for place in listed
    )
    rest = ~unresolved
    rest[listed] = False

    def remainder(chosen: Bool) -> Remainder:
        return Remainder(
            int(np.count_nonzero(chosen & is_there)),
            float(left[:, chosen].sum(axis=1).mean()),
            float(right[:, chosen].sum(axis=1).mean()),
        )

    total = Entry(None, CHANGED, summarise(left.sum(axis=1)), summarise(right.sum(axis=1)))
    return Ledger(
        rows,
        new=remainder(rest & is_new),
        vanished=remainder(rest & is_gone),
        unresolved=remainder(unresolved),
        others=remainder(rest & ~is_new & ~is_gone),
        total=total,
    )


def _present(costs: I64) -> Bool:
    """Which items any run has."""
    return np.asarray((costs > 0).any(axis=0), np.bool_)


def _may_hide(items: Sequence[Item], present: Bool) -> Bool:
    """Which items a side may have although it does not name them: functions of modules of which it left some out."""
    modules = {item.key[0] for item, here in zip(items, present, strict=True) if here and item.function == TRIMMED}
    return np.array([item.function is not None and item.key[0] in modules for item in items], np.bool_) & ~present


def ledger_sum(ledger: Ledger) -> float:
    """What the lines of a ledger add up to, in ns: its total's delta, up to floating point."""
    parts: Sequence[float] = [entry.delta_ns for entry in ledger.rows] + [
        rest.delta_ns for _, rest in ledger.remainders()
    ]
    return sum(parts)
