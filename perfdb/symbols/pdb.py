"""One PDB: RVAs in, chains of functions out. Only the object modules in which the RVAs lie are read.

    RVA ─▶ section contribution ─▶ object module ─▶ its functions, inlined functions and lines
                    │                  └─ none there ─▶ the nearest public symbol before, in the same contribution
                    └─ none, or it is no code ─▶ no name

What there is no function for has the name of the nearest public symbol of a function at or before it, if no function
and no other contribution lies between: so padding has no name, be it behind a function or behind a thunk. Where no
contribution tells how far the code of a public reaches, it is taken to reach `PUBLIC_REACH_BYTES`.
Several functions at one address are identical code that the linker folded. File and line are those of the object module
that the linker kept, there of the first name in the order of text; the other names are those of `pdb_folded`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
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
from perfdb.symbols.pdb_folded import OtherNames
from perfdb.symbols.pdb_imports import ImportedIds
from perfdb.symbols.pdb_lines import NO_FILE, Lines, read_lines
from perfdb.symbols.pdb_publics import Publics
from perfdb.symbols.pdb_streams import NamesTable, Streams, has_minimal_info
from perfdb.symbols.pdb_symbols import Symbols, read_symbols
from perfdb.symbols.pdb_types import FunctionNames
from perfdb.symbols.table import MAX_RVA, Part, Places, Segments, Table, TableBuilder

PUBLIC_REACH_BYTES = 0x1_0000
"""64 KiB: hardly any function is longer, and a name from farther away would most often be a wrong one."""

_MODULES_AT_ONCE = 256

_EMPTY = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Touched:
    """Code in which addresses lie, the object modules that it came from, and how far publics reach in it at most."""

    modules: Sequence[int]
    extents: Extents
    reach_bytes: int


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
        self._function_names: FunctionNames | None = None
        self._names = NamesTable(self._streams)
        self._imported = ImportedIds(self._streams, modules, self._names)

    @cached_property
    def _publics(self) -> Publics:
        return Publics(self._streams, self._dbi)

    @cached_property
    def _other_names(self) -> OtherNames:
        return OtherNames(self._publics, self.machine)

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
        touched, nothing = self._touched(original[original >= 0])
        builder.add(Part(_segments_of(nothing, np.full(len(nothing.start), -1, np.int64)), _NO_PLACES))
        parts: list[list[Part]] = [[] for _ in touched]
        waiting = [(at, module) for at, group in enumerate(touched) for module in group.modules]
        for first in range(0, len(waiting), _MODULES_AT_ONCE):
            read = [(at, *self._read_module(module)) for at, module in waiting[first : first + _MODULES_AT_ONCE]]
            self._other_names.expect(self._starts([symbols for _, symbols, _ in read]))
            for at, symbols, lines in read:
                parts[at].append(self._code(symbols, lines, touched[at].extents, builder))
        for part in itertools.chain.from_iterable(parts):
            builder.add(part)
        gaps = [_left(group.extents, of) for group, of in zip(touched, parts, strict=True)]
        builder.add(self._public_part(gaps, [group.reach_bytes for group in touched], builder))
        return builder.build(self.machine, self.is_public, self._dbi.moved)

    def _touched(self, rva: I64) -> tuple[list[_Touched], Extents]:
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
        touched: list[_Touched] = []
        for module in np.unique(all_.module[at[is_code]]).tolist():
            rows = code[np.searchsorted(of, module, "left") : np.searchsorted(of, module, "right")]
            extents = Extents(all_.start[rows], all_.end[rows])
            if module == ANY_MODULE:
                touched.append(_Touched(range(len(self._dbi.modules)), extents, PUBLIC_REACH_BYTES))
            else:
                touched.append(_Touched((module,), extents, MAX_RVA))
        data = np.unique(at[inside & ~is_code])
        before = np.unique(at[~inside])
        between = Extents(
            np.concatenate(([0], all_.end))[before + 1], np.concatenate((all_.start, [MAX_RVA + 1]))[before + 1]
        )
        code_sections = np.flatnonzero(self._dbi.sections.is_code)
        sections = self._dbi.sections
        no_code = between.without(sections.start[code_sections], sections.end[code_sections])
        touched.append(_Touched((), between.without(no_code.start, no_code.end), PUBLIC_REACH_BYTES))
        starts, ends = np.concatenate((all_.start[data], no_code.start)), np.concatenate((all_.end[data], no_code.end))
        order = np.argsort(starts, kind="stable")
        return touched, Extents(starts[order], ends[order])

    def _starts(self, symbols: Iterable[Symbols]) -> I64:
        """Where the functions of some object modules begin."""
        places = [(function.section, function.offset) for of in symbols for function in of.functions]
        columns = np.array(places, np.int64).reshape(-1, 2)
        start = self._dbi.sections.rva(columns[:, 0], columns[:, 1])
        return np.unique(start[start >= 0])

    def _code(self, symbols: Symbols, lines: Lines, extents: Extents, builder: TableBuilder) -> Part:
        """The functions of one object module."""
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

        names = Names(function, file, self._other_names.of)
        return code_part(symbols, lines, self._dbi.sections, extents, builder, names)

    def _read_module(self, module: int) -> tuple[Symbols, Lines]:
        modules = self._dbi.modules
        symbols = modules.symbols(self._streams, module)
        self.modules_read += len(symbols) > 0
        if int.from_bytes(symbols[:4], "little") not in CV_SIGNATURES:
            symbols = b""
        return read_symbols(symbols), read_lines(modules.lines(self._streams, module))

    def _public_part(self, gaps: Sequence[Extents], reach: Sequence[int], builder: TableBuilder) -> Part:
        """The public symbols in gaps between functions, each up to the next one or the end of its gap, but no farther
        than the gaps' `reach`.
        """
        start = np.concatenate([_EMPTY, *(gap.start for gap in gaps)])
        end = np.concatenate([_EMPTY, *(gap.end for gap in gaps)])
        far = np.repeat(np.array(reach, np.int64), [len(gap.start) for gap in gaps])
        order = np.argsort(start, kind="stable")
        start, end, far = start[order], end[order], far[order]
        publics = self._publics
        if not len(publics):
            return Part(_segments_of(Extents(start, end), np.full(len(start), -1, np.int64)), _NO_PLACES)
        first, after = publics.first_from(start), publics.first_from(end)
        # In a map that is out of order the ranges might overlap, and be many times the whole.
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(after)[:-1])
        row = ranges(first, np.maximum(after - first, 0))
        gap = np.repeat(np.arange(len(start)), np.maximum(after - first, 0))
        rva = publics.rva(row)
        fits = (rva >= start[gap]) & (rva < end[gap]) & publics.are_functions(row)
        names: dict[int, set[str]] = {}
        for address, each in zip(rva[fits].tolist(), row[fits].tolist(), strict=True):
            if name := publics.name(each):
                names.setdefault(address, set()).add(name)
        named = [(address, min(texts), texts) for address, texts in sorted(names.items())]
        begins = np.array([address for address, _, _ in named], np.int64)
        place = np.arange(len(begins))
        beyond = begins + far[np.searchsorted(start, begins, side="right") - 1]
        beyond = beyond[beyond < np.append(begins[1:], MAX_RVA)]
        beyond = beyond[Extents(start, end).contain(beyond)]
        bare = np.setdiff1d(np.concatenate((start, beyond)), begins)
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
