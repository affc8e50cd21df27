"""Columns out of the events that matter. Each function takes the events of one batch and returns what it found in them.

Rows whose payload is shorter than its fields are left out: a damaged event is no reason to read its neighbour's bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from perfdb.etl import layout
from perfdb.etl.events import Events, gather_pointer, gather_u32, gather_u64
from perfdb.etl.texts import (
    DebugText,
    Distinct,
    ProcessText,
    decode_distinct,
    process_names,
    rsds_names,
    utf16,
    utf16_strings,
)
from perfdb.profile.columns import I32, I64, U8, U64, Bool
from perfdb.units import NS_PER_FILETIME


@dataclass(frozen=True, slots=True)
class Header:
    """TRACE_LOGFILE_HEADER. Ticks are of the trace's clock; `start_time` and `end_time` are FILETIMEs in UTC.

    `buffers_written` is how many buffers the file should have, 0 where that is not known.
    """

    pointer_size: int
    first_ticks: int
    version: tuple[int, int]
    os_build: int
    processors: int
    start_time: int
    end_time: int
    cpu_mhz: int
    perf_freq: int
    clock_type: int
    buffers_written: int
    events_lost: int
    buffers_lost: int


@dataclass(frozen=True, slots=True)
class Samples:
    """SampledProfile events: shape (samples,). `flags` has bit 0 in a DPC, bit 1 in an ISR."""

    ticks: I64
    ip: U64
    tid: I64
    count: I64
    flags: U8
    cpu: I32


@dataclass(frozen=True, slots=True)
class StackEvents:
    """Stack and stack-key events: shape (stacks,). `key` is the stack key's address, 0 where the addresses came along.

    `ticks` is the time of the event that the stack belongs to, `written` the stack event's own time, `pid` -1 if not
    known.
    """

    ticks: I64
    written: I64
    pid: I64
    tid: I64
    cpu: I32
    user: U8
    key: U64
    fragment: U64


@dataclass(frozen=True, slots=True)
class Definitions:
    """Stack-key definitions: shape (definitions,). `fragment` is the content hash of the addresses."""

    written: I64
    key: U64
    fragment: U64


@dataclass(frozen=True, slots=True)
class Lives:
    """Start, end and rundown events of processes, threads or images: shape (events,), in the order of the file.

    `opcode` is 1 start, 2 end, 3 running at the trace's start, 4 at its end. `owner` tells two lives of one key apart.
    `text` is a row of the distinct descriptions that were found along with these events; `extra` is the parent's pid of
    a process, the size of an image in bytes, and 0 for a thread.
    """

    ticks: I64
    opcode: I32
    pid: I64
    key: U64
    owner: U64
    text: I64
    extra: U64


def read_header(events: Events) -> Header | None:
    """The first event of the trace, or None where it is something else."""
    if not len(events.position) or events.hook[0] != layout.HOOK_LOGFILE_HEADER:
        return None
    payload = events.batch.data[int(events.payload[0]) :][: int(events.payload_bytes[0])].tobytes()
    pointer_size = _u32(payload, layout.LogfileHeader.pointer_size) if len(payload) >= 48 else 0
    if pointer_size not in (4, 8):
        return None
    at = layout.logfile_header(pointer_size)
    if len(payload) < at.names:
        return None
    version = _u32(payload, at.version)
    circular = _u32(payload, at.mode) & layout.MODE_CIRCULAR
    return Header(
        pointer_size=pointer_size,
        first_ticks=int(events.time(np.zeros(1, np.int64))[0]),
        version=(version & 0xFF, version >> 8 & 0xFF),
        os_build=_u32(payload, at.os_build),
        processors=_u32(payload, at.processors),
        start_time=_i64(payload, at.start_time),
        end_time=_i64(payload, at.end_time),
        cpu_mhz=_u32(payload, at.cpu_mhz),
        perf_freq=_i64(payload, at.perf_freq),
        clock_type=_u32(payload, at.clock_type),
        buffers_written=0 if circular else _u32(payload, at.buffers_written),
        events_lost=_u32(payload, at.events_lost),
        buffers_lost=_u32(payload, at.buffers_lost),
    )


def read_samples(events: Events, at: layout.Payloads) -> Samples:
    """Every CPU sample, idle ones included."""
    rows = _rows(events, events.hook == layout.HOOK_SAMPLE, at.sample_bytes)
    packed = gather_u32(events, rows, at.sample_count)
    return Samples(
        ticks=events.time(rows),
        ip=gather_pointer(events, rows, 0, at.pointer),
        tid=gather_u32(events, rows, at.sample_tid).astype(np.int64),
        count=(packed & np.uint32(0xFFFF)).astype(np.int64),
        flags=(packed >> np.uint32(16)).astype(np.uint8) & np.uint8(3),
        cpu=events.processor(rows),
    )


@dataclass(frozen=True, slots=True)
class Intervals:
    """What the sampling interval was set to, and when: shape (settings,)."""

    ticks: I64
    interval_ns: I64


def read_intervals(events: Events, at: layout.Payloads) -> Intervals:
    """The settings of the timer; other sources of samples (performance counters) have intervals that are not time."""
    rows = _ordered_rows(events, np.isin(events.hook, layout.HOOKS_INTERVAL), at.interval_bytes)
    interval = gather_u32(events, rows, at.interval_new).astype(np.int64)
    of_timer = (gather_u32(events, rows, at.interval_source) == 0) & (interval > 0)
    rows, interval = rows[of_timer], interval[of_timer]
    return Intervals(events.time(rows), interval * NS_PER_FILETIME)


def read_stacks(events: Events, at: layout.Payloads, intern: Callable[[Events, I64, int], U64]) -> StackEvents:
    """Stacks with their addresses, then stack keys; `intern` keeps the addresses and gives their content hash.

    A stack without an address tells nothing, and a key of 0 is none: both are left out.
    """
    whole = _ordered_rows(events, events.hook == layout.HOOK_STACK, at.stack_addresses + at.pointer)
    is_key = np.isin(events.hook, (layout.HOOK_STACK_KEY_KERNEL, layout.HOOK_STACK_KEY_USER))
    keyed = _ordered_rows(events, is_key, at.stack_addresses + at.pointer)
    keyed = keyed[gather_pointer(events, keyed, at.stack_addresses, at.pointer) != 0]
    rows = np.concatenate((whole, keyed))
    nothing = np.zeros(len(whole), np.uint64)
    pid = gather_u32(events, rows, at.stack_pid).astype(np.int64)
    return StackEvents(
        ticks=gather_u64(events, rows, at.stack_time).astype(np.int64),
        written=events.time(rows),
        pid=np.where(pid == layout.NO_PID, -1, pid),
        tid=gather_u32(events, rows, at.stack_tid).astype(np.int64),
        cpu=events.processor(rows),
        user=np.concatenate(
            (
                ~is_kernel_address(gather_pointer(events, whole, at.stack_addresses, at.pointer), at.pointer),
                events.hook[keyed] == layout.HOOK_STACK_KEY_USER,
            )
        ).astype(np.uint8),
        key=np.concatenate((nothing, gather_pointer(events, keyed, at.stack_addresses, at.pointer))),
        fragment=np.concatenate((intern(events, whole, at.stack_addresses), np.zeros(len(keyed), np.uint64))),
    )


def read_definitions(events: Events, at: layout.Payloads, intern: Callable[[Events, I64, int], U64]) -> Definitions:
    """What stack keys stand for; `intern` keeps the addresses and gives their content hash."""
    is_definition = np.isin(events.hook, layout.HOOKS_STACK_DEFINITION)
    rows = _ordered_rows(events, is_definition, at.definition_addresses + at.pointer)
    return Definitions(
        written=events.time(rows),
        key=gather_pointer(events, rows, 0, at.pointer),
        fragment=intern(events, rows, at.definition_addresses),
    )


def is_kernel_address(address: U64, pointer: int) -> Bool:
    """Whether addresses lie in the upper half of the address space, which is the kernel's."""
    return address >= np.uint64(1 << 63 if pointer == 8 else 1 << 31)


def read_threads(events: Events, at: layout.Payloads) -> Lives:
    """The lives of threads; `owner` is the pid of the process."""
    rows, opcode = _life_events(events, layout.HOOK_THREAD_GROUP, at.thread_bytes)
    pid = gather_u32(events, rows, at.thread_pid)
    return Lives(
        ticks=events.time(rows),
        opcode=opcode,
        pid=pid.astype(np.int64),
        key=gather_u32(events, rows, at.thread_tid).astype(np.uint64),
        owner=pid.astype(np.uint64),
        text=np.zeros(len(rows), np.int64),
        extra=np.zeros(len(rows), np.uint64),
    )


def read_processes(events: Events, at: layout.Payloads, texts: Distinct[ProcessText]) -> Lives:
    """The lives of processes, whose `owner` is the kernel's key of the process."""
    rows, opcode = _life_events(events, layout.HOOK_PROCESS_GROUP, at.process_sid(0) + 4)
    sid = np.where(events.version[rows] >= 4, at.process_sid(4), at.process_sid(0)).astype(np.int64)
    rows, opcode, sid = _fitting(events, sid + 4, rows, opcode, sid)
    # A SID is there when its first u32 is not 0: two pointers, then the SID proper, whose byte 1 counts its u32s.
    has_sid = events.u32[(events.payload[rows] + sid) >> 2] != 0
    proper = sid + np.where(has_sid, 2 * at.pointer, 0)
    rows, opcode, has_sid, proper = _fitting(events, proper + 4, rows, opcode, has_sid, proper)
    authorities = events.batch.data[events.payload[rows] + proper + 1].astype(np.int64)
    name = proper + np.where(has_sid, 8 + 4 * authorities, 4)
    rows, opcode, name = _fitting(events, name, rows, opcode, name)
    pid = gather_u32(events, rows, at.process_pid)
    return Lives(
        ticks=events.time(rows),
        opcode=opcode,
        pid=pid.astype(np.int64),
        key=pid.astype(np.uint64),
        owner=gather_pointer(events, rows, 0, at.pointer),
        text=decode_distinct(events, rows, name, process_names, texts),
        extra=gather_u32(events, rows, at.process_parent).astype(np.uint64),
    )


def read_images(events: Events, at: layout.Payloads, texts: Distinct[str]) -> Lives:
    """The lives of images.

    `key` is the base address, `owner` a mixture of size and timestamp, and the description is the file's path.
    """
    rows, opcode = _life_events(events, layout.HOOK_IMAGE_GROUP, at.image_name, start=layout.OPCODE_IMAGE_LOAD)
    size = gather_pointer(events, rows, at.image_size, at.pointer)
    timestamp = gather_u32(events, rows, at.image_timestamp).astype(np.uint64)
    name = np.full(len(rows), at.image_name, np.int64)
    return Lives(
        ticks=events.time(rows),
        opcode=opcode,
        pid=gather_u32(events, rows, at.image_pid).astype(np.int64),
        key=gather_pointer(events, rows, 0, at.pointer),
        owner=size ^ timestamp << np.uint64(32),
        text=decode_distinct(events, rows, name, utf16, texts),
        extra=size,
    )


@dataclass(frozen=True, slots=True)
class DebugIds:
    """DbgID_RSDS events: shape (images,); `text` is a row of the distinct `DebugText`s."""

    ticks: I64
    pid: I64
    base: U64
    text: I64


def read_debug_ids(events: Events, at: layout.Payloads, texts: Distinct[DebugText]) -> DebugIds:
    """The PDB of every image that the trace names one for."""
    rows = events.with_guid(layout.GUID_IMAGE_ID, layout.OPCODE_RSDS)
    rows = rows[events.payload_bytes[rows] >= at.rsds_name]
    start = np.full(len(rows), at.rsds_guid, np.int64)
    return DebugIds(
        ticks=events.time(rows),
        pid=gather_u32(events, rows, at.rsds_pid).astype(np.int64),
        base=gather_pointer(events, rows, 0, at.pointer),
        text=decode_distinct(events, rows, start, rsds_names, texts),
    )


def read_hostname(events: Events) -> tuple[str, str] | None:
    """(computer name, description of the processor) from the first SystemConfig CPU event."""
    rows = _ordered_rows(events, events.hook == layout.HOOK_SYSTEM_CPU, layout.CPU_HOSTNAME + layout.CPU_HOSTNAME_BYTES)
    if not len(rows):
        return None
    payload = _payload(events, int(rows[0]))
    hostname = utf16(payload[layout.CPU_HOSTNAME :][: layout.CPU_HOSTNAME_BYTES])
    pointer = 8 if events.header_type[rows[0]] in (kind.types[1] for kind in layout.HEADER_KINDS) else 4
    facts = payload[layout.cpu_architecture(pointer) :]
    if len(facts) < 6:
        return hostname, ""
    architecture, level, revision = (int.from_bytes(facts[at : at + 2], "little") for at in (0, 2, 4))
    name = layout.ARCHITECTURES.get(architecture, f"architecture {architecture}")
    return hostname, f"{name} family {level} model {revision >> 8} stepping {revision & 0xFF}"


def read_product_name(events: Events) -> str:
    """The product name of the operating system, such as "Windows 10 Pro"; "" where the trace does not tell."""
    for row in events.with_guid(layout.GUID_SYSTEM_CONFIG_EX, layout.OPCODE_BUILD_INFO)[:1].tolist():
        strings = utf16_strings(_payload(events, row)[layout.BUILD_INFO_STRINGS :])
        return strings[1] if len(strings) > 1 else ""
    return ""


def read_volumes(events: Events) -> dict[str, str]:
    r"""Drive letters by NT path: `\Device\HarddiskVolume2\` → `C:\`."""
    volumes: dict[str, str] = {}
    for row in events.with_guid(layout.GUID_SYSTEM_CONFIG_EX, layout.OPCODE_VOLUME_MAPPING).tolist():
        strings = utf16_strings(_payload(events, row))
        if len(strings) > 1 and strings[0] and strings[1]:
            volumes[strings[0]] = strings[1]
    return volumes


def _life_events(events: Events, group: int, least: int, start: int = layout.OPCODE_START) -> tuple[I64, I32]:
    """The start, end and rundown events of a group, and their opcodes with `start` turned into 1."""
    opcodes = (start, layout.OPCODE_END, layout.OPCODE_RUNDOWN_START, layout.OPCODE_RUNDOWN_END)
    rows = _ordered_rows(events, np.isin(events.hook, [group | opcode for opcode in opcodes]), least)
    opcode = events.hook[rows] & 0xFF
    return rows, np.where(opcode == start, np.int32(layout.OPCODE_START), opcode)


def _rows(events: Events, chosen: Bool, least: int) -> I64:
    """The chosen rows whose payload has the least bytes."""
    rows = np.flatnonzero(chosen)
    return rows[events.payload_bytes[rows] >= least]


def _ordered_rows(events: Events, chosen: Bool, least: int) -> I64:
    """As `_rows`, in the order of the file: where two events have one time, the first one counts."""
    rows = _rows(events, chosen, least)
    return rows[np.argsort(events.position[rows])]


def _fitting(events: Events, needed: I64, rows: I64, *columns: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """The rows and columns, without the rows whose payload has fewer bytes than `needed`."""
    fits = events.payload_bytes[rows] >= needed
    return (rows[fits], *(column[fits] for column in columns))


def _payload(events: Events, row: int) -> bytes:
    return events.batch.data[int(events.payload[row]) :][: int(events.payload_bytes[row])].tobytes()


def _u32(payload: bytes, offset: int) -> int:
    return int.from_bytes(payload[offset : offset + 4], "little")


def _i64(payload: bytes, offset: int) -> int:
    return int.from_bytes(payload[offset : offset + 8], "little", signed=True)
