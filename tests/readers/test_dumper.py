"""The dumper's text, row by row: headers, processes, names, images, intervals, losses. Trap numbers are those of the
list of everything that xperf's text does to its readers.
"""

from __future__ import annotations

import pytest

from perfdb.errors import TraceError
from perfdb.profile import Profile
from perfdb.readers.dumper import DUMPER
from tests.readers.dumpers import (
    APP,
    APP_BASE,
    APP_END,
    COLUMNS,
    IDLE,
    KERNEL_BASE,
    NTDLL_BASE,
    bare,
    dump,
    header,
    hexed,
    idle,
    info,
    paths,
    process_row,
    run,
    sample,
    stack,
    thread_row,
)
from tests.readers.reading import caveat_codes, read_as

WORK = (APP_BASE + 0x1010, "app.exe!work")
ROOT = (NTDLL_BASE + 0x300, "ntdll.dll!RtlUserThreadStart")
NO_IMAGE = 0x20000000


def owners(profile: Profile) -> list[tuple[int, int, str]]:
    """Each sample's (pid, incarnation, process)."""
    rows = [profile.processes[row] for row in profile.samples.process.tolist()]
    return [(row.pid, row.incarnation, row.name) for row in rows]


def leaf_rva(profile: Profile, row: int = 0) -> int:
    return int(profile.frames.rva[profile.stacks.frame[profile.samples.stack[row]]])


def test_a_whole_dump() -> None:
    profile = run(sample(1000), stack(1000, WORK, ROOT), idle(1001, cpu=1), sample(2003, cpu=3, tid=7))

    assert (3, 1, 2) == (profile.sample_count, profile.idle_count, len(profile.samples))
    assert ["ntdll.dll!RtlUserThreadStart;app.exe!work", "app.exe!work"] == paths(profile)
    assert [1_000_000, 2_003_000] == profile.samples.time_ns.tolist()
    assert [1_000_000, 1_000_000] == profile.samples.weight_ns.tolist()
    assert ([0, 3], [1, 7]) == (profile.samples.cpu.tolist(), profile.samples.tid.tolist())
    assert [True, False] == profile.samples.has_stack.tolist()
    assert [(100, 0, "app.exe")] * 2 == owners(profile)
    assert (1_000_000, 0, 0) == (profile.interval_ns, profile.lost_events, profile.lost_buffers)


def test_a_dump_that_tells_all_has_one_caveat() -> None:
    """The text has no DPC and ISR flags, which is said of every dump."""
    assert {"idle-work"} == caveat_codes(run(sample(1000), stack(1000, WORK, ROOT), idle(1001, cpu=1)))


def test_addresses_are_told_from_the_base_of_their_image() -> None:
    profile = run(sample(1000), stack(1000, WORK, ROOT))
    (leaf,) = profile.samples.stack.tolist()
    caller = profile.stacks.parent[leaf]

    assert 0x1010 == leaf_rva(profile)
    assert 0x300 - 1 == profile.frames.rva[profile.stacks.frame[caller]]


def test_trap_1_what_comes_before_the_header_is_passed_over() -> None:
    lines = ["[1/2]   50.0%", "[2/2]  100.0%", "", "Warning: something", *header()]
    profile = run(sample(1000), head=lines)

    assert ["app.exe!work"] == paths(profile)
    assert "no-header" not in caveat_codes(profile)
    assert DUMPER.recognises(dump(sample(1000), head=lines))


def test_trap_1_a_filtered_file_without_header_is_read_by_the_usual_columns() -> None:
    data = bare(sample(1000), stack(1000, WORK, ROOT))
    profile = read_as(DUMPER, data)

    assert DUMPER.recognises(data)
    assert ["ntdll.dll!RtlUserThreadStart;app.exe!work"] == paths(profile)
    assert {"no-header", "losses-not-told", "no-interval"} <= caveat_codes(profile)


def test_trap_2_a_header_without_rows_is_an_error() -> None:
    for data in (dump(), dump(rundown=[]), "\r\n".join(header()).encode(), dump(stack(5, WORK))):
        with pytest.raises(TraceError, match="(?s)app.txt.*no .*sample"):
            read_as(DUMPER, data)


def test_trap_2_idle_time_alone_is_an_error() -> None:
    with pytest.raises(TraceError, match="(?i)app.txt.*(idle|no .*sample)"):
        run(idle(1000), idle(2000))


def test_trap_3_columns_are_found_by_their_names() -> None:
    columns = (
        "CPU, Extra, Process Name ( PID),   ThreadID, Count,           PrgrmCtr, ThreadStartImage!Function, "
        "           Image!Function, SampledProfile type"
    )
    row = f"SampledProfile, 1000, 5, x, {APP}, 1, 2, {hexed(WORK[0])}, ntdll.dll!Start, app.exe!work, Unbatched"
    profile = run(
        row,
        f"Stack, 1000, 0, {hexed(WORK[0])}, 1, 1, app.exe!work",
        f"Stack, 1000, 0, {hexed(ROOT[0])}, 1, 2, ntdll.dll!Root",
        head=header(SampledProfile=columns, Stack="New, Address, ThreadID, No., Image!Function"),
    )

    assert ["ntdll.dll!Root;app.exe!work"] == paths(profile)
    assert ([5], [2], [2_000_000]) == (
        profile.samples.cpu.tolist(),
        profile.samples.count.tolist(),
        profile.samples.weight_ns.tolist(),
    )


def test_trap_3_old_builds_have_fewer_columns() -> None:
    old = {
        "SampledProfile": COLUMNS["SampledProfile"].removesuffix(", SampledProfile type"),
        "P_DCStart": "Process Name ( PID), ParentPID, SessionID, UniqueKey, UserSid, Command Line",
        "I_DCStart": COLUMNS["I-Start"].removesuffix(", Relocated, NT FileName"),
    }
    profile = run(
        f"P-DCStart, 5, {APP}, 4, 1, 0x00000000, S-1-5-18, app.exe --all, --fast",
        f'I-DCStart, 6, {APP}, {hexed(APP_BASE)}, {hexed(APP_END)}, 0x0, 0x0, {hexed(APP_BASE)}, "C:\\bin\\app.exe"',
        sample(1000, leaf='"Unknown"!0x0000000140001010', count=3).removesuffix(", Unbatched"),
        head=header(**old),
        rundown=[],
    )

    assert ["app.exe!<unresolved>"] == paths(profile)
    assert [3] == profile.samples.count.tolist()
    assert ["app.exe --all, --fast"] == [row.command_line for row in profile.processes if row.pid == 100]


def test_trap_4_rows_longer_than_their_header() -> None:
    process = "app.exe (  55)"
    profile = run(
        process_row("P-Start", 900, process, "app.exe a b"),
        thread_row("T-Start", 901, 9, process),
        sample(1000, process='"Unknown" (  -1)', tid=9),
    )

    assert [(55, 0, "app.exe")] == owners(profile)
    assert "app.exe a b" in [row.command_line for row in profile.processes]


@pytest.mark.parametrize(
    ("start", "leaf"),
    [
        ("app.exe!Main", "client.dll!CInterpolatedVarArrayBase<Vector,0>::NoteChanged"),
        ("app.exe!Main", "client.dll!std::map<int, std::less<int>, 4>::find"),
        ("app.exe!run<int,0>", "client.dll!f"),
        ("app.exe!run<a::b, c (*)(int, char)>", "client.dll!operator,"),
        ("app.exe!run<a;b>", "client.dll!CInterpolatedVarArrayBase<Vector;0>::NoteChanged"),
        ("app.exe!Main", "my module-1.0.dll!`anonymous namespace'::f(int, char)"),
        ("app.exe!Main", 'client.dll!operator"" _km'),
        ("app.exe!Main", "client.dll!what!not"),
        ("app.exe!operator<", "client.dll!f"),
        ('"Unknown"!0x0000000020000000', "client.dll!f"),
    ],
)
def test_trap_5_commas_in_symbols(start: str, leaf: str) -> None:
    profile = run(sample(1000, NO_IMAGE, leaf, start=start), sample(2000, NO_IMAGE, "app.exe!g"))
    in_stack = run(sample(1000, NO_IMAGE, "app.exe!x", start=start), stack(1000, (NO_IMAGE, leaf), ROOT))

    assert [leaf, "app.exe!g"] == paths(profile)
    assert [f"ntdll.dll!RtlUserThreadStart;{leaf}"] == paths(in_stack)


def test_trap_5_commas_in_command_lines_and_in_the_name_of_the_trace() -> None:
    profile = run(
        process_row("P-Start", 10, "rustc.exe (10612)", '"D:\\rustc.exe" --emit=dep-info,metadata -C a, b'),
        sample(1000),
        about=info(events_lost=7, name="one, two, Events Lost: 3.etl"),
    )

    assert '"D:\\rustc.exe" --emit=dep-info,metadata -C a, b' in [row.command_line for row in profile.processes]
    assert 7 == profile.lost_events


def test_trap_6_quotes_are_not_those_of_csv() -> None:
    profile = run(
        process_row("P-Start", 10, "a.exe (55)", '"C:\\a.exe" --title "half open'), sample(1000), sample(2000)
    )

    assert ["app.exe!work"] * 2 == paths(profile)
    assert '"C:\\a.exe" --title "half open' in [row.command_line for row in profile.processes]


@pytest.mark.parametrize(
    ("text", "pid", "name"),
    [
        ("foo (x86).exe (1234)", 1234, "foo (x86).exe"),
        ("foo, bar.exe (1234)", 1234, "foo, bar.exe"),
        ("foo (x86), bar.exe (1234)", 1234, "foo (x86), bar.exe"),
        ("my program.exe (  12)", 12, "my program.exe"),
        ('"my program.exe" (  12)', 12, "my program.exe"),
        ("a_very_long_name_that_pushes_the_columns.exe (1)", 1, "a_very_long_name_that_pushes_the_columns.exe"),
        ('odd "name" here.exe (7)', 7, 'odd "name" here.exe'),
        ("Registry (  88)", 88, "Registry"),
    ],
)
def test_trap_7_process_names(text: str, pid: int, name: str) -> None:
    for rows in ([sample(1000, process=text)], [process_row("P-DCStart", 5, text), sample(1000, process=text)]):
        assert [(pid, 0, name)] == owners(run(*rows))


def test_trap_7_a_process_without_a_name_is_looked_up_by_its_thread() -> None:
    rows = [
        process_row("P-DCStart", 5),
        process_row("P-DCStart", 5, "b.exe ( 200)"),
        thread_row("T-DCStart", 5, 7),
        thread_row("T-End", 1500, 7),
        thread_row("T-Start", 1600, 7, "b.exe ( 200)"),
    ]
    samples = [sample(time, process='"Unknown" (  -1)', tid=7) for time in (1000, 2000)]
    profile = run(*rows, *samples, sample(3000, process='"Unknown" ( 200)', tid=99))

    assert [(100, 0, "app.exe"), (200, 0, "b.exe"), (200, 0, "b.exe")] == owners(profile)


def test_trap_7_a_process_that_nothing_names() -> None:
    profile = run(sample(1000, process='"Unknown" (  99)', tid=77))

    assert [(99, 0, "<unknown>")] == owners(profile)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app.exe!0x0000000140001010", "app.exe!<unresolved>"),
        ('app.exe!"Unknown"', "app.exe!<unresolved>"),
        ("app.exe!***unknown***", "app.exe!<unresolved>"),
        ('"Unknown"!0x0000000140001010', "app.exe!<unresolved>"),
        ("Unknown!0x0000000140001010", "app.exe!<unresolved>"),
        ('"Unknown"!"Unknown"', "app.exe!<unresolved>"),
        ("***unknown***!***unknown***", "app.exe!<unresolved>"),
        ("?!?", "app.exe!<unresolved>"),
        ("n/a", "app.exe!<unresolved>"),
    ],
)
def test_trap_8_spellings_of_no_symbol(text: str, expected: str) -> None:
    """Where the text does not know the module, the image that was loaded at the address does."""
    address = APP_BASE + 0x1010
    caller = (APP_BASE + 0x500, text)

    assert [f"{expected};app.exe!work"] == paths(run(sample(1000, address), stack(1000, WORK, caller)))
    assert [expected] == paths(run(sample(1000), stack(1000, (address, text))))
    assert [expected] == paths(run(sample(1000, address, text)))


def test_trap_8_an_address_in_no_image_is_in_no_module() -> None:
    leaf = (NO_IMAGE, '"Unknown"!0x0000000020000000')
    profile = run(sample(1000, *leaf), stack(1000, leaf, ROOT))

    assert ["ntdll.dll!RtlUserThreadStart;<unknown>!<unresolved>"] == paths(profile)
    assert NO_IMAGE == leaf_rva(profile)


def test_trap_9_the_start_of_a_thread_is_no_frame() -> None:
    profile = run(sample(1000, start="starter.dll!Start"))

    assert ["app.exe!work"] == paths(profile)
    assert "starter.dll" not in profile.modules


def test_trap_10_samples_of_nmi_are_not_counted() -> None:
    row = f"SampledProfileNmi, 1000, {APP}, 1, {hexed(WORK[0])}, 0, ntdll.dll!Start, app.exe!nmi, 1"
    profile = run(row, stack(1000, (WORK[0], "app.exe!nmi"), ROOT), sample(2000))

    assert (1, ["app.exe!work"]) == (profile.sample_count, paths(profile))


def test_trap_13_one_line_stacks_are_refused_with_the_way_out() -> None:
    line = f"Stack, 1000, 1, {hexed(WORK[0])}, {hexed(ROOT[0])}"
    named = "Stack, 1000, 1, app.exe!work, ntdll.dll!RtlUserThreadStart"
    for row in (line, named):
        with pytest.raises(TraceError, match="app.txt.*-target"):
            run(sample(1000), row, head=header(Stack="ThreadID, Frames"))
        with pytest.raises(TraceError, match="app.txt.*-target"):
            run(sample(1000), row)


def test_trap_14_lines_that_are_no_rows() -> None:
    error = "Error: Description for thread state (9) could not be found. Thread state array out of date!!"
    profile = run(
        error, sample(1000), error, stack(1000, WORK)[0], "", error, "0x00 0x01 0x02", stack(1000, ROOT, first=2)
    )

    assert ["ntdll.dll!RtlUserThreadStart;app.exe!work"] == paths(profile)


def test_trap_14_idle_states_are_raw_names() -> None:
    pseudo = (KERNEL_BASE + 8, "<Heuristic Low Power State>!<C3>")
    profile = run(sample(1000, *pseudo), stack(1000, pseudo, ROOT))

    assert ["ntdll.dll!RtlUserThreadStart;<heuristic low power state>!<C3>"] == paths(profile)


def test_trap_15_a_pid_that_is_used_again_is_another_process() -> None:
    profile = run(
        process_row("P-Start", 900, "one.exe (  55)", "one.exe -1"),
        sample(1000, process="one.exe (  55)"),
        process_row("P-End", 1500, "one.exe (  55)", "one.exe -1"),
        process_row("P-Start", 1600, "two.exe (  55)", "two.exe -2"),
        sample(2000, process="two.exe (  55)"),
    )
    reused = [row for row in profile.processes if row.pid == 55]

    assert [(55, 0, "one.exe"), (55, 1, "two.exe")] == owners(profile)
    assert [(900_000, 1_500_000), (1_600_000, None)] == [(row.start_ns, row.end_ns) for row in reused]
    assert ["one.exe -1", "two.exe -2"] == [row.command_line for row in reused]


def test_trap_15_a_process_that_ends_without_its_command_line_is_the_same_process() -> None:
    profile = run(
        process_row("P-Start", 900, "one.exe (  55)", "one.exe -1"),
        sample(1000, process="one.exe (  55)"),
        process_row("P-End", 1500, "one.exe (  55)", ""),
    )

    assert [(900_000, 1_500_000, "one.exe -1")] == [
        (row.start_ns, row.end_ns, row.command_line) for row in profile.processes if row.pid == 55
    ]


def test_trap_15_rundown_is_neither_birth_nor_death() -> None:
    profile = run(sample(1000), process_row("P-DCEnd", 1900))
    (row,) = (row for row in profile.processes if row.pid == 100)

    assert (None, None, 4) == (row.start_ns, row.end_ns, row.parent_pid)


def test_trap_29_letter_case_does_not_tell_modules_apart() -> None:
    profile = run(
        sample(1000, NO_IMAGE, "KernelBase.dll!f"),
        sample(2000, NO_IMAGE, "Kernelbase.dll!f"),
        sample(3000, NO_IMAGE, "x!f"),
    )

    assert ["kernelbase.dll!f"] * 2 == paths(profile)[:2]
    assert ["f", "f"] == sorted(profile.functions.name)
    assert 1 == sum(module.lower() == "kernelbase.dll" for module in profile.modules)


def test_trap_34_a_filtered_trace_has_no_idle_time_and_unknown_processes() -> None:
    profile = run(sample(1000), thread_row("T-DCEnd", 1900, 6), sample(2000, process="Unknown (   0)", tid=6))

    assert (2, 0) == (profile.sample_count, profile.idle_count)
    assert [(100, 0, "app.exe")] * 2 == owners(profile)


def test_what_is_no_dump_is_not_recognised() -> None:
    others = (
        b"   Process Name ( PID),     Weight,    Usage %,          Module Name!Function Name\r\n",
        b" StartTime,   EndTime,  Cpu 0,  Cpu 1\r\n         0,   1000000,  94.74,   0.70\r\n",
        b'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html><html><head><title>Stack Report</title>',
        b"app.exe!main;app.exe!work 12\n",
        b"Line #, Process, Stack, Count\n",
        f"{IDLE}\n".encode(),
        bytes(4096),
        b"",
    )

    assert [] == [head for head in others if DUMPER.recognises(head)]
