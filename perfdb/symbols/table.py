"""What is known of the code of one symbol file, in columns: the common picture of a parsed PDB and of a symcache.

    segments: [start, last] ──place──▶ places: name, kind, file, line ──caller──▶ places …
                                                 │
    names, files ◀───────────────────────────────┘

Segments do not overlap and are in ascending order. All addresses of one have the same answer: a *place*, which is a
function with a line, and whose caller is the place that it was inlined into; -1 where it was not. A segment of place -1
is one of which it is known that there is no name. An address in no segment has not been looked at yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from perfdb.profile.columns import I32, I64, U8, U32, U64, Bool
from perfdb.profile.grouping import ranges
from perfdb.symbols.model import Chains

MAX_RVA = 0xFFFF_FFFF
MAX_DEPTH = 250
"""The most functions that are taken to be inlined into each other; more is damage."""


@dataclass(frozen=True, slots=True)
class Moved:
    """From RVA `now` on, up to the next, the image has what the linker had put at `was`; 0 is what was not there."""

    now: I64
    was: I64

    def original(self, rva: I64) -> I64:
        """Where the linker had put what is at these RVAs; -1 for what it did not know."""
        if not len(self.now):
            return rva
        at = np.searchsorted(self.now, rva, side="right") - 1
        known = (at >= 0) & (self.was[at] != 0)
        return np.where(known, self.was[at] + rva - self.now[at], -1)


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts one after the other in UTF-8: text i is `content[start[i] : start[i + 1]]`."""

    start: U32
    content: bytes

    @staticmethod
    def of(texts: Iterable[str]) -> Texts:
        """Pack texts. Lone surrogates, which damaged files bring, are replaced."""
        encoded = [text.encode("utf-8", "replace") for text in texts]
        ends = np.cumsum([0, *map(len, encoded)]).astype(np.uint32)
        return Texts(ends, b"".join(encoded))

    def __len__(self) -> int:
        return len(self.start) - 1

    def take(self, rows: I64) -> list[str]:
        """Some of the texts."""
        starts, ends = self.start[rows].tolist(), self.start[rows + 1].tolist()
        content = self.content
        return [content[a:b].decode("utf-8", "replace") for a, b in zip(starts, ends, strict=True)]

    def all(self) -> list[str]:
        """All of the texts."""
        return self.take(np.arange(len(self)))


@dataclass(frozen=True, slots=True)
class Places:
    """Shape (places,): see the module. `caller` is always an earlier row."""

    caller: I32
    name: I32
    kind: U8
    file: I32
    line: I32

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class Segments:
    """Shape (segments,): see the module. `last` is the last address that belongs to the segment."""

    start: U32
    last: U32
    place: I32

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True)
class Table:
    """See the module. Addresses are those of `moved.original`; `folded` has shape (pairs, 2): the row of a name, and
    that of another one of the same address; functions of one name that have different others have rows of their own.
    `is_public` is set for a file that has nothing but public symbols.
    """

    machine: str
    is_public: bool
    segments: Segments
    places: Places
    names: Texts
    files: Texts
    folded: I32 = field(default_factory=lambda: np.zeros((0, 2), np.int32))
    moved: Moved = field(default_factory=lambda: Moved(np.zeros(0, np.int64), np.zeros(0, np.int64)))

    @cached_property
    def depth(self) -> I64:
        """How many rows each place's chain has."""
        depth = np.ones(len(self.places), np.int64)
        caller = self.places.caller.astype(np.int64)
        above = caller
        for _ in range(MAX_DEPTH):
            inner = above >= 0
            if not inner.any():
                break
            depth += inner
            above = np.where(inner, caller[above], -1)
        return depth

    def _segment(self, rva: U64) -> I64:
        """The segment of each RVA, -1 where it has not been looked at."""
        fits = rva <= MAX_RVA
        where = self.moved.original(np.where(fits, rva, 0).astype(np.int64))
        at = np.searchsorted(self.segments.start, where.astype(np.uint32), side="right") - 1
        inside = fits & (where >= 0) & (at >= 0)
        inside[inside] = where[inside] <= self.segments.last[at[inside]]
        return np.where(inside, at, -1)

    def covers(self, rva: U64) -> Bool:
        """Of which RVAs it is known what is there, be it nothing."""
        fits = rva <= MAX_RVA
        gone = self.moved.original(np.where(fits, rva, 0).astype(np.int64)) < 0
        return (self._segment(rva) >= 0) | gone | ~fits

    def chains(self, rva: U64) -> Chains:
        """The chains of some RVAs; what is not known is without a symbol."""
        segment = self._segment(rva)
        place = np.full(len(rva), -1, np.int64)
        place[segment >= 0] = self.segments.place[segment[segment >= 0]]
        length = np.zeros(len(rva), np.int64)
        length[place >= 0] = self.depth[place[place >= 0]]
        start = np.concatenate((np.zeros(1, np.int64), np.cumsum(length)))
        row = np.empty(int(start[-1]), np.int64)
        level = 0
        open_rows = np.flatnonzero(place >= 0)
        while len(open_rows):
            at = place[open_rows]
            row[start[open_rows] + level] = at
            level += 1
            open_rows = open_rows[length[open_rows] > level]
            place[open_rows] = self.places.caller[place[open_rows]]
        return self._chains(start, row)

    def _chains(self, start: I64, row: I64) -> Chains:
        name_rows, name = _used(self.places.name[row])
        file_rows, file = _used(self.places.file[row])
        others = self._others
        return Chains(
            start=start,
            name=name,
            kind=self.places.kind[row],
            file=file,
            line=self.places.line[row],
            names=tuple(self.names.take(name_rows)),
            files=tuple(self.files.take(file_rows)),
            folded={at: others[row] for at, row in enumerate(name_rows.tolist()) if row in others},
        )

    def named(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Every row of the names: its text, and the other names of the same address."""
        others = self._others
        return ((text, others.get(row, ())) for row, text in enumerate(self.names.all()))

    @cached_property
    def _others(self) -> Mapping[int, tuple[str, ...]]:
        """The other names of the same address, for the rows of names that have some; in the order of text."""
        others: dict[int, set[str]] = {}
        texts = self.names.take(self.folded[:, 1].astype(np.int64))
        for row, other in zip(self.folded[:, 0].tolist(), texts, strict=True):
            others.setdefault(row, set()).add(other)
        return {row: tuple(sorted(found)) for row, found in others.items()}


def _used(row: I32) -> tuple[I64, I32]:
    """The distinct rows among some, and the place of each among those; -1 stays -1."""
    used, place = np.unique(row[row >= 0], return_inverse=True)
    found = np.full(len(row), -1, np.int32)
    found[row >= 0] = place
    return used.astype(np.int64), found


@dataclass(frozen=True, slots=True)
class Part:
    """Segments with places of their own, whose names and files are rows of the `TableBuilder`'s."""

    segments: Segments
    places: Places


class TableBuilder:
    """Puts a table together; files are kept once, and names once with the same other names."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, tuple[str, ...]], int] = {}
        self._files: dict[str, int] = {}
        self._parts: list[Part] = []
        self._folded: list[tuple[int, int]] = []

    def name(self, text: str) -> int:
        """The row of a name whose address has no other."""
        return self._names.setdefault((text, ()), len(self._names))

    def file(self, text: str) -> int:
        """The row of a file."""
        return self._files.setdefault(text, len(self._files))

    def fold(self, name: str, others: Iterable[str]) -> int:
        """The row of a name whose address has other names too: its own one, if there are any but itself."""
        key = name, tuple(sorted({other for other in others if other != name}))
        if key not in self._names:
            row = self._names[key] = len(self._names)
            self._folded += [(row, self.name(other)) for other in key[1]]
        return self._names[key]

    def add(self, part: Part) -> None:
        """Add segments that lie apart from all others."""
        self._parts.append(part)

    def take(self, table: Table) -> None:
        """Add all of another table."""
        names = np.array([self.fold(text, others) for text, others in table.named()] + [-1], np.int32)
        files = np.array([self.file(text) for text in table.files.all()] + [-1], np.int32)
        places = replace(table.places, name=names[table.places.name], file=files[table.places.file])
        self.add(Part(table.segments, places))

    def build(self, machine: str, is_public: bool, moved: Moved) -> Table:
        """The table. Where segments overlap all the same, which only damage brings about, the first is kept."""
        counts = np.array([len(part.places) for part in self._parts], np.int64)
        base = np.cumsum(counts) - counts
        segments = [
            Segments(part.segments.start, part.segments.last, _moved_by(part.segments.place, int(shift)))
            for part, shift in zip(self._parts, base, strict=True)
        ]
        places = [
            replace(part.places, caller=_moved_by(part.places.caller, int(shift)))
            for part, shift in zip(self._parts, base, strict=True)
        ]
        return Table(
            machine=machine,
            is_public=is_public,
            segments=_in_order(segments),
            places=_joined(places),
            names=Texts.of(text for text, _ in self._names),
            files=Texts.of(self._files),
            folded=np.array(self._folded, np.int32).reshape(-1, 2),
            moved=moved,
        )


def merged(first: Table, second: Table) -> Table:
    """Both tables as one; where both know an address, the first is right."""
    builder = TableBuilder()
    builder.take(first)
    builder.take(second)
    return builder.build(second.machine, second.is_public, second.moved)


def _moved_by(rows: I32, shift: int) -> I32:
    return np.where(rows >= 0, rows + shift, -1).astype(np.int32)


def _in_order(parts: Sequence[Segments]) -> Segments:
    start = np.concatenate([np.zeros(0, np.uint32), *(part.start for part in parts)])
    last = np.concatenate([np.zeros(0, np.uint32), *(part.last for part in parts)])
    place = np.concatenate([np.zeros(0, np.int32), *(part.place for part in parts)])
    order = np.argsort(start, kind="stable")
    start, last, place = start[order], last[order], place[order]
    fresh = np.ones(len(start), np.bool_)
    fresh[1:] = start[1:] > np.maximum.accumulate(last)[:-1]
    return Segments(start[fresh], last[fresh], place[fresh])


def _joined(parts: Sequence[Places]) -> Places:
    return Places(
        caller=np.concatenate([np.zeros(0, np.int32), *(part.caller for part in parts)]),
        name=np.concatenate([np.zeros(0, np.int32), *(part.name for part in parts)]),
        kind=np.concatenate([np.zeros(0, np.uint8), *(part.kind for part in parts)]),
        file=np.concatenate([np.zeros(0, np.int32), *(part.file for part in parts)]),
        line=np.concatenate([np.zeros(0, np.int32), *(part.line for part in parts)]),
    )


def table_of_chains(rva: U64, chains: Chains, machine: str) -> Table:
    """A table that knows these RVAs and no other, for files that give their answers as chains."""
    builder = TableBuilder()
    fits = rva <= MAX_RVA
    start = rva[fits].astype(np.uint32)
    length = np.diff(chains.start)
    folded = chains.folded
    names = np.array(
        [builder.fold(text, folded.get(row, ())) for row, text in enumerate(chains.names)] + [-1], np.int32
    )
    files = np.array([builder.file(text) for text in chains.files] + [-1], np.int32)
    # A place comes after its caller, so each chain is turned round.
    rows = ranges(chains.start[:-1], length)
    outward = np.repeat(chains.start[:-1] + chains.start[1:] - 1, length) - rows
    caller = np.arange(len(rows)) - 1
    caller[chains.start[:-1][length > 0]] = -1
    place = np.where(length > 0, chains.start[1:] - 1, -1)[fits]
    builder.add(
        Part(
            Segments(start, start, place.astype(np.int32)),
            Places(
                caller=caller.astype(np.int32),
                name=names[chains.name[outward]],
                kind=chains.kind[outward],
                file=files[chains.file[outward]],
                line=chains.line[outward],
            ),
        )
    )
    return builder.build(machine, False, Moved(np.zeros(0, np.int64), np.zeros(0, np.int64)))
