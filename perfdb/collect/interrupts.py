"""Ctrl+C where something must be put back: it is let in at places that are chosen, not between any two steps.

    with HeldInterrupts() as held:
        start()                                # whole, however often Ctrl+C is pressed
        try:
            run(…, tick=held.lets_in(tick))    # ends at once when it is pressed
        finally:
            stop()                             # whole again
                                               # what was pressed and not let in comes now

Ctrl+Break, SIGTERM and SIGHUP are taken as Ctrl+C: by themselves they end a program without any putting back. In
threads other than the main one nothing is held, and nothing comes.
"""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any

from perfdb.collect.process import Step, Tick

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class HeldInterrupts:
    """Keeps interrupts back until they are let in, at the latest when it is left.

    Where something fails besides, the KeyboardInterrupt that is raised has the words of that.
    """

    def __init__(self) -> None:
        self._is_pressed = self._is_due = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> HeldInterrupts:
        self._before = _replaced(self._hold)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _restore(self._before)
        if error is None:
            self.let_in()
        elif isinstance(error, Exception) and (self._is_pressed or isinstance(error.__context__, KeyboardInterrupt)):
            raise KeyboardInterrupt(str(error)) from error

    def _hold(self, *_: object) -> None:
        self._is_pressed = self._is_due = True

    def let_in(self) -> None:
        """Raise KeyboardInterrupt if one was pressed and not let in yet."""
        if self._is_due:
            self._is_due = False
            raise KeyboardInterrupt

    def lets_in(self, tick: Tick | None) -> Tick:
        """A tick that lets interrupts in, before it does what another one does."""

        def ticking(seconds: float, step: Step | None) -> None:
            self.let_in()
            if tick is not None:
                tick(seconds, step)

        return ticking


def _replaced(handler: Any) -> dict[int, Any]:
    """The handlers that were there before; one that ignores a signal stays."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in SIGNALS}
    kept = {number: each for number, each in before.items() if each is not None and each != signal.SIG_IGN}
    for number in kept:
        signal.signal(number, handler)
    return kept


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
