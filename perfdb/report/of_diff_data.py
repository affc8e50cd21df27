"""A diff as data for programs: all figures, and everything that is needed to come to the same verdicts again."""

from __future__ import annotations

import math
from typing import Any

from perfdb import __version__
from perfdb.compare.call_tree import PathChange, Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.costs import Item
from perfdb.compare.ledger import Entry, Ledger, Remainder
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.sides import Matched
from perfdb.compare.verdicts import Finding
from perfdb.stats import Summary
from perfdb.units import NS_PER_MS

SCHEMA = "perfdb.diff/2"

_ESTIMATES = ("effect", "low", "high", "p_value", "adjusted")
_FINDING = ("verdict", *_ESTIMATES, "runs_needed", "is_relevant", "reason")


def diff_data(comparison: Comparison) -> dict[str, Any]:
    """The comparison in JSON's terms.

    Costs are in ms a run, changes are fractions, samples are sums over a side's runs; None is what is not known.
    """
    return {
        "schema": SCHEMA,
        "version": __version__,
        "settings": comparison.criteria,
        "baseline": comparison.baseline,
        "contender": comparison.contender,
        "scope": comparison.scope,
        "caveats": comparison.caveats,
        "only_baseline": comparison.only_baseline,
        "only_contender": comparison.only_contender,
        "examples": [_example_data(example) for example in comparison.examples],
        "pooled": [pooled_data(entry) for entry in comparison.pooled],
    }


def _example_data(example: ExampleDiff) -> dict[str, Any]:
    """`metric` is what `total` is of where that is not CPU time: in ms, or, of another unit, without costs."""
    total = example.total if example.has_profiles else example.modules.total
    return {
        "example": example.example,
        "runs": _runs_data(example.runs),
        "common_effect": estimate(example.common_effect),
        "module_effect": estimate(example.module_effect),
        "caveats": example.caveats,
        "metric": example.primary.metric if example.primary else None,
        "total": program_data(example),
        "modules": _ledger_data(example.modules, total),
        "functions": _ledger_data(example.functions, total),
        "paths": None if example.paths is None else _paths_data(example.paths),
        "measured": [measured_data(entry) for entry in example.measured],
    }


def program_data(example: ExampleDiff) -> dict[str, Any]:
    """The line on the whole program; None are the costs of one whose primary metric is no time, or that has none."""
    data = entry_data(example.total)
    if example.has_profiles:
        return data
    primary = example.primary
    if primary is None or not primary.is_time:
        data |= dict.fromkeys((key for key in data if key.endswith("_ms")), None)
    return data | {"change": primary.change if primary else None}


def measured_data(entry: MeasuredEntry) -> dict[str, Any]:
    """One metric on both sides, in its `unit`: means over the runs, of the medians of their repetitions.

    `better` is `lower`, `higher`, or None where nobody knows, and then there is no verdict.
    """
    return {
        "metric": entry.metric,
        "unit": entry.unit,
        "better": entry.better or None,
        "baseline": entry.baseline.mean,
        "baseline_spread": entry.baseline.spread,
        "baseline_runs": entry.baseline.runs,
        "baseline_repetitions": entry.repetitions[0],
        "contender": entry.contender.mean,
        "contender_spread": entry.contender.spread,
        "contender_runs": entry.contender.runs,
        "contender_repetitions": entry.repetitions[1],
        "change": entry.change,
        **finding_data(entry.finding),
    }


def _runs_data(runs: Matched) -> dict[str, Any]:
    return {
        "baseline": runs.baseline,
        "contender": runs.contender,
        "history": [run.run_id for run in runs.history],
        "set_aside": runs.set_aside,
        "unlike": runs.unlike,
        "reason": runs.reason,
    }


def _ledger_data(ledger: Ledger, total: Entry) -> dict[str, Any]:
    """`rows` and `rest` add up to `total`, and so do the `classes`."""
    return {
        "rows": [entry_data(entry) for entry in ledger.rows],
        "rest": [remainder_data(rest) for rest in ledger.rest],
        "classes": [remainder_data(each) for each in ledger.classes],
        "total": entry_data(total),
    }


def entry_data(entry: Entry) -> dict[str, Any]:
    """One line of a ledger, or its total."""
    return {
        **item_data(entry.item),
        "status": entry.group,
        "baseline_ms": entry.baseline.mean / NS_PER_MS,
        "baseline_spread_ms": _spread_ms(entry.baseline),
        "baseline_samples": entry.baseline_samples,
        "contender_ms": entry.contender.mean / NS_PER_MS,
        "contender_spread_ms": _spread_ms(entry.contender),
        "contender_samples": entry.contender_samples,
        "delta_ms": entry.delta_ns / NS_PER_MS,
        "change": entry.change,
        **finding_data(entry.finding),
    }


def remainder_data(rest: Remainder) -> dict[str, Any]:
    """What a ledger sums of one class."""
    return {
        "status": rest.group,
        "count": rest.count,
        "baseline_ms": rest.baseline_ns / NS_PER_MS,
        "baseline_samples": rest.baseline_samples,
        "contender_ms": rest.contender_ns / NS_PER_MS,
        "contender_samples": rest.contender_samples,
        "delta_ms": rest.delta_ns / NS_PER_MS,
        "change": rest.change,
    }


def _paths_data(paths: Paths) -> dict[str, Any]:
    return {
        "accounted": estimate(paths.accounted),
        "rows": [path_data(row) for row in paths.rows],
        "rest": costs_data(paths.rest_baseline_ns, paths.rest_contender_ns),
        "total": costs_data(paths.total_baseline_ns, paths.total_contender_ns),
    }


def path_data(row: PathChange) -> dict[str, Any]:
    """One call path, root first (empty for the whole program); its costs are inclusive."""
    return {
        "path": [item_data(frame) for frame in row.path],
        **costs_data(row.baseline_ns, row.contender_ns),
        **finding_data(row.finding),
    }


def pooled_data(entry: PooledEntry) -> dict[str, Any]:
    """One function over several examples."""
    return {
        **item_data(entry.item),
        "examples": entry.examples,
        **costs_data(entry.baseline_ns, entry.contender_ns),
        **finding_data(entry.finding),
    }


def costs_data(baseline_ns: float, contender_ns: float) -> dict[str, float | None]:
    """Two costs in ms a run and what lies between them; the change is None where the first is 0."""
    delta_ns = contender_ns - baseline_ns
    return {
        "baseline_ms": baseline_ns / NS_PER_MS,
        "contender_ms": contender_ns / NS_PER_MS,
        "delta_ms": delta_ns / NS_PER_MS,
        "change": delta_ns / baseline_ns if baseline_ns else None,
    }


def item_data(item: Item | None) -> dict[str, str | None]:
    """The module and function of an item; both None for the total, the function for a module."""
    return {"module": item.module if item else None, "function": item.function if item else None}


def finding_data(finding: Finding | None) -> dict[str, Any]:
    """The verdict as one word; all None where nothing was judged."""
    data = {name: getattr(finding, name, None) for name in _FINDING}
    data |= {name: estimate(data[name]) for name in _ESTIMATES}
    return data | {"verdict": finding.verdict.replace(" ", "_") if finding else None}


def estimate(value: float | None) -> float | None:
    """To six digits: what lies beyond is the arithmetic of one machine, and an answer is to be the same on all."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _spread_ms(summary: Summary) -> float | None:
    return None if summary.spread is None else summary.spread / NS_PER_MS
