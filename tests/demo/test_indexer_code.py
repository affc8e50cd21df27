"""The demo's program: its traces fall into the functions of the PDBs that a build leaves."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from purepdb import PDB

from perfdb.demo.etl_writer import write_etl
from perfdb.demo.indexer import ARROW_PATH, BULK_INSERT, CALL_PATHS, PID, SAMPLES, trace_of_run
from perfdb.demo.indexer_code import ARROW, KUZU, MODULES, OWN_MODULES, PROGRAM, UCRT, build_pdb
from perfdb.demo.pdb_writer import write_pdb
from perfdb.demo.story import SETTINGS, make_symbols
from perfdb.etl import read_etl
from perfdb.profile.columns import Profile, Source
from tests.symbols.oracle import Symbols

BRANCHES = ("main", BULK_INSERT)


def profile_of(example: str, branch: str) -> Profile:
    data = write_etl(trace_of_run(example, branch, datetime(2026, 3, 2, tzinfo=UTC), 1))
    return read_etl(memoryview(data), Source("etl", "made.etl", ""))


def leaf_functions(profile: Profile, branch: str) -> Counter[tuple[str, str]]:
    """The program's samples by module and innermost function, "" where there is none."""
    symbols = {build_pdb(module, branch).debug_id: Symbols(write_pdb(build_pdb(module, branch))) for module in MODULES}
    found: Counter[tuple[str, str]] = Counter()
    pid = [process.pid for process in profile.processes]
    for stack, process in zip(profile.samples.stack.tolist(), profile.samples.process.tolist(), strict=True):
        frame = profile.stacks.frame[stack]
        loaded = profile.loaded[profile.frames.loaded[frame]]
        if pid[process] == PID:
            at = symbols[loaded.debug_id].look_up(int(profile.frames.rva[frame])) if loaded.debug_id in symbols else []
            found[profile.modules[loaded.module], at[0].name if at else ""] += 1
    return found


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("example", SAMPLES)
def test_every_frame_of_a_module_with_symbols_lies_in_a_function(example: str, branch: str) -> None:
    profile = profile_of(example, branch)

    ranges = {
        build_pdb(module, branch).debug_id: [
            range(function.rva, function.rva + function.size)
            for of in build_pdb(module, branch).objects
            for function in of.functions
        ]
        for module in MODULES
    }
    for loaded, rva in zip(profile.frames.loaded.tolist(), profile.frames.rva.tolist(), strict=True):
        of = profile.loaded[loaded]
        is_resolved = any(rva in functions for functions in ranges.get(of.debug_id, ()))
        assert is_resolved == (profile.modules[of.module] in MODULES)


def test_the_planted_regression_is_one_function_and_arrow_is_new() -> None:
    before, after = (leaf_functions(profile_of("templates", branch), branch) for branch in BRANCHES)

    assert ["strtod"] == [function for module, function in before if module == UCRT]
    assert 1.65 < after[UCRT, "strtod"] / before[UCRT, "strtod"] < 1.95
    assert ARROW not in {module for module, _ in before}
    assert {"arrow::NumericBuilder<arrow::Int64Type>::AppendValues", "arrow::ArrayBuilder::Resize"} == {
        function for module, function in after if module == ARROW
    }


def test_inlined_functions_and_lambdas_have_samples_and_windows_has_no_names() -> None:
    found = leaf_functions(profile_of("templates", "main"), "main")

    assert 0 < found[KUZU, "std::vector<int,std::allocator<int> >::push_back"]
    assert 0 < found[KUZU, "std::construct_at<int>"]
    assert 0 < found[PROGRAM, "indexer::Session::run::__l2::<lambda_1>::operator()"]
    assert 0 < found[PROGRAM, "indexer::Indexer::visitTemplate"]
    assert {"ntdll.dll", "ntoskrnl.exe", "KernelBase.dll"} == {module for module, function in found if not function}


def test_each_branch_builds_its_own_modules_anew() -> None:
    ids = {module: [build_pdb(module, branch).debug_id for branch in BRANCHES] for module in MODULES}

    assert set(OWN_MODULES) == {module for module, (main, branch) in ids.items() if main != branch}
    moved = [build_pdb(KUZU, branch).objects[0].functions[0] for branch in BRANCHES]
    assert moved[0].name == moved[1].name
    assert moved[0].rva != moved[1].rva


def test_every_function_that_a_call_path_names_is_in_its_module() -> None:
    for path in (*CALL_PATHS, ARROW_PATH):
        for frame in path.frames:
            known = {code.name for codes in MODULES.get(frame.module, {}).values() for code in codes}
            assert {name for name in frame.functions if not name.startswith("(")} <= known
            assert bool(frame.functions) == bool(known)


@pytest.mark.parametrize("module", MODULES)
def test_the_pdbs_of_a_build_are_sound(module: str) -> None:
    pdb = PDB.from_bytes(write_pdb(build_pdb(module, "main")))

    assert [] == pdb.diagnose().warnings
    assert {code.name for codes in MODULES[module].values() for code in codes} == {f.name for f in pdb.functions()}


def test_the_demo_folder_has_the_pdbs_and_says_so_in_its_settings(tmp_path: Path) -> None:
    for branch in BRANCHES:
        make_symbols(tmp_path, branch)

    ucrt = build_pdb(UCRT, "main").debug_id.upper()
    assert (tmp_path / "build" / "main" / "indexer.pdb").is_file()
    assert (tmp_path / "build" / BULK_INSERT / "kuzu_shared.pdb").is_file()
    assert (tmp_path / "symbols" / "ucrtbase.pdb" / ucrt / "ucrtbase.pdb").is_file()
    assert 'path = ["build", "srv*symbols"]' in SETTINGS
