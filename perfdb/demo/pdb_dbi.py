"""The debug stream (DBI) of a made-up PDB: which object modules there are, and which parts of the image are theirs.

    part            offset  bytes  what
    header               0     64  `DEBUG_HEADER`
    object module        0      4  0
                         4     28  its first section contribution
                        32      2  flags
                        34      2  its stream, 0xFFFF for none
                        36   4+4+4  bytes of its symbols (with the u32 before them), of C11 and of C13 lines
                        48    2+2  its source files, 0
                        52  4+4+4  0
                        64         its name and its library, each with a NUL; filled with zeros to four bytes
    contributions        0      4  0xF12EBA2D
                         4  28 ×n  0 u16 section from 1, 4 i32 offset, 8 i32 bytes, 12 u32 characteristics, 16 u16
                                   object module from 0, 20 u32 and 24 u32 checksums; in the order of addresses
    section map          0    2+2  entries, twice
                         4  20 ×n  0 u16 flags, 6 u16 section from 1, 8 u16 and 10 u16 0xFFFF, 16 u32 bytes
    files                0    2+2  object modules, source files
                         4  2 ×n   for each module where its files begin, then for each how many it has
                            4 ×m   for each file the place of its name among the names that follow

Source: LLVM's "The PDB DBI Stream" (https://llvm.org/docs/PDB/DbiStream.html).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from perfdb.demo.pdb_objects import ObjectStream, section_offset
from perfdb.demo.pdb_spec import ObjectSpec, PdbSpec, SectionSpec
from perfdb.demo.pdb_strings import Strings

DEBUG_HEADER = struct.Struct("<iII6H5iI2i2HI")
"""0 i32 -1, 4 u32 version 19990903, 8 u32 age, 12 u16 stream of globals, 14 u16 linker, 16 u16 stream of publics,
18 u16, 20 u16 stream of symbols, 22 u16; i32 bytes of: 24 modules, 28 contributions, 32 section map, 36 files, 40 type
servers; 44 u32; i32 bytes of: 48 debug header, 52 edit and continue; 56 u16 flags, 58 u16 processor, 60 u32."""

CONTRIBUTION = struct.Struct("<HHiiIHHII")
OBJECT_HEADER = struct.Struct("<I28sHHIIIHHIII")
SECTION_HEADER = struct.Struct("<8s6I2HI")
IS_STRIPPED = 2

_VERSION = 19990903
_LINKER = 0x8000 | 14 << 8 | 29
_CONTRIBUTIONS_VERSION = 0xF12E_BA2D
_NO_STREAM = 0xFFFF
_DEBUG_STREAMS, _SECTION_HEADERS = 11, 5
_CODE, _DATA = 0x6000_0020, 0x4000_0040
_MAP_CODE, _MAP_DATA, _MAP_ABSOLUTE = 0x10D, 0x109, 0x208
_NO_NAME = 0xFFFF
_NO_CONTRIBUTION = CONTRIBUTION.pack(0xFFFF, 0, 0, -1, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Linked:
    """The numbers of the streams that the debug stream names."""

    globals: int
    publics: int
    symbols: int
    sections: int
    first_object: int


def debug_stream(spec: PdbSpec, objects: Sequence[ObjectStream], linked: Linked) -> bytes:
    """The debug stream; `objects` are the modules' streams, none in a stripped PDB."""
    contributions = _contributions(spec)
    first = dict(reversed(contributions))
    parts = (
        b"".join(
            _object(of, first.get(number, _NO_CONTRIBUTION), linked.first_object + number, objects[number : number + 1])
            for number, of in enumerate(spec.objects)
        ),
        struct.pack("<I", _CONTRIBUTIONS_VERSION) + b"".join(record for _, record in contributions),
        _section_map(spec.sections),
        _files(len(spec.objects), objects),
    )
    # Readers look up names here that the object modules leave empty.
    edit_and_continue = Strings().stream()
    streams = [_NO_STREAM] * _DEBUG_STREAMS
    streams[_SECTION_HEADERS] = linked.sections
    debug_header = struct.pack(f"<{_DEBUG_STREAMS}H", *streams)
    named = (linked.globals, _LINKER, linked.publics, 0, linked.symbols, 0)
    sizes = (*map(len, parts), 0, 0, len(debug_header), len(edit_and_continue))
    flags = IS_STRIPPED * spec.is_stripped
    header = DEBUG_HEADER.pack(-1, _VERSION, spec.age, *named, *sizes, flags, spec.machine, 0)
    return b"".join((header, *parts, edit_and_continue, debug_header))


def section_headers(spec: PdbSpec) -> bytes:
    """The section headers of the image, as they stand in it."""
    return b"".join(map(_section_header, spec.sections))


def _section_header(section: SectionSpec) -> bytes:
    size, rva, kind = section.size, section.rva, _CODE if section.is_code else _DATA
    return SECTION_HEADER.pack(section.name.encode()[:8], size, rva, size, rva, 0, 0, 0, 0, kind)


def _contributions(spec: PdbSpec) -> list[tuple[int, bytes]]:
    """The object module and the record of each section contribution, in the order of addresses.

    Every function is one; where identical code was folded, the first module keeps it.
    """
    found: dict[tuple[int, int], tuple[int, bytes]] = {}
    for number, of in enumerate(spec.objects):
        for function in of.functions:
            section, offset = section_offset(spec, function.rva)
            record = CONTRIBUTION.pack(section, 0, offset, function.size, _CODE, number, 0, 0, 0)
            found.setdefault((section, offset), (number, record))
    return [found[place] for place in sorted(found)]


def _object(of: ObjectSpec, contribution: bytes, number: int, written: Sequence[ObjectStream]) -> bytes:
    """The record of an object module, whose stream has a number; `written` is that stream, none in a stripped PDB."""
    stream, symbol_bytes, line_bytes, files = _NO_STREAM, 0, 0, 0
    for content in written:
        stream, symbol_bytes, line_bytes = number, content.symbol_bytes, content.line_bytes
        files = len(content.files)
    head = OBJECT_HEADER.pack(0, contribution, 0, stream, symbol_bytes, 0, line_bytes, files, 0, 0, 0, 0)
    record = head + of.name.encode() + b"\0" + (of.library or of.name).encode() + b"\0"
    return record + bytes(-len(record) % 4)


def _section_map(sections: Sequence[SectionSpec]) -> bytes:
    count = len(sections) + 1
    entries = [(_MAP_CODE if section.is_code else _MAP_DATA, section.size) for section in sections]
    # The last entry is what absolute symbols lie in.
    entries.append((_MAP_ABSOLUTE, 0xFFFF_FFFF))
    return struct.pack("<2H", count, count) + b"".join(
        struct.pack("<6H2I", flags, 0, 0, number, _NO_NAME, _NO_NAME, 0, size)
        for number, (flags, size) in enumerate(entries, 1)
    )


def _files(modules: int, objects: Sequence[ObjectStream]) -> bytes:
    """The part that lists the source files of each module. Its counts have 16 bits and are not to be relied on."""
    files = [of.files for of in objects] or [()] * modules
    names = Strings()
    places = [names.place(file) for of in files for file in of]
    begin, start = [], 0
    for of in files:
        begin.append(start & 0xFFFF)
        start += len(of)
    counts = [len(of) for of in files]
    head = struct.pack(f"<2H{2 * modules}H", modules, len(places) & 0xFFFF, *begin, *counts)
    content = head + struct.pack(f"<{len(places)}I", *places) + names.content()
    return content + bytes(-len(content) % 4)
