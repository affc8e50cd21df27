"""`perfdb diff`: compare two revisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.cli.judging import FailOnOption, HistoryOption, MarginOption, MinMsOption, criteria_of, judge
from perfdb.cli.options import (
    AllProcessesOption,
    BuildOption,
    By,
    ByOption,
    ContenderArgument,
    ExampleOption,
    Format,
    FormatOption,
    ProcessOption,
    TopOption,
    VerboseOption,
    most_rows,
)
from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api import History


def diff(
    context: typer.Context,
    baseline: Annotated[
        str | None,
        typer.Argument(metavar="A", help="The baseline; `A...B` compares B with its merge base with A."),
    ] = None,
    contender: ContenderArgument = None,
    example: ExampleOption = None,
    by: ByOption = By.both,
    top: TopOption = 15,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    margin: MarginOption = None,
    min_ms: MinMsOption = None,
    history: HistoryOption = None,
    fail_on: FailOnOption = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Compare again what an earlier diff compared, by its JSON."),
    ] = None,
    format: FormatOption = Format.table,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    verbose: VerboseOption = False,
) -> None:
    """Compare two revisions.

    Example by example: a verdict on the program, then on its modules, functions and call paths.
    """
    from perfdb.cli.output import emit, say
    from perfdb.report.of_diff import diff_report

    opened: History = context.obj.history()
    if replay is not None:
        _nothing_beside_replay(baseline, example, process, all_processes, build, margin, min_ms, history)
        comparison, changes = opened.replay(replay)
        say("\n".join(f"! {each}" for each in changes) or "the same answer as in the file")
    else:
        if baseline is None:
            context.fail("asked for a diff of nothing: give two revisions, perfdb diff A B, or --replay FILE.")
        from perfdb.api import Scope

        criteria = criteria_of(opened, margin, min_ms, history)
        scope = Scope(tuple(example or ()), process, all_processes, build)
        comparison = opened.diff(baseline, contender, scope=scope, criteria=criteria)
    is_json = json or format is Format.json
    shown = comparison if is_json else comparison.cut(most_rows(context, top, verbose))
    report = diff_report(shown, by.value, with_all=verbose)
    emit(report, "json" if is_json else format.value, verbose=verbose)
    judge(opened, comparison, fail_on)


def _nothing_beside_replay(*given: object) -> None:
    """A file says all of it; what is typed beside it would be ignored."""
    if any(each not in (None, [], False) for each in given):
        raise UsageError(
            "asked to replay a diff, found other words in the call: a file says which runs are compared and how. "
            "Only --by, --top, --format, --json, --verbose and --fail-on go with --replay."
        )
