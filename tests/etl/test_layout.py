"""Every offset and size of the layout, written out once more, as the description of the format has them."""

import uuid

import pytest

from perfdb.etl import layout


def test_buffer_header() -> None:
    offsets = {name: place[1] for name, place in (layout.BUFFER_HEADER.fields or {}).items()}
    sizes = {name: place[0].itemsize for name, place in (layout.BUFFER_HEADER.fields or {}).items()}

    assert layout.BUFFER_HEADER_BYTES == layout.BUFFER_HEADER.itemsize == 72
    assert offsets == {
        "size": 0x00,
        "saved": 0x04,
        "current": 0x08,
        "time": 0x10,
        "sequence": 0x18,
        "processor": 0x28,
        "flags": 0x34,
        "type": 0x36,
    }
    assert sizes == {
        "size": 4,
        "saved": 4,
        "current": 4,
        "time": 8,
        "sequence": 8,
        "processor": 2,
        "flags": 2,
        "type": 2,
    }


def test_buffer_flags_and_types() -> None:
    assert layout.BUFFER_FLAG_EVENTS_LOST == 0x02
    assert layout.BUFFER_FLAG_BUFFER_LOST == 0x04
    assert layout.BUFFER_FLAG_PROC_INDEX == 0x20
    assert layout.BUFFER_FLAG_COMPRESSED == 0x40
    assert (layout.BUFFER_TYPE_GENERIC, layout.BUFFER_TYPE_HEADER) == (0, 4)
    assert layout.EVENT_ALIGNMENT == 8
    assert layout.MARKERS == (0xC0, 0xC1)


# types, bytes, size, hook, guid, opcode or id, version, time, tid, pid
HEADERS = [
    (layout.SYSTEM, (1, 2), 32, 4, 6, -1, -1, 0, 16, 8, 12),
    (layout.COMPACT, (3, 4), 24, 4, 6, -1, -1, 0, 16, 8, 12),
    (layout.PERFINFO, (0x10, 0x11), 16, 4, 6, -1, -1, 0, 8, -1, -1),
    (layout.FULL, (0x0A, 0x14), 48, 0, -1, 24, 4, 6, 16, 8, 12),
    (layout.EVENT, (0x12, 0x13), 80, 0, -1, 24, 40, 42, 16, 8, 12),
]


@pytest.mark.parametrize("row", HEADERS, ids=["system", "compact", "perfinfo", "full", "event"])
def test_event_headers(row: tuple[object, ...]) -> None:
    kind, *numbers = row
    assert isinstance(kind, layout.HeaderKind)

    assert numbers == [
        kind.types,
        kind.bytes,
        kind.size,
        kind.hook,
        kind.guid,
        kind.opcode,
        kind.version,
        kind.time,
        kind.tid,
        kind.pid,
    ]


def test_header_length_table() -> None:
    lengths = {1: 32, 2: 32, 3: 24, 4: 24, 0x10: 16, 0x11: 16, 0x0A: 48, 0x14: 48, 0x12: 80, 0x13: 80}
    table = layout.header_length_table()

    assert {kind: int(table[kind]) for kind in range(256) if table[kind]} == lengths
    assert set(layout.HEADER_KINDS) == {row[0] for row in HEADERS}


def test_hooks_and_opcodes() -> None:
    assert layout.HOOK_LOGFILE_HEADER == 0
    assert layout.HOOK_SAMPLE == 0x0F2E
    assert layout.HOOKS_INTERVAL == (0x0F48, 0x0F49, 0x0F4A)
    assert layout.HOOK_STACK == 0x1820
    assert (layout.HOOK_STACK_KEY_KERNEL, layout.HOOK_STACK_KEY_USER) == (0x1825, 0x1826)
    assert layout.HOOKS_STACK_DEFINITION == (0x1823, 0x1824)
    assert (layout.HOOK_PROCESS_GROUP, layout.HOOK_THREAD_GROUP, layout.HOOK_IMAGE_GROUP) == (0x0300, 0x0500, 0x1400)
    assert layout.HOOK_SYSTEM_CPU == 0x0B0A
    assert (layout.OPCODE_START, layout.OPCODE_END) == (1, 2)
    assert (layout.OPCODE_RUNDOWN_START, layout.OPCODE_RUNDOWN_END, layout.OPCODE_IMAGE_LOAD) == (3, 4, 10)
    assert layout.OPCODE_RSDS == 36
    assert (layout.OPCODE_BUILD_INFO, layout.OPCODE_VOLUME_MAPPING) == (32, 35)
    assert layout.NO_PID == 0xFFFFFFFF


def test_guids() -> None:
    assert uuid.UUID(bytes_le=layout.GUID_IMAGE_ID) == uuid.UUID("b3e675d7-2554-4f18-830b-2762732560de")
    assert uuid.UUID(bytes_le=layout.GUID_SYSTEM_CONFIG_EX) == uuid.UUID("9b79ee91-b5fd-41c0-a243-4248e266e9d0")


@pytest.mark.parametrize(("pointer", "shift"), [(8, 0), (4, -8)])
def test_logfile_header(pointer: int, shift: int) -> None:
    at = layout.logfile_header(pointer)

    assert (at.buffer_size, at.version, at.os_build, at.processors, at.end_time) == (0, 4, 8, 12, 16)
    assert (at.mode, at.buffers_written, at.pointer_size, at.events_lost, at.cpu_mhz) == (32, 36, 44, 48, 52)
    assert (at.boot_time, at.perf_freq, at.start_time) == (248 + shift, 256 + shift, 264 + shift)
    assert (at.clock_type, at.buffers_lost, at.names) == (272 + shift, 276 + shift, 280 + shift)
    assert (layout.CLOCK_QPC, layout.CLOCK_SYSTEM_TIME, layout.CLOCK_CYCLES, layout.MODE_CIRCULAR) == (1, 2, 3, 2)


@pytest.mark.parametrize("p", [4, 8])
def test_payloads(p: int) -> None:
    at = layout.Payloads(p)

    assert (at.pointer, at.sample_tid, at.sample_count, at.sample_bytes) == (p, p, p + 4, p + 8)
    assert (at.stack_time, at.stack_pid, at.stack_tid, at.stack_addresses) == (0, 8, 12, 16)
    assert at.definition_addresses == p
    assert (at.interval_source, at.interval_new, at.interval_bytes) == (0, 4, 8)
    assert (at.process_pid, at.process_parent) == (p, p + 4)
    assert (at.process_sid(3), at.process_sid(4)) == (2 * p + 16, 2 * p + 20)
    assert (at.thread_pid, at.thread_tid, at.thread_bytes) == (0, 4, 8)
    assert (at.image_size, at.image_pid, at.image_timestamp) == (p, 2 * p, 2 * p + 8)
    assert at.image_name == 2 * p + 12 + 4 + p + 16
    assert (at.rsds_pid, at.rsds_guid, at.rsds_name) == (p, p + 4, p + 24)


def test_system_facts() -> None:
    assert (layout.CPU_HOSTNAME, layout.CPU_HOSTNAME_BYTES) == (20, 512)
    assert (layout.cpu_architecture(4), layout.cpu_architecture(8)) == (808, 816)
    assert layout.BUILD_INFO_STRINGS == 8
    assert layout.ARCHITECTURES == {0: "x86", 5: "arm", 9: "x64", 12: "arm64"}


def test_method_events() -> None:
    clr = uuid.UUID("e13c0d23-ccbc-4e12-931b-d9cc2eee27e4").bytes_le
    rundown = uuid.UUID("a669021c-c450-4609-a035-5af59af4df18").bytes_le
    at = layout.Payloads

    assert {
        clr: {139: 3, 140: 4, 143: 1, 144: 2},
        rundown: {143: 3, 144: 4},
    } == layout.METHOD_EVENTS
    assert [0, 16, 24, 32, 36] == [at.method_id, at.method_start, at.method_size, at.method_flags, at.method_name]
    assert layout.METHOD_JITTED == 8
