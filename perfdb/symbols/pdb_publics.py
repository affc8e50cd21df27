"""The public symbols of a PDB: the nearest name at or before an address, without reading the half million there are.

The stream of publics has the places of their records in the stream of symbols in the order of addresses, so the ones
that are wanted are found by halving, many at a time, and only their names are decoded.

    stream of publics    0 u32 bytes of a hash table   4 u32 bytes of the address map   28 hash table, address map, …
    record, S_PUB32      0 u16 bytes that follow   2 u16 kind   4 u32 flags   8 u32 offset   12 u16 section   14 name

Bits 0 and 1 of the flags say that it is code, or a function. Only those count here: tables and labels in a section of
code are no functions. Where no public of the file has such a flag, as old linkers leave it, all that lie in sections of
code count.

Source: LLVM's "The Public Symbol Stream", Microsoft's cvinfo.h (`CV_PUBSYMFLAGS`); records lie at multiples of 4 bytes.
"""

from __future__ import annotations

import struct
from functools import cached_property

import numpy as np

from perfdb.profile.columns import I64, Bool
from perfdb.symbols.pdb_dbi import Dbi
from perfdb.symbols.pdb_streams import Streams

S_PUB32 = 0x110E

_HEADER_BYTES = 28
_HEAD = struct.Struct("<II")
_NAME = 14
_FLAGS, _OFFSET, _SECTION = 4, 8, 12
_IS_CODE = 0b11
_FEW = 256
_NOWHERE = 1 << 62


class Publics:
    """The public symbols in the order of their RVAs; row i is the i-th of them."""

    def __init__(self, streams: Streams, dbi: Dbi) -> None:
        self._symbols = streams.stream(dbi.symbols)
        self._sections = dbi.sections
        self._map: I64 = np.zeros(0, np.int64)
        stream = streams.stream(dbi.publics)
        if stream is None or self._symbols is None or stream.size < _HEADER_BYTES:
            return
        hashes, size = _HEAD.unpack(stream.read(0, _HEAD.size))
        data = stream.read(_HEADER_BYTES + hashes, size)
        self._map = np.frombuffer(data, "<u4", len(data) // 4).astype(np.int64)

    def __len__(self) -> int:
        return len(self._map)

    def rva(self, row: I64) -> I64:
        """The RVAs of some rows. What is in no section stands behind all sections, as the map has it."""
        assert self._symbols is not None
        record = self._map[row]
        section = self._symbols.words(record + _SECTION).astype(np.int64) & 0xFFFF
        found = self._sections.rva(section, self._symbols.words(record + _OFFSET).astype(np.int64))
        return np.where(found >= 0, found, np.where(section == 0, -1, _NOWHERE))

    def are_functions(self, row: I64) -> Bool:
        """Which rows are functions, as far as the file tells."""
        if self._has_flags:
            return self._are_flagged(row)
        code = np.flatnonzero(self._sections.is_code)
        start, end = self._sections.start[code, None], self._sections.end[code, None]
        rva = self.rva(row)
        inside: Bool = np.any((rva >= start) & (rva < end), axis=0)
        return inside

    def _are_flagged(self, row: I64) -> Bool:
        assert self._symbols is not None
        flagged: Bool = self._symbols.words(self._map[row] + _FLAGS) & _IS_CODE != 0
        return flagged

    @cached_property
    def _has_flags(self) -> bool:
        """Whether any public is flagged: most often a few of them tell, and the others need not be read."""
        few = np.arange(0, len(self), len(self) // _FEW + 1)
        return bool(self._are_flagged(few).any()) or bool(self._are_flagged(np.arange(len(self))).any())

    def first_from(self, rva: I64) -> I64:
        """For each RVA the first row at or after it."""
        low = np.zeros(len(rva), np.int64)
        high = np.full(len(rva), len(self), np.int64)
        for _ in range(len(self).bit_length()):
            middle = (low + high) // 2
            undecided = np.flatnonzero(low < high)
            before = self.rva(middle[undecided]) < rva[undecided]
            low[undecided[before]] = middle[undecided[before]] + 1
            high[undecided[~before]] = middle[undecided[~before]]
        return low

    def name(self, row: int) -> str:
        """The name of a row; "" for a damaged one."""
        assert self._symbols is not None
        at = int(self._map[row])
        size, kind = struct.unpack("<HH", self._symbols.read(at, 4).ljust(4, b"\0"))
        if kind != S_PUB32 or size < _NAME - 2:
            return ""
        name, _, _ = self._symbols.read(at + _NAME, size + 2 - _NAME).partition(b"\0")
        return name.decode("utf-8", "replace")
