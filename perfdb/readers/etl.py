"""Event traces of Windows (`.etl`), as etwprof, xperf, wpr and PerfView write them."""

from __future__ import annotations

from perfdb.etl import looks_like_etl, read_etl
from perfdb.profile.columns import Profile, Source
from perfdb.readers.files import Content, Reader, ReadOptions


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    return read_etl(content.view(), source, options.progress)


ETL = Reader(
    name="etl",
    title="Windows event trace (.etl)",
    suffixes=(".etl",),
    recognises=looks_like_etl,
    read=_read,
    rank=5,
    is_named_surely=True,
)
