"""The container of a PDB, mapped: numbered streams, of which only the parts that are asked for are read.

`purepdb` reads the directory of streams. It gives a stream as a whole; a PDB of hundreds of megabytes has streams of
types and of public symbols that are too large for that, so here a stream can be read in parts, and words be gathered
from it at many places in one go. Parts are read from the file and not from the map: for every page that is touched a
system maps many more, which all count as memory of the process, and a file that shrinks meanwhile would end it.
"""

from __future__ import annotations

import mmap
import struct
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from purepdb import MsfFile, PdbError, StringTable, UnsupportedPdbError
from purepdb.names import NAMED_STREAM_MAP_OFFSET, parse_named_stream_map

from perfdb.profile.columns import I64, U32
from perfdb.symbols.identity import SymbolFileError

INFO_STREAM = 1
MINIMAL_INFO = b"MINI"
"""The feature of PDBs that say where the debug information is and do not have it."""

MAX_BYTES = 0xFFFF_FFFF
"""The most bytes a stream can have."""

_DAMAGE = (PdbError, struct.error, ValueError, IndexError, OverflowError, MemoryError)


class Stream:
    """One stream. Blocks that lie outside the file end it."""

    __slots__ = ("_block_bytes", "_blocks", "_data", "_file", "size")

    def __init__(self, file: FileIO, data: mmap.mmap, blocks: I64, block_bytes: int, size: int) -> None:
        outside = np.flatnonzero((blocks + 1) * block_bytes > len(data))
        whole = int(outside[0]) if len(outside) else len(blocks)
        self._file = file
        self._data = data
        self._blocks = blocks[:whole]
        self._block_bytes = block_bytes
        self.size = min(size, whole * block_bytes)

    def read(self, offset: int = 0, size: int = MAX_BYTES) -> bytes:
        """The bytes from `offset` on, fewer than `size` at the stream's end; raises SymbolFileError."""
        if not 0 <= offset < self.size:
            return b""
        width = self._block_bytes
        end = min(offset + size, self.size)
        first = offset // width
        blocks = self._blocks[first : -(-end // width)]
        starts = np.flatnonzero(np.diff(blocks, prepend=-2) != 1)
        counts = np.diff(starts, append=len(blocks))
        content = b"".join(map(self._read_blocks, blocks[starts].tolist(), counts.tolist()))
        return content[offset - first * width : end - first * width]

    def _read_blocks(self, first: int, count: int) -> bytes:
        try:
            self._file.seek(first * self._block_bytes)
            return self._file.read(count * self._block_bytes)
        except (OSError, ValueError) as error:
            raise SymbolFileError(f"it cannot be read: {error}") from None

    def words(self, offset: I64) -> U32:
        """The u32 at each offset, which is a multiple of 4; 0 where it lies outside the stream."""
        inside = (offset >= 0) & (offset + 4 <= self.size)
        found = np.zeros(len(offset), np.uint32)
        at = offset[inside]
        place = self._blocks[at // self._block_bytes] * self._block_bytes + at % self._block_bytes
        # A view of the map may not outlive this call, or the map could not be closed.
        view = np.frombuffer(self._data, "<u4", len(self._data) // 4)
        found[inside] = view[place // 4]
        return found


class Streams:
    """An open PDB's streams. Raises SymbolFileError for a file that is no PDB or whose directory is damaged."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = FileIO(path)
        except (OSError, ValueError) as error:
            raise SymbolFileError(f"it cannot be read: {error}") from None
        self._mapped: mmap.mmap | None = None
        try:
            self._mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._msf = MsfFile(self._mapped)
        except UnsupportedPdbError as error:
            self.close()
            raise SymbolFileError(str(error).replace("this is", "it is")) from None
        except _DAMAGE as error:
            empty = self._mapped is None
            self.close()
            raise SymbolFileError("it is empty" if empty else str(error)) from None

    def stream(self, number: int) -> Stream | None:
        """A stream by its number, None if there is none."""
        if self._mapped is None or not self._msf.is_valid_stream(number):
            return None
        blocks = np.array(self._msf.stream_blocks[number], np.int64)
        return Stream(self._file, self._mapped, blocks, self._msf.super.block_size, self._msf.stream_size(number))

    def read(self, number: int) -> bytes:
        """A whole stream, b"" if there is none."""
        stream = self.stream(number)
        return b"" if stream is None else stream.read()

    def close(self) -> None:
        """Let go of the file; there are no streams any more."""
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class NamesTable:
    """The stream `/names`, which has the names of source files and of object modules; read when first asked."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._texts: bytes | None = None

    def text(self, place: int) -> bytes:
        """The text that begins at a place; b"" if there is none."""
        if self._texts is None:
            number = parse_named_stream_map(self._streams.read(INFO_STREAM)).get("/names", -1)
            table = StringTable.parse(self._streams.read(number))
            self._texts = table.strings if table else b""
        end = self._texts.find(b"\0", place) if place >= 0 else -1
        return self._texts[place:end] if end >= 0 else b""


def has_minimal_info(streams: Streams) -> bool:
    """Whether all but the public symbols stayed in the object files (/DEBUG:FASTLINK).

    Features are u32 at the end of the stream of info; before them are small numbers, behind 28 bytes of id and a text
    with its length. Source: LLVM's "The PDB Info Stream".
    """
    info = streams.read(INFO_STREAM)
    numbers_at = NAMED_STREAM_MAP_OFFSET + 4 + int.from_bytes(info[NAMED_STREAM_MAP_OFFSET:][:4], "little")
    numbers = info[numbers_at:]
    return any(word == MINIMAL_INFO for (word,) in struct.iter_unpack("4s", numbers[: len(numbers) // 4 * 4]))
