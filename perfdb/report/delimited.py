"""Reports as CSV (RFC 4180, but with the line ends of the system's text files): one table of raw values."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from perfdb.report.blocks import Report, Table


def render_csv(report: Report) -> str:
    """The report's flat table; a value that does not exist is empty."""
    return csv_text(report.flat)


def csv_text(table: Table) -> str:
    """One table with a header row of keys."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    writer.writerows([[_raw(value) for value in row] for row in table.rows])
    return out.getvalue()


def _raw(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
