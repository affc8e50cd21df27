"""Write a trace, read it back: any trace that the writer can make, against the slow twin and what was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from perfdb.demo.etl_writer import ImageSpec, ProcessSpec, SampleColumns, SampleSpec, ThreadSpec, TraceSpec, write_etl
from perfdb.errors import TraceError
from perfdb.etl import buffers, layout, looks_like_etl
from perfdb.profile import Profile
from perfdb.profile.check import self_check
from tests.etl.traces import APP, GUID, KERNEL, LIBRARY, read, small_spec, small_trace, specs
from tests.twins.agree import assert_agree, profile_stacks
from tests.twins.etl_walker import walk


def codes(profile: Profile) -> list[str]:
    return [caveat.code for caveat in profile.caveats]


@given(specs())
def test_reads_what_the_twin_reads_and_the_spec_says(spec: TraceSpec) -> None:
    _read_and_compare(spec)


@given(specs())
def test_batches_of_one_buffer_change_nothing(spec: TraceSpec) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "BATCH_BYTES", 1)
        _read_and_compare(spec)


def _read_and_compare(spec: TraceSpec) -> None:
    data = write_etl(spec)
    assert looks_like_etl(data[:200])
    asked = spec.samples
    work = np.flatnonzero((asked.tid != 0) | (asked.flags != 0))
    if not len(work):
        with pytest.raises(TraceError, match="idle"):
            read(data)
        return
    profile = read(data)
    self_check(profile)

    assert_agree(walk(data), profile)

    work = work[np.lexsort((asked.cpu[work], asked.time_ns[work]))]
    read_back = profile.samples
    assert read_back.tid.tolist() == asked.tid[work].tolist()
    assert read_back.cpu.tolist() == asked.cpu[work].tolist()
    assert read_back.flags.tolist() == asked.flags[work].tolist()
    assert read_back.count.tolist() == asked.count[work].tolist()
    assert np.all(np.abs(read_back.time_ns - asked.time_ns[work]) <= 1000)
    has_stack = ((asked.kernel[work] >= 0) | (asked.user[work] >= 0)) & (spec.stack_style != "none")
    assert read_back.has_stack.tolist() == has_stack.tolist()
    assert profile.sample_count == int(asked.count.sum())
    assert (profile.lost_events, profile.lost_buffers) == (spec.events_lost, spec.buffers_lost)
    assert "missing-buffers" not in codes(profile)
    assert ("not-closed" in codes(profile)) is not spec.closed


@pytest.mark.parametrize("pointer_size", [4, 8])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("stack_style", ["direct", "keys"])
def test_frames_are_where_the_spec_put_them(pointer_size: int, compressed: bool, stack_style: str) -> None:
    spec = small_spec(pointer_size=pointer_size, compressed=compressed, stack_style=stack_style)
    half = 0xFFFFF80000000000 if pointer_size == 8 else 0x80000000
    kernel = ImageSpec(4, half + 0x1000000, 0x400000, KERNEL.path)
    samples = [
        SampleSpec(1_000, 200, user=(APP.leaf(0x1000), LIBRARY.caller(0x500), APP.caller(0x2000))),
        SampleSpec(2_000, 200, kernel=(kernel.leaf(0x10), kernel.caller(0x20)), user=(APP.caller(0x1500),)),
        SampleSpec(3_000, 200, ip=APP.leaf(0x77)),
    ]
    changed = {"samples": SampleColumns.of(samples), "images": (APP, LIBRARY, kernel)}
    profile = read(write_etl(TraceSpec(**{name: getattr(spec, name) for name in TraceSpec.__slots__} | changed)))
    stacks = profile_stacks(profile)

    assert [stacks[row] for row in profile.samples.stack] == [
        (("app.exe", 0x1000), ("library.dll", 0x500), ("app.exe", 0x2000)),
        (("ntoskrnl.exe", 0x10), ("ntoskrnl.exe", 0x20), ("app.exe", 0x1500)),
        (("app.exe", 0x77),),
    ]
    assert profile.samples.has_stack.tolist() == [True, True, False]
    assert {(profile.modules[row.module], row.debug_id, row.pdb_name, row.path) for row in profile.loaded} == {
        ("App.exe", GUID + "1", "App.pdb", "C:\\work\\App.exe"),
        ("library.dll", GUID + "a", "library.pdb", "C:\\work\\library.dll"),
        ("ntoskrnl.exe", "", "", KERNEL.path),
    }


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_machine_and_run(pointer_size: int) -> None:
    volumes = (("\\Device\\HarddiskVolume3\\", "C:\\"),)
    image = ImageSpec(100, APP.base, APP.size, "\\Device\\HarddiskVolume3\\x\\App.exe")
    facts = {"buffer_bytes": 4096, "hostname": "PC-1", "product": "Windows 11", "volumes": volumes, "images": (image,)}
    spec = small_spec(pointer_size=pointer_size, events_lost=3, buffers_lost=2, **facts)
    profile = read(write_etl(spec))

    assert profile.machine.hostname == "PC-1"
    assert profile.machine.os == "Windows 11 build 19045"
    assert profile.machine.cpu == "x64 family 6 model 158 stepping 10"
    assert profile.machine.cores == 2
    assert profile.started_at == spec.start_time
    assert profile.duration_ns == spec.duration_ns
    assert (profile.lost_events, profile.lost_buffers) == (3, 2)
    assert codes(profile) == ["lost-events", "lost-buffers", "no-stacks"]
    assert profile.loaded[0].path == "C:\\x\\App.exe"


def test_idle_time_is_counted_and_is_no_sample() -> None:
    profile = read(small_trace())

    assert (profile.sample_count, profile.idle_count, len(profile.samples)) == (6, 1, 5)
    assert [profile.processes[row].name for row in profile.samples.process] == [
        "App.exe",
        "App.exe",
        "Idle",
        *["App.exe"] * 2,
    ]


def test_interrupts_of_two_processors_at_one_moment() -> None:
    places = [(0, KERNEL.leaf(1)), (1, KERNEL.leaf(2))]
    samples = [SampleSpec(5_000, 0, cpu=cpu, flags=1, kernel=(place, KERNEL.caller(9))) for cpu, place in places]
    profile = read(small_trace(samples=SampleColumns.of(samples)))
    stacks = profile_stacks(profile)

    assert [stacks[row][0] for row in profile.samples.stack] == [("ntoskrnl.exe", 1), ("ntoskrnl.exe", 2)]
    assert profile.samples.cpu.tolist() == [0, 1]


def test_an_image_loaded_over_another() -> None:
    first = ImageSpec(100, 0x400000, 0x10000, "first.dll", GUID + "1", "first.pdb", None, 300_000)
    second = ImageSpec(100, 0x400000, 0x10000, "second.dll", GUID + "2", "second.pdb", 400_000)
    samples = [SampleSpec(us * 1000, 200, user=(0x400123,)) for us in (100, 350, 500)]
    profile = read(small_trace(images=(first, second), samples=SampleColumns.of(samples)))
    stacks = profile_stacks(profile)

    # An image keeps its addresses until another is loaded over them.
    assert [stacks[row][0][0] for row in profile.samples.stack] == ["first.dll", "first.dll", "second.dll"]
    assert {(row.debug_id, row.pdb_name) for row in profile.loaded} == {
        (GUID + "1", "first.pdb"),
        (GUID + "2", "second.pdb"),
    }


def test_a_pid_and_a_tid_that_are_used_again() -> None:
    processes = (ProcessSpec(100, "old.exe", end_ns=300_000), ProcessSpec(100, "new.exe", start_ns=400_000))
    threads = (ThreadSpec(200, 100, None, 290_000), ThreadSpec(200, 100, 410_000))
    samples = [SampleSpec(us * 1000, 200, user=(1,)) for us in (100, 500)]
    profile = read(small_trace(processes=processes, threads=threads, samples=SampleColumns.of(samples)))

    assert [profile.processes[row].name for row in profile.samples.process] == ["old.exe", "new.exe"]
    assert [row.incarnation for row in profile.processes if row.pid == 100] == [0, 1]


def test_a_changed_interval_changes_the_weight() -> None:
    profile = read(small_trace(interval_changes=((250_000, 1_221),)))

    assert profile.samples.weight_ns.tolist() == [1_000_000, 1_000_000, 122_100, 122_100, 122_100]
    assert "interval-changed" in codes(profile)


def test_no_interval_is_told() -> None:
    profile = read(small_trace(interval_100ns=0))

    assert profile.interval_ns == 1_000_000
    assert "no-interval" in codes(profile)


def test_samples_without_stacks_are_told() -> None:
    assert "no-stacks" in codes(read(small_trace(stack_style="none")))


def test_threads_of_nobody_are_told() -> None:
    samples = SampleColumns.of([SampleSpec(1_000, 999, user=(5,), pid=77), SampleSpec(2_000, 998)])
    profile = read(small_trace(samples=samples))

    assert [(profile.processes[row].pid, profile.processes[row].name) for row in profile.samples.process] == [
        (77, "<unknown>"),
        (-1, "<unknown>"),
    ]
    assert "unknown-process" in codes(profile)


def test_progress_reaches_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "BATCH_BYTES", 1)
    from perfdb.etl import read_etl
    from tests.etl.traces import SOURCE

    told: list[tuple[int, int]] = []
    read_etl(memoryview(small_trace()), SOURCE, lambda done, total: told.append((done, total)))

    amounts = [done for done, _ in told]
    assert len(amounts) > 1
    assert amounts == sorted(amounts)
    assert {amounts[-1]} == {total for _, total in told}


@pytest.mark.parametrize("clock_type", [layout.CLOCK_QPC, layout.CLOCK_SYSTEM_TIME, layout.CLOCK_CYCLES])
def test_clocks(clock_type: int) -> None:
    profile = read(small_trace(clock_type=clock_type))

    assert profile.samples.time_ns.tolist() == [100_000, 200_000, 300_000, 400_000, 500_000]


def test_no_samples_is_an_error() -> None:
    with pytest.raises(TraceError, match="no CPU sample"):
        read(small_trace(samples=SampleColumns.of([])))
