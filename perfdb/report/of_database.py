"""The reports of the database file and of the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import moment
from perfdb.store.model import HistoryInfo


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `doctor` looked at: `state` is `ok`, `missing` (something will not work) or `broken`."""

    what: str
    state: str
    found: str
    advice: str = ""


def info_report(info: HistoryInfo) -> Report:
    """What the database holds: facts, then rows by table."""
    facts = (
        ("file", str(info.path)),
        ("size", f"{info.size_bytes / 1e6:,.1f} MB"),
        ("schema", f"version {info.schema_version}"),
        ("DuckDB", info.duckdb_version),
        ("oldest run", moment(info.oldest_run.recorded_at) if info.oldest_run else "none"),
        ("newest run", moment(info.newest_run.recorded_at) if info.newest_run else "none"),
    )
    lines = tuple(f"{name:<12}{value}" for name, value in facts)
    table = Table((Column("table", "table"), Column("rows", "rows", "count")), tuple(info.rows.items()))
    return Report((Block(lines=lines), Block(table=table)), table, info)


def doctor_report(findings: Sequence[Finding]) -> Report:
    """What was looked at, what was found, and what to do."""
    columns = (
        Column("what", "what"),
        Column("state", "state"),
        Column("found", "found"),
        Column("advice", "what to do"),
    )
    table = Table(columns, tuple((each.what, each.state, each.found, each.advice) for each in findings))
    return Report((Block(table=table),), table)
