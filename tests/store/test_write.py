"""Recording a run: all of it or nothing, once for each name, and what the views then show."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import numpy as np
import pytest

from perfdb import store
from perfdb.errors import DatabaseError
from perfdb.profile import Caveat, Process
from perfdb.store import bulk, write
from tests.conftest import CHECKOUT
from tests.store.conftest import COMMITTED_AT, NEW, OLD
from tests.store.profiles import MS, RECORDED_AT, STARTED_AT, indexer, new_run, profile

NAMES = ("revision", "example", "machine", "module", "function", "stack")


def counts(connection: store.Connection, *tables: str) -> dict[str, int]:
    """The number of rows of some tables."""
    rows = {}
    for table in tables:
        found = connection.execute(f"select count(*) from {table}").fetchone()
        rows[table] = found[0] if found else -1
    return rows


def test_a_run_comes_back_as_it_was_recorded(connection: store.Connection) -> None:
    revision = store.Revision(OLD, COMMITTED_AT, "tree", (NEW,), "Insert in bulk")
    caveats = (Caveat("cut", "the trace ends early"), Caveat("lost", "2 buffers were lost"))
    run = new_run(
        revision=revision, build="Debug", is_dirty=True, tags={"pc": "fast", "arch": "x64"},
        measurements=(store.Measurement("wall_time", "ms", 99.5),),
    )  # fmt: skip
    read = replace(indexer(), caveats=caveats, lost_events=7, lost_buffers=2)

    run_id = store.write_run(connection, read, run)

    assert [
        store.Run(
            run_id=run_id, commit_sha=OLD, committed_at=COMMITTED_AT, tree_sha="tree", subject="Insert in bulk",
            example="simple", machine="BUILD-7", cpu="AMD Ryzen 9 7950X", cores=32, build="Debug",
            is_dirty=True, recorded_at=RECORDED_AT, started_at=STARTED_AT, duration_ns=24 * MS,
            interval_ns=MS, detail="stacks", sample_count=19, idle_count=5,
            lost_events=7, lost_buffers=2, unresolved_count=1, source_format="etl", source_name="trace-1.etl",
            source_sha256=read.source.sha256, process="app.exe", main_pid=100, main_incarnation=0,
            perfdb_version="0.1.0", samples=12, cpu_ns=12 * MS, wall_ms=99.5, unresolved_share=1 / 12,
            hottest_module="kuzu.dll", hottest_share=7 / 12, caveats=caveats, tags={"arch": "x64", "pc": "fast"},
            measured=(store.Measured("wall_time", "ms", 99.5, 99.5, None, 1, 99.5, 99.5),),
        )
    ] == store.runs(connection)  # fmt: skip
    assert [] == store.check(connection)


def test_moments_are_kept_in_utc_wherever_they_come_from(connection: store.Connection) -> None:
    store.write_run(
        connection, indexer(), new_run(recorded_at=datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    )

    assert datetime(2024, 1, 1, tzinfo=UTC) == store.runs(connection)[0].recorded_at


def test_the_same_names_are_added_once(connection: store.Connection) -> None:
    store.write_run(connection, indexer(), new_run())
    before = counts(connection, *NAMES)
    store.write_run(connection, indexer(), new_run())

    assert before == counts(connection, *NAMES)
    assert {"run": 2, "process": 4, "sample": 10} == counts(connection, "run", "process", "sample")
    assert [] == store.check(connection)


def test_two_spellings_of_a_module_are_one(connection: store.Connection) -> None:
    read = profile({"app.exe": (("app.exe!main;NTDLL.dll!alloc", 2), ("app.exe!main;ntdll.dll!alloc", 3))})
    run_id = store.write_run(connection, read, new_run())
    costs = store.function_costs(connection, [run_id])

    assert [("NTDLL.dll", "alloc", 5), ("app.exe", "main", 0)] == [
        (module, function, samples)
        for module, function, samples in zip(
            costs.module, costs.function if costs.function is not None else [], costs.exclusive_samples, strict=True
        )
    ]
    assert {"module": 2, "function": 2, "stack": 2, "sample": 1} == counts(
        connection, "module", "function", "stack", "sample"
    )


def test_frames_of_one_function_are_one_stack(connection: store.Connection) -> None:
    read = profile({"app.exe": (("app.exe!main;app.exe!work", 1), ("app.exe!main;app.exe!loop", 2))})
    same = replace(read.functions, name=("main", "work", "work"))  # two places in one function
    store.write_run(connection, replace(read, functions=same), new_run())

    assert [("app.exe!main;app.exe!work", 3)] == connection.execute("select stack, samples from stack_cost").fetchall()


def test_a_revision_is_completed_when_more_is_known(connection: store.Connection) -> None:
    store.write_run(connection, indexer(), new_run(revision=store.Revision(OLD)))
    full = store.Revision(OLD, COMMITTED_AT, "tree", (NEW, "c" * 40), "Subject")
    store.write_run(connection, indexer(), new_run(revision=full))
    store.write_run(connection, indexer(), new_run(revision=store.Revision(OLD)))

    assert [(OLD, COMMITTED_AT.replace(tzinfo=None), "tree", [NEW, "c" * 40], "Subject")] == connection.execute(
        "select * from revision"
    ).fetchall()


def test_damaged_text_is_recorded_as_far_as_it_goes(connection: store.Connection) -> None:
    read = profile({"app.exe": (("app.exe!main;app.exe!f\udc80é\N{GRINNING FACE}", 1),)}, source="tr\udcffce.etl")
    store.write_run(connection, read, new_run(example="模板"))
    costs = store.function_costs(connection, [store.runs(connection)[0].run_id])

    assert ["f?é\N{GRINNING FACE}", "main"] == (costs.function.tolist() if costs.function is not None else None)
    assert ("模板", "tr?ce.etl") == (store.runs(connection)[0].example, store.runs(connection)[0].source_name)


def test_processes_that_bore_one_pid_are_kept_apart(connection: store.Connection) -> None:
    twice = [Process(7, "cl.exe", incarnation=0, end_ns=3 * MS), Process(7, "cl.exe", incarnation=1, start_ns=5 * MS)]
    read = profile({"first": (("cl.exe!main", 2),), "second": (("cl.exe!main", 5),)}, processes=twice)
    run_id = store.write_run(connection, read, replace(new_run(), main_process=1))

    assert [(1, 5, True), (0, 2, False)] == [
        (each.incarnation, each.samples, each.is_main) for each in store.processes(connection, [run_id])
    ]
    assert 12.0 == store.runs(connection)[0].wall_ms  # from its start, 5 ms, to the end of the trace, 17 ms
    main = store.module_costs(connection, [run_id], main_only=True)
    assert [(1, 5)] == list(zip(main.incarnation.tolist(), main.exclusive_samples.tolist(), strict=True))


def test_a_process_without_work_has_no_hottest_module(connection: store.Connection) -> None:
    read = profile({"app.exe": (), "other.exe": (("other.exe!main", 1),)})
    store.write_run(connection, read, new_run())
    run = store.runs(connection)[0]

    assert (0, 0, None, None, None) == (
        run.samples, run.cpu_ns, run.hottest_module, run.hottest_share, run.unresolved_share
    )  # fmt: skip
    assert [] == store.check(connection)


def test_a_trace_is_known_again(connection: store.Connection) -> None:
    first = store.write_run(connection, indexer(), new_run(OLD))
    again = store.write_run(connection, indexer(), new_run(OLD))
    other = store.write_run(connection, indexer(), new_run(NEW))
    sha256 = indexer().source.sha256

    assert again == store.find_duplicate(connection, sha256, OLD, "simple")
    assert None is store.find_duplicate(connection, sha256, OLD, "templates")
    assert None is store.find_duplicate(connection, "0" * 64, OLD, "simple")
    assert [(other, NEW), (again, OLD), (first, OLD)] == [
        (each.run_id, each.commit_sha) for each in store.runs_of_source(connection, sha256)
    ]


def test_nothing_is_left_of_a_run_that_failed_half_way(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the power goes out")

    with store.opened_for_write(path) as connection:
        kept = store.write_run(connection, indexer("first.etl"), new_run())
        before = counts(connection, *NAMES, "run", "process", "sample")
        read = profile({"app.exe": (("new.dll!new", 1),)}, source="second.etl")
        monkeypatch.setattr(write, "write_weights", fail)
        with pytest.raises(RuntimeError, match="the power goes out"):
            store.write_run(connection, read, new_run(NEW, "other"))
        monkeypatch.undo()

        assert before == counts(connection, *NAMES, "run", "process", "sample")
        later = store.write_run(connection, indexer("third.etl"), new_run())
    with store.opened_for_read(path) as reopened:
        assert [later, kept] == [run.run_id for run in store.runs(reopened)]
        assert [] == store.check(reopened)


def spoil(connection: store.Connection) -> None:
    with store.atomic(connection):
        connection.execute("insert into example values (1, 'x')")
        connection.execute("select nonsense")


def test_an_error_of_duckdb_rolls_back_too(connection: store.Connection) -> None:
    with pytest.raises(duckdb.Error, match="nonsense"):
        spoil(connection)

    assert {"example": 0} == counts(connection, "example")


def test_names_keep_to_their_ids_however_many_threads_load_them(connection: store.Connection) -> None:
    connection.execute("set threads = 8")
    ids = np.arange(200_000, dtype=np.uint64)
    functions = {"function_id": ids, "module_id": ids, "name": np.array([f"f{each}" for each in ids], object)}
    bulk.insert_new(connection, "function", ("function_id",), functions)

    assert [(200_000, 0)] == connection.execute(
        "select count(*), count(*) filter (name != 'f' || function_id) from function"
    ).fetchall()


KILLED = """
import sys, time
from pathlib import Path
from perfdb import store
from perfdb.store import write
from tests.store.profiles import indexer, new_run

def hang(*_):
    print("half-way", flush=True)
    time.sleep(60)

with store.opened_for_write(Path(sys.argv[1])) as connection:
    store.write_run(connection, indexer("first.etl"), new_run())
    write.write_weights = hang
    store.write_run(connection, indexer("second.etl"), new_run())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed with a POSIX signal")
def test_a_run_whose_writer_was_killed_is_not_there(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, cwd=CHECKOUT)
    with writer:
        assert writer.stdout is not None
        assert b"half-way\n" == writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)

    with store.opened_for_read(path) as connection:
        assert ["first.etl"] == [run.source_name for run in store.runs(connection)]
        assert [] == store.check(connection)
    with store.opened_for_write(path) as connection:
        store.write_run(connection, indexer("third.etl"), new_run())
    with store.opened_for_read(path) as connection:
        assert 2 == len(store.runs(connection))
        assert [] == store.check(connection)


def test_a_full_disk_is_a_sentence(connection: store.Connection) -> None:
    with pytest.raises(DatabaseError, match="nothing was written: No space left"), store.atomic(connection):
        raise duckdb.IOException("No space left on device")
