"""Reports as plain text for a terminal."""

from __future__ import annotations

from perfdb.report.blocks import LEFT_ALIGNED, Block, Report, Table
from perfdb.report.cells import cell, shorten

NARROWEST_NAME = 24
"""Columns of text are not shortened below this, however narrow the terminal."""

_WHOLE = ("debug_id",)
"""Columns that are copied out of tables: they are never shortened."""


def render_text(report: Report, width: int | None = None) -> str:
    """The whole report; names are shortened to fit `width` columns, None for no limit."""
    pieces = [piece for piece in (_block(block, width) for block in report.blocks) if piece]
    return "\n\n".join(pieces) + "\n"


def _block(block: Block, width: int | None) -> str:
    lines: list[str] = []
    if block.heading:
        lines.append(block.heading)
    lines += block.lines
    lines += [f"! {caveat}" for caveat in block.caveats]
    if block.table is not None:
        lines.append(table_text(block.table, width))
    return "\n".join(lines)


def table_text(table: Table, width: int | None) -> str:
    """One table with a rule under its header; numbers on the right, names on the left."""
    import tabulate

    # The library pads headers by two columns more than cells; terminals are too narrow for that.
    tabulate.MIN_PADDING = 0
    cells = [[cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)] for row in table.rows]
    headers = [column.title for column in table.columns]
    if width is not None:
        cells = _fit(cells, headers, table, width)
    alignment = ["left" if column.kind in LEFT_ALIGNED else "right" for column in table.columns]
    text = tabulate.tabulate(
        cells, headers, tablefmt="simple", colalign=alignment if cells else None, disable_numparse=True
    )
    return "\n".join(line.rstrip() for line in text.splitlines())


def _fit(cells: list[list[str]], headers: list[str], table: Table, width: int) -> list[list[str]]:
    """Shorten columns of names, the widest first, until the table fits; where two names would be alike, leave them.

    Labels in parentheses are no names but say what a line sums: they stay whole.
    """
    texts = [place for place, column in enumerate(table.columns) if column.kind == "text" and column.key not in _WHOLE]
    for _ in texts:
        sizes = [max([len(header)] + [len(row[place]) for row in cells]) for place, header in enumerate(headers)]
        excess = sum(sizes) + 2 * (len(sizes) - 1) - width
        if excess <= 0 or not texts:
            break
        widest = max(texts, key=lambda place: sizes[place])
        texts = [place for place in texts if place != widest]
        limit = max(NARROWEST_NAME, len(headers[widest]), sizes[widest] - excess)
        names = {row[widest] for row in cells}
        short = {name: name if name.startswith("(") else shorten(name, limit) for name in names}
        if len(set(short.values())) == len(names):
            cells = [[*row[:widest], short[row[widest]], *row[widest + 1 :]] for row in cells]
    return cells
