"""Running a program: within a time limit, its words taken as they come, and nothing of it left when the call is over.

Standard output and error come through one pipe, which a thread drains, so that the program never waits for us however
much it says. Of its words the first lines and the last ones are kept; lines that only tell how far it is are not kept
but passed on. A program that takes too long, and one whose caller gives up (Ctrl+C), is ended together with everything
that it started: by its process group, on Windows by the tree below it. Where it can be told to end, that comes first.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from perfdb.collect.launcher import end_tree

Step = tuple[int, int]
"""How far a program says that it is: so many parts of so many."""

Tick = Callable[[float, Step | None], None]
"""Called some times a second, and when the program has ended: seconds so far, and the last step that it told."""

TICK_S = 0.1
GRACE_S = 2.0
"""How long to wait for what should be over at once."""

STOP_GRACE_S = 30.0
"""How long to wait for a program that was told to end, and may have to put things in order first."""

FIRST_LINES, LAST_LINES = 20, 40
LINE_BYTES = 1000
"""What is kept of a line."""

_BLOCK_BYTES = 1 << 16
_LINE_END = re.compile(rb"[\r\n]+")

_now = time.monotonic


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (negative: the signal that ended it), and what is kept of its words.

    Lines are printable and not empty. `timed_out` says that it was ended because of the time limit.
    """

    exit_code: int
    lines: tuple[str, ...]
    seconds: float
    timed_out: bool = False


def run(
    command: Sequence[str | Path],
    limit_s: float,
    *,
    environ: Mapping[str, str],
    folder: Path | None = None,
    step_of: Callable[[str], Step | None] = lambda _: None,
    tick: Tick | None = None,
    stop: Callable[[], None] | None = None,
    stop_grace_s: float = STOP_GRACE_S,
    output: IO[bytes] | None = None,
) -> Ended:
    """Run a program to its end, or until `limit_s` have passed; it gets no input.

    `step_of` tells the lines that are mere progress. Where the time is over, or the caller gives up (an exception out
    of `tick`, Ctrl+C), `stop` is called, if there is one, and the program gets `stop_grace_s` to end by itself; Ctrl+C
    cuts that short. Raises OSError where the program cannot be started, and whatever `tick` raises; the program has
    ended by then.

    With `output`, what it says on standard output goes there, and only standard error is kept as words.
    """
    started = _now()
    words = Words(step_of)
    process = subprocess.Popen(
        command,
        bufsize=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output,
        stderr=subprocess.STDOUT if output is None else subprocess.PIPE,
        env=environ,
        cwd=folder,
        start_new_session=True,
        creationflags=_flags(),
    )
    try:
        words.drain(process.stdout or process.stderr)
        try:
            timed_out = _wait(process, started, limit_s, lambda: tick and tick(_now() - started, words.step))
        except BaseException:
            # The caller has given up for one reason already, which is the one to tell.
            with contextlib.suppress(KeyboardInterrupt):
                _let_end(process, stop, stop_grace_s)
            raise
        if timed_out:
            _let_end(process, stop, stop_grace_s)
    finally:
        _end_tree(process)
        words.close(process)
    if tick:
        tick(_now() - started, words.step)
    exit_code = -signal.SIGTERM if process.poll() is None else process.returncode  # None: it cannot even be ended
    return Ended(exit_code, words.lines(), _now() - started, timed_out)


def _wait(process: subprocess.Popen[bytes], started: float, limit_s: float, tick: Callable[[], object]) -> bool:
    """Wait for the end of a process; True where it has not come in time.

    In short waits, because on Windows nothing can interrupt a long one.
    """
    while True:
        left_s = limit_s - (_now() - started)
        try:
            process.wait(max(0.0, min(TICK_S, left_s)))
        except subprocess.TimeoutExpired:
            if left_s <= 0:
                return process.poll() is None
            tick()
        else:
            return False


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Words:
    """What a program says, taken by a thread."""

    def __init__(self, step_of: Callable[[str], Step | None]) -> None:
        self.step: Step | None = None
        self._step_of = step_of
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._open = b""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def drain(self, pipe: IO[bytes] | None) -> None:
        """Begin to take what comes through the pipe."""
        self._thread = threading.Thread(target=self.take_from, args=(pipe,), daemon=True)
        self._thread.start()

    def take_from(self, pipe: _Readable) -> None:
        """Take all that comes through the pipe."""
        while block := pipe.read(_BLOCK_BYTES):
            with self._lock:
                *lines, self._open = _LINE_END.split(self._open + block)
                self._open = self._open[:LINE_BYTES]
                for line in lines:
                    self._take(line)
        with self._lock:
            self._take(self._open)

    def _take(self, raw: bytes) -> None:
        text = printable(raw[:LINE_BYTES])
        step = self._step_of(text)
        if step is not None:
            self.step = step
        elif text and len(self._first) < FIRST_LINES:
            self._first.append(text)
        elif text:
            self._last.append(text)

    def close(self, process: subprocess.Popen[bytes]) -> None:
        """Take the rest. A descendant that still holds the pipe when the program is gone is ended, or else left."""
        if self._thread is not None:
            self._thread.join(GRACE_S)
            if self._thread.is_alive():
                _signal_group(process)
                self._thread.join(GRACE_S)
            if self._thread.is_alive():
                return
        pipe = process.stdout or process.stderr
        if pipe is not None:
            pipe.close()

    def lines(self) -> tuple[str, ...]:
        """The first lines and the last ones."""
        with self._lock:
            return (*self._first, *self._last)


def printable(raw: bytes) -> str:
    """A line as text: in UTF-8, else in the usual code page, and UTF-16 as far as it is ASCII."""
    raw = raw.replace(b"\0", b"")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


# ---- ending a program and all that it started ------------------------------------------------------------------------


def _flags() -> int:
    """On Windows, no console: a progress bar written there would mix with ours."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _let_end(process: subprocess.Popen[bytes], stop: Callable[[], None] | None, grace_s: float) -> None:
    """Tell a process to end, where it can be told, and wait until it has, or the grace is over."""
    if stop is None or process.poll() is not None:
        return
    try:
        stop()
        _wait(process, _now(), grace_s, lambda: None)
    except OSError:
        pass  # it cannot be told, so there is nothing to wait for
    except KeyboardInterrupt:
        # What `stop` began is not over at once; without it, more might be left behind than can be found from here.
        _wait(process, _now(), min(grace_s, GRACE_S), lambda: None)
        raise


def _end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process, if it still runs, with all its descendants."""
    if process.poll() is not None:
        return
    _signal_group(process)
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)


def _signal_group(process: subprocess.Popen[bytes]) -> None:
    # On Windows the tree hangs together by process ids, and those of the gone are used again.
    if sys.platform != "win32" or process.returncode is None:
        end_tree(process.pid)
