"""From a trace's columns to a `Profile`: processes, images and stacks are joined to the samples."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl import caveats
from perfdb.etl.buffers import Damage
from perfdb.etl.callstacks import Fragments, SampleStacks, join_stacks
from perfdb.etl.clock import AFTER, BEFORE, Clock, clock_of
from perfdb.etl.lifetimes import AddressSpace, LifeTable, find_images, find_lives
from perfdb.etl.payloads import Header, Intervals, Samples, is_kernel_address
from perfdb.etl.tables import Trace, select
from perfdb.profile.columns import (
    I32,
    I64,
    U64,
    UNKNOWN_MODULE,
    UNRESOLVED,
    FrameTable,
    FunctionTable,
    LoadedModule,
    Process,
    Profile,
    SampleTable,
    Source,
    StackTable,
)
from perfdb.profile.grouping import distinct, last_at_or_before, ranges
from perfdb.profile.identity import fold_module
from perfdb.profile.tree import build_tree
from perfdb.units import NS_PER_FILETIME, NS_PER_MS, NS_PER_S, filetime_to_utc

DEFAULT_INTERVAL_NS = NS_PER_MS
"""Windows samples every millisecond unless it was told otherwise."""

LONGEST_NS = 366 * 86_400 * NS_PER_S
"""No trace of CPU samples is longer than a year: an end that says so is damage."""

UNKNOWN_PID = -1


def assemble(trace: Trace, source: Source, damage: Damage) -> Profile:
    """Join what was read; raises TraceError where there is no sample, or none but idle ones."""
    idle_count = int(trace.events.idle_count.sum())
    _require_samples(trace, source, idle_count, damage)
    samples = select(trace.events.samples, np.lexsort((trace.events.samples.cpu, trace.events.samples.ticks)))
    stacks = join_stacks(samples, trace.events.stacks, trace.events.definitions, trace.fragments)
    lives = find_lives(trace.events.processes)
    clock = clock_of(trace.header)
    processes, owner = _owners(trace, lives, samples, stacks, clock)
    loaded, modules, code = _code(trace, lives, samples, owner, stacks)
    intervals = trace.events.intervals
    weight_ns = samples.count * _interval_at(intervals, samples.ticks)
    time_ns = clock.to_ns(samples.ticks)
    return Profile(
        source=source,
        machine=trace.machine,
        started_at=filetime_to_utc(trace.header.start_time),
        duration_ns=_duration_ns(trace.header, clock, int(trace.events.last_ticks.max(initial=0))),
        interval_ns=int(_interval_at(intervals, samples.ticks[:1])[0]),
        sample_count=idle_count + int(samples.count.sum()),
        idle_count=idle_count,
        lost_events=trace.header.events_lost,
        lost_buffers=trace.header.buffers_lost,
        processes=processes,
        modules=modules,
        loaded=loaded,
        functions=code.functions,
        frames=code.frames,
        stacks=code.stacks,
        samples=SampleTable(
            time_ns=time_ns,
            process=owner.row,
            tid=samples.tid,
            cpu=samples.cpu,
            stack=code.leaf,
            count=samples.count,
            weight_ns=weight_ns,
            flags=samples.flags,
            has_stack=(stacks.kernel >= 0) | (stacks.user >= 0),
        ),
        caveats=(
            *caveats.of_file(damage, trace.header),
            *caveats.of_recording(damage, trace.header, intervals),
            *caveats.of_samples(stacks, strangers=int(np.count_nonzero((owner.life < 0) & (samples.tid != 0)))),
        ),
    )


def _require_samples(trace: Trace, source: Source, idle_count: int, damage: Damage) -> None:
    if len(trace.events.samples.ticks):
        return
    found = f"{idle_count:,} samples, all of them idle" if idle_count else "no CPU sample"
    missing = [caveat.text for caveat in caveats.of_file(damage, trace.header)]
    if missing:
        raise TraceError(
            f"{source.name}: asked for CPU samples, found {found}, but {'; '.join(missing)}. "
            "Copy the whole file from where it was recorded."
        )
    raise TraceError(
        f"{source.name}: asked for CPU samples, found {found}. Record with CPU sampling on: "
        "`etwprof profile …` does it, `xperf -on PROC_THREAD+LOADER+PROFILE -stackwalk Profile` too."
    )


@dataclass(frozen=True, slots=True)
class _Owners:
    """The process of each sample: `row` in the profile's processes, `life` in the life table or -1."""

    row: I32
    life: I64


def _owners(
    trace: Trace, lives: LifeTable, samples: Samples, stacks: SampleStacks, clock: Clock
) -> tuple[tuple[Process, ...], _Owners]:
    """The processes of the trace, and whose each sample is: of the process that had its thread at that time.

    A sample whose thread nobody started goes to the process that its stack names, else to a process of unknown name.
    """
    threads = find_lives(trace.events.threads)
    life = threads.at_or_next(samples.tid.astype(np.uint64), samples.ticks)
    pid = np.full(len(samples.ticks), UNKNOWN_PID, np.int64)
    pid[life >= 0] = trace.events.threads.pid[threads.event[life[life >= 0]]]
    pid = np.where((pid == UNKNOWN_PID) & (stacks.pid >= 0), stacks.pid, pid)
    pid[samples.tid == 0] = 0
    owner = np.where(pid >= 0, lives.at_or_next(np.maximum(pid, 0).astype(np.uint64), samples.ticks), -1)
    nameless = np.unique(pid[owner < 0])
    row = np.where(owner >= 0, owner, len(lives.key) + np.searchsorted(nameless, pid)).astype(np.int32)
    names = {0: "Idle", 4: "System"}
    strangers = tuple(Process(each, names.get(each, "<unknown>")) for each in nameless.tolist())
    return _processes(trace, lives, clock) + strangers, _Owners(row, owner)


def _processes(trace: Trace, lives: LifeTable, clock: Clock) -> tuple[Process, ...]:
    events = trace.events.processes
    incarnation = np.arange(len(lives.key)) - np.searchsorted(lives.key, lives.key)
    rows = zip(
        lives.key.tolist(),
        events.text[lives.event].tolist(),
        events.extra[lives.event].tolist(),
        incarnation.tolist(),
        _moments(lives.start, clock),
        _moments(lives.end, clock),
        strict=True,
    )
    return tuple(
        Process(pid, trace.process_texts[text][0] or "<unnamed>", trace.process_texts[text][1], parent, nth, start, end)
        for pid, text, parent, nth, start, end in rows
    )


def _moments(ticks: I64, clock: Clock) -> list[int | None]:
    """ns since the trace's start, None for what lies outside it."""
    inside = (ticks != BEFORE) & (ticks != AFTER)
    return [ns if known else None for ns, known in zip(clock.to_ns(ticks).tolist(), inside.tolist(), strict=True)]


@dataclass(frozen=True, slots=True)
class _Code:
    functions: FunctionTable
    frames: FrameTable
    stacks: StackTable
    leaf: I32
    """The stack row of each sample."""


def _code(
    trace: Trace, lives: LifeTable, samples: Samples, owner: _Owners, stacks: SampleStacks
) -> tuple[tuple[LoadedModule, ...], tuple[str, ...], _Code]:
    """The modules that were loaded, and every sample's stack as a row of a prefix tree over places in them."""
    images = find_images(trace.events.images, lives, trace.events.debug_ids)
    space = AddressSpace(images)
    loaded, modules, loaded_of_image = _loaded_modules(trace, images.path, images.debug)
    # Samples that share process, fragments and the images in memory share a stack: each such stack is resolved once.
    kernel_epoch = space.epoch(np.full(len(samples.ticks), -1, np.int64), samples.ticks)
    epoch = space.epoch(owner.life, samples.ticks)
    lead = _lead(samples, stacks, trace.fragments)
    row, group = distinct(owner.life, epoch, kernel_epoch, stacks.kernel, stacks.user, lead)
    start, length, address = _addresses(trace.fragments, stacks, row, lead, trace.header.pointer_size)
    of_stack = np.repeat(row, length)
    image = _images_of(space, owner.life[of_stack], address, samples.ticks[of_stack])
    inside = image >= 0
    offset = address.copy()
    offset[inside] -= images.base[image[inside]]
    caller = offset > 0
    caller[start] = False
    place = np.where(inside, loaded_of_image[np.maximum(image, 0)] if len(images.base) else -1, -1)
    functions, frames, frame = _frames(place, offset - caller.astype(np.uint64), loaded, modules)
    # Stacks come leaf first; the tree grows from the root.
    root_first = np.repeat(start + length, length) - 1 - (np.arange(len(frame)) - np.repeat(start, length))
    tree, leaf = build_tree(start, length, frame[root_first])
    return loaded, modules, _Code(functions, frames, tree, leaf[group])


def _lead(samples: Samples, stacks: SampleStacks, fragments: Fragments) -> U64:
    """The sampled address where the sample's stack does not begin with it, else 0."""
    fragment = np.where(stacks.kernel >= 0, stacks.kernel, stacks.user)
    has_stack = np.flatnonzero(fragment >= 0)
    first = np.zeros(len(fragment), np.uint64)
    first[has_stack] = fragments.first()[fragment[has_stack]]
    return np.where(first == samples.ip, np.uint64(0), samples.ip)


def _addresses(fragments: Fragments, stacks: SampleStacks, row: I64, lead: U64, pointer: int) -> tuple[I64, I64, U64]:
    """The stacks of some samples, leaf first: where each starts, how long it is, and all addresses one after the other.

    The leaf of a sample is where the processor was. A stack that begins in user mode though the processor was in the
    kernel has lost its kernel part, so the sampled address goes before it; else it goes in the first address's place.
    """
    lead = lead[row]
    length_of, start_of = np.append(fragments.length, 0), np.append(fragments.start, 0)
    kernel, user = length_of[stacks.kernel[row]], length_of[stacks.user[row]]
    part_lost = is_kernel_address(lead, pointer) & (kernel == 0)
    added = (part_lost | (kernel + user == 0)).astype(np.int64)
    length = added + kernel + user
    start = np.cumsum(length) - length
    address = np.zeros(int(length.sum()), np.uint64)
    address[ranges(start + added, kernel)] = fragments.address[ranges(start_of[stacks.kernel[row]], kernel)]
    address[ranges(start + added + kernel, user)] = fragments.address[ranges(start_of[stacks.user[row]], user)]
    address[start[lead != 0]] = lead[lead != 0]
    return start, length, address


def _images_of(space: AddressSpace, process: I64, address: U64, ticks: I64) -> I64:
    """The image of each address: one of the process's own, else one of the kernel's, else -1."""
    image = space.find(process, address, ticks)
    rest = np.flatnonzero(image < 0)
    image[rest] = space.find(np.full(len(rest), -1, np.int64), address[rest], ticks[rest])
    return image


def _loaded_modules(trace: Trace, path: I64, debug: I64) -> tuple[tuple[LoadedModule, ...], tuple[str, ...], I64]:
    """The distinct modules of the images, their names, and the loaded module of each image."""
    row, group = distinct(path, debug)
    names: dict[bytes, int] = {}
    spelt: list[str] = []
    loaded: list[LoadedModule] = []
    for path_row, debug_row in zip(path[row].tolist(), debug[row].tolist(), strict=True):
        file = trace.image_paths[path_row]
        name = re.split(r"[\\/]", file)[-1] or UNKNOWN_MODULE
        module = names.setdefault(fold_module(name), len(spelt))
        if module == len(spelt):
            spelt.append(name)
        debug_id, pdb_name = trace.debug_texts[debug_row] if debug_row >= 0 else ("", "")
        loaded.append(LoadedModule(module, file, debug_id, pdb_name))
    if fold_module(UNKNOWN_MODULE) not in names:
        spelt.append(UNKNOWN_MODULE)
    return tuple(loaded), tuple(spelt), group


def _frames(
    place: I64, rva: U64, loaded: tuple[LoadedModule, ...], modules: tuple[str, ...]
) -> tuple[FunctionTable, FrameTable, I32]:
    """Distinct frames, nameless yet: each is the unresolved function of its module. Also the frame of each address."""
    row, frame = distinct(place, rva)
    module_of = np.array([each.module for each in loaded] + [modules.index(UNKNOWN_MODULE)], np.int32)
    module = module_of[place[row]]
    used, function = np.unique(module, return_inverse=True)
    functions = FunctionTable(used.astype(np.int32), (UNRESOLVED,) * len(used))
    frames = FrameTable(place[row].astype(np.int32), rva[row], function.astype(np.int32))
    return functions, frames, frame.astype(np.int32)


def _interval_at(intervals: Intervals, ticks: I64) -> I64:
    """The sampling interval in force, in ns; before the first setting, what that one says."""
    if not len(intervals.ticks):
        return np.full(len(ticks), DEFAULT_INTERVAL_NS, np.int64)
    one = np.zeros(len(intervals.ticks), np.int64)
    setting = last_at_or_before(one, intervals.ticks, np.zeros(len(ticks), np.int64), ticks)
    earliest = int(np.argmin(intervals.ticks))
    return intervals.interval_ns[np.where(setting >= 0, setting, earliest)]


def _duration_ns(header: Header, clock: Clock, last_ticks: int) -> int:
    """How long the trace ran: by its header, or, where that was never completed, until its last sample."""
    if 0 < header.end_time - header.start_time <= LONGEST_NS // NS_PER_FILETIME:
        return (header.end_time - header.start_time) * NS_PER_FILETIME
    return max(0, int(clock.to_ns(np.array([last_ticks]))[0]))
