"""What a comparison of two sides says: effects with intervals, p-values, verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.stats.normal import F64

REGRESSED = 1
IMPROVED = -1
EQUAL = 2
INCONCLUSIVE = 0


@dataclass(frozen=True, slots=True)
class TotalDifference:
    """The whole program: the fields of `Differences` as numbers; NaN (and 0 runs) where nothing can be told."""

    effect: float
    low: float
    high: float
    p_value: float
    adjusted: float
    verdict: int
    runs_needed: int
    within: float = math.nan


@dataclass(frozen=True, slots=True)
class OddRun:
    """A run that lies apart from its side's others, or does in one group of functions, by what is no change.

    `side` is "baseline", "contender" or "history"; `run` is the row in that side's counts, from 0; `group` is the
    group's value in `groups`, None for the run as a whole. `factor` is how many times as much as elsewhere it took (1.3
    is 30 % more), and
    `probability` how sure that is, more than a half.
    """

    side: str
    run: int
    group: int | str | None
    factor: float
    probability: float


@dataclass(frozen=True, slots=True)
class Differences:
    """Contender against baseline, by function; arrays of shape (functions,) in the order of the counts' columns.

    `effect` is the relative change (0.1 is 10 % more) against the speed that all functions share (which itself
    changed by `common_effect`), `low` and `high` bound it with 95 % confidence. `p_value` is of "this function did not
    change"; `adjusted` is at most `fdr` for what is flagged. `verdict` (int8) is REGRESSED, IMPROVED, EQUAL (its 90 %
    interval lies within the margin: two one-sided tests at 5 %) or INCONCLUSIVE. `runs_needed` (int64) is how many runs
    a side would show a change of `margin` four times in five; 0 where that cannot be told. Where nothing can be told
    floats are NaN.

    `total` is the whole program, run-wide changes of speed included. `caveats` are sentences for the reader.

    `level` is the part of `fdr` at which each function was tested, 0 where nothing was, or where only one side has it;
    `within` is the least margin that would still be shown to hold, NaN or infinite where none is: EQUAL is said where
    it is below `margin`. The two let `judge_families` give verdicts over several examples. `odd` tells the runs that
    were found odd, and whose group therefore hardly counts.
    """

    effect: F64
    low: F64
    high: F64
    p_value: F64
    adjusted: F64
    verdict: npt.NDArray[np.int8]
    runs_needed: npt.NDArray[np.int64]
    total: TotalDifference
    caveats: tuple[str, ...]
    level: F64
    within: F64
    odd: tuple[OddRun, ...] = ()
    common_effect: float = math.nan
