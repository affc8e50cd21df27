"""The sheet beside a trace: that it comes back as it was written, and that a damaged one is refused in a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfdb.collect.run_sheet import RunSheet, read_sheet, sheet_path, write_sheet
from perfdb.errors import InputError
from perfdb.profile.measurement import Measurement

SHEET = RunSheet(
    trace_sha256="ab" * 32,
    example="simple",
    commit_sha="cd" * 20,
    is_dirty=True,
    build="Release",
    process="indexer.exe",
    profiler="etwprof",
    command=("build/indexer", "--n", "5"),
    tags={"host": "größer", "ci": "1"},
    measurements=(Measurement("wall_time", "ms", 812.5), Measurement("wall_time", "ms", 813.0, 1)),
)

texts = st.text(st.characters(codec="utf-8") | st.sampled_from(["\udc80", "\udcff"]))
"""As arguments are on POSIX, where they need not be UTF-8."""

sheets = st.builds(
    RunSheet,
    trace_sha256=st.just("ab" * 32),
    example=texts.filter(bool),
    commit_sha=texts,
    is_dirty=st.booleans(),
    build=texts,
    process=texts,
    profiler=texts,
    command=st.lists(texts).map(tuple),
    tags=st.dictionaries(texts, texts),
    measurements=st.lists(
        st.builds(
            Measurement,
            texts.filter(bool),
            texts,
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 1 << 40),
        )
    ).map(tuple),
)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "indexer_profile_simple.etl"


def told(trace: Path) -> dict[str, Any]:
    """A sheet's content, to be changed and written again."""
    write_sheet(sheet_path(trace), SHEET)
    content: dict[str, Any] = json.loads(sheet_path(trace).read_text(encoding="utf-8"))
    return content


def test_a_sheet_lies_beside_its_trace_and_names_its_schema(trace: Path) -> None:
    assert "perfdb.run/1" == told(trace)["schema"]
    assert [trace.with_name("indexer_profile_simple.etl.run.json")] == list(trace.parent.iterdir())


@given(sheets)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sheet_comes_back_as_it_was_written(trace: Path, sheet: RunSheet) -> None:
    write_sheet(sheet_path(trace), sheet)

    assert sheet == read_sheet(trace)


def test_a_trace_without_a_sheet_has_none(trace: Path) -> None:
    assert read_sheet(trace) is None
    assert read_sheet(trace / "below") is None


def test_what_is_not_known_is_ignored_and_what_is_not_told_is_the_default(trace: Path) -> None:
    content = {"schema": "perfdb.run/1", "trace_sha256": "ab", "example": "simple", "mood": ["good"]}
    sheet_path(trace).write_text(json.dumps(content), encoding="utf-8-sig")

    assert RunSheet("ab", "simple") == read_sheet(trace)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("schema", "perfdb.run/2", "its schema is 'perfdb.run/2', and this perfdb knows 'perfdb.run/1'"),
        ("schema", None, "its schema is None"),
        ("trace_sha256", "", "it lacks trace_sha256"),
        ("example", 3, "example is no text"),
        ("commit_sha", None, "commit_sha is no text"),
        ("is_dirty", 1, "is_dirty is neither true nor false"),
        ("command", "a b", "command is no list"),
        ("command", ["a", 1], "command holds something that is no text"),
        ("tags", [], "tags are no object"),
        ("tags", {"a": 1}, "a is no text"),
        ("measurements", {}, "measurements is no list"),
        ("measurements", [3], "measurements holds something that is no object"),
        ("measurements", [{"unit": "ms", "value": 1}], "it lacks metric"),
        ("measurements", [{"metric": "wall_time", "unit": "ms"}], "the value of wall_time is no finite number"),
        ("measurements", [{"metric": "m", "unit": "", "value": True}], "the value of m is no finite number"),
        ("measurements", [{"metric": "m", "unit": "", "value": float("nan")}], "the value of m is no finite number"),
        ("measurements", [{"metric": "m", "unit": "", "value": 10**400}], "the value of m is no finite number"),
        ("measurements", [{"metric": "m", "unit": "", "value": 1, "repetition": -1}], "no whole number, 0 or more"),
        ("measurements", [{"metric": "m", "unit": "", "value": 1, "repetition": 1.5}], "no whole number, 0 or more"),
    ],
)
def test_a_sheet_with_a_wrong_value_is_refused(trace: Path, key: str, value: object, words: str) -> None:
    sheet_path(trace).write_text(json.dumps(told(trace) | {key: value}))

    with pytest.raises(InputError) as refused:
        read_sheet(trace)

    assert words in str(refused.value)
    assert str(sheet_path(trace)) in str(refused.value)
    assert "Delete it" in str(refused.value)
    assert "--commit" in str(refused.value)


@pytest.mark.parametrize("key", ["trace_sha256", "example"])
def test_a_sheet_that_lacks_what_it_is_for_is_refused(trace: Path, key: str) -> None:
    content = told(trace)
    del content[key]
    sheet_path(trace).write_text(json.dumps(content))

    with pytest.raises(InputError, match=f"it lacks {key}"):
        read_sheet(trace)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 10_000], ids=repr)
def test_what_is_not_json_is_refused(trace: Path, raw: bytes) -> None:
    sheet_path(trace).write_bytes(raw)

    with pytest.raises(InputError, match="it is not JSON"):
        read_sheet(trace)


@pytest.mark.parametrize("raw", ["[]", "null", "3", '"text"'])
def test_json_of_another_kind_is_refused(trace: Path, raw: str) -> None:
    sheet_path(trace).write_text(raw)

    with pytest.raises(InputError, match="it holds no object"):
        read_sheet(trace)


def test_a_sheet_that_is_cut_is_refused(trace: Path) -> None:
    told(trace)
    whole = sheet_path(trace).read_bytes().rstrip()
    for size in range(0, len(whole), 13):
        sheet_path(trace).write_bytes(whole[:size])
        with pytest.raises(InputError, match="it is not JSON"):
            read_sheet(trace)


def test_a_folder_in_its_place_is_refused(trace: Path) -> None:
    sheet_path(trace).mkdir()

    with pytest.raises(InputError, match="it cannot be read"):
        read_sheet(trace)


def test_a_sheet_that_cannot_be_written_leaves_nothing(trace: Path) -> None:
    sheet_path(trace).mkdir()

    with pytest.raises(InputError, match="asked to write .* found that it cannot be"):
        write_sheet(sheet_path(trace), SHEET)
    with pytest.raises(InputError, match="No such file|cannot find"):
        write_sheet(sheet_path(trace.parent / "nowhere" / "a.etl"), SHEET)

    assert [sheet_path(trace)] == list(trace.parent.iterdir())


def test_a_value_that_json_does_not_have_leaves_the_sheet_as_it_was(trace: Path) -> None:
    told(trace)
    endless = RunSheet("ab", "simple", measurements=(Measurement("m", "", sys.float_info.max * 10),))

    with pytest.raises(ValueError, match="not JSON compliant"):
        write_sheet(sheet_path(trace), endless)

    assert SHEET == read_sheet(trace)


def test_a_trace_is_not_written_over(trace: Path) -> None:
    with pytest.raises(ValueError, match="no place for a sheet"):
        write_sheet(trace, SHEET)
