"""The reports of SQL: a result as it came, and the list of named queries."""

from __future__ import annotations

from collections.abc import Sequence

from perfdb.report.blocks import Block, Column, Kind, Report, Table
from perfdb.store.queries import NamedQuery, QueryParam
from perfdb.store.sandbox import Result


def result_report(result: Result) -> Report:
    """A query's result as one table."""
    columns = tuple(Column(name, name, _kind(kind)) for name, kind in zip(result.columns, result.types, strict=True))
    table = Table(columns, tuple(tuple(row) for row in result.rows))
    if tuple(result.columns) == _EXPLAIN:
        return Report(tuple(Block(lines=tuple(str(row[1]).splitlines())) for row in table.rows), table)
    return Report((Block(table=table),), table)


_EXPLAIN = ("explain_key", "explain_value")
"""The columns of a query plan, which is a drawing of many lines."""

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "REAL")


def _kind(type_name: str) -> Kind:
    """Numbers stand on the right and are printed as they are: what the user asked for is what is shown."""
    bare = type_name.upper().removeprefix("U")
    return "value" if bare.startswith(_NUMBERS) and "[" not in bare else "text"


def queries_report(queries: Sequence[NamedQuery]) -> Report:
    """The named queries with their questions and parameters."""
    rows = tuple(
        (query.name, query.question, ", ".join(_parameter(each) for each in query.params)) for query in queries
    )
    table = Table((Column("name", "query"), Column("question", "question"), Column("params", "parameters")), rows)
    return Report((Block(table=table),), table)


def _parameter(param: QueryParam) -> str:
    """A parameter as one would type it: `name` must be given, `[name]` may be left out, `name=value` has a default."""
    if param.default is not None:
        return f"{param.name}={param.default}"
    return param.name if param.is_required else f"[{param.name}]"
