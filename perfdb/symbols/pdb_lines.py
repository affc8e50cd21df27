"""Lines of one object module: tables of functions, and the annotations that place an inlined function's code.

The lines are subsections behind the symbols ("C13"). These kinds matter, and 0xF7 and 0xF8 of `pdb_imports`:

    0xF2 lines         0 u32 offset   4 u16 section   6 u16 flags   8 u32 size; then blocks of one file each:
                       0 u32 file   4 u32 lines   8 u32 bytes of the block   12 lines: u32 offset, u32 line in the low
                       24 bits; behind them, with flag 1, columns
    0xF4 files         what `file` means, by its place in this subsection: a place in the stream `/names`
    0xF6 inlinees      0 u32 form; then 0 u32 id   4 u32 file   8 u32 first line; with form 1: 12 u32 count of more
                       files, u32 each

An inlined function's code is a list of compressed operations (BinaryAnnotationOpcode of cvinfo.h): they move an offset
and a line, and each move of the offset begins a piece of code that reaches to the next one, or has a length of its own.
Two lines are marks: 0xFEEFEE is code without source and 0xF00F00 code not to step into; here as in other readers, the
line before goes on.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from purepdb import c13

from perfdb.profile.columns import I64
from perfdb.symbols.pdb_imports import DEBUG_S_CROSSSCOPEIMPORTS, Import, read_imports

NO_FILE = -1
_LINES_HEAD = struct.Struct("<IHHI")
_BLOCK_HEAD = struct.Struct("<III")
_LINE_BYTES, _COLUMN_BYTES = 8, 4
_LINE_MASK = 0xFF_FFFF
_MORE_FILES = 1

SECTION_SHIFT = 32
"""An address in a section as one number: section << 32 | offset."""


@dataclass(frozen=True, slots=True)
class LineTables:
    """The tables of functions, shape (tables,), in the order of their addresses; those of one address as in the file.

    Table i has the lines `first[i] : first[i + 1]`, in ascending order and one an address; `file` is a place among the
    files of the object module, `offset` is one in the table's section.
    """

    address: I64
    first: I64
    offset: I64
    file: I64
    line: I64


@dataclass(frozen=True, slots=True)
class Lines:
    """All of an object module: `files` lead from a place to one in `/names`, `inlinees` from an id to file and line.

    Both these ids and those of the sites may stand for ones of other object modules, by the same `imports`.
    """

    tables: LineTables
    files: dict[int, int]
    inlinees: dict[int, tuple[int, int]]
    imports: tuple[Import, ...]


def read_lines(data: bytes) -> Lines:
    """Read the lines of an object module. Damaged subsections end at the damage."""
    files: dict[int, int] = {}
    inlinees: dict[int, tuple[int, int]] = {}
    imports: tuple[Import, ...] = ()
    tables = _Tables()
    for part in c13.iter_subsections(data):
        if part.kind == c13.DEBUG_S_LINES:
            tables.add(part.payload)
        elif part.kind == c13.DEBUG_S_FILECHECKSUMS:
            files.update(c13.parse_file_checksums(part.payload))
        elif part.kind == c13.DEBUG_S_INLINEELINES:
            _add_inlinees(part.payload, inlinees)
        elif part.kind == DEBUG_S_CROSSSCOPEIMPORTS and not imports:
            imports = read_imports(part.payload)
    return Lines(tables.joined(), files, inlinees, imports)


class _Tables:
    """Gathers the blocks of all tables, which are small and many, to read their lines in one go."""

    def __init__(self) -> None:
        self._address: list[int] = []
        self._base: list[int] = []
        self._blocks: list[tuple[int, int, int]] = []
        self._entries: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Add a subsection of lines."""
        if len(data) < _LINES_HEAD.size:
            return
        base, section, flags, _ = _LINES_HEAD.unpack_from(data)
        width = _LINE_BYTES + (_COLUMN_BYTES if flags & c13.LF_HAVE_COLUMNS else 0)
        at, end = _LINES_HEAD.size, len(data)
        while at + _BLOCK_HEAD.size <= end:
            file, count, size = _BLOCK_HEAD.unpack_from(data, at)
            at += _BLOCK_HEAD.size
            if count * width > end - at:
                break
            self._blocks.append((len(self._address), file, count))
            self._entries.append(data[at : at + count * _LINE_BYTES])
            at += max(size - _BLOCK_HEAD.size, count * width)
        self._address.append(section << SECTION_SHIFT | base)
        self._base.append(base)

    def joined(self) -> LineTables:
        """All tables, in the order of their addresses."""
        address = np.array(self._address, np.int64)
        base = np.array(self._base, np.int64)
        order = np.argsort(address, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        blocks = np.array(self._blocks, np.int64).reshape(-1, 3)
        of, file, _ = np.repeat(blocks, blocks[:, 2], axis=0).T
        entries = np.frombuffer(b"".join(self._entries), "<u4").astype(np.int64).reshape(-1, 2)
        offset, line = entries[:, 0] + base[of], entries[:, 1] & _LINE_MASK
        table = rank[of]
        kept = np.flatnonzero((line != c13.LINE_COMPILER_GENERATED) & (line != c13.LINE_NOT_STEPPABLE))
        kept = kept[np.lexsort((offset[kept], table[kept]))]
        # Of several lines at one address all but the last are empty.
        last = np.ones(len(kept), np.bool_)
        last[:-1] = (table[kept][1:] != table[kept][:-1]) | (offset[kept][1:] != offset[kept][:-1])
        kept = kept[last]
        return LineTables(
            address=address[order],
            first=np.searchsorted(table[kept], np.arange(len(order) + 1)),
            offset=offset[kept],
            file=file[kept],
            line=line[kept],
        )


def _add_inlinees(data: bytes, inlinees: dict[int, tuple[int, int]]) -> None:
    form = int.from_bytes(data[:4], "little")
    at = 4
    while at + 12 <= len(data):
        number, file, line = struct.unpack_from("<III", data, at)
        inlinees[number] = (file, line)
        at += 12
        if form == _MORE_FILES and at + 4 <= len(data):
            at += 4 + 4 * int.from_bytes(data[at : at + 4], "little")


@dataclass(slots=True)
class Piece:
    """A piece of an inlined function's code: `offset` counts from the start of the function's chunk, 0 the function."""

    chunk: int
    offset: int
    size: int
    file: int
    line: int


OP_CODE_OFFSET, OP_CHUNK, OP_MOVE, OP_LENGTH, OP_FILE, OP_LINE = range(1, 7)
OP_MOVE_BOTH, OP_LENGTH_AND_MOVE, OP_LAST = 11, 12, 13


def read_annotations(data: bytes, file: int, line: int) -> list[Piece]:
    """The pieces of an inlined function's code, from its first file and line on. Damage ends the list."""
    pieces: list[Piece] = []
    offset = chunk = 0
    opened: Piece | None = None
    at, end = 0, len(data)
    while at < end:
        operation = data[at]
        at += 1
        if not 0 < operation <= OP_LAST:
            break
        value, at = _number(data, at)
        length = -1
        begins = False
        if operation == OP_MOVE_BOTH:
            offset += value & 0xF
            line += _signed(value >> 4)
            begins = True
        elif operation == OP_LENGTH_AND_MOVE:
            length = value
            value, at = _number(data, at)
            offset += value
            begins = True
        elif operation == OP_MOVE:
            offset += value
            begins = True
        elif operation == OP_LINE:
            line += _signed(value)
        elif operation == OP_LENGTH:
            if opened is not None:
                opened.size = value
                opened = None
            offset += value
        elif operation == OP_FILE:
            file = value
        elif operation == OP_CODE_OFFSET:
            offset = value
        elif operation == OP_CHUNK:
            chunk, offset, opened = value, 0, None
        if value < 0:
            break
        if begins:
            if opened is not None:
                opened.size = offset - opened.offset
            piece = Piece(chunk, offset, max(length, 1), file, line)
            opened = piece if length < 0 else None
            pieces.append(piece)
    return [piece for piece in pieces if piece.size > 0 and _is_sane(piece)]


def _is_sane(piece: Piece) -> bool:
    """Whether a piece can be code at all: sections have less than 4 GiB."""
    return 0 <= piece.offset < 1 << SECTION_SHIFT and piece.size < 1 << SECTION_SHIFT


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1, 2 or 4 bytes, the first of which tells how many, and where it ends; -1 beyond the end."""
    if at >= len(data):
        return -1, at
    first = data[at]
    if not first & 0x80:
        return first, at + 1
    if not first & 0x40 and at + 1 < len(data):
        return (first & 0x3F) << 8 | data[at + 1], at + 2
    if first & 0xE0 == 0xC0 and at + 3 < len(data):
        return (first & 0x1F) << 24 | int.from_bytes(data[at + 1 : at + 4], "big"), at + 4
    return -1, len(data)


def _signed(value: int) -> int:
    """The sign is the lowest bit."""
    return -(value >> 1) if value & 1 else value >> 1
