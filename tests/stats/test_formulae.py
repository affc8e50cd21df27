"""The pieces of the comparison against slow and obvious twins."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.stats import dispersion, families, levels, needed, normal, sessions, small

NORMAL = NormalDist()


@given(st.floats(-37, 37))
def test_the_tail_is_that_of_the_normal_distribution(deviation: float) -> None:
    tail = float(normal.two_sided_tail(deviation))

    assert math.erfc(abs(deviation) / math.sqrt(2)) == pytest.approx(tail, rel=1e-5)


def test_a_tail_beyond_the_table_is_small_and_not_zero() -> None:
    assert 0 < float(normal.two_sided_tail(1e9)) < 1e-290


def test_the_half_width_of_one_normal_is_its_quantile() -> None:
    width = normal.half_width(np.ones((1, 1)), np.full((1, 1), 3.0), 0.05)

    assert 3 * NORMAL.inv_cdf(0.975) == pytest.approx(float(width[0]), rel=1e-5)


def test_the_half_width_of_a_mixture_leaves_the_right_part_outside() -> None:
    weights, spreads = np.array([[0.7, 0.3]]), np.array([[1.0, 4.0]])
    width = float(normal.half_width(weights, spreads, 0.1)[0])

    outside = sum(w * math.erfc(width / s / math.sqrt(2)) for w, s in zip(weights[0], spreads[0], strict=True))
    assert 0.1 == pytest.approx(outside, rel=1e-4)


def _adjusted(p_values: list[float], allowances: list[float]) -> list[float]:
    """Weighted Benjamini-Hochberg by its definition: the smallest factor at which a function is among the flagged."""
    ratios = [p / allowance for p, allowance in zip(p_values, allowances, strict=True)]
    least = []
    for ratio in ratios:
        at_least_as_large = [other for other in ratios if other >= ratio]
        least.append(min(other / sum(one <= other for one in ratios) for other in at_least_as_large))
    return least


@given(st.lists(st.tuples(st.floats(1e-9, 1), st.floats(1e-6, 1e-2)), min_size=1, max_size=12))
def test_adjusted_p_values_are_those_of_the_definition(tests: list[tuple[float, float]]) -> None:
    p_values, allowances = [p for p, _ in tests], [allowance for _, allowance in tests]

    found = families.adjust(np.array(p_values), np.array(allowances))

    assert _adjusted(p_values, allowances) == pytest.approx(found.tolist(), rel=1e-9)


def test_the_allowance_is_spent_whole() -> None:
    random = np.random.default_rng(1)
    found = families.spend(random.uniform(0.02, 0.5, 200), random.uniform(0, 0.03, 200), 0.02)

    assert 0.02 == pytest.approx(found.sum())
    assert (found >= 0).all()


def test_the_allowance_goes_to_large_functions_that_could_be_found() -> None:
    precise, middling, blurred, tiny = families.spend(
        np.array([0.01, 0.08, 0.5, 0.08]), np.array([0.05, 0.05, 0.05, 0.0001]), 0.02
    )

    assert middling > blurred > tiny
    assert middling > precise > 1e-4


def _power(runs: int, variance: float, earlier: float, level: float, margin: float) -> float:
    spread = math.sqrt(variance * (1 / runs + 1 / (runs + earlier)))
    return NORMAL.cdf(math.log1p(margin) / spread - NORMAL.inv_cdf(1 - level / 2))


@pytest.mark.parametrize("variance", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("earlier", [0.0, 10.0])
@pytest.mark.parametrize("level", [0.05, 0.001])
def test_the_runs_needed_are_the_fewest_with_the_power(variance: float, earlier: float, level: float) -> None:
    found = int(needed.runs_needed(np.array([variance]), np.array([earlier]), np.array([level]), 0.05)[0])

    fewest = next(runs for runs in range(1, 10_000) if _power(runs, variance, earlier, level, 0.05) >= 0.8)
    assert fewest == found


def test_more_than_a_million_runs_cannot_be_told() -> None:
    assert [0] == needed.runs_needed(np.array([1e9]), np.zeros(1), np.array([0.05]), 0.05).tolist()


def _binomial_tail(above: int, together: int, share: float) -> float:
    return sum(math.comb(together, k) * share**k * (1 - share) ** (together - k) for k in range(above, together + 1))


@pytest.mark.parametrize(("before", "after"), [(0, 4), (1, 9), (3, 12), (5, 5), (0, 30)])
def test_p_values_of_small_functions_bound_the_exact_ones(before: int, after: int) -> None:
    baseline, contender = np.zeros((3, 1)), np.zeros((3, 1))
    baseline[:, 0], contender[:, 0] = before, after

    bound = float(small.small_p_values(baseline, contender, 0.0)[0])

    counted = 2 * after  # the run that speaks most is left out
    assert bound >= _binomial_tail(counted, counted + 3 * before, 0.5)


def test_the_level_is_what_most_functions_share() -> None:
    log_ratios = np.concatenate([np.full(20, 0.1), [0.6, 0.7, 0.8]])

    level = levels.contender_level(
        log_ratios, np.full(23, 0.01**2), np.ones(23), np.array([3e-4]), np.ones((23, 1)), np.ones(23)
    )

    assert 0.1 == pytest.approx(level.log_ratio, abs=0.005)
    assert (level.changed[:20] < 0.1).all()
    assert (level.changed[20:] > 0.9).all()


def test_what_one_large_part_did_is_no_common_level() -> None:
    log_ratios = np.concatenate([np.full(18, -0.6), np.full(6, 0.0)])
    samples = np.concatenate([np.full(18, 20.0), np.full(6, 100.0)])
    sampling, per_run, grid = np.full(24, 0.04**2), np.ones(24), np.array([0.03**2])

    level = levels.contender_level(log_ratios, sampling, per_run, grid, np.ones((24, 1)), samples)

    assert 0 == pytest.approx(level.log_ratio, abs=0.01)
    assert (level.changed[:18] > 0.9).all()
    assert (level.changed[18:] < 0.5).all()


def test_factors_are_those_of_the_runs() -> None:
    speeds = np.array([0.9, 1.0, 1.1, 1.2])
    counts = np.outer(speeds, np.array([10_000.0, 5000, 3000, 1000]))

    factors = sessions.run_factors(counts, np.full(4, 0.01))

    np.testing.assert_allclose(factors, speeds / np.exp(np.log(speeds).mean()), rtol=1e-3)


def test_one_erratic_function_does_not_make_a_slow_run() -> None:
    counts = np.tile(np.full(20, 1000.0), (5, 1))
    counts[0, 0] = 6000

    factors = sessions.run_factors(counts, np.full(20, 0.0025))

    np.testing.assert_allclose(factors, 1, atol=0.02)


@pytest.mark.parametrize("cv", [0.03, 0.1, 0.3])
def test_dispersions_are_learned_from_many_functions(cv: float) -> None:
    random = np.random.default_rng(1)
    means = random.uniform(200, 5000, 150)
    counts = random.poisson(means * np.exp(cv * random.standard_normal((8, 150)))).astype(np.float64)
    session = sessions.fit_session(counts, np.full(150, cv**2))

    shares = dispersion.posterior(dispersion.log_likelihood([session]))

    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert cv == pytest.approx(math.sqrt(float(np.median(dispersion.typical(shares)))), rel=0.25)


def test_without_runs_to_learn_from_a_dispersion_is_the_first_guess() -> None:
    session = sessions.fit_session(np.array([[100.0, 50.0]]), np.full(2, 0.01))

    shares = dispersion.posterior(dispersion.log_likelihood([session]))

    np.testing.assert_allclose(shares, np.tile(dispersion.first_guess(), (2, 1)))


def test_the_drift_of_runs_is_learned() -> None:
    factors = 0.05 * np.random.default_rng(2).standard_normal(200)

    weights = levels.drift_posterior([factors], 1e6)

    assert 0.05 == pytest.approx(float((weights * levels.DRIFTS).sum()), rel=0.15)
