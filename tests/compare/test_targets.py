"""Names as people type them, and which modules and functions they mean."""

from __future__ import annotations

import pytest

from perfdb.compare.costs import Item
from perfdb.compare.targets import FEW, bare_name, find_target, name_parts
from perfdb.errors import InputError

KUZU, TOOL, LIBRARY, OTHER = "Kuzu_Shared.dll", "tool.exe", "twin.dll", "twin.exe"
MODULES = [Item(name) for name in (KUZU, TOOL, LIBRARY, OTHER, "libc.so")]
INSERT = Item(KUZU, "kuzu::LocalTable::insert")
PUSH_INT, PUSH_TEXT = Item(KUZU, "kuzu::list<int>::push"), Item(KUZU, "kuzu::list<std::string>::push")
CONSTRUCT, NOT_EQUAL = Item(TOOL, "std::construct_at<int>"), Item(TOOL, "kuzu::operator!=")
STAR, MAIN, SAME = Item(TOOL, "f<char *>"), Item(TOOL, "main"), Item(OTHER, "main")
BARE = Item(LIBRARY, "<unresolved>")
FUNCTIONS = [INSERT, PUSH_INT, PUSH_TEXT, CONSTRUCT, NOT_EQUAL, STAR, MAIN, SAME, BARE]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("kuzu_shared.DLL", [MODULES[0]]),
        ("kuzu_shared", [MODULES[0]]),
        ("LibC", [MODULES[4]]),
        ("twin.dll", [MODULES[2]]),
        ("kuzu_shared.dll!kuzu::LocalTable::insert", [INSERT]),
        ("kuzu_shared!LocalTable::insert", [INSERT]),
        ("kuzu::LocalTable::insert", [INSERT]),
        ("insert", [INSERT]),
        ("push", [PUSH_INT, PUSH_TEXT]),
        ("list::push", [PUSH_INT, PUSH_TEXT]),
        ("list<int>::push", [PUSH_INT]),
        ("construct_at", [CONSTRUCT]),
        ("construct_at<int>", [CONSTRUCT]),
        ("operator!=", [NOT_EQUAL]),
        ("f<char *>", [STAR]),
        ("main", [MAIN, SAME]),
        ("twin.exe!main", [SAME]),
        ("twin.dll!<unresolved>", [BARE]),
        ("twin*", [MODULES[2], MODULES[3]]),
        ("kuzu::list<*", [PUSH_INT, PUSH_TEXT]),
        ("kuzu::l?st<int>::push", [PUSH_INT]),
        ("t*!*main*", [MAIN, SAME]),
        ("tool!*", [NOT_EQUAL, STAR, MAIN, CONSTRUCT]),
    ],
)
def test_a_name_means(asked: str, expected: list[Item]) -> None:
    found = find_target(asked, MODULES, FUNCTIONS)

    assert set(expected) == set(found.items)
    assert len(expected) == len(found.items)
    assert str(found) == (str(expected[0]) if len(expected) == 1 else asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("twin", "several modules of that name: twin.dll, twin.exe. Name one"),
        ("kuzu_shard.dll", "The nearest names are Kuzu_Shared.dll"),
        ("insrt", "The nearest names are Kuzu_Shared.dll!kuzu::LocalTable::insert"),
        ("constr", "tool.exe!std::construct_at<int>"),
        ("zzz::*", "The modules are Kuzu_Shared.dll, tool.exe"),
        ("", "asked for the impact on '', found no module"),
        ("a\x1b[31m\u202eb", r"asked for the impact on a\x1b[31m\u202eb, found"),
    ],
)
def test_a_name_that_means_nothing_or_too_much(asked: str, said: str) -> None:
    with pytest.raises(InputError) as problem:
        find_target(asked, MODULES, FUNCTIONS)

    assert said in str(problem.value)


def test_the_end_of_a_name_may_mean_a_few_functions_and_no_more() -> None:
    functions = [Item(KUZU, f"c{number}::go") for number in range(FEW + 1)]

    assert FEW == len(find_target("go", MODULES, functions[:FEW]).items)
    with pytest.raises(InputError, match=r"found 6 functions whose names end so: .* a glob: '\*go\*'"):
        find_target("go", MODULES, functions)
    assert FEW + 1 == len(find_target("*::go", MODULES, functions).items)


def test_those_that_only_call_others_are_meant_where_nothing_else_is() -> None:
    callers = [Item(TOOL, f"c{number}::insert") for number in range(FEW + 1)]

    assert (INSERT,) == find_target("insert", MODULES, FUNCTIONS, callers).items
    assert (callers[3],) == find_target("c3::insert", MODULES, FUNCTIONS, callers).items


@pytest.mark.parametrize(
    ("name", "parts", "bare"),
    [
        ("n::list<a::b>::push", ["n", "list<a::b>", "push"], ["n", "list", "push"]),
        ("n::operator<<int>", ["n", "operator<<int>"], ["n", "operator<"]),
        ("n::operator<<", ["n", "operator<<"], ["n", "operator<<"]),
        ("n::operator->", ["n", "operator->"], ["n", "operator->"]),
        ("a::operator()<x::y>", ["a", "operator()<x::y>"], ["a", "operator()"]),
        ("<T as Trait>::go", ["<T as Trait>", "go"], ["<T as Trait>", "go"]),
        ("x::<lambda>::f", ["x", "<lambda>", "f"], ["x", "<lambda>", "f"]),
        ("n::`anonymous namespace'::f", ["n", "`anonymous namespace'", "f"], ["n", "`anonymous namespace'", "f"]),
        ("A<&n::f<1>>::g", ["A<&n::f<1>>", "g"], ["A", "g"]),
        ("not<closed::f", ["not<closed::f"], ["not<closed::f"]),
        ("", [""], [""]),
    ],
)
def test_parts_of_names(name: str, parts: list[str], bare: list[str]) -> None:
    assert parts == name_parts(name)
    assert bare == [bare_name(part) for part in parts]
