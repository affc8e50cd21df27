"""Sides of a diff by hand: what each run did, in samples of 1 ms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfdb.compare import Costs, ExampleCase, Item, Matched, RunFacts, no_costs, pivot
from perfdb.profile.columns import Caveat
from perfdb.units import NS_PER_MS

Work = Mapping[Item, int]
"""Samples by item, of one run."""


def run_facts(run_id: str, **changes: object) -> RunFacts:
    """A run as good as any other."""
    facts: dict[str, object] = {
        "run_id": run_id, "process": "app.exe", "machine": "BUILD-7", "build": "Release", "is_dirty": False,
        "detail": "stacks", "interval_ns": NS_PER_MS, "unresolved_share": 0.0, "caveats": (), "cpu": "Ryzen",
        "cores": 16, "samples": 1_000,
    }  # fmt: skip
    return RunFacts(**(facts | changes))  # type: ignore[arg-type]


def costs_of(runs: Sequence[Work], name: str = "run") -> Costs:
    """The costs of runs, with a sample a millisecond."""
    if not runs:
        return no_costs()
    run_ids = [f"{name}-{number}" for number in range(len(runs))]
    cells = [(run_ids[number], item, samples) for number, run in enumerate(runs) for item, samples in run.items()]
    ns = [samples * NS_PER_MS for _, _, samples in cells]
    return pivot(
        run_ids, [run for run, _, _ in cells], [item for _, item, _ in cells], ns, ns, [count for _, _, count in cells]
    )


def case_of(
    baseline: Sequence[Work], contender: Sequence[Work], history: Sequence[Work] = (), *, example: str = "x",
    reason: str = "", caveats: tuple[Caveat, ...] = (),
) -> ExampleCase:  # fmt: skip
    """An example whose functions are given; its modules are their sums."""
    sides = (baseline, contender, history)
    names = ("baseline", "contender", "history")
    before, after, earlier = (
        tuple(run_facts(f"{name}-{number}", caveats=caveats) for number in range(len(side)))
        for name, side in zip(names, sides, strict=True)
    )
    functions = [costs_of(side, name) for name, side in zip(names, sides, strict=True)]
    modules = [costs_of([_by_module(run) for run in side], name) for name, side in zip(names, sides, strict=True)]
    return ExampleCase(
        example,
        Matched(before, after, earlier, reason=reason),
        (modules[0], modules[1], modules[2]),
        (functions[0], functions[1], functions[2]),
    )


def _by_module(run: Work) -> dict[Item, int]:
    sums: dict[Item, int] = {}
    for item, samples in run.items():
        module = Item(item.module)
        sums[module] = sums.get(module, 0) + samples
    return sums
