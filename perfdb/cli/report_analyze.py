"""`perfdb report analyze`: summaries, hotspots, pages and a performance report, of traces or of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from perfdb.report.of_analysis import AnalysisFile
    from perfdb.report.of_analysis_facts import Analysis

MOST_NOTES = 3
"""How many notes are told one by one."""


def analyze(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN|REV",
            help="Runs, or a revision for all its runs. Default: the traces in artifacts/profile, else HEAD, else the "
            "newest run's commit.",
        ),
    ] = None,
    directory: Annotated[
        str | None,
        typer.Option("--directory", metavar="DIR", help="The traces in this folder, recorded or not."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="REV",
            help="What the runs are compared with. Default: the nearest recorded ancestor that has the example.",
        ),
    ] = None,
    output_folder: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output-folder",
            metavar="DIR",
            help="Where the files are written. Default: artifacts/profile/analysis of the project.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list of files as JSON.")] = False,
) -> None:
    """Write a summary, hotspots and a page of each example, and a performance report over all.

    Nothing is recorded: traces that the history does not know are read for the report only.
    """
    from perfdb.api.analyze import OUTPUT_FOLDER, AnalyzeRequest
    from perfdb.cli.output import emit_text, fail_for
    from perfdb.cli.progress import ProgressBar
    from perfdb.report.json import json_text
    from perfdb.report.of_analysis import analysis_files

    history = context.obj.history()
    request = AnalyzeRequest(tuple(targets or ()), directory, baseline)
    with ProgressBar() as bar:
        analysis: Analysis = history.analyze(request, bar.show)
    _tell(analysis)
    told: list[dict[str, Any]] = []
    if analysis.examples:
        folder = output_folder or history.settings.root / OUTPUT_FOLDER
        _make(folder)
        for file in analysis_files(analysis):
            path = _write(folder, file)
            told.append({"path": path, "kind": file.kind, "example": file.example, "commit_sha": file.commit_sha})
            if not as_json:
                emit_text(f"{_printable(path)}\n")
    if as_json:
        emit_text(json_text(told))
    failed = [outcome.exit_code for outcome in analysis.failed]
    total = len(failed) + sum(len(of.runs) for of in analysis.examples)
    fail_for(failed, total, "traces could not be analysed")


def _tell(analysis: Analysis) -> None:
    """What was taken, what failed, and what one might not expect."""
    from perfdb.cli.output import say
    from perfdb.report.of_analysis_markdown import to_record

    for line in analysis.lines:
        say(_printable(line))
    for outcome in analysis.failed:
        say(f"error: {outcome.message}")
    for note in analysis.notes[:MOST_NOTES]:
        say(_printable(f"note: {note}"))
    if len(analysis.notes) > MOST_NOTES:
        say(f"note: {len(analysis.notes) - MOST_NOTES} more notes like these")
    if analysis.unrecorded:
        count, first = len(analysis.unrecorded), to_record(analysis, analysis.unrecorded[0])
        what = f"{count} traces are" if count > 1 else "1 trace is"
        say(
            f"note: {what} not in the history, and read for this report only; "
            f"to record: {first}{' …' if count > 1 else ''}"
        )


def _make(folder: Path) -> None:
    from perfdb.errors import InputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise InputError(
            f"asked to write into {folder}, found that it cannot be made ({reason}). Name another folder with -o."
        ) from problem


def _write(folder: Path, file: AnalysisFile) -> str:
    """Write one file, in place of an older one; its path as one would type it here."""
    from perfdb.cli.output import write_file

    path = folder / file.name
    write_file(path, file.text, force=True)
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _printable(text: str) -> str:
    from perfdb.report.cells import printable

    return printable(text)
