"""Names for a profile's addresses, held against a slow twin that walks every stack frame by frame."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.profile import TEMPLATES_FOLDED, UNRESOLVED, Caveat, FrameTable, LoadedModule, Profile
from perfdb.profile.check import self_check
from perfdb.profile.columns import U64
from perfdb.symbols.canonical import FOLD, canonical_name
from perfdb.symbols.lookup import LookedUp
from perfdb.symbols.model import FUNCTION, INLINED, PUBLIC, Chains, Wanted
from perfdb.symbols.resolve import resolve, wanted_by
from tests.store.profiles import profile

Link = tuple[str, int, str, int]
"""A row of a chain: name, kind, file ("" for none) and line."""

Book = dict[tuple[str, int], list[Link]]
"""What symbol files say: the chain at an RVA of a module by its debug id, innermost first."""


def chains_of(links: list[list[Link]]) -> Chains:
    names = list(dict.fromkeys(link[0] for chain in links for link in chain))
    files = list(dict.fromkeys(link[2] for chain in links for link in chain if link[2]))
    rows = [link for chain in links for link in chain]
    return Chains(
        start=np.cumsum([0, *(len(chain) for chain in links)]).astype(np.int64),
        name=np.array([names.index(row[0]) for row in rows], np.int32),
        kind=np.array([row[1] for row in rows], np.uint8),
        file=np.array([files.index(row[2]) if row[2] else -1 for row in rows], np.int32),
        line=np.array([row[3] for row in rows], np.int32),
        names=tuple(names),
        files=tuple(files),
    )


def reader_of(book: Book) -> tuple[list[tuple[Wanted, list[int]]], object]:
    asked: list[tuple[Wanted, list[int]]] = []

    def look_up(wanted: Wanted, rva: U64) -> LookedUp:
        asked.append((wanted, rva.tolist()))
        found = [book.get((wanted.debug_id, each), []) for each in rva.tolist()]
        state = "full" if any(found) else "absent"
        return LookedUp(chains_of(found), state, "x64", (Caveat("told", f"{wanted.module} was asked"),))

    return asked, look_up


def resolved(read: Profile, book: Book, templates: str = "keep") -> Profile:
    return resolve(read, reader_of(book)[1], templates)  # type: ignore[arg-type]


Path = tuple[tuple[str, str, bool, str, int], ...]


def paths_of(read: Profile) -> Counter[Path]:
    """The call paths of all samples, with their weights: module, function, inlined, file, line."""
    found: Counter[Path] = Counter()
    for stack, weight in zip(read.samples.stack.tolist(), read.samples.weight_ns.tolist(), strict=True):
        path = []
        while stack >= 0:
            frame = int(read.stacks.frame[stack])
            function = int(read.frames.function[frame])
            module, name = read.modules[read.functions.module[function]], read.functions.name[function]
            places = read.places
            file = "" if places is None or places.file[frame] < 0 else read.files[places.file[frame]]
            line = 0 if places is None else int(places.line[frame])
            path.append((module, name, places is not None and bool(places.is_inlined[frame]), file, line))
            stack = int(read.stacks.parent[stack])
        found[tuple(path)] += weight
    return found


def twin(read: Profile, book: Book) -> Counter[Path]:
    """As `paths_of` the resolved profile, made by walking the stacks of the unresolved one."""
    found: Counter[Path] = Counter()
    for stack, weight in zip(read.samples.stack.tolist(), read.samples.weight_ns.tolist(), strict=True):
        path: list[tuple[str, str, bool, str, int]] = []
        while stack >= 0:
            frame = int(read.stacks.frame[stack])
            function = int(read.frames.function[frame])
            module, name = read.modules[read.functions.module[function]], read.functions.name[function]
            loaded = int(read.frames.loaded[frame])
            debug_id = read.loaded[loaded].debug_id if loaded >= 0 else ""
            chain = book.get((debug_id, int(read.frames.rva[frame])), []) if name == UNRESOLVED and debug_id else []
            if not chain:
                path.append((module, name, False, "", 0))
            for symbol, kind, file, line in chain:
                path.append((module, canonical_name(symbol, "x64"), kind == INLINED, file, line if file else 0))
            stack = int(read.stacks.parent[stack])
        found[tuple(path)] += weight
    return found


def unresolved(*paths: tuple[str, int], debug_ids: tuple[str, ...] = ("A1", "B1", "C1")) -> Profile:
    """A profile without names: `a;b` is a path of modules. The frame of a module and depth is at RVA 16 * depth."""
    numbered = []
    for path, count in paths:
        steps = [f"{module}!{depth}" for depth, module in enumerate(path.split(";"))]
        numbered.append((";".join(steps), count))
    read = profile({"app.exe": numbered})
    names = dict.fromkeys(read.functions.module.tolist())
    row_of = {module: row for row, module in enumerate(names)}
    functions = replace(read.functions, module=np.array(list(names), np.int32), name=(UNRESOLVED,) * len(names))
    frames = FrameTable(
        read.frames.loaded,
        np.array([16 * int(name) for name in read.functions.name], np.uint64),
        np.array([row_of[module] for module in read.functions.module.tolist()], np.int32),
    )
    loaded = tuple(
        LoadedModule(row.module, row.path, debug_id, f"{debug_id}.pdb")
        for row, debug_id in zip(read.loaded, debug_ids, strict=False)
    )
    return replace(read, functions=functions, frames=frames, loaded=loaded)


LINK = st.tuples(
    st.sampled_from(
        ["f", "g", "ns::h", "f", "std::vector<int,std::allocator<int> >::push_back", "`a'::`2'::<lambda_1>"]
    ),
    st.just(INLINED),
    st.sampled_from(["", "a.cpp", "b.cpp"]),
    st.integers(0, 3),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Profile, Book]:
    paths = draw(
        st.lists(
            st.tuples(st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map(";".join), st.integers(1, 3)),
            min_size=1,
            max_size=6,
        )
    )
    debug_ids = draw(st.sampled_from([("A1", "B1", "C1"), ("A1", "A1", ""), ("", "B1", "A1")]))
    read = unresolved(*paths, debug_ids=debug_ids)
    book: Book = {}
    for debug_id in ("A1", "B1", "C1"):
        for rva in range(0, 80, 16):
            chain = draw(st.lists(LINK, max_size=3))
            if chain:
                name, _, file, line = chain[-1]
                chain[-1] = (name, draw(st.sampled_from([FUNCTION, PUBLIC])), file, line)
                book[debug_id, rva] = chain
    return read, book


@given(cases())
def test_every_path_is_what_walking_it_gives(case: tuple[Profile, Book]) -> None:
    read, book = case
    after = resolved(read, book)
    self_check(after)

    assert twin(read, book) == paths_of(after)
    assert len(
        {tuple(pair) for pair in zip(after.functions.module.tolist(), after.functions.name, strict=True)}
    ) == len(after.functions)


def test_only_what_has_no_name_is_asked_for_and_once() -> None:
    read = unresolved(("a;b;a", 2), ("a;b;a;b", 1))
    functions = replace(read.functions, name=("managed", UNRESOLVED))
    asked, look_up = reader_of({})
    resolve(replace(read, functions=functions), look_up)  # type: ignore[arg-type]

    assert [("b", [16, 48])] == [(wanted.module, rvas) for wanted, rvas in asked]


def test_one_file_of_several_images_is_asked_once() -> None:
    read = unresolved(("a;b;a", 2), debug_ids=("A1", "A1"))
    loaded = tuple(replace(row, pdb_name="Same.PDB" if at else "same.pdb") for at, row in enumerate(read.loaded))
    read = replace(read, loaded=loaded)
    asked, look_up = reader_of({("A1", 0): [("f", FUNCTION, "", 0)], ("A1", 16): [("g", FUNCTION, "", 0)]})
    after = resolve(read, look_up)  # type: ignore[arg-type]

    assert [[0, 16, 32]] == [rvas for _, rvas in asked]
    assert ["full", "full"] == [row.symbols for row in after.loaded]
    assert {("a", "f"), ("b", "g"), ("a", UNRESOLVED)} == {step[:2] for path in paths_of(after) for step in path}
    assert 1 == len(wanted_by(read))


def test_inlined_functions_are_stack_rows_of_their_own() -> None:
    book: Book = {
        ("A1", 0): [
            ("inner", INLINED, "i.h", 5),
            ("middle", INLINED, "m.h", 7),
            ("outer", FUNCTION, "o.cpp", 9),
        ]
    }
    after = resolved(unresolved(("a", 3)), book)

    assert [1, 2, 3] == after.stacks.depth.tolist()
    assert [("a", "inner", True, "i.h", 5), ("a", "middle", True, "m.h", 7), ("a", "outer", False, "o.cpp", 9)] == list(
        next(iter(paths_of(after)))
    )


def test_the_symbol_files_own_names_are_kept() -> None:
    read = unresolved(("a", 1), ("a;a", 1))
    book: Book = {
        ("A1", 0): [("?f@ns@@YAXXZ", PUBLIC, "", 0)],
        ("A1", 16): [("std::vector<int,std::allocator<int> >::push_back", FUNCTION, "", 0)],
    }
    after = resolved(read, book)
    names = {(after.functions.name[each.function], each.symbol) for each in after.symbol_names}
    folded = resolved(read, book, FOLD)

    assert {("ns::f", "?f@ns@@YAXXZ")} == names
    assert {"ns::f", "std::vector<>::push_back"} <= set(folded.functions.name)
    assert TEMPLATES_FOLDED in [caveat.code for caveat in folded.caveats]
    assert TEMPLATES_FOLDED not in [caveat.code for caveat in after.caveats]


def test_names_of_folded_code_are_kept_as_its_names() -> None:
    chains = replace(chains_of([[("a::f", FUNCTION, "", 0)]]), folded={0: ("b::g", "c::h")})

    def look_up(_: Wanted, __: U64) -> LookedUp:
        return LookedUp(chains, "full", "x64", ())

    after = resolve(unresolved(("a", 1)), look_up)

    assert {("a::f", "b::g"), ("a::f", "c::h")} == {
        (after.functions.name[each.function], each.symbol) for each in after.symbol_names
    }


@pytest.mark.parametrize(("count", "words"), [(1, "1 function is"), (2, "2 functions are")])
def test_nearest_symbols_are_told(count: int, words: str) -> None:
    read = unresolved(("a;a", 1))
    book: Book = {("A1", 16 * row): [(f"f{row}", PUBLIC, "", 0)] for row in range(count)}

    assert [f"a: {words} named after the nearest public symbol, for want of more"] == [
        caveat.text for caveat in resolved(read, book).caveats if caveat.code == "nearest-symbol"
    ]


def test_what_has_no_symbol_keeps_its_place() -> None:
    read = unresolved(("a;b", 4))
    after = resolved(read, {})

    assert twin(read, {}) == paths_of(after)
    assert read.frames.rva.tolist() == after.frames.rva.tolist()
    assert after.places is None
    assert ["absent", "absent"] == [row.symbols for row in after.loaded]
    assert {"a was asked", "b was asked"} == {caveat.text for caveat in after.caveats}


def test_a_profile_without_work_resolves_to_itself() -> None:
    empty = np.zeros(0, np.int32)
    read = unresolved(("a", 1))
    nothing = replace(
        read,
        sample_count=read.idle_count,
        frames=FrameTable(empty, empty.astype(np.uint64), empty),
        stacks=replace(read.stacks, parent=empty, frame=empty, depth=empty),
        samples=replace(
            read.samples, **{name: getattr(read.samples, name)[:0] for name in type(read.samples).__slots__}
        ),
    )

    assert 0 == len(resolved(nothing, {}).stacks)
