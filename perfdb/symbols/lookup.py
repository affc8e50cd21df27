"""The names at some addresses of one module: out of the symcache where they are kept, else out of its symbol file.

The file is looked for only if some address lies in an object module that no earlier trace has touched, or if what is
kept came from a file that had only public symbols: perhaps the full one is there by now. What is read is kept.

A symbol file is never believed on the word of who found it: its debug id must be the wanted one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perfdb.profile.columns import U64, Caveat
from perfdb.symbols.elf import is_build_id
from perfdb.symbols.identity import SymbolFileError, parse_debug_id
from perfdb.symbols.model import Chains, Located, Wanted
from perfdb.symbols.symcache import Symcache
from perfdb.symbols.table import Table, merged, table_of_chains

FULL, PUBLIC_ONLY, MISMATCH, UNREADABLE = "full", "public", "mismatch", "unreadable"


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The chains of the RVAs that were asked for; `state` as in `SYMBOL_STATES`, `machine` as in `SymbolFile`."""

    chains: Chains
    state: str
    machine: str
    caveats: tuple[Caveat, ...] = ()


class _RefusedError(Exception):
    """A file that was found is not used: `state` and the caveat say why."""

    def __init__(self, state: str, caveat: Caveat) -> None:
        super().__init__(caveat.text)
        self.state = state
        self.caveat = caveat


def look_up(wanted: Wanted, rva: U64, locate: Callable[[Wanted], Located], cache: Symcache | None) -> LookedUp:
    """Look up some distinct RVAs in ascending order, of the module that wants this symbol file.

    Where the file cannot be used, what the cache knows is given all the same, with the state of the file: some
    addresses still want it. Such a result has a caveat if anything came out of the cache.
    """
    key = _key(wanted)
    known = cache.read(key) if cache else None
    if known is not None and not known.is_public and bool(known.covers(rva).all()):
        return LookedUp(known.chains(rva), FULL, known.machine)
    located = locate(wanted)
    if located.path is None:
        return _without_file(wanted, rva, known, located.state, located.caveats)
    try:
        table = _read(wanted, located.path, rva, known)
    except _RefusedError as refused:
        return _without_file(wanted, rva, known, refused.state, (*located.caveats, refused.caveat))
    if table is not known and cache:
        cache.add(key, table)
    caveats = (*located.caveats, _public_caveat(wanted)) if table.is_public else located.caveats
    return LookedUp(table.chains(rva), PUBLIC_ONLY if table.is_public else FULL, table.machine, caveats)


def _key(wanted: Wanted) -> str:
    if not wanted.pdb_name and is_build_id(wanted.debug_id):
        return wanted.debug_id
    return parse_debug_id(wanted.debug_id) or ""


def _read(wanted: Wanted, path: Path, rva: U64, known: Table | None) -> Table:
    """What the file knows of the RVAs, with what is known of it already."""
    from perfdb.symbols.pdb import PdbFile  # where all symbols are known already, no PDB is opened

    try:
        if not wanted.pdb_name and is_build_id(wanted.debug_id):
            return _read_dwarf(wanted, path, rva, known)
        with PdbFile(path) as file:
            _check_id(wanted, file.debug_id)
            if known is not None and known.is_public != file.is_public:
                known = None
            return _with(known, rva, file.table)
    except SymbolFileError as error:
        text = f"{wanted.module}: {path.name} cannot be read: {error}"
        raise _RefusedError(UNREADABLE, Caveat("symbol-unreadable", text)) from None


def _read_dwarf(wanted: Wanted, path: Path, rva: U64, known: Table | None) -> Table:
    from perfdb.symbols.dwarf import DwarfFile  # its library is large, and not everywhere

    file = DwarfFile(path)
    _check_id(wanted, file.debug_id)
    return _with(known, rva, lambda missing: table_of_chains(missing, file.look_up(missing), file.machine))


def _with(known: Table | None, rva: U64, read: Callable[[U64], Table]) -> Table:
    if known is None:
        return read(rva)
    missing = rva[~known.covers(rva)]
    return merged(known, read(missing)) if len(missing) else known


def _check_id(wanted: Wanted, debug_id: str) -> None:
    if debug_id and debug_id == _key(wanted):
        return
    text = f"{wanted.module}: wants the symbol file {wanted.debug_id}, but what was found is {debug_id or 'of no id'}"
    raise _RefusedError(MISMATCH, Caveat("symbol-mismatch", text))


def _without_file(wanted: Wanted, rva: U64, known: Table | None, state: str, caveats: tuple[Caveat, ...]) -> LookedUp:
    if known is None:
        return LookedUp(_no_chains(len(rva)), state, "", caveats)
    covered = int(np.count_nonzero(known.covers(rva)))
    if covered == len(rva):
        # All that a file with public symbols only had to tell, and no better one has turned up.
        return LookedUp(known.chains(rva), PUBLIC_ONLY, known.machine, (*caveats, _public_caveat(wanted)))
    if covered:
        text = (
            f"{wanted.module}: its symbol file is not there any more; {covered:,} of {len(rva):,} addresses are known"
        )
        caveats = (*caveats, Caveat("symbol-cached", f"{text} from earlier traces"))
    return LookedUp(known.chains(rva), state, known.machine, caveats)


def _public_caveat(wanted: Wanted) -> Caveat:
    return Caveat(
        "symbol-public", f"{wanted.module}: its symbol file has public symbols only: no lines, no inlined code"
    )


def _no_chains(count: int) -> Chains:
    none = np.zeros(0, np.int32)
    return Chains(np.zeros(count + 1, np.int64), none, np.zeros(0, np.uint8), none, none, (), ())
