"""The symbols of one object module: its functions, and what was inlined into them, still in addresses of sections.

Records follow each other, and some open a scope that a later one closes: what is inlined lies in the scope of the
function, or of the inlined function, that it was put into. Of each record that matters, with offsets from its begin
(0 u16 bytes that follow, 2 u16 kind):

    S_GPROC32, S_LPROC32 and theirs   16 u32 size   32 u32 offset   36 u16 section   39 name
    S_THUNK32                         16 u32 offset   20 u16 section   22 u16 size   25 name
    S_SEPCODE, code split off         12 u32 size   20 u32 offset   24 u32 offset of its function   28, 30 u16 sections
    S_INLINESITE                      12 u32 id   16 annotations        S_INLINESITE2: 20 annotations

Source: Microsoft's cvinfo.h. Other kinds of records are stepped over by their length; a wrong one ends the module.
So are the jumps of incremental linking (S_TRAMPOLINE): they have no name but that of a function that most often lies in
another object module, which would have to be read for a jump that hardly ever is where a sample was taken.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from purepdb import codeview

S_WITH32 = 0x1104

_PROCEDURES = codeview.PROC_KINDS
_LOCAL = frozenset({codeview.S_LPROC32, codeview.S_LPROC32_ID, codeview.S_LPROC32_DPC, codeview.S_LPROC32_DPC_ID})
_SITES = {codeview.S_INLINESITE: 16, codeview.S_INLINESITE2: 20}
_OPENING = (
    _PROCEDURES
    | set(_SITES)
    | codeview.MANAGED_PROC_KINDS
    | {codeview.S_THUNK32, codeview.S_BLOCK32, codeview.S_SEPCODE, S_WITH32}
)
_CLOSING = frozenset({codeview.S_END, codeview.S_PROC_ID_END, codeview.S_INLINESITE_END})
_OF_INTEREST = _OPENING | _CLOSING

_PROCEDURE = struct.Struct("<16xI12xIH")
_PROCEDURE_NAME = 39
_THUNK = struct.Struct("<16xIHH")
_THUNK_NAME = 25
_CHUNK = struct.Struct("<12xI4xIIHH")
_SITE = struct.Struct("<12xI")
_SIGNATURE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Function:
    """A procedure or a thunk; `chunks` are where code of it was moved to: (section, offset, size) each.

    What `is_global` is known to other object modules too, and so has a public symbol.
    """

    name: str
    section: int
    offset: int
    size: int
    is_global: bool = True
    chunks: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Site:
    """A function (its id) that was inlined: into `function`, there into the site `caller`, or -1 directly."""

    inlinee: int
    function: int
    caller: int
    annotations: bytes


@dataclass(frozen=True, slots=True)
class Symbols:
    """What an object module has; a site stands behind its caller. `procedures` counts what is no thunk."""

    functions: list[Function]
    sites: list[Site]
    procedures: int


def read_symbols(data: bytes) -> Symbols:
    """Read the symbols of an object module: the first bytes of its stream, from the signature on."""
    functions: list[Function] = []
    sites: list[Site] = []
    at_address: dict[tuple[int, int], int] = {}
    outer: list[tuple[int, int]] = []
    function = site = -1
    procedures = 0
    unpack = struct.Struct("<HH").unpack_from
    at, end = _SIGNATURE_BYTES, len(data)
    while at + 4 <= end:
        size, kind = unpack(data, at)
        following = at + 2 + size
        if size < 2 or following > end:
            break
        if kind in _OF_INTEREST:
            if kind in _CLOSING:
                function, site = outer.pop() if outer else (-1, -1)
            else:
                outer.append((function, site))
                record = data[at:following]
                if kind in _SITES:
                    if function >= 0 and len(record) >= _SITES[kind]:
                        sites.append(Site(_SITE.unpack_from(record)[0], function, site, record[_SITES[kind] :]))
                        site = len(sites) - 1
                elif kind == codeview.S_SEPCODE:
                    _add_chunk(record, functions, at_address)
                elif found := _function(kind, record):
                    function, site = len(functions), -1
                    at_address[found.section, found.offset] = function
                    functions.append(found)
                    procedures += kind in _PROCEDURES
        at = following
    return Symbols(functions, sites, procedures)


def _function(kind: int, record: bytes) -> Function | None:
    if kind in _PROCEDURES and len(record) > _PROCEDURE_NAME:
        size, offset, section = _PROCEDURE.unpack_from(record)
        name = record[_PROCEDURE_NAME:]
    elif kind == codeview.S_THUNK32 and len(record) > _THUNK_NAME:
        offset, section, size = _THUNK.unpack_from(record)
        name = record[_THUNK_NAME:]
    else:
        return None
    return Function(name.partition(b"\0")[0].decode("utf-8", "replace"), section, offset, size, kind not in _LOCAL)


def _add_chunk(record: bytes, functions: list[Function], at_address: dict[tuple[int, int], int]) -> None:
    """Chunks stand behind the scope of their function and name it by its address."""
    if len(record) < _CHUNK.size:
        return
    size, offset, parent_offset, section, parent_section = _CHUNK.unpack_from(record)
    parent = at_address.get((parent_section, parent_offset))
    if parent is not None:
        functions[parent].chunks.append((section, offset, size))
