"""Ids that must never change: if a pin fails, every history in the world is orphaned. Do not update the numbers."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perfdb.profile import FunctionTable
from perfdb.profile import identity as ids

MASK = (1 << 64) - 1


def mix(value: int) -> int:
    """SplitMix64's finaliser in Python's own integers."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & MASK
    return value ^ value >> 31


def slow_stack_id(functions: list[int]) -> int:
    """The id of a stack of function ids, root first."""
    above = 0
    for function in functions:
        above = mix(mix(above + 0x9E3779B97F4A7C15 & MASK) ^ function)
    return above


def test_ids_are_pinned_for_ever() -> None:
    assert ids.module_id("ntdll.dll") == 0xBBF4ECA0C60B296C
    assert ids.module_id("kuzu_shared.dll") == 0x0E857025F570FBB5
    assert ids.module_id("<unknown>") == 0x909CC3F4E4AE2EC0
    assert ids.module_id("Grüße.exe") == 0x667BFE1FCD8607C5
    assert ids.function_id("ntdll.dll", "RtlUserThreadStart") == 0xF2968833A5A02BF1
    assert ids.function_id("<unknown>", "<unresolved>") == 0x4D6EED7C67527DAD
    assert ids.function_id("app.exe", "std::vector<int>::push_back") == 0x2A80844B773B31AF
    assert ids.example_id("simple") == 0xEE89B1C757A7FF2F
    machine = ("BUILD-01", "Windows 10 Pro build 19045", "x64 family 6 model 158 stepping 10", 2)
    assert ids.machine_id(*machine) == 0x468B20C28FB989DC
    path = [("ntdll.dll", "RtlUserThreadStart"), ("app.exe", "main"), ("kuzu_shared.dll", "<unresolved>")]
    functions = np.array([ids.function_id(*each) for each in path], np.uint64)
    stacks = ids.stack_ids(np.array([-1, 0, 1], np.int32), np.array([1, 2, 3], np.int32), functions)
    assert stacks.tolist() == [0x0014A084252A790F, 0xD274C1C455C799DB, 0x13BA832427B36EE0]


def test_splitmix64_as_published() -> None:
    # The first outputs of SplitMix64 seeded with 0, from the reference implementation.
    state, found = 0, []
    for _ in range(3):
        state = state + 0x9E3779B97F4A7C15 & MASK
        found.append(int(ids.mix64(np.array([state], np.uint64))[0]))

    assert found == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_letter_case_of_modules_does_not_matter_but_that_of_functions_does() -> None:
    assert ids.module_id("NTDLL.dll") == ids.module_id("ntdll.DLL")
    assert ids.function_id("A.dll", "f") == ids.function_id("a.dll", "f")
    assert ids.function_id("a.dll", "f") != ids.function_id("a.dll", "F")
    # Only ASCII is folded: Unicode's tables change between versions of Python.
    assert ids.module_id("Ü.dll") != ids.module_id("ü.dll")


def test_kinds_do_not_meet() -> None:
    assert len({ids.module_id("x"), ids.example_id("x"), ids.function_id("", "x"), ids.function_id("x", "")}) == 4


def test_unpaired_surrogates_have_ids() -> None:
    assert ids.module_id("\ud800") == ids.module_id("?")


@given(st.lists(st.text(max_size=8), min_size=1, max_size=6), st.data())
def test_columns_are_the_single_ids(modules: list[str], choose: st.DataObject) -> None:
    rows = choose.draw(st.lists(st.tuples(st.integers(0, len(modules) - 1), st.text(max_size=8)), max_size=6))
    functions = FunctionTable(np.array([m for m, _ in rows], np.int32), tuple(name for _, name in rows))

    assert ids.module_ids(modules).tolist() == [ids.module_id(name) for name in modules]
    assert ids.function_ids(modules, functions).tolist() == [ids.function_id(modules[m], name) for m, name in rows]


@given(st.integers(0, 2**32), st.integers(0, 40))
def test_stack_ids_are_those_of_the_slow_twin(seed: int, count: int) -> None:
    chance = random.Random(seed)
    parent = [chance.randrange(-1, row) if row else -1 for row in range(count)]
    function = [chance.choice([1, 2, MASK, chance.getrandbits(64)]) for _ in range(count)]
    depth: list[int] = []
    paths: list[list[int]] = []
    for row in range(count):
        above = paths[parent[row]] if parent[row] >= 0 else []
        paths.append([*above, function[row]])
        depth.append(len(paths[row]))

    found = ids.stack_ids(np.array(parent, np.int32), np.array(depth, np.int32), np.array(function, np.uint64))

    assert found.tolist() == [slow_stack_id(path) for path in paths]
