"""Recording a run: one profile, one transaction, in bulk.

What is the same in every run (modules, functions, stacks, examples, machines) is added where its id is not there yet;
what is the run's own is added under its run_id. Frames are summed to functions on the way: the prefix tree of a profile
tells apart places in the code, that of the history only functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from perfdb import __version__
from perfdb.profile import identity
from perfdb.profile.columns import I32, I64, NOT_KNOWN, U64, UNRESOLVED, ItemWeights, Profile, Sums
from perfdb.profile.grouping import distinct
from perfdb.profile.weights import StackWeights, item_weights, sum_samples
from perfdb.store.atomic import atomic
from perfdb.store.model import NewRun, Revision, SourceRun
from perfdb.store.run_id import uuid7

Columns = Mapping[str, npt.NDArray[Any]]

_INCOMING, _NUMBERS, _ROW, _TEXT = "perfdb_incoming", "perfdb_numbers", "perfdb_row", "text_of_"
"""The names under which a bulk load stands while it is copied."""

_ABSENT = -(1 << 62)
"""A number that no pid and no time is."""

_INCLUSIVE = ("inclusive_samples", "inclusive_ns")
"""The weights that not every source tells."""

_SEPARATOR = "\x1e"
"""ASCII's record separator, which stands in no name: `_clean` sees to that."""


def write_run(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun) -> str:
    """Record a profile and return its run_id: wholly there afterwards, or not at all."""
    run_id = str(uuid7())
    keys = _Keys.of(profile)
    weights = sum_samples(profile)
    with atomic(connection):
        _write_revision(connection, run.revision)
        _write_names(connection, profile, run, keys)
        _write_run_row(connection, profile, run, run_id, _unresolved(profile, weights, run.main_process))
        _write_run_details(connection, profile, run, run_id, keys)
        _write_weights(connection, profile, run_id, keys, weights)
    return run_id


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


@dataclass(frozen=True, slots=True)
class _Keys:
    """The ids of a profile's tables, row by row; `stack_*_row` are rows of the distinct ids `functions`, `modules`."""

    module: U64
    function: U64
    stack: U64
    stack_function: U64
    stack_function_row: I32
    stack_module_row: I32
    functions: U64
    modules: U64

    @classmethod
    def of(cls, profile: Profile) -> _Keys:
        module = identity.module_ids(profile.modules)
        function = identity.function_ids(profile.modules, profile.functions)
        function_of_stack = profile.frames.function[profile.stacks.frame]
        stack_function = function[function_of_stack]
        # Rows of a profile may share an id (`NTDLL.dll` and `ntdll.dll`), and must then count as one.
        functions, function_row = np.unique(stack_function, return_inverse=True)
        modules, module_row = np.unique(module[profile.functions.module[function_of_stack]], return_inverse=True)
        return cls(
            module=module,
            function=function,
            stack=identity.stack_ids(profile.stacks.parent, profile.stacks.depth, stack_function),
            stack_function=stack_function,
            stack_function_row=function_row.astype(np.int32),
            stack_module_row=module_row.astype(np.int32),
            functions=functions,
            modules=modules,
        )


def _write_revision(connection: duckdb.DuckDBPyConnection, revision: Revision) -> None:
    """Add the commit, or fill in what an earlier run did not know of it."""
    values = {
        "sha": revision.commit_sha,
        "at": _utc(revision.committed_at),
        "tree": revision.tree_sha,
        "parents": None if revision.parent_shas is None else list(revision.parent_shas),
        "subject": None if revision.subject is None else _clean(revision.subject),
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


def _write_names(connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun, keys: _Keys) -> None:
    """Add the example, the machine, the modules, functions and stacks that no run had before."""
    example = {"example_id": _ids(_example_id(run)), "name": _texts([run.example])}
    _insert_new(connection, "example", "example_id", example)
    machine = profile.machine
    _insert_new(
        connection,
        "machine",
        "machine_id",
        {
            "machine_id": _ids(_machine_id(profile)),
            "hostname": _texts([machine.hostname]),
            "os": _texts([machine.os]),
            "cpu": _texts([machine.cpu]),
            "cores": np.array([machine.cores], np.int32),
        },
    )
    module = np.unique(keys.module, return_index=True)[1]
    names = _texts(profile.modules)
    _insert_new(connection, "module", "module_id", {"module_id": keys.module[module], "name": names[module]})
    function = np.unique(keys.function, return_index=True)[1]
    functions = {
        "function_id": keys.function[function],
        "module_id": keys.module[profile.functions.module[function]],
        "name": _texts(profile.functions.name)[function],
    }
    _insert_new(connection, "function", "function_id", functions)
    stack = np.unique(keys.stack, return_index=True)[1]
    parent = profile.stacks.parent[stack]
    stacks = {
        "stack_id": keys.stack[stack],
        "parent_stack_id": np.where(parent >= 0, keys.stack[parent], np.uint64(0)),
        "function_id": keys.stack_function[stack],
        "depth": profile.stacks.depth[stack],
    }
    _insert_new(
        connection, "stack", "stack_id", stacks, "* replace (if(depth = 1, null, parent_stack_id) as parent_stack_id)"
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
        "build": _clean(run.build),
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
        "source_name": _clean(profile.source.name),
        "source_sha256": profile.source.sha256,
        "main_pid": main.pid,
        "main_incarnation": main.incarnation,
        "perfdb_version": __version__,
    }
    names = ", ".join(values)
    places = ", ".join(f"${name}" for name in values)
    connection.execute(f"insert into run ({names}) values ({places})", values)


def _write_run_details(
    connection: duckdb.DuckDBPyConnection, profile: Profile, run: NewRun, run_id: str, keys: _Keys
) -> None:
    """The processes, loaded modules, caveats, tags and measurements of the run."""
    processes = profile.processes
    process: Columns = {
        "pid": np.array([each.pid for each in processes], np.int64),
        "incarnation": np.array([each.incarnation for each in processes], np.int32),
        "name": _texts([each.name for each in processes]),
        "command_line": _texts([each.command_line for each in processes]),
        "parent_pid": _optional([each.parent_pid for each in processes]),
        "started_ns": _optional([each.start_ns for each in processes]),
        "ended_ns": _optional([each.end_ns for each in processes]),
        "samples": _optional([each.samples for each in processes]),
    }
    optional = ("parent_pid", "started_ns", "ended_ns", "samples")
    _insert_run(connection, "process", run_id, process, optional)
    loaded: Columns = {
        "module_id": keys.module[[each.module for each in profile.loaded]] if profile.loaded else _ids(),
        "path": _texts([each.path for each in profile.loaded]),
        "debug_id": _texts([each.debug_id for each in profile.loaded]),
        "pdb_name": _texts([each.pdb_name for each in profile.loaded]),
    }
    _insert_run(connection, "run_module", run_id, loaded)
    caveats = {
        "position": np.arange(len(profile.caveats), dtype=np.int32),
        "code": _texts([each.code for each in profile.caveats]),
        "text": _texts([each.text for each in profile.caveats]),
    }
    _insert_run(connection, "run_caveat", run_id, caveats)
    tags = {"key": _texts(list(run.tags.keys())), "value": _texts(list(run.tags.values()))}
    _insert_run(connection, "run_tag", run_id, tags)
    measurements = {
        "metric": _texts([each.metric for each in run.measurements]),
        "unit": _texts([each.unit for each in run.measurements]),
        "value": np.array([each.value for each in run.measurements], np.float64),
    }
    _insert_run(connection, "measurement", run_id, measurements)


def _write_weights(
    connection: duckdb.DuckDBPyConnection, profile: Profile, run_id: str, keys: _Keys, weights: StackWeights
) -> None:
    """The samples, summed by function-level stack, and what they come to by function and by module."""
    if profile.sums:
        _write_sums(connection, profile, profile.sums, run_id, keys)
        return
    stacks, stack = np.unique(keys.stack, return_inverse=True)
    stack = stack[weights.stack].astype(np.int64)
    row, group = distinct(weights.process, weights.tid, stack)
    sample = _process_columns(profile, weights.process[row]) | {
        "tid": weights.tid[row],
        "stack_id": stacks[stack[row]],
        "samples": _sum(group, weights.samples, len(row)),
        "weight_ns": _sum(group, weights.weight_ns, len(row)),
    }
    _insert_run(connection, "sample", run_id, sample)
    by_function = item_weights(profile.stacks, keys.stack_function_row, weights)
    function = _process_columns(profile, by_function.process) | {"function_id": keys.functions[by_function.item]}
    _insert_run(connection, "function_weight", run_id, function | _weight_columns(by_function), _INCLUSIVE)
    by_module = item_weights(profile.stacks, keys.stack_module_row, weights)
    module = _process_columns(profile, by_module.process) | {"module_id": keys.modules[by_module.item]}
    _insert_run(connection, "module_weight", run_id, module | _weight_columns(by_module), _INCLUSIVE)


def _write_sums(connection: duckdb.DuckDBPyConnection, profile: Profile, sums: Sums, run_id: str, keys: _Keys) -> None:
    """The weights of functions and modules, and the calls, of a source that tells no samples."""
    for table, key, ids, weights in (
        ("function_weight", "function_id", keys.function, sums.functions),
        ("module_weight", "module_id", keys.module, sums.modules),
    ):
        columns = _process_columns(profile, weights.process) | {key: ids[weights.item]} | _weight_columns(weights)
        _insert_run(connection, table, run_id, columns, _INCLUSIVE)
    calls = _process_columns(profile, sums.calls.process) | {
        "caller_id": keys.function[sums.calls.caller],
        "callee_id": keys.function[sums.calls.callee],
        "samples": sums.calls.samples,
        "weight_ns": sums.calls.weight_ns,
    }
    _insert_run(connection, "call", run_id, calls)


def _unresolved(profile: Profile, weights: StackWeights, main: int) -> int:
    """How many samples of the main process have a leaf without a symbol."""
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    if profile.sums:
        told = profile.sums.functions
        return int(told.exclusive_samples[(told.process == main) & nameless[told.item]].sum())
    mine = weights.process == main
    leaf = profile.frames.function[profile.stacks.frame[weights.stack[mine]]]
    return int(weights.samples[mine][nameless[leaf]].sum())


def _process_columns(profile: Profile, process: I32) -> dict[str, npt.NDArray[Any]]:
    pid = np.array([each.pid for each in profile.processes], np.int64)
    incarnation = np.array([each.incarnation for each in profile.processes], np.int32)
    return {"pid": pid[process], "incarnation": incarnation[process]}


def _weight_columns(weights: ItemWeights) -> dict[str, npt.NDArray[Any]]:
    return {
        "exclusive_samples": weights.exclusive_samples,
        "inclusive_samples": _or_absent(weights.inclusive_samples),
        "exclusive_ns": weights.exclusive_ns,
        "inclusive_ns": _or_absent(weights.inclusive_ns),
    }


def _or_absent(values: I64) -> I64:
    return np.where(values == NOT_KNOWN, _ABSENT, values)


def _insert_new(
    connection: duckdb.DuckDBPyConnection, table: str, key: str, columns: Columns, chosen: str = "*"
) -> None:
    """Add the rows whose key the table does not have yet."""
    new = f"not exists (select 1 from {table} where {table}.{key} = {_INCOMING}.{key})"
    _load(connection, f"insert into {table} by name select {chosen} from {_INCOMING} where {new}", columns, {})


def _insert_run(
    connection: duckdb.DuckDBPyConnection, table: str, run_id: str, columns: Columns, optional: Sequence[str] = ()
) -> None:
    """Add rows that are the run's own; in the `optional` columns `_ABSENT` stands for null."""
    nulls = ", ".join(f"nullif({name}, {_ABSENT}) as {name}" for name in optional)
    chosen = f"* replace ({nulls})" if optional else "*"
    statement = f"insert into {table} by name select $run_id::uuid as run_id, {chosen} from {_INCOMING}"
    _load(connection, statement, columns, {"run_id": run_id})


def _load(connection: duckdb.DuckDBPyConnection, statement: str, columns: Columns, params: dict[str, Any]) -> None:
    """Run a statement that reads the columns from `_INCOMING`.

    Numbers go over as arrays. Text goes over as one long string a column and is split by DuckDB: of an array or list
    of str, DuckDB 1.5 asks of each value whether it is one of pandas', and so looks for pandas 5,000 times a trace.
    """
    rows = len(next(iter(columns.values())))
    if not rows:
        return
    texts = {name: column for name, column in columns.items() if column.dtype == object}
    numbers = {name: column for name, column in columns.items() if name not in texts}
    connection.register(_NUMBERS, {_ROW: np.arange(rows)} | numbers)
    split = ", ".join(f"unnest(string_split(${_TEXT}{name}, '{_SEPARATOR}')) as {name}" for name in texts)
    joined = f" positional join (select {split}) as texts" if texts else ""
    incoming = f"with {_INCOMING} as (select * exclude ({_ROW}) from {_NUMBERS}{joined}) "
    values = {f"{_TEXT}{name}": _SEPARATOR.join(column.tolist()) for name, column in texts.items()}
    try:
        connection.execute(incoming + statement, params | values)
    finally:
        with suppress(duckdb.Error):  # an aborted transaction takes its views along
            connection.unregister(_NUMBERS)


def _example_id(run: NewRun) -> int:
    return identity.example_id(run.example)


def _machine_id(profile: Profile) -> int:
    machine = profile.machine
    return identity.machine_id(machine.hostname, machine.os, machine.cpu, machine.cores)


def _sum(group: I64, values: I64, count: int) -> I64:
    total = np.zeros(count, np.int64)
    np.add.at(total, group, values)
    return total


def _ids(*values: int) -> U64:
    return np.array(values, np.uint64)


def _optional(values: Sequence[int | None]) -> I64:
    """Numbers of which some are not there: `_ABSENT` stands for those, and `_load`'s statement makes it null."""
    return np.array([_ABSENT if value is None else value for value in values], np.int64)


def _texts(values: Sequence[str]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), object)
    column[:] = [_clean(value) for value in values]
    return column


def _clean(text: str) -> str:
    """Text as DuckDB takes it: half a surrogate pair, which damaged UTF-16 leaves, becomes a question mark."""
    text = text.replace(_SEPARATOR, "?")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _utc(moment: datetime | None) -> datetime | None:
    """A moment as the tables keep it: in UTC, without saying so."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
