"""Names for addresses: many in a small PDB whose symcache is warm, and few in a PDB of 300 MB, beside `symbolic`."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from purepdb import PDB

from perfdb.profile.columns import U64
from perfdb.symbols.lookup import look_up
from perfdb.symbols.model import Located, Wanted
from perfdb.symbols.pdb import PdbFile
from perfdb.symbols.symcache import Symcache
from tests.bench.large_pdb import LargePdb, make_large_pdb
from tests.bench.measure import Figure, ReadCost, best_of, cost_of

ADDRESSES = 100_000
WARM_SECONDS = 1.0
MODULES = 20_000
TOUCHED_MODULES = 200
TOUCHED_ADDRESSES = 2_000
COLD_SECONDS = 5.0
COLD_PEAK_MB = 400
ROUNDS = 3
MB = 1_000_000

_IMPORTS = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from perfdb.symbols.lookup import look_up
from perfdb.symbols.model import Located, Wanted
from perfdb.symbols.pdb import PdbFile
from perfdb.symbols.symcache import Symcache

path = Path(sys.argv[1])
rva = np.load(path.with_suffix(".npy"))
with PdbFile(path) as file:
    wanted = Wanted("large.dll", "", file.debug_id, "large.pdb")
cache = Symcache(path.parent / "symcache")

def locate(wanted):
    assert not cache.folder.exists(), "a warm symcache needs no file"
    return Located(path, "full")
"""

_LOOK_UP = """
start = time.perf_counter()
answer = look_up(wanted, rva, locate, cache)
seconds = time.perf_counter() - start
named = int(np.count_nonzero(np.diff(answer.chains.start)))
profile = SimpleNamespace(sample_count=named, caveats=answer.caveats)
"""
"""What is measured is a process that has made sure of its input; opening the file is measured again."""

_SYMBOLIC_IMPORTS = """
import sys, time
from types import SimpleNamespace
import numpy as np
from symbolic.debuginfo import Archive
"""

_SYMBOLIC = """
start = time.perf_counter()
cache = next(iter(Archive.open(sys.argv[1]).iter_objects())).make_symcache()
seconds = time.perf_counter() - start
profile = SimpleNamespace(sample_count=0, caveats=())
"""


def symbols(corpus: Path) -> list[Figure]:
    """The two promises about look-ups."""
    with tempfile.TemporaryDirectory(prefix="perfdb-symbols-") as folder:
        return [*_small(corpus / "softokn3.pdb", Path(folder)), *_large(corpus / "softokn3.pdb", Path(folder))]


def _small(pdb: Path, folder: Path) -> list[Figure]:
    with PdbFile(pdb) as file:
        wanted = Wanted("softokn3.dll", "", file.debug_id, pdb.name)
    with PDB.open(str(pdb)) as opened:
        text = opened.sections[0]
    rva = np.sort(
        np.random.default_rng(1).choice(np.arange(text.virtual_size), ADDRESSES, replace=False) + text.virtual_address
    ).astype(np.uint64)
    cache = Symcache(folder / "small")
    look_up(wanted, rva, lambda _: Located(pdb, "full"), cache)
    seconds = best_of(5, lambda: look_up(wanted, rva, _not_to_be_asked, cache))
    theirs = _symbolic_seconds(pdb, rva)
    note = "symbolic is not installed" if theirs is None else f"symbolic: {theirs:.2f} s"
    return [
        Figure("100,000 addresses, warm symcache of a 1 MB PDB", seconds, "s", WARM_SECONDS),
        Figure("… symbolic's time over ours", theirs and theirs / seconds, "x", note=note),
    ]


def _not_to_be_asked(wanted: Wanted) -> Located:
    raise AssertionError("a warm symcache needs no file")


def _symbolic_seconds(pdb: Path, rva: U64) -> float | None:
    """One address after the other: it has no other way."""
    try:
        from symbolic.debuginfo import Archive
    except ImportError:
        return None
    cache = next(iter(Archive.open(str(pdb)).iter_objects())).make_symcache()
    addresses = rva.tolist()

    def all_of_them() -> None:
        for address in addresses:
            cache.lookup(address)  # type: ignore[no-untyped-call]

    return best_of(2, all_of_them)


def _large(source: Path, folder: Path) -> list[Figure]:
    start = time.perf_counter()
    large = make_large_pdb(source, folder / "large.pdb", MODULES)
    made = time.perf_counter() - start
    rva = _touching(source, large)
    np.save(large.path.with_suffix(".npy"), rva)
    size = large.path.stat().st_size / MB
    note = f"{size:.0f} MB, {large.modules:,} object modules, {len(rva):,} addresses; made in {made:.0f} s"
    try:
        cold = [_cold(large.path) for _ in range(ROUNDS)]
        warm = min(_looked_up(large.path).seconds for _ in range(ROUNDS))
    except RuntimeError as problem:
        return [Figure("cold look-up in a large PDB", None, "s", COLD_SECONDS, note=str(problem))]
    best = min(cost.seconds for cost in cold)
    return [
        Figure("cold look-up in a large PDB", best, "s", COLD_SECONDS, note=note),
        Figure("… peak memory, whole process", max(cost.peak for cost in cold) / MB, "MB", COLD_PEAK_MB),
        Figure("… with a warm symcache", warm * 1000, "ms", note=f"{cold[0].samples:,} addresses have a name"),
        *_symbolic_whole(large.path, best),
    ]


def _touching(source: Path, large: LargePdb) -> U64:
    """Addresses in the functions of so many object modules, of all rounds but the last, which may not be whole."""
    by_module: dict[str, list[tuple[int, int]]] = {}
    with PDB.open(str(source)) as pdb:
        for one in pdb.functions():
            if one.source == "proc" and one.rva and one.code_size and one.module:
                by_module.setdefault(one.module, []).append((one.rva, one.code_size))
    chance = random.Random(2)
    modules = sorted(by_module)
    everything = [(number, name) for number in range(large.rounds - 1) for name in modules]
    found = []
    for number, name in chance.sample(everything, TOUCHED_MODULES):
        for _ in range(TOUCHED_ADDRESSES // TOUCHED_MODULES):
            rva, size = chance.choice(by_module[name])
            found.append(rva + chance.randrange(size) + number * large.code_bytes)
    return np.unique(np.array(found, np.uint64))


def _cold(path: Path) -> ReadCost:
    shutil.rmtree(path.parent / "symcache", ignore_errors=True)
    return _looked_up(path)


def _looked_up(path: Path) -> ReadCost:
    return cost_of(_IMPORTS, _LOOK_UP, path)


def _symbolic_whole(path: Path, ours: float) -> list[Figure]:
    what = "… time of symbolic, which reads all of it, over ours"
    try:
        whole = cost_of(_SYMBOLIC_IMPORTS, _SYMBOLIC, path)
    except RuntimeError as problem:
        return [Figure(what, None, "x", note=str(problem))]
    return [Figure(what, whole.seconds / ours, "x", note=f"{whole.seconds:.1f} s and {whole.peak / MB:.0f} MB")]
