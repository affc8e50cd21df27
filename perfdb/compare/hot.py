"""Where the time of one example goes: its items by exclusive cost, over one or more runs of one revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.compare.costs import Costs, Item
from perfdb.compare.measured import Key, metric_order
from perfdb.compare.sides import RunFacts
from perfdb.profile.columns import I64, NOT_KNOWN, Caveat
from perfdb.profile.measurement import Measured
from perfdb.profile.outcome import WantedSymbols
from perfdb.stats import Summary, summarise


@dataclass(frozen=True, slots=True)
class HotItem:
    """One module or function: mean ns a run, and what fraction of the work that is.

    `inclusive` is of the runs that tell it; where none does, it and its share are None.
    """

    item: Item
    exclusive: Summary
    inclusive: Summary | None
    exclusive_share: float
    inclusive_share: float | None


@dataclass(frozen=True, slots=True)
class HotMetric:
    """One metric over the runs that tell it, in its unit: the medians and the means of their repetitions.

    `least` and `most` are over all repetitions.
    """

    metric: str
    unit: str
    median: Summary
    mean: Summary
    least: float | None
    most: float | None
    repetitions: int


@dataclass(frozen=True, slots=True)
class HotExample:
    """One example's work; what is not among `modules` or `functions` is in `*_rest`, as (count, exclusive ns).

    Where the runs are results of benchmarks, it has `metrics` only.
    """

    example: str
    runs: tuple[RunFacts, ...]
    total: Summary
    modules: tuple[HotItem, ...]
    modules_rest: tuple[int, float]
    functions: tuple[HotItem, ...]
    functions_rest: tuple[int, float]
    has_symbols: bool
    caveats: tuple[Caveat, ...] = ()
    metrics: tuple[HotMetric, ...] = ()

    @property
    def has_profiles(self) -> bool:
        """Whether the runs are profiles, and no results of benchmarks."""
        return not any(run.is_measured for run in self.runs)


@dataclass(frozen=True, slots=True)
class Shown:
    """What `show` found: a title, the scope of the costs, the examples, and the symbol files that the runs lack.

    `most_measured` is how many lines the table of metrics of examples without profiles has at most, None for all.
    """

    title: str
    lines: tuple[str, ...]
    scope: str
    examples: tuple[HotExample, ...]
    caveats: tuple[Caveat, ...]
    wanted: tuple[WantedSymbols, ...] = ()
    most_measured: int | None = None


def hot_example(
    example: str, runs: Sequence[RunFacts], modules: Costs, functions: Costs, top: int | None
) -> HotExample:
    """The `top` items of each kind by exclusive cost (None: all), the rest summed."""
    hot_modules, modules_rest = _hottest(modules, top)
    hot_functions, functions_rest = _hottest(functions, top)
    return HotExample(
        example,
        tuple(runs),
        summarise(modules.total_ns()),
        hot_modules,
        modules_rest,
        hot_functions,
        functions_rest,
        has_symbols=any(not item.is_unresolved for item in functions.items),
        metrics=hot_metrics(runs),
    )


def hot_metrics(runs: Sequence[RunFacts]) -> tuple[HotMetric, ...]:
    """What the runs tell besides samples, the metric that stands for a program first."""
    found: dict[Key, list[Measured]] = {}
    for run in runs:
        for each in run.measured:
            found.setdefault((each.metric, each.unit), []).append(each)
    return tuple(
        HotMetric(
            *key,
            summarise([each.median for each in found[key]]),
            summarise([each.mean for each in found[key]]),
            min((each.least for each in found[key] if each.least is not None), default=None),
            max((each.most for each in found[key] if each.most is not None), default=None),
            sum(each.repetitions for each in found[key]),
        )
        for key in sorted(found, key=metric_order)
    )


def _hottest(costs: Costs, top: int | None) -> tuple[tuple[HotItem, ...], tuple[int, float]]:
    total_ns = costs.total_ns()
    total = float(total_ns.mean()) if len(costs.exclusive_ns) else 0.0
    exclusive = costs.exclusive_ns.mean(axis=0) if costs.items else np.zeros(0)
    told = costs.inclusive_ns != NOT_KNOWN
    inclusive = np.where(told, costs.inclusive_ns, 0).sum(axis=0) / np.maximum(told.sum(axis=0), 1)
    order = sorted(
        range(len(costs.items)), key=lambda at: (-exclusive[at], -inclusive[at], str(costs.items[at]).lower())
    )
    listed = order if top is None else order[:top]
    items = tuple(_hot_item(costs, at, total, total_ns) for at in listed)
    return items, (len(order) - len(listed), float(sum(exclusive[at] for at in order[len(listed) :])))


def _hot_item(costs: Costs, at: int, total: float, total_ns: I64) -> HotItem:
    exclusive = summarise(costs.exclusive_ns[:, at])
    told = costs.inclusive_ns[:, at] != NOT_KNOWN
    inclusive = summarise(costs.inclusive_ns[told, at]) if told.any() else None
    told_total = float(total_ns[told].mean()) if told.any() else 0.0
    return HotItem(
        costs.items[at],
        exclusive,
        inclusive,
        exclusive.mean / total if total else 0.0,
        None if inclusive is None else inclusive.mean / told_total if told_total else 0.0,
    )
