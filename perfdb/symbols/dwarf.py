"""Names out of DWARF, for runs of Linux, by way of the library `symbolic`: an optional extra, and not on Windows.

`symbolic` turns a file into its own form once (a symcache, in memory) and then answers address by address: what was
inlined there, innermost first, and the function that it is all in. Where there is only a symbol table, the answer is
the symbol before the address. Its addresses count from the first loaded one, ours from the beginning of that one's
page; see `elf`.

Names are given demangled, by the C++ runtime library that is loaded anyway: `symbolic` has no demangler for Python.
Names without the prefix of C++ (`_Z`), and all names where there is no such library, stay as they are.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from perfdb.profile.columns import U64
from perfdb.symbols.elf import read_elf
from perfdb.symbols.identity import SymbolFileError
from perfdb.symbols.model import FUNCTION, INLINED, PUBLIC, Chains

HOW_TO_INSTALL = "names out of DWARF need perfdb[dwarf]: pip install 'perfdb[dwarf]'"

_CXX_PREFIXES = ("_Z", "__Z")
_NO_LANGUAGE = "unknown"
_BACKTRACE = "RUST_BACKTRACE"


def can_read_dwarf() -> bool:
    """Whether the optional library is installed; it is not imported yet."""
    return importlib.util.find_spec("symbolic") is not None


class DwarfFile:
    """One ELF file that is open: a `SymbolFile`. `machine` is "", since no rule for decorated names applies to it."""

    def __init__(self, path: Path) -> None:
        facts = read_elf(path)
        self.debug_id = facts.build_id
        self.machine = ""
        self._shift = facts.base - facts.first
        self._cache = _symcache(path)

    def look_up(self, rva: U64) -> Chains:
        """The chains of some RVAs."""
        starts, rows = [0], _Rows()
        for address in rva.tolist():
            if address + self._shift >= 0:
                rows.add(self._cache.lookup(address + self._shift))
            starts.append(len(rows.name))
        return Chains(
            start=np.array(starts, np.int64),
            name=np.array(rows.name, np.int32),
            kind=np.array(rows.kind, np.uint8),
            file=np.array(rows.file, np.int32),
            line=np.array(rows.line, np.int32),
            names=tuple(rows.names),
            files=tuple(rows.files),
        )


class _Rows:
    """The columns of `Chains`, growing; `names` and `files` give each text its row."""

    def __init__(self) -> None:
        self.name: list[int] = []
        self.kind: list[int] = []
        self.file: list[int] = []
        self.line: list[int] = []
        self.names: dict[str, int] = {}
        self.files: dict[str, int] = {}

    def add(self, places: list[Any]) -> None:
        """Add what `symbolic` knows of one address: its `SourceLocation`s, innermost first."""
        for number, place in enumerate(places, start=1):
            is_symbol_only = place.lang == _NO_LANGUAGE and not place.full_path
            outermost = PUBLIC if is_symbol_only else FUNCTION
            self.name.append(self.names.setdefault(demangled(place.symbol), len(self.names)))
            self.kind.append(outermost if number == len(places) else INLINED)
            path = place.full_path
            self.file.append(self.files.setdefault(path, len(self.files)) if path else -1)
            self.line.append(min(place.line, np.iinfo(np.int32).max))


def demangled(name: str) -> str:
    """A C++ name as it is written in the source, if it is one in the form that linkers use outside Windows."""
    demangle = _demangler()
    if demangle is None or not name.startswith(_CXX_PREFIXES):
        return name
    bare = name[1:] if name.startswith("__Z") else name
    return demangle(bare) or name


def _symcache(path: Path) -> Any:  # a symbolic.SymCache, which has no types
    symbolic = _symbolic()
    try:
        for found in symbolic.Archive.open(os.fsencode(path)).iter_objects():
            return found.make_symcache()
    except symbolic.SymbolicError as error:
        cause = error.message.splitlines()[-1].strip().removeprefix("caused by: ")
        raise SymbolFileError(f"its debug information is damaged: {cause}") from None
    raise SymbolFileError("there is no program in it")


def _symbolic() -> ModuleType:
    """The optional library; the setting that its import makes for this process, and all that it starts, is undone."""
    before = os.environ.get(_BACKTRACE)
    try:
        import symbolic

        module: ModuleType = symbolic
    except ImportError:
        raise SymbolFileError(HOW_TO_INSTALL) from None
    finally:
        if before is None:
            os.environ.pop(_BACKTRACE, None)
        else:
            os.environ[_BACKTRACE] = before
    return module


@functools.cache
def _demangler() -> Callable[[str], str | None] | None:
    """`__cxa_demangle` of the Itanium C++ ABI, None where there is no such library."""
    try:
        runtime = ctypes.CDLL("libc++abi.dylib" if sys.platform == "darwin" else "libstdc++.so.6")
        demangle, free = runtime.__cxa_demangle, ctypes.CDLL(None).free
    except (OSError, AttributeError, TypeError):
        return None
    demangle.restype = ctypes.c_void_p
    demangle.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    free.restype, free.argtypes = None, [ctypes.c_void_p]

    def call(name: str) -> str | None:
        text = demangle(name.encode(), None, None, None)
        if text is None:
            return None
        try:
            return ctypes.string_at(text).decode("utf-8", "replace")
        finally:
            free(text)

    return call
