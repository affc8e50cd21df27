"""Small traces for tests, made by the demo's writer of real `.etl` bytes."""

from __future__ import annotations

from dataclasses import replace

from perfdb.demo.etl_spec import (
    KERNEL_PID,
    ImageSpec,
    ProcessSpec,
    SampleColumns,
    SampleSpec,
    ThreadSpec,
    TraceSpec,
)
from perfdb.demo.etl_writer import write_etl
from perfdb.units import NS_PER_MS

APP = ImageSpec(1000, 0x7FF6_0000_0000, 0x10000, "C:\\app\\app.exe", "0123456789ABCDEF0123456789ABCDEF1", "app.pdb")
LIBRARY = ImageSpec(1000, 0x7FF6_1000_0000, 0x10000, "C:\\app\\library.dll")
KERNEL = ImageSpec(KERNEL_PID, 0xFFFF_F800_0000_0000, 0x100000, "\\SystemRoot\\system32\\ntoskrnl.exe")
OTHER = ImageSpec(2000, 0x7FF5_0000_0000, 0x10000, "C:\\other\\other.exe")

PROCESSES = (
    ProcessSpec(0, "Idle"),
    ProcessSpec(KERNEL_PID, "System"),
    ProcessSpec(1000, "app.exe", "app.exe --fast"),
    ProcessSpec(2000, "other.exe"),
)
THREADS = (ThreadSpec(1001, 1000), ThreadSpec(2001, 2000))


def small_spec(library: int = 30, app: int = 10, other: int = 5, idle: int = 4) -> TraceSpec:
    """A trace of `app.exe`, which calls `library.dll`, and of another process; counts are samples of 1 ms by leaf."""
    call = (LIBRARY.leaf(0x100), APP.caller(0x200), APP.caller(0x300))
    samples = [SampleSpec(0, 1001, user=call) for _ in range(library)]
    samples += [SampleSpec(0, 1001, kernel=(KERNEL.leaf(0x10),), user=(APP.caller(0x200),)) for _ in range(app // 5)]
    samples += [SampleSpec(0, 1001, user=(APP.leaf(0x250), APP.caller(0x300))) for _ in range(app - app // 5)]
    samples += [SampleSpec(0, 2001, user=(OTHER.leaf(0x100),)) for _ in range(other)]
    samples += [SampleSpec(0, 0, ip=KERNEL.leaf(0x20)) for _ in range(idle)]
    timed = [replace(sample, time_ns=(number + 1) * NS_PER_MS) for number, sample in enumerate(samples)]
    return TraceSpec(
        processes=PROCESSES,
        threads=THREADS,
        images=(APP, LIBRARY, KERNEL, OTHER),
        samples=SampleColumns.of(timed),
        duration_ns=(len(timed) + 2) * NS_PER_MS,
        compressed=False,
    )


def small_trace(library: int = 30, app: int = 10, other: int = 5, idle: int = 4, **changes: object) -> bytes:
    """The bytes of `small_spec`; `changes` are fields of the spec."""
    return write_etl(replace(small_spec(library, app, other, idle), **changes))  # type: ignore[arg-type]
