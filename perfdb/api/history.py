"""A history: one database file, the settings around it, and the verbs on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfdb import store
from perfdb.api.asked import asked_runs, is_run_name, one_run, recorded_sha, refuse_runs
from perfdb.api.diff import (
    Plan,
    compare_loaded,
    compare_plan,
    load_plan,
    plan_diff,
)
from perfdb.api.shown import shown_runs
from perfdb.compare import Comparison, Criteria, Scope, Shown
from perfdb.config import Settings, database_path, load
from perfdb.errors import InputError, UsageError
from perfdb.profile.columns import MEASURED
from perfdb.profile.outcome import FAILED, Outcome, Profiled, Resolved, WantedSymbols
from perfdb.revisions import Repository

if TYPE_CHECKING:
    import polars

    from perfdb.api.analyze import AnalyzeRequest
    from perfdb.api.export import Exported
    from perfdb.api.profile import ManualRequest, ProfileRequest
    from perfdb.api.record import RecordRequest
    from perfdb.api.symbolicate import SymbolicateRequest
    from perfdb.compare.impact import Impact
    from perfdb.compare.page import PageContent
    from perfdb.report.of_analysis_facts import Analysis


PERF_FORMAT = "perf"
"""The name of the reader of perf's text, which is imported only where something is read."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `prune` took out: rows by table, and files of looked-up symbols with their size."""

    rows: Mapping[str, int]
    files: int = 0
    size_bytes: int = 0


def open_history(path: Path | None = None, *, config: Path | None = None, cwd: Path | None = None) -> History:
    """The history in `path`, else in the file that the environment and the settings name; see `perfdb.config`.

    `cwd` is the folder whose settings and git repository are used, by default the current one.
    """
    folder = cwd or Path.cwd()
    settings = load(config, folder, os.environ)
    return History(database_path(settings, path, os.environ), settings, folder)


class History:
    """Runs in a database file. Nothing is opened before a verb needs it, nor kept open after.

    Every verb may raise the errors of `perfdb.errors`: DatabaseError for a file that cannot be used, RevisionError for
    a revision that nobody knows, TooLittleDataError where the history holds too little to answer.
    """

    def __init__(self, path: Path, settings: Settings, folder: Path) -> None:
        self.path = path
        self.settings = settings
        self.folder = folder

    def record(self, *paths: str | os.PathLike[str], **request: Any) -> list[Outcome]:
        """Record traces (files, folders, globs); keywords are the fields of `RecordRequest`.

        Raises InputError where a trace fails, once all others are recorded.
        """
        from perfdb.api.record import RecordRequest

        wanted = RecordRequest(_paths(paths), **_with_paths(request, "symbols"))
        outcomes = list(self.record_each(wanted))
        failed = [outcome.message for outcome in outcomes if outcome.status == FAILED]
        if failed:
            others = f" ({len(outcomes) - len(failed)} others were recorded)" if len(outcomes) > 1 else ""
            raise InputError("; ".join(failed) + others)
        return outcomes

    def record_each(
        self, request: RecordRequest, progress: Callable[[str, int, int], None] | None = None
    ) -> Iterator[Outcome]:
        """Record traces one by one, giving what became of each; one that fails does not stop the others."""
        # Only recording needs the readers, which take as long to import as everything else.
        from perfdb.api.record import record_each

        return record_each(request, self.path, self.settings, self.folder, progress)

    def profile(self, *examples: str, **request: Any) -> list[Profiled]:
        """Profile examples of the suite, all where none is named; keywords are the fields of `ProfileRequest`.

        Raises InputError where a run fails, once all others are done.
        """
        from perfdb.api.profile import ProfileRequest

        outcomes = list(self.profile_each(ProfileRequest(examples or None, **_with_paths(request, "symbols"))))
        failed = [outcome.message for outcome in outcomes if outcome.status == FAILED]
        if failed:
            raise InputError("; ".join(failed))
        return outcomes

    def profile_each(
        self,
        request: ProfileRequest,
        progress: Callable[[str, int, int], None] | None = None,
        manual: ManualRequest | None = None,
    ) -> Generator[Profiled]:
        """Profile the examples of the suite, or one command, run by run; one that fails does not stop the others."""
        from perfdb.api.profile import profile_command, profile_each

        if manual is not None:
            yield profile_command(manual, request, self.path, self.settings, self.folder, progress)
        else:
            yield from profile_each(request, self.path, self.settings, self.folder, progress)

    def symbolicate(self, *targets: str, **request: Any) -> list[Resolved]:
        """Name the addresses of recorded runs (ids, or revisions); keywords are the fields of `SymbolicateRequest`.

        Raises InputError where a run fails, once all others are named.
        """
        from perfdb.api.symbolicate import SymbolicateRequest

        outcomes = list(self.symbolicate_each(SymbolicateRequest(targets, **_with_paths(request, "symbols", "traces"))))
        failed = [outcome.message for outcome in outcomes if outcome.status == FAILED]
        if failed:
            raise InputError("; ".join(failed))
        return outcomes

    def symbolicate_each(
        self, request: SymbolicateRequest, progress: Callable[[str, int, int], None] | None = None
    ) -> Iterator[Resolved]:
        """Name the addresses of recorded runs one by one, giving what became of each."""
        from perfdb.api.symbolicate import symbolicate_each

        found: dict[str, store.Run] = {}
        with self._reading() as connection:
            for target in request.targets:
                if is_run_name(target):
                    runs = [one_run(connection, target)]
                else:
                    runs = _with_addresses(
                        store.runs(connection, commit_shas=[recorded_sha(connection, self.folder, target)])
                    )
                found |= {run.run_id: run for run in runs}
        if not found:
            raise UsageError("asked for the names of runs, found no run in the call: give run ids or revisions.")
        if not any(map(_may_have_addresses, found.values())):
            raise InputError(
                f"asked for names in {', '.join(request.targets)}, found only runs that have no addresses to look up: "
                "results of benchmarks, or functions that perf has named already. perfdb show tells them."
            )
        return symbolicate_each(tuple(found.values()), request, self.path, self.settings, self.folder, progress)

    def newest_wanted_symbols(self) -> tuple[str, list[WantedSymbols]]:
        """The commit that `show` shows by default, and the symbol files that its runs lack."""
        with self._reading() as connection:
            runs = asked_runs(connection, self.folder, None, Scope()).runs
            return runs[0].commit_sha, store.wanted_symbols(connection, [run.run_id for run in runs])

    def runs(self, revision: str | None = None, **filters: Any) -> polars.DataFrame:
        """The runs as a frame, newest first, of one schema whatever it holds; filters as in `list_runs`."""
        import polars

        from perfdb.report.of_runs import RUN_KINDS, run_record

        runs = self.list_runs(revision, **filters)
        kinds = {
            "text": polars.String(),
            "truth": polars.Boolean(),
            "count": polars.Int64(),
            "number": polars.Float64(),
            "moment": polars.Datetime("us", "UTC"),
            "texts": polars.List(polars.String()),
        }
        schema = {name: kinds[kind] for name, kind in RUN_KINDS.items()}
        return polars.DataFrame([run_record(run) for run in runs], schema=schema)

    def list_runs(
        self,
        revision: str | None = None,
        *,
        examples: Sequence[str] | None = None,
        build: str | None = None,
        limit: int | None = None,
    ) -> list[store.Run]:
        """The runs, newest first, of all revisions or of one."""
        with self._reading() as connection:
            shas = None if revision is None else [recorded_sha(connection, self.folder, revision)]
            return store.runs(connection, commit_shas=shas, examples=examples or None, build=build, limit=limit)

    def show(self, target: str | None = None, scope: Scope | None = None, top: int | None = None) -> Shown:
        """Where the time of a run, or of a revision's runs, was spent; by default of HEAD, else of the newest run."""
        scope = scope or Scope()
        with self._reading() as connection:
            return shown_runs(connection, asked_runs(connection, self.folder, target, scope), scope, top)[0]

    def export(self, target: str | None = None, scope: Scope | None = None, format: str = "folded") -> Exported:  # noqa: A002
        """The stacks of a run, or of a revision's runs added up; targets as in `show`, formats in `api.export`."""
        from perfdb.api.export import export_runs

        scope = scope or Scope()
        with self._reading() as connection:
            asked = asked_runs(connection, self.folder, target, scope)
            return export_runs(connection, asked.title, asked.runs, scope, format, asked.caveats)

    def diff(
        self,
        baseline: str,
        contender: str | None = None,
        *,
        scope: Scope | None = None,
        criteria: Criteria | None = None,
    ) -> Comparison:
        """Compare two revisions over the examples that both have; `A...B` alone starts from their merge base.

        `criteria` say what matters, by default what the settings say. Raises TooLittleDataError without a
        common example.
        """
        with self._reading() as connection:
            return compare_plan(connection, self._plan(connection, (baseline, contender), scope, criteria))

    def impact(
        self,
        baseline: str,
        contender: str | None = None,
        targets: Sequence[str] = (),
        *,
        scope: Scope | None = None,
        criteria: Criteria | None = None,
        inclusive: bool = False,
    ) -> Impact:
        """What the contender brought for `targets` (modules or functions); revisions and errors as in `diff`.

        Also raises the errors of `judge_impact`.
        """
        from perfdb.compare.impact import judge_impact

        with self._reading() as connection:
            loaded = load_plan(connection, self._plan(connection, (baseline, contender), scope, criteria))
        return judge_impact(compare_loaded(loaded), loaded.cases, targets, inclusive)

    def page(
        self,
        target: str | None = None,
        against: str | None = None,
        *,
        scope: Scope | None = None,
        criteria: Criteria | None = None,
        targets: Sequence[str] | None = None,
        inclusive: bool = False,
    ) -> PageContent:
        """What a page on a run or a revision shows; `against` is the baseline that a revision is compared with.

        `targets`, which may be none, ask for the impact too, in `inclusive` costs or in exclusive ones.
        """
        from perfdb.api.page import page_of_plan, page_of_runs

        scope = scope or Scope()
        with self._reading() as connection:
            if against is None:
                return page_of_runs(connection, asked_runs(connection, self.folder, target, scope), scope)
            plan = self._plan(connection, (against, target), scope, criteria)
            return page_of_plan(connection, load_plan(connection, plan), targets, inclusive)

    def analyze(self, request: AnalyzeRequest, progress: Callable[[str, int, int], None] | None = None) -> Analysis:
        """What the examples of runs, of revisions, or of traces in a folder cost; nothing is recorded."""
        from perfdb.api.analyze import analyze

        return analyze(request, self.path, self.settings, self.folder, self.criteria(), progress)

    def _plan(
        self,
        connection: store.Connection,
        asked: tuple[str, str | None],
        scope: Scope | None,
        criteria: Criteria | None,
    ) -> Plan:
        refuse_runs(connection, asked)
        repository = Repository.find(self.folder)
        return plan_diff(connection, repository, asked, scope or Scope(), criteria or self.criteria())

    def replay(self, path: str | os.PathLike[str]) -> tuple[Comparison, list[str]]:
        """Compare again what a diff compared that was written as JSON; also how the answer differs, in sentences.

        Raises InputError for a file that is no such diff, TooLittleDataError where runs of it are gone.
        """
        from perfdb.api.replay import replay

        with self._reading() as connection:
            return replay(connection, Path(path))

    def criteria(self, **changes: Any) -> Criteria:
        """What matters in a comparison by the settings, but for what is changed here: fields of `Criteria`."""
        said = self.settings.diff
        return replace(Criteria(margin=said.margin, min_ms=said.min_ms, history=said.history), **changes)

    def sql(self, statement: str) -> polars.DataFrame:
        """The result of one read-only statement as a frame; raises QueryError for anything else."""
        with self._sandboxed() as connection:
            return store.frame(connection, statement)

    def run_sql(self, statement: str) -> store.Result:
        """The result of one read-only statement as columns, types and rows; raises QueryError for anything else."""
        with self._sandboxed() as connection:
            return store.run_sql(connection, statement)

    def queries(self) -> list[store.NamedQuery]:
        """The named queries."""
        return store.named_queries()

    def query(self, name: str, params: Mapping[str, str] | None = None) -> store.Result:
        """The result of a named query, or of a user's own `.sql` file; parameters that are revisions are looked up."""
        query = store.load_query(name)
        values = query.bind(params or {})
        with self._sandboxed() as connection:
            for param in query.params:
                value = values[param.name]
                if param.is_revision and value is not None:
                    values[param.name] = recorded_sha(connection, self.folder, value)
            return store.run_sql(connection, query.sql, values)

    def info(self) -> store.HistoryInfo:
        """What the database holds."""
        with self._reading() as connection:
            return store.info(connection, self.path)

    def migrate(self) -> list[str]:
        """Bring the database to this version's schema; the names of the migrations that were applied."""
        return store.upgrade(self.path, self.settings.lock_wait_s)

    def prune(self, symcache_days: float | None = None) -> Pruned:
        """Take out names and call paths that no run uses, and looked-up symbols unused for some days (None: keep)."""
        with self._reading():
            pass  # which says what is wrong with a file that is not there or is no history
        with store.opened_for_write(self.path, self.settings.lock_wait_s) as connection:
            rows = store.prune(connection)
        if symcache_days is None:
            return Pruned(rows)
        from perfdb.api.symbols import prune_symcache

        return Pruned(rows, *prune_symcache(self.settings, symcache_days))

    def check(self) -> list[str]:
        """The problems of the database, none if it holds together."""
        with self._reading() as connection:
            return store.check(connection)

    def _reading(self) -> store.Opened:
        return store.opened_for_read(self.path, self.settings.lock_wait_s)

    def _sandboxed(self) -> store.Opened:
        return store.opened_sandboxed(self.path, self.settings.lock_wait_s)


def _with_addresses(runs: list[store.Run]) -> list[store.Run]:
    """The runs of a revision that may have addresses, where there are such."""
    return list(filter(_may_have_addresses, runs)) or runs


def _may_have_addresses(run: store.Run) -> bool:
    """Results of benchmarks have none, and what perf prints is named by perf."""
    return run.detail != MEASURED and run.source_format != PERF_FORMAT


def _paths(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    return tuple(os.fspath(path) for path in paths)


def _with_paths(request: dict[str, Any], *names: str) -> dict[str, Any]:
    """A request in which one path, or several, of whatever kind, have become texts."""
    found = dict(request)
    for name in names:
        value = found.get(name, ())
        found[name] = _paths([value] if isinstance(value, str | os.PathLike) else value)
    return found
