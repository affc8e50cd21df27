"""The lines that begin with `#`: the header of `perf script --header`, and what perfdb's collector adds.

    # captured on    : Sun Nov 29 11:43:20 2026       local time without zone, of the end: not used
    # hostname : vm
    # os release : 6.1.0
    # nrcpus online : 2
    # cpudesc : AMD EPYC
    # event : name = cpu-clock, , id = { 1, 2 }, type = 1, …, { sample_period, sample_freq } = 997, …, freq = 1, …
    # reference time: 2026-11-29 11:49:22.668314 = 1795952962.668314 (TOD) = 1185.295296549 (monotonic)
    # perf script call: perf script -i perf.data --header … --show-lost-events …
    # perf script: Processed 5565 samples and lost 10.00%!

The reference time (`perf record -k mono`) ties the clock of the samples to Unix time, so to UTC. The last two lines are
the collector's: the call, for without `--show-lost-events` a text says nothing of losses, and what perf said besides.
perf's own words on losses are also understood where they stand among the lines (`2>&1`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from perfdb.profile.columns import Machine
from perfdb.readers.perf_script.events import RecordedEvent, read_recorded
from perfdb.readers.text import decode

CALL_MARK = "perf script call:"
LOSSES_SHOWN = "--show-lost-events"

MARKS = re.compile(rb"^# (?:captured on|header version|hostname|os release|perf version|cmdline) *: ", re.MULTILINE)
"""Lines that only perf's header has, three of them at least."""

_FACT = re.compile(r"#\s*([a-z][a-z _]*?) *: +(\S.*)")
_REFERENCE = re.compile(r"# reference time: .* = ([0-9]{1,11}\.[0-9]{1,9}) \(TOD\) = ([0-9]{1,11}\.[0-9]{1,9}) \(")
_LOST_SAMPLES = re.compile(r"Processed ([0-9]{1,15}) samples and lost ([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_LOST_CHUNKS = re.compile(r"Processed [0-9]{1,15} events and lost ([0-9]{1,15}) chunks")


@dataclass
class Header:
    """What the lines told so far. `lost_samples` and `lost_chunks` are by perf's own words."""

    facts: dict[str, str] = field(default_factory=dict)
    events: dict[str, RecordedEvent] = field(default_factory=dict)
    shows_losses: bool = False
    lost_samples: int = 0
    lost_chunks: int = 0
    _reference: tuple[float, float] | None = None

    def take(self, line: bytes) -> bool:
        """Take a line that is no sample; False where it tells nothing that perf is known to say."""
        text = decode(line).strip()
        if self._take_losses(text):
            return True
        if not text.startswith("#"):
            return False
        if found := _REFERENCE.match(text):
            self._reference = (float(found[1]), float(found[2]))
        elif text.startswith(f"# {CALL_MARK}"):
            self.shows_losses |= LOSSES_SHOWN in text.split()
        elif found := _FACT.match(text):
            if found[1] == "event":
                event = read_recorded(found[2])
                if event:
                    self.events.setdefault(event.name, event)
            else:
                self.facts.setdefault(found[1], found[2])
        return True

    def _take_losses(self, text: str) -> bool:
        if found := _LOST_SAMPLES.search(text):
            self.lost_samples = round(int(found[1]) * min(float(found[2]), 100) / 100)
        elif found := _LOST_CHUNKS.search(text):
            self.lost_chunks = int(found[1])
        return found is not None

    def machine(self) -> Machine:
        """The computer, as far as it is told."""
        release = self.facts.get("os release", "")
        cores = self.facts.get("nrcpus online", "")
        return Machine(
            hostname=self.facts.get("hostname", ""),
            os=f"Linux {release}" if release else "",
            cpu=self.facts.get("cpudesc", ""),
            cores=int(cores) if re.fullmatch(r"[0-9]{1,6}", cores) else 0,
        )

    def utc(self, time_ns: int) -> datetime | None:
        """The moment of a time of the samples' clock; None where nothing proves it."""
        if self._reference is None:
            return None
        of_day, of_clock = self._reference
        try:
            return datetime.fromtimestamp(of_day, UTC) + timedelta(seconds=time_ns / 1e9 - of_clock)
        except (OverflowError, ValueError, OSError):
            return None
