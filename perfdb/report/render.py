"""One report in one of the formats."""

from __future__ import annotations

from collections.abc import Callable

from perfdb.report.blocks import Report
from perfdb.report.delimited import render_csv
from perfdb.report.json import render_json
from perfdb.report.markdown import render_markdown
from perfdb.report.text import render_text

_RENDERERS: dict[str, Callable[[Report], str]] = {"markdown": render_markdown, "csv": render_csv, "json": render_json}


def render(
    report: Report,
    format: str,  # noqa: A002  # the word of the command line
    width: int | None = None,
    color: bool = False,
    more: str = "",
    shortens: bool = True,
) -> str:
    """The report as `table`, `markdown`, `csv` or `json`; the other arguments are of the table format only."""
    return render_text(report, width, color, more, shortens) if format == "table" else _RENDERERS[format](report)
