"""What a profile says of work, as rows: its modules, functions and stacks, and what each of them cost.

All of this is made anew when a run's addresses get their names: `forget_work` takes the old rows away first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from perfdb.profile import identity
from perfdb.profile.columns import I32, I64, U64, UNRESOLVED, ItemWeights, PlaceTable, Profile, Sums
from perfdb.profile.grouping import distinct
from perfdb.profile.weights import StackWeights, item_weights
from perfdb.store.bulk import grouped_sum, insert_new, insert_run, or_absent, texts

_INCLUSIVE = ("inclusive_samples", "inclusive_ns")
"""The weights that not every source tells."""

_WORK_TABLES = ("sample", "function_weight", "module_weight", "line_weight", "call")


@dataclass(frozen=True, slots=True)
class Keys:
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
    def of(cls, profile: Profile) -> Keys:
        """The ids of a profile's tables."""
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


def write_names(connection: duckdb.DuckDBPyConnection, profile: Profile, keys: Keys) -> None:
    """Add the modules, functions and stacks that no run had before, and what symbol files call the functions."""
    module = np.unique(keys.module, return_index=True)[1]
    names = texts(profile.modules)
    insert_new(connection, "module", ("module_id",), {"module_id": keys.module[module], "name": names[module]})
    function = np.unique(keys.function, return_index=True)[1]
    functions = {
        "function_id": keys.function[function],
        "module_id": keys.module[profile.functions.module[function]],
        "name": texts(profile.functions.name)[function],
    }
    insert_new(connection, "function", ("function_id",), functions)
    stack = np.unique(keys.stack, return_index=True)[1]
    parent = profile.stacks.parent[stack]
    stacks = {
        "stack_id": keys.stack[stack],
        "parent_stack_id": np.where(parent >= 0, keys.stack[parent], np.uint64(0)),
        "function_id": keys.stack_function[stack],
        "depth": profile.stacks.depth[stack],
    }
    insert_new(
        connection,
        "stack",
        ("stack_id",),
        stacks,
        "* replace (if(depth = 1, null, parent_stack_id) as parent_stack_id)",
    )
    pairs = dict.fromkeys((int(keys.function[each.function]), each.symbol) for each in profile.symbol_names)
    symbols = {
        "function_id": np.array([function_id for function_id, _ in pairs], np.uint64),
        "symbol": texts([symbol for _, symbol in pairs]),
    }
    insert_new(connection, "function_symbol", ("function_id", "symbol"), symbols)


def forget_work(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Take away all that the run's work is written as."""
    for table in _WORK_TABLES:
        connection.execute(f"delete from {table} where run_id = $run_id::uuid", {"run_id": run_id})


def write_weights(
    connection: duckdb.DuckDBPyConnection, profile: Profile, run_id: str, keys: Keys, weights: StackWeights
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
        "samples": grouped_sum(group, weights.samples, len(row)),
        "weight_ns": grouped_sum(group, weights.weight_ns, len(row)),
    }
    insert_run(connection, "sample", run_id, sample)
    by_function = item_weights(profile.stacks, keys.stack_function_row, weights)
    function = _process_columns(profile, by_function.process) | {"function_id": keys.functions[by_function.item]}
    insert_run(connection, "function_weight", run_id, function | _weight_columns(by_function), _INCLUSIVE)
    by_module = item_weights(profile.stacks, keys.stack_module_row, weights)
    module = _process_columns(profile, by_module.process) | {"module_id": keys.modules[by_module.item]}
    insert_run(connection, "module_weight", run_id, module | _weight_columns(by_module), _INCLUSIVE)
    if profile.places is not None:
        _write_lines(connection, profile, profile.places, run_id, keys, weights)


def _write_sums(connection: duckdb.DuckDBPyConnection, profile: Profile, sums: Sums, run_id: str, keys: Keys) -> None:
    """The weights of functions and modules, and the calls, of a source that tells no samples."""
    for table, key, ids, weights in (
        ("function_weight", "function_id", keys.function, sums.functions),
        ("module_weight", "module_id", keys.module, sums.modules),
    ):
        columns = _process_columns(profile, weights.process) | {key: ids[weights.item]} | _weight_columns(weights)
        insert_run(connection, table, run_id, columns, _INCLUSIVE)
    calls = _process_columns(profile, sums.calls.process) | {
        "caller_id": keys.function[sums.calls.caller],
        "callee_id": keys.function[sums.calls.callee],
        "samples": sums.calls.samples,
        "weight_ns": sums.calls.weight_ns,
    }
    insert_run(connection, "call", run_id, calls)


def unresolved_samples(profile: Profile, weights: StackWeights, main: int) -> int:
    """How many samples of the main process have a leaf without a symbol."""
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    if profile.sums:
        told = profile.sums.functions
        return int(told.exclusive_samples[(told.process == main) & nameless[told.item]].sum())
    mine = weights.process == main
    leaf = profile.frames.function[profile.stacks.frame[weights.stack[mine]]]
    return int(weights.samples[mine][nameless[leaf]].sum())


def unresolved_by_loaded(profile: Profile, weights: StackWeights, main: int) -> tuple[I64, I64]:
    """The samples of the main process with an unresolved frame in each loaded module: at the leaf, and anywhere."""
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    frames, count = profile.frames, len(profile.loaded)
    loaded = np.where(nameless[frames.function] & (frames.loaded >= 0), frames.loaded, count)
    own = item_weights(profile.stacks, loaded[profile.stacks.frame].astype(np.int32), weights)
    mine = own.process == main
    exclusive, inclusive = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    exclusive[own.item[mine]] = own.exclusive_samples[mine]
    inclusive[own.item[mine]] = own.inclusive_samples[mine]
    return exclusive[:count], inclusive[:count]


def _process_columns(profile: Profile, process: I32) -> dict[str, npt.NDArray[Any]]:
    pid = np.array([each.pid for each in profile.processes], np.int64)
    incarnation = np.array([each.incarnation for each in profile.processes], np.int32)
    return {"pid": pid[process], "incarnation": incarnation[process]}


def _weight_columns(weights: ItemWeights) -> dict[str, npt.NDArray[Any]]:
    return {
        "exclusive_samples": weights.exclusive_samples,
        "inclusive_samples": or_absent(weights.inclusive_samples),
        "exclusive_ns": weights.exclusive_ns,
        "inclusive_ns": or_absent(weights.inclusive_ns),
    }


def _write_lines(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    places: PlaceTable,
    run_id: str,
    keys: Keys,
    weights: StackWeights,
) -> None:
    """The weights of lines of source, of frames whose line is known."""
    known = (places.file >= 0) & (places.line > 0)
    frame, group = distinct(known, profile.frames.function, places.is_inlined, places.file, places.line)
    by_line = item_weights(profile.stacks, group.astype(np.int32)[profile.stacks.frame], weights)
    told = np.flatnonzero(known[frame[by_line.item]])
    at = frame[by_line.item[told]]
    files = identity.file_ids(profile.files)
    used = np.unique(places.file[at])
    source_file = {"file_id": files[used], "path": texts([profile.files[row] for row in used.tolist()])}
    insert_new(connection, "source_file", ("file_id",), source_file)
    line = _process_columns(profile, by_line.process[told]) | {
        "function_id": keys.function[profile.frames.function[at]],
        "is_inlined": places.is_inlined[at],
        "file_id": files[places.file[at]],
        "line": places.line[at],
        "exclusive_samples": by_line.exclusive_samples[told],
        "inclusive_samples": by_line.inclusive_samples[told],
        "exclusive_ns": by_line.exclusive_ns[told],
        "inclusive_ns": by_line.inclusive_ns[told],
    }
    insert_run(connection, "line_weight", run_id, line)
