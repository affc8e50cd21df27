"""A trace of a gigabyte: the corpus trace again and again, each time later, in compressed buffers.

Everything that is a clock value moves: the time of every event, and the time of the sample that a stack event names.
Processes and threads that end in one round are listed as running at the beginning of the next, under the same kernel
key, so each round is one more life of theirs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perfdb.demo.xpress import compress
from perfdb.etl import layout
from perfdb.etl.buffers import Batch, Damage, read_batches, walk_buffers
from perfdb.etl.events import find_events
from perfdb.etl.payloads import read_header
from perfdb.profile.columns import I64
from tests.bench.measure import CACHE

LARGE_BYTES = 1_000_000_000
"""The least bytes that the trace has once it is unpacked."""


def large_trace(corpus_trace: Path) -> tuple[Path, int]:
    """The trace, made on the first call and kept in the cache, and the bytes of all its buffers unpacked."""
    data = memoryview(corpus_trace.read_bytes())
    damage = Damage()
    buffers = walk_buffers(data, damage)
    headers = [bytes(data[offset - layout.BUFFER_HEADER_BYTES : offset]) for offset in buffers.offset.tolist()]
    (batch,) = read_batches(data, buffers, damage)
    once = int(buffers.unpacked[1:].sum())
    rounds = -(-LARGE_BYTES // once)
    target = CACHE / f"large-{rounds}.etl"
    if not target.exists():
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            times, span = _times(batch)
            _lengthen(batch, rounds, len(headers), span)
            file.write((headers[0] + _content(batch, 0)).ljust(int.from_bytes(headers[0][:4], "little"), b"\0"))
            words = batch.data.view(np.int64)
            for _ in range(rounds):
                for row in range(1, len(headers)):
                    file.write(_pack(headers[row], _content(batch, row)))
                words[times] += span
        part.replace(target)
    return target, rounds * once


def _times(batch: Batch) -> tuple[I64, int]:
    """The 8-byte words that hold clock values, and how many ticks the trace spans."""
    events = find_events(batch, Damage())
    early = np.isin(events.header_type, layout.PERFINFO.types)
    own = events.position // 8 + np.where(early, layout.PERFINFO.time // 8, layout.SYSTEM.time // 8)
    hooks = (layout.HOOK_STACK, layout.HOOK_STACK_KEY_KERNEL, layout.HOOK_STACK_KEY_USER)
    stacks = np.flatnonzero(np.isin(events.hook, hooks))
    of_sample = (events.payload[stacks] + layout.Payloads.stack_time) // 8
    ticks = batch.data.view(np.int64)[own]
    # The log's header stays where it is: it is the zero of the clock.
    return np.concatenate((own[own != own[0]], of_sample)), int(ticks.max() - ticks.min()) + 1


def _lengthen(batch: Batch, rounds: int, buffers: int, span: int) -> None:
    """Let the log's header tell of the whole length."""
    events = find_events(batch, Damage())
    header = read_header(events)
    assert header is not None
    start = int(events.payload[0])
    end_time = header.start_time + rounds * span * 10_000_000 // header.perf_freq
    end, written = layout.LogfileHeader.end_time, layout.LogfileHeader.buffers_written
    batch.data[start + end : start + end + 8] = np.frombuffer(end_time.to_bytes(8, "little"), np.uint8)
    count = 1 + rounds * (buffers - 1)
    batch.data[start + written : start + written + 4] = np.frombuffer(count.to_bytes(4, "little"), np.uint8)


def _content(batch: Batch, row: int) -> bytes:
    return batch.data[int(batch.start[row]) : int(batch.end[row])].tobytes()


def _pack(header: bytes, content: bytes) -> bytes:
    stored = compress(content)
    return (layout.BUFFER_HEADER_BYTES + len(stored)).to_bytes(4, "little") + header[4:] + stored
