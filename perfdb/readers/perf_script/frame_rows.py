"""Lines of frames as numbers: each line is parsed once, and stacks become tuples of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perfdb.readers.perf_script.frames import ADDRESS, Frame, address_of, module_of_inlined, read_frame

MOST_LINES = 1 << 18
"""How many lines are known by heart."""


class NoFrameError(Exception):
    """A line that should be a frame is none."""


class FrameRows(dict[bytes, int]):
    """The row of each distinct frame by its line; lines that differ in their addresses only have one row.

    Inlined frames, whose module the stack must tell, have negative numbers until `path` has settled them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.is_utf8 = True
        self._row_of: dict[Frame, int] = {}
        self._row_of_text: dict[tuple[bytes, bytes], int] = {}
        self._inlined: list[Frame] = []
        self._inlined_of: dict[Frame, int] = {}

    def __missing__(self, line: bytes) -> int:
        if not ADDRESS.match(line):
            raise NoFrameError
        # Most new lines differ from others in their address and offset only.
        head, _, tail = line.rpartition(b"+0x")
        text = (head.lstrip().partition(b" ")[2], tail.partition(b" ")[2])
        is_usual = head and tail.endswith(b")") and not tail.endswith(b"(inlined)") and b"\n" not in tail
        row = self._row_of_text.get(text) if is_usual else None
        if row is None:
            row = self._parsed(line)
            if is_usual:
                self._row_of_text[text] = row
        if len(self) >= MOST_LINES:
            self.clear()
        self[line] = row
        return row

    def _parsed(self, line: bytes) -> int:
        frame = read_frame(line)
        if frame is None:
            raise NoFrameError
        if self.is_utf8 and not line.isascii():
            self.is_utf8 = _is_utf8(line)
        if frame.is_inlined:
            number = self._inlined_of.setdefault(frame, len(self._inlined))
            if number == len(self._inlined):
                self._inlined.append(frame)
            return -1 - number
        return self._row(frame)

    def leaf(self, line: bytes) -> int:
        """The row of the frame of a sample without a stack: such lines seldom are the same twice."""
        head, _, tail = line.rpartition(b"+0x")
        row = self._row_of_text.get((head.partition(b" ")[2], tail.partition(b" ")[2]))
        return self[line] if row is None else row

    def path(self, lines: Sequence[bytes]) -> tuple[int, ...]:
        """The rows of the frames of a stack, innermost first. Raises NoFrameError."""
        rows = tuple(map(self.__getitem__, lines))
        return self._settled(rows, lines) if min(rows) < 0 else rows

    def _row(self, frame: Frame) -> int:
        row = self._row_of.setdefault(frame, len(self.frames))
        if row == len(self.frames):
            self.frames.append(frame)
        return row

    def _settled(self, rows: Sequence[int], lines: Sequence[bytes]) -> tuple[int, ...]:
        frames = [self.frames[row] if row >= 0 else self._inlined[-row - 1] for row in rows]
        addresses = [address_of(line) for line in lines]
        return tuple(
            row if row >= 0 else self._row(replace(frames[at], module=module_of_inlined(at, frames, addresses)))
            for at, row in enumerate(rows)
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
