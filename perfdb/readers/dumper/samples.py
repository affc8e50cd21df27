"""The rows of samples, in columns.

    SampledProfile, TimeStamp, Process Name ( PID), ThreadID, PrgrmCtr, CPU, ThreadStartImage!Function, Image!Function,…

Symbols are not quoted and hold commas. So the columns before them are counted from the left and those after them from
the right, and what is between is split once for each distinct text. A sample whose process has a comma in its name is
read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from perfdb.etl.tables import select
from perfdb.profile.columns import I64, U64
from perfdb.readers.dumper.layout import (
    MOST,
    PROCESS,
    SAMPLE,
    START_ROUTINE,
    SYMBOL,
    THREAD,
    TIME,
    Layout,
)
from perfdb.readers.dumper.lines import (
    Lines,
    decimal_field,
    decimals,
    field_span,
    hexadecimals,
    line_bytes,
    split_lines,
)
from perfdb.readers.dumper.texts import Places, Texts
from perfdb.readers.symbol_text import join_process
from perfdb.readers.text import decode

UNREAD = np.uint64(0)
"""The place of a sample that was not read in full."""

IDLE_TEXT = 0
"""The number of the process text of the idle thread's samples, and of the empty text that is their symbol."""


@dataclass(frozen=True, slots=True)
class SampleRows:
    """SampledProfile rows: shape (samples,). `row` is the line in the file, `ticks` are µs, `leaf` is a place,
    `process` the number of a process text.
    """

    row: I64
    ticks: I64
    process: I64
    tid: I64
    ip: U64
    cpu: I64
    count: I64
    leaf: U64


@dataclass
class Samples:
    """What the blocks of a file gave so far."""

    layout: Layout
    source_name: str
    places: Places
    samples: list[SampleRows] = field(default_factory=list)
    middles: Texts = field(default_factory=Texts)
    processes: Texts = field(default_factory=Texts)
    with_idle: bool = False
    malformed: int = 0
    last_ticks: int = 0

    def __post_init__(self) -> None:
        idle = split_lines(b"Idle (0)\n\n")
        self.processes.number(idle, idle.start[:1], idle.end[:1])
        self.middles.number(idle, idle.start[1:], idle.end[1:])

    def take(self, lines: Lines, rows: I64, lines_before: int, idle_stacks: I64) -> None:
        """Read the samples of a block of lines. `idle_stacks` are the times of stacks of thread 0.

        Most rows are of the idle thread, which is 0 on every processor, and nobody asks for more than their number:
        unless `with_idle` says otherwise, only those that have a stack in this block are read in full.
        """
        if not len(rows):
            return
        self.layout.require(SAMPLE, (TIME, PROCESS, THREAD, "PrgrmCtr", "CPU", SYMBOL), self.source_name)
        at = SampleColumns.of(self.layout.of(SAMPLE))
        behind = self._columns_behind(lines, rows, at)
        good = lines.commas[rows] >= at.text + at.symbols - 1 + behind
        odd, rows = [rows[~good]], rows[good]
        ticks, is_time = decimal_field(lines, rows, at.time)
        tid, is_tid = decimal_field(lines, rows, at.thread)
        count, is_count = np.ones(len(rows), np.int64), np.ones(len(rows), np.bool_)
        if behind:
            from_left = lines.commas[rows] - behind + 1 + (at.count - at.text - at.symbols)
            count, is_count = decimals(lines, *field_span(lines, rows, from_left))
        good = is_time & is_tid & is_count
        odd.append(rows[~good])
        rows, ticks, tid, count = rows[good], ticks[good], tid[good], count[good]
        is_full = (tid != 0) | np.isin(ticks, idle_stacks) | self.with_idle
        full = np.flatnonzero(is_full)
        ip, cpu, is_whole = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64), np.ones(len(rows), np.bool_)
        ip[full], is_ip = hexadecimals(lines, *field_span(lines, rows[full], at.address))
        cpu[full], is_cpu = decimal_field(lines, rows[full], at.cpu)
        is_whole[full] = is_ip & is_cpu
        odd.append(rows[~is_whole])
        full = full[is_ip & is_cpu]
        of_full = rows[full]
        process, middle = (np.full(len(rows), IDLE_TEXT, np.int64) for _ in range(2))
        process[full] = self.processes.number(lines, *field_span(lines, of_full, at.process))
        end = lines.comma(of_full, lines.commas[of_full] - behind) if behind else lines.end[of_full]
        middle[full] = self.middles.number(lines, lines.comma(of_full, at.text - 1) + 1, end)
        leaf = np.full(len(rows), UNREAD)
        leaf[full] = self._leaf(ip[full], middle[full])
        self.samples.append(
            select(SampleRows(rows + lines_before, ticks, process, tid, ip, cpu, count, leaf), is_whole)
        )
        self._take_odd_samples(lines, np.concatenate(odd), lines_before, at)
        self.last_ticks = max(self.last_ticks, int(ticks.max(initial=0)))

    def unread_ticks(self) -> I64:
        """The times of the samples that were not read in full: those of the idle thread whose stack did not come."""
        return np.concatenate([np.zeros(0, np.int64), *(part.ticks[part.leaf == UNREAD] for part in self.samples)])

    def _columns_behind(self, lines: Lines, rows: I64, at: SampleColumns) -> int:
        """How many columns follow the symbol, by the first rows: old builds print fewer than newer headers name."""
        votes = [_columns_behind(decode(line_bytes(lines, row)), at) for row in rows[:16].tolist()]
        return max(set(votes), key=votes.count)

    def _leaf(self, ip: U64, middle: I64) -> U64:
        """The place of each sampled address; symbols of samples have negative numbers, to keep them apart."""
        return self.places.keep(ip, -1 - middle)

    def _take_odd_samples(self, lines: Lines, rows: I64, lines_before: int, at: SampleColumns) -> None:
        """Samples that do not have the usual number of fields, one by one."""
        parsed = [(row, _parse_sample(decode(line_bytes(lines, row)), at)) for row in np.sort(rows).tolist()]
        self.malformed += sum(found is None for _, found in parsed)
        found = [(row, each) for row, each in parsed if each is not None]
        if not found:
            return
        texts = [split_lines((f"{each.process}\n{each.middle}\n").encode("utf-8", "replace")) for _, each in found]
        ip = np.array([each.ip for _, each in found], np.uint64)
        process = np.concatenate([self.processes.number(text, text.start[:1], text.end[:1]) for text in texts])
        middle = np.concatenate([self.middles.number(text, text.start[1:], text.end[1:]) for text in texts])
        self.samples.append(
            SampleRows(
                row=np.array([row for row, _ in found], np.int64) + lines_before,
                ticks=np.array([each.ticks for _, each in found], np.int64),
                process=process,
                tid=np.array([each.tid for _, each in found], np.int64),
                ip=ip,
                cpu=np.array([each.cpu for _, each in found], np.int64),
                count=np.array([each.count for _, each in found], np.int64),
                leaf=self._leaf(ip, middle),
            )
        )


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """Where the fields of a sample are: before the text counted from the left, `behind` counted from the right.

    `text` is the first of the `symbols` columns of text; `count` is the column of the count.
    """

    time: int
    process: int
    thread: int
    address: int
    cpu: int
    text: int
    symbols: int
    count: int
    behind: int

    @classmethod
    def of(cls, columns: Sequence[str]) -> SampleColumns:
        """Where the fields are in rows of these columns."""
        symbol = columns.index(SYMBOL)
        text = columns.index(START_ROUTINE) if START_ROUTINE in columns else symbol
        return cls(
            time=columns.index(TIME),
            process=columns.index(PROCESS),
            thread=columns.index(THREAD),
            address=columns.index("PrgrmCtr"),
            cpu=columns.index("CPU"),
            text=text,
            symbols=symbol - text + 1,
            count=columns.index("Count") if "Count" in columns else symbol + 1,
            behind=len(columns) - symbol - 1,
        )


def _columns_behind(line: str, at: SampleColumns) -> int:
    """How many fields of a row follow its symbols: as many as the header says, or fewer where no count is in place."""
    fields = [part.strip() for part in line.split(",")]
    offset = at.count - at.text - at.symbols
    for behind in range(at.behind, offset, -1):
        if len(fields) > behind and fields[len(fields) - behind + offset].isdecimal():
            return behind
    return 0


@dataclass(frozen=True, slots=True)
class _Sample:
    ticks: int
    process: str
    tid: int
    ip: int
    cpu: int
    middle: str
    count: int


def _parse_sample(line: str, at: SampleColumns) -> _Sample | None:
    """One row, a comma in its process's name put right; None where it cannot be understood."""
    parts = line.split(",")
    join_process(parts, at.process)
    behind = _columns_behind(",".join(parts[at.text :]), at)
    try:
        middle = parts[at.text : len(parts) - behind]
        count = int(parts[len(parts) - behind + at.count - at.text - at.symbols]) if behind else 1
        found = _Sample(
            ticks=int(parts[at.time]),
            process=parts[at.process].strip(),
            tid=int(parts[at.thread]),
            ip=int(parts[at.address], 16),
            cpu=int(parts[at.cpu]),
            middle=",".join(middle).strip(),
            count=count,
        )
    except (IndexError, ValueError):
        return None
    numbers = (found.ticks, found.tid, found.cpu, found.count)
    is_possible = min(numbers) >= 0 and max(numbers) < MOST and 0 <= found.ip < 1 << 64
    return found if is_possible and len(middle) >= at.symbols and "!" in found.middle else None


_MODULE = re.compile(r'\s*(?:(?:"Unknown"|\?|[^\s"!<>(){}\[\],][^!<>(){}",]*)!|n/a\s*$)')
"""How a symbol begins after a comma: a module, and the mark that divides it from its function."""


@lru_cache(maxsize=1 << 16)
def leaf_symbol(middle: str) -> str:
    """The symbol of the leaf in `start routine, leaf`, either of which may hold commas.

    The dividing comma stands outside brackets and before something that reads like a module; of several such the first
    is taken, since start routines are plain functions and leaves are anything.
    """
    fallback = -1
    depth = 0
    for place, char in enumerate(middle):
        if char in "<([{":
            depth += 1
        elif char in ">)]}" and depth:
            depth -= 1
        elif char == "," and _MODULE.match(middle, place + 1):
            if not depth:
                return middle[place + 1 :].strip()
            fallback = place if fallback < 0 else fallback
    # `operator<` and its like upset the count of brackets.
    return middle[fallback + 1 :].strip() if fallback >= 0 else middle
