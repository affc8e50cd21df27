"""One name per function: the table of rules, idempotence, and agreement between sources of a name."""

from __future__ import annotations

import re
from pathlib import Path

import purepdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.symbols import canonical
from perfdb.symbols.canonical import FOLD, KEEP, MAX_CHARS, canonical_name

HEX = "0123456789abcdef"

KEPT = [
    # Names with nothing to change.
    ("", ""),
    ("main", "main"),
    ("_exit", "_exit"),
    ("ns::Class::f", "ns::Class::f"),
    ("ns::Class::~Class", "ns::Class::~Class"),
    ("PR_Free@plt", "PR_Free@plt"),
    # Decorated names.
    ("?push@?$list@H@n@@QEAAXH@Z", "n::list<int>::push"),
    ("??$f@V<lambda_4>@?0??main@@9@@n@@YAHV<lambda_4>@?0??main@@9@@Z", "n::f<main::<lambda> >"),
    ("?catch$3@?0??f@ns@@YAXXZ@4HA", "ns::f::catch"),
    ("?f@@YAXXZ.cold", "f"),
    ("?broken", "?broken"),
    ("_ZN2ns1fEv", "_ZN2ns1fEv"),
    ("_ZN2ns1fEv.isra.0", "_ZN2ns1fEv"),
    ("__imp_?f@n@@YAXXZ", "__imp_n::f"),
    # Parameters, results, qualifiers.
    ("f(int)", "f"),
    ("main()", "main"),
    ("void n::sort<int*>(int*, int*)", "n::sort<int *>"),
    ("n::list<int>::size() const", "n::list<int>::size"),
    ("n::list<int>::take(n::A&&) &&", "n::list<int>::take"),
    ("public: void __cdecl n::A::f(int (__cdecl *)(char))const ", "n::A::f"),
    ("std::__cxx11::to_string[abi:cxx11](int)", "std::__cxx11::to_string[abi:cxx11]"),
    ("decltype (nullptr) n::f<int>(int)", "n::f<int>"),
    # Template arguments: spaces, keywords, `const`, built-in types, functions.
    ("n::map<int, n::less<int>>", "n::map<int,n::less<int> >"),
    ("n::f<class n::A, enum n::E>", "n::f<n::A,n::E>"),
    ("n::f<const char*, char const *>", "n::f<char const *,char const *>"),
    ("n::f<n::pair<const int,n::A> >", "n::f<n::pair<int const,n::A> >"),
    ("n::f<n::pair<int const ,n::A> >", "n::f<n::pair<int const,n::A> >"),
    ("n::f<const int *const *>", "n::f<int const * const *>"),
    ("n::f<volatile const int>", "n::f<int const volatile>"),
    ("n::f<const n::list<const int>&>", "n::f<n::list<int const> const &>"),
    ("n::f<int **, int * *>", "n::f<int **,int **>"),
    ("n::f<unsigned long long, long long int>", "n::f<unsigned __int64,__int64>"),
    ("n::f<unsigned, long unsigned int, short int>", "n::f<unsigned int,unsigned long,short>"),
    ("n::f<int [3], int (&) [3]>", "n::f<int[3],int (&)[3]>"),
    ("n::f<void (__cdecl*)(void)>", "n::f<void (*)()>"),
    ("n::f<int __cdecl(char const *,int)>", "n::f<int (char const *,int)>"),
    ("n::f<int (const char *, int)>", "n::f<int (char const *,int)>"),
    ("n::f<int (__cdecl n::M::*)(int) const>", "n::f<int (n::M::*)(int) const>"),
    ("n::f<int (n::M::*)(int) __attribute__((thiscall)) const>", "n::f<int (n::M::*)(int) const>"),
    ("n::f<int (__stdcall*)(int)>", "n::f<int (__stdcall *)(int)>"),
    ("n::f<const int n::M::*>", "n::f<int const n::M::*>"),
    ("n::f<decltype(nullptr)>", "n::f<std::nullptr_t>"),
    ("n::f<void * __ptr64>", "n::f<void *>"),
    # Values.
    ("n::f<true, false, 5ull, -5ll, (n::Color)1, (char)97, 'a'>", "n::f<1,0,5,-5,1,97,97>"),
    ("n::f<&int __cdecl n::g(int)>", "n::f<&n::g>"),
    ("n::f<&n::M::m>", "n::f<&n::M::m>"),
    ("n::f<{int __cdecl n::M::m(int), 16}>", "n::f<{n::M::m,16}>"),
    # A class's arguments in its constructors and destructors.
    ("n::list<int>::list<int>", "n::list<int>::list"),
    ("n::list<int>::~list<int>", "n::list<int>::~list"),
    ("n::list<int>::list<char>", "n::list<int>::list<char>"),
    ("n::list<int>::node<int>", "n::list<int>::node<int>"),
    # Operators.
    ("bool n::operator< <int>(n::A const&, n::A const&)", "n::operator<<int>"),
    ("n::operator<< <int>(n::A const&)", "n::operator<<<int>"),
    ("n::operator<", "n::operator<"),
    ("n::operator<<", "n::operator<<"),
    ("n::operator<<<n::A>", "n::operator<<<n::A>"),
    ("n::operator<<<lambda_1> >", "n::operator<<<lambda> >"),
    ("n::operator<<<<lambda_1> >", "n::operator<<<<lambda> >"),
    ("n::operator<=>(n::A) const", "n::operator<=>"),
    ("n::operator<=><int>", "n::operator<=><int>"),
    ("n::operator->() const", "n::operator->"),
    ("n::operator->*<int>", "n::operator->*<int>"),
    ("n::operator>><int>(int)", "n::operator>><int>"),
    ("n::operator()(int)", "n::operator()"),
    ("n::operator()", "n::operator()"),
    ("n::operator()<int>(int) const", "n::operator()<int>"),
    ("n::operator[](int)", "n::operator[]"),
    ("n::operator,(int)", "n::operator,"),
    ("n::operator new(unsigned long)", "n::operator new"),
    ("operator delete[](void*)", "operator delete[]"),
    ("operator co_await(int)", "operator co_await"),
    ('operator"" _km(unsigned long long)', 'operator""_km'),
    ("my_operator<int>", "my_operator<int>"),
    ("n::f<&n::A::operator< >", "n::f<&n::A::operator< >"),
    ("n::f<&n::A::operator> >", "n::f<&n::A::operator> >"),
    # Conversions: the name has a type.
    ("n::A::operator char const*() const", "n::A::operator char const *"),
    ("n::A::operator const char *", "n::A::operator char const *"),
    ("n::A::operator class n::list<int>", "n::A::operator n::list<int>"),
    ("n::A::operator unsigned long long()", "n::A::operator unsigned __int64"),
    ("n::A::operator int (*)(int)", "n::A::operator int (*)(int)"),
    ("n::A::operator int (*)()", "n::A::operator int (*)()"),
    ("n::A::operator int (*)(int)() const", "n::A::operator int (*)(int)"),
    ("n::A::operator<float> float", "n::A::operator<float> float"),
    # Lambdas.
    ("<lambda_1>::operator()", "<lambda>::operator()"),
    (f"<lambda_{HEX * 2}>::operator()", "<lambda>::operator()"),
    ("<lambda_1>::<lambda_invoker_cdecl>", "<lambda>::<lambda_invoker_cdecl>"),
    ("n::$_0::operator()(int) const", "n::<lambda>::operator()"),
    ("n::f()::'lambda0'(int)::operator()(int) const", "n::f::<lambda>::operator()"),
    ("n::f(int)::{lambda(int)#1}::operator()(int) const", "n::f::<lambda>::operator()"),
    ("n::f<n::g()::{lambda(int, char)#2}>", "n::f<n::g::<lambda> >"),
    ("n::f<`lambda at a.cpp:19:35'>", "n::f<<lambda> >"),
    ("n::f<(lambda at C:\\x (x86)\\a.cpp:1:2)>", "n::f<<lambda> >"),
    ("n::f<<lambda_1>,<lambda_2> >", "n::f<<lambda>,<lambda> >"),
    # Namespaces and types without a name.
    ("n::(anonymous namespace)::f(int)", "n::`anonymous namespace'::f"),
    ("n::{anonymous}::f(int)", "n::`anonymous namespace'::f"),
    ("n::`anonymous-namespace'::f", "n::`anonymous namespace'::f"),
    ("n::`anonymous namespace'::f", "n::`anonymous namespace'::f"),
    ("n::?A0x12345678::f", "n::`anonymous namespace'::f"),
    ("?A0x12345678::f", "`anonymous namespace'::f"),
    ("<unnamed-tag>::f", "<unnamed>::f"),
    ("<unnamed-type-$S1>::f", "<unnamed>::f"),
    ("<unnamed-type-settings>::f", "<unnamed-type-settings>::f"),
    ("<unnamed-enum-red>::f", "<unnamed-enum-red>::f"),
    ("n::__unnamed_1::f", "n::<unnamed>::f"),
    ("n::$S1::f", "n::<unnamed>::f"),
    ("n::'unnamed1'::f()", "n::<unnamed>::f"),
    ("n::{unnamed type#1}::f()", "n::<unnamed>::f"),
    ("n::(unnamed struct at a.cpp:1:2)::f()", "n::<unnamed>::f"),
    ("n::(anonymous class)::f()", "n::<unnamed>::f"),
    # Local scopes.
    ("`f'::`2'::g", "f::g"),
    ("``f'::`2'::g'::`3'::h", "f::g::h"),
    ("`void __cdecl f(int)'::`2'::g", "f::g"),
    ("`public: static void __cdecl n::M::st(int (*)(char))'::`2'::Loc::lf", "n::M::st::Loc::lf"),
    ("`extern \"C\" f'::`2'::g", "f::g"),
    ("`n::f<int>'::`2'::g<struct `h'::`4'::A>", "n::f<int>::g<h::A>"),
    ("n::f(int)::Loc::g(char) const", "n::f::Loc::g"),
    ("n::A::f(int) const::Loc::g()", "n::A::f::Loc::g"),
    ("n::f<n::g(int)::Loc*>", "n::f<n::g::Loc *>"),
    ("n::f::__l2::Loc::g", "n::f::Loc::g"),
    # What compilers cut out of functions, copy, or make.
    ("foo$catch$12", "foo::catch"),
    ("foo$fin$0", "foo::fin"),
    ("foo$filt$1", "foo::filt"),
    ("`foo'::`1'::catch$0", "foo::catch"),
    ("`foo'::`1'::dtor$3", "foo::dtor"),
    ("n::foo<int>$catch$0", "n::foo<int>::catch"),
    ("f.isra.0", "f"),
    ("f.constprop.1", "f"),
    ("f.part.2.cold", "f"),
    ("f.llvm.1234567890", "f"),
    ("f.lto_priv.0", "f"),
    ("f$$h12", "f"),
    ("n::f(int) [clone .isra.0]", "n::f"),
    ("n::f(int) [clone .constprop.0] [clone .cold]", "n::f"),
    ("n::f(int) (.cold)", "n::f"),
    (".cold", ".cold"),
    ("@ILT+5(?f@@YAXXZ)", "f"),
    ("@ILT+123(name)", "name"),
    ("[thunk]:n::A::f`adjustor{8}'", "n::A::f`adjustor'"),
    ("n::A::f`vtordisp{-4,0}'", "n::A::f`vtordisp'"),
    ("?w@MI@ns@@WBA@EAAHXZ", "ns::MI::w`adjustor'"),
    ("non-virtual thunk to n::A::f(int)", "non-virtual thunk to n::A::f"),
    ("n::`dynamic initializer for 'x'", "`dynamic initializer for 'n::x''"),
    ("`dynamic initializer for 'n::x''", "`dynamic initializer for 'n::x''"),
    ("??__Ex@n@@YAXXZ", "`dynamic initializer for 'n::x''"),
    ("`dynamic atexit destructor for '`f'::`2'::x''", "`dynamic atexit destructor for 'f::x''"),
    ("n::A::`scalar deleting dtor'", "n::A::`scalar deleting destructor'"),
    ("??_GA@n@@UEAAPEAXI@Z", "n::A::`scalar deleting destructor'"),
    ("n::A::`vector deleting destructor'", "n::A::`vector deleting destructor'"),
    # Other languages.
    ("core::f::h0123456789abcdef", "core::f"),
    ("core::f::{closure#0}", "core::f::{closure}"),
    ("<alloc::Vec<T> as core::Drop>::drop", "<alloc::Vec<T> as core::Drop>::drop"),
    ("<&mut T as core::Write>::write", "<&mut T as core::Write>::write"),
    ("main.(*T).Method", "main.(*T).Method"),
    ("System.List`1[System.__Canon]::Add(!0)", "System.List`1[System.__Canon]::Add"),
    # Names that make no sense stay whole.
    ("void f(int", "void f(int"),
    ("a>b", "a>b"),
    ("f(<)>", "f(<)>"),
    ("`f'::`2", "`f'::`2"),
    ("f(int)\n", "f(int)\n"),
    ("f\t(int)", "f\t(int)"),
    (" ", " "),
]

FOLDED = [
    ("main", "main"),
    ("std::vector<int,std::allocator<int> >::push_back", "std::vector<>::push_back"),
    ("void n::sort<n::list<int>::iterator>(int)", "n::sort<>"),
    ("n::list<int>::list<int>", "n::list<>::list"),
    ("n::operator<", "n::operator<"),
    ("n::operator<<", "n::operator<<"),
    ("n::operator<=>", "n::operator<=>"),
    ("n::operator->", "n::operator->"),
    ("n::operator<<int>", "n::operator<<>"),
    ("n::operator<<<int>", "n::operator<<<>"),
    ("n::operator-><int>", "n::operator-><>"),
    ("n::operator>><int>", "n::operator>><>"),
    ("n::A::operator std::vector<int>", "n::A::operator std::vector<>"),
    ("n::A::operator<float> float", "n::A::operator<> float"),
    ("n::f<<lambda_1> >::g<int>", "n::f<>::g<>"),
    ("<lambda_1>::operator()<int>", "<lambda>::operator()<>"),
    ("<unnamed-tag>::f<int>", "<unnamed>::f<>"),
    ("`n::f<int>'::`2'::<lambda_1>::operator()", "n::f<>::<lambda>::operator()"),
    ("`dynamic initializer for 'n::x<int>''", "`dynamic initializer for 'n::x<>''"),
    ("?push@?$list@H@n@@QEAAXH@Z", "n::list<>::push"),
    ("<alloc::Vec<T> as core::Drop<U>>::drop", "<alloc::Vec<> as core::Drop<> >::drop"),
    ("n::f<", "n::f<"),
]


@pytest.mark.parametrize(("name", "expected"), KEPT)
def test_a_name_gets_its_canonical_form(name: str, expected: str) -> None:
    assert expected == canonical_name(name)


@pytest.mark.parametrize(("name", "expected"), FOLDED)
def test_folding_leaves_template_arguments_out_and_nothing_else(name: str, expected: str) -> None:
    assert expected == canonical_name(name, templates=FOLD)


def test_every_row_of_the_table_in_the_docstring_holds() -> None:
    assert canonical.__doc__ is not None
    table = canonical.__doc__.split("after\n")[1].split("\n\n")[0]
    checked = 0
    for line in table.splitlines():
        *_, before, after = re.split(r" {2,}", line)
        befores, afters = before.split(" | "), after.split(" | ")
        if len(afters) == 1:
            afters = afters * len(befores)
        assert afters == [canonical_name(name) for name in befores]
        checked += len(befores)

    assert checked > 45


@pytest.mark.parametrize(
    ("name", "machine", "expected"),
    [
        ("_main", "x86", "main"),
        ("__imp__CloseHandle@4", "x86", "__imp_CloseHandle"),
        ("@__security_check_cookie@4", "x86", "__security_check_cookie"),
        ("@ILT+0(_main)", "x86", "main"),
        ("_onexit", "x64", "_onexit"),
        ("_onexit", "", "_onexit"),
        ("?f@@YAXXZ", "x86", "f"),
    ],
)
def test_c_names_are_undecorated_only_where_they_are_the_linkers(name: str, machine: str, expected: str) -> None:
    assert expected == canonical_name(name, machine)


@pytest.mark.parametrize(
    "spellings",
    [
        # S_GPROC32 of Microsoft's compiler, of clang-cl, the public symbol, DWARF.
        (
            "std::vector<int,std::allocator<int> >::push_back",
            "?push_back@?$vector@HV?$allocator@H@std@@@std@@QEAAXAEBH@Z",
            "std::vector<int, std::allocator<int> >::push_back(int const&)",
            "public: void __cdecl std::vector<int, class std::allocator<int>>::push_back(int const &)",
        ),
        (
            "std::pair<int const ,char const *>::pair<int const ,char const *>",
            "std::pair<const int,const char *>::pair",
            "??0?$pair@$$CBHPEBD@std@@QEAA@XZ",
            "std::pair<int const, char const*>::pair()",
        ),
        (
            "main::<lambda_0>::operator()",
            "??R<lambda_4>@?0??main@@9@QEAAHH@Z",
            "`main'::`1'::<lambda_1>::operator()",
            "main::{lambda(int)#1}::operator()(int) const",
            "main::$_0::operator()(int) const",
        ),
        (
            "ns::`anonymous namespace'::at<ns::`anonymous namespace'::Anon *>",
            "??$at@PEAUAnon@?A0x5B3FF31B@ns@@@?A0x5B3FF31B@ns@@YAXPEAUAnon@?A0x5B3FF31B@0@@Z",
            "void ns::(anonymous namespace)::at<ns::(anonymous namespace)::Anon*>(ns::(anonymous namespace)::Anon*)",
        ),
        (
            "std::function<int (const char *, int &)>::operator()",
            "??R?$function@$$A6AHPEBDAEAH@Z@std@@QEAAHPEBDAEAH@Z",
            "std::function<int __cdecl(char const *,int &)>::operator()",
            "std::function<int (char const*, int&)>::operator()(char const*, int&) const",
        ),
        (
            "ns::`dynamic initializer for 'gd'",
            "??__Egd@ns@@YAXXZ",
            "`dynamic initializer for 'ns::gd''",
        ),
    ],
)
def test_spellings_of_one_function_are_one_name(spellings: tuple[str, ...]) -> None:
    assert 1 == len({canonical_name(spelling) for spelling in spellings})
    assert 1 == len({canonical_name(spelling, templates=FOLD) for spelling in spellings})


# ----------------------------------------------------------------------------------------------------------- properties

_PIECES = [
    *"<>()[]{}`'&*,: ~$?@_.x1",
    *(
        "::",
        "operator",
        "operator<",
        "operator<<",
        "operator()",
        "operator int",
        "operator->",
        "const ",
        " const",
        "int",
    ),
    *("unsigned ", "class ", "vector<int>", "<lambda_1>", "<lambda>", "<unnamed-tag>", "'lambda'", "{lambda(int)#1}"),
    *("`anonymous namespace'", "(anonymous namespace)", "`2'", "`f'::`2'::", "__l2::", "f", "ns::", "(int)", "<int>"),
    *(
        "`dynamic initializer for '",
        "''",
        "foo$catch$1",
        "$_0",
        "__cdecl",
        ".isra.0",
        "::h0123456789abcdef",
        "?f@@YAXXZ",
    ),
    *(
        "&f(int)",
        "5ull",
        "`adjustor{8}'",
        "@ILT+1(",
        "[thunk]:",
        "[clone .x]",
        " as ",
        "A<B>::A<B>",
        "\n",
        "é",
        "\u00a0",
    ),
]
_NAMES = st.one_of(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join), st.text(max_size=30))
_SETTINGS = st.sampled_from([KEEP, FOLD])


@given(name=_NAMES, templates=_SETTINGS)
def test_a_canonical_name_is_its_own_canonical_name(name: str, templates: str) -> None:
    once = canonical_name(name, templates=templates)

    assert once == canonical_name(once, templates=templates)


@given(name=_NAMES, machine=st.sampled_from(["x86", "x64", "arm64"]), templates=_SETTINGS)
def test_a_canonical_name_stays_as_it_is_once_the_linkers_decoration_is_off(
    name: str, machine: str, templates: str
) -> None:
    once = canonical_name(name, machine, templates)

    assert once == canonical_name(once, templates=templates)


@given(name=_NAMES)
def test_folding_gives_the_same_before_and_after_keeping(name: str) -> None:
    assert canonical_name(name, templates=FOLD) == canonical_name(canonical_name(name), templates=FOLD)


@given(name=_NAMES, templates=_SETTINGS)
def test_only_an_empty_name_becomes_empty(name: str, templates: str) -> None:
    assert (name == "") == (canonical_name(name, templates=templates) == "")


@pytest.mark.parametrize("templates", [KEEP, FOLD])
@pytest.mark.parametrize(
    "name",
    [
        "f<" * 2_000 + "int" + ">" * 2_000,
        "f(" * 2_000 + ")" * 2_000,
        "`" * 2_000 + "f" + "'::`2'" * 2_000,
        "f<" * 4_000,
        "(" * 4_000,
        "operator" * 500,
        "f<&" * 1_300 + ">" * 1_300,
    ],
)
def test_deep_nesting_is_survived(name: str, templates: str) -> None:
    once = canonical_name(name, templates=templates)

    assert once
    assert once == canonical_name(once, templates=templates)


def test_a_name_longer_than_any_compiler_makes_stays_as_it_is() -> None:
    name = "f<" + "int, " * MAX_CHARS + "int>"

    assert name == canonical_name(name, templates=FOLD)


# ---------------------------------------------------------------------------------------------------- real symbol files


def _pdbs(corpus: Path) -> list[tuple[str, purepdb.PDB]]:
    files = [("CppCon", "x86"), ("WriteArgument", "x64"), ("softokn3", "x64")]
    return [(machine, purepdb.PDB.open(str(corpus / f"{stem}.pdb"))) for stem, machine in files]


def test_procedures_and_public_symbols_of_one_address_have_one_name(corpus: Path) -> None:
    compared = 0
    different = set()
    for machine, pdb in _pdbs(corpus):
        publics: dict[tuple[int, int], list[str]] = {}
        for symbol in pdb.public_symbols():
            publics.setdefault((symbol.segment, symbol.offset), []).append(symbol.name)
        for function in pdb.functions():
            public = publics.get((function.segment, function.offset), [])
            names = [name for name in function.names if name not in public]
            if not names and machine == "x64":  # where C names have no decoration
                names = [function.name]
            if function.source == "proc" and len(public) == len(names) == 1:
                compared += 1
                if canonical_name(names[0]) != canonical_name(public[0], machine):
                    different.add((names[0], public[0]))

    assert compared > 400
    # Two functions each, whose identical code the linker folded.
    folded = {
        ("sftk_FreePrivKey", "nsslowkey_DestroyPrivateKey"),
        ("sftk_Space", "sftk_MACConstantTime_DestroyContext"),
    }
    assert folded == different


def test_names_of_procedures_are_those_that_symbolic_gives(corpus: Path) -> None:
    debuginfo = pytest.importorskip("symbolic.debuginfo")
    compared = 0
    for stem in ("CppCon", "WriteArgument", "softokn3"):
        cache = next(iter(debuginfo.Archive.open(str(corpus / f"{stem}.pdb")).iter_objects())).make_symcache()
        for function in purepdb.PDB.open(str(corpus / f"{stem}.pdb")).functions():
            found = cache.lookup(function.rva) if function.rva is not None else []
            if function.source == "proc" and len(function.names) == 1 and found:
                # symbolic takes an underscore off the names of handlers.
                assert canonical_name(function.name).lstrip("_") == canonical_name(found[-1].symbol).lstrip("_")
                compared += 1

    assert compared > 100
