"""`perfdb diff`: compare two revisions."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api import History
    from perfdb.compare import Comparison


class FailOn(StrEnum):
    """What makes `perfdb diff` exit with 1."""

    regressed = "regressed"
    total = "total"
    inconclusive = "inconclusive"


def diff(
    context: typer.Context,
    baseline: Annotated[
        str | None,
        typer.Argument(metavar="A", help="The baseline; `A...B` compares B with its merge base with A."),
    ] = None,
    contender: Annotated[str | None, typer.Argument(metavar="B", help="The contender. Default: HEAD.")] = None,
    example: ExampleOption = None,
    by: ByOption = By.both,
    top: TopOption = 15,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    margin: Annotated[
        str | None,
        typer.Option(
            "--margin",
            metavar="CHANGE",
            help="The relative change that matters, such as 2%; less is shown equal. Default: 5%.",
        ),
    ] = None,
    min_ms: Annotated[
        float | None,
        typer.Option("--min-ms", metavar="MS", min=0, help="The change in ms a run that matters. Default: 0."),
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history",
            metavar="N",
            min=0,
            help="Learn how runs vary from so many earlier runs of an example at most; 0 for none. Default: 20.",
        ),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option(
            "--fail-on",
            metavar="<regressed|total|inconclusive>",
            help="Exit with 1 where anything regressed, only where a program's total did, or where a program's verdict "
            "is open; may be repeated. Limits stand in perfdb.toml.",
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Compare again what an earlier diff compared, by its JSON."),
    ] = None,
    format: FormatOption = Format.table,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
) -> None:
    """Compare two revisions.

    Example by example: a verdict on the program, then on its modules, functions and call paths.
    """
    from perfdb.cli.output import emit, say
    from perfdb.report.of_diff import diff_report

    opened: History = context.obj.history()
    if min_ms is not None and not math.isfinite(min_ms):
        raise UsageError(f"--min-ms takes a number of ms, found {min_ms}")
    gates = [each.value for each in fail_on or ()]
    if replay is not None:
        _nothing_beside_replay(baseline, example, process, all_processes, build, margin, min_ms, history)
        comparison, changes = opened.replay(replay)
        say("\n".join(f"! {each}" for each in changes) or "the same answer as in the file")
    else:
        if baseline is None:
            context.fail("asked for a diff of nothing: give two revisions, perfdb diff A B, or --replay FILE.")
        from perfdb.api import Scope

        changes_asked = {"margin": _margin(margin), "min_ms": min_ms, "history": history}
        criteria = opened.criteria(**{name: value for name, value in changes_asked.items() if value is not None})
        scope = Scope(tuple(example or ()), process, all_processes, build)
        comparison = opened.diff(baseline, contender, scope=scope, criteria=criteria)
    is_json = json or format is Format.json
    shown = comparison if is_json else comparison.cut(limit(top))
    emit(diff_report(shown, by.value), "json" if is_json else format.value)
    if gates:
        _gate(opened, comparison, gates)


def _margin(text: str | None) -> float | None:
    from perfdb.config import fraction

    if text is None:
        return None
    try:
        margin = fraction(text)
    except ValueError as problem:
        raise UsageError(f"--margin takes a fraction such as 2% or 0.02: {problem}") from problem
    if not 0 < margin < 1:
        raise UsageError(f"--margin takes a fraction such as 2% or 0.02: {text} is not above 0 and below 100%")
    return margin


def _nothing_beside_replay(*given: object) -> None:
    """A file says all of it; what is typed beside it would be ignored."""
    if any(each not in (None, [], False) for each in given):
        raise UsageError(
            "asked to replay a diff, found other words in the call: a file says which runs are compared and how. "
            "Only --by, --top, --format, --json and --fail-on go with --replay."
        )


def _gate(opened: History, comparison: Comparison, gates: list[str]) -> None:
    from perfdb.cli.output import say
    from perfdb.compare.gate import judge_gate
    from perfdb.report.cells import printable

    result = judge_gate(comparison, gates, opened.settings.gate.limits)
    if result.line:
        say(printable(result.line))
    if result.failed:
        raise SystemExit(1)
