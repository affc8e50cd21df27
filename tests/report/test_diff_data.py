"""A diff for programs: JSON that is complete, and one flat CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest

import perfdb
from perfdb.compare.comparison import Comparison, PooledEntry
from perfdb.compare.costs import Item
from perfdb.compare.ledger import CLASSES
from perfdb.compare.sides import SetAside
from perfdb.compare.verdicts import Criteria, Finding, not_comparable
from perfdb.profile.columns import Caveat
from perfdb.report import render
from perfdb.report.of_diff import SCHEMA, diff_report
from tests.report.diffs import (
    BARE,
    BETTER,
    INSERT,
    OPEN,
    STRTOD,
    WORSE,
    comparison,
    example_diff,
    path_change,
    paths,
    run,
    runs,
)

FINDING = {"verdict", "effect", "low", "high", "p_value", "adjusted", "runs_needed", "is_relevant", "reason"}
COSTS = {"baseline_ms", "contender_ms", "delta_ms", "change"}
SAMPLES = {"baseline_samples", "contender_samples"}
ENTRY = {"module", "function", "status", "baseline_spread_ms", "contender_spread_ms"} | COSTS | SAMPLES | FINDING


def rich() -> Comparison:
    """A diff with something of everything."""
    aside = [SetAside(run(99).run_id, "contender", "it lost 12 events")]
    full = example_diff(
        BETTER,
        runs(history=3, aside=aside),
        top=3,
        paths=paths(path_change([BARE, STRTOD], 231, 412, WORSE), path_change([BARE, INSERT], 151, 87, BETTER)),
        common_effect=0.012,
        caveats=[Caveat("dirty", "uncommitted changes")],
    )
    alone = example_diff(not_comparable("two machines"), runs(1, 1, reason="two machines"), name="simple")
    pooled = PooledEntry(INSERT, ("simple", "templates"), 3e8, 2e8, BETTER)
    return comparison(full, alone, pooled=[pooled], criteria=Criteria(0.02, 10, 0.01, 7))


def as_json(diff: Comparison) -> dict[str, Any]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    data: dict[str, Any] = json.loads(render(diff_report(diff), "json"), parse_constant=refuse)
    return data


def as_csv(diff: Comparison, by: str = "both") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(diff_report(diff, by), "csv"))))


def test_json_holds_what_is_needed_to_compare_again() -> None:
    data = as_json(rich())

    assert ("perfdb.diff/2", SCHEMA) == (data["schema"], data["schema"])
    assert perfdb.__version__ == data["version"]
    assert {"margin": 0.02, "min_ms": 10, "fdr": 0.01, "history": 7} == data["settings"]
    assert {"examples": [], "process": None, "all_processes": False, "build": None} == data["scope"]
    assert ("main", "a" * 40) == (data["baseline"]["asked"], data["baseline"]["recorded_sha"])
    of_runs = data["examples"][0]["runs"]
    assert [[run(1).run_id, run(2).run_id], [run(3).run_id, run(4).run_id]] == [
        [each["run_id"] for each in of_runs[side]] for side in ("baseline", "contender")
    ]
    assert [run(5).run_id, run(6).run_id, run(7).run_id] == of_runs["history"]
    assert [{"run_id": run(99).run_id, "side": "contender", "reason": "it lost 12 events"}] == of_runs["set_aside"]
    assert "two machines" == data["examples"][1]["runs"]["reason"]


def test_json_names_every_figure() -> None:
    data = as_json(rich())
    (first, second) = data["examples"]

    assert set(first) == {
        "example", "runs", "common_effect", "module_effect", "caveats", "metric", "total", "modules", "functions",
        "paths", "measured",
    }  # fmt: skip
    for entry in (first["total"], *first["modules"]["rows"], *first["functions"]["rows"]):
        assert set(entry) == ENTRY
    for part in (*first["functions"]["rest"], *first["functions"]["classes"]):
        assert set(part) == {"status", "count"} | COSTS | SAMPLES
    for path in first["paths"]["rows"]:
        assert set(path) == {"path"} | COSTS | FINDING
    assert [{"module": "ntdll.dll", "function": "<unresolved>"}, {"module": "ucrtbase.dll", "function": "strtod"}] == (
        first["paths"]["rows"][0]["path"]
    )
    assert set(data["pooled"][0]) == {"module", "function", "examples"} | COSTS | FINDING
    assert None is second["paths"]


def test_json_tells_a_finding_in_full() -> None:
    entry = as_json(rich())["examples"][0]["functions"]["rows"][0]

    expected = {"verdict": "regressed", "effect": 0.782, "low": 0.65, "high": 0.92, "runs_needed": 3}
    expected |= {"p_value": 1e-9, "adjusted": 2e-8, "is_relevant": True, "reason": ""}
    assert expected == {name: entry[name] for name in FINDING}
    assert ("ucrtbase.dll", "strtod", "regressed") == (entry["module"], entry["function"], entry["status"])
    assert (463, 825) == (entry["baseline_samples"], entry["contender_samples"])


def test_names_of_verdicts_are_single_words() -> None:
    total = as_json(rich())["examples"][1]["total"]

    assert ("not_comparable", "two machines") == (total["verdict"], total["reason"])


@pytest.mark.parametrize("kind", ["modules", "functions"])
def test_the_ledger_in_json_adds_up_both_ways(kind: str) -> None:
    ledger = as_json(rich())["examples"][0][kind]

    assert list(CLASSES) == [each["status"] for each in ledger["classes"]]
    for figure in ("baseline_ms", "contender_ms", "delta_ms", "baseline_samples", "contender_samples"):
        total = ledger["total"][figure]
        assert math.isclose(total, sum(part[figure] for part in ledger["rows"] + ledger["rest"]), abs_tol=1e-6)
        assert math.isclose(total, sum(part[figure] for part in ledger["classes"]), abs_tol=1e-6)


def test_figures_that_are_no_numbers_become_null() -> None:
    finding = Finding("inconclusive", math.nan, -math.inf, math.inf, math.nan, None)

    total = as_json(comparison(example_diff(finding)))["examples"][0]["total"]

    assert {None} == {total[name] for name in ("effect", "low", "high", "p_value", "adjusted")}


def test_estimates_have_six_digits() -> None:
    """Two machines need not agree on the sixteenth, and a diff run again is held against what was written."""
    finding = Finding("improved", -1 / 3, -2 / 3, 1 / 7, 1e-9 / 3, 2e-9 / 3, 4, True)

    total = as_json(comparison(example_diff(finding, common_effect=1 / 3)))["examples"][0]["total"]

    expected = {"effect": -0.333333, "low": -0.666667, "high": 0.142857, "p_value": 3.33333e-10}
    assert expected | {"adjusted": 6.66667e-10} == {name: total[name] for name in (*expected, "adjusted")}


CSV_COLUMNS = (
    "example,kind,module,function,path,status,count,baseline_ms,baseline_spread_ms,contender_ms,contender_spread_ms,"
    "delta_ms,change,effect,low,high,p_value,adjusted,verdict,runs_needed,is_relevant,reason,"
    "baseline_samples,contender_samples,baseline_runs,contender_runs"
)


def test_csv_has_a_row_for_everything() -> None:
    text = render(diff_report(rich()), "csv")
    rows = as_csv(rich())

    assert CSV_COLUMNS == text.splitlines()[0]
    kinds = ["program", "module", "module_class", "function", "function_class", "path"]
    assert kinds == list(dict.fromkeys(row["kind"] for row in rows if row["example"] == "templates"))
    (pooled,) = [row for row in rows if row["kind"] == "pooled"]
    assert ("simple; templates", "2", "improved") == (pooled["example"], pooled["count"], pooled["verdict"])
    path, *_ = [row for row in rows if row["kind"] == "path"]
    assert ("ntdll.dll!<unresolved>;ucrtbase.dll!strtod", "strtod") == (path["path"], path["function"])
    program = rows[0]
    assert ("total", "improved", "-0.42", "True", "2") == tuple(
        program[name] for name in ("status", "verdict", "effect", "is_relevant", "baseline_runs")
    )


@pytest.mark.parametrize("kind", ["module", "module_class", "function", "function_class", "path"])
def test_csv_rows_of_a_kind_add_up_to_the_program(kind: str) -> None:
    rows = [row for row in as_csv(rich()) if row["example"] == "templates"]

    for figure in ("baseline_ms", "contender_ms", "delta_ms"):
        of_kind = sum(float(row[figure]) for row in rows if row["kind"] == kind)
        assert math.isclose(float(rows[0][figure]), of_kind, abs_tol=1e-6)


def test_csv_lists_what_was_asked_for() -> None:
    assert {"program", "module", "module_class"} == {row["kind"] for row in as_csv(rich(), "module")}
    assert {"program", "function", "function_class", "path", "pooled"} == {
        row["kind"] for row in as_csv(rich(), "function")
    }


def test_the_whole_program_as_a_path_has_no_frames() -> None:
    diff = comparison(example_diff(OPEN, paths=paths(path_change((), 2485.5, 2336.25, OPEN))))

    assert [] == as_json(diff)["examples"][0]["paths"]["rows"][0]["path"]
    row = next(row for row in as_csv(diff) if row["kind"] == "path")
    assert ("", "", "") == (row["path"], row["module"], row["function"])


def test_names_are_kept_as_they_are() -> None:
    nasty = Item("a.dll", '\x1b[31m"x", y\n;')
    diff = comparison(example_diff(functions={nasty: ([1.0, 2.0], [2.0, 3.0], "inconclusive", OPEN)}))

    assert nasty.function == as_json(diff)["examples"][0]["functions"]["rows"][0]["function"]
    assert nasty.function in {row["function"] for row in as_csv(diff)}
