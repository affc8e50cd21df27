"""The costs of several runs as one matrix: a row a run, a column a module or function."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I64, NOT_KNOWN, TRIMMED, UNKNOWN_MODULE, UNRESOLVED


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """What a cost is of: a function of a module, or, where `function` is None, a whole module."""

    module: str
    function: str | None = None

    @property
    def key(self) -> tuple[str, str | None]:
        """What makes two items the same: modules are known by their names in lower case."""
        return self.module.lower(), self.function

    @property
    def is_unresolved(self) -> bool:
        """Whether the item is where work without a name was put."""
        return self.function in (UNRESOLVED, TRIMMED) if self.function is not None else self.module == UNKNOWN_MODULE

    def __str__(self) -> str:
        return self.module if self.function is None else f"{self.module}!{self.function}"


@dataclass(frozen=True, slots=True)
class Costs:
    """`exclusive_ns`, `inclusive_ns` and `exclusive_samples` have the shape (runs, items).

    0 where a run has no such item; inclusive costs may be `NOT_KNOWN`. Items are distinct.
    """

    items: tuple[Item, ...]
    exclusive_ns: I64
    inclusive_ns: I64
    exclusive_samples: I64

    def total_ns(self) -> I64:
        """All work of each run: shape (runs,). Exclusive costs add up to it, for a sample has one leaf."""
        total: I64 = self.exclusive_ns.sum(axis=1)
        return total


def pivot(
    run_ids: Sequence[str],
    run_id: Sequence[str],
    items: Sequence[Item],
    exclusive_ns: npt.ArrayLike,
    inclusive_ns: npt.ArrayLike,
    exclusive_samples: npt.ArrayLike,
    partial: Collection[str] = (),
) -> Costs:
    """The matrix of costs given one by one; those of one run and item are summed. `run_ids` gives the order of the
    rows.

    `partial` are the runs that do not tell all inclusive costs: an item that they do not name may have been on a stack.
    Module names that differ only in letter case are one module, as they are in the history; the first spelling stays.
    """
    rows = {run: row for row, run in enumerate(run_ids)}
    columns: dict[tuple[str, str | None], int] = {}
    spelt: list[Item] = []
    places: list[int] = []
    for item in items:
        column = columns.setdefault(item.key, len(spelt))
        if column == len(spelt):
            spelt.append(item)
        places.append(column)
    exclusive = np.zeros((len(run_ids), len(spelt)), np.int64)
    inclusive, samples = np.zeros_like(exclusive), np.zeros_like(exclusive)
    is_open = np.zeros((len(run_ids), len(spelt)), np.bool_)
    is_open[[rows[run] for run in partial]] = True
    if places:
        at = ([rows[run] for run in run_id], places)
        told = np.asarray(inclusive_ns, np.int64)
        np.add.at(exclusive, at, np.asarray(exclusive_ns, np.int64))
        np.add.at(inclusive, at, told)
        np.add.at(samples, at, np.asarray(exclusive_samples, np.int64))
        is_open[at] = False
        np.logical_or.at(is_open, at, told == NOT_KNOWN)
    inclusive[is_open] = NOT_KNOWN
    return Costs(tuple(spelt), exclusive, inclusive, samples)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Exclusive costs of both sides, and samples of the history too, over one set of items: all (runs, items)."""

    items: tuple[Item, ...]
    baseline_ns: I64
    contender_ns: I64
    baseline_samples: I64
    contender_samples: I64
    history_samples: I64


def align(baseline: Costs, contender: Costs, history: Costs) -> Aligned:
    """The costs of two sides, and of a history that may have no runs, over the items that any of them has."""
    places: dict[tuple[str, str | None], int] = {}
    items: list[Item] = []
    targets = []
    for side in (baseline, contender, history):
        target = []
        for item in side.items:
            place = places.setdefault(item.key, len(items))
            if place == len(items):
                items.append(item)
            target.append(place)
        targets.append(target)

    def spread(values: I64, target: list[int]) -> I64:
        wide = np.zeros((len(values), len(items)), np.int64)
        wide[:, target] = values
        return wide

    return Aligned(
        tuple(items),
        spread(baseline.exclusive_ns, targets[0]),
        spread(contender.exclusive_ns, targets[1]),
        spread(baseline.exclusive_samples, targets[0]),
        spread(contender.exclusive_samples, targets[1]),
        spread(history.exclusive_samples, targets[2]),
    )


def no_costs() -> Costs:
    """The costs of no run."""
    nothing = np.zeros((0, 0), np.int64)
    return Costs((), nothing, nothing, nothing)
