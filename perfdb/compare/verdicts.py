"""What is said of one cost that two sides have: the verdict, with the effect and its interval.

`perfdb.stats` judges numbers; here its answers get the words that people read, and the two questions are kept apart: is
a change *significant* (the test says so), and is it *relevant* (large enough to matter to whoever asks)?
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perfdb.stats import EQUAL as STATS_EQUAL
from perfdb.stats import IMPROVED as STATS_IMPROVED
from perfdb.stats import REGRESSED as STATS_REGRESSED
from perfdb.stats import Differences, TotalDifference
from perfdb.units import NS_PER_MS

REGRESSED, IMPROVED, EQUAL = "regressed", "improved", "equal"
INCONCLUSIVE, NOT_COMPARABLE = "inconclusive", "not comparable"

_WORDS = {STATS_REGRESSED: REGRESSED, STATS_IMPROVED: IMPROVED, STATS_EQUAL: EQUAL}


@dataclass(frozen=True, slots=True)
class Criteria:
    """What matters to whoever asks.

    `margin` is the relative change that would matter and within which `equal` is shown, `min_ms` the absolute one a
    run. `fdr` bounds the false flags. `history` is how many earlier runs of an example are asked at most.
    """

    margin: float = 0.05
    min_ms: float = 0.0
    fdr: float = 0.05
    history: int = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one cost. `effect` is relative, `low` and `high` bound it with 95 %; None where nothing is told.

    Effects of modules, functions and call paths are against the speed that all share; the program's is its own.
    `adjusted` is the p-value adjusted for many tests. `runs_needed` is how many runs a side would show a change of the
    margin four times in five, 0 where that cannot be told. `reason` is why something is not comparable.
    """

    verdict: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    adjusted: float | None = None
    runs_needed: int = 0
    is_relevant: bool = False
    reason: str = ""

    @property
    def is_significant(self) -> bool:
        """Whether the test tells a change from none, large enough to matter or not."""
        return self.verdict in (REGRESSED, IMPROVED)


def not_comparable(reason: str) -> Finding:
    """What is said where the two sides differ in more than the commit."""
    return Finding(NOT_COMPARABLE, reason=reason)


def total_finding(total: TotalDifference, delta_ns: float, criteria: Criteria) -> Finding:
    """The verdict on the program, which changed by `delta_ns` a run."""
    return _finding(
        total.verdict,
        (total.effect, total.low, total.high, total.p_value, total.adjusted),
        total.runs_needed,
        delta_ns,
        criteria,
    )


def finding(
    differences: Differences, place: int, delta_ns: float, criteria: Criteria, plain: float | None = None
) -> Finding:
    """The verdict on the column `place`, which changed by `delta_ns` a run.

    `plain` is the relative change of the means. What grew only beside others that shrank is not relevant: both it and
    the effect must be large enough.
    """
    floats = (
        differences.effect[place],
        differences.low[place],
        differences.high[place],
        differences.p_value[place],
        differences.adjusted[place],
    )
    return _finding(
        int(differences.verdict[place]),
        tuple(float(value) for value in floats),
        int(differences.runs_needed[place]),
        delta_ns,
        criteria,
        plain,
    )


def _finding(
    verdict: int,
    floats: tuple[float, ...],
    runs_needed: int,
    delta_ns: float,
    criteria: Criteria,
    plain: float | None = None,
) -> Finding:
    effect, low, high, p_value, adjusted = (value if math.isfinite(value) else None for value in floats)
    relevant = is_relevant(effect, delta_ns, criteria) and is_relevant(plain, delta_ns, criteria)
    return Finding(_WORDS.get(verdict, INCONCLUSIVE), effect, low, high, p_value, adjusted, runs_needed, relevant)


def is_relevant(effect: float | None, delta_ns: float, criteria: Criteria) -> bool:
    """Whether a change is large enough to matter: by the margin, and in ms a run. One out of nothing is by its ms."""
    is_large = effect is None or abs(effect) >= criteria.margin
    return is_large and abs(delta_ns) >= criteria.min_ms * NS_PER_MS
