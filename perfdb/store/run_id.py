"""Names of runs: UUIDv7 (RFC 9562), which sort by the time of their making, also within one millisecond.

    48 bits  milliseconds since 1970     4 bits  version 7
    12 bits  fraction of the millisecond   2 bits  variant      62 bits  random

The 60 bits of time never stand still within one process: where the clock does, or goes back, they are counted up
(method 3 of section 6.2), so runs recorded one after the other keep their order.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from uuid import UUID

from perfdb.units import NS_PER_MS

_FRACTION_BITS = 12
_RANDOM_BITS = 62


class RunIdMaker:
    """Makes ever greater run ids; `clock` gives ns since 1970."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self) -> UUID:
        """The next id."""
        milliseconds, rest_ns = divmod(self._clock(), NS_PER_MS)
        fraction = (rest_ns << _FRACTION_BITS) // NS_PER_MS
        with self._lock:
            self._last = stamp = max(milliseconds << _FRACTION_BITS | fraction, self._last + 1)
        high = stamp >> _FRACTION_BITS << 16 | 0x7 << _FRACTION_BITS | stamp & (1 << _FRACTION_BITS) - 1
        return UUID(int=high << 64 | 0b10 << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS))


uuid7 = RunIdMaker()
"""The maker that the process uses."""
