"""From an object module's symbols and lines to segments and places, in numpy.

Level 0 are the functions, cut where a line begins; level 1 is what was inlined into them, level 2 what was inlined into
that, and so on, each cut where its own lines begin. A piece of a level is a place; its caller is the piece of the level
above at its first address, whose line so is that of the call. An address has the deepest piece that covers it:

    level 0   |-- line 10 --|---- line 11 ----|-- line 12 --|
    level 1                 |- f: 3 -|- f: 4 -|
    level 2                     |g: 7|
    segments  |    10       |3|  7   |   4    |     12      |
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.profile.columns import I64, Bool
from perfdb.profile.grouping import ranges
from perfdb.symbols.model import FUNCTION, INLINED
from perfdb.symbols.pdb_dbi import Sections
from perfdb.symbols.pdb_lines import NO_FILE, SECTION_SHIFT, Lines, LineTables, read_annotations
from perfdb.symbols.pdb_symbols import Function, Symbols
from perfdb.symbols.table import MAX_DEPTH, MAX_RVA, Part, Places, Segments, TableBuilder

_MAX_LINE = 0xFF_FFFF
"""Lines have 24 bits; damaged annotations count on beyond them, or below 0."""

_ROW_SHIFT = 34
"""A row and an offset as one number; offsets in a section are sums of two u32."""


@dataclass(frozen=True, slots=True)
class Extents:
    """Disjoint ranges of addresses in ascending order, shape (extents,): what an object module gave to the image."""

    start: I64
    end: I64

    def contain(self, rva: I64) -> Bool:
        """Whether each address lies in one."""
        at = np.searchsorted(self.start, rva, side="right") - 1
        inside: Bool = (at >= 0) & (rva < self.end[at]) if len(self.start) else np.zeros(len(rva), np.bool_)
        return inside

    def without(self, start: I64, end: I64) -> Extents:
        """What is left when ranges are taken away, which are disjoint and in ascending order."""
        at = np.unique(np.concatenate((self.start, self.end, start, end)))
        taken = Extents(start, end).contain(at)
        begins = np.zeros(len(at), np.bool_)
        begins[np.searchsorted(at, self.start)] = True
        begins[np.searchsorted(at, end)] = True
        left, stop = _runs(self.contain(at) & ~taken, begins)
        return Extents(at[left], at[stop])


def _runs(inside: Bool, begins: Bool) -> tuple[I64, I64]:
    """The rows of bounds at which a run begins, and those at which it ends; the last bound must lie outside."""
    stops = np.flatnonzero(begins | ~inside)
    first = np.flatnonzero(begins & inside)
    return first, stops[np.searchsorted(stops, first, side="right")] if len(first) else first


@dataclass(frozen=True, slots=True)
class Names:
    """How the numbers of an object module become rows of the table: ids of inlined functions, places of files.

    `others` gives the other names of an address, with some functions of which the first stands for all.
    """

    function: Callable[[int], str]
    file: Callable[[int], int]
    others: Callable[[int, Sequence[Function]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """One level, in the order of `start`: pieces of `owner`, which is inlined into `within`, an owner of the level
    above; all of it is in `function`. `file` is a place among the files of the object module.
    """

    start: I64
    end: I64
    function: I64
    within: I64
    owner: I64
    name: I64
    file: I64
    line: I64

    @property
    def columns(self) -> tuple[I64, ...]:
        """All columns, in the order above."""
        return self.start, self.end, self.function, self.within, self.owner, self.name, self.file, self.line


def code_part(
    symbols: Symbols, lines: Lines, sections: Sections, extents: Extents, builder: TableBuilder, names: Names
) -> Part:
    """The segments of an object module that have a function, within the extents."""
    functions = _Functions(symbols.functions, sections, extents, builder, names)
    levels = [_function_pieces(functions, lines, sections)]
    callers = [np.full(len(levels[0].start), -1, np.int64)]
    base = 0
    for pieces in _inlined_pieces(symbols, lines, functions, builder, names):
        caller = _callers(pieces, levels[-1])
        kept = caller >= 0
        callers.append(caller[kept] + base)
        base += len(levels[-1].start)
        levels.append(_Pieces(*(column[kept] for column in pieces.columns)))
    return Part(_segments(levels, extents), _places(levels, callers, lines, names))


class _Functions:
    """The functions that are there, one an address: of identical code the first in the order of text."""

    def __init__(
        self,
        functions: Sequence[Function],
        sections: Sections,
        extents: Extents,
        builder: TableBuilder,
        names: Names,
    ) -> None:
        self.section = np.array([function.section for function in functions], np.int64)
        self.offset = np.array([function.offset for function in functions], np.int64)
        size = np.array([function.size for function in functions], np.int64)
        self.start = sections.rva(self.section, self.offset)
        is_named = np.array([bool(function.name) for function in functions], np.bool_)
        there = np.flatnonzero((self.start >= 0) & (size > 0) & is_named & extents.contain(self.start))
        order = there[np.argsort(self.start[there], kind="stable")].tolist()
        starts = self.start.tolist()
        self.name: dict[int, int] = {}
        """The row of the name of each function that was chosen."""
        self.rank = np.zeros(len(functions), np.int64)
        """The place of each function among those of its address, in the order of the file."""
        for start, same in itertools.groupby(order, starts.__getitem__):
            rows = list(same)
            best = min(rows, key=lambda row: functions[row].name)
            self.rank[best] = rows.index(best)
            there_too = [functions[row] for row in rows if row != best]
            others = names.others(start, (functions[best], *there_too))
            self.name[best] = builder.fold(functions[best].name, others)
        self.chunk_starts: dict[int, list[int]] = {}
        ranges_: list[tuple[int, int, int, int, int]] = []
        for row in self.name:
            function = functions[row]
            begins = self.chunk_starts[row] = [starts[row]]
            ranges_.append((starts[row], starts[row] + function.size, row, function.section, function.offset))
            for section, offset, length in function.chunks:
                at = int(sections.rva(np.array([section]), np.array([offset]))[0])
                begins.append(at)
                if at >= 0 and length > 0 and extents.contain(np.array([at]))[0]:
                    ranges_.append((at, at + length, row, section, offset))
        self.ranges = np.array(ranges_, np.int64).reshape(-1, 5)
        """Rows of (start, end, function, section, offset)."""


def _function_pieces(functions: _Functions, lines: Lines, sections: Sections) -> _Pieces:
    """Level 0. Code before the first line of its function has none; behind the last line, that goes on."""
    start, end, row = _flattened(functions.ranges[:, 0], functions.ranges[:, 1])
    _, _, function, section, offset = functions.ranges[row].T
    tables = lines.tables
    table = _table_of(tables, section << SECTION_SHIFT | offset, functions.rank[function])
    has = np.flatnonzero(table >= 0)
    base = sections.start[section[has] - 1]
    key = np.repeat(np.arange(len(tables.address)), np.diff(tables.first)) << _ROW_SHIFT | tables.offset
    first = np.searchsorted(key, table[has] << _ROW_SHIFT | (start[has] - base), side="right") - 1
    first = np.maximum(first, tables.first[table[has]])
    after = np.searchsorted(key, table[has] << _ROW_SHIFT | (end[has] - base), side="left")
    count = np.maximum(after - first, 0)
    line = ranges(first, count)
    piece = np.repeat(has, count)
    line_start = np.maximum(tables.offset[line] + np.repeat(base, count), start[piece])
    bare = np.setdiff1d(np.arange(len(start)), piece[line_start == start[piece]])
    begins = np.concatenate((line_start, start[bare]))
    piece = np.concatenate((piece, bare))
    file = np.concatenate((tables.file[line], np.full(len(bare), NO_FILE)))
    number = np.concatenate((tables.line[line], np.zeros(len(bare), np.int64)))
    order = np.argsort(begins, kind="stable")
    begins, piece, file, number = begins[order], piece[order], file[order], number[order]
    ends = end[piece]
    ends[:-1] = np.minimum(ends[:-1], begins[1:])
    owner = function[piece]
    names = np.array([functions.name[row] for row in owner.tolist()], np.int64)
    return _Pieces(begins, ends, owner, np.full(len(owner), -1, np.int64), owner, names, file, number)


def _table_of(tables: LineTables, address: I64, rank: I64) -> I64:
    """The table of lines of each address, or the one before it, as assemblers have one for all; -1 for none.

    Functions of identical code may have tables of their own at one address: in the same order, so `rank` tells which.
    """
    left = np.searchsorted(tables.address, address, side="left")
    right = np.searchsorted(tables.address, address, side="right")
    at = np.where(right > left, np.minimum(left + rank, right - 1), right - 1)
    found = at >= 0
    found[found] = tables.address[at[found]] >> SECTION_SHIFT == address[found] >> SECTION_SHIFT
    return np.where(found, at, -1)


def _flattened(start: I64, end: I64) -> tuple[I64, I64, I64]:
    """Ranges cut so that none overlap, and the row of each: where they did, the one that began last is there."""
    order = np.argsort(start, kind="stable")
    if not np.any(start[order][1:] < np.maximum.accumulate(end[order])[:-1]):
        return start[order], end[order], order
    bounds = np.unique(np.concatenate((start, end))).tolist()
    parts: list[tuple[int, int, int]] = []
    open_: list[tuple[int, int]] = []
    waiting = iter(order.tolist())
    row = next(waiting, None)
    for low, high in itertools.pairwise(bounds):
        while row is not None and start[row] <= low:
            heapq.heappush(open_, (-int(start[row]), row))
            row = next(waiting, None)
        while open_ and end[open_[0][1]] <= low:
            heapq.heappop(open_)
        if open_:
            parts.append((low, high, open_[0][1]))
    columns = np.array(parts, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _inlined_pieces(
    symbols: Symbols, lines: Lines, functions: _Functions, builder: TableBuilder, names: Names
) -> list[_Pieces]:
    """Levels 1 and on. What has no name or no code is left out, and what was inlined into it."""
    depth: dict[int, int] = {-1: 0}
    rows: list[tuple[int, ...]] = []
    for number, site in enumerate(symbols.sites):
        starts = functions.chunk_starts.get(site.function)
        above = depth.get(site.caller, MAX_DEPTH)
        name = names.function(site.inlinee) if starts is not None and above < MAX_DEPTH else ""
        if starts is None or not name:
            continue
        file, line = lines.inlinees.get(site.inlinee, (NO_FILE, 0))
        owner = (site.function, site.caller if site.caller >= 0 else site.function, number, builder.name(name))
        for piece in read_annotations(site.annotations, file, line):
            start = starts[piece.chunk] + piece.offset if piece.chunk < len(starts) else -1
            if 0 <= start <= MAX_RVA:
                depth[number] = above + 1
                told = (piece.file, piece.line) if file != NO_FILE else (NO_FILE, 0)
                rows.append((above + 1, start, start + piece.size, *owner, *told))
    columns = np.array(rows, np.int64).reshape(-1, 9)
    columns = columns[np.lexsort((columns[:, 1], columns[:, 0]))]
    splits = np.flatnonzero(np.diff(columns[:, 0])) + 1
    return [_merged(_Pieces(*level[:, 1:].T)) for level in np.split(columns, splits) if len(level)]


def _merged(pieces: _Pieces) -> _Pieces:
    """Pieces of one level that do not overlap, neighbours of the same line as one."""
    end = pieces.end.copy()
    end[:-1] = np.minimum(end[:-1], pieces.start[1:])
    kept = np.flatnonzero(end > pieces.start)
    start, end = pieces.start[kept], end[kept]
    same = end[:-1] == start[1:]
    for column in (pieces.owner[kept], pieces.file[kept], pieces.line[kept]):
        same &= column[1:] == column[:-1]
    fresh = np.flatnonzero(np.concatenate((np.ones(min(1, len(start)), np.bool_), ~same)))
    last = np.concatenate((fresh[1:], [len(start)]))[: len(fresh)] - 1
    columns = [column[kept][fresh] for column in pieces.columns[2:]]
    return _Pieces(start[fresh], end[last], *columns)


def _callers(pieces: _Pieces, above: _Pieces) -> I64:
    """The piece of the level above that each was called from: the one at its start, or else the next; -1 for none."""
    if not len(above.start):
        return np.full(len(pieces.start), -1, np.int64)
    order = np.lexsort((above.start, above.owner))
    start, end, owner = above.start[order], above.end[order], above.owner[order]
    wanted = pieces.within << _ROW_SHIFT | pieces.start
    before = np.searchsorted(owner << _ROW_SHIFT | start, wanted, side="right") - 1
    after = np.minimum(before + 1, len(order) - 1)
    is_before = (before >= 0) & (owner[before] == pieces.within)
    is_after = (after > before) & (owner[after] == pieces.within)
    here = is_before & (end[before] > pieces.start)
    return np.where(here | (is_before & ~is_after), order[before], np.where(is_after, order[after], -1))


def _places(levels: Sequence[_Pieces], callers: Sequence[I64], lines: Lines, names: Names) -> Places:
    files, row = np.unique(np.concatenate([level.file for level in levels]), return_inverse=True)
    file_rows = np.array([names.file(lines.files.get(file, NO_FILE)) for file in files.tolist()], np.int32)
    kinds = [np.full(len(level.start), INLINED if depth else FUNCTION, np.uint8) for depth, level in enumerate(levels)]
    return Places(
        caller=np.concatenate(callers).astype(np.int32),
        name=np.concatenate([level.name for level in levels]).astype(np.int32),
        kind=np.concatenate(kinds),
        file=file_rows[row] if len(row) else np.zeros(0, np.int32),
        line=np.clip(np.concatenate([level.line for level in levels]), 0, _MAX_LINE).astype(np.int32),
    )


def _segments(levels: Sequence[_Pieces], extents: Extents) -> Segments:
    """Where the deepest piece of an address changes, within the extents."""
    bounds = [bound for level in levels for bound in (level.start, level.end)]
    at = np.unique(np.concatenate([extents.start, extents.end, *bounds]))
    place = np.full(len(at), -1, np.int64)
    function = np.full(len(at), -1, np.int64)
    base = 0
    for depth, level in enumerate(levels):
        row = np.searchsorted(level.start, at, side="right") - 1
        covered = row >= 0
        covered[covered] = at[covered] < level.end[row[covered]]
        if depth:
            covered[covered] = level.function[row[covered]] == function[covered]
        else:
            function[covered] = level.function[row[covered]]
        place[covered] = row[covered] + base
        base += len(level.start)
    inside = extents.contain(at) & (place >= 0)
    begins = np.zeros(len(at), np.bool_)
    begins[np.searchsorted(at, extents.start)] = True
    begins[1:] |= place[1:] != place[:-1]
    first, stop = _runs(inside, begins)
    return Segments(at[first].astype(np.uint32), (at[stop] - 1).astype(np.uint32), place[first].astype(np.int32))
