"""The report of an impact: the paragraph for a commit message, the tables, and the same for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest

import perfdb
from perfdb.compare.costs import Item
from perfdb.compare.impact import ABSENT, Impact
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.targets import Target
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, REGRESSED, Finding, not_comparable
from perfdb.profile.columns import Caveat
from perfdb.report import render
from perfdb.report.of_impact import SCHEMA, impact_report
from perfdb.report.of_impact_summary import impact_summary
from tests.compare.impacts import INSERT, drawn, judged
from tests.compare.sides import case_of
from tests.report.diffs import BETTER, OPEN, SAME, WORSE, comparison, runs
from tests.report.impacts import KUZU, NTDLL, UCRT, example, impact, moved, part, parts, unlike
from tests.report.test_markdown import rendered

FASTER = Finding(IMPROVED, -0.38, -0.41, -0.352, 1e-9, 1e-8, 0, True)
TINY = Finding(IMPROVED, -0.021, -0.031, -0.011, 1e-4, 1e-3, 2, False)
BARE = Finding(INCONCLUSIVE, -0.2)


def said(each: Impact) -> str:
    """The paragraph on one line."""
    return impact_summary(each).replace("\n", " ")


def shown(each: Impact, output: str = "table") -> str:
    return render(impact_report(each), output)


# ---- the paragraph ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (part(400, 250, FASTER, IMPROVED), "-38 % [-41, -35]"),
        (part(400, 250, WORSE, REGRESSED), "+78 % [+65, +92]"),
        (part(400, 391, TINY, IMPROVED), "-2.1 % [-3.1, -1.1] (small)"),
        (part(400, 402, SAME, EQUAL), "equal within 5 % [-2, +3]"),
        (part(400, 390, OPEN, INCONCLUSIVE), "no change shown [-51, +6]"),
        (part(400, 320, BARE, INCONCLUSIVE), "no change shown"),
        (part(0, 31.3, None, NEW), "new (+31 ms)"),
        (part(3.25, 0, None, VANISHED), "gone (-3.2 ms)"),
        (part(0, 0, None, ABSENT), "does no work"),
        (part(400, 320, not_comparable("no names"), "others"), "not comparable"),
    ],
)
def test_what_is_shown_of_a_target(told: Any, expected: str) -> None:
    assert said(impact(example(told))).startswith(f"kuzu_shared.dll {expected}; program -42 % [-50, -31]; everything")


def test_the_paragraph_of_one_example() -> None:
    one = impact(example(part(400, 250, FASTER, IMPROVED)), slower=[moved(UCRT, 200, 204)])

    assert (
        "kuzu_shared.dll -38 % [-41, -35]; program -42 % [-50, -31]; everything else equal within 5 % [-2, +3]. Slower "
        "elsewhere: ucrtbase.dll +2 % (+4.0 ms). CPU time of simple against main (aaaaaaaaaa), 3 v 3 runs; 95 % "
        "intervals."
    ) == said(one)


def test_the_paragraph_of_several_examples() -> None:
    better, open_one = part(400, 250, FASTER, IMPROVED), part(400, 390, OPEN, INCONCLUSIVE)
    three = impact(
        *(example(better, open_one, name=name) for name in "ab"),
        example(better, part(400, 712, WORSE, REGRESSED), name="c", matched=runs(2, 5, 12)),
        targets=(KUZU, NTDLL),
        pooled=parts(replace(better, told=3), replace(open_one, told=3), told=3),
        slower=[moved(UCRT, 200, 204), moved(Item("new.dll", "f"), 0, 40, "a", "b")],
    )

    assert (
        "kuzu_shared.dll -38 % [-41, -35] in 3 of 3 examples; ntdll.dll no change shown [-51, +6] over 3 examples, but "
        "+78 % [+65, +92] in c; program -42 % [-50, -31] in 3 of 3 examples; everything else equal within 5 % [-2, +3] "
        "over 3 examples. Slower elsewhere: ucrtbase.dll +2 % (+4.0 ms) in simple, new.dll!f new (+40 ms) in 2 of 3 "
        "examples. CPU time against main (aaaaaaaaaa), 2 to 3 v 3 to 5 runs and up to 12 earlier an example; 95 % "
        "intervals."
    ) == said(three)


def test_what_only_all_examples_together_show_is_said_to_be_so() -> None:
    open_one = part(400, 390, OPEN, INCONCLUSIVE)
    both = impact(
        example(open_one, name="a"), example(open_one, name="b"), pooled=parts(part(800, 500, FASTER, told=2), told=2)
    )

    assert "kuzu_shared.dll -38 % [-41, -35] over 2 examples (none of 2 show it alone); program" in said(both)


def test_examples_that_cannot_be_compared_are_counted() -> None:
    better = part(400, 250, FASTER, IMPROVED)
    apart = unlike(example(better, name="b"), not_comparable("two machines"))

    assert "kuzu_shared.dll -38 % [-41, -35] in a; program" in said(impact(example(better, name="a"), apart))
    assert "1 of 2 examples is not comparable (b)." in said(impact(example(better, name="a"), apart))
    alone = said(impact(apart))
    assert alone.startswith("kuzu_shared.dll not comparable; program not comparable; everything else not comparable.")
    assert "intervals" not in alone


def test_where_nothing_changed_it_is_said() -> None:
    nothing = impact(example(program=SAME), targets=())

    assert said(nothing).startswith(
        "No module is shown to have changed; program equal within 5 % [-2, +3]. Nothing in the program is shown to be "
        "slower. CPU time"
    )
    assert "targets: none was named, and no module is shown to have changed; --target names one" in shown(nothing)


def test_one_run_a_side_is_said() -> None:
    alone = impact(example(part(400, 320, BARE, INCONCLUSIVE), program=BARE, elsewhere=BARE, matched=runs(1, 1)))

    assert said(alone).endswith("1 v 1 runs. One run a side tells nothing of how runs vary.")


def test_caveats_on_the_comparison_are_told_and_notes_on_traces_counted() -> None:
    dirty, odd = Caveat("dirty", "contender: 1 of 3 runs are of a tree with changes"), Caveat("odd-run", "a run is odd")
    note, machine = Caveat("losses-unknown", "whether events were lost is not told"), Caveat("machine", "two machines")
    better = part(400, 250, FASTER, IMPROVED)
    two = impact(
        example(better, name="a", caveats=[dirty, odd, note]),
        example(better, name="b", caveats=[dirty, machine, note]),
        pooled=parts(better),
    )

    assert said(two).endswith(
        "Caveats: contender: 1 of 3 runs are of a tree with changes; a: a run is odd; 1 more in the report. The report "
        "has 1 note on the traces."
    )


def test_a_speed_that_all_share_is_told_where_it_matters() -> None:
    better = part(400, 250, FASTER, IMPROVED)

    assert "beside the speed" not in said(impact(example(better, common_effect=0.02)))
    assert "beside the speed that all work shares, which changed by -9 to +7 %." in said(
        impact(example(better, common_effect=0.07), example(better, common_effect=-0.09), pooled=parts(better))
    )


def test_many_that_got_slower_are_summed() -> None:
    many = [moved(Item(f"m{number}.dll"), 10, 20 + number) for number in range(6)]

    told = said(impact(example(part(400, 250, FASTER, IMPROVED)), slower=many))

    assert "m2.dll +120 % (+12 ms), 3 more (+42 ms). CPU" in told


def test_lines_have_72_columns_and_figures_are_not_parted() -> None:
    lines = impact_summary(impact(example(part(400, 250, FASTER, IMPROVED)), slower=[moved(UCRT, 200, 204)])).split(
        "\n"
    )

    assert max(map(len, lines)) <= 72
    assert not [line for line in lines if line.startswith(("%", "ms", "-35"))]


# ---- names of strangers ----------------------------------------------------------------------------------------------

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"quotes" | `code` *stars* [a](b)',
    "right\u202eto\u2066left",
    "two\nlines\x00and\x1b[31mred",
    "very::" + "long<" * 800 + "int" + ">" * 800,
)


@pytest.fixture(scope="module")
def hostile() -> Impact:
    """Every bad name is a target, a new function elsewhere, and an example."""
    functions = [Item(f"{name}.dll"[:200], name) for name in HOSTILE]
    new = {Item(f"new{number}.dll", name): 90 for number, name in enumerate(HOSTILE)}
    sides = drawn(1, more=dict.fromkeys(functions, 500)), drawn(2, more=dict.fromkeys(functions, 300) | new)
    cases = [case_of(*sides, example=name) for name in HOSTILE[:2]]
    return judged(cases, *(str(item) for item in functions), "f1")


MARKDOWN_TAGS = ("h1", "h2", "p", "br", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "code")


@pytest.mark.parametrize("output", ["table", "markdown"])
def test_names_are_text_wherever_they_stand(hostile: Impact, output: str) -> None:
    for text in (shown(hostile, output), impact_summary(hostile)):
        assert not set("\x00\x1b\u202e\u2066") & set(text)
        assert r"right\u202eto" in text.replace("\\\\", "\\")
    if output == "markdown":
        for page in rendered(shown(hostile, output)):
            assert page.tags <= {*MARKDOWN_TAGS}


def test_a_long_name_does_not_make_the_paragraph_long(hostile: Impact) -> None:
    lines = impact_summary(hostile).splitlines()

    assert max(map(len, lines)) <= 72
    assert len(lines) < 40


def test_names_are_kept_as_they_are_for_programs(hostile: Impact) -> None:
    data = json.loads(shown(hostile, "json"))

    assert set(HOSTILE) <= {item["function"] for target in data["targets"] for item in target["items"]}
    assert set(HOSTILE) <= {entry["function"] for entry in data["examples"][0]["slower"]}
    rows = csv.DictReader(io.StringIO(shown(hostile, "csv")))
    assert {*HOSTILE[:2], ""} == {row["example"] for row in rows}


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_the_table_adds_up_with_what_several_targets_share() -> None:
    text = shown(judged([case_of(drawn(1), drawn(2, {INSERT: 0.5}))], "lib1.dll", "f1"))

    names = ("lib1.dll", "lib1.dll!ns::f1", "(in several targets)", "(elsewhere)", "program")
    found = [re.search(rf"^{re.escape(name)}  +(-?[0-9,.]+) ", text, re.MULTILINE) for name in names]
    before = [float(each[1].replace(",", "")) for each in found if each]
    assert abs(sum(before[:4]) - before[4]) < 0.3
    assert "! lib1.dll!ns::f1 and lib1.dll share functions, whose costs are counted once" in text


def test_functions_of_one_target_are_named() -> None:
    text = shown(judged([case_of(drawn(1), drawn(2))], "ns::f1*"))

    assert "ns::f1* is 11 functions: lib0.dll!ns::f12, " in text
    assert " and 3 more" in text


def test_what_is_not_listed_is_counted() -> None:
    new = {Item(f"new{number}.dll", "f"): 90 for number in range(8)}

    many = judged([case_of(drawn(1), drawn(2, more=new))], "f1")
    text = shown(many)

    assert "the cost of a module holds that of its functions\n6 more are in the JSON and CSV, and with -v\n" in text
    assert "more are in" not in render(impact_report(many, with_all=True), "table")


def test_an_example_without_the_target_says_so() -> None:
    text = shown(impact(example(part(0, 0, None, ABSENT))))

    assert "nothing of it" in text


def test_effects_without_any_interval_are_left_out() -> None:
    text = shown(impact(example(part(400, 320, BARE, INCONCLUSIVE), program=BARE, elsewhere=BARE, matched=runs(1, 1))))

    assert "effect, 95 %" not in text


def test_a_target_of_several_modules_is_named_as_such() -> None:
    pair = impact(example(part(400, 250, FASTER, IMPROVED)))
    pair = replace(pair, targets=(Target("k*", (KUZU, NTDLL)),))

    assert said(pair).startswith("k* (2 modules) -38 % [-41, -35]; ")


# ---- for programs ----------------------------------------------------------------------------------------------------

PART = {"status", "baseline_ms", "contender_ms", "delta_ms", "change", "baseline_share", "contender_share"}
FINDING = {"verdict", "effect", "low", "high", "p_value", "adjusted", "runs_needed", "is_relevant", "reason"}
SUMS = {"targets", "shared", "elsewhere", "program"}
EXAMPLE = {"example", "runs", "is_comparable", "reason", "common_effect", "caveats", "slower"} | SUMS


@pytest.fixture(scope="module")
def rich() -> Impact:
    """Two examples and one that cannot be compared, two targets that share a function, and something new."""
    new = {Item("arrow.dll", "resize"): 90}
    cases = [
        case_of(drawn(seed), drawn(seed + 1, {INSERT: 0.5}, more=new), example=name)
        for name, seed in (("x", 1), ("y", 3))
    ]
    return judged([*cases, case_of(drawn(5), drawn(6), example="z", reason="two machines")], "lib1.dll", "f1")


def test_json_names_every_figure(rich: Impact) -> None:
    data = json.loads(shown(rich, "json"))

    assert ("perfdb.impact/1", SCHEMA) == (data["schema"], data["schema"])
    assert (perfdb.__version__, impact_summary(rich)) == (data["version"], data["summary"])
    assert {"margin": 0.05, "min_ms": 0.0, "fdr": 0.05, "history": 20} == data["settings"]
    assert [("lib1.dll", None), ("lib1.dll", "ns::f1")] == [
        (item["module"], item["function"]) for target in data["targets"] for item in target["items"]
    ]
    for each in data["examples"]:
        assert set(each) == EXAMPLE
        for told in (*each["targets"], each["elsewhere"], each["program"], each["shared"]):
            assert set(told) == PART | FINDING
    assert [("x", True, ""), ("y", True, ""), ("z", False, "two machines")] == [
        (each["example"], each["is_comparable"], each["reason"]) for each in data["examples"]
    ]
    assert {"baseline": 4, "contender": 4, "history": 0} == data["examples"][0]["runs"]
    assert set(data["pooled"]) == SUMS | {"examples"}
    assert (["x", "y"], 2) == (data["pooled"]["examples"], data["pooled"]["program"]["told"])
    (arrow,) = [each for each in data["slower"] if each["module"] == "arrow.dll"]
    assert (None, ["x", "y"], 180.0, True) == (
        arrow["function"],
        arrow["examples"],
        arrow["delta_ms"],
        arrow["is_new"],
    )


def test_json_and_csv_add_up(rich: Impact) -> None:
    data = json.loads(shown(rich, "json"))
    for each in (*data["examples"], data["pooled"]):
        for figure in ("baseline_ms", "contender_ms", "delta_ms"):
            told = sum(target[figure] for target in each["targets"]) - each["shared"][figure]
            assert math.isclose(each["program"][figure], told + each["elsewhere"][figure], abs_tol=1e-6)
    rows = list(csv.DictReader(io.StringIO(shown(rich, "csv"))))
    for name in ("x", "y", "z", ""):
        own = [row for row in rows if row["example"] == name]
        signs = {"target": 1, "shared": -1, "elsewhere": 1, "program": -1, "slower": 0}
        assert abs(sum(signs[row["part"]] * float(row["baseline_ms"]) for row in own)) < 1e-5


def test_csv_lists_what_got_slower(rich: Impact) -> None:
    rows = list(csv.DictReader(io.StringIO(shown(rich, "csv"))))

    arrow = [(row["example"], row["name"], row["status"]) for row in rows if row["name"].startswith("arrow.dll")]
    assert [
        ("x", "arrow.dll", "new"),
        ("x", "arrow.dll!resize", "new"),
        ("y", "arrow.dll", "new"),
        ("y", "arrow.dll!resize", "new"),
        ("", "arrow.dll", "new"),
    ] == arrow


def test_examples_of_one_side_are_told() -> None:
    each = example(part(400, 250, FASTER, IMPROVED))
    of = replace(comparison(each.diff), only_baseline=("old",), only_contender=("new-1", "new-2"))

    told = impact(each, of=of)

    assert "1 example only in main. 2 examples only in bulk-insert." in said(told)
    assert "only in baseline: old\nonly in contender: new-1, new-2" in shown(told)
    assert BETTER is told.examples[0].parts.program.finding
