"""The real trace: exactly the counts that an independent reader got, and the same as the slow twin, frame by frame."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfdb.etl import looks_like_etl
from perfdb.profile import JIT_MODULE, UNKNOWN_MODULE, UNRESOLVED, Profile
from perfdb.profile.bare import bare
from perfdb.profile.check import self_check
from perfdb.profile.columns import ItemWeights
from perfdb.profile.weights import item_weights, sum_samples
from tests.etl.traces import read
from tests.twins.agree import assert_agree
from tests.twins.etl_walker import Walked, walk


@pytest.fixture(scope="module")
def data(corpus: Path) -> bytes:
    with zipfile.ZipFile(corpus / "dotnet-gc-x64.etl.zip") as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".etl"))
        return archive.read(name)


@pytest.fixture(scope="module")
def profile(data: bytes) -> Profile:
    return read(data)


@pytest.fixture(scope="module")
def walked(data: bytes) -> Walked:
    return walk(data)


@pytest.fixture(scope="module")
def expected(corpus: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((corpus / "dotnet-gc-x64.expected.json").read_text("utf-8"))
    return found


def test_totals(profile: Profile, expected: dict[str, Any]) -> None:
    self_check(profile)

    assert profile.sample_count == expected["samples"]
    assert profile.idle_count == expected["idle"]
    assert len(profile.samples) == expected["work"]
    assert int(profile.samples.has_stack.sum()) == expected["work_with_stack"]
    assert profile.interval_ns == expected["interval_100ns"] * 100
    assert profile.duration_ns == expected["duration_100ns"] * 100
    assert profile.lost_events == expected["lost_events"]
    assert profile.lost_buffers == 0
    assert profile.caveats == ()
    assert int(profile.samples.weight_ns.sum()) == expected["work"] * 1_000_000


def test_frames(profile: Profile, expected: dict[str, Any]) -> None:
    stack = profile.samples.stack[profile.samples.has_stack]

    assert int(profile.stacks.depth[stack].sum()) == expected["frames_total"]


def test_processes(profile: Profile, expected: dict[str, Any]) -> None:
    found = Counter(profile.samples.process.tolist())

    assert Counter(
        {(profile.processes[row].name, profile.processes[row].pid): n for row, n in found.items()}
    ) == Counter({(row["name"], row["pid"]): row["samples"] for row in expected["processes"]})


def test_modules_of_the_main_process(profile: Profile, expected: dict[str, Any]) -> None:
    """What the independent reader found in no image is here `<jit>` or `<unknown>`: without names, it is the same."""
    profile = bare(profile)
    module = profile.functions.module[profile.frames.function[profile.stacks.frame]]
    weights = item_weights(profile.stacks, module, sum_samples(profile))
    pid = expected["main_process"]["pid"]

    assert _by_module(profile, weights, weights.exclusive_samples, pid) == _named(expected["main_exclusive_by_module"])
    assert _by_module(profile, weights, weights.inclusive_samples, pid) == _named(expected["main_inclusive_by_module"])


def test_managed_names_of_the_main_process(profile: Profile, expected: dict[str, Any]) -> None:
    """Nearly all of its work in no image has a name, and nothing of its work in images: mscorlib's code was compiled
    anew, and no image that was made ahead of time is in it.
    """
    exclusive = Counter(
        name_of(profile, leaf)
        for leaf, process in zip(profile.samples.stack.tolist(), profile.samples.process.tolist(), strict=True)
        if profile.processes[process].pid == expected["main_process"]["pid"]
    )
    jit = {name: count for (module, name), count in exclusive.items() if module == JIT_MODULE}

    assert 4_456 == sum(jit.values())
    assert 106 == exclusive[UNKNOWN_MODULE, UNRESOLVED]
    assert expected["main_exclusive_by_module"]["None"] == sum(jit.values()) + exclusive[UNKNOWN_MODULE, UNRESOLVED]
    assert {UNRESOLVED} == {name for module, name in exclusive if module != JIT_MODULE}
    assert [
        ("System.DateTime.GetDatePart(int32)", 1856),
        ("System.TimeZoneInfo.TransitionTimeToDateTime(int32,TransitionTime)", 566),
        ("System.DateTime.get_DayOfWeek()", 470),
    ] == Counter(jit).most_common(3)
    assert 41 == jit["Test.Program.Main(String[])"]


def name_of(profile: Profile, stack: int) -> tuple[str, str]:
    """(module, function) of a stack's leaf."""
    function = int(profile.frames.function[profile.stacks.frame[stack]])
    return profile.modules[profile.functions.module[function]], profile.functions.name[function]


def _by_module(profile: Profile, weights: ItemWeights, samples: Any, pid: int) -> dict[str, int]:
    rows = np.flatnonzero([profile.processes[row].pid == pid for row in weights.process])
    return {profile.modules[weights.item[row]]: int(samples[row]) for row in rows if samples[row]}


def _named(expected: dict[str, int]) -> dict[str, int]:
    return {UNKNOWN_MODULE if name == "None" else name: count for name, count in expected.items()}


def test_machine(profile: Profile, data: bytes) -> None:
    assert profile.machine.hostname == "BRIANROB-W8"
    assert profile.machine.os == "Windows 8 Pro build 9200"
    assert profile.machine.cpu == "x64 family 6 model 60 stepping 3"
    assert profile.machine.cores == 8
    assert profile.started_at is not None
    assert profile.started_at.isoformat(timespec="seconds") == "2020-07-29T00:07:00+00:00"
    assert looks_like_etl(data[:512])


def test_agrees_with_the_slow_twin(profile: Profile, walked: Walked) -> None:
    assert walked.events == 179_474
    assert_agree(walked, profile)


def test_batches_of_one_buffer_change_nothing(data: bytes, walked: Walked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfdb.etl.buffers.BATCH_BYTES", 1 << 20)

    assert_agree(walked, read(data))
