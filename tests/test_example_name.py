"""Example names read off file names: what each pattern takes, and what it leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.example_name import DEFAULT_PATTERNS, NAME_BYTES, example_name, pattern_problem, safe_name

TIMESTAMPS = [
    "20240427_102030",
    "20240427-1020",
    "2024-04-27_10-20-30",
    "2024-04-27(10-20-30)",
    "20240427T102030Z",
    "2024-04-27T10-20-30Z",
    "20240427",
    "1714212030",
]


@pytest.mark.parametrize("timestamp", TIMESTAMPS)
@pytest.mark.parametrize("example", ["simple", "my_templates", "v1.2", "a_20240101", "2", "größe"])
def test_every_timestamp_is_cut_off(example: str, timestamp: str) -> None:
    assert example == example_name(f"dosatsu_profile_{example}_{timestamp}.etl", ())
    assert example == example_name(f"{example}_{timestamp}.etl", ())
    assert example == example_name(f"{example}[1234]-{timestamp}.etl", ())


@pytest.mark.parametrize(
    ("file_name", "example"),
    [
        ("notepad_exe[1234]-2024-04-27(10-20-30).etl", "notepad_exe"),
        ("DOSATSU_Profile_Simple_20240427_102030.ETL", "Simple"),
        ("simple.etl", "simple"),
        ("simple.ETL.ZIP", "simple"),
        ("simple.etl.xz", "simple"),
        ("simple.etl.gz", "simple"),
        ("simple.perf", "simple"),
        ("simple.perf.gz", "simple"),
        ("simple_20240427_102030.DATA", "simple"),
        ("simple_summary.perf", "simple_summary"),  # a trace of that name, and no text made from one
        ("simple_summary.txt", "simple"),
        ("simple.1.etl", "simple.1"),
        ("simple", "simple"),
        ("dosatsu_profile_simple.etl", "dosatsu_profile_simple"),
        ("simple_20241301.etl", "simple_20241301"),  # no month
        ("simple_20240427_257070.etl", "simple_20240427_257070"),  # no hour
        ("simple_0123456789.etl", "simple_0123456789"),  # not seconds of this century
        ("_20240427.etl", "_20240427"),  # nothing is left for the example
        (" _20240427.etl", " _20240427"),
        ("20240427.etl", "20240427"),
        (".etl", ".etl"),
        ("", ""),
        ("two\nlines_20240427.etl", "two\nlines"),
    ],
)
def test_default_patterns(file_name: str, example: str) -> None:
    assert example == example_name(file_name, ())


@pytest.mark.parametrize(
    ("pattern", "file_name", "example"),
    [
        ("nightly-[example]-[pid]", "nightly-simple-77.etl", "simple"),
        ("[timestamp] [example]", "20240427 simple.etl", "simple"),
        ("[example]", "simple_20240427.etl", "simple_20240427"),  # the project's own pattern comes first
        ("nightly-[example]", "simple_20240427.etl", "simple"),  # and leaves the others in place
        ("[example] (Release)[+]", "simple (Release)[+].etl", "simple"),  # everything else stands for itself
        (".*[example]", ".*simple.etl", "simple"),
        (".*[example]", "xysimple.etl", "xysimple"),
    ],
)
def test_own_patterns(pattern: str, file_name: str, example: str) -> None:
    assert example == example_name(file_name, (pattern,))


def test_the_first_pattern_that_fits_wins() -> None:
    assert "b" == example_name("a_b.etl", ("x_[example]", "a_[example]", "[example]"))


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("simple", "does not hold [example], the part of the file name that is wanted"),
        ("[example]_[timestmap]", "holds [timestmap]; did you mean [timestamp]?"),
        ("[Example]", "holds [Example]; did you mean [example]?"),
        ("[example]_[example]", "holds [example] more than once"),
        ("[example]_[timestamp]_[timestamp]", "holds [timestamp] more than once"),
        ("[example][[pid]]", None),
        ("[Release]_[example]", None),
    ],
)
def test_pattern_problem(pattern: str, problem: str | None) -> None:
    assert problem == pattern_problem(pattern)
    if problem:
        with pytest.raises(ValueError, match="the pattern"):
            example_name("simple.etl", (pattern,))


def test_default_patterns_have_no_problem() -> None:
    assert [None] * len(DEFAULT_PATTERNS) == [pattern_problem(pattern) for pattern in DEFAULT_PATTERNS]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("my_templates", "my_templates"),
        ("größe ü.2", "größe ü.2"),
        ("a/b\\c:d", "a-b-c-d"),
        ('<a>*?|"', "-a-----"),
        ("two\nlines\u202e", "two-lines-"),
        ("v[example][pid]", "v-example--pid-"),
        (" .hidden. ", "hidden"),
        ("con", "con-"),
        ("NUL.txt", "NUL-.txt"),
        ("Com1 .x", "Com1- .x"),
        ("lpt²", "lpt²-"),
        ("console", "console"),
        ("com10", "com10"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("\udcff", "-"),
    ],
)
def test_names_are_made_safe_for_every_system(text: str, safe: str) -> None:
    assert safe == safe_name(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("conCON.. -[]²1/"), max_size=150))
def test_a_safe_name_is_short_and_stays_as_it_is(text: str) -> None:
    safe = safe_name(text)

    assert safe == safe_name(safe)
    assert 0 < len(safe.encode()) <= NAME_BYTES
    assert safe == safe.strip(". ")
    assert not set('<>:"/\\|?*[]\0\n') & set(safe)


@given(st.text())
def test_any_name_gives_a_part_of_itself(file_name: str) -> None:
    example = example_name(file_name, ())

    assert example in file_name
    assert bool(example) == bool(file_name)
