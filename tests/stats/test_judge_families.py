"""Verdicts over several examples at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfdb.errors import InputError
from perfdb.stats import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    REGRESSED,
    Differences,
    benjamini_hochberg,
    compare_counts,
    judge_families,
)
from perfdb.stats.judging import TOTAL_SHARE
from tests.bench.detection_law import make_case
from tests.stats.test_compare_counts import MEANS, draw, times

FLAGS = (REGRESSED, IMPROVED)


def example(seed: int, factor: float = 1.0, runs: int = 5) -> Differences:
    return compare_counts(draw(seed, runs=runs), draw(seed + 500, times(3, factor), runs=runs))


@pytest.mark.parametrize("factor", [1.0, 1.3, 2.0, 0.5])
@pytest.mark.parametrize("fdr", [0.05, 0.2])
@pytest.mark.parametrize("margin", [0.05, 0.2])
def test_one_example_keeps_its_verdicts(factor: float, fdr: float, margin: float) -> None:
    sides = draw(1, MEANS * 3), draw(2, times(3, factor) * 3)
    alone = compare_counts(*sides, fdr=fdr, margin=margin)

    (judged,) = judge_families([alone], fdr=fdr, margin=margin)

    np.testing.assert_array_equal(alone.adjusted, judged.adjusted)
    np.testing.assert_array_equal(alone.verdict, judged.verdict)
    assert alone.total == judged.total


def test_another_margin_is_judged_as_if_it_had_been_asked_for_at_once() -> None:
    sides = draw(1, MEANS * 3, runs=10), draw(2, MEANS * 3, runs=10)

    (judged,) = judge_families([compare_counts(*sides, margin=0.02)], margin=0.3)

    wide = compare_counts(*sides, margin=0.3)
    assert EQUAL in wide.verdict
    np.testing.assert_array_equal(wide.verdict, judged.verdict)
    assert wide.total.verdict == judged.total.verdict


def test_a_change_is_found_among_many_examples() -> None:
    judged = judge_families([example(seed, 2.0 if seed == 7 else 1.0) for seed in range(10)])

    flagged = [np.flatnonzero(np.isin(one.verdict, FLAGS)).tolist() for one in judged]
    assert [[3] if seed == 7 else [] for seed in range(10)] == flagged


def test_more_examples_ask_more_of_each_function() -> None:
    alone, others = example(1, 1.3), [example(seed) for seed in range(2, 20)]

    judged = judge_families([alone, *others])

    assert 19 * alone.adjusted[3] == pytest.approx(judged[0].adjusted[3])
    assert all(
        (after.adjusted >= before.adjusted - 1e-12).all() for before, after in zip(others, judged[1:], strict=True)
    )


def test_an_example_that_cannot_be_tested_takes_nothing_from_the_others() -> None:
    nothing = example(1, runs=1)
    judged = judge_families([nothing, example(2, 2.0)])

    np.testing.assert_array_equal(example(2, 2.0).adjusted, judged[1].adjusted)
    assert np.isnan(judged[0].adjusted).all()
    assert [INCONCLUSIVE] * len(MEANS) == judged[0].verdict.tolist()
    assert np.isnan(judged[0].total.adjusted)


def test_totals_are_a_family() -> None:
    examples = [example(seed) for seed in range(4)]
    p_values = [0.001, 0.015, 0.04, 0.5]
    changed = [
        replace(one, total=replace(one.total, p_value=p, effect=0.1, within=1.0))
        for one, p in zip(examples, p_values, strict=True)
    ]

    judged = judge_families(changed)

    adjusted = np.array([0.004, 0.03, 0.16 / 3, 0.5]) / TOTAL_SHARE
    assert adjusted.tolist() == pytest.approx([one.total.adjusted for one in judged])
    assert [REGRESSED, REGRESSED, INCONCLUSIVE, INCONCLUSIVE] == [one.total.verdict for one in judged]


def test_eight_examples_without_a_change_hardly_ever_flag_anything() -> None:
    flagged = 0
    for start in range(500, 532, 8):
        cases = [make_case(seed, 3, 2000, functions=300) for seed in range(start, start + 8)]
        judged = judge_families([compare_counts(case.baseline, case.contender, case.history) for case in cases])
        flagged += any(np.isin(one.verdict, FLAGS).any() for one in judged)

    assert flagged <= 1


def test_no_examples_are_no_verdicts() -> None:
    assert [] == judge_families([])


def test_a_rate_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="fdr"):
        judge_families([example(1)], fdr=5)


def test_adjusted_p_values_leave_out_what_is_unknown() -> None:
    found = benjamini_hochberg([0.01, np.nan, 0.02, 0.9])

    assert [0.03, 0.03, 0.9] == pytest.approx(found[[0, 2, 3]].tolist())
    assert np.isnan(found[1])
