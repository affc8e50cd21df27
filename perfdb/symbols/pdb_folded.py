"""The other names of code that the linker folded: functions of other object modules, known by their public symbols.

The linker keeps the code of one object module, so which function a debugger is told of depends on the order in which
objects are linked. Publics at the first byte tell of the others, and the modules these came from need not be read:

    0.obj  zeta::f   kept   ?f@zeta@@YAXXZ  ┐ both at one address: `zeta::f`, and the other name `?f@alpha@@YAXXZ`
    1.obj  alpha::f  folded ?f@alpha@@YAXXZ ┘

A public that spells the name of a function there is no other name. Spellings that differ only in underscores before
the name are the same, as assembler functions on x86 have one more, or one less, in their publics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfdb.profile.columns import I64
from perfdb.profile.grouping import ranges
from perfdb.symbols.canonical import canonical_name
from perfdb.symbols.pdb_publics import Publics
from perfdb.symbols.pdb_symbols import Function

MAX_NAMES = 1000
"""So many publics of one address count, in the order of the file. In large programs thousands of functions do nothing,
and all of these are one."""


class OtherNames:
    """Gives functions their other names. The addresses must be told before, many at a time: that is quick."""

    def __init__(self, publics: Publics, machine: str) -> None:
        self._publics = publics
        self._machine = machine
        self._at: dict[int, list[int]] = {}

    def expect(self, start: I64) -> None:
        """Find the public symbols of functions that begin at some addresses, which ascend, and forget all others."""
        self._at = {}
        if not len(self._publics):
            return
        first, after = self._publics.first_from(start), self._publics.first_from(start + 1)
        # In a map that is out of order halving may end anywhere, and the ranges be many times the whole.
        first[1:] = np.maximum(first[1:], np.maximum.accumulate(after)[:-1])
        count = np.clip(after - first, 0, MAX_NAMES)
        row = ranges(first, count)
        address = np.repeat(start, count)
        kept = (self._publics.rva(row) == address) & self._publics.are_functions(row)
        for at, each in zip(address[kept].tolist(), row[kept].tolist(), strict=True):
            self._at.setdefault(at, []).append(each)

    def of(self, start: int, functions: Sequence[Function]) -> list[str]:
        """The other names at an address, in the order of text, where the first of some functions stands for all."""
        rows = self._at.get(start, ())
        if len(functions) == 1 and len(rows) <= functions[0].is_global:
            return []
        texts = {text for text in map(self._publics.name, rows) if text}
        return other_names(functions, texts, self._machine)


def other_names(functions: Sequence[Function], publics: set[str], machine: str) -> list[str]:
    """The names beside that of the first function: those of other functions, as publics spell them if they do."""
    spellings: dict[str, list[str]] = {}
    for text in publics:
        spellings.setdefault(_bare(canonical_name(text, machine)), []).append(text)
    own = _bare(canonical_name(functions[0].name))
    others: set[str] = set()
    unspelt: set[str] = set()
    names = {_bare(canonical_name(function.name)): function for function in functions}
    for bare, function in names.items():
        found = spellings.pop(bare, [])
        if bare != own:
            others.update(found or [function.name])
        if not found and function.is_global:
            unspelt.add(bare)
    # A few names are spelt in ways that cannot be made one: publics that are as many as those are no other names.
    if len(spellings) > len(unspelt):
        others.update(*spellings.values())
    return sorted(others)


def _bare(name: str) -> str:
    return name.lstrip("_")
