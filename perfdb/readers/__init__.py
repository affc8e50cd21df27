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
from perfdb.readers.profile_detail import PROFILE_DETAIL
from perfdb.readers.wpa import WPA

READERS: tuple[Reader, ...] = (ETL, DUMPER, BUTTERFLY, PROFILE_DETAIL, WPA, FOLDED)

__all__ = [
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
