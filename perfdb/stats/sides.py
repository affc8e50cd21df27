"""The counts as they are given, checked: a clear error for what is no count, floats for what is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.errors import InputError
from perfdb.stats.normal import F64

MOST = 2.0**53
"""Beyond it, a float64 does not hold every whole number."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Checked counts, shape (runs, functions); `history` may have no runs, and has none without samples.

    `history_rows` are the rows of the history that have samples. `groups`, shape (functions,), are places in `names`.
    """

    baseline: F64
    contender: F64
    history: F64
    history_rows: npt.NDArray[np.intp]
    groups: npt.NDArray[np.intp] | None
    names: list[int | str]


def check_sides(
    baseline: npt.ArrayLike, contender: npt.ArrayLike, history: npt.ArrayLike | None, groups: npt.ArrayLike | None
) -> Sides:
    """The sides as floats; InputError says which side holds what cannot be counted."""
    first = _counts(baseline, "the baseline")
    second = _counts(contender, "the contender")
    third = _counts(history, "the history") if history is not None else np.zeros((0, first.shape[1]))
    for name, runs in (("baseline", first), ("contender", second)):
        if not len(runs):
            raise InputError(f"the {name} has no runs; a comparison needs at least one a side")
    for name, runs in (("contender", second), ("history", third)):
        if runs.shape[1] != first.shape[1]:
            raise InputError(
                f"the {name} has {runs.shape[1]:,} functions and the baseline has {first.shape[1]:,}; "
                "give each side a column for every function of either, 0 where it has no samples"
            )
    if groups is not None and np.shape(groups) != (first.shape[1],):
        raise InputError(
            f"groups has the shape {np.shape(groups)}; it needs a group for each of {first.shape[1]:,} functions"
        )
    used = np.flatnonzero(third.sum(axis=1) > 0)
    if groups is None:
        return Sides(first, second, third[used], used, None, [])
    given = np.asarray(groups)
    names, places = np.unique(given.astype(str) if given.dtype.kind == "O" else given, return_inverse=True)
    return Sides(first, second, third[used], used, places, names.tolist())


def check_fractions(**fractions: float) -> None:
    """InputError for a fraction that does not lie between 0 and 1, by its name."""
    for name, value in fractions.items():
        if not 0 < value < 1:
            raise InputError(f"{name} is {value:g}; it is a fraction between 0 and 1, such as 0.05")


def _counts(given: npt.ArrayLike, name: str) -> F64:
    try:
        counts = np.asarray(given)
    except ValueError:
        raise InputError(f"{name} is not a table of runs by functions: its runs differ in length") from None
    if counts.ndim != 2:
        raise InputError(f"{name} has the shape {counts.shape}; it must be (runs, functions)")
    if counts.dtype.kind not in "iufb":
        raise InputError(f"{name} holds {counts.dtype} values; counts of samples are whole numbers")
    floats = counts.astype(np.float64)
    if not np.isfinite(floats).all():
        raise InputError(f"{name} holds values that are not finite; a function without samples counts 0")
    if (floats < 0).any():
        raise InputError(f"{name} holds a negative count")
    if (floats != np.floor(floats)).any():
        raise InputError(f"{name} holds counts that are not whole; runs are compared by samples, not by milliseconds")
    if (floats > MOST).any():
        raise InputError(f"{name} holds counts above 2**53")
    return floats
