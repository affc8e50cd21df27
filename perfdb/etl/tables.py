"""What a trace says, in columns, before anything is joined: a set a batch while reading, one set in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from perfdb.etl.callstacks import Fragments
from perfdb.etl.method_events import MethodEvents
from perfdb.etl.payloads import (
    DebugIds,
    Definitions,
    Header,
    Intervals,
    Lives,
    Samples,
    StackEvents,
)
from perfdb.etl.texts import DebugText, ProcessText
from perfdb.profile.columns import I64, Bool, Machine

Columns = TypeVar("Columns")


@dataclass(frozen=True, slots=True)
class EventTables:
    """The events that matter, one table a kind. `samples` holds work only; idle samples are counted."""

    samples: Samples
    intervals: Intervals
    stacks: StackEvents
    definitions: Definitions
    threads: Lives
    processes: Lives
    images: Lives
    methods: MethodEvents
    debug_ids: DebugIds
    idle_count: I64
    last_ticks: I64


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace in columns; the texts are what the `text` columns of `events` name by row.

    `read_again` goes back to the file for what was not kept: given places of events, it gives (row, bytes from there
    on), as `buffers.read_again` does.
    """

    header: Header
    machine: Machine
    events: EventTables
    fragments: Fragments
    process_texts: Sequence[ProcessText]
    image_paths: Sequence[str]
    debug_texts: Sequence[DebugText]
    read_again: Callable[[I64], Iterable[tuple[int, memoryview]]]


def concatenate(parts: Sequence[Columns]) -> Columns:
    """One table out of several of the same kind; tables of tables are joined field by field."""
    first = parts[0]
    joined = {}
    for field in fields(first):  # type: ignore[arg-type]  # every table is a dataclass of columns
        columns = [getattr(part, field.name) for part in parts]
        joined[field.name] = np.concatenate(columns) if isinstance(columns[0], np.ndarray) else concatenate(columns)
    return type(first)(**joined)


def select(table: Columns, rows: I64 | Bool) -> Columns:
    """Some rows of a table of columns."""
    columns = {field.name: getattr(table, field.name)[rows] for field in fields(table)}  # type: ignore[arg-type]
    return type(table)(**columns)
