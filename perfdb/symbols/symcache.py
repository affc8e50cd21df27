"""What was looked up in symbol files, kept by debug id: one file each, so the next trace of a build need not open them.

A file holds the columns of a `Table`, which knows the object modules that were read so far; each addition writes it
anew. All integers are little-endian, each column follows the one before without a gap:

    offset  bytes
       0       8  "perfdbSC"
       8       4  version of the format; a file of any other is written anew
      12       4  CRC-32 of all that follows
      16       8  machine, padded with NUL                 24       4  1 if there are only public symbols, else 0
      28      28  counts: moved, segments, places, names, files, folded pairs, bytes of all texts
      56      72  debug id, padded with NUL
     128          i64 moved.now, moved.was
                  u32 segments: start, last     i32 segments: place
                  i32 places: caller, name, file, line
                  u32 names: start, one more than names     u32 files: start, likewise
                  i32 folded pairs     u8 places: kind     UTF-8 of the names and then of the files

Files are read whole, and written under another name and moved: a reader meets the old one or the new one. Of two that
add to one file at once, one may lose its part, which costs time and nothing else. What is damaged or old is not there.
"""

from __future__ import annotations

import os
import re
import struct
import tempfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I32, U32
from perfdb.symbols.table import Moved, Places, Segments, Table, Texts, merged

SUFFIX = ".symcache"
PART_SUFFIX = ".part"
"""Files that are being written; what a killed process left of them goes with `prune`."""

MAGIC = b"perfdbSC"
VERSION = 2
HEADER = struct.Struct("<8sII8sI7I72s")
CHECKED_FROM = 16

_KEY = re.compile(r"[0-9A-Fa-f]{1,64}")
_DAY_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Symcache:
    """A folder of such files, made when it is needed. Where it cannot be written, nothing is kept, and that is all."""

    folder: Path

    def read(self, debug_id: str) -> Table | None:
        """What is kept of a symbol file; None if there is nothing, or nothing that can be used."""
        path = self._path(debug_id)
        if path is None:
            return None
        try:
            table = unpack(path.read_bytes(), debug_id)
            # `prune` goes by the time of the last use; a day's grain is enough.
            if table and time.time() - path.stat().st_mtime > _DAY_S:
                os.utime(path)
        except OSError:
            return None
        return table

    def add(self, debug_id: str, table: Table) -> None:
        """Keep a table beside what is kept; one with functions takes the place of one with public symbols only."""
        path = self._path(debug_id)
        if path is None:
            return
        known = self.read(debug_id)
        if known is not None and known.is_public == table.is_public:
            table = merged(known, table)
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(path, pack(table, debug_id))

    def prune(self, keep_days: float | None) -> tuple[int, int]:
        """Remove the files that were not used for so many days, or all: how many there were, and their bytes."""
        oldest = None if keep_days is None else time.time() - keep_days * _DAY_S
        files = size = 0
        for path in [*self.folder.glob(f"*{SUFFIX}"), *self.folder.glob(f"*{SUFFIX}.*{PART_SUFFIX}")]:
            with suppress(OSError):
                found = path.stat()
                if oldest is None or found.st_mtime < oldest:
                    path.unlink()
                    files, size = files + 1, size + found.st_size
        return files, size

    def _path(self, debug_id: str) -> Path | None:
        return self.folder / f"{debug_id}{SUFFIX}" if _KEY.fullmatch(debug_id) else None


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=PART_SUFFIX, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def pack(table: Table, debug_id: str) -> bytes:
    """The bytes of a symcache."""
    texts = table.names.content + table.files.content
    places, segments = table.places, table.segments
    counts = (
        *(len(table.moved.now), len(segments), len(places), len(table.names), len(table.files)),
        *(len(table.folded), len(texts)),
    )
    columns: list[tuple[npt.NDArray[np.generic], str]] = [
        *((table.moved.now, "<i8"), (table.moved.was, "<i8")),
        *((segments.start, "<u4"), (segments.last, "<u4"), (segments.place, "<i4")),
        *((places.caller, "<i4"), (places.name, "<i4"), (places.file, "<i4"), (places.line, "<i4")),
        *((table.names.start, "<u4"), (table.files.start, "<u4"), (table.folded, "<i4"), (places.kind, "<u1")),
    ]
    body = b"".join(column.astype(kind).tobytes() for column, kind in columns) + texts
    is_public = int(table.is_public)
    head = HEADER.pack(MAGIC, VERSION, 0, table.machine.encode(), is_public, *counts, debug_id.encode())
    content = head[CHECKED_FROM:] + body
    return head[: CHECKED_FROM - 4] + struct.pack("<I", zlib.crc32(content)) + content


def unpack(data: bytes, debug_id: str) -> Table | None:
    """The table in the bytes of a symcache; None if they are damaged, or of another version or file."""
    if len(data) < HEADER.size:
        return None
    magic, version, crc, machine, is_public, *counts, owner = HEADER.unpack_from(data)
    if (magic, version) != (MAGIC, VERSION) or owner.rstrip(b"\0") != debug_id.encode():
        return None
    if crc != zlib.crc32(memoryview(data)[CHECKED_FROM:]):
        return None
    columns = _Columns(data)
    moved, segments, places, names, files, folded, text_bytes = counts
    try:
        found_moved = Moved(columns.take("<i8", moved), columns.take("<i8", moved))
        found_segments = Segments(
            columns.take("<u4", segments), columns.take("<u4", segments), columns.take("<i4", segments)
        )
        caller, name, file, line = (columns.take("<i4", places) for _ in range(4))
        name_starts, file_starts = columns.take("<u4", names + 1), columns.take("<u4", files + 1)
        pairs = columns.take("<i4", 2 * folded).reshape(-1, 2)
        kind = columns.take("<u1", places)
    except ValueError:  # counts that are more than there is
        return None
    texts = data[columns.at :]
    table = Table(
        machine=machine.rstrip(b"\0").decode("ascii", "replace"),
        is_public=bool(is_public),
        segments=found_segments,
        places=Places(caller=caller, name=name, kind=kind, file=file, line=line),
        names=Texts(name_starts, texts[: int(name_starts[-1])]),
        files=Texts(file_starts, texts[int(name_starts[-1]) :]),
        folded=pairs,
        moved=found_moved,
    )
    return table if len(texts) == text_bytes and _is_sound(table) else None


class _Columns:
    """Takes one column after the other from the bytes, without copying them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = HEADER.size

    def take(self, kind: str, count: int) -> npt.NDArray[Any]:
        """The next column; raises ValueError where the bytes end."""
        column = np.frombuffer(self._data, kind, count, self.at)
        self.at += column.nbytes
        return column


def _is_sound(table: Table) -> bool:
    """Whether rows name rows that there are: what follows relies on it, and a checksum is no promise of the writer."""
    places = table.places
    return (
        _are_rows(table.segments.place, len(places))
        and bool(np.all(places.caller < np.arange(len(places))))
        and _are_rows(places.caller, len(places))
        and _are_rows(places.name, len(table.names))
        and bool(np.all(places.name >= 0))
        and _are_rows(places.file, len(table.files))
        and _are_rows(table.folded, len(table.names))
        and bool(np.all(table.folded >= 0))
        and _ascend(table.names.start)
        and _ascend(table.files.start)
    )


def _are_rows(column: I32, count: int) -> bool:
    return bool(np.all((column >= -1) & (column < count)))


def _ascend(starts: U32) -> bool:
    return bool(np.all(starts[1:] >= starts[:-1]))
