"""Verdicts that a diff does not have: on several items taken as one, and on all but some.

Each is a family of its own over the examples, as functions, modules and programs of a diff are.

    judge_together     several functions, or modules, as one column beside all others
    judge_rest         what is left of a program without some of its functions, as a program of its own

`impact_inclusive` has those on a module or function with all that it calls.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from perfdb.compare.call_tree import MOST
from perfdb.compare.costs import Aligned, Item, align
from perfdb.compare.diff import ExampleCase
from perfdb.compare.judged import Judged
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.obstacles import function_obstacles
from perfdb.compare.targets import Key, Target
from perfdb.compare.verdicts import Criteria, Finding, not_comparable, total_finding
from perfdb.profile.columns import I64
from perfdb.stats import Differences, judge_families

Verdict = tuple[Finding | None, str]
"""What is told, and the class in the ledger; nothing is told of what is new or has vanished."""


def judge_together(cases: Sequence[ExampleCase], target: Target, criteria: Criteria) -> list[Verdict]:
    """The verdict on a target's items added up, one an example; they are judged as one function or module is.

    Where they hold so much of all work that one could as well say that the rest changed, they are judged as a program.
    """
    most = _mostly(cases, target, criteria)
    judged = [_together(case, target) for case in cases]
    _judge(cases, judged, criteria)
    told: list[Verdict] = []
    for number, (case, each) in enumerate(zip(cases, judged, strict=True)):
        if number in most:
            told.append(most[number])
            continue
        reason = case.runs.reason or ("" if each.differences else "a side has no samples")
        findings = [each.finding(place, reason, criteria) for place in range(len(each.costs.items))]
        group = each.classes(findings)[-1]
        told.append((None if group in (NEW, VANISHED) else findings[-1], group))
    return told


def _mostly(cases: Sequence[ExampleCase], target: Target, criteria: Criteria) -> dict[int, Verdict]:
    """The verdict where the target holds `MOST` of an example's work on both sides, by the example's place."""
    found: dict[int, Judged] = {}
    for number, case in enumerate(cases):
        costs, obstacles = _functions(case) if not target.is_module else (align(*case.modules), ())
        own = [place for place, item in enumerate(costs.items) if item.key in target.keys]
        shares = [
            side[:, own].sum() / max(int(side.sum()), 1) for side in (costs.baseline_samples, costs.contender_samples)
        ]
        if min(shares) >= MOST and not any(obstacles[place] for place in own if obstacles):
            found[number] = Judged(_chosen(costs, own))
    chosen = [cases[number] for number in found]
    _judge(chosen, list(found.values()), criteria)
    told: dict[int, Verdict] = {}
    for case, (number, each) in zip(chosen, found.items(), strict=True):
        verdict = of_program(
            case, each.differences, _ns(each.costs.baseline_ns), _ns(each.costs.contender_ns), criteria
        )
        told[number] = verdict, verdict.verdict if verdict else ""
    return told


def judge_rest(
    cases: Sequence[ExampleCase], modules: Collection[str], functions: Collection[Key], criteria: Criteria
) -> list[Finding | None]:
    """The verdict on all but some modules (by their names in lower case) and functions; None where nothing is left."""
    judged = []
    for case in cases:
        costs, obstacles = _functions(case)
        kept = [
            place for place, item in enumerate(costs.items) if item.key[0] not in modules and item.key not in functions
        ]
        judged.append(Judged(_chosen(costs, kept), [obstacles[place] for place in kept]))
    _judge(cases, judged, criteria)
    return [
        of_program(case, each.differences, _ns(each.costs.baseline_ns), _ns(each.costs.contender_ns), criteria)
        for case, each in zip(cases, judged, strict=True)
    ]


def _judge(cases: Sequence[ExampleCase], judged: Sequence[Judged], criteria: Criteria) -> None:
    able = [each for case, each in zip(cases, judged, strict=True) if not case.runs.reason and each.has_samples]
    found = [each.compare(criteria) for each in able]
    for each, differences in zip(able, judge_families(found, fdr=criteria.fdr, margin=criteria.margin), strict=True):
        each.differences = differences


def of_program(
    case: ExampleCase, found: Differences | None, before: I64, after: I64, criteria: Criteria
) -> Finding | None:
    """The verdict on work that was compared as a program is; None where it was not, for a side has none of it."""
    if case.runs.reason:
        return not_comparable(case.runs.reason)
    return total_finding(found.total, float(after.mean() - before.mean()), criteria) if found else None


def _ns(costs: I64) -> I64:
    total: I64 = costs.sum(axis=1)
    return total


def _functions(case: ExampleCase) -> tuple[Aligned, Sequence[str]]:
    costs = align(*case.functions)
    return costs, function_obstacles(case.runs, costs, case.mixed)


def _together(case: ExampleCase, target: Target) -> Judged:
    """The example's items with those of the target as one, which is the last; what stands in its way is theirs."""
    costs, obstacles = _functions(case) if not target.is_module else (align(*case.modules), ())
    keys = target.keys
    own = [place for place, item in enumerate(costs.items) if item.key in keys]
    others = [place for place, item in enumerate(costs.items) if item.key not in keys]
    names = {costs.items[place].key[0] for place in own}
    module = costs.items[own[0]].module if len(names) == 1 and own else target.asked
    merged = Item(module, None if target.is_module else target.asked)
    kept, sums = _chosen(costs, others), _chosen(costs, own)

    def beside(left: I64, right: I64) -> I64:
        return np.concatenate((left, right.sum(axis=1, keepdims=True)), axis=1)

    together = Aligned(
        (*kept.items, merged),
        beside(kept.baseline_ns, sums.baseline_ns),
        beside(kept.contender_ns, sums.contender_ns),
        beside(kept.baseline_samples, sums.baseline_samples),
        beside(kept.contender_samples, sums.contender_samples),
        beside(kept.history_samples, sums.history_samples),
    )
    if not obstacles:
        return Judged(together)
    reason = next((obstacles[place] for place in own if obstacles[place]), "")
    return Judged(together, [*(obstacles[place] for place in others), reason])


def _chosen(costs: Aligned, places: Sequence[int]) -> Aligned:
    return Aligned(
        tuple(costs.items[place] for place in places),
        costs.baseline_ns[:, places],
        costs.contender_ns[:, places],
        costs.baseline_samples[:, places],
        costs.contender_samples[:, places],
        costs.history_samples[:, places],
    )
