"""What the end of a program means, in words."""

from __future__ import annotations

import os

import pytest

from perfdb.collect.failures import shown_end


@pytest.mark.parametrize(
    ("exit_code", "told"),
    [
        (0, "ended with exit code 0"),
        (7, "ended with exit code 7"),
        (0xC000_0005, "ended with exit code 0xC0000005"),
        (-63, "was ended by signal 63"),
    ],
)
def test_how_it_ended(exit_code: int, told: str) -> None:
    assert told == shown_end(exit_code)


@pytest.mark.skipif(os.name == "nt", reason="Windows has few signals")
def test_a_signal_has_its_name() -> None:
    assert "was ended by signal 9 (SIGKILL)" == shown_end(-9)
