"""Made-up traces for the tests: small ones by hand, and any of them by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from perfdb.demo.etl_writer import (
    KERNEL_PID,
    ImageSpec,
    MethodSpec,
    ProcessSpec,
    SampleColumns,
    SampleSpec,
    ThreadSpec,
    TraceSpec,
    write_etl,
)
from perfdb.errors import TraceError
from perfdb.etl import layout, read_etl
from perfdb.profile import Profile, Source

SOURCE = Source("etl", "trace.etl", "")
LAST_US = 1_000
"""Everything happens before this microsecond, at whole microseconds, which every clock below tells apart."""

GUID = "12DC0A4FBD7D4F2AA9BE263BACAEB467"

APP = ImageSpec(100, 0x400000, 0x10000, "C:\\work\\App.exe", GUID + "1", "App.pdb")
LIBRARY = ImageSpec(100, 0x10000000, 0x80000, "C:\\work\\library.dll", GUID + "a", "library.pdb")
KERNEL = ImageSpec(KERNEL_PID, 0x81000000, 0x400000, "\\SystemRoot\\system32\\ntoskrnl.exe")


def read(data: bytes) -> Profile:
    """The profile of a trace's bytes."""
    return read_etl(memoryview(data), SOURCE)


def read_or_refuse(data: bytes) -> Profile | None:
    """The profile, or None where the reader says that there is none to be had; every other exception gets out."""
    try:
        return read(data)
    except TraceError:
        return None


def small_spec(**changes: Any) -> TraceSpec:
    """A program of one process with a handful of samples, in buffers as small as they can be."""
    samples = [
        SampleSpec(100_000, 200, user=(APP.leaf(0x1000), LIBRARY.caller(0x500), APP.caller(0x2000))),
        SampleSpec(200_000, 200, kernel=(KERNEL.leaf(0x10), KERNEL.caller(0x20)), user=(APP.caller(0x1500),)),
        SampleSpec(300_000, 0, cpu=1),
        SampleSpec(300_000, 0, cpu=0, flags=2, kernel=(KERNEL.leaf(0x99),)),
        SampleSpec(400_000, 200, user=(APP.leaf(0x1000), LIBRARY.caller(0x500), APP.caller(0x2000))),
        SampleSpec(500_000, 200, cpu=1, ip=APP.leaf(0x1004)),
    ]
    values: dict[str, Any] = {
        "pointer_size": 4,
        "buffer_bytes": 512,
        "duration_ns": LAST_US * 1000,
        "hostname": "",
        "product": "",
        "volumes": (),
        "providers": 2,
        "processes": (ProcessSpec(100, "App.exe", "App.exe --fast"), ProcessSpec(KERNEL_PID, "System")),
        "threads": (ThreadSpec(200, 100),),
        "images": (APP, LIBRARY, KERNEL),
        "samples": SampleColumns.of(samples),
    }
    return TraceSpec(**(values | changes))


def small_trace(**changes: Any) -> bytes:
    """The bytes of `small_spec`."""
    return write_etl(small_spec(**changes))


MICROSECONDS = st.integers(1, LAST_US - 1)
KERNEL_HALF = {4: 0x80000000, 8: 0xFFFFF80000000000}


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int | None, int | None]]:
    """(start, end) in ns of the things that bear one number after each other; none overlap."""
    moments = sorted(draw(st.lists(MICROSECONDS, max_size=4, unique=True)))
    edges: list[int | None] = [moment * 1000 for moment in moments]
    if draw(st.booleans()):
        edges.insert(0, None)
    if len(edges) % 2:
        edges.append(None)
    return list(zip(edges[::2], edges[1::2], strict=True))


@st.composite
def processes(draw: st.DrawFn) -> tuple[ProcessSpec, ...]:
    """Processes with few pids, so that these are used again."""
    sids = st.sampled_from(
        [b"", bytes.fromhex("010100000000000512000000"), bytes.fromhex("01020000000000052000000020020000")]
    )
    names = st.sampled_from(["app.exe", "service.exe", "", "Grüße.exe"])
    return tuple(
        ProcessSpec(pid, draw(names), draw(st.sampled_from(["", "app --ünï 😀"])), 1, start, end, draw(sids))
        for pid in (4, 100, 101)
        for start, end in draw(lives())
    )


@st.composite
def threads(draw: st.DrawFn) -> tuple[ThreadSpec, ...]:
    """Threads of these processes and of one that the trace does not name."""
    return tuple(
        ThreadSpec(tid, draw(st.sampled_from([100, 101, 102])), start, end)
        for tid in (200, 201)
        for start, end in draw(lives())
    )


@st.composite
def images(draw: st.DrawFn, half: int) -> tuple[ImageSpec, ...]:
    """Images that come and go, over each other too. No two events of a process and a base have the same time."""
    found: list[ImageSpec] = []
    for pid in (4, 100, 101):
        start = half if pid == 4 else 0
        for base in (0x10000, 0x11000, 0x14000):
            for load, unload in draw(lives()):
                size = draw(st.sampled_from([0x1000, 0x5000]))
                name = draw(st.sampled_from(["C:\\one.dll", "C:\\ONE.dll", "D:/two.sys", "three.exe"]))
                debug_id = draw(st.sampled_from(["", GUID + "1", GUID + "1f"]))
                pdb = "one.pdb" if debug_id else ""
                stamp = draw(st.integers(1, 2))
                found.append(ImageSpec(pid, start + base, size, name, debug_id, pdb, load, unload, stamp))
    return tuple(found)


SIGNATURES = (
    "void  ()",
    "instance value class System.DateTime  (class System.String[],int32)",
    "generic !!0  (class System.Func`2<!!0,value class A.B+C>,int32[0...,0...],pMT: 09111574&)",
    "void(void*)",
    "",
)


@st.composite
def methods(draw: st.DrawFn) -> tuple[MethodSpec, ...]:
    """Methods that come and go over each other and over images, of processes that the trace names and of one that it
    does not; some are cut off in their names or before them.
    """
    found: list[MethodSpec] = []
    for pid in (100, 101, 102):
        for start in (0x10000, 0x10800, 0x12000, 0x18000):
            for load, unload in draw(lives()):
                spec = MethodSpec(
                    pid=pid,
                    start=start,
                    size=draw(st.sampled_from([1, 0x400, 0x3000])),
                    type_name=draw(st.sampled_from(["App.Program", "List`1[System.__Canon]", "dynamicClass", ""])),
                    name=draw(st.sampled_from(["Main", ".ctor", "<Run>b__0", "Grüße😀", ""])),
                    signature=draw(st.sampled_from(SIGNATURES)),
                    load_ns=load,
                    unload_ns=unload,
                    is_listed=draw(st.booleans()),
                    is_jitted=draw(st.booleans()),
                    method_id=draw(st.integers(1, 2)),
                    version=draw(st.integers(0, 2)),
                    cut_bytes=draw(st.sampled_from([0, 0, 0, 1, 13, 40])),
                )
                found.append(spec)
    return tuple(found)


@st.composite
def samples(draw: st.DrawFn, half: int) -> SampleColumns:
    """Samples of two processors, with idle ones, interrupts on both at one moment, and stacks with parts missing."""
    user = st.integers(0x10000 - 2, 0x1A000) | st.integers(1, half - 1)
    kernel = st.integers(half + 0x10000 - 2, half + 0x1A000)
    rows = st.builds(
        SampleSpec,
        time_ns=st.integers(0, 60).map(lambda us: us * 16_000),
        tid=st.sampled_from([0, 200, 201, 202]),
        cpu=st.integers(0, 1),
        flags=st.integers(0, 3),
        count=st.integers(1, 3),
        ip=st.one_of(st.none(), user, kernel, st.just(0)),
        kernel=st.lists(kernel, max_size=3).map(tuple),
        user=st.lists(user, max_size=4).map(tuple),
        pid=st.sampled_from([None, 101, 103]),
    )
    found = draw(st.lists(rows, min_size=1, max_size=25, unique_by=(_processor, _thread)))
    return SampleColumns.of(found)


def _processor(sample: SampleSpec) -> tuple[int, int]:
    """A processor can be at one place at a time."""
    return sample.time_ns, sample.cpu


def _thread(sample: SampleSpec) -> tuple[int, int]:
    """And so can a thread, but for the idle thread, of which every processor has its own."""
    return sample.time_ns, sample.tid or -sample.cpu


@st.composite
def specs(draw: st.DrawFn) -> TraceSpec:
    """Any trace that the writer can write."""
    pointer = draw(st.sampled_from([4, 8]))
    kinds = st.sampled_from([layout.SYSTEM, layout.COMPACT, layout.PERFINFO])
    names = ("sample", "stack", "definition", "interval", "process", "thread", "image", "system")
    changes = st.lists(st.tuples(MICROSECONDS.map(lambda us: us * 1000), st.sampled_from([1221, 10_000])), max_size=2)
    return TraceSpec(
        pointer_size=pointer,
        compressed=draw(st.booleans()),
        buffer_bytes=draw(st.sampled_from([1024, 2048, 65_536])),
        proc_index=draw(st.booleans()),
        clock_type=draw(st.sampled_from([layout.CLOCK_QPC, layout.CLOCK_SYSTEM_TIME, layout.CLOCK_CYCLES])),
        perf_freq=draw(st.sampled_from([3_579_545, 10_000_000, 1_000_000_000, 2_400_000_000])),
        first_ticks=draw(st.sampled_from([0, 1, 123_456_789, 1 << 56])),
        duration_ns=LAST_US * 1000,
        closed=draw(st.booleans()),
        interval_100ns=draw(st.sampled_from([0, 1_000, 10_000])),
        interval_changes=tuple(sorted(dict(draw(changes)).items())),
        processes=draw(processes()),
        threads=draw(threads()),
        images=draw(images(KERNEL_HALF[pointer])),
        methods=draw(methods()),
        samples=draw(samples(KERNEL_HALF[pointer])),
        stack_style=draw(st.sampled_from(["direct", "keys", "none"])),
        key_generations=draw(st.integers(1, 3)),
        rundown=draw(st.sampled_from(["both", "start", "end"])),
        process_version=draw(st.sampled_from([3, 4])),
        providers=draw(st.integers(0, 5)),
        events_lost=draw(st.sampled_from([0, 7])),
        buffers_lost=draw(st.sampled_from([0, 1])),
        headers={name: draw(kinds) for name in names},
    )
