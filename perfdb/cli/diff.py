"""`perfdb diff`: compare two revisions."""

from __future__ import annotations

from typing import Annotated

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
    TopOption,
    limit,
)


def diff(
    context: typer.Context,
    baseline: Annotated[
        str, typer.Argument(metavar="A", help="The baseline; `A...B` compares B with its merge base with A.")
    ],
    contender: Annotated[str | None, typer.Argument(metavar="B", help="The contender. Default: HEAD.")] = None,
    example: ExampleOption = None,
    by: ByOption = By.both,
    top: TopOption = 15,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    format: FormatOption = Format.table,
) -> None:
    """Compare two revisions.

    Example by example: the program, then its modules and functions in the order of how much they changed.
    """
    from perfdb.api import Scope
    from perfdb.cli.output import emit
    from perfdb.report.of_diff import diff_report

    scope = Scope(tuple(example or ()), process, all_processes, build)
    comparison = context.obj.history().diff(baseline, contender, scope=scope, top=limit(top))
    emit(diff_report(comparison, by.value), format.value)
