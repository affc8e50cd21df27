"""`perfdb query`: questions that are asked often, by name."""

from __future__ import annotations

from typing import Annotated

import typer

from perfdb.cli.options import Format, FormatOption, VerboseOption, key_values
from perfdb.errors import UsageError


def query(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A query of --list, or the path of your own .sql file.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="K=V", help="A value for the query; may be repeated.")
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="List the queries with their questions and parameters.")
    ] = False,
    format: FormatOption = Format.table,
    verbose: VerboseOption = False,
) -> None:
    """Run a named query."""
    from perfdb.cli.output import emit
    from perfdb.report.of_result import queries_report, result_report

    history = context.obj.history()
    if list_all:
        emit(queries_report(history.queries()), format.value, fitted=False, verbose=verbose)
        return
    if name is None:
        raise UsageError("say which query to run: perfdb query NAME [--param k=v]; perfdb query --list shows them")
    result = history.query(name, key_values(param, "--param"))
    emit(result_report(result), format.value, verbose=verbose)
