"""Reports as Markdown that renders the same in GitHub and GitLab."""

from __future__ import annotations

import re

from perfdb.report.blocks import LEFT_ALIGNED, Block, Report, Table
from perfdb.report.cells import cell, printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render_markdown(report: Report) -> str:
    """The whole report. What stands in names is text, never markup."""
    return "\n\n".join(_block(block) for block in report.blocks if _block(block)) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, also inside a table."""
    return _SPECIAL.sub(r"\\\1", text).replace("&", "&amp;").replace("\n", " ")


def _block(block: Block) -> str:
    parts: list[str] = []
    if block.heading:
        parts.append(f"{'#' * block.level} {escape(printable(block.heading))}")
    if block.lines:
        parts.append("  \n".join(escape(printable(line)) for line in block.lines))
    if block.caveats:
        parts.append("\n".join(f"> ⚠ {escape(printable(caveat))}" for caveat in block.caveats))
    if block.table is not None:
        parts.append(_table(block.table))
    return "\n\n".join(parts)


def _table(table: Table) -> str:
    import tabulate

    tabulate.MIN_PADDING = 0  # as in `text`: one report is written the same whatever was written before it

    rows = [
        [escape(cell(value, column.kind)) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    alignment = ["left" if column.kind in LEFT_ALIGNED else "right" for column in table.columns]
    headers = [escape(printable(column.title)) for column in table.columns]
    text: str = tabulate.tabulate(
        rows, headers, tablefmt="pipe", colalign=alignment if rows else None, disable_numparse=True
    )
    return text
