"""One file a format, chosen by the file's bytes; `READERS` is all of them.

`files` opens a file, plain or packed, and hands its bytes to the one reader that knows them. Parsers take bytes and
never open anything themselves.
"""

from perfdb.readers.etl import ETL
from perfdb.readers.files import OpenTrace, Reader, expand_paths, open_trace

READERS: tuple[Reader, ...] = (ETL,)

__all__ = ["READERS", "OpenTrace", "Reader", "expand_paths", "open_trace"]
