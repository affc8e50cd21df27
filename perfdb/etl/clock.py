"""Event time: ticks of the trace's clock into ns since the trace's start, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.etl import layout
from perfdb.etl.payloads import Header
from perfdb.profile.columns import I64
from perfdb.units import NS_PER_S

BEFORE = -(1 << 62)
"""Ticks before every event: since when a thing exists that was there when the trace began."""

AFTER = 1 << 62
"""Ticks after every event."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`frequency` is in ticks a second; ns 0 is at `first_ticks`, the time of the trace's first event."""

    first_ticks: int
    frequency: int

    def to_ns(self, ticks: I64) -> I64:
        """ns since the trace's start, rounded down; negative for what came before. Exact: no product exceeds 63
        bits.
        """
        seconds, rest = np.divmod(ticks - self.first_ticks, self.frequency)
        return np.asarray(seconds * NS_PER_S + rest * NS_PER_S // self.frequency, np.int64)


def clock_of(header: Header) -> Clock:
    """The clock that the header names: the performance counter, the system time (100 ns), or the cycle counter."""
    if header.clock_type == layout.CLOCK_SYSTEM_TIME:
        frequency = NS_PER_S // 100
    elif header.clock_type == layout.CLOCK_CYCLES:
        frequency = header.cpu_mhz * 1_000_000
    else:
        frequency = header.perf_freq
    # A header that was never completed has no frequency; 10 MHz is what Windows has used since version 10.
    return Clock(header.first_ticks, frequency if 0 < frequency <= NS_PER_S * 9 else NS_PER_S // 100)
