"""Several runs of one cost in two figures: where they lie, and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Summary:
    """`mean` and `spread` in the unit of the values.

    `spread` is the sample standard deviation, None for a single run.
    """

    mean: float
    spread: float | None
    runs: int

    @property
    def dispersion(self) -> float | None:
        """The coefficient of variation: the spread as a fraction of the mean; None where it means nothing."""
        return None if self.spread is None or self.mean <= 0 else self.spread / self.mean


def summarise(values: npt.ArrayLike) -> Summary:
    """Mean and sample standard deviation (n - 1) of the runs' values, shape (runs,); of no runs, 0 and None."""
    array = np.asarray(values, np.float64)
    if not array.size:
        return Summary(0.0, None, 0)
    spread = float(array.std(ddof=1)) if array.size > 1 else None
    return Summary(float(array.mean()), spread, int(array.size))


def summarise_columns(values: npt.ArrayLike) -> list[Summary]:
    """`summarise` of every column of values, shape (runs, items)."""
    array = np.asarray(values, np.float64)
    runs, items = array.shape
    if not runs:
        return [Summary(0.0, None, 0)] * items
    means = array.mean(axis=0).tolist()
    spreads = array.std(axis=0, ddof=1).tolist() if runs > 1 else [None] * items
    return [Summary(mean, spread, runs) for mean, spread in zip(means, spreads, strict=True)]
