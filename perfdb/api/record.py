"""Recording: traces and results of benchmarks in, runs out, one file at a time, so that a bad one costs no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from perfdb import readers
from perfdb.api.record_results import record_results
from perfdb.api.record_trace import has_sheet, record_trace
from perfdb.api.recording import Progress as Progress
from perfdb.api.recording import Recording
from perfdb.api.recording import RecordRequest as RecordRequest
from perfdb.api.revision import Commits
from perfdb.api.symbols import Symbols
from perfdb.api.xperf import VIA, ThroughXperf
from perfdb.collect.run_sheet import is_sheet_of_one
from perfdb.config import Settings
from perfdb.errors import InputError, UsageError
from perfdb.profile.outcome import FAILED, Outcome
from perfdb.readers.etl import ETL

MIN_INTERVAL_MS, MAX_INTERVAL_MS = 0.001, 10_000.0
"""What a sampling interval may be."""


def record_each(
    request: RecordRequest, database: Path, settings: Settings, folder: Path, progress: Progress | None
) -> Iterator[Outcome]:
    """Record the files of a request one after the other; errors that concern one file become its outcome.

    A trace has one outcome, a file of benchmark results one a benchmark. The database is opened for each file alone, so
    that others may read and write between two.
    """
    _check(request)
    xperf = ThroughXperf(settings, progress) if request.via else None
    traces = readers.find_traces(request.paths, (ETL,) if xperf else readers.READERS)
    paths = [path for path in traces.paths if not is_sheet_of_one(path, traces.paths)]
    commits = Commits(request.commit, folder)
    if request.commit is not None or not all(_may_tell_commit(path) for path in paths):
        commits.of_call()  # a commit that nobody knows is said once, before anything is read
    recording = Recording(request, commits, database, settings, progress)
    symbols = None if request.no_symbols else Symbols(settings, folder, request.symbols, request.templates, progress)
    for path in paths:
        try:
            yield from _record_file(recording, path, xperf, symbols, traces.left_out.get(path, ()))
        except InputError as problem:
            message = str(problem)
            if path.name not in message:  # among many, one must know which
                message = f"{path}: {message}"
            yield Outcome(FAILED, path.name, message=message, exit_code=problem.exit_code)


def _may_tell_commit(path: Path) -> bool:
    """Whether a file, or the sheet beside it, may say which commit it is of."""
    return has_sheet(path) or ".json" in path.suffixes


def _record_file(
    recording: Recording, path: Path, xperf: ThroughXperf | None, symbols: Symbols | None, left_out: Sequence[Path]
) -> Iterator[Outcome]:
    formats = (xperf.reader(path),) if xperf else readers.READERS
    with readers.open_trace(path, formats, recording.request.format) as trace:
        if trace.has_results:
            outcomes = record_results(recording, trace, path)
        else:
            outcome = _with_left_out(record_trace(recording, trace, path, symbols), left_out)
            outcome = replace(outcome, notes=(*outcome.notes, *(symbols.notes if symbols is not None else ())))
            outcomes = [xperf.with_note(outcome) if xperf else outcome]
    yield from outcomes


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
