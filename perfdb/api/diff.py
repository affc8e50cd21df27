"""Comparing: which runs a diff is about, and what comes out of them.

A *plan* names the runs of both sides, and the earlier ones, by example. `plan_diff` finds them; `replay` reads them in
what an earlier diff wrote. From there on both go the same way, so that the same runs give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from perfdb import store
from perfdb.api.costs import Common, LoadedCosts, load_costs, preferred_runs, what_is_common
from perfdb.api.earlier import earlier_runs
from perfdb.api.paths import call_trees
from perfdb.api.revision import find_side, two_revisions
from perfdb.compare import (
    CallTree,
    Comparison,
    Costs,
    Criteria,
    ExampleCase,
    Matched,
    RunFacts,
    Scope,
    Side,
    compare_examples,
    match_runs,
    no_costs,
    repetition_caveats,
    side_caveats,
)
from perfdb.compare.run_caveats import templates_of
from perfdb.errors import TooLittleDataError
from perfdb.profile.columns import Caveat
from perfdb.profile.outcome import MixedSymbols
from perfdb.revisions import Repository

Runs = Mapping[str, Sequence[store.Run]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be compared: sides, and by example the runs of (baseline, contender, history).

    `unlike` is how many earlier runs of an example are left out because they are unlike those that are compared.
    """

    baseline: Side
    contender: Side
    scope: Scope
    criteria: Criteria
    runs: Mapping[str, tuple[Sequence[store.Run], Sequence[store.Run], Sequence[store.Run]]]
    only_baseline: tuple[str, ...] = ()
    only_contender: tuple[str, ...] = ()
    unlike: Mapping[str, int] = field(default_factory=dict)


def plan_diff(
    connection: store.Connection,
    repository: Repository | None,
    asked: tuple[str, str | None],
    scope: Scope,
    criteria: Criteria,
) -> Plan:
    """The runs of two revisions, or of a range, and the earlier ones; TooLittleDataError without a common example."""
    recorded = store.recorded_commits(connection)
    pairs = two_revisions(*asked, repository)
    sides = [replace(find_side(revision, repository, recorded), asked=name) for name, revision in pairs]
    left, right = (_by_example(runs_of(connection, side, scope)) for side in sides)
    unknown = [each for each in scope.examples if each not in left and each not in right]
    shared = sorted(left.keys() & right.keys())
    if shared and unknown:
        raise unknown_examples(unknown, {*left, *right})
    if not shared:
        raise _nothing_in_common(sides, left, right, scope)
    before, after = sides
    earlier = earlier_runs(connection, repository, before, after, shared, recorded, scope.build, criteria.history)
    return Plan(
        before,
        after,
        scope,
        criteria,
        {example: (left[example], right[example], earlier.runs.get(example, [])) for example in shared},
        tuple(sorted(left.keys() - set(shared))),
        tuple(sorted(right.keys() - set(shared))),
        earlier.unlike,
    )


@dataclass(frozen=True, slots=True)
class LoadedPlan:
    """A plan with what was read for it: all `runs`, and a case for each example that both sides have."""

    plan: Plan
    runs: tuple[store.Run, ...]
    common: Common
    costs: LoadedCosts
    cases: tuple[ExampleCase, ...]


def load_plan(connection: store.Connection, plan: Plan) -> LoadedPlan:
    """Read what a plan's runs cost; TooLittleDataError where no example has the process that is asked for."""
    runs = list({run.run_id: run for sides in plan.runs.values() for side in sides for run in side}.values())
    common = what_is_common(runs)
    costs = load_costs(connection, runs, plan.scope, common)
    matched = {
        example: replace(_match(costs, sides), unlike=plan.unlike.get(example, 0))
        for example, sides in plan.runs.items()
    }
    matched = {example: each for example, each in matched.items() if each.baseline and each.contender}
    if not matched:
        raise TooLittleDataError(f"asked for {plan.scope}, found that no example has it on both sides.")
    trees = _trees(connection, matched, runs, plan.scope, common.pooled)
    compared = [run.run_id for each in matched.values() for run in (*each.baseline, *each.contender)]
    mixed = mixed_by_example(connection, compared)
    cases = tuple(
        ExampleCase(
            example,
            each,
            _costs(each, costs.modules),
            _costs(each, costs.functions),
            tuple(mixed.get(example, ())),
            trees.get(example),
            _unlike_caveats(each),
        )
        for example, each in matched.items()
    )
    return LoadedPlan(plan, tuple(runs), common, costs, cases)


def compare_loaded(loaded: LoadedPlan) -> Comparison:
    """Compare the examples of a plan."""
    plan = loaded.plan
    examples, pooled = compare_examples(loaded.cases, plan.criteria)
    dropped = set(plan.runs) - {case.example for case in loaded.cases}
    return Comparison(
        plan.baseline,
        plan.contender,
        plan.scope,
        plan.criteria,
        examples,
        pooled,
        tuple(sorted({*plan.only_baseline, *_with_runs(plan, loaded.costs, dropped, 0)})),
        tuple(sorted({*plan.only_contender, *_with_runs(plan, loaded.costs, dropped, 1)})),
        (
            *side_caveats(plan.baseline, plan.contender),
            *repetition_caveats([case.runs for case in loaded.cases]),
        ),
    )


def compare_plan(connection: store.Connection, plan: Plan) -> Comparison:
    """Compare the runs of a plan; TooLittleDataError where no example has the process that is asked for."""
    return compare_loaded(load_plan(connection, plan))


def _unlike_caveats(matched: Matched) -> tuple[Caveat, ...]:
    """What to say where there are earlier runs and none of them tells how the compared ones vary."""
    if not matched.unlike or matched.history:
        return ()
    text = (
        f"{matched.unlike} earlier runs tell nothing here: their machine, build kind or detail is another. "
        "`perfdb runs` shows which; perfdb record --build names a build kind"
    )
    return (Caveat("unlike-history", text),)


def unknown_examples(unknown: Sequence[str], there: Iterable[str]) -> TooLittleDataError:
    """What to say of examples that were named and have no run: one mistyped would be missed by nobody."""
    return TooLittleDataError(
        f"asked for example {', '.join(unknown)}, found no run of that. There are {', '.join(sorted(there))}; "
        "`perfdb runs` lists all."
    )


def runs_of(connection: store.Connection, side: Side, scope: Scope) -> list[store.Run]:
    """The runs of one side that are to be looked at, newest first."""
    runs = store.runs(connection, commit_shas=[side.recorded_sha], examples=scope.examples or None, build=scope.build)
    return preferred_runs(runs)


def mixed_by_example(connection: store.Connection, run_ids: Sequence[str]) -> dict[str, list[MixedSymbols]]:
    """The modules that have names in some of an example's runs only."""
    mixed: dict[str, list[MixedSymbols]] = {}
    for each in store.mixed_symbols(connection, run_ids):
        mixed.setdefault(each.example, []).append(each)
    return mixed


def _by_example(runs: Iterable[store.Run]) -> dict[str, list[store.Run]]:
    grouped: dict[str, list[store.Run]] = {}
    for run in runs:
        grouped.setdefault(run.example, []).append(run)
    return grouped


def _match(costs: LoadedCosts, sides: Iterable[Sequence[store.Run]]) -> Matched:
    """The runs of one example that are compared; no runs where one side has not the process that is asked for."""
    before, after, earlier = ([costs.facts(run) for run in side if costs.has(run)] for side in sides)
    if not before or not after:
        return Matched((), ())
    # Functions whose names are folded otherwise are other functions.
    templates = {templates_of(run) for run in (*before, *after)}
    return match_runs(before, after, [run for run in earlier if templates_of(run) in templates])


def _costs(matched: Matched, matrix: Callable[[Sequence[str]], Costs]) -> tuple[Costs, Costs, Costs]:
    before, after, earlier = (
        matrix([run.run_id for run in side]) if side else no_costs()
        for side in (matched.baseline, matched.contender, matched.history)
    )
    return before, after, earlier


def _trees(
    connection: store.Connection,
    matched: Mapping[str, Matched],
    runs: Sequence[store.Run],
    scope: Scope,
    pooled: Collection[str],
) -> dict[str, CallTree]:
    by_id = {run.run_id: run for run in runs}

    def chosen(side: Callable[[Matched], Sequence[RunFacts]]) -> dict[str, list[store.Run]]:
        return {example: [by_id[run.run_id] for run in side(each)] for example, each in matched.items()}

    return call_trees(
        connection,
        chosen(lambda each: each.baseline),
        chosen(lambda each: each.contender),
        chosen(lambda each: each.history),
        scope,
        pooled,
    )


def _with_runs(plan: Plan, costs: LoadedCosts, examples: Iterable[str], side: int) -> list[str]:
    """Of the examples that could not be compared, those that have the process on this side."""
    return [example for example in examples if any(costs.has(run) for run in plan.runs[example][side])]


def _nothing_in_common(
    sides: Sequence[Side], left: Iterable[str], right: Iterable[str], scope: Scope
) -> TooLittleDataError:
    only = [f"example {', '.join(scope.examples)}"] if scope.examples else []
    only += [f"build kind {scope.build}"] if scope.build else []
    asked = f" (only {' and '.join(only)})" if only else ""
    has = [", ".join(sorted(examples)) or "nothing" for examples in (left, right)]
    return TooLittleDataError(
        f"asked to compare {sides[0].asked} with {sides[1].asked}{asked}, found no example that both have: "
        f"{sides[0].asked} has {has[0]}{' of that' if only else ''}; {sides[1].asked} has {has[1]}. "
        "`perfdb runs` lists all."
    )
