"""The hotspots of one example as data: all modules and functions, the heaviest call paths, the change since a baseline.

`schemas/hotspots-1.schema.json` describes it field by field, for programs.
"""

from __future__ import annotations

from typing import Any

from perfdb import __version__
from perfdb.compare.comparison import Comparison
from perfdb.compare.hot import HotItem
from perfdb.compare.ledger import Ledger
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.report.of_analysis_paths import PathCost, heaviest_paths, hot_path
from perfdb.report.of_diff_data import entry_data, item_data, path_data, remainder_data
from perfdb.store.model import Run
from perfdb.units import NS_PER_MS

SCHEMA = "perfdb.hotspots/1"
MOST_PATHS = 50
"""So many call paths with the most exclusive time are told ..."""
MOST_FUNCTIONS = 20
"""... besides the heaviest path to each of so many functions."""


def hotspots_data(of: ExampleAnalysis) -> dict[str, Any]:
    """The data of `EXAMPLE_hotspots.json`: times are mean ms a run, shares fractions, samples sums over the runs."""
    hot = of.hot
    return {
        "schema": SCHEMA,
        "version": __version__,
        "example": of.example,
        "commit_sha": of.commit_sha if of.is_recorded else None,
        "subject": of.subject or None,
        "runs": [_run_data(run, of.is_recorded) for run in of.runs],
        "total": {
            "cpu_ms": hot.total.mean / NS_PER_MS,
            "spread_ms": None if hot.total.spread is None else hot.total.spread / NS_PER_MS,
            "samples": sum(of.samples_of(each.item).exclusive for each in hot.modules),
        },
        "modules": [_hot_data(of, each) for each in hot.modules],
        "functions": [_hot_data(of, each) for each in hot.functions],
        "paths": _paths_data(of),
        "hot_path": _hot_path_data(of),
        "caveats": [
            {"code": caveat.code, "text": caveat.text}
            for caveat in dict.fromkeys((*of.caveats, *hot.caveats, *(each for run in of.runs for each in run.caveats)))
        ],
        "wanted_symbols": of.wanted,
        "comparison": None if of.comparison is None else _comparison_data(of.comparison),
        "no_baseline": of.no_baseline or None,
    }


def _run_data(run: Run, is_recorded: bool) -> dict[str, Any]:
    return {
        "run_id": run.run_id if is_recorded else None,
        "source_name": run.source_name,
        "source_sha256": run.source_sha256,
        "process": run.process,
        "machine": run.machine,
        "build": run.build,
        "is_dirty": run.is_dirty,
        "started_at": run.started_at,
        "detail": run.detail,
        "interval_ms": run.interval_ns / NS_PER_MS,
        "samples": run.samples,
        "cpu_ms": run.cpu_ns / NS_PER_MS,
        "wall_ms": run.wall_ms,
        "lost_events": run.lost_events,
        "lost_buffers": run.lost_buffers,
        "unresolved_share": run.unresolved_share,
    }


def _hot_data(of: ExampleAnalysis, hot: HotItem) -> dict[str, Any]:
    samples = of.samples_of(hot.item)
    return {
        **item_data(hot.item),
        "exclusive_ms": hot.exclusive.mean / NS_PER_MS,
        "exclusive_spread_ms": None if hot.exclusive.spread is None else hot.exclusive.spread / NS_PER_MS,
        "exclusive_samples": samples.exclusive,
        "exclusive_share": hot.exclusive_share,
        "inclusive_ms": None if hot.inclusive is None else hot.inclusive.mean / NS_PER_MS,
        "inclusive_samples": samples.inclusive,
        "inclusive_share": hot.inclusive_share,
    }


def _paths_data(of: ExampleAnalysis) -> list[dict[str, Any]] | None:
    """The heaviest call paths; None where some run tells none."""
    if of.tree is None:
        return None
    hottest = [each.item for each in of.hot.functions[:MOST_FUNCTIONS]]
    return [_path_data(each, of.hot.total.mean) for each in heaviest_paths(of.tree, MOST_PATHS, hottest)]


def _hot_path_data(of: ExampleAnalysis) -> dict[str, Any] | None:
    found = hot_path(of.tree) if of.tree is not None else None
    if found is None:
        return None
    return _path_data(found.cost, of.hot.total.mean)


def _path_data(cost: PathCost, total_ns: float) -> dict[str, Any]:
    return {
        "path": [item_data(frame) for frame in cost.path],
        "exclusive_ms": cost.exclusive_ns / NS_PER_MS,
        "exclusive_samples": cost.exclusive_samples,
        "exclusive_share": cost.exclusive_ns / total_ns if total_ns else 0.0,
        "inclusive_ms": cost.inclusive_ns / NS_PER_MS,
        "inclusive_samples": cost.inclusive_samples,
        "inclusive_share": cost.inclusive_ns / total_ns if total_ns else 0.0,
    }


def _comparison_data(comparison: Comparison) -> dict[str, Any]:
    example = comparison.examples[0]
    return {
        "settings": comparison.criteria,
        "baseline": comparison.baseline,
        "contender": comparison.contender,
        "runs": {"baseline": len(example.baseline), "contender": len(example.contender)},
        "caveats": [*comparison.caveats, *example.caveats],
        "total": entry_data(example.total),
        "modules": _ledger_data(example.modules),
        "functions": _ledger_data(example.functions),
        "paths": None if example.paths is None else [path_data(row) for row in example.paths.rows],
    }


def _ledger_data(ledger: Ledger) -> dict[str, Any]:
    """`rows` and `rest` add up to the total."""
    return {
        "rows": [entry_data(entry) for entry in ledger.rows],
        "rest": [remainder_data(rest) for rest in ledger.rest],
    }
