"""One function over several examples: what each example says too faintly, they may say together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from perfdb.compare.comparison import PooledEntry
from perfdb.compare.costs import Item
from perfdb.compare.judged import TOO_SMALL, Judged
from perfdb.compare.verdicts import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    Criteria,
    Finding,
    is_relevant,
)
from perfdb.stats import ALLOWANCE, benjamini_hochberg, pool_effects

F64 = npt.NDArray[np.float64]

_NARROW = 1.6449 / 1.96
"""A 90 % interval, which two one-sided tests at 5 % ask for, against one of 95 %."""


def pool_functions(examples: Mapping[str, Judged], criteria: Criteria) -> tuple[PooledEntry, ...]:
    """The functions that two examples or more tell something of; those that changed first, then by |delta|."""
    places = _places(examples)
    if not places:
        return ()
    names = list(examples)
    shape = (len(names), len(places))
    effects, lows, highs = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for column, found in enumerate(places.values()):
        for name, place in found.items():
            differences = examples[name].differences
            if differences is not None:
                row, at = names.index(name), examples[name].column[place]
                effects[row, column] = differences.effect[at]
                lows[row, column], highs[row, column] = differences.low[at], differences.high[at]
    effect, low, high, p_value = pool_effects(effects, lows, highs)
    adjusted = benjamini_hochberg(p_value) / ALLOWANCE
    entries = []
    for column, (key, found) in enumerate(places.items()):
        item, before, after = _costs(examples, found)
        told = pooled_finding(
            [float(each[column]) for each in (effect, low, high, p_value, np.minimum(adjusted, 1))],
            after - before,
            criteria,
        )
        if told:
            entries.append((key, PooledEntry(item, tuple(found), before, after, told)))
    entries.sort(key=lambda each: (not each[1].finding.is_significant, -abs(each[1].delta_ns), each[0]))
    return tuple(entry for _, entry in entries)


def _places(examples: Mapping[str, Judged]) -> dict[tuple[str, str], dict[str, int]]:
    """By function, where it stands in each example that could tell something of it; two at least."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for name, judged in examples.items():
        if judged.differences is None:
            continue
        costs = judged.costs
        means = (costs.baseline_samples.mean(axis=0) + costs.contender_samples.mean(axis=0)) / 2
        # Work that only one side has is new or vanished, which is no change of a function.
        on_both = costs.baseline_samples.any(axis=0) & costs.contender_samples.any(axis=0)
        for place in np.flatnonzero((means >= TOO_SMALL) & on_both).tolist():
            item = costs.items[place]
            if item.function is not None and not item.is_unresolved and not judged.obstacles[place]:
                found.setdefault((item.key[0], item.function), {})[name] = place
    return {key: places for key, places in found.items() if len(places) > 1}


def _costs(examples: Mapping[str, Judged], places: Mapping[str, int]) -> tuple[Item, float, float]:
    sums = [0.0, 0.0]
    for name, place in places.items():
        costs = examples[name].costs
        sums[0] += float(costs.baseline_ns[:, place].mean())
        sums[1] += float(costs.contender_ns[:, place].mean())
    first = next(iter(places))
    return examples[first].costs.items[places[first]], sums[0], sums[1]


def pooled_finding(values: list[float], delta_ns: float, criteria: Criteria) -> Finding | None:
    """The verdict on a pooled effect, given as (effect, low, high, p-value, adjusted); None where no example tells it.

    `delta_ns` is what it comes to in the examples' runs together.
    """
    effect, low, high, p_value, adjusted = values
    if not math.isfinite(effect) or not math.isfinite(p_value):
        return None
    centre, half = math.log1p(max(effect, -1 + 1e-12)), (math.log1p(high) - math.log1p(max(low, -1 + 1e-12))) / 2
    narrow = [math.expm1(min(centre + sign * half * _NARROW, 700)) for sign in (-1, 1)]
    if -criteria.margin < narrow[0] and narrow[1] < criteria.margin:
        verdict = EQUAL
    elif adjusted <= criteria.fdr:
        verdict = REGRESSED if effect > 0 else IMPROVED
    else:
        verdict = INCONCLUSIVE
    return Finding(verdict, effect, low, high, p_value, adjusted, 0, is_relevant(effect, delta_ns, criteria))
