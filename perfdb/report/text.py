"""Reports as plain text for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from perfdb.report.blocks import LEFT_ALIGNED, Block, Column, Report, Table
from perfdb.report.cells import MISSING, printable
from perfdb.report.fitting import Laid, fit_table, lay_out
from perfdb.report.widths import HANGING, shorten_apart, width_of, wrapped

LEAST_WIDTH = 20
"""Narrower terminals get lines of that length."""
MOST_LINES = 4
"""A name in a record takes so many lines at most."""
_WIDER = "a wider terminal shows all"
_DIRECTED = ("delta_ms", "change")
"""Kinds of columns that are coloured: more is slower."""
_SLOWER, _QUICKER, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"
_VERDICTS = {"regressed": _SLOWER, "improved": _QUICKER}
_VERDICT_LINE = re.compile(r"(regressed|improved)(?= [+-])")


def render_text(
    report: Report, width: int | None = None, color: bool = False, more: str = "", shortens: bool = True
) -> str:
    """The whole report, no line wider than `width` columns; None for no limit.

    Names are shortened and columns left out to that end, and a last line says which. `more` is how to see them, and the
    rows that tables were cut by, where there is such a way. With `shortens` False nothing is left out: a table that is
    too wide is written record by record. With `color`, what became slower is red and what became quicker green, sure or
    not: the sign and the word say the same.
    """
    width = None if width is None else max(width, LEAST_WIDTH)
    left_out: dict[str, None] = {}
    pieces = [piece for piece in (_block(block, width, color, shortens, left_out) for block in report.blocks) if piece]
    if more:
        left_out.update((block.table.left_out, None) for block in report.blocks if block.table and block.table.left_out)
    if left_out and width is not None:
        pieces.append("\n".join(wrapped(f"not shown: {', '.join(left_out)} ({more or _WIDER})", width)))
    return "\n\n".join(pieces) + "\n"


def _block(block: Block, width: int | None, color: bool, shortens: bool, left_out: dict[str, None]) -> str:
    told = [printable(line) for line in (block.heading, *block.lines) if line]
    told += [printable(f"! {caveat}") for caveat in block.caveats]
    lines = [line for each in told for line in _line(each, width, color)]
    if block.table is not None:
        text, missing = _table(block.table, width, color, shortens)
        left_out.update(dict.fromkeys(missing))
        lines.append(text)
    return "\n".join(lines)


def _line(text: str, width: int | None, color: bool) -> Iterator[str]:
    for line in [text] if width is None else wrapped(text, width):
        yield _VERDICT_LINE.sub(_verdict, line, 1) if color and _VERDICT_LINE.match(line) else line


def _verdict(found: re.Match[str]) -> str:
    return f"{_VERDICTS[found[0]]}{found[0]}{_PLAIN}"


def table_text(table: Table, width: int | None, color: bool = False) -> str:
    """One table with a rule under its header, numbers on the right, names on the left; records where that is too wide.

    No line is wider than `width` columns; None for no limit.
    """
    return _table(table, width, color, shortens=True)[0]


def _table(table: Table, width: int | None, color: bool, shortens: bool) -> tuple[str, tuple[str, ...]]:
    """The text, and the titles of columns that found no room."""
    whole = lay_out(table)
    if width is None or (not shortens and max(map(width_of, _tabulated(whole, False).split("\n"))) <= width):
        return _tabulated(whole, color), ()
    laid = fit_table(table, width) if shortens else None
    if laid is None:
        return "\n".join(_records(whole, width, color, shortens)), ()
    return _tabulated(laid, color), laid.left_out


def _tabulated(laid: Laid, color: bool) -> str:
    import tabulate

    # The library pads headers by two columns more than cells; terminals are too narrow for that.
    tabulate.MIN_PADDING = 0
    cells: Sequence[Sequence[str]] = laid.cells
    if color:
        cells = [[_coloured(text, column) for text, column in zip(row, laid.columns, strict=True)] for row in cells]
    alignment = ["left" if column.kind in LEFT_ALIGNED else "right" for column in laid.columns]
    text = tabulate.tabulate(
        cells, laid.titles, tablefmt="simple", colalign=alignment if cells else None, disable_numparse=True
    )
    return "\n".join(line.rstrip() for line in text.splitlines())


def _records(laid: Laid, width: int, color: bool, shortens: bool) -> Iterator[str]:
    """Each row below the one before: its name, and the other cells after their titles."""
    if not laid.cells:
        yield from wrapped("  ".join(laid.titles), width)
    names = [row[0] for row in laid.cells]
    short = shorten_apart(names, width * MOST_LINES) if shortens else {name: name for name in names}
    for row in laid.cells:
        yield from wrapped(short[row[0]], width)
        line, used = "", 0
        for title, text, column in list(zip(laid.titles, row, laid.columns, strict=True))[1:]:
            if not text:
                continue
            told = f"{title}: {text}"
            size = width_of(told)
            if used and used + len(HANGING) + size > width:
                yield line
                line, used = "", 0
            if len(HANGING) + size > width:
                yield from wrapped(f"{HANGING}{told}", width)
            else:
                line += f"{HANGING}{title}: {_coloured(text, column) if color else text}"
                used += len(HANGING) + size
        if line:
            yield line


def _coloured(text: str, column: Column) -> str:
    if column.key == "verdict":
        return re.sub(r"^(regressed|improved)\b", _verdict, text)
    if column.kind not in _DIRECTED or text == MISSING or text[:1] not in ("+", "-"):
        return text
    return f"{_SLOWER if text.startswith('+') else _QUICKER}{text}{_PLAIN}"
