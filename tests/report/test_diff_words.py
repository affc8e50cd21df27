"""What a diff says in words: verdicts in cells, and the line on the whole program."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfdb.compare.ledger import NEW, OTHERS, VANISHED
from perfdb.compare.verdicts import IMPROVED, INCONCLUSIVE, REGRESSED, Criteria, Finding, not_comparable
from perfdb.report.of_diff_words import program_lines, verdict_cell
from tests.report.diffs import BETTER, OPEN, SAME, TINY_GAIN, WORSE, example_diff, runs


@pytest.mark.parametrize(
    ("finding", "group", "expected"),
    [
        (WORSE, REGRESSED, "regressed"),
        (BETTER, IMPROVED, "improved"),
        (TINY_GAIN, IMPROVED, "improved, small"),
        (replace(WORSE, is_relevant=False), REGRESSED, "regressed, small"),
        (SAME, "equal", "equal"),
        (OPEN, INCONCLUSIVE, "~ 4 more runs"),
        (replace(OPEN, runs_needed=3), INCONCLUSIVE, "~ 1 more run"),
        (replace(OPEN, runs_needed=102), INCONCLUSIVE, "~ 100 more runs"),
        (replace(OPEN, runs_needed=103), INCONCLUSIVE, "~ 100+ more"),
        (replace(OPEN, runs_needed=2), INCONCLUSIVE, "~"),
        (replace(OPEN, runs_needed=0), INCONCLUSIVE, "~"),
        (not_comparable("two machines"), OTHERS, "not comparable"),
        (None, OTHERS, "-"),
        (None, NEW, "new"),
        (OPEN, NEW, "new"),
        (BETTER, VANISHED, "vanished"),
    ],
)
def test_a_verdict_in_a_cell(finding: Finding | None, group: str, expected: str) -> None:
    assert expected == verdict_cell(finding, 2, group)


COSTS = "2 v 2 runs: 2,485.5 ms ±2.0 % → 2,336.2 ms ±0.3 % CPU, -149.2 ms"


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (WORSE, [f"regressed +78.2 % [+65.0, +92.0], {COSTS}"]),
        (
            TINY_GAIN,
            [
                f"improved -2.1 % [-3.1, -1.1], {COSTS}",
                "small: a change of less than 5 % was said not to matter",
            ],
        ),
        (SAME, [f"equal +0.4 % [-2.1, +3.0], {COSTS}", "shown equal within 5 %"]),
        (
            OPEN,
            [
                f"~ -28.3 % [-51.0, +6.0], {COSTS}",
                "not shown to differ, nor to be equal within 5 %; 4 more runs a side would tell",
            ],
        ),
        (
            replace(OPEN, runs_needed=500),
            [
                f"~ -28.3 % [-51.0, +6.0], {COSTS}",
                "not shown to differ, nor to be equal within 5 %; 100+ more runs a side would tell",
            ],
        ),
        (
            replace(OPEN, runs_needed=0),
            [f"~ -28.3 % [-51.0, +6.0], {COSTS}", "not shown to differ, nor to be equal within 5 %"],
        ),
        (
            not_comparable("they ran on two machines"),
            ["not comparable: they ran on two machines", f"{COSTS} (-6.0 %)"],
        ),
    ],
)
def test_the_program_is_told_with_its_verdict_effect_interval_and_costs(finding: Finding, expected: list[str]) -> None:
    assert expected == list(program_lines(example_diff(finding), Criteria()))


def test_a_change_may_be_small_by_its_ms_alone() -> None:
    finding = replace(BETTER, is_relevant=False)

    _, why = program_lines(example_diff(finding), Criteria(min_ms=200))

    assert "small: a change of less than 200 ms a run was said not to matter" == why


def test_one_run_a_side_is_told_what_it_lacks() -> None:
    finding = Finding(INCONCLUSIVE, runs_needed=4)
    alone = example_diff(finding, runs(1, 1))

    line, advice = program_lines(alone, Criteria())

    assert "~ -6.0 %, 1 v 1 runs: " == line[:22]
    assert "one run a side tells nothing of how runs vary; record at least 3 a side" == advice


def test_one_run_a_side_with_a_history_is_told_how_many_more_would_tell() -> None:
    *_, advice = program_lines(example_diff(OPEN, runs(1, 1, history=9)), Criteria(margin=0.025))

    assert "not shown to differ, nor to be equal within 2.5 %; 5 more runs a side would tell" == advice


def test_an_interval_without_an_end_is_left_open() -> None:
    line, _ = program_lines(example_diff(replace(OPEN, high=None)), Criteria())

    assert line.startswith("~ -28.3 % [-51.0, …], 2 v 2 runs: ")
