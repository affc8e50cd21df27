"""What an optimisation brought: its targets before and after, the whole program, and where cost moved to.

In every example, and over all that can be compared,

    the targets - what several of them share + elsewhere = the program

to the nanosecond, so that cost which moved is seen and not taken for cost that vanished. The verdict on a target that
is one module or one function is the one that the diff gives it; several that are one target are judged together
(`impact_judged`), and what is elsewhere as a program of its own.

    targets         names ─▶ modules and functions         impact_judged      verdicts that the diff does not have
    impact_parts    programs taken apart                   impact_inclusive   costs and verdicts with all that is called
    impact_pooled   the same over several examples         impact_values      what comes out

A function's cost is exclusive unless inclusive costs are asked for. Those are asked of one module or function alone,
and are what the runs tell themselves: a call tree has small subtrees added to their callers, and several functions on
one stack share its samples, so that unions of them would be guesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import Costs, Item
from perfdb.compare.diff import ExampleCase
from perfdb.compare.impact_parts import exclusive_parts, inclusive_parts
from perfdb.compare.impact_pooled import pool_parts
from perfdb.compare.impact_values import ABSENT, ExampleImpact, Impact, Moved, Part, Parts
from perfdb.compare.ledger import NEW, VANISHED, Entry
from perfdb.compare.targets import Key, Target, find_target, shown_name
from perfdb.compare.verdicts import IMPROVED, NOT_COMPARABLE, REGRESSED
from perfdb.errors import InputError, TooLittleDataError, UsageError
from perfdb.profile.columns import Caveat

__all__ = ["ABSENT", "ExampleImpact", "Impact", "Moved", "Part", "Parts", "Target", "judge_impact"]

_MOST_NAMED = 3
"""So many examples are named that are left out."""
_CHEAPER, _SLOWER = (IMPROVED, VANISHED), (REGRESSED, NEW)


def judge_impact(
    comparison: Comparison, cases: Sequence[ExampleCase], targets: Sequence[str], inclusive: bool = False
) -> Impact:
    """What the comparison of these examples says of the targets: names as `compare.targets` finds them, or none.

    The comparison lists all rows. Raises InputError for a name that no example knows, that does no work of its own, or
    whose inclusive costs some run does not tell; UsageError for inclusive costs of more than one module or function;
    TooLittleDataError where no example has profiles.
    """
    comparison, cases = _with_profiles(comparison, cases)
    wanted = _find(cases, targets, inclusive) if targets else _choose(comparison)
    if inclusive:
        found = inclusive_parts(comparison, cases, _only(wanted, is_named=bool(targets)))
    else:
        found = exclusive_parts(comparison, cases, wanted)
        _check_worked(wanted, found)
    examples = tuple(
        ExampleImpact(diff, parts, _slower(diff, wanted))
        for diff, parts in zip(comparison.examples, found, strict=True)
    )
    return Impact(
        comparison,
        wanted,
        not targets,
        inclusive,
        examples,
        pool_parts([each.parts for each in examples if each.is_comparable], wanted, comparison, inclusive),
        _moved([each for each in examples if each.is_comparable]),
        tuple(_caveats(examples, wanted, inclusive)),
    )


def _with_profiles(comparison: Comparison, cases: Sequence[ExampleCase]) -> tuple[Comparison, Sequence[ExampleCase]]:
    """The examples that have modules and functions; the others are told of in a caveat."""
    left_out = [example.example for example in comparison.without_profiles]
    if not left_out:
        return comparison, cases
    if len(left_out) == len(comparison.examples):
        sides = f"{comparison.baseline.asked} {comparison.contender.asked}"
        raise TooLittleDataError(
            "asked for an impact, found results of benchmarks only, which have no modules or functions. "
            f"perfdb diff {sides} compares what they measured."
        )
    first = ", ".join(left_out[:_MOST_NAMED])
    more = f" and {len(left_out) - _MOST_NAMED:,} more" if len(left_out) > _MOST_NAMED else ""
    caveat = Caveat("no-profiles", f"left out, for results of benchmarks have no modules or functions: {first}{more}")
    kept = replace(comparison, examples=comparison.with_profiles, caveats=(*comparison.caveats, caveat))
    return kept, [case for case in cases if case.runs.has_profiles]


# ---- targets ---------------------------------------------------------------------------------------------------------


def _find(cases: Sequence[ExampleCase], asked: Sequence[str], inclusive: bool) -> tuple[Target, ...]:
    """The targets by their names; those that mean the same are one."""
    modules, callers = _items([side for case in cases for side in case.modules[:2]])
    functions, others = _items([side for case in cases for side in case.functions[:2]])
    callers += others
    if inclusive:
        modules += [item for item in callers if item.function is None]
        functions += others
    found: dict[frozenset[Key], Target] = {}
    for name in asked:
        target = find_target(name, modules, functions, callers)
        found.setdefault(target.keys, target)
    return tuple(found.values())


def _items(sides: Sequence[Costs]) -> tuple[list[Item], list[Item]]:
    """The items with work of their own in these sides, and those that only call others; those with most work first."""
    costs: dict[Key, tuple[int, int]] = {}
    spelt: dict[Key, Item] = {}
    for side in sides:
        own, below = (each.sum(axis=0).tolist() for each in (side.exclusive_ns, np.maximum(side.inclusive_ns, 0)))
        for item, exclusive, inclusive in zip(side.items, own, below, strict=True):
            known = costs.get(item.key, (0, 0))
            spelt.setdefault(item.key, item)
            costs[item.key] = known[0] + exclusive, known[1] + inclusive
    ranked = sorted(costs, key=lambda key: (-costs[key][0], -costs[key][1], key[0], key[1] or ""))
    worked = [spelt[key] for key in ranked if costs[key][0]]
    return worked, [spelt[key] for key in ranked if not costs[key][0] and costs[key][1]]


def _check_worked(targets: Sequence[Target], examples: Sequence[Parts]) -> None:
    """Raise InputError for a target that is there and did nothing itself."""
    for at, target in enumerate(targets):
        if all(each.targets[at].group == ABSENT for each in examples):
            raise InputError(
                f"asked for the impact on {shown_name(str(target))}, found that it only calls others and does no work "
                "of its own. Add --inclusive to count what it calls."
            )


def _choose(comparison: Comparison) -> tuple[Target, ...]:
    """The modules that got cheaper in any example, else those that got slower; the most ms first."""
    deltas: dict[Key, float] = {}
    groups: dict[Key, set[str]] = {}
    spelt: dict[Key, Item] = {}
    for example in comparison.examples:
        for entry in example.modules.rows:
            if entry.item is not None and example.finding.verdict != NOT_COMPARABLE:
                key = entry.item.key
                spelt.setdefault(key, entry.item)
                groups.setdefault(key, set()).add(entry.group)
                deltas[key] = deltas.get(key, 0.0) + entry.delta_ns
    for classes in (_CHEAPER, _SLOWER):
        chosen = [key for key, own in groups.items() if own & set(classes)]
        if chosen:
            ranked = sorted(chosen, key=lambda key: (-abs(deltas[key]), key))
            return tuple(Target(spelt[key].module, (spelt[key],)) for key in ranked)
    return ()


def _only(targets: Sequence[Target], is_named: bool) -> Target:
    """The one module or function whose inclusive costs are asked for."""
    if is_named and len(targets) == 1 and len(targets[0].items) == 1:
        return targets[0]
    if not is_named:
        what = "no target"
    elif len(targets) > 1:
        what = f"{len(targets)} targets"
    else:
        what = f"{len(targets[0].items):,} functions or modules that are called so"
    raise UsageError(
        f"asked for inclusive costs, found {what}: what lies on one stack would count for several. Give --inclusive "
        "with one --target that is one module or one function, as module!function."
    )


# ---- what got slower elsewhere ---------------------------------------------------------------------------------------


def _slower(example: ExampleDiff, targets: Sequence[Target]) -> tuple[Entry, ...]:
    """What regressed or is new outside of the targets, by module."""
    keys = {key for target in targets for key in target.keys}
    whole = {key[0] for key in keys if key[1] is None}
    in_part = {key[0] for key in keys if key[1] is not None}
    by_module: dict[str, list[Entry]] = {}
    for entry in (*example.modules.rows, *example.functions.rows):
        if entry.item is None or entry.group not in _SLOWER or entry.item.key[0] in whole or entry.item.key in keys:
            continue
        if entry.item.function is not None or entry.item.key[0] not in in_part:
            by_module.setdefault(entry.item.key[0], []).append(entry)
    for entries in by_module.values():
        entries.sort(key=lambda entry: (entry.item is not None and entry.item.function is not None, -entry.delta_ns))
    ranked = sorted(by_module.values(), key=lambda entries: (-entries[0].delta_ns, str(entries[0].item)))
    return tuple(entry for entries in ranked for entry in entries)


def _moved(examples: Sequence[ExampleImpact]) -> tuple[Moved, ...]:
    """What got slower elsewhere over the examples, each ns once."""
    found: dict[Key, Moved] = {}
    for example in examples:
        modules = {entry.item.key[0] for entry in example.slower if entry.item and entry.item.function is None}
        for entry in example.slower:
            item = entry.item
            if item is None or (item.function is not None and item.key[0] in modules):
                continue
            known = found.get(item.key, Moved(item, (), 0.0, 0.0, is_new=True))
            found[item.key] = Moved(
                known.item,
                (*known.examples, example.diff.example),
                known.baseline_ns + entry.baseline.mean,
                known.contender_ns + entry.contender.mean,
                known.is_new and entry.group == NEW,
            )
    return tuple(sorted(found.values(), key=lambda each: (-each.delta_ns, str(each.item))))


# ---- what a reader must know -----------------------------------------------------------------------------------------


def _caveats(examples: Sequence[ExampleImpact], targets: Sequence[Target], inclusive: bool) -> Iterator[Caveat]:
    for at, target in enumerate(targets):
        absent = [each.diff.example for each in examples if each.parts.targets[at].group == ABSENT]
        if absent:
            yield Caveat("absent-target", f"{target}: nothing of it in {', '.join(absent)}")
    for at, target in enumerate(targets):
        for other in targets[:at]:
            if _overlap(target, other):
                yield Caveat("overlap", f"{target} and {other} share functions, whose costs are counted once")
    if inclusive:
        text = "what got slower is told of the whole program: it may lie below the target, whose costs are inclusive"
        yield Caveat("inclusive", text)


def _overlap(left: Target, right: Target) -> bool:
    if left.is_module == right.is_module:
        return bool(left.keys & right.keys)
    modules, functions = (left, right) if left.is_module else (right, left)
    return any((key[0], None) in modules.keys for key in functions.keys)
