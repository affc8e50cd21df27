"""What was sampled: the events of a `perf script` text, which of them are CPU time, and which of these one is counted.

A recording may sample several events at once, each with samples of its own; all of them together would count the same
time twice. The first kind of `KINDS` that has samples is counted:

    cycles         cycles, cpu-cycles, also of hybrid processors (`cpu_core/cycles/` and `cpu_atom/cycles/`, which count
                   together: a thread runs on one at a time) and by number (`cpu/event=0x3c/`, type 0 config 0)
    cpu-clock      time on a processor, by the kernel's timer
    task-clock     the same of one task
    ref-cycles     cycles of a clock that does not change its pace
    instructions   no time, but work all the same: with a caveat

Tracepoints, faults, misses and other counts are no CPU time. Modifiers follow the name: `cycles:u`, `cpu-clock:ppp`,
`cpu_core/cycles/P`. `:u` and `:k` leave out the kernel and everything but the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from perfdb.readers.text import decode

CYCLES, CPU_CLOCK, TASK_CLOCK, REF_CYCLES, INSTRUCTIONS = KINDS = (
    "cycles",
    "cpu-clock",
    "task-clock",
    "ref-cycles",
    "instructions",
)
UNTOLD = "untold"
"""The kind of samples whose event is neither with them nor in the header."""

CLOCKS = (CPU_CLOCK, TASK_CLOCK)
"""Kinds whose period is ns."""

_NAME = re.compile(r"(?:(?P<pmu>[\w.-]+)/(?P<terms>[^/]*)/|(?P<plain>[^:/]+))(?::?(?P<flags>[A-Za-z]*))?", re.ASCII)
_ALIASES = {
    "cycles": CYCLES,
    "cpu-cycles": CYCLES,
    "cpu-clk-unhalted.thread": CYCLES,
    "cpu-clk-unhalted.thread-p": CYCLES,
    "cpu-clk-unhalted.core": CYCLES,
    "r3c": CYCLES,
    "r003c": CYCLES,
    "r0076": CYCLES,
    "r76": CYCLES,
    "cpu-clock": CPU_CLOCK,
    "task-clock": TASK_CLOCK,
    "ref-cycles": REF_CYCLES,
    "cpu-clk-unhalted.ref-tsc": REF_CYCLES,
    "instructions": INSTRUCTIONS,
    "inst-retired.any": INSTRUCTIONS,
    "inst-retired.any-p": INSTRUCTIONS,
    "inst-retired.prec-dist": INSTRUCTIONS,
}
_CYCLE_NUMBERS = {"cpu": (0x3C, 0x76), "arm": (0x11,)}
"""The numbers of the event cycles, by how the name of the unit begins: of Intel and AMD, and of ARM."""

_BY_NUMBER = {(0, 0): CYCLES, (0, 1): INSTRUCTIONS, (0, 9): REF_CYCLES, (1, 0): CPU_CLOCK, (1, 1): TASK_CLOCK}
"""Kinds by type and config of `perf_event_attr` (`linux/perf_event.h`)."""


@dataclass(frozen=True, slots=True)
class EventName:
    """The parts of an event's name; `kind` is "" where it is no CPU time by its name."""

    kind: str
    pmu: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def levels(self) -> frozenset[str]:
        """Which of `u`ser, `k`ernel and `h`ypervisor it is restricted to; empty for all."""
        return self.flags & frozenset("ukh")


def read_name(name: str) -> EventName:
    """What the name of an event says."""
    found = _NAME.fullmatch(name)
    if found is None:
        return EventName("")
    flags = frozenset(found["flags"] or "")
    if found["plain"]:
        return EventName(_kind(found["plain"]), "", flags)
    pmu, terms = found["pmu"], found["terms"].lower().split(",")
    if kind := _kind(terms[0]):
        return EventName(kind, pmu, flags)
    values = dict(term.partition("=")[::2] for term in terms)
    numbers = next((numbers for start, numbers in _CYCLE_NUMBERS.items() if pmu.startswith(start)), ())
    is_cycles = int_of(values.get("event", "")) in numbers and int_of(values.get("umask", "0")) == 0
    return EventName(CYCLES if is_cycles else "", pmu, flags)


def _kind(name: str) -> str:
    return _ALIASES.get(name.lower().replace("_", "-"), "")


def int_of(text: str) -> int:
    """A number as perf prints it, decimal or `0x…`; -1 for what is none."""
    try:
        return int(text, 0) if len(text) <= 20 else -1
    except ValueError:
        return -1


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the header describes it: `every` is its frequency in Hz if `is_frequency`, else its period."""

    name: str
    every: int = 0
    is_frequency: bool = False
    kind: str = ""


_TOLD = re.compile(r"name = (\S.*?), ")
_FIELD = re.compile(r"\b(type|config|freq) = (0x[0-9a-f]+|[0-9]+)\b")
_EVERY = re.compile(r"\{ sample_period, sample_freq \} = ([0-9]{1,18})\b")


def read_recorded(text: str) -> RecordedEvent | None:
    """An event of the header (`name = cpu-clock, , id = {…}, type = 1, …`); None for what is none."""
    named = _TOLD.match(text)
    if named is None:
        return None
    numbers = {key: int_of(value) for key, value in _FIELD.findall(text, named.end())}
    every = _EVERY.search(text)
    kind = read_name(named[1]).kind
    if not kind and "type" in numbers:
        kind = _BY_NUMBER.get((numbers["type"], numbers.get("config", 0)), "")
    return RecordedEvent(named[1], int(every[1]) if every else 0, numbers.get("freq") == 1, kind)


@dataclass
class Events:
    """The events of a text, numbered as they are met, with how many samples each has."""

    recorded: dict[str, RecordedEvent] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    _row_of: dict[bytes, int] = field(default_factory=dict)

    def row_of(self, name: bytes) -> int:
        """The row of an event; that of samples that do not name theirs is called b""."""
        row = self._row_of.get(name)
        return self._add(name) if row is None else row

    def _add(self, name: bytes) -> int:
        sampled = [event for event in self.recorded.values() if not event.name.startswith("dummy")]
        if name:
            text = decode(name)
            told = self.recorded.get(text)
            kind = (told.kind if told else "") or read_name(text).kind
        elif len(sampled) == 1:
            text, kind = sampled[0].name, sampled[0].kind
        else:
            text, kind = "", UNTOLD
        row = self._row_of[name] = len(self.names)
        self.names.append(text)
        self.kinds.append(kind)
        self.samples.append(0)
        return row


@dataclass(frozen=True, slots=True)
class Chosen:
    """The events whose samples are counted, by their rows; they are of one kind."""

    kind: str
    rows: tuple[int, ...]


def choose(events: Events) -> Chosen | None:
    """Which events are the CPU time of a recording, of those that have samples; None where none is."""
    for kind in (*KINDS, UNTOLD):
        rows = [row for row, each in enumerate(events.kinds) if each == kind and events.samples[row]]
        if rows:
            return Chosen(kind, _together(events, rows))
    return None


def _together(events: Events, rows: Sequence[int]) -> tuple[int, ...]:
    """The events of one kind that do not count the same time: one of each kind of processor, or its user and its
    kernel half.
    """
    names = {row: read_name(events.names[row]) for row in rows}
    by_unit: dict[str, list[int]] = {}
    for row, name in names.items():
        by_unit.setdefault("" if name.pmu == "cpu" else name.pmu, []).append(row)
    units = [by_unit[""]] if "" in by_unit else list(by_unit.values())
    chosen: list[int] = []
    for unit in units:
        widest = min(unit, key=lambda row: (bool(names[row].levels), -events.samples[row], row))
        chosen.append(widest)
        taken = names[widest].levels
        for row in unit if taken else ():
            if not names[row].levels & taken:
                chosen.append(row)
                taken |= names[row].levels
    return tuple(sorted(chosen))
