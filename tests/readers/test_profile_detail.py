"""xperf's profile detail: CPU time by process and function, with every trap that lies in its table."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import LEAF, NOT_KNOWN, UNKNOWN_MODULE, UNRESOLVED, Process, Profile
from perfdb.readers import open_trace
from perfdb.readers.profile_detail import PROFILE_DETAIL
from perfdb.readers.told import number
from tests.readers.reading import caveat_codes, read_as

MS = 1_000_000
FUNCTIONS = "   Process Name ( PID),     Weight,    Usage %,          Module Name!Function Name"
MODULES = "   Process Name ( PID),     Weight,    Usage %,          Module Name"
TIMELINE = " StartTime,   EndTime,  Cpu 0,  Cpu 1\r\n         0,   1000000,  94.74,   0.70\r\n"
COMMAND = "xperf -i TRACE.etl -tle -tti -symbols -o detail.txt -a profile -detail"


def table(*rows: tuple[str, object, str], header: str = FUNCTIONS) -> str:
    """A table as xperf lays it out."""
    lines = [f"{process:>22}, {weight!s:>10}, {'0.03':>10}, {symbol:>20}" for process, weight, symbol in rows]
    return "".join(f"{line}\r\n" for line in (header, *lines))


def read(text: str, interval_ns: int | None = MS, encoding: str = "utf-8") -> Profile:
    return read_as(PROFILE_DETAIL, text.encode(encoding), interval_ns=interval_ns)


def weights(profile: Profile) -> dict[tuple[str, str], tuple[int, int]]:
    """Samples and microseconds by (process, module!function)."""
    assert profile.sums
    found = profile.sums.functions
    names = [f"{profile.modules[module]}!{name}" for module, name in zip(*_columns(profile), strict=True)]
    rows = zip(found.process, found.item, found.exclusive_samples, found.exclusive_ns, strict=True)
    return {
        (profile.processes[process].name, names[item]): (int(samples), int(weight_ns) // 1000)
        for process, item, samples, weight_ns in rows
    }


def _columns(profile: Profile) -> tuple[list[int], tuple[str, ...]]:
    return profile.functions.module.tolist(), profile.functions.name


def caveat(profile: Profile, code: str) -> str:
    return next(each.text for each in profile.caveats if each.code == code)


def test_a_table_tells_exclusive_time_by_process_and_function() -> None:
    profile = read(
        table(
            ("Idle (   0)", 192694000, "ntoskrnl.exe!SwapContext"),
            ("emule.exe (17236)", 136000, 'ntdll.dll!"Unknown"'),
            ("emule.exe (17236)", 2000, "emule.exe!CMap<int,int &>::Lookup(int, int &)"),
            ("System (   4)", 1000, "ntoskrnl.exe!KeWait"),
        )
    )
    assert profile.sums

    assert profile.detail == LEAF
    assert (Process(17236, "emule.exe"), Process(4, "System")) == profile.processes
    assert {
        ("emule.exe", f"ntdll.dll!{UNRESOLVED}"): (136, 136000),
        ("emule.exe", "emule.exe!CMap<int,int &>::Lookup(int, int &)"): (2, 2000),
        ("System", "ntoskrnl.exe!KeWait"): (1, 1000),
    } == weights(profile)
    assert (139 + 192694, 192694) == (profile.sample_count, profile.idle_count)
    assert {NOT_KNOWN} == {*profile.sums.functions.inclusive_ns, *profile.sums.modules.inclusive_samples}
    assert 0 == len(profile.sums.calls)
    assert {"idle-work", "losses-not-told"} == caveat_codes(profile)


def test_a_table_of_modules_has_no_functions() -> None:
    profile = read(table(("a.exe (1)", 5000, "KernelBase.dll"), ("a.exe (1)", 1000, '"Unknown"'), header=MODULES))

    assert {
        ("a.exe", f"KernelBase.dll!{UNRESOLVED}"): (5, 5000),
        ("a.exe", f"{UNKNOWN_MODULE}!{UNRESOLVED}"): (1, 1000),
    } == weights(profile)


def test_the_interval_is_assumed_with_a_caveat_or_given() -> None:
    text = table(("a.exe (1)", 136000, "a.dll!f"))
    assumed, given_one = read(text, None), read(text, 8 * MS)

    assert (MS, 136) == (assumed.interval_ns, assumed.sample_count)
    assert "the table does not say its sampling interval: 1 ms is assumed" == caveat(assumed, "no-interval")
    assert (8 * MS, 17) == (given_one.interval_ns, given_one.sample_count)
    assert {"losses-not-told"} == caveat_codes(given_one)


def test_trap_2_and_33_a_table_without_rows_is_an_error() -> None:
    for text in (FUNCTIONS, FUNCTIONS + "\r\n", f"\r\n\r\n{MODULES}\r\n\r\n"):
        with pytest.raises(TraceError, match=f"found a header and no rows. .*: {COMMAND}"):
            read(text)


def test_a_table_of_nothing_but_idle_time_is_an_error() -> None:
    with pytest.raises(TraceError, match="found nothing but idle time"):
        read(table(("Idle (   0)", 192694, "ntoskrnl.exe!SwapContext")))
    with pytest.raises(TraceError, match="found nothing but idle time"):
        read(table(("a.exe (   1)", 0, "a.dll!f")))


def test_trap_7_process_fields_in_all_their_spellings() -> None:
    profile = read(
        table(
            ('"Unknown" (99)', 1000, "a.dll!f"),
            ("foo (x86).exe (1234)", 1000, "a.dll!f(12), 3000, 1.00, x"),
            ("a, b (1), c.exe (  56)", 1000, "a.dll!f"),
            ("gone.exe (  -1)", 1000, "a.dll!f"),
            (r"C:\x\path.exe (1)", 1000, "a.dll!f"),
            ("wow!.exe (  2)", 1000, "a.dll!f"),
        )
    )

    assert [
        ("Unknown", 99),
        ("foo (x86).exe", 1234),
        ("a, b (1), c.exe", 56),
        ("gone.exe", -1),
        ("path.exe", 1),
        ("wow!.exe", 2),
    ] == [(each.name, each.pid) for each in profile.processes]
    assert (1, 1000) == weights(profile)["foo (x86).exe", "a.dll!f(12), 3000, 1.00, x"]


def test_one_pid_under_two_names_is_two_processes() -> None:
    profile = read(table(("a.exe (7)", 1000, "a.dll!f"), ("b.exe (7)", 1000, "a.dll!f"), ("A.exe (7)", 1, "a.dll!g")))

    assert (Process(7, "a.exe"), Process(7, "b.exe", incarnation=1)) == profile.processes


def test_trap_8_missing_symbols_in_all_their_spellings() -> None:
    nowhere = ('"Unknown"!"Unknown"', '"Unknown"!0x00007ffb1c0b26a1', f"{'***unknown***'}!***unknown***", "?!?", "n/a")
    within = ('a.dll!"Unknown"', "a.dll!0x1c0b26a1", "a.dll!***unknown***", "a.dll")
    profile = read(table(*(("a.exe (1)", 1000, symbol) for symbol in (*nowhere, *within))))

    assert {
        ("a.exe", f"{UNKNOWN_MODULE}!{UNRESOLVED}"): (5, 5000),
        ("a.exe", f"a.dll!{UNRESOLVED}"): (4, 4000),
    } == weights(profile)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_trap_16_encodings(encoding: str) -> None:
    raw = table(("grün.exe (1)", 1000, "a.dll!größe")).encode(encoding)
    profile = read_as(PROFILE_DETAIL, raw)

    assert PROFILE_DETAIL.recognises(raw)
    assert {("grün.exe", "a.dll!größe"): (1, 1000)} == weights(profile)
    assert (encoding == "cp1252") == ("encoding" in caveat_codes(profile))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_trap_16_line_ends(end: str) -> None:
    text = table(("a.exe (1)", 1000, "a.dll!f"), ("a.exe (1)", 2000, "a.dll!g"))

    assert weights(read(text)) == weights(read(text.replace("\r\n", end)))


def test_trap_19_the_timeline_is_recognised_and_refused_with_the_right_command() -> None:
    raw = TIMELINE.encode()

    assert PROFILE_DETAIL.recognises(raw)
    with pytest.raises(TraceError, match=f"found a timeline .* Make the table with {COMMAND}, or record the .etl"):
        read_as(PROFILE_DETAIL, raw)


def test_the_table_is_found_beside_the_timeline() -> None:
    rows = table(("a.exe (1)", 1000, "a.dll!f"))
    expected = read(rows)

    for text in (TIMELINE + "\r\n" + rows, rows + "\r\n" + TIMELINE, f"[1/2]  50.0%\r\nreading …\r\n\r\n{rows}"):
        assert PROFILE_DETAIL.recognises(text.encode())
        assert weights(expected) == weights(read(text))
        assert expected.caveats == read(text).caveats


def test_trap_20_weight_is_time_and_samples_are_an_estimate() -> None:
    """A weight is the time since the last sample: 1990 and 3951 µs were 2 and 4 samples, more or less."""
    profile = read(
        table(("a.exe (1)", 1990, "a.dll!f"), ("a.exe (1)", 3951, "a.dll!g"), ("a.exe (1)", 1400, "a.dll!h"))
    )

    assert {
        ("a.exe", "a.dll!f"): (2, 1990),
        ("a.exe", "a.dll!g"): (4, 3951),
        ("a.exe", "a.dll!h"): (1, 1400),
    } == weights(profile)
    assert "samples-estimated" in caveat_codes(profile)
    assert 1 == read(table(("a.exe (1)", 3, "a.dll!f"))).sample_count


@given(
    given_us=st.lists(st.integers(0, 10_000), min_size=1, max_size=20).filter(any),
    interval_ns=st.integers(100_000, 9 * MS),
)
def test_estimated_samples_add_up(given_us: list[int], interval_ns: int) -> None:
    rows = [("a.exe (1)", weight, f"a.dll!f{row}") for row, weight in enumerate(given_us)]
    profile = read(table(*rows), interval_ns)
    samples = [count for count, _ in weights(profile).values()]
    total_ns = sum(given_us) * 1000

    assert given_us == [weight for _, weight in weights(profile).values()]
    assert profile.sample_count == sum(samples) == max(1, int(total_ns / interval_ns + 0.5))
    assert all(abs(count - weight * 1000 / interval_ns) <= 1 for count, weight in zip(samples, given_us, strict=True))


def test_trap_21_rows_that_are_alike_are_added() -> None:
    profile = read(
        table(
            ("a.exe (1)", 1000, "a.dll!f"),
            ("a.exe (1)", 2000, "a.dll!f"),
            ("a.exe (1)", 4000, "a.dll"),
            ("b.exe (2)", 8000, "a.dll!f"),
        )
    )

    assert {
        ("a.exe", "a.dll!f"): (3, 3000),
        ("a.exe", f"a.dll!{UNRESOLVED}"): (4, 4000),
        ("b.exe", "a.dll!f"): (8, 8000),
    } == weights(profile)


def test_trap_29_letter_case_does_not_tell_modules_apart() -> None:
    profile = read(table(("a.exe (1)", 1000, "KernelBase.dll!f"), ("a.exe (1)", 2000, "Kernelbase.DLL!f")))

    assert {("a.exe", "KernelBase.dll!f"): (3, 3000)} == weights(profile)


@pytest.mark.parametrize("weight", ["102,036,800", "102\u00a0036\u00a0800", "102'036'800", "102036800"])
def test_trap_30_thousands_separators(weight: str) -> None:
    text = table(("emule.exe (17236)", weight, "ntdll.dll!f"))

    assert {("emule.exe", "ntdll.dll!f"): (102_037, 102_036_800)} == weights(read(text))


def test_trap_30_decimal_commas_do_not_move_columns() -> None:
    text = table(("a.exe (1)", 456000, "a.dll!f")).replace("0.03", "100,00")

    assert {("a.exe", "a.dll!f"): (456, 456000)} == weights(read(text))
    unpadded = (
        f"{FUNCTIONS}\na.exe (1),456,100.00,a.dll!f\nb.exe (1),456,100,00,b.dll!f\nc.exe (1),1,456,5.74,c.dll!f\n"
    )
    assert [456, 456, 1456] == [weight for _, weight in weights(read(unpadded)).values()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("3,631", 3631),
        ("1,234,567", 1234567),
        ("1.234", None),
        ("12,34", None),
        ("1,2345", None),
        ("-1", None),
        ("", None),
        ("٣", None),
        ("9" * 15, 10**15 - 1),
        ("9" * 16, None),
        ("1,000,000,000,000,000", None),
    ],
)
def test_numbers(text: str, value: int | None) -> None:
    assert value == number(text)


def test_columns_may_come_in_between() -> None:
    header = FUNCTIONS.replace("Usage %", "Rank,  Usage %")
    text = table(("a.exe (1)", "7000,  1st", "a.dll!f"), header=header)

    assert {("a.exe", "a.dll!f"): (7, 7000)} == weights(read(text))


def test_trap_34_a_filtered_trace_has_work_under_pid_0() -> None:
    profile = read(table(("Unknown (   0)", 1000, "a.dll!f"), ('"Unknown" (   0)', 1000, "a.dll!f")))

    assert (Process(0, "Unknown"),) == profile.processes
    assert (2, 0) == (profile.sample_count, profile.idle_count)
    assert "idle-work" not in caveat_codes(profile)


def test_malformed_rows_among_good_ones_are_counted() -> None:
    text = table(
        ("a.exe (1)", 1000, "a.dll!f"),
        ("a.exe (1", 1000, "a.dll!f"),
        ("a.exe (1)", "1e3", "a.dll!f"),
        ("a.exe (1)", "-5", "a.dll!f"),
        ("a.exe (1)", 5, ""),
        (" (1)", 5, "a.dll!f"),
        ("a.exe (1)", 9 * 10**15, "a.dll!f"),
    )

    assert {("a.exe", "a.dll!f"): (1, 1000)} == weights(read(text))
    assert "6 rows beside 1 good ones could not be read: their weight is missing" == caveat(
        read(text), "malformed-rows"
    )


def test_nothing_but_malformed_rows_is_an_error() -> None:
    with pytest.raises(TraceError, match="found a header and no row that can be read. Make the file again: xperf"):
        read(table(("a.exe", 1000, "a.dll!f"), ("b.exe", 1000, "a.dll!f")))


def test_more_time_than_a_trace_can_hold_is_an_error() -> None:
    with pytest.raises(TraceError, match="more than a trace can hold"):
        read(table(*(("a.exe (1)", 9 * 10**14, f"a.dll!f{row}") for row in range(9))))


def test_several_tables_in_one_file_are_refused() -> None:
    with pytest.raises(TraceError, match="found several tables in one file"):
        read(table(("a.exe (1)", 1000, "a.dll!f")) * 2)


def test_a_table_without_modules_is_refused() -> None:
    with pytest.raises(TraceError, match="whose last column is 'Usage %', not modules"):
        read("Process Name ( PID), Weight, Usage %\r\na.exe (1), 1000, 5.00\r\n")


@pytest.mark.parametrize(
    ("header", "symbol", "expected"),
    [
        (FUNCTIONS, "ntdll.dll!Rtl", ("ntdll.dll", UNRESOLVED)),
        (FUNCTIONS, 'ntdll.dll!"Unknown"', ("ntdll.dll", UNRESOLVED)),
        (FUNCTIONS, "ntdll.dl", None),
        (FUNCTIONS, "ntdll.dll", None),
        (MODULES, "ntdll.dll", ("ntdll.dll", UNRESOLVED)),
        (MODULES, "ntd", ("ntd", UNRESOLVED)),
        (MODULES, '"Unknown"', (UNKNOWN_MODULE, UNRESOLVED)),
        (MODULES, "System.Management.Automation.n", None),
        (MODULES, "System.Management.Automation.ni.dll", ("System.Management.Automation.ni.dll", UNRESOLVED)),
    ],
)
def test_a_last_line_without_an_end_tells_only_what_is_surely_whole(
    header: str, symbol: str, expected: tuple[str, str] | None
) -> None:
    """A module is whole before `!`, by its ending, or where it fills its column; a function never is."""
    text = table(("a.exe (1)", 1000, "a.dll!f"), ("b.exe (2)", 2000, symbol), header=header).removesuffix("\r\n")
    profile = read(text)
    found = {key[1]: weight for key, (_, weight) in weights(profile).items() if key[0] == "b.exe"}

    assert ({"!".join(expected): 2000} if expected else {}) == found
    assert "truncated" in caveat_codes(profile)


def test_a_module_that_does_not_fill_its_column_is_cut() -> None:
    text = table(("a.exe (1)", 1000, "a.dll"), ("b.exe (2)", 2000, "advapi32.dll"), header=MODULES)

    assert {("a.exe", f"a.dll!{UNRESOLVED}"): (1, 1000)} == weights(read(text.removesuffix("32.dll\r\n")))


ROWS = (
    ("Idle (   0)", 9000, "ntoskrnl.exe!SwapContext"),
    ("foo (x86).exe (1234)", 7000, "app.exe!Map<int,int>::find"),
    ("foo (x86).exe (1234)", 5000, 'ntdll.dll!"Unknown"'),
    ("b.exe (  22)", 3000, "app.exe!Map<int,int>::find"),
    ("b.exe (  22)", 1000, '"Unknown"!"Unknown"'),
)


@pytest.mark.parametrize("header", [FUNCTIONS, MODULES])
def test_a_table_cut_anywhere_is_refused_or_never_wrong(header: str) -> None:
    rows = [(name, weight, symbol.partition("!")[0] if header == MODULES else symbol) for name, weight, symbol in ROWS]
    raw = table(*rows, header=header).encode()
    expected = weights(read_as(PROFILE_DETAIL, raw))
    whole = 0
    for length in range(len(raw)):
        try:
            profile = read_as(PROFILE_DETAIL, raw[:length])
        except TraceError:
            continue
        for (process, symbol), pair in weights(profile).items():
            module, _, function = symbol.partition("!")
            if function == UNRESOLVED and (process, symbol) not in expected:
                possible = [
                    each
                    for (owner, name), each in expected.items()
                    if (owner, module) == (process, name.partition("!")[0])
                ]
                assert pair in possible
            else:
                assert expected[process, symbol] == pair
        whole += 1

    assert whole > 100


def test_flipped_bytes_and_noise_never_break_the_reader() -> None:
    raw = table(*ROWS).encode()
    draw = random.Random(7)
    for _ in range(1500):
        damaged = bytearray(raw)
        for _ in range(draw.choice((1, 1, 3, 20))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        # Whatever can be read passes self_check in there.
        with suppress(TraceError):
            read_as(PROFILE_DETAIL, bytes(damaged))
    for _ in range(100):
        with pytest.raises(TraceError, match="found no header"):
            read_as(PROFILE_DETAIL, draw.randbytes(draw.randrange(3000)))


def test_hostile_lines_take_no_longer_than_their_length() -> None:
    """What an expression could go back over; a square of this would take hours."""
    good = table(("a.exe (1)", 1000, "a.dll!f"))
    for piece in ("(", "(1), ", " ", "( ", "1,", ",", "(1), 1, 0.0"):
        profile = read(f"{good}x{piece * 100_000}x\r\n")

        assert {("a.exe", "a.dll!f"): (1, 1000)} == weights(profile)
        assert "malformed-rows" in caveat_codes(profile)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"BeginHeader\n        P-Start,  TimeStamp,     Process Name ( PID),  ParentPID,  Weight\n",
        b"Process,Thread ID,Stack,Weight (in view) (ms)\n",
        b"<html><head><title>Stack Report</title></head>",
        bytes(500),
    ],
)
def test_other_files_are_not_recognised(head: bytes) -> None:
    assert not PROFILE_DETAIL.recognises(head)


def test_the_corpus_table_has_the_samples_of_the_trace(corpus: Path) -> None:
    expected = json.loads((corpus / "dotnet-gc-x64.expected.json").read_text(encoding="utf-8"))
    with open_trace(corpus / "dotnet-gc-x64.profile_detail.txt", [PROFILE_DETAIL]) as trace:
        profile = trace.read()
    by_module = {
        module.partition("!")[0]: samples
        for (process, module), (samples, _) in weights(profile).items()
        if process == "Test.x64.exe"
    }
    work_on_idle = next(each["samples"] for each in expected["processes"] if each["pid"] == 0)

    assert expected["samples"] == profile.sample_count == 79_528
    assert expected["idle"] + work_on_idle == profile.idle_count
    assert {
        UNKNOWN_MODULE if module == "None" else module: samples
        for module, samples in expected["main_exclusive_by_module"].items()
    } == by_module
    assert {"no-interval", "idle-work", "losses-not-told"} == caveat_codes(profile)
    assert {(each["name"], each["pid"]) for each in expected["processes"]} - {("Idle", 0)} == {
        (each.name, each.pid) for each in profile.processes
    }
