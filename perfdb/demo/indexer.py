"""The program of the demo: a C++ indexer that writes what it finds into a graph database, in a debug build.

Its time goes where such programs' time goes: about 40 % in the database (`kuzu_shared.dll`), 28 % in `ntdll.dll` (the
heap), 14 % in the debug runtime, 9 % in `ucrtbase.dll`, 7 % in the kernel, and 1 to 2 % in the program itself. The
branch `bulk-insert` hands rows over in batches: less work in the database and on the heap, a new library on the way;
and, planted, a conversion in `ucrtbase.dll` that costs `templates` more than before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from perfdb.demo.etl_spec import KERNEL_PID, ImageSpec, ProcessSpec, SampleColumns, ThreadSpec, TraceSpec
from perfdb.units import NS_PER_MS

PROGRAM = "indexer.exe"
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
class CallPath:
    """Modules from the outermost caller to the leaf, and the share of the program's time that is spent at its end."""

    modules: tuple[str, ...]
    share: float


_START = ("ntdll.dll", "kernel32.dll", PROGRAM, PROGRAM, PROGRAM)
_INSERT = (*_START, "kuzu_shared.dll", "kuzu_shared.dll")

CALL_PATHS = (
    CallPath((*_INSERT, "kuzu_shared.dll", "kuzu_shared.dll"), 0.175),
    CallPath((*_INSERT, "kuzu_shared.dll"), 0.120),
    CallPath((*_INSERT, "kuzu_shared.dll", "kuzu_shared.dll", "kuzu_shared.dll"), 0.060),
    CallPath((*_START, "kuzu_shared.dll"), 0.040),
    CallPath((*_INSERT, "ucrtbased.dll", "ntdll.dll", "ntdll.dll"), 0.130),
    CallPath((*_INSERT, "ucrtbased.dll", "ntdll.dll"), 0.080),
    CallPath((*_START, "ucrtbased.dll", "ntdll.dll", "ntdll.dll"), 0.060),
    CallPath((*_START, "KernelBase.dll", "ntdll.dll"), 0.015),
    CallPath((*_INSERT, "ucrtbased.dll"), 0.090),
    CallPath((*_START, "ucrtbased.dll"), 0.050),
    CallPath((*_START, "ucrtbase.dll", "ucrtbase.dll"), 0.055),
    CallPath((*_INSERT, "ucrtbase.dll"), 0.035),
    CallPath((*_INSERT, "ucrtbased.dll", "ntdll.dll", "ntoskrnl.exe", "ntoskrnl.exe"), 0.040),
    CallPath((*_START, "KernelBase.dll", "ntdll.dll", "ntoskrnl.exe"), 0.030),
    CallPath(_START, 0.010),
    CallPath(_START[:-1], 0.005),
    CallPath((*_START, "KernelBase.dll"), 0.005),
)

ARROW_PATH = CallPath((*_START, "kuzu_shared.dll", "arrow.dll"), 0.012)
"""What only the branch has: the batches are laid out by another library."""

SLOWER = {"ucrtbase.dll": 1.8}
"""The planted regression: by how much a module's time grows in `templates` on the branch."""

FASTER = {"kuzu_shared.dll": 0.55, "ntdll.dll": 0.74, "ucrtbased.dll": 0.85, "ntoskrnl.exe": 0.8}
"""What the optimisation brings: by how much a module's time shrinks in all examples on the branch."""

_FUNCTIONS = 6
"""Distinct places per frame of a call path, so that stacks differ as they do in real traces."""

_PATHS = {
    PROGRAM: "C:\\work\\indexer\\build\\Debug\\indexer.exe",
    "kuzu_shared.dll": "C:\\work\\indexer\\build\\Debug\\kuzu_shared.dll",
    "arrow.dll": "C:\\work\\indexer\\build\\Debug\\arrow.dll",
}


def path_shares(example: str, branch: str) -> dict[CallPath, float]:
    """The time of each call path as a fraction of the example's time on `main`."""
    shares = {path: path.share for path in CALL_PATHS}
    if branch == BULK_INSERT:
        for path in CALL_PATHS:
            shares[path] *= FASTER.get(path.modules[-1], 1.0)
            if example == "templates":
                shares[path] *= SLOWER.get(path.modules[-1], 1.0)
        shares[ARROW_PATH] = ARROW_PATH.share
    return shares


def trace_of_run(example: str, branch: str, started_at: datetime, seed: int) -> TraceSpec:
    """One run of the indexer on an example, as the trace that a profiler would have written."""
    random = np.random.default_rng(seed)
    shares = path_shares(example, branch)
    speed = random.normal(1.0, RUN_NOISE)
    means = np.array([SAMPLES[example] * share * speed for share in shares.values()])
    counts = np.maximum(0, np.rint(means * random.normal(1.0, PATH_NOISE, len(means)))).astype(np.int64)
    images = _images(random)
    stacks, kernel, user = _stacks(tuple(shares), counts, images, random)
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


def _images(random: np.random.Generator) -> dict[str, ImageSpec]:
    """The program's images at the bases of this run: they move from run to run, as address randomisation has it."""
    names = sorted({name for path in (*CALL_PATHS, ARROW_PATH) for name in path.modules})
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
            debug_id=_debug_id(name),
            pdb_name=name.rsplit(".", 1)[0] + ".pdb",
            load_ns=None if kernel else 2 * NS_PER_MS,
        )
    return images


def _debug_id(name: str) -> str:
    """A PDB's guid and age, made up, the same in every trace: the program was not built anew between runs."""
    return (name.encode().hex() + "0" * 32)[:32].upper() + "1"


def _stacks(
    paths: tuple[CallPath, ...],
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
    images: Mapping[str, ImageSpec],
    random: np.random.Generator,
) -> tuple[
    tuple[tuple[int, ...], ...], np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]
]:
    """The distinct stack parts, and for each sample the row of its kernel part and of its user part (-1 for none).

    Row 0 is the kernel stack of samples that are not the program's.
    """
    kernel_image = images["ntoskrnl.exe"]
    parts: dict[tuple[int, ...], int] = {(kernel_image.leaf(0x1200), kernel_image.caller(0x9400)): 0}
    kernel_rows: list[int] = []
    user_rows: list[int] = []
    for number, (path, count) in enumerate(zip(paths, counts.tolist(), strict=True)):
        variants = random.integers(0, _FUNCTIONS, (count, len(path.modules)))
        variants[:, : len(_START)] = 0
        for variant in variants.tolist():
            kernel, user = _addresses(path, number, variant, images)
            kernel_rows.append(parts.setdefault(kernel, len(parts)) if kernel else -1)
            user_rows.append(parts.setdefault(user, len(parts)) if user else -1)
    return tuple(parts), np.array(kernel_rows, np.int64), np.array(user_rows, np.int64)


def _addresses(
    path: CallPath, number: int, variant: list[int], images: Mapping[str, ImageSpec]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """One stack of a call path, leaf first, split into its kernel and its user part."""
    kernel: list[int] = []
    user: list[int] = []
    for depth in reversed(range(len(path.modules))):
        image = images[path.modules[depth]]
        shared = depth < len(_START)
        rva = 0x1000 + 0x400 * depth + (0 if shared else 0x10000 * (number + 1)) + 0x40 * variant[depth]
        is_leaf = depth == len(path.modules) - 1
        address = image.leaf(rva) if is_leaf else image.caller(rva)
        (kernel if image.pid == KERNEL_PID else user).append(address)
    return tuple(kernel), tuple(user)
