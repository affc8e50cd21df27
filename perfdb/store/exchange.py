"""What leaves the history for other tools: the call paths of runs, with their samples.

The SQL is `queries/internal/folded.sql`. Formats are written in `perfdb.report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from perfdb.errors import DatabaseError
from perfdb.store.queries import internal


@dataclass(frozen=True, slots=True)
class StackCount:
    """How many samples of one process of one run had a stack; `stack` is a row of `SampledStacks`."""

    run_id: str
    process: str
    pid: int
    stack: int
    samples: int


@dataclass(frozen=True, slots=True)
class SampledStacks:
    """The prefix tree of sampled call paths: shape (stacks,), parents before children, `parent` -1 at a root.

    `counts` are of all processes and threads that were asked for; what one thread and another did is added up.
    """

    parent: tuple[int, ...]
    module: tuple[str, ...]
    function: tuple[str, ...]
    counts: tuple[StackCount, ...]

    def __len__(self) -> int:
        return len(self.parent)


def sampled_stacks(
    connection: duckdb.DuckDBPyConnection, run_ids: Sequence[str], *, main_only: bool = False
) -> SampledStacks:
    """The stacks of these runs, or of their main processes only. Raises DatabaseError where a stack has no parent."""
    params = {"run_ids": ",".join(run_ids), "main_only": str(main_only)}
    rows = connection.execute(internal("folded").sql, params).fetchall()
    row_of: dict[int, int] = {}
    parents: list[int] = []
    depths: list[int] = []
    names: list[tuple[str, str]] = []
    counts: list[StackCount] = []
    for stack_id, parent_id, depth, module, function, run_id, process, pid, samples in rows:
        row = row_of.get(stack_id)
        if row is None:
            parent = row_of.get(parent_id, -1)
            above = depths[parent] if parent >= 0 else 0
            if module is None or depth != above + 1 or (parent_id is not None and parent < 0):
                raise DatabaseError(
                    "asked for the stacks of a run, found that the history does not hold together. "
                    "`perfdb db check` says where; restore it from a backup, or record the run again."
                )
            row = row_of[stack_id] = len(parents)
            parents.append(parent)
            depths.append(depth)
            names.append((module, function))
        if run_id is not None:
            counts.append(StackCount(run_id, process, pid, row, samples))
    module_names, function_names = zip(*names, strict=True) if names else ((), ())
    return SampledStacks(tuple(parents), tuple(module_names), tuple(function_names), tuple(counts))
