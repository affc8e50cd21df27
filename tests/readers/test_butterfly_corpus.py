"""The butterfly report of the corpus against the trace that it was rendered from."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from perfdb.profile import UNKNOWN_MODULE, UNRESOLVED, Profile
from perfdb.profile.bare import bare
from perfdb.readers import READERS, open_trace
from perfdb.readers.butterfly import BUTTERFLY
from tests.readers.butterflies import calls, caveat, functions, modules
from tests.readers.reading import caveat_codes


@pytest.fixture(scope="module")
def report(corpus: Path) -> Profile:
    with open_trace(corpus / "dotnet-gc-x64.butterfly.html", [BUTTERFLY]) as trace:
        return trace.read()


Place = tuple[str, int]
"""A code address of the trace: its module, and its RVA there."""


@pytest.fixture(scope="module")
def trace_stacks(corpus: Path) -> list[tuple[str, list[Place], int]]:
    """Process, stack, and number of samples with a stack, from the trace that the report was rendered from."""
    with open_trace(corpus / "dotnet-gc-x64.etl.zip", READERS) as trace:
        # The report was rendered without the names of managed code.
        profile = bare(trace.read())
    stacks, frames = profile.stacks, profile.frames
    module_of = profile.functions.module[frames.function]
    place_of = [(profile.modules[module], int(rva)) for module, rva in zip(module_of, frames.rva, strict=True)]
    counted: Counter[tuple[int, int]] = Counter()
    samples = profile.samples
    for process, stack, count, has_stack in zip(
        samples.process.tolist(),
        samples.stack.tolist(),
        samples.count.tolist(),
        samples.has_stack.tolist(),
        strict=True,
    ):
        counted[process, stack] += count * has_stack
    found = []
    for (process, stack), count in counted.items():
        path: list[Place] = []
        row = stack
        while row >= 0:
            module, rva = place_of[stacks.frame[row]]
            # The report goes by return addresses, and has one function for all that lies in no module.
            path.append((module, 0 if module == UNKNOWN_MODULE else rva + (row != stack)))
            row = int(stacks.parent[row])
        if count:
            found.append((profile.processes[process].name, path[::-1], count))
    return found


def test_the_corpus_report_has_the_samples_of_the_trace_that_have_stacks(
    report: Profile, trace_stacks: list[tuple[str, list[Place], int]]
) -> None:
    expected: Counter[str] = Counter()
    for process, _, count in trace_stacks:
        expected[process] += count
    found: Counter[str] = Counter()
    for each in report.processes[:-1]:
        found[each.name] += each.samples or 0

    assert 6318 == report.sample_count == sum(expected.values())
    assert expected == found
    assert "Test.x64.exe 81%" in caveat(report, "pooled")
    assert "under 10 hits" in caveat(report, "trimmed")
    assert {"pooled", "trimmed", "no-interval", "losses-not-told"} == caveat_codes(report)


def test_the_corpus_report_has_the_modules_of_the_trace(
    report: Profile, trace_stacks: list[tuple[str, list[Place], int]]
) -> None:
    expected: dict[str, list[int]] = {}
    for _, path, count in trace_stacks:
        for module in {module for module, _ in path}:
            expected.setdefault(module, [0, 0])[1] += count
        expected[path[-1][0]][0] += count

    assert {module: tuple(pair) for module, pair in expected.items()} == modules(report)
    # Nothing in it has a symbol: each module is its one nameless function, or was trimmed.
    assert functions(report).items() <= {f"{name}!{UNRESOLVED}": pair for name, pair in modules(report).items()}.items()


def test_the_corpus_report_has_the_calls_of_the_trace_but_those_among_trimmed_functions(
    report: Profile, trace_stacks: list[tuple[str, list[Place], int]]
) -> None:
    multiple: Counter[Place] = Counter()
    called: Counter[tuple[Place, Place]] = Counter()
    for _, path, count in trace_stacks:
        for place in path:
            multiple[place] += count
        for places in pairwise(path):
            called[places] += count
    everything: Counter[tuple[str, str]] = Counter()
    listed: Counter[tuple[str, str]] = Counter()
    for (caller, callee), count in called.items():
        pair = (f"{caller[0]}!{UNRESOLVED}", f"{callee[0]}!{UNRESOLVED}")
        everything[pair] += count
        if multiple[caller] >= 10 or multiple[callee] >= 10:
            listed[pair] += count

    assert listed == calls(report)
    assert listed != everything
    assert all(everything[pair] >= count for pair, count in calls(report).items())
