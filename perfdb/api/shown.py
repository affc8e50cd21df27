"""Where the time of one side's runs goes, example by example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from perfdb import store
from perfdb.api.asked import Asked
from perfdb.api.costs import ExampleCosts, costs_by_example, what_is_common
from perfdb.api.diff import mixed_by_example
from perfdb.compare import Scope, Shown, hot_example, mixed_caveats


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
            caveats=mixed_caveats(mixed.get(example, ())),
        )
        for example, part in parts.items()
    )
    wanted = tuple(store.wanted_symbols(connection, run_ids))
    return Shown(asked.title, asked.lines, str(scope), examples, asked.caveats, wanted), parts
