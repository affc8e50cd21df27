"""Measurements: of runs with a profile, and of runs that have nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfdb import store
from perfdb.profile import NO_PID, Caveat, Machine, Process, Profile, Source
from perfdb.profile.builder import About, measured_profile
from perfdb.profile.measurement import summed_up
from perfdb.store import migrations
from tests.store.profiles import STARTED_AT, indexer, new_run

WALL = (10.0, 14.0, 12.0)


def nothing(*caveats: Caveat) -> Profile:
    """A run of which only measurements are told."""
    source = Source("hyperfine", "results.json", "e" * 64)
    about = About(source, 0, machine=Machine("BUILD-7", cores=8), caveats=caveats)
    return measured_profile(about, Process(NO_PID, "bench"), STARTED_AT)


def repeated(metric: str, *values: float, unit: str = "ms") -> tuple[store.Measurement, ...]:
    return tuple(store.Measurement(metric, unit, value, at) for at, value in enumerate(values))


def times(connection: store.Connection) -> list[tuple[object, ...]]:
    return connection.execute("select samples, cpu_ms, wall_ms from run_summary").fetchall()


def test_a_run_may_be_measurements_alone(connection: store.Connection) -> None:
    run = new_run(measurements=(*repeated("wall_time", *WALL), *repeated("rate", 5.0, unit="items/s")))
    (run_id,) = store.write_measured(connection, [(nothing(Caveat("mean-only", "only a mean")), run)])

    (found,) = store.runs(connection)
    assert (run_id, "measured", "bench", NO_PID, "BUILD-7") == (
        found.run_id, found.detail, found.process, found.main_pid, found.machine
    )  # fmt: skip
    assert (
        store.Measured("rate", "items/s", 5.0, 5.0, None, 1, 5.0, 5.0),
        store.Measured("wall_time", "ms", 12.0, 12.0, 2.0, 3, 10.0, 14.0),
    ) == found.measured
    assert (0, 0, None, None) == (found.samples, found.cpu_ns, found.hottest_module, found.unresolved_share)
    assert (STARTED_AT, (Caveat("mean-only", "only a mean"),)) == (found.started_at, found.caveats)
    assert [] == store.check(connection)


def test_many_runs_are_written_together_and_come_back_each_its_own(connection: store.Connection) -> None:
    runs = [
        (
            nothing(*[Caveat("odd", f"odd {at}")] * (at % 2)),
            new_run(example=f"BM_{at}", tags={"at": str(at)}, measurements=repeated("wall_time", *range(1, at + 2))),
        )
        for at in range(5)
    ]
    run_ids = store.write_measured(connection, runs)

    assert sorted(run_ids) == run_ids
    for at, run_id in enumerate(run_ids):
        (found,) = store.runs(connection, run_ids=[run_id])
        assert (f"BM_{at}", {"at": str(at)}, summed_up(runs[at][1].measurements)) == (
            found.example,
            found.tags,
            found.measured,
        )
        assert [f"odd {at}"] * (at % 2) == [caveat.text for caveat in found.caveats]
    assert [] == store.check(connection)


def test_of_many_runs_all_are_written_or_none(connection: store.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [(nothing(), new_run(example=name, measurements=repeated("wall_time", 1.0))) for name in ("a", "b")]
    with monkeypatch.context() as patched:
        patched.setattr("perfdb.store.write.write_caveats", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.write_measured(connection, runs)

    assert [] == store.runs(connection)
    assert [(0,)] == connection.execute("select count(*) from measurement").fetchall()
    assert 2 == len(store.write_measured(connection, runs))


@pytest.mark.parametrize(
    ("measurements", "cpu_ms", "wall_ms"),
    [
        (repeated("wall_time", *WALL), None, 12.0),
        (repeated("cpu_time", 1.0, 2.0), 1.5, None),
        ((*repeated("user_time", 3.0), *repeated("kernel_time", 1.0, 2.0)), 4.5, None),
        (repeated("user_time", 3.0), None, None),
        ((*repeated("cpu_time", 9.0), *repeated("user_time", 3.0), *repeated("kernel_time", 1.0)), 9.0, None),
        (repeated("wall_time", 5.0, unit=""), None, None),
        (repeated("peak_memory", 4096.0, unit="bytes"), None, None),
    ],
    ids=["wall", "cpu", "user and kernel", "user alone", "cpu and its parts", "no unit", "no time"],
)
def test_the_times_of_a_run_without_profile_are_what_it_measured(
    connection: store.Connection,
    measurements: tuple[store.Measurement, ...],
    cpu_ms: float | None,
    wall_ms: float | None,
) -> None:
    store.write_measured(connection, [(nothing(), new_run(measurements=measurements))])

    assert [(0, cpu_ms, wall_ms)] == times(connection)
    assert wall_ms == store.runs(connection)[0].wall_ms


def test_of_a_profile_the_measured_time_counts_and_the_sampled_work(connection: store.Connection) -> None:
    store.write_run(connection, indexer(), new_run(measurements=repeated("cpu_time", 99.0)))
    assert [(12, 12.0, 24.0)] == times(connection)
    connection.execute("delete from run")

    store.write_run(connection, indexer(), new_run(measurements=repeated("wall_time", *WALL)))
    assert [(12, 12.0, 12.0)] == times(connection)


def test_the_summary_of_measurements_is_there_for_people(path: Path) -> None:
    with store.opened_for_write(path) as connection:
        run = new_run(example="BM_Copy", build="Release", measurements=repeated("wall_time", *WALL))
        store.write_measured(connection, [(nothing(), run)])
    with store.opened_for_read(path) as connection:
        result = store.run_sql(connection, "from measurement_summary")

    (row,) = result.rows
    told = dict(zip(result.columns, row, strict=True))
    assert {
        "example": "BM_Copy", "machine": "BUILD-7", "build": "Release", "metric": "wall_time", "unit": "ms",
        "repetitions": 3, "mean": 12.0, "median": 12.0, "least": 10.0, "most": 14.0, "spread": 2.0,
    }.items() <= told.items()  # fmt: skip


def test_measurements_of_an_older_history_count_once(path: Path) -> None:
    with store.opened_for_write(path, migrations=migrations.known()[:4]) as connection:
        connection.execute("insert into measurement values (uuid(), 'wall_time', 'ms', 7.0)")
    assert ["0005_measurements"] == store.upgrade(path)

    with store.opened_for_write(path) as connection:
        assert [(7.0, 0)] == connection.execute("select value, repetition from measurement").fetchall()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("insert into measurement select * from measurement", "measurements that are there twice in a run: 3"),
        ("update run set sample_count = 1, idle_count = 1", "runs whose samples are not those of their trace: 1"),
        ("delete from run", "rows of table measurement of a run that is not there: 3"),
        ("delete from process", "runs whose main process is not there: 1"),
    ],
)
def test_what_does_not_hold_together_is_found(connection: store.Connection, spoil: str, problem: str) -> None:
    store.write_measured(connection, [(nothing(), new_run(measurements=repeated("wall_time", *WALL)))])
    connection.execute(spoil)

    assert any(each.startswith(problem) for each in store.check(connection))
