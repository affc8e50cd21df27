r"""The lines of the text, taken as they come: samples in columns, everything else to who understands it.

    comm  pid/tid  [cpu]  seconds.fraction:  period event:  text        a sample, or a record (`PERF_RECORD_…`)
    \taddress symbol+offset (image)                                      its frames, the innermost first
      file:line                                                          of the frame above
                                                                         a blank line ends the stack

Of the fields all but the thread's id and the time may be missing. A sample without a stack has its one frame behind the
event; so have tracepoints their fields. Names of threads hold blanks, colons and digits, so what is looked for is the
first `number number.fraction:`.

A stack is mostly one that was there before, and its lines nearly always were: a line is parsed once and stands for a
number from then on. What stays in memory is a few numbers a sample, the distinct lines of frames and the distinct
stacks.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perfdb.errors import TraceError
from perfdb.profile.columns import I64
from perfdb.readers.perf_script.events import Events
from perfdb.readers.perf_script.frame_rows import FrameRows, NoFrameError
from perfdb.readers.perf_script.frames import ADDRESS
from perfdb.readers.perf_script.header import Header
from perfdb.readers.perf_script.tasks import Tasks
from perfdb.readers.text import decode

_LINE = (
    rb"[ \t]*(?:(\S.{0,63}?)[ \t]{1,64})?"  # the name of the thread
    rb"(-?[0-9]{1,8})(?:/(-?[0-9]{1,8}))?[ \t]{1,64}"
    rb"(?:\[([0-9]{1,6})\][ \t]{1,64})?(?:[A-Za-z]{1,3}[ \t]{1,64})?"  # processor, mode (`-F +misc`)
    rb"([0-9]{1,9})\.([0-9]{6}|[0-9]{9}):[ \t]*"
    rb"(?:([0-9]{1,20})(?:[ \t]+|$))?(?:(\S+?):(?=[ \t]|$)[ \t]*)?(.*)"
)
LINE = re.compile(_LINE)
"""A sample or record: name, pid or tid, tid, cpu, seconds, their fraction, period, event, and the rest."""
_EACH_LINE = re.compile(rb"^" + _LINE + rb"$", re.MULTILINE)

RECORD = b"PERF_RECORD_"

_SOURCE_CODE = re.compile(rb"\|[0-9]")
"""A line of source, which `-F +srccode` puts before the next sample."""

LONGEST_LINE = 32 << 20
"""No line is longer: more than this without an end is no text."""

LONGEST_STACK = 8 << 20
"""No stack is longer: where blank lines are missing, it is cut here."""

MOST_PERIOD = 10**12
"""A greater period is none: of a clock it would be a quarter of an hour."""

NO_PERIOD = -1
UNKNOWN_FRAME = b"0 [unknown] ([unknown])"


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples: shape (samples,). `time_ns` is of the clock of the recording, `process` a row of `Rows.tasks.lives` or
    -1 for idling, `event` a row of `Rows.events`, `period` may be `NO_PERIOD`, `path` is a row of `Rows.paths`.
    """

    time_ns: I64
    process: I64
    tid: I64
    cpu: I64
    event: I64
    period: I64
    path: I64
    has_stack: I64


class Rows:
    """All that was read of a text so far; `columns` is whole once the text is closed. `paths` hold rows of `frames`,
    innermost first.
    """

    def __init__(self) -> None:
        self.frames = FrameRows()
        self.paths: dict[tuple[int, ...], int] = {}
        self.header, self.tasks = Header(), Tasks()
        self.events = Events(self.header.events)
        self.malformed = 0
        self.understood = 0
        self.is_cut = False
        self.first_ns, self.last_ns = -1, 0
        self.columns = Columns(*np.zeros((8, 0), np.int64))
        self._table = array("q")
        self._threads: dict[tuple[bytes, bytes, bytes], tuple[int, int]] = {}

    def take(self, text: bytes) -> None:
        """Take lines whose last one ends; no stack may go on behind them."""
        for part in text.split(b"\n\n"):
            # Most parts are one sample and its stack, or samples of one line each.
            head, has_frames, stack = part.partition(b"\n\t")
            line = LINE.fullmatch(head) if has_frames and RECORD not in head else None
            if line is not None:
                frames = stack.split(b"\n\t")
                try:
                    self._sample(line.groups(b""), frames, stack.count(b"\n") - len(frames) + 1)
                except NoFrameError:
                    self._take_lines(part)
            elif has_frames or not self._take_leaves(part):
                self._take_lines(part)

    def close(self, text: bytes) -> None:
        """Take what is left when the file has ended, which may have been cut off."""
        text = text.rstrip(b"\x1a")
        end = text.rfind(b"\n") + 1
        self.is_cut = bool(text[end:].strip())
        self._take_lines(text[: max(end - 1, 0)], is_end=True)
        if self._table:
            self.columns = Columns(*np.array(self._table, np.int64).reshape(-1, 8).T)
            self._note_time(int(self.columns.time_ns.min()))
            self._note_time(int(self.columns.time_ns.max()))
            for event, count in enumerate(np.bincount(self.columns.event).tolist()):
                self.events.samples[event] += count

    def _take_leaves(self, text: bytes) -> bool:
        """Take lines that all are samples without a stack; False, and nothing taken, where they are not."""
        found = _EACH_LINE.findall(text)
        if RECORD in text or len(found) != text.count(b"\n") + (text[-1:] not in (b"", b"\n")):
            return False
        for fields in found:
            self._sample(fields, ())
        return True

    def _take_lines(self, text: bytes, *, is_end: bool = False) -> None:
        """Take lines one by one. Of a sample whose stack the end of the file cut off nothing is kept."""
        fields: Sequence[bytes] = ()
        frames: list[bytes] = []
        for each in text.split(b"\n"):
            found = None if each[:1] == b"\t" else LINE.fullmatch(each)
            if found:
                self._finish(fields, frames)
                fields, frames = found.groups(b""), []
            elif fields and ADDRESS.match(each):
                frames.append(each.lstrip(b"\t"))
            elif frames and each.startswith((b"  ", b"|")):
                frames[-1] += b"\n" + each
            elif fields and fields[8] and each.startswith(b"  ") and not _record_of(fields):
                fields = (*fields[:8], fields[8] + b"\n" + each)
            elif each.strip() and not _SOURCE_CODE.match(each) and not self.header.take(each.strip()):
                self.malformed += 1
            elif not each and frames:
                self._finish(fields, frames)
                fields, frames = (), []
        if is_end and fields and self._is_sample(fields) and (frames or not fields[8]):
            self.is_cut = True
        else:
            self._finish(fields, frames)

    def _is_sample(self, fields: Sequence[bytes]) -> bool:
        return not _record_of(fields) and bool(self.events.kinds[self.events.row_of(fields[7])])

    def _finish(self, fields: Sequence[bytes], lines: Sequence[bytes]) -> None:
        """Take a sample or record whose frames are all there."""
        if not fields:
            return
        if record := _record_of(fields):
            self.understood += 1
            time_ns = _time(fields[4], fields[5])
            if time_ns:  # 0 is that of what perf tells of the time before
                self._note_time(time_ns)
            if self.tasks.record(time_ns, decode(record)):
                self._threads.clear()
            return
        good = [each for each in lines if each in self.frames or self._is_frame(each)]
        self._sample(fields, good)

    def _is_frame(self, line: bytes) -> bool:
        try:
            self.frames[line]
        except NoFrameError:
            self.malformed += 1
            return False
        return True

    def _sample(self, fields: Sequence[bytes], lines: Sequence[bytes], others: int = 0) -> None:
        """Take a sample with the lines of its frames, which hold so many `others`.

        Raises NoFrameError, and takes nothing, where they may be something else.
        """
        name, pid, tid, cpu, seconds, fraction, period, event_name, _ = fields
        event = self.events.row_of(event_name)
        time_ns = _time(seconds, fraction)
        if not self.events.kinds[event]:
            if others:
                raise NoFrameError
            self._note_time(time_ns)
            self.events.samples[event] += 1
            return
        weight = int(period) if period else NO_PERIOD
        frames = self.frames.path(lines) if lines else (self._leaf(fields),)
        if weight > MOST_PERIOD:
            self.malformed += 1
            return
        thread = (name, pid, tid)
        known = self._threads.get(thread)
        if known is None:
            known = self._threads[thread] = self._thread(name, pid, tid)
        path = self.paths.setdefault(frames, len(self.paths))
        self._table.extend((time_ns, *known, int(cpu) if cpu else 0, event, weight, path, 1 if lines else 0))

    def _leaf(self, fields: Sequence[bytes]) -> int:
        """The frame of a sample without a stack, which stands on its line."""
        period, event_name, rest = fields[6:]
        if period and rest and not event_name:  # what looks like a period is the address
            rest = period + b" " + rest
        try:
            return self.frames.leaf(rest or UNKNOWN_FRAME)
        except NoFrameError:
            return self.frames[UNKNOWN_FRAME]

    def _note_time(self, time_ns: int) -> None:
        self.last_ns = max(self.last_ns, time_ns)
        self.first_ns = time_ns if self.first_ns < 0 else min(self.first_ns, time_ns)

    def _thread(self, name: bytes, first: bytes, second: bytes) -> tuple[int, int]:
        """The process and the id of a thread."""
        tid = int(second or first)
        return self.tasks.row(int(first) if second else None, tid, decode(name).strip()), max(tid, 0)


def _time(seconds: bytes, fraction: bytes) -> int:
    return int(seconds) * 1_000_000_000 + int(fraction) * (1 if len(fraction) == 9 else 1000)


def _record_of(fields: Sequence[bytes]) -> bytes:
    """What stands behind `PERF_RECORD_` in a line that is no sample, else nothing."""
    event, rest = fields[7:]
    text = event + b": " + rest if event.startswith(RECORD) else rest
    return text[len(RECORD) :].rstrip() if text.startswith(RECORD) else b""


def read_rows(blocks: Iterable[bytes], name: str) -> Rows:
    """All rows of a text that comes in blocks; `name` is for the message of the TraceError where no line ends."""
    rows = Rows()
    carried = b""
    for block in blocks:
        if b"\0" in block:  # where a disk was full
            block = block.replace(b"\0", b"")
            rows.malformed += 1
        text = (carried + block).replace(b"\r\n", b"\n")
        end = _whole_lines(text)
        rows.take(text[:end])
        carried = text[end:]
        if len(carried) > LONGEST_LINE:
            raise TraceError(f"{name}: asked for lines of text, found none that ends. Print the trace again.")
    rows.close(carried)
    return rows


def _whole_lines(text: bytes) -> int:
    """How much of a text can be taken while more is to come: up to the last blank line, else up to the last sample or
    record, of which more lines may follow.
    """
    end = text.rfind(b"\n\n")
    if end >= 0:
        return end + 2
    last = end = text.rfind(b"\n", 0, max(text.rfind(b"\n"), 0))
    while end >= 0 and not LINE.match(text, end + 1):
        end = text.rfind(b"\n", 0, end)
    return (last if end < 0 and len(text) > LONGEST_STACK else end) + 1
