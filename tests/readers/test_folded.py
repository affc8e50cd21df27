"""Folded stacks: what frames mean, which numbers are counts, and what is no folded file."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import NO_PID, Profile
from perfdb.readers.folded import FOLDED, split_frame
from tests.readers.reading import caveat_codes, read_as

USUAL = {"no-interval", "losses-not-told"}
SMALL = b"app.exe!main;app.exe!parse 12\napp.exe!main;kuzu.dll!Foo<A, 0>::bar 3\n"


def stacks(profile: Profile) -> dict[str, int]:
    """Samples by process and path."""
    found: dict[str, int] = {}
    for process, row, count in zip(
        profile.samples.process.tolist(), profile.samples.stack.tolist(), profile.samples.count.tolist(), strict=True
    ):
        frames: list[str] = []
        while row >= 0:
            function = int(profile.frames.function[profile.stacks.frame[row]])
            frames.insert(
                0, f"{profile.modules[profile.functions.module[function]]}!{profile.functions.name[function]}"
            )
            row = int(profile.stacks.parent[row])
        key = f"{profile.processes[process].name} ({profile.processes[process].pid});{';'.join(frames)}"
        found[key] = found.get(key, 0) + count
    return found


def test_a_line_is_a_stack_root_first_and_its_samples() -> None:
    profile = read_as(FOLDED, SMALL)

    assert {
        "<unknown> (-1);app.exe!main;app.exe!parse": 12,
        "<unknown> (-1);app.exe!main;kuzu.dll!Foo<A, 0>::bar": 3,
    } == stacks(profile)
    assert (15, 0, 1_000_000, "stacks") == (
        profile.sample_count,
        profile.idle_count,
        profile.interval_ns,
        profile.detail,
    )
    assert USUAL == caveat_codes(profile)
    assert FOLDED.recognises(SMALL)


def test_an_interval_that_is_said_needs_no_caveat() -> None:
    profile = read_as(FOLDED, SMALL, interval_ns=125_000)

    assert (125_000, 15 * 125_000) == (profile.interval_ns, int(profile.samples.weight_ns.sum()))
    assert {"losses-not-told"} == caveat_codes(profile)


def test_the_same_stack_again_is_added() -> None:
    assert {"<unknown> (-1);<unknown>!a;<unknown>!b": 7} == stacks(read_as(FOLDED, b"a;b 3\na;b 4\na;c 0\n"))


@pytest.mark.parametrize(
    ("text", "module", "function"),
    [
        ("ntdll.dll!RtlUserThreadStart", "ntdll.dll", "RtlUserThreadStart"),
        ("ntdll.dll!0x7ffb1c0b26a1", "ntdll.dll", "<unresolved>"),
        ("ntdll.dll!<unresolved>", "ntdll.dll", "<unresolved>"),
        ("<unknown>![odd]", "<unknown>", "[odd]"),
        ("main", "<unknown>", "main"),
        ("std::sort<int*, 0>(int*)", "<unknown>", "std::sort<int*, 0>(int*)"),
        ("std::operator!=(A, B)", "<unknown>", "std::operator!=(A, B)"),
        ("app.exe!std::operator!=(A, B)", "app.exe", "std::operator!=(A, B)"),
        ("Array#map!", "<unknown>", "Array#map!"),
        ("do_syscall_64_[k]", "<unknown>", "do_syscall_64_[k]"),
        ("[unknown]", "<unknown>", "<unresolved>"),
        ("[libc.so.6]", "libc.so.6", "<unresolved>"),
        ("[libc.so.6 <7f12ab>]", "libc.so.6", "<unresolved>"),
        ("[[kernel.kallsyms]]_[k]", "[kernel.kallsyms]", "<unresolved>"),
        ("[GC Thread]", "<unknown>", "[GC Thread]"),
        ("", "<unknown>", "<unresolved>"),
        ("0x7ffb1c0b26a1", "<unknown>", "<unresolved>"),
    ],
)
def test_a_frame(text: str, module: str, function: str) -> None:
    assert (module, function) == split_frame(text)


def test_a_first_frame_is_a_process_where_all_of_them_look_so() -> None:
    text = b"app.exe (12);main;f 2\nsvc host (x86).exe (7);g 1\napp.exe (12) 3\nother.exe (12);main 4\n"
    profile = read_as(FOLDED, text)

    assert {
        "app.exe (12);<unknown>!main;<unknown>!f": 2,
        "svc host (x86).exe (7);<unknown>!g": 1,
        "app.exe (12);<unknown>!<unresolved>": 3,
        "other.exe (12);<unknown>!main": 4,
    } == stacks(profile)
    assert [(12, 0), (7, 0), (12, 1)] == [(process.pid, process.incarnation) for process in profile.processes]
    assert [True, True, False, True] == profile.samples.has_stack.tolist()


@pytest.mark.parametrize("other", [b"main;f 1\n", b"a!f (3);g 1\n", b"app.exe (99999999999);g 1\n", b"app (-7);g 1\n"])
def test_one_line_without_process_makes_all_of_them_frames(other: bytes) -> None:
    profile = read_as(FOLDED, b"app.exe (12);main;f 2\n" + other)

    assert [(NO_PID, "<unknown>")] == [(process.pid, process.name) for process in profile.processes]
    assert "<unknown> (-1);<unknown>!app.exe (12);<unknown>!main;<unknown>!f" in stacks(profile)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xef\xbb\xbfcaf\xc3\xa9;b 3\r\n", "café"),
        ("\ufeffcafé;b 3\r\n".encode("utf-16-le"), "café"),
        ("cafe;b 3\n".encode("utf-16-be"), "cafe"),
        (b"caf\xe9;b 3\r\n", "café"),
        ("\u202eabc\u200f;b 3\n".encode(), "\u202eabc\u200f"),
        (b"a\x0b\xc2\x85x;b 3\n", "a\x0b\x85x"),
    ],
)
def test_encodings_and_line_ends(data: bytes, name: str) -> None:
    profile = read_as(FOLDED, data)

    assert {f"<unknown> (-1);<unknown>!{name};<unknown>!b": 3} == stacks(profile)
    assert FOLDED.recognises(data)
    assert ("encoding" in caveat_codes(profile)) == (b"\xe9;" in data)


@pytest.mark.parametrize("name", ["f" * 4_000, "lambda 2", 'say "hi"', "a  b", "x,y", "12"])
def test_odd_names(name: str) -> None:
    profile = read_as(FOLDED, f"app.exe!main 1\napp.exe!main;app.exe!{name} 5\n".encode())

    assert 5 == stacks(profile)[f"<unknown> (-1);app.exe!main;app.exe!{name}"]


def test_a_few_lines_that_are_no_stacks_are_counted_in_a_caveat() -> None:
    profile = read_as(FOLDED, b"a;b 3\na;c x\n\na\x00;d 5\na;e 4\na;f 5\n12\n")

    assert 12 == profile.sample_count
    assert ["3 lines are no stack with a count, and were left out"] == [
        caveat.text for caveat in profile.caveats if caveat.code == "malformed-rows"
    ]


def test_a_last_line_without_end_counts_with_a_caveat() -> None:
    profile = read_as(FOLDED, SMALL[:-1])

    assert 15 == profile.sample_count
    assert USUAL | {"no-final-newline"} == caveat_codes(profile)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a;b x\na;c y\n", "found 0 lines of a stack and a count and 2 others"),
        (b"a;b 1\nx\ny\n", "found 1 lines of a stack and a count and 2 others"),
        (b"", "found 0 lines"),
        (b"a;b 0\n", "and 0 samples in all"),
        (b"a;b 1\na;b 1.5\n", "found another number in line 2: a;b 1.5"),
        (b"a;b 1\na;b 1,234\n", "found another number in line 2"),
        (b"a;b .5\n", "another number"),
        (b"a;b -3\n", "found another number in line 1: a;b -3"),
        (b"a;b 10 12\na;c 3 0\n", "two numbers at the end of every line"),
        (b"a;b 99999999999999999999\n", "more than 292 years"),
        (b"a;b 9223372036854775807\n", "more than 292 years"),
        (b"a;b 9223372036854\na;c 9223372036854\n", "more than 292 years"),
        (b"a;b " + b"9" * 10_000 + b"\n", "more than 292 years"),
    ],
)
def test_what_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_as(FOLDED, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"main 12\n",
        b"Process,Stack,Count\napp.exe (1),a;b,12\n",
        b"a;b 12\nhello; world\n",
        b"<html>&nbsp;</html>\n",
        b"\x00\x01\x02;\x03 1\n",
        bytes(range(256)) * 20,
    ],
)
def test_what_is_no_folded_file(data: bytes) -> None:
    assert not FOLDED.recognises(data)


def test_a_head_that_ends_in_a_line_is_recognised_by_the_lines_before() -> None:
    lines = (b"app.exe!main;app.exe!" + b"x" * 600 + b" 7\n") * 200

    assert FOLDED.recognises(lines[: 1 << 16])
    assert FOLDED.recognises(b"a;b 12\na;c")


@pytest.mark.parametrize("end", range(0, 160, 3))
def test_a_cut_file_is_an_error_or_says_so(end: int) -> None:
    data = (SMALL * 2)[:end]
    try:
        profile = read_as(FOLDED, data)
    except TraceError:
        assert 0 == data.count(b"\n")
        return

    assert data.endswith(b"\n") or "no-final-newline" in caveat_codes(profile)


@given(st.binary(max_size=60), st.integers(0, 70))
def test_damage_is_an_error_or_a_profile(noise: bytes, place: int) -> None:
    for data in (noise, SMALL[:place] + noise + SMALL[place:], SMALL[:place] + noise + SMALL[place + len(noise) :]):
        FOLDED.recognises(data)
        with suppress(TraceError):  # else `read_as` has checked the profile
            read_as(FOLDED, data)
