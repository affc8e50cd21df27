"""Symbols as a user meets them: the symbol path, names that come later, what is wanted, and what goes wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import perfdb as perfdb_package
from perfdb.demo.etl_spec import ImageSpec, ProcessSpec, SampleColumns, SampleSpec, ThreadSpec, TraceSpec
from perfdb.demo.etl_writer import write_etl
from perfdb.demo.pdb_spec import CodeSpec, FunctionSpec, InlineSpec, LineSpec, ObjectSpec, PdbSpec
from perfdb.demo.pdb_writer import write_pdb
from perfdb.units import NS_PER_MS
from tests.cli.conftest import Run
from tests.conftest import GitRepo
from tests.symbols.servers import serving

PID, TID = 100, 101
APP = PdbSpec(
    guid="0123456789abcdef0123456789abcdef",
    age=10,
    objects=(
        ObjectSpec(
            "main.obj",
            (
                FunctionSpec("main", 0x1000, 0x40, "main.cpp", (LineSpec(0, 3), LineSpec(0x10, 4))),
                FunctionSpec(
                    "Table<int>::insert",
                    0x1040,
                    0x40,
                    "table.h",
                    (LineSpec(0, 10), LineSpec(0x20, 12)),
                    (InlineSpec("grow", "table.h", 30, (CodeSpec(0x20, 0x10, 31),), owner="Table<int>"),),
                ),
            ),
        ),
    ),
)
IMAGE = ImageSpec(PID, 0x7FF6_0000_0000, 0x80_0000, "C:\\build\\app.exe", APP.debug_id.upper(), "C:\\build\\app.pdb")
SYSTEM = ImageSpec(PID, 0x7FF7_0000_0000, 0x80_0000, "C:\\Windows\\ntdll.dll", "F" * 32 + "1", "ntdll.pdb")


def trace(work: int) -> bytes:
    """`main` calls `insert`, into which `grow` is inlined, for some ms, and is called by ntdll.dll."""
    stack = (IMAGE.leaf(0x1065), IMAGE.caller(0x1012), SYSTEM.caller(0x5000))
    samples = [SampleSpec((at + 1) * NS_PER_MS, TID, user=stack) for at in range(work)]
    return write_etl(
        TraceSpec(
            processes=(ProcessSpec(PID, "app.exe"),),
            threads=(ThreadSpec(TID, PID),),
            images=(IMAGE, SYSTEM),
            samples=SampleColumns.of(samples),
            duration_ns=(work + 2) * NS_PER_MS,
        )
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepo:
    """A repository with a trace in artifacts/ and a PDB in build/."""
    repo = GitRepo.create(tmp_path / "my project")
    repo.commit({".gitignore": "artifacts/\nbuild/\n"}, "First")
    (repo.path / "artifacts").mkdir()
    (repo.path / "artifacts" / "simple.etl").write_bytes(trace(5))
    (repo.path / "build" / "Release").mkdir(parents=True)
    (repo.path / "build" / "Release" / "app.pdb").write_bytes(write_pdb(APP))
    monkeypatch.chdir(repo.path)
    return repo


STACKS = "select stack, samples from stack_cost where run_id = (select max(run_id) from run) order by all"
NAMED = "ntdll.dll!<unresolved>;app.exe!main;app.exe!Table<int>::insert;app.exe!Table<int>::grow"
BARE = "ntdll.dll!<unresolved>;app.exe!<unresolved>;app.exe!<unresolved>"


def stacks(perfdb: Run) -> list[tuple[str, int]]:
    ran = perfdb("sql", "--format", "json", STACKS)
    assert ran.code == 0, ran.err
    return [tuple(row.values()) for row in json.loads(ran.out)]


def record(perfdb: Run, *words: str) -> str:
    ran = perfdb("record", "artifacts/simple.etl", "--again", *words)
    assert (0, False) == (ran.code, "error" in ran.err)
    return ran.out


WAYS = {
    "option": (lambda repo, monkeypatch: None, ("--symbols", "build")),
    "settings": (lambda repo, monkeypatch: (repo / "perfdb.toml").write_text('[symbols]\npath = "build"\n'), ()),
    "settings-list": (
        lambda repo, monkeypatch: (repo / "perfdb.toml").write_text('[symbols]\npath = ["gone", "build/Release"]\n'),
        (),
    ),
    "environment": (lambda repo, monkeypatch: monkeypatch.setenv("_NT_SYMBOL_PATH", "gone;build"), ()),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_symbol_path_has_several_homes(
    project: GitRepo, perfdb: Run, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, words = WAYS[way]
    prepare(project.path, monkeypatch)  # type: ignore[no-untyped-call]
    record(perfdb, *words)

    assert [(NAMED, 5)] == stacks(perfdb)


def test_settings_count_before_the_environment_and_options_before_both(
    project: GitRepo, perfdb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NT_SYMBOL_PATH", "build")
    (project.path / "perfdb.toml").write_text('[symbols]\npath = "gone"\n')
    record(perfdb)
    assert [(BARE, 5)] == stacks(perfdb)
    record(perfdb, "--symbols", "build")
    assert [(NAMED, 5)] == stacks(perfdb)


def test_an_environment_that_others_understand_is_no_failure(
    project: GitRepo, perfdb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NT_SYMBOL_PATH", "srv*;build")
    ran = perfdb("record", "artifacts/simple.etl")

    assert 0 == ran.code
    assert "_NT_SYMBOL_PATH: left out: symbol path 'srv*'" in ran.err
    assert [(NAMED, 5)] == stacks(perfdb)


def test_an_environment_of_which_nothing_can_be_used_is_told(
    project: GitRepo, perfdb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NT_SYMBOL_PATH", "srv*")
    ran = perfdb("record", "artifacts/simple.etl")

    assert 0 == ran.code
    assert "note: simple.etl: _NT_SYMBOL_PATH: left out: symbol path 'srv*'" in ran.err


def test_a_cache_of_the_environment_counts_for_the_servers_after_it(
    project: GitRepo, perfdb: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = project.path / "build" / "store"
    place = store / "sym" / "app.pdb" / APP.debug_id
    place.mkdir(parents=True)
    (project.path / "build" / "Release" / "app.pdb").rename(place / "app.pdb")
    with serving(store) as server:
        monkeypatch.setenv("_NT_SYMBOL_PATH", f"cache*near;srv*{server.url}/sym")
        record(perfdb)

    assert [(NAMED, 5)] == stacks(perfdb)
    assert (project.path / "near" / "app.pdb" / APP.debug_id / "app.pdb").is_file()
    assert not (project.path / "artifacts" / "symbols").exists()


def test_python_takes_paths(project: GitRepo, perfdb: Run) -> None:
    history = perfdb_package.open()
    history.record(Path("artifacts/simple.etl"), symbols=Path("build"))
    assert [(NAMED, 5)] == stacks(perfdb)
    (told,) = history.symbolicate("HEAD", symbols=[Path("build")], traces=[Path("artifacts/simple.etl")])
    assert ("resolved", 0.0) == (told.status, told.share_after)


def test_without_a_symbol_path_nothing_is_looked_for(project: GitRepo, perfdb: Run) -> None:
    out = record(perfdb)

    assert "100 % without symbols" in out
    assert [(BARE, 5)] == stacks(perfdb)
    assert not (project.path / "artifacts" / "symcache").exists()


def test_no_symbols_leaves_names_out_whatever_is_set(project: GitRepo, perfdb: Run) -> None:
    (project.path / "perfdb.toml").write_text('[symbols]\npath = "build"\n')
    record(perfdb, "--no-symbols")

    assert [(BARE, 5)] == stacks(perfdb)


WRONG: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no and yes": (("--no-symbols", "--symbols", "build"), 2, "asked for no symbols, and for some"),
    "no such folder": (("--symbols", "bild"), 3, "found no such folder. Check --symbols."),
    "a wrong protocol": (("--symbols", "srv*ftp://host/x"), 3, "symbol files do not come by ftp:"),
    "a wrong word": (("--templates", "fode"), 2, "'keep', 'fold'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_words_are_told(project: GitRepo, perfdb: Run, case: str) -> None:
    words, code, message = WRONG[case]
    ran = perfdb("record", "artifacts/simple.etl", *words)

    assert (code, "") == (ran.code, ran.out)
    assert message in ran.err
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()


SETTINGS = {
    "path = 3": 'path should be text in quotes, such as "build", or a list of such texts; found 3',
    'templates = "flat"': 'templates should be "keep" or "fold"; found \'flat\'',
    "timeout_s = 0": "timeout_s should be a number of seconds, more than 0",
    "pat = 'x'": "unknown key 'pat'. Did you mean 'path'?",
    "path = 'srv*'": "it names no server and no store",
}


@pytest.mark.parametrize("line", SETTINGS)
def test_wrong_settings_are_told(project: GitRepo, perfdb: Run, line: str) -> None:
    (project.path / "perfdb.toml").write_text(f"[symbols]\n{line}\n")
    ran = perfdb("record", "artifacts/simple.etl")

    assert 3 == ran.code
    assert SETTINGS[line] in ran.err


def test_managed_names_that_were_left_out_are_told(perfdb: Run, corpus: Path, tmp_path: Path) -> None:
    """A bare run and a named one of one commit are no mean of each other."""
    call = ("--db", tmp_path / "h.duckdb", "record", corpus / "dotnet-gc-x64.etl.zip", "--commit", "a" * 40, "--again")
    perfdb(*call)
    bare = perfdb(*call, "--no-symbols")
    text = "the names of managed code were left out (--no-symbols)"

    assert f"! {text}" in bare.out
    assert f"! 1 of 2 runs: {text}" in perfdb("--db", tmp_path / "h.duckdb", "show").out
    (run, _) = json.loads(perfdb("--db", tmp_path / "h.duckdb", "runs", "--format", "json").out)
    perfdb("--db", tmp_path / "h.duckdb", "symbolicate", run["run_id"])
    assert text not in perfdb("--db", tmp_path / "h.duckdb", "show").out


# Names that come later


def run_name(perfdb: Run) -> str:
    return str(json.loads(perfdb("runs", "--format", "json").out)[0]["run_id"])


TARGETS: dict[str, Callable[[str], str]] = {
    "revision": lambda run_id: "HEAD",
    "run": lambda run_id: f"r{run_id.replace('-', '')[-8:]}",
    "whole id": lambda run_id: run_id,
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_recorded_run_gets_its_names_and_stays_the_run(project: GitRepo, perfdb: Run, target: str) -> None:
    record(perfdb, "--tag", "k=v")
    before = json.loads(perfdb("runs", "--format", "json").out)
    (project.path / "artifacts" / "simple.etl").unlink()  # nobody needs it any more
    ran = perfdb("symbolicate", TARGETS[target](before[0]["run_id"]), "--symbols", "build")

    assert 0 == ran.code
    assert "5 samples  0 % without symbols, was 100 %" in ran.out
    assert (
        f"still wanted:\n  ntdll.pdb {'F' * 32}1  ntdll.dll: 0 samples (5 with it on the stack), not found" in ran.err
    )
    assert [(NAMED, 5)] == stacks(perfdb)
    after = json.loads(perfdb("runs", "--format", "json").out)
    assert [before[0] | {"unresolved_share": 0.0}] == after
    assert 0 == perfdb("db", "check").code


def test_names_may_be_made_anew_otherwise(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build", "--templates", "fold", "--json")

    (told,) = json.loads(ran.out)
    assert ("resolved", 0.0, 5) == (told["status"], told["share_after"], told["samples"])
    assert ["templates-folded"] == [caveat["code"] for caveat in told["caveats"]]
    assert [(NAMED.replace("<int>", "<>"), 5)] == stacks(perfdb)
    assert "! template arguments are folded" in perfdb("show").out
    perfdb("symbolicate", "HEAD", "--symbols", "build")  # leaves what was chosen
    assert [(NAMED.replace("<int>", "<>"), 5)] == stacks(perfdb)


def test_a_diff_of_folded_and_kept_names_says_so(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    project.commit({"a.txt": "x"}, "Second")
    record(perfdb, "--symbols", "build", "--templates", "fold")
    ran = perfdb("diff", "HEAD~1", "HEAD")

    assert "different ways with template arguments: baseline kept; contender folded" in ran.out


def test_runs_without_kept_addresses_need_their_trace(project: GitRepo, perfdb: Run) -> None:
    import duckdb

    record(perfdb)
    with duckdb.connect("artifacts/perfdb.duckdb") as connection:
        connection.execute("delete from run_profile")
    alone = perfdb("symbolicate", "HEAD", "--symbols", "build")
    (project.path / "artifacts" / "other.etl").write_bytes(trace(6))
    other = perfdb("symbolicate", "HEAD", "--symbols", "build", "--trace", "artifacts/other.etl")
    right = perfdb("symbolicate", "HEAD", "--symbols", "build", "--trace", "artifacts/simple.etl")

    assert (3, "") == (alone.code, alone.out)
    assert "none were kept when it was recorded. Give its trace: --trace simple.etl" in alone.err
    assert 3 == other.code
    assert "found that none of these runs was recorded from it, but from simple.etl" in other.err
    assert 0 == right.code
    assert [(NAMED, 5)] == stacks(perfdb)
    assert 0 == perfdb("symbolicate", "HEAD", "--symbols", "build").code  # the addresses are kept now


def test_damaged_addresses_are_told(project: GitRepo, perfdb: Run) -> None:
    import duckdb

    record(perfdb)
    with duckdb.connect("artifacts/perfdb.duckdb") as connection:
        connection.execute("update run_profile set content = 'abc'::blob")
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build")

    assert (3, "") == (ran.code, ran.out)
    assert "the kept addresses cannot be read" in ran.err
    assert "Give its trace: --trace simple.etl" in ran.err


def test_runs_of_names_have_no_addresses(project: GitRepo, perfdb: Run) -> None:
    (project.path / "artifacts" / "simple.folded").write_text("app!main;app!work 12\n")
    assert 0 == perfdb("record", "artifacts/simple.folded").code
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build")

    assert 3 == ran.code
    assert "tells no addresses, but the names that it has" in ran.err


NOTHING: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no path": (("HEAD",), 3, "found no symbol path: name one: --symbols DIR"),
    "no run": (("r00000000", "--symbols", "build"), 3, "asked for run r00000000, found no such run"),
    "no revision": (("nowhere", "--symbols", "build"), 3, "nowhere"),
    "no target": (("--symbols", "build"), 2, "RUN|REV…"),
    "no trace": (("HEAD", "--symbols", "build", "--trace", "gone.etl"), 3, "gone.etl"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_what_cannot_be_symbolicated_is_told(project: GitRepo, perfdb: Run, case: str) -> None:
    record(perfdb)
    words, code, message = NOTHING[case]
    ran = perfdb("symbolicate", *words)

    assert code == ran.code
    assert message in ran.err
    assert [(BARE, 5)] == stacks(perfdb)


def test_one_run_that_fails_does_not_stop_the_others(project: GitRepo, perfdb: Run) -> None:
    (project.path / "artifacts" / "folded.folded").write_text("app!main;app!work 12\n")
    assert 0 == perfdb("record", "artifacts/folded.folded").code
    record(perfdb)
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build")

    assert 3 == ran.code
    assert "1 of 2 runs could not be named; the others were." in ran.err
    assert [(NAMED, 5)] == stacks(perfdb)


def lose_the_pdb(project: GitRepo, perfdb: Run) -> None:
    """The PDB is gone, and so is what was kept of it on this machine."""
    (project.path / "build" / "Release" / "app.pdb").unlink()
    assert 0 == perfdb("db", "prune", "--symcache-days", "0").code


def test_a_run_keeps_its_names_where_the_file_is_not(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    lose_the_pdb(project, perfdb)
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build", "--templates", "fold")

    assert 0 == ran.code
    assert [(NAMED.replace("<int>", "<>"), 5)] == stacks(perfdb)
    without_path = perfdb("symbolicate", "HEAD", "--templates", "keep")
    assert 0 == without_path.code
    assert "! no symbol path is set: only what had a name" in without_path.out
    assert [(NAMED, 5)] == stacks(perfdb)
    assert 0 == perfdb("db", "check").code


@pytest.mark.parametrize("content", ["abc", "gone"])
def test_names_are_never_lost(project: GitRepo, perfdb: Run, content: str) -> None:
    import duckdb

    record(perfdb, "--symbols", "build")
    lose_the_pdb(project, perfdb)
    with duckdb.connect("artifacts/perfdb.duckdb") as connection:
        damage = "delete from run_symbols" if content == "gone" else "update run_symbols set content = 'abc'::blob"
        connection.execute(damage)
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build")

    assert (3, "") == (ran.code, ran.out)
    assert "found that app.exe would lose the names that the run has" in ran.err
    assert [(NAMED, 5)] == stacks(perfdb)


def test_runs_with_and_without_names_are_not_compared_silently(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    record(perfdb, "--no-symbols")
    project.commit({"a.txt": "x"}, "Second")
    record(perfdb, "--symbols", "build")
    text = "runs have no names for app.exe: its functions cannot be compared; perfdb symbolicate gives runs their names"

    assert f"! 1 of 2 {text}" in perfdb("show", "HEAD~1").out
    assert f"! 1 of 3 {text}" in perfdb("diff", "HEAD~1", "HEAD").out
    assert "have no names" not in perfdb("show", "HEAD").out
    data = json.loads(perfdb("show", "HEAD~1", "--format", "json").out)
    assert ["mixed-symbols"] == [each["code"] for each in data["examples"][0]["caveats"]]


def test_a_recorded_trace_is_led_to_symbolicate(project: GitRepo, perfdb: Run) -> None:
    record(perfdb)
    ran = perfdb("record", "artifacts/simple.etl", "--symbols", "build")

    assert "unchanged: this trace is recorded already" in ran.out
    assert f"perfdb symbolicate r{run_name(perfdb).replace('-', '')[-8:]} gives it names" in ran.out


def test_symbols_that_name_nothing_are_told(project: GitRepo, perfdb: Run) -> None:
    (project.path / "empty").mkdir()
    ran = perfdb("record", "artifacts/simple.etl", "--symbols", "empty")

    assert 0 == ran.code
    assert "note: simple.etl: none of 2 symbol files was found; perfdb show r" in ran.err


def test_a_folder_of_the_settings_that_is_not_there_is_told(project: GitRepo, perfdb: Run) -> None:
    (project.path / "perfdb.toml").write_text('[symbols]\npath = ["build", "gone"]\n')
    ran = perfdb("record", "artifacts/simple.etl")

    assert 0 == ran.code
    assert f"note: simple.etl: symbol path: found no folder {project.path / 'gone'}" in ran.err
    assert [(NAMED, 5)] == stacks(perfdb)


def test_the_sum_over_runs_is_still_wanted(project: GitRepo, perfdb: Run) -> None:
    record(perfdb)
    record(perfdb)
    ran = perfdb("symbolicate", "HEAD", "--symbols", "build")

    assert "ntdll.dll: 0 samples of 2 runs (10 with it on the stack), not found" in ran.err


# What is wanted, and what is kept


def test_wanted_symbols_are_told_with_name_and_id(project: GitRepo, perfdb: Run) -> None:
    record(perfdb)
    wanted = f"app.pdb {APP.debug_id}  app.exe: 5 samples (5 with it on the stack), not looked for"
    shown, doctor = perfdb("show"), perfdb("doctor")
    data = json.loads(perfdb("show", "--format", "json").out)["wanted_symbols"]
    query = perfdb("query", "wanted_symbols", "--format", "json")

    assert wanted in doctor.out
    assert f"perfdb symbolicate {project.git('rev-parse', 'HEAD')[:10]} --symbols DIR" in doctor.out
    (row,) = [line.split() for line in shown.out.splitlines() if line.startswith("app.pdb")]
    assert ["app.pdb", APP.debug_id, "app.exe", "5", "5", "not", "looked", "for"] == row
    assert "symbol path" in doctor.out
    assert ["app.exe", "ntdll.dll"] == [each["module"] for each in data]
    assert [("app.exe", "not looked for"), ("ntdll.dll", "not looked for")] == [
        (each["module"], each["symbols"]) for each in json.loads(query.out)
    ]
    record(perfdb, "--symbols", "build")
    project.commit({"a.txt": "x"}, "Second")
    record(perfdb, "--symbols", "build")
    assert "app.pdb" not in perfdb("show").out


def test_the_doctor_knows_the_symbol_path(project: GitRepo, perfdb: Run) -> None:
    (project.path / "perfdb.toml").write_text('[symbols]\npath = ["build", "gone"]\n')
    ran = perfdb("doctor", "--format", "json")
    found = {each["what"]: each for each in json.loads(ran.out)}

    assert "missing" == found["symbol path"]["state"]
    assert "not there: " in found["symbol path"]["advice"]
    (project.path / "gone").mkdir()
    found = {each["what"]: each for each in json.loads(perfdb("doctor", "--format", "json").out)}
    assert "ok" == found["symbol path"]["state"]


def test_symcaches_are_kept_and_pruned(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    kept = list((project.path / "artifacts" / "symcache").glob("*.symcache"))
    assert [f"{APP.debug_id}.symcache"] == [path.name for path in kept]
    (project.path / "build" / "Release" / "app.pdb").unlink()  # what was looked up is known without it
    record(perfdb, "--symbols", "build")
    assert [(NAMED, 5)] == stacks(perfdb)

    young, all_of_them = perfdb("db", "prune"), perfdb("db", "prune", "--symcache-days", "0")

    assert "symcache                 0 files" in young.out
    assert "symcache                 1 files" in all_of_them.out
    assert not kept[0].exists()
    assert [(NAMED, 5)] == stacks(perfdb)


def test_pruning_takes_out_what_names_left_behind(project: GitRepo, perfdb: Run) -> None:
    record(perfdb)
    perfdb("symbolicate", "HEAD", "--symbols", "build")
    ran = perfdb("db", "prune")

    assert 0 == ran.code
    assert "stack                    2 rows" in ran.out
    assert 0 == perfdb("db", "check").code
    assert [(NAMED, 5)] == stacks(perfdb)


def test_pruning_needs_a_history(project: GitRepo, perfdb: Run) -> None:
    with sqlite3.connect(project.path / "artifacts" / "perfdb.duckdb") as connection:
        connection.execute("create table t (x)")
    ran = perfdb("db", "prune")
    (project.path / "artifacts" / "perfdb.duckdb").unlink()

    assert 3 == ran.code
    assert 3 == perfdb("db", "prune").code
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()


def test_lines_are_asked_by_name(project: GitRepo, perfdb: Run) -> None:
    record(perfdb, "--symbols", "build")
    rows = json.loads(perfdb("query", "hot_lines", "--format", "json").out)

    assert [
        ("Table<int>::grow", "table.h", 31, True, 5.0, 5.0),
        ("Table<int>::insert", "table.h", 12, False, 0.0, 5.0),
        ("main", "main.cpp", 4, False, 0.0, 5.0),
    ] == [
        tuple(row[name] for name in ("function", "file", "line", "is_inlined", "exclusive_ms", "inclusive_ms"))
        for row in rows
    ]
