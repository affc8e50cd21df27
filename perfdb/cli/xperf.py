"""`perfdb xperf`: xperf's classic reports, beside the trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from perfdb.api.xperf import Written


class Kind(StrEnum):
    """One of xperf's reports."""

    summary = "summary"
    butterfly = "butterfly"
    detail = "detail"


def xperf(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="TRACE…", help="Traces (.etl), folders of them, or globs.")],
    output_folder: Annotated[
        Path | None,
        typer.Option("--output-folder", metavar="DIR", help="Where the reports go. Default: beside their trace."),
    ] = None,
    only: Annotated[
        list[Kind] | None,
        typer.Option("--only", metavar="KIND", help="Only this report: summary, butterfly or detail; may be repeated."),
    ] = None,
    min_hits: Annotated[
        int, typer.Option("--min-hits", min=1, metavar="N", help="Leave functions under N hits out of the butterfly.")
    ] = 10,
    force: Annotated[bool, typer.Option("--force", help="Replace reports that exist.")] = False,
) -> None:
    """Write xperf's own reports of a trace beside it."""
    from perfdb.api.xperf import ReportRequest, write_reports
    from perfdb.cli.output import fail_for, say
    from perfdb.cli.progress import ProgressBar
    from perfdb.errors import InputError
    from perfdb.report.cells import printable

    request = ReportRequest(tuple(paths), output_folder, tuple(each.value for each in only or ()), min_hits, force)
    reports: list[Written] = []
    with ProgressBar() as bar:
        for report in write_reports(request, context.obj.history().settings, bar.show):
            reports.append(report)
            bar.hide()
            if report.problem:
                say(f"error: {report.problem}")
                continue
            typer.echo(printable(f"{report.path}  {report.size_bytes:,} bytes"))
            if report.note:
                say(f"note: {report.path.name}: {report.note}")
    failed = [InputError.exit_code for report in reports if report.problem]
    fail_for(failed, len(reports), "reports could not be written")
