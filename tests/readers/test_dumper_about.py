"""What a dump says of the trace as a whole: losses, times, intervals, and where images were."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perfdb.profile import Profile
from perfdb.readers.dumper import DUMPER
from tests.readers.dumpers import (
    IMAGES,
    KERNEL_BASE,
    NTDLL_BASE,
    NTDLL_END,
    dump,
    image_row,
    info,
    interval_row,
    paths,
    process_row,
    run,
    sample,
)
from tests.readers.reading import caveat_codes, read_as

NO_IMAGE = 0x20000000


def leaf_rva(profile: Profile, row: int = 0) -> int:
    return int(profile.frames.rva[profile.stacks.frame[profile.samples.stack[row]]])


@pytest.mark.parametrize("word", ["lost", "Lost", "LOST"])
def test_trap_17_losses_however_they_are_spelt(word: str) -> None:
    profile = run(sample(1000), about=info(6728, 12, word=word))

    assert (6728, 12) == (profile.lost_events, profile.lost_buffers)
    assert "losses-not-told" not in caveat_codes(profile)


def test_trap_17_without_the_line_about_the_trace_losses_are_not_known() -> None:
    profile = run(sample(1000), about=[])

    assert "losses-not-told" in caveat_codes(profile)
    assert (0, 0) == (profile.lost_events, profile.lost_buffers)


def test_trap_18_times_are_microseconds_and_the_start_is_a_filetime() -> None:
    profile = run(sample(1_359_642))

    assert [1_359_642_000] == profile.samples.time_ns.tolist()
    assert 2_000_000_000 == profile.duration_ns
    assert profile.started_at is not None
    assert datetime(2021, 6, 8, 8, 22, 49, tzinfo=UTC) == profile.started_at.replace(microsecond=0)


def test_trap_35_the_interval_is_what_the_trace_says() -> None:
    profile = run(sample(1000, count=2), rundown=[*IMAGES[:-1], interval_row("ProfileFreq-DCStart", 7, 1221)])

    assert (122_100, [244_200]) == (profile.interval_ns, profile.samples.weight_ns.tolist())
    assert "no-interval" not in caveat_codes(profile)


def test_trap_35_an_interval_that_changes_is_told() -> None:
    profile = run(sample(1000), interval_row("ProfileFreq-SetInterval", 1500, 80_000), sample(2000))

    assert [1_000_000, 8_000_000] == profile.samples.weight_ns.tolist()
    assert "interval-changed" in caveat_codes(profile)


def test_trap_35_the_interval_of_a_counter_is_none_of_time() -> None:
    profile = run(interval_row("ProfileFreq-DCStart", 8, 65_536, source="19"), sample(1000))

    assert [1_000_000] == profile.samples.weight_ns.tolist()
    assert "interval-changed" not in caveat_codes(profile)


def test_trap_35_without_an_interval_it_is_assumed_or_given() -> None:
    data = dump(sample(1000), rundown=IMAGES[:-1])
    assumed, given = read_as(DUMPER, data), read_as(DUMPER, data, interval_ns=500_000)

    assert (1_000_000, 500_000) == (assumed.interval_ns, given.interval_ns)
    assert ([1_000_000], [500_000]) == (assumed.samples.weight_ns.tolist(), given.samples.weight_ns.tolist())
    assert "no-interval" in caveat_codes(assumed)
    assert "no-interval" not in caveat_codes(given)


def test_an_image_keeps_its_addresses_until_another_is_loaded_over_them() -> None:
    unknown = '"Unknown"!0x0000000020000010'
    profile = run(
        sample(1000, NO_IMAGE + 16, unknown),
        image_row("I-Start", 1500, NO_IMAGE, NO_IMAGE + 0x1000, r"C:\a, b\one.dll"),
        sample(2000, NO_IMAGE + 16, unknown),
        image_row("I-End", 2500, NO_IMAGE, NO_IMAGE + 0x1000, r"C:\a, b\one.dll"),
        sample(3000, NO_IMAGE + 16, unknown),
        image_row("I-Start", 3500, NO_IMAGE, NO_IMAGE + 0x1000, r"C:\two.dll"),
        sample(4000, NO_IMAGE + 16, unknown),
        sample(5000, NO_IMAGE + 0x1000, unknown),
    )
    modules = ["<unknown>", "one.dll", "one.dll", "two.dll", "<unknown>"]

    assert [f"{module}!<unresolved>" for module in modules] == paths(profile)
    assert [NO_IMAGE + 16, 16, 16, 16, NO_IMAGE + 0x1000] == [leaf_rva(profile, row) for row in range(5)]


def test_images_are_of_their_process_or_of_the_system() -> None:
    other = "b.exe ( 200)"
    profile = run(
        process_row("P-DCStart", 5, other),
        sample(1000, NTDLL_BASE + 1, '"Unknown"!"Unknown"', process=other),
        sample(2000, KERNEL_BASE + 1, '"Unknown"!"Unknown"', process=other),
        image_row("I-DCEnd", 9000, NTDLL_BASE, NTDLL_END, r"C:\other\ntdll.dll", other),
        sample(3000, NTDLL_END + 1, '"Unknown"!"Unknown"', process=other),
    )

    assert ["ntdll.dll!<unresolved>", "ntoskrnl.exe!<unresolved>", "<unknown>!<unresolved>"] == paths(profile)


def test_times_out_of_order_are_put_in_order() -> None:
    profile = run(sample(3000, leaf="app.exe!c"), sample(1000, leaf="app.exe!a"), sample(2000, leaf="app.exe!b"))

    assert ["app.exe!a", "app.exe!b", "app.exe!c"] == paths(profile)
    assert [1_000_000, 2_000_000, 3_000_000] == profile.samples.time_ns.tolist()
