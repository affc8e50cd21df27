"""Whose a sample is: the process that had its thread, or bore its pid, at that time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.etl.clock import AFTER, BEFORE, Clock
from perfdb.etl.lifetimes import LifeTable, find_lives
from perfdb.etl.payloads import Lives
from perfdb.etl.texts import ProcessText
from perfdb.profile.columns import I32, I64, NO_PID, Process

_USUAL_NAMES = {0: "Idle", 4: "System"}


@dataclass(frozen=True, slots=True)
class Owners:
    """The process of each sample: `row` in the profile's processes, `life` in the life table or -1."""

    row: I32
    life: I64


def pids_of_threads(threads: Lives, tid: I64, ticks: I64) -> I64:
    """The pid of the process that had each thread at that time; `NO_PID` for a thread that nobody started."""
    lives = find_lives(threads)
    life = lives.at_or_next(tid.astype(np.uint64), ticks)
    pid = np.full(len(tid), NO_PID, np.int64)
    pid[life >= 0] = threads.pid[lives.event[life[life >= 0]]]
    return pid


def find_owners(
    events: Lives, lives: LifeTable, texts: Sequence[ProcessText], pid: I64, ticks: I64, clock: Clock
) -> tuple[tuple[Process, ...], Owners]:
    """The processes of the trace, and whose each sample is, by the pid it has.

    `events` are the lives of processes, `lives` what was found in them. A pid that they do not know gets a process of
    its own.
    """
    owner = np.where(pid >= 0, lives.at_or_next(np.maximum(pid, 0).astype(np.uint64), ticks), -1)
    nameless = np.unique(pid[owner < 0])
    row = np.where(owner >= 0, owner, len(lives.key) + np.searchsorted(nameless, pid)).astype(np.int32)
    strangers = tuple(Process(each, _USUAL_NAMES.get(each, "<unknown>")) for each in nameless.tolist())
    return _processes(events, lives, texts, clock) + strangers, Owners(row, owner)


def _processes(events: Lives, lives: LifeTable, texts: Sequence[ProcessText], clock: Clock) -> tuple[Process, ...]:
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
        Process(pid, texts[text][0] or "<unnamed>", texts[text][1], parent, nth, start, end)
        for pid, text, parent, nth, start, end in rows
    )


def _moments(ticks: I64, clock: Clock) -> list[int | None]:
    """ns since the trace's start, None for what lies outside it."""
    inside = (ticks != BEFORE) & (ticks != AFTER)
    return [ns if known else None for ns, known in zip(clock.to_ns(ticks).tolist(), inside.tolist(), strict=True)]
