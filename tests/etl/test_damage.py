"""Damaged traces: our own error, or a profile that holds together and says what is missing. Never anything else.

Warnings are errors in this project's tests, so numpy's count as well.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.demo.etl_spec import MethodSpec
from perfdb.errors import TraceError
from perfdb.etl import looks_like_etl
from perfdb.profile import Profile
from perfdb.profile.check import self_check
from tests.etl.traces import APP, KERNEL, LIBRARY, read, read_or_refuse, small_trace

METHODS = (
    MethodSpec(100, LIBRARY.base, 0x600, "App.Program", "Main", "void  (class System.String[])"),
    MethodSpec(100, LIBRARY.base, 0x600, "App.Program", "Later", load_ns=150_000, unload_ns=350_000, method_id=2),
    MethodSpec(100, APP.base, 0x1800, "App.Compiled", "Ahead", is_jitted=False),
)
# Whole traces of some 4 kB; together they have every header, direct stacks and stack keys, 32 and 64 bits, methods.
TRACES = {
    "plain": small_trace(compressed=False),
    "compressed": small_trace(compressed=True),
    "plain-keys-64": small_trace(
        compressed=False,
        stack_style="keys",
        pointer_size=8,
        key_generations=2,
        images=(APP, KERNEL),
        methods=METHODS,
    ),
    "compressed-keys-64": small_trace(compressed=True, stack_style="keys", pointer_size=8, buffer_bytes=1024),
}
BUFFER_BYTES = 512
WHOLE = {name: read(data) for name, data in TRACES.items()}
FLIPS_A_TRACE = 400
MISSING = {"truncated", "missing-buffers", "unreachable", "corrupt-buffers", "cut-events"}
"""The caveats that say that something which was in the file is not in the profile."""

pytestmark = pytest.mark.filterwarnings("error")


def codes(profile: Profile) -> set[str]:
    return {caveat.code for caveat in profile.caveats}


def survives(data: bytes) -> Profile | None:
    """Read damaged bytes: the profile if there is one, checked."""
    profile = read_or_refuse(data)
    if profile is not None:
        self_check(profile)
        assert all(caveat.text for caveat in profile.caveats)
    return profile


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.soak)])
def test_every_truncation_point(name: str, stride: int) -> None:
    """Every fifth one, which are all places within a word in turn; every single one in `make soak`."""
    data = TRACES[name]
    for length in range(0, len(data), stride):
        profile = survives(data[:length])
        # Windows fills its buffers up with 0xFF: without some of that, nothing is missing but the file is cut.
        assert profile is None or codes(profile) & MISSING, length


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("count", [FLIPS_A_TRACE, pytest.param(100_000, marks=pytest.mark.soak)])
def test_flipped_bytes(name: str, count: int) -> None:
    data = TRACES[name]
    chance = random.Random(name)
    places = chance.sample(range(len(data)), min(len(data), count))
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= chance.choice((0x01, 0x80, 0xFF, 1 << chance.randrange(8)))
        survives(bytes(damaged))


@pytest.mark.parametrize("name", TRACES)
def test_flipped_bits_of_all_headers(name: str) -> None:
    data = TRACES[name]
    # The header of the file's second buffer and the log's own header, every byte in two ways.
    second = 512
    for place in (*range(second, second + 72), *range(72, 72 + 32 + 288)):
        for mask in (0x40, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= mask
            survives(bytes(damaged))


@given(st.sampled_from(list(TRACES)), st.data())
def test_several_bytes_replaced(name: str, choose: st.DataObject) -> None:
    damaged = bytearray(TRACES[name])
    for _ in range(choose.draw(st.integers(1, 8))):
        place = choose.draw(st.integers(0, len(damaged) - 4))
        value = choose.draw(st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]) | st.integers(0, 0xFFFFFFFF))
        struct.pack_into("<I", damaged, place, value)
    survives(bytes(damaged))


@given(st.binary(max_size=600))
def test_garbage(data: bytes) -> None:
    with pytest.raises(TraceError):
        read(data)
    assert not looks_like_etl(data)


@given(st.binary(max_size=600))
def test_garbage_after_the_first_buffer(data: bytes) -> None:
    survives(TRACES["compressed"][:512] + data)


def buffer_starts(data: bytes) -> list[int]:
    """Where each buffer of an undamaged trace starts."""
    starts = [0]
    while (following := starts[-1] + struct.unpack_from("<I", data, starts[-1])[0]) < len(data):
        starts.append(following)
    return starts


def damaged(name: str, change: Callable[[bytearray, int], None], nth: int = 2) -> bytes:
    """A trace with one of its buffers changed."""
    data = bytearray(TRACES[name])
    change(data, buffer_starts(TRACES[name])[nth])
    return bytes(data)


def test_a_corrupt_compressed_buffer_is_left_out() -> None:
    def scramble(data: bytearray, start: int) -> None:
        (size,) = struct.unpack_from("<I", data, start)
        data[start + 72 : start + size] = b"\xff" * (size - 72)

    profile = survives(damaged("compressed", scramble))

    assert profile is not None
    assert "corrupt-buffers" in codes(profile)


@pytest.mark.parametrize("saved", [0, 71, 72, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_compressed_buffer_of_an_impossible_size_is_left_out(saved: int) -> None:
    def lie(data: bytearray, start: int) -> None:
        struct.pack_into("<I", data, start + 4, saved)

    profile = survives(damaged("compressed", lie))

    assert profile is not None
    assert "corrupt-buffers" in codes(profile)


@pytest.mark.parametrize("saved", [0, 0xFFFFFFFF])
def test_a_plain_buffer_that_was_never_counted_is_read_to_its_end(saved: int) -> None:
    data = bytearray(TRACES["plain"])
    for start in buffer_starts(TRACES["plain"]):
        struct.pack_into("<I", data, start + 4, saved)
    profile = survives(bytes(data))

    assert profile is not None
    assert profile.caveats == WHOLE["plain"].caveats
    assert profile.samples.time_ns.tolist() == WHOLE["plain"].samples.time_ns.tolist()


def test_zeroed_buffers_are_told() -> None:
    def wipe(data: bytearray, start: int) -> None:
        data[start : start + BUFFER_BYTES] = bytes(BUFFER_BYTES)

    for nth in range(1, len(buffer_starts(TRACES["plain"]))):
        profile = survives(damaged("plain", wipe, nth))

        assert profile is None or codes(profile) & MISSING


def test_the_events_of_a_zeroed_body_are_told() -> None:
    def wipe(data: bytearray, start: int) -> None:
        data[start + 72 : start + BUFFER_BYTES] = bytes(BUFFER_BYTES - 72)

    profile = survives(damaged("plain", wipe))

    assert profile is not None
    assert "cut-events" in codes(profile)


@pytest.mark.parametrize("size", [0, 1, 71, 0x04000001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_buffer_of_an_impossible_size_ends_the_trace(size: int) -> None:
    def lie(data: bytearray, start: int) -> None:
        struct.pack_into("<I", data, start, size)

    profile = survives(damaged("plain", lie, nth=len(buffer_starts(TRACES["plain"])) - 1))

    assert profile is not None
    assert {"unreachable", "missing-buffers"} <= codes(profile)


def test_a_buffer_that_reaches_past_the_end() -> None:
    def lie(data: bytearray, start: int) -> None:
        struct.pack_into("<I", data, start, 0x03FFFFFF)

    for name in ("plain", "compressed"):
        profile = survives(damaged(name, lie, nth=len(buffer_starts(TRACES[name])) - 1))

        assert profile is not None
        assert "truncated" in codes(profile)


def test_a_header_without_sense_is_an_error_that_says_what_to_do() -> None:
    for data in (b"", b"PK\x03\x04" + bytes(1000), TRACES["plain"][:300], bytes(5000)):
        with pytest.raises(TraceError, match=r"trace\.etl: .*Copy the file again"):
            read(data)


def test_buffers_that_tell_of_losses() -> None:
    def flag(data: bytearray, start: int) -> None:
        data[start + 0x34] |= 0x04

    profile = survives(damaged("plain", flag))

    assert profile is not None
    assert "lossy-buffers" in codes(profile)
