"""What commands that compare have in common: the words for what matters, and the gate that may fail them."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api import History
    from perfdb.compare import Comparison, Criteria


class FailOn(StrEnum):
    """What makes a comparison exit with 1."""

    regressed = "regressed"
    total = "total"
    inconclusive = "inconclusive"


MarginOption = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="CHANGE",
        help="The relative change that matters, such as 2%; less is shown equal. Default: 5%.",
    ),
]
MinMsOption = Annotated[
    float | None,
    typer.Option("--min-ms", metavar="MS", min=0, help="The change in ms a run that matters. Default: 0."),
]
HistoryOption = Annotated[
    int | None,
    typer.Option(
        "--history",
        metavar="N",
        min=0,
        help="Learn how runs vary from so many earlier runs of an example at most; 0 for none. Default: 20.",
    ),
]
FailOnOption = Annotated[
    list[FailOn] | None,
    typer.Option(
        "--fail-on",
        metavar="<regressed|total|inconclusive>",
        help="Exit with 1 where anything regressed, only where a program's total did, or where a program's verdict "
        "is open; may be repeated. Limits stand in perfdb.toml.",
    ),
]


def criteria_of(history: History, margin: str | None, min_ms: float | None, earlier: int | None) -> Criteria:
    """What matters by the settings, but for what was typed; raises UsageError for words that are no such numbers."""
    if min_ms is not None and not math.isfinite(min_ms):
        raise UsageError(f"--min-ms takes a number of ms, found {min_ms}")
    changes = {"margin": _margin(margin), "min_ms": min_ms, "history": earlier}
    return history.criteria(**{name: value for name, value in changes.items() if value is not None})


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


def judge(history: History, comparison: Comparison, fail_on: list[FailOn] | None) -> None:
    """Say whether the gate passes, where one was asked for; exits with 1 where it does not."""
    if not fail_on:
        return
    from perfdb.cli.output import say
    from perfdb.compare.gate import judge_gate
    from perfdb.report.cells import printable

    result = judge_gate(comparison, [each.value for each in fail_on], history.settings.gate.limits)
    if result.line:
        say(printable(result.line))
    if result.failed:
        raise SystemExit(1)
