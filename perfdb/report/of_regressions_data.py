"""The regression report as data for programs: what the Markdown says first, and the whole diff."""

from __future__ import annotations

from typing import Any

from perfdb import __version__
from perfdb.compare.comparison import Comparison
from perfdb.report.of_diff_data import diff_data
from perfdb.report.of_diff_headline import headline, overall, verdict_counts

SCHEMA = "perfdb.regressions/1"


def regressions_data(comparison: Comparison) -> dict[str, Any]:
    """`verdict` and `headline` are over all programs, `counts` are examples by the verdict on their program.

    `diff` is what `perfdb diff --json` writes (schema `perfdb.diff/2`), so that `--replay` takes either file.
    """
    return {
        "schema": SCHEMA,
        "version": __version__,
        "verdict": _word(overall(comparison)),
        "headline": headline(comparison),
        "counts": {_word(verdict): count for verdict, count in verdict_counts(comparison).items()},
        "diff": diff_data(comparison),
    }


def _word(verdict: str) -> str:
    return verdict.replace(" ", "_")
