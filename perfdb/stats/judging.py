"""Verdicts: what is flagged, what is shown equal, and both over several examples at once.

A comparison of one example spends its own allowance. A diff of several examples asks as many questions again, and the
reader takes what is flagged together: so the families are formed anew over every function of every example, with one
allowance that the examples share, and over the totals of all examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from perfdb.stats.differences import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Differences, TotalDifference
from perfdb.stats.families import adjust, benjamini_hochberg
from perfdb.stats.normal import F64
from perfdb.stats.sides import check_fractions

TOTAL_SHARE = 0.75
"""The part of `fdr` at which totals are tested: a spread between whole runs that is learned from few runs is uncertain
by more than its posterior says."""


def verdicts(effects: F64, adjusted: F64, within: F64, fdr: float, margin: float) -> npt.NDArray[np.int8]:
    """REGRESSED, IMPROVED, EQUAL or INCONCLUSIVE by function; all of shape (functions,).

    Equal comes first: what is significant and yet shown to be smaller than the margin is equal.
    """
    flagged = np.where(adjusted <= fdr, np.sign(np.nan_to_num(effects)), INCONCLUSIVE)
    return np.where(within < margin, EQUAL, flagged).astype(np.int8)


def verdict_of_total(effect: float, adjusted: float, within: float, fdr: float, margin: float) -> int:
    """The verdict of a whole program; the numbers are those of `TotalDifference`."""
    if within < margin:
        return EQUAL
    if adjusted <= fdr:
        return REGRESSED if effect > 0 else IMPROVED
    return INCONCLUSIVE


def judge_families(differences: Sequence[Differences], *, fdr: float = 0.05, margin: float = 0.05) -> list[Differences]:
    """The same comparisons, judged together: false flags are at most `fdr` over all functions of all examples.

    The allowance is shared evenly by the examples that could be tested. The totals are a family of their own (plain
    Benjamini-Hochberg). `adjusted`, `verdict` and those of the totals are new, everything else stays; one comparison
    keeps what it had. InputError where `fdr` or `margin` is no fraction.
    """
    check_fractions(fdr=fdr, margin=margin)
    testable = sum(bool(difference.level.any()) for difference in differences)
    if not testable:
        return list(differences)
    p_values = np.concatenate([difference.p_value for difference in differences])
    levels = np.concatenate([difference.level for difference in differences]) / testable
    adjusted = np.minimum(np.concatenate([difference.adjusted for difference in differences]) * testable, 1)
    tested = levels > 0
    adjusted[tested] = np.minimum(adjust(p_values[tested], levels[tested]), 1)
    ends = np.cumsum([len(difference.p_value) for difference in differences])[:-1]
    totals = _judged_totals([difference.total for difference in differences], fdr, margin)
    return [
        replace(
            difference,
            adjusted=own,
            verdict=verdicts(difference.effect, own, difference.within, fdr, margin),
            total=total,
        )
        for difference, own, total in zip(differences, np.split(adjusted, ends), totals, strict=True)
    ]


def judge_values(
    differences: Sequence[TotalDifference], *, fdr: float = 0.05, margin: float = 0.05
) -> list[TotalDifference]:
    """Comparisons of measured values, over all metrics and examples, judged together as one family.

    Plain Benjamini-Hochberg, as for totals; what cannot be told is not counted. `adjusted` and `verdict` are new,
    everything else stays; one comparison keeps what it had. InputError where `fdr` or `margin` is no fraction.
    """
    check_fractions(fdr=fdr, margin=margin)
    return _judged_totals(differences, fdr, margin)


def _judged_totals(totals: Sequence[TotalDifference], fdr: float, margin: float) -> list[TotalDifference]:
    adjusted = benjamini_hochberg([total.p_value for total in totals]) / TOTAL_SHARE
    return [
        _judged_total(total, min(float(one), 1.0), fdr, margin) for total, one in zip(totals, adjusted, strict=True)
    ]


def _judged_total(total: TotalDifference, adjusted: float, fdr: float, margin: float) -> TotalDifference:
    verdict = verdict_of_total(total.effect, adjusted, total.within, fdr, margin)
    return replace(total, adjusted=adjusted, verdict=verdict)
