"""Programs taken apart: what targets cost in each example, what is said of it, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perfdb.compare.comparison import Comparison
from perfdb.compare.costs import Costs
from perfdb.compare.diff import ExampleCase
from perfdb.compare.impact_inclusive import inclusive_columns, judge_inclusive, judge_outside
from perfdb.compare.impact_judged import Verdict, judge_rest, judge_together
from perfdb.compare.impact_values import ABSENT, Part, Parts, with_shares
from perfdb.compare.targets import Key, Target, shown_name
from perfdb.compare.verdicts import Finding
from perfdb.errors import InputError
from perfdb.profile.columns import I64


def exclusive_parts(comparison: Comparison, cases: Sequence[ExampleCase], targets: Sequence[Target]) -> list[Parts]:
    """The parts of each example's program, in exclusive costs; without targets everything is elsewhere."""
    modules = {key[0] for target in targets if target.is_module for key in target.keys}
    functions = {key for target in targets if not target.is_module for key in target.keys if key[0] not in modules}
    verdicts = [_verdicts(comparison, cases, target) for target in targets]
    if targets:
        rest = judge_rest(cases, modules, functions, comparison.criteria)
    else:
        rest = [example.finding for example in comparison.examples]
    found = []
    for number, (example, case) in enumerate(zip(comparison.examples, cases, strict=True)):
        program = _totals(case)
        own = [_costs(case, target) for target in targets]
        covered = [
            _of(case.modules[side], lambda key: key[0] in modules)
            + _of(case.functions[side], lambda key: key in functions)
            for side in (0, 1)
        ]
        shared = [sum((each[side] for each in own), -covered[side]) for side in (0, 1)]
        found.append(
            Parts(
                tuple(_part(costs, program, *told[number]) for costs, told in zip(own, verdicts, strict=True)),
                _part(shared, program) if any(side.any() for side in shared) else None,
                _part([program[side] - covered[side] for side in (0, 1)], program, rest[number]),
                _part(program, program, example.finding),
            )
        )
    return found


def inclusive_parts(comparison: Comparison, cases: Sequence[ExampleCase], target: Target) -> list[Parts]:
    """The same in inclusive costs of one module or function; InputError where some run does not tell them."""
    (item,) = target.items
    columns = []
    untold = []
    for case in cases:
        told = inclusive_columns(case, item)
        if told is None:
            untold.append(case.example)
        else:
            columns.append(told)
    if untold:
        names = ", ".join(map(shown_name, untold))
        raise InputError(
            f"asked for inclusive costs of {shown_name(str(target))}, found runs of {names} that do not tell them. "
            "Leave --inclusive out, or name other examples with --example."
        )
    own = judge_inclusive(cases, [each[0] for each in columns], item, comparison.criteria)
    rest = judge_outside(cases, [each[1] for each in columns], item, comparison.criteria)
    found = []
    rows = zip(comparison.examples, cases, columns, own, rest, strict=True)
    for example, case, (inside, outside), verdict, other in rows:
        program = _totals(case)
        costs = [inside.baseline_ns, inside.contender_ns]
        is_there = any(side.any() for side in costs)
        found.append(
            Parts(
                (_part(costs, program, *(verdict if is_there else (None, ABSENT))),),
                None,
                _part([outside.baseline_ns, outside.contender_ns], program, other),
                _part(program, program, example.finding),
            )
        )
    return found


def _totals(case: ExampleCase) -> list[I64]:
    return [side.total_ns() for side in case.modules[:2]]


def _costs(case: ExampleCase, target: Target) -> list[I64]:
    costs = case.modules if target.is_module else case.functions
    keys = target.keys
    return [_of(side, lambda key: key in keys) for side in costs[:2]]


def _of(costs: Costs, is_wanted: Callable[[Key], bool]) -> I64:
    """The exclusive costs of some items, added up: shape (runs,)."""
    places = [place for place, item in enumerate(costs.items) if is_wanted(item.key)]
    total: I64 = costs.exclusive_ns[:, places].sum(axis=1)
    return total


def _part(costs: Sequence[I64], program: Sequence[I64], finding: Finding | None = None, group: str = "") -> Part:
    before, after = (float(side.mean()) for side in costs)
    return with_shares(before, after, [float(side.mean()) for side in program], finding, group)


def _verdicts(comparison: Comparison, cases: Sequence[ExampleCase], target: Target) -> list[Verdict]:
    """What is said of a target, one an example: the diff's own word where it is one line of that."""
    keys = target.keys
    told: list[Verdict | None] = []
    for example, case in zip(comparison.examples, cases, strict=True):
        here = _present(case, target)
        ledger = example.modules if target.is_module else example.functions
        rows = [entry for entry in ledger.rows if entry.item is not None and entry.item.key in keys]
        if not here:
            told.append((None, ABSENT))
        else:
            told.append((rows[0].finding, rows[0].group) if len(rows) == here == 1 else None)
    if None not in told:
        return [each for each in told if each is not None]
    together = judge_together(cases, target, comparison.criteria)
    return [own if each is None else each for each, own in zip(told, together, strict=True)]


def _present(case: ExampleCase, target: Target) -> int:
    """How many of its items an example has work of, on either side."""
    costs = case.modules if target.is_module else case.functions
    keys = target.keys
    present = set()
    for side in costs[:2]:
        work = side.exclusive_ns.sum(axis=0).tolist()
        present |= {item.key for item, ns in zip(side.items, work, strict=True) if ns and item.key in keys}
    return len(present)
