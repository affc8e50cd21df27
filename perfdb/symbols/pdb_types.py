"""Names by number: the streams of types (TPI) and ids (IPI) of a PDB, of which only the asked-for records are read.

Both have millions of records in a large program, of all lengths, and a number names a record by counting. So the
writers put the offset of every so many records into a second stream; from the nearest one before it is a short walk.
Where that is missing, one walk over all records makes it.

    header     0 u32 version   4 u32 bytes of the header   8 u32 first number   12 u32 number after the last
              16 u32 bytes of the records   20 u16 stream of the offsets   40 i32 place and 44 u32 bytes of them there
    offsets    u32 number, u32 offset from the first record
    record     0 u16 bytes that follow   2 u16 kind   4 …

An inlined function is an id: LF_FUNC_ID (0 u32 id of the scope, 4 u32 type, 8 name) or LF_MFUNC_ID (0 u32 type of the
class, 4 u32 type, 8 name). Source: LLVM's "The PDB TPI and IPI Streams", and cvinfo.h.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from perfdb.profile.columns import I64
from perfdb.symbols.pdb_streams import Stream, Streams

TYPE_STREAM, ID_STREAM = 2, 4

LF_FUNC_ID, LF_MFUNC_ID, LF_STRING_ID = 0x1601, 0x1602, 0x1605
LF_CLASS, LF_STRUCTURE, LF_UNION, LF_ENUM, LF_INTERFACE = 0x1504, 0x1505, 0x1506, 0x1507, 0x1519
LF_CLASS_NEW, LF_STRUCTURE_NEW, LF_INTERFACE_NEW = 0x1608, 0x1609, 0x160B

_SIZE_AT = {
    **dict.fromkeys((LF_CLASS, LF_STRUCTURE, LF_INTERFACE), 16),
    **dict.fromkeys((LF_CLASS_NEW, LF_STRUCTURE_NEW, LF_INTERFACE_NEW), 18),
    LF_UNION: 8,
}
"""Where in a type's record its size is, after which comes its name."""

_ENUM_NAME = 12
_NUMBER_BYTES = {0x8000: 1, 0x8001: 2, 0x8002: 2, 0x8003: 4, 0x8004: 4, 0x8009: 8, 0x800A: 8}
"""Bytes that follow the tag of a number; one below 0x8000 is its own tag."""

_HEADER = struct.Struct("<5IH18xiI")
_RECORD = struct.Struct("<HH")
_NO_STREAM = 0xFFFF
_STRIDE = 256
"""Records from one offset to the next where the offsets are made here."""

_CHUNK_BYTES = 1 << 22
_NESTING = 16
"""The deepest nesting of scopes that is followed; a scope that holds itself is damage."""

_ANONYMOUS = re.compile(r"\?A0x[0-9a-fA-F]+")


class Records:
    """The records of one of the two streams."""

    def __init__(self, streams: Streams, number: int) -> None:
        self._stream = streams.stream(number)
        self._first = self._header_bytes = self._end = 0
        self._numbers: I64 = np.zeros(0, np.int64)
        self._offsets: I64 = np.zeros(0, np.int64)
        if self._stream is None or self._stream.size < _HEADER.size:
            self._stream = None
            return
        header = _HEADER.unpack(self._stream.read(0, _HEADER.size))
        _, self._header_bytes, self._first, self._after, record_bytes, hashes, place, size = header
        self._end = min(self._header_bytes + record_bytes, self._stream.size)
        self._read_offsets(None if hashes == _NO_STREAM else streams.stream(hashes), place, size)

    def _read_offsets(self, stream: Stream | None, place: int, size: int) -> None:
        data = b"" if stream is None else stream.read(place, size)
        pairs = np.frombuffer(data, "<u4", len(data) // 8 * 2).reshape(-1, 2).astype(np.int64)
        is_right = len(pairs) > 0 and pairs[0].tolist() == [self._first, 0]
        if is_right and bool(np.all(np.diff(pairs, axis=0) > 0)):
            self._numbers, self._offsets = pairs[:, 0], pairs[:, 1]
        else:
            self._walk_all()

    def _walk_all(self) -> None:
        """Make the offsets, reading the stream in chunks."""
        assert self._stream is not None
        number, at = self._first, self._header_bytes
        numbers, offsets = [number], [0]
        base, chunk = at, b""
        while at + 4 <= self._end:
            if at + 4 > base + len(chunk):
                base, chunk = at, self._stream.read(at, _CHUNK_BYTES)
            (size,) = struct.unpack_from("<H", chunk, at - base)
            if size < 2:
                break
            at += size + 2
            number += 1
            if not (number - self._first) % _STRIDE:
                numbers.append(number)
                offsets.append(at - self._header_bytes)
        self._numbers, self._offsets = np.array(numbers, np.int64), np.array(offsets, np.int64)

    def find(self, number: int) -> tuple[int, bytes]:
        """The kind and the content of a record; (0, b"") if there is none of that number."""
        if self._stream is None or not self._first <= number < self._after:
            return 0, b""
        row = int(np.searchsorted(self._numbers, number, side="right")) - 1
        start = int(self._offsets[row])
        end = int(self._offsets[row + 1]) if row + 1 < len(self._offsets) else start + _CHUNK_BYTES
        end = min(self._header_bytes + end, self._end)
        data = self._stream.read(self._header_bytes + start, min(end - self._header_bytes - start, _CHUNK_BYTES))
        at = 0
        for _ in range(number - int(self._numbers[row])):
            if at + 4 > len(data):
                return 0, b""
            at += 2 + data[at] + (data[at + 1] << 8)
        if at + 4 > len(data):
            return 0, b""
        size, kind = _RECORD.unpack_from(data, at)
        return kind, data[at + 4 : at + 2 + size]


class FunctionNames:
    """The full names of inlined functions, by their ids. Each is made once."""

    def __init__(self, streams: Streams) -> None:
        self._ids = Records(streams, ID_STREAM)
        self._types = Records(streams, TYPE_STREAM)
        self._names: dict[int, str] = {}
        self._scopes: dict[int, str] = {}
        self._type_names: dict[int, str] = {}

    def name(self, number: int) -> str:
        """The name of a function's id: `scope::name`; "" if there is none."""
        known = self._names.get(number)
        if known is None:
            known = self._names[number] = self._function(*self._ids.find(number), _NESTING)
        return known

    def _scope(self, number: int, nesting: int) -> str:
        """The name of the namespace or the function that others are in."""
        known = self._scopes.get(number)
        if known is None:
            kind, content = self._ids.find(number)
            if kind == LF_STRING_ID:
                text = _text(content, 4)
                known = "`anonymous namespace'" if _ANONYMOUS.fullmatch(text) else text
            else:
                known = self._function(kind, content, nesting)
            self._scopes[number] = known
        return known

    def _function(self, kind: int, content: bytes, nesting: int) -> str:
        if kind not in (LF_FUNC_ID, LF_MFUNC_ID) or len(content) < 8:
            return ""
        name = _text(content, 8)
        above = int.from_bytes(content[:4], "little")
        if not name or not above:
            return name
        if not nesting:
            return ""
        scope = self._scope(above, nesting - 1) if kind == LF_FUNC_ID else self._type_name(above)
        if scope:
            return f"{scope}::{name}"
        # Without its scope it would be the name of another function.
        return name if kind == LF_FUNC_ID and self._ids.find(above)[0] == LF_STRING_ID else ""

    def _type_name(self, number: int) -> str:
        known = self._type_names.get(number)
        if known is None:
            known = self._type_names[number] = _named_type(*self._types.find(number))
        return known


def _named_type(kind: int, content: bytes) -> str:
    """The name of a class, structure, union or enumeration; "" for other types."""
    if kind == LF_ENUM:
        return _text(content, _ENUM_NAME)
    size_at = _SIZE_AT.get(kind)
    if size_at is None or size_at + 2 > len(content):
        return ""
    tag = int.from_bytes(content[size_at : size_at + 2], "little")
    if tag >= 0x8000 and tag not in _NUMBER_BYTES:
        return ""
    return _text(content, size_at + 2 + _NUMBER_BYTES.get(tag, 0))


def _text(content: bytes, at: int) -> str:
    end = content.find(b"\0", at)
    return content[at : end if end >= 0 else len(content)].decode("utf-8", "replace") if at < len(content) else ""
