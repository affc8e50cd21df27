"""What `compare_values` says of small, made-up measurements, and how often it is right."""

from __future__ import annotations

import math
import warnings
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfdb.errors import InputError
from perfdb.stats import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    TotalDifference,
    Values,
    compare_values,
    judge_values,
    repetition_error,
)
from perfdb.stats.mixture import ODD_RUN, ODD_SPREADS, SPREADS, Mixture, level_of
from tests.bench.detection_values import run_cell

NAN = math.nan
SEEDS = range(150)


def once(values: npt.ArrayLike) -> Values:
    """Runs of one repetition each."""
    array = np.asarray(values, np.float64)
    return Values(array, np.zeros(len(array)))


def draw(seed: int, level: float = 100.0, runs: int = 5, cv: float = 0.02) -> Values:
    return once(level * np.exp(cv * np.random.default_rng(seed).standard_normal(runs)))


def assert_same(left: TotalDifference, right: TotalDifference, rel: float = 1e-6) -> None:
    for field in fields(TotalDifference):
        expected, found = getattr(left, field.name), getattr(right, field.name)
        assert expected == pytest.approx(found, rel=rel, abs=1e-9, nan_ok=True), field.name


def test_a_time_that_grew_by_a_fifth_regressed() -> None:
    found = compare_values(draw(1), draw(2, 120))

    assert REGRESSED == found.verdict
    assert found.low < 0.2 < found.high
    assert found.adjusted <= 0.05


def test_a_time_that_fell_by_a_fifth_improved() -> None:
    assert IMPROVED == compare_values(draw(1), draw(2, 80)).verdict


def test_steady_times_are_shown_equal() -> None:
    found = compare_values(draw(1, cv=0.01), draw(2, cv=0.01))

    assert EQUAL == found.verdict
    assert found.within < 0.05


def test_few_erratic_runs_are_inconclusive_and_say_how_many_would_tell() -> None:
    found = compare_values(draw(1, runs=3, cv=0.1), draw(2, runs=3, cv=0.1))

    assert INCONCLUSIVE == found.verdict
    assert found.runs_needed > 10


def test_memory_that_is_alike_in_all_runs_is_equal() -> None:
    found = compare_values(once([2.0e8] * 5), once([2.0e8] * 5))

    assert EQUAL == found.verdict
    assert 0 == found.effect
    assert -0.01 < found.low < 0 < found.high < 0.01


def test_memory_that_is_alike_on_each_side_and_grew_by_a_third_regressed() -> None:
    found = compare_values(once([2.0e8] * 5), once([2.6e8] * 5))

    assert REGRESSED == found.verdict
    assert 0.3 == pytest.approx(found.effect)


def test_a_ten_thousandth_more_memory_is_not_significant() -> None:
    found = compare_values(once([200_000_000] * 5), once([200_020_000] * 5), margin=0.00001)

    assert found.adjusted > 0.05
    assert INCONCLUSIVE == found.verdict


def test_one_run_a_side_tells_the_plain_ratio_and_nothing_else() -> None:
    found = compare_values(once([100]), once([300]))

    assert_same(TotalDifference(2.0, NAN, NAN, NAN, NAN, INCONCLUSIVE, 0), found)


def test_repetitions_within_one_run_tell_nothing_of_how_runs_vary() -> None:
    precise = [Values(np.array([value]), np.array([0.0001])) for value in (100.0, 300.0)]

    assert math.isnan(compare_values(precise[0], precise[1]).p_value)


def test_one_run_a_side_with_ten_earlier_ones_tells_a_large_change() -> None:
    earlier = draw(3, runs=10)

    assert REGRESSED == compare_values(once([100]), once([130]), earlier).verdict
    assert INCONCLUSIVE == compare_values(once([100]), once([103]), earlier).verdict


def test_one_run_a_side_is_not_flagged_among_many_for_it_may_be_odd() -> None:
    unchanged = [compare_values(once([100]), once([100]), draw(seed, runs=10)) for seed in range(40)]
    odd = compare_values(once([100]), once([130]), draw(3, runs=10))

    assert REGRESSED == odd.verdict
    assert INCONCLUSIVE == judge_values([odd, *unchanged])[0].verdict


@pytest.mark.parametrize("runs", [2, 3, 5, 10])
def test_one_odd_run_does_not_decide(runs: int) -> None:
    for odd in (1.1, 1.3, 2.0, 10.0):
        contender = draw(2, runs=runs)
        contender.value[0] *= odd

        assert compare_values(draw(1, runs=runs), contender, draw(3, runs=10)).verdict not in (REGRESSED, IMPROVED)


def test_an_odd_run_hardly_moves_the_effect() -> None:
    contender = draw(2)
    contender.value[0] *= 1.5

    assert 0 == pytest.approx(compare_values(draw(1), contender).effect, abs=0.03)


@pytest.mark.parametrize("level", [50.0, 70.0, 90.0, 150.0, 1000.0])
def test_a_level_that_moved_before_the_baseline_raises_no_alarm(level: float) -> None:
    assert compare_values(draw(1), draw(2), draw(3, level, runs=10)).verdict not in (REGRESSED, IMPROVED)


def test_history_narrows_the_interval_and_spares_runs() -> None:
    widths, needed = np.zeros(2), np.zeros(2)
    for seed in range(10):
        sides = draw(seed, runs=3), draw(100 + seed, runs=3)
        found = compare_values(*sides), compare_values(*sides, draw(200 + seed, runs=20))
        widths += [each.high - each.low for each in found]
        needed += [each.runs_needed for each in found]

    assert widths[1] < 0.8 * widths[0]
    assert needed[1] < 0.8 * needed[0]


def test_a_history_of_another_level_spares_fewer_runs() -> None:
    fresh, stale = (compare_values(draw(1), draw(2), draw(3, level, runs=10)) for level in (100, 200))

    assert fresh.runs_needed < stale.runs_needed


def test_uncertain_medians_widen_the_interval() -> None:
    blurred = [replace(draw(seed), error=np.full(5, 0.05)) for seed in (1, 2)]
    plain, wide = compare_values(draw(1), draw(2)), compare_values(blurred[0], blurred[1])

    assert wide.high - wide.low > 1.5 * (plain.high - plain.low)


def test_a_run_of_one_repetition_is_no_better_known_than_the_others() -> None:
    error = np.full(5, 0.05)
    some = replace(draw(2), error=np.where(np.arange(5) == 0, 0.0, error))

    assert_same(
        compare_values(replace(draw(1), error=error), replace(draw(2), error=error)),
        compare_values(replace(draw(1), error=error), some),
    )


def test_errors_that_are_not_known_are_none() -> None:
    unknown = replace(draw(2), error=np.array([NAN, math.inf, -1, 0, 0]))

    assert compare_values(draw(1), draw(2)) == compare_values(draw(1), unknown)


@pytest.mark.parametrize("bad", [0.0, -1.0, NAN, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_of_a_value_that_is_not_positive_and_finite_nothing_is_told(bad: float, place: int) -> None:
    sides = [draw(1), draw(2)]
    sides[place].value[3] = bad

    found = compare_values(sides[0], sides[1], draw(3, runs=10))

    assert_same(TotalDifference(NAN, NAN, NAN, NAN, NAN, INCONCLUSIVE, 0), found)


def test_earlier_runs_without_a_usable_value_are_left_out() -> None:
    earlier = draw(3, runs=8)
    more = once([*earlier.value, 0, NAN, -5, math.inf])

    assert compare_values(draw(1), draw(2), earlier) == compare_values(draw(1), draw(2), more)
    assert compare_values(draw(1), draw(2)) == compare_values(draw(1), draw(2), once([0, 0]))


def test_two_runs_a_side_one_step_of_the_clock_apart_tell_nothing() -> None:
    for runs in (2, 3):
        found = compare_values(once([31.25] * runs), once([46.875] * runs))
        assert found.p_value > 0.01


def test_ten_runs_a_side_one_step_of_the_clock_apart_tell_a_change() -> None:
    assert REGRESSED == compare_values(once([31.25] * 10), once([46.875] * 10)).verdict


def test_values_of_a_coarse_clock_that_are_alike_are_equal_only_to_who_does_not_know_the_clock() -> None:
    sides = once([31.25] * 5), once([31.25] * 5)

    assert EQUAL == compare_values(*sides).verdict
    assert INCONCLUSIVE == compare_values(*sides, step=15.625).verdict


def test_a_step_is_found_where_values_differ() -> None:
    sides = once([312.5, 328.125, 312.5, 296.875, 312.5]), once([312.5, 328.125, 328.125, 312.5, 312.5])

    assert_same(compare_values(*sides), compare_values(*sides, step=15.625))


@pytest.mark.parametrize(
    ("baseline", "contender", "options", "message"),
    [
        (once([]), once([1]), {}, "the baseline has no runs"),
        (once([1]), once([]), {}, "the contender has no runs"),
        (Values(np.ones(2), np.zeros(3)), once([1]), {}, r"shape \(2,\) and errors of shape \(3,\)"),
        (once([1, 2]), once([1, 2]), {"fdr": 0.0}, "fdr"),
        (once([1, 2]), once([1, 2]), {"margin": 1.0}, "margin"),
        (once([1, 2]), once([1, 2]), {"step": -1.0}, "step is -1"),
        (once([1, 2]), once([1, 2]), {"step": NAN}, "step is nan"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    baseline: Values, contender: Values, options: dict[str, float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        compare_values(baseline, contender, None, **options)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6), st.floats(0.7, 1.4))
def test_swapped_sides_turn_the_verdict_around(seed: int, first: int, second: int, factor: float) -> None:
    before, after = draw(seed, runs=first), draw(seed + 1, 100 * factor, runs=second)
    forth, back = compare_values(before, after), compare_values(after, before)

    assert 1 + forth.effect == pytest.approx(1 / (1 + back.effect), rel=1e-6)
    assert forth.p_value == pytest.approx(back.p_value, rel=1e-6, nan_ok=True)
    assert 1 + forth.low == pytest.approx(1 / (1 + back.high), rel=1e-6, nan_ok=True)
    # A third less is half as much again the other way round, so `equal` within ± 5 % may turn; flags do not.
    flags = [found.verdict if found.verdict in (REGRESSED, IMPROVED) else 0 for found in (forth, back)]
    assert EQUAL in (forth.verdict, back.verdict) or flags[0] == -flags[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0, 10]), st.sampled_from([1e6, 1e-9, 60.0, 1e200]))
def test_the_unit_does_not_matter(seed: int, runs: int, earlier: int, unit: float) -> None:
    sides = [draw(seed, runs=runs), draw(seed + 1, 107, runs=runs), draw(seed + 2, runs=earlier)]

    assert_same(compare_values(*sides), compare_values(*(once(side.value * unit) for side in sides)), rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([0, 10]))
def test_the_order_of_runs_does_not_matter(seed: int, runs: int, earlier: int) -> None:
    random = np.random.default_rng(seed)
    sides = [
        Values(np.round(random.uniform(90, 110, count)), random.choice([0.0, 0.01, 0.02], count))
        for count in (runs, runs, earlier)
    ]
    mixed = []
    for side in sides:
        order = random.permutation(len(side.value))
        mixed.append(Values(side.value[order], side.error[order]))

    assert_same(compare_values(*sides), compare_values(*mixed), rel=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("error", [0.0, 0.02])
def test_twice_the_runs_narrow_the_interval(seed: int, error: float) -> None:
    sides = [draw(seed, runs=3).value, draw(seed + 100, runs=3).value]
    widths = []
    for times in (1, 2, 4):
        runs = [Values(np.tile(side, times), np.full(3 * times, error)) for side in sides]
        found = compare_values(runs[0], runs[1])
        widths.append(found.high - found.low)

    assert widths == sorted(widths, reverse=True)


@settings(max_examples=100, deadline=None)
@given(
    *(
        st.lists(
            st.tuples(st.floats(1e-300, 1e300) | st.sampled_from([1.0, 2.0, 3.0]), st.floats(0, 10)),
            min_size=least,
            max_size=6,
        )
        for least in (1, 1, 0)
    )
)
def test_any_positive_values_are_an_answer_without_a_warning(
    baseline: list[tuple[float, float]], contender: list[tuple[float, float]], history: list[tuple[float, float]]
) -> None:
    sides = [
        Values(np.array([value for value, _ in side]), np.array([error for _, error in side]))
        for side in (baseline, contender, history)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare_values(*sides)

    if math.isnan(found.p_value):
        assert 1 == len(baseline) == len(contender)
        assert len(history) < 2
        return
    assert found.low <= found.effect <= found.high
    assert 0 < found.p_value <= 1
    assert found.verdict in (REGRESSED, IMPROVED, EQUAL, INCONCLUSIVE)


def test_many_values_are_judged_as_one_family() -> None:
    slower = compare_values(draw(1), draw(2, 106))
    unchanged = [compare_values(draw(10 + seed), draw(500 + seed)) for seed in range(200)]
    assert REGRESSED == slower.verdict
    assert 0.05 / 200 < slower.p_value

    judged = judge_values([slower, *unchanged])

    assert INCONCLUSIVE == judged[0].verdict
    assert slower.adjusted < judged[0].adjusted
    assert slower.p_value == judged[0].p_value


def test_one_value_keeps_its_verdict() -> None:
    for found in (compare_values(draw(1), draw(2, 110)), compare_values(draw(1), draw(2))):
        assert_same(found, judge_values([found])[0])


def test_what_cannot_be_told_is_not_counted() -> None:
    found, untold = compare_values(draw(1), draw(2, 110)), compare_values(once([1]), once([2]))

    judged = judge_values([untold, found, untold])

    assert_same(found, judged[1])
    assert_same(untold, judged[0])
    assert [] == judge_values([])


def test_families_ask_for_fractions() -> None:
    with pytest.raises(InputError, match="fdr"):
        judge_values([], fdr=2)


@pytest.mark.parametrize("repetitions", [2, 3, 5, 8, 20])
def test_the_error_of_a_median_is_that_of_many_medians(repetitions: int) -> None:
    samples = 50 + np.random.default_rng(1).standard_normal((20_000, repetitions))
    truth = np.median(samples, axis=1).std() / 50

    assert truth == pytest.approx(repetition_error(1.0, 50.0, repetitions), rel=0.12)


@pytest.mark.parametrize(
    ("spread", "median", "repetitions"),
    [(None, 5.0, 1), (None, 5.0, 3), (1.0, 5.0, 1), (1.0, 0.0, 5), (1.0, -5.0, 5), (NAN, 5.0, 5), (1.0, NAN, 5)],
)
def test_an_error_that_nobody_knows_is_none(spread: float | None, median: float, repetitions: int) -> None:
    assert 0.0 == repetition_error(spread, median, repetitions)


def test_the_level_of_a_few_runs_is_that_of_the_integral() -> None:
    logs, errors = np.array([0.0, 0.02, 0.3]), np.array([0.0, 0.01, 0.02])
    grid = np.linspace(-3, 4, 140_001)
    parts = level_of(logs, errors)
    for place in (6, 12, len(SPREADS) - 1):
        density = np.zeros(len(grid))
        for spread in ODD_SPREADS.tolist():
            likelihood = np.ones(len(grid)) / len(ODD_SPREADS)
            for log, error in zip(logs.tolist(), errors.tolist(), strict=True):
                usual = SPREADS[place] ** 2 + error**2
                likelihood *= sum(
                    share * np.exp(-((grid - log) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
                    for share, variance in ((1 - ODD_RUN, usual), (ODD_RUN, usual + spread**2))
                )
            density += likelihood
        total = density.sum() * (grid[1] - grid[0])
        weights = np.exp(parts.log_weight[place])

        assert total == pytest.approx(weights.sum(), rel=1e-4)
        mean = (density * grid).sum() / density.sum()
        assert mean == pytest.approx((weights * parts.centre[place]).sum() / weights.sum(), abs=1e-5)


def test_quantiles_of_a_mixture_leave_the_right_part_below() -> None:
    mixture = Mixture(np.array([0.6, 0.399, 0.001]), np.array([0.0, 1.0, -50.0]), np.array([0.01, 2.0, 3.0]))
    wanted = np.array([0.0005, 0.025, 0.3, 0.95, 0.975])

    for quantile, probability in zip(mixture.quantiles(wanted).tolist(), wanted.tolist(), strict=True):
        below = sum(
            weight * math.erfc((centre - quantile) / spread / math.sqrt(2)) / 2
            for weight, centre, spread in zip(mixture.weight, mixture.centre, mixture.spread, strict=True)
        )
        assert probability == pytest.approx(below, abs=1e-5)


@pytest.mark.parametrize(
    ("law", "runs", "earlier"), [("normal", 3, 0), ("heavy", 3, 10), ("odd", 1, 10), ("moved", 3, 10), ("steps", 2, 0)]
)
def test_when_nothing_changed_hardly_a_comparison_is_flagged(law: str, runs: int, earlier: int) -> None:
    outcomes = run_cell(SEEDS, law, runs, earlier)

    assert sum(outcome.flagged for outcome in outcomes) <= 0.06 * len(outcomes)
    assert sum(outcome.covered for outcome in outcomes) >= 0.92 * len(outcomes)


def test_a_tenth_more_is_found_by_five_runs_a_side() -> None:
    outcomes = run_cell(SEEDS, "odd", 5, 10, change=0.1)

    assert sum(outcome.right for outcome in outcomes) >= 0.95 * len(outcomes)
    assert not any(outcome.equal for outcome in outcomes)
