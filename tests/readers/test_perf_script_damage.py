"""`perf script` text against its slow twin, in blocks of any size, damaged, cut off and random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import Source
from perfdb.readers import ReadOptions
from perfdb.readers.perf_script import PERF
from perfdb.readers.perf_script.assemble import assemble
from perfdb.readers.perf_script.rows import read_rows
from tests.readers.perf_texts import HEADER, MAIN, READ, WORK, caveat_text, paths, read, record, sample
from tests.readers.reading import caveat_codes, read_as
from tests.twins.perf_script_lines import read_lines, rows_of_profile, rows_of_twin

SMALL = (
    HEADER
    + record(0.0, "COMM: init:1/1", comm="swapper", ids="0/0")
    + record(1.0, "COMM exec: app:100/100")
    + record(1.0, "MMAP2 100/100: [0x55d431346000(0x1000) @ 0x1000 <9d5ddfd8>]: r-xp /tmp/app")
    + sample(1.1, WORK, MAIN, cpu=3, period=1003009)
    + record(1.2, "FORK(100:101):(100:100)")
    + sample(1.3, READ, "12fb std::move<int>+0x17b (inlined)", WORK, MAIN, ids="100/101", comm="Web Content")
    + sample(1.4, MAIN, event="page-faults")
    + record(1.5, "LOST lost 2")
    + sample(1.6, "1a [unknown] (/usr/lib/x.so)", MAIN)
    + "app 100/100 1.700000: cpu-clock:  401136 main+0x16 (/tmp/app)\n"
    + record(1.8, "EXIT(100:100):(1:1)")
)

_SYMBOLS = (
    "main", "ns::list<int>::push(int const&)", "(anonymous namespace)::f(int) const", "a::f<double (int)>::operator()",
    "main::{lambda(int)#2}::operator()", "operator new(unsigned long)", "work.isra.0", "[unknown]", "a+b", "f@@V_1",
)  # fmt: skip
_IMAGES = (
    "/tmp/app",
    "/opt/my libs (x86)/lib x.so (deleted)",
    "[kernel.kallsyms]",
    "[unknown]",
    "/tmp/perf-77.map",
    "inlined",
)
_COMMS = ("app", "Web Content", "kworker/0:1-ev", ":1234", "a 1", "swapper")


def _random_text(chance: random.Random) -> str:
    """Some samples, records and headers, as perf could print them."""
    parts = [HEADER] if chance.random() < 0.5 else []
    for at in range(chance.randrange(1, 30)):
        comm = chance.choice(_COMMS)
        ids = "0/0" if comm == "swapper" else f"{chance.randrange(5, 8)}/{chance.randrange(5, 12)}"
        event = chance.choice(("cpu-clock", "cpu-clock", "cpu-clock", "sched:sched_switch"))
        cpu, period = chance.choice((None, 5)), chance.choice((None, 1003009))
        kind = chance.random()
        if kind < 0.1:
            parts.append(record(at, f"COMM: {comm}:{ids.split('/')[0]}/{ids.split('/')[1]}", comm, ids))
        elif kind < 0.3:
            head, _, _ = (
                sample(at, comm=comm, ids=ids, cpu=cpu, period=period, event=event).rstrip("\n").partition("\n")
            )
            parts.append(f"{head} {next(_frames(chance, inlined=False))}\n")
        else:
            frames = list(_frames(chance, inlined=True))
            text = sample(at, *frames, comm=comm, ids=ids, cpu=cpu, period=period, event=event)
            parts.append(text.replace(")\n", ")\n  a.cpp:12\n") if chance.random() < 0.2 else text)
    parts.append(sample(99.0, MAIN, ids="5/5"))
    return "".join(parts)


def _frames(chance: random.Random, *, inlined: bool) -> Iterator[str]:
    for _ in range(chance.randrange(1, 6)):
        address, image = chance.choice((0x401000, 0x27304, 0xFFFFFFFF81360092)), chance.choice(_IMAGES)
        image = "/tmp/app" if image == "inlined" and not inlined else image
        symbol = chance.choice(_SYMBOLS)
        offset = "" if symbol == "[unknown]" else f"+0x{chance.randrange(40):x}"
        yield f"{address + chance.randrange(3):x} {symbol}{offset} ({image})"


@pytest.mark.parametrize("seed", range(60))
def test_it_reads_what_its_twin_reads(seed: int) -> None:
    text = _random_text(random.Random(seed))

    assert rows_of_twin(read_lines(text.split("\n")), "cpu-clock") == rows_of_profile(read(text))


@given(st.integers(0, 20), st.lists(st.integers(1, 300), min_size=1, max_size=6), st.booleans())
def test_the_size_of_blocks_does_not_matter(seed: int, sizes: list[int], has_blank_lines: bool) -> None:
    text = (_random_text(random.Random(seed)).replace("\n\n", "\n\n" if has_blank_lines else "\n") + "\n").encode()
    blocks, at, turn = [], 0, 0
    while at < len(text):
        blocks.append(text[at : at + sizes[turn % len(sizes)]])
        at, turn = at + len(blocks[-1]), turn + 1
    source = Source("perf", "app.perf", "")
    whole, parts = (assemble(read_rows(each, "app.perf"), source, ReadOptions()) for each in ([text], blocks))

    assert rows_of_profile(whole) == rows_of_profile(parts)
    assert (whole.processes, whole.caveats, whole.machine) == (parts.processes, parts.caveats, parts.machine)


def test_a_text_without_its_blank_lines_has_the_same_samples() -> None:
    leaf = "             app 100/100 1.900000: cpu-clock:  401136 main+0x16 (/tmp/app)\n"
    text = SMALL + sample(1.8, MAIN) + leaf

    assert paths(read(text)) == paths(read(text.replace("\n\n", "\n")))


def test_warnings_between_the_lines_are_left_out_and_told() -> None:
    warning = "addr2line: DWARF error: could not find variable specification at offset 0x1b\n"
    stack = sample(1.1, WORK, MAIN)
    text = warning + stack + warning + stack.replace("\n", f"\n{warning}", 1)
    profile = read(text, SMALL)

    assert ["app!main;app!work"] * 2 == paths(profile)[:2]
    assert caveat_text(profile, "malformed-rows").startswith("3 lines are not what perf script prints")


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        (SMALL, 4),
        (SMALL + "app 100/1", 4),
        (SMALL + sample(2.0, WORK, MAIN)[:-1], 4),
        (SMALL + sample(2.0, WORK, MAIN)[:-9], 4),
        (SMALL + sample(2.0, WORK, MAIN).partition("\n")[0] + "\n", 4),
        (SMALL + "app 100/100 1.900000: cpu-clock:  401136 main+0x16 (/tm", 4),
        (SMALL + sample(2.0, WORK, MAIN), 5),
    ],
)
def test_a_cut_file_says_so_and_has_no_half_sample(text: str, samples: int) -> None:
    profile = read(text)

    assert samples == profile.sample_count
    assert (text != SMALL and samples == 4) == ("cut-off" in caveat_codes(profile))


@pytest.mark.parametrize("end", range(0, len(SMALL), 7))
def test_a_file_cut_anywhere_is_an_error_or_holds_together(end: int) -> None:
    whole = [path for path in paths(read(SMALL)) if path]
    try:
        profile = read(SMALL[:end])
    except TraceError:
        return

    assert whole[: len(profile.samples)] == paths(profile)


def test_zeros_where_the_disk_was_full_are_told() -> None:
    profile = read_as(PERF, SMALL.encode() + bytes(5000))

    assert 4 == profile.sample_count
    assert "malformed-rows" in caveat_codes(profile)


def test_a_line_that_never_ends_is_no_text() -> None:
    blocks = [SMALL.encode(), *[b"x" * (4 << 20)] * 9]

    with pytest.raises(TraceError, match="found none that ends"):
        read_rows(blocks, "app.perf")


@pytest.mark.parametrize(
    "damage",
    [
        SMALL.replace("1003009", "99999999999999999999"),
        SMALL.replace("100/100", "99999999/99999999"),
        SMALL.replace("100/100", "-1/-1"),
        SMALL.replace("} = 997", "} = 0"),
        SMALL.replace("} = 997", "} = 999999999999999999"),
        SMALL.replace("buildbox", "\x1b[31m"),
        SMALL.replace("main", "ma\xefn"),
        SMALL.replace("main", "<lambda("),
        SMALL.replace("main", "f" * 100_000),
        SMALL.replace("1.1", "999999999.1"),
    ],
)
def test_odd_values_are_an_error_or_a_profile(damage: str) -> None:
    with suppress(TraceError):  # else `read` has checked the profile
        read(damage)


def test_names_in_another_encoding_are_read_and_told() -> None:
    profile = read_as(PERF, SMALL.replace("main", "ma\xefn").encode("latin-1"))

    assert "app!ma\xefn;app!work" == paths(profile)[0]
    assert "encoding" in caveat_codes(profile)


@given(st.binary(max_size=80), st.integers(0, len(SMALL)))
def test_damage_is_an_error_or_a_profile(noise: bytes, place: int) -> None:
    small = SMALL.encode()
    for data in (noise, small[:place] + noise + small[place:], small[:place] + noise + small[place + len(noise) :]):
        PERF.recognises(data)
        with suppress(TraceError):  # else `read_as` has checked the profile
            read_as(PERF, data)


_ALPHABET = st.sampled_from(
    ["\n", "\t", " ", ":", "(", ")", "[", "]", "/", "+0x", "1", "100/100", "1.000000:", "cpu-clock:", "app", "401136",
     "PERF_RECORD_", "COMM: ", "FORK(1:2):(3:4)", "(inlined)", "# event : name = x, ", "  a.c:3", "<lambda(", "{", "\0"]
)  # fmt: skip


@given(st.lists(_ALPHABET, max_size=60))
def test_pieces_in_any_order_are_an_error_or_a_profile(pieces: list[str]) -> None:
    with suppress(TraceError):
        read("".join(pieces), sample(1.0, MAIN))
