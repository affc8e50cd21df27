"""`perfdb export`: whose stacks, of which runs, and where they go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfdb import store
from perfdb.api.export import FORMATS
from perfdb.profile import Caveat, Process, Source
from perfdb.profile.builder import About, Names, modules_of, summed_profile
from perfdb.profile.columns import NOT_KNOWN
from tests.cli.conftest import Run
from tests.conftest import CHECKOUT
from tests.report import firefox_file, speedscope_file
from tests.store.conftest import NEW, OLD, small_history
from tests.store.profiles import MS, new_run, profile

MAIN_OF_OLD = """\
ntdll.dll!start;app.exe!main;app.exe!parse;app.exe!parse 2
ntdll.dll!start;app.exe!main;kuzu.dll!<unresolved> 1
ntdll.dll!start;app.exe!main;kuzu.dll!insert 6
ntdll.dll!start;app.exe!main;kuzu.dll!insert;ntdll.dll!alloc 3
"""
OTHER_OF_OLD = "ntdll.dll!start;svchost.exe!serve 2\n"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of `small_history`'s runs, which is the history of the current folder, outside of any git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFDB_DB", str(tmp_path / "h.duckdb"))
    return small_history(tmp_path / "h.duckdb")


def add_leaf_run(commit_sha: str = OLD, example: str = "leaves") -> None:
    """Record a run of which only leaves are known."""
    names = Names()
    functions = {(0, names.function("app.exe", "main")): (3, NOT_KNOWN, 3 * MS, NOT_KNOWN)}
    about = About(Source("profile-detail", "a.txt", "1" * 64), MS)
    modules = modules_of(names, functions.items())
    told = summed_profile(about, [Process(1, "app.exe")], names, functions, modules, {}, "leaf")
    with store.opened_for_write(Path("h.duckdb")) as connection:
        store.write_run(connection, told, new_run(commit_sha, example))


def test_the_main_process_of_a_run(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("export", runs[0], "--as", "folded")

    assert (0, MAIN_OF_OLD, "") == (ran.code, ran.out, ran.err)


def test_every_process_has_a_frame_of_its_own(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("export", runs[0], "--as", "folded", "--all-processes")

    expected = [f"app.exe (100);{line}" for line in MAIN_OF_OLD.splitlines()]
    assert [*expected, f"svchost.exe (101);{OTHER_OF_OLD.strip()}"] == ran.out.splitlines()


@pytest.mark.parametrize("process", ["svchost", "SVCHOST.EXE", "101"])
def test_one_process(perfdb: Run, runs: list[str], process: str) -> None:
    assert OTHER_OF_OLD == perfdb("export", runs[0], "--as", "folded", "--process", process).out


def test_runs_of_a_revision_are_added_up_and_that_is_said(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("export", NEW[:8], "--as", "folded", "--example", "simple")

    assert "ntdll.dll!start;app.exe!main;kuzu.dll!bulk 12\n" in ran.out
    assert ["! added up the samples of 2 runs of simple", "! 1 of 2 runs: 3 events were lost"] == ran.err.splitlines()


def test_of_a_process_that_one_run_has_one_run_is_counted(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("export", OLD[:8], "--as", "folded", "--process", "svchost", "-o", "out.folded")

    assert (0, "wrote 1 stacks, 2 samples of 1 run, to out.folded\n") == (ran.code, ran.err)


VIEWERS = ("speedscope", "firefox")


def weights(text: str) -> dict[str, int]:
    """What each profile or thread of a file for a viewer weighs together, in ms, by its name; the file is checked."""
    if text.startswith('{"$schema"'):
        file = speedscope_file.checked_speedscope(text)
        return {profile["name"]: profile["endValue"] // MS for profile in file["profiles"]}
    return {
        thread["name"]: round(sum(thread["samples"]["weight"]))
        for thread in firefox_file.checked_firefox(text)["threads"]
    }


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_get_the_examples_of_a_revision_side_by_side(perfdb: Run, runs: list[str], viewer: str) -> None:
    ran = perfdb("export", NEW[:8], "--as", viewer)

    assert (0, {"simple, 2 runs added up": 45, "templates": 7}) == (ran.code, weights(ran.out))
    assert ["! added up the samples of 2 runs of simple", "! 1 of 3 runs: 3 events were lost"] == ran.err.splitlines()


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_get_each_process_by_name_and_pid(perfdb: Run, runs: list[str], viewer: str) -> None:
    everything = perfdb("export", runs[0], "--as", viewer, "--all-processes")
    one = perfdb("export", runs[0], "--as", viewer, "--process", "svchost")

    assert {"simple: app.exe (100)": 12, "simple: svchost.exe (101)": 2} == weights(everything.out)
    assert {"simple": 2} == weights(one.out)


@pytest.mark.parametrize("viewer", VIEWERS)
def test_names_of_strangers_are_data_for_viewers(perfdb: Run, runs: list[str], viewer: str) -> None:
    odd = '</script><img src=x onerror=alert(1)>"\u202e\n\0' + "x" * 4_000
    with store.opened_for_write(Path("h.duckdb")) as connection:
        run_id = store.write_run(connection, profile({"app.exe": ((f"app.exe!{odd}", 4),)}), new_run(example="odd"))

    ran = perfdb("export", run_id, "--as", viewer, "-o", "out.json")

    text = Path("out.json").read_text(encoding="ascii")
    assert (0, {"odd": 4}) == (ran.code, weights(text))
    assert json.dumps(odd) in text
    assert "wrote 1 stacks, 4 samples of 1 run, to out.json\n" == ran.err


@pytest.mark.parametrize("viewer", VIEWERS)
def test_viewers_get_a_real_trace_to_the_last_sample(
    perfdb: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, viewer: str
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "real.duckdb"
    assert perfdb("--db", database, "record", corpus / "dotnet-gc-x64.etl.zip", "--commit", "c1").code == 0

    main = weights(perfdb("--db", database, "export", "c1", "--as", viewer).out)
    everything = weights(perfdb("--db", database, "export", "c1", "--as", viewer, "--all-processes").out)

    with store.opened_for_read(database) as connection:
        [run] = store.runs(connection)
        processes = store.processes(connection, [run.run_id])
    assert {run.example: run.cpu_ns // MS} == main
    assert {
        f"{run.example}: {process.name} ({process.pid})": process.weight_ns // MS
        for process in processes
        if process.samples
    } == everything


def test_the_newest_commit_by_default(perfdb: Run, runs: list[str]) -> None:
    assert perfdb("export", NEW[:8], "--as", "folded").out == perfdb("export", "--as", "folded").out != ""


def test_different_intervals_are_said(perfdb: Run, runs: list[str]) -> None:
    fast = replace(profile({"app.exe": (("app.exe!main", 4),)}), interval_ns=MS // 8)
    with store.opened_for_write(Path("h.duckdb")) as connection:
        store.write_run(connection, fast, new_run(OLD, is_dirty=True))
        store.write_run(connection, fast, new_run(OLD, "fresh", is_dirty=True))

    ran = perfdb("export", OLD[:8], "--as", "folded")

    assert "! different sampling intervals (0.125 ms, 1 ms): a sample of one run is not worth one of another" in ran.err
    assert "! 1 of 3 runs: uncommitted changes in the tree" in ran.err


def test_the_options_narrow_the_runs(perfdb: Run, runs: list[str]) -> None:
    ran = perfdb("export", OLD[:8], "--as", "folded", "--build", "Debug")

    assert (4, "") == (ran.code, ran.out)
    assert "none of build Debug" in ran.err


@pytest.mark.parametrize("name", FORMATS)
def test_runs_without_stacks_have_nothing_to_export(perfdb: Run, runs: list[str], name: str) -> None:
    add_leaf_run()

    ran = perfdb("export", OLD[:8], "--as", name, "--example", "leaves", "-o", "out.folded")

    assert (4, "") == (ran.code, ran.out)
    assert "found that its source told none (detail leaf)" in ran.err
    assert not Path("out.folded").exists()


def test_runs_without_stacks_are_left_out_beside_others(perfdb: Run, runs: list[str]) -> None:
    add_leaf_run(example="simple")

    ran = perfdb("export", OLD[:8], "--as", "folded", "--example", "simple")

    assert (0, MAIN_OF_OLD) == (ran.code, ran.out)
    assert "! 1 of 2 runs have no stacks and were left out\n" == ran.err


@pytest.mark.parametrize("name", FORMATS)
def test_a_process_that_is_not_there(perfdb: Run, runs: list[str], name: str) -> None:
    ran = perfdb("export", runs[0], "--as", name, "--process", "nobody")

    assert (3, "") == (ran.code, ran.out)
    assert "The busiest are app.exe, svchost.exe" in ran.err


@pytest.mark.parametrize("name", FORMATS)
def test_a_main_process_without_samples_is_too_little(perfdb: Run, runs: list[str], name: str) -> None:
    idler = profile({"app.exe": (), "other.exe": (("other.exe!f", 1),)}, source="idle.etl")
    with store.opened_for_write(Path("h.duckdb")) as connection:
        run_id = store.write_run(connection, idler, new_run(OLD, "idle"))

    ran = perfdb("export", run_id, "--as", name)

    assert (4, "") == (ran.code, ran.out)
    assert "found no sample of it" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--as"),
        (("--as", "gif"), "folded"),
        (("--as", "folded", "--process", "a", "--all-processes"), "--process or --all-processes"),
    ],
)
def test_wrong_usage(perfdb: Run, runs: list[str], words: tuple[str, ...], message: str) -> None:
    ran = perfdb("export", runs[0], *words)

    assert (2, "") == (ran.code, ran.out)
    assert message in ran.err


def test_a_file_is_written_whole_and_replaced_only_by_force(perfdb: Run, runs: list[str]) -> None:
    words = ("export", runs[0], "--as", "folded", "-o", "out.folded")
    first = perfdb(*words)
    Path("out.folded").write_text("mine")
    refused = perfdb(*words)
    kept = Path("out.folded").read_text()
    forced = perfdb(*words, "--force")

    assert (0, "", "wrote 4 stacks, 12 samples of 1 run, to out.folded\n") == (first.code, first.out, first.err)
    assert (3, "mine") == (refused.code, kept)
    assert "--force" in refused.err
    assert (0, MAIN_OF_OLD.encode()) == (forced.code, Path("out.folded").read_bytes())
    assert ["h.duckdb", "out.folded"] == sorted(path.name for path in Path().iterdir())


def run_process(run_id: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": "ascii"}
    words = [sys.executable, "-m", "perfdb", "export", run_id, "--as", "folded"]
    return subprocess.run(words, env=environment, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_what_is_piped_is_what_a_file_holds(runs: list[str]) -> None:
    odd = profile({"app.exe": (("app.exe!caf\u00e9 \u4e2d", 4),)}, caveats=(Caveat("x", "half of it"),))
    with store.opened_for_write(Path("h.duckdb")) as connection:
        run_id = store.write_run(connection, odd, new_run())

    ran = run_process(run_id, capture_output=True)

    assert (0, "app.exe!café 中 4\n".encode(), b"! half of it") == (ran.returncode, ran.stdout, ran.stderr.strip())


@pytest.mark.skipif(os.name == "nt", reason="pipes of Windows do not break")
def test_a_reader_that_goes_away_is_no_error(runs: list[str]) -> None:
    rng = np.random.default_rng(1)
    many = [(f"app.exe!main;app.exe!{'x' * 100}{number}", 1) for number in rng.permutation(2_000).tolist()]
    with store.opened_for_write(Path("h.duckdb")) as connection:
        run_id = store.write_run(connection, profile({"app.exe": many}), new_run())
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    program = subprocess.Popen(
        [sys.executable, "-m", "perfdb", "export", run_id, "--as", "folded"],
        env={**environment, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()

    assert b"" == program.stderr.read()
    assert 141 == program.wait()
    program.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_takes_nothing_is_said(runs: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run_process(runs[0], stdout=full, stderr=subprocess.PIPE)

    assert 3 == ran.returncode
    assert b"No space left" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_real_trace_is_exported_and_counted(
    perfdb: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "real.duckdb"
    trace = corpus / "dotnet-gc-x64.etl.zip"
    assert perfdb("--db", database, "record", trace, "--commit", "c1", "--example", "gc").code == 0

    main = perfdb("--db", database, "export", "c1", "--as", "folded").out
    everything = perfdb("--db", database, "export", "c1", "--as", "folded", "--all-processes").out

    counts = [int(line.rpartition(" ")[2]) for line in everything.splitlines()]
    with store.opened_for_read(database) as connection:
        [run] = store.runs(connection)
    assert run.sample_count - run.idle_count == sum(counts)
    assert run.samples == sum(int(line.rpartition(" ")[2]) for line in main.splitlines())
    own = f"{run.process} ({run.main_pid});"
    assert main.splitlines() == [line.removeprefix(own) for line in everything.splitlines() if line.startswith(own)]
