"""Who was who at a moment: pids, tids and addresses are used again, so each is a name only for a time.

A *life* is the time from a start event to an end event. Rundown events stretch it: a thing that is listed as running
when the trace begins has lived since before, and a thing of which only the end is known has lived since its
predecessor's end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from perfdb.etl import layout
from perfdb.etl.clock import AFTER, BEFORE
from perfdb.etl.payloads import DebugIds, Lives
from perfdb.etl.tables import select
from perfdb.profile.columns import I64, U64
from perfdb.profile.grouping import distinct, first_at_or_after, last_at_or_before, ranges

KERNEL_PIDS = (0, 4)
"""The idle and the system process, in whose name the kernel's images and drivers are listed."""


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Lives in the order of (key, start): shape (lives,). `event` is the first event that speaks of the life."""

    key: U64
    start: I64
    end: I64
    event: I64

    def at(self, key: U64, ticks: I64) -> I64:
        """The life that each key was in at a time, or the one it was in last; -1 where it had not begun."""
        return last_at_or_before(self.key, self.start, key, ticks)

    def at_or_next(self, key: U64, ticks: I64) -> I64:
        """As `at`; a key that had not begun is taken for its first life, whose start event came a moment too late."""
        life = self.at(key, ticks)
        first = self.at(key, np.full(len(ticks), AFTER, np.int64))
        first = np.where(first >= 0, np.searchsorted(self.key, key), -1)
        return np.where(life >= 0, life, first)


def find_lives(lives: Lives) -> LifeTable:
    """The lives that the events tell of.

    A life begins at a start event, at the first event of a key, after an end, and where the owner is another.
    """
    order = np.lexsort((lives.ticks, lives.key))
    key, ticks, opcode, owner = lives.key[order], lives.ticks[order], lives.opcode[order], lives.owner[order]
    if not len(order):
        empty = np.zeros(0, np.int64)
        return LifeTable(key, empty, empty, empty)
    same_key = np.zeros(len(order), np.bool_)
    same_key[1:] = key[1:] == key[:-1]
    before = np.maximum(np.arange(len(order)) - 1, 0)
    started = opcode == layout.OPCODE_START
    ended_before = opcode[before] == layout.OPCODE_END
    begins = ~same_key | started | ended_before | (owner != owner[before])
    start = np.where(started, ticks, np.where(same_key, ticks[before], BEFORE))
    last = np.append(np.flatnonzero(begins)[1:] - 1, len(order) - 1)
    end = np.where(opcode[last] == layout.OPCODE_END, ticks[last], AFTER)
    # A start whose predecessor's end was lost ends that predecessor.
    follows = np.append(same_key[np.flatnonzero(begins)[1:]], False)
    next_start = np.append(start[begins][1:], AFTER)
    return LifeTable(
        key=key[begins],
        start=start[begins],
        end=np.where(follows, np.minimum(end, next_start), end),
        event=order[begins],
    )


@dataclass(frozen=True, slots=True)
class ImageTable:
    """Images in memory, kernel and user together: shape (images,). `process` is a process's life, -1 for the kernel's.

    `path` and `debug` are rows of the distinct paths and debug ids, `debug` -1 where the trace names none.
    There is no time of unloading: an image keeps its addresses until another is loaded over them, as the counts that
    the corpus trace is checked against have it. (Windows writes the unload event before the last samples of a leaving
    image.)
    """

    process: I64
    base: U64
    end: U64
    loaded_at: I64
    path: I64
    debug: I64


def find_images(lives: Lives, processes: LifeTable, debug_ids: DebugIds) -> ImageTable:
    """The images of a trace, with the process whose they were and the PDB that the trace names for them."""
    process = processes.at_or_next(lives.pid.astype(np.uint64), lives.ticks)
    of_kernel = np.isin(lives.pid, KERNEL_PIDS)
    known = (process >= 0) | of_kernel
    lives, process = select(lives, known), np.where(of_kernel, -1, process)[known]
    _, place = distinct(process, lives.key)
    of_place = find_lives(replace(lives, key=place.astype(np.uint64)))
    event = of_place.event
    base, pid, size = lives.key[event], lives.pid[event], lives.extra[event]
    debug = _debug_of(debug_ids, base, pid, lives.ticks[event])
    table = ImageTable(
        process=process[event],
        base=base,
        end=base + size,
        loaded_at=of_place.start,
        path=lives.text[event],
        debug=debug,
    )
    return _merge_reloads(select(table, size > 0))


def _debug_of(debug_ids: DebugIds, base: U64, pid: I64, ticks: I64) -> I64:
    """The debug id (a row of the distinct ones, or -1) of each image that an event told of at a time.

    The trace names it along with the event, at the same time; where it was added later, the next one to come is taken.
    """
    count = len(debug_ids.base)
    _, place = distinct(np.concatenate((debug_ids.base, base)), np.concatenate((debug_ids.pid, pid)))
    named = first_at_or_after(place[:count], debug_ids.ticks, place[count:], ticks)
    named = np.where(named >= 0, named, last_at_or_before(place[:count], debug_ids.ticks, place[count:], ticks))
    return np.where(named >= 0, np.append(debug_ids.text, -1)[named], -1)


class Placed(Protocol):
    """Things that hold addresses `base` to `end` of a process from a moment on: shape (things,)."""

    @property
    def process(self) -> I64:
        """A process's life, -1 for the kernel's."""
        ...

    @property
    def base(self) -> U64:
        """The first address."""
        ...

    @property
    def end(self) -> U64:
        """The address behind the last one."""
        ...

    @property
    def loaded_at(self) -> I64:
        """Since when, in ticks."""
        ...


Held = TypeVar("Held", bound=Placed)


class AddressSpace(Generic[Held]):
    """Which image, or which method, holds an address in a process at a moment: of those loaded so far, the latest.

    Most things have their addresses to themselves, and one binary search finds them. Where one thing may come after
    another has gone, as the compiler's code heaps have it a thousand times over, the addresses that are asked for are
    listed with all that ever held them, and the list is searched by time.
    """

    def __init__(self, held: Held) -> None:
        self.held = held
        self._alone, self._crowded = _by_company(held)

    def find(self, process: I64, address: U64, ticks: I64) -> I64:
        """The row of what holds each address; -1 where nothing was loaded at it. `process` -1 asks for the kernel's."""
        held, rows = self.held, self._alone
        hit = last_at_or_before(held.process[rows], held.base[rows], process, address)
        row = rows[np.maximum(hit, 0)] if len(rows) else hit
        inside = hit >= 0
        inside[inside] = (address[inside] < held.end[row[inside]]) & (held.loaded_at[row[inside]] <= ticks[inside])
        found = np.where(inside, row, -1)
        if len(self._crowded):
            first, last = held.base[self._crowded].min(), held.end[self._crowded].max()
            rest = np.flatnonzero(~inside & (address >= first) & (address < last))
            found[rest] = self._find_in_crowd(process[rest], address[rest], ticks[rest])
        return found

    def _find_in_crowd(self, process: I64, address: U64, ticks: I64) -> I64:
        rows, held = self._crowded, self.held
        first, place = distinct(process, address)
        processes, addresses = np.unique(process[first]), np.unique(address[first])
        span = len(addresses) + 1

        def rank(of: I64, at: U64) -> I64:
            return np.searchsorted(processes, of) * span + np.searchsorted(addresses, at)

        rows = rows[np.isin(held.process[rows], processes)]
        asked = rank(process[first], address[first])
        start = np.searchsorted(asked, rank(held.process[rows], held.base[rows]))
        length = np.maximum(np.searchsorted(asked, rank(held.process[rows], held.end[rows])) - start, 0)
        # Of things that are there since the same moment the last row counts, which is the one with the highest base.
        holder = np.repeat(rows, length)
        hit = last_at_or_before(ranges(start, length), held.loaded_at[holder], place, ticks)
        return np.append(holder, -1)[hit]

    def epoch(self, process: I64, ticks: I64) -> I64:
        """A number that is equal for two moments of a process between which nothing of its came."""
        return last_at_or_before(self.held.process, self.held.loaded_at, process, ticks)


def _merge_reloads(images: ImageTable) -> ImageTable:
    """One row for an image that went and came back to its place, when nothing else was there in between.

    Where images of several places overlap, no row is dropped: what lay over what is then a matter of their order.
    """
    if not len(images.base):
        return images
    images = select(images, np.lexsort((images.loaded_at, images.base, images.process)))
    fresh = np.ones(len(images.base), np.bool_)
    columns = (images.process, images.base, images.end, images.path, images.debug)
    fresh[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    # Images that touch each other form a cluster; one in which they all share their addresses is simple.
    cluster = np.cumsum(images.base >= _running_end(images.process, images.end))
    crowded = np.zeros(len(images.base) + 1, np.bool_)
    same_place = (images.base[1:] == images.base[:-1]) & (images.end[1:] == images.end[:-1])
    crowded[cluster[1:][(cluster[1:] == cluster[:-1]) & ~same_place]] = True
    return select(images, fresh | crowded[cluster])


def _by_company(held: Placed) -> tuple[I64, I64]:
    """The rows of things that share no address with another, and of those that do."""
    rows = np.lexsort((held.base, held.process))
    if not len(rows):
        return rows, rows
    process, base, end = held.process[rows], held.base[rows], held.end[rows]
    crowded = base < _running_end(process, end)
    crowded[:-1] |= (process[1:] == process[:-1]) & (base[1:] < end[:-1])
    return rows[~crowded], rows[crowded]


def _running_end(process: I64, end: U64) -> U64:
    """For each row the greatest end of the rows before it in the same process, 0 where it is the first."""
    ranks = np.unique(end)
    code = np.searchsorted(ranks, end) + 1
    fresh = np.append(True, process[1:] != process[:-1])
    span = len(ranks) + 1
    running = np.maximum.accumulate(code + np.cumsum(fresh) * span)
    before = np.append(0, running[:-1]) % span
    before[fresh] = 0
    return np.where(before > 0, ranks[np.maximum(before - 1, 0)], np.uint64(0))
