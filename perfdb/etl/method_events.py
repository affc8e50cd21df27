"""Columns out of the events by which a .NET runtime tells of its methods; see `methods` for what they mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.etl import layout
from perfdb.etl.events import Events, gather_u32, gather_u64
from perfdb.profile.columns import I64, U8, U32, U64, Bool


@dataclass(frozen=True, slots=True)
class MethodEvents:
    """Events of the .NET runtime that tell of a method's code: shape (events,), in no order.

    `opcode` is 1 loaded, 2 unloaded, 3 there at the trace's start, 4 at its end. `method_id` is the low half of the
    runtime's number for the method. `place` is where the event lies, as `BufferTable.place` counts: most methods are
    never sampled, so their names stay in the file. A trace may hold millions of these, so the columns are narrow.
    """

    ticks: I64
    opcode: U8
    pid: U32
    start: U64
    size: U32
    method_id: U32
    is_jitted: Bool
    place: I64


def read_methods(events: Events) -> MethodEvents:
    """The methods of managed code, also those whose names are cut off: they, too, have their addresses."""
    rows, event_id = events.of_event_ids([told for meanings in layout.METHOD_EVENTS.values() for told in meanings])
    opcode = np.zeros(len(rows), np.uint8)
    for guid, meanings in layout.METHOD_EVENTS.items():
        of_provider = events.has_provider(rows, guid)
        for told, meaning in meanings.items():
            opcode[of_provider & (event_id == told)] = meaning
    at = layout.Payloads
    whole = (opcode > 0) & (events.payload_bytes[rows] >= at.method_name)
    rows, opcode = rows[whole], opcode[whole]
    size = gather_u32(events, rows, at.method_size)
    sound = (size > 0) & (size <= layout.LARGEST_METHOD)
    rows, opcode, size = rows[sound], opcode[sound], size[sound]
    return MethodEvents(
        ticks=events.time(rows),
        opcode=opcode,
        pid=events.pid(rows),
        start=gather_u64(events, rows, at.method_start),
        size=size,
        method_id=gather_u32(events, rows, at.method_id),
        is_jitted=(gather_u32(events, rows, at.method_flags) & np.uint32(layout.METHOD_JITTED)) != 0,
        place=events.batch.origin + events.position[rows],
    )
