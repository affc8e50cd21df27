"""Naming the addresses of runs that are recorded already, when their symbol files turn up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfdb import readers, store
from perfdb.api.symbols import HOW_TO_SET, Symbols
from perfdb.config import Settings
from perfdb.errors import InputError, PerfdbError
from perfdb.profile.columns import MEASURED, STACKS, TEMPLATES_FOLDED, UNRESOLVED, Caveat, Profile
from perfdb.profile.outcome import FAILED, RESOLVED, Resolved
from perfdb.profile.pack import PackError, has_addresses, pack, unpack
from perfdb.report.names import short_run

Progress = Callable[[str, int, int], None]

_NO_PATH = Caveat(
    "symbol-no-path", f"no symbol path is set: only what had a name, or has one in the trace, has one now; {HOW_TO_SET}"
)


@dataclass(frozen=True, slots=True)
class SymbolicateRequest:
    """Which runs to name (ids, or revisions for all their runs), and with what.

    `traces` are the files that runs were recorded from, needed where the history kept no addresses. `symbols` come
    before the symbol path of the settings; `templates` None leaves a run that has names as it is, else
    is as set.
    """

    targets: tuple[str, ...]
    traces: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    templates: str | None = None


def symbolicate_each(
    runs: Sequence[store.Run],
    request: SymbolicateRequest,
    database: Path,
    settings: Settings,
    folder: Path,
    progress: Progress | None,
) -> Iterator[Resolved]:
    """Look up the addresses of runs one after the other; what concerns one run only becomes its outcome.

    A run that would lose names it has keeps them all, and fails. Raises InputError for a trace that none of the runs
    was recorded from.
    """
    symbols = Symbols(settings, folder, request.symbols, request.templates, progress, refresh=True)
    traces = _traces_of(runs, request.traces)
    for number, run in enumerate(runs):
        if progress:
            progress("runs", number, len(runs))
        try:
            yield _symbolicate(run, traces.get(run.source_sha256), request, symbols, database, settings, progress)
        except PerfdbError as problem:
            message = f"{_name(run)}: {problem}"
            yield Resolved(
                FAILED,
                run.run_id,
                run.example,
                run.commit_sha,
                run.source_name,
                message=message,
                exit_code=problem.exit_code,
            )


def _traces_of(runs: Sequence[store.Run], asked: Sequence[str]) -> dict[str, Path]:
    """The trace files by the hash of their content; every one must be that of a run."""
    if not asked:
        return {}
    wanted = {run.source_sha256 for run in runs}
    traces: dict[str, Path] = {}
    for path in readers.find_traces(tuple(asked), readers.PROFILE_READERS).paths:
        with readers.open_trace(path, readers.PROFILE_READERS, None) as trace:
            sha256 = trace.source.sha256
        if sha256 not in wanted:
            names = ", ".join(sorted({run.source_name for run in runs})[:3])
            raise InputError(
                f"asked to take the addresses from {path}, found that none of these runs was recorded from it, but "
                f"from {names}. Name that file, or the runs of this one."
            )
        traces[sha256] = path
    return traces


def _symbolicate(
    run: store.Run,
    trace: Path | None,
    request: SymbolicateRequest,
    symbols: Symbols,
    database: Path,
    settings: Settings,
    progress: Progress | None,
) -> Resolved:
    profile, addresses = _read_again(trace, progress) if trace else (_kept(run, database, settings), None)
    main = _main_process(run, profile)
    with store.opened_for_read(database, settings.lock_wait_s) as connection:
        before = store.symbol_states(connection, run.run_id)
        known = store.kept_symbols(connection, run.run_id)
    if not symbols and not known and not _has_names(profile):
        found = f" ({'; '.join(symbols.notes)})" if symbols.notes else ""
        raise InputError(f"asked for names of its addresses, found no symbol path{found}: {HOW_TO_SET}.")
    naming = symbols.name(profile, request.templates or _templates_of(run, before), known)
    named = naming.profile
    _keep_what_is_known(named, before)
    with store.opened_for_write(database, settings.lock_wait_s) as connection:
        store.rename_run(connection, run.run_id, named, main, addresses=addresses, symbols=naming.symbols)
        after = store.runs(connection, run_ids=[run.run_id])
        wanted = store.wanted_symbols(connection, [run.run_id])
    if not after:
        raise InputError("found that it is not in the history any more.")
    told = [caveat for caveat in named.caveats if caveat not in profile.caveats]
    told += [Caveat("symbol-path", note) for note in symbols.notes]
    return Resolved(
        status=RESOLVED,
        run_id=run.run_id,
        example=run.example,
        commit_sha=run.commit_sha,
        source_name=run.source_name,
        is_dirty=run.is_dirty,
        samples=run.samples,
        share_before=run.unresolved_share or 0.0,
        share_after=after[0].unresolved_share or 0.0,
        wanted=tuple(wanted),
        caveats=tuple(told if symbols else [*told, _NO_PATH]),
    )


def _templates_of(run: store.Run, states: Mapping[tuple[str, str], str]) -> str | None:
    """What the run's names have made of template arguments; None where it has no names from symbol files."""
    if not any(state in ("full", "public") for state in states.values()):
        return None
    return "fold" if any(caveat.code == TEMPLATES_FOLDED for caveat in run.caveats) else "keep"


def _has_names(profile: Profile) -> bool:
    """Whether the trace itself names functions: those of managed code."""
    return any(name != UNRESOLVED for name in profile.functions.name)


def _keep_what_is_known(named: Profile, before: Mapping[tuple[str, str], str]) -> None:
    """Raises InputError where a module has names now and would have none, or fewer."""
    worth = {"full": 2, "public": 1}
    after = {(named.modules[row.module], row.debug_id): row.symbols for row in named.loaded}
    lost = sorted(
        module
        for (module, debug_id), state in before.items()
        if worth.get(after.get((module, debug_id), state), 0) < worth.get(state, 0)
    )
    if lost:
        names = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        raise InputError(
            f"found that {names} would lose the names that the run has, for the symbol files are not found any more. "
            "The run is as it was; add their folders: --symbols DIR"
        )


def _read_again(trace: Path, progress: Progress | None) -> tuple[Profile, bytes | None]:
    with readers.open_trace(trace, readers.PROFILE_READERS, None) as opened:
        name = opened.source.name
        show = None if progress is None else lambda done, total: progress(name, done, total)
        profile = opened.read(readers.ReadOptions(progress=show))
    if not has_addresses(profile):
        raise InputError(f"asked for names of its addresses, found that {trace} tells none.")
    return profile, pack(profile)


def _kept(run: store.Run, database: Path, settings: Settings) -> Profile:
    if run.detail == MEASURED:
        raise InputError(
            "asked for names of its addresses, found the result of a benchmark, which has none: `perfdb show` tells "
            "what was measured."
        )
    with store.opened_for_read(database, settings.lock_wait_s) as connection:
        content = store.kept_addresses(connection, run.run_id)
    if content is None and (run.detail != STACKS or run.source_format != "etl"):
        raise InputError(
            f"asked for names of its addresses, found that {run.source_name} (format {run.source_format}) tells "
            "no addresses, but the names that it has."
        )
    if content is None:
        raise InputError(
            "asked for names of its addresses, found that none were kept when it was recorded. "
            f"Give its trace: --trace {run.source_name}"
        )
    try:
        return unpack(content)
    except PackError as problem:
        raise InputError(
            f"asked for names of its addresses, found that {problem}. Give its trace: --trace {run.source_name}"
        ) from problem


def _main_process(run: store.Run, profile: Profile) -> int:
    for row, process in enumerate(profile.processes):
        if (process.pid, process.incarnation) == (run.main_pid, run.main_incarnation):
            return row
    raise InputError(f"found that {run.source_name} has no process {run.main_pid}, which is the run's main process.")


def _name(run: store.Run) -> str:
    return f"run {short_run(run.run_id)} ({run.example})"
