"""Starting an example under whatever profiler, and measuring it: by a small program of our own in between.

    profiler ──starts──▶ launcher (`launcher.py`) ──starts──▶ the example
                             ▲ launch.json                ▼ launched.json, output.txt

What runs under the profiler is the launcher, which starts the example as its child. So the exit code, the times and
the peak memory are the example's own (profilers do not pass them on, or add their own to them), its pid is known, its
output is kept whatever console the profiler gives it, and its time limit ends it alone: the profiler sees its command
end and writes a whole trace. The launcher needs nothing but the standard library, and is a process of its own in the
trace.

    command = prepare(launch, folder)     # to be run under the profiler, or as it is
    stop(folder)                          # meanwhile: end the example; the launcher tells what it measured so far
    launched = result(folder)
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perfdb.collect import launcher
from perfdb.collect.process import LINE_BYTES, printable
from perfdb.profile.measurement import (
    BYTES,
    EXIT_CODE,
    KERNEL_TIME,
    MS,
    PEAK_MEMORY,
    PLAIN,
    USER_TIME,
    WALL_TIME,
    Measurement,
)

OUTPUT_LINES = 10
"""How many of an example's last lines are kept."""

_TAIL_BYTES = OUTPUT_LINES * LINE_BYTES


@dataclass(frozen=True, slots=True)
class Launch:
    """An example, ready to be started: `command[0]` is an absolute path, `environment` is all of it."""

    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    limit_s: float


@dataclass(frozen=True, slots=True)
class Launched:
    """What the launcher tells of an example that has run.

    `exit_code` is negative for a signal, on Windows unsigned; `problem` says why it could not be started, "" where it
    was. Times are those of the example and of those of its children that it waited for; `peak_memory_bytes` is None
    where it cannot be told. `output` are its last lines.
    """

    pid: int = 0
    exit_code: int = 0
    timed_out: bool = False
    stopped: bool = False
    started_at: datetime | None = None
    wall_ns: int = 0
    user_ns: int = 0
    kernel_ns: int = 0
    peak_memory_bytes: int | None = None
    output: tuple[str, ...] = ()
    problem: str = ""


def prepare(launch: Launch, folder: Path) -> list[str]:
    """Tell the launcher what to start: the command that does it. `folder` is empty, and all its own.

    Raises OSError where nothing can be written there.
    """
    told = {
        "command": [_in_utf8(word) for word in launch.command],
        "folder": _in_utf8(str(launch.folder)),
        "environment": {_in_utf8(name): _in_utf8(value) for name, value in launch.environment.items()},
        "limit_s": launch.limit_s,
    }
    (folder / launcher.LAUNCH).write_text(json.dumps(told), encoding="ascii")
    program = str(Path(launcher.__file__).absolute())
    return [_python(), "-I", "-S", "-X", "utf8", program, str(folder.absolute())]


def _in_utf8(text: str) -> str:
    """A text as the launcher has it, so that the same bytes reach the example: `-X utf8` holds there, not here."""
    if os.name == "nt":
        return text
    try:
        return os.fsencode(text).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # the settings say what this locale does not have
        return text


def _python() -> str:
    """The interpreter itself: on Windows, that of a virtual environment only starts another process."""
    base = getattr(sys, "_base_executable", "")
    return base if base and Path(base).is_file() else sys.executable


def stop(folder: Path) -> None:
    """Have the launcher end the example, which takes a moment. Raises OSError where the folder is gone."""
    (folder / launcher.STOP).touch()


def pid_of(folder: Path) -> int | None:
    """The pid of the example; None where it was not started, or not yet."""
    try:
        return int((folder / launcher.PID).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def end_left(folder: Path) -> None:
    """End the example where the launcher itself was killed, and could not do it. To be called when that is over."""
    pid = pid_of(folder)
    if pid and not (folder / launcher.LAUNCHED).exists():
        launcher.end_tree(pid)


def result(folder: Path) -> Launched | None:
    """What came of it; None where the launcher did not come so far, or was ended itself."""
    try:
        told = json.loads((folder / launcher.LAUNCHED).read_text(encoding="ascii"))
        if "problem" in told:
            return Launched(problem=printable(told["problem"].encode("utf-8", "replace")))
        return Launched(
            pid=int(told["pid"]),
            exit_code=int(told["exit_code"]),
            timed_out=bool(told["timed_out"]),
            stopped=bool(told["stopped"]),
            started_at=datetime.fromisoformat(told["started_at"]).astimezone(UTC),
            wall_ns=int(told["wall_ns"]),
            user_ns=int(told["user_ns"]),
            kernel_ns=int(told["kernel_ns"]),
            peak_memory_bytes=None if told["peak_memory_bytes"] is None else int(told["peak_memory_bytes"]),
            output=_last_lines(folder / launcher.OUTPUT),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _last_lines(path: Path) -> tuple[str, ...]:
    """The last lines of a file that are not empty, printable, without the beginning of a very long one."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = (printable(line[:LINE_BYTES]) for line in file.read().replace(b"\r", b"\n").split(b"\n"))
        return tuple(line for line in lines if line)[-OUTPUT_LINES:]
    return ()


def measurements(launched: Launched) -> tuple[Measurement, ...]:
    """What was measured, in the units of the history; nothing where the example was not started."""
    if launched.problem:
        return ()
    memory = launched.peak_memory_bytes
    return (
        Measurement(WALL_TIME, MS, launched.wall_ns / 1e6),
        Measurement(USER_TIME, MS, launched.user_ns / 1e6),
        Measurement(KERNEL_TIME, MS, launched.kernel_ns / 1e6),
        *(() if memory is None else (Measurement(PEAK_MEMORY, BYTES, float(memory)),)),
        Measurement(EXIT_CODE, PLAIN, float(launched.exit_code)),
    )
