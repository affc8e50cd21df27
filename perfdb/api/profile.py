"""Profiling: the examples of the suite, run by run, under a profiler; each trace lands whole, and is recorded.

    settings ─▶ examples, sides ─▶ turns (A B, B A, …) ─▶ launcher under the profiler ─▶ trace + run sheet ─▶ record

Whatever can be refused is refused before the first example runs. A run that failed leaves no trace behind, and the
others of the same example and side are left out: it would fail again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from perfdb.api.profile_request import ManualRequest, ProfileRequest, Side
from perfdb.api.profile_session import Session
from perfdb.api.revision import RecordedAs, revision_to_record
from perfdb.collect.choose import open_profiler
from perfdb.collect.launch import Launch
from perfdb.collect.profiler import Profiler
from perfdb.collect.suite import Turn, chosen_examples, command_launch, launch_of, turns
from perfdb.config import Settings
from perfdb.errors import InputError, RevisionError, UsageError
from perfdb.profile.outcome import Profiled
from perfdb.revisions import Repository
from perfdb.suite_settings import ExampleSettings

__all__ = ["ManualRequest", "ProfileRequest", "profile_command", "profile_each"]

Progress = Callable[[str, int, int], None]
"""Called with what is being run, and how many of how many runs are done."""


def profile_each(
    request: ProfileRequest, database: Path, settings: Settings, folder: Path, progress: Progress | None
) -> Iterator[Profiled]:
    """Profile examples run by run, giving what became of each run but of warm-ups that went well.

    Raises InputError, UsageError, MissingToolError or RevisionError before anything is run; later only CollectError,
    where the profiler brings nothing from the start.
    """
    suite = settings.suite
    examples = chosen_examples(suite, request.examples, settings.file)
    if request.timeout_s is not None:
        examples = tuple(replace(example, timeout_s=request.timeout_s) for example in examples)
    sides = _sides(request, settings, folder)
    launches = {
        (example.name, number): launch_of(example, suite, settings.root, side.build_dir, os.environ)
        for example in examples
        for number, side in enumerate(sides)
    }
    _check_differ(sides, launches, [example.name for example in examples])
    profiler = _open_profiler(request.profiler, settings)
    session = Session(request, settings, database, folder, profiler, progress)
    session.check()
    yield from session.run(turns(examples, suite, len(sides), request.repeat, request.warmup), sides, launches)


def profile_command(
    manual: ManualRequest,
    request: ProfileRequest,
    database: Path,
    settings: Settings,
    folder: Path,
    progress: Progress | None,
) -> Profiled:
    """Profile one command into a trace file, which stays whatever the command's exit code was.

    Of `request` everything counts but `examples`, `pair`, `repeat` and the like. Raises the errors of `profile_each`.
    """
    profiler = _open_profiler(request.profiler, settings)
    target = _manual_target(manual, profiler)
    limit_s = request.timeout_s or settings.suite.timeout_s
    name = manual.example or Path(manual.command[0]).stem
    launch = command_launch(manual.command, folder, os.environ, limit_s)
    example = ExampleSettings(name, tuple(manual.command), folder, process=manual.process)
    side = Side("", None, _recorded_as(request.commit, folder, is_needed=request.is_recorded))
    session = Session(request, settings, database, folder, profiler, progress, target)
    session.check()
    (outcome,) = session.run((Turn(example, 0, 1, 1, is_warmup=False),), (side,), {(name, 0): launch})
    if outcome.trace is None or target.name.lower().endswith(profiler.suffix):
        return outcome
    note = (
        f"{target.name} is what {profiler.name} makes, usually called {profiler.suffix}: perfdb goes by what is in it"
    )
    return replace(outcome, notes=(*outcome.notes, note))


def _open_profiler(wanted: str | None, settings: Settings) -> Profiler:
    return open_profiler(settings, wanted or settings.suite.profiler, os.environ, sys.platform)


def _manual_target(manual: ManualRequest, profiler: Profiler) -> Path:
    """The file that the trace is to be, free, and in a folder that is there; a bare name gets the usual ending."""
    target = manual.trace if manual.trace.suffix else manual.trace.with_name(manual.trace.name + profiler.suffix)
    if target.exists() and not manual.force:
        raise InputError(
            f"asked to write {target}, found that it exists. Add --force to replace it, or name another file."
        )
    if not target.absolute().parent.is_dir():
        raise InputError(f"asked to write {target}, found no folder {target.parent}. Make it, or name another file.")
    return target.absolute()


# ---- whose runs they are ---------------------------------------------------------------------------------------------


def _sides(request: ProfileRequest, settings: Settings, folder: Path) -> tuple[Side, ...]:
    if request.pair is None:
        build_dir = request.build_dir or settings.suite.build_dir
        is_needed = request.is_recorded
        return (Side("", build_dir, _recorded_as(request.commit, folder, is_needed=is_needed)),)
    if request.commit is not None or request.build_dir is not None:
        raise UsageError("--pair says revisions and build folders: leave --commit and --build-dir out.")
    repository = Repository.find(folder)
    sides = tuple(Side(rev, build_dir, revision_to_record(rev, repository)) for rev, build_dir in request.pair)
    commits = [side.recorded_as.revision.commit_sha for side in sides if side.recorded_as]
    if commits[0] == commits[1]:
        raise UsageError(
            f"asked for a pair of {sides[0].label} and {sides[1].label}, found that both are {commits[0][:10]}: their "
            "runs could not be told apart. Name two commits."
        )
    return sides


def _check_differ(sides: Sequence[Side], launches: Mapping[tuple[str, int], Launch], names: Sequence[str]) -> None:
    """Refuse a pair that runs one program for both: what one commit did would stand under the name of the other."""
    if len(sides) == 1:
        return
    same = next((name for name in names if launches[name, 0] == launches[name, 1]), None)
    if same is not None:
        raise InputError(
            f"asked for a pair of {sides[0].label} and {sides[1].label}, found that the example {same!r} starts the "
            "same program for both. Name two build folders, and write {build} where the example names its program."
        )


def _recorded_as(commit: str | None, folder: Path, *, is_needed: bool) -> RecordedAs | None:
    """The commit that runs are of; None where nobody can tell it and nobody needs it."""
    try:
        return revision_to_record(commit, Repository.find(folder))
    except RevisionError:
        if is_needed or commit is not None:
            raise
        return None
