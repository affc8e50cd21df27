"""Which example a trace shows, read off its file name.

A pattern is literal text with three placeholders, and is held against the whole file name without its suffixes:

    [example]    what is wanted: one character or more, of any kind
    [timestamp]  20240427_102030  20240427-1020  2024-04-27_10-20-30  2024-04-27(10-20-30)  20240427T102030Z
                 20240427  or seconds since 1970 in ten digits
    [pid]        a process id, digits

    dosatsu_profile_[example]_[timestamp]   dosatsu_profile_my_templates_20240427_102030.etl   →  my_templates
    [example][[pid]]-[timestamp]            notepad_exe[1234]-2024-04-27(10-20-30).etl         →  notepad_exe

Upper and lower case are the same, as in Windows file names. The project's own patterns are tried first, then
`DEFAULT_PATTERNS`, and a name that fits none is an example name itself. As `[example]` takes what it can, the
*last* timestamp of a name is the timestamp. Texts that were made from a trace are named after it:

    dosatsu_profile_simple_20240427_102030_butterfly.html                                    →  simple
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from functools import lru_cache

DEFAULT_PATTERNS = (
    "dosatsu_profile_[example]_[timestamp]",
    "[example][[pid]]-[timestamp]",  # what etwprof calls its traces
    "[example]_[timestamp]",
)
"""Patterns tried after the project's own, most particular first."""

ARCHIVE_SUFFIXES = (".zip", ".gz", ".xz", ".bz2", ".zst", ".7z")
RECORDED_SUFFIXES = (".etl", ".perf", ".data")
"""How traces are called that a profiler wrote; the others are texts made from them."""
TRACE_SUFFIXES = (*RECORDED_SUFFIXES, ".csv", ".txt", ".html", ".htm", ".xml", ".json", ".folded", ".collapsed")

MADE_FROM_A_TRACE = (
    "_summary", "_butterfly", "_detail", "_profile_detail", "_stacks", "_dumper", "_dump",
    ".summary", ".butterfly", ".detail", ".profile_detail", ".stacks", ".dumper", ".dump",
)  # fmt: skip
"""How the names of texts end that were made from a trace and named after it."""

NAME_BYTES = 100
"""What a name may take of a file name, which holds two of them, a timestamp and suffixes, in 255 bytes."""
_UNSAFE = frozenset('<>:"/\\|?*[]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?![^ .])", re.IGNORECASE)
"""What Windows takes for a device, with whatever suffix:
learn.microsoft.com/windows/win32/fileio/naming-a-file"""

_DATE = r"(?:19|20)[0-9]{2}(?P<dash>-?)(?:0[1-9]|1[0-2])(?P=dash)(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3])[-_.]?[0-5][0-9](?:[-_.]?[0-5][0-9])?Z?"
_UNIX_SECONDS = r"[12][0-9]{9}"  # 2001 to 2065
_PLACEHOLDERS = {
    "[example]": r"(?P<example>.+)",
    "[timestamp]": rf"(?:{_DATE}(?:[-_T ]?{_TIME}|\({_TIME}\))?|{_UNIX_SECONDS})",
    "[pid]": r"[0-9]+",
}


def example_name(file_name: str, patterns: Sequence[str]) -> str:
    """The example that a trace of this name shows.

    `file_name` is the last part of a path; `patterns` are tried in their order, then `DEFAULT_PATTERNS`, and when none
    fits the answer is the name without its suffixes. Raises ValueError for a pattern that `pattern_problem` objects to.
    """
    stem = trace_stem(file_name)
    for pattern in (*patterns, *DEFAULT_PATTERNS):
        match = _expression(pattern).fullmatch(stem)
        if match and (name := match["example"].strip()):
            return name
    return stem


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern, as the end of the sentence "the pattern …"; None when it can be used."""
    for bracketed in re.findall(r"\[[^][]*\]", pattern):
        if bracketed in _PLACEHOLDERS:
            if pattern.count(bracketed) > 1:
                return f"holds {bracketed} more than once"
        elif near := difflib.get_close_matches(bracketed, _PLACEHOLDERS, n=1, cutoff=0.75):
            return f"holds {bracketed}; did you mean {near[0]}?"
    if "[example]" not in pattern:
        return "does not hold [example], the part of the file name that is wanted"
    return None


@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str]:
    if problem := pattern_problem(pattern):
        raise ValueError(f"the pattern {pattern!r} {problem}")
    pieces = re.split(f"({'|'.join(map(re.escape, _PLACEHOLDERS))})", pattern)
    expression = "".join(_PLACEHOLDERS.get(piece, re.escape(piece)) for piece in pieces)
    return re.compile(expression, re.IGNORECASE | re.DOTALL)


def safe_name(text: str) -> str:
    """A name as it stands in file names, on every system: the same again for what it has given.

    What a system gives a meaning to becomes `-`, and so do brackets, which patterns read; dots and blanks at the ends
    go, as do bytes of UTF-8 beyond `NAME_BYTES`. Nothing at all is `unnamed`.
    """
    safe = "".join("-" if char in _UNSAFE or not char.isprintable() else char for char in text).strip(". ")
    if device := _DEVICE.match(safe):
        safe = f"{device[0]}-{safe[device.end() :]}"
    return safe.encode()[:NAME_BYTES].decode(errors="ignore").rstrip(". ") or "unnamed"


def trace_stem(file_name: str) -> str:
    """The name of a trace without its suffixes, and of a text the name of the trace that it was made from.

    Names of examples may hold dots of their own, so one archive suffix and one trace suffix are taken away, no more.
    """
    stem, _ = _without(file_name, ARCHIVE_SUFFIXES)
    stem, suffix = _without(stem, TRACE_SUFFIXES)
    return stem if suffix in ("", *RECORDED_SUFFIXES) else _without(stem, MADE_FROM_A_TRACE)[0]


def _without(name: str, endings: Sequence[str]) -> tuple[str, str]:
    """The name without the longest of the endings that it has, and that ending."""
    found = [ending for ending in endings if name.lower().endswith(ending) and len(name) > len(ending)]
    ending = max(found, key=len, default="")
    return name[: len(name) - len(ending)], ending
