"""Examples compared: costs of runs go in, verdicts, ledgers and call paths come out.

Verdicts are formed over all examples together: one family of tests for functions, one for modules, one for programs,
one for metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.compare.call_tree import CallTree, Paths, explain_change
from perfdb.compare.comparison import ExampleDiff, PooledEntry
from perfdb.compare.costs import Aligned, Costs, align
from perfdb.compare.judged import Judged
from perfdb.compare.ledger import NEW, VANISHED, Ledger, close_ledger
from perfdb.compare.measured import MeasuredEntry, compare_measured, program_finding, unit_caveats, waiting_caveats
from perfdb.compare.obstacles import function_obstacles
from perfdb.compare.pooled import pool_functions
from perfdb.compare.run_caveats import mixed_caveats, odd_caveats, run_caveats
from perfdb.compare.sides import Matched
from perfdb.compare.verdicts import Criteria, Finding, not_comparable, total_finding
from perfdb.profile.columns import I64, Caveat
from perfdb.profile.outcome import MixedSymbols
from perfdb.stats import judge_families


@dataclass(frozen=True, slots=True)
class ExampleCase:
    """One example to be compared; costs are those of (baseline, contender, history), in the order of the runs.

    `tree` holds the call paths of all compared runs, None where some run tells none.
    """

    example: str
    runs: Matched
    modules: tuple[Costs, Costs, Costs]
    functions: tuple[Costs, Costs, Costs]
    mixed: tuple[MixedSymbols, ...] = ()
    tree: CallTree | None = None
    caveats: tuple[Caveat, ...] = ()


def compare_examples(
    cases: Sequence[ExampleCase], criteria: Criteria
) -> tuple[tuple[ExampleDiff, ...], tuple[PooledEntry, ...]]:
    """Compare examples, and the functions that several have."""
    modules = [Judged(align(*case.modules) if case.runs.has_profiles else _nothing(case)) for case in cases]
    functions = [_judged_functions(case) for case in cases]
    for kind in (modules, functions):
        _judge(cases, kind, criteria)
    measured = compare_measured([case.runs for case in cases], criteria)
    diffs = tuple(
        _example_diff(case, each, other, metrics, criteria)
        for case, each, other, metrics in zip(cases, modules, functions, measured, strict=True)
    )
    return diffs, pool_functions({case.example: each for case, each in zip(cases, functions, strict=True)}, criteria)


def _nothing(case: ExampleCase) -> Aligned:
    """Costs without an item, for runs that have none, or of which only some have."""
    before, after, earlier = (
        np.zeros((len(side), 0), np.int64) for side in (case.runs.baseline, case.runs.contender, case.runs.history)
    )
    return Aligned((), before, after, before, after, earlier)


def _judged_functions(case: ExampleCase) -> Judged:
    if not case.runs.has_profiles:
        return Judged(_nothing(case))
    costs = align(*case.functions)
    return Judged(costs, function_obstacles(case.runs, costs, case.mixed))


def _judge(cases: Sequence[ExampleCase], judged: Sequence[Judged], criteria: Criteria) -> None:
    """Compare the runs of every example that can be compared, as one family."""
    able = [each for case, each in zip(cases, judged, strict=True) if not case.runs.reason and each.has_samples]
    found = [each.compare(criteria) for each in able]
    for each, differences in zip(able, judge_families(found, fdr=criteria.fdr, margin=criteria.margin), strict=True):
        each.differences = differences


def _example_diff(
    case: ExampleCase,
    modules: Judged,
    functions: Judged,
    measured: tuple[MeasuredEntry, ...],
    criteria: Criteria,
) -> ExampleDiff:
    reason = case.runs.reason
    if not reason and case.runs.has_profiles and functions.differences is None:
        reason = f"the {'baseline' if not functions.costs.baseline_samples.sum() else 'contender'} has no samples"
    total = functions.differences.total if functions.differences else None
    delta_ns = _mean_total(functions.costs.contender_ns) - _mean_total(functions.costs.baseline_ns)
    program = total_finding(total, delta_ns, criteria) if total else not_comparable(reason)
    if not case.runs.has_profiles:
        program = program_finding(case.runs, measured)
    caveats = (*case.caveats, *mixed_caveats(case.mixed), *run_caveats(case.runs), *unit_caveats(case.runs))
    if functions.differences:
        caveats += odd_caveats(case.runs, functions.differences.odd, functions.groups()[1])
    return ExampleDiff(
        case.example,
        case.runs,
        program,
        functions.differences.common_effect if functions.differences else None,
        _ledger(modules, reason, criteria),
        _ledger(functions, reason, criteria),
        _paths(case, functions, program, criteria),
        (*caveats, *waiting_caveats(measured)),
        measured,
        modules.differences.common_effect if modules.differences else None,
    )


def _paths(case: ExampleCase, functions: Judged, program: Finding, criteria: Criteria) -> Paths | None:
    """The call paths; None where they cannot be compared, since frames have names on one side only."""
    if case.tree is None or case.runs.reason or any(functions.obstacles):
        return None
    return explain_change(case.tree, criteria, program.is_significant)


def _ledger(judged: Judged, reason: str, criteria: Criteria) -> Ledger:
    findings = [judged.finding(place, reason, criteria) for place in range(len(judged.costs.items))]
    groups = judged.classes(findings)
    # What comes out of nothing, or is gone, has no effect to tell.
    told = [None if group in (NEW, VANISHED) else found for found, group in zip(findings, groups, strict=True)]
    return close_ledger(judged.costs, groups, told)


def _mean_total(costs: I64) -> float:
    return float(costs.sum(axis=1).mean())
