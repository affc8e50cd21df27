"""Recording: traces in, runs out, one at a time, so that a bad trace costs itself and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from perfdb import readers, store
from perfdb.api.revision import RecordedAs, revision_to_record
from perfdb.api.symbols import Named, Symbols
from perfdb.api.xperf import VIA, ThroughXperf
from perfdb.compare.scope import matches_process
from perfdb.config import Settings
from perfdb.errors import InputError, UsageError
from perfdb.example_name import example_name
from perfdb.profile.bare import bare
from perfdb.profile.columns import NO_PID, POOLED_PROCESS, UNKNOWN_MODULE, UNRESOLVED, Caveat, Profile, Source
from perfdb.profile.outcome import FAILED, KNOWN, RECORDED, Outcome
from perfdb.profile.pack import has_addresses, pack
from perfdb.profile.weights import own_work, work_of_processes
from perfdb.readers.etl import ETL
from perfdb.report.names import short_run
from perfdb.revisions import Repository
from perfdb.units import NS_PER_MS

Progress = Callable[[str, int, int], None]
"""Called with what is being read, and how many of how many bytes are done."""

_KNOWN_MESSAGE = (
    "this trace is recorded already for this commit and example, with the format, process, build and tags it had then; "
    "--again records it anew"
)

_LEFT_OUT = Caveat(
    "names-left-out",
    "the names of managed code were left out (--no-symbols): its functions cannot be compared with those of runs that "
    "have them",
)

IDLE_PIDS = (0, 4)
"""The idle and the system process: the main process only when nothing else worked."""

MIN_INTERVAL_MS, MAX_INTERVAL_MS = 0.001, 10_000.0
"""What a sampling interval may be."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record, and as what. `paths` may hold folders and globs; None is the default of `perfdb record`.

    `via` is None, or "xperf" for traces that xperf is to turn into text first. `symbols` are symbol paths that come
    before that of the settings; `no_symbols` leaves names out, those of managed code too; `templates` None is as set.
    """

    paths: tuple[str, ...]
    commit: str | None = None
    example: str | None = None
    process: str | None = None
    build: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    format: str | None = None
    interval_ms: float | None = None
    via: str | None = None
    symbols: tuple[str, ...] = ()
    no_symbols: bool = False
    templates: str | None = None


def record_each(
    request: RecordRequest, database: Path, settings: Settings, folder: Path, progress: Progress | None
) -> Iterator[Outcome]:
    """Record the traces of a request one after the other; errors that concern one trace become its outcome.

    The database is opened for each run alone, so that others may read and write between two traces.
    """
    _check(request)
    xperf = ThroughXperf(settings, progress) if request.via else None
    traces = readers.find_traces(request.paths, (ETL,) if xperf else readers.READERS)
    recorded_as = revision_to_record(request.commit, Repository.find(folder))
    symbols = None if request.no_symbols else Symbols(settings, folder, request.symbols, request.templates, progress)
    for path in traces.paths:
        formats = (xperf.reader(path),) if xperf else readers.READERS
        try:
            outcome = _record_one(path, formats, request, recorded_as, database, settings, symbols, progress)
            outcome = _with_left_out(outcome, traces.left_out.get(path, ()))
            outcome = replace(outcome, notes=(*outcome.notes, *(symbols.notes if symbols is not None else ())))
            yield xperf.with_note(outcome) if xperf else outcome
        except InputError as problem:
            message = str(problem)
            if path.name not in message:  # among many, one must know which
                message = f"{path}: {message}"
            yield Outcome(FAILED, path.name, message=message, exit_code=problem.exit_code)


def _with_left_out(outcome: Outcome, left_out: Sequence[Path]) -> Outcome:
    if not left_out:
        return outcome
    names = ", ".join(path.name for path in left_out)
    note = f"left out, since they tell less of the same trace: {names} (name a file to record it)"
    return replace(outcome, notes=(*outcome.notes, note))


def _check(request: RecordRequest) -> None:
    """Raises UsageError for a request whose words do not fit together."""
    if request.via not in (None, VIA):
        raise UsageError(f"asked to record by way of {request.via}, found that only {VIA} is known.")
    if request.via and request.format:
        raise UsageError("--via xperf reads what xperf writes: leave --format out.")
    if request.no_symbols and (request.symbols or request.templates):
        raise UsageError("asked for no symbols, and for some: leave out --no-symbols, or --symbols and --templates.")
    if request.interval_ms is not None and not MIN_INTERVAL_MS <= request.interval_ms <= MAX_INTERVAL_MS:
        raise UsageError(
            f"asked for a sampling interval of {request.interval_ms:g} ms, found that it must be from "
            f"{MIN_INTERVAL_MS:g} to {MAX_INTERVAL_MS:,.0f}. Windows samples every 1 ms unless it is told otherwise."
        )


def _record_one(
    path: Path,
    formats: Sequence[readers.Reader],
    request: RecordRequest,
    recorded_as: RecordedAs,
    database: Path,
    settings: Settings,
    symbols: Symbols | None,
    progress: Progress | None,
) -> Outcome:
    with readers.open_trace(path, formats, request.format) as trace:
        example = request.example or example_name(trace.source.name, settings.record.example_pattern)
        commit_sha = recorded_as.revision.commit_sha
        earlier = _earlier_runs(database, trace.source, settings)
        same = [run for run in earlier if (run.commit_sha, run.example) == (commit_sha, example)]
        if same and not request.again:
            return _known(trace.source.name, same[0].run_id, example, commit_sha, request)
        profile = trace.read(_read_options(request, trace.source.name, progress))
    wanted = request.process or settings.record.process
    profile = _named(profile, wanted)
    main = choose_main(profile, wanted)
    addresses = pack(profile) if has_addresses(profile) else None
    named = Named(without_names(profile), {}) if symbols is None else symbols.name(profile)
    profile = named.profile
    new = store.NewRun(
        revision=recorded_as.revision,
        example=example,
        main_process=main,
        build=request.build or settings.record.build or "",
        is_dirty=recorded_as.is_dirty,
        tags=dict(request.tags),
        recorded_at=datetime.now(UTC),
        addresses=addresses,
        symbols=named.symbols,
    )
    with store.opened_for_write(database, settings.lock_wait_s) as connection:
        # Another process may have recorded the trace while this one read it.
        meanwhile = store.find_duplicate(connection, profile.source.sha256, commit_sha, example)
        if meanwhile and not request.again:
            return _known(profile.source.name, meanwhile, example, commit_sha, request)
        run_id = store.write_run(connection, profile, new)
    others = sorted({run.commit_sha for run in earlier} - {commit_sha})
    also = (f"the same trace is also recorded for {', '.join(sha[:10] for sha in others)}",) if others else ()
    notes = (*also, *(_nothing_named(profile, run_id) if symbols else ()))
    return _outcome(profile, main, run_id, example, recorded_as, notes)


def _nothing_named(profile: Profile, run_id: str) -> tuple[str, ...]:
    """A note where symbols were looked for and none was found."""
    looked_for = [row for row in profile.loaded if row.symbols]
    if not looked_for or any(row.symbols in ("full", "public") for row in looked_for):
        return ()
    what = "the symbol file of its one module" if len(looked_for) == 1 else f"none of {len(looked_for)} symbol files"
    found = "was not found" if len(looked_for) == 1 else "was found"
    return (f"{what} {found}; perfdb show {short_run(run_id)} lists them",)


def _known(source_name: str, run_id: str, example: str, commit_sha: str, request: RecordRequest) -> Outcome:
    """The outcome of a trace that is recorded already."""
    message = _KNOWN_MESSAGE
    if request.symbols or request.templates:
        message += f"; perfdb symbolicate {short_run(run_id)} gives it names"
    return Outcome(KNOWN, source_name, message, 0, run_id, example, commit_sha)


def without_names(profile: Profile) -> Profile:
    """The profile without names that came with the addresses; those of a source that tells names only stay."""
    stripped = bare(profile) if profile.source.format == ETL.name else profile
    return stripped if stripped is profile else replace(stripped, caveats=(*stripped.caveats, _LEFT_OUT))


def _named(profile: Profile, wanted: str | None) -> Profile:
    """The profile with its only process named as the user calls it, where the source does not name processes."""
    processes = profile.processes
    if wanted is None or len(processes) != 1 or (processes[0].pid, processes[0].name) != (NO_PID, UNKNOWN_MODULE):
        return profile
    return replace(profile, processes=(replace(processes[0], name=wanted),))


def _read_options(request: RecordRequest, name: str, progress: Progress | None) -> readers.ReadOptions:
    return readers.ReadOptions(
        interval_ns=None if request.interval_ms is None else round(request.interval_ms * NS_PER_MS),
        progress=None if progress is None else lambda done, total: progress(name, done, total),
    )


def _earlier_runs(database: Path, source: Source, settings: Settings) -> list[store.SourceRun]:
    if not database.exists():
        return []
    with store.opened_for_write(database, settings.lock_wait_s) as connection:
        return store.runs_of_source(connection, source.sha256)


def choose_main(profile: Profile, wanted: str | None) -> int:
    """The row of the main process: the one asked for by name or pid, else the one with the most work.

    Of several processes with the name it is the one with the most work. Raises InputError where none has it.
    """
    work = work_of_processes(profile)
    rows = [row for row in range(len(work)) if work[row]]
    if wanted is None:
        busy = [row for row in rows if profile.processes[row].pid not in IDLE_PIDS] or rows
        return max(busy, key=lambda row: work[row])
    named = [row for row in rows if matches_process(wanted, profile.processes[row].name, profile.processes[row].pid)]
    if named:
        return max(named, key=lambda row: work[row])
    if any(process.name == POOLED_PROCESS for process in profile.processes):
        raise InputError(
            f"{profile.source.name}: asked for process {wanted}, found a report that does not tell its processes "
            f"apart. Make it again for one process (xperf … -a stack -butterfly 10 -process {wanted}), or record all "
            f'of them together: --process "{POOLED_PROCESS}"'
        )
    busiest = sorted(rows, key=lambda row: -work[row])[:5]
    listing = ", ".join(f"{profile.processes[row].name} ({profile.processes[row].pid})" for row in busiest)
    raise InputError(
        f"{profile.source.name}: asked for process {wanted}, found no sample of one. "
        f"The busiest are {listing}; name one with --process."
    )


def _outcome(
    profile: Profile, main: int, run_id: str, example: str, recorded_as: RecordedAs, notes: tuple[str, ...]
) -> Outcome:
    process = profile.processes[main]
    own = own_work(profile, main)
    samples, weight_ns = int(own.samples.sum()), int(own.weight_ns.sum())
    by_module = np.zeros(len(profile.modules), np.int64)
    np.add.at(by_module, profile.functions.module, own.weight_ns)
    hottest = int(np.argmax(by_module))
    nameless = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    return Outcome(
        status=RECORDED,
        source_name=profile.source.name,
        run_id=run_id,
        example=example,
        commit_sha=recorded_as.revision.commit_sha,
        is_dirty=recorded_as.is_dirty,
        process=process.name,
        pid=process.pid,
        samples=samples,
        cpu_ms=weight_ns / NS_PER_MS,
        hottest_module=profile.modules[hottest],
        hottest_share=int(by_module[hottest]) / weight_ns if weight_ns else 0.0,
        lost_events=profile.lost_events,
        lost_buffers=profile.lost_buffers,
        unresolved_share=int(own.samples[nameless].sum()) / samples if samples else 0.0,
        caveats=profile.caveats,
        notes=notes,
    )
