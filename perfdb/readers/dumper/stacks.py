"""The rows of stacks, in columns.

    Stack, TimeStamp, ThreadID, No., Address, Image!Function

A *block* is the stack of one event: rows of one time and thread whose `No.` rises from 1, the leaf. Rows of a block
follow each other as a rule, and repeat time and thread to the letter; so those are read for the first row of each, and
only compared for the others. Address and symbol are read once for each distinct end of a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perfdb.errors import TraceError
from perfdb.etl.callstacks import Interner
from perfdb.profile.columns import I64, U64, Bool
from perfdb.readers.dumper.layout import STACK, SYMBOL, THREAD, TIME, Layout
from perfdb.readers.dumper.lines import Lines, decimal_field, line_bytes
from perfdb.readers.dumper.texts import Places


@dataclass(frozen=True, slots=True)
class Blocks:
    """Stacks: shape (blocks,). `chain` is the hash under which its places are kept, leaf first."""

    row: I64
    ticks: I64
    tid: I64
    chain: U64


@dataclass
class Stacks:
    """What the blocks of a file gave so far."""

    layout: Layout
    source_name: str
    places: Places
    blocks: list[Blocks] = field(default_factory=list)
    chains: Interner = field(default_factory=Interner)
    malformed: int = 0
    broken: int = 0

    def take(self, lines: Lines, rows: I64, lines_before: int) -> I64:
        """Read the stacks of a block of lines; returns the times of those of thread 0."""
        columns = self.layout.of(STACK)
        if not len(rows):
            return np.zeros(0, np.int64)
        if "No." not in columns or _is_for_machines(lines, int(rows[0]), columns.index("No.")):
            raise self._for_machines()
        self.layout.require(STACK, (TIME, THREAD, "No.", "Address", SYMBOL), self.source_name)
        at = {name: columns.index(name) for name in (TIME, THREAD, "No.", "Address", SYMBOL)}
        whole = lines.commas[rows] >= at[SYMBOL]
        number, is_number = decimal_field(lines, rows[whole], at["No."])
        place, is_place = self.places.keep_spans(
            lines, lines.comma(rows[whole], at["Address"] - 1) + 1, lines.end[rows[whole]], at[SYMBOL] - at["Address"]
        )
        good = is_number & is_place
        kept, number, place = rows[whole][good], number[good], place[good]
        begins = _begins(number, _same_text(lines, kept, at[TIME]) & _same_text(lines, kept, at[THREAD]))
        if np.all(number[begins] == 1):
            first = np.flatnonzero(begins)
            length = np.diff(np.append(first, len(kept)))
        else:  # stacks of several threads, row by row in turn, or numbers that are printed in several ways
            ticks, tid, is_key = _keys(lines, kept, at)
            self.malformed += int(np.count_nonzero(~is_key))
            order = np.flatnonzero(is_key)
            order = order[np.lexsort((order, tid[order], ticks[order]))]
            kept, number, place = kept[order], number[order], place[order]
            same = np.ones(len(order), np.bool_)
            same[1:] = (np.diff(ticks[order]) == 0) & (np.diff(tid[order]) == 0)
            first = np.flatnonzero(_begins(number, same))
            length = np.diff(np.append(first, len(kept)))
        ticks, tid, is_key = _keys(lines, kept[first], at)
        is_whole = is_key & (number[first] == 1)
        self.malformed += len(rows) - int(np.count_nonzero(good)) + int(length[~is_key].sum())
        self.broken += int(np.count_nonzero(is_key & ~is_whole))
        place, length = place[np.repeat(is_whole, length)], length[is_whole]
        chain = self.chains.keep(place, np.cumsum(length) - length, length)
        self.blocks.append(Blocks(kept[first][is_whole] + lines_before, ticks[is_whole], tid[is_whole], chain))
        on_thread_0: I64 = ticks[is_whole & (tid == 0)]
        return on_thread_0

    def _for_machines(self) -> TraceError:
        return TraceError(
            f"{self.source_name}: asked for stacks of one row a frame, found stacks of one row each, "
            "as `-target machine` prints them. Dump the trace again without it: "
            "xperf -i TRACE.etl -tle -tti -symbols -o dump.txt -a dumper -stacktimeshifting"
        )


def _is_for_machines(lines: Lines, row: int, number: int) -> bool:
    """Whether a row has a frame where the number of one should be."""
    fields = line_bytes(lines, row).split(b",")
    return len(fields) > number and (b"!" in fields[number] or fields[number].strip().startswith(b"0x"))


def _begins(number: I64, same: Bool) -> Bool:
    """Where blocks begin, by the numbers of frames and by which rows have the time and thread of the row before."""
    begins = np.ones(len(number), np.bool_)
    begins[1:] = ~same[1:] | (number[1:] <= number[:-1])
    return begins


def _same_text(lines: Lines, rows: I64, column: int) -> Bool:
    """Which rows have the same last 16 bytes before the end of a field as the row before them."""
    end = lines.comma(rows, column)
    words = lines.words()
    same = np.zeros(len(rows), np.bool_)
    low, high = words[end - 8], words[end - 16]
    same[1:] = (low[1:] == low[:-1]) & (high[1:] == high[:-1])
    return same


def _keys(lines: Lines, rows: I64, at: dict[str, int]) -> tuple[I64, I64, Bool]:
    """Time and thread of some rows, and which have both."""
    ticks, is_time = decimal_field(lines, rows, at[TIME])
    tid, is_tid = decimal_field(lines, rows, at[THREAD])
    return ticks, tid, is_time & is_tid
