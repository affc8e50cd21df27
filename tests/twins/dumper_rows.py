"""What rows of a dump look like: the columns of each event, as regular expressions, and the symbols in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_RUN = "TimeStamp, Process Name ( PID), ThreadID"
_PROCESS = "TimeStamp, Process Name ( PID), ParentPID, SessionID, UniqueKey, "
_IMAGE = "TimeStamp, Process Name ( PID), BaseAddr, EndAddr, Checksum, TimeDateStamp, DefaultBase, FileName"
_DEFAULTS = {
    "SampledProfile": f"{_RUN}, PrgrmCtr, CPU, ThreadStartImage!Function, Image!Function, Count, SampledProfile type",
    "SampledProfileNmi": f"{_RUN}, PrgrmCtr, CPU, ThreadStartImage!Function, Image!Function, Interrupts Masked",
    "Stack": "TimeStamp, ThreadID, No., Address, Image!Function",
    "CSwitch": "TimeStamp, New Process Name ( PID), New TID",
    **dict.fromkeys(("ReadyThread", "SysCallEnter", "SysCallExit"), _RUN),
    **dict.fromkeys(("T-Start", "T-End", "T-DCStart", "T-DCEnd"), _RUN),
    **dict.fromkeys(("P-Start", "P-DCStart", "P-DCEnd"), _PROCESS + "DirectoryTableBase, Flags, UserSid, Command Line"),
    "P-End": _PROCESS + "Status, DirectoryTableBase, Flags, UserSid, Command Line",
    **dict.fromkeys(("I-Start", "I-End", "I-DCStart", "I-DCEnd"), _IMAGE),
    **dict.fromkeys(
        ("ProfileFreq-SetInterval", "ProfileFreq-DCStart", "ProfileFreq-DCEnd"),
        f"{_RUN}, Source, New Interval, Old Interval",
    ),
}
DEFAULTS = {event: columns.split(", ") for event, columns in _DEFAULTS.items()}

_PROCESS_FIELD = r"\s*(?P<name>.*?)\s*\(\s*(?P<pid>-?\d+)\s*\)\s*"
_PATTERNS = {
    "timestamp": r"\s*(?P<time>-?\d+)\s*",
    "processname(pid)": _PROCESS_FIELD,
    "newprocessname(pid)": _PROCESS_FIELD,
    "threadid": r"\s*(?P<tid>-?\d+)\s*",
    "newtid": r"\s*(?P<tid>-?\d+)\s*",
    "no.": r"\s*(?P<no>\d+)\s*",
    "address": r"\s*(?P<address>0x[0-9a-fA-F]+)\s*",
    "prgrmctr": r"\s*(?P<address>0x[0-9a-fA-F]+)\s*",
    "cpu": r"\s*(?P<cpu>\d+)\s*",
    "image!function": r"(?P<symbol>.*)",
    "count": r"\s*(?P<count>\d+)\s*",
    "parentpid": r"\s*(?P<parent>-?\d+)\s*",
    "commandline": r"(?P<command>.*)",
    "baseaddr": r"\s*(?P<base>0x[0-9a-fA-F]+)\s*",
    "endaddr": r"\s*(?P<end>0x[0-9a-fA-F]+)\s*",
    "filename": r'\s*(?:"(?P<file>[^"]*)"|(?P<bare>[^,"]*))\s*',
    "source": r"\s*(?P<source>[^,]*?)\s*",
    "newinterval": r"\s*(?P<interval>\d+)\s*",
}
_LEAF = re.compile(r",\s+(?=[^\s,!][^,!]*!)")
_HEX = re.compile(r"0x[0-9a-fA-F]+$")
_UNKNOWN = ("", "?", "n/a", '"unknown"', "***unknown***")


def plain(text: str) -> str:
    """A name whose bytes were no UTF-8, read as what they then are."""
    if text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def split_frame(text: str) -> tuple[str | None, str | None]:
    """Module in lower case and function of a frame; None for what is not known."""
    module, _, function = plain(text).strip().partition("!")
    module, function = module.strip(), function.strip()
    known = function.lower() not in _UNKNOWN and not _HEX.match(function)
    in_module = module.lower() not in _UNKNOWN and (known or module != "Unknown")
    return module.lower() if in_module else None, function if known else None


def split_leaf(text: str) -> str:
    """The second of `start!function, leaf!function`, in which functions may hold commas."""
    cuts = list(_LEAF.finditer(text))
    for cut in cuts:
        head = text[: cut.start()]
        if all(head.count(left) == head.count(right) for left, right in ("<>", "()", "[]", "{}")):
            return text[cut.end() :]
    return text[cuts[0].end() :] if cuts else text.rpartition(",")[2]


def row_pattern(columns: Sequence[str], *, more: bool = False) -> re.Pattern[str]:
    """What a row with these columns looks like, after the event's name; with `more`, fields may follow."""
    parts: list[str] = []
    names = ["".join(column.split()).lower() for column in columns]
    for name in names:
        # Both symbols of a sample may hold commas, so they are taken as one text and parted afterwards.
        if name != "threadstartimage!function" or "image!function" not in names:
            parts.append(_PATTERNS.get(name, "[^,]*"))
    return re.compile(",".join(parts) + (r"(?:,.*)?$" if more else "$"))
