"""What a diff's verdicts are called, for people: in a cell of a table, and in the line on the whole program."""

from __future__ import annotations

from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.verdicts import EQUAL, INCONCLUSIVE, NOT_COMPARABLE, Criteria, Finding
from perfdb.report.amounts import change_text, metric_label, sides_text
from perfdb.report.cells import MISSING, cell, effect_text
from perfdb.stats import Summary
from perfdb.units import NS_PER_MS

NOT_TOLD = "~"
"""What is neither shown to differ nor shown to be equal: never to be taken for the same."""
MOST_RUNS = 100
"""More missing runs than that are no plan any more: their number is not told."""
ENOUGH_RUNS = 3
"""Without a history, so many runs a side are the least that tell how runs vary."""


def counted(count: int, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def verdict_cell(finding: Finding | None, runs: int, group: str = "") -> str:
    """The verdict in a cell of a table; `runs` is how many the side with fewer has, `group` the class in the ledger.

    `~` is said with how many more runs a side would tell, where that is known; `-` where nothing was judged.
    """
    if group in (NEW, VANISHED):
        return group
    if finding is None:
        return MISSING
    if finding.verdict == INCONCLUSIVE:
        return f"{NOT_TOLD} {_more_runs(finding, runs)}".rstrip()
    is_small = finding.is_significant and not finding.is_relevant
    return f"{finding.verdict}, small" if is_small else finding.verdict


def _more_runs(finding: Finding, runs: int) -> str:
    """`4 more runs`, '' where that is not known or does not help."""
    more = finding.runs_needed - runs
    if not finding.runs_needed or more <= 0:
        return ""
    return f"{MOST_RUNS}+ more" if more > MOST_RUNS else counted(more, "more run")


def fewest_runs(example: ExampleDiff) -> int:
    """The runs of the side that has fewer."""
    return min(len(example.baseline), len(example.contender))


def program_lines(example: ExampleDiff, criteria: Criteria) -> tuple[str, ...]:
    """The verdict on the program with its effect, interval and costs; then what else is to be said of it."""
    finding = example.finding
    costs, plain_change = _costs(example)
    runs = f"{len(example.baseline)} v {len(example.contender)} runs"
    if example.runs.history and finding.verdict != NOT_COMPARABLE:
        runs += f" and {len(example.runs.history)} earlier"
    plain = "" if plain_change is None else f" ({cell(plain_change, 'change')})"
    if finding.verdict == NOT_COMPARABLE:
        return f"not comparable: {finding.reason}", f"{runs}: {costs}{plain}" if costs else runs
    word = NOT_TOLD if finding.verdict == INCONCLUSIVE else finding.verdict
    effect = plain_change if finding.effect is None else finding.effect
    verdict = f"{word} {effect_text(effect, finding.low, finding.high)}".rstrip() + f", {runs}"
    lines = [f"{verdict}: {costs}"]
    if example.runs.history:
        lines = [verdict, f"{costs}{plain}; the effect is against the earlier runs too"]
    if finding.verdict == INCONCLUSIVE:
        lines.append(_what_would_tell(example, criteria))
    elif finding.verdict == EQUAL:
        lines.append(f"shown equal within {margin_text(criteria)}")
    elif not finding.is_relevant:
        lines.append(f"small: {_why_small(finding, criteria)}")
    return tuple(filter(None, lines))


def _costs(example: ExampleDiff) -> tuple[str, float | None]:
    """What the program cost on both sides, and the change of that; '' and None where the two have nothing in common."""
    primary, total = example.primary, example.total
    if example.has_profiles:
        delta = f"{cell(total.delta_ns / NS_PER_MS, 'delta_ms')} ms"
        return f"{_mean(total.baseline)} → {_mean(total.contender)} CPU, {delta}", total.change
    if primary is None:
        return "", None
    before, after = sides_text(primary.baseline, primary.contender, primary.unit)
    delta = change_text(primary.baseline.mean, primary.contender.mean, primary.unit)
    return f"{before} → {after} {metric_label(primary.metric)}, {delta}", primary.change


def _what_would_tell(example: ExampleDiff, criteria: Criteria) -> str:
    runs = max(len(example.baseline), len(example.contender))
    if runs < 2 and not example.runs.history:
        if example.runs.is_measured:  # a caveat on all of them says it
            return ""
        return f"one run a side tells nothing of how runs vary; record at least {ENOUGH_RUNS} a side"
    text = f"not shown to differ, nor to be equal within {margin_text(criteria)}"
    more = _more_runs(example.finding, fewest_runs(example))
    return f"{text}; {more}{'' if 'run' in more else ' runs'} a side would tell" if more else text


def _why_small(finding: Finding, criteria: Criteria) -> str:
    if finding.effect is not None and abs(finding.effect) < criteria.margin:
        return f"a change of less than {margin_text(criteria)} was said not to matter"
    return f"a change of less than {criteria.min_ms:g} ms a run was said not to matter"


def margin_text(criteria: Criteria) -> str:
    """`5 %`."""
    return f"{criteria.margin * 100:g} %"


def _mean(summary: Summary) -> str:
    mean = f"{summary.mean / NS_PER_MS:,.1f} ms"
    return mean if summary.dispersion is None else f"{mean} ±{cell(summary.dispersion, 'share')}"
