"""What every profiler is to perfdb: a way to run one command under it, once, and to have the trace.

    with profiler.session():       # what the whole machine needs, such as a sampling rate; put back after
        profiler.trace(Call(…))    # once a run

The command is always `perfdb.collect.launch`'s launcher, which starts the example, measures it, and holds it to its
time limit; see there for why no profiler is asked for any of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from perfdb.collect.process import Tick


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command under a profiler.

    `command` is absolute and complete. `target` is where the trace is to be: it is there, whole, afterwards, or not at
    all. `folder` is a folder for whatever comes between, which the caller removes. The profiler may take `limit_s`
    seconds; where that is over, or the caller gives up, `stop` is called first, which ends the example (so that the
    profiler ends by itself, and leaves no session behind), and only what does not end then is killed.
    """

    command: Sequence[str]
    target: Path
    folder: Path
    limit_s: float
    stop: Callable[[], None]
    tick: Tick | None = None


class Profiler(Protocol):
    """A profiler that was found and may be used. `suffix` is how its traces are called, such as `.etl`."""

    @property
    def name(self) -> str:
        """What it is called: one of `suite_settings.PROFILERS`."""
        ...

    @property
    def suffix(self) -> str:
        """How its traces end."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of its traces before they are made, for people: another event than asked for, a changed rate."""
        ...

    def session(self) -> AbstractContextManager[None]:
        """What holds for all calls inside: settings of the whole machine are put back afterwards, whatever happens."""
        ...

    def trace(self, call: Call) -> None:
        """Run a command under the profiler. Raises CollectError where there is no trace of use afterwards."""
        ...
