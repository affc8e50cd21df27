"""The files of an analysis: what is in them whatever the names are, and that programs can rely on their schema."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cmarkgfm
import jsonschema
import pytest
from cmarkgfm.cmark import Options

import perfdb.report
from perfdb.profile.columns import EDGES, LEAF, Caveat
from perfdb.profile.outcome import FAILED, Outcome, WantedSymbols
from perfdb.report.json import json_text
from perfdb.report.markdown import fenced
from perfdb.report.of_analysis_facts import UNRECORDED, ExampleAnalysis
from perfdb.report.of_analysis_hotspots import SCHEMA, hotspots_data
from perfdb.report.of_analysis_markdown import performance_report
from perfdb.report.of_analysis_summary import WIDTH, summary_text
from tests.report.analyses import INDEXER, analysis, whole
from tests.report.diffs import comparison, example_diff

SCHEMA_FILE = Path(perfdb.report.__file__).parent / "schemas" / "hotspots-1.schema.json"
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"quotes" | a pipe and `ticks`',
    "right-to-left \u202e mark",
    "vector<" + "x" * 4000 + ">",
    "**bold** _it_ [link](http://example.org) &amp; <!-- ",
    "new\nline\r\x1b[31m\0",
    "1. list\n# heading",
)
FILES = {"summary": "s.txt", "hotspots": "h.json", "butterfly": "b.html"}


def hostile() -> ExampleAnalysis:
    """An example all of whose names are hostile."""
    paths = {f"{name}!{name};b{place}.dll!{name}": [10 + place] for place, name in enumerate(HOSTILE)}
    paths = {path.replace("\n# heading;", "\n# heading,"): counts for path, counts in paths.items()}
    wanted = [WantedSymbols(name, name, name, "absent", 1, 5, 9) for name in HOSTILE]
    facts: dict[str, Any] = {"example": HOSTILE[0], "subject": HOSTILE[4], "machine": HOSTILE[1], "build": HOSTILE[5]}
    return analysis(paths, wanted=wanted, no_baseline=HOSTILE[4], caveats=(Caveat("x", HOSTILE[6]),), **facts)


def rendered(markdown: str) -> str:
    """The HTML that GitHub makes of it, raw HTML let through so that it would be seen."""
    html: str = cmarkgfm.markdown_to_html_with_extensions(
        markdown, options=Options.CMARK_OPT_UNSAFE, extensions=["table", "strikethrough", "autolink"]
    )
    return html


def test_names_of_strangers_are_text_in_the_report() -> None:
    failed = Outcome(FAILED, "x.etl", message=HOSTILE[0])
    lines = (HOSTILE[4],)
    markdown = performance_report(
        whole(hostile(), title=HOSTILE[4], lines=lines, failed=(failed,), unrecorded=HOSTILE), [FILES]
    )

    html = rendered(markdown)
    tags = set(re.findall(r"<(\w+)", html))
    assert {"h1", "h2", "p", "br", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "strong"} <= tags
    assert set() == tags & {"img", "script", "em", "h3"}
    assert ["s.txt", "h.json", "b.html"] == re.findall(r'href="(?!http)([^"]*)"', html)
    assert all(char.isprintable() or char == "\n" for char in markdown)
    assert "</script>" not in html
    assert 1 == html.count("<table>")


def test_commands_are_not_ended_by_backticks_in_names() -> None:
    block = fenced("# a\n````\nperfdb runs")

    assert "<pre><code" in rendered(block)
    assert 1 == rendered(block).count("<pre>")
    assert "<p>" not in rendered(block)


def test_names_of_strangers_are_text_in_the_summary() -> None:
    text = summary_text(hostile())

    assert all(char.isprintable() or char == "\n" for char in text)
    assert "right-to-left \\u202e mark" in text


def test_lines_of_the_summary_are_as_long_as_names_allow() -> None:
    text = summary_text(analysis({f"m.dll!{'n' * 300}{number}": [10] for number in range(40)}))

    assert WIDTH >= max(map(len, text.splitlines()))


def test_the_summary_says_why_there_is_no_baseline() -> None:
    assert "change since a baseline\nnot told: nothing earlier is recorded\n" in summary_text(analysis())


def test_an_example_of_which_nothing_stands_out_says_so() -> None:
    flat = analysis({f"a{n}.exe!main": [50, 50, 50] for n in range(21)})

    report = performance_report(whole(flat), [FILES])

    assert "No figure of these runs passes a threshold of this report" in report
    assert "No figure passes a threshold: 1,050.0 ms in 3 runs." in report
    assert "What to do next" not in report


def test_an_example_of_two_commits_is_told_apart_in_the_summary() -> None:
    other = analysis(commit_sha="feed5eed00" * 4)

    report = performance_report(whole(analysis(), other), [FILES, FILES])

    assert "- **templates at c0ffee0123**: " in report
    assert "**templates at feed5eed00: hottest module**" in report


def validator() -> Any:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def data_of(of: ExampleAnalysis) -> Any:
    """What a program reads out of the file."""
    return json.loads(json_text(hotspots_data(of)))


CASES = {
    "one run": analysis(),
    "three runs": analysis({"a.exe!main": [1, 2, 3]}, lost_events=4),
    "edges": analysis(has_tree=False, detail=EDGES),
    "leaf": analysis(has_tree=False, has_inclusive=False, detail=LEAF, started_at=None, unresolved_share=None),
    "no work": analysis({"a.exe!main": [0]}),
    "hostile": hostile(),
    "not recorded": analysis(commit_sha=UNRECORDED, subject=None),
    "compared": analysis(comparison=comparison(example_diff())),
}


@pytest.mark.parametrize("name", CASES)
def test_hotspots_fit_their_schema(name: str) -> None:
    problems = [f"{list(each.path)}: {each.message}" for each in validator().iter_errors(data_of(CASES[name]))]

    assert [] == problems


def test_the_schema_refuses_what_is_none() -> None:
    data = data_of(analysis())
    del data["functions"][0]["exclusive_samples"]

    assert not validator().is_valid(data)
    assert not validator().is_valid(data_of(analysis()) | {"schema": "perfdb.hotspots/2"})


def test_every_object_of_the_schema_is_described() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    def bare(node: Any, at: str) -> list[str]:
        found = []
        for name, field in node.get("properties", {}).items():
            is_told = "description" in field or "$ref" in field or "const" in field
            found += ([] if is_told else [f"{at}.{name}"]) + bare(field, f"{at}.{name}")
        return found

    assert SCHEMA == schema["title"]
    assert [] == [problem for part in (schema, *schema["$defs"].values()) for problem in bare(part, "")]


def test_hotspots_hold_every_function_and_the_paths_to_the_hottest() -> None:
    data = data_of(analysis())

    frames = {frame for path in INDEXER for frame in path.split(";")}
    assert frames == {f"{each['module']}!{each['function']}" for each in data["functions"]}
    assert 1000 == data["total"]["samples"] == sum(each["exclusive_samples"] for each in data["functions"])
    assert 1000 == sum(each["exclusive_samples"] for each in data["modules"])
    paths = {
        ";".join(f"{frame['module']}!{frame['function']}" for frame in each["path"]): each for each in data["paths"]
    }
    assert {path: counts[0] for path, counts in INDEXER.items() if counts[0]} == {
        path: each["exclusive_samples"] for path, each in paths.items()
    }
    assert "execute" == data["hot_path"]["path"][-1]["function"]
    assert 670 == data["hot_path"]["inclusive_samples"]


def test_what_is_not_known_is_null() -> None:
    leaf, unrecorded = data_of(CASES["leaf"]), data_of(CASES["not recorded"])

    assert (None, None) == (leaf["paths"], leaf["hot_path"])
    assert {None} == {each["inclusive_samples"] for each in leaf["functions"]}
    assert (None, None, None) == (unrecorded["commit_sha"], unrecorded["subject"], unrecorded["runs"][0]["run_id"])
    assert "nothing earlier is recorded" == leaf["no_baseline"]


def test_the_comparison_of_hotspots_adds_up() -> None:
    ledger = data_of(CASES["compared"])["comparison"]["functions"]
    total = data_of(CASES["compared"])["comparison"]["total"]

    assert total["delta_ms"] == pytest.approx(sum(each["delta_ms"] for each in ledger["rows"] + ledger["rest"]))
    assert "regressed" in {each["verdict"] for each in ledger["rows"]}


def test_a_caveat_of_several_runs_is_told_once() -> None:
    told = analysis({"a.exe!main": [1, 1]}, caveats=(Caveat("lost", "some were lost"),))

    assert [{"code": "lost", "text": "some were lost"}] == data_of(told)["caveats"]
    assert 1 == performance_report(whole(told), [FILES]).count("some were lost")


def test_what_is_wrong_with_runs_and_comparison_stands_before_the_findings() -> None:
    diff = example_diff(caveats=(Caveat("machine", "other machines"),))
    told = analysis({"a.exe!main": [1, 1]}, comparison=comparison(diff), is_dirty=True)

    report = performance_report(whole(told), [FILES])

    assert (
        "> ⚠ 2 of 2 runs: uncommitted changes in the tree  \n> ⚠ compared with the baseline: other machines" in report
    )


def test_links_lead_to_files_whose_names_have_spaces() -> None:
    report = performance_report(whole(replace(analysis())), [{"summary": "my ex (2)_summary.txt"}])

    assert 'href="my%20ex%20%282%29_summary.txt"' in rendered(report)
