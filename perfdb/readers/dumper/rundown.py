r"""The rows that tell of processes, images, threads and the sampling interval: few, and full of free text.

    P-Start, 104743, rustc.exe (10612), 480, 1, 0x…, …, S-1-12-1-…, "D:\x\rustc.exe" --emit=a,b , <none>, <none>
    I-Start, 146625, bench.exe (23276), 0x0000000140000000, 0x0000000140464000, …, "\Device\x\bench.exe", …
    T-Start, 104743, rustc.exe (10612), 7812, …
    ProfileFreq-DCStart, 28493, System (   4), 4, 0, 10000, 10000

Command lines hold commas and quotes of their own, so they reach from the user's SID to the last fields of the row.
Each row is read by itself, and becomes a row of the same tables that an `.etl` gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from perfdb.etl import layout as etl
from perfdb.etl.payloads import Intervals, Lives
from perfdb.etl.texts import Distinct, ProcessText
from perfdb.profile.columns import UNKNOWN_MODULE
from perfdb.readers.dumper.layout import MOST, PROCESS, THREAD, TIME, Layout
from perfdb.readers.symbol_text import join_process, split_process
from perfdb.units import NS_PER_FILETIME

_OPCODES = {
    "Start": etl.OPCODE_START,
    "End": etl.OPCODE_END,
    "DCStart": etl.OPCODE_RUNDOWN_START,
    "DCEnd": etl.OPCODE_RUNDOWN_END,
}

_SID = re.compile(r",\s*S-1-[0-9-]+\s*,")
_CUT_NAME = 15
"""Old kernels keep so many characters of a program's name, at the most."""


@dataclass
class _Events:
    """Start, end and rundown events of one kind, collected one by one."""

    rows: list[tuple[int, int, int, int, int, int, int]] = field(default_factory=list)

    def lives(self) -> Lives:
        """The events as columns, in the order of the file."""
        columns = list(zip(*self.rows, strict=True)) or [()] * 7
        ticks, opcode, pid, key, owner, text, extra = columns
        return Lives(
            ticks=np.array(ticks, np.int64),
            opcode=np.array(opcode, np.int32),
            pid=np.array(pid, np.int64),
            key=np.array(key, np.uint64),
            owner=np.array(owner, np.uint64),
            text=np.array(text, np.int64),
            extra=np.array(extra, np.uint64),
        )


@dataclass
class Rundown:
    """What these rows told so far."""

    layout: Layout
    process_texts: Distinct[ProcessText] = field(default_factory=Distinct)
    image_paths: Distinct[str] = field(default_factory=Distinct)
    malformed: int = 0
    _processes: _Events = field(default_factory=_Events)
    _images: _Events = field(default_factory=_Events)
    _threads: _Events = field(default_factory=_Events)
    _names: Distinct[str] = field(default_factory=Distinct)
    _columns: dict[str, dict[str, int]] = field(default_factory=dict)
    _intervals: list[tuple[int, int]] = field(default_factory=list)

    def take(self, event: str, line: str) -> None:
        """Read one row."""
        if event not in self._columns:
            self._columns[event] = {name: at for at, name in enumerate(self.layout.of(event))}
        row = _Row(line, self._columns[event])
        try:
            if event.startswith("ProfileFreq"):
                self._interval(row)
            else:
                kind, _, what = event.partition("-")
                {"P": self._process, "I": self._image, "T": self._thread}[kind](row, _OPCODES[what])
        except (LookupError, ValueError):
            self.malformed += 1

    def _interval(self, row: _Row) -> None:
        """Only the timer's interval is time: performance counters are sources of samples too."""
        source = row.get("Source", "0").lower()
        interval = _whole(row["New Interval"])
        if (source == "0" or "time" in source) and interval > 0:
            self._intervals.append((_whole(row[TIME]), interval * NS_PER_FILETIME))

    def _process(self, row: _Row, opcode: int) -> None:
        name, pid = split_process(row[PROCESS])
        name = "" if name == UNKNOWN_MODULE else name
        text = self.process_texts.number((name, _command_line(row)))
        # The kernel's key tells processes of one pid apart; old builds do not print it, but the processes differ.
        owner = _address(row.get("UniqueKey", "") or "0") or self._names.number(name)
        parent = max(_whole(row["ParentPID"]), 0)
        self._processes.rows.append((_whole(row[TIME]), opcode, pid, _known(pid), owner, text, parent))

    def _image(self, row: _Row, opcode: int) -> None:
        _, pid = split_process(row[PROCESS])
        base, end = _address(row["BaseAddr"]), _address(row["EndAddr"])
        # The path stands in quotes, behind those of an unknown process, and may hold commas.
        quoted = row.line.partition(")")[2].split('"', 2)
        path = quoted[1] if len(quoted) == 3 else row["FileName"]
        if end <= base:
            raise ValueError(row.line)
        number = self.image_paths.number(path)
        self._images.rows.append((_whole(row[TIME]), opcode, _known(pid), base, number, number, end - base))

    def _thread(self, row: _Row, opcode: int) -> None:
        _, pid = split_process(row[PROCESS])
        self._threads.rows.append((_whole(row[TIME]), opcode, pid, _whole(row[THREAD]), _known(pid), 0, 0))

    @property
    def processes(self) -> Lives:
        """Processes; `extra` is the parent's pid."""
        return self._processes.lives()

    @property
    def images(self) -> Lives:
        """Images; `extra` is their size in bytes."""
        return self._images.lives()

    @property
    def threads(self) -> Lives:
        """Threads."""
        return self._threads.lives()

    @property
    def intervals(self) -> Intervals:
        """Sampling intervals and since when they hold."""
        rows = self._intervals
        return Intervals(np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64))

    def full_names(self) -> list[ProcessText]:
        """The process texts, names that an old kernel cut made whole by the program's image or command line."""
        return [(self._whole(name, command), command) for name, command in self.process_texts.values]

    def _whole(self, name: str, command: str) -> str:
        if not _CUT_NAME - 1 <= len(name) <= _CUT_NAME or name.lower().endswith(".exe"):
            return name
        own = _last_part(command.strip('"').split('"')[0].split(".exe")[0] + ".exe")
        for program in (own, *(_last_part(path) for path in self.image_paths.values)):
            if program.lower().startswith(name.lower()) and program.lower().endswith(".exe"):
                return program
        return name


def _whole(text: str) -> int:
    """A whole number; raises ValueError for what is none, and for one that no trace can have."""
    number = int(text)
    if not -1 <= number < MOST or "_" in text:
        raise ValueError(text)
    return number


def _address(text: str) -> int:
    number = int(text, 16)
    if not 0 <= number < 1 << 64:
        raise ValueError(text)
    return number


def _known(pid: int) -> int:
    """The pid; raises ValueError for the one that stands for none, and for what is none."""
    if not 0 <= pid < 1 << 32:
        raise ValueError("a process without a pid")
    return pid


def _last_part(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]


class _Row:
    """The fields of a row by their columns; a comma in the process's name divides nothing."""

    def __init__(self, line: str, at: Mapping[str, int]) -> None:
        self.line = line
        self._parts = line.split(",")
        self._at = at
        if PROCESS in at:
            join_process(self._parts, at[PROCESS])

    def __getitem__(self, column: str) -> str:
        return self._parts[self._at[column]].strip()

    def get(self, column: str, default: str) -> str:
        """The field, or the default where the row does not have it."""
        at = self._at.get(column, len(self._parts))
        return self._parts[at].strip() if at < len(self._parts) else default


def _command_line(row: _Row) -> str:
    """Everything after the user's SID, but for the `<none>` fields at the end of newer rows."""
    sid = _SID.search(row.line)
    user = row.get("UserSid", "")
    if sid:
        rest = row.line[sid.end() :]
    elif user and row.get("Command Line", ""):
        rest = row.line.partition(user + ",")[2]
    else:
        return ""
    parts = rest.split(",")
    for _ in range(2):
        if len(parts) > 1 and parts[-1].strip() == "<none>":
            parts.pop()
    return ",".join(parts).strip()
