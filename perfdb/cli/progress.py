"""A progress bar for work of more than a second, on a terminal only."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

PATIENCE_S = 1.0


class ProgressBar:
    """Counts steps of a total; shows itself on standard error once the work has taken a second.

    With `tells_rest` False it leaves out how long the rest will take, for texts that say it themselves.
    """

    def __init__(self, tells_rest: bool = True) -> None:
        self._tells_rest = tells_rest
        self._started = time.monotonic()
        self._enabled = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with suppress(IndexError):  # an interrupt may have come while the bar was being taken off
                self._bar.stop()

    def hide(self) -> None:
        """Take the bar off the screen, so that a line can be printed; it comes back with the next step."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def show(self, text: str, done: int, total: int) -> None:
        """Say how far the work has come: `done` of `total` steps of what `text` names; a total of 0 is not known."""
        if not self._enabled or (self._bar is None and time.monotonic() - self._started < PATIENCE_S):
            return
        text = _plain(text)
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            columns = Progress.get_default_columns()
            kept = columns if self._tells_rest else columns[:-1]
            self._bar = Progress(*kept, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(text, total=total or None, completed=done)
        self._bar.update(self._task, description=text, completed=done, total=total or None)


def _plain(text: str) -> str:
    """A text that names files of strangers, as the bar shows it: neither escapes nor markup."""
    from rich.markup import escape

    from perfdb.report.cells import printable

    return escape(printable(text))
