"""Recording: traces in, runs out, one at a time, so that a bad trace costs itself and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from perfdb import readers, store
from perfdb.api.revision import RecordedAs, revision_to_record
from perfdb.api.scope import matches_process
from perfdb.config import Settings
from perfdb.errors import InputError
from perfdb.example_name import example_name
from perfdb.profile.columns import UNRESOLVED, Profile, Source
from perfdb.profile.outcome import FAILED, KNOWN, RECORDED, Outcome
from perfdb.profile.weights import ItemWeights, item_weights, sum_samples
from perfdb.revisions import Repository
from perfdb.units import NS_PER_MS

Progress = Callable[[str, int, int], None]
"""Called with what is being read, and how many of how many bytes are done."""

_KNOWN_MESSAGE = (
    "this trace is recorded already for this commit and example, with the process, build and tags it had then; "
    "--again records it anew"
)

IDLE_PIDS = (0, 4)
"""The idle and the system process: the main process only when nothing else worked."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record, and as what. `paths` may hold folders and globs; None is the default of `perfdb record`."""

    paths: tuple[str, ...]
    commit: str | None = None
    example: str | None = None
    process: str | None = None
    build: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    again: bool = False


def record_each(
    request: RecordRequest, database: Path, settings: Settings, folder: Path, progress: Progress | None
) -> Iterator[Outcome]:
    """Record the traces of a request one after the other; errors that concern one trace become its outcome.

    The database is opened for each run alone, so that others may read and write between two traces.
    """
    paths = readers.expand_paths(request.paths, readers.READERS)
    recorded_as = revision_to_record(request.commit, Repository.find(folder))
    for path in paths:
        try:
            yield _record_one(path, request, recorded_as, database, settings, progress)
        except InputError as problem:
            yield Outcome(FAILED, path.name, message=str(problem), exit_code=problem.exit_code)


def _record_one(
    path: Path,
    request: RecordRequest,
    recorded_as: RecordedAs,
    database: Path,
    settings: Settings,
    progress: Progress | None,
) -> Outcome:
    with readers.open_trace(path, readers.READERS) as trace:
        example = request.example or example_name(trace.source.name, settings.record.example_pattern)
        commit_sha = recorded_as.revision.commit_sha
        earlier = _earlier_runs(database, trace.source, settings)
        same = [run for run in earlier if (run.commit_sha, run.example) == (commit_sha, example)]
        if same and not request.again:
            return Outcome(KNOWN, trace.source.name, _KNOWN_MESSAGE, 0, same[0].run_id, example, commit_sha)
        profile = trace.read(lambda done, total: progress(trace.source.name, done, total) if progress else None)
    main = choose_main(profile, request.process or settings.record.process)
    new = store.NewRun(
        revision=recorded_as.revision,
        example=example,
        main_process=main,
        build=request.build or settings.record.build or "",
        is_dirty=recorded_as.is_dirty,
        tags=dict(request.tags),
        recorded_at=datetime.now(UTC),
    )
    with store.opened_for_write(database, settings.lock_wait_s) as connection:
        # Another process may have recorded the trace while this one read it.
        meanwhile = store.find_duplicate(connection, profile.source.sha256, commit_sha, example)
        if meanwhile and not request.again:
            return Outcome(KNOWN, profile.source.name, _KNOWN_MESSAGE, 0, meanwhile, example, commit_sha)
        run_id = store.write_run(connection, profile, new)
    others = sorted({run.commit_sha for run in earlier} - {commit_sha})
    notes = (f"the same trace is also recorded for {', '.join(sha[:10] for sha in others)}",) if others else ()
    return _outcome(profile, main, run_id, example, recorded_as, notes)


def _earlier_runs(database: Path, source: Source, settings: Settings) -> list[store.SourceRun]:
    if not database.exists():
        return []
    with store.opened_for_write(database, settings.lock_wait_s) as connection:
        return store.runs_of_source(connection, source.sha256)


def choose_main(profile: Profile, wanted: str | None) -> int:
    """The row of the main process: the one asked for by name or pid, else the one with the most work.

    Of several processes with the name it is the one with the most work. Raises InputError where none has it.
    """
    work = np.zeros(len(profile.processes), np.int64)
    np.add.at(work, profile.samples.process, profile.samples.weight_ns)
    rows = [row for row in range(len(work)) if work[row]]
    if wanted is None:
        busy = [row for row in rows if profile.processes[row].pid not in IDLE_PIDS] or rows
        return max(busy, key=lambda row: work[row])
    named = [row for row in rows if matches_process(wanted, profile.processes[row].name, profile.processes[row].pid)]
    if named:
        return max(named, key=lambda row: work[row])
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
    mine = profile.samples.process == main
    samples = int(profile.samples.count[mine].sum())
    weight_ns = int(profile.samples.weight_ns[mine].sum())
    function_of_stack = profile.frames.function[profile.stacks.frame]
    modules = _main_weights(
        item_weights(profile.stacks, profile.functions.module[function_of_stack], sum_samples(profile)), main
    )
    hottest = max(modules, key=lambda module: modules[module])
    unresolved = np.array([name == UNRESOLVED for name in profile.functions.name], np.bool_)
    leaf_unresolved = unresolved[function_of_stack[profile.samples.stack[mine]]]
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
        hottest_share=modules[hottest] / weight_ns if weight_ns else 0.0,
        lost_events=profile.lost_events,
        lost_buffers=profile.lost_buffers,
        unresolved_share=int(profile.samples.count[mine][leaf_unresolved].sum()) / samples if samples else 0.0,
        caveats=profile.caveats,
        notes=notes,
    )


def _main_weights(weights: ItemWeights, main: int) -> dict[int, int]:
    mine = weights.process == main
    return dict(zip(weights.item[mine].tolist(), weights.exclusive_ns[mine].tolist(), strict=True))
