"""`perfdb impact`: what an optimisation brought."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfdb.cli.judging import HistoryOption, MarginOption, MinMsOption, criteria_of
from perfdb.cli.options import (
    AllProcessesOption,
    BaselineArgument,
    BuildOption,
    ContenderArgument,
    ExampleOption,
    ForceOption,
    Format,
    FormatOption,
    ProcessOption,
    VerboseOption,
)
from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api import History

FILES = {".txt": "table", ".md": "markdown", ".csv": "csv", ".json": "json", ".html": "html"}
"""How files are written, by the end of their names."""


def impact(
    context: typer.Context,
    baseline: BaselineArgument,
    contender: ContenderArgument = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="MODULE|FUNCTION",
            help="What was to get faster: a module, a function, the end of its name, or a glob, whose matches count as "
            "one; may be repeated. Default: the modules that improved, else those that changed.",
        ),
    ] = None,
    inclusive: Annotated[
        bool, typer.Option("--inclusive", help="Count what the target calls too; takes one module or function.")
    ] = False,
    example: ExampleOption = None,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    margin: MarginOption = None,
    min_ms: MinMsOption = None,
    history: HistoryOption = None,
    verbose: VerboseOption = False,
    format: FormatOption = Format.table,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Only a paragraph of plain text, fit for a commit message.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file: .txt, .md, .csv, .json, or .html, a page of its own.",
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Tell what an optimisation brought.

    What its targets cost before and after, what the whole program does, and what got slower elsewhere.
    """
    from perfdb.api import Scope
    from perfdb.cli.output import emit, emit_text, say, write_file

    written = _format_of(format, json, output)
    if summary and written not in ("table", "markdown"):
        raise UsageError(f"asked for the summary as {written}, found that it is plain text: leave out one of the two.")
    opened: History = context.obj.history()
    scope = Scope(tuple(example or ()), process, all_processes, build)
    criteria = criteria_of(opened, margin, min_ms, history)
    asked: dict[str, Any] = {"scope": scope, "criteria": criteria, "targets": target or (), "inclusive": inclusive}
    if written == "html":
        from perfdb.report.html import page_html

        text = page_html(opened.page(contender, baseline, **asked))
    else:
        from perfdb.report import render
        from perfdb.report.of_impact import impact_report, impact_summary

        judged = opened.impact(baseline, contender, **asked)
        if output is None and not summary:
            emit(impact_report(judged, verbose), written, verbose=verbose)
            return
        text = f"{impact_summary(judged)}\n" if summary else render(impact_report(judged, verbose), written)
    if output is None:
        emit_text(text)
        return
    write_file(output, text, force)
    say(f"wrote the impact to {output}")


def _format_of(format: Format, json: bool, output: Path | None) -> str:  # the word of the command line
    """How the result is written; raises UsageError for a file whose name does not say it, or says another format."""
    asked = Format.json if json else format
    if output is None:
        return asked.value
    written = FILES.get(output.suffix.lower())
    if written is None:
        raise UsageError(f"asked to write {output}, found no format for such a name: let it end in {', '.join(FILES)}.")
    if asked not in (Format.table, written):
        raise UsageError(
            f"asked for {asked.value} in {output}, whose name says {written}: leave out --format or --json."
        )
    return written
