"""What an optimisation brought: targets, the program, and what got slower elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfdb.compare import Costs, ExampleCase, Finding, Item, pivot
from perfdb.compare.impact import ABSENT, Part
from perfdb.compare.ledger import NEW
from perfdb.errors import InputError, UsageError
from perfdb.profile.columns import NOT_KNOWN, UNRESOLVED
from perfdb.units import NS_PER_MS
from tests.compare.call_trees import call_tree
from tests.compare.impacts import HOT, INSERT, PARSE, drawn, faster, judged
from tests.compare.sides import case_of

CASES = [faster("x", 1), faster("y", 3, f2=1.6), faster("z", 5)]


@pytest.mark.parametrize(
    "targets",
    [("lib1",), ("f1", "f2"), ("ns::f1*",), ("lib1.dll", "f1"), ("ns::f1*", "f11", "lib3"), ("*",), ()],
    ids=" ".join,
)
def test_targets_and_all_else_are_the_program_to_the_nanosecond(targets: tuple[str, ...]) -> None:
    impact = judged(CASES, *targets)

    assert impact.pooled is not None
    for parts in (*(each.parts for each in impact.examples), impact.pooled):
        for side in ("baseline_ns", "contender_ns"):
            told = sum(getattr(part, side) for part in parts.targets) + getattr(parts.elsewhere, side)
            shared = getattr(parts.shared, side) if parts.shared else 0
            assert abs(getattr(parts.program, side) - (told - shared)) < 1


def test_one_module_or_function_has_the_verdict_of_the_diff() -> None:
    impact = judged(CASES, "lib1.dll", "lib1.dll!ns::f1")

    for example in impact.examples:
        modules, functions = (
            {str(entry.item): entry.finding for entry in ledger.rows}
            for ledger in (example.diff.modules, example.diff.functions)
        )
        module, function = example.parts.targets
        assert modules["lib1.dll"] is module.finding
        assert functions["lib1.dll!ns::f1"] is function.finding
        assert example.diff.finding is example.parts.program.finding
    (pooled,) = [entry for entry in impact.comparison.pooled if entry.item == INSERT]
    assert impact.pooled is not None
    assert pooled.finding is impact.pooled.targets[1].finding
    assert "improved" == pooled.finding.verdict


def test_shares_are_of_the_program_of_each_side() -> None:
    (example,) = judged([case_of([{INSERT: 40, PARSE: 60}], [{INSERT: 10, PARSE: 70}])], "f1").examples

    (part,) = example.parts.targets
    assert (0.4, 0.125) == (part.baseline_share, part.contender_share)
    assert (40 * NS_PER_MS, 10 * NS_PER_MS, -0.75) == (part.baseline_ns, part.contender_ns, part.change)


def test_functions_of_a_glob_are_known_better_together_than_any_alone() -> None:
    small = [item for item in HOT if str(item.function).startswith("ns::f1") and item != INSERT]
    impact = judged([case_of(drawn(1), drawn(2, dict.fromkeys(small, 0.8)))], "ns::f1?")

    assert set(small) == set(impact.targets[0].items)
    (part,) = impact.examples[0].parts.targets
    alone = [entry for entry in impact.examples[0].diff.functions.rows if entry.item in small]
    assert abs(sum(entry.delta_ns for entry in alone) - part.delta_ns) < 1
    assert ("improved", "improved") == (part.group, _verdict(part))
    assert "inconclusive" in {entry.group for entry in alone}
    assert _width(part.finding) < min(_width(entry.finding) for entry in alone)


def _width(finding: Finding | None) -> float:
    assert finding is not None
    assert finding.low is not None
    assert finding.high is not None
    return finding.high - finding.low


def test_cost_that_moved_is_seen_elsewhere() -> None:
    moved = drawn(2, {INSERT: 0.4, PARSE: 1.9})
    impact = judged([case_of(drawn(1), moved)], "f1")

    (example,) = impact.examples
    assert "improved" == example.parts.targets[0].group
    assert _verdict(example.parts.elsewhere) == "regressed"
    assert _verdict(example.parts.program) in ("equal", "inconclusive")
    assert ["lib2.dll", "lib2.dll!ns::f2"] == [str(entry.item) for entry in example.slower]
    assert [Item("lib2.dll")] == [each.item for each in impact.slower]


def _verdict(part: Part) -> str:
    assert part.finding is not None
    return part.finding.verdict


def test_what_is_new_is_told_once_over_the_examples() -> None:
    new = Item("arrow.dll", "resize")
    cases = [case_of(drawn(seed), drawn(seed + 1, {INSERT: 0.5}, more={new: 90}), example=name)
             for name, seed in (("x", 1), ("y", 3))]  # fmt: skip

    impact = judged(cases, "f1")

    (moved,) = [each for each in impact.slower if each.item.module == "arrow.dll"]
    assert (Item("arrow.dll"), ("x", "y"), True) == (moved.item, moved.examples, moved.is_new)
    assert 180 * NS_PER_MS == moved.delta_ns
    assert impact.pooled is not None
    arrow = judged(cases, "arrow").pooled
    assert arrow is not None
    assert (NEW, None) == (arrow.targets[0].group, arrow.targets[0].finding)


def test_of_a_module_that_is_a_target_in_part_the_other_functions_are_told() -> None:
    sibling = HOT[5]  # in the module of INSERT
    impact = judged([case_of(drawn(1), drawn(2, {INSERT: 0.5, sibling: 2.2}))], "f1")

    assert [sibling] == [entry.item for entry in impact.examples[0].slower]


def test_without_targets_the_modules_that_got_cheaper_are_taken() -> None:
    better = judged([faster("x", 1, 0.4, f2=2.0)])

    assert (True, ["lib1.dll"]) == (better.is_chosen, [str(target) for target in better.targets])
    worse = judged([faster("x", 1, 1.0, f2=2.0)])
    assert ["lib2.dll"] == [str(target) for target in worse.targets]


def test_where_nothing_changed_there_is_no_target() -> None:
    impact = judged([case_of(drawn(1), drawn(2))])

    assert ((), ()) == (impact.targets, impact.slower)
    (example,) = impact.examples
    assert example.parts.program.baseline_ns == example.parts.elsewhere.baseline_ns


def test_examples_that_cannot_be_compared_stay_and_are_left_out_of_the_sum() -> None:
    apart = case_of(drawn(7), drawn(8), example="w", reason="two machines")

    impact = judged([*CASES, apart], "f1")

    assert (4, 3) == (len(impact.examples), len(impact.comparable))
    last = impact.examples[-1]
    assert ("not comparable", "not comparable") == (_verdict(last.parts.targets[0]), _verdict(last.parts.elsewhere))
    assert last.parts.targets[0].baseline_ns > 0
    alone = judged(CASES, "f1")
    assert impact.pooled is not None
    assert alone.pooled is not None
    assert alone.pooled.program.baseline_ns == impact.pooled.program.baseline_ns
    assert judged([CASES[0], apart], "f1").pooled is None


def test_a_target_that_some_examples_lack_is_told() -> None:
    other = case_of([{PARSE: 100}] * 3, [{PARSE: 90}] * 3, example="without")

    impact = judged([CASES[0], other], "f1")

    assert ABSENT == impact.examples[1].parts.targets[0].group
    assert ["lib1.dll!ns::f1: nothing of it in without"] == [caveat.text for caveat in impact.caveats]
    assert impact.pooled is not None
    assert (1, impact.examples[0].parts.targets[0].finding) == (
        impact.pooled.targets[0].told,
        impact.pooled.targets[0].finding,
    )


def test_targets_that_share_functions_are_counted_once_and_it_is_said() -> None:
    impact = judged(CASES[:1], "lib1", "f1", "lib1.dll!ns::f1")

    assert 2 == len(impact.targets), "two names of one function are one target"
    parts = impact.examples[0].parts
    assert parts.shared is not None
    assert parts.targets[1].baseline_ns == parts.shared.baseline_ns
    assert ["overlap"] == [caveat.code for caveat in impact.caveats]


def test_one_run_a_side_shows_nothing() -> None:
    impact = judged([case_of(drawn(1, runs=1), drawn(2, {INSERT: 0.5}, runs=1))], "ns::f1*")

    (example,) = impact.examples
    verdicts = [_verdict(part) for part in (*example.parts.targets, example.parts.elsewhere, example.parts.program)]
    assert ["inconclusive"] * 3 == verdicts


def test_work_without_a_name_can_be_a_target() -> None:
    bare = Item("lib1.dll", UNRESOLVED)
    cases = [case_of(drawn(1, more={bare: 800}), drawn(2, more={bare: 680}))]

    (part,) = judged(cases, "lib1.dll!<unresolved>").examples[0].parts.targets

    assert ("improved", -120 * NS_PER_MS) == (_verdict(part), part.delta_ns)


def test_where_names_stand_in_the_way_several_functions_cannot_be_compared_either() -> None:
    """Half of what had no name in the baseline has names in the contender."""
    bare = Item("lib1.dll", UNRESOLVED)
    cases = [case_of(drawn(1, more={bare: 2_000}), drawn(2, more={bare: 200}))]

    functions, module = judged(cases, "ns::f1*", "lib1.dll").examples[0].parts.targets

    assert ("not comparable", "improved") == (_verdict(functions), _verdict(module))


# ---- inclusive costs -------------------------------------------------------------------------------------------------

CALLER, WORKER, APART = Item("app.exe", "run"), Item("app.exe", "work"), Item("app.exe", "apart")


def with_callers(factor: float, detail: str = "stacks", is_told: bool = True) -> ExampleCase:
    """`run` calls `work`, and does nothing itself; `apart` is not below it."""
    random = np.random.default_rng(1)
    sides = []
    for change in (1.0, factor):
        sides.append(
            [
                {"main;run;work": int(random.poisson(900 * change)), "main;apart": int(random.poisson(600))}
                for _ in range(4)
            ]
        )
    functions, modules = [], []
    for side in sides:
        names = [f"run-{number}" for number in range(4)]
        cells = [
            (name, item, own, own + below)
            for name, run in zip(names, side, strict=True)
            for item, own, below in (
                (CALLER, 0, run["main;run;work"] if is_told else None),
                (WORKER, run["main;run;work"], 0),
                (APART, run["main;apart"], 0),
            )
            for below in ([below] if below is not None else [NOT_KNOWN])
        ]
        exclusive = [own * NS_PER_MS for _, _, own, _ in cells]
        inclusive = [NOT_KNOWN if each == NOT_KNOWN else each * NS_PER_MS for _, _, _, each in cells]
        runs, items = [each[0] for each in cells], [each[1] for each in cells]
        samples = [each[2] for each in cells]
        functions.append(pivot(names, runs, items, exclusive, inclusive, samples))
        modules.append(pivot(names, runs, [Item(item.module) for item in items], exclusive, exclusive, samples))
    case = case_of([{WORKER: 1}] * 4, [{WORKER: 1}] * 4)
    return replace(
        case,
        modules=(modules[0], modules[1], case.modules[2]),
        functions=(functions[0], functions[1], case.functions[2]),
        tree=call_tree(*sides) if detail == "stacks" else None,
    )


@pytest.mark.parametrize("detail", ["stacks", "edges"])
def test_inclusive_costs_hold_what_the_target_calls(detail: str) -> None:
    case = with_callers(0.5, detail)

    (example,) = judged([case], "run", inclusive=True).examples

    (part,) = example.parts.targets
    assert case.functions[0].exclusive_ns[:, 1].mean() == part.baseline_ns
    assert case.functions[0].exclusive_ns[:, 2].mean() == example.parts.elsewhere.baseline_ns
    assert part.baseline_ns + example.parts.elsewhere.baseline_ns == example.parts.program.baseline_ns
    assert "improved" == _verdict(part)
    assert _verdict(example.parts.elsewhere) in ("equal", "inconclusive")


def test_inclusive_costs_of_sides_that_cannot_be_compared_are_told_without_a_verdict() -> None:
    case = with_callers(0.5)

    (example,) = judged([replace(case, runs=replace(case.runs, reason="two machines"))], "run", inclusive=True).examples

    assert ["not comparable"] * 2 == [_verdict(example.parts.targets[0]), _verdict(example.parts.elsewhere)]
    assert example.parts.targets[0].delta_ns < 0


def test_what_only_calls_others_has_no_exclusive_cost() -> None:
    with pytest.raises(InputError, match=r"app.exe!run, found that it only calls others .* Add --inclusive"):
        judged([with_callers(0.5)], "run")


def test_inclusive_costs_that_runs_do_not_tell() -> None:
    case = with_callers(0.5, "edges", is_told=False)

    with pytest.raises(InputError, match=r"inclusive costs of app.exe!work, found runs of x that do not tell them"):
        judged([replace(case, functions=_untold(case))], "work", inclusive=True)


def _untold(case: ExampleCase) -> tuple[Costs, Costs, Costs]:
    before, after, earlier = case.functions
    return (
        replace(before, inclusive_ns=np.full_like(before.inclusive_ns, NOT_KNOWN)),
        replace(after, inclusive_ns=np.full_like(after.inclusive_ns, NOT_KNOWN)),
        earlier,
    )


@pytest.mark.parametrize(
    ("targets", "found"), [((), "no target"), (("run", "work"), "2 targets"), (("app.exe!*",), "3 functions")]
)
def test_inclusive_costs_are_of_one_thing(targets: tuple[str, ...], found: str) -> None:
    with pytest.raises(UsageError, match=f"asked for inclusive costs, found {found}"):
        judged([with_callers(0.5)], *targets, inclusive=True)
