"""How far a series of runs has come, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Sequence

from perfdb.collect.suite import Turn


class Clock:
    """The runs that are left, and how long those before them took."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.left = list(turns)
        self._started = self._turn_started = time.monotonic()
        self._seconds: dict[str, list[float]] = {}

    def begin(self) -> None:
        """A run begins."""
        self._turn_started = time.monotonic()

    def end(self, turn: Turn) -> None:
        """The run that began has ended."""
        self.left.remove(turn)
        self._seconds.setdefault(turn.example.name, []).append(time.monotonic() - self._turn_started)

    def drop(self, turns: Sequence[Turn]) -> None:
        """Runs that will not be."""
        self.left = [turn for turn in self.left if turn not in turns]

    def text(self) -> str:
        """Seconds so far, and about how many are left, once some run has shown how long one takes."""
        elapsed = f"{time.monotonic() - self._started:.0f} s"
        if not self._seconds:
            return elapsed
        every = [second for seconds in self._seconds.values() for second in seconds]
        usual = sum(every) / len(every)
        rest = sum(_mean(self._seconds.get(turn.example.name, [usual])) for turn in self.left)
        rest -= min(time.monotonic() - self._turn_started, rest)
        return f"{elapsed}, about {rest:.0f} s left"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
