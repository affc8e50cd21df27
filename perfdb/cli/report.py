"""`perfdb report`: files for people, made of the history."""

from __future__ import annotations

import typer

from perfdb.cli.report_analyze import analyze
from perfdb.cli.report_page import page
from perfdb.cli.report_regressions import regressions

app = typer.Typer(
    help="Reports as files: of traces, of two revisions, and pages to look at.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("analyze")(analyze)
app.command("regressions")(regressions)
app.command("page")(page)
