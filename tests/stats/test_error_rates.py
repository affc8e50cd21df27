"""The figures of `make bench-detection` in small: seeded, so that they are the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.detection import Outcome, judge, run_cell
from tests.bench.detection_law import make_case, make_program, make_runs, shares_by_rank

SEEDS = range(500, 512)


def cell(runs: int, **what: float) -> list[Outcome]:
    return run_cell(SEEDS, lambda seed, samples: make_case(seed, runs, samples, functions=400, **what))  # type: ignore[arg-type]


def test_when_nothing_changed_hardly_a_comparison_flags_anything() -> None:
    outcomes = cell(3)

    assert sum(outcome.false_flags > 0 for outcome in outcomes) <= 2


def test_functions_that_changed_by_half_are_found() -> None:
    outcomes = cell(5, changed=5, change=0.5)

    assert sum(outcome.found for outcome in outcomes) >= 0.75 * sum(outcome.changed for outcome in outcomes)
    assert np.mean([outcome.false_share for outcome in outcomes]) <= 0.06
    assert sum(outcome.wrongly_equal for outcome in outcomes) == 0


def test_a_program_that_is_a_tenth_slower_is_found() -> None:
    assert sum(outcome.total_regressed for outcome in cell(5, speed=0.1)) >= 0.9 * 2 * len(SEEDS)


def test_intervals_cover_the_truth() -> None:
    outcomes = cell(3, changed=1, change=0.2)

    covered = sum(outcome.covered for outcome in outcomes) / sum(outcome.intervals for outcome in outcomes)
    assert 0.92 <= covered <= 0.98


def test_the_law_has_the_shares_that_it_says() -> None:
    shares = shares_by_rank()

    assert 1 == pytest.approx(shares.sum())
    assert 18 == (shares >= 0.01).sum()
    assert 0.25 == pytest.approx(shares[0], abs=0.01)


def test_the_law_has_the_variation_that_it_says() -> None:
    random = np.random.default_rng(1)
    program = make_program(random, 50)
    counts = make_runs(random, program, np.full(50, 1e6), 3000)

    spread = np.log(np.maximum(counts, 1)).std(axis=0)
    np.testing.assert_allclose(spread, np.sqrt(program.cvs**2 + 0.03**2), rtol=0.35)
    assert 1 == pytest.approx(counts.mean() / 1e6, abs=0.01)


def test_a_case_is_made_by_its_seed() -> None:
    first, second = (make_case(7, 3, 2000, changed=5, change=0.2, functions=100) for _ in range(2))

    np.testing.assert_array_equal(first.contender, second.contender)
    assert 5 == (first.effects != 0).sum()
    assert judge(first) == judge(second)
