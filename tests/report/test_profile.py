"""What is said of profiled examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfdb.profile.outcome import FAILED, PROFILED, RECORDED, Outcome, Profiled
from perfdb.report.of_profile import closing_line, profiled_line

COMMIT = "0123456789" * 4


def kept(name: str = "simple", side: str = "", removed: int = 0) -> Profiled:
    outcome = Outcome(RECORDED, f"{name}.etl", run_id="01a2275a-0b19-77a5-b981-f452acd94565", commit_sha=COMMIT)
    older = tuple(Path(f"old{number}.etl") for number in range(removed))
    return Profiled(PROFILED, name, side, removed=older, recorded=outcome)


@pytest.mark.parametrize(("samples", "told"), [(1, "1 sample"), (2, "2 samples"), (1234, "1,234 samples")])
def test_samples_are_counted(samples: int, told: str) -> None:
    assert f"simple 1/1  {told}  " == profiled_line(Profiled(PROFILED, "simple", samples=samples))


def test_the_last_line_says_what_there_is_and_what_to_type() -> None:
    outcomes = [kept(), kept("other"), Profiled(FAILED, "third")]

    assert "recorded 2 runs of 2 examples for 0123456789; next: perfdb show 0123456789" == closing_line(outcomes)


def test_the_last_line_of_a_pair() -> None:
    assert "recorded 2 runs of 1 example; next: perfdb diff old new" == closing_line(
        [kept(side="old"), kept(side="new")]
    )


def test_traces_that_were_removed_are_told() -> None:
    outcomes = [kept(removed=1), kept(removed=2)]

    assert closing_line(outcomes).startswith(
        "recorded 2 runs of 1 example for 0123456789; removed 3 older traces; next:"
    )
    assert "removed 1 older trace" == closing_line([Profiled(PROFILED, "simple", removed=(Path("old.etl"),))])


def test_where_nothing_was_recorded_there_is_no_last_line() -> None:
    assert "" == closing_line([Profiled(PROFILED, "simple")])
