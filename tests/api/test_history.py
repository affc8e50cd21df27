"""perfdb from Python, as a notebook uses it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import perfdb
from perfdb.errors import InputError, QueryError
from tests.traces import small_trace


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> perfdb.api.History:
    monkeypatch.chdir(tmp_path)
    for name, library in (("before", 30), ("after", 20)):
        (tmp_path / f"{name}.etl").write_bytes(small_trace(library=library))
    history = perfdb.open(tmp_path / "h.duckdb")
    history.record("before.etl", commit="before", example="x")
    history.record(tmp_path / "after.etl", commit="after", example="x")
    return history


def test_the_five_lines_of_the_readme(history: perfdb.api.History) -> None:
    comparison = history.diff("before", "after")
    assert -0.25 == comparison.examples[0].total.change

    costs = history.sql("select module, exclusive_ms from module_cost where commit_sha = 'after' and is_main_process")
    assert isinstance(costs, pl.DataFrame)
    assert {"library.dll": 20.0, "app.exe": 8.0, "ntoskrnl.exe": 2.0} == dict(costs.iter_rows())

    runs = history.runs()
    assert ["after", "before"] == runs["commit_sha"].to_list()
    assert pl.Float64 == runs.schema["cpu_ms"]


def test_a_trace_that_fails_raises_when_the_others_are_recorded(history: perfdb.api.History, tmp_path: Path) -> None:
    (tmp_path / "bad.etl").write_bytes(b"bad")

    with pytest.raises(InputError, match=r"bad\.etl: .* \(2 others were recorded\)"):
        history.record("*.etl", commit="c")
    assert 4 == len(history.runs())


def test_sql_only_reads(history: perfdb.api.History) -> None:
    with pytest.raises(QueryError):
        history.sql("delete from run")
    assert 2 == len(history.runs())


def test_a_history_without_runs_gives_an_empty_frame(tmp_path: Path, history: perfdb.api.History) -> None:
    nothing = history.runs(examples=["nothing"])

    assert 0 == len(nothing)
    assert history.runs().schema == nothing.schema
