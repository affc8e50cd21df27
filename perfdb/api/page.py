"""What a page needs: costs and all call paths of one side, or of two that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfdb import store
from perfdb.api.calls import example_calls
from perfdb.api.costs import costs_by_example, what_is_common
from perfdb.api.diff import LoadedPlan, compare_loaded, mixed_by_example
from perfdb.api.stacks import sampled_trees
from perfdb.compare import Scope, Shown, hot_example, mixed_caveats
from perfdb.compare.impact import Impact, judge_impact
from perfdb.compare.page import PageContent, PageExample, PageSide
from perfdb.profile.columns import Caveat


def page_of_runs(
    connection: store.Connection,
    title: str,
    lines: tuple[str, ...],
    caveats: tuple[Caveat, ...],
    runs: Sequence[store.Run],
    scope: Scope,
    asked: tuple[str, ...],
) -> PageContent:
    """A page on the runs of one side, which the words `asked` name on a command line."""
    common = what_is_common(runs)
    parts = costs_by_example(connection, runs, scope, common)
    run_ids = [run.run_id for run in runs]
    mixed = mixed_by_example(connection, run_ids)
    by_id = {run.run_id: run for run in runs}
    own = {example: [by_id[facts.run_id] for facts in part.runs] for example, part in parts.items()}
    trees = sampled_trees(connection, [own], scope, common.pooled)
    calls = example_calls(connection, [own], scope, common.pooled)
    hot = tuple(
        replace(
            hot_example(example, part.runs, part.modules, part.functions, None),
            caveats=mixed_caveats(mixed.get(example, ())),
        )
        for example, part in parts.items()
    )
    shown = Shown(title, lines, str(scope), hot, caveats, tuple(store.wanted_symbols(connection, run_ids)))
    examples = tuple(
        PageExample(example, (PageSide(part.runs, part.functions),), trees.get(example), calls.get(example))
        for example, part in parts.items()
    )
    return PageContent(title, examples, shown=shown, asked=asked)


def page_of_plan(
    connection: store.Connection, loaded: LoadedPlan, targets: Sequence[str] | None = None, inclusive: bool = False
) -> PageContent:
    """A page on two sides that are compared; with the impact on `targets` where they are given, even if none is."""
    comparison = compare_loaded(loaded)
    by_id = {run.run_id: run for run in loaded.runs}
    matched = {case.example: (case.runs.baseline, case.runs.contender) for case in loaded.cases}
    sides = [
        {example: [by_id[facts.run_id] for facts in both[side]] for example, both in matched.items()} for side in (0, 1)
    ]
    trees = sampled_trees(connection, sides, loaded.plan.scope, loaded.common.pooled)
    calls = example_calls(connection, sides, loaded.plan.scope, loaded.common.pooled)
    examples = tuple(
        PageExample(
            case.example,
            (PageSide(case.runs.baseline, case.functions[0]), PageSide(case.runs.contender, case.functions[1])),
            trees.get(case.example),
            calls.get(case.example),
        )
        for case in loaded.cases
    )
    impact: Impact | None = None if targets is None else judge_impact(comparison, loaded.cases, targets, inclusive)
    title = f"{comparison.baseline.asked} → {comparison.contender.asked}"
    return PageContent(title, examples, comparison=comparison, impact=impact)
