"""What a word on the command line means: a run by its name, or a revision with its runs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from perfdb import store
from perfdb.api.diff import runs_of, unknown_examples
from perfdb.api.revision import find_side
from perfdb.compare import Scope, Side, stand_in_caveat
from perfdb.compare.sides import ANCESTOR
from perfdb.errors import RevisionError, TooLittleDataError, UsageError
from perfdb.profile.columns import LOSSES_NOT_TOLD, MEASURED, Caveat
from perfdb.report.of_diff_call import scope_words
from perfdb.revisions import Repository

_RUN = re.compile(r"r[0-9a-f]{4,32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""How runs are named: `r` and the end of the id, as tables show it, or the whole id."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The runs that a word names, with a title, lines and caveats on them.

    `words` ask for the same on a command line.
    """

    title: str
    words: tuple[str, ...]
    lines: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    runs: list[store.Run]


def is_run_name(word: str) -> bool:
    """Whether a word names a run and not a revision."""
    return _RUN.fullmatch(word) is not None


def asked_runs(connection: store.Connection, folder: Path, target: str | None, scope: Scope) -> Asked:
    """The runs of a run's name or of a revision; None is HEAD where there are runs of it, else the newest commit.

    Raises RevisionError for what nobody knows, TooLittleDataError where there are no runs of it in the scope.
    """
    if target is not None and is_run_name(target):
        run = one_run(connection, target)
        lines: tuple[str, ...] = (
            f"{run.example} at {run.commit_sha[:10]}  {run.subject or ''}".rstrip(),
            _recorded(run),
        )
        return Asked(f"run {target}", (target, *scope_words(scope)), lines, (), [run])
    asked = target or _default_target(connection, folder)
    side = _side(connection, folder, asked)
    runs = runs_of(connection, side, scope)
    if not runs:
        raise TooLittleDataError(
            f"asked for {asked}, found runs of it but none of {_filters(scope)}. `perfdb runs {asked}` lists them."
        )
    unknown = set(scope.examples) - {run.example for run in runs}
    if unknown:
        there = {run.example for run in runs_of(connection, side, replace(scope, examples=()))}
        raise unknown_examples(sorted(unknown), there)
    caveat = stand_in_caveat("this", side)
    lines = (f"{side.recorded_sha[:10]}  {side.subject}".rstrip(),)
    return Asked(asked, (asked, *scope_words(scope)), lines, (caveat,) if caveat else (), runs)


def one_run(connection: store.Connection, name: str) -> store.Run:
    """The run of a name; RevisionError where there is none, or several end so."""
    found = [run for run in store.runs(connection) if _is_run(run.run_id, name)]
    if len(found) != 1:
        raise RevisionError(
            f"asked for run {name}, found {len(found) or 'no such run'}{' that end so' if found else ''}. "
            "`perfdb runs` lists them; `--format json` with their whole ids."
        )
    return found[0]


def recorded_sha(connection: store.Connection, folder: Path, revision: str) -> str:
    """The commit whose runs are the revision's own; a list or a query has no room to say that others stand in."""
    side = _side(connection, folder, revision)
    if side.how == ANCESTOR:
        raise TooLittleDataError(
            f"asked for {revision}, found no runs of it. Its nearest recorded ancestor is "
            f"{side.recorded_sha[:10]}, {side.distance} commit{'s' if side.distance != 1 else ''} back: "
            f"ask for that one, or record {revision}."
        )
    return side.recorded_sha


def refuse_runs(connection: store.Connection, words: Iterable[str | None]) -> None:
    """Raises UsageError for the name of a run where revisions are compared; it may be the beginning of a hash too."""
    for word in words:
        if word is None or not is_run_name(word):
            continue
        if not any(each.commit_sha.startswith(word) for each in store.recorded_commits(connection)):
            raise UsageError(
                f"asked to compare {word}, found that it is a run: revisions are compared, with all their runs. "
                "`perfdb runs` tells the commit of each run."
            )


def _side(connection: store.Connection, folder: Path, revision: str) -> Side:
    return find_side(revision, Repository.find(folder), store.recorded_commits(connection))


def _default_target(connection: store.Connection, folder: Path) -> str:
    """HEAD where git knows one and the history something of it, else the commit that was recorded last."""
    newest = store.runs(connection, limit=1)
    if not newest:
        raise TooLittleDataError("the history holds no run yet. Record one: perfdb record TRACE")
    try:
        _side(connection, folder, "HEAD")
    except (RevisionError, TooLittleDataError):
        return newest[0].commit_sha
    return "HEAD"


def _filters(scope: Scope) -> str:
    parts = [f"example {', '.join(scope.examples)}"] if scope.examples else []
    parts += [f"build {scope.build}"] if scope.build else []
    return " and ".join(parts) or "them"


def _recorded(run: store.Run) -> str:
    if run.detail == MEASURED:
        return f"{run.source_name}, a benchmark's result, on {run.machine or 'an unknown machine'}"
    is_told = all(caveat.code != LOSSES_NOT_TOLD for caveat in run.caveats)
    lost = f"{run.lost_events:,} events and {run.lost_buffers:,} buffers lost" if is_told else "losses not told"
    return (
        f"{run.source_name}, {run.sample_count:,} samples every {run.interval_ns / 1e6:g} ms "
        f"({run.idle_count:,} idle), {lost}, on {run.machine or 'an unknown machine'}"
    )


def _is_run(run_id: str, name: str) -> bool:
    return run_id == name or run_id.replace("-", "").endswith(name.removeprefix("r"))
