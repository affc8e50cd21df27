"""The runs of one call of `perfdb profile`: each under the profiler, landed whole with its run sheet, and recorded."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from perfdb import readers, store
from perfdb.api.profile_clock import Clock
from perfdb.api.profile_ended import main_process, no_samples, problem_of
from perfdb.api.profile_request import ProfileRequest, Side
from perfdb.api.record import RecordRequest, record_each
from perfdb.collect import launch as launcher
from perfdb.collect.landing import land
from perfdb.collect.launch import Launch, Launched
from perfdb.collect.process import Tick, run
from perfdb.collect.profiler import Call, Profiler
from perfdb.collect.run_sheet import RunSheet, sheet_path, write_sheet
from perfdb.collect.suite import Turn
from perfdb.collect.trace_files import thin_traces, trace_path
from perfdb.config import Settings
from perfdb.errors import CollectError, InputError
from perfdb.profile.measurement import Measurement
from perfdb.profile.outcome import FAILED, PROFILED, Profiled

Progress = Callable[[str, int, int], None]
"""Called with what is being run, and how many of how many runs are done."""

WORK = ".perfdb-profile-"
"""What the folders begin with in which runs come about, beside the traces."""

LEFT_S = 7 * 24 * 3600.0
"""A folder so old is of a run that was killed: no example runs for a week."""

PROFILER_GRACE_S = 300.0
"""What a profiler may take beyond the example's time limit: merging a long trace takes a while."""


class Session:
    """All runs of one call; `target` is the trace of a manual one."""

    def __init__(
        self,
        request: ProfileRequest,
        settings: Settings,
        database: Path,
        folder: Path,
        profiler: Profiler,
        progress: Progress | None,
        target: Path | None = None,
    ) -> None:
        self.request = request
        self.settings = settings
        self.database = database
        self.folder = folder
        self.profiler = profiler
        self.progress = progress
        self.target = target
        self.traces = target.parent if target else settings.suite.folder

    def check(self) -> None:
        """Refuse what would fail only once the first example has run."""
        if self.request.is_recorded and self.database.exists():
            with store.opened_for_write(self.database, self.settings.lock_wait_s):
                pass
        try:
            self.traces.mkdir(parents=True, exist_ok=True)
            _remove_what_is_left(self.traces)
            with tempfile.TemporaryDirectory(prefix=WORK, dir=self.traces):
                pass
        except OSError as problem:
            raise InputError(
                f"asked to put traces into {self.traces}, found that nothing can be written there "
                f"({problem.strerror or problem}). Name another folder: folder under [profile] in perfdb.toml."
            ) from problem

    def run(
        self, turns: Sequence[Turn], sides: Sequence[Side], launches: Mapping[tuple[str, int], Launch]
    ) -> Iterator[Profiled]:
        """Run the turns; `launches` are by example and side.

        Raises CollectError where the profiler fails before it has brought any trace.
        """
        clock, has_trace, notes = Clock(turns), False, self.profiler.notes
        with self.profiler.session():
            for turn in turns:
                if turn not in clock.left:  # given up
                    continue
                clock.begin()
                side = sides[turn.side]
                text = _turn_text(turn, side)
                tick = self._ticker(text, clock, len(turns))
                try:
                    outcome = self._run_one(turn, side, launches[turn.example.name, turn.side], tick)
                except CollectError as problem:
                    if not has_trace and len(turns) > 1 and not turn.is_warmup:
                        raise  # nothing will work as long as the profiler does not
                    outcome = self._failed(turn, side, str(problem))
                clock.end(turn)
                if outcome is not None and outcome.status == FAILED:
                    rest = [left for left in clock.left if (left.example.name, left.side) == _key(turn)]
                    clock.drop(rest)
                    outcome = _with_rest(outcome, [left for left in rest if not left.is_warmup])
                if self.progress:
                    self.progress(f"{text}, {clock.text()}", len(turns) - len(clock.left), len(turns))
                if outcome is not None:
                    has_trace = has_trace or outcome.trace is not None
                    yield replace(outcome, notes=(*notes, *outcome.notes))
                    notes = ()  # what holds for all is told once

    def _ticker(self, text: str, clock: Clock, total: int) -> Tick | None:
        progress = self.progress
        if progress is None:
            return None
        return lambda _seconds, _step: progress(f"{text}, {clock.text()}", total - len(clock.left), total)

    def _run_one(self, turn: Turn, side: Side, launch: Launch, tick: Tick | None) -> Profiled | None:
        """One run, whole or not at all; None for a warm-up that went well."""
        with tempfile.TemporaryDirectory(prefix=WORK, dir=self.traces, ignore_cleanup_errors=True) as name:
            work = Path(name)
            command = launcher.prepare(launch, work)
            limit_s = launch.limit_s + PROFILER_GRACE_S
            trace = work / f"whole{self.profiler.suffix}"
            try:
                self._start(turn, command, work, limit_s, trace, tick)
            finally:
                launcher.end_left(work)
            launched = launcher.result(work)
            problem = problem_of(turn.example, launch, launched)
            if turn.is_warmup:
                return self._failed(turn, side, f"the warm-up {problem}") if problem else None
            if problem and (self.target is None or launched is None or launched.problem):
                return self._failed(turn, side, problem)
            assert launched is not None
            landed = self._land(turn, side, trace, launched, is_sound=not problem)
            if problem and landed.status != FAILED:
                kept = f"{problem}; the trace is kept, and not recorded"
                return replace(
                    landed, status=FAILED, message=_message(turn, side, kept), exit_code=InputError.exit_code
                )
            return landed

    def _start(
        self, turn: Turn, command: list[str], work: Path, limit_s: float, trace: Path, tick: Tick | None
    ) -> None:
        """Have the launcher run, under the profiler unless it is a warm-up."""
        if turn.is_warmup:
            run(command, limit_s, environ=os.environ, tick=tick, stop=lambda: launcher.stop(work))
        else:
            self.profiler.trace(Call(command, trace, work, limit_s, lambda: launcher.stop(work), tick))

    def _failed(self, turn: Turn, side: Side, problem: str) -> Profiled:
        message = _message(turn, side, problem)
        return Profiled(FAILED, turn.example.name, side.label, turn.number, turn.of, message, InputError.exit_code)

    def _land(self, turn: Turn, side: Side, trace: Path, launched: Launched, *, is_sound: bool) -> Profiled:
        """Put a trace where it belongs, with its sheet, and record it."""
        example = turn.example
        try:
            with readers.open_trace(trace, readers.READERS) as opened:
                sha256 = opened.source.sha256
                main, samples = main_process(opened.read(), launched.pid, example.process)
        except InputError as refused:
            problem = str(refused).replace(str(trace), f"the trace of {self.profiler.name}")
            return self._failed(turn, side, f"brought no profile: {problem}")
        if not samples:
            return self._failed(turn, side, no_samples(example, launched, self.profiler))
        measurements = launcher.measurements(launched)
        sheet = self._sheet(turn, side, sha256, main, measurements)
        moment = launched.started_at or datetime.now(UTC)
        project = self.settings.suite.project
        target = self.target or trace_path(self.traces, project, example.name, moment, self.profiler.suffix)
        write_sheet(sheet_path(target), sheet)
        land(trace, target)
        profiled = Profiled(
            PROFILED,
            example.name,
            side.label,
            turn.number,
            turn.of,
            trace=target,
            measurements=measurements,
            samples=samples,
        )
        if is_sound and self.request.is_recorded:
            profiled = self._record(profiled, turn, side, target)
        keep = self.request.keep or self.settings.suite.keep
        if keep and self.target is None:
            removed = thin_traces(self.traces, project, example.name, keep, (self.profiler.suffix,))
            profiled = replace(profiled, removed=removed)
        return profiled

    def _sheet(self, turn: Turn, side: Side, sha256: str, main: str, measurements: tuple[Measurement, ...]) -> RunSheet:
        recorded_as = side.recorded_as
        return RunSheet(
            sha256,
            turn.example.name,
            recorded_as.revision.commit_sha if recorded_as else "",
            recorded_as.is_dirty if recorded_as else False,
            self.request.build or self.settings.record.build or "",
            main,
            self.profiler.name,
            turn.example.command,
            dict(self.request.tags),
            measurements,
        )

    def _record(self, profiled: Profiled, turn: Turn, side: Side, trace: Path) -> Profiled:
        request = RecordRequest((str(trace),), symbols=self.request.symbols, again=True)
        try:
            (recorded,) = record_each(request, self.database, self.settings, self.folder, None)
        except KeyboardInterrupt as pressed:
            raise KeyboardInterrupt(f"what it had just profiled is not recorded: perfdb record {trace}") from pressed
        if recorded.status != FAILED:
            return replace(profiled, recorded=recorded, notes=recorded.notes)
        message = _message(turn, side, f"was profiled, but not recorded: {recorded.message}")
        return replace(profiled, status=FAILED, message=message, exit_code=recorded.exit_code)


def _remove_what_is_left(traces: Path) -> None:
    """Remove the folders of runs of long ago that were killed, and so could not do it themselves."""
    for folder in traces.glob(f"{WORK}*"):
        with suppress(OSError):
            if folder.is_dir() and time.time() - folder.stat().st_mtime > LEFT_S:
                shutil.rmtree(folder, ignore_errors=True)


def _key(turn: Turn) -> tuple[str, int]:
    return turn.example.name, turn.side


def _turn_text(turn: Turn, side: Side) -> str:
    """Which run it is, for people: `simple 2/5 main`."""
    what = "warm-up " if turn.is_warmup else ""
    return f"{turn.example.name} {what}{turn.number}/{turn.of}{f' {side.label}' if side.label else ''}"


def _message(turn: Turn, side: Side, problem: str) -> str:
    return f"{_turn_text(turn, side)}: {problem}"


def _with_rest(outcome: Profiled, rest: Sequence[Turn]) -> Profiled:
    if not rest:
        return outcome
    others = "its other run is" if len(rest) == 1 else f"its {len(rest)} other runs are"
    return replace(outcome, message=f"{outcome.message.rstrip('.')}; {others} left out")
