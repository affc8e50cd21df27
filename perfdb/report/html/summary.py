"""What stands at the head of a page, and the details below: the report of one side, or of two, cut for reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perfdb.compare.comparison import Comparison
from perfdb.compare.hot import HotExample, HotItem, Shown
from perfdb.compare.sides import Side
from perfdb.compare.verdicts import REGRESSED
from perfdb.report.amounts import metric_label, summary_text
from perfdb.report.blocks import Column, Table
from perfdb.report.cells import cell, printable
from perfdb.report.html.blocks import Part, Section, TableView, sections, table_view
from perfdb.report.html.ledgers import LedgerView, ledger_view
from perfdb.report.names import short_commit
from perfdb.report.of_diff import diff_report
from perfdb.report.of_diff_headline import headline, overall, regressed_in_programs, regressed_within
from perfdb.report.of_diff_measured import hidden_regressions, value_text
from perfdb.report.of_diff_tables import programs_table
from perfdb.report.of_show import show_report
from perfdb.report.widths import shorten_middle
from perfdb.units import NS_PER_MS

ROLES = ("baseline ", "contender ")
"""How the lines on the sides begin, which the page tells in a form of its own."""
TOP = 15
"""How many rows a table of the report has; the explorer has all."""
LONGEST_NAME = 120
"""Names in the first sentence are shortened to so much; the tables have them whole."""
_PROGRAMS = (
    Column("example", "example"),
    Column("runs", "runs", "count", gives_way=4),
    Column("cpu_ms", "CPU ms", "ms"),
    Column("dispersion", "± of runs", "share", gives_way=1),
    Column("module", "most in module"),
    Column("module_share", "share", "share"),
    Column("function", "most in function", gives_way=3),
    Column("function_share", "share", "share", gives_way=2),
)


@dataclass(frozen=True, slots=True)
class SideView:
    """A side by its role, what was asked for, and the commit that stands for it."""

    role: str
    asked: str
    commit: str
    subject: str


@dataclass(frozen=True, slots=True)
class Detail:
    """The report on one example, with its closed ledger where there is one."""

    section: Section
    ledger: LedgerView | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands first: the answer in one sentence, then all that belongs to the page as a whole."""

    sentence: str
    sides: tuple[SideView, ...]
    programs: TableView | None
    head: Part


# ---- two sides -------------------------------------------------------------------------------------------------------


def of_comparison(comparison: Comparison) -> tuple[Summary, list[Detail]]:
    """Two sides: the verdicts, and each example with its closed ledger."""
    found = sections(diff_report(comparison.cut(TOP)).blocks)
    head, rest = found[0], found[1:]
    ledgers = [ledger_view(each) for each in comparison.with_profiles]  # which are told first
    details = [
        Detail(section, ledgers[number] if number < len(ledgers) else None) for number, section in enumerate(rest)
    ]
    programs = table_view(programs_table(comparison.with_profiles)) if comparison.with_profiles else None
    sides = (_side("baseline", comparison.baseline), _side("contender", comparison.contender))
    return Summary(_verdict_sentence(comparison), sides, programs, _head(head, headline(comparison))), details


def _side(role: str, side: Side) -> SideView:
    commit = "" if side.recorded_sha.startswith(side.asked) else side.recorded_sha[:10]
    return SideView(role, printable(short_commit(side.asked)), commit, printable(side.subject))


def _head(section: Section, answer: str = "") -> Part:
    """The first block without what the page tells in another form: the sides, and the answer."""
    first = section.parts[0]
    return replace(first, lines=tuple(line for line in first.lines if line != answer and not line.startswith(ROLES)))


def _verdict_sentence(comparison: Comparison) -> str:
    """The headline, with the function that explains most of it, or else the metric that it hides."""
    said = headline(comparison)
    found = regressed_in_programs(comparison) if overall(comparison) == REGRESSED else regressed_within(comparison)
    metrics = hidden_regressions(comparison)
    if found:
        example, worst = found[0]
        return f"{said}: {_most(found)}{_name(worst.item)} {cell(worst.delta_ns / NS_PER_MS, 'delta_ms')} ms in " + (
            _name(example.example)
        )
    if metrics and overall(comparison) != REGRESSED:
        example, entry = metrics[0]
        return f"{said}: {_most(metrics)}{_name(entry.metric)} {value_text(entry)} in {_name(example.example)}"
    return said


def _most(found: Sequence[object]) -> str:
    return "" if len(found) == 1 else "most "


def _name(what: object) -> str:
    return shorten_middle(printable(str(what)), LONGEST_NAME)


# ---- one side --------------------------------------------------------------------------------------------------------


def of_shown(shown: Shown) -> tuple[Summary, list[Detail]]:
    """One side: what its examples cost."""
    examples = tuple(map(_cut, shown.examples))
    found = sections(show_report(replace(shown, examples=examples, most_measured=TOP)).blocks)
    profiled = [example for example in shown.examples if example.has_profiles]
    programs = table_view(Table(_PROGRAMS, tuple(map(_program_row, profiled)))) if profiled else None
    summary = Summary(_cost_sentence(shown.examples), (), programs, found[0].parts[0])
    return summary, [Detail(section) for section in found[1:]]


def _program_row(example: HotExample) -> tuple[object, ...]:
    module, function = (items[0] if items else None for items in (example.modules, example.functions))
    return (
        example.example,
        len(example.runs),
        example.total.mean / NS_PER_MS,
        example.total.dispersion,
        str(module.item) if module else None,
        module.exclusive_share if module else None,
        str(function.item) if function else None,
        function.exclusive_share if function else None,
    )


def _cost_sentence(examples: Sequence[HotExample]) -> str:
    """`5,129.0 ms of CPU time a run, 86.9 % of it in kuzu.dll` of one example; of several, how many they are."""
    if len(examples) != 1:
        return f"{len(examples):,} examples"
    (example,) = examples
    if not example.has_profiles:
        told = [f"{summary_text(each.median, each.unit)} {metric_label(each.metric)}" for each in example.metrics[:1]]
        return printable("".join(told))
    cost = f"{cell(example.total.mean / NS_PER_MS, 'ms')} ms of CPU time a run"
    if not example.modules:
        return cost
    first = example.modules[0]
    return printable(f"{cost}, {cell(first.exclusive_share, 'share')} of it in {first.item}")


def _cut(example: HotExample) -> HotExample:
    """The same with `TOP` rows, the rest summed."""

    def rest(items: tuple[HotItem, ...], known: tuple[int, float]) -> tuple[int, float]:
        left_out = items[TOP:]
        return known[0] + len(left_out), known[1] + sum(each.exclusive.mean for each in left_out)

    return replace(
        example,
        modules=example.modules[:TOP],
        modules_rest=rest(example.modules, example.modules_rest),
        functions=example.functions[:TOP],
        functions_rest=rest(example.functions, example.functions_rest),
    )
