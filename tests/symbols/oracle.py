"""What `symbolic` says of a PDB: the second opinion that tests of symbols compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Place:
    """A function at an address: its name without the brackets of its arguments, its source file and line."""

    name: str
    file: str
    line: int


class Symbols:
    """A PDB that `symbolic` has read; the test that asks for one is skipped where there is no `symbolic`."""

    def __init__(self, pdb: bytes | Path) -> None:
        archive = pytest.importorskip("symbolic.debuginfo").Archive
        self._archive = archive.from_bytes(pdb) if isinstance(pdb, bytes) else archive.open(str(pdb))
        self._object = next(iter(self._archive.iter_objects()))
        self._cache = self._object.make_symcache()

    @property
    def debug_id(self) -> str:
        """The guid in upper-case hex digits, then the age in lower-case ones."""
        *guid, age = str(self._object.debug_id).split("-")
        return ("".join(guid).upper() + age) if len(guid) == 5 else "".join((*guid, age)).upper() + "0"

    @property
    def machine(self) -> str:
        """The processor, in symbolic's words."""
        return str(self._object.arch)

    def look_up(self, rva: int) -> list[Place]:
        """The functions at an RVA, innermost first; none without a symbol."""
        found = self._cache.lookup(rva)
        return [Place(one.symbol.removesuffix("()"), one.full_path or "", one.line) for one in found]
