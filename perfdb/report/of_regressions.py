"""The regression report for a pull request: Markdown that fits a comment, with the verdict first.

A comment of GitHub holds 65,536 characters. Where all that there is to say takes more, less is said, step by step
(`STEPS` in `of_regressions_parts`): names get shorter, then tables, then examples become lines of one table. What
changed most is told longest, and what is left out is counted, with its sums.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace

from perfdb import __version__
from perfdb.compare.call_tree import Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.ledger import NEW, UNRESOLVED, VANISHED, Entry, Ledger
from perfdb.compare.sides import EXACT, Side
from perfdb.compare.verdicts import EQUAL, IMPROVED, INCONCLUSIVE, NOT_COMPARABLE, REGRESSED, Criteria
from perfdb.report.cells import cell, printable
from perfdb.report.markdown import code, escape, fenced, heading, table_markdown
from perfdb.report.names import short_commit
from perfdb.report.of_diff import classes_line, set_aside_texts, what_is_told
from perfdb.report.of_diff_call import options, revisions
from perfdb.report.of_diff_headline import ORDER, headline, overall, regressed_within
from perfdb.report.of_diff_measured import hidden_regressions, measured_table
from perfdb.report.of_diff_tables import ledger_table, paths_table, pooled_table, programs_table
from perfdb.report.of_diff_words import counted, margin_text, program_lines
from perfdb.report.of_regressions_parts import (
    LONGEST_CAVEAT,
    STEPS,
    Step,
    bare,
    benchmark_parts,
    cut_caveats,
    details,
    folded,
    in_ms,
    metric_text,
    step_table,
)
from perfdb.report.widths import shorten_apart, shorten_middle

COMMENT = 65_536
"""What a comment of GitHub holds, in UTF-16 units."""
RESERVE = 536
"""So much of it is left to who pastes the report."""
SIGNS = {REGRESSED: "▲", IMPROVED: "▼", EQUAL: "=", INCONCLUSIVE: "~", NOT_COMPARABLE: "×"}
NO_PATHS = "call paths: not compared, for some run tells none, or frames have names in some runs only"
OPEN = "`~`: neither a change is shown nor that there is none; with it, how many more runs a side would tell."
LEAST_EXAMPLE = 400
"""No example that is told in detail takes less: more of them than fit need not be tried."""
LONGEST_CALL = 2_000
TELLING_SHARE = 0.01
"""So much of the time must be in frames without symbols to be told."""


def regressions_markdown(comparison: Comparison, limit: int = COMMENT - RESERVE) -> str:
    """The report in at most `limit` UTF-16 units, as much of it as fits."""
    told = sum(map(_is_told, comparison.examples))
    for step in STEPS:
        if min(step.examples, told) * LEAST_EXAMPLE > limit:
            continue
        text = _document(comparison, step)
        if size_of(text) <= limit:
            return text
    first, sides = _title(comparison), _sides(comparison, STEPS[-1])
    return f"{first}\n\n{sides}\n\n{_verdicts(comparison.examples)}. A comment has no room for more.\n"


def size_of(text: str) -> int:
    """The length of a text as forges count it: in UTF-16 units."""
    return len(text) + sum(char > "\uffff" for char in text)


def _document(comparison: Comparison, step: Step) -> str:
    parts = [
        _title(comparison),
        _sides(comparison, step),
        *_in_short(comparison, step),
    ]
    parts.append(cut_caveats([caveat.text for caveat in comparison.caveats]))
    ranked = sorted(comparison.with_profiles, key=_rank)
    detailed = [example for example in ranked if _is_told(example)][: step.examples]
    parts.append(_programs(ranked, step))
    for example in detailed:
        parts += _example(example, comparison.criteria, step)
    parts += _others([example for example in ranked if example not in detailed], comparison.criteria, step)
    parts += benchmark_parts(comparison.without_profiles, step)
    parts += _pooled(comparison.pooled, step)
    parts += _only_one_side(comparison)
    parts.append(_how(comparison))
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(comparison: Comparison) -> str:
    return heading(f"perfdb: {SIGNS[overall(comparison)]} {headline(comparison)}", 2)


def _sides(comparison: Comparison, step: Step) -> str:
    rows = [
        f"**{name}** {code(shorten_middle(printable(side.asked), 100))} {_commit(side, step)}"
        for name, side in (("baseline", comparison.baseline), ("contender", comparison.contender))
    ]
    return "  \n".join(rows)


def _commit(side: Side, step: Step) -> str:
    sha = code(short_commit(side.recorded_sha))
    sha = "" if side.recorded_sha.startswith(side.asked) else sha
    stand_in = "" if side.how == EXACT else " (stands in)"
    subject = escape(shorten_middle(printable(side.subject), step.subject))
    return f"{sha}{stand_in} {subject}".strip()


def _in_short(comparison: Comparison, step: Step) -> Iterator[str]:
    """A sentence on what regressed, by how much and where, or on what can be said instead."""
    worst = sorted((each for each in comparison.examples if each.finding.verdict == REGRESSED), key=_rank)[:3]
    lines = [_worst_line(example, comparison.criteria, step) for example in worst]
    inner = regressed_within(comparison)
    if inner:
        shown = ", ".join(
            f"{_named(entry, step)} {in_ms(entry.delta_ns)} in {bare(example.example)}" for example, entry in inner[:3]
        )
        more = f" and {len(inner) - 3:,} more" if len(inner) > 3 else ""
        lines.append(f"In programs that did not regress, {counted(len(inner), 'function')} regressed: {shown}{more}.")
    metrics = hidden_regressions(comparison)
    if metrics:
        shown = ", ".join(metric_text(example, entry) for example, entry in metrics[:3])
        more = f" and {len(metrics) - 3:,} more" if len(metrics) > 3 else ""
        lines.append(f"In programs that did not regress, {counted(len(metrics), 'metric')} regressed: {shown}{more}.")
    if not lines and overall(comparison) == INCONCLUSIVE:
        lines.append("No change is shown, and neither is that there is none: more runs would tell.")
    lines.append(
        f"{escape(printable(what_is_told(comparison)))}, mean of the runs; effects with 95 % intervals, "
        f"a change of {margin_text(comparison.criteria)}"
        + (f" and {comparison.criteria.min_ms:g} ms" if comparison.criteria.min_ms else "")
        + " matters."
    )
    lines.append(OPEN)
    yield "  \n".join(lines)


def _worst_line(example: ExampleDiff, criteria: Criteria, step: Step) -> str:
    sure = escape(program_lines(example, criteria)[0])
    grown = [entry for entry in example.functions.rows if entry.group in (REGRESSED, NEW) and entry.delta_ns > 0]
    grown.sort(key=lambda entry: -entry.delta_ns)
    where = ", ".join(f"{_named(entry, step)} {in_ms(entry.delta_ns)}" for entry in grown[:2])
    return f"**{bare(example.example)}** {sure}" + (f"; most in {where}" if where else "") + "."


def _named(entry: Entry, step: Step) -> str:
    return code(shorten_middle(printable(str(entry.item)), step.name))


def _rank(example: ExampleDiff) -> tuple[int, float]:
    """Profiles by their delta, before benchmarks, of which only relative changes compare."""
    primary = example.primary
    size = abs(example.total.delta_ns) if example.has_profiles else abs((primary.change if primary else None) or 0.0)
    return ORDER.index(example.finding.verdict), -size


def _is_told(example: ExampleDiff) -> bool:
    """Whether there is more to say of an example than its line in the table of programs."""
    if example.finding.verdict == NOT_COMPARABLE or not example.has_profiles:
        return False
    if any(entry.finding is not None and entry.finding.is_significant for entry in example.measured):
        return True
    found = (*example.modules.rows, *example.functions.rows)
    return example.finding.is_significant or any(entry.group in (REGRESSED, IMPROVED, NEW, VANISHED) for entry in found)


def _programs(ranked: Sequence[ExampleDiff], step: Step) -> str:
    if not ranked:
        return ""
    table = programs_table(ranked[: step.programs])
    order = {example.example: place for place, example in enumerate(ranked)}
    table = replace(table, rows=tuple(sorted(table.rows, key=lambda row: order[row[0]])))
    names = shorten_apart([printable(row[0]) for row in table.rows], max(step.name, 30))
    table = replace(table, rows=tuple((names[printable(row[0])], *row[1:]) for row in table.rows))
    text = table_markdown(table, is_padded=False)
    left = ranked[step.programs :]
    if left:
        delta = sum(example.total.delta_ns for example in left)
        text += f"\n\nand {counted(len(left), 'more example')}, {in_ms(delta)} together: {_verdicts(left)}"
    return text


def _verdicts(examples: Sequence[ExampleDiff]) -> str:
    verdicts = [example.finding.verdict for example in examples]
    return ", ".join(f"{verdicts.count(each):,} {each}" for each in ORDER if each in verdicts)


def _example(example: ExampleDiff, criteria: Criteria, step: Step) -> Iterator[str]:
    yield heading(f"{SIGNS[example.finding.verdict]} {shorten_middle(example.example, 80)}", 3)
    yield "  \n".join(escape(printable(line)) for line in program_lines(example, criteria))
    yield _caveats(example)
    closed = example.functions if _has_functions(example.functions) else example.modules
    yield escape(classes_line(closed))
    yield _unresolved(closed)
    yield _explaining(example, step)
    name = shorten_middle(example.example, 80)
    if example.measured:
        yield folded(f"metrics of {name}", measured_table(example), step)
    if _has_functions(example.functions):
        changed = _changed(example.functions, step.rows)
        yield folded(f"functions of {name}", ledger_table(example, changed, "function"), step)
    yield folded(f"all modules of {name}", ledger_table(example, example.modules.cut(step.rows), "module"), step)


def _explaining(example: ExampleDiff, step: Step) -> str:
    """The call paths that account for most of the change, where they are known."""
    paths: Paths | None = example.paths
    if paths is None:
        return "" if example.finding.verdict == NOT_COMPARABLE else NO_PATHS
    if not paths.rows:
        return "call paths: none stands out from the noise"
    kept = replace(
        paths,
        rows=paths.rows[: step.rows],
        rest_baseline_ns=paths.rest_baseline_ns + sum(row.baseline_ns for row in paths.rows[step.rows :]),
        rest_contender_ns=paths.rest_contender_ns + sum(row.contender_ns for row in paths.rows[step.rows :]),
    )
    one = "s" if len(paths.rows) == 1 else ""
    lead = f"{counted(len(paths.rows), 'call path')} account{one} for {paths.accounted * 100:.0f} % of the change:"
    if not example.finding.is_significant:
        lead = f"{counted(len(paths.rows), 'call path')} stand{one} out from the noise:"
    return f"{lead}\n\n{step_table(paths_table(example, kept), step)}"


def _unresolved(ledger: Ledger) -> str:
    """How much of the time has no names, where it is enough to matter."""
    for each in ledger.classes:
        if each.group == UNRESOLVED and each.count:
            whole = ledger.total.baseline.mean, ledger.total.contender.mean
            parts = [
                part / max(total, 1) for part, total in zip((each.baseline_ns, each.contender_ns), whole, strict=True)
            ]
            if max(parts) >= TELLING_SHARE:
                return f"without symbols: {cell(parts[0], 'share')} of the time before, {cell(parts[1], 'share')} after"
    return ""


def _changed(ledger: Ledger, rows: int) -> Ledger:
    """What regressed, improved, is new or vanished first, each with room of its own; the others summed by class."""
    classes = (REGRESSED, IMPROVED, NEW, VANISHED)
    shown: list[Entry] = []
    for group in classes:
        shown += [entry for entry in ledger.rows if entry.group == group][:rows]
    kept = set(map(id, shown))
    others = [entry for entry in ledger.rows if id(entry) not in kept]
    return replace(ledger, rows=(*shown, *others)).cut(len(shown))


def _has_functions(ledger: Ledger) -> bool:
    return bool(ledger.rows) or any(rest.group != UNRESOLVED for rest in ledger.rest)


def _caveats(example: ExampleDiff) -> str:
    caveats = (*(caveat.text for caveat in example.caveats), *set_aside_texts(example.runs.set_aside))
    return cut_caveats(caveats)


def _others(examples: Sequence[ExampleDiff], criteria: Criteria, step: Step) -> Iterator[str]:
    """Examples without tables: caveats of those that have some, folded."""
    noted = [example for example in examples if example.caveats or example.finding.verdict == NOT_COMPARABLE]
    shown = noted[: max(step.examples, 10)]
    lines = []
    for example in shown:
        told = " ".join(program_lines(example, criteria)[:2]) if example.finding.verdict == NOT_COMPARABLE else ""
        caveats = "; ".join(caveat.text for caveat in example.caveats)
        text = "; ".join(each for each in (told, caveats) if each)
        lines.append(f"- **{bare(example.example)}**: {escape(shorten_middle(printable(text), LONGEST_CAVEAT))}")
    if len(noted) > len(shown):
        lines.append(f"- and {len(noted) - len(shown):,} more examples with caveats")
    if lines:
        yield details(f"caveats of {counted(len(noted), 'example')} without details", "\n".join(lines))
    changed = [example for example in examples if _is_told(example)]
    if changed:
        are = "is" if len(changed) == 1 else "are"
        yield (
            f"{counted(len(changed), 'example')} that changed within {are} not shown in detail "
            f"({in_ms(sum(example.total.delta_ns for example in changed))} together): {_verdicts(changed)}."
        )


def _pooled(pooled: Sequence[PooledEntry], step: Step) -> Iterator[str]:
    changed = [entry for entry in pooled if entry.finding.is_significant]
    if not changed:
        return
    left = changed[step.rows :]
    text = step_table(pooled_table(changed[: step.rows]), step)
    if left:
        text += (
            f"\n\nand {counted(len(left), 'more function')}, {in_ms(sum(entry.delta_ns for entry in left))} together"
        )
    yield details(f"{counted(len(changed), 'function')} that changed over several examples", text)


def _only_one_side(comparison: Comparison) -> Iterator[str]:
    for name, only in (("baseline", comparison.only_baseline), ("contender", comparison.only_contender)):
        if only:
            shown = ", ".join(bare(each) for each in only[:10])
            yield f"only in {name}: {shown}" + (f" and {len(only) - 10:,} more" if len(only) > 10 else "")


def _how(comparison: Comparison) -> str:
    runs = [(len(each.baseline), len(each.contender), len(each.runs.history)) for each in comparison.examples]
    before, after, earlier = (sum(column) for column in zip(*runs, strict=True)) if runs else (0, 0, 0)
    call = shlex.join((*revisions(comparison), *options(comparison)))
    counted_runs = f"{before:,} v {after:,} runs of {counted(len(runs), 'example')}"
    counted_runs += f", {earlier:,} earlier ones" if earlier else ""
    lines = f"perfdb {__version__}, {counted_runs}. The same comparison again, and all of its rows:"
    calls = f"perfdb report regressions {call}\nperfdb report regressions {call} -o regressions.json"
    if len(call) > LONGEST_CALL:
        calls = f"perfdb report regressions {' '.join(revisions(comparison))} -o regressions.json  # and the options"
    return details("how to reproduce", f"{lines}\n\n{fenced(_printable_lines(calls))}")


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))
