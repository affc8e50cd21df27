"""What a report is made of: tables of raw values with typed columns, and sentences around them.

Values stay raw (ms, fractions, datetimes) until a format writes them, so that JSON and CSV give figures to compute
with and text gives figures to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FORMATS = ("table", "markdown", "csv", "json")

Kind = Literal[
    "text", "path", "count", "ms", "delta_ms", "share", "change", "signed", "effect", "time", "value", "figure"
]
"""How a column is written.

`share` and `change` are fractions, printed as percent; `change` and `delta_ms` bear a sign, and where they stand for a
cost, more is slower. A `signed` one is a change of which more may as well be better. A `figure` is a number with its
unit as text. An `effect` is a fraction with the two that bound it, a `path` a `CallPath`.
"""

LEFT_ALIGNED = ("text", "path", "time")


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names the column for programs, `title` for people.

    Where a terminal is too narrow, columns whose `gives_way` is more than 0 are left out, the greatest first: the
    others tell what they say.
    """

    key: str
    title: str
    kind: Kind = "text"
    gives_way: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of raw values, one a column; None is a value that does not exist.

    `left_out` says what the table has no rows for because it was cut: "more functions".
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    left_out: str = ""

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by key."""
        keys: list[str] = []
        for column in self.columns:  # SQL may name two columns alike; an object cannot
            key, number = column.key, 1
            while key in keys:
                key, number = f"{column.key}_{number}", number + 1
            keys.append(key)
        return [dict(zip(keys, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a report: a heading of level 1 or 2, lines of text, caveats and a table; any may be missing."""

    heading: str = ""
    level: int = 2
    lines: tuple[str, ...] = ()
    table: Table | None = None
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """`blocks` for people, `flat` as the one table that CSV can hold, `data` for JSON."""

    blocks: tuple[Block, ...]
    flat: Table
    data: Any = field(default=None)
