"""Histories whose pages are looked at: one like a program's, one with names that mean harm, one without call paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from perfdb import store
from perfdb.profile.columns import EDGES, LEAF
from tests.store.profiles import Stacks, new_run, profile
from tests.store.test_sums import summed

OLD, NEW = "a" * 40, "b" * 40
LIBRARY = "kuzu.dll"
RUNS = 3
MANY = 260
"""So many small functions the first example has: more than a table shows at once."""

SCRIPT = "</script><img src=x onerror=alert(1)>"
QUOTES = """say "hi" & 'ho' <b>"""
TURNED = "evil\u202egnp.exe"
BROKEN = "line\nbreak\x00end"
TEMPLATE = f"std::map<{'std::pair<int,std::allocator<char> >,' * 100}int>::find"
HOSTILE = (SCRIPT, QUOTES, TURNED, BROKEN, TEMPLATE)


def made_history(path: Path) -> None:
    """Two commits, `OLD` and `NEW`, of the examples `simple` and `templates`, three runs each.

    In `NEW` the library's insert takes half as long, a parser twice as long, and there is a new function.
    """
    with store.opened_for_write(path) as connection:
        for side, commit in enumerate((OLD, NEW)):
            for example, scale in (("simple", 1), ("templates", 2)):
                for number in range(RUNS):
                    stacks = _work(side, scale, np.random.default_rng((side, scale, number)))
                    made = profile({"app.exe": list(stacks)}, source=f"{example}-{side}-{number}.etl")
                    store.write_run(connection, made, new_run(commit, example, revision=_revision(commit)))


def _revision(commit: str) -> store.Revision:
    return store.Revision(commit, subject="Insert rows in bulk" if commit == NEW else "Insert row by row")


def _work(side: int, scale: int, random: np.random.Generator) -> Iterator[tuple[str, int]]:
    start = "ntdll.dll!start;app.exe!main"
    load = f"{start};app.exe!App::load"

    def about(count: int) -> int:
        return int(random.poisson(count * scale))

    yield f"{load};kuzu.dll!kuzu::Table::insert", about(150 if side else 300)
    yield f"{load};kuzu.dll!kuzu::Table::insert;ntdll.dll!alloc", about(60)
    yield f"{load};app.exe!parse;app.exe!parse;app.exe!parse", about(40)
    yield f"{load};app.exe!parse", about(240 if side else 120)
    yield f"{load};app.exe!parse;ntdll.dll!alloc", about(30)
    yield f"{start};hal.dll!<unresolved>", about(50)
    if side:
        yield f"{load};arrow.dll!arrow::Builder::resize", about(25)
    for number in range(MANY if scale == 1 else 20):
        yield f"{start};small.dll!ns::small_{number:03d}", 1 + number % 2


def hostile_history(path: Path) -> None:
    """Two commits whose functions, modules, examples and subjects have names that mean harm."""
    root = f"{SCRIPT}!{QUOTES}"
    stacks: Stacks = [(f"{root};a.dll!{name}".replace("\n", "\n"), 5 + at) for at, name in enumerate(HOSTILE)]
    with store.opened_for_write(path) as connection:
        for commit, more in ((OLD, 0), (NEW, 3)):
            changed = [(path_, count + more) for path_, count in stacks]
            made = profile({"app.exe": changed}, source=f"{SCRIPT}-{commit[0]}.etl")
            revision = store.Revision(commit, subject=f"{SCRIPT} {QUOTES} {TURNED}")
            store.write_run(connection, made, new_run(commit, f'{SCRIPT} " {TURNED}', revision=revision))


def pathless_history(path: Path) -> None:
    """A commit of four examples: calls without paths, sums of leaves only, one sample, and nothing at all."""
    with store.opened_for_write(path) as connection:
        store.write_run(connection, summed(EDGES, "edges.html"), new_run(OLD, "edges", main_process=2))
        store.write_run(connection, summed(LEAF, "leaves.txt"), new_run(OLD, "leaf", main_process=2))
        lone: Sequence[tuple[str, int]] = [("app.exe!main", 1)]
        store.write_run(connection, profile({"app.exe": lone}, source="one.etl"), new_run(OLD, "one"))
