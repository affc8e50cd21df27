"""From calls of the store to what a butterfly shows: runs of detail `edges`, added up side by side."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from perfdb import store
from perfdb.api.stacks import Runs, work_in_scope
from perfdb.compare.calls import Calls
from perfdb.compare.costs import Item
from perfdb.compare.scope import Scope
from perfdb.profile.columns import EDGES


def example_calls(
    connection: store.Connection, sides: Sequence[Runs], scope: Scope, pooled: Collection[str] = ()
) -> dict[str, Calls]:
    """Who called whom, of the examples that every side has and all of whose runs tell calls, by example."""
    examples = [
        example
        for example in sorted(set.intersection(*(set(side) for side in sides)))
        if all(side[example] and all(run.detail == EDGES for run in side[example]) for side in sides)
    ]
    runs = [run for example in examples for side in sides for run in side[example]]
    if not runs:
        return {}
    work = work_in_scope(connection, runs, scope, pooled)
    by_run: dict[str, list[store.Call]] = {}
    for call in store.calls(connection, list(work)):
        processes = work[call.run_id]
        if processes is None or (call.pid, call.incarnation) in processes:
            by_run.setdefault(call.run_id, []).append(call)
    return {
        example: _calls([[call for run in side[example] for call in by_run.get(run.run_id, ())] for side in sides])
        for example in examples
    }


def _calls(sides: Sequence[Sequence[store.Call]]) -> Calls:
    items: dict[tuple[str, str | None], int] = {}
    named: list[Item] = []
    pairs: dict[tuple[int, int], int] = {}

    def row_of(item: Item) -> int:
        row = items.setdefault(item.key, len(named))
        if row == len(named):
            named.append(item)
        return row

    def place_of(call: store.Call) -> int:
        pair = row_of(Item(call.caller_module, call.caller)), row_of(Item(call.callee_module, call.callee))
        return pairs.setdefault(pair, len(pairs))

    places = [[place_of(call) for call in side] for side in sides]
    samples, weight_ns = (np.zeros((len(sides), len(pairs)), np.int64) for _ in range(2))
    for row, (side, own) in enumerate(zip(sides, places, strict=True)):
        np.add.at(samples[row], own, [call.samples for call in side])
        np.add.at(weight_ns[row], own, [call.weight_ns for call in side])
    both = np.array(list(pairs), np.int64).reshape(len(pairs), 2)
    return Calls(tuple(named), both[:, 0], both[:, 1], samples, weight_ns)
