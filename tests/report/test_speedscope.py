"""Tracks as a speedscope file, held against the format."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb import __version__
from perfdb.report.firefox import firefox_text
from perfdb.report.speedscope import shown_name, speedscope_text
from tests.npm import npm_package
from tests.report import firefox_file
from tests.report.made_tracks import Frame, Owner, tracks, tracks_of_frames
from tests.report.speedscope_file import checked_speedscope, paths_of
from tests.store.profiles import MS

TWO = {
    ("simple", "app.exe", 7): [("ntdll.dll!start;app.exe!main", 1), ("ntdll.dll!start;app.exe!main;a.dll!f", 3)],
    ("large", "app.exe", 8): [("ntdll.dll!start;app.exe!main;a.dll!<unresolved>", 2)],
}
SCHEMA_OF = ("speedscope", "1.25.0")


def test_each_track_is_a_profile_of_stacks_with_weights() -> None:
    assert {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": f"perfdb {__version__}",
        "name": "main",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {"name": "a.dll!<unresolved>", "file": "a.dll"},
                {"name": "f", "file": "a.dll"},
                {"name": "main", "file": "app.exe"},
                {"name": "start", "file": "ntdll.dll"},
            ]
        },
        "profiles": [
            {
                "type": "sampled",
                "name": "simple",
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": 4 * MS,
                "samples": [[3, 2], [3, 2, 1]],
                "weights": [MS, 3 * MS],
            },
            {
                "type": "sampled",
                "name": "large",
                "unit": "nanoseconds",
                "startValue": 0,
                "endValue": 2 * MS,
                "samples": [[3, 2, 0]],
                "weights": [2 * MS],
            },
        ],
    } == checked_speedscope(speedscope_text(tracks(TWO)))


def test_a_profile_is_called_by_its_process_and_its_runs() -> None:
    by_process = checked_speedscope(speedscope_text(tracks(TWO, by_process=True, run_ids=("r1", "r2", "r3"))))
    by_example = checked_speedscope(speedscope_text(tracks(TWO, run_ids=("r1", "r2"))))

    assert ["simple: app.exe (7), 3 runs added up", "large: app.exe (8), 3 runs added up"] == [
        profile["name"] for profile in by_process["profiles"]
    ]
    assert ["simple, 2 runs added up", "large, 2 runs added up"] == [
        profile["name"] for profile in by_example["profiles"]
    ]


def test_the_schema_of_speedscope_takes_the_file() -> None:
    schema = json.loads((npm_package(*SCHEMA_OF) / "dist/release/file-format-schema.json").read_text())
    content = json.loads(speedscope_text(tracks(TWO)))
    broken = {**content, "profiles": [{**content["profiles"][0], "unit": "hours"}]}

    validator = jsonschema.Draft7Validator(schema)
    assert [] == list(validator.iter_errors(content))
    assert list(validator.iter_errors(broken))


@pytest.mark.parametrize(
    ("part", "value"), [("endValue", 1), ("samples", [[0], [99]]), ("weights", [1]), ("unit", "hours")]
)
def test_the_checks_find_what_is_wrong(part: str, value: object) -> None:
    content = json.loads(speedscope_text(tracks(TWO)))
    content["profiles"][0][part] = value

    with pytest.raises(AssertionError):
        checked_speedscope(json.dumps(content))


names = st.text(st.sampled_from('ab;!"\\\n\0</>\u202e\u2028\ud800é') | st.characters(), max_size=8)
frames = st.tuples(names, names)
owners = st.tuples(names, names, st.integers(-1, 1 << 32))
works = st.dictionaries(
    owners,
    st.lists(st.tuples(st.lists(frames, min_size=1, max_size=6), st.integers(1, 1 << 30)), min_size=1, max_size=6),
    min_size=1,
    max_size=4,
)


@given(works)
def test_both_viewers_get_every_stack_with_its_weight(work: dict[Owner, list[tuple[list[Frame], int]]]) -> None:
    made = tracks_of_frames(work, by_process=True)
    expected = []
    for stacks in work.values():
        sums: dict[tuple[Frame, ...], int] = {}
        for path, count in stacks:
            sums[tuple(path)] = sums.get(tuple(path), 0) + count * MS
        expected.append(sums)

    speedscope = checked_speedscope(speedscope_text(made))
    firefox = firefox_file.checked_firefox(firefox_text(made))

    shown = [
        {tuple((module, shown_name(module, name)) for module, name in path): ns for path, ns in sums.items()}
        for sums in expected
    ]
    assert shown == [paths_of(speedscope, profile) for profile in speedscope["profiles"]]
    assert expected == [firefox_file.paths_of(firefox, thread) for thread in firefox["threads"]]
