"""Ids of inlined functions in a made-up PDB that stand in another object module, as link-time code generation has them.

    subsection                 rows of
    DEBUG_S_CROSSSCOPEIMPORTS  0 u32 place in `/names` of an object module's name, 4 u32 count, 8 u32 ×count local ids
    DEBUG_S_CROSSSCOPEEXPORTS  0 u32 local id, 4 u32 id in the PDB; in the order of local ids

A reference is 0x80000000 | row of the imports << 20 | place in it. Local ids of functions have the highest bit set.
Source: Microsoft's published cvinfo.h, and what LLVM's and the `pdb` crate's documentation say of these subsections.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfdb.demo.pdb_spec import InlineSpec, ObjectSpec
from perfdb.demo.pdb_strings import Strings
from perfdb.demo.pdb_types import Types

REFERENCE = 0x8000_0000
ROW_SHIFT = 20
FIRST_LOCAL = 0x8000_1000


def all_inlined(of: ObjectSpec) -> Iterable[InlineSpec]:
    """All inlined functions of an object module, outer ones first."""
    pending = [inline for function in reversed(of.functions) for inline in reversed(function.inlined)]
    while pending:
        inline = pending.pop()
        yield inline
        pending += reversed(inline.inlined)


@dataclass(slots=True)
class Exports:
    """By the name of an object module, in lower case, its exports: from ids in the PDB to local ids, in their order."""

    of: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, objects: Iterable[ObjectSpec], types: Types) -> None:
        """Add all that these object modules import."""
        for inline in (inline for of in objects for inline in all_inlined(of) if inline.imported_from):
            ids = self.of.setdefault(inline.imported_from.lower(), {})
            ids.setdefault(types.inlinee(inline), FIRST_LOCAL + len(ids))

    def content(self, name: str) -> bytes:
        """The exports of an object module; b"" if there are none."""
        return b"".join(struct.pack("<2I", local, number) for number, local in self.of.get(name.lower(), {}).items())


@dataclass(slots=True)
class Inlinees:
    """The ids of inlined functions as one object module has them; gathers its imports."""

    types: Types
    exports: Exports
    rows: dict[str, list[int]] = field(default_factory=dict)

    def number(self, inline: InlineSpec) -> int:
        """The id of an inlined function in the PDB, or a reference where it is imported."""
        number = self.types.inlinee(inline)
        if not inline.imported_from:
            return number
        local = self.exports.of[inline.imported_from.lower()][number]
        ids = self.rows.setdefault(inline.imported_from, [])
        if local not in ids:
            ids.append(local)
        return REFERENCE | list(self.rows).index(inline.imported_from) << ROW_SHIFT | ids.index(local)

    def imports(self, strings: Strings) -> bytes:
        """The imports of all functions that were asked for; b"" if there are none."""
        return b"".join(
            struct.pack(f"<{2 + len(ids)}I", strings.place(name), len(ids), *ids) for name, ids in self.rows.items()
        )
