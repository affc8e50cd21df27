"""Rules on the change since the baseline: the program's verdict, what to undo, what to keep, what is new."""

from __future__ import annotations

from collections.abc import Sequence

from perfdb.compare.ledger import NEW, Entry
from perfdb.compare.verdicts import IMPROVED, NOT_COMPARABLE, REGRESSED
from perfdb.report.call_paths import call_paths
from perfdb.report.cells import cell, effect_text, printable, shorten
from perfdb.report.markdown import marked
from perfdb.report.names import word
from perfdb.report.of_analysis_advice import (
    LONGEST_NAME,
    NEW_SHARE,
    Advice,
    listed,
    ms,
    named,
    of_example,
    percent,
)
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.report.of_diff_words import counted, program_lines
from perfdb.units import NS_PER_MS


def program_change(of: ExampleAnalysis) -> Advice | None:
    """The verdict on the whole program, with its interval and runs, or why there is none."""
    if of.comparison is None or of.diff is None:
        return None
    lines = program_lines(of.diff, of.comparison.criteria)
    text = f"Since {baseline_name(of)}: {lines[0]}."
    more = tuple(f"{line[0].upper()}{line[1:]}." for line in lines[1:])
    is_sure = of.diff.finding.is_significant
    return Advice("change", text, abs(of.diff.total.delta_ns) if is_sure else None, (diff_command(of),), more)


def regressions(of: ExampleAnalysis) -> Advice | None:
    """Functions that became slower for sure, and by so much that it matters: undoing that would save their ms."""
    rows = _sure(of, REGRESSED)
    if not rows:
        return None
    delta = sum(row.delta_ns for row in rows)
    text = f"{_functions(of, rows)}. Undoing that would save {ms(delta)} a run."
    return Advice(
        "undo",
        text,
        delta,
        (diff_command(of, of_example(of), "--by function"),),
        _path_text(of, REGRESSED),
    )


def improvements(of: ExampleAnalysis) -> Advice | None:
    """Functions that became quicker for sure, which is to be kept."""
    rows = _sure(of, IMPROVED)
    if not rows:
        return None
    delta = -sum(row.delta_ns for row in rows)
    text = f"{_functions(of, rows)}; that is {ms(delta)} a run."
    guard = f"perfdb diff {word(of.commit)} HEAD --fail-on regressed"
    return Advice("keep", text, delta, (guard,), _path_text(of, IMPROVED))


def new_functions(of: ExampleAnalysis) -> Advice | None:
    """Work in functions that the baseline does not have."""
    if of.diff is None or of.diff.finding.verdict == NOT_COMPARABLE:
        return None
    rows = [row for row in of.diff.functions.rows if row.group == NEW]
    total = sum(row.contender.mean for row in rows)
    whole = of.diff.total.contender.mean
    if not whole or total / whole < NEW_SHARE:
        return None
    names = [f"{named(row.item)} {ms(row.contender.mean)}" for row in rows if row.item]
    text = (
        f"{counted(len(rows), 'function')} that {_short(of)} does not have "
        f"{'takes' if len(rows) == 1 else 'take'} {ms(total)} ({percent(total / whole)}): {listed(names)}."
    )
    return Advice("new", text, total)


def baseline_name(of: ExampleAnalysis) -> str:
    """The baseline in a sentence: as it was asked for, and its subject."""
    if of.comparison is None:
        return "(none)"
    side = of.comparison.baseline
    subject = f" ({shorten(printable(side.subject), LONGEST_NAME)})" if side.subject else ""
    return f"{printable(side.asked)}{subject}"


def _short(of: ExampleAnalysis) -> str:
    return "the baseline" if of.comparison is None else printable(of.comparison.baseline.asked)


def diff_command(of: ExampleAnalysis, *more: str) -> str:
    """The command that shows the comparison with its baseline."""
    assert of.comparison is not None
    sides = f"{word(of.comparison.baseline.asked)} {word(of.commit)}"
    return " ".join(("perfdb diff", sides, *more))


def _sure(of: ExampleAnalysis, group: str) -> list[Entry]:
    """The functions of a class whose change matters, the greatest first."""
    rows = of.diff.functions.rows if of.diff else ()
    return sorted(
        (row for row in rows if row.group == group and row.finding and row.finding.is_relevant),
        key=lambda row: -abs(row.delta_ns),
    )


def _functions(of: ExampleAnalysis, rows: Sequence[Entry]) -> str:
    """`Since 459c5d5695, 1 function regressed: ucrtbase.dll!strtod +181.3 ms (effect +81.8 % [+59.4, +107.2])`."""
    parts = []
    for row in rows:
        if row.item and row.finding:
            effect = effect_text(row.finding.effect, row.finding.low, row.finding.high)
            delta = cell(row.delta_ns / NS_PER_MS, "delta_ms")
            parts.append(f"{named(row.item)} {delta} ms" + (f" (effect {effect})" if effect else ""))
    return f"Since {_short(of)}, {counted(len(rows), 'function')} {rows[0].group}: {listed(parts)}"


def _path_text(of: ExampleAnalysis, verdict: str) -> tuple[str, ...]:
    """The call path that changed most in the same direction, where one did for sure."""
    rows = of.diff.paths.rows if of.diff and of.diff.paths else ()
    texts = call_paths([row.path for row in rows])
    found = next((each for each in zip(rows, texts, strict=True) if each[0].finding.verdict == verdict), None)
    if found is None or not found[0].path:
        return ()
    finding, path = found[0].finding, marked(shorten(printable(str(found[1])), 2 * LONGEST_NAME))
    effect = effect_text(finding.effect, finding.low, finding.high)
    delta = cell(found[0].delta_ns / NS_PER_MS, "delta_ms")
    return (f"The call path that {verdict} most: {path}, {delta} ms with all below (effect {effect}).",)
