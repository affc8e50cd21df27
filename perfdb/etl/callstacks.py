"""Stacks: interned as they are met, and joined to their samples at the end.

A stack comes as an event of its own after the event it belongs to, with that event's time and thread; the kernel part
and the user part may come apart, and the user part late, from another processor's buffer. With stack caching it comes
as a key whose addresses are told later, when the kernel forgets the key or the trace ends. So every run of addresses (a
*fragment*) is hashed and kept once, and nothing is joined before the whole file has been read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.etl.events import Events
from perfdb.etl.hashing import hash_runs
from perfdb.etl.payloads import Definitions, Samples, StackEvents
from perfdb.profile.columns import I64, U64
from perfdb.profile.grouping import distinct, first_at_or_after, last_at_or_before, ranges


@dataclass(frozen=True, slots=True)
class Fragments:
    """Distinct runs of addresses, leaf first: fragment i is `address[start[i] : start[i] + length[i]]`."""

    hash: U64
    start: I64
    length: I64
    address: U64

    def find(self, content: U64) -> I64:
        """The row of each content hash."""
        return np.searchsorted(self.hash, content).astype(np.int64)

    def first(self) -> U64:
        """The innermost address of each fragment, 0 for an empty one."""
        padded = np.append(self.address, np.uint64(0))
        return np.where(self.length > 0, padded[self.start], np.uint64(0))


class Interner:
    """Collects fragments over the batches of a trace, each content once."""

    def __init__(self, pointer: int = 8) -> None:
        self._pointer = pointer
        self._known = np.zeros(0, np.uint64)
        self._hashes: list[U64] = []
        self._lengths: list[I64] = []
        self._addresses: list[U64] = []

    def intern(self, events: Events, rows: I64, offset: int) -> U64:
        """Keep the addresses from `offset` of each row's payload to its end; returns their content hashes."""
        length = (events.payload_bytes[rows] - offset) // self._pointer
        words = events.u64 if self._pointer == 8 else events.u32
        first = (events.payload[rows] + offset) // self._pointer
        place = ranges(first, length)
        return self.keep(words[place].astype(np.uint64), np.cumsum(length) - length, length)

    def keep(self, address: U64, start: I64, length: I64) -> U64:
        """Keep the runs `address[start : start + length]`; returns their content hashes."""
        content = hash_runs(address, start, length)
        distinct_content, row = np.unique(content, return_index=True)
        fresh = row[~np.isin(distinct_content, self._known)]
        self._known = np.union1d(self._known, content[fresh])
        self._hashes.append(content[fresh])
        self._lengths.append(length[fresh])
        self._addresses.append(address[ranges(start[fresh], length[fresh])])
        return content

    def fragments(self) -> Fragments:
        """What was collected, in the order of the hashes."""
        if not self._hashes:
            return Fragments(
                np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64)
            )
        content, length = np.concatenate(self._hashes), np.concatenate(self._lengths)
        start = np.cumsum(length) - length
        order = np.argsort(content)
        return Fragments(content[order], start[order], length[order], np.concatenate(self._addresses))


@dataclass(frozen=True, slots=True)
class SampleStacks:
    """For each sample its kernel and its user fragment (rows of `Fragments`, -1 where there is none), and what got
    lost.

    `pid` is what the stack event says of the sample's process, -1 where there is no stack.
    """

    kernel: I64
    user: I64
    pid: I64
    lost_keys: int


def join_stacks(samples: Samples, stacks: StackEvents, definitions: Definitions, fragments: Fragments) -> SampleStacks:
    """Give each sample its stacks: same time and thread, and on thread 0 (which every processor has) same processor."""
    count = len(samples.ticks)
    kernel, user, pid = (np.full(count, -1, np.int64) for _ in range(3))
    near = np.flatnonzero(np.isin(stacks.ticks, samples.ticks))
    near = near[np.argsort(stacks.written[near], kind="stable")]
    sample = _match(samples, stacks, near)
    near, sample = near[sample >= 0], sample[sample >= 0]
    content, known = _contents(stacks, near, definitions)
    first, _ = distinct(sample, stacks.user[near])
    first = first[known[first]]
    row = fragments.find(content[first])
    is_user = stacks.user[near[first]] == 1
    kernel[sample[first[~is_user]]] = row[~is_user]
    user[sample[first[is_user]]] = row[is_user]
    pid[sample] = stacks.pid[near]
    return SampleStacks(kernel, user, pid, lost_keys=int(np.count_nonzero(~known)))


def _match(samples: Samples, stacks: StackEvents, near: I64) -> I64:
    """The sample that each stack event of `near` belongs to, or -1."""
    count = len(samples.ticks)
    ticks = np.concatenate((samples.ticks, stacks.ticks[near]))
    tid = np.concatenate((samples.tid, stacks.tid[near]))
    cpu = np.where(tid == 0, np.concatenate((samples.cpu, stacks.cpu[near])), -1)
    representative, group = distinct(ticks, tid, cpu)
    owner = representative[group[count:]]
    return np.where(owner < count, owner, -1)


def _contents(
    stacks: StackEvents, near: I64, definitions: Definitions
) -> tuple[U64, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The content hash of each stack event of `near`, through its key where it has one, and whether it is known.

    A key means what the first definition at or after the reference says; one that is never told again, what it meant
    last.
    """
    key, written = stacks.key[near], stacks.written[near]
    content = stacks.fragment[near].copy()
    keyed = np.flatnonzero(key != 0)
    definition = first_at_or_after(definitions.key, definitions.written, key[keyed], written[keyed])
    earlier = last_at_or_before(definitions.key, definitions.written, key[keyed], written[keyed])
    definition = np.where(definition >= 0, definition, earlier)
    known = np.ones(len(near), np.bool_)
    known[keyed] = definition >= 0
    content[keyed[definition >= 0]] = definitions.fragment[definition[definition >= 0]]
    return content, known
