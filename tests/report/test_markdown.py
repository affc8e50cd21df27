"""Markdown as GitHub's own renderer shows it, and another one: whatever a name holds, both show it as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import cmarkgfm
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perfdb.report import Block, Column, Report, Table, render
from perfdb.report.cells import printable
from perfdb.report.markdown import code, code_cell, escape

NASTY = (
    "</script><img src=x onerror=alert(1)>",
    "a|b`c*d_e\\",
    "a\\|b",
    "``x`",
    " `` ",
    "std::cat::x @ILT+5 #12 !3 ~label $x$ %5",
    '"quotes" & <b>',
    "https://example.org/x www.example.org",
    "[link](x) ![image](y)",
    "\u202etxt.exe",
    "operator||",
    "line\nbreak\r\x00",
    "- [ ] x",
    "1. x",
)


class _Texts(HTMLParser):
    """The texts of all cells, and all tags that were seen."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self._is_in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")
            self._is_in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._is_in_cell:
            self.cells[-1] += data


def rendered(markdown: str) -> list[_Texts]:
    """What GitHub's renderer and markdown-it make of it."""
    options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
    pages = (
        cmarkgfm.github_flavored_markdown_to_html(markdown, options),
        MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown),
    )
    found = []
    for page in pages:
        texts = _Texts()
        texts.feed(page)
        found.append(texts)
    return found


def table_of(*names: str, key: str = "function") -> str:
    columns = (Column(key, "a column"), Column("ms", "ms", "ms"))
    table = Table(columns, tuple((name, 1.0) for name in names))
    return render(Report((Block(table=table),), table), "markdown")


def shown(text: str) -> str:
    """A text as both show it, where spaces at the ends of a cell and several together do not count."""
    return re.sub(" +", " ", printable(text)).strip()


def names_in(markdown: str) -> list[list[str]]:
    return [[re.sub(" +", " ", cell).strip() for cell in texts.cells[2::2]] for texts in rendered(markdown)]


def test_nasty_names_are_text_in_a_table() -> None:
    expected = [shown(name) for name in NASTY]

    for key in ("function", "example"):
        markdown = table_of(*NASTY, key=key)
        assert [expected, expected] == names_in(markdown)
        for texts in rendered(markdown):
            assert texts.tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), min_size=1, max_size=4))
def test_any_name_survives_as_text_in_a_table(names: list[str]) -> None:
    for key in ("function", "example"):
        assert [[shown(name) for name in names]] * 2 == names_in(table_of(*names, key=key))


@given(st.text("`|\\ a<&*_@:", min_size=1, max_size=12))
def test_any_code_cell_survives(name: str) -> None:
    assert [[shown(name)]] * 2 == names_in(table_of(name))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_survives_in_a_sentence(text: str) -> None:
    markdown = f"said: {escape(printable(text))}"

    assert [shown(f"said: {text}")] * 2 == [re.sub(r"\s+", " ", each.text).strip() for each in rendered(markdown)]


def test_names_are_code_and_labels_are_not() -> None:
    markdown = table_of("a.dll!f", "(3 improved)", "total", "-")

    assert "| `a.dll!f` " in markdown
    assert all(f"| {label} " in markdown for label in ("(3 improved)", "total", "-"))


def test_what_a_forge_would_read_otherwise_is_parted() -> None:
    for text in ("@somebody", "#12", "!3", "a::cat::b", "~label", "$x$", "%5", "https://x"):
        pieces = escape(text).split("<!-- -->")
        assert len(pieces) > 1, text
        assert text == "".join(pieces).replace("\\", "")
    assert "<!-- -->" not in escape("kuzu::Main::Connection 12 % a@ 3# b")


def test_code_spans_hold_backticks() -> None:
    assert "``a`b``" == code("a`b")
    assert "`` `a` ``" == code("`a`")
    assert "``a\\|`b``" == code_cell("a|`b")


def test_blocks_are_headings_paragraphs_and_quotes() -> None:
    block = Block("A <b>heading</b>", 2, ("one line", "two *lines*"), caveats=("a caveat", "another"))

    for texts in rendered(render(Report((block,), Table((), ())), "markdown")):
        assert {"h2", "p", "br", "blockquote"} <= texts.tags
        assert "b" not in texts.tags
        assert "A <b>heading</b>" in texts.text
        assert "two *lines*" in texts.text
