"""Processes and images in `perf script` text: by its records, by its samples, and by threads alone."""

from __future__ import annotations

from tests.readers.perf_texts import MAIN, caveat_text, names, read, record, sample
from tests.readers.reading import caveat_codes


def test_a_process_is_called_as_its_main_thread_is_in_the_end() -> None:
    profile = read(
        sample(1.0, MAIN, comm="sh"),
        sample(1.1, MAIN, comm="pool-1", ids="100/101"),
        sample(1.2, MAIN, comm="app"),
        sample(1.3, MAIN, comm="pool-2", ids="100/102"),
        sample(1.4, MAIN, comm="lonely", ids="200/203"),
        sample(1.5, MAIN, comm=":300", ids="300/300"),
    )

    assert [(100, "app"), (200, "lonely"), (300, "<unknown>")] == names(profile)
    assert [0, 0, 0, 0, 1, 2] == profile.samples.process.tolist()


def test_a_program_gives_its_name_and_threads_do_not_take_it() -> None:
    profile = read(
        record(0.0, "COMM: perf-exec:100/100", comm="perf-exec"),
        record(1.0, "COMM exec: app:100/100"),
        record(1.1, "COMM: MainThread:100/100"),
        sample(1.2, MAIN, comm="MainThread"),
    )

    assert [(100, "app")] == names(profile)
    assert 0 == profile.processes[0].start_ns


def test_a_long_name_goes_on_as_its_file_does() -> None:
    profile = read(
        record(1.0, "COMM exec: a_long_program_:100/100"),
        record(1.0, "MMAP2 100/100: [0x55d4313(0x1000) @ 0x1000 fe:00 21790 17]: r-xp /opt/b/a_long_program_name"),
        record(1.0, "MMAP2 100/100: [0x7f72adbb6000(0x26000) @ 0x1000 fe:00 338944 0]: r-xp /usr/lib/ld.so"),
        sample(1.2, MAIN, comm="a_long_program_"),
    )  # fmt: skip

    assert [(100, "a_long_program_name")] == names(profile)


def test_processes_begin_and_end_within_the_recording() -> None:
    profile = read(
        record(0.0, "COMM: init:1/1", comm="swapper", ids="0/0"),
        sample(10.0, MAIN),
        record(11.0, "FORK(200:200):(100:100)"),
        record(11.5, "COMM exec: child:200/200", ids="200/200"),
        sample(12.0, MAIN, ids="200/200", comm="child"),
        record(12.5, "FORK(200:201):(200:200)", ids="200/200"),
        record(13.0, "EXIT(200:200):(100:100)", ids="200/200"),
        record(13.5, "EXIT(200:201):(100:100)", ids="200/201"),
        sample(14.0, MAIN),
    )
    child = next(process for process in profile.processes if process.pid == 200)

    assert ("child", 100, 1_000_000_000, 3_500_000_000) == (
        child.name,
        child.parent_pid,
        child.start_ns,
        child.end_ns,
    )
    assert [(None, None)] * 2 == [(each.start_ns, each.end_ns) for each in profile.processes if each.pid != 200]
    assert 4_000_000_000 == profile.duration_ns


def test_a_pid_that_is_used_again_is_another_process() -> None:
    profile = read(
        record(1.0, "FORK(200:200):(100:100)"),
        sample(1.1, MAIN, ids="200/200", comm="first"),
        record(1.2, "EXIT(200:200):(100:100)", ids="200/200"),
        record(1.3, "FORK(200:200):(100:100)"),
        sample(1.4, MAIN, ids="200/200", comm="second"),
    )

    assert [(200, "first", 0), (200, "second", 1)] == [
        (each.pid, each.name, each.incarnation) for each in profile.processes
    ]
    assert [0, 1] == profile.samples.process.tolist()


def test_a_child_that_never_ran_a_program_is_called_as_its_parent() -> None:
    profile = read(record(1.0, "COMM exec: app:100/100"), record(1.1, "FORK(200:200):(100:100)"), sample(1.2, MAIN))

    assert [(100, "app"), (200, "app")] == names(profile)


def test_threads_without_pids_are_told_by_their_names() -> None:
    profile = read(
        sample(1.0, MAIN, ids="100"), sample(1.1, MAIN, ids="101"), sample(1.2, MAIN, ids="102", comm="pool")
    )

    assert [(-1, "app"), (-1, "pool")] == names(profile)
    assert [0, 0, 1] == profile.samples.process.tolist()
    assert [100, 101, 102] == profile.samples.tid.tolist()
    assert "perf script -F +pid" in caveat_text(profile, "no-pids")


def test_records_tell_whose_threads_are_whose() -> None:
    profile = read(
        record(1.0, "COMM exec: app:100/100", ids="100"),
        record(1.0, "FORK(100:101):(100:100)", ids="100"),
        record(1.0, "COMM: pool:100/101", ids="101"),
        sample(1.1, MAIN, ids="100"),
        sample(1.2, MAIN, ids="101", comm="pool"),
    )

    assert [(100, "app")] == names(profile)
    assert "no-pids" not in caveat_codes(profile)


def test_idle_samples_are_counted_and_are_no_rows() -> None:
    profile = read(
        sample(1.0, MAIN),
        sample(1.1, "ffffffff81 default_idle+0x1 ([kernel.kallsyms])", ids="0/0", comm="swapper"),
        sample(1.2, "ffffffff81 default_idle+0x1 ([kernel.kallsyms])", ids="0", comm="swapper"),
    )

    assert (3, 2, 1) == (profile.sample_count, profile.idle_count, len(profile.samples))
    assert [(100, "app")] == names(profile)


def test_images_that_were_loaded_have_their_build_ids() -> None:
    build_id = "9d5ddfd8b53f415d077b22539813bdb74f507214"
    kernel = (
        f"MMAP2 -1/0: [0xffffffff81000000(0x12090c8) @ 0xffffffff81000000 <{build_id}>]: ---p [kernel.kallsyms]_text"
    )
    profile = read(
        record(0.0, kernel, comm="swapper", ids="0/0"),
        record(1.0, f"MMAP2 100/100: [0x55d431346000(0x1000) @ 0x1000 <{build_id[::-1]}>]: r-xp /opt/my app/bin/app"),
        record(1.0, "MMAP2 100/100: [0x55d431346000(0x1000) @ 0x1000 fe:00 2179074 17]: r--p /opt/data.bin"),
        record(1.0, "MMAP2 100/100: [0x7f800b351000(0x1000) @ 0x7f800b351000 00:00 0 0]: rwxp //anon"),
        record(1.0, "MMAP2 100/100: [0x7f72adbb3000(0x2000) @ 0 00:00 0 0]: r-xp [vdso]"),
        sample(1.1, MAIN),
    )

    assert [
        ("[kernel.kallsyms]", "[kernel.kallsyms]_text", build_id),
        ("app", "/opt/my app/bin/app", build_id[::-1]),
        ("[vdso]", "[vdso]", ""),
    ] == [(profile.modules[row.module], row.path, row.debug_id) for row in profile.loaded]
