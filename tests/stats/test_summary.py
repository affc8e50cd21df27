"""Means and spreads of several runs."""

from __future__ import annotations

import numpy as np
import pytest

from perfdb.stats import summarise, summarise_columns


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 3), (7, 4), (5, 0)])
def test_columns_are_summarised_as_each_of_them_is(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).integers(0, 1_000_000, shape)

    expected = [summarise(values[:, column]) for column in range(shape[1])]
    found = summarise_columns(values)

    assert [(each.mean, each.runs) for each in expected] == [(each.mean, each.runs) for each in found]
    assert [each.spread for each in expected] == pytest.approx([each.spread for each in found], nan_ok=False)
