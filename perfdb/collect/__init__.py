"""Driving other people's profiling tools: etwprof, xperf and perf make traces, xperf also reads them.

`process` runs a program within a time limit and leaves nothing of it behind. `suite` says what is run in which order,
`launch` starts and measures it, and a `Profiler` (`choose.open_profiler`) has it run under a profiler. `run_sheet`
keeps beside a trace what the trace does not tell. `xperf` turns traces into text, which `perfdb.readers` reads;
`perfdb.api` brings all of it together.
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
