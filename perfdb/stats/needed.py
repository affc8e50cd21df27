"""How many runs would show a change."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from perfdb.stats.normal import F64

POWER = 0.8
MOST_RUNS = 1_000_000


def runs_needed(run_variances: F64, earlier_runs: F64, levels: F64, margin: float) -> npt.NDArray[np.int64]:
    """The runs a side that show a change of `margin` four times in five; shape (functions,).

    `run_variances` are those of one run's log-rate, `earlier_runs` how many runs the history adds to the baseline, and
    `levels` the two-sided levels of the tests. A change L = log(1 + margin) is seen with n runs a side when
    (z_level + z_power)² v (1/n + 1/(n + h)) <= L², a quadratic in n (Cohen 1988, chapter 2, with a third group).
    0 where it would take more than a million.
    """
    normal = NormalDist()
    distinct, place = np.unique(np.clip(levels, 1e-12, 0.5), return_inverse=True)
    deviations = np.array([normal.inv_cdf(1 - level / 2) for level in distinct.tolist()])[place] + normal.inv_cdf(POWER)
    bound = math.log1p(margin) ** 2 / (deviations**2 * run_variances)
    linear = 2 - bound * earlier_runs
    runs = np.ceil((linear + np.sqrt(linear**2 + 4 * bound * earlier_runs)) / (2 * bound) - 1e-9)
    runs = np.maximum(runs, 1)
    return np.where(runs <= MOST_RUNS, runs, 0).astype(np.int64)
