"""What a speedscope file has to be, by its schema and by what speedscope does with it; and what one says."""

from __future__ import annotations

import json
from typing import Any

Frame = tuple[str | None, str]
"""(module, function)."""

_UNITS = {"none", "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes"}
_FILE = {"$schema", "exporter", "name", "activeProfileIndex", "shared", "profiles"}
_PROFILE = {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}


def checked_speedscope(text: str) -> dict[str, Any]:
    """The file's content; an AssertionError says what is wrong with it."""
    assert text.isascii(), "names are escaped"
    content: dict[str, Any] = json.loads(text, parse_constant=_no_constant)
    assert _FILE == content.keys()
    assert content["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert all(isinstance(content[key], str) for key in ("exporter", "name"))
    profiles, frames = content["profiles"], content["shared"]["frames"]
    assert content["activeProfileIndex"] in range(len(profiles))
    for frame in frames:
        assert {"name", "file"} == frame.keys()
        assert all(isinstance(value, str) for value in frame.values())
    for profile in profiles:
        _check_profile(profile, len(frames))
    return content


def _check_profile(profile: dict[str, Any], frames: int) -> None:
    assert _PROFILE == profile.keys()
    assert profile["type"] == "sampled"
    assert isinstance(profile["name"], str)
    assert profile["unit"] in _UNITS
    samples, weights = profile["samples"], profile["weights"]
    assert len(samples) == len(weights) > 0
    assert all(sample and all(type(row) is int and 0 <= row < frames for row in sample) for sample in samples)
    assert all(type(weight) is int and weight >= 0 for weight in weights)
    assert profile["startValue"] == 0
    assert profile["endValue"] == sum(weights)


def paths_of(content: dict[str, Any], profile: dict[str, Any]) -> dict[tuple[Frame, ...], int]:
    """The weight of each stack of a profile, root first, in nanoseconds."""
    frames = [(frame.get("file"), frame["name"]) for frame in content["shared"]["frames"]]
    sums: dict[tuple[Frame, ...], int] = {}
    for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
        path = tuple(frames[row] for row in sample)
        sums[path] = sums.get(path, 0) + weight
    return sums


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
