"""The rows that a run has besides its work: its commit, example, machine and processes, tags, measurements, caveats.

Those of several runs are written together: a statement takes DuckDB about as long for one row as for thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import duckdb
import numpy as np
import numpy.typing as npt

from perfdb import __version__
from perfdb.profile import identity
from perfdb.profile.columns import I64, Caveat, Profile
from perfdb.store.bulk import Columns, clean, insert_new, insert_runs, optional, texts
from perfdb.store.model import NewRun, Revision

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Told:
    """A run that is being written."""

    run_id: str
    profile: Profile
    run: NewRun


def write_revision(connection: duckdb.DuckDBPyConnection, revision: Revision) -> None:
    """Add the commit, or fill in what an earlier run did not know of it."""
    values = {
        "sha": revision.commit_sha,
        "at": _utc(revision.committed_at),
        "tree": revision.tree_sha,
        "parents": None if revision.parent_shas is None else list(revision.parent_shas),
        "subject": None if revision.subject is None else clean(revision.subject),
    }
    known = connection.execute("select 1 from revision where commit_sha = $sha", {"sha": values["sha"]}).fetchall()
    if not known:
        connection.execute("insert into revision values ($sha, $at, $tree, $parents, $subject)", values)
        return
    connection.execute(
        "update revision set committed_at = coalesce(committed_at, $at::timestamp), "
        "tree_sha = coalesce(tree_sha, $tree::varchar), parent_shas = coalesce(parent_shas, $parents::varchar[]), "
        "subject = coalesce(subject, $subject::varchar) "
        "where commit_sha = $sha "
        "and (committed_at is null or tree_sha is null or parent_shas is null or subject is null)",
        values,
    )


def write_origins(connection: duckdb.DuckDBPyConnection, told: Sequence[Told]) -> None:
    """Add the examples and the machines that no run had before."""
    examples = {_example_id(each.run): each.run.example for each in told}
    columns: Columns = {"example_id": np.array([*examples], np.uint64), "name": texts([*examples.values()])}
    insert_new(connection, "example", ("example_id",), columns)
    machines = {_machine_id(each.profile): each.profile.machine for each in told}
    columns = {
        "machine_id": np.array([*machines], np.uint64),
        "hostname": texts([each.hostname for each in machines.values()]),
        "os": texts([each.os for each in machines.values()]),
        "cpu": texts([each.cpu for each in machines.values()]),
        "cores": np.array([each.cores for each in machines.values()], np.int32),
    }
    insert_new(connection, "machine", ("machine_id",), columns)


def write_run_rows(
    connection: duckdb.DuckDBPyConnection, told: Sequence[Told], unresolved: Sequence[int] | None = None
) -> None:
    """Add the runs themselves; of each, `unresolved` samples of the main process have a leaf without a symbol."""
    profiles, runs = [each.profile for each in told], [each.run for each in told]
    main = [each.profile.processes[each.run.main_process] for each in told]
    columns: Columns = {
        "run_id": texts([each.run_id for each in told]),
        "commit_sha": texts([each.revision.commit_sha for each in runs]),
        "example_id": np.array([_example_id(each) for each in runs], np.uint64),
        "machine_id": np.array([_machine_id(each) for each in profiles], np.uint64),
        "build": texts([each.build for each in runs]),
        "is_dirty": np.array([each.is_dirty for each in runs], np.bool_),
        "recorded_at": _moments([each.recorded_at for each in runs]),
        "started_at": _moments([each.started_at for each in profiles]),
        "duration_ns": _counts([each.duration_ns for each in profiles]),
        "interval_ns": _counts([each.interval_ns for each in profiles]),
        "detail": texts([each.detail for each in profiles]),
        "sample_count": _counts([each.sample_count for each in profiles]),
        "idle_count": _counts([each.idle_count for each in profiles]),
        "lost_events": _counts([each.lost_events for each in profiles]),
        "lost_buffers": _counts([each.lost_buffers for each in profiles]),
        "unresolved_count": _counts(unresolved or [0] * len(told)),
        "source_format": texts([each.source.format for each in profiles]),
        "source_name": texts([each.source.name for each in profiles]),
        "source_sha256": texts([each.source.sha256 for each in profiles]),
        "main_pid": _counts([each.pid for each in main]),
        "main_incarnation": _counts([each.incarnation for each in main]),
        "perfdb_version": texts([__version__] * len(told)),
    }
    insert_runs(connection, "run", columns)


def write_details(connection: duckdb.DuckDBPyConnection, told: Sequence[Told]) -> None:
    """Add the processes, tags and measurements of the runs."""
    run_id, processes = _rows(told, lambda each: each.profile.processes)
    process: Columns = {
        "run_id": run_id,
        "pid": np.array([each.pid for each in processes], np.int64),
        "incarnation": np.array([each.incarnation for each in processes], np.int32),
        "name": texts([each.name for each in processes]),
        "command_line": texts([each.command_line for each in processes]),
        "parent_pid": optional([each.parent_pid for each in processes]),
        "started_ns": optional([each.start_ns for each in processes]),
        "ended_ns": optional([each.end_ns for each in processes]),
        "samples": optional([each.samples for each in processes]),
    }
    insert_runs(connection, "process", process, ("parent_pid", "started_ns", "ended_ns", "samples"))
    run_id, tags = _rows(told, lambda each: tuple(each.run.tags.items()))
    tag: Columns = {
        "run_id": run_id,
        "key": texts([key for key, _ in tags]),
        "value": texts([value for _, value in tags]),
    }
    insert_runs(connection, "run_tag", tag)
    run_id, measurements = _rows(told, lambda each: each.run.measurements)
    measurement: Columns = {
        "run_id": run_id,
        "metric": texts([each.metric for each in measurements]),
        "unit": texts([each.unit for each in measurements]),
        "value": np.array([each.value for each in measurements], np.float64),
        "repetition": np.array([each.repetition for each in measurements], np.int32),
    }
    insert_runs(connection, "measurement", measurement)


def write_caveats(connection: duckdb.DuckDBPyConnection, told: Sequence[tuple[str, tuple[Caveat, ...]]]) -> None:
    """Add the caveats of runs, by run_id, in their order."""
    caveats = [(run_id, at, caveat) for run_id, own in told for at, caveat in enumerate(own)]
    columns: Columns = {
        "run_id": texts([run_id for run_id, _, _ in caveats]),
        "position": np.array([at for _, at, _ in caveats], np.int32),
        "code": texts([caveat.code for _, _, caveat in caveats]),
        "text": texts([caveat.text for _, _, caveat in caveats]),
    }
    insert_runs(connection, "run_caveat", columns)


def _rows(told: Sequence[Told], of: Callable[[Told], Sequence[Row]]) -> tuple[npt.NDArray[np.object_], list[Row]]:
    """The rows of all runs, and the run of each."""
    run_ids = [each.run_id for each in told for _ in of(each)]
    return texts(run_ids), [row for each in told for row in of(each)]


def _example_id(run: NewRun) -> int:
    return identity.example_id(run.example)


def _machine_id(profile: Profile) -> int:
    machine = profile.machine
    return identity.machine_id(machine.hostname, machine.os, machine.cpu, machine.cores)


def _counts(values: Sequence[int]) -> I64:
    return np.array(values, np.int64)


def _moments(values: Sequence[datetime | None]) -> npt.NDArray[np.datetime64]:
    """Moments as the tables keep them; None becomes null."""
    return np.array([_utc(each) for each in values], "datetime64[us]")


def _utc(moment: datetime | None) -> datetime | None:
    """A moment as the tables keep it: in UTC, without saying so."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
