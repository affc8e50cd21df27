"""Recording a run: one profile, one transaction, in bulk; and giving a recorded run's functions their names.

What is the same in every run (modules, functions, stacks, examples, machines) is added where its id is not there yet;
what is the run's own is added under its run_id. Frames are summed to functions on the way: the prefix tree of a profile
tells apart places in the code, that of the history only functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb
import numpy as np

from perfdb import __version__
from perfdb.profile import identity
from perfdb.profile.columns import Profile
from perfdb.profile.weights import StackWeights, sum_samples
from perfdb.store.atomic import atomic
from perfdb.store.bulk import Columns, clean, ids, insert_new, insert_run, optional, texts, update_run
from perfdb.store.model import NewRun, Revision, SourceRun
from perfdb.store.run_id import uuid7
from perfdb.store.work import Keys, forget_work, unresolved_by_loaded, unresolved_samples, write_names, write_weights


def write_run(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun) -> str:
    """Record a profile and return its run_id: wholly there afterwards, or not at all."""
    run_id = str(uuid7())
    keys = Keys.of(profile)
    weights = sum_samples(profile)
    with atomic(connection):
        _write_revision(connection, run.revision)
        _write_origin(connection, profile, run)
        write_names(connection, profile, keys)
        _write_run_row(connection, profile, run, run_id, unresolved_samples(profile, weights, run.main_process))
        _write_run_details(connection, profile, run, run_id)
        insert_run(connection, "run_module", run_id, _loaded_columns(profile, keys, weights, run.main_process))
        _write_caveats(connection, profile, run_id)
        _write_addresses(connection, run_id, run.addresses)
        _write_symbols(connection, run_id, run.symbols)
        write_weights(connection, profile, run_id, keys, weights)
    return run_id


def rename_run(
    connection: duckdb.DuckDBPyConnection,
    run_id: str,
    profile: Profile,
    main_process: int,
    *,
    addresses: bytes | None = None,
    symbols: Mapping[str, bytes] | None = None,
) -> None:
    """Write a run's work anew after its addresses got other names: wholly, or not at all.

    Its id, commit, tags and measurements stay. `profile` is of the same trace, and may lack modules in which no frame
    lies; `addresses` and `symbols` are kept as in `NewRun` where they are not None.
    """
    keys = Keys.of(profile)
    weights = sum_samples(profile)
    with atomic(connection):
        forget_work(connection, run_id)
        connection.execute("delete from run_caveat where run_id = $run_id::uuid", {"run_id": run_id})
        write_names(connection, profile, keys)
        _write_caveats(connection, profile, run_id)
        if addresses is not None:
            connection.execute("delete from run_profile where run_id = $run_id::uuid", {"run_id": run_id})
            _write_addresses(connection, run_id, addresses)
        if symbols is not None:
            connection.execute("delete from run_symbols where run_id = $run_id::uuid", {"run_id": run_id})
            _write_symbols(connection, run_id, symbols)
        write_weights(connection, profile, run_id, keys, weights)
        loaded = _loaded_columns(profile, keys, weights, main_process)
        update_run(connection, "run_module", run_id, ("module_id", "path", "debug_id", "pdb_name"), loaded)
        connection.execute(
            "update run set unresolved_count = $count where run_id = $run_id::uuid",
            {"count": unresolved_samples(profile, weights, main_process), "run_id": run_id},
        )


def find_duplicate(connection: duckdb.DuckDBPyConnection, sha256: str, commit_sha: str, example: str) -> str | None:
    """The newest run that was recorded from this trace for this commit and example; None where there is none."""
    same = [row for row in runs_of_source(connection, sha256) if (row.commit_sha, row.example) == (commit_sha, example)]
    return same[0].run_id if same else None


def runs_of_source(connection: duckdb.DuckDBPyConnection, sha256: str) -> list[SourceRun]:
    """The runs that were recorded from a trace, whatever their commit and example, newest first."""
    rows = connection.execute(
        "select run_id::varchar, commit_sha, example.name from run join example using (example_id) "
        "where source_sha256 = $sha256 order by run_id desc",
        {"sha256": sha256},
    ).fetchall()
    return [SourceRun(*row) for row in rows]


def _write_revision(connection: duckdb.DuckDBPyConnection, revision: Revision) -> None:
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


def _write_origin(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun) -> None:
    """Add the example and the machine where no run had them before."""
    example = {"example_id": ids(_example_id(run)), "name": texts([run.example])}
    insert_new(connection, "example", ("example_id",), example)
    machine = profile.machine
    insert_new(
        connection,
        "machine",
        ("machine_id",),
        {
            "machine_id": ids(_machine_id(profile)),
            "hostname": texts([machine.hostname]),
            "os": texts([machine.os]),
            "cpu": texts([machine.cpu]),
            "cores": np.array([machine.cores], np.int32),
        },
    )


def _write_run_row(
    connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun, run_id: str, unresolved: int
) -> None:
    main = profile.processes[run.main_process]
    values = {
        "run_id": run_id,
        "commit_sha": run.revision.commit_sha,
        "example_id": _example_id(run),
        "machine_id": _machine_id(profile),
        "build": clean(run.build),
        "is_dirty": run.is_dirty,
        "recorded_at": _utc(run.recorded_at),
        "started_at": _utc(profile.started_at),
        "duration_ns": profile.duration_ns,
        "interval_ns": profile.interval_ns,
        "detail": profile.detail,
        "sample_count": profile.sample_count,
        "idle_count": profile.idle_count,
        "lost_events": profile.lost_events,
        "lost_buffers": profile.lost_buffers,
        "unresolved_count": unresolved,
        "source_format": profile.source.format,
        "source_name": clean(profile.source.name),
        "source_sha256": profile.source.sha256,
        "main_pid": main.pid,
        "main_incarnation": main.incarnation,
        "perfdb_version": __version__,
    }
    names = ", ".join(values)
    places = ", ".join(f"${name}" for name in values)
    connection.execute(f"insert into run ({names}) values ({places})", values)


def _write_run_details(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun, run_id: str) -> None:
    """The processes, tags and measurements of the run."""
    processes = profile.processes
    process: Columns = {
        "pid": np.array([each.pid for each in processes], np.int64),
        "incarnation": np.array([each.incarnation for each in processes], np.int32),
        "name": texts([each.name for each in processes]),
        "command_line": texts([each.command_line for each in processes]),
        "parent_pid": optional([each.parent_pid for each in processes]),
        "started_ns": optional([each.start_ns for each in processes]),
        "ended_ns": optional([each.end_ns for each in processes]),
        "samples": optional([each.samples for each in processes]),
    }
    nullable = ("parent_pid", "started_ns", "ended_ns", "samples")
    insert_run(connection, "process", run_id, process, nullable)
    tags = {"key": texts(list(run.tags.keys())), "value": texts(list(run.tags.values()))}
    insert_run(connection, "run_tag", run_id, tags)
    measurements = {
        "metric": texts([each.metric for each in run.measurements]),
        "unit": texts([each.unit for each in run.measurements]),
        "value": np.array([each.value for each in run.measurements], np.float64),
    }
    insert_run(connection, "measurement", run_id, measurements)


def _loaded_columns(profile: Profile, keys: Keys, weights: StackWeights, main_process: int) -> Columns:
    unresolved = unresolved_by_loaded(profile, weights, main_process)
    return {
        "module_id": keys.module[[each.module for each in profile.loaded]] if profile.loaded else ids(),
        "path": texts([each.path for each in profile.loaded]),
        "debug_id": texts([each.debug_id for each in profile.loaded]),
        "pdb_name": texts([each.pdb_name for each in profile.loaded]),
        "symbols": texts([each.symbols for each in profile.loaded]),
        "unresolved_exclusive_samples": unresolved[0],
        "unresolved_inclusive_samples": unresolved[1],
    }


def _write_caveats(connection: duckdb.DuckDBPyConnection, profile: Profile, run_id: str) -> None:
    caveats = {
        "position": np.arange(len(profile.caveats), dtype=np.int32),
        "code": texts([each.code for each in profile.caveats]),
        "text": texts([each.text for each in profile.caveats]),
    }
    insert_run(connection, "run_caveat", run_id, caveats)


def _write_addresses(connection: duckdb.DuckDBPyConnection, run_id: str, addresses: bytes | None) -> None:
    if addresses is not None:
        values = {"run_id": run_id, "content": addresses}
        connection.execute("insert into run_profile values ($run_id::uuid, $content)", values)


def _write_symbols(connection: duckdb.DuckDBPyConnection, run_id: str, symbols: Mapping[str, bytes]) -> None:
    for debug_id, content in symbols.items():
        values = {"run_id": run_id, "debug_id": debug_id, "content": content}
        connection.execute("insert into run_symbols values ($run_id::uuid, $debug_id, $content)", values)


def _example_id(run: NewRun) -> int:
    return identity.example_id(run.example)


def _machine_id(profile: Profile) -> int:
    machine = profile.machine
    return identity.machine_id(machine.hostname, machine.os, machine.cpu, machine.cores)


def _utc(moment: datetime | None) -> datetime | None:
    """A moment as the tables keep it: in UTC, without saying so."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
