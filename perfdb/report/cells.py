"""Single values as text for people."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from perfdb.report.blocks import Kind

MISSING = "-"
TINY_CHANGE = 0.0005
"""Changes below this would print as 0.0 %: they are printed as `<0.1 %` so that they cannot be taken for none."""


def cell(value: Any, kind: Kind) -> str:
    """One value of a table, printable: control characters are shown, never obeyed."""
    if value is None:
        return MISSING
    if kind == "count":
        return f"{value:,}"
    if kind == "ms":
        return f"{value:,.1f}"
    if kind == "delta_ms":
        return f"{value:+,.1f}" if round(value, 1) else "0.0"
    if kind == "share":
        return f"{value:.1%}".replace("%", " %")
    if kind == "change":
        return _change(value)
    if kind == "time":
        return moment(value)
    return printable(_number(value) if isinstance(value, float) else str(value))


def _number(value: float) -> str:
    """Six digits, but never fewer than the whole part has: 0.272282, 1023.5, 1234567.8."""
    return f"{value:.6g}" if abs(value) < 1e6 or not math.isfinite(value) else f"{value:.1f}"


def _change(value: float) -> str:
    if value == 0:
        return "0.0 %"
    if abs(value) < TINY_CHANGE:
        return f"{'+' if value > 0 else '-'}<0.1 %"
    return f"{value:+,.1%}".replace("%", " %")


def moment(value: datetime) -> str:
    """A time in UTC, to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if value.tzinfo else value.strftime("%Y-%m-%d %H:%M")


def printable(text: str) -> str:
    """The text with control and bidirectional characters replaced by their escapes.

    Names come from files of strangers.
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the middle left out: both ends of a C++ name matter."""
    if len(text) <= width or width < 5:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
