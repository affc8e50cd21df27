"""What the parts of this package hand to each other: what is looked for, what was found, and what an address is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from perfdb.profile.columns import I32, I64, U8, U64, Caveat

FUNCTION, INLINED, PUBLIC = 0, 1, 2
"""What a row of `Chains` is: a function; one that was inlined at this address; the nearest public symbol before it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A symbol file that a module of a trace names. `debug_id` and `pdb_name` are as in `LoadedModule`."""

    module: str
    path: str
    debug_id: str
    pdb_name: str


@dataclass(frozen=True, slots=True)
class Located:
    """What came of looking for a symbol file: `path` where the right one was found, `state` as in `SYMBOL_STATES`.

    `state` is "full" for a file that was found; whether it has only public symbols is known once it has been read.
    `caveats` say what was found instead, for people.
    """

    path: Path | None
    state: str
    caveats: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True)
class Chains:
    """The functions at some RVAs, in columns: RVA i has the rows `start[i] : start[i + 1]`, innermost first.

    An RVA without a symbol has no row. All rows of an RVA but its last are `INLINED`; the last is the function that was
    entered by a call. `kind` is `FUNCTION`, `INLINED` or `PUBLIC`; `name` is a row of `names`, which holds the names
    as the symbol file has them; `file` is a row of `files` or -1; `line` counts from 1, 0 where it is not known: in a
    function with inlined ones below it, it is the line of the call.

    `folded` gives, for a row of `names`, the other names of the same address where the linker folded identical code,
    public symbols in their decorated form; none is only another spelling of the name itself. A text is in `names` more
    than once if functions of that name have different others.
    """

    start: I64
    name: I32
    kind: U8
    file: I32
    line: I32
    names: tuple[str, ...]
    files: tuple[str, ...]
    folded: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class SymbolFile(Protocol):
    """One symbol file that is open. `machine` is "x86", "x64", "arm64" or ""; names are decorated by its rules."""

    debug_id: str
    machine: str

    def look_up(self, rva: U64) -> Chains:
        """The chains of some distinct RVAs in ascending order."""
        ...
