"""The writer of PDBs, held against three readers that know nothing of it: purepdb, symbolic, llvm-pdbutil."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from purepdb import PDB, MsfFile

from perfdb.demo import msf_writer, pdb_dbi, pdb_objects, pdb_types
from perfdb.demo.msf_writer import write_msf
from perfdb.demo.pdb_spec import (
    X64,
    X86,
    CodeSpec,
    FunctionSpec,
    InlineSpec,
    LineSpec,
    ObjectSpec,
    PdbSpec,
    PublicSpec,
    SectionSpec,
)
from perfdb.demo.pdb_strings import name_hash
from perfdb.demo.pdb_writer import write_pdb
from tests.symbols.oracle import Place, Symbols
from tests.symbols.small_pdb import IMPORTING

GUID = "0123456789ABCDEFFEDCBA9876543210"
VECTOR = "std::vector<int,std::allocator<int> >"

MIN = InlineSpec("min<int>", "C:\\s\\alg.h", 50, (CodeSpec(0x18, 4, 51),), scope="std")
PUSH_BACK = InlineSpec(
    "push_back",
    "C:\\s\\vector",
    100,
    (CodeSpec(0x10, 8, 101), CodeSpec(0x18, 4, 105), CodeSpec(0x30, 6, 99)),
    owner=VECTOR,
    inlined=(MIN,),
)
RUN = FunctionSpec(
    "app::run",
    0x1000,
    0x40,
    "C:\\s\\app.cpp",
    (LineSpec(0, 10), LineSpec(0x10, 12), LineSpec(0x1C, 13), LineSpec(0x30, 12), LineSpec(0x36, 14)),
    (PUSH_BACK,),
    public="?run@app@@YAXXZ",
)
HELP = FunctionSpec("`anonymous namespace'::help", 0x1040, 0x20, "C:\\s\\app.cpp", (LineSpec(0, 30),), is_global=False)
BARE = FunctionSpec("bare", 0x9000, 0x10)
SPEC = PdbSpec(
    GUID,
    3,
    sections=(
        SectionSpec(".text", 0x1000, 0x5000),
        SectionSpec(".rdata", 0x7000, 0x1000, is_code=False),
        SectionSpec(".text2", 0x9000, 0x1000),
    ),
    objects=(ObjectSpec("C:\\o\\app.obj", (RUN, HELP)), ObjectSpec("C:\\o\\bare.obj", (BARE,), library="C:\\o\\b.lib")),
    publics=(PublicSpec("memcpy", 0x1100), PublicSpec("g_table", 0x7000, is_function=False)),
)


def opened(spec: PdbSpec, block_size: int = 4096) -> PDB:
    return PDB.from_bytes(write_pdb(spec, block_size))


def lines(pdb: PDB) -> list[tuple[int, str, int]]:
    """RVA, file and line of all lines that purepdb finds."""
    return [(line.rva, line.file, line.line) for line in pdb.lines()]  # type: ignore[no-untyped-call]


# The container


@given(
    streams=st.lists(st.none() | st.integers(0, 3_000).map(lambda size: bytes([size % 251]) * size), max_size=12),
    block_size=st.sampled_from([512, 1024, 4096]),
)
def test_every_stream_is_read_back_and_a_nil_one_is_nil(streams: list[bytes | None], block_size: int) -> None:
    msf = MsfFile(write_msf(streams, block_size))

    assert len(streams) == msf.num_streams
    assert streams == [
        msf.read_stream(number) if msf.is_valid_stream(number) else None for number in range(len(streams))
    ]


@pytest.mark.parametrize("blocks", [505, 506, 507, 508, 509, 510, 511, 1019, 1020, 1021])
def test_free_block_maps_are_stepped_over_wherever_a_run_of_blocks_ends(blocks: int) -> None:
    stream = np.arange(blocks * 512 // 4, dtype="<u4").tobytes()

    data = write_msf([b"first", stream], 512)

    msf = MsfFile(data)
    assert stream == msf.read_stream(1)
    assert len(data) == msf.super.num_blocks * 512


def test_each_block_has_one_owner_and_the_free_map_calls_none_of_them_free() -> None:
    block_size, streams = 512, [b"a" * 300_000, None, b"", b"b" * 600_001]

    data = write_msf(streams, block_size)

    msf = MsfFile(data)
    count = msf.super.num_blocks
    assert len(data) == count * block_size
    directory_blocks = -(-msf.super.num_directory_bytes // block_size)
    map_blocks = -(-4 * directory_blocks // block_size)
    maps = {block for first in (1, 2) for block in range(first, count, block_size)}
    block_map = range(msf.super.block_map_addr, msf.super.block_map_addr + map_blocks)
    directory = struct.unpack_from(f"<{directory_blocks}I", data, msf.super.block_map_addr * block_size)
    owned = [0, *maps, *block_map, *directory, *(block for blocks in msf.stream_blocks for block in blocks)]
    assert list(range(count)) == sorted(owned)
    free_map = b"".join(data[at * block_size : (at + 1) * block_size] for at in range(1, count, block_size))
    bits = np.unpackbits(np.frombuffer(free_map, np.uint8), bitorder="little")
    assert len(bits) >= count
    assert not bits[:count].any()
    assert bits[count:].all()


def test_a_directory_may_need_several_blocks_of_block_numbers() -> None:
    made = MsfFile(write_pdb(SPEC))
    padded = [made.read_stream(number) for number in range(made.num_streams)] + [b"pad" * 3_000_000] * 2

    data = write_msf(padded, 512)

    msf = MsfFile(data)
    map_blocks = -(-4 * -(-msf.super.num_directory_bytes // 512) // 512)
    assert 2 <= map_blocks
    named = struct.unpack_from(f"<{map_blocks}I", data, msf_writer.BLOCK_LIST)
    assert tuple(range(msf.super.block_map_addr, msf.super.block_map_addr + map_blocks)) == named
    assert padded == [msf.read_stream(number) for number in range(len(padded))]
    # symbolic goes by the list in the superblock, purepdb by the first block alone.
    assert SPEC.debug_id == Symbols(data).debug_id


def test_too_much_for_the_block_size_is_refused() -> None:
    with pytest.raises(ValueError, match="need blocks over 512 bytes"):
        write_msf([bytes(1)] * 2_000_000, 512)


# What stands in a PDB


def test_the_layouts_have_the_sizes_that_their_descriptions_give() -> None:
    assert 56 == struct.calcsize("<32s5I4x")
    assert 56 == pdb_types.HEADER.size
    assert 64 == pdb_dbi.DEBUG_HEADER.size
    assert 28 == pdb_dbi.CONTRIBUTION.size
    assert 64 == pdb_dbi.OBJECT_HEADER.size
    assert 40 == pdb_dbi.SECTION_HEADER.size
    assert 35 == pdb_objects.PROCEDURE.size
    assert 12 == pdb_objects.INLINE_SITE.size


def test_the_hash_of_names_is_the_published_one() -> None:
    """A real file has these in a table of six: the first at 0, the others at 3 and at the next free place."""
    places = {name: (name_hash(name) & 0xFFFF) % 6 for name in (b"srcsrv", b"/names", b"/LinkInfo")}

    assert {b"srcsrv": 0, b"/names": 3, b"/LinkInfo": 3} == places


def test_the_id_is_the_guid_as_printed_and_the_age_of_the_image() -> None:
    pdb = opened(replace(SPEC, info_age=0x1F))

    assert (0x1F, 3) == (pdb.info().age, pdb.dbi.age)
    assert "0123456789ABCDEFFEDCBA98765432103" == SPEC.debug_id
    assert SPEC.debug_id == Symbols(write_pdb(replace(SPEC, info_age=0x1F))).debug_id
    assert GUID.lower() + "1b" == replace(SPEC, age=0x1B).debug_id.lower()


@pytest.mark.parametrize(("machine", "name"), [(X86, "x86"), (X64, "x86_64")])
def test_the_machine_is_told(machine: int, name: str) -> None:
    assert machine == opened(replace(SPEC, machine=machine)).dbi.machine
    assert name == Symbols(write_pdb(replace(SPEC, machine=machine))).machine


def test_purepdb_finds_functions_publics_and_lines() -> None:
    pdb = opened(SPEC)

    assert [] == pdb.diagnose().warnings
    found = [(f.name, f.rva, f.code_size, f.source, f.module, f.aliases) for f in pdb.functions()]
    assert found == [
        ("app::run", 0x1000, 0x40, "proc", "C:\\o\\app.obj", ["?run@app@@YAXXZ"]),
        ("`anonymous namespace'::help", 0x1040, 0x20, "proc", "C:\\o\\app.obj", []),
        ("memcpy", 0x1100, None, "public", None, []),
        ("bare", 0x9000, 0x10, "proc", "C:\\o\\bare.obj", []),
    ]
    assert lines(pdb) == [(0x1000 + line.offset, RUN.file, line.line) for line in RUN.lines] + [(0x1040, HELP.file, 30)]
    assert [(".text", 0x1000), (".rdata", 0x7000), (".text2", 0x9000)] == [
        (section.name, section.virtual_address) for section in pdb.sections
    ]
    assert {"g_table": False, "memcpy": True, "?run@app@@YAXXZ": True} == {
        public.name: public.is_function for public in pdb.public_symbols()
    }
    assert ["C:\\o\\app.obj", "C:\\o\\b.lib"] == [module.obj_file_name for module in pdb.dbi.modules]


def test_the_index_of_functions_leads_to_their_records() -> None:
    pdb = opened(SPEC)

    found = [pdb.resolve_proc_ref(reference) for reference in pdb.proc_refs()]

    assert ["app::run", "`anonymous namespace'::help", "bare"] == [found.name for found in found if found is not None]


def test_section_contributions_name_the_object_module_of_an_address() -> None:
    pdb = opened(SPEC)

    modules = [pdb.module_of(segment, offset) for segment, offset in ((1, 0), (1, 0x5F), (1, 0x60), (3, 0xF))]
    assert ["C:\\o\\app.obj", "C:\\o\\app.obj", None, "C:\\o\\bare.obj"] == [
        module and module.module_name for module in modules
    ]


@pytest.mark.parametrize("annotations", ["msvc", "llvm"])
def test_symbolic_finds_inlined_functions_with_files_and_lines(annotations: str) -> None:
    symbols = Symbols(write_pdb(replace(SPEC, annotations=annotations)))

    push_back, minimum = f"{VECTOR}::push_back", "std::min<int>"
    assert [Place("app::run", RUN.file, 10)] == symbols.look_up(0x100F)
    assert [Place(push_back, PUSH_BACK.file, 101), Place("app::run", RUN.file, 12)] == symbols.look_up(0x1010)
    assert symbols.look_up(0x1018) == [
        Place(minimum, MIN.file, 51),
        Place(push_back, PUSH_BACK.file, 105),
        Place("app::run", RUN.file, 12),
    ]
    assert [Place("app::run", RUN.file, 13)] == symbols.look_up(0x101C)
    assert [Place(push_back, PUSH_BACK.file, 99), Place("app::run", RUN.file, 12)] == symbols.look_up(0x1035)
    assert [Place("app::run", RUN.file, 14)] == symbols.look_up(0x103F)
    assert [Place("bare", "", 0)] == symbols.look_up(0x900F)
    assert [] == symbols.look_up(0x9010)


def test_ids_of_other_object_modules_lead_to_the_same_functions() -> None:
    imported = replace(PUSH_BACK, imported_from="b.obj", inlined=(replace(MIN, imported_from="a.obj"),))
    objects = (ObjectSpec("c.obj", (replace(RUN, inlined=(imported,)),)), ObjectSpec("a.obj"), ObjectSpec("b.obj"))

    symbols, same = Symbols(write_pdb(replace(SPEC, objects=objects))), Symbols(write_pdb(SPEC))

    assert [same.look_up(rva) for rva in range(0x1000, 0x1040)] == [
        symbols.look_up(rva) for rva in range(0x1000, 0x1040)
    ]
    assert 3 == len(symbols.look_up(0x1018))


def test_purepdb_finds_the_code_of_inlined_functions() -> None:
    sites = opened(SPEC).inline_sites()

    assert [("push_back", [(0x10, 8), (0x18, 4), (0x30, 6)]), ("min<int>", [(0x18, 4)])] == [
        (site.name, site.ranges) for site in sites
    ]


def test_a_stripped_pdb_has_public_symbols_only() -> None:
    data = write_pdb(replace(SPEC, is_stripped=True))

    pdb = PDB.from_bytes(data)
    assert pdb.dbi.is_stripped
    assert {"public"} == {function.source for function in pdb.functions()}
    assert ["?run@app@@YAXXZ", "memcpy"] == [function.name for function in pdb.functions()]
    assert [] == lines(pdb)
    assert SPEC.debug_id == Symbols(data).debug_id


def test_a_pdb_may_have_no_lines() -> None:
    data = write_pdb(replace(SPEC, has_lines=False))

    assert [] == lines(PDB.from_bytes(data))
    assert [Place("app::run", "", 0)] == Symbols(data).look_up(0x1001)


def test_several_functions_may_be_at_one_address() -> None:
    one, other = (FunctionSpec(f"folded::{name}", 0x1000, 0x10) for name in ("one", "other"))
    spec = PdbSpec(GUID, objects=(ObjectSpec("one.obj", (one,)), ObjectSpec("other.obj", (other,))))

    pdb = opened(spec)

    assert [["folded::one", "folded::other"]] == [function.names for function in pdb.functions()]
    assert 1 == len(pdb.section_contributions())
    module = pdb.module_of(1, 0)
    assert module is not None
    assert "one.obj" == module.module_name


def test_a_function_outside_all_sections_is_refused() -> None:
    with pytest.raises(ValueError, match="no section of the PDB has RVA 0x800000"):
        write_pdb(PdbSpec(GUID, objects=(ObjectSpec("a.obj", (FunctionSpec("f", 0x80_0000, 1),)),)))


@pytest.mark.parametrize(
    "spec",
    [
        SPEC,
        replace(SPEC, annotations="llvm", machine=X86, info_age=9),
        replace(SPEC, is_stripped=True),
        replace(SPEC, has_lines=False),
        IMPORTING,
        PdbSpec(GUID),
    ],
    ids=["full", "llvm", "stripped", "without lines", "importing", "empty"],
)
def test_llvm_reads_every_part_without_complaint(spec: PdbSpec, tmp_path: Path) -> None:
    program = shutil.which("llvm-pdbutil")
    if program is None:
        pytest.skip("needs llvm-pdbutil on PATH")
    (tmp_path / "made.pdb").write_bytes(write_pdb(spec))

    ran = subprocess.run(
        [program, "dump", "-all", str(tmp_path / "made.pdb")], capture_output=True, text=True, check=False
    )

    assert (0, "") == (ran.returncode, ran.stderr)
    has_functions = bool(spec.objects) and not spec.is_stripped
    assert has_functions == ("S_GPROC32 [size = 48] `app::run`" in ran.stdout)


# Any tree of inlined functions


SLOT_BYTES = 16
OTHERS = ("other.obj", "third.obj")
"""Object modules that only export ids."""


@dataclass(frozen=True)
class Site:
    """A function of a made-up tree: the function itself has no parent, and inlined ones a place in the list before."""

    name: str
    parent: int
    scope: str = ""
    owner: str = ""
    imported_from: str = ""

    @property
    def full_name(self) -> str:
        return "::".join(filter(None, (self.scope, self.owner, self.name)))


@st.composite
def inlined_trees(draw: st.DrawFn) -> tuple[list[Site], list[int]]:
    """Some functions, each but the first inlined into one before it, and for each slot of code the innermost one."""
    sites = [Site("outer", -1)]
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from([{}, {"scope": "ns::inner"}, {"owner": "ns::Class<int>"}]))
        module = draw(st.sampled_from(["", *OTHERS]))
        sites.append(Site(f"inlined_{number}", draw(st.integers(0, number)), **kind, imported_from=module))
    return sites, draw(st.lists(st.integers(0, len(sites) - 1), min_size=1, max_size=12))


def chain(sites: list[Site], site: int) -> list[int]:
    """A site and those that it is inlined into, innermost first."""
    found = []
    while site >= 0:
        found.append(site)
        site = sites[site].parent
    return found


def line_of(site: int, inner: int, slot: int) -> int:
    """The line of a slot in a function: one of its own, or that of the call of what is inlined there."""
    return 1_000 * (site + 1) + (500 + 7 * inner if inner else 3 * ((slot * 5) % 11))


def built(sites: list[Site], slots: list[int], annotations: str) -> PdbSpec:
    """The PDB with such a tree in it."""
    lines: dict[int, dict[int, int]] = {number: {} for number in range(len(sites))}
    for slot, innermost in enumerate(slots):
        inner = 0
        for site in chain(sites, innermost):
            lines[site][slot] = line_of(site, inner, slot)
            inner = site

    def inline(number: int) -> InlineSpec:
        code = tuple(CodeSpec(slot * SLOT_BYTES, SLOT_BYTES, line) for slot, line in sorted(lines[number].items()))
        site = sites[number]
        return InlineSpec(
            name=site.name,
            file=f"C:\\s\\{number}.h",
            line=1_000 * (number + 1),
            code=code,
            scope=site.scope,
            owner=site.owner,
            inlined=children(number),
            imported_from=site.imported_from,
        )

    def children(number: int) -> tuple[InlineSpec, ...]:
        return tuple(inline(child) for child, site in enumerate(sites) if site.parent == number and lines[child])

    code = tuple(LineSpec(slot * SLOT_BYTES, line) for slot, line in sorted(lines[0].items()))
    function = FunctionSpec("outer", 0x2000, SLOT_BYTES * len(slots), "C:\\s\\0.h", code, children(0))
    objects = (ObjectSpec("a.obj", (function,)), *map(ObjectSpec, OTHERS))
    return PdbSpec(GUID, objects=objects, annotations=annotations)


@given(tree=inlined_trees(), annotations=st.sampled_from(["msvc", "llvm"]))
def test_symbolic_gives_back_any_tree_of_inlined_functions(
    tree: tuple[list[Site], list[int]], annotations: str
) -> None:
    sites, slots = tree

    symbols = Symbols(write_pdb(built(sites, slots, annotations)))

    for slot, innermost in enumerate(slots):
        path = chain(sites, innermost)
        expected = [
            Place(sites[site].full_name, f"C:\\s\\{site}.h", line_of(site, inner, slot))
            for site, inner in zip(path, (0, *path), strict=False)
        ]
        assert expected == symbols.look_up(0x2000 + slot * SLOT_BYTES)
        assert expected == symbols.look_up(0x2000 + (slot + 1) * SLOT_BYTES - 1)
