"""Values into text: units, signs, names of strangers."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.report import Block, Column, Report, Table, render
from perfdb.report.blocks import Kind
from perfdb.report.cells import cell, printable, shorten
from perfdb.report.markdown import escape

NASTY = (
    "</script><img src=x onerror=alert(1)>",
    "a|b`c*d_e",
    '"quoted"',
    "\x1b[31mred\x1b[0m",
    "\u202etxt.exe",
    "x" * 4000,
)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "ms", "-"),
        (1234567, "count", "1,234,567"),
        (1234.56, "ms", "1,234.6"),
        (0.0, "delta_ms", "0.0"),
        (-0.04, "delta_ms", "0.0"),
        (12.34, "delta_ms", "+12.3"),
        (-12.34, "delta_ms", "-12.3"),
        (0.123, "share", "12.3 %"),
        (0.0, "change", "0.0 %"),
        (0.0004, "change", "+<0.1 %"),
        (-0.0004, "change", "-<0.1 %"),
        (0.25, "change", "+25.0 %"),
        (9.994, "change", "+999.4 %"),
        (12.5, "change", "+1,250 %"),
        (None, "effect", ""),
        ((None, None, None), "effect", ""),
        ((-0.05, -0.2914, 0.1), "effect", "-5.0 % [-29.1, +10.0]"),
        ((3.0, 0.0, 12.5), "effect", "+300.0 % [0.0, +1,250]"),
        ((0.1, None, 0.1), "effect", "+10.0 % […, +10.0]"),
        ((0.1, 0.1, None), "effect", "+10.0 % [+10.0, …]"),
        ((0.1, None, None), "effect", "+10.0 %"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "time", "2026-01-02 03:04"),
        (True, "value", "True"),
        (0.1, "value", "0.1"),
    ],
)
def test_cells(value: object, kind: Kind, expected: str) -> None:
    assert expected == cell(value, kind)


@given(st.text())
def test_what_is_printed_obeys_no_control_character(text: str) -> None:
    assert printable(text).isprintable() or not printable(text)


@given(st.text(min_size=1), st.integers(5, 50))
def test_shortened_names_fit_and_keep_both_ends(text: str, width: int) -> None:
    short = shorten(text, width)

    assert len(short) <= width or short == text
    if len(text) > width:
        assert short[0] == text[0]
        assert short[-1] == text[-1]


def names_report() -> Report:
    table = Table((Column("name", "name"), Column("ms", "ms", "ms")), tuple((name, 1.0) for name in NASTY))
    return Report((Block("Names", 1, table=table),), table)


def test_names_are_text_in_every_format() -> None:
    report = names_report()

    text = render(report, "table")
    markdown = render(report, "markdown")
    assert "\x1b" not in text + markdown
    assert "\u202e" not in text + markdown
    assert "\\x1b[31mred" in text
    assert r"\</script\>\<img src=x" in markdown
    assert r"a\|b\`c\*d\_e" in markdown
    assert len(NASTY) == len(markdown.splitlines()) - 4
    assert list(NASTY) == [row["name"] for row in csv.DictReader(io.StringIO(render(report, "csv")))]
    assert list(NASTY) == [row["name"] for row in json.loads(render(report, "json"))]


def test_a_narrow_terminal_shortens_names_but_keeps_them_apart() -> None:
    columns = (Column("name", "name"), Column("ms", "ms", "ms"))
    long = Table(columns, (("std::vector<" + "int," * 50 + "int>", 1.0), ("short", 2.0)))
    alike = Table(columns, tuple(("a" * 50 + letter + "b" * 50, 1.0) for letter in "12"))

    assert max(map(len, render(Report((Block(table=long),), long), "table", 60).splitlines())) <= 60
    text = render(Report((Block(table=alike),), alike), "table", 60)
    assert 2 == len({name for name in re.findall("^a.*b", text, re.MULTILINE) if "…" in name})


def test_markdown_escapes_what_is_special() -> None:
    assert r"&lt;" not in escape("<a>")
    assert r"\<a\> &amp; \[b\]" == escape("<a> & [b]")


def test_json_has_no_nan() -> None:
    table = Table((Column("x", "x", "value"),), ((float("nan"),), (float("inf"),)))

    assert [{"x": None}, {"x": None}] == json.loads(render(Report((), table), "json"))


def test_an_empty_table_has_its_header() -> None:
    table = Table((Column("a", "first"), Column("b", "second", "ms")), ())

    assert "first  second\n" in render(Report((Block(table=table),), table), "table")
    assert "a,b\n" == render(Report((), table), "csv")
