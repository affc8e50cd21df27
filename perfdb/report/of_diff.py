"""The report of a diff: the sides and all programs, then each example with its ledgers and the call paths behind them.

`of_diff_words` says what verdicts are called, `of_diff_tables` makes the tables, `of_diff_measured` those of metrics,
`of_diff_data` and `of_diff_flat` the same for programs: as JSON and as CSV.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from perfdb.compare.call_tree import Paths
from perfdb.compare.comparison import Comparison, ExampleDiff, PooledEntry
from perfdb.compare.ledger import OTHERS, UNRESOLVED, Ledger, Remainder
from perfdb.compare.sides import SetAside, Side
from perfdb.compare.verdicts import NOT_COMPARABLE, Criteria
from perfdb.report.blocks import Block, Report
from perfdb.report.cells import cell
from perfdb.report.names import short_run
from perfdb.report.of_diff_data import SCHEMA, diff_data
from perfdb.report.of_diff_flat import flat_table
from perfdb.report.of_diff_headline import headline
from perfdb.report.of_diff_measured import benchmark_blocks, measured_table
from perfdb.report.of_diff_tables import ledger_table, paths_table, pooled_table, programs_table
from perfdb.report.of_diff_words import counted, margin_text, program_lines
from perfdb.units import NS_PER_MS

__all__ = ["SCHEMA", "diff_report"]

MOST_POOLED = 10
"""How many functions of several examples are listed."""
METRICS = "the median of each run's repetitions"
"""What a run says of a metric."""
SHARED_SPEED = 0.01
"""A change of speed that all functions share is told from here on."""
SPEEDS_APART = 0.03
"""The speed that all modules share is told where it lies so far from that of the functions."""


def diff_report(comparison: Comparison, by: str = "both", with_all: bool = False) -> Report:
    """`by` is `module`, `function` or `both`: which ledgers are shown; the data has all of them.

    `with_all` lists all functions of several examples, not the first few.
    """
    blocks = [_head(comparison)]
    if len(comparison.with_profiles) > 1:
        blocks.append(Block(table=programs_table(comparison.with_profiles)))
    for example in comparison.with_profiles:
        blocks += _example_blocks(example, comparison.criteria, by)
    blocks += benchmark_blocks(comparison)
    if by != "module":
        blocks += _pooled_blocks(comparison.pooled, None if with_all else MOST_POOLED)
    return Report(tuple(blocks), flat_table(comparison, by), diff_data(comparison))


def _head(comparison: Comparison) -> Block:
    criteria = comparison.criteria
    least = f" and {criteria.min_ms:g} ms" if criteria.min_ms else ""
    what = what_is_told(comparison) + (", exclusive" if comparison.with_profiles or not comparison.examples else "")
    lines = [
        f"baseline   {side_text(comparison.baseline)}",
        f"contender  {side_text(comparison.contender)}",
        f"{what}, mean of the runs; effects with 95 % intervals, margin {margin_text(criteria)}{least}",
    ]
    if comparison.with_profiles and any(example.measured for example in comparison.examples):
        lines.append(f"metrics: {METRICS}, mean of the runs")
    if len(comparison.examples) > 1:
        lines.insert(0, headline(comparison))
    for name, only in (("baseline", comparison.only_baseline), ("contender", comparison.only_contender)):
        if only:
            lines.append(f"only in {name}: {', '.join(only)}")
    heading = f"{comparison.baseline.asked} → {comparison.contender.asked}"
    return Block(heading, 1, tuple(lines), caveats=tuple(caveat.text for caveat in comparison.caveats))


def what_is_told(comparison: Comparison) -> str:
    """What the figures of programs are."""
    if comparison.examples and not comparison.with_profiles:
        return f"metrics: {METRICS}"
    return f"CPU time of {comparison.scope}"


def side_text(side: Side) -> str:
    """The commit that stands for a side: the beginning of its hash, and its subject."""
    return f"{side.recorded_sha[:10]}  {side.subject}".rstrip()


def _example_blocks(example: ExampleDiff, criteria: Criteria, by: str) -> Iterator[Block]:
    yield _program_block(example, criteria)
    if example.measured:
        yield Block(table=measured_table(example))
    closed = example.modules
    if by != "function":
        yield Block(table=ledger_table(example, example.modules, "module"))
    if by != "module" and not _has_functions(example.functions):
        yield Block(lines=("functions: no sample of these runs has a symbol, so modules are the finest answer",))
    elif by != "module":
        closed = example.functions
        yield Block(lines=_obstacles(example), table=ledger_table(example, example.functions, "function"))
    if example.finding.verdict != NOT_COMPARABLE:
        yield Block(lines=(classes_line(closed),))
    if by != "module" and example.paths is not None:
        yield _paths_block(example, example.paths)
    elif by != "module" and not example.runs.reason and _has_obstacles(example):
        yield Block(lines=("call paths: not compared, for some frames have names in some runs only",))


def _program_block(example: ExampleDiff, criteria: Criteria) -> Block:
    runs = f"{len(example.baseline)} v {len(example.contender)} runs"
    lines = program_lines(example, criteria)
    lines += tuple(_shared_speed(example))
    caveats = (*(caveat.text for caveat in example.caveats), *set_aside_texts(example.runs.set_aside))
    return Block(f"{example.example}  ({runs})", 2, lines, caveats=caveats)


def _shared_speed(example: ExampleDiff) -> Iterator[str]:
    """What is taken out of the effects of functions; of modules too where that is another speed, as of a single one."""
    shared, of_modules = example.common_effect, example.module_effect
    if shared is not None and abs(shared) >= SHARED_SPEED:
        yield f"functions and call paths are judged beside the speed that all share: {cell(shared, 'change')}"
    if shared is not None and of_modules is not None and abs(of_modules - shared) >= SPEEDS_APART:
        yield f"modules are judged beside the speed that all modules share: {cell(of_modules, 'change')}"


def set_aside_texts(runs: Sequence[SetAside]) -> Iterator[str]:
    """A sentence for each reason and side: which runs are not compared."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for run in runs:
        reasons.setdefault((run.side, run.reason), []).append(short_run(run.run_id))
    for (side, reason), names in reasons.items():
        yield f"{side}: {counted(len(names), 'run')} not compared ({', '.join(names)}): {reason}"


def _has_functions(ledger: Ledger) -> bool:
    return bool(ledger.rows) or any(rest.group != UNRESOLVED for rest in ledger.rest)


def _obstacles(example: ExampleDiff) -> tuple[str, ...]:
    """Why some functions cannot be compared although the program can, where no caveat says it."""
    if example.runs.reason:
        return ()
    reasons = dict.fromkeys(
        entry.finding.reason
        for entry in example.functions.rows
        if entry.finding and entry.finding.verdict == NOT_COMPARABLE
    )
    told = " ".join(caveat.text for caveat in example.caveats)
    return tuple(f"not comparable: {reason}" for reason in reasons if reason and reason not in told)


def _has_obstacles(example: ExampleDiff) -> bool:
    return any(entry.finding and entry.finding.verdict == NOT_COMPARABLE for entry in example.functions.rows)


def classes_line(ledger: Ledger) -> str:
    """The closed ledger by class: `1 regressed +181.0 ms · 3 improved -512.0 · … = -540.5 ms`."""
    parts = [f"{_class_label(each)} {_delta(each.delta_ns)}" for each in ledger.classes if each.count]
    parts[:1] = [f"{part} ms" for part in parts[:1]]
    return f"{' · '.join(parts)} = {_delta(ledger.total.delta_ns)} ms"


def _class_label(each: Remainder) -> str:
    if each.group == OTHERS:
        return counted(each.count, "other")
    return each.group if each.group == UNRESOLVED else f"{each.count:,} {each.group}"


def _delta(delta_ns: float) -> str:
    return cell(delta_ns / NS_PER_MS, "delta_ms")


def _paths_block(example: ExampleDiff, paths: Paths) -> Block:
    if not paths.rows:
        return Block(lines=("call paths: none stands out from the noise",))
    one = "s" if len(paths.rows) == 1 else ""
    line = f"call paths: {len(paths.rows)} account{one} for {paths.accounted:.0%} of the change".replace("%", " %")
    if not example.finding.is_significant:
        line = f"call paths: {len(paths.rows)} stand{one} out from the noise"
    return Block(lines=(line,), table=paths_table(example, paths))


def _pooled_blocks(pooled: Sequence[PooledEntry], most: int | None) -> Iterator[Block]:
    changed = [entry for entry in pooled if entry.finding.is_significant]
    if changed:
        more = len(changed) - len(changed[:most])
        lines = (f"{more:,} more are in the JSON and CSV",) if more else ()
        table = replace(pooled_table(changed[:most]), left_out="more functions" if more else "")
        yield Block("functions that changed over several examples", 2, lines, table)
