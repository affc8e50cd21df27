"""The DBI stream of a PDB in numpy: which object module gave which bytes of the image, and where all else lies.

    header, 64 bytes    object modules    section contributions    section map    (source files, type servers, EC)
    at the end: u16 numbers of the streams with the image's section headers and with what moved after linking (OMAP)

`purepdb` makes an object of each of the 500,000 contributions that a large program has; here they are columns. Source
of the layout: LLVM's "The PDB DBI (Debug Info) Stream". All integers are little-endian; a test asserts the offsets.

Addresses are RVAs of the image that the linker made. A tool that moved code afterwards left two tables (OMAP): `moved`
leads from where the code is to where the linker had put it, which is what everything else in the PDB speaks of.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from purepdb import OmapTable, Section, SectionTable, sections_from_map
from purepdb.sections import parse_section_map

from perfdb.profile.columns import I32, I64, U16, Bool
from perfdb.symbols.identity import SymbolFileError
from perfdb.symbols.pdb_streams import Streams
from perfdb.symbols.table import Moved

DBI_STREAM = 3
NO_STREAM = 0xFFFF

HEADER = np.dtype(
    {
        "names": [
            *("signature", "age", "publics", "symbols", "modules_bytes", "contributions_bytes", "map_bytes"),
            *("files_bytes", "servers_bytes", "streams_bytes", "ec_bytes", "flags", "machine"),
        ],
        "formats": ["<i4", "<u4", "<u2", "<u2", "<i4", "<i4", "<i4", "<i4", "<i4", "<i4", "<i4", "<u2", "<u2"],
        "offsets": [0, 8, 16, 20, 24, 28, 32, 36, 40, 48, 52, 56, 58],
        "itemsize": 64,
    }
)
ANY_MODULE = -1
"""The module of a contribution of which it is not known which module made it."""

FLAG_STRIPPED = 0x2
"""Only public symbols are left (/PDBSTRIPPED)."""

CONTRIBUTION = np.dtype(
    {
        "names": ["section", "offset", "size", "module"],
        "formats": ["<u2", "<i4", "<i4", "<u2"],
        "offsets": [0, 4, 8, 16],
        "itemsize": 28,
    }
)
CONTRIBUTION_BYTES = {0xF12EBA2D: 28, 0xF13151E4: 32}
"""Bytes of a section contribution by the version that stands before the first."""

MODULE_HEAD = struct.Struct("<34xHIII16x")
"""What precedes the two names of an object module: stream u16 @34, then bytes of its symbols @36, C11 and C13 lines."""

STREAM_OMAP_TO_ORIGINAL, STREAM_OMAP_FROM_ORIGINAL, STREAM_SECTIONS, STREAM_ORIGINAL_SECTIONS = 3, 4, 5, 10

MACHINES = {0x14C: "x86", 0x8664: "x64", 0xAA64: "arm64"}
"""IMAGE_FILE_MACHINE_* of winnt.h."""


@dataclass(frozen=True, slots=True)
class Modules:
    """The object modules, shape (modules,): the stream of each, and how many bytes of it are symbols and lines."""

    stream: U16
    symbol_bytes: I64
    c11_bytes: I64
    c13_bytes: I64

    def __len__(self) -> int:
        return len(self.stream)

    def symbols(self, streams: Streams, module: int) -> bytes:
        """The symbols of an object module, from the signature on; b"" if there are none, or no such module."""
        return self._part(streams, module, 0, self.symbol_bytes)

    def lines(self, streams: Streams, module: int) -> bytes:
        """The C13 subsections of an object module; b"" if there are none, or no such module."""
        if module >= len(self):
            return b""
        return self._part(streams, module, int(self.symbol_bytes[module] + self.c11_bytes[module]), self.c13_bytes)

    def _part(self, streams: Streams, module: int, at: int, size: I64) -> bytes:
        stream = streams.stream(int(self.stream[module])) if module < len(self) else None
        return b"" if stream is None else stream.read(at, int(size[module]))


@dataclass(frozen=True, slots=True)
class Sections:
    """The image's sections, shape (sections,), in the order of their numbers, which begin with 1."""

    start: I64
    end: I64
    is_code: Bool

    def rva(self, number: I64, offset: I64) -> I64:
        """The RVAs of some (section, offset); -1 for a section that there is not."""
        known = (number >= 1) & (number <= len(self.start))
        found = np.full(len(number), -1, np.int64)
        found[known] = self.start[number[known] - 1] + offset[known]
        return found


@dataclass(frozen=True, slots=True)
class Contributions:
    """What object modules gave to the image, shape (contributions,), in the order of `start`; none is empty."""

    start: I64
    end: I64
    module: I32
    is_code: Bool

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Dbi:
    """What is needed of the DBI stream; `publics` and `symbols` are numbers of streams."""

    age: int
    machine: str
    is_stripped: bool
    publics: int
    symbols: int
    modules: Modules
    sections: Sections
    contributions: Contributions
    moved: Moved


def read_dbi(streams: Streams) -> Dbi:
    """Read the stream; raises SymbolFileError where its header is missing. What lies behind damage is left out."""
    data = streams.read(DBI_STREAM)
    if len(data) < HEADER.itemsize:
        raise SymbolFileError("its DBI stream is missing or cut off")
    header = np.frombuffer(data, HEADER, 1)[0]
    parts: dict[str, memoryview] = {}
    whole = memoryview(data)
    at = HEADER.itemsize
    for name in ("modules", "contributions", "map", "files", "servers", "ec", "streams"):
        size = max(0, int(header[f"{name}_bytes"]))
        parts[name] = whole[at : at + size]
        at += size
    numbers = np.frombuffer(parts["streams"], "<u2", len(parts["streams"]) // 2).tolist()
    numbers += [NO_STREAM] * (STREAM_ORIGINAL_SECTIONS + 1 - len(numbers))
    original = _sections(streams.read(numbers[STREAM_ORIGINAL_SECTIONS]))
    linked = _sections(streams.read(numbers[STREAM_SECTIONS]))
    sections = original or linked or sections_from_map(parse_section_map(bytes(parts["map"])))
    columns = _section_columns(sections)
    contributions = _contributions(parts["contributions"], columns)
    return Dbi(
        age=int(header["age"]),
        machine=MACHINES.get(int(header["machine"]), ""),
        is_stripped=bool(int(header["flags"]) & FLAG_STRIPPED),
        publics=int(header["publics"]),
        symbols=int(header["symbols"]),
        modules=_modules(bytes(parts["modules"])),
        sections=columns,
        contributions=contributions if len(contributions) else _whole_sections(columns),
        moved=_moved(streams, numbers) if original else Moved(np.zeros(0, np.int64), np.zeros(0, np.int64)),
    )


def read_module_names(streams: Streams) -> list[bytes]:
    """The names of the object modules, in the order of `Modules`: read apart, as few PDBs need them."""
    stream = streams.stream(DBI_STREAM)
    if stream is None or stream.size < HEADER.itemsize:
        return []
    header = np.frombuffer(stream.read(0, HEADER.itemsize), HEADER, 1)[0]
    data = stream.read(HEADER.itemsize, max(0, int(header["modules_bytes"])))
    return [data[at + MODULE_HEAD.size : name_end] for at, name_end in _module_records(data)]


def _sections(headers: bytes) -> list[Section]:
    return SectionTable.parse(headers).sections


def _section_columns(sections: list[Section]) -> Sections:
    start = np.array([section.virtual_address for section in sections], np.int64)
    size = np.array([section.virtual_size for section in sections], np.int64)
    return Sections(start, start + size, np.array([section.executable for section in sections], np.bool_))


def _modules(data: bytes) -> Modules:
    rows = [MODULE_HEAD.unpack_from(data, at) for at, _ in _module_records(data)]
    columns = np.array(rows, np.int64).reshape(-1, 4)
    return Modules(columns[:, 0].astype(np.uint16), columns[:, 1], columns[:, 2], columns[:, 3])


def _module_records(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each object module's record begins, and where its first name ends.

    A record has a head, two names that end in NUL, and then bytes up to a multiple of 4.
    """
    at = 0
    while at + MODULE_HEAD.size < len(data):
        name_end = data.find(b"\0", at + MODULE_HEAD.size)
        end = data.find(b"\0", name_end + 1) if name_end >= 0 else -1
        if end < 0:
            break
        yield at, name_end
        at = (end + 4) & ~3


def _contributions(data: memoryview, sections: Sections) -> Contributions:
    version = int.from_bytes(data[:4], "little")
    size = CONTRIBUTION_BYTES.get(version, 0)
    count = (len(data) - 4) // size if size else 0
    wide = np.dtype({"names": ["row", "rest"], "formats": [CONTRIBUTION, "V4"], "itemsize": 32})
    if size == wide.itemsize:
        rows = np.frombuffer(data, wide, count, 4)["row"]
    else:
        rows = np.frombuffer(data, CONTRIBUTION, max(0, count), 4) if count > 0 else np.zeros(0, CONTRIBUTION)
    number = rows["section"].astype(np.int64)
    start = sections.rva(number, rows["offset"].astype(np.int64))
    length = rows["size"].astype(np.int64)
    kept = np.flatnonzero((start >= 0) & (length > 0) & (rows["offset"] >= 0))
    kept = kept[np.argsort(start[kept], kind="stable")]
    is_code = sections.is_code[number[kept] - 1] if len(kept) else np.zeros(0, np.bool_)
    end = start[kept] + length[kept]
    # Overlaps are damage: of two contributions the later one has the bytes.
    end[:-1] = np.minimum(end[:-1], start[kept][1:])
    left = end > start[kept]
    return Contributions(start[kept][left], end[left], rows["module"][kept][left].astype(np.int32), is_code[left])


def _whole_sections(sections: Sections) -> Contributions:
    """What stands in for the contributions where there are none: whole sections, of any object module."""
    order = np.argsort(sections.start, kind="stable")
    module = np.full(len(order), ANY_MODULE, np.int32)
    return Contributions(sections.start[order], sections.end[order], module, sections.is_code[order])


def _moved(streams: Streams, numbers: list[int]) -> Moved:
    """The table that leads to the original image, or the one that leads back from it, turned round."""
    table = OmapTable.parse(streams.read(numbers[STREAM_OMAP_TO_ORIGINAL]))
    now, was = np.array(table.source, np.int64), np.array(table.target, np.int64)
    if not len(now):
        table = OmapTable.parse(streams.read(numbers[STREAM_OMAP_FROM_ORIGINAL]))
        now, was = np.array(table.target, np.int64), np.array(table.source, np.int64)
        order = np.argsort(now, kind="stable")
        now, was = now[order], was[order]
    return Moved(now, was)
