"""An impact over several examples: parts of their programs added up, with findings on their mean effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfdb.compare.comparison import Comparison
from perfdb.compare.impact_values import ABSENT, Part, Parts, with_shares
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.pooled import pooled_finding
from perfdb.compare.targets import Target
from perfdb.compare.verdicts import INCONCLUSIVE, NOT_COMPARABLE, Criteria, Finding, not_comparable
from perfdb.stats import ALLOWANCE, benjamini_hochberg, pool_effects


@dataclass(frozen=True, slots=True)
class _Pooled:
    """A finding over several examples, and in how many of them it is founded."""

    finding: Finding | None
    told: int


def pool_parts(
    parts: Sequence[Parts], targets: Sequence[Target], comparison: Comparison, inclusive: bool
) -> Parts | None:
    """The parts of all examples added up, with findings on their mean effects."""
    if len(parts) < 2:
        return None
    program = _summed([[each.program for each in parts]], comparison.criteria)[0]
    whole = program.baseline_ns, program.contender_ns

    def summed(*rows: Sequence[Part]) -> list[Part]:
        return [
            with_shares(each.baseline_ns, each.contender_ns, whole, each.finding, each.group, each.told)
            for each in _summed(rows, comparison.criteria)
        ]

    own = summed(*([each.targets[at] for each in parts] for at in range(len(targets))))
    if not inclusive:
        own = [_as_in_diff(part, target, comparison) for part, target in zip(own, targets, strict=True)]
    shared = [each.shared for each in parts if each.shared]
    return Parts(
        tuple(own),
        summed(shared)[0] if shared else None,
        summed([each.elsewhere for each in parts])[0],
        summed([each.program for each in parts])[0],
    )


def _summed(rows: Sequence[Sequence[Part]], criteria: Criteria) -> list[Part]:
    """Parts of several examples added up, one a row, with what their findings say together."""
    sums = [(sum(part.baseline_ns for part in row), sum(part.contender_ns for part in row)) for row in rows]
    # Work out of nothing has no effect, and none has work that is gone.
    findings = [[part.finding if part.baseline_ns and part.contender_ns else None for part in row] for row in rows]
    pooled = _pool_findings(findings, [after - before for before, after in sums], criteria)
    return [
        Part(*costs, None, None, None if group else told.finding, group, told.told)
        for costs, told, group in zip(sums, pooled, map(_common_group, rows), strict=True)
    ]


def _common_group(parts: Sequence[Part]) -> str:
    """The class of a part that is new, gone or absent wherever it is at all."""
    groups = {part.group for part in parts} - {ABSENT}
    return ABSENT if not groups else next(iter(groups)) if groups in ({NEW}, {VANISHED}) else ""


def _as_in_diff(part: Part, target: Target, comparison: Comparison) -> Part:
    """The same with the finding that the diff has on one function of several examples, where it has one."""
    if len(target.items) == 1:
        for entry in comparison.pooled:
            if entry.item.key == target.items[0].key:
                return replace(part, finding=entry.finding, told=len(entry.examples))
    return part


def _pool_findings(
    findings: Sequence[Sequence[Finding | None]], deltas_ns: Sequence[float], criteria: Criteria
) -> list[_Pooled]:
    """Pool what is told of several things, given a row each with a finding an example, as one family of tests.

    `deltas_ns` is what each changed by in all examples. What one example tells alone stays as it is.
    """
    if not findings:
        return []
    values = [
        [[np.nan if value is None else value for value in bounds] for bounds in zip(*map(_bounds, row), strict=True)]
        for row in findings
    ]
    effects, lows, highs = (np.array([row[at] for row in values], np.float64).T for at in range(3))
    told = np.isfinite(effects + lows + highs).sum(axis=0).tolist()
    effect, low, high, p_value = pool_effects(effects, lows, highs)
    adjusted = np.minimum(benjamini_hochberg(p_value) / ALLOWANCE, 1)
    pooled = []
    for place, row in enumerate(findings):
        if told[place] > 1:
            numbers = [float(each[place]) for each in (effect, low, high, p_value, adjusted)]
            pooled.append(_Pooled(pooled_finding(numbers, deltas_ns[place], criteria), told[place]))
        else:
            pooled.append(_of_one(row))
    return pooled


def _bounds(finding: Finding | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if finding is None else (finding.effect, finding.low, finding.high)


def _of_one(findings: Sequence[Finding | None]) -> _Pooled:
    """The one finding with an interval, else that nothing is shown, for which reason there is."""
    told = [finding for finding in findings if finding is not None]
    for finding in told:
        if None not in _bounds(finding):
            return _Pooled(finding, 1)
    open_ones = [finding for finding in told if finding.verdict != NOT_COMPARABLE]
    if open_ones:
        return _Pooled(Finding(INCONCLUSIVE), len(open_ones))
    return _Pooled(not_comparable(told[0].reason) if told else None, 0)
