"""What `compare_counts` says of small, made-up programs."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from perfdb.errors import InputError
from perfdb.stats import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Differences, compare_counts

MEANS = np.array([4000.0, 2000, 1500, 900, 600, 400, 300, 200, 100, 60, 40, 20])
FIELDS = ("effect", "low", "high", "p_value", "adjusted", "verdict", "runs_needed")


def draw(seed: int, means: npt.NDArray[np.float64] = MEANS, runs: int = 5, cv: float = 0.04) -> npt.NDArray[np.int64]:
    """Runs of a steady program, shape (runs, functions)."""
    random = np.random.default_rng(seed)
    counts: npt.NDArray[np.int64] = random.poisson(means * np.exp(cv * random.standard_normal((runs, len(means)))))
    return counts


def times(place: int, factor: float) -> npt.NDArray[np.float64]:
    means = MEANS.copy()
    means[place] *= factor
    return means


def assert_same(left: Differences, right: Differences) -> None:
    for field in FIELDS:
        np.testing.assert_allclose(getattr(left, field), getattr(right, field), rtol=1e-6, atol=1e-9)
    assert left.total.verdict == right.total.verdict
    assert left.total.effect == pytest.approx(right.total.effect, rel=1e-6, abs=1e-9)


def test_a_function_that_doubled_regressed_and_nothing_else() -> None:
    found = compare_counts(draw(4), draw(5, times(3, 2)), draw(6, runs=10))

    assert REGRESSED == found.verdict[3]
    assert not np.isin(np.delete(found.verdict, 3), (REGRESSED, IMPROVED)).any()
    assert found.low[3] < 1.0 < found.high[3]
    assert found.adjusted[3] <= 0.05 < np.delete(found.adjusted, 3).min()


def test_a_function_that_halved_improved() -> None:
    found = compare_counts(draw(4), draw(5, times(3, 0.5)), draw(6, runs=10))

    assert IMPROVED == found.verdict[3]
    assert found.low[3] < -0.5 < found.high[3]


def test_a_slower_program_is_the_business_of_the_total() -> None:
    found = compare_counts(draw(1), draw(2, MEANS * 1.3), draw(3, runs=10))

    assert REGRESSED == found.total.verdict
    assert found.total.low < 0.3 < found.total.high
    assert not np.isin(found.verdict, (REGRESSED, IMPROVED)).any()


def test_twice_the_samples_of_everything_are_twice_the_total_and_leave_functions_alone() -> None:
    plain, doubled = compare_counts(draw(1), draw(2)), compare_counts(draw(1), 2 * draw(2))

    np.testing.assert_allclose(1 + plain.effect, 1 + doubled.effect, rtol=0.02)
    assert 2 * (1 + plain.total.effect) == pytest.approx(1 + doubled.total.effect, rel=0.01)


def test_a_steady_program_is_shown_equal_by_enough_runs() -> None:
    found = compare_counts(draw(1, MEANS * 10, runs=20, cv=0.02), draw(2, MEANS * 10, runs=20, cv=0.02))

    assert EQUAL == found.total.verdict
    assert [EQUAL] * 4 == found.verdict[:4].tolist()


def test_few_runs_of_an_erratic_program_are_inconclusive_and_say_how_many_would_tell() -> None:
    found = compare_counts(draw(1, runs=3, cv=0.2), draw(2, runs=3, cv=0.2))

    assert [INCONCLUSIVE] * len(MEANS) == found.verdict.tolist()
    assert (found.runs_needed > 3).all()


def test_one_run_a_side_without_history_tells_nothing() -> None:
    found = compare_counts(draw(1, runs=1), draw(2, times(0, 10), runs=1))

    assert [INCONCLUSIVE] * len(MEANS) == found.verdict.tolist()
    assert INCONCLUSIVE == found.total.verdict
    assert np.isnan(found.p_value).all()
    assert np.isnan(found.low).all()
    assert "record at least 3 runs a side" in found.caveats[0]


def test_one_run_a_side_with_history_tells_a_large_change() -> None:
    found = compare_counts(draw(1, runs=1), draw(2, times(3, 3), runs=1), draw(3, runs=10))

    assert REGRESSED == found.verdict[3]
    assert not np.isin(np.delete(found.verdict, 3), (REGRESSED, IMPROVED)).any()


def test_a_single_odd_run_of_some_functions_hardly_ever_flags_anything() -> None:
    flagged, slower = [], []
    for seed in range(100, 120):
        contender = draw(seed)
        contender[1, 4:7] *= 2
        found = compare_counts(draw(100 + seed), contender, draw(200 + seed, runs=10))
        flagged.append(np.isin(found.verdict, (REGRESSED, IMPROVED)).any())
        slower.append(found.total.verdict in (REGRESSED, IMPROVED))

    assert sum(flagged) <= 1
    assert sum(slower) <= 2


def test_a_burst_of_a_small_function_in_one_run_flags_nothing() -> None:
    means = np.append(MEANS, 0.0)
    contender = draw(2, means)
    contender[0, -1] = 14

    found = compare_counts(draw(1, means), contender, draw(3, means, runs=10))

    assert INCONCLUSIVE == found.verdict[-1]


def test_a_small_function_that_came_from_nothing_in_every_run_regressed() -> None:
    means = np.append(MEANS, 0.0)
    contender = draw(2, means, runs=10)
    contender[:, -1] = 5

    found = compare_counts(draw(1, means, runs=10), contender, draw(3, means, runs=10))

    assert REGRESSED == found.verdict[-1]


def test_a_level_that_moved_before_the_baseline_raises_no_alarm() -> None:
    found = compare_counts(draw(1), draw(2), draw(3, times(1, 1.5), runs=10))

    assert not np.isin(found.verdict, (REGRESSED, IMPROVED)).any()


def test_history_narrows_the_interval() -> None:
    alone = compare_counts(draw(1, runs=3), draw(2, runs=3))
    informed = compare_counts(draw(1, runs=3), draw(2, runs=3), draw(3, runs=20))

    assert (informed.high - informed.low)[0] < (alone.high - alone.low)[0]


def test_a_wider_margin_makes_more_equal_and_needs_fewer_runs() -> None:
    narrow = compare_counts(draw(1), draw(2), margin=0.05)
    wide = compare_counts(draw(1), draw(2), margin=0.3)

    assert (wide.verdict == EQUAL).sum() > (narrow.verdict == EQUAL).sum()
    assert (wide.runs_needed <= narrow.runs_needed).all()
    np.testing.assert_array_equal(narrow.p_value, wide.p_value)


def test_a_smaller_false_discovery_rate_flags_less_easily() -> None:
    usual, strict = (compare_counts(draw(1), draw(2, times(3, 1.25)), fdr=fdr) for fdr in (0.05, 1e-9))

    assert REGRESSED == usual.verdict[3]
    assert INCONCLUSIVE == strict.verdict[3]


@pytest.mark.parametrize("seed", range(3))
def test_swapped_sides_turn_effects_and_verdicts_around(seed: int) -> None:
    before, after = draw(10 + seed), draw(20 + seed, times(3, 2))
    forth, back = compare_counts(before, after), compare_counts(after, before)

    np.testing.assert_allclose(1 / (1 + back.effect), 1 + forth.effect, rtol=1e-9)
    np.testing.assert_allclose(forth.p_value, back.p_value, rtol=1e-6)
    # A third less is half as much again the other way round, so `equal` within ± 5 % may turn; flags do not.
    flags = [np.where(np.isin(found.verdict, (REGRESSED, IMPROVED)), found.verdict, 0) for found in (forth, back)]
    np.testing.assert_array_equal(flags[0], -flags[1])


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_functions_does_not_matter(seed: int) -> None:
    sides = draw(1), draw(2, times(3, 2)), draw(3, runs=10)
    order = np.random.default_rng(seed).permutation(len(MEANS))
    straight, mixed = compare_counts(*sides), compare_counts(*(side[:, order] for side in sides))

    for field in FIELDS:
        np.testing.assert_allclose(getattr(straight, field)[order], getattr(mixed, field), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_runs_does_not_matter(seed: int) -> None:
    sides = draw(1), draw(2, times(3, 2)), draw(3, runs=10)
    random = np.random.default_rng(seed)

    assert_same(compare_counts(*sides), compare_counts(*(random.permutation(side, axis=0) for side in sides)))


def test_the_same_counts_give_the_same_answer_to_the_last_bit() -> None:
    first, second = (compare_counts(draw(1), draw(2), draw(3, runs=10)) for _ in range(2))

    for field in FIELDS:
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
    assert first.total == second.total


def test_functions_without_samples_change_nothing() -> None:
    sides = draw(1), draw(2, times(3, 2)), draw(3, runs=10)
    padded = [np.concatenate([side, np.zeros((len(side), 3), np.int64)], axis=1) for side in sides]
    plain, more = compare_counts(*sides), compare_counts(*padded)

    np.testing.assert_allclose(plain.effect, more.effect[:-3], rtol=1e-9)
    np.testing.assert_array_equal(plain.verdict, more.verdict[:-3])
    assert np.isnan(more.effect[-3:]).all()


def test_groups_are_one_for_each_function() -> None:
    with pytest.raises(InputError, match="a group for each of 12 functions"):
        compare_counts(draw(1), draw(2), groups=[1, 2])


@pytest.mark.parametrize(
    ("baseline", "contender", "message"),
    [
        ([[-1, 2]], [[1, 2]], "the baseline holds a negative count"),
        ([[1, 2]], [[1.5, 2]], "the contender holds counts that are not whole"),
        ([[1, 2]], [[float("nan"), 2]], "the contender holds values that are not finite"),
        ([[1, 2]], [[float("inf"), 2]], "the contender holds values that are not finite"),
        ([[1, 2]], [[1, 2, 3]], "the contender has 3 functions and the baseline has 2"),
        ([1, 2], [[1, 2]], r"the baseline has the shape \(2,\)"),
        ([[1, 2], [3]], [[1, 2]], "its runs differ in length"),
        ([["a", "b"]], [[1, 2]], "the baseline holds <U1 values"),
        ([[2.0**60]], [[1]], "above 2"),
        (np.zeros((0, 2)), [[1, 2]], "the baseline has no runs"),
        ([[1, 2]], np.zeros((0, 2)), "the contender has no runs"),
    ],
)
def test_what_is_no_count_is_refused(baseline: npt.ArrayLike, contender: npt.ArrayLike, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compare_counts(baseline, contender)


def test_a_history_of_other_functions_is_refused() -> None:
    with pytest.raises(InputError, match="the history has 2 functions"):
        compare_counts(draw(1), draw(2), [[1, 2]])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_or_margin_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(InputError, match="fdr"):
        compare_counts(draw(1), draw(2), fdr=fraction)
    with pytest.raises(InputError, match="margin"):
        compare_counts(draw(1), draw(2), margin=fraction)


def test_a_side_without_samples_is_told() -> None:
    found = compare_counts(np.zeros((3, 2), np.int64), [[5, 5]] * 3)

    assert ("the baseline has no samples",) == found.caveats
    assert [INCONCLUSIVE] * 2 == found.verdict.tolist()


def test_history_runs_without_samples_do_not_count() -> None:
    empty = np.zeros((4, len(MEANS)), np.int64)

    assert_same(compare_counts(draw(1), draw(2)), compare_counts(draw(1), draw(2), empty))


def test_runs_that_are_all_alike_are_equal_where_samples_are_many() -> None:
    found = compare_counts([[100_000, 50_000]] * 5, [[100_000, 50_000]] * 5)

    assert [EQUAL, EQUAL] == found.verdict.tolist()
    assert EQUAL == found.total.verdict


def test_the_only_function_is_told_by_the_total() -> None:
    found = compare_counts([[1000], [1010], [990]], [[1500], [1520], [1490]])

    assert REGRESSED == found.total.verdict
    assert found.verdict[0] not in (REGRESSED, IMPROVED)


def test_no_functions_are_no_verdicts() -> None:
    found = compare_counts(np.zeros((3, 0), np.int64), np.zeros((3, 0), np.int64))

    assert [] == found.verdict.tolist()


def test_two_hundred_thousand_functions_are_an_answer() -> None:
    counts = np.random.default_rng(5).poisson(0.1, (6, 200_000))

    found = compare_counts(counts[:3], counts[3:])

    assert 200_000 == len(found.verdict)
    assert not np.isin(found.verdict, (REGRESSED, IMPROVED)).any()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda functions: st.tuples(
            *(
                arrays.arrays(
                    np.int64,
                    st.tuples(st.integers(least, 4), st.just(functions)),
                    elements=st.one_of(st.integers(0, 9), st.integers(0, 2**53)),
                )
                for least in (1, 1, 0)
            )
        )
    )
)
def test_any_counts_are_an_answer_without_a_warning(
    sides: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare_counts(*sides)

    told = np.isfinite(found.low)
    assert (found.low[told] <= found.effect[told]).all()
    assert (found.effect[told] <= found.high[told]).all()
    assert np.isin(found.verdict, (REGRESSED, IMPROVED, EQUAL, INCONCLUSIVE)).all()
    assert np.isin(found.verdict[np.isnan(found.p_value)], (INCONCLUSIVE,)).all()
