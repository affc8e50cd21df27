"""Call paths of many runs in columns: the prefix tree that they share, and how often each run sampled its rows.

For comparing runs, for pictures, and for other tools. The SQL is in `queries/internal/stack_*.sql`; numbers stay in
arrays all the way, since twenty large runs bring millions of rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

from perfdb.errors import DatabaseError
from perfdb.profile.columns import I32, I64, U64
from perfdb.store.model import Text
from perfdb.store.queries import internal

Work = Mapping[str, Collection[tuple[int, int]] | None]
"""What is asked of each run, by its id: the (pid, incarnation) of its processes, or None for all of them."""

_STEPS = 8
"""So many ids are tried from the start of a bucket; a hash leaves hardly ever more in one."""


@dataclass(frozen=True, slots=True)
class StackTree:
    """The prefix tree of sampled call paths: shape (stacks,), parents before children.

    `parent` is a row of the tree, -1 at a root; `function` is a row of `module` and `name`, of shape (functions,).
    """

    parent: I64
    depth: I32
    function: I64
    module: Text
    name: Text

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class StackSamples:
    """Samples in columns of one length: `run` is a place in what was asked for, `stack` a row of `tree`.

    `part` is a place among all processes that were asked for, run by run, where a run asked for as a whole counts as
    one. What several threads or processes of a run did on one stack stands in several rows.
    """

    tree: StackTree
    run: I32
    part: I32
    stack: I32
    samples: I64
    weight_ns: I64


def stack_samples(connection: duckdb.DuckDBPyConnection, work: Work) -> StackSamples:
    """The samples of these runs, with their stacks. Raises DatabaseError where a stack has no parent or no name."""
    parts, owners = [], []
    for place, (run_id, processes) in enumerate(work.items()):
        named = [run_id] if processes is None else [f"{run_id}/{pid}/{life}" for pid, life in processes]
        parts += named
        owners += [place] * len(named)
    asked = {"run_ids": ",".join(parts)}
    tree, ids, rows = _tree(connection, asked, {"run_ids": ",".join(work)})
    found = connection.execute(internal("stack_samples").sql, asked).fetchnumpy()
    part: I32 = found["part"].astype(np.int32)
    return StackSamples(
        tree,
        run=np.array(owners, np.int32)[part],
        part=part,
        stack=rows[_places(ids, found["stack_id"])],
        samples=found["samples"],
        weight_ns=found["weight_ns"],
    )


def _tree(
    connection: duckdb.DuckDBPyConnection, asked: dict[str, str], runs: dict[str, str]
) -> tuple[StackTree, U64, I32]:
    """The tree, the ids of its stacks in ascending order, and the row of each of those."""
    found = connection.execute(internal("stack_tree").sql, asked).fetchnumpy()
    names = connection.execute(internal("stack_functions").sql, runs).fetchnumpy()
    ids, function_ids = (np.asarray(np.ma.getdata(column)) for column in (found["stack_id"], found["function_id"]))
    by_depth = np.argsort(found["depth"], kind="stable")
    depth: I32 = found["depth"][by_depth]
    ids, function_ids = ids[by_depth], function_ids[by_depth]
    above = found["parent_stack_id"][by_depth]
    is_root, above = np.ma.getmaskarray(above), np.ma.getdata(above)
    rows = np.argsort(ids).astype(np.int32)
    parent = np.full(len(ids), -1, np.int64)
    parent[~is_root] = rows[_places(ids[rows], above[~is_root])]
    if not (depth == np.where(is_root, 0, depth[parent]) + 1).all():
        raise _broken()
    by_id = np.argsort(names["function_id"])
    function = by_id[_places(names["function_id"][by_id], function_ids)]
    tree = StackTree(parent, depth, function, np.ma.getdata(names["module"]), np.ma.getdata(names["function"]))
    return tree, ids[rows], rows


def _places(ids: U64, wanted: U64) -> I32:
    """Where each of the `wanted` stands in `ids`, which are ascending; DatabaseError where one does not.

    Ids are hashes, spread evenly over 64 bits: their first bits say where to look, several times as fast as a binary
    search.
    """
    if not len(ids):
        if len(wanted):
            raise _broken()
        return np.zeros(0, np.int32)
    bits = len(ids).bit_length()
    shift = np.uint64(64 - bits)
    last = len(ids) - 1
    starts = np.searchsorted(ids >> shift, np.arange(1 << bits, dtype=np.uint64))
    places: I32 = np.minimum(starts, last).astype(np.int32)[wanted >> shift]
    missed = np.flatnonzero(ids[places] != wanted)
    for _ in range(_STEPS):
        places[missed] = np.minimum(places[missed] + 1, last)
        missed = missed[ids[places[missed]] != wanted[missed]]
    places[missed] = np.minimum(np.searchsorted(ids, wanted[missed]), last)
    if (ids[places[missed]] != wanted[missed]).any():
        raise _broken()
    return places


def _broken() -> DatabaseError:
    return DatabaseError(
        "asked for the stacks of runs, found that the history does not hold together. "
        "`perfdb db check` says where; restore it from a backup, or record the runs again."
    )
