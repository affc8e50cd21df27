"""The regression report: what it says first, that it fits a comment, and that what does not fit is counted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfdb.compare.comparison import Comparison
from perfdb.compare.costs import Item
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.scope import Scope
from perfdb.compare.verdicts import (
    EQUAL,
    IMPROVED,
    INCONCLUSIVE,
    NOT_COMPARABLE,
    REGRESSED,
    Criteria,
    Finding,
    not_comparable,
)
from perfdb.profile.columns import Caveat
from perfdb.report.of_diff_headline import headline, overall
from perfdb.report.of_regressions import COMMENT, regressions_markdown, size_of
from tests.golden import assert_golden
from tests.report.diffs import (
    BETTER,
    FUNCTIONS,
    HASH,
    INSERT,
    OPEN,
    RESIZE,
    SAME,
    STRTOD,
    WORSE,
    Told,
    comparison,
    example_diff,
    path_change,
    paths,
    runs,
)
from tests.report.test_markdown import rendered

HOSTILE = Item("</script><img src=x onerror=alert(1)>.dll", 'f<"quotes">|`@ILT+5 \u202e' + "x" * 3_000)


def one(finding: Finding, name: str = "templates", functions: Mapping[Item, Told] = FUNCTIONS) -> Comparison:
    return comparison(example_diff(finding, name=name, functions=functions))


def many(count: int, functions: Mapping[Item, Told] = FUNCTIONS, name: str = "example") -> Comparison:
    """Examples of all verdicts in turn."""
    findings = (WORSE, BETTER, SAME, OPEN, not_comparable("another machine"))
    caveats = (Caveat("lost", "lost 3 events"),)
    return comparison(
        *(
            example_diff(findings[at % len(findings)], name=f"{name} {at}", functions=functions, caveats=caveats)
            for at in range(count)
        )
    )


@pytest.mark.parametrize(
    ("finding", "verdict", "said"),
    [
        (WORSE, REGRESSED, "1 of 1 example regressed"),
        (BETTER, IMPROVED, "1 of 1 example improved, but 1 function regressed"),
        (SAME, EQUAL, "1 of 1 example shown equal, but 1 function regressed"),
        (OPEN, INCONCLUSIVE, "1 of 1 example open, but 1 function regressed"),
        (not_comparable("another machine"), NOT_COMPARABLE, "1 of 1 example not comparable"),
    ],
)
def test_the_verdict_comes_first(finding: Finding, verdict: str, said: str) -> None:
    assert verdict == overall(one(finding))
    assert said == headline(one(finding))
    assert regressions_markdown(one(finding)).startswith("## perfdb: ")
    assert said in regressions_markdown(one(finding)).splitlines()[0]


def test_one_regression_outweighs_all_else() -> None:
    made = many(5)

    assert REGRESSED == overall(made)
    assert "1 of 5 examples regressed, 1 open, 1 not comparable, 1 shown equal, 1 improved" == headline(made)


def test_a_report_by_hand() -> None:
    explained = paths(
        path_change((Item("app.exe", "main"), STRTOD), 231.5, 412.5, WORSE),
        path_change((Item("app.exe", "main"), INSERT), 151.0, 87.0, BETTER),
    )
    made = comparison(
        example_diff(WORSE, paths=explained, caveats=(Caveat("x", "1 of 2 runs: lost 3 events"),)),
        example_diff(SAME, runs(3, 3, 5), {HASH: FUNCTIONS[HASH]}, name="quiet"),
        example_diff(not_comparable("another machine"), runs(reason="another machine"), name="elsewhere"),
    )

    assert_golden("regressions_by_hand.md.txt", regressions_markdown(made))


def test_new_and_vanished_functions_have_room_of_their_own() -> None:
    functions: dict[Item, Told] = {
        Item("a.dll", f"worse{at}"): ([100.0, 101.0], [300.0, 310.0], REGRESSED, WORSE) for at in range(30)
    }
    gone = Item("b.dll", "gone")
    functions |= {RESIZE: ([0.0, 0.0], [20.0, 21.0], NEW, None), gone: ([5.0, 6.0], [0.0, 0.0], VANISHED, None)}

    text = regressions_markdown(one(WORSE, functions=functions))

    assert str(RESIZE) in text
    assert "b.dll!gone" in text
    assert re.search(r"\(\d+ regressed\)", text)


@pytest.mark.parametrize("count", [1, 30, 120])
@pytest.mark.parametrize("length", [10, 4_000])
def test_whatever_is_compared_it_fits_a_comment(count: int, length: int) -> None:
    functions: dict[Item, Told] = {
        Item("m.dll", f"{'x' * length}{at}<{'y' * length}>"): ([9.0, 9.5], [30.0, 31.0], REGRESSED, WORSE)
        for at in range(40)
    }
    made = many(count, functions, "e" * min(length, 300))

    text = regressions_markdown(made)

    assert size_of(text) < COMMENT
    assert headline(made) in text
    assert text.count("<details>") == text.count("</details>")
    for texts in rendered(text):
        assert "table" in texts.tags


def test_what_does_not_fit_is_counted() -> None:
    functions: dict[Item, Told] = {
        Item("m.dll", f"function{at}<{'y' * 300}>"): ([9.0, 9.5], [30.0, 31.0], REGRESSED, WORSE) for at in range(40)
    }
    made = many(400, functions)

    text = regressions_markdown(made)

    listed = len(re.findall(r"^\| example ", text, re.MULTILINE)) - 1  # the table's head
    (more,) = re.findall(r"and (\d+) more examples, ([+-][\d,.]+) ms together", text)
    assert 400 == listed + int(more[0])
    detailed = len(re.findall("^### ", text, re.MULTILINE))
    (hidden,) = re.findall(r"(\d+) examples that changed within are not shown in detail", text)
    assert 320 == detailed + int(hidden)  # one in five is not comparable: it is not said to have changed
    for row in re.findall(r"\((\d+) regressed\)", text):
        assert int(row) > 0


def test_a_cut_table_still_adds_up() -> None:
    functions: dict[Item, Told] = {
        Item("m.dll", f"function{at}"): ([10.0, 10.0], [10.0 + at, 10.0 + at], REGRESSED, WORSE) for at in range(1, 60)
    }

    text = regressions_markdown(one(WORSE, functions=functions), 9_000)

    table = text.split("<summary>functions of templates</summary>")[1].split("</details>")[0]
    deltas = [float(found.replace(",", "")) for found in re.findall(r"\| +([+-][\d,.]+) \|", table)]
    assert 3 <= len(deltas) < 60
    assert deltas[-1] == pytest.approx(sum(deltas[:-1]))


def test_names_of_strangers_are_text() -> None:
    functions: dict[Item, Told] = {HOSTILE: ([100.0, 101.0], [300.0, 310.0], REGRESSED, WORSE), **FUNCTIONS}
    made = comparison(
        example_diff(WORSE, functions=functions, name="</summary><b>e", caveats=(Caveat("x", "<i>of</i> @you"),)),
        subject="<h1>Fix #12 for @you, std::cat::x</h1>",
    )

    text = regressions_markdown(made)

    assert "\u202e" not in text
    for texts in rendered(text):
        allowed = {"h2", "h3", "p", "br", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "blockquote"}
        assert texts.tags - allowed == {"details", "summary", "pre"}
        assert "</summary><b>e" in texts.text
        assert "<h1>Fix #12 for @you, std::cat::x</h1>" in texts.text
        assert any(cell.startswith("</script><img src=x onerror=alert(1)>") for cell in texts.cells)


def test_the_call_says_what_was_compared() -> None:
    made = replace(
        one(WORSE),
        scope=Scope(("a b",), process="x.exe", build="Debug"),
        criteria=Criteria(margin=0.02, min_ms=3, history=7),
    )

    options = "--example 'a b' --process x.exe --build Debug --margin 2% --min-ms 3 --history 7"
    assert f"perfdb report regressions {'a' * 40} {'b' * 40} {options}\n" in regressions_markdown(made)


@given(
    examples=st.integers(0, 60),
    length=st.integers(1, 3_000),
    caveats=st.integers(0, 200),
    wanted=st.integers(0, 400),
)
@settings(max_examples=12)
def test_whatever_is_asked_it_fits_a_comment(examples: int, length: int, caveats: int, wanted: int) -> None:
    name = "\U0001f600(m" + "x" * length
    functions: dict[Item, Told] = {Item(name, "f"): ([9.0, 9.5], [30.0, 31.0], REGRESSED, WORSE)}
    made = replace(
        many(examples + 1, functions),
        caveats=(Caveat("x", "y" * length),) * caveats,
        scope=Scope(tuple(f"{each}{name}" for each in range(wanted))),
        only_baseline=(name,) * wanted,
    )

    assert size_of(regressions_markdown(made)) < COMMENT


def test_a_title_of_a_folded_part_is_text() -> None:
    text = regressions_markdown(one(WORSE, name="bulk_insert[1]*<b>"))

    for texts in rendered(text):
        assert "functions of bulk_insert[1]*<b>" in texts.text


def test_where_no_call_path_is_told_it_is_said_why() -> None:
    without, unclear = one(WORSE), comparison(example_diff(WORSE, paths=paths()))

    assert "call paths: not compared, for some run tells none" in regressions_markdown(without)
    assert "call paths: none stands out from the noise" in regressions_markdown(unclear)
