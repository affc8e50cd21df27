"""An impact in one paragraph, fit for a commit message: plain text in lines of 72 columns.

    kuzu_shared.dll -45 % [-49, -41] in 3 of 3 examples; program -25 % [-29,
    -21]; everything else no change shown [-13, +17], but +15 % [+7, +23] in
    templates. Slower elsewhere: ucrtbase.dll +78 % (+181 ms) in templates.

A change stands there where it is shown, with its interval; where none is, that is what stands there. Percents are whole
where the interval is wider than a few of them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.impact import ABSENT, ExampleImpact, Impact, Moved, Part
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.sides import Side
from perfdb.compare.verdicts import EQUAL, NOT_COMPARABLE, Criteria, Finding
from perfdb.profile.columns import Caveat
from perfdb.report.cells import printable, shorten
from perfdb.report.of_diff_words import counted, margin_text
from perfdb.units import NS_PER_MS

WIDTH = 72
LONGEST_NAME = 60
LONGEST_CAVEAT = 160
FEW_NAMES = 3
"""So many names of examples, and of what got slower, are told; the others are counted."""
FEW_CAVEATS = 2
WIDE = 0.03
"""From an interval so wide on, percents have no decimals."""
_COMPARED = frozenset(
    (
        *("ancestor", "same-tree", "same-commit", "absent-target", "overlap", "mixed-symbols", "odd-run", "dirty"),
        *("machine", "build", "process", "interval", "templates", "detail", "pooled", "unresolved", "unlike-history"),
    )
)
"""Caveats on what is compared; all others are of the traces themselves, or stand in the paragraph anyhow."""
_TIE = "\xa0"
"""Holds together what a line must not part; names have none of it once they are printable."""


def impact_summary(impact: Impact) -> str:
    """The paragraph in lines of `WIDTH` columns, without a line end at its end."""
    lines = textwrap.wrap(_paragraph(impact), WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_TIE, " ")


def summary_line(impact: Impact) -> str:
    """The paragraph as one line."""
    return _paragraph(impact).replace(_TIE, " ")


def _paragraph(impact: Impact) -> str:
    sentences = [_targets(impact), _slower(impact), *_conditions(impact), *_caveats(impact)]
    return " ".join(f"{sentence}." for sentence in sentences if sentence)


# ---- what changed ----------------------------------------------------------------------------------------------------


def _targets(impact: Impact) -> str:
    """The targets, the program and all else, each with what is shown of it."""
    names = [target_name(impact, at) for at in range(len(impact.targets))]
    rows = [
        (
            name,
            impact.pooled.targets[at] if impact.pooled else None,
            [each.parts.targets[at] for each in impact.examples],
        )
        for at, name in enumerate(names)
    ]
    rows.append(
        ("program", impact.pooled.program if impact.pooled else None, [each.parts.program for each in impact.examples])
    )
    others = [each.parts.elsewhere for each in impact.examples]
    if impact.targets and any(part.baseline_ns or part.contender_ns for part in others):
        rows.append(("everything else", impact.pooled.elsewhere if impact.pooled else None, others))
    told, before = [], ""
    for name, pooled, parts in rows:
        phrase, where, but = _said(impact, pooled, parts)
        # What is true of the part before need not be said again.
        told.append(f"{name} {phrase}{f' {where}' if where != before else ''}{but}")
        before = where
    none = "" if impact.targets else "No module is shown to have changed; "
    return none + "; ".join(told)


def target_name(impact: Impact, at: int) -> str:
    """What a target is called in a sentence."""
    target = impact.targets[at]
    name = shorten(printable(str(target)), LONGEST_NAME)
    if len(target.items) == 1:
        return name
    return f"{name} ({counted(len(target.items), 'module' if target.is_module else 'function')})".replace(" ", _TIE)


def _said(impact: Impact, pooled: Part | None, parts: Sequence[Part]) -> tuple[str, str, str]:
    """What is shown of a part, in which examples, and which of them say otherwise."""
    criteria, total = impact.comparison.criteria, len(impact.examples)
    comparable = [at for at, each in enumerate(impact.examples) if each.is_comparable]
    if pooled is None:
        at = comparable[0] if comparable else 0
        where = "" if total == 1 else f"in {_example(impact.examples[at])}" if comparable else ""
        return phrase(parts[at], criteria), where, ""
    alike = [at for at in comparable if _verdict(parts[at]) == _verdict(pooled)]
    if len(alike) == total and _is_shown(pooled):
        where = f"in {total} of {total} examples"
    elif pooled.group in (NEW, VANISHED):
        where = f"in {len(alike)} of {total} examples"
    else:
        where = f"over {counted(pooled.told, 'example')}"
        if _is_shown(pooled):
            where += f" ({len(alike) or 'none'} of {total} {'show' if len(alike) != 1 else 'shows'} it alone)"
    others = [at for at in comparable if at not in alike and _is_shown(parts[at])]
    named = [f"{phrase(parts[at], criteria)} in {_example(impact.examples[at])}" for at in others[:FEW_NAMES]]
    more = [f"other changes in {len(others) - FEW_NAMES} more"] if len(others) > FEW_NAMES else []
    return phrase(pooled, criteria), where, f", but {' and '.join(named + more)}" if named else ""


def _verdict(part: Part) -> str:
    if part.group in (NEW, VANISHED, ABSENT):
        return part.group
    return part.finding.verdict if part.finding else ""


def _is_shown(part: Part) -> bool:
    return part.group in (NEW, VANISHED) or (part.finding is not None and part.finding.is_significant)


def phrase(part: Part, criteria: Criteria) -> str:
    """What is shown of one part: `-45 % [-49, -41]`, `equal within 5 % [-2, +3]`, `no change shown [-13, +17]`."""
    finding = part.finding
    if part.group in (NEW, VANISHED):
        return f"{'new' if part.group == NEW else 'gone'} ({_ms(part.delta_ns)})".replace(" ", _TIE)
    if finding is None:
        return "does no work" if part.group == ABSENT or not (part.baseline_ns or part.contender_ns) else "not judged"
    if finding.verdict == NOT_COMPARABLE:
        return "not comparable"
    if finding.verdict == EQUAL:
        return f"equal within {margin_text(criteria)}{_interval(finding)}".replace(" %", f"{_TIE}%")
    if not finding.is_significant:
        return f"no change shown{_interval(finding)}"
    if finding.effect is None:
        return _ms(part.delta_ns)
    small = "" if finding.is_relevant else " (small)"
    return f"{_percent(finding.effect, _decimals(finding))}{_TIE}%{_interval(finding)}{small}"


def _interval(finding: Finding) -> str:
    if finding.low is None or finding.high is None:
        return ""
    decimals = _decimals(finding)
    return f" [{_percent(finding.low, decimals)},{_TIE}{_percent(finding.high, decimals)}]"


def _decimals(finding: Finding) -> int:
    return int(finding.low is not None and finding.high is not None and finding.high - finding.low < WIDE)


def _percent(fraction: float, decimals: int = 0) -> str:
    percent = round(fraction * 100, decimals)
    return f"{percent:+,.{decimals}f}" if percent else "0"


def _ms(ns: float) -> str:
    ms = ns / NS_PER_MS
    return f"{ms:+,.0f}{_TIE}ms" if abs(ms) >= 10 else f"{ms:+,.1f}{_TIE}ms"


# ---- what got slower elsewhere ---------------------------------------------------------------------------------------


def _slower(impact: Impact) -> str:
    where = "in the program" if impact.is_inclusive or not impact.targets else "elsewhere"
    if not impact.comparable:
        return ""
    if not impact.slower:
        return f"Nothing {where} is shown to be slower"
    named = [_moved(each, impact) for each in impact.slower[:FEW_NAMES]]
    rest = impact.slower[FEW_NAMES:]
    if rest:
        named.append(f"{len(rest):,} more ({_ms(sum(each.delta_ns for each in rest))})")
    return f"Slower {where}: {', '.join(named)}"


def _moved(moved: Moved, impact: Impact) -> str:
    name = shorten(printable(str(moved.item)), LONGEST_NAME)
    where = "" if len(impact.examples) == 1 else f" in {_names(moved.examples, 1, len(impact.examples))}"
    if moved.is_new or not moved.baseline_ns:
        return f"{name} new ({_ms(moved.delta_ns)}){where}"
    return f"{name} {_percent(moved.delta_ns / moved.baseline_ns)}{_TIE}% ({_ms(moved.delta_ns)}){where}"


def _names(examples: Sequence[str], most: int, total: int) -> str:
    """The names of a few examples, or how many of all they are."""
    if len(examples) > most:
        return f"{len(examples)} of {total} examples"
    return ", ".join(shorten(printable(name), LONGEST_NAME) for name in examples)


# ---- how it was measured ---------------------------------------------------------------------------------------------


def _conditions(impact: Impact) -> Iterator[str]:
    comparison = impact.comparison
    inclusive = " (inclusive for the target)" if impact.is_inclusive else ""
    compared = [each.diff for each in impact.comparable]
    example = f" of {_example(impact.examples[0])}" if len(impact.examples) == 1 else ""
    text = f"CPU time{example}{inclusive} against {_side(comparison.baseline)}"
    has_intervals = any(each.finding.low is not None for each in compared)
    intervals = f"; 95{_TIE}% intervals" if has_intervals else ""
    yield f"{text}, {_runs(compared, each=len(impact.examples) > 1)}{intervals}" if compared else text
    if any(len(each.baseline) == len(each.contender) == 1 and not each.runs.history for each in compared):
        yield "One run a side tells nothing of how runs vary"
    shared = [each.common_effect for each in compared if each.common_effect is not None]
    if impact.targets and not impact.is_inclusive and any(abs(each) >= comparison.criteria.margin for each in shared):
        values = sorted({_percent(each) for each in (min(shared), max(shared))}, key=float)
        yield f"Targets are judged beside the speed that all work shares, which changed by {' to '.join(values)}{_TIE}%"
    others = [each.diff.example for each in impact.examples if not each.is_comparable]
    if others:
        are = "is" if len(others) == 1 else "are"
        count = f"{len(others)} of {counted(len(impact.examples), 'example')}"
        yield f"{count} {are} not comparable ({_names(others, FEW_NAMES, len(impact.examples))})"
    for side, only in (
        (comparison.baseline, comparison.only_baseline),
        (comparison.contender, comparison.only_contender),
    ):
        if only:
            yield f"{counted(len(only), 'example')} only in {printable(side.asked)}"


def _runs(examples: Sequence[ExampleDiff], each: bool) -> str:
    sides = [
        sorted({len(side) for side in runs})
        for runs in zip(*((e.baseline, e.contender) for e in examples), strict=True)
    ]
    left, right = (f"{side[0]}" if len(side) == 1 else f"{side[0]} to {side[-1]}" for side in sides)
    earlier = max(len(example.runs.history) for example in examples)
    history = f" and up to {earlier} earlier" if earlier and each else f" and {earlier} earlier" if earlier else ""
    return f"{left} v {right} runs{history}{' an example' if each else ''}".replace(" v ", f"{_TIE}v{_TIE}")


def _side(side: Side) -> str:
    sha = side.recorded_sha[:10]
    asked = printable(side.asked)
    return sha if side.recorded_sha.startswith(asked) else f"{asked} ({sha})"


def _caveats(impact: Impact) -> Iterator[str]:
    """What to be careful about: what makes the sides unlike, the first few; notes on single traces are counted.

    Names of examples stand before what is not said of all.
    """
    found: dict[Caveat, list[str]] = {}
    for each in impact.comparable:
        for caveat in each.diff.caveats:
            found.setdefault(caveat, []).append(each.diff.example)
    told = [caveat.text for caveat in (*impact.comparison.caveats, *impact.caveats) if caveat.code in _COMPARED]
    for caveat, names in found.items():
        if caveat.code in _COMPARED:
            is_all = len(names) == len(impact.examples)
            told.append(caveat.text if is_all else f"{_names(names, FEW_NAMES, len(impact.examples))}: {caveat.text}")
    others = sum(caveat.code not in _COMPARED for caveat in found)
    named = [textwrap.shorten(printable(text), LONGEST_CAVEAT, placeholder=" …") for text in told[:FEW_CAVEATS]]
    if len(told) > FEW_CAVEATS:
        named.append(f"{len(told) - FEW_CAVEATS} more in the report")
    if named:
        yield f"Caveat{'s' if len(told) > 1 else ''}: {'; '.join(named)}"
    if others:
        yield f"The report has {counted(others, 'note')} on the traces"


def _example(example: ExampleImpact) -> str:
    return shorten(printable(example.diff.example), LONGEST_NAME)
