"""Traces of the suite: each has a name of its own that leads back to its example, and old ones go, never another's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.collect.run_sheet import sheet_path
from perfdb.collect.trace_files import project_pattern, thin_traces, trace_path
from perfdb.example_name import example_name, pattern_problem, safe_name

MOMENT = datetime(2026, 11, 29, 11, 30, 47, tzinfo=UTC)
NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(["a_20260101-000000", "x_profile_y", "[pid]", "con", ".."])


def traces(folder: Path, example: str, count: int, suffix: str = ".etl") -> list[Path]:
    """Traces of an example, oldest first, each with its sheet and a text that was made from it."""
    made = []
    for number in range(count):
        trace = trace_path(folder, "dosatsu", example, MOMENT + timedelta(minutes=number), suffix)
        trace.write_text("trace")
        sheet_path(trace).write_text("sheet")
        trace.with_name(trace.name.removesuffix(suffix) + "_summary.txt").write_text("text")
        made.append(trace)
    return made


# ---- names -----------------------------------------------------------------------------------------------------------


def test_a_trace_is_named_after_project_example_and_utc(tmp_path: Path) -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=-8)))

    assert tmp_path / "dosatsu_profile_my_templates_20261129-113047.etl" == trace_path(
        tmp_path, "dosatsu", "my_templates", elsewhere, ".etl"
    )
    assert "a-b_profile_x-y_20261129-113047.perf.gz" == trace_path(tmp_path, "a/b", "x:y", MOMENT, ".perf.gz").name


def test_a_name_that_is_taken_gets_the_next_free_second(tmp_path: Path) -> None:
    first, second, third = (
        trace_path(tmp_path, "p", "x", MOMENT + timedelta(seconds=more), ".etl") for more in range(3)
    )
    first.touch()
    sheet_path(second).touch()

    assert third == trace_path(tmp_path, "p", "x", MOMENT, ".etl")


@given(NAMES, NAMES, st.sampled_from([".etl", ".perf", ".perf.gz"]))
def test_the_example_is_read_off_the_name_again(project: str, example: str, suffix: str) -> None:
    name = trace_path(Path("nowhere"), project, example, MOMENT, suffix).name

    assert pattern_problem(project_pattern(project)) is None
    assert safe_name(example) == example_name(name, [project_pattern(project)])


# ---- thinned ---------------------------------------------------------------------------------------------------------


def test_the_oldest_go_with_their_sheets_and_texts_stay(tmp_path: Path) -> None:
    made = traces(tmp_path, "simple", 5)

    assert tuple(made[:3]) == thin_traces(tmp_path, "dosatsu", "simple", 2, (".etl",))
    assert [False, False, False, True, True] == [trace.exists() for trace in made]
    assert [False, False, False, True, True] == [sheet_path(trace).exists() for trace in made]
    assert 5 == len(list(tmp_path.glob("*_summary.txt")))


def test_age_is_told_by_the_name_over_all_suffixes(tmp_path: Path) -> None:
    old = traces(tmp_path, "simple", 1, ".perf")
    new = traces(tmp_path, "simple", 3)[1:]
    old[0].write_text("touched last")

    removed = thin_traces(tmp_path, "dosatsu", "simple", 2, (".etl", ".perf"))

    assert [tmp_path / "dosatsu_profile_simple_20261129-113047.etl", *old] == list(removed)
    assert all(trace.exists() for trace in new)


@pytest.mark.parametrize(
    "other",
    [
        "dosatsu_profile_a_b_20261129-113047.etl",
        "dosatsu_profile_a_20261129-113047_20261129-113047.etl",
        "dosatsu_profile_b_20261129-113047.etl",
        "other_profile_a_20261129-113047.etl",
        "xdosatsu_profile_a_20261129-113047.etl",
        "dosatsu_profile_a_20261129-113047.perf",
        "dosatsu_profile_a_20261129-113047.etlx",
        "dosatsu_profile_a_20261129-113047 (copy).etl",
        "dosatsu_profile_a_20261129_113047.etl",
        "dosatsu_profile_a_latest.etl",
    ],
)
def test_what_is_no_trace_of_this_example_stays(tmp_path: Path, other: str) -> None:
    (tmp_path / other).touch()
    traces(tmp_path, "a", 2)

    removed = thin_traces(tmp_path, "dosatsu", "a", 1, (".etl",))

    assert ["dosatsu_profile_a_20261129-113047.etl"] == [path.name for path in removed]
    assert (tmp_path / other).exists()


def test_names_are_no_expressions(tmp_path: Path) -> None:
    other = trace_path(tmp_path, "dosatsu", "axb", MOMENT - timedelta(days=1), ".etl")
    other.touch()

    (oldest, _) = traces(tmp_path, "a.b", 2)

    assert (oldest,) == thin_traces(tmp_path, "dosatsu", "a.b", 1, (".etl",))
    assert other.exists()


def test_what_cannot_be_removed_is_passed_over_with_its_sheet(tmp_path: Path) -> None:
    stuck = trace_path(tmp_path, "dosatsu", "simple", MOMENT - timedelta(days=1), ".etl")
    (stuck / "inside").mkdir(parents=True)
    sheet_path(stuck).touch()
    made = traces(tmp_path, "simple", 3)

    assert tuple(made[:2]) == thin_traces(tmp_path, "dosatsu", "simple", 1, (".etl",))
    assert stuck.exists()
    assert sheet_path(stuck).exists()


def test_nothing_to_thin(tmp_path: Path) -> None:
    made = traces(tmp_path, "simple", 2)

    assert () == thin_traces(tmp_path, "dosatsu", "simple", 2, (".etl",))
    assert () == thin_traces(tmp_path / "gone", "dosatsu", "simple", 1, (".etl",))
    assert all(trace.exists() for trace in made)
