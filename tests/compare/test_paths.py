"""Which call paths explain a change: the choice against its slow twin, and the verdicts on programs that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare.call_tree import Paths, explain_change
from perfdb.compare.paths import ACCOUNTED, ENOUGH, MOST_ROWS, WHOLE, explain, sharpened, smallest, surest
from perfdb.compare.preorder import Shape, depths, in_preorder, inclusive, is_outside_of
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Criteria
from tests.compare.call_trees import MS, Run, call_tree, drawn_runs
from tests.twins import paths as twin


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[int], Shape, list[int]]:
    """A tree as the parent of each row, in preorder; its shape; and the sum of each subtree of a few small numbers."""
    count = draw(st.integers(1, 9))
    parent = [-1] + [draw(st.integers(0, row - 1)) for row in range(1, count)]
    shape, position = in_preorder(np.array(parent))
    own = draw(st.lists(st.integers(-40, 40) | st.sampled_from([0, 0, 100, -100]), min_size=count, max_size=count))
    sums = [sum(own[row] for row in range(count) if top in twin.above(parent, row)) for top in range(count)]
    delta = [0] * count
    for row in range(count):
        delta[position[row]] = sums[row]
    return shape.parent.tolist(), shape, delta


@given(trees())
def test_in_preorder_all_below_a_row_follow_it(drawn: tuple[list[int], Shape, list[int]]) -> None:
    parent, shape, _ = drawn

    for row in range(len(parent)):
        below = [other for other in range(len(parent)) if row in twin.above(parent, other)]
        assert list(range(row, shape.end[row])) == below
        assert len(twin.above(parent, row)) - 1 == shape.depth[row] == depths(shape.parent)[row]
        assert [other not in below for other in range(len(parent))] == is_outside_of(shape, np.array([row])).tolist()


@given(st.data(), trees())
def test_the_surest_set_is_the_best_of_all_sets(data: st.DataObject, drawn: tuple[list[int], Shape, list[int]]) -> None:
    parent, shape, delta = drawn
    noise = data.draw(st.lists(st.integers(0, 60), min_size=len(delta), max_size=len(delta)))
    score = (np.abs(delta) - np.array(noise)).astype(np.float64)

    rows = surest(shape, score).tolist()

    assert twin.apart(parent, rows)
    assert twin.best_score(parent, score.tolist()) == sum(score[row] for row in rows)
    for row in rows:  # of equals the deeper ones are taken
        within = [other for other in range(len(parent)) if row in twin.above(parent, other)[1:]]
        renumbered = {old: new for new, old in enumerate(within)}
        inner = [renumbered.get(parent[other], -1) for other in within]
        assert score[row] > twin.best_score(inner, [float(score[other]) for other in within])


@given(trees())
def test_no_smaller_part_accounts_for_the_change(drawn: tuple[list[int], Shape, list[int]]) -> None:
    parent, shape, delta = drawn
    rows = surest(shape, np.abs(delta) - 5.0)

    part, rest = smallest(np.array(delta, np.float64), rows)

    assert sorted(rows.tolist()) == sorted([*part.tolist(), *rest.tolist()])
    needed = twin.fewest(delta, rows.tolist())
    assert (len(rows) if needed is None else needed) == len(part)
    assert twin.apart(parent, part.tolist())


@given(trees())
def test_no_row_can_give_its_place_to_a_deeper_one(drawn: tuple[list[int], Shape, list[int]]) -> None:
    parent, shape, delta = drawn
    part, rest = smallest(np.array(delta, np.float64), surest(shape, np.abs(delta) - 5.0))
    was_enough = twin.accounted(delta, part.tolist(), rest.tolist()) >= ENOUGH

    rows = list(sharpened(shape, np.array(delta, np.float64), part, rest).rows)

    assert len(part) == len(rows)
    for before in part.tolist():
        [after] = [row for row in rows if before in twin.above(parent, row)]
        holders = twin.holders(parent, delta, before)
        assert after in holders
        for deeper in holders:
            if len(twin.above(parent, deeper)) > len(twin.above(parent, after)):
                others = [deeper if row == after else row for row in rows]
                assert was_enough
                assert twin.accounted(delta, others, rest.tolist()) < ACCOUNTED
    assert not was_enough or twin.accounted(delta, rows, rest.tolist()) >= ENOUGH


@given(st.data(), trees(), st.booleans())
def test_a_changed_program_is_always_accounted_for(
    data: st.DataObject, drawn: tuple[list[int], Shape, list[int]], is_changed: bool
) -> None:
    parent, shape, delta = drawn
    draws = st.lists(st.integers(0, 60), min_size=len(delta), max_size=len(delta))
    noise, work = (np.array(data.draw(draws), np.float64) for _ in range(2))
    share = inclusive(shape.parent, shape.levels, work) / max(work.sum(), 1)

    choice = explain(shape, np.array(delta, np.float64), noise, share, is_changed)

    assert twin.apart(parent, choice.rows)
    sizes = [abs(delta[row]) for row in choice.rows]
    assert sizes == sorted(sizes, reverse=True)
    assert len(choice.rows) <= MOST_ROWS
    if is_changed and delta[0]:
        assert choice.accounted >= ENOUGH
        assert choice.rows
    else:
        assert all(share[row] < WHOLE for row in choice.rows)


RUNS = st.lists(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(";".join), st.integers(0, 60), max_size=8
    ),
    min_size=1,
    max_size=3,
)


@given(RUNS, RUNS, RUNS, st.booleans())
def test_rows_and_rest_are_the_total_and_rows_are_what_lies_below_their_paths(
    baseline: list[Run], contender: list[Run], history: list[Run], is_changed: bool
) -> None:
    tree = call_tree(baseline, contender, history)

    paths = explain_change(tree, Criteria(), is_changed)

    for of_contender, rows, rest, total in (
        (False, [row.baseline_ns for row in paths.rows], paths.rest_baseline_ns, paths.total_baseline_ns),
        (True, [row.contender_ns for row in paths.rows], paths.rest_contender_ns, paths.total_contender_ns),
    ):
        assert math.isclose(twin.weight_below(tree, (), of_contender), total, abs_tol=1e-3)
        assert math.isclose(total, sum(rows) + rest, abs_tol=1e-3)
        for row, weight in zip(paths.rows, rows, strict=True):
            assert math.isclose(twin.weight_below(tree, row.path, of_contender), weight, abs_tol=1e-3)
    listed = [row.path for row in paths.rows]
    assert not any(one != other and one == other[: len(one)] for one in listed for other in listed)
    assert len(set(listed)) == len(listed)
    deltas = [abs(row.delta_ns) for row in paths.rows]
    assert deltas == sorted(deltas, reverse=True)


PROGRAM = {
    "main;run": 20,
    "main;run;visit;insert;append": 300,
    "main;run;visit;insert;log": 250,
    "main;run;visit;look_up": 200,
    "main;run;parse": 400,
    "main;run;parse;token": 300,
    "main;run;flush": 150,
    "main;read": 200,
    "worker;poll": 100,
    "worker;poll;wait": 80,
}


def explained(contender: Run, runs: int = 5, history: int = 0, is_changed: bool = True) -> Paths:
    """What explains the change from `PROGRAM` to another."""
    sides = drawn_runs(PROGRAM, runs, 1), drawn_runs(contender, runs, 2), drawn_runs(PROGRAM, history, 3)
    return explain_change(call_tree(*sides), Criteria(), is_changed)


def told(paths: Paths) -> list[tuple[str, str]]:
    return [(";".join(str(item.function) for item in row.path), row.finding.verdict) for row in paths.rows]


def test_a_path_that_became_slower_is_named_down_to_its_leaf() -> None:
    paths = explained(PROGRAM | {"main;run;visit;insert;log": 400})

    assert [("main;run;visit;insert;log", REGRESSED)] == told(paths)
    [row] = paths.rows
    assert paths.accounted >= ACCOUNTED
    assert abs(row.delta_ns - 150 * MS) < 30 * MS
    finding = row.finding
    assert finding.is_relevant
    assert finding.effect is not None
    assert finding.low is not None
    assert finding.high is not None
    assert finding.low < 0.6 < finding.high
    assert finding.adjusted is not None
    assert finding.p_value is not None
    assert finding.p_value < finding.adjusted <= 0.05


def test_the_own_work_of_a_caller_is_its_own() -> None:
    assert [("main;run;parse", REGRESSED)] == told(explained(PROGRAM | {"main;run;parse": 700}))


def test_what_is_sure_does_not_give_way_to_a_caller_that_happens_to_account_for_more() -> None:
    named = 0
    for seed in range(10):
        slower = PROGRAM | {"main;run;visit;insert;log": 420}
        sides = drawn_runs(PROGRAM, 5, seed), drawn_runs(slower, 5, 100 + seed)
        paths = explain_change(call_tree(*sides), Criteria(), True)
        assert paths.accounted >= ENOUGH
        named += ("main;run;visit;insert;log", REGRESSED) in told(paths)

    assert named >= 9


def test_siblings_that_changed_alike_are_told_by_their_caller() -> None:
    faster = {"main;run;visit;insert;append": 200, "main;run;visit;insert;log": 160}

    assert [("main;run;visit;insert", IMPROVED)] == told(explained(PROGRAM | faster))


def test_siblings_that_changed_against_each_other_are_told_each() -> None:
    change = {"main;run;visit;insert;append": 100, "main;run;visit;insert;log": 380}

    assert {
        ("main;run;visit;insert;append", IMPROVED),
        ("main;run;visit;insert;log", REGRESSED),
    } == set(told(explained(PROGRAM | change)))


def test_a_new_path_and_a_vanished_one() -> None:
    change = {"main;run;flush": 0, "main;run;batch;send": 250}

    assert [("main;run;batch;send", REGRESSED), ("main;run;flush", IMPROVED)] == told(explained(PROGRAM | change))


def test_a_thread_of_its_own_is_a_root_of_its_own() -> None:
    assert [("worker;poll;wait", REGRESSED)] == told(explained(PROGRAM | {"worker;poll;wait": 300}))


def test_a_program_that_is_slower_everywhere_is_judged_as_a_whole() -> None:
    paths = explained({path: round(1.4 * count) for path, count in PROGRAM.items()}, runs=8)

    assert paths.accounted >= ACCOUNTED
    assert len(paths.rows) <= MOST_ROWS
    assert REGRESSED in {row.finding.verdict for row in paths.rows}
    one = explain_change(
        call_tree(drawn_runs({"a;b": 900, "a;c": 9}, 5, 1), drawn_runs({"a;b": 1_300, "a;c": 9}, 5, 2)),
        Criteria(),
        True,
    )
    assert [("a;b", REGRESSED)] == told(one)
    [finding] = [row.finding for row in one.rows]
    assert finding.effect is not None
    assert abs(finding.effect - 0.43) < 0.1


def test_what_did_not_change_needs_no_explanation() -> None:
    paths = explained(PROGRAM, is_changed=False)

    assert () == paths.rows
    assert paths.rest_baseline_ns == paths.total_baseline_ns
    assert 0 == paths.accounted


def test_what_stands_out_is_told_even_if_the_program_as_a_whole_did_not_change() -> None:
    change = {"main;run;visit;insert;append": 100, "main;run;parse;token": 500}

    assert {
        ("main;run;visit;insert;append", IMPROVED),
        ("main;run;parse;token", REGRESSED),
    } == set(told(explained(PROGRAM | change, is_changed=False)))


def test_one_run_a_side_shows_nothing_by_itself() -> None:
    change = PROGRAM | {"main;run;visit;insert;log": 900}

    alone, known = explained(change, runs=1), explained(change, runs=1, history=8)

    assert [("main;run;visit;insert;log", INCONCLUSIVE)] == told(alone)
    assert alone.rows[0].finding.p_value is None
    assert [("main;run;visit;insert;log", REGRESSED)] == told(known)


def test_a_change_within_the_margin_is_equal() -> None:
    sides = (
        drawn_runs({"main;a": 40_000, "main;b": 30_000, "main;c": 30_000}, 8, 1, spread=0.002),
        drawn_runs({"main;a": 41_000, "main;b": 30_000, "main;c": 30_000}, 8, 2, spread=0.002),
    )

    paths = explain_change(call_tree(*sides), Criteria(margin=0.1), True)

    assert [("main;a", EQUAL)] == told(paths)
    assert not paths.rows[0].finding.is_relevant


def test_recursion_and_stacks_deeper_than_pythons() -> None:
    deep = ";".join(["main"] + ["walk"] * 3_000)
    slower = {deep: 500, "main": 900, "main;walk": 600}

    paths = explain_change(call_tree([slower | {deep: 200}] * 3, [slower] * 3), Criteria(), True)

    assert [3_001] == [len(row.path) for row in paths.rows]


def test_no_work_at_all_is_no_change() -> None:
    for side in ({}, {"main": 0}):
        paths = explain_change(call_tree([side], [side]), Criteria(), False)
        assert ((), 0, 1) == (paths.rows, paths.total_contender_ns, paths.accounted)
    gone = explain_change(call_tree([{"main;run": 50}], [{}]), Criteria(), True)
    assert [("main;run", INCONCLUSIVE)] == told(gone)


@pytest.mark.parametrize("runs", [2, 5])
def test_the_choice_among_many_subtrees_does_not_raise_false_alarms(runs: int) -> None:
    random = np.random.default_rng(7)
    shares = random.pareto(1.2, 150) + 0.3
    program: dict[str, int] = {}
    paths = ["main"]
    for place, share in enumerate(shares.tolist()):
        paths.append(f"{paths[int(random.integers(len(paths)))]};f{place}")
        program[paths[-1]] = round(3_000 * share / shares.sum())
    flagged, rows = 0, 0
    for seed in range(40):
        sides = drawn_runs(program, runs, 2 * seed, 0.05), drawn_runs(program, runs, 2 * seed + 1, 0.05)
        # A change of the whole that is none makes it look for an explanation in the noise.
        found = explain_change(call_tree(*sides), Criteria(), True)
        changed: Sequence[str] = [row.finding.verdict for row in found.rows if len(row.path) > 2]
        rows += len(changed)
        flagged += any(verdict in (REGRESSED, IMPROVED) for verdict in changed)

    assert rows > 20
    assert flagged <= 2
