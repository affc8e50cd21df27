"""The events of an `.etl`, one at a time, in plain Python: what the reader's slow twin, `etl_walker`, walks over."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pyfwnt

# Header type: (family, bytes of the header, offset of the size, offset of the time)
FAMILIES = {
    0x01: ("system", 32, 4, 16),
    0x02: ("system", 32, 4, 16),
    0x03: ("compact", 24, 4, 16),
    0x04: ("compact", 24, 4, 16),
    0x10: ("perfinfo", 16, 4, 8),
    0x11: ("perfinfo", 16, 4, 8),
    0x0A: ("full", 48, 0, 16),
    0x14: ("full", 48, 0, 16),
    0x12: ("event", 80, 0, 16),
    0x13: ("event", 80, 0, 16),
}


@dataclass
class Event:
    """One event: `hook` is None where a guid stands in its place. A provider's event has an `event_id`, and then `pid`
    is the process that wrote it; both are -1 for others.
    """

    time: int
    cpu: int
    hook: int | None
    guid: bytes
    opcode: int
    version: int
    payload: bytes
    event_id: int = -1
    pid: int = -1


def buffers(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(processor, events) of each buffer."""
    offset = 0
    while offset + 72 <= len(data):
        size, saved = struct.unpack_from("<II", data, offset)
        (flags,) = struct.unpack_from("<H", data, offset + 0x34)
        (processor,) = struct.unpack_from("<H", data, offset + 0x28)
        content = data[offset + 72 : offset + size]
        if flags & 0x40:
            content = pyfwnt.lzxpress_decompress(content, saved - 72)
        elif saved not in (0, 0xFFFFFFFF):
            content = content[: saved - 72]
        yield (processor if flags & 0x20 else processor & 0xFF), content
        offset += size


def events(data: bytes) -> Iterator[Event]:
    """All events in the order of the file."""
    for cpu, content in buffers(data):
        position = 0
        while position + 8 <= len(content):
            kind, marker = content[position + 2], content[position + 3]
            if kind not in FAMILIES or marker not in (0xC0, 0xC1):
                break
            family, head, size_at, time_at = FAMILIES[kind]
            (size,) = struct.unpack_from("<H", content, position + size_at)
            if size < head or position + size > len(content):
                break
            (time,) = struct.unpack_from("<q", content, position + time_at)
            payload = content[position + head : position + size]
            hook, guid, opcode, version = None, b"", 0, 0
            event_id, pid = -1, -1
            if family in ("full", "event"):
                guid = content[position + 24 : position + 40]
                opcode = content[position + 4] if family == "full" else -1
                if family == "event":
                    (event_id,) = struct.unpack_from("<H", content, position + 40)
                    (pid,) = struct.unpack_from("<I", content, position + 12)
            else:
                (version,) = struct.unpack_from("<H", content, position)
                (hook,) = struct.unpack_from("<H", content, position + 6)
            yield Event(time, cpu, hook, guid, opcode, version, payload, event_id, pid)
            position += (size + 7) // 8 * 8
