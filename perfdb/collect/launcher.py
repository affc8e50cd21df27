"""Starting one example, measuring it, and ending it in time: a program of its own, which needs nothing of perfdb.

    python -I -S -X utf8 launcher.py FOLDER

    launch.json     in   {"command": […], "folder": "…", "environment": {…}, "limit_s": 600.0}
    launched.pid    out  the pid of the example, as soon as it runs; it leads a process group of that number
    output.txt      out  what the example says, both streams
    stop            in   once this file is there, the example is ended; SIGTERM and SIGINT do the same
    launched.json   out  when it is over: what `measured` says, or {"problem": "…"} where it could not be started

Files are in FOLDER, and come whole or not at all. The exit code is 0 whenever the result could be written: how the
example ended is told there.

An example that takes too long, or is to stop, is ended with everything in its process group, on Windows with the tree
below it. One that ended by itself is not followed by an end of what it left running: that may be meant to stay (a build
server, a cache), and on Windows nothing leads to it any more.

Times are those of the kernel: for the example and those of its children that it waited for. Peak memory is the largest
resident size of one process among these; on Windows of the example alone. On Linux that figure begins with the size of
the launcher, whose copy the example was before it became itself, so that only a larger one is proof. Of smaller
programs the launcher looks now and then at what the kernel has for them so far, and tells the last figure it saw; of
one that was over before the first look, none.
"""

# pathlib, or typing, would make the launcher larger, so that the kernel's figure would prove less.
# ruff: noqa: PTH105, PTH110, PTH118, PTH123

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import chain, repeat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAUNCH, LAUNCHED, PID, OUTPUT, STOP = "launch.json", "launched.json", "launched.pid", "output.txt", "stop"

LOOK_S = 0.1
"""How often to look whether the example is to stop, and how much memory it has."""

FIRST_LOOKS_S = (0.005, 0.005, 0.010, 0.020, 0.040)
"""The pauses between the first looks: of a short run there are to be some."""

INEXACT_BYTES = 1 << 20
"""By so much the kernel's sizes may be off, because each processor counts for itself for a while."""


def main(folder: str) -> None:
    """Do what FOLDER/launch.json says."""
    with open(os.path.join(folder, LAUNCH), encoding="ascii") as file:
        launch = json.load(file)
    asked: list[int] = []
    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: asked.append(number))
    if sys.platform != "win32":
        # Whoever starts us may have it ignored, and then no child can be waited for.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        example = Example(launch, os.path.join(folder, OUTPUT))
    except (OSError, ValueError) as problem:
        write(folder, LAUNCHED, json.dumps({"problem": told(problem)}))
        return
    write(folder, PID, str(example.pid))
    why = example.wait(launch["limit_s"], asked, os.path.join(folder, STOP))
    write(folder, LAUNCHED, json.dumps(example.measured() | {"timed_out": why == "time", "stopped": why == "stop"}))


def told(problem: OSError | ValueError) -> str:
    """What is wrong, as the system says it, and with which file or folder."""
    if not isinstance(problem, OSError) or not problem.strerror:
        return str(problem)
    return f"{problem.strerror}: {problem.filename}" if problem.filename else problem.strerror


def write(folder: str, name: str, text: str) -> None:
    """Write a file whole or not at all."""
    part = os.path.join(folder, name + ".part")
    with open(part, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(part, os.path.join(folder, name))


class Example:
    """The example, which runs from here on. Raises OSError or ValueError where it cannot be started."""

    def __init__(self, launch: dict[str, Any], output: str) -> None:
        with open(output, "wb") as said:
            self.started_s = time.time()
            self._begun_ns = time.perf_counter_ns()
            self._process = subprocess.Popen(
                launch["command"],
                cwd=launch["folder"],
                env=launch["environment"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                creationflags=_new_group(),
            )
        self.pid: int = self._process.pid
        self.wall_ns = 0
        self._usage: dict[str, int | None] = {}
        self._ended = threading.Event()
        self._memory = Memory(self.pid)
        # A thread, because the end must be noticed when it comes, and the rest only looks now and then.
        threading.Thread(target=self._await_end, daemon=True).start()

    def _await_end(self) -> None:
        try:
            self._measure_end()
        finally:
            self._ended.set()

    def _measure_end(self) -> None:
        if sys.platform == "win32":
            self._process.wait()
            self.wall_ns = time.perf_counter_ns() - self._begun_ns
            self._usage = usage_on_windows(int(self._process._handle))  # type: ignore[attr-defined,unused-ignore]
        else:
            _, status, usage = os.wait4(self.pid, 0)
            self.wall_ns = time.perf_counter_ns() - self._begun_ns
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self._usage = {
                "user_ns": round(usage.ru_utime * 1e9),
                "kernel_ns": round(usage.ru_stime * 1e9),
                "peak_memory_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
            }

    def wait(self, limit_s: float, asked: list[int], stop: str) -> str:
        """Wait for its end, and see to it: "time" or "stop" says what it was ended for, "" that it ended by itself."""
        why = ""
        limit_ns = self._begun_ns + limit_s * 1e9
        for pause_s in chain(FIRST_LOOKS_S, repeat(LOOK_S)):
            left_s = (limit_ns - time.perf_counter_ns()) / 1e9
            if self._ended.wait(pause_s if why else max(0.0, min(pause_s, left_s))):
                break
            self._memory.look()
            if not why and (asked or os.path.exists(stop)):
                why = "stop"
            elif not why and time.perf_counter_ns() >= limit_ns:
                why = "time"
            if why:
                end_tree(self.pid)  # at each look, because taskkill misses what is started meanwhile
        return why

    def measured(self) -> dict[str, object]:
        """What is known of it now that it has ended."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.started_s))
        return {
            "pid": self.pid,
            "exit_code": self._process.returncode,
            "started_at": f"{moment}.{int(self.started_s % 1 * 1e6):06}+00:00",
            "wall_ns": self.wall_ns,
            **self._usage,
            "peak_memory_bytes": self._memory.peak_bytes(self._usage["peak_memory_bytes"]),
        }


def _new_group() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def end_tree(pid: int) -> None:
    """End a process that leads a group, or did, with all that is in the group; on Windows with the tree below it."""
    if sys.platform == "win32":
        taskkill = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe")
        command = [taskkill, "/T", "/F", "/PID", str(pid)]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                command, capture_output=True, check=False, timeout=10, creationflags=subprocess.CREATE_NO_WINDOW
            )
    else:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


# ---- how much memory it had ------------------------------------------------------------------------------------------


class Memory:
    """The peak memory of a child that has just been started, see above."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: int | None = None
        self._proof = 0
        """What is larger is proof."""
        if sys.platform == "linux":
            self._proof = (peak_so_far("self") or sys.maxsize) + INEXACT_BYTES

    def look(self) -> None:
        """Look how much it was so far, unless that does not matter any more."""
        if (self._seen or 0) < self._proof:
            self._seen = peak_so_far(self._pid) or self._seen

    def peak_bytes(self, of_kernel: int | None) -> int | None:
        """What it was in the end, where `of_kernel` is what the kernel says; None where it cannot be told."""
        is_proved = max(of_kernel or 0, self._seen or 0) > self._proof
        return of_kernel if is_proved else self._seen


def peak_so_far(pid: int | str) -> int | None:
    """The largest resident size that a living process had, in bytes: `VmHWM` of proc_pid_status(5); None if unknown."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def usage_on_windows(handle: int) -> dict[str, int | None]:
    """Times and memory of a process that has ended, as GetProcessTimes and GetProcessMemoryInfo have them.

    FILETIMEs are in 100 ns. In PROCESS_MEMORY_COUNTERS, `PeakWorkingSetSize` comes behind two DWORDs.
    """
    import ctypes

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    process = ctypes.c_void_p(handle)
    times = [ctypes.c_uint64() for _ in range(4)]  # creation, exit, kernel, user
    if not kernel32.GetProcessTimes(process, *map(ctypes.byref, times)):
        raise ctypes.WinError(ctypes.get_last_error())  # type: ignore[attr-defined,unused-ignore]

    class Counters(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in ("peak_working_set", "working_set")),
            ("others", ctypes.c_size_t * 6),
        )

    counters = Counters(size=ctypes.sizeof(Counters))
    is_known = kernel32.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size)
    return {
        "user_ns": times[3].value * 100,
        "kernel_ns": times[2].value * 100,
        "peak_memory_bytes": counters.peak_working_set if is_known else None,
    }


if __name__ == "__main__":
    main(sys.argv[1])
