"""One PDB: RVAs in, chains of functions out. Only the object modules in which the RVAs lie are read.

    RVA ─▶ section contribution ─▶ object module ─▶ its functions, inlined functions and lines
                    │                  └─ none there ─▶ the nearest public symbol before, in the same contribution
                    └─ none, or it is no code ─▶ no name

What there is no function for has the name of the nearest public symbol at or before it, if no function and no other
contribution lies between: so padding has no name, be it behind a function or behind a thunk.
Several functions at one address are identical code that the linker folded: the first name in the order of text stands
for all. Only those of the object module that the linker kept count, or the name would depend on what else was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from purepdb.pdb import CV_SIGNATURES

from perfdb.profile.columns import I64, U64
from perfdb.profile.grouping import ranges
from perfdb.symbols.identity import pdb_identity
from perfdb.symbols.model import PUBLIC, Chains
from perfdb.symbols.pdb_code import Extents, Names, code_part
from perfdb.symbols.pdb_dbi import ANY_MODULE, read_dbi
from perfdb.symbols.pdb_imports import ImportedIds
from perfdb.symbols.pdb_lines import NO_FILE, Lines, read_lines
from perfdb.symbols.pdb_publics import Publics
from perfdb.symbols.pdb_streams import NamesTable, Streams, has_minimal_info
from perfdb.symbols.pdb_symbols import Symbols, read_symbols
from perfdb.symbols.pdb_types import FunctionNames
from perfdb.symbols.table import MAX_RVA, Part, Places, Segments, Table, TableBuilder

_EMPTY = np.zeros(0, np.int64)


class PdbFile:
    """An open PDB, a `SymbolFile`. Raises SymbolFileError for what is none or is too damaged; closed by `with`.

    `is_public` says that it has public symbols only; `modules_read` counts the object modules that were read
    whole.
    """

    def __init__(self, path: Path) -> None:
        self.debug_id = pdb_identity(path)
        self._streams = Streams(path)
        try:
            self._dbi = read_dbi(self._streams)
        except BaseException:
            self._streams.close()
            raise
        self.machine = self._dbi.machine
        self.modules_read = 0
        modules = self._dbi.modules
        self.is_public = (
            self._dbi.is_stripped or has_minimal_info(self._streams) or not bool(np.any(modules.symbol_bytes > 4))
        )
        self._publics: Publics | None = None
        self._function_names: FunctionNames | None = None
        self._names = NamesTable(self._streams)
        self._imported = ImportedIds(self._streams, modules, self._names)

    def close(self) -> None:
        """Let go of the file."""
        self._streams.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def look_up(self, rva: U64) -> Chains:
        """The chains of some distinct RVAs in ascending order."""
        return self.table(rva).chains(rva)

    def table(self, rva: U64) -> Table:
        """All that is to be known of the object modules in which some RVAs lie."""
        original = self._dbi.moved.original(rva[rva <= MAX_RVA].astype(np.int64))
        builder = TableBuilder()
        gaps: list[Extents] = []
        touched, nothing = self._touched(original[original >= 0])
        builder.add(Part(_segments_of(nothing, np.full(len(nothing.start), -1, np.int64)), _NO_PLACES))
        for modules, extents in touched:
            parts = [self._code(module, extents, builder) for module in modules]
            for part in parts:
                builder.add(part)
            gaps.append(_left(extents, parts))
        builder.add(self._public_part(gaps, builder))
        return builder.build(self.machine, self.is_public, self._dbi.moved)

    def _touched(self, rva: I64) -> tuple[list[tuple[Sequence[int], Extents]], Extents]:
        """The object modules in whose code some addresses lie, with all their code, and what else the addresses lie in:
        data, and nothing at all. Code that no object module gave stands beside no modules.
        """
        all_ = self._dbi.contributions
        at = np.searchsorted(all_.start, rva, side="right") - 1
        inside = at >= 0
        inside[inside] = rva[inside] < all_.end[at[inside]]
        is_code = inside.copy()
        is_code[inside] = all_.is_code[at[inside]]
        code = np.flatnonzero(all_.is_code)
        code = code[np.argsort(all_.module[code], kind="stable")]
        of = all_.module[code]
        touched: list[tuple[Sequence[int], Extents]] = []
        for module in np.unique(all_.module[at[is_code]]).tolist():
            rows = code[np.searchsorted(of, module, "left") : np.searchsorted(of, module, "right")]
            modules = range(len(self._dbi.modules)) if module == ANY_MODULE else [module]
            touched.append((modules, Extents(all_.start[rows], all_.end[rows])))
        data = np.unique(at[inside & ~is_code])
        before = np.unique(at[~inside])
        between = Extents(
            np.concatenate(([0], all_.end))[before + 1], np.concatenate((all_.start, [MAX_RVA + 1]))[before + 1]
        )
        code_sections = np.flatnonzero(self._dbi.sections.is_code)
        sections = self._dbi.sections
        no_code = between.without(sections.start[code_sections], sections.end[code_sections])
        touched.append(((), between.without(no_code.start, no_code.end)))
        starts, ends = np.concatenate((all_.start[data], no_code.start)), np.concatenate((all_.end[data], no_code.end))
        order = np.argsort(starts, kind="stable")
        return touched, Extents(starts[order], ends[order])

    def _code(self, module: int, extents: Extents, builder: TableBuilder) -> Part:
        """The functions of one object module."""
        symbols, lines = self._read_module(module)
        rows: dict[int, int] = {NO_FILE: -1}

        def file(place: int) -> int:
            if place not in rows:
                text = self._names.text(place).decode("utf-8", "replace")
                rows[place] = builder.file(text) if text else -1
            return rows[place]

        if self._function_names is None:
            self._function_names = FunctionNames(self._streams)
        function_names = self._function_names

        def function(inlinee: int) -> str:
            return function_names.name(self._imported.number(inlinee, lines.imports))

        return code_part(symbols, lines, self._dbi.sections, extents, builder, Names(function, file))

    def _read_module(self, module: int) -> tuple[Symbols, Lines]:
        modules = self._dbi.modules
        symbols = modules.symbols(self._streams, module)
        self.modules_read += len(symbols) > 0
        if int.from_bytes(symbols[:4], "little") not in CV_SIGNATURES:
            symbols = b""
        return read_symbols(symbols), read_lines(modules.lines(self._streams, module))

    def _public_part(self, gaps: Sequence[Extents], builder: TableBuilder) -> Part:
        """The public symbols in gaps between functions, each up to the next one or the end of its gap."""
        start = np.concatenate([_EMPTY, *(gap.start for gap in gaps)])
        end = np.concatenate([_EMPTY, *(gap.end for gap in gaps)])
        order = np.argsort(start, kind="stable")
        start, end = start[order], end[order]
        if self._publics is None:
            self._publics = Publics(self._streams, self._dbi)
        publics = self._publics
        if not len(publics):
            return Part(_segments_of(Extents(start, end), np.full(len(start), -1, np.int64)), _NO_PLACES)
        first, after = publics.first_from(start), publics.first_from(end)
        # In a map that is out of order the ranges might overlap, and be many times the whole.
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(after)[:-1])
        row = ranges(first, np.maximum(after - first, 0))
        gap = np.repeat(np.arange(len(start)), np.maximum(after - first, 0))
        rva = publics.rva(row)
        fits = (rva >= start[gap]) & (rva < end[gap])
        names: dict[int, set[str]] = {}
        for address, each in zip(rva[fits].tolist(), row[fits].tolist(), strict=True):
            if name := publics.name(each):
                names.setdefault(address, set()).add(name)
        named = [(address, min(texts), texts) for address, texts in sorted(names.items())]
        begins = np.array([address for address, _, _ in named], np.int64)
        place = np.arange(len(begins))
        bare = np.setdiff1d(start, begins)
        begins = np.concatenate((begins, bare))
        place = np.concatenate((place, np.full(len(bare), -1)))
        order = np.argsort(begins, kind="stable")
        begins, place = begins[order], place[order]
        ends = end[np.searchsorted(start, begins, side="right") - 1]
        ends[:-1] = np.minimum(ends[:-1], begins[1:])
        rows = [builder.fold(name, sorted(texts)) for _, name, texts in named]
        return Part(_segments_of(Extents(begins, ends), place), _public_places(rows))


def _left(extents: Extents, parts: Sequence[Part]) -> Extents:
    start = np.concatenate([_EMPTY, *(part.segments.start.astype(np.int64) for part in parts)])
    last = np.concatenate([_EMPTY, *(part.segments.last.astype(np.int64) for part in parts)])
    order = np.argsort(start, kind="stable")
    return extents.without(start[order], np.maximum.accumulate(last[order]) + 1)


def _segments_of(extents: Extents, place: I64) -> Segments:
    return Segments(extents.start.astype(np.uint32), (extents.end - 1).astype(np.uint32), place.astype(np.int32))


def _public_places(names: Sequence[int]) -> Places:
    none = np.full(len(names), -1, np.int32)
    kind = np.full(len(names), PUBLIC, np.uint8)
    return Places(none, np.array(names, np.int32), kind, none, np.zeros(len(names), np.int32))


_NO_PLACES = _public_places(())
