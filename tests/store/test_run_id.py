"""Names of runs: they sort by time, whatever the clock does."""

from __future__ import annotations

from itertools import pairwise
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from perfdb.store.run_id import RunIdMaker, uuid7

T0 = 1_700_000_000_123_456_789


def test_it_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    made = RunIdMaker(lambda: T0)()

    assert (7, RFC_4122, 1_700_000_000_123) == (made.version, made.variant, made.int >> 80)
    assert 0.456789 * 4096 // 1 == made.int >> 64 & 0xFFF


@given(st.lists(st.integers(0, 2**60), min_size=2))
def test_it_grows_even_where_the_clock_does_not(times: list[int]) -> None:
    clock = iter(times)
    make = RunIdMaker(lambda: next(clock))
    made = [make() for _ in times]

    assert all(before < after for before, after in pairwise(made))
    assert all(each.version == 7 and each.variant == RFC_4122 for each in made)


def test_no_two_are_alike() -> None:
    assert 1000 == len({uuid7() for _ in range(1000)})
