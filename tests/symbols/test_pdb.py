"""One PDB: names, inlined functions, lines, folded code, public symbols; held against `symbolic` on real ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from purepdb import PDB, MsfFile, codeview

from perfdb.demo.msf_writer import write_msf
from perfdb.demo.pdb_spec import (
    X86,
    FunctionSpec,
    LineSpec,
    ObjectSpec,
    PdbSpec,
    PublicSpec,
)
from perfdb.demo.pdb_writer import FIRST_OBJECT_STREAM, write_pdb
from perfdb.symbols import pdb_dbi
from perfdb.symbols.identity import SymbolFileError
from perfdb.symbols.model import FUNCTION, INLINED, PUBLIC, Chains
from perfdb.symbols.pdb import PdbFile
from perfdb.symbols.pdb_code import Extents, Names, code_part
from perfdb.symbols.pdb_dbi import Sections
from perfdb.symbols.pdb_imports import DEBUG_S_CROSSSCOPEEXPORTS, DEBUG_S_CROSSSCOPEIMPORTS, read_imports
from perfdb.symbols.pdb_lines import Piece, read_annotations, read_lines
from perfdb.symbols.pdb_streams import MINIMAL_INFO, Streams
from perfdb.symbols.pdb_symbols import read_symbols
from perfdb.symbols.pdb_types import ID_STREAM, LF_FUNC_ID, LF_MFUNC_ID, FunctionNames, Records
from perfdb.symbols.table import Moved, TableBuilder
from tests.bench.large_pdb import make_large_pdb
from tests.symbols.chains import Row, all_distinct, folded, names, rows, rvas, without_arguments
from tests.symbols.damage import PDB_STREAM, with_stream
from tests.symbols.small_pdb import APP, HELP, IMPORTING, PUSH, RUN, imported, record_stream

CORPUS_PDBS = ("CppCon.pdb", "softokn3.pdb", "WriteArgument.pdb")


def written(tmp_path: Path, spec: PdbSpec) -> Path:
    path = tmp_path / "app.pdb"
    path.write_bytes(write_pdb(spec))
    return path


def looked_up(tmp_path: Path, spec: PdbSpec, *rva: int) -> Chains:
    with PdbFile(written(tmp_path, spec)) as file:
        return file.look_up(rvas(*rva))


# Against `symbolic`


@pytest.fixture
def symbolic(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RUST_BACKTRACE", "0")
    return pytest.importorskip("symbolic.debuginfo")


def oracle(symbolic: Any, path: Path) -> Any:
    (found,) = symbolic.Archive.open(str(path)).iter_objects()
    return found.make_symcache()


def expected(cache: Any, rva: int) -> list[tuple[str, str, int]]:
    return [(without_arguments(one.symbol), one.full_path or "", one.line) for one in cache.lookup(rva)]


def functions(path: Path) -> dict[int, tuple[int, set[str]]]:
    """The size of the function at each address, and all names that it has there."""
    found: dict[int, tuple[int, set[str]]] = {}
    for one in PDB.open(str(path)).functions():
        if one.source == "proc" and one.rva is not None and one.code_size:
            found[one.rva] = one.code_size, set(one.names)
    return found


@pytest.mark.parametrize("name", CORPUS_PDBS)
def test_every_function_of_a_real_pdb_is_what_symbolic_says_of_it(corpus: Path, symbolic: Any, name: str) -> None:
    path = corpus / name
    cache = oracle(symbolic, path)
    all_functions = functions(path)
    wanted = all_distinct(
        rva for start, (size, _) in all_functions.items() for rva in (start, start + size // 2, start + size - 1)
    )

    with PdbFile(path) as file:
        found = rows(file.look_up(wanted))

    starts = np.array(sorted(all_functions))
    differing = set()
    for rva, chain in zip(wanted.tolist(), found, strict=True):
        start = int(starts[np.searchsorted(starts, rva, side="right") - 1])
        assert [INLINED] * (len(chain) - 1) + [FUNCTION] == [row.kind for row in chain], hex(rva)
        assert chain[-1].name in all_functions[start][1], hex(rva)
        if [(row.name, row.file, row.line) for row in chain] != expected(cache, rva):
            differing.add(start)
    # symbolic takes the leading underscore of a C name away where it finds no list of parameters behind it.
    theirs = {start for start in differing if all_functions[start][1] == {FILTER}}
    assert {start for start in differing - theirs if len(all_functions[start][1]) == 1} == set()
    assert len(theirs) <= 1
    assert len(differing) <= 9


FILTER = "__scrt_is_nonwritable_in_current_image$filt$0"


@pytest.mark.parametrize("name", CORPUS_PDBS)
def test_addresses_anywhere_are_what_symbolic_says_of_them(corpus: Path, symbolic: Any, name: str) -> None:
    path = corpus / name
    cache = oracle(symbolic, path)
    all_functions = functions(path)
    starts = np.array(sorted(all_functions))
    with PDB.open(str(path)) as pdb:
        end = max(section.virtual_address + section.virtual_size for section in pdb.sections) + 0x1000
        code = [section for section in pdb.sections if section.executable]
    wanted = all_distinct(random.Random(7).sample(range(end), min(end, 5_000)))

    with PdbFile(path) as file:
        found = rows(file.look_up(wanted))

    for rva, chain in zip(wanted.tolist(), found, strict=True):
        theirs = expected(cache, rva)
        if not any(0 <= rva - section.virtual_address < section.virtual_size for section in code):
            assert chain == [], hex(rva)
        elif not chain:
            # Behind the thunk of an import symbolic goes on with its name, up to the next symbol.
            assert not theirs or theirs[0][1:] == ("", 0), hex(rva)
        elif chain[-1].kind == PUBLIC:
            assert chain[-1].name.lstrip("_") == theirs[0][0].lstrip("_"), hex(rva)
        else:
            at = int(np.searchsorted(starts, rva, side="right")) - 1
            names_there = all_functions[int(starts[at])][1] if at >= 0 else set()
            is_folded = len(names_there) > 1 or names_there == {FILTER}
            assert is_folded or [(row.name, row.file, row.line) for row in chain] == theirs, hex(rva)


@pytest.mark.parametrize(
    ("name", "debug_id", "machine"),
    [
        ("CppCon.pdb", "12DC0A4FBD7D4F2AA9BE263BACAEB4675", "x86"),
        ("softokn3.pdb", "CCF79D6C6BA5FBBF4C4C44205044422E1", "x64"),
    ],
)
def test_a_pdb_tells_its_id_and_its_machine(corpus: Path, name: str, debug_id: str, machine: str) -> None:
    with PdbFile(corpus / name) as file:
        assert (debug_id, machine, False) == (file.debug_id, file.machine, file.is_public)


# Functions, inlined functions, lines


def test_inlined_functions_come_innermost_first_with_the_lines_of_the_calls(tmp_path: Path) -> None:
    chains = looked_up(tmp_path, APP, 0x1000, 0x1012, 0x101A, 0x1020, 0x1035, 0x103F)

    run = ("app::run", FUNCTION, "app.cpp")
    push = ("std::vector<int>::push_back", INLINED, "vector.h")
    assert [
        [Row(*run, 10)],
        [Row(*push, 101), Row(*run, 12)],
        [Row("std::clamp<int>", INLINED, "alg.h", 51), Row(*push, 105), Row(*run, 12)],
        [Row(*run, 13)],
        [Row(*push, 99), Row(*run, 12)],
        [Row(*run, 14)],
    ] == rows(chains)


@pytest.mark.parametrize("annotations", ["msvc", "llvm"])
@pytest.mark.parametrize("machine", [X86, 0x8664])
def test_both_compilers_ways_to_tell_of_inlined_code_are_read_alike(
    tmp_path: Path, annotations: str, machine: int
) -> None:
    rva = range(0x1000, 0x1060)

    chains = looked_up(tmp_path, replace(APP, annotations=annotations, machine=machine), *rva)

    assert rows(looked_up(tmp_path, APP, *rva)) == rows(chains)


def test_a_pdb_without_lines_still_has_functions_and_what_was_inlined(tmp_path: Path) -> None:
    chains = looked_up(tmp_path, replace(APP, has_lines=False), 0x101A)

    assert [["std::clamp<int>", "std::vector<int>::push_back", "app::run"]] == names(chains)
    assert {("", 0)} == {(row.file, row.line) for row in rows(chains)[0]}


def test_padding_between_functions_has_no_name(tmp_path: Path) -> None:
    assert [["app::run"], [], ["help"], []] == names(looked_up(tmp_path, APP, 0x103F, 0x1040, 0x1050, 0x1060))


def test_what_lies_in_data_or_in_no_section_has_no_name(tmp_path: Path) -> None:
    spec = replace(APP, publics=(PublicSpec("g_table", 0x7000, is_function=False), PublicSpec("last", 0x1100)))

    assert [[]] * 6 == names(looked_up(tmp_path, spec, 0, 0xFFF, 0x7004, 0x9000, 0xFFFF_FFFF, 1 << 40))


def test_no_rvas_give_no_chains(tmp_path: Path) -> None:
    assert [] == names(looked_up(tmp_path, APP))


# Public symbols, and several names at one address


def test_where_there_is_no_function_the_nearest_public_symbol_before_is_the_name(tmp_path: Path) -> None:
    spec = replace(APP, is_stripped=True, publics=(PublicSpec("memcpy", 0x1100),))

    chains = looked_up(tmp_path, spec, 0x1000, 0x103F, 0x1104, 0x5FFF)

    assert [["?run@app@@YAXXZ"], ["?run@app@@YAXXZ"], ["memcpy"], ["memcpy"]] == names(chains)
    assert {(PUBLIC, "", 0)} == {row[1:] for chain in rows(chains) for row in chain}


def test_no_public_symbol_reaches_over_a_function_or_out_of_its_contribution(tmp_path: Path) -> None:
    spec = replace(APP, publics=(PublicSpec("memcpy", 0x1100),))

    stripped = looked_up(tmp_path, replace(spec, is_stripped=True), 0x1040, 0x10FF)

    assert [[], [], ["memcpy"]] == names(looked_up(tmp_path, spec, 0x1040, 0x10FF, 0x1100))
    assert [[], []] == names(stripped)


def test_a_stripped_pdb_says_that_it_is_public(tmp_path: Path) -> None:
    with PdbFile(written(tmp_path, replace(APP, is_stripped=True))) as file:
        assert file.is_public


def test_a_pdb_whose_debug_information_stayed_in_the_object_files_says_that_it_is_public(tmp_path: Path) -> None:
    data = write_pdb(replace(APP, objects=(ObjectSpec("app.obj"),), publics=(PublicSpec("memcpy", 0x1100),)))
    whole, fastlink = tmp_path / "whole.pdb", tmp_path / "fastlink.pdb"
    whole.write_bytes(data)
    fastlink.write_bytes(with_stream(data, PDB_STREAM, lambda info: info + MINIMAL_INFO))

    with PdbFile(whole) as file:
        assert not file.is_public
    with PdbFile(fastlink) as file:
        assert file.is_public
        assert [["memcpy"]] == names(file.look_up(rvas(0x1104)))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_folded_functions_the_first_name_in_the_order_of_text_stands_for_all(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    texts = ("zip", "add", "mul")
    twins = [FunctionSpec(texts[at], 0x1000, 8, f"{texts[at]}.cpp", (LineSpec(0, 1 + at),)) for at in order]

    chains = looked_up(tmp_path, replace(APP, objects=(ObjectSpec("a.obj", tuple(twins)),)), 0x1004)

    assert [[Row("add", FUNCTION, "add.cpp", 2)]] == rows(chains)
    assert {"add": ("mul", "zip")} == folded(chains)


def test_of_public_symbols_at_one_address_the_first_name_in_the_order_of_text_stands_for_all(tmp_path: Path) -> None:
    publics = (PublicSpec("_run", 0x1000), PublicSpec("_strlen", 0x1100), PublicSpec("_lstrlen", 0x1100))

    chains = looked_up(tmp_path, replace(APP, objects=(), publics=publics), 0x1000, 0x1100)

    assert [["_run"], ["_lstrlen"]] == names(chains)
    assert {"_lstrlen": ("_strlen",)} == folded(chains)


# Ids of other object modules


def subsection(data: bytes, kind: int, module: int) -> tuple[int, int]:
    """Where in an object module's stream the content of a C13 subsection is, and its length."""
    stream = MsfFile(data).read_stream(FIRST_OBJECT_STREAM + module)
    at = stream.index(struct.pack("<I", kind))
    return at + 8, int.from_bytes(stream[at + 4 : at + 8], "little")


def with_word(data: bytes, kind: int, module: int, word: int, value: int) -> bytes:
    """The PDB with another u32 in a subsection of imports or exports; word -1 is the length of the subsection."""
    at = subsection(data, kind, module)[0] + 4 * word

    def changed(stream: bytes) -> bytes:
        return stream[:at] + struct.pack("<I", value) + stream[at + 4 :]

    return with_stream(data, FIRST_OBJECT_STREAM + module, changed)


def chains_of(tmp_path: Path, data: bytes, *rva: int) -> list[list[Row]]:
    path = tmp_path / "app.pdb"
    path.write_bytes(data)
    with PdbFile(path) as file:
        found = rows(file.look_up(rvas(*rva)))
        assert 1 == file.modules_read
    return found


@pytest.mark.parametrize("annotations", ["msvc", "llvm"])
def test_ids_of_other_object_modules_have_the_names_and_lines_that_symbolic_gives_them(
    tmp_path: Path, symbolic: Any, annotations: str
) -> None:
    addresses = range(0x1000, 0x1060)
    spec = replace(IMPORTING, annotations=annotations)

    found = chains_of(tmp_path, write_pdb(spec), *addresses)

    cache = oracle(symbolic, tmp_path / "app.pdb")
    assert [expected(cache, rva) for rva in addresses] == [
        [(row.name, row.file, row.line) for row in chain] for chain in found
    ]
    assert rows(looked_up(tmp_path, APP, *addresses)) == found


def test_an_object_module_may_import_from_itself(tmp_path: Path) -> None:
    app, *others = IMPORTING.objects
    run = replace(RUN, inlined=(imported(PUSH, app.name),))
    spec = replace(IMPORTING, objects=(replace(app, functions=(run, HELP)), *others))

    assert rows(looked_up(tmp_path, APP, 0x101A)) == chains_of(tmp_path, write_pdb(spec), 0x101A)


def test_of_several_object_modules_of_one_name_the_one_that_exports_the_id_is_meant(tmp_path: Path) -> None:
    app, vector, alg = IMPORTING.objects
    data = write_pdb(replace(IMPORTING, objects=(app, vector, vector, alg)))
    empty = with_word(data, DEBUG_S_CROSSSCOPEEXPORTS, 1, 0, 0x8000_1234)
    other_id = with_word(data, DEBUG_S_CROSSSCOPEEXPORTS, 1, 1, NAMESPACE)

    assert rows(looked_up(tmp_path, APP, 0x1010)) == chains_of(tmp_path, empty, 0x1010)
    assert [["app::run"]] == [[row.name for row in chain] for chain in chains_of(tmp_path, other_id, 0x1010)]


@pytest.mark.parametrize("missing", [("vector",), ("alg",), ("vector", "alg")])
def test_an_id_of_an_object_module_that_is_not_there_has_no_name_nor_has_what_was_inlined_into_it(
    tmp_path: Path, missing: tuple[str, ...]
) -> None:
    left = [one for one in IMPORTING.objects if not any(f"{name}.obj" in one.name.lower() for name in missing)]

    found = chains_of(tmp_path, write_pdb(replace(IMPORTING, objects=tuple(left))), 0x101A)

    names_left = [["app::run"]] if "vector" in missing else [["std::vector<int>::push_back", "app::run"]]
    assert names_left == [[row.name for row in chain] for chain in found]


NAMESPACE = 0x1001
"""The id of `std` in `IMPORTING`, which is that of no function."""

ABSURD = (0, 1, 2, NAMESPACE, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0FFF, 0xFFFF_FFFF)


@pytest.mark.parametrize(
    ("kind", "module", "words"),
    [(DEBUG_S_CROSSSCOPEIMPORTS, 0, 6), (DEBUG_S_CROSSSCOPEEXPORTS, 1, 2), (DEBUG_S_CROSSSCOPEEXPORTS, 2, 2)],
)
def test_damaged_imports_and_exports_cost_names_and_give_no_wrong_ones(
    tmp_path: Path, kind: int, module: int, words: int
) -> None:
    data = write_pdb(IMPORTING)
    assert 4 * words == subsection(data, kind, module)[1]
    (right,) = chains_of(tmp_path, data, 0x101A)

    lost = 0
    for word in range(-1, words):
        for value in ABSURD:
            (chain,) = chains_of(tmp_path, with_word(data, kind, module, word, value), 0x101A)
            assert chain in (right, right[1:], right[2:]), f"{value:#x} at {word}"
            lost += chain != right
    assert lost > 5


@pytest.mark.parametrize("reference", [0x8000_0001, 0x8010_0001, 0x8020_0000, 0xFFFF_FFFF, 0x8000_1000])
def test_a_site_that_refers_to_no_import_has_no_name(tmp_path: Path, reference: int) -> None:
    data = write_pdb(IMPORTING)
    first = struct.pack("<I", 0x8000_0000)

    def changed(stream: bytes) -> bytes:
        return stream.replace(first, struct.pack("<I", reference))

    (chain,) = chains_of(tmp_path, with_stream(data, FIRST_OBJECT_STREAM, changed), 0x1010)

    assert ["app::run"] == [row.name for row in chain]


def test_imports_end_where_a_row_is_longer_than_what_is_left() -> None:
    data = struct.pack("<5I", 7, 1, 0x8000_1000, 8, 2) + bytes(4)

    assert [(7, [0x8000_1000])] == [(row.module, row.ids.tolist()) for row in read_imports(data)]
    assert () == read_imports(struct.pack("<2I", 7, 0xFFFF_FFFF) + bytes(40))
    assert () == read_imports(bytes(7))


# What is read


def test_only_the_object_modules_that_are_touched_are_read(corpus: Path, tmp_path: Path) -> None:
    large = make_large_pdb(corpus / "softokn3.pdb", tmp_path / "large.pdb", 50)
    with PDB.open(str(large.path)) as pdb:
        by_module: dict[str, list[int]] = {}
        for one in pdb.functions():
            if one.source == "proc" and one.rva and one.module:
                by_module.setdefault(one.module, []).append(one.rva)
    touched = sorted(by_module)[3:8]
    wanted = all_distinct(rva for module in touched for rva in by_module[module][:10])

    with PdbFile(large.path) as file:
        found = names(file.look_up(wanted))

        assert len(touched) == file.modules_read
    assert all(chain and chain[-1].endswith("_0000") for chain in found)


def test_a_repeated_pdb_has_in_every_round_what_the_real_one_has(corpus: Path, tmp_path: Path) -> None:
    large = make_large_pdb(corpus / "softokn3.pdb", tmp_path / "large.pdb", 112)
    real = all_distinct(random.Random(3).sample(sorted(functions(corpus / "softokn3.pdb")), 60))

    with PdbFile(corpus / "softokn3.pdb") as file:
        once = rows(file.look_up(real))
    with PdbFile(large.path) as file:
        again = rows(file.look_up(real + np.uint64(large.code_bytes)))

    assert 2 == large.rounds
    outermost = [[*chain[:-1], chain[-1]._replace(name=f"{chain[-1].name}_0001")] for chain in once]
    assert outermost == again


def test_ids_are_found_without_the_offsets_that_writers_put_beside_them(corpus: Path) -> None:
    with Streams(corpus / "softokn3.pdb") as streams:
        quick = FunctionNames(streams)
        slow = FunctionNames(streams)
        slow._ids._walk_all()
        slow._types._walk_all()
        numbers = range(quick._ids._first - 2, quick._ids._after + 2)

        assert [quick.name(number) for number in numbers] == [slow.name(number) for number in numbers]
        assert "" == quick.name(numbers[0])


def test_names_of_functions_are_those_of_purepdb_without_their_scopes_and_nothing_else_has_one(corpus: Path) -> None:
    pdb = PDB.open(str(corpus / "CppCon.pdb"))
    table = pdb.id_table()
    assert table is not None
    with Streams(corpus / "CppCon.pdb") as streams:
        kinds, found = Records(streams, ID_STREAM), FunctionNames(streams)
        functions = {number for number in table.names if kinds.find(number)[0] in (LF_FUNC_ID, LF_MFUNC_ID)}

        assert len(functions) > 10
        assert [table.names[number] for number in functions] == [
            found.name(number)[-len(table.names[number]) :] for number in functions
        ]
        assert {""} == {found.name(number) for number in table.names.keys() - functions}


@pytest.mark.parametrize(
    ("kind", "fields", "name"),
    [
        (0x1504, bytes(16) + b"\x08\x00ns::Class\0.?AVClass@@\0", "ns::Class"),
        (0x1505, bytes(16) + b"\x04\x80\x00\x00\x01\x00Large\0", "Large"),
        (0x1609, bytes(18) + b"\x02\x80\xff\xffNew\0", "New"),
        (0x1506, bytes(8) + b"\x08\x00Either\0", "Either"),
        (0x1507, bytes(12) + b"Color\0", "Color"),
    ],
)
def test_a_method_is_named_with_the_name_of_its_class(tmp_path: Path, kind: int, fields: bytes, name: str) -> None:
    path = tmp_path / "types.pdb"
    method = struct.pack("<II", 0x1001, 0) + b"method\0"
    types = record_stream([(0x1002, bytes(4)), (kind, fields)])
    path.write_bytes(write_msf([b"", b"", types, b"", record_stream([(0x1602, method)])]))

    with Streams(path) as streams:
        assert f"{name}::method" == FunctionNames(streams).name(0x1000)


@pytest.mark.parametrize(
    ("scope", "name"),
    [("ns", "ns::f"), ("?A0x1a2b3c4d", "`anonymous namespace'::f"), ("?A0xyz", "?A0xyz::f"), ("", "f")],
)
def test_a_function_is_named_with_its_namespace(tmp_path: Path, scope: str, name: str) -> None:
    path = tmp_path / "ids.pdb"
    ids = [(0x1605, bytes(4) + scope.encode() + b"\0"), (0x1601, struct.pack("<II", 0x1000, 0) + b"f\0")]
    path.write_bytes(write_msf([b"", b"", record_stream([]), b"", record_stream(ids)]))

    with Streams(path) as streams:
        found = FunctionNames(streams)
        assert [name, ""] == [found.name(0x1001), found.name(0x1002)]


# Records that no corpus PDB has


TEXT = Sections(np.array([0x1000]), np.array([0x9000]), np.ones(1, np.bool_))


def record(kind: int, fields: bytes) -> bytes:
    fields += bytes(-(len(fields) + 4) % 4)
    return struct.pack("<HH", len(fields) + 2, kind) + fields


def procedure(name: str, offset: int, size: int) -> bytes:
    return record(
        codeview.S_GPROC32, struct.pack("<8IHB", 0, 0, 0, size, 0, 0, 0, offset, 1, 0) + name.encode() + b"\0"
    )


END = record(codeview.S_END, b"")


def segments(symbols: bytes, lines: bytes = b"") -> list[tuple[int, int, list[str]]]:
    """The segments of an object module: first and last address, and the names there."""
    builder = TableBuilder()
    extents = Extents(np.array([0x1000]), np.array([0x8000]))
    named = Names(lambda number: f"id{number}", lambda place: -1, lambda start, functions: ())
    part = code_part(read_symbols(bytes([4, 0, 0, 0]) + symbols), read_lines(lines), TEXT, extents, builder, named)
    builder.add(part)
    nowhere = Moved(np.zeros(0, np.int64), np.zeros(0, np.int64))
    table = builder.build("x64", False, nowhere)
    found = names(table.chains(part.segments.start.astype(np.uint64)))
    return list(zip(part.segments.start.tolist(), part.segments.last.tolist(), found, strict=True))


def test_code_that_was_split_off_belongs_to_its_function_and_so_does_what_was_inlined_there() -> None:
    site = record(codeview.S_INLINESITE, struct.pack("<3I", 0, 0, 7) + bytes([2, 1, 12, 4, 8]))
    site_end = record(codeview.S_INLINESITE_END, b"")
    chunk = record(codeview.S_SEPCODE, struct.pack("<6I2H", 0, 0, 0x20, 0, 0x4000, 0, 1, 1))

    found = segments(procedure("hot", 0, 0x10) + site + site_end + END + chunk + END)

    assert [
        (0x1000, 0x100F, ["hot"]),
        (0x5000, 0x5007, ["hot"]),
        (0x5008, 0x500B, ["id7", "hot"]),
        (0x500C, 0x501F, ["hot"]),
    ] == found


def test_a_thunk_is_a_function() -> None:
    thunk = record(codeview.S_THUNK32, struct.pack("<4I2HB", 0, 0, 0, 0x30, 1, 6, 0) + b"puts\0")

    assert [(0x1030, 0x1035, ["puts"])] == segments(thunk + END)


def test_a_jump_of_incremental_linking_has_no_name() -> None:
    jump = record(codeview.S_TRAMPOLINE, struct.pack("<2H2I2H", 0, 5, 0x30, 0, 1, 1))

    assert [(0x1000, 0x100F, ["f"])] == segments(procedure("f", 0, 0x10) + END + jump)


def test_a_function_within_another_has_its_own_code_and_no_more() -> None:
    found = segments(procedure("outer", 0, 0x40) + END + procedure("inner", 0x10, 0x10) + END)

    assert [(0x1000, 0x100F, ["outer"]), (0x1010, 0x101F, ["inner"]), (0x1020, 0x103F, ["outer"])] == found


def test_what_was_inlined_into_code_without_a_name_is_left_out_with_it() -> None:
    nameless = record(codeview.S_INLINESITE, struct.pack("<3I", 0, 0, 7) + b"\0")
    within = record(codeview.S_INLINESITE, struct.pack("<3I", 0, 0, 8) + bytes([12, 4, 0]))
    end = record(codeview.S_INLINESITE_END, b"")

    assert [(0x1000, 0x100F, ["f"])] == segments(procedure("f", 0, 0x10) + nameless + within + end + end + END)


def test_annotations_of_all_kinds_are_followed() -> None:
    data = bytes([6, 4, 3, 0x10, 11, 0x25, 4, 5, 5, 0x80 | 1, 0, 3, 2, 4, 3, 12, 6, 0xC0, 0, 1, 0])

    assert [
        Piece(0, 0x10, 5, 8, 102),
        Piece(0, 0x15, 5, 8, 103),
        Piece(0, 0x1C, 3, 0x100, 103),
        Piece(0, 0x11F, 6, 0x100, 103),
    ] == read_annotations(data, 8, 100)


@pytest.mark.parametrize("data", [b"", b"\0", b"\x0e\1", b"\3", b"\x0c\4", b"\3\x80", b"\3\xc0\1", b"\3\xff\1\1"])
def test_annotations_end_at_damage(data: bytes) -> None:
    assert [] == read_annotations(data, 0, 1)


def test_the_layout_of_the_debug_stream_is_that_of_the_documentation() -> None:
    header, contribution = pdb_dbi.HEADER, pdb_dbi.CONTRIBUTION

    assert (64, 28, 64) == (header.itemsize, contribution.itemsize, pdb_dbi.MODULE_HEAD.size)
    assert {
        **{"signature": 0, "age": 8, "publics": 16, "symbols": 20, "modules_bytes": 24, "contributions_bytes": 28},
        **{"map_bytes": 32, "files_bytes": 36, "servers_bytes": 40, "streams_bytes": 48, "ec_bytes": 52},
        **{"flags": 56, "machine": 58},
    } == {name: header.fields[name][1] for name in header.names or () if header.fields}
    assert {"section": 0, "offset": 4, "size": 8, "module": 16} == {
        name: contribution.fields[name][1] for name in contribution.names or () if contribution.fields
    }


# Code that was moved after linking


def streams_of(data: bytes) -> list[bytes | None]:
    msf = MsfFile(data)
    return [msf.read_stream(number) if msf.is_valid_stream(number) else None for number in range(msf.num_streams)]


def moved(spec: PdbSpec, pairs: Sequence[tuple[int, int]], slot: int) -> bytes:
    """The PDB with a table of moved code in a slot of the debug header, and its sections as those before the move."""
    streams = streams_of(write_pdb(spec))
    dbi = bytearray(streams[pdb_dbi.DBI_STREAM] or b"")
    at = len(dbi) - 22
    sections = struct.unpack_from("<H", dbi, at + 2 * pdb_dbi.STREAM_SECTIONS)[0]
    struct.pack_into("<H", dbi, at + 2 * pdb_dbi.STREAM_ORIGINAL_SECTIONS, sections)
    struct.pack_into("<H", dbi, at + 2 * slot, len(streams))
    streams[pdb_dbi.DBI_STREAM] = bytes(dbi)
    return write_msf([*streams, b"".join(struct.pack("<II", *pair) for pair in pairs)])


@pytest.mark.parametrize("slot", [pdb_dbi.STREAM_OMAP_TO_ORIGINAL, pdb_dbi.STREAM_OMAP_FROM_ORIGINAL])
def test_code_that_was_moved_after_linking_is_looked_up_where_it_was(tmp_path: Path, slot: int) -> None:
    pairs = [(0x2000, 0x1050), (0x2010, 0), (0x3000, 0x1010)]
    if slot == pdb_dbi.STREAM_OMAP_FROM_ORIGINAL:
        pairs = [(0x1010, 0x3000), (0x1050, 0x2000), (0x1060, 0)]
    path = tmp_path / "moved.pdb"
    path.write_bytes(moved(APP, pairs, slot))

    with PdbFile(path) as file:
        table = file.table(rvas(0x1000, 0x2004, 0x3002))

    assert [[], ["help"], ["std::vector<int>::push_back", "app::run"]] == names(
        table.chains(rvas(0x1000, 0x2004, 0x3002))
    )
    assert [True, True, True] == table.covers(rvas(0x1000, 0x2004, 0x3002)).tolist()


# Damage


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"MZ" * 600, "no PDB"), (b"BSJB" + bytes(600), "Portable PDB")],
)
def test_what_is_no_pdb_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "no.pdb"
    path.write_bytes(content)

    with pytest.raises(SymbolFileError, match=reason):
        PdbFile(path)


def damaged(data: bytes, seed: int) -> Iterator[bytes]:
    """Cut off, with flipped bits, with absurd numbers, and with whole blocks in each other's place."""
    chance = random.Random(seed)
    for _ in range(9):
        broken = bytearray(data)
        for _ in range(chance.choice([1, 3, 30, 300])):
            at = chance.randrange(len(data) - 4)
            broken[at] ^= 1 << chance.randrange(8)
        yield bytes(broken)
        for _ in range(chance.choice([1, 5, 50])):
            at = chance.randrange(len(data) // 4) * 4
            broken[at : at + 4] = chance.choice(
                [b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\1\0\0\0", b"\4\0\x10\x11"]
            )
        yield bytes(broken)
        yield data[: chance.randrange(len(data))]
    for _ in range(10):
        one, other = (chance.randrange(1, len(data) // 4096) * 4096 for _ in range(2))
        broken = bytearray(data)
        broken[one : one + 4096] = data[other : other + 4096]
        yield bytes(broken)


@pytest.mark.parametrize("name", ["CppCon.pdb", "WriteArgument.pdb"])
def test_damage_is_an_error_of_opening_or_costs_names(corpus: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "damaged.pdb"
    wanted = rvas(*range(0, 0x9000, 97), 0xFFFF_FFFF)
    opened = 0
    for broken in damaged((corpus / name).read_bytes(), 11):
        path.write_bytes(broken)
        try:
            file = PdbFile(path)
        except SymbolFileError:
            continue
        with file:
            opened += 1
            chains = file.look_up(wanted)
        assert len(wanted) + 1 == len(chains.start)
        assert len(chains.name) == chains.start[-1]
    assert opened > 10


def test_scopes_that_hold_themselves_come_to_an_end(corpus: Path, tmp_path: Path) -> None:
    streams = streams_of(write_pdb(APP))
    ids = bytearray(streams[ID_STREAM] or b"")
    path = tmp_path / "loop.pdb"
    path.write_bytes(write_msf(streams))
    with Streams(path) as before:
        numbers = Records(before, ID_STREAM)
        own = [n for n in range(numbers._first, numbers._after) if numbers.find(n)[0] == 0x1601]
        (content,) = {numbers.find(n)[1] for n in own}
    at = ids.find(content)
    ids[at : at + 4] = own[0].to_bytes(4, "little")
    streams[ID_STREAM] = bytes(ids)
    path.write_bytes(write_msf(streams))

    with PdbFile(path) as file:
        (chain,) = names(file.look_up(rvas(0x101A)))

    assert not any("clamp" in name for name in chain)  # it has no name, and what it was put into has the place
    assert "std::vector<int>::push_back" in chain[0]
