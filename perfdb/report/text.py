"""Reports as plain text for a terminal."""

from __future__ import annotations

from dataclasses import replace

from perfdb.report.blocks import LEFT_ALIGNED, Block, Column, Report, Table
from perfdb.report.cells import MISSING, cell, printable, shorten

NARROWEST_NAME = 24
"""Columns of text are not shortened below this, however narrow the terminal."""
READABLE = {"text": 36, "path": 48}
"""Before names get shorter than this, columns that give way are left out."""

_WHOLE = ("debug_id",)
"""Columns that are copied out of tables: they are never shortened."""
_DIRECTED = ("delta_ms", "change")
"""Kinds of columns that are coloured: more is slower."""
_SLOWER, _QUICKER, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"
_GAP = 2


def render_text(report: Report, width: int | None = None, color: bool = False) -> str:
    """The whole report; names are shortened to fit `width` columns, None for no limit.

    With `color`, what became slower is red and what became quicker green, sure or not: the sign says the same.
    """
    pieces = [piece for piece in (_block(block, width, color) for block in report.blocks) if piece]
    return "\n\n".join(pieces) + "\n"


def _block(block: Block, width: int | None, color: bool) -> str:
    lines = [printable(line) for line in (block.heading, *block.lines) if line]
    lines += [printable(f"! {caveat}") for caveat in block.caveats]
    if block.table is not None:
        lines.append(table_text(block.table, width, color))
    return "\n".join(lines)


def table_text(table: Table, width: int | None, color: bool = False) -> str:
    """One table with a rule under its header; numbers on the right, names on the left."""
    import tabulate

    # The library pads headers by two columns more than cells; terminals are too narrow for that.
    tabulate.MIN_PADDING = 0
    if width is not None:
        table = _without_optional(table, width)
    cells = _cells(table)
    if width is not None:
        cells = _fit(cells, table, width)
    if color:
        cells = [[_coloured(text, column) for text, column in zip(row, table.columns, strict=True)] for row in cells]
    alignment = ["left" if column.kind in LEFT_ALIGNED else "right" for column in table.columns]
    text = tabulate.tabulate(
        cells,
        [printable(column.title) for column in table.columns],
        tablefmt="simple",
        colalign=alignment if cells else None,
        disable_numparse=True,
    )
    return "\n".join(line.rstrip() for line in text.splitlines())


def _cells(table: Table) -> list[list[str]]:
    return [[cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)] for row in table.rows]


def _coloured(text: str, column: Column) -> str:
    if column.kind not in _DIRECTED or text == MISSING or text[:1] not in ("+", "-"):
        return text
    return f"{_SLOWER if text.startswith('+') else _QUICKER}{text}{_PLAIN}"


def _sizes(cells: list[list[str]], table: Table) -> list[int]:
    return [max([len(column.title), *(len(row[at]) for row in cells)]) for at, column in enumerate(table.columns)]


def _without_optional(table: Table, width: int) -> Table:
    """Leave out columns that give way, as long as names would have to get shorter than is readable."""
    while True:
        sizes = _sizes(_cells(table), table)
        least = [min(size, READABLE.get(column.kind, size)) for size, column in zip(sizes, table.columns, strict=True)]
        first = max(range(len(table.columns)), key=lambda at: table.columns[at].gives_way)
        if not table.columns[first].gives_way or sum(least) + _GAP * (len(least) - 1) <= width:
            return table
        kept = [at for at in range(len(table.columns)) if at != first]
        rows = tuple(tuple(row[at] for at in kept) for row in table.rows)
        table = replace(table, columns=tuple(table.columns[at] for at in kept), rows=rows)


def _fit(cells: list[list[str]], table: Table, width: int) -> list[list[str]]:
    """Shorten columns of names, the widest first, until the table fits; names stay as long as keeps them apart.

    Labels in parentheses are no names but say what a line sums: they stay whole.
    """
    names = [at for at, column in enumerate(table.columns) if column.kind in READABLE and column.key not in _WHOLE]
    while names:
        sizes = _sizes(cells, table)
        excess = sum(sizes) + _GAP * (len(sizes) - 1) - width
        if excess <= 0:
            break
        widest = max(names, key=lambda at: sizes[at])
        names.remove(widest)
        limit = max(NARROWEST_NAME, len(table.columns[widest].title), sizes[widest] - excess)
        short = _shortened(cells, table, widest, limit)
        cells = [[*row[:widest], short[row[widest]], *row[widest + 1 :]] for row in cells]
    return cells


def _shortened(cells: list[list[str]], table: Table, at: int, limit: int) -> dict[str, str]:
    """Each text of the column at `at`, shortened to `limit`, or to the least limit above that keeps all apart."""
    values = {row[at]: raw[at] for row, raw in zip(cells, table.rows, strict=True)}
    longest = max(map(len, values))
    while limit < longest:
        short = {text: _shorter(text, value, table.columns[at], limit) for text, value in values.items()}
        if len(set(short.values())) == len(values):
            return short
        limit += max(8, limit // 4)
    return {text: text for text in values}


def _shorter(text: str, value: object, column: Column, limit: int) -> str:
    if text.startswith("("):
        return text
    shortened = getattr(value, "shortened", None) if column.kind == "path" else None
    return printable(shortened(limit)) if shortened else shorten(text, limit)
