"""Hashes of runs of values, by which equal runs are found without comparing them.

They live as long as one read: nothing of them is stored, so they may change between versions.
"""

from __future__ import annotations

import numpy as np

from perfdb.profile.columns import I64, U64
from perfdb.profile.identity import mix64

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hash_runs(values: U64, start: I64, length: I64) -> U64:
    """A 64-bit hash of each run `values[start : start + length]`, by content and order.

    Each value is mixed with its place in the run; the sum of a run is a difference of running sums, modulo 2**64.
    """
    place = np.arange(len(values)) - np.repeat(start, length)
    mixed = mix64(values ^ mix64((place.astype(np.uint64) + np.uint64(1)) * _GOLDEN))
    running = np.concatenate((np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)))
    return mix64(running[start + length] - running[start] + length.astype(np.uint64) * _GOLDEN)
