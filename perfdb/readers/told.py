"""What xperf's summaries share: how they write numbers and process names, and what all of them leave untold."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from perfdb.profile.columns import LOSSES_NOT_TOLD, Caveat, Process
from perfdb.readers.files import ReadOptions
from perfdb.units import NS_PER_MS

ASSUMED_INTERVAL_NS = NS_PER_MS
"""What Windows samples at unless told otherwise."""

GROUPING = ",'\u2019\u00a0\u202f"
"""What may stand between groups of three digits. Not the dot: it would make `1.234` a thousand times too large."""

NUMBER = rf"[0-9]{{1,3}}(?:[{GROUPING}][0-9]{{3}}){{1,4}}(?![0-9])|[0-9]{{1,15}}(?![0-9])"
"""A count as a regular expression. More than 15 digits is no count that a trace can have."""

_NUMBER = re.compile(NUMBER)
_UNGROUP = str.maketrans("", "", GROUPING)


def number(text: str) -> int | None:
    """A count, with or without thousands separators; None where the text is none."""
    text = text.strip()
    if text.isdecimal() and text.isascii() and len(text) <= 15:
        return int(text)
    return int(text.translate(_UNGROUP)) if _NUMBER.fullmatch(text) else None


def interval(options: ReadOptions, untold: str) -> tuple[int, tuple[Caveat, ...]]:
    """The sampling interval in ns: the one that the user gives, else 1 ms and a caveat that begins with `untold`."""
    if options.interval_ns:
        return options.interval_ns, ()
    return ASSUMED_INTERVAL_NS, (Caveat("no-interval", f"{untold}: 1 ms is assumed"),)


def losses_not_told() -> Caveat:
    """What to say of a format that is silent about lost events."""
    return Caveat(LOSSES_NOT_TOLD, "the file does not say whether events were lost while recording")


def process_name(text: str) -> str:
    """The name of a process as a report writes it: without its folder, and without the quotes around "Unknown"."""
    name = text.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1].strip()
    return re.split(r"[\\/]", name)[-1]


@dataclass
class Processes:
    """Processes as a file lists them; those that bear one pid are its incarnations, in turn."""

    rows: list[Process] = field(default_factory=list)
    _bearers: Counter[int] = field(default_factory=Counter)

    def add(self, pid: int, name: str, samples: int | None = None) -> int:
        """Put a process behind those that are there, and give its row."""
        self.rows.append(Process(pid, name, incarnation=self._bearers[pid], samples=samples))
        self._bearers[pid] += 1
        return len(self.rows) - 1
