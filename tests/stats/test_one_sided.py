"""Functions that only one side has, and runs that are none of the program's: neither may judge the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from perfdb.stats import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, compare_counts, one_sided

I64 = npt.NDArray[np.int64]
MEANS = 3_000 / np.arange(1, 61) / 4.7
SEEDS = range(12)


def runs(random: np.random.Generator, count: int, speed: float = 1.0) -> I64:
    """Runs of one program of 60 functions, 3 % apart."""
    noise = random.lognormal(0, 0.06, (count, 60)) * random.lognormal(0, 0.03, (count, 1))
    found: I64 = random.poisson(MEANS * speed * noise)
    return found


def flagged(verdict: npt.NDArray[np.int8]) -> int:
    return int(np.isin(verdict, (REGRESSED, IMPROVED)).sum())


def renamed(counts: I64, functions: list[int]) -> I64:
    """The counts with some functions under new names, in columns of their own behind."""
    wide = np.concatenate([counts, counts[:, functions]], axis=1)
    wide[:, functions] = 0
    return wide


def widened(counts: I64, columns: int) -> I64:
    return np.concatenate([counts, np.zeros((len(counts), columns), np.int64)], axis=1)


@pytest.mark.parametrize("with_history", [True, False])
@pytest.mark.parametrize("functions", [[2], list(range(0, 60, 3)), list(range(60))])
def test_renamed_functions_change_neither_the_others_nor_the_total(functions: list[int], with_history: bool) -> None:
    false, moved = 0, 0
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        history = widened(runs(random, 10), len(functions)) if with_history else None
        baseline = widened(runs(random, 5), len(functions))
        found = compare_counts(baseline, renamed(runs(random, 5), functions), history)
        untouched = np.setdiff1d(np.arange(60), functions)
        false += flagged(found.verdict[untouched]) > 0
        moved += found.total.verdict in (REGRESSED, IMPROVED)
        assert abs(found.total.effect) < 0.12
    assert false <= 1
    assert moved <= 2


def test_what_is_new_or_gone_counts_in_the_total_and_nowhere_else() -> None:
    random = np.random.default_rng(5)
    baseline, contender = runs(random, 6), runs(random, 6)
    baseline[:, 1] = 0

    found = compare_counts(baseline, contender)

    share = MEANS[1] / (MEANS.sum() - MEANS[1])
    assert found.total.verdict == REGRESSED
    assert found.total.low < share < found.total.high
    assert flagged(np.delete(found.verdict, 1)) == 0
    assert abs(found.common_effect) < 0.03
    assert compare_counts(contender, baseline).total.verdict == IMPROVED


@pytest.mark.parametrize("size", [1_500, 6_000])
def test_a_large_new_module_hides_neither_level_nor_others(size: int) -> None:
    means = np.array([370.0, 330, 320, 270, 230, 230, 190, 180])
    for seed in SEEDS:
        random = np.random.default_rng(200 + seed)
        before = np.append(random.poisson(means * random.lognormal(0, 0.04, (3, 8))).T, [[0] * 3], axis=0).T
        slower = random.poisson(1.15 * means * random.lognormal(0, 0.04, (3, 8)))
        after = np.concatenate([slower, random.poisson(size, (3, 1))], axis=1)
        for first, second, level in ((before, after, 0.15), (after, before, 1 / 1.15 - 1)):
            found = compare_counts(first, second)
            assert flagged(found.verdict[:8]) == 0
            assert level == pytest.approx(found.common_effect, abs=0.06)


def test_one_sided_is_what_chance_does_not_explain() -> None:
    baseline = np.array([[9, 0, 0, 20, 0], [9, 0, 0, 20, 0], [9, 0, 0, 20, 0]])
    contender = np.array([[9, 7, 1, 0, 40], [9, 7, 0, 0, 0], [9, 7, 1, 0, 0]])

    # Two samples are few, and forty in one run of three are a burst.
    assert [0, 1, 0, -1, 0] == one_sided(baseline, contender).tolist()
    assert [0, -1, 0, 1, 0] == one_sided(contender, baseline).tolist()
    assert [] == one_sided(np.zeros((2, 0)), np.zeros((3, 0))).tolist()


@pytest.mark.parametrize("broken", ["cut", "another program", "twice as long"])
@pytest.mark.parametrize("with_history", [True, False])
def test_one_broken_run_moves_no_verdict(broken: str, with_history: bool) -> None:
    false = 0
    for seed in SEEDS:
        random = np.random.default_rng(100 + seed)
        history = widened(runs(random, 10), 1) if with_history else None
        good, contender = widened(runs(random, 4), 1), widened(runs(random, 4), 1)
        odd = np.zeros((1, 61), np.int64)
        odd[0, 60] = 500
        if broken != "another program":
            odd = widened(runs(random, 1, 0.05 if broken == "cut" else 2.0), 1)
        for sides in ((np.concatenate([good, odd]), contender), (contender, np.concatenate([good, odd]))):
            found = compare_counts(sides[0], sides[1], history)
            false += flagged(found.verdict) > 0 or found.total.verdict in (REGRESSED, IMPROVED)
            side = "baseline" if len(sides[0]) == 5 else "contender"
            assert (side, 4) in {(each.side, each.run) for each in found.odd if each.group is None}
    assert false <= 2


def test_runs_that_share_nothing_say_nothing_of_functions() -> None:
    left, right = np.zeros((3, 10), np.int64), np.zeros((3, 10), np.int64)
    left[:, :5], right[:, 5:] = 500, 500

    found = compare_counts(left, right)

    assert found.total.verdict in (EQUAL, INCONCLUSIVE)
    assert abs(found.total.effect) < 0.01
