"""The rows of a wpaexporter CSV, streamed: which column holds what, and what every row says.

Rows that are not of the table's shape, or hold something else than the numbers that they should, are counted and left
out, with all the lines that an unbalanced quote swallowed. So is a last line without line end: wpaexporter ends every
line, so the file was cut off there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from perfdb.errors import TraceError
from perfdb.readers.files import Content, ReadOptions
from perfdb.readers.locale_numbers import LocaleNumbers
from perfdb.readers.text import ascii_blocks, decode
from perfdb.readers.wpa_cells import UNIT_DIGITS, split_label, split_stack

_WANTED = (
    "In the profile that wpaexporter is given, show the columns Process, Thread ID, Stack, Count, Weight (in view) and "
    "TimeStamp of CPU Usage (Sampled), ungrouped, and export again"
)
_LONGEST_CELL = 1 << 26
"""Python's own limit of 128 KiB is less than a deep stack of templates."""

_PROBE_ROWS = 1_000
"""How many rows tell which of several columns `Stack` holds the fullest stacks."""

_MOST_CPU = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Columns:
    """Where what stands in a row; -1 where there is no such column.

    Digits are powers of ten that make a number ns; -1 where the unit of the times is not told, which are then all 0. A
    weight without unit is as good as none.
    """

    width: int
    process: int
    pid: int
    stacks: tuple[int, ...]
    module: int
    function: int
    count: int
    weight: int
    weight_digits: int
    time: int
    time_digits: int
    tid: int
    cpu: int
    dpc: int

    @classmethod
    def of(cls, labels: Sequence[str]) -> Columns:
        """The columns of a table; raises TraceError where it does not tell who was running what."""
        named = [split_label(label) for label in labels]
        place: dict[str, int] = {}
        for number, (name, unit) in enumerate(named):
            if name != "weight" or unit in UNIT_DIGITS:
                place.setdefault(name, number)
        if any(name.startswith("line #") for name in place):
            raise TraceError(
                "asked for an export of WPA, found a table that was copied from its window: its stacks are a drawn "
                f"tree, from which no stack can be told. Export with wpaexporter. {_WANTED}."
            )
        missing = [] if "process" in place or "process name" in place else ["Process"]
        if "stack" not in place and not ("module" in place and "function" in place):
            missing.append("Stack (nor Module and Function)")
        if missing:
            raise TraceError(
                f"asked for CPU Usage (Sampled), found no column {' and no column '.join(missing)} "
                f"in it (there are {', '.join(label.strip() for label in labels)}). {_WANTED}."
            )
        weight, time = place.get("weight", -1), place.get("timestamp", -1)
        return cls(
            width=len(labels),
            process=place.get("process", place.get("process name", -1)),
            pid=place.get("pid", -1),
            stacks=tuple(number for number, (name, _) in enumerate(named) if name == "stack"),
            module=place.get("module", -1),
            function=place.get("function", -1),
            count=place.get("count", -1),
            weight=weight,
            weight_digits=UNIT_DIGITS[named[weight][1]] if weight >= 0 else 0,
            time=time,
            time_digits=UNIT_DIGITS.get(named[time][1], -1) if time >= 0 else -1,
            tid=place.get("thread id", -1),
            cpu=place.get("cpu", -1),
            dpc=place.get("dpc/isr", -1),
        )

    @property
    def numbers(self) -> list[tuple[int, bool]]:
        """The columns of numbers, and whether they are whole."""
        fractions = [(place, False) for place in (self.weight, self.time) if place >= 0]
        wholes = [(place, True) for place in (self.count, self.tid, self.cpu, self.pid) if place >= 0]
        return fractions + wholes


class Row(NamedTuple):
    """What a row says. `samples`, `weight_ns` and `time_ns` are None where it does not."""

    process: str
    pid: int | None
    stack: str
    module: str
    function: str
    samples: int | None
    weight_ns: int | None
    time_ns: int | None
    tid: int | None
    cpu: int
    in_kernel_call: bool


@dataclass
class Lines:
    """The lines of a file as text, and what was found amiss with them."""

    content: Content
    options: ReadOptions
    is_cut: bool = False
    is_guessed: bool = False
    is_damaged: bool = False

    def __iter__(self) -> Iterator[str]:
        rest = b""
        done = 0
        for block in ascii_blocks(self.content):
            end = block.rfind(b"\n") + 1
            if end:
                yield from self._decoded(rest + block[:end])
                rest = block[end:]
            else:
                rest += block
            done = min(done + len(block), self.content.size)
            if self.options.progress:
                self.options.progress(done, self.content.size)
        self.is_cut = bool(rest.strip())

    def _decoded(self, raw: bytes) -> Iterator[str]:
        """Lines with their ends; those that are not UTF-8 are in the usual code page."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self.is_guessed = True
            text = "\n".join(decode(line) for line in raw.split(b"\n"))
        self.is_damaged |= "\ufffd" in text
        yield from io.StringIO(text, newline="\n")


@dataclass
class Table:
    """The rows of a file; after they were read, how many lines were malformed."""

    lines: Lines
    malformed: int = 0
    read: int = 0
    columns: Columns = field(init=False)
    _numbers: LocaleNumbers = field(default_factory=LocaleNumbers)
    _stack: int = -1

    def rows(self) -> Iterator[Row]:
        """The rows in turn. Raises TraceError for a table of another kind, or where numbers can be read two ways."""
        cells = self._cells()
        labels = next(cells, None)
        if labels is None:
            raise TraceError("asked for an export of WPA, found no line that names its columns. Export again.")
        self.columns = Columns.of(labels)
        first = list(islice(cells, _PROBE_ROWS))
        self._stack = max(
            self.columns.stacks, key=lambda place: sum(len(split_stack(row[place])) for row in first), default=-1
        )
        waiting: list[list[str]] = []
        for row in chain(first, cells):
            if not self._numbers.point and not (self._learn(row) and not waiting):
                waiting.append(row)
                if not self._numbers.point:
                    continue
            ready, waiting = waiting or [row], []
            for each in ready:
                found = self._row(each)
                if found is not None:
                    yield found
        if waiting:
            shown = next(text for text in self._fractions(waiting[0]) if not self._numbers.learn(text, False))
            raise TraceError(
                f"found numbers like {shown}, and nothing in the file that says whether that is a whole number or a "
                "fraction. Export again with the number format of English (United States)."
            )

    def _learn(self, row: list[str]) -> bool:
        """Whether the numbers of a row can be read, now that they have been looked at."""
        known = [self._numbers.learn(row[place], is_whole) for place, is_whole in self.columns.numbers]
        return bool(self._numbers.point) or all(known)

    def _fractions(self, row: list[str]) -> list[str]:
        return [row[place] for place in (self.columns.weight, self.columns.time) if place >= 0]

    def _cells(self) -> Iterator[list[str]]:
        """Rows of the table's width, as csv takes them apart; every other line is malformed."""
        limit = csv.field_size_limit(_LONGEST_CELL)
        reader = csv.reader(self.lines, strict=True)
        width = 0
        try:
            while True:
                before = reader.line_num
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    self.malformed += max(reader.line_num - before, 1)
                    continue
                if not any(cell.strip() for cell in row):
                    continue
                width = width or len(row)
                if len(row) == width:
                    yield row
                else:
                    self.malformed += reader.line_num - before
        finally:
            csv.field_size_limit(limit)

    def _row(self, row: list[str]) -> Row | None:
        """What a row says; None, and counted, where its numbers are none."""
        columns, numbers = self.columns, self._numbers
        count = numbers.whole(row[columns.count]) if columns.count >= 0 else 1
        weight = numbers.scaled(row[columns.weight], columns.weight_digits) if columns.weight >= 0 else 0
        told_time = row[columns.time].strip() if columns.time >= 0 else ""
        time = numbers.scaled(told_time, max(columns.time_digits, 0))
        is_wrong_time = time is None and told_time not in ("", "n/a")
        stack = row[self._stack] if self._stack >= 0 else ""
        texts = row[columns.process] + stack
        if count is None or weight is None or is_wrong_time or "\0" in texts or "\n" in texts:
            self.malformed += 1 + texts.count("\n")
            return None
        self.read += 1
        cpu = numbers.whole(row[columns.cpu]) if columns.cpu >= 0 else 0
        return Row(
            process=row[columns.process],
            pid=numbers.whole(row[columns.pid]) if columns.pid >= 0 else None,
            stack=stack,
            module=row[columns.module] if columns.module >= 0 else "",
            function=row[columns.function] if columns.function >= 0 else "",
            samples=count if columns.count >= 0 else None,
            weight_ns=weight if columns.weight >= 0 else None,
            time_ns=0 if time is not None and columns.time_digits < 0 else time,
            tid=numbers.whole(row[columns.tid]) if columns.tid >= 0 else None,
            cpu=cpu if cpu is not None and cpu <= _MOST_CPU else 0,
            in_kernel_call=columns.dpc >= 0 and row[columns.dpc].strip().upper() in ("DPC", "ISR"),
        )
