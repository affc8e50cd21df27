"""Packing what a program says while it says it."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path
from typing import IO

from perfdb.errors import CollectError

_LEVEL = 6
_BLOCK_BYTES = 1 << 18
_END_S = 60.0
"""How long to wait for the end of what a program said, once it has ended itself."""


class Packer:
    """A gzip file that is filled through a pipe, by a thread, so that a program can be waited for meanwhile.

    `input` is the pipe's end for the program, and `size_bytes` what came through it so far.
    """

    def __init__(self, path: Path) -> None:
        self.size_bytes = 0
        self._path = path
        self._problem: OSError | None = None
        reading, writing = os.pipe()
        self._reading = os.fdopen(reading, "rb", buffering=0)
        self.input: IO[bytes] = os.fdopen(writing, "wb", buffering=0)
        self._last = b""
        self._thread = threading.Thread(target=self._pack, daemon=True)

    def __enter__(self) -> Packer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.input.close()
        self._thread.join(_END_S)

    def _pack(self) -> None:
        try:
            # The pipe is closed early where there is no room for what it brings, which ends the program too.
            with gzip.open(self._path, "wb", _LEVEL) as packed, self._reading:
                while block := self._reading.read(_BLOCK_BYTES):
                    packed.write(block)
                    self.size_bytes += len(block)
                packed.write(self._last)
        except OSError as problem:
            self._problem = problem

    def finish(self, last: bytes) -> None:
        """Add some last bytes, and wait until all is written. Raises CollectError where that fails."""
        self._last = last
        self.__exit__()
        if self._thread.is_alive():
            raise CollectError("asked to write the text of a trace, found that its program left another one behind.")
        if self._problem is not None:
            raise CollectError(
                f"asked to write the text of a trace, found that this fails "
                f"({self._problem.strerror or self._problem}). Look at the room on the disk."
            )
