"""The slow, obvious twin of `perfdb.readers.dumper`: one line at a time, with regular expressions and dictionaries.

It is written from the description of the format alone, shares no code with the fast reader, and is also what the bench
holds that reader's speed against. What is not in the format but agreed between the two:

- A row is matched with the columns that the header names for its event; `DEFAULTS` serve where there is no header.
- Stack rows of one (time, thread) are blocks; a new one begins where `No.` does not grow. Each event owns one block:
  a block that begins with the address of a sample is that sample's; of the others, one that begins in user mode, after
  one that ended in the kernel, is the rest of that one; what remains is any event's. Of several events it belongs to
  the nearest before it that has none yet, else to the next after it. Events are everything that has a ThreadID, and
  CSwitch with its New TID.
- Thread 0 works exactly when it has a stack; else it is idle, is counted, and is no sample of the result.
- The sampled address is the leaf. It replaces the stack's first address, but goes before it where the sample was in
  the kernel and the stack begins in user mode.
- The module is what the text says; where it says unknown, the image that was loaded there: an image keeps its addresses
  until another is loaded over them, and what a rundown lists was there since before the trace.
- A pid of -1 and a process called Unknown are looked up by their thread.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from tests.twins.dumper_rows import DEFAULTS, plain, row_pattern, split_frame, split_leaf

BEFORE, AFTER = -(1 << 62), 1 << 62
DEFAULT_INTERVAL_NS = 1_000_000
SYSTEM = (4, 0)

_INFO = re.compile(r"^\s*OS Version:")
_EVENTS_LOST = re.compile(r"Events Lost:\s*(\d+)", re.IGNORECASE)
_BUFFERS_LOST = re.compile(r"Buffers Lost:\s*(\d+)", re.IGNORECASE)
_POINTER_SIZE = re.compile(r"PointerSize:\s*(\d+)", re.IGNORECASE)
_SID = re.compile(r",\s*S-1-[-\d]+\s*,(.*)$")
_TRAILING = re.compile(r"(?:,\s*<none>\s*){1,2}$")
Frame = tuple[str | None, str | None, int]
"""Module in lower case or None, function or None, address."""


@dataclass(frozen=True)
class Sample:
    """One sample that is work; `stack` is leaf first, and only the leaf where `has_stack` is False."""

    time_us: int
    pid: int
    incarnation: int
    process: str
    tid: int
    cpu: int
    count: int
    weight_ns: int
    has_stack: bool
    stack: tuple[Frame, ...]


@dataclass(frozen=True)
class Image:
    """An image from `base` up to `end`, which is no more part of it, since `loaded_at` us."""

    base: int
    end: int
    path: str
    loaded_at: int

    @property
    def module(self) -> str:
        return self.path.replace("/", "\\").split("\\")[-1].lower()


@dataclass
class Life:
    """The time from `start` to `end` in which a pid, a tid or a base address was one thing: `what`."""

    start: int
    end: int
    what: Any


@dataclass
class Dump:
    """What a dump says. `processes` and `threads` are lives by pid and tid, `images` are by (pid, incarnation)."""

    sample_count: int = 0
    idle_count: int = 0
    lost_events: int | None = None
    lost_buffers: int | None = None
    pointer: int = 8
    intervals: list[tuple[int, int]] = field(default_factory=list)
    """(us, ns), in the order of time."""
    samples: list[Sample] = field(default_factory=list)
    processes: dict[int, list[Life]] = field(default_factory=dict)
    """`what` is (name, parent's pid, command line)."""
    threads: dict[int, list[Life]] = field(default_factory=dict)
    """`what` is a pid."""
    images: dict[tuple[int, int], list[Image]] = field(default_factory=dict)
    """The last loaded first; those of pids 0 and 4 together are `SYSTEM`'s."""

    def interval_at(self, time_us: int) -> int:
        """The interval in force, in ns."""
        before = [interval for time, interval in self.intervals if time <= time_us]
        return before[-1] if before else self.intervals[0][1] if self.intervals else DEFAULT_INTERVAL_NS

    def image_at(self, pid: int, incarnation: int, address: int, time_us: int) -> Image | None:
        """The image that holds an address: the process's own, else the system's."""
        for owner in ((pid, incarnation), SYSTEM):
            for image in self.images.get(owner, ()):
                if image.base <= address < image.end and image.loaded_at <= time_us:
                    return image
        return None


def read_dump(path: Path) -> Dump:
    """Read a whole file."""
    with path.open("rb") as file:
        encoding = _encoding(file.read(1000))
    with path.open(encoding=encoding, errors="surrogateescape", newline="\n") as lines:
        return _DumpReader().read(lines)


def dump_of(data: bytes) -> Dump:
    """The same of bytes."""
    lines: TextIO = io.TextIOWrapper(io.BytesIO(data), _encoding(data[:1000]), "surrogateescape", newline="\n")
    return _DumpReader().read(lines)


def _encoding(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-8-sig"


@dataclass
class _Owner:
    """An event that a stack may belong to; `sample` is None where it is no CPU sample."""

    line: int
    address: int = -1
    sample: tuple[Any, ...] | None = None
    stack: list[tuple[int, str]] | None = None


@dataclass
class _Block:
    """Consecutive rows of one stack: (address, symbol), leaf first."""

    line: int
    last: int
    frames: list[tuple[int, str]]

    def give_to(self, owners: Sequence[_Owner]) -> bool:
        """Give it to the nearest of some events before it, else to the next after it."""
        before = [owner for owner in owners if owner.line < self.line]
        if owners:
            (before[-1] if before else owners[0]).stack = self.frames
        return bool(owners)


class _DumpReader:
    def __init__(self) -> None:
        self.dump = Dump()
        self.patterns: dict[str, list[re.Pattern[str]]] = {}
        for event, columns in DEFAULTS.items():
            self.learn(event, columns)
        self.owners: dict[tuple[int, int], list[_Owner]] = defaultdict(list)
        self.blocks: dict[tuple[int, int], list[_Block]] = defaultdict(list)
        self.process_rows: list[tuple[Any, int, str, Any]] = []
        self.thread_rows: list[tuple[Any, int, str, Any]] = []
        self.image_rows: list[tuple[int, int, str, int, int, str]] = []

    def learn(self, event: str, columns: Sequence[str]) -> None:
        """Take the columns of an event from its header."""
        if event == "SampledProfile":
            # Old builds leave out the last fields of a row.
            self.patterns[event] = [row_pattern(columns[: len(columns) - cut]) for cut in range(3)]
        elif event == "Stack":
            self.patterns[event] = [row_pattern(columns)]
        elif event.startswith(("P-", "I-", "T-", "ProfileFreq-")):
            self.patterns[event] = [row_pattern(columns, more=True)]
        else:
            wanted = "New TID" if event == "CSwitch" else "ThreadID"
            if wanted in columns:
                self.patterns[event] = [row_pattern(columns[: columns.index(wanted) + 1], more=True)]

    def read(self, lines: Iterable[str]) -> Dump:
        for number, line in enumerate(lines):
            event, _, rest = line.partition(",")
            event = event.strip()
            for pattern in self.patterns.get(event, ()):
                match = pattern.match(rest.rstrip("\r\n"))
                if match:
                    self.row(number, event, match)
                    break
            else:
                self.other_line(event, line)
        self.find_lives()
        self.join_stacks()
        return self.dump

    def other_line(self, event: str, line: str) -> None:
        """A line that is no row of an event that matters: it may be a header, or the line about the trace."""
        if _INFO.match(line):
            for pattern, name in ((_EVENTS_LOST, "lost_events"), (_BUFFERS_LOST, "lost_buffers")):
                if lost := pattern.search(line):
                    setattr(self.dump, name, int(lost[1]))
            if size := _POINTER_SIZE.search(line):
                self.dump.pointer = int(size[1])
            return
        columns = [column.strip() for column in line.split(",")[1:]]
        if columns and columns[0] == "TimeStamp":
            self.learn(event, columns)

    def row(self, number: int, event: str, match: re.Match[str]) -> None:
        if event == "Stack":
            self.stack_row(number, match)
        elif event == "SampledProfile":
            self.sample_row(number, match)
        elif event.startswith("P-"):
            self.process_row(event, match)
        elif event.startswith("I-"):
            base, end = int(match["base"], 16), int(match["end"], 16)
            path = plain(match["file"] or match["bare"] or "").strip()
            self.image_rows.append((int(match["pid"]), int(match["time"]), event[2:], base, end, path))
        else:
            time, tid = int(match["time"]), int(match["tid"])
            self.owners[time, tid].append(_Owner(number))
            if event.startswith("T-"):
                pid = int(match["pid"])
                self.thread_rows.append((tid, time, event[2:], pid))
            # Other sources than the clock count something else than time.
            if event.startswith("ProfileFreq-") and match["source"] in ("0", "Timer") and int(match["interval"]):
                self.dump.intervals.append((time, int(match["interval"]) * 100))

    def stack_row(self, number: int, match: re.Match[str]) -> None:
        time, tid, no, address, symbol = match.group("time", "tid", "no", "address", "symbol")
        blocks = self.blocks[int(time), int(tid)]
        if blocks and int(no) > blocks[-1].last:
            blocks[-1].last = int(no)
            blocks[-1].frames.append((int(address, 16), symbol))
        else:
            blocks.append(_Block(number, int(no), [(int(address, 16), symbol)]))

    def sample_row(self, number: int, match: re.Match[str]) -> None:
        fields = match.groupdict()
        time, tid, address = int(fields["time"]), int(fields["tid"]), int(fields["address"], 16)
        count = int(fields.get("count") or 1)
        self.dump.sample_count += count
        sample = (time, fields["name"], int(fields["pid"]), tid, int(fields["cpu"]), fields["symbol"], count)
        self.owners[time, tid].append(_Owner(number, address, sample))

    def process_row(self, event: str, match: re.Match[str]) -> None:
        fields = match.groupdict()
        behind_sid = _SID.search(match.string)
        command = behind_sid[1] if behind_sid else fields.get("command") or ""
        command = plain(_TRAILING.sub("", command)).strip()
        what = (plain(fields["name"]).strip('"'), int(fields.get("parent") or 0), command)
        self.process_rows.append((int(fields["pid"]), int(fields["time"]), event[2:], what))

    def find_lives(self) -> None:
        self.dump.processes = _lives(self.process_rows, by_value=False)
        self.dump.threads = _lives(self.thread_rows)
        self.dump.intervals.sort(key=lambda each: each[0])
        rows = []
        for pid, time, kind, base, end, path in self.image_rows:
            owner = SYSTEM if pid in (0, 4) else (pid, self.incarnation(pid, time))
            rows.append(((owner, base), time, kind, (end, path)))
        for (owner, base), lives in _lives(rows).items():
            images = [Image(base, life.what[0], life.what[1], life.start) for life in lives]
            self.dump.images.setdefault(owner, []).extend(images)
        for images in self.dump.images.values():
            images.sort(key=lambda image: (image.loaded_at, image.base))
            images.reverse()

    def incarnation(self, pid: int, time: int) -> int:
        return max(_row_at(self.dump.processes.get(pid, []), time), 0)

    def join_stacks(self) -> None:
        for key, owners in self.owners.items():
            if key in self.blocks:
                self.hand_out(owners, self.blocks[key])
        events = (owner for owners in self.owners.values() for owner in owners)
        for owner in sorted(events, key=lambda each: each.line):
            if owner.sample is not None:
                self.finish(owner, owner.sample)
        self.dump.samples.sort(key=lambda sample: sample.time_us)

    def hand_out(self, owners: list[_Owner], blocks: list[_Block]) -> None:
        """Give each block of one (time, thread) to its event."""
        rest = []
        for block in blocks:
            first = block.frames[0][0]
            if not block.give_to([owner for owner in owners if owner.stack is None and owner.address == first]):
                rest.append(block)
        for block in rest:
            before = [each for each in blocks if each.line < block.line]
            is_user = not self.is_kernel(block.frames[0][0])
            if is_user and before and self.is_kernel(before[-1].frames[-1][0]):
                before[-1].frames.extend(block.frames)
                block.frames = before[-1].frames
            else:
                block.give_to([owner for owner in owners if owner.stack is None])

    def finish(self, owner: _Owner, sample: tuple[Any, ...]) -> None:
        """Make a sample of the result, now that its stack is known."""
        time, name, pid, tid, cpu, symbol, count = sample
        if tid == 0 and owner.stack is None:
            self.dump.idle_count += count
            return
        name = plain(name).strip('"')
        if pid == -1 or name == "Unknown":
            row = _row_at(self.dump.threads.get(tid, []), time)
            if row >= 0:
                pid = self.dump.threads[tid][row].what
            name = {0: "Idle", 4: "System"}.get(pid, "<unknown>")
        incarnation = self.incarnation(pid, time)
        if pid in self.dump.processes:
            name = self.dump.processes[pid][incarnation].what[0]
        stack = tuple(
            self.frame(address, text, pid, incarnation, time) for address, text in self.addresses(owner, symbol)
        )
        weight = count * self.dump.interval_at(time)
        has_stack = owner.stack is not None
        self.dump.samples.append(Sample(time, pid, incarnation, name, tid, cpu, count, weight, has_stack, stack))

    def addresses(self, owner: _Owner, symbol: str) -> list[tuple[int, str]]:
        """The whole stack, leaf first, as (address, symbol)."""
        stack = owner.stack
        if stack and owner.address in (0, stack[0][0]):
            return stack
        leaf = (owner.address, split_leaf(symbol))
        if not stack:
            return [leaf]
        if self.is_kernel(owner.address) and not self.is_kernel(stack[0][0]):
            return [leaf, *stack]
        return [leaf, *stack[1:]]

    def frame(self, address: int, text: str, pid: int, incarnation: int, time: int) -> Frame:
        module, function = split_frame(text)
        if module is None:
            image = self.dump.image_at(pid, incarnation, address, time)
            module = image.module if image else None
        return module, function, address

    def is_kernel(self, address: int) -> bool:
        return address >= 1 << (self.dump.pointer * 8 - 1)


def _lives(rows: Iterable[tuple[Any, int, str, Any]], *, by_value: bool = True) -> dict[Any, list[Life]]:
    """The lives of each key, from rows of (key, time, kind, what); with `by_value`, another `what` is another life."""
    found: dict[Any, list[Life]] = {}
    for key, group in _grouped(rows):
        lives: list[Life] = []
        previous, ended = BEFORE, False
        for time, kind, what in group:
            if not lives or kind == "Start" or ended or (by_value and what != lives[-1].what):
                # What no row saw begin did so at some time since the row before.
                start = time if kind == "Start" else previous
                if lives:
                    lives[-1].end = min(lives[-1].end, start)
                lives.append(Life(start, AFTER, what))
            previous, ended = time, kind == "End"
            lives[-1].end = time if ended else AFTER
        found[key] = lives
    return found


def _grouped(rows: Iterable[tuple[Any, int, str, Any]]) -> Iterator[tuple[Any, list[tuple[int, str, Any]]]]:
    groups: dict[Any, list[tuple[int, str, Any]]] = defaultdict(list)
    for key, *rest in rows:
        groups[key].append((rest[0], rest[1], rest[2]))
    for key, group in groups.items():
        yield key, sorted(group, key=lambda row: row[0])


def _row_at(lives: Sequence[Life], time: int) -> int:
    """The life at a time, or the last one before it, or else the first one after it; -1 where there is none."""
    begun = [row for row, life in enumerate(lives) if life.start <= time]
    return begun[-1] if begun else 0 if lives else -1
