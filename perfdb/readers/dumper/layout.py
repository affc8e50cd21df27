"""Which columns the rows have: by the header block of the file, never by position.

    BeginHeader
                P-Start,  TimeStamp,     Process Name ( PID),  ParentPID, …
    …
    EndHeader
    OS Version: 10.0.19043, Trace Size: 20736KB, Events Lost: 0, Buffers lost: 0, Trace Start: 132675686690347142, …

xperf has added columns over the years, and may print more fields than the header names. A file whose header somebody
filtered away is read by the columns that the events have always had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfdb.errors import TraceError
from perfdb.readers.text import decode

SAMPLE, STACK = "SampledProfile", "Stack"
TIME, PROCESS, THREAD, NEW_THREAD = "TimeStamp", "Process Name ( PID)", "ThreadID", "New TID"
START_ROUTINE, SYMBOL = "ThreadStartImage!Function", "Image!Function"

_USUAL: Mapping[str, tuple[str, ...]] = {
    SAMPLE: (
        SAMPLE, TIME, PROCESS, THREAD, "PrgrmCtr", "CPU", START_ROUTINE, SYMBOL, "Count", "SampledProfile type",
    ),
    STACK: (STACK, TIME, THREAD, "No.", "Address", SYMBOL),
    "I-Start": (
        "I-Start", TIME, PROCESS, "BaseAddr", "EndAddr", "Checksum", "TimeDateStamp", "DefaultBase", "FileName",
    ),
    "P-Start": ("P-Start", TIME, PROCESS, "ParentPID"),
    "T-Start": ("T-Start", TIME, PROCESS, THREAD),
    "CSwitch": ("CSwitch", TIME, "New Process Name ( PID)", NEW_THREAD),
    "ProfileFreq-DCStart": ("ProfileFreq-DCStart", TIME, PROCESS, THREAD, "Source", "New Interval", "Old Interval"),
}  # fmt: skip
"""The columns that these events have in every version that is known."""

_SAME_AS = {
    "I-Start": ("I-End", "I-DCStart", "I-DCEnd"),
    "P-Start": ("P-End", "P-DCStart", "P-DCEnd"),
    "T-Start": ("T-End", "T-DCStart", "T-DCEnd"),
    "ProfileFreq-DCStart": ("ProfileFreq-SetInterval", "ProfileFreq-DCEnd"),
}

RUNDOWN = tuple(name for first, others in _SAME_AS.items() for name in (first, *others))
"""The events that tell of processes, images, threads and the sampling interval."""

MOST = 10**16
"""No number of a row has more digits than this."""

MARK, END_MARK = b"BeginHeader", b"EndHeader"
_INFO = re.compile(rb"^[ \t]*OS Version:[^\r\n]*", re.MULTILINE)
_KNOWN_ROW = re.compile(
    r"^\s*(SampledProfile|Stack|CSwitch|[PIT]-(?:DC)?(?:Start|End)),\s*\d+,\s", re.MULTILINE
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of every event: `columns[event]` are their names, the event's own first."""

    columns: Mapping[str, Sequence[str]]
    has_header: bool

    def of(self, event: str) -> Sequence[str]:
        """The columns of an event; as they have always been where the header does not name it."""
        usual = next((first for first, others in _SAME_AS.items() if event in others), event)
        return self.columns.get(event) or _USUAL.get(usual, ())

    def require(self, event: str, columns: Sequence[str], source_name: str) -> None:
        """Raise TraceError where the header does not name a column without which the event cannot be read."""
        missing = [name for name in columns if name not in self.of(event)]
        if missing:
            raise TraceError(
                f"{source_name}: asked for the rows of {event}, found a header that names no column "
                f"{', '.join(missing)} for them. Is the file damaged? Dump the trace again."
            )


@dataclass(frozen=True, slots=True)
class TraceInfo:
    """What the line after the header tells; 0 and "" where it does not. `start` is a FILETIME, `length_s` whole
    seconds.
    """

    is_there: bool = False
    os: str = ""
    events_lost: int = 0
    buffers_lost: int = 0
    start: int = 0
    length_s: int = 0
    pointer_size: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)


def looks_like_dump(text: str) -> bool:
    """Whether the beginning of a file is that of a dump: its header, or rows such as only a dump has."""
    return any(line.strip() == "BeginHeader" for line in text.splitlines()) or len(_KNOWN_ROW.findall(text)) >= 2


def read_layout(head: bytes) -> tuple[Layout, int]:
    """The columns that the header block tells, and where in `head` it ends; 0 where there is none."""
    begin = _line_of(head, MARK, 0)
    end = _line_of(head, END_MARK, max(begin, 0))
    if end < 0:
        return Layout({}, has_header=False), 0
    columns = {}
    # Without its first line the block still is one: everything before EndHeader.
    for line in head[max(begin, 0) : end].splitlines():
        names = [name.strip() for name in decode(line).split(",")]
        if len(names) > 1 and names[1] == TIME:
            columns[names[0]] = tuple(names)
    after = head.find(b"\n", end) + 1
    return Layout(columns, has_header=True), after or len(head)


def _line_of(head: bytes, mark: bytes, start: int) -> int:
    """Where the line begins that is `mark` and nothing else; -1 where none is."""
    found = re.compile(rb"^[ \t]*" + mark + rb"[ \t]*\r?$", re.MULTILINE).search(head, start)
    return found.start() if found else -1


def read_info(head: bytes) -> TraceInfo:
    """The line of facts on the trace, which stands near the beginning."""
    found = _INFO.search(head)
    if not found:
        return TraceInfo()
    # The trace's name comes last and may hold commas of its own.
    told, _, name = decode(found[0]).strip().partition(", Trace Name:")
    texts = {"trace name": name.strip()}
    for part in told.split(","):
        key, _, value = part.partition(":")
        texts[key.strip().lower()] = value.strip()
    return TraceInfo(
        is_there=True,
        os=texts.get("os version", ""),
        events_lost=_number(texts.get("events lost", "")),
        buffers_lost=_number(texts.get("buffers lost", "")),
        start=_number(texts.get("trace start", "")),
        length_s=_number(texts.get("trace length", "")),
        pointer_size=_number(texts.get("pointersize", "")),
        texts=texts,
    )


def _number(text: str) -> int:
    digits = re.match(r"\d{1,18}", text)
    return int(digits[0]) if digits else 0
