"""Stacks out of the history: which tracks they make, and as folded text back into it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfdb import store
from perfdb.api.export import FORMATS
from perfdb.api.tracks import tracks_of_runs
from perfdb.cli.export import As
from perfdb.compare import Scope
from perfdb.errors import DatabaseError
from perfdb.profile import Process, Profile, Source
from perfdb.profile.builder import About, Names, StackedSamples, stacked_profile
from perfdb.profile.folded_text import spell_frame, spell_process
from perfdb.readers.folded import FOLDED
from perfdb.readers.symbol_text import split_symbol
from perfdb.report.folded import folded_text
from perfdb.report.tracks import Tracks
from tests.readers.reading import read_as
from tests.readers.test_folded import stacks
from tests.store.conftest import NEW, OLD, small_history
from tests.store.profiles import MS, new_run, profile

Path_ = Sequence[tuple[str, str]]
"""(module, function), root first."""


def named_profile(work: Sequence[tuple[Process, Path_, int]]) -> Profile:
    """A profile of stacks, each with its process and its samples of 1 ms."""
    names, samples = Names(), StackedSamples()
    processes = list(dict.fromkeys(process for process, _, _ in work))
    for process, path, count in work:
        rows = [names.function(*frame) for frame in path]
        samples.add(rows, process=processes.index(process), count=count, weight_ns=count * MS)
    return stacked_profile(About(Source("folded", "a.folded", "0" * 64), MS), processes, names, samples)


EVERYTHING = Scope(all_processes=True)


def tracks_of(connection: store.Connection, run_ids: Sequence[str], scope: Scope) -> Tracks:
    return tracks_of_runs(connection, "them", store.runs(connection, run_ids=run_ids), scope)


def exported(connection: store.Connection, profile: Profile, with_process: bool) -> str:
    """All processes of a profile as folded text, by way of the history."""
    run_id = store.write_run(connection, profile, new_run())
    return folded_text(replace(tracks_of(connection, [run_id], EVERYTHING), by_process=with_process))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[store.Connection]:
    with store.opened_for_write(tmp_path / "perfdb.duckdb") as opened:
        yield opened


@pytest.fixture
def history(connection: store.Connection, tmp_path: Path) -> Path:
    connection.close()
    small_history(tmp_path / "small.duckdb")
    return tmp_path / "small.duckdb"


def test_the_command_line_knows_all_formats() -> None:
    assert list(FORMATS) == [each.value for each in As]


def test_the_stacks_of_a_run(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        newest, older = (run.run_id for run in store.runs(connection, commit_shas=[NEW], examples=["simple"]))
        one = tracks_of(connection, [older], Scope())
        both = tracks_of(connection, [newest, older], Scope())

    lines = {
        "ntdll.dll!start;app.exe!main;app.exe!parse;app.exe!parse": 2,
        "ntdll.dll!start;app.exe!main;kuzu.dll!<unresolved>": 1,
        "ntdll.dll!start;app.exe!main;kuzu.dll!bulk": 4,
        "ntdll.dll!start;app.exe!main;kuzu.dll!insert": 5,
        "ntdll.dll!start;app.exe!main;kuzu.dll!insert;ntdll.dll!alloc": 3,
    }
    assert "".join(f"{path} {count}\n" for path, count in lines.items()) == folded_text(one)
    assert "".join(f"{path} {3 * count}\n" for path, count in lines.items()) == folded_text(both)
    assert [("simple", "app.exe", (100,), (older, newest))] == [
        (track.example, track.process, track.pids, track.run_ids) for track in both.tracks
    ]


def test_the_tree_is_in_preorder_the_heaviest_first(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        [run] = store.runs(connection, commit_shas=[OLD], examples=["simple"])
        tree = tracks_of(connection, [run.run_id], Scope()).tree

    named = [f"{tree.module[row]}!{tree.name[row]}" for row in tree.function.tolist()]
    assert [
        ("ntdll.dll!start", -1, 1),
        ("app.exe!main", 0, 2),
        ("kuzu.dll!insert", 1, 3),
        ("ntdll.dll!alloc", 2, 4),
        ("app.exe!parse", 1, 3),
        ("app.exe!parse", 4, 4),
        ("kuzu.dll!<unresolved>", 1, 3),
    ] == list(zip(named, tree.parent.tolist(), tree.depth.tolist(), strict=True))


def test_examples_have_tracks_of_their_own_and_so_have_processes_if_asked_for(history: Path) -> None:
    with store.opened_for_read(history) as connection:
        ids = [run.run_id for run in store.runs(connection, commit_shas=[OLD])]

        def told(scope: Scope) -> list[tuple[str, str, tuple[int, ...], int, int]]:
            tracks = tracks_of(connection, ids, scope).tracks
            return [
                (track.example, track.process, track.pids, int(track.samples.sum()), int(track.weight_ns.sum()))
                for track in tracks
            ]

        main, everything, one = (told(scope) for scope in (Scope(), EVERYTHING, Scope(process="svchost")))

    simple, other = ("simple", "app.exe", (100,), 12, 12 * MS), ("simple", "svchost.exe", (101,), 2, 2 * MS)
    templates = ("templates", "app.exe", (100,), 7, 7 * MS)
    assert [simple, templates] == main
    assert [simple, other, templates] == everything
    assert [other] == one


def test_a_process_that_is_one_in_each_run_is_added_up_whatever_its_pid(connection: store.Connection) -> None:
    work = {"app.exe": [("app.exe!main", 3)]}
    ids = [
        store.write_run(connection, profile(work, processes=[Process(pid, "app.exe")]), new_run()) for pid in (8, 7, 8)
    ]

    [main] = tracks_of(connection, ids, Scope()).tracks
    apart = tracks_of(connection, ids, EVERYTHING).tracks

    assert (9, {7, 8}, 3) == (int(main.samples.sum()), set(main.pids), len(main.run_ids))
    assert [((8,), 6, 2), ((7,), 3, 1)] == [
        (track.pids, int(track.samples.sum()), len(track.run_ids)) for track in apart
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from stack where depth = 2",
        "delete from function where name = 'main'",
        "update stack set depth = 7 where depth = 3",
    ],
)
def test_a_history_that_does_not_hold_together_is_refused(history: Path, statement: str) -> None:
    with store.opened_for_write(history) as connection:
        connection.execute(statement)
        oldest = store.runs(connection)[-1].run_id

        with pytest.raises(DatabaseError, match="does not hold together.*perfdb db check"):
            tracks_of(connection, [oldest], Scope())


def test_threads_and_pids_that_come_again_are_added_up(connection: store.Connection) -> None:
    path = [("app.exe", "main")]
    first, again = Process(7, "app.exe"), Process(7, "app.exe", incarnation=1)
    profile = named_profile([(first, path, 2), (again, path, 3), (Process(8, "app.exe"), path, 4)])

    assert "app.exe (7);app.exe!main 5\napp.exe (8);app.exe!main 4\n" == exported(connection, profile, True)


ODD = {
    ("app.exe", "Foo<A, 0>::bar"): "app.exe!Foo<A, 0>::bar",
    ("app.exe", "f" * 4_000): "app.exe!" + "f" * 4_000,
    ("app.exe", "a;b\r\nc\td"): "app.exe!a:b  c d",
    ("app.exe", " padded "): "app.exe!padded",
    ("app.exe", "lambda 2"): "app.exe!lambda 2",
    ("app.exe", 'say "hi"'): 'app.exe!say "hi"',
    ("app.exe", "\u202eevil\u200f"): "app.exe!\u202eevil\u200f",
    ("app.exe", "nul\0"): "app.exe!nul",
    ("app.exe", "<unresolved>"): "app.exe!<unresolved>",
    ("o;d!d.dll", "f!g"): "o:d_d.dll!f!g",
    ("<unknown>", "<unresolved>"): "[unknown]",
    ("<unknown>", "main"): "main",
    ("<unknown>", "operator!=(A, B)"): "operator!=(A, B)",
    ("<unknown>", "f!g"): "<unknown>!f!g",
    ("<unknown>", "[odd]"): "<unknown>![odd]",
    ("<unknown>", "x (3)"): "<unknown>!x (3)",
    ("<unknown>", "[GC Thread]"): "[GC Thread]",
    ("", ""): "[unknown]",
}


@pytest.mark.parametrize("names", ODD)
def test_an_odd_name_comes_out_in_one_line_and_back(connection: store.Connection, names: tuple[str, str]) -> None:
    text = exported(connection, named_profile([(Process(1, "a.exe"), [names], 3)]), False)
    again = exported(connection, read_as(FOLDED, text.encode()), False)

    assert f"{ODD[names]} 3\n" == text
    assert text == again


def test_a_file_of_the_flame_graph_world_comes_out_as_it_went_in(connection: store.Connection) -> None:
    text = (
        "java;Foo::bar;std::operator!=(A const&, B);memcpy_[k] 7\n"
        "java;[GC Thread];[unknown] 3\n"
        "swapper;do_idle_[k];Array#map! 12\n"
    )

    assert text == exported(connection, read_as(FOLDED, text.encode()), False)


def is_written_for_no_symbol(module: str, function: str) -> bool:
    """Whether a name, as it is exported, is one that tools write where they have none."""
    exported_as = spell_frame(module, "f").partition("!")[0] if module != "<unknown>" else "m"
    shown = spell_frame("m", function).partition("!")[2]
    return split_symbol(f"{exported_as}!{shown}") != (exported_as, shown) or exported_as.lower() == "unknown"


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x1e")  # that one the store keeps for itself
texts = st.text(st.sampled_from("ab09 ;!<>,:()[]_/\"'?\t\r\n\0\u202e\u200f\xa0\u2028é") | CHARACTERS, max_size=12)
functions = st.sampled_from(sorted({function for _, function in ODD})) | texts
modules = st.sampled_from(["<unknown>", "app.exe", "KERNEL32.dll", "[vdso]", "o;d!d (1)"]) | texts.map(str.lower)
frames = st.tuples(modules, functions).filter(lambda names: not is_written_for_no_symbol(*names))
processes = st.sampled_from([Process(-1, "<unknown>"), Process(7, "app.exe"), Process(8, "o;d!d (x86).exe")]) | (
    texts.map(lambda name: Process(9, name))
)
work = st.lists(st.tuples(processes, st.lists(frames, min_size=1, max_size=6), st.integers(1, 1 << 40)), max_size=8)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Connection]:
    """One history for all examples, which do not mind each other."""
    with store.opened_for_write(tmp_path_factory.mktemp("shared") / "perfdb.duckdb") as opened:
        yield opened


@settings(max_examples=15)
@given(with_process=st.booleans(), drawn=work)
def test_what_is_exported_is_read_again_as_the_same(
    shared: store.Connection, with_process: bool, drawn: list[tuple[Process, Path_, int]]
) -> None:
    plain = (Process(7, "app.exe"), [("app.exe", "main")], 1)
    once = {process.pid: process for process, _, _ in (plain, *drawn)}
    profile = named_profile([(once[process.pid], path, count) for process, path, count in (plain, *drawn)])
    expected: Counter[str] = Counter()
    for process, path, count in (plain, *drawn):
        owner = once[process.pid]
        first = [spell_process(owner.name, owner.pid)] if with_process else []
        expected[";".join(first + [spell_frame(*frame) for frame in path])] += count

    text = exported(shared, profile, with_process)
    read = read_as(FOLDED, text.encode())

    folded = {module.lower(): module for module in profile.modules}
    assert len(folded) == len(profile.modules)
    assert sorted(expected.items()) == [(line[1], int(line[2])) for line in re.findall(r"(?m)^((.+) (\d+))$", text)]
    assert all(re.fullmatch(r"(.+) (\d+)", line) for line in text.removesuffix("\n").split("\n"))
    assert text == exported(shared, read, with_process)
    assert len(expected) == len(stacks(read))
    assert sum(expected.values()) == read.sample_count
