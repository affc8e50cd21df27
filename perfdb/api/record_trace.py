"""Recording one trace: its profile, what the sheet beside it says, its main process, its names; one run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from perfdb import readers, store
from perfdb.api.recording import Recording, also_recorded
from perfdb.api.revision import RecordedAs
from perfdb.api.symbols import Named, Symbols
from perfdb.collect.run_sheet import RunSheet, read_sheet, sheet_path
from perfdb.collect.trace_files import project_pattern
from perfdb.compare.scope import matches_process
from perfdb.config import Settings
from perfdb.errors import InputError
from perfdb.example_name import example_name
from perfdb.profile.bare import bare
from perfdb.profile.columns import NO_PID, POOLED_PROCESS, UNKNOWN_MODULE, UNRESOLVED, Caveat, Profile
from perfdb.profile.measurement import summed_up
from perfdb.profile.outcome import RECORDED, Outcome
from perfdb.profile.pack import has_addresses, pack
from perfdb.profile.weights import own_work, work_of_processes
from perfdb.readers.etl import ETL
from perfdb.report.names import short_run
from perfdb.units import NS_PER_MS

_LEFT_OUT = Caveat(
    "names-left-out",
    "the names of managed code were left out (--no-symbols): its functions cannot be compared with those of runs that "
    "have them",
)

IDLE_PIDS = (0, 4)
"""The idle and the system process: the main process only when nothing else worked."""


def record_trace(recording: Recording, trace: readers.OpenTrace, path: Path, symbols: Symbols | None) -> Outcome:
    """Record an open trace; `path` is its file, beside which its sheet may lie. Raises InputError."""
    request, settings = recording.request, recording.settings
    sheet, sheet_notes = _sheet_of(trace, path)
    recorded_as = recording.commits.of_file(sheet.commit_sha, sheet.is_dirty)
    example = request.example or sheet.example or example_of(trace.source.name, settings)
    commit_sha = recorded_as.revision.commit_sha
    earlier = recording.earlier_runs(trace.source)
    same = [run for run in earlier if (run.commit_sha, run.example) == (commit_sha, example)]
    if same and not request.again:
        return recording.known(trace.source, same[0].run_id, example, commit_sha)
    profile = trace.read(recording.read_options(trace.source.name))
    wanted = request.process or sheet.process or settings.record.process
    profile = _named(profile, wanted)
    main = choose_main(profile, wanted)
    addresses = pack(profile) if has_addresses(profile) else None
    named = Named(without_names(profile), {}) if symbols is None else symbols.name(profile)
    profile = named.profile
    new = store.NewRun(
        revision=recorded_as.revision,
        example=example,
        main_process=main,
        build=request.build or sheet.build or settings.record.build or "",
        is_dirty=recorded_as.is_dirty,
        tags={**sheet.tags, **request.tags},
        recorded_at=datetime.now(UTC),
        measurements=sheet.measurements,
        addresses=addresses,
        symbols=named.symbols,
    )
    with store.opened_for_write(recording.database, settings.lock_wait_s) as connection:
        # Another process may have recorded the trace while this one read it.
        meanwhile = store.find_duplicate(connection, profile.source.sha256, commit_sha, example)
        if meanwhile and not request.again:
            return recording.known(profile.source, meanwhile, example, commit_sha)
        run_id = store.write_run(connection, profile, new)
    symbol_notes = _nothing_named(profile, run_id) if symbols else ()
    notes = (*sheet_notes, *also_recorded(earlier, commit_sha), *symbol_notes)
    outcome = _outcome(profile, main, run_id, example, recorded_as, notes)
    return replace(outcome, measured=summed_up(new.measurements))


def example_of(file_name: str, settings: Settings) -> str:
    """The example that a trace of this name shows: by the patterns of the settings, then that of the suite."""
    return example_name(file_name, (*settings.record.example_pattern, project_pattern(settings.suite.project)))


def has_sheet(path: Path) -> bool:
    """Whether a sheet lies beside a trace, packed or not."""
    return any(sheet_path(trace).exists() for trace in (path, path.with_name(path.stem)))


def _sheet_of(trace: readers.OpenTrace, path: Path) -> tuple[RunSheet, tuple[str, ...]]:
    """What the sheet beside a trace says, an empty one where there is none, and a note where it is of another trace.

    Raises InputError for one that is damaged.
    """
    nothing = RunSheet(trace.source.sha256, example="")
    # The name of a trace that was packed is what it was before, and so is its sheet's.
    for named in dict.fromkeys((path, path.with_name(trace.source.name))):
        sheet = read_sheet(named)
        if sheet is not None and sheet.trace_sha256 == trace.source.sha256:
            return sheet, ()
        if sheet is not None:
            return nothing, (f"{sheet_path(named).name} is of another trace, and was left out",)
    return nothing, ()


def _nothing_named(profile: Profile, run_id: str) -> tuple[str, ...]:
    """A note where symbols were looked for and none was found."""
    looked_for = [row for row in profile.loaded if row.symbols]
    if not looked_for or any(row.symbols in ("full", "public") for row in looked_for):
        return ()
    what = "the symbol file of its one module" if len(looked_for) == 1 else f"none of {len(looked_for)} symbol files"
    found = "was not found" if len(looked_for) == 1 else "was found"
    return (f"{what} {found}; perfdb show {short_run(run_id)} lists them",)


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


def choose_main(profile: Profile, wanted: str | None) -> int:
    """The row of the main process: the one asked for by name or pid, else the one with the most work.

    Of several processes with the name it is the one with the most work. Raises InputError where none has it.
    """
    work = work_of_processes(profile)
    rows = [row for row in range(len(work)) if work[row]]
    if wanted is None:
        busy = [row for row in rows if profile.processes[row].pid not in IDLE_PIDS] or rows
        return max(busy, key=lambda row: work[row], default=0)
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
