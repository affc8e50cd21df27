"""File names of examples: what every system takes, and never two the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.report.of_analysis_names import MOST_BYTES, file_stem, file_stems


def test_a_plain_name_is_the_file_name() -> None:
    assert ["templates", "my example.2", "größe"] == file_stems(["templates", "my example.2", "größe"])


@pytest.mark.parametrize(
    "name", ["a/b", "a:b", "CON", "con.x", "LPT1", " dot. ", "..", "", "new\nline", "\u202eevil", "n\0l"]
)
def test_what_no_system_takes_is_replaced_and_marked(name: str) -> None:
    assert re.fullmatch(r"[\w. -]+-[0-9a-f]{8}", file_stem(name))


def test_names_that_differ_in_letter_case_only_are_two_files_where_case_does_not_count() -> None:
    stems = file_stems(["Foo", "foo", "bar"])

    assert "bar" == stems[2]
    assert 3 == len({stem.casefold() for stem in stems})
    assert stems[0].startswith("Foo-")


def test_a_name_of_4000_characters_is_cut_and_told_from_its_like() -> None:
    stems = file_stems(["x" * 4000, "x" * 4001])

    assert 2 == len(set(stems))
    assert all(len(stem.encode()) <= MOST_BYTES + 9 for stem in stems)


@given(st.lists(st.text(), unique=True))
def test_no_two_names_share_a_file(names: list[str]) -> None:
    stems = file_stems(names)

    assert len(names) == len({stem.casefold() for stem in stems})
    assert all(stem.isprintable() and not set(stem) & set('<>:"/\\|?*%') for stem in stems)
