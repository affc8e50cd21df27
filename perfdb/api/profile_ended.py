"""What a run that has ended says: whether it may be kept, and whose samples are its own."""

from __future__ import annotations

from pathlib import Path

from perfdb.collect.failures import shown_end
from perfdb.collect.launch import Launch, Launched
from perfdb.collect.profiler import Profiler
from perfdb.compare.scope import matches_process
from perfdb.profile.columns import Profile
from perfdb.profile.weights import work_of_processes
from perfdb.suite_settings import ExampleSettings


def problem_of(example: ExampleSettings, launch: Launch, launched: Launched | None) -> str:
    """Why a run must not be kept; "" where it may."""
    if launched is None:
        return f"{launch.command[0]} was started, and nothing is known of its end: the launcher was ended from outside"
    if launched.problem:
        return f"{launch.command[0]} could not be started ({launched.problem})"
    seconds = f"{launched.wall_ns / 1e9:,.1f} s"
    if launched.timed_out:
        told = f"still ran after {launch.limit_s:g} s, its time limit, and was ended{_said(launched)}"
        return f"{told} (timeout_s in perfdb.toml, or --timeout)"
    if launched.stopped:
        return f"was stopped after {seconds}"
    if launched.exit_code not in example.exit_codes:
        return f"{shown_end(launched.exit_code)} after {seconds}{_said(launched)}"
    return ""


def _said(launched: Launched) -> str:
    return f"; it said: {' / '.join(launched.output[-3:])}" if launched.output else ", without a word"


def no_samples(example: ExampleSettings, launched: Launched, profiler: Profiler) -> str:
    """What to say of a run whose main process has none."""
    ran = f"ran for {launched.wall_ns / 1e6:,.1f} ms"
    started = f"{Path(example.command[0]).name} (pid {launched.pid})"
    whose = f"{started}, which {ran}" if example.process is None else f"{example.process} while {started} {ran}"
    return (
        f"{profiler.name} took no samples of {whose}. Let the example do more work, or name the process that does it: "
        "process in its table of perfdb.toml, or --process"
    )


def main_process(profile: Profile, pid: int, wanted: str | None) -> tuple[str, int]:
    """The main process, as `perfdb record` takes it, and its samples: the one asked for, by name or pid; else the
    busiest of the program that was started and of those that it started itself.
    """
    work = work_of_processes(profile)
    if wanted is not None:
        rows = [
            row for row, process in enumerate(profile.processes) if matches_process(wanted, process.name, process.pid)
        ]
    else:
        rows = _family(profile, pid)
    busiest = max(rows, key=lambda row: work[row], default=None)
    if busiest is None or not work[busiest]:
        return wanted or str(pid), 0
    samples = int(profile.samples.count[profile.samples.process == busiest].sum())
    return wanted or str(profile.processes[busiest].pid), samples


def _family(profile: Profile, pid: int) -> list[int]:
    """The rows of a process and of all its descendants."""
    pids, size = {pid}, 0
    while len(pids) > size:
        size = len(pids)
        pids |= {process.pid for process in profile.processes if process.parent_pid in pids}
    return [row for row, process in enumerate(profile.processes) if process.pid in pids]
