"""The file as a row of buffers: walked once, then decompressed and handed on in batches of bounded size.

A compressed buffer is one plain XPRESS (LZ77) stream ([MS-XCA] 2.3 and 2.4), which `libfwnt` expands. Damage is not the
end of the trace: what can be read is read, and `Damage` says what could not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perfdb.etl import layout
from perfdb.profile.columns import I32, I64, U8, Bool
from perfdb.units import MIB

BATCH_BYTES = 32 * MIB
"""Decompressed bytes that are held at a time; a batch is never less than one buffer."""

LARGEST_BUFFER = 64 * MIB
"""More than Windows allows a buffer (16 MiB since Windows 8); a greater size is damage, not a reason to allocate it."""

_UNUSED = 0xFFFFFFFF


@dataclass(slots=True)
class Damage:
    """What of the file could not be read; counters that grow while batches are made and walked."""

    buffers: int = 0
    """Buffers of which at least the header was there."""
    lossy_buffers: int = 0
    """Buffers that say of themselves that events or a buffer before them were lost."""
    truncated_bytes: int = 0
    """Bytes at the end of the file that belong to a buffer of which the rest is missing."""
    unreachable_bytes: int = 0
    """Bytes after a buffer header that makes no sense: where the next buffer would start is unknown."""
    corrupt_buffers: int = 0
    """Compressed buffers that do not expand to what their header promises."""
    cut_events: int = 0
    """Buffers in which the events ended before the header's count of bytes did."""


@dataclass(frozen=True, slots=True)
class BufferTable:
    """The buffers of a file: shape (buffers,). `stored` are the bytes after the header, `unpacked` what they
    expand to. `place` is where each would start if all were laid one after the other unpacked, each in whole words.
    """

    offset: I64
    stored: I64
    unpacked: I64
    processor: I32
    compressed: Bool
    counted: Bool
    place: I64


@dataclass(frozen=True, slots=True)
class Batch:
    """Some buffers' events as one array of bytes; buffer i is `data[start[i] : end[i]]`, and `start[i]` is 8-byte
    aligned. `origin` is where `data` starts among all buffers, as `BufferTable.place` has it.
    """

    origin: int
    data: U8
    start: I64
    end: I64
    processor: I32
    counted: Bool


def walk_buffers(data: memoryview, damage: Damage) -> BufferTable:
    """Step from header to header; stops, and says so in `damage`, where the file ends or makes no sense."""
    rows: list[tuple[int, int, int, int, bool, bool]] = []
    offset = 0
    total = len(data)
    while offset < total:
        if total - offset < layout.BUFFER_HEADER_BYTES:
            damage.truncated_bytes += total - offset
            break
        header = np.frombuffer(data, layout.BUFFER_HEADER, 1, offset)[0]
        size = int(header["size"])
        if size < layout.BUFFER_HEADER_BYTES or size > LARGEST_BUFFER:
            if any(data[offset:]):
                damage.unreachable_bytes += total - offset
            break
        damage.buffers += 1
        flags = int(header["flags"])
        compressed = bool(flags & layout.BUFFER_FLAG_COMPRESSED)
        stored = min(size, total - offset) - layout.BUFFER_HEADER_BYTES
        if size > total - offset:
            damage.truncated_bytes += total - offset
            if compressed:
                break
        saved = int(header["saved"])
        counted = compressed or saved not in (0, _UNUSED)
        if compressed:
            unpacked = saved - layout.BUFFER_HEADER_BYTES
        else:
            # A live or cut-off file has buffers whose count was never written: their events run as far as they run.
            unpacked = min(stored, saved - layout.BUFFER_HEADER_BYTES) if counted else stored
        processor = (
            int(header["processor"]) if flags & layout.BUFFER_FLAG_PROC_INDEX else int(header["processor"]) & 0xFF
        )
        damage.lossy_buffers += bool(flags & (layout.BUFFER_FLAG_EVENTS_LOST | layout.BUFFER_FLAG_BUFFER_LOST))
        if 0 < unpacked <= LARGEST_BUFFER:
            rows.append((offset + layout.BUFFER_HEADER_BYTES, stored, unpacked, processor, compressed, counted))
        elif compressed:
            damage.corrupt_buffers += 1
        offset += size
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    room = _whole_words(columns[2])
    return BufferTable(
        offset=columns[0],
        stored=columns[1],
        unpacked=columns[2],
        processor=columns[3].astype(np.int32),
        compressed=columns[4].astype(np.bool_),
        counted=columns[5].astype(np.bool_),
        place=np.cumsum(room) - room,
    )


def _whole_words(size: I64) -> I64:
    """Bytes, rounded up to what keeps the next event's start aligned."""
    return -(-size // layout.EVENT_ALIGNMENT) * layout.EVENT_ALIGNMENT


def read_batches(data: memoryview, buffers: BufferTable, damage: Damage) -> Iterator[Batch]:
    """The buffers in file order, decompressed, about `BATCH_BYTES` at a time."""
    batch_of = np.maximum(buffers.place + _whole_words(buffers.unpacked) - 1, 0) // BATCH_BYTES
    for rows in np.split(np.arange(len(batch_of)), np.flatnonzero(np.diff(batch_of)) + 1):
        if len(rows):
            yield _unpack(data, buffers, rows, damage)


def read_again(
    data: memoryview, buffers: BufferTable, whole: Batch | None, position: I64
) -> Iterator[tuple[int, memoryview]]:
    """For some positions, counted as `BufferTable.place` is, the bytes from there on: (row of `position`, bytes).

    What is long and seldom asked for need not be kept while reading. `whole` is the batch of a file that was read in
    one; else one buffer is unpacked at a time, and none twice.
    """
    if whole is not None:
        for row, at in enumerate(position.tolist()):
            yield row, whole.data.data[at - whole.origin :]
        return
    buffer = np.searchsorted(buffers.place, position, "right") - 1
    order = np.argsort(buffer, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(buffer[order])) + 1):
        if len(rows):
            batch = _unpack(data, buffers, buffer[rows[:1]], Damage())
            for row in rows.tolist():
                yield row, batch.data.data[int(position[row]) - batch.origin :]


def _unpack(data: memoryview, buffers: BufferTable, rows: I64, damage: Damage) -> Batch:
    """The buffers of some rows, which follow each other."""
    sizes = _whole_words(buffers.unpacked[rows])
    start = np.cumsum(sizes) - sizes
    end = start + buffers.unpacked[rows]
    # Eight spare bytes let the last event's fields be gathered as whole words.
    unpacked = np.zeros(int(sizes.sum()) + layout.EVENT_ALIGNMENT, np.uint8)
    whole = np.ones(len(rows), np.bool_)
    for place, row in enumerate(rows.tolist()):
        length = int(buffers.unpacked[row])
        stored = data[int(buffers.offset[row]) :][: int(buffers.stored[row])]
        content = _decompress(stored, length) if buffers.compressed[row] else stored[:length]
        if content is None:
            damage.corrupt_buffers += 1
            whole[place] = False
        else:
            unpacked[start[place] : end[place]] = np.frombuffer(content, np.uint8)
    origin = int(buffers.place[rows[0]])
    rows = rows[whole]
    return Batch(origin, unpacked, start[whole], end[whole], buffers.processor[rows], buffers.counted[rows])


def _decompress(stored: memoryview, length: int) -> bytes | None:
    """`length` bytes out of a plain XPRESS stream, or None where it does not hold them."""
    import pyfwnt

    try:
        content: bytes = pyfwnt.lzxpress_decompress(bytes(stored), length)
    except (OSError, ValueError, MemoryError):
        return None
    return content if len(content) == length else None
