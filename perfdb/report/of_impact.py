"""The report of an impact: a paragraph that says it all, then the parts of all programs, and of each example's.

`of_impact_summary` writes the paragraph, `of_impact_data` the same for programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perfdb.compare.impact import ABSENT, ExampleImpact, Impact, Part, Parts, Target
from perfdb.compare.ledger import NEW, VANISHED
from perfdb.compare.verdicts import NOT_COMPARABLE, Criteria, Finding
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import cell
from perfdb.report.of_diff import SHARED_SPEED, set_aside_texts, side_text
from perfdb.report.of_diff_words import counted, fewest_runs, margin_text, program_lines, verdict_cell
from perfdb.report.of_impact_data import SCHEMA, impact_data, impact_flat
from perfdb.report.of_impact_summary import impact_summary, summary_line
from perfdb.units import NS_PER_MS

__all__ = ["SCHEMA", "impact_report", "impact_summary"]

MOST_SLOWER = 10
"""So many modules and functions that got slower elsewhere are listed."""
MOST_ITEMS = 8
"""So many functions of one target are named."""
SHARED, ELSEWHERE, PROGRAM = "(in several targets)", "(elsewhere)", "program"
_NOTHING = "nothing of it"

_FIGURES = (
    Column("baseline_ms", "baseline ms", "ms", gives_way=2),
    Column("baseline_share", "share", "share", gives_way=4),
    Column("contender_ms", "contender ms", "ms", gives_way=3),
    Column("contender_share", "share", "share", gives_way=5),
    Column("delta_ms", "delta ms", "delta_ms"),
    Column("change", "change", "change", gives_way=1),
    Column("effect", "effect, 95 %", "effect"),
    Column("verdict", "verdict"),
)


def impact_report(impact: Impact, with_all: bool = False) -> Report:
    """What the contender brought, for people and for programs.

    `with_all` lists all that got slower elsewhere, not the first few; the data has all of it.
    """
    most = None if with_all else MOST_SLOWER
    blocks = [_head(impact), Block(lines=(summary_line(impact),))]
    blocks += _pooled_blocks(impact, most)
    for example in impact.examples:
        blocks += _example_blocks(example, impact, most)
    return Report(tuple(blocks), impact_flat(impact), impact_data(impact))


def _head(impact: Impact) -> Block:
    comparison = impact.comparison
    criteria = comparison.criteria
    least = f" and {criteria.min_ms:g} ms" if criteria.min_ms else ""
    kind = "inclusive for the target" if impact.is_inclusive else "exclusive"
    lines = [
        f"baseline   {side_text(comparison.baseline)}",
        f"contender  {side_text(comparison.contender)}",
        f"CPU time of {comparison.scope}, {kind}, mean of the runs; effects with 95 % intervals, margin "
        f"{margin_text(criteria)}{least}",
        *_target_lines(impact),
    ]
    for name, only in (("baseline", comparison.only_baseline), ("contender", comparison.only_contender)):
        if only:
            lines.append(f"only in {name}: {', '.join(only)}")
    heading = f"impact: {comparison.baseline.asked} → {comparison.contender.asked}"
    caveats = (*comparison.caveats, *impact.caveats)
    return Block(heading, 1, tuple(lines), caveats=tuple(caveat.text for caveat in caveats))


def _target_lines(impact: Impact) -> Iterator[str]:
    if not impact.targets:
        yield "targets: none was named, and no module is shown to have changed; --target names one"
    elif impact.is_chosen:
        these = "these modules" if len(impact.targets) > 1 else "this module"
        yield f"targets: {', '.join(map(str, impact.targets))} (none was named: {these} changed)"
    for target in impact.targets:
        if len(target.items) > 1:
            yield _items_line(target)


def _items_line(target: Target) -> str:
    names = ", ".join(str(item) for item in target.items[:MOST_ITEMS])
    more = len(target.items) - MOST_ITEMS
    what = counted(len(target.items), "module" if target.is_module else "function")
    return f"{target} is {what}: {names}" + (f" and {more:,} more" if more > 0 else "")


# ---- tables ----------------------------------------------------------------------------------------------------------


def _parts_table(impact: Impact, parts: Parts, runs: int, with_examples: bool = False) -> Table:
    """The targets, what several of them share taken off, all else, and the program: costs add up to the last cell."""
    rows = [(str(target), part) for target, part in zip(impact.targets, parts.targets, strict=True)]
    cells = [_row(name, part, runs, with_examples) for name, part in rows]
    if parts.shared:
        cells.append(_row(SHARED, _taken_off(parts.shared), runs, with_examples))
    if impact.targets:
        cells.append(_row(ELSEWHERE, parts.elsewhere, runs, with_examples))
    cells.append(_row(PROGRAM, parts.program, runs, with_examples))
    examples = (Column("examples", "examples", "count"),) if with_examples else ()
    return _without_unsaid((Column("part", "part"), *examples, *_FIGURES), cells)


def _row(name: str, part: Part, runs: int, with_examples: bool) -> tuple[Any, ...]:
    finding = part.finding
    is_told = finding is not None and finding.effect is not None and bool(part.baseline_ns)
    return (
        name,
        *((part.told or None,) if with_examples else ()),
        part.baseline_ns / NS_PER_MS,
        part.baseline_share,
        part.contender_ns / NS_PER_MS,
        part.contender_share,
        part.delta_ns / NS_PER_MS,
        part.change,
        (finding.effect, finding.low, finding.high) if finding and is_told else None,
        _verdict(finding, part.group, runs),
    )


def _verdict(finding: Finding | None, group: str, runs: int) -> str:
    if group == ABSENT:
        return _NOTHING
    if finding is None and group not in (NEW, VANISHED):
        return ""
    return verdict_cell(finding, runs, group)


def _taken_off(part: Part) -> Part:
    shares = [None if share is None else -share for share in (part.baseline_share, part.contender_share)]
    return Part(-part.baseline_ns, -part.contender_ns, shares[0], shares[1], told=0)


def _without_unsaid(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> Table:
    """Verdicts that no row has are left out, and effects without any interval, for they are the changes."""
    kept = [
        at
        for at, column in enumerate(columns)
        if not (column.key == "verdict" and not any(row[at] for row in rows))
        and not (column.key == "effect" and not any(_has_interval(row[at]) for row in rows))
    ]
    return Table(tuple(columns[at] for at in kept), tuple(tuple(row[at] for at in kept) for row in rows))


def _has_interval(effect: tuple[float | None, float | None, float | None] | None) -> bool:
    return effect is not None and not (effect[1] is None and effect[2] is None)


# ---- over several examples -------------------------------------------------------------------------------------------


def _pooled_blocks(impact: Impact, most: int | None) -> Iterator[Block]:
    if impact.pooled is None:
        return
    left_out = len(impact.examples) - len(impact.comparable)
    lines = ["costs are sums over the examples, effects their means"]
    if left_out:
        they = "they" if left_out > 1 else "it"
        lines.append(f"{counted(left_out, 'example')} left out, for {they} cannot be compared")
    heading = f"over {counted(len(impact.comparable), 'example')}"
    yield Block(heading, 2, tuple(lines), _parts_table(impact, impact.pooled, 0, with_examples=True))
    if not impact.slower:
        yield Block(lines=(_nothing_slower(impact),))
        return
    rows = [
        (
            str(each.item),
            len(each.examples),
            each.baseline_ns / NS_PER_MS,
            each.contender_ns / NS_PER_MS,
            each.delta_ns / NS_PER_MS,
            each.delta_ns / each.baseline_ns if each.baseline_ns else None,
            NEW if each.is_new else "",
        )
        for each in impact.slower[:most]
    ]
    columns = (
        Column("slower", _slower_title(impact)),
        Column("examples", "examples", "count"),
        *(column for column in _FIGURES if column.key in ("baseline_ms", "contender_ms", "delta_ms", "change")),
        Column("verdict", "verdict"),
    )
    lines = ["of each, the examples in which it got slower", *_more(len(impact.slower), most)]
    yield Block(lines=tuple(lines), table=_without_unsaid(columns, rows))


def _nothing_slower(impact: Impact) -> str:
    where = "" if impact.is_inclusive or not impact.targets else " outside of the targets"
    return f"no module or function{where} is shown to be slower"


def _slower_title(impact: Impact) -> str:
    return "slower" if impact.is_inclusive or not impact.targets else "slower elsewhere"


def _more(count: int, most: int | None) -> Iterator[str]:
    if most is not None and count > most:
        yield f"{count - most:,} more are in the JSON and CSV, and with -v"


# ---- example by example ----------------------------------------------------------------------------------------------


def _example_blocks(example: ExampleImpact, impact: Impact, most: int | None) -> Iterator[Block]:
    diff = example.diff
    runs = fewest_runs(diff)
    heading = f"{diff.example}  ({len(diff.baseline)} v {len(diff.contender)} runs)"
    caveats = (*(caveat.text for caveat in diff.caveats), *set_aside_texts(diff.runs.set_aside))
    lines = _example_lines(example, impact.comparison.criteria, impact)
    yield Block(heading, 2, lines, caveats=caveats)
    yield Block(table=_parts_table(impact, example.parts, runs))
    if example.slower:
        yield _slower_block(example, impact, runs, most)
    elif example.is_comparable:
        yield Block(lines=(_nothing_slower(impact),))


def _example_lines(example: ExampleImpact, criteria: Criteria, impact: Impact) -> tuple[str, ...]:
    lines = program_lines(example.diff, criteria)
    shared = example.diff.common_effect
    if impact.targets and not impact.is_inclusive and shared is not None and abs(shared) >= SHARED_SPEED:
        lines += (f"targets are judged beside the speed that all share: {cell(shared, 'change')}",)
    return lines


def _slower_block(example: ExampleImpact, impact: Impact, runs: int, most: int | None) -> Block:
    rows = []
    for entry in example.slower[:most]:
        finding = entry.finding
        is_told = finding is not None and finding.effect is not None and finding.verdict != NOT_COMPARABLE
        rows.append(
            (
                str(entry.item),
                entry.baseline.mean / NS_PER_MS,
                entry.contender.mean / NS_PER_MS,
                entry.delta_ns / NS_PER_MS,
                entry.change,
                (finding.effect, finding.low, finding.high) if finding and is_told and entry.change else None,
                verdict_cell(finding, runs, entry.group),
            )
        )
    columns = (Column("slower", _slower_title(impact)), *(column for column in _FIGURES if "share" not in column.key))
    lines = tuple(_more(len(example.slower), most))
    if any(entry.item and entry.item.function for entry in example.slower):
        lines = ("the cost of a module holds that of its functions", *lines)
    return Block(lines=lines, table=_without_unsaid(columns, rows))
