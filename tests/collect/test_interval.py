"""The machine's sampling interval: how it is read out of an answer that nobody documents."""

from __future__ import annotations

import pytest

from perfdb.collect.interval import ticks_in, ticks_of


@pytest.mark.parametrize(
    ("answer", "ticks"),
    [
        ("Current Sampled Profile Interval = 10000 [1.0000ms]", 10_000),
        ("1.0000 ms, 10000", 10_000),
        ("Timer: 1221", 1221),
        ("10000", 10_000),
        ("10000 (100 ns)", 10_000),
        ("xperf 10.0.22621 profile interval: 5000 (cached: 10000)", 5_000),
        ("", None),
        ("10,000 [1.0 ms]", None),
        ("error 5: access denied", None),
        ("0 [cached]", None),
        ("= 1220", None),
        ("= 999999999999", None),
    ],
)
def test_the_first_number_that_can_be_an_interval(answer: str, ticks: int | None) -> None:
    assert ticks == ticks_in(answer)


def test_rates_and_intervals() -> None:
    assert [10_000, 1221, 10_030] == [ticks_of(rate_hz) for rate_hz in (1000, 8190, 997)]
