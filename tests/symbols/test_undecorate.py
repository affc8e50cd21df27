"""Linker names to C++ names: a table, `llvm-undname` as the oracle, names made at random, and damaged ones."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import purepdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfdb.symbols.canonical import canonical_name
from perfdb.symbols.undecorate import MAX_DECORATED_CHARS, undecorate

# Names that clang made of small programs, and the forms that only Microsoft's compiler makes; what they are is written
# beside them as `UnDecorateSymbolName` spells it.
TABLE = [
    ("?f@@YAXXZ", "f"),
    ("?f@Class@ns@@QEAAXXZ", "ns::Class::f"),
    ("?f@Class@ns@@QEGBAXAEBV12@@Z", "ns::Class::f"),
    ("?f@Class@ns@@QEHAAXXZ", "ns::Class::f"),
    ("?f@@YAHHZZ", "f"),
    ("?f@@YAXX_E", "f"),
    ("?x@@3HA", "x"),
    ("?x@Class@@0PEBDEB", "Class::x"),
    ("?m@@3PEQClass@@HEQ1@", "m"),
    ("?mf@@3P8Class@@EAAHXZEQ1@", "mf"),
    ("?ref@@3$$QEAHEA", "ref"),
    (
        "?refq@@YAX$$QEAHAEAY02HPEAY02HP6AHHZZPEQM@ns@@HP812@EBAHH@ZPEBQEAHPEDHW4Color@2@_W_S_U_N_J_KMNO$$TCEFGJK@Z",
        "refq",
    ),
    # Templates: types, functions, arrays, numbers, pointers, packs.
    ("??$ty@PEBD@ns@@YAHXZ", "ns::ty<char const *>"),
    ("??$ty@PEBQEBD@ns@@YAHXZ", "ns::ty<char const * const *>"),
    ("??$ty@QEAD@ns@@YAHXZ", "ns::ty<char * const>"),
    ("??$ty@PECH@ns@@YAHXZ", "ns::ty<int volatile *>"),
    ("??$ty@PEAPEAX@ns@@YAHXZ", "ns::ty<void * *>"),
    ("??$ty@$$QEAH@ns@@YAHXZ", "ns::ty<int &&>"),
    ("??$ty@$$CBH@ns@@YAHXZ", "ns::ty<int const>"),
    ("??$ty@$$BY02H@ns@@YAHXZ", "ns::ty<int[3]>"),
    ("??$ty@$$BY112$$CBH@ns@@YAHXZ", "ns::ty<int const[2][3]>"),
    ("??$ty@$$BY0A@H@ns@@YAHXZ", "ns::ty<int[]>"),
    ("??$ty@AEAY02H@ns@@YAHXZ", "ns::ty<int (&)[3]>"),
    ("??$ty@$$A6AXH@Z@ns@@YAHXZ", "ns::ty<void __cdecl(int)>"),
    ("??$ty@$$A6AXX_E@ns@@YAHXZ", "ns::ty<void __cdecl(void) noexcept>"),
    ("??$ty@$$A6AXZZ@ns@@YAHXZ", "ns::ty<void __cdecl(...)>"),
    ("??$ty@$$A8@@EBAXXZ@ns@@YAHXZ", "ns::ty<void __cdecl(void) const>"),
    ("??$ty@P6AHH@Z@ns@@YAHXZ", "ns::ty<int (__cdecl*)(int)>"),
    ("??$ty@P6AP6AHD@ZH@Z@ns@@YAHXZ", "ns::ty<int (__cdecl* (__cdecl*)(int))(char)>"),
    ("??$ty@PEQM@ns@@H@ns@@YAHXZ", "ns::ty<int ns::M::*>"),
    ("??$ty@P8M@ns@@EBAHH@Z@ns@@YAHXZ", "ns::ty<int (__cdecl ns::M::*)(int) const>"),
    ("??$ty@W4Color@ns@@@ns@@YAHXZ", "ns::ty<enum ns::Color>"),
    ("??$ty@$$T@ns@@YAHXZ", "ns::ty<std::nullptr_t>"),
    (
        "??$ty@U?$pair@$$CBHU?$vector@PEBDU?$allocator@PEBD@std@@@std@@@std@@@ns@@YAHXZ",
        "ns::ty<struct std::pair<int const,struct std::vector<char const *,struct std::allocator<char const *> > > >",
    ),
    ("??$pk@$$V@ns@@YAHXZ", "ns::pk<>"),
    ("??$aup@$S@ns@@YAHXZ", "ns::aup<>"),
    ("??$pk@H$$ZN@ns@@YAHXZ", "ns::pk<int,double>"),
    ("??$ttt@Uvector@std@@@ns@@YAHXZ", "ns::ttt<struct std::vector>"),
    ("??$tta@$$YAlias@std@@@ns@@YAHXZ", "ns::tta<std::Alias>"),
    ("??$num@$00@ns@@YAHXZ", "ns::num<1>"),
    ("??$num@$0?0@ns@@YAHXZ", "ns::num<-1>"),
    ("??$num@$0ENC@@ns@@YAHXZ", "ns::num<1234>"),
    ("??$fp@$1?gf@@YAHH@Z@ns@@YAHXZ", "ns::fp<&gf>"),
    ("??$op@$1?str@@3QBDB@ns@@YAHXZ", "ns::op<&str>"),
    ("??$rf@$E?x@@3HA@ns@@YAHXZ", "ns::rf<x>"),
    ("??$mf@$H?m@M@ns@@QEAAHH@ZBA@@ns@@YAHXZ", "ns::mf<{ns::M::m,16}>"),
    ("??$mi@$I?m@M@ns@@QEAAHH@ZBA@A@@ns@@YAHXZ", "ns::mi<{ns::M::m,16,0}>"),
    ("??$md@$F3?0@ns@@YAHXZ", "ns::md<{4,-1}>"),
    ("??$au@$MP6AHH@Z1?gf@@YAHH@Z@ns@@YAHXZ", "ns::au<&gf>"),
    ("??$aup@$MH00$M_N00@ns@@YAHXZ", "ns::aup<1,1>"),
    # Operators, constructors, conversions.
    ("??$?6H@std@@YA_NAEBU?$vector@HU?$allocator@H@std@@@0@0@Z", "std::operator<<<int>"),
    ("??$?MH@std@@YA_NAEBU?$vector@HU?$allocator@H@std@@@0@0@Z", "std::operator<<int>"),
    ("??__MM@ns@@QEBAHAEBU01@@Z", "ns::M::operator<=>"),
    ("??__LM@ns@@QEAAXXZ", "ns::M::operator co_await"),
    ("??__K_km@ns@@YAH_K@Z", 'ns::operator""_km'),
    ("??2M@ns@@SAPEAX_K@Z", "ns::M::operator new"),
    ("??_V@YAXPEAX@Z", "operator delete[]"),
    ("??0M@ns@@QEAA@XZ", "ns::M::M"),
    ("??1?$Outer@H@@QEAA@XZ", "Outer<int>::~Outer<int>"),
    ("??$?0M@?$Outer@H@@QEAA@M@Z", "Outer<int>::Outer<int><float>"),
    ("??BM@ns@@QEAAPEBDXZ", "ns::M::operator char const *"),
    ("??BM@ns@@QEAA?AU?$vector@H@std@@XZ", "ns::M::operator struct std::vector<int>"),
    ("??BM@ns@@QEBAP6AHH@ZXZ", "ns::M::operator int (__cdecl*)(int)"),
    ("??$?BN@M@ns@@QEAANXZ", "ns::M::operator<double> double"),
    # Names that the compiler makes.
    ("??_7M@ns@@6B@", "ns::M::`vftable'"),
    ("??_7MI@ns@@6BB2@1@@", "ns::MI::`vftable'{for `ns::B2'}"),
    ("??_7D@@6BB@@C@@@", "D::`vftable'{for `B's `C'}"),
    ("??_8VI@ns@@7B@", "ns::VI::`vbtable'"),
    ("??_9M@ns@@$B7AA", "ns::M::`vcall'{8,{flat}}"),
    ("??_EM@ns@@UEAAPEAXI@Z", "ns::M::`vector deleting destructor'"),
    ("??_GM@ns@@UEAAPEAXI@Z", "ns::M::`scalar deleting destructor'"),
    ("??_DVI@ns@@QEAAXXZ", "ns::VI::`vbase destructor'"),
    ("??_R0?AUM@ns@@@8", "struct ns::M `RTTI Type Descriptor'"),
    ("??_R1A@?0A@EA@M@ns@@8", "ns::M::`RTTI Base Class Descriptor at (0,-1,0,64)'"),
    ("??_R2M@ns@@8", "ns::M::`RTTI Base Class Array'"),
    ("??_R3M@ns@@8", "ns::M::`RTTI Class Hierarchy Descriptor'"),
    ("??_R4M@ns@@6B@", "ns::M::`RTTI Complete Object Locator'"),
    ("??_C@_03ICHNJLJF@key?$AA@", "`string'"),
    ("??_C@_1BA@KFOBIOMM@?$AAT?$AAY?$AAP?$AAE?$AAL?$AAI?$AAB?$AA?$AA@", "`string'"),
    ("??_B?1??st@M@ns@@SAXXZ@51", "`ns::M::st'::`2'::`local static guard'{2}"),
    ("??__Esfinit@@YAXXZ", "`dynamic initializer for 'sfinit''"),
    ("??__E?inst@NT@@2U1@A@@YAXXZ", "`dynamic initializer for 'NT::inst''"),
    ("??__Fg@?1??st@M@ns@@SAXXZ@YAXXZ", "`dynamic atexit destructor for '`ns::M::st'::`2'::g''"),
    ("?w@MI@ns@@WBA@EAAHXZ", "ns::MI::w`adjustor{16}'"),
    ("?w@VI@ns@@$4PPPPPPPM@A@EAAHXZ", "ns::VI::w`vtordisp{4294967292,0}'"),
    # Scopes that are functions, or have no name.
    ("?af@?A0x5B3FF31B@ns@@YAHH@Z", "ns::`anonymous namespace'::af"),
    ("?s@?1??cfun@ns@@9@4HA", "`ns::cfun'::`2'::s"),
    ("?f@Loc@?L@??g@@YAXXZ@QEAAXXZ", "`g'::`11'::Loc::f"),
    ("??R<lambda_0>@?0??st@M@ns@@SAXXZ@QEBA?A?<auto>@@H@Z", "`ns::M::st'::`1'::<lambda_0>::operator()"),
    (
        "?f@In@?1???R<lambda_0>@?0??st@M@ns@@SAXXZ@QEBA?A?<auto>@@H@Z@QEAAXXZ",
        "``ns::M::st'::`1'::<lambda_0>::operator()'::`2'::In::f",
    ),
    (
        "??R<lambda_0a1b2c3d4e5f60718293a4b5c6d7e8f9>@@QEBAXXZ",
        "<lambda_0a1b2c3d4e5f60718293a4b5c6d7e8f9>::operator()",
    ),
    ("?anonf@<unnamed-type-anonobj>@ns@@QEAAXXZ", "ns::<unnamed-type-anonobj>::anonf"),
    ("?filt$0@?0?dispatch@@4HA", "`dispatch'::`1'::filt$0"),
    ("?catch$3@?0??f@ns@@YAXXZ@4HA", "`ns::f'::`1'::catch$3"),
    # Functions of ARM64EC, extern "C" ones, and of C++/CLI.
    ("?f@ns@@$$hYAXXZ", "ns::f"),
    ("?f@ns@@$$J0YAXXZ", "ns::f"),
    ("?f@ns@@$$FYMXXZ", "ns::f"),
    ("__imp_?f@ns@@YAXXZ", "__imp_ns::f"),
]

# What LLVM 14 cannot read, or writes in a way of its own.
BEYOND_LLVM = ("$M", "$$h", "$$F", "??_C@", "$0@?0", "$3@?0", "__imp_", "??_R0", "B@@C@", "??__E?", "?BM@ns@@QEBAP6")

C_NAMES = [
    ("_main", "x86", "main"),
    ("___scrt_fastfail", "x86", "__scrt_fastfail"),
    ("_WinMain@16", "x86", "WinMain"),
    ("@__security_check_cookie@4", "x86", "__security_check_cookie"),
    ("sum@@16", "x86", "sum"),
    ("sum@@16", "x64", "sum"),
    ("__imp__CloseHandle@4", "x86", "__imp_CloseHandle"),
    ("__imp_CloseHandle", "x64", "__imp_CloseHandle"),
    ("_onexit", "x64", "_onexit"),
    ("_onexit", "", "_onexit"),
    ("_name@12", "x64", "_name@12"),
    ("_", "x86", "_"),
    ("main", "arm64", "main"),
]

LEFT_ALONE = [
    "",
    "?",
    "??",
    "???",
    "main",
    "_ZN2ns1fEv",
    "__ZN2ns1fEv",
    "??@a6a285da2eea70dba6b578022be61d81@",
    "??@a6a285da2eea70dba6b578022be61d81@??_R4@",
    ".?AVClass@@",
    "?f@@YAXXZ_and_more",
    "?f@@YAX",
    "?f@@",
    "?f",
    "?f@1@YAXXZ",
    "?f@@YAX0@Z",
    "??0@@QEAA@XZ",
    "??B@@3HA",
    "??$f@$2UPoint@@H00@@@YAXXZ",
    "?f@@YAXXZ\n",
    "?f\0@@YAXXZ",
]


@pytest.mark.parametrize(("decorated", "expected"), TABLE)
def test_a_decorated_name_gives_the_qualified_name(decorated: str, expected: str) -> None:
    assert expected == undecorate(decorated)


@pytest.mark.parametrize(("name", "machine", "expected"), C_NAMES)
def test_c_names_lose_what_their_machine_adds(name: str, machine: str, expected: str) -> None:
    assert expected == undecorate(name, machine)


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_a_name_that_cannot_be_read_stays_as_it_is(name: str) -> None:
    assert name == undecorate(name)


# ----------------------------------------------------------------------------------------------------- the oracle


@pytest.fixture(scope="session")
def llvm_undname() -> str:
    found = shutil.which("llvm-undname")
    if found is None:
        pytest.skip("needs llvm-undname on the PATH")
    return found


# LLVM's options leave these to tables and calls of virtual functions, which have no parameters.
_LLVM_ONLY = re.compile(r"^const (?=.*(?:table|Locator)')|(?<=thunk\]: )__cdecl (?=.*`vcall')")
_NAMESPACE_KEY = re.compile(r"\b0x1f2e3d4c\b")


def _as_microsoft(full: str) -> str:
    """What LLVM says, in Microsoft's words: to a reference back to an anonymous namespace it gives the key."""
    return _NAMESPACE_KEY.sub("`anonymous namespace'", _LLVM_ONLY.sub("", full))


def llvm_names(program: str, decorated: Iterable[str]) -> dict[str, str | None]:
    """What LLVM makes of each name, with parameters and results; None where it finds it invalid."""
    names = sorted(set(decorated))
    arguments = [program, "--no-variable-type", "--no-access-specifier", "--no-member-type"]
    given = "".join(f"{name}\n" for name in names)
    ran = subprocess.run(arguments, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    # For each name: the name, a line where it is valid, an empty line.
    blocks = ran.stdout.split("\n\n")
    found: dict[str, str | None] = {}
    for name, block in zip(names, blocks, strict=False):
        first, _, rest = block.partition("\n")
        assert name == first
        found[name] = rest or None
    assert len(names) == len(found)
    return found


def disagreements(program: str, decorated: Iterable[str]) -> list[tuple[str, str, str]]:
    """The names of which LLVM says something else, in one spelling: what they are to us, and to LLVM."""
    found = []
    for name, full in llvm_names(program, decorated).items():
        ours = undecorate(name)
        if full is None:
            if ours != name:
                found.append((name, ours, "(invalid)"))
        elif (theirs := canonical_name(_as_microsoft(full))) != canonical_name(ours):
            found.append((name, canonical_name(ours), theirs))
    return found


def test_llvm_reads_the_same_in_the_table(llvm_undname: str) -> None:
    names = [name for name, _ in TABLE if not any(mark in name for mark in BEYOND_LLVM)]

    assert [] == disagreements(llvm_undname, names)


def test_llvm_reads_the_same_in_every_public_symbol_of_the_corpus(corpus: Path, llvm_undname: str) -> None:
    names = {
        symbol.name
        for path in sorted(corpus.glob("*.pdb"))
        for symbol in purepdb.PDB.open(str(path)).public_symbols()
        if symbol.name.startswith("?")
    }
    strings = {name for name in names if name.startswith("??_C@")}

    assert len(names) > 150
    assert [] == disagreements(llvm_undname, names - strings)
    assert {"`string'"} == {undecorate(name) for name in strings}


# ------------------------------------------------------------------------------------------------- names made at random

_IDENTIFIERS = st.sampled_from(["a", "Box", "list", "value_type", "_Impl", "x1"])
_BUILT_IN = st.sampled_from([*"XCDEFGHIJKMNO", "_N", "_J", "_K", "_W", "_S", "_U"])
_OBJECTS = st.sampled_from(["H", "D", "N", "_N", "_K", "PEAX", "PEBD"])


def _joined(parts: list[str]) -> str:
    return "".join(parts)


def _template(arguments: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("?${}@{}@".format, _IDENTIFIERS, st.lists(arguments, min_size=1, max_size=3).map(_joined))


def _is_pointee(kind: str) -> bool:
    return kind[0] not in "AX"


def _larger(types: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Types made of types: classes of templates, pointers, references, arrays, functions, members."""
    scopes = st.lists(st.one_of(_IDENTIFIERS.map("{}@".format), _template(types)), max_size=2).map(_joined)
    classes = st.builds("{}{}{}@".format, st.sampled_from("UV"), _template(types), scopes)
    parameters = st.lists(types.filter(lambda kind: kind != "X"), min_size=1, max_size=3).map(_joined)
    return st.one_of(
        classes,
        st.builds("{}E{}{}".format, st.sampled_from("PQA"), st.sampled_from("AB"), types.filter(_is_pointee)),
        st.builds("P6A{}{}@Z".format, types, parameters),
        st.builds("P8{}@@EBA{}{}@Z".format, _IDENTIFIERS, types, parameters),
        st.builds("PEQ{}@@{}".format, _IDENTIFIERS, _OBJECTS),
        st.builds("AEAY0{}{}".format, st.integers(0, 9), _OBJECTS),
    )


_TYPES = st.recursive(
    st.one_of(
        _BUILT_IN,
        st.builds(
            "{}{}@{}@".format, st.sampled_from(["U", "V", "T", "W4"]), _IDENTIFIERS, st.sampled_from(["", "ns@"])
        ),
    ),
    _larger,
    max_leaves=8,
)
_NUMBERS = st.sampled_from(["$00", "$0?0", "$0A@", "$0ENC@", "$1?gf@@YAHH@Z"])
_SCOPES = st.lists(
    st.one_of(
        _IDENTIFIERS.map("{}@".format),
        _template(_TYPES),
        st.sampled_from("01"),
        st.sampled_from(["?A0x1f2e3d4c@", "?1??outer@ns@@YAXH@Z", "?L@??g@@YAXXZ", "<lambda_1>@"]),
    ),
    max_size=3,
).map(_joined)
_LEAVES = st.one_of(
    _IDENTIFIERS.map("{}@".format),
    st.builds("?{}Class@".format, st.sampled_from(["0", "1", "4", "6", "M", "R", "_0", "_G", "__M"])),
    st.builds("?${}@{}@".format, _IDENTIFIERS, st.lists(st.one_of(_TYPES, _NUMBERS), max_size=3).map(_joined)),
    st.builds(
        "?$?{}{}@".format, st.sampled_from(["M", "6", "R"]), st.lists(_TYPES, min_size=1, max_size=2).map(_joined)
    ),
)
_PARAMETERS = st.one_of(
    st.just("X"),
    st.lists(st.one_of(_TYPES.filter(lambda kind: kind != "X"), st.sampled_from("01")), min_size=1, max_size=4).map(
        lambda kinds: "".join(kinds) + "@"
    ),
)
_ENCODINGS = st.one_of(
    st.builds(
        "{}{}{}Z".format, st.sampled_from(["YA", "SA", "QEAA", "UEBA", "MEAA", "WBA@EAA"]), _OBJECTS, _PARAMETERS
    ),
    st.builds("3{}A".format, _OBJECTS.filter(lambda kind: not kind.startswith("P"))),
)
_DECORATED = st.builds("?{}{}@{}".format, _LEAVES, _SCOPES, _ENCODINGS)


# Hypothesis keeps every choice it made, some 100 KB a name.
@settings(
    max_examples=min(settings().max_examples, 400),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(names=st.lists(_DECORATED, min_size=10, max_size=20))
def test_llvm_reads_the_same_in_names_made_at_random(llvm_undname: str, names: list[str]) -> None:
    assert [] == disagreements(llvm_undname, names)


def _is_whole_or_as_it_was(found: str, name: str) -> bool:
    return found == name or not ("\1" in found or "\2" in found or found.startswith("?"))


@given(name=_DECORATED, machine=st.sampled_from(["", "x86", "x64", "arm64"]), data=st.data())
def test_a_damaged_name_is_read_to_its_end_or_stays_as_it_is(name: str, machine: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from([*"@?$0159AHPQXYZ_", ""]))

    for damaged in (name[:at], name[:at] + letter + name[at + 1 :], name[:at] + letter + name[at:]):
        assert _is_whole_or_as_it_was(undecorate(damaged, machine), damaged)


@given(name=st.text(alphabet="?@$_0123456789ABHPQUVWXYZE<>abl", max_size=60))
def test_any_text_is_survived(name: str) -> None:
    assert _is_whole_or_as_it_was(undecorate("?" + name), "?" + name)


def test_every_beginning_of_a_real_name_is_survived() -> None:
    beginnings = [decorated[:end] for decorated, _ in TABLE for end in range(len(decorated))]

    assert [] == [name for name in beginnings if not _is_whole_or_as_it_was(undecorate(name), name)]


# --------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize("times", [2, 9])
def test_back_references_that_blow_up_a_type_are_given_up(times: int) -> None:
    """Each parameter is a function of eight of the one before it: at the end, 8 ** 9 times the first."""
    parameters = "P6AXH@Z" + "".join(f"P6AX{str(n) * 8}@Z" for n in range(times))
    name = f"??$f@P6AX{parameters}@Z@@YAXXZ"

    assert (name == undecorate(name)) == (times == 9)


@pytest.mark.parametrize("depth", [1_000, 5_000])
def test_depth_is_bounded_without_an_exception(depth: int) -> None:
    for name in _deep_names(depth):
        assert name == undecorate(name)


def test_depth_as_programs_have_it_is_read() -> None:
    pointers, templates, scopes = _deep_names(20)

    assert "f<int" + " *" * 20 + ">" == undecorate(pointers)
    assert "f<" + "struct a<" * 20 + "int>" + " >" * 20 == undecorate(templates)
    assert "`" * 20 + "f" + "'::`2'::f" * 19 + "'::`2'::x" == undecorate(scopes)


def _deep_names(depth: int) -> tuple[str, str, str]:
    pointers = "??$f@" + "PEA" * depth + "H@@YAXXZ"
    templates = "??$f@" + "U?$a@" * depth + "H" + "@@" * depth + "@@YAXXZ"
    scopes = "?x@" + "?1??f@" * depth + "@YAXXZ" * depth + "@4HA"
    return pointers, templates, scopes


def test_very_long_names_are_not_tried() -> None:
    identifier = "a" * MAX_DECORATED_CHARS

    assert f"?{identifier}@@YAXXZ" == undecorate(f"?{identifier}@@YAXXZ")


def test_a_name_of_many_parts_is_read() -> None:
    numbers = random.Random(1)
    parts = [f"name{numbers.randrange(10**6)}" for _ in range(200)]

    assert "::".join(reversed(parts)) == undecorate("?" + "".join(f"{part}@" for part in parts) + "@YAXXZ")
