"""From a trace to names, files and lines in the history, as a user has it done; and from a bad symbol file to none.

The traces are made, their images bear the ids of real PDBs of the corpus, and `symbolic` says what their addresses are.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from purepdb import PDB

from perfdb.demo.etl_spec import ImageSpec
from perfdb.profile.columns import UNRESOLVED
from perfdb.symbols.canonical import KEEP, canonical_name
from tests.cli import conftest as cli
from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.symbols.corpus_traces import (
    BASE,
    CPPCON,
    DEEP,
    DEEP_CHAIN,
    EXE_COMMON,
    EXE_MAIN,
    GS_REPORT,
    KERNEL,
    LAST_CALL,
    PDBS,
    SFTKDB,
    SOFTOKN,
    last_calls,
    trace,
)
from tests.symbols.damage import DEBUG_STREAM, PDB_STREAM, with_stream
from tests.symbols.oracle import Place, Symbols

perfdb = cli.perfdb

NEWEST = "run_id = (select max(run_id) from run)"
"""The run that was recorded last: run ids sort by time."""


class Project:
    """A folder in which traces are recorded, nothing looked up before, and a folder of symbol files."""

    def __init__(self, folder: Path, symbols: Path, run: Run) -> None:
        self.folder = folder
        self.run = run
        self.symbols = symbols
        self.symbols.mkdir()

    def record(self, content: bytes, *words: str | Path) -> cli.Ran:
        """Record a trace's bytes with the symbol folder, or with other words."""
        path = self.folder / "artifacts" / "trace_example_20260105_120000.etl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return self.run(
            "record", path, "--example", "e", "--again", "--process", "app", *(words or ("--symbols", self.symbols))
        )

    def ask(self, sql: str) -> list[Any]:
        """What the history answers: rows as tuples."""
        ran = self.run("sql", "--format", "json", sql)
        assert 0 == ran.code, ran.err
        return [tuple(row.values()) for row in json.loads(ran.out)]

    def stacks(self) -> list[str]:
        return [stack for (stack,) in self.ask(f"select stack from stack_cost where {NEWEST} order by stack")]

    def functions(self) -> set[str]:
        return {name for (name,) in self.ask(f"select distinct function from function_cost where {NEWEST}")}

    def states(self) -> dict[str, str]:
        """What came of looking for each module's symbol file."""
        columns = "module.name, run_module.symbols from run_module join module using (module_id)"
        return dict(self.ask(f"select {columns} where symbols <> '' and {NEWEST}"))

    def caveats(self) -> list[tuple[str, str]]:
        """Codes and texts of what is told about symbols."""
        return list(self.ask(f"select code, text from run_caveat where code like 'symbol%' and {NEWEST}"))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> GitRepo:
    """A repository whose history all tests add their runs to."""
    repo = GitRepo.create(tmp_path_factory.mktemp("symbols") / "repo")
    repo.commit({".gitignore": "artifacts/\n"}, "First")
    return repo


@pytest.fixture
def project(history: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perfdb: Run) -> Project:
    shutil.rmtree(history.path / "artifacts" / "symcache", ignore_errors=True)
    monkeypatch.chdir(history.path)
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    return Project(history.path, tmp_path / "symbols", perfdb)


# The right file


def test_names_files_lines_and_inlined_frames_are_recorded(project: Project, corpus: Path) -> None:
    ran = project.record(
        trace([(SOFTOKN.leaf(DEEP), CPPCON.caller(LAST_CALL - 1)), (CPPCON.leaf(LAST_CALL), KERNEL.caller(0x1000))]),
        "--symbols",
        corpus,
    )

    assert (0, "") == (ran.code, ran.err)
    deep = ";".join(f"softokn3.dll!{name}" for name, _ in DEEP_CHAIN)
    assert project.stacks() == [
        f"CppCon.exe!mainCRTStartup;CppCon.exe!__scrt_common_main;{deep}",
        f"ntoskrnl.exe!{UNRESOLVED};CppCon.exe!__raise_securityfailure",
    ]
    columns = "module, function, is_inlined, file, line, exclusive_samples, inclusive_samples"
    expected = [
        ("CppCon.exe", "__raise_securityfailure", False, GS_REPORT, 140, 1, 1),
        ("CppCon.exe", "__scrt_common_main", True, EXE_COMMON, 330, 0, 1),
        ("CppCon.exe", "mainCRTStartup", False, EXE_MAIN, 16, 0, 1),
        *(
            ("softokn3.dll", name, at > 0, SFTKDB, line, int(at == len(DEEP_CHAIN) - 1), 1)
            for at, (name, line) in enumerate(DEEP_CHAIN)
        ),
    ]
    assert sorted(expected) == project.ask(f"select {columns} from line_cost where {NEWEST} order by {columns}")
    assert {"CppCon.exe": "full", "softokn3.dll": "full", "ntoskrnl.exe": "absent"} == project.states()
    assert [] == project.caveats()


def test_a_leaf_has_its_own_address_and_a_caller_the_byte_before(project: Project, corpus: Path) -> None:
    """Where one function ends with a call and another begins, both at address `LAST_CALL`."""
    leaf, before = SOFTOKN.leaf(0x34B0), SOFTOKN.leaf(0x34AF)
    stacks = [(CPPCON.leaf(LAST_CALL),), (leaf, CPPCON.caller(LAST_CALL - 1)), (before, CPPCON.caller(LAST_CALL))]

    project.record(trace(stacks), "--symbols", corpus)

    assert [
        "CppCon.exe!__raise_securityfailure",
        "CppCon.exe!__raise_securityfailure;softokn3.dll!TLS_PRF",
        "CppCon.exe!mainCRTStartup;CppCon.exe!__scrt_common_main;softokn3.dll!HASH_GetRawHashObject",
    ] == project.stacks()


def places_of(pdb: Path) -> list[int]:
    """RVAs at the beginning, in the middle and at the end of every function that has its address for itself."""
    with PDB.open(str(pdb)) as opened:
        shared = Counter((proc.segment, proc.offset) for proc in opened.module_procs())
        publics = {(public.segment, public.offset, public.name) for public in opened.public_symbols()}
        aliases = Counter((segment, offset) for segment, offset, _ in publics)
        functions = [
            (function.rva, function.code_size)
            for function in opened.functions(code_publics=False)
            if function.rva is not None
            and function.code_size
            and shared[function.segment, function.offset] == 1
            and aliases[function.segment, function.offset] <= 1
        ]
    return sorted({rva + part for rva, size in functions for part in (0, size // 3, size // 2, size - 1)})


def expected_lines(chains: Iterable[list[Place]]) -> Counter[tuple[str, str, int, bool, bool]]:
    """For samples with these chains of frames: name, file, line, whether inlined and whether innermost, counted."""
    found: Counter[tuple[str, str, int, bool, bool]] = Counter()
    for chain in chains:
        for at, place in enumerate(chain):
            found[bare(canonical_name(place.name, "", KEEP)), place.file, place.line, at + 1 < len(chain), at == 0] += 1
    return found


def bare(name: str) -> str:
    """The name without underscores before it: symbolic takes one away where a function has no type."""
    return name.lstrip("_")


@pytest.mark.parametrize("name", PDBS)
def test_all_functions_of_the_corpus_are_named_as_symbolic_names_them(
    project: Project, corpus: Path, name: str
) -> None:
    image, symbols, places = PDBS[name], Symbols(corpus / name), places_of(corpus / name)
    chains = [symbols.look_up(rva) for rva in places]

    project.record(trace([(image.leaf(rva),) for rva in places], [image]), "--symbols", corpus)

    expected = expected_lines(chains)
    rows = project.ask(
        "select function, file, line, is_inlined, sum(exclusive_samples), sum(inclusive_samples) from line_cost "
        f"where {NEWEST} group by all"
    )
    found: Counter[tuple[str, str, int, bool, bool]] = Counter()
    for function, file, line, is_inlined, exclusive, inclusive in rows:
        found[bare(function), file, line, is_inlined, True] += exclusive
        found[bare(function), file, line, is_inlined, False] += inclusive - exclusive
    has_line = Counter({key: count for key, count in expected.items() if key[2]})
    assert has_line == +found


def test_symbols_may_come_later_and_give_the_same_answer(project: Project, corpus: Path) -> None:
    content = trace([(SOFTOKN.leaf(DEEP), CPPCON.caller(LAST_CALL - 1))])
    project.record(content, "--symbols", corpus)
    named = project.stacks()
    project.record(content, "--no-symbols")
    run_id = project.ask(f"select run_id from run where {NEWEST}")
    assert [f"CppCon.exe!{UNRESOLVED};softokn3.dll!{UNRESOLVED}"] == project.stacks()

    ran = project.run("symbolicate", run_id[0][0], "--symbols", corpus)

    assert 0 == ran.code
    assert named == project.stacks()
    assert run_id == project.ask(f"select run_id from run where {NEWEST}")


def test_templates_may_be_folded(project: Project, corpus: Path) -> None:
    content = trace([(CPPCON.leaf(0x1082),)])
    project.record(content, "--symbols", corpus, "--templates", "keep")
    kept = project.functions()

    project.record(content, "--symbols", corpus, "--templates", "fold")

    assert any("char_traits<char>" in name for name in kept)
    assert not any("char_traits" in name for name in project.functions())
    assert len(kept) == len(project.functions())


# The wrong file


def test_a_wrong_age_or_guid_is_refused_and_both_ids_are_told(project: Project, corpus: Path) -> None:
    """The third image names the age that softokn3.pdb got from a tool after it was linked: that is not its id."""
    with PDB.open(str(corpus / "softokn3.pdb")) as opened:
        counted = opened.info().age
        assert counted != opened.dbi.age
    guid, other = CPPCON.debug_id[:32], "0123456789ABCDEF0123456789ABCDEF"
    images = [
        replace(CPPCON, debug_id=f"{guid}6", path="C:\\app\\newer.exe"),
        replace(CPPCON, debug_id=f"{other}5", path="C:\\app\\other.exe", base=BASE + 0x300_0000),
        replace(SOFTOKN, debug_id=f"{SOFTOKN.debug_id[:32]}{counted:x}"),
    ]

    ran = project.record(last_calls(images), "--symbols", corpus)

    assert 0 == ran.code
    assert {UNRESOLVED} == project.functions()
    assert {"newer.exe": "mismatch", "other.exe": "mismatch", "softokn3.dll": "mismatch"} == project.states()
    texts = {text.partition(":")[0]: text for code, text in project.caveats() if code == "symbol-mismatch"}
    for module, wanted in (("newer.exe", f"guid {guid}, age 6"), ("other.exe", f"guid {other}, age 5")):
        assert f"guid {guid}, age 5" in texts[module]
        assert wanted in texts[module]


def test_the_pdb_of_another_program_is_not_taken_for_its_name(project: Project, corpus: Path) -> None:
    shutil.copy(corpus / "softokn3.pdb", project.symbols / "CppCon.pdb")

    project.record(last_calls([CPPCON]))

    assert {UNRESOLVED} == project.functions()
    assert {"CppCon.exe": "mismatch"} == project.states()
    assert SOFTOKN.debug_id[:32] in dict(project.caveats())["symbol-mismatch"]


def several(names: Iterable[str]) -> list[ImageSpec]:
    """Images of modules 0.exe, 1.exe and so on that all name CppCon.exe's PDB, by these names."""
    return [
        replace(CPPCON, base=BASE + at * 0x100_0000, path=f"C:\\app\\{at}.exe", pdb_name=name)
        for at, name in enumerate(names)
    ]


def test_damaged_pdbs_give_no_names_and_a_caveat_each(project: Project, corpus: Path) -> None:
    good = (corpus / "CppCon.pdb").read_bytes()
    damaged = {
        "empty.pdb": b"",
        "text.pdb": b"no PDB at all, but some text",
        "half.pdb": good[: len(good) // 2],
        "superblock.pdb": good[:56],
        "nameless.pdb": with_stream(good, PDB_STREAM, lambda _: None),
        "debug.pdb": with_stream(good, DEBUG_STREAM, lambda whole: whole[:40]),
    }
    for name, content in damaged.items():
        (project.symbols / name).write_bytes(content)

    ran = project.record(last_calls(several(damaged)))

    assert 0 == ran.code
    assert {UNRESOLVED} == project.functions()
    assert {f"{at}.exe": "unreadable" for at in range(len(damaged))} == project.states()
    texts = [text for code, text in project.caveats() if code == "symbol-unreadable"]
    assert all(
        any(text.startswith(f"{at}.exe: ") and name in text for text in texts) for at, name in enumerate(damaged)
    )


def test_a_path_in_a_trace_does_not_lead_out_of_the_symbol_folder(project: Project, corpus: Path) -> None:
    """The right file lies where the names would lead to: only a folder that was named may give it."""
    inner = project.symbols / "a" / "b"
    inner.mkdir(parents=True)
    images = several(["..\\..\\CppCon.pdb", "../../CppCon.pdb", "../x/CppCon.pdb", "x\\..\\..\\CppCon.pdb"])
    for folder in (project.symbols, project.symbols / "a", project.symbols / "a" / "x", inner / "x"):
        folder.mkdir(exist_ok=True)
    for folder in (project.symbols, project.symbols / "a", project.symbols / "a" / "x"):
        shutil.copy(corpus / "CppCon.pdb", folder)

    outside = project.record(last_calls(images), "--symbols", inner)

    assert 0 == outside.code
    assert {UNRESOLVED} == project.functions()
    assert {"absent"} == set(project.states().values())
    shutil.copy(corpus / "CppCon.pdb", inner)
    project.record(last_calls(images), "--symbols", inner)
    assert {"__raise_securityfailure"} == project.functions()


def test_names_that_no_file_can_have_are_refused(project: Project, corpus: Path) -> None:
    names = ["..", "C:\\", "a\\..", "CppCon.pdb\\", "aux.pdb", "a:b.pdb", "x" * 300 + ".pdb", " ", "CppCon.pdb."]

    ran = project.record(last_calls(several(names)), "--symbols", corpus)

    assert 0 == ran.code
    assert {UNRESOLVED} == project.functions()
    assert {"absent"} == set(project.states().values())
    refused = [text for code, text in project.caveats() if code == "symbol-refused"]
    assert len(names) == len(refused)
