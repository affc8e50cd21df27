"""Named queries: files of SQL that say in their first lines what they answer, what they take and what they give.

    -- question: which functions took the most time?
    -- param commit (revision) = NULL: the commit; else the one that was recorded last
    -- param top = 20: how many functions of each example
    -- columns: example, function, exclusive_ms
    select ...

A parameter without `= DEFAULT` must be given; `(revision)` marks one that the caller turns from a branch or an
abbreviation into a full commit hash. Values are bound as text, or NULL, under `$name`: the SQL casts them.

`queries/*.sql` are for people (`perfdb query NAME`), `queries/internal/*.sql` are perfdb's own, and a path that ends in
.sql names a user's file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perfdb.errors import InputError, QueryError, UsageError
from perfdb.store.resources import folder, read_sql

_PARAM = re.compile(
    r"(?P<name>[a-z]\w*)(?P<revision>\s+\(revision\))?(?:\s*=\s*(?P<default>[^:]*?))?\s*:\s*(?P<text>.+)"
)
_HEADER = re.compile(r"--\s*(?P<key>question|param|columns)\b\s*:?\s*(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class QueryParam:
    """One parameter: `default` is None both where it must be given and where it is NULL; `is_required` tells."""

    name: str
    description: str
    default: str | None
    is_required: bool
    is_revision: bool


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query with its header; `sql` is the whole text of the file."""

    name: str
    question: str
    params: tuple[QueryParam, ...]
    columns: tuple[str, ...]
    sql: str

    def bind(self, given: Mapping[str, str]) -> dict[str, str | None]:
        """A value for every parameter, from what was given and the defaults; UsageError for too many or too few."""
        names = [param.name for param in self.params]
        for name in given:
            if name not in names:
                takes = f"it takes {', '.join(names)}" if names else "it takes none"
                raise UsageError(f"query {self.name} was given the parameter {name}: {takes}")
        missing = [param for param in self.params if param.is_required and param.name not in given]
        if missing:
            wanted = " ".join(f"--param {param.name}=…" for param in missing)
            raise UsageError(f"query {self.name} needs {missing[0].name} ({missing[0].description}): add {wanted}")
        return {param.name: given.get(param.name, param.default) for param in self.params}


def named_queries() -> list[NamedQuery]:
    """The queries that come with perfdb, by name."""
    return [_parse_file(path) for path in sorted(folder("queries").glob("*.sql"))]


def load_query(name: str) -> NamedQuery:
    """A query that comes with perfdb, or, where `name` ends in .sql, the user's own file; InputError where none is."""
    if name.endswith(".sql"):
        path = Path(name)
        if not path.is_file():
            raise InputError(
                f"asked for the query file {name}, found no such file: `perfdb query --list` shows the named ones"
            )
        return _parse_file(path, is_own=False)
    known = {path.stem: path for path in folder("queries").glob("*.sql")}
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise QueryError(f"asked for the query {name}, found none of that name: {hint}`perfdb query --list` shows them")
    return _parse_file(known[name])


@cache
def internal(name: str) -> NamedQuery:
    """One of perfdb's own queries."""
    return _parse_file(folder("queries") / "internal" / f"{name}.sql")


def _parse_file(path: Path, is_own: bool = True) -> NamedQuery:
    try:
        text = read_sql(path)
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot read the query file {path}: {problem}") from problem
    return parse(path.stem, text, str(path), is_own)


def parse(name: str, text: str, where: str, is_own: bool = True) -> NamedQuery:
    """Read a query's header; `where` names the file in a QueryError for a header that lacks a part.

    Perfdb's own queries say what they answer and give; a user's (`is_own` False) need only name their parameters.
    """
    found: dict[str, list[str]] = {"question": [], "param": [], "columns": []}
    for line in text.splitlines():
        if line.strip() and not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match:
            found[match["key"]].append(match["rest"].strip())
    for key in ("question", "columns"):
        if is_own and (len(found[key]) != 1 or not found[key][0]):
            raise QueryError(f"{where}: begin the file with one line `-- {key}: …`, found {len(found[key])}")
    question, listed = " ".join(found["question"]), ",".join(found["columns"])
    columns = tuple(column.strip() for column in listed.split(",") if column.strip())
    return NamedQuery(name, question, tuple(_param(line, where) for line in found["param"]), columns, text)


def _param(line: str, where: str) -> QueryParam:
    match = _PARAM.fullmatch(line)
    if match is None:
        raise QueryError(
            f"{where}: found `-- param {line}`, expected `-- param name: description` or "
            "`-- param name (revision) = default: description`"
        )
    default = match["default"]
    return QueryParam(
        name=match["name"],
        description=match["text"],
        default=None if default in (None, "", "NULL") else default,
        is_required=default is None,
        is_revision=match["revision"] is not None,
    )
