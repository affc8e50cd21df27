"""From the rows of a dump to a `Profile`, by the same joins that an `.etl` goes through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl.assemble import interval_at
from perfdb.etl.callstacks import Fragments
from perfdb.etl.clock import Clock
from perfdb.etl.code import alike_stacks, find_places, grow_tree, loaded_modules, put_together
from perfdb.etl.lifetimes import AddressSpace, LifeTable, find_images, find_lives
from perfdb.etl.owners import find_owners, pids_of_threads
from perfdb.etl.payloads import DebugIds, is_kernel_address
from perfdb.etl.tables import select
from perfdb.profile.builder import Names
from perfdb.profile.check import self_check
from perfdb.profile.columns import (
    I32,
    I64,
    LOSSES_NOT_TOLD,
    NO_PID,
    U64,
    UNKNOWN_MODULE,
    Caveat,
    FrameTable,
    LoadedModule,
    Machine,
    Process,
    Profile,
    SampleTable,
    Source,
    StackTable,
)
from perfdb.profile.grouping import distinct
from perfdb.readers.dumper.join import Ends, join_blocks
from perfdb.readers.dumper.layout import TraceInfo
from perfdb.readers.dumper.rows import OtherOwners, Rows
from perfdb.readers.dumper.samples import SampleRows, leaf_symbol
from perfdb.readers.dumper.stacks import Blocks
from perfdb.readers.symbol_text import split_process, split_symbol
from perfdb.readers.text import decode, guessed_encoding
from perfdb.units import NS_PER_MS, NS_PER_S, filetime_to_utc

MICROSECONDS = Clock(first_ticks=0, frequency=1_000_000)

STACKLESS_SHARE = 0.05
"""The share of samples without a stack above which one must know it; a few lose theirs in every trace."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the file tells besides its rows: its facts, whether it ends inside a line, and the interval that the user
    gave for a trace that does not tell its own.
    """

    info: TraceInfo
    has_header: bool
    is_cut: bool
    interval_ns: int | None


def assemble(rows: Rows, told: Told, source: Source) -> Profile:
    """Join what was read; raises TraceError where there is no sample, or none but idle ones."""
    samples, blocks, owners = rows.joined()
    if not len(samples.row):
        raise _nothing(source, "no CPU sample")
    pointer = told.info.pointer_size or (8 if int(samples.ip.max()) >= 1 << 32 else 4)
    fragments = rows.stacks.chains.fragments()
    total = int(samples.count.sum())
    samples, kernel, user = _with_stacks(rows, samples, blocks, owners, fragments, pointer)
    if not len(samples.row):
        raise _nothing(source, f"{total:,} samples, all of them idle")
    idle_count = total - int(samples.count.sum())
    rundown = rows.rundown
    lives = find_lives(rundown.processes)
    pid = _pids(rows, samples)
    processes, owner = find_owners(rundown.processes, lives, rundown.full_names(), pid, samples.ticks, MICROSECONDS)
    processes = _with_names(processes, len(lives.key), rows)
    code = _code(rows, lives, samples, owner.life, fragments, kernel, user, pointer)
    intervals = rundown.intervals
    default_ns = told.interval_ns or NS_PER_MS
    info = told.info
    profile = Profile(
        source=source,
        machine=Machine(os=f"Windows {info.os}" if info.os else "", cores=int(samples.cpu.max()) + 1),
        started_at=filetime_to_utc(info.start),
        duration_ns=max(info.length_s * NS_PER_S, rows.samples.last_ticks * 1000),
        interval_ns=int(interval_at(intervals, samples.ticks[:1], default_ns)[0]),
        sample_count=total,
        idle_count=idle_count,
        lost_events=info.events_lost,
        lost_buffers=info.buffers_lost,
        processes=processes,
        modules=code.modules,
        loaded=code.loaded,
        functions=code.names.table(),
        frames=code.frames,
        stacks=code.stacks,
        samples=SampleTable(
            time_ns=samples.ticks * 1000,
            process=owner.row,
            tid=samples.tid,
            cpu=samples.cpu.astype(np.int32),
            stack=code.leaf,
            count=samples.count,
            weight_ns=samples.count * interval_at(intervals, samples.ticks, default_ns),
            flags=np.zeros(len(samples.row), np.uint8),
            has_stack=(kernel >= 0) | (user >= 0),
        ),
        caveats=tuple(_caveats(rows, told, samples, kernel, user, processes[len(lives.key) :])),
    )
    self_check(profile)
    return profile


def _nothing(source: Source, found: str) -> TraceError:
    return TraceError(
        f"{source.name}: asked for CPU samples, found {found}. Record with CPU sampling on "
        "(`xperf -on PROC_THREAD+LOADER+PROFILE -stackwalk Profile`), and dump the trace with "
        "xperf -i TRACE.etl -tle -tti -symbols -o dump.txt -a dumper -stacktimeshifting"
    )


def _with_stacks(
    rows: Rows, samples: SampleRows, blocks: Blocks, owners: OtherOwners, fragments: Fragments, pointer: int
) -> tuple[SampleRows, I64, I64]:
    """The samples that are work, in the order of time, and for each its kernel and its user fragment or -1.

    The text does not tell interrupts on the idle thread from idling: a sample of thread 0 is work if it has a stack.
    """
    on_thread_0 = blocks.ticks[blocks.tid == 0]
    samples = select(samples, (samples.tid != 0) | np.isin(samples.ticks, on_thread_0))
    samples = select(samples, np.lexsort((samples.row, samples.cpu, samples.ticks)))
    chain = fragments.find(blocks.chain)
    first = rows.places.address(fragments.first())
    padded = np.append(fragments.address, np.uint64(0))
    last = rows.places.address(padded[fragments.start + fragments.length - 1]) if len(fragments.start) else first
    is_kernel_first, is_kernel_last = (is_kernel_address(each, pointer) for each in (first, last))
    part, rest = join_blocks(samples, blocks, owners, Ends(first[chain], is_kernel_first[chain], is_kernel_last[chain]))
    work = (samples.tid != 0) | (part >= 0)
    samples, part, rest = select(samples, work), part[work], rest[work]
    fragment, more = np.append(chain, -1)[part], np.append(chain, -1)[rest]
    in_kernel = np.append(is_kernel_first, False)[fragment] | (more >= 0)
    kernel = np.where(in_kernel, fragment, -1)
    user = np.where(in_kernel, more, fragment)
    return samples, kernel, user


def _pids(rows: Rows, samples: SampleRows) -> I64:
    """The pid of each sample: as its row says, else as the rundown of threads says, else `NO_PID`."""
    told = [split_process(decode(text)) for text in rows.samples.processes.values]
    pid = np.array([number for _, number in told], np.int64)[samples.process]
    # etwprof leaves other processes out: xperf then shows their threads as those of `Unknown (0)`.
    open_rows = np.flatnonzero((pid == NO_PID) | ((pid == 0) & (samples.tid != 0)))
    pid[open_rows] = pids_of_threads(rows.rundown.threads, samples.tid[open_rows], samples.ticks[open_rows])
    pid[samples.tid == 0] = 0
    return pid


def _with_names(processes: tuple[Process, ...], known: int, rows: Rows) -> tuple[Process, ...]:
    """The processes that no P row tells of have the names that their samples say."""
    names = {pid: name for name, pid in (split_process(decode(text)) for text in rows.samples.processes.values)}
    strangers = [
        Process(each.pid, names.get(each.pid, each.name) if each.pid >= 0 else UNKNOWN_MODULE)
        for each in processes[known:]
    ]
    return processes[:known] + tuple(strangers)


@dataclass(frozen=True, slots=True)
class _Code:
    names: Names
    modules: tuple[str, ...]
    loaded: tuple[LoadedModule, ...]
    frames: FrameTable
    stacks: StackTable
    leaf: I32
    """The stack row of each sample."""


def _code(
    rows: Rows,
    lives: LifeTable,
    samples: SampleRows,
    life: I64,
    fragments: Fragments,
    kernel: I64,
    user: I64,
    pointer: int,
) -> _Code:
    """Every sample's stack as a row of a prefix tree. Symbols name the functions; images say where in them."""
    rundown, places = rows.rundown, rows.places
    none = np.zeros(0, np.int64)
    images = find_images(rundown.images, lives, DebugIds(ticks=none, pid=none, base=none.astype(np.uint64), text=none))
    space = AddressSpace(images)
    loaded, modules, loaded_of_image = loaded_modules(rundown.image_paths.values, (), images)
    lead = _lead(rows, samples, fragments, kernel, user)
    row, group = alike_stacks(space, life, samples.ticks, kernel, user, lead)
    in_kernel = is_kernel_address(samples.ip[row], pointer)
    start, length, place = put_together(fragments, kernel[row], user[row], lead[row], in_kernel)
    of_stack = np.repeat(row, length)
    address, symbol = places.address(place), places.text(place)
    image, rva = find_places(space, loaded_of_image, life[of_stack], address, samples.ticks[of_stack], is_leaf=start)
    names = Names()
    for name in modules:
        names.module(name)
    frame_row, frame = distinct(image, rva, symbol)
    function = _functions(rows, names, symbol[frame_row], image[frame_row], loaded)
    frames = FrameTable(image[frame_row].astype(np.int32), rva[frame_row], function)
    stacks, leaf = grow_tree(start, length, frame.astype(np.int32))
    return _Code(names, tuple(names.modules), loaded, frames, stacks, leaf[group])


def _lead(rows: Rows, samples: SampleRows, fragments: Fragments, kernel: I64, user: I64) -> U64:
    """The place of the sampled address where the sample's stack does not begin with that address, else 0."""
    fragment = np.where(kernel >= 0, kernel, user)
    first = np.append(rows.places.address(fragments.first()), np.uint64(0))
    return np.where((fragment >= 0) & (first[fragment] == samples.ip), np.uint64(0), samples.leaf)


def _functions(rows: Rows, names: Names, symbol: I64, image: I64, loaded: tuple[LoadedModule, ...]) -> I32:
    """The function of each frame: its symbol's; where that knows no module, the unresolved one of its image."""
    pair, group = distinct(symbol, image)
    found = np.empty(len(pair), np.int32)
    for at, (text, place) in enumerate(zip(symbol[pair].tolist(), image[pair].tolist(), strict=True)):
        raw = decode(rows.places.symbols[text] if text >= 0 else rows.samples.middles.values[-1 - text])
        module, name = split_symbol(raw if text >= 0 else leaf_symbol(raw))
        if module == UNKNOWN_MODULE and place >= 0:
            module = names.modules[loaded[place].module]
        found[at] = names.function(module, name)
    return found[group]


def _caveats(
    rows: Rows, told: Told, samples: SampleRows, kernel: I64, user: I64, strangers: tuple[Process, ...]
) -> Iterator[Caveat]:
    """What one must know to read the numbers."""
    info = told.info
    if told.is_cut:
        yield Caveat(
            "truncated", "the file ends inside a line: what followed is missing, and the last stack may be short"
        )
    if not told.has_header:
        yield Caveat("no-header", "the file has no header: its rows were read by the columns they usually have")
    if not info.is_there:
        yield Caveat(LOSSES_NOT_TOLD, "the file does not tell what was lost while recording")
    if info.events_lost:
        yield Caveat("lost-events", f"{info.events_lost:,} events were lost while recording")
    if info.buffers_lost:
        yield Caveat("lost-buffers", f"{info.buffers_lost:,} buffers were lost while recording")
    intervals = np.unique(rows.rundown.intervals.interval_ns)
    if not len(intervals) and told.interval_ns is None:
        yield Caveat("no-interval", "the trace does not say its sampling interval: 1 ms is assumed")
    if len(intervals) > 1:
        yield Caveat(
            "interval-changed",
            "the sampling interval changed while recording: samples are weighted by the one in force",
        )
    if rows.malformed:
        yield Caveat("malformed-rows", f"{rows.malformed:,} rows could not be understood and were left out")
    if rows.stacks.broken:
        yield Caveat("broken-stacks", f"{rows.stacks.broken:,} stacks have no innermost frame and were left out")
    share = float(np.average((kernel < 0) & (user < 0), weights=samples.count)) if samples.count.sum() else 0.0
    if share > STACKLESS_SHARE:
        yield Caveat("no-stacks", f"{share:.0%} of the samples have no stack: only their innermost function is known")
    yield Caveat(
        "idle-work", "the dump does not tell interrupts: a sample of the idle thread is work if it has a stack"
    )
    nameless = sum(each.name == UNKNOWN_MODULE for each in strangers)
    if nameless:
        pids = np.array([each.pid for each in strangers if each.name == UNKNOWN_MODULE], np.int64)
        count = int(np.count_nonzero(np.isin(_pids(rows, samples), pids)))
        yield Caveat("unknown-process", f"{count:,} samples are of threads whose process the trace does not name")
    texts = (rows.places.symbols, rows.samples.middles.values, rows.samples.processes.values)
    if not all(_is_utf8(text) for some in texts for text in some):
        yield guessed_encoding()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
