r"""Writes real `.etl` bytes from a `TraceSpec`: for the demo and for the tests, which hold the reader against it.

    data = write_etl(
        TraceSpec(
            processes=(ProcessSpec(100, "app.exe"),),
            threads=(ThreadSpec(200, 100),),
            images=(app := ImageSpec(100, 0x7FF600000000, 0x10000, "C:\\app.exe"),),
            samples=SampleColumns.of([SampleSpec(5_000_000, 200, user=(app.leaf(0x1234), app.caller(0x1100)))]),
        )
    )

As Windows has it, the first buffer holds the log's header alone, every processor writes its own buffers, which lie in
the file in the order in which they were full, and a stack is an event of its own after its sample.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perfdb.demo.etl_events import EventBlock, EventWriter, Runs, block_of, merge, put, utf16z
from perfdb.demo.etl_spec import (
    DEFAULT_HEADERS,
    KERNEL_PID,
    NO_SAMPLES,
    ImageSpec,
    MethodSpec,
    ProcessSpec,
    SampleColumns,
    SampleSpec,
    ThreadSpec,
    TraceSpec,
)
from perfdb.demo.xpress import compress
from perfdb.etl import layout
from perfdb.profile.columns import I64, U64, Bool
from perfdb.profile.grouping import distinct, last_at_or_before
from perfdb.units import NS_PER_FILETIME, NS_PER_S, utc_to_filetime

__all__ = [
    "DEFAULT_HEADERS",
    "KERNEL_PID",
    "NO_SAMPLES",
    "ImageSpec",
    "MethodSpec",
    "ProcessSpec",
    "SampleColumns",
    "SampleSpec",
    "ThreadSpec",
    "TraceSpec",
    "write_etl",
]

_HEADER_BUFFER_BYTES = 512
"""What the first buffer of a compressed trace takes in the file."""

_PROVIDER = bytes.fromhex("00112233445566778899aabbccddeeff")
_UNUSED = b"\xff"
"""What Windows leaves in the rest of a buffer."""

_SYSTEM_PROCESS_KEY = 0xFFFF_8000_0000_0000
_SYSTEM_STACK_KEY = 0xFFFF_A000_0000_0000

Dated = tuple[int, bytes]
"""Clock ticks and the bytes of an event."""


def write_etl(spec: TraceSpec) -> bytes:
    """The bytes of a trace; raises ValueError where the spec cannot be written (an event too large)."""
    make = _Make(spec, EventWriter(spec.pointer_size))
    facts = [make.system(), make.intervals(), make.processes(), make.threads(), make.images(), make.methods()]
    dated = [event for events in (*facts, make.providers()) for event in events]
    blocks = [block_of(dated), *make.samples(), *make.stacks()]
    buffers = _fill_buffers(merge(blocks), spec)
    head = make.header(written=len(buffers) + 1)
    return b"".join((_buffer(spec, head, 0, 0, spec.first_ticks), *buffers))


def _fill_buffers(events: EventBlock, spec: TraceSpec) -> list[bytes]:
    """Each processor's events in buffers, and the buffers in the order of their last events."""
    end = np.cumsum(events.length)
    room = (spec.buffer_bytes - layout.BUFFER_HEADER_BYTES) // layout.EVENT_ALIGNMENT
    if int(events.length.max(initial=0)) > room:
        raise ValueError(f"buffers of {spec.buffer_bytes:,} bytes are too small for the largest event")
    found: list[tuple[int, int, bytes]] = []
    content = events.words.tobytes()
    first = 0
    bounds = [*np.flatnonzero(np.diff(events.cpu)).tolist(), len(end) - 1]
    for bound in bounds:
        while first <= bound:
            before = int(end[first - 1]) if first else 0
            last = min(int(np.searchsorted(end, before + room, "right")) - 1, bound)
            part = content[before * layout.EVENT_ALIGNMENT : int(end[last]) * layout.EVENT_ALIGNMENT]
            found.append((int(events.ticks[last]), int(events.cpu[last]), part))
            first = last + 1
    ordered = sorted(found, key=lambda buffer: buffer[:2])
    return [_buffer(spec, part, number + 1, cpu, ticks) for number, (ticks, cpu, part) in enumerate(ordered)]


def _buffer(spec: TraceSpec, events: bytes, number: int, cpu: int, ticks: int) -> bytes:
    """One buffer with its header."""
    is_first = number == 0
    # The log's header is never compressed, and in a compressed trace its buffer is cut to size.
    stored = compress(events) if spec.compressed and not is_first else events
    least = 0 if spec.compressed else spec.buffer_bytes
    size = max(
        layout.BUFFER_HEADER_BYTES + len(stored), _HEADER_BUFFER_BYTES if spec.compressed and is_first else least
    )
    flags = 0 if is_first else layout.BUFFER_FLAG_COMPRESSED * spec.compressed
    flags |= layout.BUFFER_FLAG_PROC_INDEX * spec.proc_index
    header = np.zeros(1, layout.BUFFER_HEADER)
    header["size"] = size
    header["saved"] = header["current"] = layout.BUFFER_HEADER_BYTES + len(events)
    header["time"] = utc_to_filetime(spec.start_time) + (ticks - spec.first_ticks) * 10_000_000 // spec.frequency
    header["sequence"] = number
    # Without the flag the second byte is not part of the processor's number: it says how buffers are aligned.
    header["processor"] = cpu if spec.proc_index else cpu & 0xFF | 8 << 8
    header["flags"] = flags
    header["type"] = layout.BUFFER_TYPE_HEADER if is_first else layout.BUFFER_TYPE_GENERIC
    return (header.tobytes() + stored).ljust(size, _UNUSED)


@dataclass(frozen=True, slots=True)
class _Make:
    """The events of a trace, a method a kind."""

    spec: TraceSpec
    write: EventWriter

    def _hooked(self, kind: str, hook: int, ticks: int, payload: bytes, version: int) -> Dated:
        return ticks, self.write.one(self.spec.headers[kind], hook, ticks, payload, version)

    def _full(self, guid: bytes, opcode: int, ticks: int, payload: bytes) -> Dated:
        return ticks, self.write.one(layout.FULL, (guid, opcode), ticks, payload, 2)

    def header(self, written: int) -> bytes:
        """TRACE_LOGFILE_HEADER; `written` is the number of buffers."""
        spec, pointer = self.spec, self.spec.pointer_size
        at = layout.logfile_header(pointer)
        start = utc_to_filetime(spec.start_time)
        end = start + spec.duration_ns // NS_PER_FILETIME if spec.closed else 0
        payload = put(
            at.names,
            (at.buffer_size, "I", spec.buffer_bytes),
            (at.version, "H", spec.os_version[0] | spec.os_version[1] << 8),
            (at.os_build, "I", spec.os_build),
            (at.processors, "I", spec.processors),
            (at.end_time, "q", end),
            (at.buffers_written, "I", written if spec.closed else 0),
            (at.pointer_size, "I", pointer),
            (at.events_lost, "I", spec.events_lost),
            (at.cpu_mhz, "I", spec.cpu_mhz),
            (at.boot_time, "q", start - 36_000_000_000),
            (at.perf_freq, "q", spec.perf_freq),
            (at.start_time, "q", start),
            (at.clock_type, "I", spec.clock_type),
            (at.buffers_lost, "I", spec.buffers_lost),
        )
        names = utf16z("NT Kernel Logger") + utf16z("trace.etl")
        return self.write.one(layout.SYSTEM, layout.HOOK_LOGFILE_HEADER, spec.first_ticks, bytes(payload) + names, 2)

    def system(self) -> list[Dated]:
        """Facts of the machine."""
        spec, ticks = self.spec, self.spec.first_ticks
        architecture, family, model, stepping = spec.cpu
        at = layout.cpu_architecture(spec.pointer_size)
        payload = put(at + 6, (0, "I", spec.cpu_mhz), (4, "I", spec.processors))
        name = utf16z(spec.hostname)[: layout.CPU_HOSTNAME_BYTES]
        payload[layout.CPU_HOSTNAME : layout.CPU_HOSTNAME + len(name)] = name
        struct.pack_into("<HHH", payload, at, architecture, family, model << 8 | stepping)
        build = bytes(layout.BUILD_INFO_STRINGS) + utf16z(f"{spec.os_build}.vb_release") + utf16z(spec.product)
        guid = layout.GUID_SYSTEM_CONFIG_EX
        events: list[Dated] = []
        if spec.hostname:
            events.append(self._hooked("system", layout.HOOK_SYSTEM_CPU, ticks, bytes(payload), 2))
        if spec.product:
            events.append(self._full(guid, layout.OPCODE_BUILD_INFO, ticks, build))
        for device, drive in spec.volumes:
            names = utf16z(device) + utf16z(drive)
            events.append(self._full(guid, layout.OPCODE_VOLUME_MAPPING, ticks, names))
        return events

    def intervals(self) -> list[Dated]:
        """The sampling interval at start and end, and its changes."""
        spec = self.spec
        if not spec.interval_100ns:
            return []
        set_to, at_start, at_end = layout.HOOKS_INTERVAL
        told = [(at_start, 0, spec.interval_100ns)]
        told += [(set_to, time_ns, interval) for time_ns, interval in spec.interval_changes]
        told.append((at_end, spec.duration_ns, told[-1][2]))
        return [
            self._hooked("interval", hook, spec.ticks(time_ns), struct.pack("<III", 0, interval, interval), 3)
            for hook, time_ns, interval in told
        ]

    def _lives(self, start_ns: int | None, end_ns: int | None) -> list[tuple[int, int]]:
        """The (opcode, ticks) by which a trace tells of a life."""
        spec = self.spec
        told: list[tuple[int, int]] = []
        if start_ns is not None:
            told.append((layout.OPCODE_START, spec.ticks(start_ns)))
        elif spec.rundown != "end":
            told.append((layout.OPCODE_RUNDOWN_START, spec.first_ticks))
        if end_ns is not None:
            told.append((layout.OPCODE_END, spec.ticks(end_ns)))
        elif spec.rundown != "start":
            told.append((layout.OPCODE_RUNDOWN_END, spec.ticks(spec.duration_ns)))
        return told

    def processes(self) -> list[Dated]:
        """Processes."""
        version = self.spec.process_version
        return [
            self._hooked("process", layout.HOOK_PROCESS_GROUP | opcode, ticks, self._process(row), version)
            for row in range(len(self.spec.processes))
            for opcode, ticks in self._lives(self.spec.processes[row].start_ns, self.spec.processes[row].end_ns)
        ]

    def _process(self, row: int) -> bytes:
        process, pointer = self.spec.processes[row], self.spec.pointer_size
        at = layout.Payloads(pointer)
        key = (_SYSTEM_PROCESS_KEY + row * 0x1000) >> (0 if pointer == 8 else 32) | row * 0x100
        fixed = put(
            at.process_sid(self.spec.process_version),
            (0, "Q" if pointer == 8 else "I", key),
            (at.process_pid, "I", process.pid),
            (at.process_parent, "I", process.parent_pid),
        )
        # A SID comes in a TOKEN_USER: a pointer to it, which is never 0, and its attributes.
        sid = b"\x01".ljust(2 * pointer, b"\0") + process.sid if process.sid else bytes(4)
        name = process.name.encode("cp1252", "replace") + b"\0"
        return bytes(fixed) + sid + name + utf16z(process.command_line)

    def threads(self) -> list[Dated]:
        """Threads."""
        return [
            self._hooked("thread", layout.HOOK_THREAD_GROUP | opcode, ticks, self._thread(thread), 3)
            for thread in self.spec.threads
            for opcode, ticks in self._lives(thread.start_ns, thread.end_ns)
        ]

    def _thread(self, thread: ThreadSpec) -> bytes:
        at = layout.Payloads(self.spec.pointer_size)
        size = at.thread_bytes + 4 * self.spec.pointer_size
        return bytes(put(size, (at.thread_pid, "I", thread.pid), (at.thread_tid, "I", thread.tid)))

    def images(self) -> list[Dated]:
        """Images, and before each where the trace names its PDB."""
        events: list[Dated] = []
        for image in self.spec.images:
            for opcode, ticks in self._lives(image.load_ns, image.unload_ns):
                if image.debug_id and opcode != layout.OPCODE_END:
                    events.append(self._full(layout.GUID_IMAGE_ID, layout.OPCODE_RSDS, ticks, self._debug_id(image)))
                told = layout.OPCODE_IMAGE_LOAD if opcode == layout.OPCODE_START else opcode
                events.append(self._hooked("image", layout.HOOK_IMAGE_GROUP | told, ticks, self._image(image), 3))
        return events

    def _image(self, image: ImageSpec) -> bytes:
        at = layout.Payloads(self.spec.pointer_size)
        address = "Q" if at.pointer == 8 else "I"
        fixed = put(
            at.image_name,
            (0, address, image.base),
            (at.image_size, address, image.size),
            (at.image_pid, "I", image.pid),
            (at.image_timestamp, "I", image.timestamp),
        )
        return bytes(fixed) + utf16z(image.path)

    def _debug_id(self, image: ImageSpec) -> bytes:
        at = layout.Payloads(self.spec.pointer_size)
        guid, age = bytes.fromhex(image.debug_id[:32]), int(image.debug_id[32:], 16)
        fixed = put(
            at.rsds_name,
            (0, "Q" if at.pointer == 8 else "I", image.base),
            (at.rsds_pid, "I", image.pid),
            (at.rsds_name - 4, "I", age),
        )
        # The guid's first three fields are numbers, so the file has them the other way round than their hex digits.
        fixed[at.rsds_guid : at.rsds_guid + 16] = guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]
        return bytes(fixed) + image.pdb_name.encode() + b"\0"

    def methods(self) -> list[Dated]:
        """Managed methods, as they are loaded and unloaded, and listed by a runtime that is asked what it has."""
        events: list[Dated] = []
        for method in self.spec.methods:
            for opcode, ticks in self._lives(method.load_ns, method.unload_ns):
                is_list = opcode in (layout.OPCODE_RUNDOWN_START, layout.OPCODE_RUNDOWN_END)
                if is_list and not method.is_listed:
                    continue
                guid = layout.GUID_CLR_RUNDOWN if is_list else layout.GUID_CLR
                told = next(told for told, meaning in layout.METHOD_EVENTS[guid].items() if meaning == opcode)
                payload = self._method(method)
                version = method.version
                event = self.write.one(layout.EVENT, (guid, told), ticks, payload, version, pid=method.pid)
                events.append((ticks, event))
        return events

    def _method(self, method: MethodSpec) -> bytes:
        at = layout.Payloads
        fixed = put(
            at.method_name,
            (at.method_id, "Q", method.method_id),
            (at.method_start, "Q", method.start),
            (at.method_size, "I", method.size),
            (at.method_flags, "I", layout.METHOD_JITTED * method.is_jitted),
        )
        text = method.text
        if text is None:
            text = utf16z(method.type_name) + utf16z(method.name) + utf16z(method.signature)
        runtime, rejit = b"\x09\0" * (method.version >= 1), bytes(8) * (method.version >= 2)
        payload = bytes(fixed) + text + runtime + rejit
        return payload[: len(payload) - method.cut_bytes]

    def providers(self) -> list[Dated]:
        """Events of a provider, spread over the trace: what a reader of samples must step over."""
        spec = self.spec
        times = [spec.ticks(spec.duration_ns * nth // spec.providers) for nth in range(spec.providers)]
        return [
            (ticks, self.write.one(layout.EVENT, (_PROVIDER, nth), ticks, bytes(nth % 21), 1))
            for nth, ticks in enumerate(times)
        ]

    def samples(self) -> list[EventBlock]:
        """CPU samples, in each processor's buffers."""
        samples, at = self.spec.samples, layout.Payloads(self.spec.pointer_size)
        fields: dict[int, tuple[str, npt.ArrayLike]] = {
            0: ("<u8" if at.pointer == 8 else "<u4", samples.ip),
            at.sample_tid: ("<u4", samples.tid),
            at.sample_count: ("<u2", samples.count),
            at.sample_count + 2: ("u1", samples.flags),
            at.sample_count + 3: ("u1", 0),
        }
        kind = self.spec.headers["sample"]
        return [self.write.rows(kind, layout.HOOK_SAMPLE, self._sample_ticks(), samples.cpu, fields)]

    def _sample_ticks(self) -> I64:
        seconds, rest = np.divmod(self.spec.samples.time_ns, NS_PER_S)
        frequency = self.spec.frequency
        ticks: I64 = self.spec.first_ticks + seconds * frequency + rest * frequency // NS_PER_S
        return ticks

    def stacks(self) -> list[EventBlock]:
        """The stack events of all samples, one a part, in the way of `stack_style`."""
        samples = self.spec.samples
        if self.spec.stack_style == "none" or not len(samples):
            return []
        kernel, user = np.flatnonzero(samples.kernel >= 0), np.flatnonzero(samples.user >= 0)
        sample = np.concatenate((kernel, user))
        stack = np.concatenate((samples.kernel[kernel], samples.user[user]))
        is_user = np.repeat([False, True], [len(kernel), len(user)])
        make = {"direct": self._direct, "keys": self._keyed}[self.spec.stack_style]
        return make(sample, stack, is_user, Runs.of(samples.stacks))

    def _direct(self, sample: I64, stack: I64, is_user: Bool, runs: Runs) -> list[EventBlock]:
        fields, ticks = self._stack_fields(sample)
        kind, cpu = self.spec.headers["stack"], self.spec.samples.cpu[sample]
        return [self.write.runs(kind, layout.HOOK_STACK, ticks, cpu, fields, 2, runs.take(stack))]

    def _keyed(self, sample: I64, stack: I64, is_user: Bool, runs: Runs) -> list[EventBlock]:
        """Stack keys, and their definitions when a generation ends: all but the last are forgotten (and used again)."""
        spec = self.spec
        fields, ticks = self._stack_fields(sample)
        generation = self._generation()[sample]
        row, group = distinct(generation, stack)
        first_of_generation = np.searchsorted(generation[row], generation[row])
        shift = 0 if spec.pointer_size == 8 else 32
        number = (np.arange(len(row)) - first_of_generation + 1).astype(np.uint64) * np.uint64(32)
        key: U64 = np.uint64(_SYSTEM_STACK_KEY >> shift) + number
        address = "<u8" if spec.pointer_size == 8 else "<u4"
        fields[layout.Payloads.stack_addresses] = (address, key[group])
        hook = np.where(is_user, layout.HOOK_STACK_KEY_USER, layout.HOOK_STACK_KEY_KERNEL)
        keys = self.write.rows(spec.headers["stack"], hook, ticks, spec.samples.cpu[sample], fields)
        end = np.zeros(spec.key_generations, np.int64)
        np.maximum.at(end, generation, ticks)
        on_delete, at_rundown = layout.HOOKS_STACK_DEFINITION
        told = np.where(generation[row] == generation.max(initial=0), at_rundown, on_delete)
        cpu = np.zeros(len(row), np.int32)
        definitions = self.write.runs(
            spec.headers["definition"], told, end[generation[row]], cpu, {0: (address, key)}, 2, runs.take(stack[row])
        )
        return [keys, definitions]

    def _generation(self) -> I64:
        """The generation of keys that each sample's stacks are of; samples of one tick are of the same."""
        ticks, count = self._sample_ticks(), self.spec.key_generations
        moments = np.unique(ticks)
        return np.searchsorted(moments, ticks) * count // max(len(moments), 1)

    def _stack_fields(self, sample: I64) -> tuple[dict[int, tuple[str, npt.ArrayLike]], I64]:
        """What all stack events begin with, and when they are written: the kernel walks the stack after the sample."""
        samples, at = self.spec.samples, layout.Payloads
        ticks = self._sample_ticks()[sample]
        pid = self._pid()[sample]
        fields: dict[int, tuple[str, npt.ArrayLike]] = {
            at.stack_time: ("<i8", ticks),
            at.stack_pid: ("<u4", pid),
            at.stack_tid: ("<u4", samples.tid[sample]),
        }
        return fields, ticks + 1

    def _pid(self) -> I64:
        """The process of each sample: as it says, else its thread's, else 0 for the idle thread and all bits set for
        others.
        """
        samples, threads = self.spec.samples, self.spec.threads
        since = np.array([-1 if thread.start_ns is None else thread.start_ns for thread in threads], np.int64)
        tids = np.array([thread.tid for thread in threads], np.int64)
        pids = np.array([thread.pid for thread in threads] + [layout.NO_PID], np.int64)
        thread = last_at_or_before(tids, since, samples.tid, samples.time_ns)
        of_thread = np.where(samples.tid == 0, 0, pids[thread])
        return np.where(samples.pid >= 0, samples.pid, of_thread)
