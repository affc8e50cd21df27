"""What failures of a program mean: known by a line that it prints, or by its exit code, and put into a sentence."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from perfdb.collect.process import Ended

_QUOTED_CHARS = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that is known by a line, or by an exit code; what it means, and what to do about it."""

    pattern: re.Pattern[str]
    codes: tuple[int, ...]
    means: str
    advice: str

    def line_in(self, ended: Ended) -> str | None:
        """The line that tells this failure, "" where the exit code does; None where it is another one."""
        spelt = [f"0x{code:08x}" for code in self.codes] + [str(code - (1 << 32)) for code in self.codes]
        for line in ended.lines:
            if self.pattern.search(line) or any(code in line.lower() for code in spelt):
                return line
        return "" if ended.exit_code & 0xFFFF_FFFF in self.codes else None


def failure(pattern: str, codes: Sequence[int], means: str, advice: str) -> Failure:
    """A failure, by a pattern in whatever case, and by codes as Windows writes them: 0x80070005."""
    return Failure(re.compile(pattern, re.IGNORECASE), tuple(codes), means, advice)


def known_failure(failures: Sequence[Failure], ended: Ended) -> tuple[Failure, str] | None:
    """The first of these failures that a program tells, and the line that tells it, "" where only its code does."""
    for each in failures:
        line = each.line_in(ended)
        if line is not None:
            return each, line
    return None


def has_crashed(exit_code: int) -> bool:
    """Was it a signal or, on Windows, an exception that ended the program?"""
    return -64 <= exit_code < 0 or exit_code & 0xF000_0000 == 0xC000_0000


def shown_code(exit_code: int) -> str:
    """An exit code as one looks it up: `exit code 3`, `exit code 0x80070005`, `ended by signal 9`."""
    if -64 <= exit_code < 0:
        return f"ended by signal {-exit_code}"
    code = exit_code & 0xFFFF_FFFF
    return f"exit code {code if code < 0x1_0000 else f'0x{code:08X}'}"


def shown_end(exit_code: int) -> str:
    """How a program ended, as a verb: `ended with exit code 3`, `was ended by signal 11 (SIGSEGV)`."""
    if not -64 <= exit_code < 0:
        return f"ended with {shown_code(exit_code)}"
    names = {kind.value: f" ({kind.name})" for kind in signal.Signals}
    return f"was {shown_code(exit_code)}{names.get(-exit_code, '')}"


def quoted(lines: Sequence[str]) -> str:
    """The last words, to be put into a sentence."""
    words = " / ".join(lines[-3:])
    if len(words) > _QUOTED_CHARS:
        words = f"…{words[-_QUOTED_CHARS:]}"
    return f"; it said: {words}" if words else ", without a word"
