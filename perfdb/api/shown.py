"""Where the time of one side's runs goes, example by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from perfdb import store
from perfdb.api.asked import Asked
from perfdb.api.costs import ExampleCosts, costs_by_example, what_is_common
from perfdb.api.diff import mixed_by_example
from perfdb.compare import Scope, Shown, hot_example, mixed_caveats
from perfdb.profile.columns import MEASURED, Caveat


def shown_runs(
    connection: store.Connection, asked: Asked, scope: Scope, top: int | None
) -> tuple[Shown, Mapping[str, ExampleCosts]]:
    """The `top` modules and functions of the runs (None: all), and the costs that they are of, by example."""
    run_ids = [run.run_id for run in asked.runs]
    parts = costs_by_example(connection, asked.runs, scope, what_is_common(asked.runs))
    mixed = mixed_by_example(connection, run_ids)
    examples = tuple(
        replace(
            hot_example(example, part.runs, part.modules, part.functions, top),
            caveats=(*mixed_caveats(mixed.get(example, ())), *_left_out(asked.runs, part)),
        )
        for example, part in parts.items()
    )
    wanted = tuple(store.wanted_symbols(connection, run_ids))
    return Shown(asked.title, asked.lines, str(scope), examples, asked.caveats, wanted, top), parts


def _left_out(runs: Sequence[store.Run], part: ExampleCosts) -> tuple[Caveat, ...]:
    """What to say of an example that has profiles, which are shown, and results of benchmarks."""
    shown = {run.run_id for run in part.runs}
    example = next(run.example for run in runs if run.run_id in shown)
    bare = [run for run in runs if run.example == example and run.detail == MEASURED and run.run_id not in shown]
    if not bare:
        return ()
    count = f"{len(bare)} run{'s' if len(bare) != 1 else ''}"
    text = f"{count} without samples, results of a benchmark, not shown beside the profiles; perfdb show RUN shows one"
    return (Caveat("measured-left-out", text),)
