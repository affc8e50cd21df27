"""Single values as text for people."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from perfdb.report.blocks import Kind, Table

MISSING = "-"
TINY_CHANGE = 0.0005
"""Changes below this would print as 0.0 %: they are printed as `<0.1 %` so that they cannot be taken for none."""
NO_DECIMALS = 1000
"""Percents from here on are printed without decimals in sentences: nobody asks whether it was 1,250.3 or 1,250.4."""
DIGITS, LEAST_DIGITS, MOST_DECIMALS = 6, 3, 9
"""Of figures that SQL gives, the greatest of a column has so many digits, and the least so many that count."""
MOST_MARKS = 4
"""So many accents may stand on a letter; more would be drawn over the lines around."""


def cell(value: Any, kind: Kind) -> str:
    """One value of a table, printable: control characters are shown, never obeyed."""
    if value is None:
        return "" if kind == "effect" else MISSING
    written = _WRITTEN.get(kind)
    return written(value) if written else printable(_number(value) if isinstance(value, float) else str(value))


def table_cells(table: Table) -> tuple[tuple[str, ...], ...]:
    """All cells of a table, row by row: the figures of a column have one unit and as many decimals."""
    columns = [_column([row[at] for row in table.rows], column.kind) for at, column in enumerate(table.columns)]
    return tuple(zip(*columns, strict=True)) if columns else ()


def _column(values: Sequence[Any], kind: Kind) -> list[str]:
    if kind == "value" and (decimals := _decimals(values)) is not None:
        return [f"{value:.{decimals}f}" if isinstance(value, float) else cell(value, kind) for value in values]
    if kind in ("change", "signed"):
        return [cell(value, kind) if value is None or abs(value) < 10 else f"{value * 100:+,.1f} %" for value in values]
    return [cell(value, kind) for value in values]


def _decimals(values: Sequence[Any]) -> int | None:
    """How many decimals show all floats of a column; None where no number of them does."""
    floats = [abs(value) for value in values if isinstance(value, float)]
    if not all(map(math.isfinite, floats)) or not any(floats):
        return None
    if all(value.is_integer() for value in floats):
        return 0
    greatest, least = (math.floor(math.log10(each)) for each in (max(floats), min(filter(None, floats))))
    decimals = max(0, DIGITS - 1 - greatest, LEAST_DIGITS - 1 - least)
    if decimals > MOST_DECIMALS:
        return None
    written = [f"{value:.{decimals}f}" for value in floats]
    return decimals - min(len(text) - len(text.rstrip("0")) for text in written) if decimals else 0


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
    "signed": _change,
    "effect": lambda value: effect_text(*value),
    "time": moment,
}


_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""What counts as printable and shows nothing: fillers and variation selectors, by which names differ unseen."""
_EMOJI_SELECTOR = "\ufe0f"


def printable(text: str) -> str:
    """The text with control, bidirectional and invisible characters replaced by their escapes.

    Names come from files of strangers. Accents stay on what they belong to, and so does the selector of emojis.
    """
    if text.isascii() and text.isprintable():
        return text
    written: list[str] = []
    marks, previous = MOST_MARKS, ""
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind[0] == "M" else 0
        is_selector = char == _EMOJI_SELECTOR and unicodedata.category(previous or " ") == "So"
        is_hidden = marks > MOST_MARKS or (_HIDDEN.match(char) is not None and not is_selector)
        written.append(char if char.isprintable() and not is_hidden else _escape(char))
        previous = char
    return "".join(written)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the middle left out: both ends of a C++ name matter, and the last one more."""
    if len(text) <= width or width < 5:
        return text
    head = (width - 1) * 2 // 5
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"
