"""What `perfdb.demo.xpress` packs, the independent `libfwnt` unpacks."""

from __future__ import annotations

import random

import pyfwnt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfdb.demo.xpress import LARGEST_INPUT_BYTES, compress

SOME_BYTES = st.one_of(
    st.binary(min_size=1, max_size=400),
    st.lists(st.sampled_from([b"\0\0\0\0", b"\x01\x02\x03\x04", b"abcd", b"z"]), min_size=1, max_size=400).map(
        b"".join
    ),
    st.tuples(st.binary(min_size=1, max_size=60), st.integers(1, 2_000)).map(lambda run: run[0] * run[1]),
)


@given(SOME_BYTES)
@example(bytes(70_000))
@example(bytes(4 * 8_000 * 3 + 5))
def test_round_trip(data: bytes) -> None:
    assert bytes(pyfwnt.lzxpress_decompress(compress(data), len(data))) == data


@pytest.mark.parametrize("extra", [0, 6, 7, 21, 22, 276, 277, 300, 31_000])
def test_every_way_to_write_a_length(extra: int) -> None:
    # An odd and an even number of long matches: they share the bytes with their four bits by twos.
    for matches in (1, 2, 3):
        data = b"".join(random.Random(seed).randbytes(8) + b"ABCD" * ((extra + 3) // 4 + 2) for seed in range(matches))

        assert bytes(pyfwnt.lzxpress_decompress(compress(data), len(data))) == data


def test_matches_are_found() -> None:
    data = random.Random(1).randbytes(400) * 100

    assert len(compress(data)) < len(data) / 50


def test_matches_stay_within_the_window() -> None:
    block = random.Random(1).randbytes(8192)

    for gap in (0, 4, 8):
        data = block + bytes(gap) + block
        assert bytes(pyfwnt.lzxpress_decompress(compress(data), len(data))) == data


def test_too_much_at_once() -> None:
    with pytest.raises(ValueError, match="at once"):
        compress(bytes(LARGEST_INPUT_BYTES + 1))
