"""What one must know of a profile that was read from `perf script`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from perfdb.profile.columns import UNKNOWN_MODULE, Caveat, Profile
from perfdb.profile.identity import levels
from perfdb.readers.perf_script.events import INSTRUCTIONS, UNTOLD, Chosen, Events, read_name
from perfdb.readers.perf_script.rows import Rows
from perfdb.readers.text import guessed_encoding
from perfdb.readers.told import losses_not_told

STACKLESS_SHARE = 0.05
"""The share of samples without a stack above which one must know it."""

BROKEN_SHARE = 0.25
"""The share of stacks of the busiest process that end outside of every image above which one must know it."""


def caveats_of(rows: Rows, chosen: Chosen, profile: Profile) -> Iterator[Caveat]:
    """All caveats but that of the interval."""
    yield from _of_events(rows.events, chosen)
    yield from _of_text(rows)
    yield from _of_losses(rows, profile)
    yield from _of_stacks(profile)


def named_events(events: Events, rows: Iterable[int]) -> str:
    """Some events, each with its number of samples, the greatest first."""
    most = sorted((row for row in rows if events.samples[row]), key=lambda row: -events.samples[row])
    texts = [f"{events.names[row] or 'unnamed events'} ({events.samples[row]:,})" for row in most[:3]]
    more = len(most) - len(texts)
    return ", ".join(texts) + (f" and {more} other events" if more > 0 else "")


def _of_events(events: Events, chosen: Chosen) -> Iterator[Caveat]:
    others = [row for row in range(len(events.names)) if row not in chosen.rows and events.samples[row]]
    if others:
        counted = " and ".join(events.names[row] or "unnamed events" for row in chosen.rows)
        yield Caveat(
            "other-events",
            f"the samples of {counted} are counted; those of {named_events(events, others)} were left out",
        )
    if chosen.kind == INSTRUCTIONS:
        yield Caveat("not-time", "samples are of instructions: their weights are no times")
    if chosen.kind == UNTOLD:
        text = "the file does not say what was sampled: it is taken for CPU time (perf script -F +event says it)"
        yield Caveat("event-not-told", text)
    levels = frozenset[str]().union(*(read_name(events.names[row]).levels for row in chosen.rows))
    if levels and "k" not in levels:
        yield Caveat("kernel-left-out", "only user mode was sampled (:u): what the kernel did is not counted")
    elif levels and "u" not in levels:
        yield Caveat("user-left-out", "only the kernel was sampled (:k): what programs did is not counted")


def _of_text(rows: Rows) -> Iterator[Caveat]:
    if rows.tasks.samples_without_pid:
        text = "the file does not say whose threads are whose: threads of one name were taken for one process"
        yield Caveat("no-pids", f"{text} (perf script -F +pid says it)")
    if rows.malformed:
        yield Caveat("malformed-rows", f"{rows.malformed:,} lines are not what perf script prints, and were left out")
    if rows.is_cut:
        yield Caveat("cut-off", "the file ends in the middle of a sample, which was left out: it was cut off")
    if not rows.frames.is_utf8:
        yield guessed_encoding()


def _of_losses(rows: Rows, profile: Profile) -> Iterator[Caveat]:
    if profile.lost_events:
        yield Caveat("lost-events", f"{profile.lost_events:,} events were lost while recording")
    if profile.lost_buffers:
        yield Caveat("lost-buffers", f"{profile.lost_buffers:,} chunks of events were lost while recording")
    if not (profile.lost_events or profile.lost_buffers or rows.header.shows_losses):
        yield losses_not_told()


def _of_stacks(profile: Profile) -> Iterator[Caveat]:
    samples, stacks = profile.samples, profile.stacks
    without = float(np.mean(~samples.has_stack))
    if without > STACKLESS_SHARE:
        text = f"{without:.0%} of the samples have no stack: only their innermost function is known"
        yield Caveat("no-stacks", f"{text} (perf record -g records stacks)")
    root = np.arange(len(stacks))
    for of_depth in levels(stacks.depth)[1:]:
        root[of_depth] = root[stacks.parent[of_depth]]
    in_no_image = np.array([name == UNKNOWN_MODULE for name in profile.modules], np.bool_)
    module = profile.functions.module[profile.frames.function[stacks.frame[root[samples.stack]]]]
    busiest = int(np.argmax(np.bincount(samples.process)))
    own = (samples.process == busiest) & samples.has_stack
    broken = float(np.mean(in_no_image[module[own]])) if own.any() else 0.0
    if broken > BROKEN_SHARE:
        text = f"{broken:.0%} of the stacks of {profile.processes[busiest].name} end in no module: callers are missing"
        yield Caveat("broken-stacks", f"{text} (build with -fno-omit-frame-pointer, or perf record --call-graph dwarf)")
