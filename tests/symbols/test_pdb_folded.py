"""Identical code that the linker folded has one name, whichever object it linked first; publics tell the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.demo.pdb_spec import X64, X86, FunctionSpec, LineSpec, ObjectSpec, PdbSpec, PublicSpec
from perfdb.demo.pdb_writer import write_pdb
from perfdb.profile import FrameTable, Profile
from perfdb.profile.columns import U64
from perfdb.symbols.lookup import LookedUp, look_up
from perfdb.symbols.model import Located, Wanted
from perfdb.symbols.pdb import PUBLIC_REACH_BYTES, PdbFile
from perfdb.symbols.pdb_folded import MAX_NAMES, other_names
from perfdb.symbols.pdb_symbols import Function
from perfdb.symbols.resolve import resolve
from perfdb.symbols.symcache import Symcache
from tests.symbols.chains import folded, names, rvas
from tests.symbols.small_pdb import APP, GUID
from tests.symbols.test_resolve import unresolved

CODE = 0x1000
STEP = 16
"""The distance of the frames that `unresolved` makes, and so of the functions here."""


def spec_of(*objects: ObjectSpec, publics: Sequence[PublicSpec] = (), machine: int = X64) -> PdbSpec:
    return PdbSpec(GUID, 3, objects=objects, publics=tuple(publics), machine=machine)


def function(name: str, place: int = 0, public: str = "", is_global: bool = True) -> FunctionSpec:
    file = re.sub(r"\W+", "_", name) + ".cpp"
    return FunctionSpec(name, CODE + STEP * place, 8, file, (LineSpec(0, 7),), is_global=is_global, public=public)


def resolved(path: Path, spec: PdbSpec, places: int = 1, templates: str = "keep") -> Profile:
    """A profile with a stack of frames at the first places, named with the PDB, or with what is kept of it."""
    path.mkdir(exist_ok=True)
    (path / "app.pdb").write_bytes(write_pdb(spec))
    cache = Symcache(path / "symcache")
    read = unresolved((";".join("a" * places), 1), debug_ids=(spec.debug_id,))
    frames = read.frames
    read = replace(read, frames=FrameTable(frames.loaded, frames.rva + np.uint64(CODE), frames.function))

    def from_file(wanted: Wanted, rva: U64) -> LookedUp:
        return look_up(wanted, rva, lambda _: Located(path / "app.pdb", "full"), cache)

    def from_cache(wanted: Wanted, rva: U64) -> LookedUp:
        return look_up(wanted, rva, lambda _: Located(None, "absent"), cache)

    after, again = resolve(read, from_file, templates), resolve(read, from_cache, templates)
    assert (stack(after), symbols(after)) == (stack(again), symbols(again))
    return after


def stack(profile: Profile) -> list[str]:
    return [profile.functions.name[row] for row in profile.frames.function.tolist()]


def symbols(profile: Profile) -> set[tuple[str, str]]:
    return {(profile.functions.name[row.function], row.symbol) for row in profile.symbol_names}


ZETA = ObjectSpec("zeta.obj", (function("zeta::f", public="?f@zeta@@YAXXZ"),))
ALPHA = ObjectSpec("alpha.obj", (function("alpha::f", public="?f@alpha@@YAXXZ"),))
MIDDLE = ObjectSpec("middle.obj", (function("middle::f", public="?f@middle@@YAXXZ"),))


@pytest.mark.parametrize("order", list(permutations((ZETA, ALPHA, MIDDLE))))
def test_the_first_name_in_the_order_of_text_is_the_name_whatever_was_linked_first(
    tmp_path: Path, order: tuple[ObjectSpec, ...]
) -> None:
    after = resolved(tmp_path, spec_of(*order))

    own = order[0].functions[0]
    others = {text for text in ("?f@zeta@@YAXXZ", "?f@alpha@@YAXXZ", "?f@middle@@YAXXZ") if text != own.public}
    assert ["alpha::f"] == stack(after)
    assert {("alpha::f", text) for text in {own.name, *others} - {"alpha::f"}} == symbols(after)
    assert (own.file,) == after.files


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True))
def test_the_names_of_an_address_are_the_same_whichever_function_was_kept(scopes: list[str]) -> None:
    publics = {f"?f@{scope}@@YAXXZ" for scope in scopes}
    for scope in scopes:
        others = other_names([Function(f"{scope}::f", 1, 0, 8)], publics, "x64")

        assert sorted(publics - {f"?f@{scope}@@YAXXZ"}) == others


def test_only_the_object_module_that_was_kept_is_read(tmp_path: Path) -> None:
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec_of(ZETA, ALPHA, MIDDLE)))

    with PdbFile(path) as file:
        chains = file.look_up(rvas(CODE + 4))
        assert 1 == file.modules_read

    assert [["zeta::f"]] == names(chains)
    assert {"zeta::f": ("?f@alpha@@YAXXZ", "?f@middle@@YAXXZ")} == folded(chains)


def test_functions_of_one_name_that_are_folded_with_different_others_stay_apart(tmp_path: Path) -> None:
    static = ObjectSpec(
        "one.obj", (function("helper", 0, is_global=False), function("helper", 3, public="?helper@@YAXXZ"))
    )
    another = ObjectSpec("two.obj", (function("helper", 1, is_global=False), function("main", 2, public="main")))
    others = [PublicSpec("?g@a@@YAXXZ", CODE), PublicSpec("?g@b@@YAXXZ", CODE + STEP)]

    after = resolved(tmp_path, spec_of(static, another, publics=others), places=4)

    assert ["a::g", "b::g", "main", "helper"] == stack(after)
    assert {("a::g", "?g@a@@YAXXZ"), ("b::g", "?g@b@@YAXXZ"), ("a::g", "helper"), ("b::g", "helper")} == symbols(after)


def test_a_name_that_stays_the_first_has_others_where_it_was_folded_and_none_elsewhere(tmp_path: Path) -> None:
    objects = ObjectSpec("one.obj", (function("helper", 0, is_global=False), function("helper", 2, is_global=False)))
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec_of(objects, publics=[PublicSpec("?g@z@@YAXXZ", CODE)])))

    with PdbFile(path) as file:
        both, other = file.look_up(rvas(CODE, CODE + 2 * STEP)), file.look_up(rvas(CODE + 2 * STEP))

    assert [["helper"], ["helper"]] == names(both)
    assert {both.name[0]: ("?g@z@@YAXXZ",)} == dict(both.folded)
    assert {} == dict(other.folded)


@pytest.mark.parametrize(
    ("name", "public", "machine"),
    [
        ("n::list<int>::push", "?push@?$list@H@n@@QEAAXH@Z", X64),
        ("main", "_main", X86),
        ("_exit", "__exit", X86),
        ("close", "_close@4", X86),
        ("__SEH_prolog4", "__SEH_prolog4", X86),
        ("a::b<`local'::x>", "?not_to_be_made_one@@YAXXZ", X64),
    ],
)
def test_the_public_spelling_of_the_function_itself_is_no_other_name(
    tmp_path: Path, name: str, public: str, machine: int
) -> None:
    after = resolved(tmp_path, spec_of(ObjectSpec("a.obj", (function(name, public=public),)), machine=machine))

    assert [name] == stack(after)
    assert set() == symbols(after)


def test_names_that_differ_only_in_underscores_before_them_are_one_name(tmp_path: Path) -> None:
    prolog = ObjectSpec("prolog.obj", (function("__SEH_prolog4", public="__SEH_prolog4"),))
    more = [PublicSpec("?z@@YAXXZ", CODE), PublicSpec("_SEH_prolog4", CODE)]

    after = resolved(tmp_path, spec_of(prolog, publics=more, machine=X86))

    assert ["__SEH_prolog4"] == stack(after)
    assert {("__SEH_prolog4", "?z@@YAXXZ")} == symbols(after)


def test_tables_and_labels_at_a_function_are_no_other_names(tmp_path: Path) -> None:
    others = [PublicSpec("?a_table@@3HA", CODE, is_function=False), PublicSpec("$LN1", CODE + 1)]

    after = resolved(tmp_path, spec_of(ZETA, publics=others))

    assert (["zeta::f"], set()) == (stack(after), symbols(after))


def test_a_static_function_has_no_public_so_that_at_its_address_is_of_another(tmp_path: Path) -> None:
    static = ObjectSpec("static.obj", (function("zeta::f", is_global=False),))

    after = resolved(tmp_path, spec_of(static, ALPHA))

    assert ["alpha::f"] == stack(after)
    assert {("alpha::f", "zeta::f"), ("alpha::f", "?f@alpha@@YAXXZ")} == symbols(after)


def test_functions_of_one_object_module_are_told_as_their_publics_spell_them(tmp_path: Path) -> None:
    both = ObjectSpec("a.obj", (function("b::g", public="?g@b@@YAXXZ"), function("a::g", public="?g@a@@YAXXZ")))
    after = resolved(tmp_path, spec_of(both, publics=[PublicSpec("?g@c@@YAXXZ", CODE)]))

    assert ["a::g"] == stack(after)
    assert {("a::g", "?g@b@@YAXXZ"), ("a::g", "?g@c@@YAXXZ")} == symbols(after)


def test_a_public_that_may_be_an_unusual_spelling_of_a_function_there_is_no_other_name() -> None:
    functions = [Function("a::f", 1, 0, 8), Function("b::g<`x'::y>", 1, 0, 8)]
    publics = {"?f@a@@YAXXZ", "?unusual@@YAXXZ"}

    assert ["b::g<`x'::y>"] == other_names(functions, publics, "x64")
    assert ["?another@@YAXXZ", "?unusual@@YAXXZ", "b::g<`x'::y>"] == other_names(
        functions, publics | {"?another@@YAXXZ"}, "x64"
    )


def test_other_names_are_kept_beside_those_of_earlier_traces(tmp_path: Path) -> None:
    more = ObjectSpec("more.obj", (function("helper", 1, is_global=False),))
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec_of(ZETA, ALPHA, more, publics=[PublicSpec("?g@a@@YAXXZ", CODE + STEP)])))
    cache = Symcache(tmp_path / "symcache")
    with PdbFile(path) as file:
        for rva in (CODE, CODE + STEP):
            cache.add(file.debug_id, file.table(rvas(rva)))
        found = cache.read(file.debug_id)

    assert found is not None
    assert {"zeta::f": ("?f@alpha@@YAXXZ",), "helper": ("?g@a@@YAXXZ",)} == folded(
        found.chains(rvas(CODE, CODE + STEP))
    )


def test_instances_of_one_template_are_one_name_where_arguments_are_folded(tmp_path: Path) -> None:
    instances = ObjectSpec("a.obj", (function("n::f<int>", public="??$f@H@n@@YAXXZ"),))
    spec = spec_of(instances, publics=[PublicSpec("??$f@D@n@@YAXXZ", CODE)])

    kept, without = resolved(tmp_path / "kept", spec), resolved(tmp_path / "folded", spec, templates="fold")

    assert (["n::f<char>"], ["n::f<>"]) == (stack(kept), stack(without))
    assert {("n::f<>", "n::f<int>")} == symbols(without)


def test_public_symbols_only_give_the_same_name_as_functions_do(tmp_path: Path) -> None:
    spec = spec_of(ZETA, ALPHA)

    full, stripped = (
        resolved(tmp_path / "full", spec),
        resolved(tmp_path / "stripped", replace(spec, is_stripped=True)),
    )

    assert stack(full) == stack(stripped) == ["alpha::f"]


def test_of_very_many_names_the_first_of_the_file_count(tmp_path: Path) -> None:
    many = [PublicSpec(f"?f{number:05}@@YAXXZ", CODE) for number in range(MAX_NAMES + 50)]
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec_of(ObjectSpec("a.obj", (function("zeta", is_global=False),)), publics=many)))

    with PdbFile(path) as file:
        assert {"zeta": tuple(public.name for public in many[:MAX_NAMES])} == folded(file.look_up(rvas(CODE)))


# The nearest public


def named(tmp_path: Path, spec: PdbSpec, *rva: int) -> list[list[str]]:
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec))
    with PdbFile(path) as file:
        table = file.table(rvas(*rva))
    assert table.covers(rvas(*rva)).all()
    return names(table.chains(rvas(*rva)))


def test_tables_among_code_name_no_code(tmp_path: Path) -> None:
    publics = (PublicSpec("table", 0x1100, is_function=False), PublicSpec("f", 0x1200), PublicSpec("t", 0x1210, False))

    found = named(tmp_path, replace(APP, objects=(), publics=publics), 0x1100, 0x11FF, 0x1200, 0x1214)

    assert [[], [], ["f"], ["f"]] == found


def test_where_no_public_is_told_to_be_a_function_those_in_code_are_taken_for_some(tmp_path: Path) -> None:
    publics = (PublicSpec("code", 0x1100, is_function=False), PublicSpec("data", 0x7000, is_function=False))

    found = named(tmp_path, replace(APP, objects=(), publics=publics), 0x10FF, 0x1100, 0x1104, 0x7004)

    assert [[], ["code"], ["code"], []] == found


def test_a_public_reaches_so_far_and_no_farther_where_no_object_module_bounds_it(tmp_path: Path) -> None:
    near, far = 0x2000, 0x2000 + PUBLIC_REACH_BYTES - 0x10
    spec = spec_of(publics=[PublicSpec("near", near), PublicSpec("far", far)])
    end = far + PUBLIC_REACH_BYTES

    found = named(tmp_path, spec, near - 1, near, far - 1, far, far + 0x10, end - 1, end, end + 0x10_0000)

    assert [[], ["near"], ["near"], ["far"], ["far"], ["far"], [], []] == found


def test_in_the_code_of_an_object_module_a_public_reaches_to_its_end(tmp_path: Path) -> None:
    big = FunctionSpec("big", CODE, 2 * PUBLIC_REACH_BYTES, public="big")
    spec = replace(spec_of(ObjectSpec("a.obj", (big,))), is_stripped=True)
    end = CODE + 2 * PUBLIC_REACH_BYTES

    assert [["big"], []] == named(tmp_path, spec, end - 1, end)
