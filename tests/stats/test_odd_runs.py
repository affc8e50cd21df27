"""A group of functions that is inflated in one run is taken out, and told; a group that changed is a change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from perfdb.stats import IMPROVED, REGRESSED, OddRun, compare_counts
from tests.bench.detection_law import make_case
from tests.stats.test_compare_counts import FIELDS

GROUPS = np.repeat(np.arange(5), 8)
MEANS = np.geomspace(3000, 100, 40)[np.random.default_rng(0).permutation(40)]
NAMES = ["core", "gc", "io", "net", "ui"]
FLAGS = (REGRESSED, IMPROVED)


def draw(seed: int, runs: int, means: npt.NDArray[np.float64] = MEANS) -> npt.NDArray[np.int64]:
    random = np.random.default_rng(seed)
    counts: npt.NDArray[np.int64] = random.poisson(means * np.exp(0.04 * random.standard_normal((runs, 40))))
    return counts


def inflated(counts: npt.NDArray[np.int64], run: int, group: int, factor: float = 1.3) -> npt.NDArray[np.int64]:
    counts = counts.copy()
    counts[run, group == GROUPS] = np.rint(counts[run, group == GROUPS] * factor)
    return counts


@pytest.mark.parametrize("runs", [1, 2, 3, 5])
@pytest.mark.parametrize("factor", [1.3, 0.7])
def test_an_odd_group_of_one_run_flags_nothing_and_is_told(runs: int, factor: float) -> None:
    told: list[OddRun] = []
    for seed in range(5):
        contender = inflated(draw(seed, runs), runs - 1, 3, factor)
        found = compare_counts(draw(50 + seed, runs), contender, draw(99 + seed, 10), groups=GROUPS)

        assert not np.isin(found.verdict, FLAGS).any()
        told.extend(found.odd)
        assert len(found.odd) == sum("has one group" in caveat for caveat in found.caveats)

    assert len(told) >= 3
    assert {("contender", runs - 1, 3)} == {(odd.side, odd.run, odd.group) for odd in told}
    assert factor == pytest.approx(float(np.mean([odd.factor for odd in told])), rel=0.12)


@pytest.mark.parametrize("runs", [3, 5])
def test_without_history_an_odd_group_is_known_by_the_other_runs(runs: int) -> None:
    found = compare_counts(draw(1, runs), inflated(draw(2, runs), 1, 0), groups=GROUPS)

    assert [("contender", 1, 0)] == [(odd.side, odd.run, odd.group) for odd in found.odd]
    assert not np.isin(found.verdict, FLAGS).any()


def test_an_odd_baseline_and_an_odd_earlier_run_are_told_by_name() -> None:
    history = np.insert(inflated(draw(3, 10), 7, 4), 2, 0, axis=0)
    found = compare_counts(inflated(draw(1, 3), 2, 1), draw(2, 3), history, groups=np.array(NAMES)[GROUPS])

    assert {("baseline", 2, "gc"), ("history", 8, "ui")} == {(odd.side, odd.run, odd.group) for odd in found.odd}
    assert ["baseline run 3 of 3 has one group "] == [caveat[:34] for caveat in found.caveats]
    assert not np.isin(found.verdict, FLAGS).any()


def test_names_may_be_python_objects() -> None:
    names = np.array(NAMES, dtype=object)[GROUPS]
    found = compare_counts(draw(1, 3), inflated(draw(2, 3), 0, 2), draw(3, 10), groups=names)

    assert ["io"] == [odd.group for odd in found.odd]


def test_taking_an_odd_group_out_leaves_the_effects_where_they_were() -> None:
    clean = compare_counts(draw(1, 3), draw(2, 3), draw(3, 10), groups=GROUPS)
    odd = compare_counts(draw(1, 3), inflated(draw(2, 3), 1, 3), draw(3, 10), groups=GROUPS)
    blind = compare_counts(draw(1, 3), inflated(draw(2, 3), 1, 3), draw(3, 10))

    inside = GROUPS == 3
    assert np.abs(odd.effect - clean.effect)[inside].max() < 0.04 < np.abs(blind.effect - clean.effect)[inside].max()


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_a_group_that_changed_in_every_run_is_reported(runs: int) -> None:
    slower = np.where(GROUPS == 3, 1.3, 1.0) * MEANS
    found = compare_counts(draw(1, runs), draw(2, runs, slower), draw(3, 10), groups=GROUPS)

    flagged = found.verdict == REGRESSED
    assert flagged[GROUPS == 3].sum() >= 6
    assert not np.isin(found.verdict[GROUPS != 3], FLAGS).any()
    assert () == found.odd


def test_one_function_that_changed_is_no_odd_group() -> None:
    slower = MEANS.copy()
    slower[5] *= 1.6
    found = compare_counts(draw(1, 1), draw(2, 1, slower), draw(3, 10), groups=GROUPS)

    assert [5] == np.flatnonzero(np.isin(found.verdict, FLAGS)).tolist()
    assert () == found.odd


def test_a_function_that_changed_within_an_odd_group_is_still_found() -> None:
    slower = MEANS.copy()
    slower[5] *= 2
    contender = inflated(draw(2, 3, slower), 1, 0)
    found = compare_counts(draw(1, 3), contender, draw(3, 10), groups=GROUPS)

    assert [5] == np.flatnonzero(np.isin(found.verdict, FLAGS)).tolist()


def test_a_group_for_each_function_is_as_good_as_none() -> None:
    sides = draw(1, 3), draw(2, 3), draw(3, 10)
    found, plain = compare_counts(*sides, groups=np.arange(40)), compare_counts(*sides)

    np.testing.assert_allclose(plain.effect, found.effect, atol=0.01)
    assert () == found.odd


def test_the_names_of_groups_do_not_matter() -> None:
    case = make_case(7, 3, 2000, functions=300)
    sides = case.baseline, case.contender, case.history
    numbered = compare_counts(*sides, groups=case.modules)
    named = compare_counts(*sides, groups=np.array([f"module {1000 - place}" for place in case.modules]))

    for field in FIELDS:
        np.testing.assert_allclose(getattr(numbered, field), getattr(named, field), rtol=1e-9)
