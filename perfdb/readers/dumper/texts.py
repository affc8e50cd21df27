"""Distinct texts and places of a whole file, collected block by block under the hash of their content."""

from __future__ import annotations

import re

import numpy as np

from perfdb.profile.columns import I64, U64, Bool
from perfdb.profile.identity import mix64
from perfdb.readers.dumper.lines import Lines, hash_fields, trimmed

_ADDRESS = re.compile(rb"0[xX]([0-9a-fA-F]{1,16})")

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Texts:
    """Distinct bytes, numbered as they are met."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self._hash = np.zeros(0, np.uint64)
        self._number = np.zeros(0, np.int64)

    def number(self, lines: Lines, start: I64, end: I64) -> I64:
        """The number of the text in each field, blanks around it left aside."""
        start, end = trimmed(lines, start, end)
        content, first, group = np.unique(hash_fields(lines, start, end), return_index=True, return_inverse=True)
        place = np.minimum(np.searchsorted(self._hash, content), max(len(self._hash) - 1, 0))
        known = self._hash[place] == content if len(self._hash) else np.zeros(len(content), np.bool_)
        number = np.empty(len(content), np.int64)
        number[known] = self._number[place[known]]
        fresh = np.flatnonzero(~known)
        number[fresh] = len(self.values) + np.arange(len(fresh))
        self.values += [
            lines.text(*span) for span in zip(start[first[fresh]].tolist(), end[first[fresh]].tolist(), strict=True)
        ]
        if len(fresh):
            self._hash = np.concatenate((self._hash, content[fresh]))
            self._number = np.concatenate((self._number, number[fresh]))
            order = np.argsort(self._hash)
            self._hash, self._number = self._hash[order], self._number[order]
        return number[group]


def _without_address(symbol: bytes) -> bytes:
    """`module!0x…` is no name but the place again: without the address there are few such symbols."""
    module, _, function = symbol.partition(b"!")
    return module + b"!" if _ADDRESS.fullmatch(function) else symbol


class Places:
    """Distinct places: an address and the symbol that stands for it. A place is known by a 64-bit hash of both.

    `symbols` are the texts that places of stacks have; a sample's place has the number that its reader gives.
    """

    def __init__(self) -> None:
        self.symbols: list[bytes] = []
        self._number_of: dict[bytes, int] = {}
        self._known = np.zeros(0, np.uint64)
        self._address = np.zeros(0, np.uint64)
        self._text = np.zeros(0, np.int64)
        self._bad = np.zeros(0, np.uint64)

    def keep(self, address: U64, text: I64) -> U64:
        """The place of each pair."""
        place = mix64(address ^ mix64((text.astype(np.uint64) + np.uint64(1)) * _GOLDEN))
        distinct, row = np.unique(place, return_index=True)
        fresh = row[~np.isin(distinct, self._known)]
        self._add(place[fresh], address[fresh], text[fresh])
        return place

    def keep_spans(self, lines: Lines, start: I64, end: I64, commas: int) -> tuple[U64, Bool]:
        """The place that each span of text tells, `address, …, symbol` with that many commas between, and which are
        good.
        """
        place = hash_fields(lines, start, end)
        distinct, row = np.unique(place, return_index=True)
        fresh = row[~(np.isin(distinct, self._known) | np.isin(distinct, self._bad))]
        address, text, is_good = [], [], np.ones(len(fresh), np.bool_)
        for at, span in enumerate(zip(start[fresh].tolist(), end[fresh].tolist(), strict=True)):
            first, *_, symbol = lines.text(*span).split(b",", commas)
            found = _ADDRESS.fullmatch(first.strip())
            is_good[at] = found is not None
            if found:
                address.append(int(found[1], 16))
                text.append(self._number(_without_address(symbol.strip())))
        self._add(place[fresh[is_good]], np.array(address, np.uint64), np.array(text, np.int64))
        self._bad = np.concatenate((self._bad, place[fresh[~is_good]]))
        good = ~np.isin(place, self._bad) if len(self._bad) else np.ones(len(place), np.bool_)
        return place, good

    def _number(self, symbol: bytes) -> int:
        number = self._number_of.setdefault(symbol, len(self.symbols))
        if number == len(self.symbols):
            self.symbols.append(symbol)
        return number

    def _add(self, place: U64, address: U64, text: I64) -> None:
        if not len(place):
            return
        known = np.concatenate((self._known, place))
        order = np.argsort(known)
        self._known = known[order]
        self._address = np.concatenate((self._address, address))[order]
        self._text = np.concatenate((self._text, text))[order]

    def address(self, place: U64) -> U64:
        """The address of each place."""
        return (
            self._address[np.searchsorted(self._known, place)] if len(self._known) else np.zeros(len(place), np.uint64)
        )

    def text(self, place: U64) -> I64:
        """The number of each place's text."""
        return self._text[np.searchsorted(self._known, place)] if len(self._known) else np.zeros(len(place), np.int64)
