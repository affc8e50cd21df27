"""`perfdb report page`: one HTML file to look at."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.cli.judging import HistoryOption, MarginOption, MinMsOption, criteria_of
from perfdb.cli.options import (
    AllProcessesOption,
    BuildOption,
    ExampleOption,
    ForceOption,
    OutputOption,
    ProcessOption,
    TargetArgument,
)
from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api import History
    from perfdb.compare.page import PageContent


def page(
    context: typer.Context,
    target: TargetArgument = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="REV", help="The baseline to compare the revision with, as perfdb diff does."
        ),
    ] = None,
    impact: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="MODULE|FUNCTION",
            help="Tell what became of this module or function too, as perfdb impact does; may be repeated, and goes "
            "with --against.",
        ),
    ] = None,
    example: ExampleOption = None,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    margin: MarginOption = None,
    min_ms: MinMsOption = None,
    history: HistoryOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Write one HTML page on a run or a revision, or on two revisions that are compared.

    It has a table of all functions, a butterfly of callers and callees, and a flame graph. The file is all there is: it
    opens from disk and makes no request.
    """
    from perfdb.api import Scope
    from perfdb.cli.output import emit_text, say, write_file
    from perfdb.report.html import page_html

    opened: History = context.obj.history()
    _check(against, impact, (margin, min_ms, history), output)
    scope = Scope(tuple(example or ()), process, all_processes, build)
    criteria = criteria_of(opened, margin, min_ms, history)
    content = opened.page(target, against, scope=scope, criteria=criteria, targets=impact or None)
    text = page_html(content)
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # the same bytes as in a file
        emit_text(text)
        return
    write_file(output, text, force)
    say(f"wrote {output}: {_size(len(text.encode()))}, {_examples(content)}")


def _check(
    against: str | None,
    impact: list[str] | None,
    judging: tuple[object, ...],
    output: Path | None,
) -> None:
    """Words that make no sense beside each other; told before any work."""
    if against is None and impact:
        raise UsageError(
            "asked what became of a target, found one side only. Name the baseline too: --against REV --target …"
        )
    if against is None and any(each is not None for each in judging):
        raise UsageError(
            "asked how to judge a change, found one side only: --margin, --min-ms and --history go with --against REV."
        )
    if output is None and sys.stdout.isatty():
        raise UsageError(
            "asked for a page on a terminal, which cannot show it: name a file with -o page.html, or pipe it."
        )


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} KB"


def _examples(content: PageContent) -> str:
    count = len(content.examples)
    return f"{count:,} example{'s' if count != 1 else ''}"
