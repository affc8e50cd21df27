"""`perfdb record`: read traces and results of benchmarks into the history."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from perfdb.cli.options import BuildKindOption, SymbolsOption, TagOption, TemplatesOption, key_values

if TYPE_CHECKING:
    from perfdb.profile.outcome import Outcome

MOST_NOTES = 3
"""How many notes are told one by one."""


class Via(StrEnum):
    """A program that reads traces in perfdb's stead."""

    xperf = "xperf"


CommitOption = Annotated[
    str | None,
    typer.Option(
        "--commit",
        metavar="REV",
        help="The commit that was profiled. Default: the one that the file says, else HEAD of the repository around "
        "this folder.",
    ),
]
ViaOption = Annotated[
    Via | None, typer.Option("--via", help="Let xperf turn the .etl into text, with its symbols, and read that.")
]
ReadAsOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="The format of the files: etl, dumper, butterfly, profile-detail, wpa, folded, perf, google-benchmark, "
        "hyperfine or pytest-benchmark. Default: the one that their bytes tell.",
    ),
]
IntervalOption = Annotated[
    float | None,
    typer.Option(
        "--interval", metavar="MS", help="The sampling interval, for formats that do not tell it. Default: 1."
    ),
]


def record(
    context: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Traces, results of benchmarks (JSON), folders of them, or globs."),
    ],
    commit: CommitOption = None,
    example: Annotated[
        str | None,
        typer.Option(
            "--example",
            metavar="NAME",
            help="What was profiled. Default: taken from the file's name; of benchmarks, their own names.",
        ),
    ] = None,
    process: Annotated[
        str | None,
        typer.Option(
            "--process", metavar="NAME", help="The main process, by name or pid. Default: the one with the most work."
        ),
    ] = None,
    build: BuildKindOption = None,
    tag: TagOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Record a trace anew that the history has for this commit and example.")
    ] = False,
    via: ViaOption = None,
    format: ReadAsOption = None,
    interval: IntervalOption = None,
    symbols: SymbolsOption = None,
    no_symbols: Annotated[
        bool, typer.Option("--no-symbols", help="Keep bare modules: look up no names, leave those of managed code out.")
    ] = False,
    templates: TemplatesOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the runs as JSON.")] = False,
) -> None:
    """Read traces and benchmark results into the history."""
    from perfdb.api.record import RecordRequest
    from perfdb.cli.output import emit, fail_for, tell_each
    from perfdb.cli.progress import ProgressBar
    from perfdb.report.of_record import outcome_line, record_report

    request = RecordRequest(
        paths=tuple(paths),
        commit=commit,
        example=example,
        process=process,
        build=build,
        tags=key_values(tag, "--tag"),
        again=again,
        format=format,
        interval_ms=interval,
        via=via.value if via else None,
        symbols=tuple(symbols or ()),
        no_symbols=no_symbols,
        templates=templates.value if templates else None,
    )
    with ProgressBar() as bar:
        outcomes = tell_each(context.obj.history().record_each(request, bar.show), outcome_line, bar, quiet=as_json)
    _tell_notes(outcomes)
    if as_json:
        emit(record_report([outcome for outcome in outcomes if outcome.status != "failed"]), "json")
    failed = [outcome.exit_code for outcome in outcomes if outcome.status == "failed"]
    what = "traces" if all(outcome.has_profile for outcome in outcomes) else "traces and benchmarks"
    fail_for(failed, len(outcomes), f"{what} could not be recorded")


def _tell_notes(outcomes: list[Outcome]) -> None:
    """What one might not expect of the recorded traces, the first few one by one."""
    from perfdb.cli.output import say

    notes = [f"note: {outcome.source_name}: {note}" for outcome in outcomes for note in outcome.notes]
    for note in notes[:MOST_NOTES]:
        say(note)
    if len(notes) > MOST_NOTES:
        say(f"note: the same holds for {len(notes) - MOST_NOTES} more traces")
