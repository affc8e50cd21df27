"""What a made-up trace is to contain: plain values, from which `etl_writer` makes the bytes of an `.etl`.

Times are in ns since the start of the trace; None means "before it began" for a start and "still there when it ended"
for an end. Addresses are absolute; `ImageSpec.leaf` and `ImageSpec.caller` make them from RVAs. Stacks are leaf first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from perfdb.etl import layout
from perfdb.profile.columns import I32, I64, U8, U64
from perfdb.units import NS_PER_S

KERNEL_PID = 4
"""The system process: images of this pid are drivers and the kernel, which every process can call."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process. `sid` is a raw security identifier, b"" for none; `key` stands for the kernel's object of the
    process.
    """

    pid: int
    name: str
    command_line: str = ""
    parent_pid: int = 0
    start_ns: int | None = None
    end_ns: int | None = None
    sid: bytes = b""


@dataclass(frozen=True, slots=True)
class ThreadSpec:
    """One thread of a process."""

    tid: int
    pid: int
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """One image in the memory of a process, or of the kernel (`KERNEL_PID`).

    `debug_id` is as in a symbol store: the PDB's guid in 32 hex digits, then its age in hex; "" where the trace names
    none.
    """

    pid: int
    base: int
    size: int
    path: str
    debug_id: str = ""
    pdb_name: str = ""
    load_ns: int | None = None
    unload_ns: int | None = None
    timestamp: int = 0x5F000000

    def leaf(self, rva: int) -> int:
        """The address of an instruction that runs at `rva`: a sample there is read back with that RVA."""
        return self.base + rva

    def caller(self, rva: int) -> int:
        """The return address of a call whose last byte is at `rva`: a caller's frame is read back with that RVA."""
        return self.base + rva + 1


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One managed method at its addresses in a process, as the .NET runtime tells of it.

    `load_ns` None is a method that is there when the trace begins; `is_listed` False leaves it out of the lists at the
    trace's start and end, so that only its loading and unloading are told. `type_name` is with namespace. `cut_bytes`
    are missing at the end of the events, `text` stands in place of the three names where it is given.
    """

    pid: int
    start: int
    size: int
    type_name: str
    name: str
    signature: str = "void  ()"
    load_ns: int | None = None
    unload_ns: int | None = None
    is_listed: bool = True
    is_jitted: bool = True
    method_id: int = 1
    version: int = 2
    cut_bytes: int = 0
    text: bytes | None = None

    def leaf(self, offset: int = 0) -> int:
        """The address of an instruction that runs `offset` bytes into the method."""
        return self.start + offset

    def caller(self, offset: int = 0) -> int:
        """The return address of a call whose last byte lies `offset` bytes into the method."""
        return self.start + offset + 1


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """One sample: where the processor was, and the kernel's and the user's part of its stack, each leaf first.

    `ip` None is the innermost address of the stack. `pid` is what the stack event says; None is the thread's process.
    """

    time_ns: int
    tid: int
    kernel: tuple[int, ...] = ()
    user: tuple[int, ...] = ()
    cpu: int = 0
    ip: int | None = None
    flags: int = 0
    count: int = 1
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """Many samples as columns: shape (samples,). `kernel` and `user` are rows of `stacks`, -1 for no such part.

    `flags` are bit 0 in a DPC, bit 1 in an ISR; `pid` -1 is the thread's process. Address 0 is not allowed in a stack.
    """

    time_ns: I64
    tid: I64
    cpu: I32
    ip: U64
    flags: U8
    count: I64
    pid: I64
    kernel: I64
    user: I64
    stacks: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.time_ns)

    @classmethod
    def of(cls, samples: Iterable[SampleSpec]) -> SampleColumns:
        """The columns of some samples."""
        rows = tuple(samples)
        numbers: dict[tuple[int, ...], int] = {}

        def number(stack: tuple[int, ...]) -> int:
            return numbers.setdefault(stack, len(numbers)) if stack else -1

        return cls.from_stacks(
            time_ns=np.array([row.time_ns for row in rows], np.int64),
            tid=np.array([row.tid for row in rows], np.int64),
            kernel=np.array([number(row.kernel) for row in rows], np.int64),
            user=np.array([number(row.user) for row in rows], np.int64),
            stacks=tuple(numbers),
            cpu=np.array([row.cpu for row in rows], np.int32),
            flags=np.array([row.flags for row in rows], np.uint8),
            count=np.array([row.count for row in rows], np.int64),
            pid=np.array([-1 if row.pid is None else row.pid for row in rows], np.int64),
            ip=np.array([_ip(row) for row in rows], np.uint64),
        )

    @classmethod
    def from_stacks(
        cls,
        time_ns: npt.ArrayLike,
        tid: npt.ArrayLike,
        stacks: tuple[tuple[int, ...], ...],
        user: npt.ArrayLike = -1,
        kernel: npt.ArrayLike = -1,
        cpu: npt.ArrayLike = 0,
        flags: npt.ArrayLike = 0,
        count: npt.ArrayLike = 1,
        pid: npt.ArrayLike = -1,
        ip: npt.ArrayLike | None = None,
    ) -> SampleColumns:
        """Columns from arrays or single values, which stand for all samples; `ip` None is each stack's innermost
        address.
        """
        time = np.asarray(time_ns, np.int64)
        user_row = np.broadcast_to(np.asarray(user, np.int64), time.shape)
        kernel_row = np.broadcast_to(np.asarray(kernel, np.int64), time.shape)
        if ip is None:
            leaf = np.array([stack[0] if stack else 0 for stack in stacks] + [0], np.uint64)
            ip = leaf[np.where(kernel_row >= 0, kernel_row, user_row)]
        return cls(
            time_ns=time,
            tid=np.broadcast_to(np.asarray(tid, np.int64), time.shape),
            cpu=np.broadcast_to(np.asarray(cpu, np.int32), time.shape),
            ip=np.broadcast_to(np.asarray(ip, np.uint64), time.shape),
            flags=np.broadcast_to(np.asarray(flags, np.uint8), time.shape),
            count=np.broadcast_to(np.asarray(count, np.int64), time.shape),
            pid=np.broadcast_to(np.asarray(pid, np.int64), time.shape),
            kernel=kernel_row,
            user=user_row,
            stacks=stacks,
        )


def _ip(sample: SampleSpec) -> int:
    if sample.ip is not None:
        return sample.ip
    return next(iter(sample.kernel or sample.user), 0)


NO_SAMPLES = SampleColumns.of(())

DEFAULT_HEADERS: Mapping[str, layout.HeaderKind] = MappingProxyType(
    {
        "sample": layout.PERFINFO,
        "stack": layout.PERFINFO,
        "definition": layout.PERFINFO,
        "interval": layout.SYSTEM,
        "process": layout.SYSTEM,
        "thread": layout.COMPACT,
        "image": layout.PERFINFO,
        "system": layout.SYSTEM,
    }
)
"""Which header each kind of event gets. Windows uses PERFINFO and SYSTEM in each of these places, and COMPACT for
threads; the log's header is always SYSTEM, image ids and facts of the system FULL, the events of providers
EVENT_HEADER."""


@dataclass(frozen=True, slots=True)
class TraceSpec:
    """A whole trace. What is left out is what a Windows 10 machine with two processors would say; a `hostname` or
    `product` of "" leaves the event out that tells it.

    `stack_style` is "direct" (addresses in the event), "keys" (keys that are defined later: `key_generations` times,
    each time forgetting all keys and using their numbers again) or "none". `rundown` says when the trace lists what
    already runs: "both", "start" or "end". `interval_100ns` 0 leaves the setting out; `interval_changes` are (time in
    ns, 100 ns). `closed` False is a trace whose recorder died: no end time. `providers` is how many events of providers
    lie in between.
    """

    pointer_size: int = 8
    compressed: bool = True
    buffer_bytes: int = 65_536
    processors: int = 2
    proc_index: bool = True
    clock_type: int = layout.CLOCK_QPC
    perf_freq: int = 10_000_000
    cpu_mhz: int = 3_000
    first_ticks: int = 1_000_000_000
    start_time: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)
    duration_ns: int = NS_PER_S
    closed: bool = True
    interval_100ns: int = 10_000
    interval_changes: tuple[tuple[int, int], ...] = ()
    hostname: str = "BUILD-01"
    product: str = "Windows 10 Pro"
    os_version: tuple[int, int] = (10, 0)
    os_build: int = 19_045
    cpu: tuple[int, int, int, int] = (9, 6, 158, 10)
    """Architecture, family, model and stepping of the processor: `layout.ARCHITECTURES` names the first."""
    volumes: tuple[tuple[str, str], ...] = (("\\Device\\HarddiskVolume3\\", "C:\\"),)
    processes: tuple[ProcessSpec, ...] = ()
    threads: tuple[ThreadSpec, ...] = ()
    images: tuple[ImageSpec, ...] = ()
    methods: tuple[MethodSpec, ...] = ()
    samples: SampleColumns = field(default=NO_SAMPLES)
    stack_style: str = "direct"
    key_generations: int = 1
    rundown: str = "both"
    process_version: int = 4
    providers: int = 4
    events_lost: int = 0
    buffers_lost: int = 0
    headers: Mapping[str, layout.HeaderKind] = field(default_factory=lambda: DEFAULT_HEADERS)

    @property
    def frequency(self) -> int:
        """Ticks a second of the clock that `clock_type` names."""
        if self.clock_type == layout.CLOCK_SYSTEM_TIME:
            return NS_PER_S // 100
        return self.cpu_mhz * 1_000_000 if self.clock_type == layout.CLOCK_CYCLES else self.perf_freq

    def ticks(self, time_ns: int) -> int:
        """The clock value at a time, rounded down."""
        return self.first_ticks + time_ns * self.frequency // NS_PER_S
