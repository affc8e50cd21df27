"""`perfdb db`: the database file itself."""

from __future__ import annotations

from typing import Annotated

import typer

from perfdb.cli.options import Format, FormatOption

app = typer.Typer(help="Look after the database file.", no_args_is_help=True, rich_markup_mode=None)


@app.command("info")
def info(context: typer.Context, format: FormatOption = Format.table) -> None:
    """Say what the database holds and how large it is."""
    from perfdb.cli.output import emit
    from perfdb.report.of_database import info_report

    emit(info_report(context.obj.history().info()), format.value)


@app.command("migrate")
def migrate(context: typer.Context) -> None:
    """Bring the database to this version's schema."""
    history = context.obj.history()
    applied = history.migrate()
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo(f"{history.path} is up to date")


@app.command("prune")
def prune(
    context: typer.Context,
    symcache_days: Annotated[
        int,
        typer.Option(
            "--symcache-days", min=0, metavar="N", help="Remove looked-up symbols unused for N days; 0 removes all."
        ),
    ] = 30,
) -> None:
    """Remove unused names and old symcaches."""
    gone = context.obj.history().prune(symcache_days)
    typer.echo("removed")
    for table, rows in gone.rows.items():
        typer.echo(f"{table:<16}{rows:>10,} rows")
    typer.echo(f"{'symcache':<16}{gone.files:>10,} files, {gone.size_bytes / 1e6:,.1f} MB")


@app.command("check")
def check(context: typer.Context) -> None:
    """Check that the history holds together; exits 3 where it does not."""
    from perfdb.errors import DatabaseError
    from perfdb.report.cells import printable

    history = context.obj.history()
    problems = history.check()
    for problem in problems:
        typer.echo(printable(problem))
    if problems:
        raise DatabaseError(
            f"{history.path}: found {len(problems)} problems. Restore a copy, or record the runs named above again."
        )
    typer.echo(f"{history.path}: all is well")
