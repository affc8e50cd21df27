"""Reports as what templates write: sections of lines, caveats and tables, all texts printable, all classes known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from perfdb.report.blocks import LEFT_ALIGNED, Block, Column, Table
from perfdb.report.call_paths import BETWEEN, CallPath
from perfdb.report.cells import MISSING, cell, printable

CAPTIONS = {
    "example": "Programs",
    "module": "Modules",
    "function": "Functions",
    "metric": "Metrics",
    "benchmark": "Benchmarks",
    "path": "Call paths",
    "part": "Parts of the program",
    "symbol_file": "Symbol files",
}
"""What a table is called, by the key of its first column; others are called as that column is."""
VERDICTS = ("regressed", "improved", "equal", "new", "vanished", "not comparable")
_DIRECTED = ("delta_ms", "change")
_SHORT = 48
"""Longer names are told once more as a tooltip, for they are wrapped, and cut after a few lines."""
_SUMS = ("total", "program")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; `classes` are its cells' too."""

    text: str
    classes: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as text; `title` is all of a name that is cut, '' where nothing is."""

    text: str
    classes: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row, the first of which names it; `classes` say what was found, and whether it is a sum."""

    cells: tuple[Cell, ...]
    classes: str


@dataclass(frozen=True, slots=True)
class TableView:
    """A table under its caption."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A block without its heading; `verdict` is the class of its first line where that is a verdict, else ''."""

    lines: tuple[str, ...]
    caveats: tuple[str, ...]
    table: TableView | None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading. `anchor` is its id on the page."""

    heading: str
    level: int
    parts: tuple[Part, ...] = field(default=())
    anchor: str = ""


def sections(blocks: Iterable[Block]) -> list[Section]:
    """The blocks by heading: those without one belong to the last that has."""
    found: list[Section] = []
    for block in blocks:
        if block.heading or not found:
            found.append(Section(printable(block.heading), block.level))
        if block.lines or block.caveats or block.table:
            found[-1] = replace(found[-1], parts=(*found[-1].parts, part(block)))
    return found


def part(block: Block) -> Part:
    """One block."""
    lines = tuple(printable(line) for line in block.lines)
    caveats = tuple(printable(caveat) for caveat in block.caveats)
    return Part(lines, caveats, None if block.table is None else table_view(block.table), _line_verdict(lines))


def _line_verdict(lines: Sequence[str]) -> str:
    """The class of a verdict that a line begins with; `~` is the open one."""
    first = lines[0] if lines else ""
    if first.startswith("~ "):
        return "open"
    return next((verdict_class(each) for each in VERDICTS if first.startswith((f"{each} ", f"{each}:"))), "")


def verdict_class(text: str) -> str:
    """The class of a verdict as tables write it: `improved, small` is `small`, `~ 4 more runs` is `open`."""
    if text.startswith("~"):
        return "open"
    if text.endswith(", small"):
        return "small"
    return text.replace(" ", "-") if text in VERDICTS else ""


def table_view(table: Table, caption: str = "") -> TableView:
    """A table; its caption follows from what its rows are, unless one is given."""
    first = table.columns[0] if table.columns else Column("", "")
    heads = tuple(Head(printable(column.title), _kind_class(column)) for column in table.columns)
    return TableView(
        caption or CAPTIONS.get(first.key, printable(first.title).capitalize()),
        heads,
        tuple(_row(row, table.columns) for row in table.rows),
    )


def _row(values: Sequence[Any], columns: Sequence[Column]) -> Row:
    cells = tuple(_cell(value, column) for value, column in zip(values, columns, strict=True))
    name = cells[0].text if cells else ""
    classes = ["sum" if name in _SUMS else "rest" if name.startswith("(") else ""]
    classes += [f"is-{each.classes.split()[-1]}" for each in cells if "badge" in each.classes.split()]
    return Row(cells, " ".join(filter(None, classes)))


def _cell(value: Any, column: Column) -> Cell:
    text, classes = cell(value, column.kind), _kind_class(column)
    if column.kind in _DIRECTED and text != MISSING and text[:1] in ("+", "-"):
        classes += " slower" if text.startswith("+") else " faster"
    if column.key == "verdict" and (verdict := verdict_class(text)):
        classes += f" badge {verdict}"
    if column.kind == "effect":  # which breaks before its interval alone, where a line is short
        return Cell(text.replace(" %", "\N{NO-BREAK SPACE}%").replace(", ", ",\N{NO-BREAK SPACE}"), classes)
    if column.kind not in LEFT_ALIGNED:
        return Cell(text, classes)
    whole = printable(BETWEEN.join(map(str, value.frames))) if isinstance(value, CallPath) else text
    return Cell(text, classes, whole if len(text) > _SHORT or whole != text else "")


def _kind_class(column: Column) -> str:
    if column.key == "verdict":
        return "verdict"
    kind = "name" if column.kind in LEFT_ALIGNED else "number effect" if column.kind == "effect" else "number"
    return f"{kind} wide" if column.gives_way else kind
