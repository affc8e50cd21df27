"""What a diff says of all its examples together: the verdict in one line, and what it could hide."""

from __future__ import annotations

from collections.abc import Sequence

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.ledger import Entry
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, NOT_COMPARABLE, REGRESSED
from perfdb.report.of_diff_measured import hidden_regressions
from perfdb.report.of_diff_words import counted

ORDER = (REGRESSED, INCONCLUSIVE, NOT_COMPARABLE, EQUAL, IMPROVED)
"""Verdicts in the order in which a reviewer wants to know of them."""
_WORDS = {EQUAL: "shown equal", INCONCLUSIVE: "open"}


def verdict_counts(comparison: Comparison) -> dict[str, int]:
    """How many examples have each verdict, in the order in which they are told."""
    verdicts = [example.finding.verdict for example in comparison.examples]
    return {verdict: verdicts.count(verdict) for verdict in ORDER if verdict in verdicts}


def overall(comparison: Comparison) -> str:
    """One verdict for all: regressed where one example did, else improved where one did, else what they are."""
    counts = verdict_counts(comparison)
    ranked = (REGRESSED, IMPROVED, INCONCLUSIVE, EQUAL)
    return next((verdict for verdict in ranked if verdict in counts), NOT_COMPARABLE)


def headline(comparison: Comparison) -> str:
    """The verdict in a line: `1 of 3 examples regressed, 2 improved`, `2 of 2 examples improved, but 1 function …`."""
    counts = verdict_counts(comparison)
    first = overall(comparison)
    if not counts:
        return "no example that both sides have"
    parts = [f"{counts[first]:,} of {counted(sum(counts.values()), 'example')} {_WORDS.get(first, first)}"]
    parts += [f"{count:,} {_WORDS.get(verdict, verdict)}" for verdict, count in counts.items() if verdict != first]
    hidden = [
        counted(len(found), what)
        for found, what in ((regressed_within(comparison), "function"), (hidden_regressions(comparison), "metric"))
        if found
    ]
    if hidden and first != REGRESSED:
        parts.append(f"but {' and '.join(hidden)} regressed")
    return ", ".join(parts)


def regressed_within(comparison: Comparison) -> list[tuple[ExampleDiff, Entry]]:
    """The functions that regressed in programs that did not, which a verdict on programs hides; the largest first."""
    return _regressed([each for each in comparison.examples if each.finding.verdict not in (REGRESSED, NOT_COMPARABLE)])


def regressed_in_programs(comparison: Comparison) -> list[tuple[ExampleDiff, Entry]]:
    """The functions that regressed in programs that did, too; the largest first."""
    return _regressed([each for each in comparison.examples if each.finding.verdict == REGRESSED])


def _regressed(examples: Sequence[ExampleDiff]) -> list[tuple[ExampleDiff, Entry]]:
    found = [(each, entry) for each in examples for entry in each.functions.rows if entry.group == REGRESSED]
    return sorted(found, key=lambda each: -each[1].delta_ns)
