"""Inlined functions whose ids are those of another object module, as link-time code generation leaves them.

Where it put a function of one object module into the code of another, the site names no record of the PDB but, through
the imports of its own module, one of the module that the function came from, as that one had counted by itself. The
exports of that module say which record of the PDB this became:

    site: 0x80000000 | row << 20 | place
                        │          └────────────▼
    0xF7 imports       row:  module, ids … local id …           in the module of the site
                               │              │
    0xF8 exports               └─▶ row:    local id, id ──▶     in the module that is named

    imports    rows of   0 u32 where the module's name begins in `/names`   4 u32 count   8 count × u32 local id
    exports    rows of   0 u32 local id   4 u32 id

Local ids of functions have their highest bit set; without it they are types, which are numbered apart. The name is that
of the DBI stream, in upper or lower case. Source: Microsoft's cvinfo.h (CrossScopeId, DecoratedItemId) for the numbers,
the documentation of LLVM's DebugSubsection classes and of the `pdb` crate for the way from one to the next.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from purepdb import c13

from perfdb.profile.columns import U32
from perfdb.symbols.pdb_dbi import Modules, read_module_names
from perfdb.symbols.pdb_streams import NamesTable, Streams

DEBUG_S_CROSSSCOPEIMPORTS, DEBUG_S_CROSSSCOPEEXPORTS = 0xF7, 0xF8

IS_IMPORTED = 0x8000_0000
"""Set in the id of a site that stands for one of another object module."""

_IS_FUNCTION = 0x8000_0000
_ROW_SHIFT, _ROW_MASK, _PLACE_MASK = 20, 0x7FF, 0xF_FFFF
_HEAD = struct.Struct("<II")
_MAX_NAMESAKES = 16
"""The most object modules of one name that are looked through for an id; more say nothing any more."""

NO_ID = 0


@dataclass(frozen=True, slots=True)
class Import:
    """A row of the imports: where in `/names` the object module's name begins, and its local ids."""

    module: int
    ids: U32


def read_imports(data: bytes) -> tuple[Import, ...]:
    """Read the imports of an object module; they end at damage."""
    rows: list[Import] = []
    at = 0
    while at + _HEAD.size <= len(data):
        module, count = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if count > (len(data) - at) // 4:
            break
        rows.append(Import(module, np.frombuffer(data, "<u4", count, at)))
        at += 4 * count
    return tuple(rows)


def read_exports(lines: bytes) -> dict[int, int]:
    """Read the exports out of an object module's C13 subsections: from local ids to ids.

    Where damage gives a local id several meanings it has none.
    """
    content = b"".join(
        part.payload[: len(part.payload) // 8 * 8]
        for part in c13.iter_subsections(lines)
        if part.kind == DEBUG_S_CROSSSCOPEEXPORTS
    )
    pairs = np.unique(np.frombuffer(content, "<u4").reshape(-1, 2), axis=0)
    local, first, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    clear = count == 1
    return dict(zip(local[clear].tolist(), pairs[first[clear], 1].tolist(), strict=True))


class ImportedIds:
    """From the ids of sites to those of the PDB; object modules are found and read once, when they are needed."""

    def __init__(self, streams: Streams, modules: Modules, names: NamesTable) -> None:
        self._streams = streams
        self._modules = modules
        self._names = names
        self._by_name: dict[bytes, list[int]] | None = None
        self._exports: dict[int, dict[int, int]] = {}
        self._found: dict[tuple[int, int], int] = {}

    def number(self, inlinee: int, imports: Sequence[Import]) -> int:
        """The id of a record of the PDB, from that of a site in a module of these imports; `NO_ID` if there is none."""
        if not inlinee & IS_IMPORTED:
            return inlinee
        row, place = inlinee >> _ROW_SHIFT & _ROW_MASK, inlinee & _PLACE_MASK
        if row >= len(imports) or place >= len(imports[row].ids):
            return NO_ID
        key = imports[row].module, int(imports[row].ids[place])
        if key not in self._found:
            self._found[key] = self._find(*key)
        return self._found[key]

    def _find(self, name: int, local: int) -> int:
        """What all modules of the name that know the local id agree on."""
        if not local & _IS_FUNCTION:
            return NO_ID
        found = {self._exports_of(module).get(local, NO_ID) for module in self._named(self._names.text(name))} - {NO_ID}
        return found.pop() if len(found) == 1 else NO_ID

    def _named(self, name: bytes) -> Sequence[int]:
        if self._by_name is None:
            self._by_name = {}
            for module, text in enumerate(read_module_names(self._streams)):
                self._by_name.setdefault(text.lower(), []).append(module)
        modules = self._by_name.get(name.lower(), []) if name else []
        return modules if len(modules) <= _MAX_NAMESAKES else []

    def _exports_of(self, module: int) -> dict[int, int]:
        if module not in self._exports:
            self._exports[module] = read_exports(self._modules.lines(self._streams, module))
        return self._exports[module]
