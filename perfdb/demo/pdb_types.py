"""The type and id streams of a made-up PDB: as much of them as the names of inlined functions need.

    stream        offset  bytes  what
    header             0      4  version, 20040203
                       4      4  bytes of the header, 56
                       8      4  number of the first record; the n-th after it has that number + n
                      12      4  number after the last record
                      16      4  bytes of the records
                      20    2+2  streams of hashes, 0xFFFF for none
                      24    4+4  bytes of a hash, number of buckets
                      32    6×4  places of three tables in the stream of hashes: none
    records           56         u16 bytes that follow, u16 kind, fields; filled with 0xF3 0xF2 0xF1 to four bytes

    kind          fields behind the kind
    LF_ARGLIST    0 u32 count, 4 u32 ×count
    LF_PROCEDURE  0 u32 result, 4 u8 convention, 5 u8, 6 u16 parameters, 8 u32 argument list
    LF_MFUNCTION  0 u32 result, 4 u32 class, 8 u32 this, 12 u8 convention, 13 u8, 14 u16 parameters, 16 u32 argument
                  list, 20 i32
    LF_CLASS      0 u16 count, 2 u16 properties, 4 u32 fields, 8 u32, 12 u32, 16 u16 bytes, 18 name
    LF_FUNC_ID    0 u32 scope (an id, or 0), 4 u32 type, 8 name
    LF_MFUNC_ID   0 u32 class (a type), 4 u32 type, 8 name
    LF_STRING_ID  0 u32, 4 text

Source: LLVM's "The PDB TPI and IPI Streams" and "CodeView Type Records" (https://llvm.org/docs/PDB/).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from perfdb.demo.pdb_spec import InlineSpec

LF_ARGLIST, LF_PROCEDURE, LF_MFUNCTION, LF_CLASS = 0x1201, 0x1008, 0x1009, 0x1504
LF_FUNC_ID, LF_MFUNC_ID, LF_STRING_ID = 0x1601, 0x1602, 0x1605

HEADER = struct.Struct("<5I2H2I6I")
FIRST_NUMBER = 0x1000
VOID = 0x0003

_VERSION = 20040203
_NO_STREAM = 0xFFFF
_HASH_BYTES, _BUCKETS = 4, 0x3FFFF
_IS_FORWARD = 0x80
_FILL = (b"", b"\xf3\xf2\xf1", b"\xf2\xf1", b"\xf1")
"""What is put behind a record of n bytes, by n modulo 4: its low digits count down to the end."""


@dataclass(slots=True)
class Records:
    """Numbered records, each distinct one once."""

    numbers: dict[bytes, int] = field(default_factory=dict)

    def number(self, kind: int, fields: bytes) -> int:
        """The number of a record, which is added where it is new."""
        size = 4 + len(fields)
        filled = fields + _FILL[size % 4]
        record = struct.pack("<HH", 2 + len(filled), kind) + filled
        return self.numbers.setdefault(record, FIRST_NUMBER + len(self.numbers))

    def stream(self) -> bytes:
        """The bytes of the stream with these records."""
        content = b"".join(self.numbers)
        end = FIRST_NUMBER + len(self.numbers)
        hashes = (_NO_STREAM, _NO_STREAM, _HASH_BYTES, _BUCKETS)
        return HEADER.pack(_VERSION, HEADER.size, FIRST_NUMBER, end, len(content), *hashes, *[0] * 6) + content


@dataclass(slots=True)
class Types:
    """The types and the ids of a PDB, filled as functions ask for them."""

    types: Records = field(default_factory=Records)
    ids: Records = field(default_factory=Records)

    def function_type(self) -> int:
        """The type of all functions: nothing in, nothing out."""
        return self.types.number(LF_PROCEDURE, struct.pack("<I2BHI", VOID, 0, 0, 0, self._no_arguments()))

    def inlinee(self, inline: InlineSpec) -> int:
        """The id of an inlined function: of a class, of a namespace, or of neither."""
        name = inline.name.encode() + b"\0"
        if inline.owner:
            owner = self._class(inline.owner)
            method = struct.pack("<3I2BHIi", VOID, owner, 0, 0, 0, 0, self._no_arguments(), 0)
            kind = self.types.number(LF_MFUNCTION, method)
            return self.ids.number(LF_MFUNC_ID, struct.pack("<2I", owner, kind) + name)
        scope = self.ids.number(LF_STRING_ID, bytes(4) + inline.scope.encode() + b"\0") if inline.scope else 0
        return self.ids.number(LF_FUNC_ID, struct.pack("<2I", scope, self.function_type()) + name)

    def _no_arguments(self) -> int:
        return self.types.number(LF_ARGLIST, bytes(4))

    def _class(self, name: str) -> int:
        return self.types.number(LF_CLASS, struct.pack("<2H3IH", 0, _IS_FORWARD, 0, 0, 0, 0) + name.encode() + b"\0")
