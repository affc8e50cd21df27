"""One function's evidence from several examples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perfdb.errors import InputError
from perfdb.stats import pool_effects

NAN = math.nan


def interval(log_ratio: float, error: float) -> tuple[float, float, float]:
    """Effect, low and high of a log-ratio with a standard error."""
    return math.expm1(log_ratio), math.expm1(log_ratio - 1.959964 * error), math.expm1(log_ratio + 1.959964 * error)


def pool(*examples: tuple[float, float, float]) -> tuple[float, float, float, float]:
    effect, low, high, p_value = pool_effects(*(np.array(each)[:, None] for each in zip(*examples, strict=True)))
    return float(effect[0]), float(low[0]), float(high[0]), float(p_value[0])


def test_one_example_is_its_own_pool() -> None:
    effect, low, high, p_value = pool(interval(0.3, 0.1))

    assert interval(0.3, 0.1) == pytest.approx((effect, low, high), rel=1e-5)
    assert math.erfc(3 / math.sqrt(2)) == pytest.approx(p_value, rel=1e-4)


def test_examples_that_agree_are_averaged_by_their_precision() -> None:
    effect, low, high, _ = pool(interval(0.20, 0.1), interval(0.23, 0.2))

    mean = (0.20 / 0.01 + 0.23 / 0.04) / (1 / 0.01 + 1 / 0.04)
    assert interval(mean, math.sqrt(1 / 125)) == pytest.approx((effect, low, high), rel=1e-5)


def test_examples_that_disagree_widen_the_interval_as_dersimonian_and_laird_say() -> None:
    centres, errors = [0.0, 0.4, 0.9], [0.1, 0.1, 0.2]
    effect, low, high, _ = pool(*map(interval, centres, errors))

    weights = [error**-2 for error in errors]
    fixed = sum(w * y for w, y in zip(weights, centres, strict=True)) / sum(weights)
    q = sum(w * (y - fixed) ** 2 for w, y in zip(weights, centres, strict=True))
    between = (q - 2) / (sum(weights) - sum(w * w for w in weights) / sum(weights))
    weights = [1 / (error**2 + between) for error in errors]
    mean = sum(w * y for w, y in zip(weights, centres, strict=True)) / sum(weights)
    assert between > 0
    assert interval(mean, sum(weights) ** -0.5) == pytest.approx((effect, low, high), rel=1e-5)


def test_an_example_without_the_function_counts_for_nothing() -> None:
    assert pool(interval(0.3, 0.1)) == pytest.approx(pool((NAN, NAN, NAN), interval(0.3, 0.1)))


@pytest.mark.parametrize("unknown", [(NAN, NAN, NAN), (0.1, NAN, 0.2), (-1.0, -1.0, 0.0), (0.5, 0.1, math.inf)])
def test_what_no_example_knows_is_unknown(unknown: tuple[float, float, float]) -> None:
    assert np.isnan(pool(unknown, unknown)).all()


def test_examples_that_pull_together_show_what_none_shows_alone() -> None:
    alone = pool(interval(0.15, 0.1))[3]
    together = pool(*[interval(0.15, 0.1)] * 4)[3]

    assert together < 0.01 < 0.05 < alone


def test_an_interval_of_no_width_is_no_division_by_zero() -> None:
    effect, low, high, _ = pool((0.1, 0.1, 0.1), interval(0.0, 0.5))

    assert 0.1 == pytest.approx(effect)
    assert low <= effect <= high


def test_no_examples_know_nothing() -> None:
    assert [True, True] == np.isnan(pool_effects(*[np.zeros((0, 2))] * 3).effect).tolist()


def test_tables_of_different_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="must be"):
        pool_effects(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 2)))
    with pytest.raises(InputError, match="must be"):
        pool_effects([0.1], [0.0], [0.2])
