"""Joins and groups over columns: the few relational operations that readers need, in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I64

Column = npt.NDArray[Any]


def distinct(*columns: Column) -> tuple[I64, I64]:
    """The distinct rows of several columns of one length: a row that stands for each group, and the group of each row.

    Groups are numbered in the order of (first column, second column, ...); the row standing for one is its first.
    """
    count = len(columns[0])
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort(columns[::-1])
    fresh = np.zeros(count, np.bool_)
    fresh[0] = True
    for column in columns:
        ordered = column[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    group = np.empty(count, np.int64)
    group[order] = np.cumsum(fresh) - 1
    return order[fresh], group


def last_at_or_before(group: Column, order: Column, query_group: Column, query_order: Column) -> I64:
    """For each query the row of the table with its group and the greatest `order` not above its own; -1 where none is.

    Among rows of equal group and order, the last one in the table is taken.
    """
    if not len(group) or not len(query_group):
        return np.full(len(query_group), -1, np.int64)
    groups = np.unique(group)
    orders = np.unique(order)
    span = len(orders) + 1
    key = np.searchsorted(groups, group) * span + np.searchsorted(orders, order, "right")
    rows = np.argsort(key, kind="stable")
    code = np.minimum(np.searchsorted(groups, query_group), len(groups) - 1)
    wanted = code * span + np.searchsorted(orders, query_order, "right")
    place = np.searchsorted(key[rows], wanted, "right") - 1
    found = rows[np.maximum(place, 0)]
    good = (place >= 0) & (groups[code] == query_group) & (group[found] == query_group)
    return np.where(good, found, -1)


def first_at_or_after(group: Column, order: I64, query_group: Column, query_order: I64) -> I64:
    """For each query the row of the table with its group and the least `order` not below its own; -1 where none is."""
    backwards = np.arange(len(group))[::-1]
    found = last_at_or_before(group[backwards], -order[backwards], query_group, -query_order)
    return np.where(found >= 0, len(group) - 1 - found, -1)


def ranges(starts: I64, lengths: I64) -> I64:
    """The indices `starts[i] ... starts[i] + lengths[i] - 1` of every range i, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places: I64 = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return places
