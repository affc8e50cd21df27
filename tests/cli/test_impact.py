"""`perfdb impact`: what the demo's optimisation brought, and what the command takes and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.test_demo import steady
from tests.golden import assert_golden

ASKED = ("impact", "main", "bulk-insert")


def as_json(perfdb: Run, *words: str) -> dict[str, Any]:
    ran = perfdb(*ASKED, "--json", *words)
    assert (0, "") == (ran.code, ran.err)
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.mark.parametrize("output", ["table", "markdown"])
def test_what_the_optimisation_brought(perfdb: Run, demo: Path, output: str) -> None:
    ran = perfdb(*ASKED, "--target", "kuzu_shared", "--target", "strtod", "--format", output)

    assert (0, "") == (ran.code, ran.err)
    assert_golden(f"impact_demo.{output}.txt", steady(ran.out))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chosen", ()),
        ("function", ("--target", "LocalNodeTable::insert")),
        ("inclusive", ("--target", "Connection::executeWithParams", "--inclusive")),
        ("one_example", ("--target", "kuzu_shared.dll", "--example", "templates")),
    ],
)
def test_the_paragraph_for_a_commit_message(perfdb: Run, demo: Path, name: str, words: tuple[str, ...]) -> None:
    ran = perfdb(*ASKED, "--summary", *words)

    assert (0, "") == (ran.code, ran.err)
    assert_golden(f"impact_summary_{name}.txt", steady(ran.out))


def test_impact_and_diff_never_disagree(perfdb: Run, demo: Path) -> None:
    diff = json.loads(perfdb("diff", "main", "bulk-insert", "--json").out)
    modules = [row["module"] for row in diff["examples"][0]["modules"]["rows"]]

    impact = as_json(perfdb, *(word for module in modules for word in ("--target", module)))

    for theirs, ours in zip(diff["examples"], impact["examples"], strict=True):
        rows = {row["module"]: row for row in theirs["modules"]["rows"]}
        for module, part in zip(modules, ours["targets"], strict=True):
            assert {name: rows[module][name] for name in ("status", "effect", "low", "high", "verdict")} == {
                name: part[name] for name in ("status", "effect", "low", "high", "verdict")
            }
        assert theirs["total"]["effect"] == ours["program"]["effect"]
        assert abs(ours["elsewhere"]["baseline_ms"]) < 1e-6


def test_inclusive_costs_are_those_of_the_function(perfdb: Run, demo: Path) -> None:
    """The diff judges the same subtree as a call path."""
    words = ("--target", "executeWithParams", "--inclusive", "--example", "templates")
    (example,) = as_json(perfdb, *words)["examples"]
    show = json.loads(perfdb("show", "main", "--example", "templates", "--format", "json", "--top", "0").out)

    (part,) = example["targets"]
    functions = {row["function"]: row["inclusive_ms"] for row in show["examples"][0]["functions"]}
    assert functions["kuzu::main::Connection::executeWithParams"] == part["baseline_ms"]
    diff = json.loads(perfdb("diff", "main", "bulk-insert", "--example", "templates", "--json").out)
    path = diff["examples"][0]["paths"]["rows"][0]
    assert "kuzu::main::Connection::executeWithParams" == path["path"][-1]["function"]
    assert abs(path["effect"] - part["effect"]) < 0.01
    assert abs(path["low"] - part["low"]) < 0.02


def test_revisions_are_named_as_in_a_diff(perfdb: Run, demo: Path) -> None:
    range_of = json.loads(perfdb("impact", "main...bulk-insert", "--json").out)

    assert "merge base of main and bulk-insert" == range_of["baseline"]["asked"]
    assert range_of["examples"] == as_json(perfdb)["examples"]
    assert range_of["examples"] == json.loads(perfdb("impact", "main", "--json").out)["examples"], "HEAD is bulk-insert"


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.json", "a.csv"])
def test_a_file_has_the_format_of_its_name(perfdb: Run, demo: Path, tmp_path: Path, name: str) -> None:
    formats = {"md": "markdown", "txt": "table", "json": "json", "csv": "csv"}
    file = tmp_path / name

    ran = perfdb(*ASKED, "-o", file)

    assert (0, "", f"wrote the impact to {file}\n") == (ran.code, ran.out, ran.err)
    assert perfdb(*ASKED, "--format", formats[name[2:]]).out == file.read_text(encoding="utf-8")


def test_a_page_tells_the_impact_too(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "impact.html"

    assert 0 == perfdb(*ASKED, "--target", "strtod", "-o", file).code

    page = file.read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "ucrtbase.dll!strtod no change shown" in " ".join(page.split())


def test_a_file_is_not_replaced_unasked(perfdb: Run, demo: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("mine")

    ran = perfdb(*ASKED, "--summary", "-o", file)

    assert (3, "mine") == (ran.code, file.read_text())
    assert 0 == perfdb(*ASKED, "--summary", "-o", file, "--force").code
    assert perfdb(*ASKED, "--summary").out == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--target", "kuzu_shard.dll"), 3, "The nearest names are kuzu_shared.dll."),
        (("--target", "lookupIntern"), 3, "HashIndex<__int64>::lookupInternal"),
        (("--target", "executeWithParams"), 3, "Add --inclusive"),
        (("--inclusive",), 2, "asked for inclusive costs, found no target"),
        (("--inclusive", "--target", "lookupInternal"), 2, "found 2 functions or modules"),
        (("--summary", "--json"), 2, "asked for the summary as json"),
        (("--summary", "-o", "a.html"), 2, "asked for the summary as html"),
        (("-o", "a.pdf"), 2, "let it end in .txt, .md, .csv, .json, .html"),
        (("--json", "-o", "a.md"), 2, "whose name says markdown"),
        (("--margin", "many"), 2, "--margin takes a fraction"),
        (("--example", "nothing"), 4, "found no example that both have"),
    ],
)
def test_what_is_refused_and_why(
    perfdb: Run, demo: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = perfdb(*ASKED, *(str(tmp_path / word) if word.startswith("a.") else word for word in words))

    assert (code, "") == (ran.code, ran.out)
    assert said in ran.err
    assert [] == list(tmp_path.iterdir())


def test_the_margin_decides_what_is_equal(perfdb: Run, demo: Path) -> None:
    (example,) = as_json(perfdb, "--target", "indexer.exe", "--example", "templates", "--margin", "40%")["examples"]

    assert "equal" == example["targets"][0]["verdict"]


def test_a_table_of_csv_tells_caveats_beside_it(perfdb: Run, demo: Path) -> None:
    ran = perfdb("impact", "main", "main", "--format", "csv")

    assert "! both sides are the same recorded commit: all differences are noise\n" == ran.err
    assert ran.out.startswith("example,part,name,status,")


def test_a_target_that_is_all_of_the_program_changed_as_the_program_did(perfdb: Run, demo: Path) -> None:
    data = json.loads(perfdb("impact", "main", "bulk-insert", "--target", "*", "--json").out)

    for example in data["examples"]:
        (target,) = example["targets"]
        assert "improved" == target["verdict"] == example["program"]["verdict"]
        # A program is judged by its functions, this target by its modules: nearly the same.
        assert target["effect"] == pytest.approx(example["program"]["effect"], abs=0.005)
