"""Tables on a terminal: colours, columns that give way, names that stay apart."""

from __future__ import annotations

import re

import pytest

from perfdb.report import Block, Column, Report, Table, render
from perfdb.report.of_diff import diff_report
from perfdb.report.text import table_text
from tests.report.diffs import BARE, BETTER, INSERT, STRTOD, WORSE, comparison, example_diff, path_change, paths, runs

RED, GREEN, PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"
COLUMNS = (
    Column("name", "name"),
    Column("before_ms", "before", "ms", gives_way=2),
    Column("delta_ms", "delta ms", "delta_ms"),
    Column("change", "change", "change", gives_way=1),
    Column("effect", "effect", "effect"),
    Column("verdict", "verdict"),
)


def table(*names: str) -> Table:
    """Rows whose deltas are +1, -2, 0.04 and 0.00 ms."""
    deltas = ((1.0, 0.1), (-2.0, -0.2), (0.04, 0.0), (0.0, None))
    rows = zip(names, deltas, strict=False)
    return Table(COLUMNS, tuple((name, 10.0, delta, change, (0.1, -0.1, 0.25), "~") for name, (delta, change) in rows))


def bare(text: str) -> str:
    """The text without colours."""
    return re.sub(r"\x1b\[\d+m", "", text)


def test_colours_say_the_direction_and_nothing_else() -> None:
    slower, quicker, same, none = table_text(table("a", "b", "c", "d"), None, color=True).splitlines()[2:]

    assert [f"{RED}+1.0{PLAIN}", f"{RED}+10.0 %{PLAIN}"] == re.findall(r"\x1b\[3\dm.*?\x1b\[0m", slower)
    assert [f"{GREEN}-2.0{PLAIN}", f"{GREEN}-20.0 %{PLAIN}"] == re.findall(r"\x1b\[3\dm.*?\x1b\[0m", quicker)
    assert "\x1b" not in same + none


@pytest.mark.parametrize("width", [None, 140, 100, 80, 60])
def test_colours_do_not_move_columns(width: int | None) -> None:
    example = example_diff(paths=paths(path_change([BARE, STRTOD], 231, 412, WORSE)))
    report = diff_report(comparison(example))

    coloured = render(report, "table", width, color=True)

    assert RED in coloured
    assert GREEN in coloured
    assert render(report, "table", width) == bare(coloured)


def test_no_other_format_has_colours() -> None:
    report = diff_report(comparison())

    assert "\x1b" not in "".join(render(report, each, color=True) for each in ("markdown", "csv", "json"))


def test_what_strangers_named_is_escaped_everywhere() -> None:
    nasty = "\x1b[31mred\n"
    hot = table(nasty)
    head = Block(nasty, 1, (nasty,), Table((Column("x", nasty), *COLUMNS[1:]), hot.rows), (nasty,))
    report = Report((head,), hot)

    for text in (render(report, "table", 80), render(report, "markdown")):
        assert "\x1b" not in text
        assert 5 == len(re.findall(r"x1b\\?\[31mred\\*x0a", text))


def test_columns_give_way_before_names_do() -> None:
    name = "kuzu::storage::StringColumnChunk::append"
    printed = {width: table_text(table(name, "short"), width) for width in (101, 96, 95, 88, 87, 76)}

    titles = {width: text.split("\n")[0] for width, text in printed.items()}
    assert [101, 96] == [width for width in printed if "before" in titles[width]]
    assert [101, 96, 95, 88] == [width for width in printed if "change" in titles[width]]
    assert [101, 95, 87] == [width for width in printed if name in printed[width]]
    assert all(width >= max(map(len, text.split("\n"))) for width, text in printed.items())


def test_names_that_differ_in_the_middle_stay_apart_and_are_shortened_all_the_same() -> None:
    names = [f"std::vector<{'int, ' * 20}{letter}, {'int, ' * 6}int>::push_back" for letter in "ab"]

    lines = table_text(table(*names), 80).splitlines()[2:]

    assert lines[0] != lines[1]
    assert all("…" in line for line in lines)


def test_a_diff_fits_the_terminal() -> None:
    example = example_diff(
        BETTER, runs(5, 5), paths=paths(path_change([BARE, STRTOD, INSERT, BARE, INSERT, STRTOD], 231, 412, WORSE))
    )
    report = diff_report(comparison(example))
    tables = Report(tuple(Block(table=block.table) for block in report.blocks), report.flat)

    for width in (80, 100, 140):
        assert width >= max(map(len, render(tables, "table", width).splitlines()))
