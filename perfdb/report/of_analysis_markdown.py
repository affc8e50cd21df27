"""The performance report of an analysis: a page of Markdown that says, with figures, where to look and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import moment
from perfdb.report.markdown import fenced, sentence
from perfdb.report.names import word
from perfdb.report.of_analysis_advice import (
    DEBUG_SHARE,
    HOT_FUNCTION_SHARE,
    HOT_MODULE_SHARE,
    HOT_PATH_SHARE,
    NOISY_DISPERSION,
    SYSTEM_SHARE,
    UNRESOLVED_SHARE,
    Advice,
    by_weight,
    example_name,
    listed,
    ms,
)
from perfdb.report.of_analysis_change import (
    baseline_name,
    improvements,
    new_functions,
    program_change,
    regressions,
)
from perfdb.report.of_analysis_cost import hot_call_path, hot_function, hot_module, system_time
from perfdb.report.of_analysis_facts import Analysis, ExampleAnalysis
from perfdb.report.of_analysis_summary import caveat_texts
from perfdb.report.of_analysis_trust import (
    debug_runtime,
    few_runs,
    few_samples,
    losses,
    missing_symbols,
    no_call_paths,
    noisy_runs,
)
from perfdb.report.of_diff_words import counted, fewest_runs, verdict_cell
from perfdb.report.render import render
from perfdb.units import NS_PER_MS

Rule = Callable[[ExampleAnalysis], Advice | None]

RULES: tuple[Rule, ...] = (
    hot_call_path,
    hot_function,
    hot_module,
    system_time,
    program_change,
    regressions,
    improvements,
    new_functions,
    missing_symbols,
    debug_runtime,
    losses,
    few_runs,
    noisy_runs,
    few_samples,
    no_call_paths,
)
"""All that is looked for in an example."""

MOST_FIRST = 5
"""So many findings, of all examples, stand in the summary."""
MOST_COMMANDS = 12
"""So many commands are listed."""
MOST_TRACES = 20
"""So many traces are named that are not recorded."""


def performance_report(analysis: Analysis, files: Sequence[Mapping[str, str]]) -> str:
    """The whole report; `files` are, for each example, the names of its files by what they are."""
    found = [(of, by_weight(rule(of) for rule in RULES)) for of in analysis.examples]
    parts = [
        *_head(analysis),
        *_summary(found),
        *(part for (of, advice), own in zip(found, files, strict=True) for part in _example(of, advice, own)),
        *_commands(analysis, found),
        *_unrecorded(analysis),
        *_failed(analysis),
        _rulessentence(),
    ]
    return "\n\n".join(parts) + "\n"


def _head(analysis: Analysis) -> Iterator[str]:
    yield f"# Performance report: {sentence(analysis.title)}"
    runs = sum(len(of.runs) for of in analysis.examples)
    examples = len({of.example for of in analysis.examples})
    lines = [
        *analysis.lines,
        f"{counted(examples, 'example')}, {counted(runs, 'run')}; CPU time of the main process, mean of the runs; "
        f"made {moment(analysis.made_at)} UTC",
    ]
    yield "  \n".join(map(sentence, lines))


def _summary(found: Sequence[tuple[ExampleAnalysis, list[Advice]]]) -> Iterator[str]:
    yield "## Summary"
    yield _markdown(Table(_SUMMARY, tuple(_summary_row(of) for of, _ in found)))
    if not any(own for _, own in found):
        yield "No figure of these runs passes a threshold of this report: there is nothing to say beyond the table."
        return
    told = [_in_short(of) for of, _ in found]
    lines = [
        f"- **{sentence(_whose(of, found).strip())}**: {sentence(text)}"
        for (of, _), (text, _) in zip(found, told, strict=True)
    ]
    yield "\n".join(lines)
    others = [
        (of, advice) for (of, own), (_, first) in zip(found, told, strict=True) for advice in own if advice not in first
    ]
    ranked = sorted(others, key=lambda each: -1.0 if each[1].ns is None else each[1].ns, reverse=True)
    if not ranked:
        return
    yield "Of the other findings, those about the most time:"
    first = enumerate(ranked[:MOST_FIRST], 1)
    yield "\n".join(f"{place}. {_item(advice, _whose(of, found))}" for place, (of, advice) in first)
    if len(ranked) > MOST_FIRST:
        yield f"{counted(len(ranked) - MOST_FIRST, 'more finding')} below, example by example."


def _in_short(of: ExampleAnalysis) -> tuple[str, list[Advice]]:
    """What holds the cost of an example, how it changed, how sure that is, and what its figures lack.

    As text, and as the findings that are told with it.
    """
    where = hot_call_path(of) or hot_module(of) or hot_function(of)
    change = program_change(of)
    parts = [f"{ms(of.hot.total.mean)}, of which nothing stands out."]
    if where is not None:
        parts = [where.text, *(where.more[-1:] if of.tree is not None else ())]
    parts += [f"Not compared: {of.no_baseline}."] if change is None else [change.text, *change.more]
    lacks = (regressions(of), missing_symbols(of), losses(of), few_runs(of))
    parts += [each.text for each in lacks if each is not None]
    return " ".join(parts), [each for each in (where, change, *lacks) if each is not None]


def _whose(of: ExampleAnalysis, found: Sequence[tuple[ExampleAnalysis, list[Advice]]]) -> str:
    """The example, with its commit where it is there of several."""
    return of.heading if sum(each.example == of.example for each, _ in found) > 1 else of.example


_SUMMARY = (
    Column("example", "example"),
    Column("commit", "commit"),
    Column("runs", "runs", "count"),
    Column("cpu_ms", "CPU ms", "ms"),
    Column("dispersion", "±", "share"),
    Column("module", "hottest module"),
    Column("share", "excl %", "share"),
    Column("effect", "since the baseline", "effect"),
    Column("verdict", "verdict"),
)


def _summary_row(of: ExampleAnalysis) -> tuple[Any, ...]:
    hot, diff = of.hot, of.diff
    hottest = hot.modules[0] if hot.modules and hot.modules[0].exclusive.mean else None
    effect = None
    if diff is not None:
        finding = diff.finding
        effect = (diff.total.change if finding.effect is None else finding.effect, finding.low, finding.high)
    return (
        of.example,
        of.commit,
        len(of.runs),
        hot.total.mean / NS_PER_MS,
        hot.total.dispersion,
        None if hottest is None else hottest.item.module,
        None if hottest is None else hottest.exclusive_share,
        effect,
        "no baseline" if diff is None else verdict_cell(diff.finding, fewest_runs(diff)),
    )


def _example(of: ExampleAnalysis, advice: Sequence[Advice], files: Mapping[str, str]) -> Iterator[str]:
    yield f"## {sentence(of.heading)}"
    runs = sorted({run.build for run in of.runs if run.build})
    machines = sorted({run.machine or "an unknown machine" for run in of.runs})
    facts = [
        f"{of.subject}" if of.subject else "",
        f"{counted(len(of.runs), 'run')} on {', '.join(machines)}{', build ' + ', '.join(runs) if runs else ''}, "
        f"{sum(run.samples for run in of.runs):,} samples",
        f"not compared: {of.no_baseline}" if of.comparison is None else f"compared with {baseline_name(of)}",
    ]
    yield "  \n".join(sentence(fact) for fact in facts if fact)
    caveats = [*caveat_texts(of), *(f"compared with the baseline: {text}" for text in _comparison_caveats(of))]
    if caveats:
        yield "\n".join(f"> ⚠ {sentence(text)}  " for text in caveats)
    if advice:
        yield "\n".join(f"- {_item(each)}{_more(each)}" for each in advice)
    else:
        yield f"No figure passes a threshold: {ms(of.hot.total.mean)} in {counted(len(of.runs), 'run')}."
    yield "Files: " + ", ".join(f"[{sentence(kind)}]({quote(name)})" for kind, name in files.items())


def _comparison_caveats(of: ExampleAnalysis) -> list[str]:
    if of.comparison is None or of.diff is None:
        return []
    return [caveat.text for caveat in (*of.comparison.caveats, *of.diff.caveats)]


def _item(advice: Advice, whose: str = "") -> str:
    weight = "" if advice.ns is None else f" ({ms(advice.ns)})"
    what = f"{whose.strip()}: {advice.what}" if whose else advice.what
    return f"**{sentence(what)}**{weight}: {sentence(advice.text)}"


def _more(advice: Advice) -> str:
    return "".join(f" {sentence(each)}" for each in advice.more)


def _commands(analysis: Analysis, found: Sequence[tuple[ExampleAnalysis, list[Advice]]]) -> Iterator[str]:
    """Each command once, with what it is for; those of the findings about the most time first."""
    every = sorted(
        ((of, advice, command) for of, own in found for advice in own for command in advice.commands),
        key=lambda each: -1.0 if each[1].ns is None else each[1].ns,
        reverse=True,
    )
    reasons: dict[str, dict[str, list[str]]] = {}
    for of, advice, command in every:
        reasons.setdefault(command, {}).setdefault(advice.what, []).append(example_name(of))
    if not reasons:
        return
    yield "## What to do next"
    lines = [
        f"# {'; '.join(f'{what}: {listed(list(dict.fromkeys(whose)))}' for what, whose in why.items())}\n{command}"
        for command, why in reasons.items()
    ]
    yield fenced("\n".join(lines[:MOST_COMMANDS]))
    if len(lines) > MOST_COMMANDS:
        yield f"{counted(len(lines) - MOST_COMMANDS, 'more command')} are left out here, those about the least time."


def _unrecorded(analysis: Analysis) -> Iterator[str]:
    traces = analysis.unrecorded
    if not traces:
        return
    yield "## Not in the history"
    yield sentence(
        f"{counted(len(traces), 'trace')} {'is' if len(traces) == 1 else 'are'} not recorded: they were read for this "
        "report only, and cannot be compared. To record them"
        f"{'' if analysis.with_sheet.issuperset(traces) else ', say which commit they are of'}:"
    )
    yield fenced("\n".join(to_record(analysis, trace) for trace in traces[:MOST_TRACES]))
    if len(traces) > MOST_TRACES:
        yield f"{len(traces) - MOST_TRACES:,} more lie beside them."


def to_record(analysis: Analysis, trace: str) -> str:
    """What records an unrecorded trace: the sheet beside it may say its commit."""
    return f"perfdb record {'' if trace in analysis.with_sheet else '--commit REV '}{word(trace)}"


def _failed(analysis: Analysis) -> Iterator[str]:
    if analysis.failed:
        yield "## Could not be read"
        yield "\n".join(f"- {sentence(outcome.message)}" for outcome in analysis.failed)


def _rulessentence() -> str:
    """From which figures on something is said."""
    shares = (
        ("call path", HOT_PATH_SHARE),
        ("function", HOT_FUNCTION_SHARE),
        ("module", HOT_MODULE_SHARE),
        ("system", SYSTEM_SHARE),
        ("without symbols", UNRESOLVED_SHARE),
        ("debug runtime", DEBUG_SHARE),
        ("variation of runs", NOISY_DISPERSION),
    )
    told = ", ".join(f"{what} {share * 100:g} %" for what, share in shares)
    return sentence(f"Findings are told from these shares of an example's time on: {told}.")


def _markdown(table: Table) -> str:
    return render(Report((Block(table=table),), table), "markdown").rstrip("\n")
