"""An `.etl` as a `Profile`: every batch is read into columns, and the columns are joined once the file has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl import layout, payloads
from perfdb.etl.assemble import assemble
from perfdb.etl.buffers import Batch, Damage, read_again, read_batches, walk_buffers
from perfdb.etl.callstacks import Interner
from perfdb.etl.events import Events, find_events
from perfdb.etl.method_events import read_methods
from perfdb.etl.tables import EventTables, Trace, concatenate, select
from perfdb.etl.texts import DebugText, Distinct, ProcessText
from perfdb.profile.check import self_check
from perfdb.profile.columns import I64, Machine, Profile, Source

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


def looks_like_etl(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an event trace: a header buffer whose first event describes the
    log.
    """
    if len(head) < layout.BUFFER_HEADER_BYTES + 8:
        return False
    header = np.frombuffer(head, layout.BUFFER_HEADER, 1)[0]
    event = head[layout.BUFFER_HEADER_BYTES :]
    hook = int.from_bytes(event[layout.SYSTEM.hook : layout.SYSTEM.hook + 2], "little")
    return (
        int(header["type"]) == layout.BUFFER_TYPE_HEADER
        and int(header["size"]) >= layout.BUFFER_HEADER_BYTES
        and event[2] in layout.SYSTEM.types
        and event[3] in layout.MARKERS
        and hook == layout.HOOK_LOGFILE_HEADER
    )


def read_etl(data: memoryview, source: Source, progress: Progress | None = None) -> Profile:
    """The profile of a trace, from the bytes of its file; raises TraceError where it holds no CPU samples.

    Damage that leaves something to read becomes a caveat of the profile. Memory is bounded by the batch size plus a few
    dozen bytes a sample and stack event plus the distinct stacks, so a trace may be larger than memory if `data` is
    mapped.
    """
    damage = Damage()
    trace = read_trace(data, source, damage, progress)
    profile = assemble(trace, source, damage)
    self_check(profile)
    return profile


def read_trace(data: memoryview, source: Source, damage: Damage, progress: Progress | None = None) -> Trace:
    """What the trace says, in columns, not joined yet; counts in `damage` what could not be read."""
    buffers = walk_buffers(data, damage)
    total = int(buffers.unpacked.sum())
    found: _Found | None = None
    whole: Batch | None = None
    done = 0
    for batch in read_batches(data, buffers, damage):
        events = find_events(batch, damage)
        if found is None:
            found = _Found(_require_header(events, source))
        found.take(events)
        whole = batch if len(found.parts) == 1 else None
        done += int(batch.end.sum() - batch.start.sum())
        if progress:
            progress(done, total)
    if found is None:
        raise _unreadable(source)
    return found.trace(partial(read_again, data, buffers, whole))


@dataclass
class _Found:
    """What the batches gave so far."""

    header: payloads.Header
    parts: list[EventTables] = field(default_factory=list)
    process_texts: Distinct[ProcessText] = field(default_factory=Distinct)
    image_texts: Distinct[str] = field(default_factory=Distinct)
    debug_texts: Distinct[DebugText] = field(default_factory=Distinct)
    hostname: tuple[str, str] | None = None
    product: str = ""
    volumes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = layout.Payloads(self.header.pointer_size)
        self.interner = Interner(self.header.pointer_size)

    def take(self, events: Events) -> None:
        """Read one batch."""
        self.hostname = self.hostname or payloads.read_hostname(events)
        self.product = self.product or payloads.read_product_name(events)
        self.volumes.update(payloads.read_volumes(events))
        samples = payloads.read_samples(events, self.at)
        idle = (samples.tid == 0) & (samples.flags == 0)
        self.parts.append(
            EventTables(
                samples=select(samples, ~idle),
                intervals=payloads.read_intervals(events, self.at),
                stacks=payloads.read_stacks(events, self.at, self.interner.intern),
                definitions=payloads.read_definitions(events, self.at, self.interner.intern),
                threads=payloads.read_threads(events, self.at),
                processes=payloads.read_processes(events, self.at, self.process_texts),
                images=payloads.read_images(events, self.at, self.image_texts),
                methods=read_methods(events),
                debug_ids=payloads.read_debug_ids(events, self.at, self.debug_texts),
                idle_count=samples.count[idle].sum(keepdims=True),
                last_ticks=samples.ticks.max(initial=0, keepdims=True),
            )
        )

    def trace(self, again: Callable[[I64], Iterable[tuple[int, memoryview]]]) -> Trace:
        """Everything that was read; `again` gives what was left in the file."""
        hostname, cpu = self.hostname or ("", "")
        header = self.header
        system = self.product or f"Windows {header.version[0]}.{header.version[1]}"
        return Trace(
            header=header,
            machine=Machine(hostname, f"{system} build {header.os_build}", cpu, header.processors),
            events=concatenate(self.parts),
            fragments=self.interner.fragments(),
            process_texts=self.process_texts.values,
            image_paths=[_drive_path(path, self.volumes) for path in self.image_texts.values],
            debug_texts=self.debug_texts.values,
            read_again=again,
        )


def _require_header(events: Events, source: Source) -> payloads.Header:
    header = payloads.read_header(events)
    if header is None:
        raise _unreadable(source)
    return header


def _unreadable(source: Source) -> TraceError:
    return TraceError(
        f"{source.name}: the start of the trace, which says how to read the rest, is damaged or missing. "
        "Copy the file again from the machine that recorded it."
    )


def _drive_path(path: str, volumes: dict[str, str]) -> str:
    """A path with its drive letter where the trace tells which volume bears it."""
    for volume, drive in volumes.items():
        if path.startswith(volume):
            return drive + path[len(volume) :]
    return path
