"""Recording a run: one profile, one transaction, in bulk; and giving a recorded run's functions their names.

What is the same in every run (modules, functions, stacks, examples, machines) is added where its id is not there yet;
what is the run's own is added under its run_id. Frames are summed to functions on the way: the prefix tree of a profile
tells apart places in the code, that of the history only functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from perfdb.profile.columns import Profile
from perfdb.profile.weights import StackWeights, sum_samples
from perfdb.store.atomic import atomic
from perfdb.store.bulk import Columns, ids, insert_run, texts, update_run
from perfdb.store.model import NewRun, SourceRun
from perfdb.store.run_id import uuid7
from perfdb.store.run_rows import Told, write_caveats, write_details, write_origins, write_revision, write_run_rows
from perfdb.store.work import Keys, forget_work, unresolved_by_loaded, unresolved_samples, write_names, write_weights


def write_run(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun) -> str:
    """Record a profile and return its run_id: wholly there afterwards, or not at all."""
    run_id = str(uuid7())
    told = Told(run_id, profile, run)
    keys = Keys.of(profile)
    weights = sum_samples(profile)
    with atomic(connection):
        write_revision(connection, run.revision)
        write_origins(connection, [told])
        write_names(connection, profile, keys)
        write_run_rows(connection, [told], [unresolved_samples(profile, weights, run.main_process)])
        write_details(connection, [told])
        insert_run(connection, "run_module", run_id, _loaded_columns(profile, keys, weights, run.main_process))
        write_caveats(connection, [(run_id, profile.caveats)])
        _write_addresses(connection, run_id, run.addresses)
        _write_symbols(connection, run_id, run.symbols)
        write_weights(connection, profile, run_id, keys, weights)
    return run_id


def write_measured(connection: duckdb.DuckDBPyConnection, runs: Sequence[tuple[Profile, NewRun]]) -> list[str]:
    """Record runs without work, of detail `measured`, and return their run_ids: all are there afterwards, or none.

    They are written together, for a file of benchmark results may have hundreds.
    """
    told = [Told(str(uuid7()), profile, run) for profile, run in runs]
    with atomic(connection):
        for revision in {run.revision.commit_sha: run.revision for _, run in runs}.values():
            write_revision(connection, revision)
        write_origins(connection, told)
        write_run_rows(connection, told)
        write_details(connection, told)
        write_caveats(connection, [(each.run_id, each.profile.caveats) for each in told])
    return [each.run_id for each in told]


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
        write_caveats(connection, [(run_id, profile.caveats)])
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


def _write_addresses(connection: duckdb.DuckDBPyConnection, run_id: str, addresses: bytes | None) -> None:
    if addresses is not None:
        values = {"run_id": run_id, "content": addresses}
        connection.execute("insert into run_profile values ($run_id::uuid, $content)", values)


def _write_symbols(connection: duckdb.DuckDBPyConnection, run_id: str, symbols: Mapping[str, bytes]) -> None:
    for debug_id, content in symbols.items():
        values = {"run_id": run_id, "debug_id": debug_id, "content": content}
        connection.execute("insert into run_symbols values ($run_id::uuid, $debug_id, $content)", values)
