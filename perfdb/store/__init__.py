"""The history: one DuckDB file, and every line of perfdb that knows DuckDB.

    connection   opening for reading (sealed) and for writing (made or upgraded first), locks, foreign files
    migrations   numbered steps of `migrations/*.sql`        integrity   does the file hold together?
    write        one profile, one transaction                read        plain values back
    sandbox      SQL that people type                        queries     SQL with a name, `queries/*.sql`

Importing this package imports DuckDB, so `api` and `cli` do it no earlier than they need to.
"""

from perfdb.profile.measurement import Measured, Measurement
from perfdb.store.atomic import atomic
from perfdb.store.connection import (
    Connection,
    Opened,
    opened_for_read,
    opened_for_write,
    opened_sandboxed,
    upgrade,
)
from perfdb.store.integrity import check
from perfdb.store.model import (
    Call,
    Costs,
    HistoryInfo,
    NewRun,
    RecordedCommit,
    Revision,
    Run,
    RunMark,
    RunProcess,
    SourceRun,
)
from perfdb.store.prune import prune
from perfdb.store.queries import NamedQuery, QueryParam, load_query, named_queries
from perfdb.store.read import (
    calls,
    function_costs,
    info,
    kept_addresses,
    kept_symbols,
    mixed_symbols,
    module_costs,
    processes,
    recorded_commits,
    runs,
    symbol_states,
    wanted_symbols,
)
from perfdb.store.sandbox import Result, frame, run_sql
from perfdb.store.write import find_duplicate, rename_run, runs_of_source, write_measured, write_run

__all__ = [
    "Call",
    "Connection",
    "Costs",
    "HistoryInfo",
    "Measured",
    "Measurement",
    "NamedQuery",
    "NewRun",
    "Opened",
    "QueryParam",
    "RecordedCommit",
    "Result",
    "Revision",
    "Run",
    "RunMark",
    "RunProcess",
    "SourceRun",
    "atomic",
    "calls",
    "check",
    "find_duplicate",
    "frame",
    "function_costs",
    "info",
    "kept_addresses",
    "kept_symbols",
    "load_query",
    "mixed_symbols",
    "module_costs",
    "named_queries",
    "opened_for_read",
    "opened_for_write",
    "opened_sandboxed",
    "processes",
    "prune",
    "recorded_commits",
    "rename_run",
    "run_sql",
    "runs",
    "runs_of_source",
    "symbol_states",
    "upgrade",
    "wanted_symbols",
    "write_measured",
    "write_run",
]
