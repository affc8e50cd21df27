"""Tables on a terminal: colours, columns that give way, names that stay apart."""

from __future__ import annotations

import re

import pytest
from wcwidth import wcswidth

from perfdb.report import Block, Column, Report, Table, render
from perfdb.report.cells import printable
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

    for width in (40, 60, 80, 100, 140):
        assert width >= max(map(wcswidth, render(report, "table", width).splitlines()))


def test_verdicts_are_coloured_by_direction_and_others_are_not() -> None:
    verdicts = ("regressed", "improved, small", "equal", "~ 3 more runs", "new", "-")
    rows = tuple(("f", verdict) for verdict in verdicts)

    lines = table_text(Table((Column("f", "f"), Column("verdict", "verdict")), rows), None, color=True).splitlines()[2:]

    assert [f"f  {RED}regressed{PLAIN}", f"f  {GREEN}improved{PLAIN}, small"] == lines[:2]
    assert "\x1b" not in "".join(lines[2:])


WIDTHS = (20, 40, 60, 80, 100, 120, 200)
LONG = "kuzu::storage::HashIndex<kuzu::common::ku_string_t>::lookupInternal" * 60
HOSTILE = (
    LONG + "a",
    LONG + "b",
    f"({LONG})",
    "日本語の関数" * 20,
    "e\u0301" * 90,
    "👍🏽" * 50,
    "\u202e\x1b]0;x\x07" * 30,
    "",
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal(width: int, color: bool) -> None:
    hot = table(*HOSTILE[:4])
    text = Table((Column("a", LONG), Column("b", "日本" * 60)), tuple((name, name) for name in HOSTILE))
    blocks = [Block(name, 2, (name, f"  {name}"), each, (name,)) for name in HOSTILE for each in (hot, text, None)]

    for shortens in (True, False):
        printed = render(Report(tuple(blocks), hot), "table", width, color, shortens=shortens)

        assert width >= max(wcswidth(bare(line)) for line in printed.split("\n"))


def test_wide_names_do_not_move_columns() -> None:
    lines = table_text(table("日本語", "e\u0301", "👍", "f"), None).splitlines()

    assert 1 == len({wcswidth(line[: line.index("10.0")]) for line in lines[2:]})


def test_where_columns_found_no_room_a_last_line_says_so() -> None:
    report = Report((Block(table=table("kuzu::storage::StringColumnChunk::append")),), table())

    assert render(report, "table", 76).endswith("\n\nnot shown: before, change (a wider terminal shows all)\n")
    assert render(report, "table", 76, more="-v shows all").endswith("\n\nnot shown: before, change (-v shows all)\n")
    assert "not shown" not in render(report, "table", 120, more="-v shows all") + render(report, "table")


def test_rows_that_were_cut_are_told_on_a_terminal_with_the_way_to_see_them() -> None:
    cut = Table((Column("f", "f"),), (("g",),), left_out="more functions")
    report = Report((Block(table=cut), Block(table=cut)), cut)

    assert render(report, "table", 80, more="-v shows all").endswith("\n\nnot shown: more functions (-v shows all)\n")
    assert "not shown" not in render(report, "table", 80) + render(report, "table", more="-v shows all")


def test_a_table_of_sql_loses_what_all_rows_share_and_then_its_last_columns() -> None:
    columns = (
        Column("name", "name"),
        Column("same", "same"),
        Column("n", "n", "value"),
        Column("last", "last", "value"),
    )
    wide = Table(columns, tuple((each * 20, "x" * 16, n, 10**12 + n) for n, each in enumerate("ab")))

    titles = {width: table_text(wide, width).splitlines()[0].split() for width in (60, 42, 30)}

    assert ["name", "same", "n", "last"] == titles[60]
    assert ["name", "n", "last"] == titles[42]
    assert ["name", "n"] == titles[30]


def test_a_table_that_is_far_too_wide_is_written_row_below_row() -> None:
    lines = table_text(table("kuzu::storage::StringColumnChunk::append"), 34).splitlines()

    assert ["kuzu::storage::StringColumnChunk::", "  append"] == lines[:2]
    assert "  before: 10.0  delta ms: +1.0" == lines[2]
    assert "  verdict: ~" == lines[-1]


def test_sentences_are_written_row_below_row_and_never_cut() -> None:
    advice = "install git, and run it once. " * 8
    found = Table((Column("what", "what"), Column("advice", "what to do")), (("git", advice.strip()),))

    printed = render(Report((Block(table=found),), found), "table", 60, shortens=False)

    assert advice.split() == printed.replace("what to do:", "").split()[1:]


def test_figures_of_a_column_have_as_many_decimals() -> None:
    figures = (("2046", 2046.0, 0.265559), ("93", 93.3333333, 0.00635386), ("none", None, 1.0))
    columns = (Column("n", "n"), Column("ms", "ms", "value"), Column("share", "share", "value"))

    rows = [line.split() for line in table_text(Table(columns, figures), None).splitlines()[2:]]

    assert [["2046", "2046.00", "0.26556"], ["93", "93.33", "0.00635"], ["none", "-", "1.00000"]] == rows


def test_figures_that_no_number_of_decimals_shows_are_written_one_by_one() -> None:
    p_values = Table((Column("p", "p", "value"),), ((1e-12,), (0.5,)))

    assert ["1e-12", "0.5"] == table_text(p_values, None).split()[2:]


def test_changes_of_a_column_have_one_decimal_however_large() -> None:
    changes = Table((Column("change", "change", "change"),), ((12.504,), (-0.034,), (0.0001,)))

    assert ["+1,250.4 %", "-3.4 %", "+<0.1 %"] == [line.strip() for line in table_text(changes, None).splitlines()[2:]]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\u200bb", r"a\u200bb"),
        ("a\u2066b", r"a\u2066b"),
        ("a\ufe0fb", r"a\ufe0fb"),
        ("⚡\ufe0f", "⚡\ufe0f"),
        ("a\U000e0001b", r"a\U000e0001b"),
        ("a\U000e0101b", r"a\U000e0101b"),
        ("a\u3164b", r"a\u3164b"),
        ("e\u0301", "e\u0301"),
        ("\u0301e", r"\u0301e"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 4 + r"\u0301"),
        ("\x1b]8;;x\x07\r\b", r"\x1b]8;;x\x07\x0d\x08"),
    ],
)
def test_what_hides_a_difference_is_shown_as_an_escape(name: str, shown: str) -> None:
    assert shown == printable(name)
