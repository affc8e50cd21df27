"""All rows of a file, block by block: samples, stacks, rundown, and whatever else may own a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perfdb.etl.tables import concatenate
from perfdb.profile.columns import I64, U64, Bool
from perfdb.profile.identity import mix64
from perfdb.readers.dumper.layout import NEW_THREAD, RUNDOWN, SAMPLE, STACK, THREAD, TIME, Layout
from perfdb.readers.dumper.lines import PAD, Lines, decimal_field, line_bytes, name_key, name_words, split_lines
from perfdb.readers.dumper.rundown import Rundown
from perfdb.readers.dumper.samples import SampleRows, Samples
from perfdb.readers.dumper.stacks import Blocks, Stacks
from perfdb.readers.dumper.texts import Places
from perfdb.readers.text import decode

LONGEST_CARRY = 4 << 20
"""A stack that a block of the file cuts is read with the next block, unless it is larger than any stack is."""


@dataclass(frozen=True, slots=True)
class OtherOwners:
    """Other events that may own a stack: shape (events,)."""

    row: I64
    ticks: I64
    tid: I64


@dataclass
class Rows:
    """What the blocks of a file gave so far."""

    layout: Layout
    source_name: str
    places: Places = field(default_factory=Places)
    owners: list[OtherOwners] = field(default_factory=list)
    with_idle: bool = False
    _lines: int = 0

    def __post_init__(self) -> None:
        self.rundown = Rundown(self.layout)
        self.samples = Samples(self.layout, self.source_name, self.places, with_idle=self.with_idle)
        self.stacks = Stacks(self.layout, self.source_name, self.places)

    @property
    def malformed(self) -> int:
        """How many rows could not be understood."""
        return self.samples.malformed + self.stacks.malformed + self.rundown.malformed

    def take(self, *parts: bytes, is_last: bool) -> bytes:
        """Read the lines of a block; returns what of its end must be read with the next block.

        That is a line without an end, and the stack before it, of which there may be more rows to come, with its event.
        """
        lines = split_lines(*parts)
        names = name_words(lines)
        is_stack, is_sample = (_is_named(names, name) for name in (STACK, SAMPLE))
        kept, rest = len(lines.start), lines.rest
        if not is_last:
            other = np.flatnonzero(~is_stack)
            cut = int(other[-1]) if len(other) else 0
            if cut < kept and rest - int(lines.start[cut]) < LONGEST_CARRY:
                kept, rest = cut, int(lines.start[cut])
        rows = np.arange(kept)
        idle_stacks = self.stacks.take(lines, rows[is_stack[:kept]], self._lines)
        self.samples.take(lines, rows[is_sample[:kept]], self._lines, idle_stacks)
        self._take_others(lines, rows[~(is_stack | is_sample)[:kept]], names)
        self._lines += kept
        return lines.text(rest, len(lines.data) - PAD)

    def _take_others(self, lines: Lines, rows: I64, names: tuple[U64, U64, U64]) -> None:
        rows = rows[lines.commas[rows] > 0]
        if not len(rows):
            return
        # Few kinds of events make up all rows: each kind is looked at once.
        last, middle, first = (word[rows] for word in names)
        keys, kind = np.unique(mix64(mix64(last) ^ middle) ^ first, return_inverse=True)
        told: list[tuple[int, str]] = []
        for number in range(len(keys)):
            of_kind = rows[kind == number]
            head = lines.text(int(lines.start[of_kind[0]]), int(lines.comma(of_kind[:1], 0)[0]))
            event = decode(head).strip()
            if event in RUNDOWN:
                told += [(row, event) for row in of_kind.tolist()]
            else:
                self._take_owners(lines, of_kind, self.layout.of(event))
        for row, event in sorted(told):
            self.rundown.take(event, decode(line_bytes(lines, row)))

    def missed_idle_stacks(self) -> bool:
        """Whether a stack of the idle thread came in another block than its sample, which was then not read in full."""
        on_thread_0 = [block.ticks[block.tid == 0] for block in self.stacks.blocks]
        return bool(np.isin(self.samples.unread_ticks(), np.concatenate([np.zeros(0, np.int64), *on_thread_0])).any())

    def _take_owners(self, lines: Lines, rows: I64, columns: Sequence[str]) -> None:
        thread = next((columns.index(name) for name in (NEW_THREAD, THREAD) if name in columns), None)
        if thread is None or TIME not in columns:
            return
        rows = rows[lines.commas[rows] >= thread + 1]
        ticks, is_time = decimal_field(lines, rows, columns.index(TIME))
        tid, is_tid = decimal_field(lines, rows, thread)
        good = is_time & is_tid
        self.owners.append(OtherOwners(rows[good] + self._lines, ticks[good], tid[good]))

    def joined(self) -> tuple[SampleRows, Blocks, OtherOwners]:
        """Everything that was read. The parts are given up, so this is called once."""
        none, nothing = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        samples = concatenate([*self.samples.samples, SampleRows(none, none, none, none, nothing, none, none, nothing)])
        self.samples.samples.clear()
        blocks = concatenate([*self.stacks.blocks, Blocks(none, none, none, nothing)])
        self.stacks.blocks.clear()
        owners = concatenate([*self.owners, OtherOwners(none, none, none)])
        self.owners.clear()
        return samples, blocks, owners


def _is_named(names: tuple[U64, U64, U64], name: str) -> Bool:
    last, middle, first = name_key(name)
    found: Bool = names[0] == np.uint64(last)
    rows = np.flatnonzero(found)
    found[rows] = (names[1][rows] == np.uint64(middle)) & (names[2][rows] == np.uint64(first))
    return found
