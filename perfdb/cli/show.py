"""`perfdb show`: one run's or one revision's hot modules and functions."""

from __future__ import annotations

import typer

from perfdb.cli.options import (
    AllProcessesOption,
    BuildOption,
    By,
    ByOption,
    ExampleOption,
    Format,
    FormatOption,
    ProcessOption,
    TargetArgument,
    TopOption,
    VerboseOption,
    most_rows,
)


def show(
    context: typer.Context,
    target: TargetArgument = None,
    example: ExampleOption = None,
    by: ByOption = By.both,
    top: TopOption = 15,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    format: FormatOption = Format.table,
    verbose: VerboseOption = False,
) -> None:
    """Show the hot modules and functions of a run or revision."""
    from perfdb.api import Scope
    from perfdb.cli.output import emit
    from perfdb.report.of_show import show_report

    scope = Scope(tuple(example or ()), process, all_processes, build)
    shown = context.obj.history().show(target, scope, most_rows(context, top, verbose))
    emit(show_report(shown, by.value, with_all=verbose), format.value, verbose=verbose)
