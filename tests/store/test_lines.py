"""Runs with symbols in the history: lines, names of symbol files, names that come later, and what is still wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perfdb import store
from perfdb.profile import Caveat, PlaceTable, Profile, SymbolName
from perfdb.profile.outcome import WantedSymbols
from perfdb.profile.pack import pack, unpack
from tests.store.profiles import indexer, new_run, profile

WORK = {
    "app.exe": (
        ("app.exe!main;app.exe!parse;app.exe!push", 4),
        ("app.exe!main;app.exe!parse", 3),
        ("app.exe!main;app.exe!parse;app.exe!parse", 2),
    ),
    "other.exe": (("app.exe!main", 1),),
}


def with_lines(read: Profile) -> Profile:
    """`main` is at main.cpp:3, `parse` at parse.cpp:10, and `push`, which was inlined, at vector:7."""
    places = {"main": (0, 3, False), "parse": (1, 10, False), "push": (2, 7, True)}
    rows = [places[read.functions.name[function]] for function in read.frames.function.tolist()]
    return replace(
        read,
        files=("main.cpp", "parse.cpp", "vector", "unused.h"),
        places=PlaceTable(
            np.array([row[0] for row in rows], np.int32),
            np.array([row[1] for row in rows], np.int32),
            np.array([row[2] for row in rows], np.bool_),
        ),
        symbol_names=tuple(
            SymbolName(row, symbol)
            for row, name in enumerate(read.functions.name)
            for symbol in {"parse": ("?parse@@YAXXZ", "?parse@@YAXXZ"), "push": ("push<int>",)}.get(name, ())
        ),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


LINES = "select process, is_main_process, function, is_inlined, file, line, exclusive_samples, inclusive_samples, "


def test_lines_cost_what_their_frames_cost(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        store.write_run(connection, with_lines(profile(WORK)), new_run())
        rows = connection.execute(f"{LINES} exclusive_ms, inclusive_ms from line_cost order by all").fetchall()

        assert [
            ("app.exe", True, "main", False, "main.cpp", 3, 0, 9, 0.0, 9.0),
            ("app.exe", True, "parse", False, "parse.cpp", 10, 5, 9, 5.0, 9.0),
            ("app.exe", True, "push", True, "vector", 7, 4, 4, 4.0, 4.0),
            ("other.exe", False, "main", False, "main.cpp", 3, 1, 1, 1.0, 1.0),
        ] == rows
        assert [] == store.check(connection)


def test_lines_that_are_not_known_are_no_rows(path: Path) -> None:
    read = with_lines(profile(WORK))
    assert read.places is not None
    places = replace(read.places, line=np.where(read.places.line == 3, 0, read.places.line).astype(np.int32))
    with store.opened_for_write(path) as connection:
        store.write_run(connection, replace(read, places=places), new_run())

        assert [("parse",), ("push",)] == connection.execute(
            "select distinct function from line_cost order by all"
        ).fetchall()
        assert [("parse.cpp",), ("vector",)] == connection.execute(
            "select path from source_file order by all"
        ).fetchall()


def test_names_of_the_symbol_file_are_kept_once(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        store.write_run(connection, with_lines(profile(WORK)), new_run())
        store.write_run(connection, with_lines(profile(WORK)), new_run("b" * 40))

        assert [("parse", "?parse@@YAXXZ"), ("push", "push<int>")] == connection.execute(
            "select name, symbol from function_symbol join function using (function_id) order by all"
        ).fetchall()


def test_hot_lines_are_per_run(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        store.write_run(connection, with_lines(profile(WORK)), new_run())
        store.write_run(connection, with_lines(profile({"app.exe": (("app.exe!main", 3),)})), new_run())
        query = store.load_query("hot_lines")
        rows = store.run_sql(connection, query.sql, query.bind({})).rows

    assert [
        ("simple", "app.exe", "parse", "parse.cpp", 10, False, 2, 2.5, 4.5),
        ("simple", "app.exe", "push", "vector", 7, True, 2, 2.0, 2.0),
        ("simple", "app.exe", "main", "main.cpp", 3, False, 2, 1.5, 6.0),
    ] == rows


RENAMED = {"insert": "kuzu::insert", "<unresolved>": "kuzu::scan"}


def renamed(read: Profile) -> Profile:
    names = tuple(RENAMED.get(name, name) for name in read.functions.name)
    loaded = tuple(replace(row, symbols="full" if "kuzu" in row.path else "absent") for row in read.loaded)
    functions = replace(read.functions, name=names)
    return replace(read, functions=functions, loaded=loaded, caveats=(Caveat("x", "found later"),))


def test_a_run_gets_its_names_later_and_is_the_same_run(path: Path) -> None:
    read = replace(indexer(), caveats=(Caveat("old", "said when recorded"),))
    with store.opened_for_write(path) as connection:
        run = new_run(tags={"k": "v"}, addresses=pack(read))
        run_id = store.write_run(connection, read, run)
        other = store.write_run(connection, read, new_run("b" * 40))
        before = {each.run_id: each for each in store.runs(connection)}
        kept = store.kept_addresses(connection, run_id)
        assert kept is not None
        store.rename_run(connection, run_id, renamed(unpack(kept)), 0)
        after = {each.run_id: each for each in store.runs(connection)}

        assert before[other] == after[other]
        assert (1, 0) == (before[run_id].unresolved_count, after[run_id].unresolved_count)
        assert [Caveat("x", "found later")] == list(after[run_id].caveats)
        told = before[run_id]
        assert told == replace(
            after[run_id],
            unresolved_count=told.unresolved_count,
            unresolved_share=told.unresolved_share,
            caveats=told.caveats,
        )
        functions = "select function from function_cost where run_id = $id::uuid order by all"
        names = [row[0] for row in connection.execute(functions, {"id": run_id}).fetchall()]
        assert {"kuzu::insert", "kuzu::scan"} <= set(names)
        assert not {"insert", "<unresolved>"} & set(names)
        assert kept == store.kept_addresses(connection, run_id)
        assert {("kuzu.dll", "full"), ("app.exe", "absent")} <= set(
            connection.execute(
                "select name, symbols from run_module join module using (module_id) where run_id = $id::uuid",
                {"id": run_id},
            ).fetchall()
        )
        assert [] == store.check(connection)


def test_nothing_changes_where_renaming_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power goes out")

    with store.opened_for_write(path) as connection:
        run_id = store.write_run(connection, indexer(), new_run())
        before = connection.execute("select * from function_cost order by all").fetchall()
        monkeypatch.setattr("perfdb.store.write.write_weights", fail)
        with pytest.raises(RuntimeError, match="the power goes out"):
            store.rename_run(connection, run_id, renamed(indexer()), 0)

        assert before == connection.execute("select * from function_cost order by all").fetchall()
        assert [] == store.check(connection)


def test_what_nobody_uses_is_pruned_and_nothing_else(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        run_id = store.write_run(connection, with_lines(profile(WORK)), new_run())
        kept = store.write_run(connection, indexer(), new_run())
        stacks = "select * from stack_cost where run_id = $id::uuid order by all"
        before = connection.execute(stacks, {"id": kept}).fetchall()
        assert {0} == set(store.prune(connection).values())
        store.rename_run(connection, run_id, profile({"app.exe": (("app.exe!begin", 10),)}, idle=5), 0)
        gone = store.prune(connection)

        # main, main;parse, main;parse;push, main;parse;parse; main stays a function of the other run
        assert {"stack": 4, "function": 1, "function_symbol": 1, "source_file": 3, "module": 0} == {
            **gone, "function_symbol": min(gone["function_symbol"], 1), "function": min(gone["function"], 1)
        }  # fmt: skip
        assert before == connection.execute(stacks, {"id": kept}).fetchall()
        assert [] == store.check(connection)


def test_unresolved_modules_want_symbols(path: Path) -> None:
    """Each of the files that has the name of a module is wanted for its own frames."""
    read = indexer()
    debug_ids = ("A" * 32 + "1", "B" * 32 + "2", "C" * 32 + "3")
    loaded = tuple(
        replace(row, debug_id=debug_id, pdb_name=f"{debug_id[0].lower()}.pdb")
        for row, debug_id in zip(read.loaded, debug_ids, strict=False)
    )
    elsewhere = replace(loaded[0], debug_id="D" * 32 + "4", pdb_name="wa.pdb", path="other")
    functions = replace(read.functions, name=("<unresolved>",) * len(read.functions))
    unresolved = replace(read, loaded=(*loaded, elsewhere), functions=functions)
    mismatched = (loaded[0], replace(loaded[1], symbols="mismatch"), loaded[2])
    with store.opened_for_write(path) as connection:
        first = store.write_run(connection, unresolved, new_run())
        second = store.write_run(connection, replace(unresolved, loaded=mismatched), new_run("b" * 40))
        named = replace(unresolved, loaded=tuple(replace(row, symbols="full") for row in loaded))
        third = store.write_run(connection, named, new_run("c" * 40))

        assert [
            WantedSymbols("kuzu.dll", "c.pdb", debug_ids[2], "", 2, 14, 20),
            WantedSymbols("ntdll.dll", "a.pdb", debug_ids[0], "", 2, 6, 24),
            WantedSymbols("app.exe", "b.pdb", debug_ids[1], "mismatch", 2, 4, 24),
        ] == store.wanted_symbols(connection)
        assert [7, 3, 2] == [each.exclusive_samples for each in store.wanted_symbols(connection, [first])]
        assert ["", "", "mismatch"] == [each.symbols for each in store.wanted_symbols(connection, [second])]
        assert [] == store.wanted_symbols(connection, [third])
        query = store.load_query("wanted_symbols")
        rows = store.run_sql(connection, query.sql, query.bind({"commit": "a" * 40})).rows
        assert ("kuzu.dll", "c.pdb", debug_ids[2], "not looked for", 1, 7, 10) == rows[0]
        store.rename_run(connection, first, replace(read, loaded=loaded), 0)
        assert [("c.pdb", 1)] == [
            (each.pdb_name, each.exclusive_samples) for each in store.wanted_symbols(connection, [first])
        ]


def test_a_line_of_nobody_is_found(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        store.write_run(connection, with_lines(profile(WORK)), new_run())
        connection.execute("update line_weight set exclusive_ns = exclusive_ns + 1 where is_inlined")
        connection.execute("delete from source_file where path = 'main.cpp'")
        problems = store.check(connection)

    assert any("lines do more than they do" in problem for problem in problems)
    assert any("line whose function or file is not there" in problem for problem in problems)
