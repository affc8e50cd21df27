"""Reading the history back: what `api` asks, as plain values. The SQL is in `queries/internal`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from perfdb.profile.columns import NOT_KNOWN, Caveat
from perfdb.profile.measurement import Measured
from perfdb.profile.outcome import MixedSymbols, WantedSymbols
from perfdb.store.migrations import applied
from perfdb.store.model import Call, Costs, HistoryInfo, RecordedCommit, Run, RunMark, RunProcess
from perfdb.store.queries import internal

TABLES = (
    "revision", "example", "machine", "run", "run_tag", "run_caveat", "measurement", "process", "run_module",
    "module", "function", "stack", "sample", "function_weight", "module_weight", "line_weight", "call", "run_profile",
    "run_symbols",     "function_symbol", "source_file",
)  # fmt: skip
"""The tables of a history, but for the record of its migrations."""


def runs(
    connection: duckdb.DuckDBPyConnection,
    *,
    commit_shas: Sequence[str] | None = None,
    examples: Sequence[str] | None = None,
    build: str | None = None,
    run_ids: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Run]:
    """Runs, newest first; every filter that is not None must hold, and an empty one lets nothing through."""
    rows = _rows(
        connection,
        "runs",
        {
            "commit_shas": None if commit_shas is None else ",".join(commit_shas),
            "examples": None if examples is None else "\n".join(examples),
            "build": build,
            "run_ids": _joined(run_ids),
            "limit": None if limit is None else str(limit),
        },
    )
    return [_run_row(row) for row in rows]


def _run_row(row: dict[str, Any]) -> Run:
    codes, texts = row.pop("caveat_codes"), row.pop("caveat_texts")
    keys, values = row.pop("tag_keys"), row.pop("tag_values")
    measured = row.pop("measured")
    return Run(
        **row,
        caveats=tuple(Caveat(*each) for each in zip(codes, texts, strict=True)),
        tags=dict(zip(keys, values, strict=True)),
        measured=tuple(Measured(**each) for each in measured),
    )


def module_costs(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str], *, main_only: bool = False) -> Costs:
    """What each module cost in each process of these runs, or in their main processes only."""
    return _costs(connection, "module_costs", run_ids, main_only)


def function_costs(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str], *, main_only: bool = False) -> Costs:
    """What each function cost in each process of these runs, or in their main processes only."""
    return _costs(connection, "function_costs", run_ids, main_only)


def _costs(connection: duckdb.DuckDBPyConnection, query: str, run_ids: Sequence[str], main_only: bool) -> Costs:
    params = {"run_ids": _joined(run_ids), "main_only": str(main_only)}
    columns = connection.execute(internal(query).sql, params).fetchnumpy()
    plain: dict[str, Any] = {name: _filled(column) for name, column in columns.items()}
    return Costs(**{"function": None, **plain})


def _filled(column: Any) -> Any:
    """A column in which `NOT_KNOWN` stands for null; only inclusive weights can be null."""
    return (
        column.filled(NOT_KNOWN)
        if isinstance(column, np.ma.MaskedArray) and column.mask.any()
        else np.ma.getdata(column)
    )


def calls(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[Call]:
    """Who called whom in these runs; only those of detail `edges` tell it so."""
    return [Call(**row) for row in _rows(connection, "calls", {"run_ids": _joined(run_ids)})]


def processes(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[RunProcess]:
    """The processes of these runs, run by run, the busiest first."""
    return [RunProcess(**row) for row in _rows(connection, "processes", {"run_ids": _joined(run_ids)})]


def wanted_symbols(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str] | None = None) -> list[WantedSymbols]:
    """The symbol files that these runs (None: all) lack, those with the most samples first."""
    return [WantedSymbols(**row) for row in _rows(connection, "wanted_symbols", {"run_ids": _joined(run_ids)})]


def mixed_symbols(connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> list[MixedSymbols]:
    """The modules that have names in some of these runs only, by example."""
    return [MixedSymbols(**row) for row in _rows(connection, "mixed_symbols", {"run_ids": _joined(run_ids)})]


def symbol_states(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[tuple[str, str], str]:
    """What came of looking for the symbol files of a run's modules, by module and debug id."""
    rows = connection.execute(
        "select module.name, debug_id, symbols from run_module join module using (module_id) "
        "where run_id = $run_id::uuid and symbols != ''",
        {"run_id": run_id},
    ).fetchall()
    return {(module, debug_id): symbols for module, debug_id, symbols in rows}


def kept_addresses(connection: duckdb.DuckDBPyConnection, run_id: str) -> bytes | None:
    """The packed profile of a run as it was before symbols; None where none was kept."""
    rows = connection.execute(
        "select content from run_profile where run_id = $run_id::uuid", {"run_id": run_id}
    ).fetchall()
    return bytes(rows[0][0]) if rows else None


def kept_symbols(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, bytes]:
    """The names of a run's addresses, deflated symcaches by debug id."""
    rows = connection.execute(
        "select debug_id, content from run_symbols where run_id = $run_id::uuid", {"run_id": run_id}
    ).fetchall()
    return {debug_id: bytes(content) for debug_id, content in rows}


def recorded_commits(connection: duckdb.DuckDBPyConnection) -> list[RecordedCommit]:
    """The commits that have runs, newest first."""
    return [RecordedCommit(**row) for row in _rows(connection, "recorded_commits", {})]


def info(connection: duckdb.DuckDBPyConnection, path: Path) -> HistoryInfo:
    """The facts of the database file."""
    counts = " union all ".join(f"select '{table}' as name, count(*) as rows from {table}" for table in TABLES)
    rows = dict(connection.execute(counts).fetchall())
    return HistoryInfo(
        path=path,
        size_bytes=path.stat().st_size,
        schema_version=max((step.number for step in applied(connection)), default=0),
        duckdb_version=duckdb.__version__,
        rows={table: rows[table] for table in TABLES},
        oldest_run=_outermost_run(connection, "asc"),
        newest_run=_outermost_run(connection, "desc"),
    )


def _outermost_run(connection: duckdb.DuckDBPyConnection, order: str) -> RunMark | None:
    found = connection.execute(
        "select run_id::varchar, commit_sha, example.name, recorded_at from run join example using (example_id) "
        f"order by recorded_at {order}, run_id {order} limit 1"
    ).fetchall()
    return next((RunMark(run_id, sha, example, _aware(at)) for run_id, sha, example, at in found), None)


def _rows(connection: duckdb.DuckDBPyConnection, query: str, params: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """The rows of an internal query, by column; moments in UTC."""
    found = internal(query)
    rows = connection.execute(found.sql, dict(params)).fetchall()
    return [{name: _aware(value) for name, value in zip(found.columns, row, strict=True)} for row in rows]


def _aware(value: Any) -> Any:
    """A moment says that it is in UTC; every other value is as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _joined(run_ids: Sequence[str] | None) -> str | None:
    return None if run_ids is None else ",".join(run_ids)
