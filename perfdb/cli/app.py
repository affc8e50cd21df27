"""The program: its global options, and the list of its commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from perfdb.cli import (
    db,
    demo,
    diff,
    doctor,
    export,
    impact,
    profile,
    query,
    record,
    report,
    runs,
    show,
    sql,
    symbolicate,
    xperf,
)
from perfdb.cli.state import State

app = typer.Typer(
    name="perfdb",
    help="A history of profiling runs, by commit and example: record traces, compare revisions, ask in SQL.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("profile", profile.profile),
    ("record", record.record),
    ("symbolicate", symbolicate.symbolicate),
    ("runs", runs.runs),
    ("show", show.show),
    ("diff", diff.diff),
    ("impact", impact.impact),
    ("sql", sql.sql),
    ("query", query.query),
    ("export", export.export),
    ("xperf", xperf.xperf),
    ("doctor", doctor.doctor),
    ("demo", demo.demo),
)

for name, command in COMMANDS:
    app.command(name)(command)
app.add_typer(report.app, name="report")
app.add_typer(db.app, name="db")


def _print_version(wanted: bool) -> None:
    if wanted:
        from perfdb import __version__

        typer.echo(f"perfdb {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    database: Annotated[
        Path | None,
        typer.Option(
            "--db", metavar="PATH", help="The history. Default: $PERFDB_DB, perfdb.toml, artifacts/perfdb.duckdb."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="PATH", help="Settings. Default: the nearest perfdb.toml or pyproject.toml."),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A history of profiling runs, by commit and example: record traces, compare revisions, ask in SQL."""
    context.obj = State(database, config)
