"""The gate: whether a comparison passes, why not in one line, and what to do about it.

What can make it fail:

    regressed      the program of an example, a module, a function, a function pooled over several examples, or a metric
                   became slower, or worse, significantly and by more than its limit. New work is no regression of its
                   own (a renamed function is new too): it is in the program's total
    total          the program of an example did; without profiles, the metric that stands for it
    inconclusive   of the program of an example nothing can be told: its verdict is open, its two sides are not
                   comparable, or the contender has no run of it. Single functions do not count: some are always open.

*Limits* (`[[gate.limit]]` in perfdb.toml) say up to which relative change a regression passes. What has none is held to
the comparison's margin. A limit may be greater than the margin or less, and then the latter does not count; the least
change in ms holds for all. A limit holds for everything that its globs match:

    names                            holds for
    nothing, or an example           the program, its modules, its functions and its metrics
    a module (and an example)        the module and its functions
    a function (and the others)      the function
    a metric (and an example)        the metric

Where several limits match, the last one holds: general ones are written first, exceptions after them. Letter case of
modules makes no difference. The least change in ms holds for times only, and a limit for the direction that is worse:
0.2 of a rate is a fifth less. A pooled function has the greatest limit that one of its examples gives it. Where the
program's limit is `any`, or the interval shows that it is held, an open verdict fails nothing.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from perfdb.compare.comparison import Comparison, ExampleDiff
from perfdb.compare.costs import Item
from perfdb.compare.gate_limits import limit_of
from perfdb.compare.measured import MeasuredEntry
from perfdb.compare.sides import Side
from perfdb.compare.verdicts import INCONCLUSIVE, NOT_COMPARABLE, REGRESSED, Finding
from perfdb.config import GateLimit
from perfdb.errors import UsageError
from perfdb.profile.measurement import HIGHER
from perfdb.units import NS_PER_MS

FAIL_ON = ("regressed", "total", "inconclusive")
"""What a gate may be asked to fail on."""
_FAIL_ON_REGRESSED, _FAIL_ON_TOTAL, _FAIL_ON_INCONCLUSIVE = FAIL_ON

_NAMED = 3
"""So many causes are named, the worst first; the rest is counted."""
_NAME_WIDTH = 80
"""Names of functions may be pages long: what is longer loses its middle."""
_FEW_RUNS = 3
"""Fewer runs a side hardly ever tell anything."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether the gate failed, and one line for people: why, or what could not be told; empty when there is nothing.

    Names in the line are as they stand in traces and may hold what is not printable.
    """

    failed: bool
    line: str


def judge_gate(comparison: Comparison, fail_on: Sequence[str], limits: Sequence[GateLimit] = ()) -> GateResult:
    """Judge a comparison whose ledgers list every row (`top=None`); raises UsageError for a word not in `FAIL_ON`."""
    for word in fail_on:
        if word not in FAIL_ON:
            raise UsageError(f"asked to fail on {word!r}, which is none of {', '.join(FAIL_ON)}")
    if not fail_on:
        return GateResult(False, "")
    causes = _regressions(comparison, fail_on, limits)
    open_ones = _open_programs(comparison, limits)
    found = [cause.text for cause in causes]
    words = [word for word in FAIL_ON[:2] if word in fail_on][:1] if causes else []
    if _FAIL_ON_INCONCLUSIVE in fail_on and open_ones:
        words.append(_FAIL_ON_INCONCLUSIVE)
        found += [each.text for each in open_ones]
    if words:
        remedy = _accept(comparison, causes[0].example) if causes else _mend(comparison, open_ones)
        return GateResult(True, f"gate failed ({', '.join(words)}): {_first(found)}. {remedy}.")
    if open_ones:
        told = _first([each.text for each in open_ones])
        remedy = f"{_mend(comparison, open_ones)}; --fail-on {_FAIL_ON_INCONCLUSIVE} fails on that."
        return GateResult(False, f"gate passed, but not all can be told yet: {told}. {remedy}")
    return GateResult(False, "")


def _first(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


# ---- regressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cause:
    """Something that regressed by more than its limit; `example` is None where it is several examples'."""

    example: str | None
    item: Item | None
    rank: tuple[bool, float]
    text: str


def _regressions(comparison: Comparison, fail_on: Sequence[str], limits: Sequence[GateLimit]) -> list[_Cause]:
    """What fails, the greatest change in ns first; metrics, which have nothing like that in common, by their effect."""
    single = _FAIL_ON_REGRESSED in fail_on
    if not single and _FAIL_ON_TOTAL not in fail_on:
        return []
    found = []
    for example in comparison.examples:
        for judged in _judged(example, with_parts=single):
            limit = limit_of(example.example, judged.item, limits, judged.metric)
            if _exceeds(judged.finding, judged.delta_ns, limit, comparison, judged.is_rate):
                text = f"{example.example}: {judged.name} {_change(judged.finding)}, {_limit(limit, comparison)}"
                found.append(_Cause(example.example, judged.item, judged.rank, text))
    if single:
        found += _pooled(comparison, limits, {cause.item.key for cause in found if cause.item})
    return sorted(found, key=lambda cause: cause.rank)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What may fail: a program, a module or function of a profile, or a metric; `delta_ns` is infinite if no time."""

    item: Item | None
    finding: Finding
    delta_ns: float
    entry: MeasuredEntry | None = None

    @property
    def metric(self) -> str | None:
        return self.entry.metric if self.entry else None

    @property
    def name(self) -> str:
        return self.entry.metric if self.entry else _named(self.item)

    @property
    def is_rate(self) -> bool:
        return self.entry is not None and self.entry.better == HIGHER

    @property
    def rank(self) -> tuple[bool, float]:
        return self.entry is not None, -abs(self.finding.effect or 0.0) if self.entry else -self.delta_ns


def _judged(example: ExampleDiff, with_parts: bool) -> Iterator[_Judged]:
    """The program, and with parts its modules, functions and metrics, each with its finding and change in ns a run."""
    primary = example.primary
    if primary is None:
        yield _Judged(None, example.finding, example.total.delta_ns)
    elif primary.finding is not None:
        yield _of_metric(primary, primary.finding)
    if with_parts:
        for entry in (*example.modules.rows, *example.functions.rows):
            if entry.finding is not None:
                yield _Judged(entry.item, entry.finding, entry.delta_ns)
        for metric in example.measured:
            if metric is not primary and metric.finding is not None:
                yield _of_metric(metric, metric.finding)


def _of_metric(entry: MeasuredEntry, finding: Finding) -> _Judged:
    return _Judged(None, finding, entry.delta * NS_PER_MS if entry.is_time else math.inf, entry)


def _pooled(comparison: Comparison, limits: Sequence[GateLimit], known: Collection[object]) -> Iterator[_Cause]:
    """Functions of several examples, but for those that fail in one of them already."""
    for entry in comparison.pooled:
        allowed = [limit_of(example, entry.item, limits) for example in entry.examples]
        margin = comparison.criteria.margin
        limit = max((margin if each is None else each for each in allowed), default=margin)
        told = limit if any(each is not None for each in allowed) else None
        if entry.item.key not in known and _exceeds(entry.finding, entry.delta_ns, told, comparison):
            name = f"{len(entry.examples)} examples: {_named(entry.item)}"
            text = f"{name} {_change(entry.finding)}, {_limit(told, comparison)}"
            yield _Cause(None, entry.item, (False, -entry.delta_ns), text)


def _exceeds(
    finding: Finding, delta_ns: float, limit: float | None, comparison: Comparison, is_rate: bool = False
) -> bool:
    """Whether this is a regression by more than its limit; that of a rate is a change below 0."""
    if finding.verdict != REGRESSED:
        return False
    if limit is None:
        return finding.is_relevant
    effect = -finding.effect if is_rate and finding.effect is not None else finding.effect
    is_more = effect > limit if effect is not None else limit < math.inf
    return is_more and abs(delta_ns) >= comparison.criteria.min_ms * NS_PER_MS


def _named(item: Item | None) -> str:
    if item is None:
        return "the program"
    name = str(item)
    half = (_NAME_WIDTH - 1) // 2
    short = name if len(name) <= _NAME_WIDTH else f"{name[:half]}…{name[-half:]}"
    return f"module {short}" if item.function is None else short


def _change(finding: Finding) -> str:
    if finding.effect is None:
        return "out of nothing"
    if finding.low is None or finding.high is None:
        return _percent(finding.effect)
    return f"{_percent(finding.effect)} [{_percent(finding.low)}, {_percent(finding.high)}]"


def _percent(change: float) -> str:
    return f"{change:+,.1%}".replace("%", " %")


def _limit(limit: float | None, comparison: Comparison) -> str:
    return f"limit {(comparison.criteria.margin if limit is None else limit) * 100:g} %"


def _accept(comparison: Comparison, example: str | None) -> str:
    only = "" if example is None else f" --example {_quoted(example)}"
    return (
        f"See perfdb diff {_typed(comparison.baseline)} {_typed(comparison.contender)}{only}; "
        "to accept a change, give it a limit in perfdb.toml, [[gate.limit]]"
    )


def _typed(side: Side) -> str:
    """What to type for a side; some are called by words that git does not know."""
    return side.recorded_sha[:10] if any(char.isspace() for char in side.asked) else side.asked


def _quoted(name: str) -> str:
    return f'"{name}"' if any(char.isspace() for char in name) else name


# ---- what cannot be told ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Open:
    """An example of whose program nothing can be told; `lacks` is the side that has no run, "" where both have."""

    text: str
    is_comparable: bool = True
    lacks: str = ""


def _open_programs(comparison: Comparison, limits: Sequence[GateLimit]) -> list[_Open]:
    """The examples of which nothing can be told, in their order; those that only the baseline has come last."""
    found = []
    for example in comparison.examples:
        name, finding, primary = example.example, example.finding, example.primary
        limit = limit_of(name, None, limits, primary.metric if primary else None)
        if _is_held(finding, limit, is_rate=primary is not None and primary.better == HIGHER):
            continue
        if finding.verdict == NOT_COMPARABLE:
            found.append(_Open(f"{name}: not comparable: {finding.reason}", is_comparable=False))
        elif finding.verdict == INCONCLUSIVE:
            found.append(_Open(f"{name}: {_still_open(example, comparison.criteria.margin)}"))
    return found + [
        _Open(f"{name}: {comparison.contender.asked} has no run of it", lacks=_typed(comparison.contender))
        for name in comparison.only_baseline
        if limit_of(name, None, limits) != math.inf
    ]


def _is_held(finding: Finding, limit: float | None, is_rate: bool) -> bool:
    """Whether an explicit limit is shown to be held, though the verdict is open."""
    worst = -finding.low if is_rate and finding.low is not None else None if is_rate else finding.high
    return limit is not None and (limit == math.inf or (worst is not None and worst <= limit))


def _still_open(example: ExampleDiff, margin: float) -> str:
    """The interval, the runs, and how many more would tell."""
    finding = example.finding
    counts = len(example.baseline), len(example.contender)
    what = example.primary.metric if example.primary else "the program"
    text = f"{what} {_change(finding)}, " if finding.effect is not None else ""
    text += f"{counts[0]} v {counts[1]} runs"
    more = finding.runs_needed - min(counts)
    if more > 0:
        return f"{text}, {finding.runs_needed} a side ({more} more) would show {margin * 100:g} %"
    if min(counts) < _FEW_RUNS:
        return f"{text}, {_FEW_RUNS} a side are the least that tells something"
    return f"{text}, too close to {margin * 100:g} % to be told"


def _mend(comparison: Comparison, open_ones: Sequence[_Open]) -> str:
    """What to do about examples of which nothing can be told."""
    if any(each.is_comparable and not each.lacks for each in open_ones):
        return f"Record more runs of {_typed(comparison.baseline)} and {_typed(comparison.contender)} (perfdb record)"
    lacking = next((each.lacks for each in open_ones if each.lacks), "")
    if lacking:
        return f"Record runs of {lacking} (perfdb record)"
    return "Record both sides in the same conditions"
