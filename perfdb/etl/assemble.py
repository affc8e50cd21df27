"""From a trace's columns to a `Profile`: processes, images, methods and stacks are joined to the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl import caveats
from perfdb.etl.buffers import Damage
from perfdb.etl.callstacks import Fragments, SampleStacks, join_stacks
from perfdb.etl.clock import Clock, clock_of
from perfdb.etl.code import alike_stacks, grow_tree, loaded_modules, locate, places_in, put_together
from perfdb.etl.lifetimes import AddressSpace, LifeTable, find_images, find_lives
from perfdb.etl.methods import find_methods, may_be_held, name_methods, settle, tell_apart
from perfdb.etl.owners import Owners, find_owners, pids_of_threads
from perfdb.etl.payloads import Header, Intervals, Samples, is_kernel_address
from perfdb.etl.tables import Trace, select
from perfdb.profile.columns import (
    I32,
    I64,
    JIT_MODULE,
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
    code = _code(trace, lives, samples, owner, stacks)
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
        modules=code.modules,
        loaded=code.loaded,
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
    loaded: tuple[LoadedModule, ...]
    modules: tuple[str, ...]
    functions: FunctionTable
    frames: FrameTable
    stacks: StackTable
    leaf: I32
    """The stack row of each sample."""


def _code(trace: Trace, lives: LifeTable, samples: Samples, owner: Owners, stacks: SampleStacks) -> _Code:
    """The modules that were loaded, and every sample's stack as a row of a prefix tree over places in them."""
    images = find_images(trace.events.images, lives, trace.events.debug_ids)
    space = AddressSpace(images)
    life, ticks = owner.life, samples.ticks
    lead = _lead(samples, stacks, trace.fragments)
    row, group = alike_stacks(space, life, ticks, stacks.kernel, stacks.user, lead)
    calls = _Calls.of(trace, stacks, lead, row)
    image, kept = locate(space, life[calls.sample], calls.address, ticks[calls.sample], calls.start)
    methods = find_methods(trace.events.methods, lives, kept)
    method = np.full(len(kept), -1, np.int64)
    if len(methods.base):
        code = AddressSpace(methods)
        at = may_be_held(methods, kept)
        apart, group = tell_apart(code, life, ticks, row, group, calls.stack()[at], kept[at])
        if len(apart) > len(row):
            calls = _Calls.of(trace, stacks, lead, apart)
            image, kept = locate(space, life[calls.sample], calls.address, ticks[calls.sample], calls.start)
            method = np.full(len(kept), -1, np.int64)
            at = may_be_held(methods, kept)
        method[at] = code.find(life[calls.sample[at]], kept[at], ticks[calls.sample[at]])
        method, image = settle(methods, images, method, image)
    name, names = name_methods(methods, method, trace.read_again)
    loaded, modules, loaded_of_image = loaded_modules(trace.image_paths, trace.debug_texts, images)
    place, rva = places_in(images, loaded_of_image, image, kept)
    modules, functions, frames, frame = _frames(place, rva, name, names, loaded, modules)
    tree, leaf = grow_tree(calls.start, calls.length, frame)
    return _Code(loaded, modules, functions, frames, tree, leaf[group])


@dataclass(frozen=True, slots=True)
class _Calls:
    """Some samples' stacks, leaf first: stack i is `start[i] : start[i] + length[i]` of the other columns."""

    start: I64
    length: I64
    address: U64
    sample: I64

    @classmethod
    def of(cls, trace: Trace, stacks: SampleStacks, lead: U64, row: I64) -> _Calls:
        """The stacks of the samples `row`."""
        goes_before = is_kernel_address(lead[row], trace.header.pointer_size)
        start, length, address = put_together(
            trace.fragments, stacks.kernel[row], stacks.user[row], lead[row], goes_before
        )
        return cls(start, length, address, np.repeat(row, length))

    def stack(self) -> I64:
        """Of which stack each address is."""
        return np.repeat(np.arange(len(self.start)), self.length)


def _lead(samples: Samples, stacks: SampleStacks, fragments: Fragments) -> U64:
    """The sampled address where the sample's stack does not begin with it, else 0."""
    fragment = np.where(stacks.kernel >= 0, stacks.kernel, stacks.user)
    has_stack = np.flatnonzero(fragment >= 0)
    first = np.zeros(len(fragment), np.uint64)
    first[has_stack] = fragments.first()[fragment[has_stack]]
    return np.where(first == samples.ip, np.uint64(0), samples.ip)


def _frames(
    place: I64,
    rva: U64,
    name: I64,
    names: tuple[str, ...],
    loaded: tuple[LoadedModule, ...],
    modules: tuple[str, ...],
) -> tuple[tuple[str, ...], FunctionTable, FrameTable, I32]:
    """Distinct frames and their functions; also all modules, and the frame of each address.

    A frame in a managed method has its name, in the image that holds its code or, without one, in `<jit>`. All others
    are the unresolved function of their module.
    """
    # One number for place and name, both of which may be -1: grouping by two columns takes less time than by three.
    row, frame = distinct(place * (len(names) + 1) + name, rva)
    place, rva, name = place[row], rva[row], name[row]
    module = np.array([each.module for each in loaded] + [modules.index(UNKNOWN_MODULE)], np.int64)[place]
    in_no_image = (place < 0) & (name >= 0)
    if np.any(in_no_image):
        module[in_no_image] = len(modules)
        modules = (*modules, JIT_MODULE)
    first, function = distinct(module, name)
    spelt = tuple(names[each] if each >= 0 else UNRESOLVED for each in name[first].tolist())
    functions = FunctionTable(module[first].astype(np.int32), spelt)
    frames = FrameTable(place.astype(np.int32), rva, function.astype(np.int32))
    return modules, functions, frames, frame.astype(np.int32)


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
