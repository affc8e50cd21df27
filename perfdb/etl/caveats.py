"""What one must know to read the numbers: what of the file is missing, what was lost, what could not be joined."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from perfdb.etl.buffers import Damage
from perfdb.etl.callstacks import SampleStacks
from perfdb.etl.payloads import Header, Intervals
from perfdb.profile.columns import Caveat
from perfdb.units import MIB

STACKLESS_SHARE = 0.05
"""The share of samples without a stack above which one must know it; a few lose theirs in every trace."""


def of_file(damage: Damage, header: Header) -> Iterator[Caveat]:
    """What of the file could not be read."""
    if damage.truncated_bytes:
        yield Caveat(
            "truncated",
            f"the file ends inside a buffer: its last {damage.truncated_bytes:,} bytes are only partly readable "
            "and what followed is missing",
        )
    if damage.unreachable_bytes:
        size = damage.unreachable_bytes / MIB
        yield Caveat("unreachable", f"{size:.1f} MiB after a damaged buffer header could not be read")
    if damage.corrupt_buffers:
        found = damage.corrupt_buffers
        yield Caveat("corrupt-buffers", f"{found:,} compressed buffers are corrupt and were left out")
    if damage.cut_events:
        yield Caveat(
            "cut-events",
            f"the events of {damage.cut_events:,} buffers end in the middle: what followed in them is missing",
        )
    missing = header.buffers_written - damage.buffers
    if missing > 0:
        of_all = f"{missing:,} of the trace's {header.buffers_written:,} buffers"
        yield Caveat("missing-buffers", f"{of_all} are not in the file")


def of_recording(damage: Damage, header: Header, intervals: Intervals) -> Iterator[Caveat]:
    """What went wrong while recording, by what the trace says of itself."""
    if header.end_time <= header.start_time:
        yield Caveat("not-closed", "the trace was never closed: its end and what was lost are not known")
    if header.events_lost:
        yield Caveat("lost-events", f"{header.events_lost:,} events were lost while recording")
    if header.buffers_lost:
        yield Caveat("lost-buffers", f"{header.buffers_lost:,} buffers were lost while recording")
    if damage.lossy_buffers and not (header.events_lost or header.buffers_lost):
        found = damage.lossy_buffers
        yield Caveat("lossy-buffers", f"{found:,} buffers tell of losses before them that the trace does not count")
    distinct_intervals = len(np.unique(intervals.interval_ns))
    if not distinct_intervals:
        yield Caveat("no-interval", "the trace does not say its sampling interval: 1 ms is assumed")
    if distinct_intervals > 1:
        yield Caveat(
            "interval-changed",
            "the sampling interval changed while recording: samples are weighted by the one in force",
        )


def of_samples(stacks: SampleStacks, strangers: int) -> Iterator[Caveat]:
    """What could not be joined to the samples; `strangers` is how many are of no process that the trace names."""
    if stacks.lost_keys:
        found = stacks.lost_keys
        yield Caveat(
            "lost-stack-keys",
            f"{found:,} stacks were cached and never told: their samples have a part of their stack",
        )
    share = float(np.mean((stacks.kernel < 0) & (stacks.user < 0)))
    if share > STACKLESS_SHARE:
        text = f"{share:.0%} of the samples have no stack: only their innermost function is known"
        yield Caveat("no-stacks", text)
    if strangers:
        yield Caveat("unknown-process", f"{strangers:,} samples are of threads whose process the trace does not name")
