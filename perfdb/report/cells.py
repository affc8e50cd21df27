"""Single values as text for people."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from perfdb.report.blocks import Kind

MISSING = "-"
TINY_CHANGE = 0.0005
"""Changes below this would print as 0.0 %: they are printed as `<0.1 %` so that they cannot be taken for none."""
NO_DECIMALS = 1000
"""Percents from here on are printed without decimals: nobody asks whether it was 1,250.3 times or 1,250.4."""


def cell(value: Any, kind: Kind) -> str:
    """One value of a table, printable: control characters are shown, never obeyed."""
    if value is None:
        return "" if kind == "effect" else MISSING
    written = _WRITTEN.get(kind)
    return written(value) if written else printable(_number(value) if isinstance(value, float) else str(value))


def _number(value: float) -> str:
    """Six digits, but never fewer than the whole part has: 0.272282, 1023.5, 1234567.8."""
    return f"{value:.6g}" if abs(value) < 1e6 or not math.isfinite(value) else f"{value:.1f}"


def _delta(value: float) -> str:
    return f"{value:+,.1f}" if round(value, 1) else "0.0"


def _change(value: float) -> str:
    if value == 0:
        return "0.0 %"
    if abs(value) < TINY_CHANGE:
        return f"{'+' if value > 0 else '-'}<0.1 %"
    return f"{signed_percent(value)} %"


def signed_percent(fraction: float) -> str:
    """The percent of a fraction with its sign, without the unit: `-3.4`, `+1,250`, `0.0`."""
    percent = fraction * 100
    if abs(percent) >= NO_DECIMALS:
        return f"{percent:+,.0f}"
    return f"{percent:+.1f}" if round(percent, 1) else "0.0"


def effect_text(effect: float | None, low: float | None, high: float | None) -> str:
    """`-26.8 % [-29.1, -24.0]`; a bound that is not known is left open, what is not known at all is left out."""
    told = [] if effect is None else [_change(effect)]
    if low is not None or high is not None:
        bounds = ("…" if bound is None else signed_percent(bound) for bound in (low, high))
        told.append(f"[{', '.join(bounds)}]")
    return " ".join(told)


def moment(value: datetime) -> str:
    """A time in UTC, to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if value.tzinfo else value.strftime("%Y-%m-%d %H:%M")


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "count": lambda value: f"{value:,}",
    "ms": lambda value: f"{value:,.1f}",
    "delta_ms": _delta,
    "share": lambda value: f"{value:.1%}".replace("%", " %"),
    "change": _change,
    "effect": lambda value: effect_text(*value),
    "time": moment,
}


def printable(text: str) -> str:
    """The text with control and bidirectional characters replaced by their escapes.

    Names come from files of strangers.
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the middle left out: both ends of a C++ name matter, and the last one more."""
    if len(text) <= width or width < 5:
        return text
    head = (width - 1) * 2 // 5
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
