"""Amounts in the unit that suits them, both sides of a change in one."""

from __future__ import annotations

import pytest

from perfdb.report.amounts import amounts, change_text, sides_text
from perfdb.stats import Summary


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.2e-5, "ms", "12.00 ns"), (3.4567e-7, "ms", "0.3457 ns"), (0.0123456, "ms", "12.35 µs"),
        (12.3456, "ms", "12.35 ms"), (999.96, "ms", "1,000.0 ms"), (81_234.5, "ms", "81.23 s"), (0.0, "ms", "0 ms"),
        (512.0, "bytes", "512 B"), (1536.0, "bytes", "1.500 KiB"), (126_353_408.0, "bytes", "120.5 MiB"),
        (5e12, "bytes", "4,657 GiB"), (2.5e6, "bytes/s", "2.384 MiB/s"), (1.5e7, "items/s", "15.00 M items/s"),
        (250.0, "items/s", "250.0 items/s"), (12_345.0, "", "12,345"), (0.25, "", "0.2500"),
        (float("nan"), "ms", "-"), (-0.002, "ms", "-2.000 µs"),
    ],
)  # fmt: skip
def test_an_amount_has_the_unit_that_suits_it(value: float, unit: str, text: str) -> None:
    assert (text,) == amounts((value,), unit)


def test_amounts_beside_each_other_have_one_unit_and_as_many_decimals() -> None:
    assert ("0.99 µs", "12.31 µs") == tuple(each for each in amounts((0.000994, 0.01231), "ms"))
    assert ("0.0 MiB", "120.5 MiB") == amounts((1024.0, 126_353_408.0), "bytes")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(0.0123, 0.0131, "+0.80 µs"), (0.0131, 0.0123, "-0.80 µs"), (1.0, 1.0, "0 ms"), (1.0, 1.0000001, "0.000 ms"),
     (1.0, 0.9999999, "0.000 ms")],
)  # fmt: skip
def test_a_change_is_written_as_its_two_sides_are(before: float, after: float, text: str) -> None:
    assert text == change_text(before, after, "ms")


def test_sides_tell_how_far_their_runs_lie_apart() -> None:
    told = sides_text(Summary(0.01231, 0.000123, 3), Summary(0.00902, None, 1), "ms")

    assert ("12.31 µs ±1.0 %", "9.02 µs") == told
