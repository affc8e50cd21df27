"""Widths of text on a terminal, names shortened so that they stay apart, and lines that are wrapped."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from perfdb.report.cells import printable
from perfdb.report.widths import shorten_apart, shorten_middle, width_of, wrapped

LETTERS = st.sampled_from([*"ab<>:, …", "日", "é", "e\u0301", "👍", "⚡\ufe0f", "한"])
names = st.lists(LETTERS, max_size=60).map("".join).map(str.strip).map(printable)
long_names = st.builds(lambda before, middle, after: f"{before * 9}{middle}{after * 9}", names, names, names)


def test_wide_characters_take_two_columns_and_accents_none() -> None:
    assert [4, 1, 2, 2, 1] == [width_of(text) for text in ("日本", "e\u0301", "👍", "⚡\ufe0f", "…")]


@given(names | long_names, st.integers(12, 60))
def test_a_shortened_name_fits_and_is_not_shortened_again(name: str, width: int) -> None:
    short = shorten_middle(name, width)

    assert wcswidth(short) <= width
    assert short == shorten_middle(short, width)
    assert (short == name) == (wcswidth(name) <= width)


@given(st.lists(names | long_names, max_size=8), st.integers(12, 60))
def test_different_names_stay_different_and_fit(texts: list[str], width: int) -> None:
    short = shorten_apart(texts, width)

    assert len(set(texts)) == len(set(short.values()))
    assert all(wcswidth(text) <= width for text in short.values())
    assert all(short[text] == text for text in texts if wcswidth(text) <= width)
    assert list(short.values()) == list(shorten_apart(short.values(), width).values())


def test_what_tells_names_apart_stays_in_view() -> None:
    kinds = ["long", "Row", "Node"]
    texts = [f"std::map<{'int, ' * 30}{kind}, {'int, ' * 30}int>::insert" for kind in kinds]

    short = shorten_apart(texts, 40)

    assert all(kind in short[text] for text, kind in zip(texts, kinds, strict=True))
    assert all(text.startswith("std::") and text.endswith("insert") for text in short.values())


def test_names_whose_difference_finds_no_room_are_numbered() -> None:
    texts = ["x" * 400 + "ab" * number + "y" * 400 for number in range(1, 120)]

    short = shorten_apart(texts, 14)

    assert len(texts) == len(set(short.values()))
    assert 14 >= max(map(len, short.values()))


def test_a_thousand_names_of_4000_characters_that_differ_in_one_show_it() -> None:
    texts = [f"f<{'int, ' * 400}{number:04}{', int' * 400}>" for number in range(1000)]

    short = shorten_apart(texts, 60)

    assert len(texts) == len(set(short.values()))
    assert all(f"{number:04}" in short[text] for number, text in enumerate(texts))


@given(st.lists(names, max_size=20).map(" ".join), st.integers(20, 60))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    lines = wrapped(text, width)

    assert all(wcswidth(line) <= width for line in lines)
    assert re.sub(" ", "", text) == re.sub(" ", "", "".join(lines))


def test_lines_after_the_first_hang_and_figures_keep_their_units() -> None:
    lines = wrapped("! 902.7 ms CPU ±0.6 % and 654.7 ms of 1,000.0 ms", 22)

    assert ["! 902.7 ms CPU ±0.6 %", "  and 654.7 ms of", "  1,000.0 ms"] == lines
