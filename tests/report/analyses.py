"""Analyses made by hand: samples of 1 ms by call path and run, and all that is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from perfdb.compare.comparison import Comparison
from perfdb.compare.costs import Item, pivot
from perfdb.compare.hot import Shown, hot_example
from perfdb.compare.page import PageContent, PageExample, PageSide
from perfdb.compare.sampled import SampledTree, sampled_tree
from perfdb.compare.sides import RunFacts
from perfdb.profile.columns import NOT_KNOWN, STACKS
from perfdb.profile.outcome import WantedSymbols
from perfdb.report.of_analysis_facts import Analysis, ExampleAnalysis, Samples
from perfdb.store.model import Run
from perfdb.units import NS_PER_MS

COMMIT = "c0ffee0123" * 4
Paths = Mapping[str, Sequence[int]]
"""Samples of each run by call path: `module!function;module!function`, root first."""

INDEXER: dict[str, Sequence[int]] = {
    "ntdll.dll!<unresolved>;indexer.exe!main": [0],
    "ntdll.dll!<unresolved>;indexer.exe!main;indexer.exe!visit": [30],
    "ntdll.dll!<unresolved>;indexer.exe!main;indexer.exe!visit;kuzu.dll!execute;kuzu.dll!insert": [400],
    "ntdll.dll!<unresolved>;indexer.exe!main;indexer.exe!visit;kuzu.dll!execute;kuzu.dll!append": [270],
    "ntdll.dll!<unresolved>;indexer.exe!main;indexer.exe!visit;ucrtbase.dll!strtod": [300],
}
"""1,000 samples of one run, of which 670 are below `kuzu.dll!execute`."""


def item(text: str) -> Item:
    """`module!function`, or a module alone."""
    module, mark, function = text.partition("!")
    return Item(module, function if mark else None)


def tree(paths: Paths) -> SampledTree:
    """The call tree of these samples, one-sided."""
    nodes: dict[tuple[str, ...], int] = {}
    for path in sorted(paths, key=lambda path: path.count(";")):
        frames = path.split(";")
        for end in range(1, len(frames) + 1):
            nodes.setdefault(tuple(frames[:end]), len(nodes))
    order = sorted(nodes, key=len)
    place = {node: row for row, node in enumerate(order)}
    names = sorted({node[-1] for node in order})
    samples = np.zeros((1, len(order)), np.int64)
    for path, counts in paths.items():
        samples[0, place[tuple(path.split(";"))]] += sum(counts)
    return sampled_tree(
        np.array([place.get(node[:-1], -1) for node in order], np.int64),
        np.array([len(node) for node in order], np.int32),
        np.array([names.index(node[-1]) for node in order], np.int64),
        [item(name) for name in names],
        samples,
        samples * NS_PER_MS,
        [len(next(iter(paths.values())))],
    )


def run(number: int, **changes: Any) -> Run:
    """A run whose id ends in its number."""
    moment = datetime(2026, 1, 1, 12, number, tzinfo=UTC)
    plain = Run(
        run_id=f"0190f5c2-1111-7222-8333-{number:012d}",
        commit_sha=COMMIT,
        committed_at=moment,
        tree_sha=None,
        subject="Index templates",
        example="templates",
        machine="BUILD-07",
        cpu="",
        cores=8,
        build="",
        is_dirty=False,
        recorded_at=moment,
        started_at=moment,
        duration_ns=10**9,
        interval_ns=NS_PER_MS,
        detail=STACKS,
        sample_count=1000,
        idle_count=0,
        lost_events=0,
        lost_buffers=0,
        unresolved_count=0,
        source_format="etl",
        source_name=f"templates_{number}.etl",
        source_sha256=f"{number:064x}",
        process="indexer.exe",
        main_pid=1000,
        main_incarnation=0,
        perfdb_version="0",
        samples=1000,
        cpu_ns=10**9,
        wall_ms=1000.0,
        unresolved_share=0.0,
        hottest_module=None,
        hottest_share=None,
    )
    return replace(plain, **changes)


def analysis(
    paths: Paths = INDEXER,
    *,
    comparison: Comparison | None = None,
    no_baseline: str = "nothing earlier is recorded",
    wanted: Sequence[WantedSymbols] = (),
    has_tree: bool = True,
    has_inclusive: bool = True,
    **of_runs: Any,
) -> ExampleAnalysis:
    """One example with these samples; `of_runs` are fields of all its runs."""
    count = len(next(iter(paths.values())))
    totals = [sum(counts[number] for counts in paths.values()) for number in range(count)]
    runs = [run(number + 1, **{"samples": totals[number], **of_runs}) for number in range(count)]
    facts = tuple(
        RunFacts(
            run_id=each.run_id,
            process=each.process,
            machine=each.machine,
            build=each.build,
            is_dirty=each.is_dirty,
            detail=each.detail,
            interval_ns=each.interval_ns,
            unresolved_share=each.unresolved_share,
            caveats=each.caveats,
        )
        for each in runs
    )
    costs = []
    samples: dict[tuple[str, str | None], Samples] = {}
    for is_function in (False, True):
        owners, items, exclusive, inclusive = [], [], [], []
        for number in range(count):
            own: dict[Item, list[int]] = {}
            for path, counts in paths.items():
                frames = [item(frame if is_function else frame.partition("!")[0]) for frame in path.split(";")]
                own.setdefault(frames[-1], [0, 0])[0] += counts[number]
                for frame in set(frames):
                    own.setdefault(frame, [0, 0])[1] += counts[number]
            for each, (mine, below) in own.items():
                owners.append(runs[number].run_id)
                items.append(each)
                exclusive.append(mine)
                inclusive.append(below)
                known = samples.get(each.key, Samples(0, 0))
                samples[each.key] = Samples(
                    known.exclusive + mine, (known.inclusive or 0) + below if has_inclusive else None
                )
        inclusive_ns = np.array(inclusive) * NS_PER_MS if has_inclusive else np.full(len(inclusive), NOT_KNOWN)
        ids = [each.run_id for each in runs]
        costs.append(pivot(ids, owners, items, np.array(exclusive) * NS_PER_MS, inclusive_ns, exclusive))
    hot = hot_example(runs[0].example, facts, costs[0], costs[1], None)
    page = PageContent(
        "templates",
        (PageExample(runs[0].example, (PageSide(facts, costs[1]),), tree(paths) if has_tree else None),),
        shown=Shown("templates", (), "the main process", (hot,), (), tuple(wanted)),
    )
    return ExampleAnalysis(tuple(runs), page, samples, comparison, "" if comparison else no_baseline)


def whole(*examples: ExampleAnalysis, **changes: Any) -> Analysis:
    """An analysis of these examples."""
    return replace(Analysis("HEAD", (), examples, datetime(2026, 1, 1, 12, 30, tzinfo=UTC)), **changes)
