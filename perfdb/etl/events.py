"""Where each event starts: one cursor a buffer, all cursors stepped side by side.

An event tells its own size, so the starts within a buffer can only be found one after the other; but buffers are
independent, and a trace has hundreds of them. The loop below therefore runs as often as the fullest buffer has events,
with a few numpy operations on all buffers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from perfdb.etl import layout
from perfdb.etl.buffers import Batch, Damage
from perfdb.profile.columns import I32, I64, U8, U16, U32, U64, Bool

_NO_EVENT = 1 << 20
"""More bytes than an event can have: what the header of something that is none would need."""


def _tables() -> tuple[npt.NDArray[np.int64], Bool]:
    """By bytes 2 and 3 of a header (type, marker): the least bytes of the event, and whether its size is at 4,
    not at 0.
    """
    least = np.full(1 << 16, _NO_EVENT, np.int64)
    size_at_4 = np.zeros(1 << 16, np.bool_)
    for kind in layout.HEADER_KINDS:
        for header_type in kind.types:
            for marker in layout.MARKERS:
                least[marker << 8 | header_type] = kind.bytes
                size_at_4[marker << 8 | header_type] = kind.size == 4
    return least, size_at_4


_LEAST, _SIZE_AT_4 = _tables()

_STRIDE = 64
"""Steps between two looks at where the cursors are; more would be wasted on buffers that have ended."""
_HEADER_BYTES = layout.header_length_table()


@dataclass(frozen=True)
class Events:
    """The events of a batch: shape (events,), in no order but that of each buffer's own events.

    `word` is the first 8 bytes of the header, `size` the event's bytes, header included, `buffer` a row of the batch.
    """

    batch: Batch
    position: I64
    word: U64
    size: I64
    buffer: I32

    @cached_property
    def u32(self) -> U32:
        """The batch as u32 words."""
        return self.batch.data.view(np.uint32)

    @cached_property
    def u64(self) -> U64:
        """The batch as u64 words."""
        return self.batch.data.view(np.uint64)

    @cached_property
    def header_type(self) -> U8:
        """Byte 2 of each header, which tells the family of headers it is of."""
        return (self.word >> np.uint64(16)).astype(np.uint8)

    @cached_property
    def hook(self) -> I32:
        """`group << 8 | opcode`, or -1 for the header types that carry a guid instead."""
        return np.where(_CARRIES_HOOK[self.header_type], (self.word >> np.uint64(48)).astype(np.int32), np.int32(-1))

    @cached_property
    def version(self) -> U16:
        """The event version of the header types that carry a hook."""
        return self.word.astype(np.uint16)

    @cached_property
    def payload(self) -> I64:
        """Where each payload starts."""
        return self.position + _HEADER_BYTES[self.header_type]

    @cached_property
    def payload_bytes(self) -> I64:
        """How long each payload is."""
        return self.size - _HEADER_BYTES[self.header_type]

    def with_guid(self, guid: bytes, opcode: int) -> I64:
        """The rows of FULL events of a provider and class type."""
        rows = np.flatnonzero(np.isin(self.header_type, layout.FULL.types))
        word = (self.position[rows] + layout.FULL.guid) // 8
        low, high = np.frombuffer(guid, np.uint64)
        kind = self.batch.data[self.position[rows] + layout.FULL.opcode]
        found: I64 = rows[(self.u64[word] == low) & (self.u64[word + 1] == high) & (kind == opcode)]
        return found

    def of_event_ids(self, ids: Sequence[int]) -> tuple[I64, U16]:
        """The rows of EVENT_HEADER events, whatever their provider, that have one of some event ids, and that id."""
        narrow, wide = layout.EVENT.types
        rows = np.flatnonzero((self.header_type == narrow) | (self.header_type == wide))
        event_id = self.batch.data.view(np.uint16)[(self.position[rows] + layout.EVENT.opcode) >> 1]
        wanted = np.isin(event_id, ids)
        return rows[wanted], event_id[wanted]

    def has_provider(self, rows: I64, guid: bytes) -> Bool:
        """Which of some rows of EVENT_HEADER events are of a provider."""
        word = (self.position[rows] + layout.EVENT.guid) >> 3
        low, high = np.frombuffer(guid, np.uint64)
        is_of: Bool = (self.u64[word] == low) & (self.u64[word + 1] == high)
        return is_of

    def pid(self, rows: I64) -> U32:
        """The process in which each row, of the headers that tell it, was written."""
        pid: U32 = self.u32[(self.position[rows] + layout.EVENT.pid) >> 2]
        return pid

    def time(self, rows: I64) -> I64:
        """Clock ticks of the rows."""
        early = np.isin(self.header_type[rows], layout.PERFINFO.types)
        word = self.position[rows] // 8 + np.where(early, layout.PERFINFO.time // 8, layout.SYSTEM.time // 8)
        return self.u64[word].astype(np.int64)

    def processor(self, rows: I64) -> I32:
        """The logical processor whose buffer holds each row."""
        return self.batch.processor[self.buffer[rows]]


_CARRIES_HOOK = np.isin(np.arange(256), layout.SYSTEM.types + layout.COMPACT.types + layout.PERFINFO.types)


def find_events(batch: Batch, damage: Damage) -> Events:
    """Every event of a batch. A buffer whose events stop early is counted in `damage.cut_events`; what came before
    counts.

    The cursors run `_STRIDE` steps without looking where they step, clipped to the batch; then the steps are judged all
    at once, and what follows the first bad one of a buffer is dropped, with the buffer.
    """
    words = batch.data.view(np.uint64)
    rows: list[tuple[I64, U64, I64, I64]] = []
    owner = np.arange(len(batch.start))
    cursor = batch.start >> 3
    while len(owner):
        heads = np.empty((_STRIDE, len(owner)), np.uint64)
        places = np.empty((_STRIDE, len(owner)), np.int64)
        for step in range(_STRIDE):
            places[step] = cursor
            head = words.take(cursor, mode="clip")
            heads[step] = head
            halves = head.view(np.uint16)
            length = np.where(_SIZE_AT_4[halves[1::4]], halves[2::4], halves[0::4])
            cursor = cursor + ((length.astype(np.int64) + 7) >> 3)
        found, alive = _judge(batch, owner, places, heads, damage)
        rows.append(found)
        owner, cursor = owner[alive], cursor[alive]
    if not rows:
        empty = np.zeros(0, np.int64)
        return Events(batch, empty, np.zeros(0, np.uint64), empty, np.zeros(0, np.int32))
    position, word, size, buffer = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Events(batch, position, word, size, buffer.astype(np.int32))


def _judge(batch: Batch, owner: I64, places: I64, heads: U64, damage: Damage) -> tuple[tuple[I64, U64, I64, I64], Bool]:
    """Of `_STRIDE` steps in some buffers the events (position, first word, size, buffer), and which buffers go on."""
    halves = heads.view(np.uint16).reshape(*heads.shape, 4)
    kind = halves[..., 1]
    size = np.where(_SIZE_AT_4[kind], halves[..., 2], halves[..., 0]).astype(np.int64)
    position, end = places << 3, batch.end[owner]
    good = np.logical_and.accumulate((size >= _LEAST[kind]) & (position + size <= end))
    alive = good[-1]
    # Where a buffer ended: at its end, at the rest that was never written, or at something that is no event.
    over = np.flatnonzero(~alive)
    first_bad = good[:, over].sum(axis=0)
    head, at = heads[first_bad, over], position[first_bad, over]
    unused = _is_unused(head) & ~batch.counted[owner[over]]
    damage.cut_events += int(np.count_nonzero(~unused & (at + layout.EVENT_ALIGNMENT <= end[over])))
    buffer = np.broadcast_to(owner, heads.shape)
    return (position[good], heads[good], size[good], buffer[good]), alive


def _is_unused(head: U64) -> Bool:
    """Where a buffer goes on with the zeros or ones of space that was never written."""
    unused: Bool = (head == np.uint64(0)) | (head == np.uint64(0xFFFFFFFFFFFFFFFF))
    return unused


def gather_u32(events: Events, rows: I64, offset: int) -> U32:
    """The u32 at a payload offset that is a multiple of 4."""
    values: U32 = events.u32[(events.payload[rows] + offset) >> 2]
    return values


def gather_u64(events: Events, rows: I64, offset: int) -> U64:
    """The u64 at a payload offset that is a multiple of 4, whether or not it is one of 8."""
    low = (events.payload[rows] + offset) >> 2
    values: U64 = events.u32[low].astype(np.uint64) | events.u32[low + 1].astype(np.uint64) << np.uint64(32)
    return values


def gather_pointer(events: Events, rows: I64, offset: int, pointer: int) -> U64:
    """The pointer of `pointer` bytes at a payload offset, as u64."""
    return gather_u64(events, rows, offset) if pointer == 8 else gather_u32(events, rows, offset).astype(np.uint64)
