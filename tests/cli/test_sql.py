"""`perfdb sql` and `perfdb query` from the command line: formats, input, output, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

COUNT = "select example, count(*) as runs from run_summary group by all order by all"


def test_every_format(perfdb: Run, demo: Path) -> None:
    table = perfdb("sql", COUNT).out
    markdown = perfdb("sql", COUNT, "--format", "markdown").out
    rows = list(csv.reader(io.StringIO(perfdb("sql", COUNT, "--format", "csv").out)))

    assert table.splitlines()[0].split() == ["example", "runs"]
    assert table.splitlines()[2].split() == ["inheritance", "6"]
    assert "| inheritance |    6 |" in markdown
    assert [["example", "runs"], ["inheritance", "6"], ["simple", "6"], ["templates", "6"]] == rows
    assert {"example": "simple", "runs": 6} == json.loads(perfdb("sql", COUNT, "--format", "json").out)[1]


def test_the_query_comes_from_a_file_or_from_standard_input(
    perfdb: Run, demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "count.sql"
    file.write_text(COUNT, encoding="utf-8-sig")
    expected = perfdb("sql", COUNT).out

    assert expected == perfdb("sql", "--file", file).out
    monkeypatch.setattr("sys.stdin", io.StringIO(COUNT))
    assert expected == perfdb("sql", "-").out


@pytest.mark.parametrize("words", [(), (COUNT, "--file", "x.sql")])
def test_the_query_is_given_once(perfdb: Run, demo: Path, words: tuple[str, ...]) -> None:
    assert 2 == perfdb("sql", *words).code


def test_output_is_written_by_perfdb_and_never_over_a_file_unasked(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"

    first = perfdb("sql", COUNT, "--format", "csv", "--output", file)
    written = file.read_text(encoding="utf-8")
    second = perfdb("sql", "select 1 as one", "--format", "csv", "--output", file)

    assert (0, "") == (first.code, first.out)
    assert "wrote 3 rows" in first.err
    assert written.startswith("example,runs\n")
    assert 3 == second.code
    assert "Add --force" in second.err
    assert written == file.read_text(encoding="utf-8")
    assert 0 == perfdb("sql", "select 1 as one", "--format", "csv", "--output", file, "--force").code
    assert "one\n1\n" == file.read_text(encoding="utf-8")
    assert ["out.csv"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from run",
        "create table t (a int)",
        "attach ':memory:' as other",
        "copy run to 'out.csv'",
        "select * from read_csv('README.md')",
        "select * from 'README.md'",
        "set memory_limit = '1GB'",
        "install httpfs",
        "update extensions",
        "select 1; select 2",
        "selec 1",
        "select no_such_column from run",
        "",
    ],
)
def test_what_does_more_than_read_is_refused(perfdb: Run, demo: Path, statement: str) -> None:
    ran = perfdb("sql", statement)

    assert (3, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


def test_an_unknown_query_or_parameter_is_answered_with_those_there_are(perfdb: Run, demo: Path) -> None:
    nameless = perfdb("query", "hotspot")
    wrong = perfdb("query", "hotspots", "--param", "comit=main")

    assert nameless.code in (2, 3)
    assert "hotspots" in nameless.err
    assert wrong.code in (2, 3)
    assert "commit" in wrong.err


def test_a_query_of_the_users_own(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.sql"
    file.write_text(
        "-- question: How many runs has an example?\n-- param example: its name\n-- columns: runs\n"
        "select count(*) as runs from run_summary where example = $example\n"
    )

    assert "6" in perfdb("query", file, "--param", "example=simple").out


def test_a_plain_file_of_sql_needs_no_header(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "plain.sql"
    file.write_text("select count(*) as runs from run")

    assert "18" in perfdb("query", file).out


def test_the_ending_of_the_output_says_its_format(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    for ending, begins in ((".csv", "example,runs\n"), (".json", "[\n"), (".md", "| example"), (".txt", "example")):
        file = tmp_path / f"out{ending}"

        assert 0 == perfdb("sql", COUNT, "--output", file).code
        assert file.read_text(encoding="utf-8").startswith(begins)


def test_a_plan_is_printed_as_it_is_drawn(perfdb: Run, demo: Path) -> None:
    ran = perfdb("sql", f"explain {COUNT}")

    assert 0 == ran.code
    assert "\\x0a" not in ran.out
    assert len(ran.out.splitlines()) > 5


def test_two_columns_of_one_name_are_both_in_json(perfdb: Run, demo: Path) -> None:
    assert [{"a": 1, "a_1": 2}] == json.loads(perfdb("sql", "select 1 as a, 2 as a", "--format", "json").out)
