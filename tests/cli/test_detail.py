"""One trace, four ways in: what the history holds of each agrees wherever it speaks; diffs say where it does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from perfdb.readers import READERS
from tests.cli.conftest import Run

WAYS = {
    "a" * 40: ("dotnet-gc-x64.etl.zip", "stacks"),
    "b" * 40: ("dotnet-gc-x64.dumper.txt.xz", "stacks"),
    "d" * 40: ("dotnet-gc-x64.profile_detail.txt", "leaf"),
    "e" * 40: ("dotnet-gc-x64.butterfly.html", "edges"),
}
ETL, DUMPER, DETAIL, BUTTERFLY = WAYS


@pytest.fixture(scope="module")
def database(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from perfdb.cli import main

    path = tmp_path_factory.mktemp("ways") / "history.duckdb"
    for commit, (name, _) in WAYS.items():
        # Only the trace itself names managed code.
        assert main(["--db", str(path), "record", str(corpus / name), "--commit", commit, "--no-symbols"]) == 0
    return path


def diff(perfdb: Run, database: Path, *words: str) -> dict[str, Any]:
    ran = perfdb("--db", database, "diff", *words, "--top", "0", "--format", "json")
    assert (0, "") == (ran.code, ran.err)
    (example,) = json.loads(ran.out)["examples"]
    found: dict[str, Any] = example
    return found


def deltas(ledger: dict[str, Any]) -> set[tuple[str, float]]:
    """The rows that differ; every other part of the ledger must be as it is on the other side."""
    rows = {(row["module"], row["delta_ms"]) for row in ledger["rows"] if row["delta_ms"]}
    return rows | {(part["status"], part["delta_ms"]) for part in ledger["rest"] if part["delta_ms"]}


def codes(example: dict[str, Any]) -> set[str]:
    return {caveat["code"] for caveat in example["caveats"]}


def test_the_example_is_named_alike_and_the_detail_is_told(perfdb: Run, database: Path) -> None:
    ran = perfdb("--db", database, "sql", "--format", "json", "select commit_sha, detail from run order by 1")

    assert [detail for _, detail in WAYS.values()] == [row["detail"] for row in json.loads(ran.out)]
    ran = perfdb("--db", database, "sql", "--format", "json", "select name from example")
    assert ["dotnet-gc-x64"] == [row["name"] for row in json.loads(ran.out)]
    assert 0 == perfdb("--db", database, "db", "check").code


@pytest.mark.parametrize("other", [DUMPER, DETAIL])
def test_the_main_process_costs_the_same(perfdb: Run, database: Path, other: str) -> None:
    example = diff(perfdb, database, ETL, other)

    assert (set(), set()) == (deltas(example["modules"]), deltas(example["functions"]))
    assert (5129.0, 5129.0) == tuple(example["total"][f"{side}_ms"] for side in ("baseline", "contender"))
    assert ("detail" in codes(example)) == (other == DETAIL)


def test_all_processes_cost_the_same_but_for_one_sample_of_the_idle_thread(perfdb: Run, database: Path) -> None:
    """It has no stack, by which alone the text would tell it from idling."""
    example = diff(perfdb, database, ETL, DUMPER, "--all-processes")

    assert {("ntoskrnl.exe", -1.0)} == deltas(example["modules"])
    assert (6320.0, 6319.0) == tuple(example["total"][f"{side}_ms"] for side in ("baseline", "contender"))


def test_inclusive_costs_agree_where_they_are_told(perfdb: Run, database: Path) -> None:
    statement = (
        "select commit_sha, module, function, exclusive_samples, inclusive_samples, inclusive_ms from function_cost "
        f"where is_main_process and commit_sha in ('{ETL}', '{DUMPER}', '{DETAIL}') order by all"
    )
    rows = json.loads(perfdb("--db", database, "sql", "--format", "json", statement).out)
    by_way = {
        commit: {
            row["module"].lower(): (row["exclusive_samples"], row["inclusive_samples"])
            for row in rows
            if row["commit_sha"] == commit
        }
        for commit in (ETL, DUMPER, DETAIL)
    }

    assert by_way[ETL] == by_way[DUMPER]
    assert {(name, exclusive) for name, (exclusive, _) in by_way[ETL].items() if exclusive} == {
        (name, exclusive) for name, (exclusive, inclusive) in by_way[DETAIL].items() if inclusive is None
    }


def test_a_report_of_all_processes_is_compared_with_all_processes(perfdb: Run, database: Path) -> None:
    """Two samples, both of the kernel, have no stack, and so are not in the butterfly."""
    example = diff(perfdb, database, ETL, BUTTERFLY)

    assert {"pooled", "detail", "trimmed"} <= codes(example)
    assert {("ntoskrnl.exe", -2.0)} == deltas(example["modules"])
    assert (6320.0, 6318.0) == tuple(example["total"][f"{side}_ms"] for side in ("baseline", "contender"))


def test_the_idle_process_is_left_out_where_one_side_cannot_tell_it(perfdb: Run, database: Path) -> None:
    example = diff(perfdb, database, DETAIL, ETL, "--all-processes")

    assert set() == deltas(example["modules"])
    (text,) = (caveat["text"] for caveat in example["caveats"] if caveat["code"] == "detail")
    assert text.endswith("exclusive costs are in all of them, but for those of the idle process")


def test_what_is_not_told_is_shown_as_missing(perfdb: Run, database: Path) -> None:
    shown = perfdb("--db", database, "show", DETAIL, "--by", "module", "--top", "1").out

    assert "<unknown>       4,562.0   88.9 %             -       -" in shown
    data = json.loads(perfdb("--db", database, "show", DETAIL, "--format", "json").out)
    assert {None} == {row["inclusive_ms"] for row in data["examples"][0]["modules"]}


def test_process_totals_and_calls_of_a_report(perfdb: Run, database: Path) -> None:
    statement = "select name, samples from process where samples is not null order by samples desc, name limit 2"
    ran = perfdb("--db", database, "sql", "--format", "json", statement)

    assert [("Test.x64.exe", 5129), ("PerfView.exe", 356)] == [
        (row["name"], row["samples"]) for row in json.loads(ran.out)
    ]
    statement = (
        "select samples, cpu_ms from call_cost where caller_module = '<unknown>' and callee_module = '<unknown>'"
    )
    (row,) = json.loads(perfdb("--db", database, "sql", "--format", "json", statement).out)
    assert {"samples": 24490, "cpu_ms": 24490.0} == row


def test_the_formats_are_told_where_they_are_asked_for(perfdb: Run, tmp_path: Path) -> None:
    names = [reader.name for reader in READERS]
    help_text = " ".join(perfdb("record", "--help").out.split()).replace("- ", "-")

    assert f"{', '.join(names[:-1])} or {names[-1]}." in help_text
    (tmp_path / "x.txt").write_text("a;b 1\n")
    ran = perfdb("record", tmp_path / "x.txt", "--commit", "f" * 40, "--format", "flded")
    assert (2, f"error: asked to read as flded, found no such format. perfdb reads: {', '.join(names)}.\n") == (
        ran.code,
        ran.err,
    )


def test_a_file_without_process_names_has_the_one_that_is_said(perfdb: Run, tmp_path: Path) -> None:
    (tmp_path / "x.folded").write_text("a.exe!main;b.dll!f 12\na.exe!main 3\n")
    database = tmp_path / "h.duckdb"
    words = ("--commit", "f" * 40, "--process", "app.exe", "--interval", "0.5")
    ran = perfdb("--db", database, "record", tmp_path / "x.folded", *words)

    assert (0, "") == (ran.code, ran.err)
    assert "app.exe  15 samples  7.5 ms CPU  hottest b.dll 80.0 %  losses not told\n" in ran.out
    exported = perfdb("--db", database, "export", "--as", "folded").out
    assert "a.exe!main 3\na.exe!main;b.dll!f 12\n" == exported


def test_of_many_files_the_one_that_fails_is_named(perfdb: Run, tmp_path: Path) -> None:
    (tmp_path / "good.folded").write_text("a.exe!main;b.dll!f 3\n")
    (tmp_path / "bad.folded").write_text("a.exe!main;b.dll!f 12\na.exe!main 3.5\n")
    ran = perfdb("--db", tmp_path / "h.duckdb", "record", tmp_path, "--commit", "f" * 40)

    assert 3 == ran.code
    assert f"error: {tmp_path / 'bad.folded'}: " in ran.err
    assert "1 of 2 traces could not be recorded; the others were." in ran.err


def test_of_files_made_from_one_trace_the_one_that_tells_most_is_recorded(
    perfdb: Run, corpus: Path, tmp_path: Path
) -> None:
    for name, ending in (("butterfly.html", "_butterfly.html"), ("profile_detail.txt", "_detail.txt")):
        shutil.copy(corpus / f"dotnet-gc-x64.{name}", tmp_path / f"dosatsu_profile_simple_20240427_102030{ending}")
    (tmp_path / "notes.txt").write_text("no trace at all\n")
    ran = perfdb("--db", tmp_path / "h.duckdb", "record", tmp_path, "--commit", "f" * 40)

    assert 0 == ran.code
    assert 1 == ran.out.count(" samples  ")
    assert "  simple  ffffffffff  <all processes>  6,318 samples" in ran.out
    assert (
        "left out, since they tell less of the same trace: dosatsu_profile_simple_20240427_102030_detail.txt" in ran.err
    )


def test_a_process_cannot_be_asked_of_a_report_of_all(perfdb: Run, corpus: Path, tmp_path: Path) -> None:
    report = corpus / "dotnet-gc-x64.butterfly.html"
    ran = perfdb("--db", tmp_path / "h.duckdb", "record", report, "--commit", "f" * 40, "--process", "Test.x64.exe")

    assert 3 == ran.code
    assert "does not tell its processes apart" in ran.err
    assert "-process Test.x64.exe" in ran.err
    words = ("--commit", "f" * 40, "--process", "<all processes>")
    assert 0 == perfdb("--db", tmp_path / "h.duckdb", "record", report, *words).code
