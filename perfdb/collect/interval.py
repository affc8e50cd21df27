"""The sampling interval of the whole machine, on Windows: it is changed for a while, and put back whatever happens.

It is one for all programs and stays until somebody changes it again, so that a run that leaves it behind would change
every later trace of this machine. `xperf -ProfInt` tells it, `xperf -setprofint N` sets it, in units of 100 ns, and so
does `-SetProfInt N` where a recording is started.

Nobody documents how `-ProfInt` words its answer. So the first number is taken that can be an interval, one after `=` or
`:` before others; where there is none, nothing is changed: what cannot be put back is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from perfdb.collect.failures import quoted, shown_code
from perfdb.collect.interrupts import HeldInterrupts
from perfdb.collect.process import Ended, run
from perfdb.errors import CollectError

TICKS_A_SECOND = 10_000_000
LEAST_TICKS = 1221
"""The shortest interval that Windows takes: 8,190 Hz."""
DEFAULT_HZ = 1000
"""What Windows has when nobody has changed it."""

LIMIT_S = 60.0
"""What is over at once must not hang for ever."""

_MOST_TICKS = 10 * TICKS_A_SECOND
_TOLD = (re.compile(r"[=:]\s*(\d+)(?![\d.,]*\d)"), re.compile(r"(?<![\d.,])(\d+)(?![\d.,]*\d)"))


@contextmanager
def put_back_after(put_back: Callable[[], None]) -> Iterator[None]:
    """What is inside changes something that is put back afterwards, whatever happens, however often Ctrl+C is pressed.

    Where what is inside and putting it back both fail, one error says both.
    """
    try:
        yield
    except BaseException as problem:
        try:
            with HeldInterrupts():
                put_back()
        except CollectError as second:
            words = f"{problem} Besides, {second}" if str(problem) else str(second)
            if isinstance(problem, KeyboardInterrupt):
                raise KeyboardInterrupt(words) from second
            raise CollectError(words) from problem
        raise
    with HeldInterrupts():
        put_back()


@dataclass(frozen=True, slots=True)
class XperfInterval:
    """The interval by way of xperf."""

    program: Path
    environ: Mapping[str, str] = field(repr=False)

    def read(self) -> int:
        """The interval, in units of 100 ns. Raises CollectError where xperf does not tell it."""
        ended = self._run("-ProfInt")
        ticks = ticks_in(" ".join(ended.lines))
        if ended.exit_code or ended.timed_out or ticks is None:
            raise CollectError(
                f"asked for a sampling rate, which holds for the whole machine and must be put back afterwards; found "
                f"that {self.program.name} -ProfInt does not tell the present one ({shown_code(ended.exit_code)})"
                f"{quoted(ended.lines)}. Leave rate_hz under [profile] in perfdb.toml out, and set the rate by hand: "
                "xperf -setprofint N, in units of 100 ns."
            )
        return ticks

    def put_back(self, ticks: int) -> None:
        """Set what was there before. Raises CollectError, which says how to do it by hand."""
        for attempt in (1, 2):
            ended = self._set(ticks)
            if not ended.exit_code and not ended.timed_out:
                return
            if attempt == 2:
                raise CollectError(
                    f"the sampling interval of this machine is changed, and could not be put back "
                    f"({shown_code(ended.exit_code)}){quoted(ended.lines)}. Type: {self._call(ticks)}"
                )

    def _set(self, ticks: int) -> Ended:
        return self._run("-setprofint", str(ticks))

    def _call(self, ticks: int) -> str:
        return f"{self.program.name} -setprofint {ticks}"

    def _run(self, *words: str) -> Ended:
        try:
            return run([self.program, *words], LIMIT_S, environ=self.environ)
        except OSError as problem:
            return Ended(127, (f"it cannot be started: {problem.strerror or problem}",), 0.0)


def ticks_in(text: str) -> int | None:
    """The interval that an answer of `-ProfInt` tells, None where it tells none."""
    for pattern in _TOLD:
        for found in pattern.finditer(text):
            if LEAST_TICKS <= int(found[1]) <= _MOST_TICKS:
                return int(found[1])
    return None


def ticks_of(rate_hz: int) -> int:
    """The interval of so many samples a second."""
    return round(TICKS_A_SECOND / rate_hz)
