"""Where the fields of an `.etl` lie: byte offsets and nothing else. All integers are little-endian.

Sources: the public headers of the Windows SDK (evntrace.h, evntcons.h), the MOF classes of the kernel logger, and the
WMI_BUFFER_HEADER of public symbols. `P` is the trace's pointer size. A test asserts every offset and size of this file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BUFFER_HEADER_BYTES = 72

BUFFER_HEADER = np.dtype(
    {
        "names": ["size", "saved", "current", "time", "sequence", "processor", "flags", "type"],
        "formats": ["<u4", "<u4", "<u4", "<i8", "<i8", "<u2", "<u2", "<u2"],
        "offsets": [0x00, 0x04, 0x08, 0x10, 0x18, 0x28, 0x34, 0x36],
        "itemsize": BUFFER_HEADER_BYTES,
    }
)
"""WMI_BUFFER_HEADER. `size` is what the buffer takes in the file, `saved` what it holds, header included, unpacked."""

BUFFER_FLAG_EVENTS_LOST = 0x02
BUFFER_FLAG_BUFFER_LOST = 0x04
BUFFER_FLAG_PROC_INDEX = 0x20
BUFFER_FLAG_COMPRESSED = 0x40
BUFFER_TYPE_GENERIC = 0
BUFFER_TYPE_HEADER = 4

EVENT_ALIGNMENT = 8
MARKERS = (0xC0, 0xC1)
"""Byte 3 of every event header. Anything else ends the buffer."""


@dataclass(frozen=True, slots=True)
class HeaderKind:
    """One family of event headers: its bytes, and the offsets of its fields; -1 where it has no such field."""

    types: tuple[int, int]
    """Byte 2 of the header, for 32- and 64-bit events."""
    bytes: int
    size: int
    hook: int
    guid: int
    opcode: int
    version: int
    time: int
    tid: int
    pid: int


SYSTEM = HeaderKind(types=(0x01, 0x02), bytes=32, size=4, hook=6, guid=-1, opcode=-1, version=0, time=16, tid=8, pid=12)
COMPACT = HeaderKind(
    types=(0x03, 0x04), bytes=24, size=4, hook=6, guid=-1, opcode=-1, version=0, time=16, tid=8, pid=12
)
PERFINFO = HeaderKind(
    types=(0x10, 0x11), bytes=16, size=4, hook=6, guid=-1, opcode=-1, version=0, time=8, tid=-1, pid=-1
)
FULL = HeaderKind(types=(0x0A, 0x14), bytes=48, size=0, hook=-1, guid=24, opcode=4, version=6, time=16, tid=8, pid=12)
EVENT = HeaderKind(
    types=(0x12, 0x13), bytes=80, size=0, hook=-1, guid=24, opcode=40, version=42, time=16, tid=8, pid=12
)

HEADER_KINDS = (SYSTEM, COMPACT, PERFINFO, FULL, EVENT)

NO_PID = 0xFFFFFFFF
"""A pid or a tid that the kernel did not know."""

# Hooks: group << 8 | opcode, of the headers that carry no guid.
HOOK_LOGFILE_HEADER = 0x0000
HOOK_SAMPLE = 0x0F2E
HOOKS_INTERVAL = (0x0F48, 0x0F49, 0x0F4A)
HOOK_STACK = 0x1820
HOOK_STACK_KEY_KERNEL = 0x1825
HOOK_STACK_KEY_USER = 0x1826
HOOKS_STACK_DEFINITION = (0x1823, 0x1824)
HOOK_PROCESS_GROUP = 0x0300
HOOK_THREAD_GROUP = 0x0500
HOOK_IMAGE_GROUP = 0x1400
HOOK_SYSTEM_CPU = 0x0B0A

# Opcodes of process, thread and image events.
OPCODE_START = 1
OPCODE_END = 2
OPCODE_RUNDOWN_START = 3
OPCODE_RUNDOWN_END = 4
OPCODE_IMAGE_LOAD = 10
"""An image is loaded with opcode 10 where a process or a thread starts with 1; its other opcodes are the same."""

GUID_IMAGE_ID = bytes.fromhex("d775e6b35425184f830b2762732560de")
"""b3e675d7-2554-4f18-830b-2762732560de, KernelTraceControl's image ids, in the byte order of the file."""
OPCODE_RSDS = 36

GUID_SYSTEM_CONFIG_EX = bytes.fromhex("91ee799bfdb5c041a2434248e266e9d0")
"""9b79ee91-b5fd-41c0-a243-4248e266e9d0, KernelTraceControl's facts about the system."""
OPCODE_BUILD_INFO = 32
OPCODE_VOLUME_MAPPING = 35

GUID_CLR = bytes.fromhex("230d3ce1bccc124e931bd9cc2eee27e4")
"""e13c0d23-ccbc-4e12-931b-d9cc2eee27e4, the .NET runtime."""
GUID_CLR_RUNDOWN = bytes.fromhex("1c0269a650c40946a0355af59af4df18")
"""a669021c-c450-4609-a035-5af59af4df18, the .NET runtime listing what there is already."""

METHOD_EVENTS = {
    GUID_CLR: {143: OPCODE_START, 144: OPCODE_END, 139: OPCODE_RUNDOWN_START, 140: OPCODE_RUNDOWN_END},
    GUID_CLR_RUNDOWN: {143: OPCODE_RUNDOWN_START, 144: OPCODE_RUNDOWN_END},
}
"""What the method events of the .NET runtime that bear a name say, by provider and event id (ClrEtwAll.man of .NET,
which .NET Framework shares): MethodLoadVerbose, MethodUnloadVerbose, MethodDCStartVerboseV2 and MethodDCEndVerboseV2,
which list what there is in the manner of .NET 2, and the rundown's MethodDCStartVerbose and MethodDCEndVerbose.
"""


@dataclass(frozen=True, slots=True)
class LogfileHeader:
    """TRACE_LOGFILE_HEADER, the payload of the first event: offsets for one pointer size."""

    buffer_size = 0
    version = 4
    os_build = 8
    processors = 12
    end_time = 16
    mode = 32
    buffers_written = 36
    pointer_size = 44
    events_lost = 48
    cpu_mhz = 52
    boot_time: int
    perf_freq: int
    start_time: int
    clock_type: int
    buffers_lost: int
    names: int


def logfile_header(pointer_size: int) -> LogfileHeader:
    """The header's offsets: two pointers at 56 and a time zone of 172 bytes stand before what moves, 8-byte aligned."""
    boot_time = 248 if pointer_size == 8 else 240
    return LogfileHeader(
        boot_time=boot_time,
        perf_freq=boot_time + 8,
        start_time=boot_time + 16,
        clock_type=boot_time + 24,
        buffers_lost=boot_time + 28,
        names=boot_time + 32,
    )


MODE_CIRCULAR = 0x02
"""Bit of LogFileMode: new buffers replace old ones, so the file has fewer than were written."""

CLOCK_QPC = 1
CLOCK_SYSTEM_TIME = 2
CLOCK_CYCLES = 3


@dataclass(frozen=True, slots=True)
class Payloads:
    """Offsets from the start of the payload, and the least bytes a payload must have, for one pointer size P."""

    pointer: int
    """P, the bytes of a pointer: 4 or 8."""

    # SampledProfile: ip P @0, tid u32 @P, count u16 @P+4, flags u8 @P+6 (bit 0 in a DPC, bit 1 in an ISR)
    @property
    def sample_tid(self) -> int:
        """The thread that ran."""
        return self.pointer

    @property
    def sample_count(self) -> int:
        """How many samples the event stands for; its flags follow."""
        return self.pointer + 4

    @property
    def sample_bytes(self) -> int:
        """The whole payload."""
        return self.pointer + 8

    # Stack: event time i64 @0, pid u32 @8, tid u32 @12, addresses @16; a stack key has its key P @16
    stack_time = 0
    stack_pid = 8
    stack_tid = 12
    stack_addresses = 16

    # Stack key definition: key P @0, addresses @P
    @property
    def definition_addresses(self) -> int:
        """The addresses that the key stands for."""
        return self.pointer

    # Profile interval: source u32 @0, new interval u32 @4 in 100 ns; source 0 is the timer
    interval_source = 0
    interval_new = 4
    interval_bytes = 8

    # Process: UniqueProcessKey P @0, pid u32 @P, parent u32 @P+4, session u32, exit status i32, page directory P,
    # [flags u32 from version 4 on], SID, image name ANSI NUL, command line UTF-16 NUL
    @property
    def process_pid(self) -> int:
        """The pid."""
        return self.pointer

    @property
    def process_parent(self) -> int:
        """The parent's pid."""
        return self.pointer + 4

    def process_sid(self, version: int) -> int:
        """Where the SID starts; the flags before it come without padding."""
        return 2 * self.pointer + 16 + (4 if version >= 4 else 0)

    # Thread: pid u32 @0, tid u32 @4
    thread_pid = 0
    thread_tid = 4
    thread_bytes = 8

    # Image: base P @0, size P @P, pid u32 @2P, checksum u32, timestamp u32, ..., name UTF-16 NUL @2P+12+4+P+16
    @property
    def image_size(self) -> int:
        """Bytes of the image in memory."""
        return self.pointer

    @property
    def image_pid(self) -> int:
        """The process that loaded it."""
        return 2 * self.pointer

    @property
    def image_timestamp(self) -> int:
        """When the linker made it."""
        return 2 * self.pointer + 8

    @property
    def image_name(self) -> int:
        """The file's path."""
        return 3 * self.pointer + 32

    # DbgID_RSDS: base P @0, pid u32 @P, guid 16 bytes @P+4, age u32 @P+20, PDB name ANSI NUL @P+24
    @property
    def rsds_pid(self) -> int:
        """The process that loaded the image."""
        return self.pointer

    @property
    def rsds_guid(self) -> int:
        """The PDB's guid."""
        return self.pointer + 4

    @property
    def rsds_name(self) -> int:
        """The PDB's name."""
        return self.pointer + 24

    # Method events of the .NET runtime, the same for both pointer sizes: method id u64 @0, module id u64 @8, start u64
    # @16, size u32 @24, token u32 @28, flags u32 @32, then UTF-16 NUL: namespace (the type's full name), name,
    # signature; then, by version, ClrInstanceID u16 and ReJITID u64
    method_id = 0
    method_start = 16
    method_size = 24
    method_flags = 32
    method_name = 36


METHOD_JITTED = 0x8
"""Bit of a method's flags: compiled while the process ran. Without it, its code came in an image (NGEN, ReadyToRun)."""

LARGEST_METHOD = 16 << 20
"""No compiler makes that many bytes of one method; a greater size is damage, and would cover half the address space."""


# SystemConfig CPU: MHz u32 @0, processors u32 @4, ..., computer name UTF-16[256] @20, domain UTF-16[134] @532, ...
CPU_HOSTNAME = 20
CPU_HOSTNAME_BYTES = 512


def cpu_architecture(pointer_size: int) -> int:
    """Where SystemConfig CPU has architecture u16, level u16 and revision u16: after an aligned flag and one
    pointer.
    """
    return 800 + 2 * pointer_size


BUILD_INFO_STRINGS = 8
"""BuildInfo: install time FILETIME @0, build lab UTF-16 NUL @8, then the product name UTF-16 NUL."""

ARCHITECTURES = {0: "x86", 5: "arm", 9: "x64", 12: "arm64"}
"""PROCESSOR_ARCHITECTURE_* of winnt.h."""


def header_length_table() -> npt.NDArray[np.uint8]:
    """Header bytes by header type (byte 2 of an event); 0 for a type that does not exist."""
    table = np.zeros(256, np.uint8)
    for kind in HEADER_KINDS:
        table[list(kind.types)] = kind.bytes
    return table
