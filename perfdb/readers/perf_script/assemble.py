"""From the rows of a text to a `Profile`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfdb.errors import TraceError
from perfdb.profile.builder import Names
from perfdb.profile.check import self_check
from perfdb.profile.columns import (
    I32,
    I64,
    Bool,
    Caveat,
    FrameTable,
    LoadedModule,
    PlaceTable,
    Profile,
    SampleTable,
    Source,
    StackTable,
)
from perfdb.profile.tree import build_tree
from perfdb.readers.files import ReadOptions
from perfdb.readers.perf_script.caveats import caveats_of, named_events
from perfdb.readers.perf_script.events import CLOCKS, Chosen, choose
from perfdb.readers.perf_script.frames import Frame, module_name
from perfdb.readers.perf_script.rows import NO_PERIOD, Rows
from perfdb.readers.told import interval
from perfdb.units import NS_PER_S

MOST_NS = (1 << 63) - 1
"""What the weights of a profile may come to."""

SCRIPT = "perf script -i perf.data --header -F +pid --show-task-events --show-mmap-events --show-lost-events > app.perf"
"""The call that tells everything, for whoever has perf's own file."""

RECORD = "perf record -F 997 -g -e cpu-clock -- COMMAND"


def assemble(rows: Rows, source: Source, options: ReadOptions) -> Profile:
    """Join what was read; raises TraceError where no sample of CPU time is there, or none but idle ones."""
    chosen = choose(rows.events)
    if chosen is None:
        raise _nothing(rows, source)
    samples = _Samples.of(rows, chosen)
    if not len(samples):
        raise TraceError(
            f"{source.name}: asked for CPU samples, found {samples.idle_count:,} samples, all of them idle. "
            f"Record a program at work: {RECORD}"
        )
    interval_ns, untold = _interval(rows, chosen, samples, options)
    if interval_ns * len(samples) > MOST_NS:
        raise _too_much(source)
    is_told = (samples.period != NO_PERIOD) & (chosen.kind in CLOCKS)
    weight = np.where(is_told, samples.period, interval_ns)
    if float(weight.sum(dtype=np.float64)) > MOST_NS // 2:
        raise _too_much(source)
    code = _Code.of(rows, samples.path)
    profile = Profile(
        source=source,
        machine=rows.header.machine(),
        started_at=rows.header.utc(rows.first_ns),
        duration_ns=rows.last_ns - rows.first_ns,
        interval_ns=interval_ns,
        sample_count=samples.idle_count + len(samples),
        idle_count=samples.idle_count,
        lost_events=_lost_events(rows),
        lost_buffers=rows.header.lost_chunks if not rows.tasks.lost_events else 0,
        processes=rows.tasks.processes(rows.first_ns),
        modules=tuple(code.names.modules),
        loaded=code.loaded,
        functions=code.names.table(),
        frames=code.frames,
        stacks=code.stacks,
        samples=SampleTable(
            time_ns=samples.time_ns - rows.first_ns,
            process=samples.process,
            tid=samples.tid,
            cpu=samples.cpu,
            stack=code.leaf,
            count=np.ones(len(samples), np.int64),
            weight_ns=weight,
            flags=np.zeros(len(samples), np.uint8),
            has_stack=samples.has_stack,
        ),
        files=code.files,
        places=code.places,
    )
    profile = replace(profile, caveats=(*caveats_of(rows, chosen, profile), *untold))
    self_check(profile)
    return profile


def _nothing(rows: Rows, source: Source) -> TraceError:
    events = rows.events
    if any(events.samples):
        others = named_events(events, range(len(events.names)))
        return TraceError(
            f"{source.name}: asked for CPU time, found samples of {others} only, "
            f"which is none. Record again with {RECORD}"
        )
    found = "no samples" if rows.understood or rows.header.facts else "no line of it"
    if lost := _lost_events(rows):
        found += f", and word of {lost:,} lost events"
    return TraceError(
        f"{source.name}: asked for what perf script prints, found {found}. "
        f"Record with {RECORD}, and print it with {SCRIPT}"
    )


def _too_much(source: Source) -> TraceError:
    return TraceError(
        f"{source.name}: asked for CPU samples, found weights that add up to more than 146 years of CPU time. "
        "The file is damaged, or the interval is too long."
    )


def _lost_events(rows: Rows) -> int:
    """What was lost, by the records of losses, by those of the events' own counters, or by what perf said."""
    return max(rows.tasks.lost_events, rows.tasks.lost_samples, rows.header.lost_samples)


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples that are work, in the order of time: shape (samples,)."""

    time_ns: I64
    process: I32
    tid: I64
    cpu: I32
    path: I64
    period: I64
    has_stack: Bool
    idle_count: int

    @classmethod
    def of(cls, rows: Rows, chosen: Chosen) -> _Samples:
        columns = rows.columns
        is_chosen = np.isin(columns.event, chosen.rows)
        row = np.flatnonzero(is_chosen & (columns.process >= 0))
        row = row[np.argsort(columns.time_ns[row], kind="stable")]
        return cls(
            time_ns=columns.time_ns[row],
            process=columns.process[row].astype(np.int32),
            tid=columns.tid[row],
            cpu=columns.cpu[row].astype(np.int32),
            path=columns.path[row],
            period=columns.period[row],
            has_stack=columns.has_stack[row] != 0,
            idle_count=int((is_chosen & (columns.process < 0)).sum()),
        )

    def __len__(self) -> int:
        return len(self.time_ns)


def _interval(rows: Rows, chosen: Chosen, samples: _Samples, options: ReadOptions) -> tuple[int, tuple[Caveat, ...]]:
    """The sampling interval in ns: as the header tells it, else the usual period of a clock, else as the user says."""
    recorded = rows.header.events.get(rows.events.names[chosen.rows[0]])
    if recorded and recorded.every:
        if recorded.is_frequency:
            return max(round(NS_PER_S / recorded.every), 1), ()
        if chosen.kind in CLOCKS:
            return recorded.every, ()
    if chosen.kind in CLOCKS:
        values, counts = np.unique(samples.period[samples.period > 0], return_counts=True)
        if len(values):
            return int(values[np.argmax(counts)]), ()
    return interval(options, "the file does not tell the sampling interval (--interval says it)")


@dataclass(frozen=True, slots=True)
class _Code:
    """The functions, frames and call paths of the samples; `leaf` is the stack row of each sample."""

    names: Names
    loaded: tuple[LoadedModule, ...]
    files: tuple[str, ...]
    frames: FrameTable
    places: PlaceTable | None
    stacks: StackTable
    leaf: I32

    @classmethod
    def of(cls, rows: Rows, path_of_sample: I64) -> _Code:
        used, group = np.unique(path_of_sample, return_inverse=True)
        paths = list(rows.paths)
        taken: dict[int, int] = {}
        flat: list[int] = []
        lengths = np.zeros(len(used), np.int64)
        for at, row in enumerate(used.tolist()):
            flat += [taken.setdefault(frame, len(taken)) for frame in reversed(paths[row])]
            lengths[at] = len(paths[row])
        stacks, leaf = build_tree(np.cumsum(lengths) - lengths, lengths, np.array(flat, np.int32))
        frames = [rows.frames.frames[row] for row in taken]
        names = Names()
        function = np.array([names.function(frame.module, frame.function) for frame in frames], np.int32)
        images = rows.tasks.images
        loaded = tuple(LoadedModule(names.module(module_name(i.path)), i.path, i.build_id) for i in images)
        table = FrameTable(np.full(len(taken), -1, np.int32), np.arange(len(taken), dtype=np.uint64), function)
        files, places = _places(frames)
        return cls(names, loaded, files, table, places, stacks, leaf[group])


def _places(frames: Sequence[Frame]) -> tuple[tuple[str, ...], PlaceTable | None]:
    if not any(frame.file or frame.is_inlined for frame in frames):
        return (), None
    files: dict[str, int] = {}
    file = [files.setdefault(frame.file, len(files)) if frame.file else -1 for frame in frames]
    line = np.array([frame.line for frame in frames], np.int32)
    is_inlined: Bool = np.array([frame.is_inlined for frame in frames], np.bool_)
    return tuple(files), PlaceTable(np.array(file, np.int32), line, is_inlined)
