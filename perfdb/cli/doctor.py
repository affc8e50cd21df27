"""`perfdb doctor`: what is there and what is missing on this machine."""

from __future__ import annotations

import typer

from perfdb.cli.options import Format, FormatOption
from perfdb.errors import MissingToolError


def doctor(context: typer.Context, format: FormatOption = Format.table) -> None:
    """Say what is missing on this machine, and what to do."""
    from perfdb.api.doctor import examine
    from perfdb.cli.output import emit
    from perfdb.report.of_database import doctor_report

    findings = examine(context.obj.database, context.obj.config)
    emit(doctor_report(findings), format.value, fitted=False)
    broken = [finding for finding in findings if finding.state == "broken"]
    if broken:
        raise MissingToolError(
            f"{len(broken)} of {len(findings)} checks failed: {', '.join(finding.what for finding in broken)}."
        )
