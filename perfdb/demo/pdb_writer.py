r"""Writes real `.pdb` bytes from a `PdbSpec`: for the demo and for the tests, which hold the reader against it.

    data = write_pdb(
        PdbSpec(
            guid="0123456789ABCDEF0123456789ABCDEF",
            objects=(ObjectSpec("app.obj", (FunctionSpec("app::run", 0x1000, 0x40, "app.cpp", (LineSpec(0, 12),)),)),),
        )
    )

    stream      what, with the offsets of its fields
     0          nothing (the directory before the last change)
     1 info     0 u32 version 20000404, 4 u32 time, 8 u32 age, 12 guid; 28 u32 bytes of names and the names of named
                streams, then a table: u32 size, u32 room, u32 words and words of bits of the places in use, u32 0,
                u32 place of the name and u32 stream for each; u32 0, u32 20140508 (there is a stream of ids)
     2, 4       types and ids: see `pdb_types`
     3 debug    the DBI stream: `DEBUG_HEADER`, then object modules, section contributions, section map, files, and at
                the end the streams of the "optional debug header", whose sixth has the image's section headers
     5 /names   the names of source files: see `pdb_strings`
     6          the image's section headers, 40 bytes each
     7 symbols  the records that 8 and 9 refer to: S_PUB32 (0 u32 flags, 4 u32 offset, 8 u16 section, 10 name) and
                S_PROCREF, S_LPROCREF (0 u32, 4 u32 place in the object module's stream, 8 u16 module from 1, 10 name)
     8 globals  a table of names: see `name_table`
     9 publics  0 u32 bytes of the table, 4 u32 bytes of the address map, 8 five fields of 0; 28 the table of names,
                then u32 places of records in the order of their addresses
    10 …        object modules: see `pdb_objects`

Source: LLVM's "The PDB File Format" (https://llvm.org/docs/PDB/) and what Microsoft published of its own writer.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from perfdb.demo.msf_writer import BLOCK_BYTES, write_msf
from perfdb.demo.pdb_dbi import Linked, debug_stream, section_headers
from perfdb.demo.pdb_imports import Exports
from perfdb.demo.pdb_objects import ObjectStream, object_stream, section_offset, symbol
from perfdb.demo.pdb_spec import PdbSpec, PublicSpec
from perfdb.demo.pdb_strings import Strings, name_hash
from perfdb.demo.pdb_types import Types

S_PUB32, S_PROCREF, S_LPROCREF = 0x110E, 0x1125, 0x1127
PUBLIC_IS_FUNCTION = 2

NAMES_STREAM, SECTIONS_STREAM, SYMBOLS_STREAM, GLOBALS_STREAM, PUBLICS_STREAM, FIRST_OBJECT_STREAM = range(5, 11)

_NAMES = b"/names"
_NAMED_ROOM = 2
"""Places in the table of named streams: one stands at the lower 16 bits of its name's hash, modulo that."""

_INFO_VERSION, _HAS_IDS = 20000404, 20140508
_TABLE_SIGNATURE, _TABLE_VERSION = 0xFFFF_FFFF, 0xEFFE_0000 + 19990810
_BUCKETS = 4096
_BUCKET_UNIT = 12
"""Bytes that the record of a name took in the memory of the first writer: buckets still count in them."""


def write_pdb(spec: PdbSpec, block_size: int = BLOCK_BYTES) -> bytes:
    """The bytes of a PDB; raises ValueError where a function lies in no section."""
    types, strings = Types(), Strings()
    types.function_type()
    exports = Exports()
    exports.add(spec.objects, types)
    objects = () if spec.is_stripped else tuple(object_stream(spec, of, types, strings, exports) for of in spec.objects)
    publics = _publics(spec)
    references = _references(spec, objects, sum(len(record.content) for record in publics))
    symbols = [record.content for record in (*publics, *references)]
    linked = Linked(GLOBALS_STREAM, PUBLICS_STREAM, SYMBOLS_STREAM, SECTIONS_STREAM, FIRST_OBJECT_STREAM)
    return write_msf(
        (
            b"",
            _info(spec),
            types.types.stream(),
            debug_stream(spec, objects, linked),
            types.ids.stream(),
            strings.stream(),
            section_headers(spec),
            b"".join(symbols),
            name_table(references),
            _public_table(publics),
            *(of.content for of in objects),
        ),
        block_size,
    )


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the symbol stream, where in it it begins, and for a public its address as (section, offset)."""

    name: str
    place: int
    content: bytes
    address: tuple[int, int] = (0, 0)


def _info(spec: PdbSpec) -> bytes:
    guid = bytes.fromhex(spec.guid)
    # The guid's first three fields are numbers, so the file has them the other way round than their hex digits.
    turned = guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]
    age = spec.age if spec.info_age is None else spec.info_age
    names = _NAMES + b"\0"
    in_use = 1 << (name_hash(_NAMES) & 0xFFFF) % _NAMED_ROOM
    table = struct.pack("<I", len(names)) + names + struct.pack("<7I", 1, _NAMED_ROOM, 1, in_use, 0, 0, NAMES_STREAM)
    return struct.pack("<3I", _INFO_VERSION, 0, age) + turned + table + struct.pack("<2I", 0, _HAS_IDS)


def _publics(spec: PdbSpec) -> list[Record]:
    """The records of public symbols, which come first in the stream of symbols."""
    named = [
        PublicSpec(function.public, function.rva) for of in spec.objects for function in of.functions if function.public
    ]
    records: list[Record] = []
    place = 0
    for public in (*named, *spec.publics):
        section, offset = section_offset(spec, public.rva)
        fields = struct.pack("<2IH", PUBLIC_IS_FUNCTION * public.is_function, offset, section)
        content = symbol(S_PUB32, fields + public.name.encode() + b"\0")
        records.append(Record(public.name, place, content, (section, offset)))
        place += len(content)
    return records


def _references(spec: PdbSpec, objects: Sequence[ObjectStream], place: int) -> list[Record]:
    """The records that say in which object module a function is; the first one begins at `place`."""
    records: list[Record] = []
    for number, (of, stream) in enumerate(zip(spec.objects, objects, strict=False), 1):
        for function, at in zip(of.functions, stream.places, strict=True):
            kind = S_PROCREF if function.is_global else S_LPROCREF
            content = symbol(kind, struct.pack("<2IH", 0, at, number) + function.name.encode() + b"\0")
            records.append(Record(function.name, place, content))
            place += len(content)
    return records


def name_table(records: Sequence[Record]) -> bytes:
    """A table of names by their hash.

    0 u32 0xFFFFFFFF, 4 u32 version, 8 u32 bytes of the records, 12 u32 bytes of the rest; 16 for each name u32 place of
    its record + 1 and u32 1, bucket by bucket; 4,097 bits (in whole u32) that say which buckets have names, and for
    each of these u32 where its names begin, in units of 12 bytes a name. Without names there are no bits either.
    """
    buckets: dict[int, list[Record]] = {}
    for record in records:
        buckets.setdefault(name_hash(record.name.encode()) % _BUCKETS, []).append(record)
    entries, starts, bits = bytearray(), bytearray(), bytearray(4 * (_BUCKETS // 32 + 1))
    for bucket in sorted(buckets):
        bits[bucket // 8] |= 1 << bucket % 8
        starts += struct.pack("<I", len(entries) // 8 * _BUCKET_UNIT)
        for record in sorted(buckets[bucket], key=lambda record: (len(record.name), record.name.lower())):
            entries += struct.pack("<2I", record.place + 1, 1)
    rest = bytes(bits + starts) if records else b""
    return struct.pack("<4I", _TABLE_SIGNATURE, _TABLE_VERSION, len(entries), len(rest)) + bytes(entries) + rest


def _public_table(publics: Sequence[Record]) -> bytes:
    table = name_table(publics)
    ordered = sorted(publics, key=lambda record: (record.address, record.name))
    head = struct.pack("<4I2H2I", len(table), 4 * len(ordered), 0, 0, 0, 0, 0, 0)
    return head + table + struct.pack(f"<{len(ordered)}I", *(record.place for record in ordered))
