"""The streams of object modules in a made-up PDB: their functions, what is inlined into those, and their lines.

    stream           u32 4, symbols, C13 subsections, u32 0
    symbol           u16 bytes that follow, u16 kind, fields; filled with zeros to four bytes
    subsection       u32 kind, u32 bytes that follow, fields; filled with zeros to four bytes

    symbol           fields behind the kind; places of other symbols count from the start of the stream
    S_OBJNAME        0 u32, 4 name
    S_COMPILE3       0 u32 language and flags, 4 u16 processor, 6 u16 ×4 and 14 u16 ×4 versions, 22 text
    S_GPROC32,       0 u32 symbol around it, 4 u32 its end, 8 u32 next, 12 u32 bytes of code, 16 u32 and 20 u32 where
    S_LPROC32        its frame stands, 24 u32 type, 28 u32 offset in the section, 32 u16 section (from 1), 34 u8 flags,
                     35 name
    S_INLINESITE     0 u32 symbol around it, 4 u32 its end, 8 u32 id of the function, 12 annotations
    S_INLINESITE_END, S_END: no fields

    subsection       fields
    DEBUG_S_LINES    0 u32 offset in the section, 4 u16 section, 6 u16 flags, 8 u32 bytes of code; then blocks of
                     0 u32 place of the file among the checksums, 4 u32 lines, 8 u32 bytes of the block, and for each
                     line u32 offset in the code and u32 line, its highest bit set for a statement
    DEBUG_S_FILECHKSMS    for each file 0 u32 place of its name in `/names`, 4 u8 bytes and 5 u8 kind of the checksum
    DEBUG_S_INLINEELINES  0 u32 0; then for each function u32 id, u32 place of its file, u32 its first line
    DEBUG_S_CROSSSCOPEIMPORTS, DEBUG_S_CROSSSCOPEEXPORTS: see `pdb_imports`

Annotations are a small program of numbers in one, two or four bytes; see `_annotations`. Source: LLVM's "The Module
Information Stream" and "CodeView Symbol Records" (https://llvm.org/docs/PDB/), and Microsoft's published cvinfo.h.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfdb.demo.pdb_imports import Exports, Inlinees, all_inlined
from perfdb.demo.pdb_spec import X64, FunctionSpec, InlineSpec, ObjectSpec, PdbSpec
from perfdb.demo.pdb_strings import Strings
from perfdb.demo.pdb_types import Types

S_END, S_OBJNAME, S_COMPILE3 = 0x0006, 0x1101, 0x113C
S_LPROC32, S_GPROC32, S_INLINESITE, S_INLINESITE_END = 0x110F, 0x1110, 0x114D, 0x114E
DEBUG_S_LINES, DEBUG_S_FILECHKSMS, DEBUG_S_INLINEELINES = 0xF2, 0xF4, 0xF6
DEBUG_S_CROSSSCOPEIMPORTS, DEBUG_S_CROSSSCOPEEXPORTS = 0xF7, 0xF8

SIGNATURE = 4
PROCEDURE = struct.Struct("<8IHB")
INLINE_SITE = struct.Struct("<3I")
END_FIELD = 8
"""Where in the record of a procedure or an inline site the place of its end stands."""

CODE_OFFSET, CODE_LENGTH, LINE_OFFSET, CODE_AND_LINE_OFFSET, CODE_LENGTH_AND_OFFSET = 3, 4, 6, 11, 12
"""What annotations say: go on in the code, the length of the last piece, go on in the lines, and two at once."""

_CPLUSPLUS = 1
_STATEMENT = 0x8000_0000
_PROCESSORS = {X64: 0xD0}
_PENTIUM_III = 0x07
_COMPILER = (19, 29, 30_133, 0)


@dataclass(frozen=True, slots=True)
class ObjectStream:
    """An object module's stream, the sizes of its parts, its files, and where in it each function's record begins."""

    content: bytes
    symbol_bytes: int
    line_bytes: int
    files: tuple[str, ...]
    places: tuple[int, ...]


def object_stream(spec: PdbSpec, of: ObjectSpec, types: Types, strings: Strings, exports: Exports) -> ObjectStream:
    """The stream of an object module; what it names is added to the PDB's types and strings."""
    inlinees = Inlinees(types, exports)
    symbols = bytearray(struct.pack("<I", SIGNATURE))
    symbols += symbol(S_OBJNAME, bytes(4) + of.name.encode() + b"\0")
    processor = _PROCESSORS.get(spec.machine, _PENTIUM_III)
    symbols += symbol(S_COMPILE3, struct.pack("<IH8H", _CPLUSPLUS, processor, *_COMPILER, *_COMPILER) + b"compiler\0")
    places = []
    for function in of.functions:
        places.append(len(symbols))
        _add_function(symbols, spec, function, inlinees)
    files = _files(of) if spec.has_lines else ()
    lines = _lines(spec, of, files, inlinees, strings) if files else b""
    for kind, content in (
        (DEBUG_S_CROSSSCOPEIMPORTS, inlinees.imports(strings)),
        (DEBUG_S_CROSSSCOPEEXPORTS, exports.content(of.name)),
    ):
        lines += _subsection(kind, content) if content else b""
    whole = bytes(symbols) + lines + bytes(4)
    return ObjectStream(whole, len(symbols), len(lines), files, tuple(places))


def symbol(kind: int, fields: bytes) -> bytes:
    """One symbol's record."""
    filled = _filled(fields)
    return struct.pack("<HH", 2 + len(filled), kind) + filled


def section_offset(spec: PdbSpec, rva: int) -> tuple[int, int]:
    """The section (from 1) that an RVA lies in and the offset in it; raises ValueError where there is none."""
    for number, section in enumerate(spec.sections, 1):
        if section.rva <= rva < section.rva + section.size:
            return number, rva - section.rva
    raise ValueError(f"no section of the PDB has RVA {rva:#x}")


def _filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _add_function(symbols: bytearray, spec: PdbSpec, function: FunctionSpec, inlinees: Inlinees) -> None:
    begin = len(symbols)
    section, offset = section_offset(spec, function.rva)
    kind = S_GPROC32 if function.is_global else S_LPROC32
    fixed = PROCEDURE.pack(0, 0, 0, function.size, 0, function.size, inlinees.types.function_type(), offset, section, 0)
    symbols += symbol(kind, fixed + function.name.encode() + b"\0")
    for inline in function.inlined:
        _add_inline_site(symbols, spec, inline, begin, inlinees)
    _end(symbols, begin, S_END)


def _add_inline_site(symbols: bytearray, spec: PdbSpec, inline: InlineSpec, around: int, inlinees: Inlinees) -> None:
    begin = len(symbols)
    annotations = _ANNOTATIONS[spec.annotations](inline)
    symbols += symbol(S_INLINESITE, INLINE_SITE.pack(around, 0, inlinees.number(inline)) + annotations)
    for inner in inline.inlined:
        _add_inline_site(symbols, spec, inner, begin, inlinees)
    _end(symbols, begin, S_INLINESITE_END)


def _end(symbols: bytearray, begin: int, kind: int) -> None:
    """Close what the record at `begin` opened, and tell it where."""
    struct.pack_into("<I", symbols, begin + END_FIELD, len(symbols))
    symbols += symbol(kind, b"")


def _every_length(inline: InlineSpec) -> bytes:
    """Annotations as Microsoft's compiler writes them: a length and a step for every piece."""
    told = bytearray()
    code, line = 0, inline.line
    for piece in inline.code:
        if piece.line != line:
            told += _numbers(LINE_OFFSET, _signed(piece.line - line))
        # This length does not move the place in the code: the next step counts from where the piece began.
        told += _numbers(CODE_LENGTH_AND_OFFSET, piece.size, piece.offset - code)
        code, line = piece.offset, piece.line
    return bytes(told)


def _last_length(inline: InlineSpec) -> bytes:
    """Annotations as LLVM writes them: steps, and a length where the code stops or has a gap."""
    told = bytearray()
    code, line = 0, inline.line
    for number, piece in enumerate(inline.code):
        step, lines = piece.offset - code, _signed(piece.line - line)
        if step < 16 and lines < 8:
            told += _numbers(CODE_AND_LINE_OFFSET, lines << 4 | step)
        else:
            told += _numbers(LINE_OFFSET, lines) if lines else b""
            told += _numbers(CODE_OFFSET, step)
        code, line, end = piece.offset, piece.line, piece.offset + piece.size
        if number + 1 == len(inline.code) or inline.code[number + 1].offset != end:
            told += _numbers(CODE_LENGTH, piece.size)
            code = end
    return bytes(told)


_ANNOTATIONS = {"msvc": _every_length, "llvm": _last_length}


def _numbers(*values: int) -> bytes:
    """Numbers in the annotations' form: the first bits say whether it is one, two or four bytes, the highest first."""
    told = bytearray()
    for value in values:
        if value < 0x80:
            told.append(value)
        elif value < 0x4000:
            told += (value | 0x8000).to_bytes(2, "big")
        else:
            told += (value | 0xC000_0000).to_bytes(4, "big")
    return bytes(told)


def _signed(value: int) -> int:
    """A number with its sign in the lowest bit."""
    return value << 1 if value >= 0 else -value << 1 | 1


def _files(of: ObjectSpec) -> tuple[str, ...]:
    """The distinct files of an object module, in the order in which they come."""
    named = [function.file for function in of.functions if function.lines]
    named += [inline.file for inline in all_inlined(of)]
    return tuple(dict.fromkeys(named))


def _lines(spec: PdbSpec, of: ObjectSpec, files: Sequence[str], inlinees: Inlinees, strings: Strings) -> bytes:
    """The C13 subsections of an object module."""
    # Without a checksum the entry of a file has 6 bytes, filled up to 8.
    place = {file: 8 * number for number, file in enumerate(files)}
    checksums = b"".join(struct.pack("<I2BH", strings.place(file), 0, 0, 0) for file in files)
    parts = [_function_lines(spec, function, place[function.file]) for function in of.functions if function.lines]
    inlined = {inlinees.number(inline): inline for inline in reversed(list(all_inlined(of)))}
    if inlined:
        parts.append(_subsection(DEBUG_S_INLINEELINES, _first_lines(inlined, place)))
    return b"".join((*parts, _subsection(DEBUG_S_FILECHKSMS, checksums)))


def _first_lines(inlinees: Mapping[int, InlineSpec], place: Mapping[str, int]) -> bytes:
    entries = (struct.pack("<3I", number, place[inline.file], inline.line) for number, inline in inlinees.items())
    return bytes(4) + b"".join(entries)


def _function_lines(spec: PdbSpec, function: FunctionSpec, file: int) -> bytes:
    section, offset = section_offset(spec, function.rva)
    entries = b"".join(struct.pack("<2I", line.offset, line.line | _STATEMENT) for line in function.lines)
    head = struct.pack("<I2HI", offset, section, 0, function.size)
    return _subsection(DEBUG_S_LINES, head + struct.pack("<3I", file, len(function.lines), 12 + len(entries)) + entries)


def _subsection(kind: int, content: bytes) -> bytes:
    return struct.pack("<2I", kind, len(content)) + _filled(content)
