"""Analysing: what a folder of traces, some runs or a revision cost, each example beside its baseline.

    folder ─▶ traces ─┬ the history knows them ─▶ its runs ────────────────┐
                      └ it does not ─▶ runs of a history for the moment ───┤
    runs, revisions ───────────────────────────▶ runs of the history ──────┴▶ by example and commit ─▶ ExampleAnalysis

Nothing is ever recorded: traces that the history does not know are read into a file that is gone afterwards. Nobody
said which commit they are of, so that they have no baseline.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from perfdb import readers, store
from perfdb.api.asked import Asked, asked_runs
from perfdb.api.baseline import Baselines
from perfdb.api.costs import in_scope, what_is_common
from perfdb.api.page import page_of_runs
from perfdb.api.record import Progress, RecordRequest, record_each
from perfdb.api.record_trace import example_of, has_sheet
from perfdb.compare import Criteria, Item, Scope
from perfdb.compare.page import PageContent
from perfdb.config import Settings
from perfdb.errors import InputError, TooLittleDataError, UsageError
from perfdb.profile.columns import MEASURED, NOT_KNOWN, STACKS, Caveat
from perfdb.profile.outcome import FAILED, Outcome
from perfdb.report.names import short_commit, short_run
from perfdb.report.of_analysis_facts import UNRECORDED, Analysis, ExampleAnalysis, Key, Samples
from perfdb.revisions import Repository

DEFAULT_DIRECTORY = Path("artifacts", "profile")
"""Where traces are looked for, under the project's root, when nobody says otherwise."""
OUTPUT_FOLDER = DEFAULT_DIRECTORY / "analysis"
"""Where an analysis is written, under the project's root, when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class AnalyzeRequest:
    """What to analyse: `targets` (runs or revisions), or the traces in `directory`.

    Without either, the traces in `DEFAULT_DIRECTORY`, else HEAD, else the newest run. `baseline` is a revision, None
    for the nearest recorded ancestor that has the example.
    """

    targets: tuple[str, ...] = ()
    directory: str | None = None
    baseline: str | None = None


def analyze(
    request: AnalyzeRequest,
    database: Path,
    settings: Settings,
    folder: Path,
    criteria: Criteria,
    progress: Progress | None = None,
) -> Analysis:
    """Analyse what a request names; a trace that cannot be read is among `failed`, and costs no other.

    Raises UsageError for a request whose words do not fit together, InputError for a folder without traces, and what
    `asked_runs` raises.
    """
    if request.targets and request.directory is not None:
        raise UsageError(
            "asked for the traces of a folder, and for runs: give either --directory, or runs or a revision."
        )
    work = _Work(request, database, settings, folder, criteria, progress)
    if request.directory is not None:
        return work.of_directory(request.directory, _traces_in(request.directory), ())
    default = settings.root / DEFAULT_DIRECTORY
    if not request.targets and default.is_dir():
        shown = DEFAULT_DIRECTORY.as_posix()
        try:
            traces = _traces_in(_as_typed(default))
            return work.of_directory(shown, traces, (f"nothing was named: these are the traces in {shown}",))
        except _NoTracesError:
            pass
    return work.of_targets()


class _NoTracesError(InputError):
    """A folder that holds no trace."""


def _traces_in(directory: str) -> readers.FoundTraces:
    """The traces of a folder, as `perfdb record` finds them."""
    path = Path(directory)
    if not path.is_dir():
        what = "a file" if path.exists() else "no such folder"
        raise InputError(
            f"asked to analyse the traces in {directory}, found {what}. Name the folder that the traces are in."
        )
    try:
        return readers.find_traces((directory,), readers.PROFILE_READERS)
    except InputError as problem:
        inner = sorted(child.name for child in path.iterdir() if child.is_dir() and child.name != OUTPUT_FOLDER.name)[
            :5
        ]
        folders = f" It has the folders {', '.join(inner)}." if inner else ""
        raise _NoTracesError(
            f"asked to analyse the traces in {directory}, found no trace in it.{folders} "
            "Name the folder that the traces are in: perfdb report analyze --directory DIR"
        ) from problem


@dataclass(frozen=True, slots=True)
class _Work:
    request: AnalyzeRequest
    database: Path
    settings: Settings
    folder: Path
    criteria: Criteria
    progress: Progress | None

    def of_targets(self) -> Analysis:
        """The runs of the history that the request names, by default those that `show` shows."""
        titles: list[str] = []
        runs: dict[str, store.Run] = {}
        caveats: dict[str, tuple[Caveat, ...]] = {}
        with store.opened_for_read(self.database, self.settings.lock_wait_s) as connection:
            for target in self.request.targets or (None,):
                asked = asked_runs(connection, self.folder, target, Scope())
                titles.append(asked.title)
                runs |= {run.run_id: run for run in asked.runs}
                caveats |= {run.commit_sha: asked.caveats for run in asked.runs if asked.caveats}
            left_out = [run for run in runs.values() if run.detail == MEASURED]
            if len(left_out) == len(runs):
                raise TooLittleDataError(
                    f"asked to analyse {', '.join(titles)}, found results of benchmarks only, which do not tell where "
                    f"the time goes. perfdb show {titles[0].removeprefix('run ')} tells what was measured, perfdb diff "
                    "compares it."
                )
            examples = self._examples(connection, [run for run in runs.values() if run not in left_out], caveats)
        lines = () if self.request.targets else (f"nothing was named: these are the runs of {titles[0]}",)
        notes = (_left_out(left_out),) if left_out else ()
        return Analysis(", ".join(titles), lines, examples, _now(), notes=notes)

    def of_directory(self, shown: str, traces: readers.FoundTraces, lines: tuple[str, ...]) -> Analysis:
        """The traces of a folder: those that the history knows as its runs, the others read for the moment."""
        known, unknown, failed = self._sort_out(traces.paths)
        outcomes: list[Outcome] = []
        notes = [f"{path.name}: {note}" for path, note in _notes(known, traces)]
        examples: tuple[ExampleAnalysis, ...] = ()
        if any(known.values()):
            with store.opened_for_read(self.database, self.settings.lock_wait_s) as connection:
                run_ids = list(dict.fromkeys(found[0].run_id for found in known.values() if found))
                examples += self._examples(connection, store.runs(connection, run_ids=run_ids), {})
        if unknown:
            with tempfile.TemporaryDirectory(prefix="perfdb-analysis-") as temporary:
                database = Path(temporary, "analysis.duckdb")
                request = RecordRequest(tuple(map(str, unknown)), commit=UNRECORDED)
                outcomes = list(record_each(request, database, self.settings, self.folder, self.progress))
                run_ids = list(dict.fromkeys(outcome.run_id for outcome in outcomes if outcome.run_id))
                if run_ids:
                    with store.opened_for_read(database, self.settings.lock_wait_s) as connection:
                        examples += self._examples(connection, store.runs(connection, run_ids=run_ids), {})
        notes += [f"{outcome.source_name}: {note}" for outcome in outcomes for note in outcome.notes]
        read = [path for path, outcome in zip(unknown, outcomes, strict=True) if outcome.status != FAILED]
        return Analysis(
            shown,
            lines,
            tuple(sorted(examples, key=lambda each: (each.example, each.commit_sha))),
            _now(),
            unrecorded=tuple(str(path) for path in read),
            with_sheet=frozenset(str(path) for path in read if has_sheet(path)),
            failed=(*failed, *(outcome for outcome in outcomes if outcome.status == FAILED)),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _sort_out(self, paths: Sequence[Path]) -> tuple[dict[Path, list[store.SourceRun]], list[Path], list[Outcome]]:
        """The runs that the history has of each trace, newest first; the traces that it has none of; the bad ones."""
        failed: list[Outcome] = []
        digests: dict[Path, str] = {}
        for path in paths:
            try:
                with readers.open_trace(path, readers.PROFILE_READERS) as trace:
                    digests[path] = trace.source.sha256
            except InputError as problem:
                failed.append(Outcome(FAILED, path.name, message=str(problem), exit_code=problem.exit_code))
        opened = (
            store.opened_for_read(self.database, self.settings.lock_wait_s)
            if self.database.exists()
            else nullcontext(None)
        )
        with opened as connection:
            known = {
                path: [] if connection is None else self._like(path, store.runs_of_source(connection, digest))
                for path, digest in digests.items()
            }
        return known, [path for path, found in known.items() if not found], failed

    def _like(self, path: Path, found: list[store.SourceRun]) -> list[store.SourceRun]:
        """Of the runs of a trace those of the example that its file is named after, where there are any."""
        example = example_of(path.name, self.settings)
        return [run for run in found if run.example == example] or found

    def _examples(
        self, connection: store.Connection, runs: Iterable[store.Run], caveats: dict[str, tuple[Caveat, ...]]
    ) -> tuple[ExampleAnalysis, ...]:
        grouped: dict[tuple[str, str], list[store.Run]] = {}
        for run in runs:
            grouped.setdefault((run.example, run.commit_sha), []).append(run)
        found = [
            _one_example(connection, members, caveats.get(commit_sha, ()))
            for (_, commit_sha), members in sorted(grouped.items())
        ]
        if not found or not found[0].is_recorded:
            reason = "these runs are not in the history: record them first"
            return tuple(replace(each, no_baseline=reason) for each in found)
        baselines = Baselines(connection, Repository.find(self.folder), self.request.baseline, self.criteria)
        compared = baselines.compare([(each.commit_sha, each.runs) for each in found])
        return tuple(
            replace(each, comparison=comparison, no_baseline=reason)
            for each, (comparison, reason) in zip(found, compared, strict=True)
        )


def _one_example(
    connection: store.Connection, runs: Sequence[store.Run], caveats: tuple[Caveat, ...]
) -> ExampleAnalysis:
    facts = ExampleAnalysis(tuple(runs), PageContent("", ()))
    lines = (f"{facts.commit}  {facts.subject}".rstrip(),)
    asked: tuple[str, ...] = ()
    if facts.is_recorded:
        asked = (short_run(runs[0].run_id),) if len(runs) == 1 else (facts.commit_sha, "--example", facts.example)
    page = page_of_runs(connection, Asked(facts.heading, asked, lines, caveats, list(runs)), Scope())
    samples = _samples(connection, runs, kind=store.module_costs) | _samples(
        connection, runs, kind=store.function_costs
    )
    return replace(facts, page=page, samples=samples)


def _samples(
    connection: store.Connection, runs: Sequence[store.Run], kind: Callable[..., store.Costs]
) -> dict[Key, Samples]:
    """The samples of modules or functions, summed over the runs and over the processes that count."""
    common = what_is_common(runs)
    pooled, without_idle = (
        {run.run_id for run in runs if run.example in each} for each in (common.pooled, common.without_idle)
    )
    costs = kind(connection, [run.run_id for run in runs], main_only=not pooled)
    chosen = in_scope(costs, Scope(), pooled, without_idle)
    functions = [None] * len(costs) if costs.function is None else costs.function.tolist()
    told: dict[Key, Samples] = {}
    members: dict[Key, set[str]] = {}
    for row in chosen.nonzero()[0].tolist():
        key = Item(costs.module[row], functions[row]).key
        known, inclusive = told.get(key, Samples(0, 0)), int(costs.inclusive_samples[row])
        members.setdefault(key, set()).add(str(costs.run_id[row]))
        told[key] = Samples(
            known.exclusive + int(costs.exclusive_samples[row]),
            None if known.inclusive is None or inclusive == NOT_KNOWN else known.inclusive + inclusive,
        )
    # What a run without call paths does not name may have been on a stack all the same.
    partial = {run.run_id for run in runs if run.detail != STACKS}
    return {key: each if partial <= members[key] else replace(each, inclusive=None) for key, each in told.items()}


def _as_typed(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _notes(known: dict[Path, list[store.SourceRun]], traces: readers.FoundTraces) -> Iterable[tuple[Path, str]]:
    for path, found in known.items():
        if len(found) > 1:
            commits = ", ".join(dict.fromkeys(short_commit(run.commit_sha) for run in found))
            yield path, f"recorded {len(found)} times, of {commits}: the newest run is taken"
    for path, others in traces.left_out.items():
        yield path, f"left out, since they tell less of the same trace: {', '.join(other.name for other in others)}"


def _left_out(runs: Sequence[store.Run]) -> str:
    count = f"{len(runs)} run{'s' if len(runs) != 1 else ''}"
    return f"{count} left out, results of benchmarks, which do not tell where the time goes: perfdb diff compares them"


def _now() -> datetime:
    return datetime.now(UTC)
