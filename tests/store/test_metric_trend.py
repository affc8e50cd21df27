"""The named query on how a metric moved from commit to commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perfdb import store
from tests.measured import MEMORY, WALL, write_benchmark
from tests.store.test_queries import ask

OLDER, NEWER = "1" * 40, "2" * 40


@pytest.fixture
def opened(path: Path) -> Iterator[store.Connection]:
    """Two runs of each of two commits of BM_x, and one of BM_y."""
    recorded = [(OLDER, [1.0, 2.0, 9.0]), (OLDER, [4.0]), (NEWER, [6.0]), (NEWER, [9.0])]
    with store.opened_for_write(path) as connection:
        for at, (commit, values) in enumerate(recorded):
            write_benchmark(connection, commit, "BM_x", {WALL: values, MEMORY: [100.0]}, at=at)
        write_benchmark(connection, NEWER, "BM_y", {WALL: [0.0]}, at=9, build="Debug")
    with store.opened_sandboxed(path) as connection:
        yield connection


def test_a_run_counts_with_the_median_of_its_repetitions(opened: store.Connection) -> None:
    assert [
        ("BM_x", "wall_time", 3.0, "ms", None, 2, 4, pytest.approx(2**0.5), 1.0, 9.0, OLDER),
        ("BM_x", "wall_time", 7.5, "ms", 1.5, 2, 2, pytest.approx(1.5 * 2**0.5), 6.0, 9.0, NEWER),
        ("BM_y", "wall_time", 0.0, "ms", None, 1, 1, None, 0.0, 0.0, NEWER),
    ] == [(*row[:2], *row[3:12]) for row in ask(opened, "metric_trend")]


def test_a_limit_leaves_the_latest_commits_with_their_change(opened: store.Connection) -> None:
    (latest,) = ask(opened, "metric_trend", example="BM_x", limit="1")

    assert (NEWER, 1.5) == (latest[11], latest[5])


def test_metrics_examples_and_build_kinds_are_chosen(opened: store.Connection) -> None:
    assert ["BM_y"] == [row[0] for row in ask(opened, "metric_trend", build="Debug")]
    assert [None, 0.0] == [row[5] for row in ask(opened, "metric_trend", metric="peak_memory")]
    assert [] == ask(opened, "metric_trend", metric="absent")
