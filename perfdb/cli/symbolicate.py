"""`perfdb symbolicate`: names for runs that are recorded already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.cli.options import SymbolsOption, Templates, TemplatesOption

if TYPE_CHECKING:
    from perfdb.profile.outcome import Resolved, WantedSymbols


def symbolicate(
    context: typer.Context,
    targets: Annotated[list[str], typer.Argument(metavar="RUN|REV…", help="Runs, or revisions for all their runs.")],
    trace: Annotated[
        list[str] | None,
        typer.Option(
            "--trace",
            metavar="PATH",
            help="The trace that the run was recorded from, where its addresses were not kept; may be repeated.",
        ),
    ] = None,
    symbols: SymbolsOption = None,
    templates: TemplatesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of the runs as JSON.")] = False,
) -> None:
    """Give recorded runs the names of their functions."""
    from perfdb.api.symbolicate import SymbolicateRequest
    from perfdb.cli.output import emit, fail_for, tell_each
    from perfdb.cli.progress import ProgressBar
    from perfdb.report.of_symbols import resolved_line, resolved_report

    request = SymbolicateRequest(tuple(targets), tuple(trace or ()), tuple(symbols or ()), _word(templates))
    with ProgressBar() as bar:
        outcomes = tell_each(
            context.obj.history().symbolicate_each(request, bar.show), resolved_line, bar, quiet=as_json
        )
    if as_json:
        emit(resolved_report([outcome for outcome in outcomes if outcome.status != "failed"]), "json")
    else:
        _tell_wanted(outcomes)
    failed = [outcome.exit_code for outcome in outcomes if outcome.status == "failed"]
    fail_for(failed, len(outcomes), "runs could not be named")


def _word(templates: Templates | None) -> str | None:
    return templates.value if templates else None


def _tell_wanted(outcomes: list[Resolved]) -> None:
    """The symbol files that are still wanted, over all the runs."""
    from perfdb.cli.output import say
    from perfdb.profile.outcome import added
    from perfdb.report.of_symbols import wanted_lines

    wanted: dict[tuple[str, str], WantedSymbols] = {}
    for each in (each for outcome in outcomes for each in outcome.wanted):
        known = wanted.get((each.module, each.debug_id))
        wanted[each.module, each.debug_id] = each if known is None else added(known, each)
    if wanted:
        say("still wanted:")
        for line in wanted_lines(sorted(wanted.values(), key=_weight)):
            say(f"  {line}")


def _weight(wanted: WantedSymbols) -> tuple[int, int, str]:
    return -wanted.exclusive_samples, -wanted.inclusive_samples, wanted.module
