"""The page as text: what is in it, what its policy allows, and that its data is what it was made of."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np

from perfdb.compare.calls import Calls
from perfdb.compare.costs import Costs, Item
from perfdb.compare.page import PageContent, PageExample, PageSide
from perfdb.compare.sampled import SampledTree
from perfdb.compare.verdicts import not_comparable
from perfdb.profile.columns import NOT_KNOWN
from perfdb.report.html import page_html
from perfdb.report.html.data import example_data
from perfdb.units import NS_PER_MS
from tests.report.diffs import COPY, HASH, INSERT, STRTOD, comparison, example_diff, run, runs

MAIN = Item("indexer.exe", "main")


class Read(HTMLParser):
    """Elements with their attributes, and the text of those whose text is not markup."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        last = self.open[-1] if self.open else ""
        self.texts.get(last, self.words).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def tree(*, unit_ns: int = NS_PER_MS) -> SampledTree:
    """main → insert (→ copy), hash; main → strtod: two sides, two runs each."""
    samples = np.array([[1, 20, 3, 5], [0, 12, 3, 9]])
    return SampledTree(
        parent=np.array([-1, 0, 1, 0]),
        depth=np.array([1, 2, 3, 2], np.int32),
        item=np.array([0, 1, 2, 3]),
        items=(MAIN, INSERT, COPY, STRTOD),
        samples=samples,
        weight_ns=samples * unit_ns,
        runs=(2, 2),
    )


def costs(exclusive: list[list[int]], inclusive: list[list[int]], items: tuple[Item, ...]) -> Costs:
    own = np.array(exclusive)
    return Costs(items, own * NS_PER_MS, np.array(inclusive) * 1, own)


def sides() -> tuple[PageSide, PageSide]:
    """Two sides, two runs each, of which one names a module in other letters and one does not tell all."""
    known = [[20 * NS_PER_MS, NOT_KNOWN], [21 * NS_PER_MS, 7 * NS_PER_MS]]
    first = costs([[10, 5], [11, 7]], known, (INSERT, HASH))
    second = costs([[4, 9], [5, 8]], [[0, 9], [0, 9]], (Item("KUZU_shared.dll", INSERT.function), STRTOD))
    return PageSide((run(1), run(2)), first), PageSide((run(3), run(4)), second)


def content(**changes: Any) -> PageContent:
    compared = comparison()
    made = PageExample(compared.examples[0].example, sides(), tree(), None)
    return PageContent("main → work", (replace(made, **changes),), comparison=compared)


def payloads(text: str) -> list[Any]:
    packed = re.findall(r'<script type="application/octet-stream"[^>]*>([^<]*)</script>', text)
    return [json.loads(zlib.decompress(base64.b64decode(each), -zlib.MAX_WBITS)) for each in packed]


def test_the_page_allows_its_own_script_and_style_and_has_no_others() -> None:
    read = Read(page_html(content()))

    (policy,) = (each["content"] for each in read.all("meta") if each.get("http-equiv"))
    scripts = [
        text
        for text, attributes in zip(read.texts["script"], read.all("script"), strict=True)
        if attributes["type"] == "module"
    ]
    for texts, rule in ((scripts, "script-src"), (read.texts["style"], "style-src")):
        (text,) = texts
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in (policy or "")


def test_the_page_names_nothing_outside_of_it() -> None:
    read = Read(page_html(content()))

    assert {"meta", "style", "script", "table"} <= {tag for tag, _ in read.elements}
    assert [] == [tag for tag, _ in read.elements if tag in ("link", "img", "iframe", "object", "base", "form")]
    for tag, attributes in read.elements:
        assert [] == [name for name in attributes if name == "style" or name.startswith("on") or name == "src"], tag
    assert all((link["href"] or "").startswith("#") for link in read.all("a"))


def test_every_link_of_the_page_leads_somewhere_on_it() -> None:
    read = Read(page_html(content()))

    anchors = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    assert {(link["href"] or "")[1:] for link in read.all("a")} <= set(anchors)


def test_without_scripts_it_says_what_is_missing() -> None:
    text = page_html(content())

    assert re.search(r"<noscript>.*need JavaScript.*</noscript>", text)


def test_the_data_is_the_tree_to_the_last_sample() -> None:
    (data,) = payloads(page_html(content()))

    packed = data["tree"]
    assert "perfdb.page/1" == data["schema"]
    assert [0, 0, 0, 2] == packed["up"]
    assert [[1, 20, 3, 5], [0, 12, 3, 9]] == packed["samples"]
    assert (None, NS_PER_MS) == (packed["weight_ns"], packed["unit_ns"])
    assert [str(item) for item in tree().items] == ["!".join(data["items"][row]) for row in packed["item"]]


def test_weights_are_told_where_samples_differ_in_them() -> None:
    uneven = replace(tree(), weight_ns=np.array([[7, 20, 3, 5], [0, 12, 3, 9]]))

    data = example_data(replace(content().examples[0], tree=uneven), ("a", "b"))

    assert [[7, 20, 3, 5], [0, 12, 3, 9]] == data["tree"]["weight_ns"]
    assert data["tree"]["unit_ns"] is None


def test_functions_are_sums_of_the_runs_and_unknown_ones_are_null() -> None:
    data = example_data(content().examples[0], ("main", "work"))

    functions = data["functions"]
    rows = {"!".join(data["items"][item]): row for row, item in enumerate(functions["item"])}
    assert {str(INSERT), str(HASH), str(STRTOD)} == rows.keys()
    row = rows[str(INSERT)]
    assert [21 * NS_PER_MS, 9 * NS_PER_MS] == [side[row] for side in functions["exclusive_ns"]]
    assert [41 * NS_PER_MS, 0] == [side[row] for side in functions["inclusive_ns"]]
    assert [21, 9] == [side[row] for side in functions["exclusive_samples"]]
    assert functions["inclusive_ns"][0][rows[str(HASH)]] is None
    assert [{"label": "main", "runs": 2}, {"label": "work", "runs": 2}] == data["sides"]


def test_findings_have_the_words_of_the_diff() -> None:
    compared = comparison().examples[0]

    data = example_data(content().examples[0], ("main", "work"), compared)

    functions = data["functions"]
    rows = {"!".join(data["items"][item]): row for row, item in enumerate(functions["item"])}
    words = {name: functions["word"][row] for name, row in rows.items()}
    assert {str(STRTOD): "regressed", str(INSERT): "improved", str(HASH): "equal"} == words
    assert "regressed" == functions["status"][rows[str(STRTOD)]]
    assert (0.782, 0.65, 0.92) == tuple(functions[name][rows[str(STRTOD)]] for name in ("effect", "low", "high"))


def test_calls_stand_in_for_call_paths_and_why_is_said() -> None:
    calls = Calls((MAIN, INSERT), np.array([0]), np.array([1]), np.array([[3], [4]]), np.array([[3], [4]]))

    text = page_html(content(tree=None, calls=calls))

    (data,) = payloads(text)
    assert data["tree"] is None
    told = data["calls"]
    assert [["indexer.exe", "main"]] == [data["items"][row] for row in told["caller"]]
    assert [[3], [4]] == told["weight_ns"]
    (why,) = (each["data-why"] for each in Read(text).all("script") if "data-why" in each)
    assert "no call paths" in (why or "")


def test_an_empty_tree_is_a_tree() -> None:
    nothing = np.zeros((2, 0), np.int64)
    rows = np.zeros(0, np.int64)
    empty = SampledTree(rows, rows.astype(np.int32), rows, (), nothing, nothing, (2, 2))

    (data,) = payloads(page_html(content(tree=empty)))

    assert [] == data["tree"]["up"]


def test_a_table_of_the_report_says_what_was_found_in_classes() -> None:
    text = page_html(content())

    assert re.search(r'<tr class="is-regressed">.*?ucrtbase\.dll!<wbr>strtod.*?class="number slower">', text)
    assert re.search(r'<td class="verdict badge regressed"><span>regressed</span>', text)
    assert "<caption>Functions</caption>" in text


def test_the_verdict_comes_before_everything_else() -> None:
    text = page_html(content())

    marks = ('class="answer">1 of 1 example improved', 'id="explore-title"', "Closed ledger", 'id="runs-title"')
    places = [text.index(mark) for mark in (*marks, 'class="payload"', '<script type="module">')]
    assert sorted(places) == places


def test_how_to_reproduce_is_quoted_for_a_shell() -> None:
    compared = comparison()
    hostile = replace(compared, scope=replace(compared.scope, examples=("a b; rm x",), build="Release"))

    text = " ".join(Read(page_html(replace(content(), comparison=hostile))).words)

    assert "--example 'a b; rm x' --build Release" in text


def test_what_is_not_comparable_has_no_ledger_and_no_verdicts() -> None:
    reason = "the machines differ"
    compared = comparison(example_diff(not_comparable(reason), runs(reason=reason)))

    text = page_html(replace(content(), comparison=compared))

    (data,) = payloads(text)
    assert {""} == set(data["functions"]["word"])
    assert "Closed ledger" not in text
    assert '<p class="line verdict-line not-comparable">not comparable: the machines differ</p>' in text
