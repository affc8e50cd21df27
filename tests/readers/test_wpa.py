"""wpaexporter's CSV: labels in any order, slashes in names, numbers of any locale, rows that sum up other rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import Profile
from perfdb.readers.locale_numbers import LocaleNumbers
from perfdb.readers.wpa import WPA
from perfdb.readers.wpa_cells import split_frame, split_label, split_stack
from tests.readers.reading import caveat_codes, read_as
from tests.readers.test_folded import stacks

EVENTS = "Process,Thread ID,Stack,Count,Weight (in view) (ms),TimeStamp (s)"
MAIN = "[Root]/ntdll.dll!RtlUserThreadStart/app.exe!main"


def table(labels: str, *rows: Sequence[object]) -> bytes:
    """A CSV as wpaexporter quotes it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(labels.split(","))
    writer.writerows(rows)
    return text.getvalue().encode()


SMALL = table(
    EVENTS,
    ("app.exe (4711)", 4712, MAIN, 1, "1.000212", "0.105331412"),
    ("app.exe (4711)", 4712, f"{MAIN}/app.exe!Foo<A, 0>::bar", 1, "0.999800", "1.106"),
    ("Idle (0)", 0, "n/a", 1, "1.0", "1.107"),
    ("System (4)", 80, "n/a", 1, "1.0", "1.108"),
)


def texts(profile: Profile, code: str) -> list[str]:
    return [caveat.text for caveat in profile.caveats if caveat.code == code]


def test_a_row_is_a_sample() -> None:
    profile = read_as(WPA, SMALL)

    root = "app.exe (4711);ntdll.dll!RtlUserThreadStart;app.exe!main"
    assert {
        root: 1,
        f"{root};app.exe!Foo<A, 0>::bar": 1,
        "System (4);<unknown>!<unresolved>": 1,
    } == stacks(profile)
    assert (4, 1, 1_108_000_000) == (profile.sample_count, profile.idle_count, profile.duration_ns)
    assert [105_331_412, 1_106_000_000, 1_108_000_000] == profile.samples.time_ns.tolist()
    assert [1_000_212, 999_800, 1_000_000] == profile.samples.weight_ns.tolist()
    assert [4712, 4712, 80] == profile.samples.tid.tolist()
    assert [True, True, False] == profile.samples.has_stack.tolist()
    assert (1_000_000, {"losses-not-told"}) == (profile.interval_ns, caveat_codes(profile))


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + SMALL,
        SMALL.replace(b"\r\n", b"\n"),
        b"\r\n" + SMALL,
        ("\ufeff" + SMALL.decode()).encode("utf-16-le"),
        SMALL.decode().encode("utf-16-be"),
    ],
)
def test_encodings_and_line_ends(data: bytes) -> None:
    assert WPA.recognises(data)
    assert stacks(read_as(WPA, SMALL)) == stacks(read_as(WPA, data))


def test_a_code_page_is_guessed_line_by_line() -> None:
    rows = table(EVENTS, ("caf\u00e9.exe (1)", 1, "a!b", 1, "1.5", "2.5")) + table(
        "", ("caf\u00e9.exe (1)", 1, "a!c", 1, "1.5", "2.5")
    ).removeprefix(b"\r\n").decode().encode("cp1252")
    profile = read_as(WPA, rows)

    assert {"café.exe (1);a!b": 1, "café.exe (1);a!c": 1} == stacks(profile)
    assert "encoding" in caveat_codes(profile)


@pytest.mark.parametrize(
    ("cell", "frames"),
    [
        ("", []),
        ("n/a", []),
        ("[Root]", []),
        ("[Root]/n/a", []),
        ("[Root]/a.exe!f/b.dll!g", ["a.exe!f", "b.dll!g"]),
        ("[Root]/?!?/?!?/a.exe!f", ["?!?", "?!?", "a.exe!f"]),
        ("a.exe!Vec::operator//b.dll!g", ["a.exe!Vec::operator/", "b.dll!g"]),
        ("a.exe!operator/=(x, y)/b.dll!g", ["a.exe!operator/=(x, y)", "b.dll!g"]),
        ("a.exe!operator/", ["a.exe!operator/"]),
        ("a.exe!f(lib/core/x.cs)/b.dll!g", ["a.exe!f(lib/core/x.cs)", "b.dll!g"]),
        ("a.exe!f<a/b<c!d>>/b.dll!g", ["a.exe!f<a/b<c!d>>", "b.dll!g"]),
        ("a.exe!f/n/a/b.dll!g", ["a.exe!f", "n/a", "b.dll!g"]),
        ("Idle/a.exe!f/Idle", ["Idle", "a.exe!f", "Idle"]),
        ('a.exe!say "hi"/"Unknown"!0x12', ['a.exe!say "hi"', '"Unknown"!0x12']),
        ("[Root]/a.dll/b.dll", ["a.dll", "b.dll"]),
    ],
)
def test_trap_31_a_stack_is_divided_where_a_frame_begins(cell: str, frames: list[str]) -> None:
    assert frames == split_stack(cell)


@given(st.lists(st.sampled_from(["a.exe!f", "b c.dll!operator/", "?!?", "k.sys!g<x, y>(z)", "c.dll!/x/"]), min_size=1))
def test_frames_with_modules_are_found_again(frames: list[str]) -> None:
    assert frames == split_stack("[Root]/" + "/".join(frames))


@pytest.mark.parametrize(
    ("text", "module", "function"),
    [
        ("?!?", "<unknown>", "<unresolved>"),
        ("ntdll.dll!<Symbols disabled>", "ntdll.dll", "<unresolved>"),
        ("ntdll.dll!<PDB not found>", "ntdll.dll", "<unresolved>"),
        ("a.dll!f!g", "a.dll", "f!g"),
    ],
)
def test_a_frame(text: str, module: str, function: str) -> None:
    assert (module, function) == split_frame(text)


@pytest.mark.parametrize(
    ("label", "name", "unit"),
    [
        ("Weight (in view) (ms)", "weight", "ms"),
        ("Weight (ms)", "weight", "ms"),
        ("TimeStamp (s)", "timestamp", "s"),
        ("% Weight", "% weight", ""),
        ("\ufeffProcess Name", "process name", ""),
        ("Stack (Frame Tags)", "stack (frame tags)", ""),
    ],
)
def test_a_label(label: str, name: str, unit: str) -> None:
    assert (name, unit) == split_label(label)


def test_columns_are_found_by_their_labels() -> None:
    profile = read_as(
        WPA,
        table(
            "Rank,TimeStamp (ms),Count,Weight (µs),CPU,PID,Process Name,Stack,Thread ID",
            ("7", "105.5", 1, "122.1", 3, "4,711", "app (x86).exe", "a.exe!f", "4,712"),
        ),
    )

    assert {"app (x86).exe (4711);a.exe!f": 1} == stacks(profile)
    assert (105_500_000, 122_100, 3, 4712) == (
        profile.duration_ns,
        profile.interval_ns,
        int(profile.samples.cpu[0]),
        int(profile.samples.tid[0]),
    )


@pytest.mark.parametrize(
    "labels", ["Process,Stack,Count,Stack,TimeStamp (s)", "Process,Stack,Count,TimeStamp (s),Stack"]
)
def test_trap_31_of_two_columns_of_one_name_the_fuller_stacks_count(labels: str) -> None:
    cells = {"Process": "a.exe (1)", "Count": "1", "TimeStamp (s)": "0.5"}
    short, full = "k.sys!g", "[Root]/a.exe!f/k.sys!g"
    for first, second in ((short, full), (full, short)):
        places = iter((first, second))
        row = [cells.get(label) or next(places) for label in labels.split(",")]

        assert {"a.exe (1);a.exe!f;k.sys!g": 1} == stacks(read_as(WPA, table(labels, row)))


def test_rows_without_anything_but_stacks_are_samples_with_caveats() -> None:
    """What UIforETW's profile exports."""
    row = ("app.exe (4711)", 12, "[Root]/a.exe!f")
    profile = read_as(WPA, table("Process,Thread ID,Stack", row, row))

    assert {"app.exe (4711);a.exe!f": 2} == stacks(profile)
    assert (2_000_000, 1_000_000) == (int(profile.samples.weight_ns.sum()), profile.interval_ns)
    assert {"no-counts", "no-interval", "losses-not-told"} == caveat_codes(profile)


def test_module_and_function_are_the_leaf_where_there_is_no_stack() -> None:
    rows = (
        ("a.exe (1)", "k.sys", "work", 3, "3.0"),
        ("a.exe (1)", "k.sys", "n/a", 1, "1.0"),
        ("a.exe (1)", "n/a", "n/a", 1, "1.0"),
    )
    profile = read_as(WPA, table("Process,Module,Function,Count,Weight (in view) (ms)", *rows))

    assert {
        "a.exe (1);k.sys!work": 3,
        "a.exe (1);k.sys!<unresolved>": 1,
        "a.exe (1);<unknown>!<unresolved>": 1,
    } == stacks(profile)
    assert not profile.samples.has_stack.any()


def test_the_module_is_the_leaf_of_a_row_whose_stack_is_missing() -> None:
    rows = (("a.exe (1)", "n/a", "k.sys", "work", 1, "0.5"), ("a.exe (1)", "a.exe!f", "a.exe", "f", 1, "0.6"))
    profile = read_as(WPA, table("Process,Stack,Module,Function,Count,TimeStamp (s)", *rows))

    assert {"a.exe (1);k.sys!work": 1, "a.exe (1);a.exe!f": 1} == stacks(profile)
    assert [False, True] == profile.samples.has_stack.tolist()


def test_idle_time_is_no_work_but_its_interrupts_are() -> None:
    rows = [("Idle (0)", cell, "[Root]/k.sys!g", 1, "0.5") for cell in ("n/a", "DPC", "ISR", "None")]
    profile = read_as(
        WPA, table("Process,DPC/ISR,Stack,Count,TimeStamp (s)", *rows, ("Unknown (0)", "", "a!f", 1, "0.6"))
    )

    assert {"Idle (0);k.sys!g": 2, "<unknown> (0);a!f": 1} == stacks(profile)
    assert (5, 2) == (profile.sample_count, profile.idle_count)


def event(
    count: object = 1, time: object = "0.5", stack: str = "a.exe!f", process: str = "a.exe (1)"
) -> tuple[object, ...]:
    return (process, 2, stack, count, f"{count}.0", time)


def test_trap_31_of_single_samples_and_their_sums_the_samples_count() -> None:
    rows = (event(3, ""), event(), event(time="0.6"), event(1, "", stack="k.sys!g"), event(stack="k.sys!g"))
    profile = read_as(WPA, table(EVENTS, *rows))

    assert {"a.exe (1);a.exe!f": 2, "a.exe (1);k.sys!g": 1} == stacks(profile)
    assert ["2 rows that sum up others were left out: the single samples were counted"] == texts(profile, "aggregates")


@pytest.mark.parametrize("process", ["a.exe (1)", "b.exe (2)", ""])
def test_sums_of_more_than_the_single_samples_are_refused(process: str) -> None:
    with pytest.raises(TraceError, match=r"a row of 3 samples of .* that does not sum them up \(there are [02]\)"):
        read_as(WPA, table(EVENTS, event(3, "", process=process), event(), event(time="0.6")))


SUMS = "Process,Thread ID,Stack,Count,Weight (in view) (ms)"


def test_rows_of_a_grouped_table_count_with_their_count() -> None:
    rows = (("a.exe (1)", 2, "a.exe!f", "1,234", "1,234.5"), ("a.exe (1)", 2, "n/a", 6, "6.0"))
    profile = read_as(WPA, table(SUMS, *rows))

    assert {"a.exe (1);a.exe!f": 1234, "a.exe (1);<unknown>!<unresolved>": 6} == stacks(profile)
    assert ([1_234_500_000, 6_000_000], 1_000_000) == (profile.samples.weight_ns.tolist(), profile.interval_ns)
    assert {"losses-not-told"} == caveat_codes(profile)


def test_subtotals_are_not_counted_again() -> None:
    rows = [
        ("", "", "", 15, "15.0"),
        ("a.exe (1)", "", "", 10, "10.0"),
        ("a.exe (1)", 2, "", 7, "7.0"),
        ("a.exe (1)", 2, "a.exe!f", 4, "4.0"),
        ("a.exe (1)", 2, "a.exe!g", 3, "3.0"),
        ("a.exe (1)", 3, "[Root]", 3, "3.0"),
        ("a.exe (1)", 3, "a.exe!f", 3, "3.0"),
        ("b.exe (2)", "", "", 5, "5.0"),
        ("b.exe (2)", 2, "b.exe!f", 5, "5.0"),
    ]
    profile = read_as(WPA, table(SUMS, *rows))

    assert {"a.exe (1);a.exe!f": 7, "a.exe (1);a.exe!g": 3, "b.exe (2);b.exe!f": 5} == stacks(profile)
    assert ["5 rows of subtotals were left out"] == texts(profile, "aggregates")


def test_a_row_with_an_empty_stack_that_is_no_subtotal_counts_with_a_caveat() -> None:
    profile = read_as(WPA, table(SUMS, ("a.exe (1)", 2, "", 9, "9.0"), ("a.exe (1)", 2, "a.exe!f", 4, "4.0")))

    assert {"a.exe (1);<unknown>!<unresolved>": 9, "a.exe (1);a.exe!f": 4} == stacks(profile)
    assert "empty-stacks" in caveat_codes(profile)


def test_weights_alone_tell_how_many_samples_a_row_is() -> None:
    data = table("Process,Stack,Weight (ms)", ("a.exe (1)", "a.exe!f", "12.25"), ("a.exe (1)", "a.exe!g", "0.1"))
    profile = read_as(WPA, data, interval_ns=500_000)

    assert {"a.exe (1);a.exe!f": 24, "a.exe (1);a.exe!g": 1} == stacks(profile)
    assert 12_350_000 == int(profile.samples.weight_ns.sum())
    assert {"no-counts", "losses-not-told"} == caveat_codes(profile)


def test_weights_that_differ_leave_the_interval_a_guess() -> None:
    rows = [(*event()[:4], f"{weight}.5", f"0.{number}") for number, weight in enumerate((1, 3, 9, 27))]

    assert "interval-guessed" in caveat_codes(read_as(WPA, table(EVENTS, *rows)))
    assert "interval-guessed" not in caveat_codes(read_as(WPA, table(EVENTS, *rows), interval_ns=1_000_000))


@pytest.mark.parametrize(
    ("cells", "ns"),
    [
        (["20,726,984.943082"], [20_726_984_943_082]),
        (["20.726,5"], [20_726_500_000]),
        (["20.726.984,943082"], [20_726_984_943_082]),
        (["20\u00a0726,5", "1,234"], [20_726_500_000, 1_234_000]),
        (["20\u2009726.5", "1\u202f234"], [20_726_500_000, 1_234_000_000]),
        (["20\u2019726.5"], [20_726_500_000]),
        (["1,234", "0.5"], [1_234_000_000, 500_000]),
        (["1,234", "0,5"], [1_234_000, 500_000]),
        (["1.234", "7", "0.5"], [1_234_000, 7_000_000, 500_000]),
        (["1.234", "0,25"], [1_234_000_000, 250_000]),
        (["12,34,567.5"], [1_234_567_500_000]),
        (["3", "4"], [3_000_000, 4_000_000]),
    ],
)
def test_trap_30_numbers_of_a_locale(cells: list[str], ns: list[int]) -> None:
    data = table("Process,Stack,Count,Weight (ms)", *[("a.exe (1)", "a.exe!f", 1, cell) for cell in cells])

    assert ns == read_as(WPA, data).samples.weight_ns.tolist()


def test_a_grouped_count_tells_what_a_point_is() -> None:
    data = table("Process,Stack,Count,Weight (ms)", ("a (1)", "a!f", 1, "1.234"), ("a (1)", "a!g", "1.234", "1.234"))

    assert [1_234_000_000, 1_234_000_000] == read_as(WPA, data).samples.weight_ns.tolist()


@pytest.mark.parametrize("cell", ["1,234", "12.345"])
def test_a_number_that_can_be_read_two_ways_is_refused(cell: str) -> None:
    with pytest.raises(TraceError, match=f"numbers like {cell}, and nothing"):
        read_as(WPA, table("Process,Stack,Count,Weight (ms)", ("a (1)", "a!f", 1, "3"), ("a (1)", "a!f", 1, cell)))


@given(st.integers(0, 10**15), st.sampled_from([(",", "."), (".", ","), ("\u00a0", ","), ("", ".")]))
def test_a_number_is_read_as_it_was_meant(micro: int, marks: tuple[str, str]) -> None:
    group, point = marks
    text = f"{micro // 10**6:,}".replace(",", group) + point + f"{micro % 10**6:06}"
    numbers = LocaleNumbers()

    assert numbers.learn(text, False)
    assert (micro, point) == (numbers.scaled(text, 6), numbers.point)


@pytest.mark.parametrize(
    "text", ["", "x", "-1.5", "1.5.5", "1,23.5", "²", "1e5", "9" * 5_000, "1." + "9" * 5_000, "nan"]
)
def test_no_number_is_none(text: str) -> None:
    assert LocaleNumbers(".").scaled(text, 6) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            table("Process,Count,Weight (ms)", ("a (1)", 1, "0.5")),
            r"no column Stack \(nor Module and Function\) .*show",
        ),
        (table("Stack,Count,Weight (ms)", ("a!f", 1, "0.5")), "found no column Process in it .there are Stack, Count"),
        (table("Process,Module,Count", ("a (1)", "m", 1)), "no column Stack"),
        (b"Line #, Process, Stack, Count\n3, ,   |- ?!?, 1576\n", "copied from its window.*wpaexporter"),
        (b"Line #\tProcess\tStack\tCount\n3\t\t  |- ?!?\t1576\n", "copied from its window"),
        (table(EVENTS), "found 0 rows without any sample"),
        (table(EVENTS, event(process="Idle (0)")), "1 are idle"),
        (table(EVENTS, event("x"), event("1.5"), event(time="noon")), "found 3 damaged lines and 0 others"),
        (table(SUMS, ("a (1)", 2, "", 5, "5.0"), ("b (1)", 2, "", 5, "5.0")), "in none of them a stack or a function"),
        (table("Process,Stack,Weight (ms)", ("a (1)", "a!f", "0.0")), "without any sample"),
        (table("Process,Stack,Count,Weight (s)", *[("a (1)", "a!f", 1, "4,000,000,000.5")] * 4), "more than 292 years"),
        (b"", "no line that names its columns"),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_as(WPA, data)


def test_what_lacks_a_column_is_recognised_all_the_same() -> None:
    for labels in ("Process,Count,Weight (ms)", "Stack,Count", "Line #, Process, Stack", "Process,Thread ID,Stack"):
        assert WPA.recognises(f"{labels}\r\n".encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a;b 12\n",
        b"   Process Name ( PID),     Weight,    Usage %,          Module Name!Function Name\n",
        b"Stack,  TimeStamp,   ThreadID, No.,            Address,            Image!Function\n",
        b"SampledProfile,  TimeStamp,     Process Name ( PID),   ThreadID,  CPU, Image!Function, Count\n",
        b"name,stack,price\n",
        b"Process,Comment\n",
        bytes(range(256)) * 20,
    ],
)
def test_what_is_no_export_of_wpa(data: bytes) -> None:
    assert not WPA.recognises(data)


def test_damaged_lines_are_counted_and_left_out() -> None:
    good = table(EVENTS, *[event()] * 9)
    bad = b'a.exe (1),2,"a.exe!f,1\r\na.exe (1),2,"a.exe!g",1,1.0,0.5\r\na.exe (1),2\r\na.exe (1),2,a!f,-1,1.0,0.5\r\n'
    profile = read_as(WPA, good + bad + good.split(b"\r\n", 1)[1])

    assert {"a.exe (1);a.exe!f": 18} == stacks(profile)
    assert ["4 lines are damaged, and were left out"] == texts(profile, "malformed-rows")


def test_a_last_line_without_end_is_left_out() -> None:
    profile = read_as(WPA, SMALL[:-2])

    assert 3 == profile.sample_count
    assert "cut-off" in caveat_codes(profile)


def test_a_quote_that_never_ends_loses_what_follows_and_says_so() -> None:
    good = table(EVENTS, *[event()] * 9)
    profile = read_as(WPA, good + b'a.exe (1),2,"a.exe!f,1,1.0,0.5\r\n' + good.split(b"\r\n", 1)[1][:100])

    assert 9 == profile.sample_count
    assert {"malformed-rows", "cut-off"} <= caveat_codes(profile)


@pytest.mark.parametrize("length", [4_000, 200_000])
def test_long_names(length: int) -> None:
    name = "T<" * (length // 2)

    assert {f"a.exe (1);a.exe!{name}": 1} == stacks(read_as(WPA, table(EVENTS, event(stack=f"[Root]/a.exe!{name}"))))


def test_the_limit_of_csv_is_as_before() -> None:
    before = csv.field_size_limit()
    read_as(WPA, SMALL)

    assert before == csv.field_size_limit()


@pytest.mark.parametrize("end", range(0, len(SMALL), 5))
def test_a_cut_file_is_an_error_or_counts_whole_lines(end: int) -> None:
    data = SMALL[:end]
    try:
        profile = read_as(WPA, data)
    except TraceError:
        assert data.count(b"\n") < 2
        return

    assert data.count(b"\n") - 1 == profile.sample_count
    assert data.endswith(b"\n") or "cut-off" in caveat_codes(profile) or data.endswith(b"\r")


@given(st.binary(max_size=40), st.integers(0, len(SMALL)))
def test_damage_is_an_error_or_a_profile(noise: bytes, place: int) -> None:
    assume(noise)
    for data in (noise, SMALL[:place] + noise + SMALL[place:], SMALL[:place] + noise + SMALL[place + len(noise) :]):
        WPA.recognises(data)
        with suppress(TraceError):  # else `read_as` has checked the profile
            read_as(WPA, data)


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_an_error_or_a_profile(place: int, bits: int) -> None:
    data = bytearray(SMALL)
    data[place] ^= bits
    with suppress(TraceError):
        read_as(WPA, bytes(data))
