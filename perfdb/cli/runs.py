"""`perfdb runs`: list what the history holds."""

from __future__ import annotations

from typing import Annotated

import typer

from perfdb.cli.options import BuildOption, ExampleOption, Format, FormatOption, VerboseOption, most_rows


def runs(
    context: typer.Context,
    revision: Annotated[str | None, typer.Argument(metavar="REV", help="Only runs of this revision.")] = None,
    example: ExampleOption = None,
    build: BuildOption = None,
    top: Annotated[int, typer.Option("--top", min=0, metavar="N", help="How many runs, newest first; 0 for all.")] = 50,
    format: FormatOption = Format.table,
    verbose: VerboseOption = False,
) -> None:
    """List runs, newest first."""
    from perfdb.cli.output import emit
    from perfdb.report.of_runs import runs_report

    most = most_rows(context, top, verbose)
    asked = None if most is None else most + 1  # one more, to know whether there are more
    found = context.obj.history().list_runs(revision, examples=example, build=build, limit=asked)
    emit(runs_report(found[:most], has_older=len(found[:most]) < len(found)), format.value, verbose=verbose)
