"""What the tests of the store share: an empty place for a history, and one with a few runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perfdb import store
from perfdb.profile import Caveat
from tests.store.profiles import INDEXER, indexer, new_run, profile

OLD, NEW = "a" * 40, "b" * 40
COMMITTED_AT = datetime(2024, 2, 1, 10, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a history may be made."""
    return tmp_path / "history" / "perfdb.duckdb"


@pytest.fixture
def connection(path: Path) -> Iterator[store.Connection]:
    """An empty history, open for writing."""
    with store.opened_for_write(path) as opened:
        yield opened


def small_history(path: Path) -> list[str]:
    """Two commits of two examples, two runs of the newer commit's `simple`; the run ids in the order of recording.

    From OLD to NEW, `simple` gains a function, kuzu.dll!bulk, and loses a millisecond of kuzu.dll!insert a run.
    """
    grown = (*INDEXER[1:], (INDEXER[0][0], 5), ("ntdll.dll!start;app.exe!main;kuzu.dll!bulk", 4))
    other = {"app.exe": (("ntdll.dll!start;app.exe!main", 7),)}
    lossy = Caveat("lost-events", "3 events were lost")
    recorded = [
        (OLD, "simple", indexer("old-simple.etl")),
        (OLD, "templates", profile(other, source="old-templates.etl")),
        (NEW, "simple", profile({"app.exe": grown}, source="new-1.etl", lost_events=3, caveats=(lossy,))),
        (NEW, "simple", profile({"app.exe": (*grown, *grown)}, source="new-2.etl")),
        (NEW, "templates", profile(other, source="new-templates.etl")),
    ]
    with store.opened_for_write(path) as opened:
        return [
            store.write_run(
                opened,
                read,
                new_run(
                    example=example,
                    recorded_at=COMMITTED_AT + timedelta(days=1, minutes=minute),
                    build="Release",
                    revision=store.Revision(
                        commit,
                        COMMITTED_AT + timedelta(hours=commit == NEW),
                        f"tree-{commit[0]}",
                        (),
                        f"Commit {commit[0]}",
                    ),
                ),
            )
            for minute, (commit, example, read) in enumerate(recorded)
        ]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of `small_history`, to copy."""
    path = tmp_path_factory.mktemp("template") / "perfdb.duckdb"
    small_history(path)
    return path


@pytest.fixture
def history(path: Path, template: Path) -> Path:
    """The file of `small_history`, to do with as one likes."""
    path.parent.mkdir()
    shutil.copyfile(template, path)
    return path
