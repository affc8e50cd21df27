"""The demo, and the questions that a user asks of its history."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.golden import assert_golden


def steady(text: str) -> str:
    """The text without what changes from run to run: run ids, moments of recording."""
    text = re.sub(r"\br[0-9a-f]{8}\b", "rRUNRUNRU", text)
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d\.\d{6})?", "2026-01-01 00:00", text)


def test_the_demo_tells_its_story(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["perfdb"])
    monkeypatch.setattr("perfdb.demo.story.shutil.which", lambda name: name)

    ran = perfdb("demo", "--keep", "here")

    assert ran.code == 0
    assert ran.err == ""
    assert_golden("demo.txt", steady(ran.out.replace(str(tmp_path / "here"), "DEMO")))


def test_the_demo_does_not_write_into_a_folder_that_has_something(perfdb: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")

    ran = perfdb("demo", "--keep", tmp_path)

    assert ran.code == 3
    assert "is not empty" in ran.err
    assert ["mine.txt"] == [path.name for path in tmp_path.iterdir()]


def test_the_traces_look_like_the_indexer(perfdb: Run, demo: Path) -> None:
    """The shares that the demo promises, within what a run's noise moves them."""
    ran = perfdb(
        "sql",
        "--format",
        "json",
        "select module, sum(exclusive_ms) / sum(sum(exclusive_ms)) over () as share from module_cost c "
        "where is_main_process and commit_sha in (select commit_sha from revision where subject like '%instances') "
        "group by all",
    )

    shares = {row["module"]: row["share"] for row in json.loads(ran.out)}
    expected = {
        "kuzu_shared.dll": 0.40,
        "ntdll.dll": 0.28,
        "ucrtbased.dll": 0.14,
        "ucrtbase.dll": 0.09,
        "ntoskrnl.exe": 0.07,
    }
    assert all(abs(shares[module] - share) < 0.015 for module, share in expected.items())
    assert 0.01 <= shares["indexer.exe"] <= 0.02


@pytest.mark.parametrize("output", ["table", "markdown", "csv"])
def test_diff_of_one_example(perfdb: Run, demo: Path, output: str) -> None:
    ran = perfdb("diff", "main", "bulk-insert", "--example", "templates", "--format", output)

    assert ran.code == 0
    assert ran.err == ""
    assert_golden(f"diff_templates.{output}.txt", steady(ran.out))


def test_diff_as_json_adds_up(perfdb: Run, demo: Path) -> None:
    ran = perfdb("diff", "main...bulk-insert", "--top", "3", "--json")

    data = json.loads(ran.out)
    assert data["schema"] == "perfdb.diff/2"
    assert ["inheritance", "simple", "templates"] == [example["example"] for example in data["examples"]]
    for example in data["examples"]:
        for kind in ("modules", "functions"):
            ledger = example[kind]
            for parts in (ledger["rows"] + ledger["rest"], ledger["classes"]):
                assert abs(sum(part["delta_ms"] for part in parts) - ledger["total"]["delta_ms"]) < 1e-6
                for samples in ("baseline_samples", "contender_samples"):
                    assert ledger["total"][samples] == sum(part[samples] for part in parts)
            assert 3 < len(ledger["rows"]), "--top is for tables"


def test_the_planted_regression_is_on_top_of_what_got_slower(perfdb: Run, demo: Path) -> None:
    ran = perfdb("diff", "main", "bulk-insert", "--by", "module", "--format", "csv")

    rows = [row for row in csv.DictReader(io.StringIO(ran.out)) if row["kind"] == "module" and row["module"]]
    slower = sorted(rows, key=lambda row: float(row["delta_ms"]), reverse=True)
    assert ("templates", "ucrtbase.dll") == (slower[0]["example"], slower[0]["module"])
    assert 0.7 < float(slower[0]["change"]) < 0.95
    assert {"new"} == {row["status"] for row in rows if row["module"] == "arrow.dll"}


def test_show_of_a_branch(perfdb: Run, demo: Path) -> None:
    ran = perfdb("show", "main", "--example", "simple")

    assert ran.code == 0
    assert_golden("show_simple.txt", steady(ran.out))


def test_show_of_one_run_by_the_name_that_runs_prints(perfdb: Run, demo: Path) -> None:
    name = re.findall(r"^(r[0-9a-f]{8})", perfdb("runs").out, re.MULTILINE)[0]

    ran = perfdb("show", name, "--by", "module")

    assert ran.code == 0
    assert ran.out.startswith(f"run {name}\n")
    assert "indexer.exe" in ran.out


def test_all_processes_have_more_work_than_the_main_one(perfdb: Run, demo: Path) -> None:
    def cpu_ms(*words: str) -> float:
        data = json.loads(perfdb("show", "main", "--example", "simple", "--format", "json", *words).out)
        return float(data["examples"][0]["cpu_ms"])

    assert cpu_ms("--all-processes") == cpu_ms() + cpu_ms("--process", "MsMpEng")
    assert cpu_ms("--process", "indexer.exe") == cpu_ms()


def test_runs_lists_the_newest_first(perfdb: Run, demo: Path) -> None:
    ran = perfdb("runs", "--top", "4")

    assert_golden("runs.txt", steady(ran.out))
    assert 18 == len(json.loads(perfdb("runs", "--format", "json").out))
    assert 9 == len(json.loads(perfdb("runs", "main", "--format", "json").out))
    assert 3 == len(
        list(csv.DictReader(io.StringIO(perfdb("runs", "main", "--example", "simple", "--format", "csv").out)))
    )


def test_query_list_has_the_promised_questions(perfdb: Run, demo: Path) -> None:
    ran = perfdb("query", "--list")

    names = {line.split()[0] for line in ran.out.splitlines()[2:]}
    assert {"hotspots", "runs_by_commit", "module_trend", "function_trend", "new_functions", "lost_events"} <= names
    assert_golden("queries.txt", ran.out)


@pytest.mark.parametrize(
    "words",
    [
        ("hotspots", "--param", "commit=bulk-insert", "--param", "example=templates"),
        ("runs_by_commit",),
        ("module_trend", "--param", "module=kuzu_shared.dll"),
        ("lost_events",),
    ],
)
def test_named_queries_answer(perfdb: Run, demo: Path, words: tuple[str, ...]) -> None:
    ran = perfdb("query", *words)

    assert ran.code == 0
    assert_golden(f"query_{words[0]}.txt", steady(ran.out))


def test_doctor_and_info_speak_of_the_demo(perfdb: Run, demo: Path) -> None:
    assert "18 runs" in perfdb("doctor").out
    assert re.search(r"^run +18$", perfdb("db", "info").out, re.MULTILINE)
    assert perfdb("db", "check").code == 0
    assert "is up to date" in perfdb("db", "migrate").out


def test_the_planted_function_is_on_top_of_what_got_slower(perfdb: Run, demo: Path) -> None:
    ran = perfdb("diff", "main", "bulk-insert", "--by", "function", "--format", "csv")

    rows = [row for row in csv.DictReader(io.StringIO(ran.out)) if row["kind"] == "function" and row["function"]]
    slowest = max(rows, key=lambda row: float(row["delta_ms"]))
    assert ("templates", "ucrtbase.dll", "strtod") == (slowest["example"], slowest["module"], slowest["function"])


def test_hot_lines_of_the_demo_stand_in_its_sources(perfdb: Run, demo: Path) -> None:
    ran = perfdb(
        "query", "hot_lines", "--param", "example=simple", "--param", "function=construct_at", "--format", "csv"
    )

    (row, *_) = list(csv.DictReader(io.StringIO(ran.out)))
    assert ("kuzu_shared.dll", "std::construct_at<int>", "True") == (row["module"], row["function"], row["is_inlined"])
    assert int(row["line"]) > 0
