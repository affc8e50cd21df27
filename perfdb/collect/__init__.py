"""Driving other people's profiling tools: xperf, so far.

`process` runs a program within a time limit and leaves nothing of it behind; `xperf` knows where xperf is, what it is
told, and what its failures mean. What it writes is read by `perfdb.readers`; `perfdb.api` brings the two together.
"""

from perfdb.collect.process import Ended, Step
from perfdb.collect.xperf import (
    CLASSICS,
    DUMPER,
    Classic,
    Xperf,
    find_xperf,
    names_functions,
    open_xperf,
    shown_code,
    where_looked,
)

__all__ = [
    "CLASSICS",
    "DUMPER",
    "Classic",
    "Ended",
    "Step",
    "Xperf",
    "find_xperf",
    "names_functions",
    "open_xperf",
    "shown_code",
    "where_looked",
]
