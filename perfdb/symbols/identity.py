"""Debug ids: how a module names the one symbol file that was made with it, and the id that a PDB bears.

A PDB's id is its guid, in 32 upper-case hex digits, and its age in hex. The guid's 16 bytes are written the way a
Windows GUID is printed: the first three fields are little-endian numbers, the last eight bytes stand as they are.

The age is that of the DBI stream. The PDB stream has an age too, which tools count up when they add to a finished file
(source indexing, for one); the image, and so the trace, keeps naming the first.

    stream 1, PDB        @0 version u32   @4 signature u32   @8 age u32   @12 guid, 16 bytes
    stream 3, DBI        @0 -1 i32        @4 version u32     @8 age u32     @56 flags u16, bit 1: public symbols only

Source: "The PDB Info (aka PDB) Stream" and "The PDB DBI Stream" of the LLVM documentation.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from purepdb import MsfFile

PDB_MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\x00\x00\x00"
"""What a PDB begins with."""

_FAMILY = (PDB_MAGIC, b"Microsoft C/C++ program database", b"BSJB")
"""What a PDB, one of the 1990s and a portable one of .NET begin with; `purepdb` says which of them it does not read."""

_PDB_STREAM, _DBI_STREAM = 1, 3
_PDB_HEAD = struct.Struct("<III16s")
_DBI_HEAD = struct.Struct("<iII")
_DBI_FLAGS = struct.Struct("<56xH")
_FLAG_STRIPPED = 0x2
_NEW_DBI = -1
_FIRST_WITH_GUID = 20000404
"""The version of the PDB stream (VC70) from which on it has a guid."""

_GUID_FIELDS = struct.Struct("<IHH8s")
_PACKED_ID = re.compile(r"([0-9A-F]{32})([0-9A-F]{1,8})")
_DASHED_ID = re.compile(r"\{?(.{8})-(.{4})-(.{4})-(.{4})-(.{12})\}?-?(.{0,8})")


_T = TypeVar("_T")


class SymbolFileError(Exception):
    """A file is no symbol file that can be used; the text is a short reason. It stays within this package."""


def format_debug_id(guid: bytes, age: int) -> str:
    """The debug id of a guid in the 16 bytes that PDBs and images hold, and an age."""
    low, mid, high, rest = _GUID_FIELDS.unpack(guid)
    return f"{low:08X}{mid:04X}{high:04X}{rest.hex().upper()}{age:x}"


def parse_debug_id(text: str) -> str | None:
    """The debug id that a text spells, in the one form that is used here; None if it is none of a PDB.

    Read are `12DC0A4F…B4675` as in a symbol store, and with dashes `12dc0a4f-bd7d-4f2a-a9be-263bacaeb467-5`, in braces
    or not, where a missing age is 0.
    """
    bare = text.strip().upper()
    if dashed := _DASHED_ID.fullmatch(bare):
        bare = "".join(dashed.groups()[:5]) + (dashed[6] or "0")
    packed = _PACKED_ID.fullmatch(bare)
    return f"{packed[1]}{int(packed[2], 16):x}" if packed else None


def pdb_identity(path: Path) -> str:
    """The debug id of a PDB; raises SymbolFileError for what is none, or is too damaged to tell.

    Only the directory of streams and two headers are read, whatever the size of the file.
    """
    return _read(path, _identity)


def is_stripped_pdb(path: Path) -> bool:
    """Whether a PDB has only public symbols (/PDBSTRIPPED); raises as `pdb_identity` does, and is as quick."""
    return _read(path, _is_stripped)


def _read(path: Path, take: Callable[[mmap.mmap], _T]) -> _T:
    from purepdb import PdbError, UnsupportedPdbError  # where all symbols are known already, no PDB is opened

    try:
        with path.open("rb") as file:
            begin = file.read(len(PDB_MAGIC))
            if not begin:
                raise SymbolFileError("it is empty")
            if not begin.startswith(_FAMILY):
                raise SymbolFileError("it is no PDB")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                return take(mapped)
    except UnsupportedPdbError as error:
        raise SymbolFileError(str(error).replace("this is", "it is")) from None
    except PdbError as error:
        raise SymbolFileError(str(error)) from None
    except OSError as error:
        raise SymbolFileError(f"it cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a path with NUL, a file that shrinks while it is mapped
        raise SymbolFileError(f"it cannot be read: {error}") from None


def _identity(mapped: mmap.mmap) -> str:
    from purepdb import MsfFile

    msf = MsfFile(mapped)
    version, _, age, guid = _PDB_HEAD.unpack(_head(mapped, msf, _PDB_STREAM, _PDB_HEAD.size, "PDB"))
    if version < _FIRST_WITH_GUID:
        raise SymbolFileError(f"it is of version {version}, which has no guid yet")
    if msf.is_valid_stream(_DBI_STREAM) and msf.stream_size(_DBI_STREAM):
        mark, _, dbi_age = _DBI_HEAD.unpack(_head(mapped, msf, _DBI_STREAM, _DBI_HEAD.size, "DBI"))
        age = dbi_age if mark == _NEW_DBI else age
    return format_debug_id(guid, age)


def _is_stripped(mapped: mmap.mmap) -> bool:
    from purepdb import MsfFile

    msf = MsfFile(mapped)
    if not msf.is_valid_stream(_DBI_STREAM) or msf.stream_size(_DBI_STREAM) < _DBI_FLAGS.size:
        return False
    (flags,) = _DBI_FLAGS.unpack(_head(mapped, msf, _DBI_STREAM, _DBI_FLAGS.size, "DBI"))
    return bool(flags & _FLAG_STRIPPED)


def _head(mapped: mmap.mmap, msf: MsfFile, stream: int, size: int, name: str) -> bytes:
    """The first bytes of a stream, which lie in its first block: blocks have 512 bytes at least."""
    if not msf.is_valid_stream(stream) or msf.stream_size(stream) < size:
        raise SymbolFileError(f"its {name} stream is missing or cut off")
    begin = msf.stream_blocks[stream][0] * msf.super.block_size
    head = mapped[begin : begin + size]
    if len(head) < size:
        raise SymbolFileError(f"its {name} stream lies beyond the end of the file")
    return head
