"""Managed code: the method of a .NET runtime that an address was part of at a moment, and what it is called.

The runtime tells of a method when it has compiled or loaded it, when it forgets it, and in a list of all there are when
tracing starts or stops. Most code of a managed process lies in no image and has no other name than this one. Code that
was compiled ahead of time (NGEN, ReadyToRun) lies in an image and is told of in the same way, in the same lists.

- Like an image, a method keeps its addresses until another is loaded over them: the runtime tells that methods go while
  the last of them still run. One that only a list names has been there since before all others.
- Where an image and a method share an address, the method names the function, and the image stays the module. But a
  method that was loaded before the image came is gone; and where the runtime compiled one after the image came, it is
  the image that is gone: the address is then in none.
- The address that is kept (of a caller, the one before its return address) is looked up, as everywhere.

Names are long, and few methods are ever sampled: so names stay in the file, and are read when all stacks are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from perfdb.etl import layout
from perfdb.etl.clock import BEFORE
from perfdb.etl.hashing import hash_runs
from perfdb.etl.lifetimes import AddressSpace, ImageTable, LifeTable, find_lives
from perfdb.etl.method_events import MethodEvents
from perfdb.etl.payloads import Lives
from perfdb.etl.tables import select
from perfdb.etl.texts import Distinct, method_name
from perfdb.profile.columns import I64, U64, Bool
from perfdb.profile.grouping import distinct, ranges


@dataclass(frozen=True, slots=True)
class MethodTable:
    """Methods in memory: shape (methods,). `process` is a process's life; `place` is where its first event lies."""

    process: I64
    base: U64
    end: U64
    loaded_at: I64
    is_jitted: Bool
    place: I64


def find_methods(events: MethodEvents, processes: LifeTable, address: U64) -> MethodTable:
    """The methods of known processes that may hold one of some addresses; the rest, nearly all, is nothing to us."""
    asked = np.sort(address) if len(events.ticks) else address[:0]
    end = events.start + events.size
    holds = np.searchsorted(asked, events.start) < np.searchsorted(asked, end)
    # Whatever was told of the same place counts, too: it says when a method came there or went.
    events = select(events, np.isin(events.start, events.start[holds]))
    events = select(events, np.argsort(events.place))
    process = processes.at_or_next(events.pid.astype(np.uint64), events.ticks)
    events, process = select(events, process >= 0), process[process >= 0]
    _, place = distinct(process, events.start)
    lives = find_lives(
        Lives(
            ticks=events.ticks,
            opcode=events.opcode.astype(np.int32),
            pid=events.pid.astype(np.int64),
            key=place.astype(np.uint64),
            owner=events.method_id | events.size.astype(np.uint64) << np.uint64(32),
            text=events.place,
            extra=events.size.astype(np.uint64),
        )
    )
    first = lives.event
    return MethodTable(
        process=process[first],
        base=events.start[first],
        end=events.start[first] + events.size[first],
        loaded_at=lives.start,
        is_jitted=events.is_jitted[first],
        place=events.place[first],
    )


def may_be_held(methods: MethodTable, address: U64) -> I64:
    """The rows of the addresses that lie in the range of a method of whatever process, at whatever time."""
    order = np.argsort(methods.base)
    base, reach = methods.base[order], np.maximum.accumulate(methods.end[order])
    before = np.searchsorted(base, address, "right") - 1
    return np.flatnonzero((before >= 0) & (address < np.append(reach, np.uint64(0))[before]))


def tell_apart(
    space: AddressSpace[MethodTable], life: I64, ticks: I64, row: I64, group: I64, stack: I64, address: U64
) -> tuple[I64, I64]:
    """Stacks that were taken for alike, split where a method came to one of their addresses between two samples.

    `row` is the first sample of each stack, `group` the stack of each sample in the order of time; `life` and `ticks`
    are the samples'. `address` are those addresses of the stacks that may be a method's; `stack` says whose each is, in
    ascending order. Returns `row` and `group` anew. Only addresses that are of one method at a stack's first sample and
    of another at its last are looked up sample by sample, so a runtime that compiles all the time costs little.
    """
    first = ticks[row]
    last = first.copy()
    np.maximum.at(last, group, ticks)
    moments = np.sort(space.held.loaded_at)
    is_changing = np.searchsorted(moments, first, "right") < np.searchsorted(moments, last, "right")
    at = np.flatnonzero(is_changing[stack])
    of = stack[at]
    at = at[space.find(life[row[of]], address[at], first[of]) != space.find(life[row[of]], address[at], last[of])]
    if not len(at):
        return row, group
    count = np.bincount(stack[at], minlength=len(row))
    sample = np.flatnonzero(count[group])
    length = count[group[sample]]
    unsteady = at[ranges((np.cumsum(count) - count)[group[sample]], length)]
    of_sample = np.repeat(sample, length)
    method = space.find(life[of_sample], address[unsteady], ticks[of_sample])
    meaning = np.zeros(len(group), np.uint64)
    meaning[sample] = hash_runs(method.astype(np.uint64), np.cumsum(length) - length, length)
    return distinct(group, meaning)


def settle(methods: MethodTable, images: ImageTable, method: I64, image: I64) -> tuple[I64, I64]:
    """Methods and images (-1 for none) of some addresses, without those that were gone; see the module."""
    both = np.flatnonzero((method >= 0) & (image >= 0))
    method, image = method.copy(), image.copy()
    loaded_at, image_loaded_at = methods.loaded_at[method[both]], images.loaded_at[image[both]]
    image[both[methods.is_jitted[method[both]] & (loaded_at > image_loaded_at)]] = -1
    method[both[(loaded_at != BEFORE) & (loaded_at < image_loaded_at)]] = -1
    return method, image


def name_methods(
    methods: MethodTable, method: I64, read_again: Callable[[I64], Iterable[tuple[int, memoryview]]]
) -> tuple[I64, tuple[str, ...]]:
    """For each method (a row of `methods`, or -1) its name as a row of the distinct names, which come with it.

    -1 stays -1, and so becomes a method whose name is empty or damaged.
    """
    is_used = np.zeros(len(methods.base) + 1, np.bool_)
    is_used[method] = True
    used = np.flatnonzero(is_used[:-1])
    found: list[str | None] = [None] * len(used)
    for row, content in read_again(methods.place[used]):
        size = int.from_bytes(content[layout.EVENT.size :][:2], "little")
        found[row] = method_name(bytes(content[layout.EVENT.bytes + layout.Payloads.method_name : size]))
    names: Distinct[str] = Distinct()
    number = np.full(len(is_used), -1, np.int64)
    number[used] = [-1 if name is None else names.number(name) for name in found]
    return number[method], tuple(names.values)
