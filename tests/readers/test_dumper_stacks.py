"""Which stack belongs to which sample of a dump, what a stack's leaf is, and what is idle time."""

from __future__ import annotations

import pytest

from perfdb.readers.dumper import DUMPER
from tests.readers.dumpers import (
    APP,
    APP_BASE,
    KERNEL_BASE,
    NTDLL_BASE,
    bare,
    dump,
    hexed,
    idle,
    info,
    paths,
    ready_row,
    run,
    sample,
    stack,
    switch_row,
    thread_row,
)
from tests.readers.reading import caveat_codes, read_as

WORK = (APP_BASE + 0x1010, "app.exe!work")
OTHER = (APP_BASE + 0x3030, "app.exe!other")
MAIN = (APP_BASE + 0x2020, "app.exe!main")
ROOT = (NTDLL_BASE + 0x300, "ntdll.dll!root")
FAULT = (KERNEL_BASE + 0x700, "ntoskrnl.exe!fault")
TRAP = (KERNEL_BASE + 0x800, "ntoskrnl.exe!trap")

USER_PATH = "ntdll.dll!root;app.exe!main;app.exe!work"


def test_no_1_is_the_leaf() -> None:
    assert [USER_PATH] == paths(run(sample(1000), stack(1000, WORK, MAIN, ROOT)))


def test_trap_11_a_stack_of_another_time_or_thread_is_not_a_samples() -> None:
    for time, tid in ((1001, 1), (1000, 2), (999, 1)):
        profile = run(sample(1000), stack(time, WORK, ROOT, tid=tid))

        assert ["app.exe!work"] == paths(profile)
        assert [False] == profile.samples.has_stack.tolist()


def test_trap_11_stacks_of_context_switches_are_left_out() -> None:
    profile = run(
        switch_row(1000, 116),
        stack(1000, FAULT, ROOT, tid=116),
        sample(1000),
        stack(1000, WORK, MAIN, ROOT),
        switch_row(2000, 1),
        stack(2000, FAULT, ROOT),
    )

    assert [USER_PATH] == paths(profile)


@pytest.mark.parametrize("other", [switch_row(1000, 1), ready_row(1000, 1), thread_row("T-Start", 1000, 1)])
def test_trap_11_an_event_of_the_samples_own_time_and_thread_has_its_own_stack(other: str) -> None:
    """Each event owns one block; the sample's begins with its address, wherever it stands."""
    its, foreign = stack(1000, WORK, MAIN, ROOT), stack(1000, FAULT, TRAP)
    orders = [
        [other, foreign, sample(1000), its],
        [other, sample(1000), foreign, its],
        [other, sample(1000), its, foreign],
        [sample(1000), other, foreign, its],
        [sample(1000), its, other, foreign],
    ]

    assert [[USER_PATH]] * len(orders) == [paths(run(*rows)) for rows in orders]


def test_trap_11_a_block_that_begins_elsewhere_is_the_nearest_events() -> None:
    foreign = stack(1000, OTHER, MAIN)
    others = run(sample(1000), switch_row(1000, 1), foreign)
    its_own = run(switch_row(1000, 1), sample(1000), foreign)

    assert [False] == others.samples.has_stack.tolist()
    assert [True] == its_own.samples.has_stack.tolist()
    # The sampled address takes the place of the first one.
    assert ["app.exe!main;app.exe!work"] == paths(its_own)


def test_trap_11_context_switches_are_known_without_a_header() -> None:
    rows = [switch_row(1000, 1), stack(1000, FAULT, TRAP), sample(1000), stack(1000, WORK, MAIN, ROOT)]
    left_out = bare(sample(1000), switch_row(1000, 1), stack(1000, OTHER, MAIN))

    assert [USER_PATH] == paths(read_as(DUMPER, bare(*rows)))
    assert ["app.exe!work"] == paths(read_as(DUMPER, left_out))


def test_trap_12_a_stack_may_come_late() -> None:
    others = [row for time in range(1001, 1060) for row in (switch_row(time, 5), idle(time))]
    profile = run(sample(1000), *others, stack(1000, WORK, MAIN, ROOT))

    assert [USER_PATH] == paths(profile)


def test_trap_12_a_stack_may_come_before_its_sample() -> None:
    assert [USER_PATH] == paths(run(stack(1000, WORK, MAIN, ROOT), sample(900), sample(1000)))[1:]


def test_trap_12_stacks_may_come_out_of_order_and_intertwined() -> None:
    first, second = stack(1000, WORK, MAIN, ROOT), stack(1000, OTHER, ROOT, tid=2)
    profile = run(
        sample(1000),
        sample(1000, *OTHER, tid=2),
        [row for pair in zip(second, first, strict=False) for row in pair],
        first[2],
    )

    assert [USER_PATH, "ntdll.dll!root;app.exe!other"] == paths(profile)


def test_trap_12_a_number_that_does_not_grow_begins_a_new_stack() -> None:
    """Two samples of one microsecond and thread: each has the stack that begins with its address."""
    profile = run(sample(1000), sample(1000, *OTHER, cpu=1), stack(1000, OTHER, ROOT), stack(1000, WORK, MAIN, ROOT))

    assert [USER_PATH, "ntdll.dll!root;app.exe!other"] == paths(profile)


def test_trap_12_a_stack_that_is_there_twice_is_one() -> None:
    its = stack(1000, WORK, MAIN, ROOT)

    assert [USER_PATH] == paths(run(sample(1000), its, its))


def test_trap_12_the_user_part_is_joined_to_the_kernel_part() -> None:
    profile = run(sample(1000, *FAULT), stack(1000, FAULT, TRAP), idle(1001), stack(1000, WORK, MAIN, ROOT))

    assert [f"{USER_PATH};ntoskrnl.exe!trap;ntoskrnl.exe!fault"] == paths(profile)


def test_trap_12_a_user_stack_is_not_joined_to_another_user_stack() -> None:
    profile = run(sample(1000), stack(1000, WORK, MAIN), stack(1000, OTHER, ROOT))

    assert ["app.exe!main;app.exe!work"] == paths(profile)


def test_trap_12_a_sample_without_a_stack_has_its_leaf() -> None:
    profile = run(sample(1000), sample(2000), stack(2000, WORK, MAIN, ROOT))

    assert ["app.exe!work", USER_PATH] == paths(profile)
    assert [False, True] == profile.samples.has_stack.tolist()
    assert "no-stacks" in caveat_codes(profile)


def test_a_dump_without_stacks_says_so() -> None:
    profile = run(sample(1000), sample(2000))

    assert "no-stacks" in caveat_codes(profile)
    assert ["app.exe!work"] * 2 == paths(profile)


def test_the_sampled_address_is_the_leaf() -> None:
    replaced = run(sample(1000), stack(1000, OTHER, MAIN, ROOT))
    before = run(sample(1000, *FAULT), stack(1000, WORK, MAIN, ROOT))
    same = run(sample(1000, *FAULT), stack(1000, TRAP, WORK))

    assert [USER_PATH] == paths(replaced)
    assert [f"{USER_PATH};ntoskrnl.exe!fault"] == paths(before)
    assert ["app.exe!work;ntoskrnl.exe!fault"] == paths(same)


def test_of_32_bits_the_upper_half_is_the_kernel() -> None:
    kernel, user = (0x81C3617B, "halmacpi.dll!f"), (0x551EA026, "client.dll!g")
    data = dump(
        sample(1000, *kernel),
        stack(1000, kernel),
        stack(1000, user, (0x551EA0FF, "client.dll!h")),
        about=info(pointer_size=4),
        rundown=[],
    ).replace(b"0x00000000", b"0x")

    assert ["client.dll!h;client.dll!g;halmacpi.dll!f"] == paths(read_as(DUMPER, data))


def test_thread_0_works_exactly_when_it_has_a_stack() -> None:
    works = sample(1000, *FAULT, process="Idle (   0)", tid=0, cpu=1)
    profile = run(idle(1000), works, stack(1000, FAULT, TRAP, tid=0), idle(2000, cpu=1), sample(3000))

    assert (4, 2) == (profile.sample_count, profile.idle_count)
    assert ["ntoskrnl.exe!trap;ntoskrnl.exe!fault", "app.exe!work"] == paths(profile)
    assert [1, 0] == profile.samples.cpu.tolist()


def test_trap_15_idle_processors_share_a_time_and_a_thread() -> None:
    """The stack belongs to the processor whose sampled address it begins with."""
    rows = [idle(1000, cpu) for cpu in range(4)]
    rows.insert(2, sample(1000, *FAULT, process="Idle (   0)", tid=0, cpu=7))
    profile = run(*rows, stack(1000, FAULT, TRAP, tid=0))

    assert (5, 4, [7]) == (profile.sample_count, profile.idle_count, profile.samples.cpu.tolist())


def test_the_stack_of_an_event_that_only_the_header_knows_is_left_out() -> None:
    row = f"SysCallEnter, 1000, {APP}, 1, {hexed(FAULT[0])}, ntoskrnl.exe!NtRead"
    profile = run(sample(1000), row, stack(1000, FAULT, OTHER, ROOT))

    assert ["app.exe!work"] == paths(profile)
    assert 1 == profile.sample_count
