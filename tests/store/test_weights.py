"""What is recorded of random profiles, against a count of one sample at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import duckdb
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb import store
from perfdb.profile import Profile
from perfdb.store import migrations
from tests.store.profiles import new_run, profile
from tests.twins import weights as twin

FRAMES = st.sampled_from(
    ["a.exe!f", "a.exe!g", "A.EXE!g", "b.dll!f", "b.dll!<unresolved>", "<unknown>!<unresolved>", "c.dll!h"]
)
PATHS = st.lists(FRAMES, min_size=1, max_size=7).map(";".join)
STACKS = st.lists(st.tuples(PATHS, st.integers(1, 4)), min_size=1, max_size=8)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """One to three processes with random stacks, threads, folded samples and weights."""
    work = {f"p{row}.exe": draw(STACKS) for row in range(draw(st.integers(1, 3)))}
    made = profile(work, tids=draw(st.lists(st.integers(1, 3), min_size=1, max_size=4)))
    numbers = st.lists(st.integers(0, 10**12), min_size=len(made.samples), max_size=len(made.samples))
    count = np.array([each % 3 for each in draw(numbers)], np.int64)
    samples = replace(made.samples, weight_ns=np.array(draw(numbers), np.int64), count=count)
    return replace(made, samples=samples, sample_count=made.idle_count + int(count.sum()))


@cache
def scratch() -> store.Connection:
    """One history in memory for all examples: making a file for each would take most of the time."""
    connection = duckdb.connect()
    migrations.apply(connection)
    return connection


@given(profiles())
def test_weights_are_those_of_a_count_of_one_sample_at_a_time_and_add_up(made: Profile) -> None:
    expected = twin.count(made)

    connection = scratch()
    run_id = store.write_run(connection, made, new_run())
    modules, functions = store.module_costs(connection, [run_id]), store.function_costs(connection, [run_id])
    threads = connection.execute(
        "select pid - 100, tid, sum(samples), sum(weight_ns), count(*) from sample where run_id = $id group by all",
        {"id": run_id},
    ).fetchall()

    assert expected.items == by_item(modules) | by_item(functions)
    assert int(made.samples.weight_ns.sum()) == modules.exclusive_ns.sum() == functions.exclusive_ns.sum()
    assert sorted(by_thread(expected)) == sorted(threads)


@given(profiles())
def test_stacks_are_written_root_first_with_all_their_samples(made: Profile) -> None:
    expected: dict[tuple[int, str], int] = {}
    for (process, _, path), (samples, _) in twin.count(made).paths.items():
        text = ";".join(f"{module}!{function}" for module, function in path)
        expected[process, text] = expected.get((process, text), 0) + samples

    connection = scratch()
    run_id = store.write_run(connection, made, new_run())
    rows = connection.execute(
        "select process[2:2]::integer, lower(stack), samples from stack_cost where run_id = $id", {"id": run_id}
    ).fetchall()

    assert expected == {(process, stack): samples for process, stack, samples in rows}


def by_item(costs: store.Costs) -> dict[twin.Key, twin.Counted]:
    """The costs as the twin gives them; `profile` numbers its processes from 100."""
    functions = [None] * len(costs) if costs.function is None else costs.function.tolist()
    keys = zip((costs.pid - 100).tolist(), [name.lower() for name in costs.module], functions, strict=True)
    weights = zip(
        costs.exclusive_samples.tolist(),
        costs.inclusive_samples.tolist(),
        costs.exclusive_ns.tolist(),
        costs.inclusive_ns.tolist(),
        strict=True,
    )
    return {key: twin.Counted(*weight) for key, weight in zip(keys, weights, strict=True)}


def by_thread(expected: twin.Count) -> list[tuple[int, int, int, int, int]]:
    """Samples, weight and number of distinct stacks of each thread."""
    rows: dict[tuple[int, int], list[int]] = {}
    for (process, tid, _), (samples, weight_ns) in expected.paths.items():
        row = rows.setdefault((process, tid), [0, 0, 0])
        for place, value in enumerate((samples, weight_ns, 1)):
            row[place] += value
    return [(process, tid, *row) for (process, tid), row in rows.items()]  # type: ignore[misc]
