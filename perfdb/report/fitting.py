"""Tables made to fit a terminal: columns are left out, and names shortened without ever looking alike.

Columns that give way go first, as long as names would get shorter than is easily read; then names are shortened; and
where that does not do, other columns go. A table of which too little would stay does not fit at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from perfdb.report.blocks import LEFT_ALIGNED, Column, Table
from perfdb.report.cells import printable, table_cells
from perfdb.report.widths import shorten_apart, shorten_middle, width_of

GAP = 2
"""The columns of space between two columns of a table."""
READABLE = {"text": 36, "path": 48}
"""Before names get shorter than this, columns that give way are left out."""
NARROWEST_NAME, NARROWEST_OTHER = 24, 16
"""The widest column of text is not shortened below the first, the others are not below the second."""
FEWEST_COLUMNS = 2
"""A table that would keep fewer of its columns, or no figure of those it has, does not fit."""

_WHOLE = ("debug_id", "verdict")
"""Columns that are copied out of tables, or too short to be cut."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A table as text, cell by cell; `left_out` has the titles of the columns that found no room."""

    columns: tuple[Column, ...]
    titles: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...] = ()

    def pick(self, places: Sequence[int]) -> Laid:
        """The same with these columns only."""
        titles = tuple(self.titles[at] for at in places)
        cells = tuple(tuple(row[at] for at in places) for row in self.cells)
        left_out = tuple(title for at, title in enumerate(self.titles) if at not in places)
        return Laid(tuple(self.columns[at] for at in places), titles, cells, left_out)


def lay_out(table: Table) -> Laid:
    """The whole table, however wide."""
    return Laid(table.columns, tuple(printable(column.title) for column in table.columns), table_cells(table))


def fit_table(table: Table, width: int) -> Laid | None:
    """The table in at most `width` columns of a terminal; None where it does not fit."""
    laid = lay_out(table)
    sizes = [max(map(width_of, column)) for column in zip(laid.titles, *laid.cells, strict=True)]
    if _needed(range(len(sizes)), sizes) <= width:
        return laid
    least = _least(table, laid)
    roomy = [min(size, max(least[at], _readable(table.columns[at], size))) for at, size in enumerate(sizes)]
    kept = list(range(len(sizes)))
    for at in _giving_way(table):
        if _needed(kept, roomy) > width:
            kept.remove(at)
    for at in _last_resort(table):
        if _needed(kept, least) > width and at in kept:
            kept.remove(at)
    figures = [at for at, column in enumerate(table.columns) if column.kind not in LEFT_ALIGNED]
    says_too_little = len(kept) < min(FEWEST_COLUMNS, len(sizes)) or (figures and not set(figures) & set(kept))
    if _needed(kept, least) > width or says_too_little:
        return None
    return _shortened(laid, table, _targets(kept, sizes, least, width)).pick(kept)


def _needed(kept: Sequence[int], sizes: Sequence[int]) -> int:
    return sum(sizes[at] for at in kept) + GAP * (len(kept) - 1)


def _readable(column: Column, size: int) -> int:
    return READABLE.get(column.kind, size) if column.key not in _WHOLE else size


def _least(table: Table, laid: Laid) -> list[int]:
    """How narrow each column may get. Figures and times are never cut; titles may be, before the table breaks."""
    found = []
    widths = [max((width_of(row[at]) for row in laid.cells), default=0) for at in range(len(table.columns))]
    names = [at for at in range(len(widths)) if _is_name(table, at)]
    widest = max(names, key=lambda at: widths[at], default=-1)
    for at, width in enumerate(widths):
        limit = NARROWEST_NAME if at == widest else NARROWEST_OTHER
        title = min(width_of(laid.titles[at]), NARROWEST_OTHER)
        found.append(max(title, min(width, limit) if at in names else width))
    return found


def _is_name(table: Table, at: int) -> bool:
    column = table.columns[at]
    is_time = any(isinstance(row[at], date | time | timedelta) for row in table.rows)
    return column.kind in READABLE and column.key not in _WHOLE and not is_time


def _giving_way(table: Table) -> list[int]:
    """The columns that may be left out, in the order in which they are."""
    columns = table.columns
    return sorted((at for at in range(len(columns)) if columns[at].gives_way), key=lambda at: -columns[at].gives_way)


def _last_resort(table: Table) -> list[int]:
    """The columns that go when nothing else helps, in this order: intervals, what is the same in all rows, the last.

    The first column stays, and of a table that says which columns give way, the others do.
    """
    columns = table.columns
    effects = [at for at, column in enumerate(columns) if column.kind == "effect"]
    if any(column.gives_way for column in columns):
        return effects
    same = [
        at for at in range(1, len(columns)) if len(table.rows) > 1 and len({str(row[at]) for row in table.rows}) == 1
    ]
    return [*effects, *same, *(at for at in reversed(range(1, len(columns))) if at not in same and at not in effects)]


def _targets(kept: Sequence[int], sizes: Sequence[int], least: Sequence[int], width: int) -> dict[int, int]:
    """How wide each column gets: the widest give first."""
    targets = {at: sizes[at] for at in kept}
    excess = _needed(kept, sizes) - width
    while excess > 0:
        widest = max((at for at in kept if targets[at] > least[at]), key=lambda at: targets[at])
        others = [targets[at] for at in kept if at != widest and targets[at] > least[at]]
        step = min(excess, targets[widest] - max([least[widest], *others]))
        targets[widest] -= max(1, step)
        excess -= max(1, step)
    return targets


def _shortened(laid: Laid, table: Table, targets: dict[int, int]) -> Laid:
    titles, columns = list(laid.titles), [list(column) for column in zip(*laid.cells, strict=True)]
    for at, limit in targets.items():
        titles[at] = shorten_middle(laid.titles[at], limit)
        if columns and max(map(width_of, columns[at])) > limit:
            columns[at] = _short_cells(columns[at], table, at, limit)
    return Laid(laid.columns, tuple(titles), tuple(zip(*columns, strict=True)))


def _short_cells(texts: Sequence[str], table: Table, at: int, limit: int) -> list[str]:
    values = {text: row[at] for text, row in zip(texts, table.rows, strict=True)}

    def first(text: str) -> str:
        shortened = getattr(values[text], "shortened", None) if table.columns[at].kind == "path" else None
        return shorten_middle(printable(shortened(limit)) if shortened else text, limit)

    short = shorten_apart(texts, limit, first)
    return [short[text] for text in texts]
