"""The program of the demo: a C++ indexer that writes what it finds into a graph database, in a debug build.

Its time goes where such programs' time goes: about 40 % in the database (`kuzu_shared.dll`), 28 % in `ntdll.dll` (the
heap), 14 % in the debug runtime, 9 % in `ucrtbase.dll`, 7 % in the kernel, and 1 to 2 % in the program itself. The
branch `bulk-insert` hands rows over in batches: less work in the database and on the heap, a new library on the way;
and, planted, a conversion in `ucrtbase.dll`, its `strtod`, that costs `templates` more than before.

Its functions are in `indexer_code`; what Windows brings (`ntdll.dll`, the kernel) has none, and stays unresolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from perfdb.demo.etl_spec import KERNEL_PID, ImageSpec, ProcessSpec, SampleColumns, ThreadSpec, TraceSpec
from perfdb.demo.indexer_code import ARROW, DEBUG_UCRT, KUZU, MODULES, PLACES, PROGRAM, UCRT, debug_guid, place_rva
from perfdb.units import NS_PER_MS

PID, MAIN_TID, WORKER_TID = 7_412, 7_416, 7_520
OTHER_PID, OTHER_TID = 2_208, 2_212
BULK_INSERT = "bulk-insert"

SAMPLES = {"simple": 900, "templates": 2_600, "inheritance": 1_700}
"""Work of each example on `main`, in samples of 1 ms."""

RUN_NOISE = 0.012
PATH_NOISE = 0.02
"""Spread of a run's speed, and of each call path's share within it, as fractions."""

IDLE_SAMPLES = 250


@dataclass(frozen=True, slots=True)
class Frame:
    """A module, and those of its functions that stand at this place of a call path, in turn; none without symbols."""

    module: str
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallPath:
    """Frames from the outermost caller to the leaf, and the share of the program's time that is spent at its end."""

    frames: tuple[Frame, ...]
    share: float

    @property
    def leaf(self) -> str:
        """The module that the time is spent in."""
        return self.frames[-1].module


_VISITOR = "(what visits the example)"
_VISITORS = {
    "simple": "indexer::Indexer::visitClass",
    "templates": "indexer::Indexer::visitTemplate",
    "inheritance": "indexer::Indexer::visitBases",
}

_NTDLL, _KERNEL, _KERNEL_BASE = Frame("ntdll.dll"), Frame("ntoskrnl.exe"), Frame("KernelBase.dll")
_RUN = (_NTDLL, Frame("kernel32.dll"), Frame(PROGRAM, ("main",)), Frame(PROGRAM, ("indexer::Session::run",)))
_START = (*_RUN, Frame(PROGRAM, (_VISITOR,)))
_EXECUTE = Frame(KUZU, ("kuzu::main::Connection::executeWithParams",))
_PREPARE = Frame(KUZU, ("kuzu::main::Connection::query", "kuzu::main::Connection::bindParameters"))
_INSERT = (
    *_START,
    _EXECUTE,
    Frame(KUZU, ("kuzu::processor::NodeInsertExecutor::insert", "kuzu::processor::RelInsertExecutor::insert")),
)
_TABLE = Frame(KUZU, ("kuzu::storage::NodeTable::insert", "kuzu::storage::RelTable::insert"))
_CHUNK = Frame(
    KUZU,
    (
        "kuzu::storage::ColumnChunk::append",
        "kuzu::storage::StringColumnChunk::append",
        "kuzu::common::ValueVector::copyFromValue",
    ),
)
_LOCAL_TABLE = Frame(KUZU, ("kuzu::storage::LocalNodeTable::insert", "kuzu::storage::WAL::logTableInsertion"))
_KEY = Frame(KUZU, ("kuzu::storage::PrimaryKeyIndex::insert",))
_LOOK_UP = Frame(
    KUZU,
    (
        "kuzu::storage::HashIndex<__int64>::lookupInternal",
        "kuzu::storage::HashIndex<kuzu::common::ku_string_t>::lookupInternal",
    ),
)
_HEAP = Frame(DEBUG_UCRT, ("_malloc_dbg", "_free_dbg"))
_CHECK = Frame(DEBUG_UCRT, ("check_bytes", "heap_alloc_dbg_internal", "free_dbg_nolock"))
_STRTOD = Frame(UCRT, ("strtod",))

CALL_PATHS = (
    CallPath((*_INSERT, _TABLE, _CHUNK), 0.175),
    CallPath((*_INSERT, _LOCAL_TABLE), 0.120),
    CallPath((*_INSERT, _TABLE, _KEY, _LOOK_UP), 0.060),
    CallPath((*_START, _PREPARE), 0.040),
    CallPath((*_INSERT, _HEAP, _NTDLL, _NTDLL), 0.130),
    CallPath((*_INSERT, _HEAP, _NTDLL), 0.080),
    CallPath((*_START, _HEAP, _NTDLL, _NTDLL), 0.060),
    CallPath((*_START, _KERNEL_BASE, _NTDLL), 0.015),
    CallPath((*_INSERT, _CHECK), 0.090),
    CallPath((*_START, _CHECK), 0.050),
    CallPath((*_START, Frame(UCRT, ("atof",)), _STRTOD), 0.055),
    CallPath((*_INSERT, _STRTOD), 0.035),
    CallPath((*_INSERT, _HEAP, _NTDLL, _KERNEL, _KERNEL), 0.040),
    CallPath((*_START, _KERNEL_BASE, _NTDLL, _KERNEL), 0.030),
    CallPath(_START, 0.010),
    CallPath(_RUN, 0.005),
    CallPath((*_START, _KERNEL_BASE), 0.005),
)

_ROWS = Frame(KUZU, ("kuzu::common::ArrowRowBatch::append", "kuzu::common::`anonymous namespace'::resizeVector"))
_APPEND = Frame(ARROW, ("arrow::NumericBuilder<arrow::Int64Type>::AppendValues", "arrow::ArrayBuilder::Resize"))
ARROW_PATH = CallPath((*_START, _ROWS, _APPEND), 0.012)
"""What only the branch has: the batches are laid out by another library."""

SLOWER = {UCRT: 1.8}
"""The planted regression: by how much a module's time grows in `templates` on the branch."""

FASTER = {KUZU: 0.55, "ntdll.dll": 0.74, DEBUG_UCRT: 0.85, "ntoskrnl.exe": 0.8}
"""What the optimisation brings: by how much a module's time shrinks in all examples on the branch."""

_PATHS = {
    PROGRAM: "C:\\work\\indexer\\build\\Debug\\indexer.exe",
    KUZU: "C:\\work\\indexer\\build\\Debug\\kuzu_shared.dll",
    ARROW: "C:\\work\\indexer\\build\\Debug\\arrow.dll",
}


def path_shares(example: str, branch: str) -> dict[CallPath, float]:
    """The time of each call path as a fraction of the example's time on `main`."""
    shares = {path: path.share for path in CALL_PATHS}
    if branch == BULK_INSERT:
        for path in CALL_PATHS:
            shares[path] *= FASTER.get(path.leaf, 1.0)
            if example == "templates":
                shares[path] *= SLOWER.get(path.leaf, 1.0)
        shares[ARROW_PATH] = ARROW_PATH.share
    return shares


def trace_of_run(example: str, branch: str, started_at: datetime, seed: int) -> TraceSpec:
    """One run of the indexer on an example, as the trace that a profiler would have written."""
    random = np.random.default_rng(seed)
    shares = path_shares(example, branch)
    speed = random.normal(1.0, RUN_NOISE)
    means = np.array([SAMPLES[example] * share * speed for share in shares.values()])
    counts = np.maximum(0, np.rint(means * random.normal(1.0, PATH_NOISE, len(means)))).astype(np.int64)
    images = _images(branch, random)
    places = _Places(images, example, branch)
    stacks, kernel, user = _stacks(tuple(shares), counts, places, random)
    order = random.permutation(len(user))
    work, other = len(user), 40
    duration_ns = int((work / 2 + 400) * NS_PER_MS)
    time_ns = np.sort(random.integers(5 * NS_PER_MS, duration_ns - 5 * NS_PER_MS, work + other + IDLE_SAMPLES))
    tid = np.concatenate(
        (random.choice((MAIN_TID, WORKER_TID), work), np.full(other, OTHER_TID), np.zeros(IDLE_SAMPLES))
    )
    shuffle = random.permutation(len(time_ns))
    return TraceSpec(
        compressed=bool(seed % 2),
        processors=8,
        start_time=started_at,
        duration_ns=duration_ns,
        hostname="BUILD-07",
        product="Windows 11 Pro",
        os_build=22_631,
        processes=(
            ProcessSpec(0, "Idle"),
            ProcessSpec(KERNEL_PID, "System"),
            ProcessSpec(
                PID, PROGRAM, f"{_PATHS[PROGRAM]} --example {example}", 1_000, 2 * NS_PER_MS, duration_ns - NS_PER_MS
            ),
            ProcessSpec(OTHER_PID, "MsMpEng.exe", "MsMpEng.exe", 700),
        ),
        threads=(
            ThreadSpec(0, 0),
            ThreadSpec(MAIN_TID, PID, 2 * NS_PER_MS, duration_ns - NS_PER_MS),
            ThreadSpec(WORKER_TID, PID, 3 * NS_PER_MS, duration_ns - NS_PER_MS),
            ThreadSpec(OTHER_TID, OTHER_PID),
        ),
        images=tuple(images.values()),
        samples=SampleColumns.from_stacks(
            time_ns=time_ns,
            tid=tid.astype(np.int64)[shuffle],
            stacks=stacks,
            kernel=np.concatenate((kernel[order], np.full(other + IDLE_SAMPLES, 0)))[shuffle],
            user=np.concatenate((user[order], np.full(other + IDLE_SAMPLES, -1)))[shuffle],
            cpu=random.integers(0, 8, len(time_ns)),
        ),
    )


def _images(branch: str, random: np.random.Generator) -> dict[str, ImageSpec]:
    """The program's images at the bases of this run: they move from run to run, as address randomisation has it."""
    names = sorted({frame.module for path in (*CALL_PATHS, ARROW_PATH) for frame in path.frames})
    images: dict[str, ImageSpec] = {}
    user_base = 0x7FF6_0000_0000 + int(random.integers(0, 1 << 16)) * 0x10000
    for place, name in enumerate(names):
        kernel = name == "ntoskrnl.exe"
        base = (
            0xFFFF_F804_0000_0000 + int(random.integers(0, 1 << 8)) * 0x100000
            if kernel
            else user_base + place * 0x100_0000
        )
        images[name] = ImageSpec(
            pid=KERNEL_PID if kernel else PID,
            base=base,
            size=0x80_0000,
            path=_PATHS.get(name, f"\\Device\\HarddiskVolume3\\Windows\\System32\\{name}"),
            debug_id=_debug_id(name, branch),
            pdb_name=name.rsplit(".", 1)[0] + ".pdb",
            load_ns=None if kernel else 2 * NS_PER_MS,
        )
    return images


def _debug_id(name: str, branch: str) -> str:
    """A PDB's guid and age: that of the branch's build, or made up for what Windows brings."""
    return (debug_guid(name, branch) if name in MODULES else (name.encode().hex() + "0" * 32)[:32].upper()) + "1"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the frames of call paths lie in one run."""

    images: Mapping[str, ImageSpec]
    example: str
    branch: str

    def addresses(self, path: CallPath, number: int, variant: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """One stack of a call path, leaf first, split into its kernel and its user part."""
        kernel: list[int] = []
        user: list[int] = []
        for depth in reversed(range(len(path.frames))):
            image = self.images[path.frames[depth].module]
            is_leaf = depth == len(path.frames) - 1
            rva = self._rva(path.frames[depth], depth, number, variant[depth], is_leaf)
            address = image.leaf(rva) if is_leaf else image.caller(rva)
            (kernel if image.pid == KERNEL_PID else user).append(address)
        return tuple(kernel), tuple(user)

    def _rva(self, frame: Frame, depth: int, number: int, place: int, is_leaf: bool) -> int:
        if frame.module not in MODULES:
            is_shared = depth < len(_START)
            return 0x1000 + 0x400 * depth + (0 if is_shared else 0x10000 * (number + 1)) + 0x40 * place
        function = frame.functions[place % len(frame.functions)]
        if function == _VISITOR:
            function = _VISITORS[self.example]
        return place_rva(frame.module, function, place, self.branch, is_leaf)


def _stacks(
    paths: tuple[CallPath, ...],
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
    places: _Places,
    random: np.random.Generator,
) -> tuple[
    tuple[tuple[int, ...], ...], np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]
]:
    """The distinct stack parts, and for each sample the row of its kernel part and of its user part (-1 for none).

    Row 0 is the kernel stack of samples that are not the program's.
    """
    kernel_image = places.images["ntoskrnl.exe"]
    parts: dict[tuple[int, ...], int] = {(kernel_image.leaf(0x1200), kernel_image.caller(0x9400)): 0}
    kernel_rows: list[int] = []
    user_rows: list[int] = []
    for number, (path, count) in enumerate(zip(paths, counts.tolist(), strict=True)):
        variants = random.integers(0, PLACES, (count, len(path.frames)))
        variants[:, : len(_START)] = 0
        for variant in variants.tolist():
            kernel, user = places.addresses(path, number, variant)
            kernel_rows.append(parts.setdefault(kernel, len(parts)) if kernel else -1)
            user_rows.append(parts.setdefault(user, len(parts)) if user else -1)
    return tuple(parts), np.array(kernel_rows, np.int64), np.array(user_rows, np.int64)
