"""The events of a made-up trace as bytes, in the layouts of `perfdb.etl.layout`.

Few events (processes, images, ...) are made one by one; samples and stacks, of which there are many, in columns. Either
way they become `EventBlock`s: events of whole 8-byte words with the time and the processor by which the writer sorts
them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perfdb.etl import layout
from perfdb.profile.columns import I32, I64, U64
from perfdb.profile.grouping import ranges

LARGEST_EVENT_BYTES = 0xFFFF
_WORD = layout.EVENT_ALIGNMENT


@dataclass(frozen=True, slots=True)
class EventBlock:
    """Events one after the other in `words`: event i takes `length[i]` words. Shape (events,), `words` apart."""

    ticks: I64
    cpu: I32
    length: I64
    words: U64


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Makes events of one pointer size."""

    pointer: int

    def one(
        self,
        kind: layout.HeaderKind,
        what: int | tuple[bytes, int],
        ticks: int,
        payload: bytes,
        version: int,
        pid: int = layout.NO_PID,
    ) -> bytes:
        """One event, padded to whole words. `what` is a hook, or a guid and its opcode or event id; `pid` is the
        process that writes it, for the headers that tell it.
        """
        size = kind.bytes + len(payload)
        if size > LARGEST_EVENT_BYTES:
            raise ValueError(f"an event of {size:,} bytes: the most is {LARGEST_EVENT_BYTES:,}")
        record = np.zeros(1, _header_dtype(kind))
        self._fill(record, kind, ticks, size, version)
        if isinstance(what, int):
            record["hook"] = what
        else:
            record["guid"] = np.frombuffer(what[0], "V16")
            record["opcode"] = what[1]
        if kind.pid >= 0:
            record["pid"] = pid
        return (record.tobytes() + payload).ljust(-(-size // _WORD) * _WORD, b"\0")

    def rows(
        self,
        kind: layout.HeaderKind,
        hook: int | I64,
        ticks: I64,
        cpu: I32,
        fields: Mapping[int, tuple[str, npt.ArrayLike]],
        version: int = 2,
    ) -> EventBlock:
        """Events of one size: `fields` are payload offsets with their format and values."""
        return self.runs(kind, hook, ticks, cpu, fields, version, Runs.none(len(ticks)))

    def runs(
        self,
        kind: layout.HeaderKind,
        hook: int | I64,
        ticks: I64,
        cpu: I32,
        fields: Mapping[int, tuple[str, npt.ArrayLike]],
        version: int,
        addresses: Runs,
    ) -> EventBlock:
        """Events of some fields and then a run of addresses each, which starts right after the last field."""
        head = max(offset + np.dtype(form).itemsize for offset, (form, _) in fields.items())
        record = np.zeros(len(ticks), _header_dtype(kind, fields, head))
        size = kind.bytes + head + addresses.length * self.pointer
        if len(size) and int(size.max()) > LARGEST_EVENT_BYTES:
            raise ValueError(f"a stack of {int(addresses.length.max()):,} addresses does not fit into an event")
        self._fill(record, kind, ticks, size, version)
        record["hook"] = hook
        for offset, (_, values) in fields.items():
            record[f"payload_{offset}"] = values
        length = -(-size // _WORD)
        # Everything is a multiple of 4 bytes, but 32-bit events are not of 8: the runs are laid out in half words.
        halves = np.zeros(int(length.sum()) * 2, np.uint32)
        start = (np.cumsum(length) - length) * 2
        head_halves = record.itemsize // 4
        halves[start[:, None] + np.arange(head_halves)] = record.view(np.uint32).reshape(len(ticks), head_halves)
        per_address = self.pointer // 4
        source = addresses.values.astype("<u8" if self.pointer == 8 else "<u4").view("<u4")
        halves[ranges(start + head_halves, addresses.length * per_address)] = source[
            ranges(addresses.start * per_address, addresses.length * per_address)
        ]
        return EventBlock(ticks, cpu, length, halves.view(np.uint64))

    def _fill(self, record: npt.NDArray[Any], kind: layout.HeaderKind, ticks: Any, size: Any, version: int) -> None:
        record["type"] = kind.types[self.pointer == 8]
        record["marker"] = layout.MARKERS[0]
        record["size"] = size
        record["version"] = version
        record["time"] = ticks
        if kind.tid >= 0:
            record["tid"] = record["pid"] = layout.NO_PID


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of addresses: run i is `values[start[i] : start[i] + length[i]]`."""

    start: I64
    length: I64
    values: U64

    @classmethod
    def none(cls, count: int) -> Runs:
        """Empty runs."""
        nothing = np.zeros(count, np.int64)
        return cls(nothing, nothing, np.zeros(0, np.uint64))

    @classmethod
    def of(cls, stacks: Sequence[Sequence[int]]) -> Runs:
        """One run a stack."""
        length = np.array([len(stack) for stack in stacks], np.int64)
        values = np.fromiter((address for stack in stacks for address in stack), np.uint64, int(length.sum()))
        return cls(np.cumsum(length) - length, length, values)

    def take(self, rows: I64) -> Runs:
        """Some of the runs, in another order or several times."""
        return Runs(self.start[rows], self.length[rows], self.values)


def block_of(events: Sequence[tuple[int, bytes]], cpu: int = 0) -> EventBlock:
    """A block of events that were made one by one: (ticks, bytes)."""
    return EventBlock(
        ticks=np.array([ticks for ticks, _ in events], np.int64),
        cpu=np.full(len(events), cpu, np.int32),
        length=np.array([len(content) // _WORD for _, content in events], np.int64),
        words=np.frombuffer(b"".join(content for _, content in events), np.uint64),
    )


def merge(blocks: Sequence[EventBlock]) -> EventBlock:
    """All events in the order of processor and time; equal ones in the order of the blocks."""
    ticks, cpu, length, words = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("ticks", "cpu", "length", "words")
    )
    order = np.lexsort((ticks, cpu))
    start = np.cumsum(length) - length
    return EventBlock(ticks[order], cpu[order], length[order], words[ranges(start[order], length[order])])


def put(size: int, *fields: tuple[int, str, Any]) -> bytearray:
    """`size` bytes with values in them: (offset, format of `struct`, value)."""
    content = bytearray(size)
    for offset, form, value in fields:
        struct.pack_into("<" + form, content, offset, value)
    return content


def utf16z(text: str) -> bytes:
    """A NUL-ended UTF-16 string."""
    return text.encode("utf-16-le", "replace") + b"\0\0"


def _header_dtype(
    kind: layout.HeaderKind, fields: Mapping[int, tuple[str, npt.ArrayLike]] | None = None, head: int = 0
) -> np.dtype[np.void]:
    """The record of a header and of the fields of its payload, at their offsets."""
    table = {"type": ("u1", 2), "marker": ("u1", 3), "size": ("<u2", kind.size), "version": ("<u2", kind.version)}
    table["time"] = ("<i8", kind.time)
    table["tid"], table["pid"] = ("<u4", kind.tid), ("<u4", kind.pid)
    table["hook"], table["guid"] = ("<u2", kind.hook), ("V16", kind.guid)
    table["opcode"] = ("u1" if kind is layout.FULL else "<u2", kind.opcode)
    present = {name: place for name, place in table.items() if place[1] >= 0}
    for offset, (form, _) in (fields or {}).items():
        present[f"payload_{offset}"] = (form, kind.bytes + offset)
    return np.dtype(
        {
            "names": list(present),
            "formats": [form for form, _ in present.values()],
            "offsets": [offset for _, offset in present.values()],
            "itemsize": kind.bytes + head,
        }
    )
