"""What a page needs: costs and all call paths of one side, or of two that are compared."""

from __future__ import annotations

from collections.abc import Sequence

from perfdb import store
from perfdb.api.asked import Asked
from perfdb.api.calls import example_calls
from perfdb.api.costs import what_is_common
from perfdb.api.diff import LoadedPlan, compare_loaded
from perfdb.api.shown import shown_runs
from perfdb.api.stacks import sampled_trees
from perfdb.compare import Scope
from perfdb.compare.impact import Impact, judge_impact
from perfdb.compare.page import PageContent, PageExample, PageSide


def page_of_runs(connection: store.Connection, asked: Asked, scope: Scope) -> PageContent:
    """A page on the runs of one side."""
    shown, parts = shown_runs(connection, asked, scope, None)
    pooled = what_is_common(asked.runs).pooled
    by_id = {run.run_id: run for run in asked.runs}
    own = {example: [by_id[facts.run_id] for facts in part.runs] for example, part in parts.items()}
    trees = sampled_trees(connection, [own], scope, pooled)
    calls = example_calls(connection, [own], scope, pooled)
    examples = tuple(
        PageExample(example, (PageSide(part.runs, part.functions),), trees.get(example), calls.get(example))
        for example, part in parts.items()
    )
    return PageContent(asked.title, examples, shown=shown, asked=asked.words)


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
