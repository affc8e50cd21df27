"""`perfdb sql`: ad-hoc SQL against the history, read-only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfdb.cli.options import ForceOption, Format, VerboseOption
from perfdb.errors import InputError, UsageError


def sql(
    context: typer.Context,
    statement: Annotated[
        str | None, typer.Argument(metavar="SQL", help="The query; `-` reads it from standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", metavar="F", help="Read the query from a file.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="F", help="Write the result to a file.")
    ] = None,
    force: ForceOption = False,
    format: Annotated[
        Format | None, typer.Option("--format", help="How to print the result. Default: table, or as F's ending says.")
    ] = None,
    verbose: VerboseOption = False,
) -> None:
    """Ask the history in SQL. Tables and views: `perfdb sql "show tables"`."""
    from perfdb.cli.output import emit, say, write_file
    from perfdb.report import render
    from perfdb.report.of_result import result_report

    text = _statement(statement, file)
    if output is not None and output.exists() and not force:
        raise InputError(
            f"asked to write {output}, found that it exists. Add --force to replace it, or name another file."
        )
    report = result_report(context.obj.history().run_sql(text))
    if output is None:
        emit(report, (format or Format.table).value, verbose=verbose)
    else:
        chosen = format or _ENDINGS.get(output.suffix.lower(), Format.table)
        write_file(output, render(report, chosen.value), force)
        say(f"wrote {len(report.flat.rows):,} rows to {output}")


_ENDINGS = {".csv": Format.csv, ".json": Format.json, ".md": Format.markdown}


def _statement(statement: str | None, file: Path | None) -> str:
    if (statement is None) == (file is None):
        raise UsageError(
            'give the query once: perfdb sql "SELECT …", perfdb sql - (standard input), or perfdb sql --file F'
        )
    if file is not None:
        try:
            return file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise InputError(f"asked to read SQL from {file}, found that it cannot be read ({problem}).") from problem
    return sys.stdin.read() if statement == "-" else str(statement)
