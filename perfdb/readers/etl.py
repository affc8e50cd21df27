"""Event traces of Windows (`.etl`), as etwprof, xperf, wpr and PerfView write them."""

from __future__ import annotations

from perfdb.etl import looks_like_etl, read_etl
from perfdb.readers.files import Reader

ETL = Reader(
    name="etl", title="Windows event trace (.etl)", suffixes=(".etl",), recognises=looks_like_etl, read=read_etl
)
