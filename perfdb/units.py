"""Units and time scales: where a number changes its unit, it does so through a name in this file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
MS_PER_S = 1_000
NS_PER_FILETIME = 100
"""A Windows FILETIME counts 100 ns; so do the profile intervals that the kernel reports."""

FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

MIB = 1 << 20


def filetime_to_utc(filetime: int) -> datetime | None:
    """The moment that a FILETIME (100 ns since 1601-01-01 UTC) names; None for 0 or a value past the year 9999."""
    if filetime <= 0:
        return None
    try:
        return FILETIME_EPOCH + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None


def utc_to_filetime(moment: datetime) -> int:
    """The FILETIME of a moment, whole microseconds exactly."""
    return (moment - FILETIME_EPOCH) // timedelta(microseconds=1) * 10
