"""One answer: the corpus trace is the same run, whether its `.etl`, the dumper's text or the slow twin tells it.

One difference is meant. The text has no DPC and ISR flags, so work on thread 0 is only what has a stack: the one sample
that the `.etl` knows for work by its flag alone is idle time in the text.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfdb.profile import STACKS, UNKNOWN_MODULE, Profile
from perfdb.profile.bare import bare
from perfdb.profile.check import self_check
from perfdb.profile.weights import item_weights, sum_samples
from perfdb.readers import READERS, open_trace
from perfdb.readers.dumper import DUMPER
from tests.readers.reading import caveat_codes
from tests.twins.dumper_agree import (
    Row,
    assert_agree,
    assert_same_samples,
    dump_processes,
    dump_rows,
    profile_processes,
    profile_rows,
)
from tests.twins.dumper_lines import Dump, dump_of

TEXT = "dotnet-gc-x64.dumper.txt.xz"
FLAG_ONLY = 1
"""Samples of thread 0 that only their DPC or ISR flag tells from idle time."""


@pytest.fixture(scope="module")
def etl(corpus: Path) -> Profile:
    """As the `.etl` tells it, but for the names of managed code, which xperf's text does not have."""
    with open_trace(corpus / "dotnet-gc-x64.etl.zip", READERS) as opened:
        return bare(opened.read())


@pytest.fixture(scope="module")
def twin(corpus: Path) -> Dump:
    return dump_of(lzma.decompress((corpus / TEXT).read_bytes()))


@pytest.fixture(scope="module")
def dumper(corpus: Path) -> Profile:
    with open_trace(corpus / TEXT, (DUMPER,)) as opened:
        return opened.read()


@pytest.fixture(scope="module")
def expected(corpus: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((corpus / "dotnet-gc-x64.expected.json").read_text("utf-8"))
    return found


def told_by_text(profile: Profile) -> list[Row]:
    """The rows of the `.etl` that its text tells, too."""
    rows = profile_rows(profile)
    kept = [row for row in rows if row[2] or row[8]]
    assert len(rows) - FLAG_ONLY == len(kept)
    return kept


def test_the_twin_counts_what_is_expected(twin: Dump, expected: dict[str, Any]) -> None:
    assert twin.sample_count == expected["samples"]
    assert twin.idle_count == expected["idle"] + FLAG_ONLY
    assert len(twin.samples) == expected["work"] - FLAG_ONLY
    assert sum(row.has_stack for row in twin.samples) == expected["work_with_stack"]
    assert sum(len(row.stack) for row in twin.samples if row.has_stack) == expected["frames_total"]
    assert (twin.lost_events, twin.lost_buffers) == (expected["lost_events"], 0)
    assert processes_of(expected) == Counter((row.process, row.pid) for row in twin.samples)


def processes_of(expected: dict[str, Any]) -> Counter[tuple[str, int]]:
    found = Counter({(row["name"], row["pid"]): row["samples"] for row in expected["processes"]})
    found["Idle", 0] -= FLAG_ONLY
    return found


def test_the_twin_finds_the_expected_modules(twin: Dump, expected: dict[str, Any]) -> None:
    stacks = [row.stack for row in twin.samples if row.pid == expected["main_process"]["pid"]]
    exclusive = Counter(stack[0][0] for stack in stacks)
    inclusive = Counter(module for stack in stacks for module in {module for module, _, _ in stack})

    assert lower(expected["main_exclusive_by_module"]) == exclusive
    assert lower(expected["main_inclusive_by_module"]) == inclusive


def lower(modules: dict[str, int]) -> dict[str | None, int]:
    return {None if name == "None" else name.lower(): count for name, count in modules.items()}


def test_the_twin_is_the_etl(twin: Dump, etl: Profile) -> None:
    assert_same_samples(dump_rows(twin), told_by_text(etl))
    assert profile_processes(etl) == dump_processes(twin)


def test_the_dumper_is_the_etl(dumper: Profile, etl: Profile) -> None:
    self_check(dumper)

    assert names(told_by_text(etl)) == names(profile_rows(dumper))
    assert profile_processes(etl) == profile_processes(dumper)
    assert etl.sample_count == dumper.sample_count
    assert etl.idle_count + FLAG_ONLY == dumper.idle_count
    assert (STACKS, etl.interval_ns) == (dumper.detail, dumper.interval_ns)
    assert (etl.lost_events, etl.lost_buffers) == (dumper.lost_events, dumper.lost_buffers)
    # The text tells the length in whole seconds, or by its last row.
    assert 100_000_000 > abs(etl.duration_ns - dumper.duration_ns)


def names(rows: list[Row]) -> list[Row]:
    """Rows without places: the text does not tell where every module was."""
    return [row[:-1] for row in rows]


def test_the_dumper_is_the_twin(dumper: Profile, twin: Dump) -> None:
    assert_agree(twin, dumper)


def test_the_dumper_has_the_weights_of_the_etl(dumper: Profile, etl: Profile) -> None:
    """Inclusive and exclusive weights per process and module, to the sample, but for the flag's one sample."""
    left, right = weights(etl), weights(dumper)
    idle = {key: left.pop(key) for key in list(left) if key[0] == 0}
    also_idle = {key: right.pop(key) for key in list(right) if key[0] == 0}

    assert left == right
    assert FLAG_ONLY == sum(row[0] for row in idle.values()) - sum(row[0] for row in also_idle.values())


def weights(profile: Profile) -> dict[tuple[int, str], tuple[int, int, int, int]]:
    """By (pid, module in lower case): exclusive and inclusive samples and ns."""
    module = profile.functions.module[profile.frames.function[profile.stacks.frame]]
    found = item_weights(profile.stacks, module, sum_samples(profile))
    return {
        (profile.processes[process].pid, profile.modules[item].lower()): (
            int(found.exclusive_samples[row]),
            int(found.inclusive_samples[row]),
            int(found.exclusive_ns[row]),
            int(found.inclusive_ns[row]),
        )
        for row, (process, item) in enumerate(zip(found.process.tolist(), found.item.tolist(), strict=True))
    }


def test_the_dumper_says_what_it_cannot_know(dumper: Profile) -> None:
    assert "no-interval" in caveat_codes(dumper)
    assert {"no-stacks", "no-header", "losses-not-told", "interval-changed", "encoding"}.isdisjoint(
        caveat_codes(dumper)
    )
    assert UNKNOWN_MODULE in dumper.modules


def test_a_difference_would_be_seen(twin: Dump, etl: Profile) -> None:
    """The comparison itself: one address of one stack changed makes it fail."""
    first = twin.samples[0]
    (module, function, address), *rest = first.stack
    moved = replace(first, stack=((module, function, address + 1), *rest))

    with pytest.raises(AssertionError):
        assert_same_samples(dump_rows(replace(twin, samples=[moved, *twin.samples[1:]])), told_by_text(etl))
