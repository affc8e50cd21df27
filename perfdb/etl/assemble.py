"""From a trace's columns to a `Profile`: processes, images and stacks are joined to the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl import caveats
from perfdb.etl.buffers import Damage
from perfdb.etl.callstacks import Fragments, SampleStacks, join_stacks
from perfdb.etl.clock import Clock, clock_of
from perfdb.etl.code import alike_stacks, find_places, grow_tree, loaded_modules, put_together
from perfdb.etl.lifetimes import AddressSpace, LifeTable, find_images, find_lives
from perfdb.etl.owners import Owners, find_owners, pids_of_threads
from perfdb.etl.payloads import Header, Intervals, Samples, is_kernel_address
from perfdb.etl.tables import Trace, select
from perfdb.profile.columns import (
    I32,
    I64,
    NO_PID,
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
from perfdb.profile.grouping import distinct, last_at_or_before
from perfdb.units import NS_PER_FILETIME, NS_PER_MS, NS_PER_S, filetime_to_utc

DEFAULT_INTERVAL_NS = NS_PER_MS
"""Windows samples every millisecond unless it was told otherwise."""

LONGEST_NS = 366 * 86_400 * NS_PER_S
"""No trace of CPU samples is longer than a year: an end that says so is damage."""


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
    weight_ns = samples.count * interval_at(intervals, samples.ticks)
    time_ns = clock.to_ns(samples.ticks)
    return Profile(
        source=source,
        machine=trace.machine,
        started_at=filetime_to_utc(trace.header.start_time),
        duration_ns=_duration_ns(trace.header, clock, int(trace.events.last_ticks.max(initial=0))),
        interval_ns=int(interval_at(intervals, samples.ticks[:1])[0]),
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


def _owners(
    trace: Trace, lives: LifeTable, samples: Samples, stacks: SampleStacks, clock: Clock
) -> tuple[tuple[Process, ...], Owners]:
    """The processes of the trace, and whose each sample is: of the process that had its thread at that time.

    A sample whose thread nobody started goes to the process that its stack names, else to a process of unknown name.
    """
    pid = pids_of_threads(trace.events.threads, samples.tid, samples.ticks)
    pid = np.where((pid == NO_PID) & (stacks.pid >= 0), stacks.pid, pid)
    pid[samples.tid == 0] = 0
    return find_owners(trace.events.processes, lives, trace.process_texts, pid, samples.ticks, clock)


@dataclass(frozen=True, slots=True)
class _Code:
    functions: FunctionTable
    frames: FrameTable
    stacks: StackTable
    leaf: I32
    """The stack row of each sample."""


def _code(
    trace: Trace, lives: LifeTable, samples: Samples, owner: Owners, stacks: SampleStacks
) -> tuple[tuple[LoadedModule, ...], tuple[str, ...], _Code]:
    """The modules that were loaded, and every sample's stack as a row of a prefix tree over places in them."""
    images = find_images(trace.events.images, lives, trace.events.debug_ids)
    space = AddressSpace(images)
    loaded, modules, loaded_of_image = loaded_modules(trace.image_paths, trace.debug_texts, images)
    lead = _lead(samples, stacks, trace.fragments)
    row, group = alike_stacks(space, owner.life, samples.ticks, stacks.kernel, stacks.user, lead)
    goes_before = is_kernel_address(lead[row], trace.header.pointer_size)
    start, length, address = put_together(trace.fragments, stacks.kernel[row], stacks.user[row], lead[row], goes_before)
    of_stack = np.repeat(row, length)
    place, rva = find_places(
        space, loaded_of_image, owner.life[of_stack], address, samples.ticks[of_stack], is_leaf=start
    )
    functions, frames, frame = _frames(place, rva, loaded, modules)
    tree, leaf = grow_tree(start, length, frame)
    return loaded, modules, _Code(functions, frames, tree, leaf[group])


def _lead(samples: Samples, stacks: SampleStacks, fragments: Fragments) -> U64:
    """The sampled address where the sample's stack does not begin with it, else 0."""
    fragment = np.where(stacks.kernel >= 0, stacks.kernel, stacks.user)
    has_stack = np.flatnonzero(fragment >= 0)
    first = np.zeros(len(fragment), np.uint64)
    first[has_stack] = fragments.first()[fragment[has_stack]]
    return np.where(first == samples.ip, np.uint64(0), samples.ip)


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


def interval_at(intervals: Intervals, ticks: I64, default_ns: int = DEFAULT_INTERVAL_NS) -> I64:
    """The sampling interval in force, in ns; before the first setting, what that one says; without any, the default."""
    if not len(intervals.ticks):
        return np.full(len(ticks), default_ns, np.int64)
    one = np.zeros(len(intervals.ticks), np.int64)
    setting = last_at_or_before(one, intervals.ticks, np.zeros(len(ticks), np.int64), ticks)
    earliest = int(np.argmin(intervals.ticks))
    return intervals.interval_ns[np.where(setting >= 0, setting, earliest)]


def _duration_ns(header: Header, clock: Clock, last_ticks: int) -> int:
    """How long the trace ran: by its header, or, where that was never completed, until its last sample."""
    if 0 < header.end_time - header.start_time <= LONGEST_NS // NS_PER_FILETIME:
        return (header.end_time - header.start_time) * NS_PER_FILETIME
    return max(0, int(clock.to_ns(np.array([last_ticks]))[0]))
