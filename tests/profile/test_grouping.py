"""Joins and groups, against dictionaries and loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.profile.columns import I64
from perfdb.profile.grouping import distinct, first_at_or_after, last_at_or_before, ranges

SMALL = st.integers(-3, 3)
LARGE = st.sampled_from([-(1 << 62), -1, 0, 1, 1 << 62])
PAIRS = st.lists(st.tuples(SMALL, SMALL | LARGE), max_size=12)


def columns(rows: list[tuple[int, int]]) -> tuple[I64, I64]:
    return np.array([a for a, _ in rows], np.int64), np.array([b for _, b in rows], np.int64)


@given(PAIRS)
def test_distinct(rows: list[tuple[int, int]]) -> None:
    row, group = distinct(*columns(rows))

    ordered = sorted(set(rows))
    assert [rows[each] for each in row] == ordered
    assert row.tolist() == [rows.index(each) for each in ordered]
    assert group.tolist() == [ordered.index(each) for each in rows]


def test_distinct_of_one_column_of_addresses() -> None:
    row, group = distinct(np.array([2**64 - 1, 0, 2**64 - 1, 2**63], np.uint64))

    assert (row.tolist(), group.tolist()) == ([1, 3, 0], [2, 0, 2, 1])


@given(PAIRS, PAIRS)
def test_last_at_or_before(table: list[tuple[int, int]], queries: list[tuple[int, int]]) -> None:
    found = last_at_or_before(*columns(table), *columns(queries))

    for row, (group, order) in zip(found.tolist(), queries, strict=True):
        fitting = [(each[1], place) for place, each in enumerate(table) if each[0] == group and each[1] <= order]
        assert row == (max(fitting)[1] if fitting else -1)


@given(PAIRS, PAIRS)
def test_first_at_or_after(table: list[tuple[int, int]], queries: list[tuple[int, int]]) -> None:
    found = first_at_or_after(*columns(table), *columns(queries))

    for row, (group, order) in zip(found.tolist(), queries, strict=True):
        fitting = [(each[1], place) for place, each in enumerate(table) if each[0] == group and each[1] >= order]
        assert row == (min(fitting)[1] if fitting else -1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=12))
def test_ranges(rows: list[tuple[int, int]]) -> None:
    assert ranges(*columns(rows)).tolist() == [
        place for start, length in rows for place in range(start, start + length)
    ]
