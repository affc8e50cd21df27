"""Taking out what no run uses: names and call paths that stayed when runs got other names."""

from __future__ import annotations

import duckdb

from perfdb.store.atomic import atomic

_UNUSED = (
    (
        "stack",
        "stack_id not in (with recursive used as (select distinct stack_id from sample union "
        "select stack.parent_stack_id from stack join used on used.stack_id = stack.stack_id "
        "where stack.parent_stack_id is not null) select stack_id from used)",
    ),
    (
        "function",
        "function_id not in (select function_id from stack union select function_id from function_weight union "
        "select function_id from line_weight union select caller_id from call union select callee_id from call)",
    ),
    ("function_symbol", "function_id not in (select function_id from function)"),
    ("source_file", "file_id not in (select file_id from line_weight)"),
    (
        "module",
        "module_id not in (select module_id from function union select module_id from module_weight union "
        "select module_id from run_module)",
    ),
)
"""What nothing refers to, in an order in which each table is pruned after those that refer to it."""


def prune(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Take out rows that no run refers to; returns how many of each table. The file does not get smaller by itself."""
    gone: dict[str, int] = {}
    with atomic(connection):
        for table, condition in _UNUSED:
            rows = connection.execute(f"delete from {table} where {condition}").fetchall()
            gone[table] = int(rows[0][0])
    return gone
