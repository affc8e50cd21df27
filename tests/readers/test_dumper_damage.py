"""Damaged, odd and random dumps: our own error, or a profile that holds together and tells only what was there."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.profile import Profile, Source
from perfdb.profile.check import self_check
from perfdb.readers import Content, ReadOptions
from perfdb.readers.dumper import DUMPER
from tests.readers.dumpers import (
    APP,
    APP_BASE,
    IDLE,
    KERNEL_BASE,
    NTDLL_BASE,
    bare,
    dump,
    idle,
    image_row,
    interval_row,
    paths,
    process_row,
    ready_row,
    sample,
    stack,
    switch_row,
    thread_row,
)
from tests.readers.reading import caveat_codes, read_as
from tests.twins.dumper_agree import assert_agree, profile_rows
from tests.twins.dumper_lines import dump_of

WORK = (APP_BASE + 0x1010, "app.exe!work<int,0>")
MAIN = (APP_BASE + 0x2020, "app.exe!main")
ROOT = (NTDLL_BASE + 0x300, "ntdll.dll!RtlUserThreadStart")
FAULT = (KERNEL_BASE + 0x700, "ntoskrnl.exe!KiPageFault")
TRAP = (KERNEL_BASE + 0x900, "ntoskrnl.exe!KiTrap")
JIT = (0x20001234, '"Unknown"!0x0000000020001234')
BARE_LEAF = (APP_BASE + 0x3030, "app.exe!0x0000000140003030")

ROWS = (
    process_row("P-Start", 900, "b, c (x86).exe (200)", '"C:\\b" --x=a,b "open'),
    thread_row("T-Start", 901, 9, "b, c (x86).exe (200)"),
    sample(1000, *WORK, count=12),
    stack(1000, WORK, MAIN, ROOT),
    idle(1001),
    switch_row(1002, 1),
    stack(1002, FAULT, MAIN),
    sample(1100, *FAULT, process='"Unknown" (  -1)', tid=9),
    stack(1100, FAULT),
    stack(1100, JIT, ROOT, tid=9),
    sample(1200, *BARE_LEAF, process="b, c (x86).exe (200)", tid=9, cpu=3),
    interval_row("ProfileFreq-SetInterval", 1300, 20_000),
    sample(1400, *FAULT, process=IDLE, tid=0, cpu=2),
    stack(1400, TRAP, tid=0),
    sample(1500, *WORK),
)
DUMPS = {
    "crlf": dump(*ROWS),
    "lf": dump(*ROWS, newline="\n"),
    "utf-16": dump(*ROWS, encoding="utf-16"),
    "no header": bare(*ROWS, newline="\n"),
}
ENCODINGS = {"crlf": "utf-8", "lf": "utf-8", "utf-16": "utf-16", "no header": "utf-8"}
CODES = {"idle-work", "no-stacks", "interval-changed", "no-header", "losses-not-told", "no-interval"}
"""The caveats that have nothing to do with damage."""

WHOLE = {name: read_as(DUMPER, data) for name, data in DUMPS.items()}
FLIPS = 150

pytestmark = pytest.mark.filterwarnings("error")


def survives(data: bytes) -> Profile | None:
    """Read damaged bytes: the profile if there is one, checked."""
    try:
        profile = read_as(DUMPER, data)
    except TraceError as refused:
        message = str(refused)
    else:
        message = ""
    if message:
        assert message.startswith("app.txt: ")
        return None
    assert all(caveat.text for caveat in profile.caveats)
    return profile


def facts(profile: Profile) -> set[tuple[object, ...]]:
    """What each sample says of itself, whatever its stack."""
    return {(row[0], row[1], row[2], row[6]) for row in profile_rows(profile)}


def functions(profile: Profile) -> set[str]:
    return set(profile.functions.name)


@cache
def cuts(name: str) -> list[tuple[int, Profile]]:
    """The lengths to which a dump is cut, with what is then read: few in the header and rundown, many after them."""
    data = DUMPS[name]
    step, encoding = (22, "utf-16-le") if name == "utf-16" else (9, "utf-8")
    rows = data.find("SampledProfile,       1000".encode(encoding))
    lengths = (*range(0, rows, 131), *range(rows, len(data), step))
    return [(length, profile) for length in lengths if (profile := survives(data[:length])) is not None]


@pytest.mark.parametrize("name", DUMPS)
def test_a_row_that_is_cut_is_not_read_as_another(name: str) -> None:
    whole = WHOLE[name]
    for length, profile in cuts(name):
        assert facts(profile) <= facts(whole), length
        assert functions(profile) <= functions(whole), length


@pytest.mark.parametrize("name", DUMPS)
def test_a_cut_in_mid_line_is_told(name: str) -> None:
    data = DUMPS[name]
    for length, profile in cuts(name):
        in_line = data[:length].decode(ENCODINGS[name], "replace").rpartition("\n")[2]

        assert not in_line.rstrip("\r\ufffd") or caveat_codes(profile) - CODES, length


@pytest.mark.parametrize("name", DUMPS)
def test_flipped_bytes(name: str) -> None:
    data = DUMPS[name]
    chance = random.Random(name)
    for place in chance.sample(range(len(data)), min(FLIPS, len(data))):
        damaged = bytearray(data)
        damaged[place] ^= chance.choice((0x01, 0x10, 0x80, 0xFF, 1 << chance.randrange(8)))
        survives(bytes(damaged))


@pytest.mark.parametrize("name", DUMPS)
def test_characters_that_matter_in_every_place(name: str) -> None:
    data = DUMPS[name]
    chance = random.Random(name)
    for place in chance.sample(range(len(data)), min(FLIPS, len(data))):
        survives(
            data[:place] + chance.choice((b",", b"\n", b"\r", b"(", b")", b'"', b"!", b"\0", b"-", b"9")) + data[place:]
        )


def test_lines_lost_doubled_and_moved() -> None:
    lines = DUMPS["lf"].splitlines(keepends=True)
    chance = random.Random("lines")
    for row in range(len(lines)):
        survives(b"".join(lines[:row] + lines[row + 1 :]))
        survives(b"".join(lines[: row + 1] + lines[row:]))
        survives(b"".join(chance.sample(lines, len(lines))))


@given(st.binary(max_size=400))
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(TraceError):
        read_as(DUMPER, data)


@given(st.binary(max_size=400), st.integers(0, len(DUMPS["crlf"])))
def test_garbage_within(noise: bytes, place: int) -> None:
    survives(DUMPS["crlf"][:place] + noise + DUMPS["crlf"][place:])


@pytest.mark.parametrize(
    "row",
    [
        sample(10**30),
        sample(-5),
        sample(2**63),
        sample(9_300_000_000_000_000),
        sample(1000, tid=2**64),
        sample(1000, tid=-1),
        sample(1000, count=10**25),
        sample(1000, count=0),
        sample(1000, count=-1),
        sample(1000, cpu=2**40),
        sample(1000, process="app.exe (99999999999999999999)"),
        sample(1000, process="app.exe (-2)"),
        sample(1000, process="app.exe"),
        sample(1000, process=""),
        sample(1000, address=2**64),
        sample(1000, address=0),
        sample(1000, leaf=""),
        sample(1000, leaf="!"),
        sample(1000).replace("0x", ""),
        stack(500, (2**64, "a!b")),
        stack(500, WORK, first=10**20),
        stack(500, WORK, first=0),
        stack(500, WORK, first=-1),
        stack(500, (5, "")),
        image_row("I-Start", 10, 2**64, 2**64 + 1, "x"),
        image_row("I-Start", 10, 5000, 100, "x"),
        image_row("I-Start", 10, 0, 2**64 - 1, ""),
        interval_row("ProfileFreq-DCStart", 10, 0),
        interval_row("ProfileFreq-DCStart", 10, 10**25),
        process_row("P-Start", 10**30),
        thread_row("T-Start", 10, 10**30),
        "SampledProfile",
        "SampledProfile,",
        "Stack,,,,,,",
        "Stack, TimeStamp, ThreadID, No., Address",
        "SampledProfile, TimeStamp",
        "OS Version: 1, Events Lost: 99999999999999999999999, Buffers lost: -1, Trace Start: 99999999999999999999",
        "OS Version: 1, Events Lost: x, Buffers lost: y, Trace Start: z, Trace Length: q, PointerSize: 3",
        "," * 5000,
        "x" * 100_000,
        "SampledProfile, 1000, " + "(" * 3000,
        "P-Start, 10, " + "a (1), " * 2000,
    ],
    ids=lambda row: str(row)[:60].strip(),
)
def test_impossible_values(row: str | list[str]) -> None:
    """The row is left out or taken, and the others stay."""
    profile = survives(dump(row, sample(700, *WORK), stack(700, WORK, MAIN)))

    assert profile is not None
    assert "app.exe!main;app.exe!work<int,0>" in paths(profile)


class _SmallBlocks(Content):
    """Gives its bytes in small pieces, whatever is asked."""

    def blocks(self, size: int = 0) -> Iterator[bytes]:
        return super().blocks(53)


@pytest.mark.parametrize("name", DUMPS)
def test_trap_32_rows_that_lie_across_blocks(name: str) -> None:
    data = DUMPS[name]
    content = _SmallBlocks(len(data), io.BytesIO(data))
    profile = DUMPER.read(content, Source("dumper", "app.txt", ""), ReadOptions())
    self_check(profile)

    assert profile_rows(WHOLE[name]) == profile_rows(profile)
    assert WHOLE[name].caveats == profile.caveats


def test_trap_16_the_same_dump_in_every_encoding() -> None:
    expected = profile_rows(WHOLE["crlf"])
    text = DUMPS["crlf"].decode()
    others = {
        "LF": DUMPS["lf"],
        "UTF-8 with BOM": text.encode("utf-8-sig"),
        "UTF-16LE with BOM": b"\xff\xfe" + text.encode("utf-16-le"),
        "UTF-16BE with BOM": b"\xfe\xff" + text.encode("utf-16-be"),
        "UTF-16LE": text.encode("utf-16-le"),
        "blank lines": DUMPS["crlf"].replace(b"\r\n", b"\r\n\r\n"),
    }

    assert [] == [name for name, data in others.items() if not DUMPER.recognises(data[:65536])]
    assert [] == [name for name, data in others.items() if expected != profile_rows(read_as(DUMPER, data))]


def named(encode: Callable[[str], bytes]) -> bytes:
    """A dump whose names are not ASCII, in UTF-8 but for one process and its function."""
    data = dump(
        process_row("P-DCStart", 5, "PROCESS (  55)"),
        sample(1000, *MAIN, process="PROCESS (  55)"),
        stack(1000, MAIN, (5, "app.exe!größe")),
        sample(2000, 5, "MODULE.dll!FUNCTION"),
    )
    for mark, text in ((b"PROCESS", "café"), (b"MODULE", "müsli"), (b"FUNCTION", "naïve")):
        data = data.replace(mark, encode(text))
    return data


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_trap_16_names_are_utf_8_or_the_usual_code_page_each_on_its_own(encoding: str) -> None:
    profile = read_as(DUMPER, named(lambda text: text.encode(encoding)))

    assert ["app.exe!größe;app.exe!main", "müsli.dll!naïve"] == paths(profile)
    assert "café" in [row.name for row in profile.processes]
    assert (encoding != "utf-8") == ("encoding" in caveat_codes(profile))


FRAMES = (WORK, MAIN, ROOT, FAULT, JIT, TRAP)
TIMES = st.sampled_from([1000, 1001, 2000])
OWNERS = st.sampled_from([(0, IDLE), (1, APP), (2, "b.exe ( 200)"), (3, '"Unknown" (  -1)')])
BLOCKS = st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4).map(
    # The kernel is called, and calls nobody.
    lambda frames: sorted(frames, key=lambda frame: frame[0] < KERNEL_BASE)
)
THREADS = (
    process_row("P-DCStart", 5, "b.exe ( 200)"),
    thread_row("T-DCStart", 5, 1),
    thread_row("T-DCStart", 5, 2, "b.exe ( 200)"),
    thread_row("T-DCStart", 5, 3, "b.exe ( 200)"),
)


@st.composite
def small_dumps(draw: st.DrawFn) -> bytes:
    """A few samples, switches and stacks, in any order, on few threads and times, so that they meet."""
    rows: list[str | list[str]] = []
    for _ in range(draw(st.integers(1, 12))):
        time, (tid, process) = draw(TIMES), draw(OWNERS)
        kind = draw(st.sampled_from(["sample", "sample", "stack", "stack", "switch", "ready", "image", "interval"]))
        if kind == "sample":
            address, symbol = draw(st.sampled_from(FRAMES))
            count, cpu = draw(st.sampled_from([1, 1, 3])), draw(st.integers(0, 3))
            rows.append(sample(time, address, symbol, process=process, tid=tid, cpu=cpu, count=count))
        elif kind == "stack":
            rows.append(stack(time, *draw(BLOCKS), tid=tid))
        elif kind == "switch":
            rows.append(switch_row(time, tid, process))
        elif kind == "ready":
            rows.append(ready_row(time, tid, process))
        elif kind == "image":
            event = draw(st.sampled_from(["I-Start", "I-DCEnd", "I-End"]))
            base = draw(st.sampled_from([0x20000000, 0x20001000]))
            # No image is loaded and unloaded, or listed, within one microsecond.
            at = time + {"I-Start": 0, "I-End": 500, "I-DCEnd": 9000}[event]
            rows.append(image_row(event, at, base, base + 0x2000, rf"C:\m{base:x}.dll"))
        else:
            rows.append(interval_row("ProfileFreq-SetInterval", time, draw(st.sampled_from([10_000, 20_000]))))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return dump(THREADS, *rows, newline=newline, encoding=draw(st.sampled_from(["utf-8", "utf-16"])))


@given(small_dumps())
def test_random_dumps_are_read_as_the_twin_reads_them(data: bytes) -> None:
    twin = dump_of(data)
    if not twin.samples:
        with pytest.raises(TraceError):
            read_as(DUMPER, data)
        return

    assert_agree(twin, read_as(DUMPER, data))
