"""One file a format, chosen by the file's bytes; `READERS` is all of them.

`files` opens a file, plain or packed, and hands its bytes to the one reader that knows them. Parsers take bytes and
never open anything themselves.
"""

from perfdb.readers.butterfly import BUTTERFLY
from perfdb.readers.dumper import DUMPER
from perfdb.readers.etl import ETL
from perfdb.readers.files import (
    Content,
    FoundTraces,
    OpenTrace,
    Reader,
    ReadOptions,
    choose_readers,
    expand_paths,
    find_traces,
    open_trace,
)
from perfdb.readers.folded import FOLDED
from perfdb.readers.google_benchmark import GOOGLE_BENCHMARK
from perfdb.readers.hyperfine import HYPERFINE
from perfdb.readers.perf_script import PERF
from perfdb.readers.profile_detail import PROFILE_DETAIL
from perfdb.readers.pytest_benchmark import PYTEST_BENCHMARK
from perfdb.readers.wpa import WPA

READERS: tuple[Reader, ...] = (
    ETL,
    DUMPER,
    BUTTERFLY,
    PROFILE_DETAIL,
    WPA,
    FOLDED,
    PERF,
    GOOGLE_BENCHMARK,
    HYPERFINE,
    PYTEST_BENCHMARK,
)
PROFILE_READERS = tuple(reader for reader in READERS if reader.read_results is None)
"""Those of profiles: the others read results of benchmarks."""

__all__ = [
    "PROFILE_READERS",
    "READERS",
    "Content",
    "FoundTraces",
    "OpenTrace",
    "ReadOptions",
    "Reader",
    "choose_readers",
    "expand_paths",
    "find_traces",
    "open_trace",
]
