from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import perfdb.symbols.locate as locate
from perfdb.symbols.dwarf import DwarfFile, can_read_dwarf, demangled
from perfdb.symbols.elf import ElfFacts, is_build_id, read_elf
from perfdb.symbols.identity import SymbolFileError
from perfdb.symbols.locate import Locator
from perfdb.symbols.model import FUNCTION, INLINED, PUBLIC, Chains, Located, Wanted
from perfdb.symbols.path import parse_symbol_path

TOOLS = ("g++", "objcopy", "strip", "addr2line", "nm", "readelf")

SOURCE = """
#include <cstdio>
namespace shop {
namespace { volatile int sink; }
template <class T> struct Box {
    T value;
    __attribute__((always_inline)) inline T times(T factor) const {
        sink = (int)factor;
        return value * factor + sink;
    }
};
__attribute__((noinline)) int price(int count) {
    Box<int> box{count};
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += box.times(i);
    return sum;
}
namespace { __attribute__((noinline)) int hidden(int count) { return price(count) + 1; } }
}
int main(int argc, char **) {
    auto twice = [](int n) __attribute__((noinline)) { return shop::hidden(n) * 2; };
    std::printf("%d", twice(argc) + shop::price(argc));
}
"""


@dataclass(frozen=True)
class Built:
    """One program: with everything in it, stripped, and its debug info apart; and at which address it is linked."""

    full: Path
    stripped: Path
    debug: Path
    base: int


def run(*words: str | Path) -> str:
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout


KINDS: dict[str, tuple[int, list[str]]] = {
    "moved in memory": (0, ["-pie", "-fPIE"]),
    "at a fixed address": (0x400000, ["-no-pie", "-fno-pie"]),
    "at an address of our choice": (0x10000000, ["-no-pie", "-fno-pie", "-Wl,-Ttext-segment=0x10000000"]),
}


def build(kind: str, folder: Path) -> Built:
    """A small program; skips where it cannot be built."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or not sys.platform.startswith("linux"):
        pytest.skip(f"builds a program of Linux; missing: {', '.join(missing) or 'Linux'}")
    base, flags = KINDS[kind]
    (folder / "shop.cpp").write_text(SOURCE)
    program = Built(folder / "shop", folder / "stripped" / "shop", folder / "debug" / "shop.debug", base)
    for path in (program.stripped, program.debug):
        path.parent.mkdir()
    run("g++", "-g", "-O2", "-std=c++17", "-Wl,--build-id=sha1", *flags, folder / "shop.cpp", "-o", program.full)
    run("strip", "-o", program.stripped, program.full)
    run("objcopy", "--only-keep-debug", program.full, program.debug)
    return program


@pytest.fixture(scope="session", params=KINDS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The program, once for each way of linking it."""
    return build(request.param, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The program, linked the usual way."""
    return build("moved in memory", tmp_path_factory.mktemp("program"))


@pytest.fixture
def needs_symbolic() -> None:
    pytest.importorskip("symbolic", reason="symbolic has no wheel for this system")


def build_id(path: Path) -> str:
    found = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", path))
    assert found is not None
    return found[1]


def own_addresses(built: Built) -> list[int]:
    """Addresses all over the functions of the program's own source, as linked."""
    lines = [line.split() for line in run("nm", "-S", built.full).splitlines()]
    own = [words for words in lines if len(words) == 4 and ("shop" in words[3] or "main" in words[3])]
    spans = [(int(begin, 16), int(size, 16)) for begin, size, kind, _ in own if kind in "tT"]
    return sorted(address for begin, size in spans for address in range(begin, begin + size, 3))


def chain(chains: Chains, row: int) -> list[tuple[str, str, int]]:
    """Function, file and line at one RVA, innermost first."""
    rows = range(chains.start[row], chains.start[row + 1])
    files = [*chains.files, ""]
    return [(chains.names[chains.name[at]], files[chains.file[at]], int(chains.line[at])) for at in rows]


def told_by_addr2line(path: Path, address: int) -> list[tuple[str, str, int]]:
    lines = run("addr2line", "-i", "-f", "-C", "-e", path, hex(address)).splitlines()
    places = [text.split(" ")[0].rpartition(":") for text in lines[1::2]]
    numbers = [int(line) if line.isdigit() else 0 for _, _, line in places]
    return list(zip(lines[::2], (file for file, _, _ in places), numbers, strict=True))


def wanted(program: Built, debug_id: str | None = None) -> Wanted:
    return Wanted("shop", "/somewhere/bin/shop", debug_id or build_id(program.full), "")


def find(folder: Path, asked: Wanted) -> Located:
    return Locator(parse_symbol_path(str(folder), folder, folder / "cache", {})).find(asked)


@pytest.mark.usefixtures("needs_symbolic")
def test_chains_agree_with_addr2line(built: Built) -> None:
    addresses = own_addresses(built)
    for path in (built.full, built.debug):
        chains = DwarfFile(path).look_up(np.array(addresses, np.uint64) - np.uint64(built.base))

        expected = [told_by_addr2line(path, address) for address in addresses]
        assert expected == [chain(chains, row) for row in range(len(addresses))]
        assert max(map(len, expected)) >= 2


@pytest.mark.usefixtures("needs_symbolic")
def test_what_is_inlined_is_marked_and_comes_first(built: Built) -> None:
    chains = DwarfFile(built.full).look_up(np.array(own_addresses(built), np.uint64) - np.uint64(built.base))
    for begin, end in zip(chains.start[:-1].tolist(), chains.start[1:].tolist(), strict=True):
        assert [INLINED] * (end - begin - 1) + [FUNCTION] == chains.kind[begin:end].tolist()

    inner = {chains.names[row] for row in chains.name[chains.kind == INLINED].tolist()}
    assert "shop::Box<int>::times(int) const" in inner


@pytest.mark.usefixtures("needs_symbolic")
def test_an_address_outside_has_no_row(built: Built) -> None:
    chains = DwarfFile(built.full).look_up(np.array([0, 2**40, 2**63], np.uint64))

    assert [0, 0, 0, 0] == chains.start.tolist()


@pytest.mark.usefixtures("needs_symbolic")
def test_no_address_gives_no_rows(built: Built) -> None:
    chains = DwarfFile(built.full).look_up(np.zeros(0, np.uint64))

    assert ([0], (), ()) == (chains.start.tolist(), chains.names, chains.files)
    assert ["int64", "int32", "uint8"] == [str(column.dtype) for column in (chains.start, chains.name, chains.kind)]


@pytest.mark.usefixtures("needs_symbolic")
def test_a_symbol_table_alone_gives_public_names(built: Built, tmp_path: Path) -> None:
    run("strip", "--strip-debug", "-o", tmp_path / "shop", built.full)
    (line,) = [line for line in run("nm", "-C", built.full).splitlines() if line.endswith(" shop::price(int)")]
    address = int(line.split()[0], 16)

    chains = DwarfFile(tmp_path / "shop").look_up(np.array([address - built.base + 4], np.uint64))

    assert [("shop::price(int)", "", 0)] == chain(chains, 0)
    assert [PUBLIC] == chains.kind.tolist()


def test_the_build_id_is_what_readelf_says(built: Built) -> None:
    for path in (built.full, built.stripped, built.debug):
        facts = read_elf(path)
        assert (build_id(path), built.base) == (facts.build_id, facts.base)
    assert is_build_id(build_id(built.full))


def test_it_is_known_what_names_can_be_made_from(built: Built) -> None:
    all_facts = [read_elf(path) for path in (built.full, built.debug, built.stripped)]
    known = [(facts.has_debug_info, facts.has_symbols) for facts in all_facts]

    assert [(True, True), (True, True), (False, False)] == known


@pytest.mark.parametrize("place", ["shop", "shop.debug", "sub/shop", "sub/dir/shop.debug"])
@pytest.mark.usefixtures("needs_symbolic")
def test_a_file_is_found_by_name_and_build_id(program: Built, tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program.debug, tmp_path / place)

    assert Located(tmp_path / place, "full") == find(tmp_path, wanted(program))


@pytest.mark.usefixtures("needs_symbolic")
def test_a_file_is_found_in_a_build_id_folder(program: Built, tmp_path: Path) -> None:
    place = tmp_path / ".build-id" / build_id(program.full)[:2] / f"{build_id(program.full)[2:]}.debug"
    place.parent.mkdir(parents=True)
    shutil.copy(program.debug, place)

    assert Located(place, "full") == find(tmp_path, wanted(program))


@pytest.mark.usefixtures("needs_symbolic")
def test_a_file_with_debug_info_is_taken_before_a_stripped_one(program: Built, tmp_path: Path) -> None:
    shutil.copy(program.stripped, tmp_path / "shop")
    assert tmp_path / "shop" == find(tmp_path, wanted(program)).path

    (tmp_path / "deep").mkdir()
    shutil.copy(program.debug, tmp_path / "deep" / "shop.debug")
    assert tmp_path / "deep" / "shop.debug" == find(tmp_path, wanted(program)).path


@pytest.mark.usefixtures("needs_symbolic")
def test_the_program_itself_is_tried_last(program: Built, tmp_path: Path) -> None:
    assert program.full == find(tmp_path, Wanted("shop", str(program.full), build_id(program.full), "")).path


def test_another_build_is_told_with_both_ids(program: Built, tmp_path: Path) -> None:
    shutil.copy(program.full, tmp_path / "shop")
    located = find(tmp_path, wanted(program, "ab" * 20))

    assert "mismatch" == located.state
    assert [
        f"shop: {tmp_path / 'shop'} is of another build: build id {build_id(program.full)}; "
        f"the trace names build id {'ab' * 20}"
    ] == [caveat.text for caveat in located.caveats]


def test_without_the_library_it_is_said_how_to_get_it(
    program: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(program.full, tmp_path / "shop")
    monkeypatch.setattr(locate, "can_read_dwarf", lambda: False)
    located = find(tmp_path, wanted(program))

    assert (None, "unreadable") == (located.path, located.state)
    assert ["names out of DWARF need perfdb[dwarf]: pip install 'perfdb[dwarf]'"] == [
        caveat.text for caveat in located.caveats
    ]


def test_opening_a_file_without_the_library_says_how_to_get_it(program: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "symbolic", None)

    assert can_read_dwarf() is False
    with pytest.raises(SymbolFileError, match="pip install"):
        DwarfFile(program.full)


@pytest.mark.usefixtures("needs_symbolic")
@pytest.mark.parametrize("before", [None, "0"])
def test_the_environment_is_as_it_was_after_the_import(program: Built, before: str | None) -> None:
    code = (
        "import json, os, sys; from pathlib import Path; from perfdb.symbols.dwarf import DwarfFile; "
        "was = dict(os.environ); early = 'symbolic' in sys.modules; DwarfFile(Path(sys.argv[1])); "
        "print(json.dumps([early, 'symbolic' in sys.modules, was == dict(os.environ)]))"
    )
    environ = {name: value for name, value in os.environ.items() if name != "RUST_BACKTRACE"}
    environ |= {} if before is None else {"RUST_BACKTRACE": before}
    words = [sys.executable, "-c", code, str(program.full)]

    assert [False, True, True] == json.loads(subprocess.run(words, env=environ, check=True, capture_output=True).stdout)


def sections(path: Path) -> dict[str, tuple[int, int]]:
    """Offset and size of the sections of a file, by name."""
    found = re.findall(r"\] (\.\S+) +\S+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)", run("readelf", "-SW", path))
    return {name: (int(offset, 16), int(size, 16)) for name, offset, size in found}


@pytest.mark.usefixtures("needs_symbolic")
@pytest.mark.parametrize("name", [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".symtab", ".strtab"])
@pytest.mark.parametrize("filler", [b"\xff", b"\x7f", b"\0"])
def test_damaged_debug_info_gives_a_short_reason_or_less(
    program: Built, tmp_path: Path, name: str, filler: bytes
) -> None:
    content = bytearray(program.full.read_bytes())
    offset, size = sections(program.full)[name]
    content[offset : offset + size] = filler * size
    (tmp_path / "shop").write_bytes(content)
    addresses = np.array(own_addresses(program), np.uint64)
    try:
        chains = DwarfFile(tmp_path / "shop").look_up(addresses)
    except SymbolFileError as error:
        reason = str(error)
    else:
        reason = "its debug information is damaged: not noticed"
        assert len(addresses) + 1 == len(chains.start)

    assert re.fullmatch("its debug information is damaged: [^\n]{1,100}", reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"MZ" + bytes(100), "it is no ELF file"),
        (b"\x7fELF", "damaged"),
        (b"\x7fELF\x03\x01" + bytes(58), "damaged"),
        (b"\x7fELF\x02\x01" + b"\xff" * 58, "damaged"),
    ],
)
def test_what_is_no_elf_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(SymbolFileError, match=reason):
        read_elf(tmp_path / "a")


def test_an_elf_file_may_have_no_id(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x7fELF\x02\x01" + bytes(58))

    assert ElfFacts("", 0, has_debug_info=False, has_symbols=False) == read_elf(tmp_path / "a")


@given(st.integers(0, 4000), st.integers(1, 255), st.booleans())
def test_damage_gives_facts_or_a_reason(
    program: Built, tmp_path_factory: pytest.TempPathFactory, place: int, change: int, is_cut: bool
) -> None:
    content = bytearray(program.stripped.read_bytes())
    content[place if place < 1000 else -place // 2] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[: place * 4] if is_cut else content)
    try:
        facts = read_elf(path)
    except SymbolFileError:
        return

    assert 0 <= facts.base < 2**64


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes the C++ runtime library of Linux")
def test_names_are_demangled_and_others_are_left() -> None:
    assert "shop::price(int)" == demangled("_ZN4shop5priceEi")
    assert "shop::price(int)" == demangled("__ZN4shop5priceEi")
    for name in ("main", "_start", "_Znonsense", "_Z", "i", ""):
        assert name == demangled(name)


def test_ids_of_pdbs_are_no_build_ids() -> None:
    assert not is_build_id("12DC0A4FBD7D4F2AA9BE263BACAEB4675")
    assert not is_build_id("")
    assert not is_build_id("abc")
    assert is_build_id("0beb55435621c1a53c37be89159d511fc051daa0")
