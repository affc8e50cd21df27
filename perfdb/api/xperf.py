"""xperf at work for perfdb: a trace read by way of its event text, and its classic reports beside a trace."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from perfdb import readers
from perfdb.collect import (
    CLASSICS,
    DUMPER,
    Classic,
    Ended,
    Step,
    Xperf,
    find_xperf,
    names_functions,
    open_xperf,
    shown_code,
    where_looked,
)
from perfdb.config import Settings
from perfdb.errors import InputError, TraceError, UsageError
from perfdb.profile.columns import Caveat, Profile, Source
from perfdb.profile.outcome import RECORDED, Outcome
from perfdb.readers.etl import ETL
from perfdb.readers.files import HEAD_BYTES, PACKED_SUFFIXES

Progress = Callable[[str, int, int], None]
"""Called with what is being done, and how many of how many parts of it are."""

VIA = "xperf"
"""What `RecordRequest.via` says for traces that xperf is to turn into text."""

DUMPER_FORMAT = "dumper"
"""The name of the reader of that text."""

_NO_SYMBOL_PATH = (
    "; no symbol path is set, so function names will be missing: set symbol_path under [xperf] in perfdb.toml, "
    "or _NT_SYMBOL_PATH, and record with --again"
)


def found_xperf(settings: Settings) -> tuple[Path | None, str]:
    """Where xperf is, None where it is missing, and where it was looked for."""
    return find_xperf(settings.xperf, os.environ), where_looked(settings.xperf, os.environ)


def _open_xperf(settings: Settings, instead: str) -> Xperf:
    return open_xperf(settings, os.environ, on_windows=sys.platform == "win32", instead=instead)


def _ticker(text: str, progress: Progress | None) -> Callable[[float, Step | None], None] | None:
    """Tells the time besides the steps: xperf may be silent for minutes."""
    if progress is None:
        return None
    return lambda seconds, step: progress(f"{text}, {seconds:.0f} s", *(step or (0, 1)))


# ---- record --via xperf ----------------------------------------------------------------------------------------------


class ThroughXperf:
    """Reads `.etl` files by way of xperf's event text. Raises MissingToolError where there is no xperf."""

    def __init__(self, settings: Settings, progress: Progress | None) -> None:
        self._xperf = _open_xperf(settings, "Without --via, perfdb reads .etl itself.")
        self._progress = progress

    def reader(self, path: Path) -> readers.Reader:
        """A reader of this one file: it recognises an `.etl`, and lets xperf and the reader of its text do the rest.

        So the run has the name and the hash of the `.etl`, and xperf is not asked about a trace that is known.
        """
        return replace(
            ETL, name=DUMPER_FORMAT, title=f"{ETL.title}, by way of xperf", read=partial(self._read, path=path)
        )

    def with_note(self, outcome: Outcome) -> Outcome:
        """What became of a trace, with a note on how it was read."""
        if outcome.status != RECORDED:
            return outcome
        note = f"read by way of {self._xperf.program}{'' if self._xperf.has_symbol_path else _NO_SYMBOL_PATH}"
        return replace(outcome, notes=(*outcome.notes, note))

    def _read(self, content: readers.Content, source: Source, options: readers.ReadOptions, *, path: Path) -> Profile:
        try:
            # On Windows a virus scanner may hold a file for a moment longer than we do.
            with tempfile.TemporaryDirectory(prefix="perfdb-xperf-", ignore_cleanup_errors=True) as folder:
                trace = path if _is_plain(path) else _unpack(content, Path(folder, "trace.etl"))
                text = Path(folder, "events.txt")
                ended = self._xperf.run(trace, text, DUMPER, _ticker(f"{source.name}: xperf", self._progress))
                problem = self._xperf.problem(ended, text, DUMPER)
                if problem:
                    raise TraceError(f"{source.name}: {problem}")
                return self._read_text(text, source, options, ended)
        except OSError as problem:
            raise InputError(
                f"{source.name}: asked xperf for its text, found no place for it in {tempfile.gettempdir()} "
                f"({problem.strerror or problem}). Let TEMP name a folder with room for seven times the trace."
            ) from problem

    def _read_text(self, text: Path, source: Source, options: readers.ReadOptions, ended: Ended) -> Profile:
        head = _head(text)
        if not any(reader.recognises(head) for reader in readers.choose_readers(readers.READERS, DUMPER_FORMAT)):
            what = "wrote something else than its event text"
            raise TraceError(f"{source.name}: {self._xperf.unusable(ended, DUMPER, what)}")
        try:
            with readers.open_trace(text, readers.READERS, DUMPER_FORMAT) as opened:
                profile = opened.read(options)
        except TraceError as problem:
            said = str(problem).replace(str(text), text.name).rstrip(".")
            what = f"wrote a text that cannot be read ({said})"
            raise TraceError(f"{source.name}: {self._xperf.unusable(ended, DUMPER, what)}") from problem
        caveats = profile.caveats
        if ended.exit_code:
            words = f" ({ended.lines[-1]})" if ended.lines else ""
            told = f"xperf wrote the text of this trace, but failed then ({shown_code(ended.exit_code)})"
            caveats = (*caveats, Caveat("xperf-exit", f"{told}: events may be missing{words}"))
        return replace(profile, source=source, caveats=caveats)


def _is_plain(path: Path) -> bool:
    """Is the file itself an `.etl`, and not an archive of one?"""
    return ETL.recognises(_head(path))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _unpack(content: readers.Content, target: Path) -> Path:
    with target.open("wb") as file:
        for block in content.blocks():
            file.write(block)
    return target


# ---- perfdb xperf ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which of xperf's classic reports to write, and of which traces; `paths` may hold folders and globs.

    `only` names the reports, all if it is empty; they go beside their trace unless `output_folder` says otherwise.
    Functions with fewer than `min_hits` are left out of the butterfly.
    """

    paths: tuple[str, ...]
    output_folder: Path | None
    only: tuple[str, ...]
    min_hits: int
    force: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one report: its size and a `note` worth knowing, or the `problem` that there was."""

    path: Path
    size_bytes: int = 0
    problem: str = ""
    note: str = ""


def write_reports(request: ReportRequest, settings: Settings, progress: Progress | None) -> Iterator[Written]:
    """Write the reports one after the other; one that fails does not stop the others.

    Raises MissingToolError where there is no xperf, InputError where there is no trace, UsageError where two traces
    would write one file.
    """
    xperf = _open_xperf(settings, "To record a trace no xperf is needed: perfdb record TRACE.")
    classics = [classic for classic in CLASSICS if not request.only or classic.name in request.only]
    traces = _plain_traces(request.paths)
    targets = {trace: (request.output_folder or trace.parent) / trace.stem for trace in traces}
    _refuse_collisions(targets)
    for trace, base in targets.items():
        problem = _problem_of_trace(trace)
        for classic in classics:
            target = base.with_name(base.name + classic.ending)
            if problem:
                yield Written(target, problem=problem)
                break
            try:
                yield _write_report(xperf, trace, target, classic, request, progress)
            except InputError as refused:
                yield Written(target, problem=str(refused))
            except OSError as denied:
                reason = denied.strerror or str(denied)
                told = f"asked to write {target}, found that it cannot be ({reason})."
                yield Written(target, problem=f"{told} Name another folder: --output-folder DIR.")


def _plain_traces(paths: Sequence[str]) -> list[Path]:
    """The traces that are meant; archives that only lie in a folder or match a glob are passed over."""
    found = readers.expand_paths(paths, (ETL,))
    plain = [path for path in found if path.suffix.lower() not in PACKED_SUFFIXES or str(path) in paths]
    if not plain:
        raise InputError(f"asked for reports of {', '.join(paths)}, found only archives. Unpack them: xperf cannot.")
    return plain


def _refuse_collisions(targets: dict[Path, Path]) -> None:
    by_base: dict[Path, Path] = {}
    for trace, base in targets.items():
        other = by_base.setdefault(base.absolute(), trace)
        if other is not trace:
            raise UsageError(
                f"asked for reports of {other} and {trace}, found that both would be {base}_…. Run perfdb xperf for "
                "each, with an --output-folder of its own."
            )


def _problem_of_trace(trace: Path) -> str:
    """Why xperf need not even be asked about a file; "" for a trace."""
    try:
        if trace.is_file() and not _is_plain(trace):
            with readers.open_trace(trace, (ETL,)):  # which says what it is, if it is no archive
                return f"{trace}: asked for reports of it, found an archive. Unpack it: xperf cannot."
        return "" if trace.is_file() else f"{trace}: asked for reports of it, found no file."
    except InputError as refused:
        return str(refused)
    except OSError as denied:
        return f"{trace}: asked to read it, found that it cannot be opened ({denied.strerror}). Check its permissions."


def _write_report(
    xperf: Xperf, trace: Path, target: Path, classic: Classic, request: ReportRequest, progress: Progress | None
) -> Written:
    """Write one report whole or not at all. Raises InputError, and OSError where the folder takes no file."""
    if target.exists() and not request.force:
        raise InputError(
            f"asked to write {target}, found that it exists. Add --force to replace it, or name an --output-folder."
        )
    action = classic.action(request.min_hits)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".perfdb-xperf-", ignore_cleanup_errors=True) as folder:
        output = Path(folder, target.name)
        ended = xperf.run(trace, output, action, _ticker(f"{trace.name}: {classic.name}", progress))
        problem = xperf.problem(ended, output, action)
        if not problem and not classic.looks_right(output):
            problem = xperf.unusable(ended, action, "wrote something else, or not all of it")
        if problem:
            raise TraceError(f"{trace.name}: {problem}")
        note = ""
        if ended.exit_code:
            note = f"xperf failed after it had written this ({shown_code(ended.exit_code)}): it may not be all"
        elif classic.name == "butterfly" and not names_functions(output):
            note = f"no function has {request.min_hits} hits or more: --min-hits 1 shows all"
        size = output.stat().st_size
        output.replace(target)
    return Written(target, size, note=note)
