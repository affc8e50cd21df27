"""The closed ledger of an example as a table with bars: every class of items, and that they add up to the total."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.compare.comparison import ExampleDiff
from perfdb.compare.ledger import UNRESOLVED, Ledger, Remainder
from perfdb.compare.verdicts import NOT_COMPARABLE, Finding
from perfdb.report.cells import cell
from perfdb.units import NS_PER_MS

_WIDTH = 100
"""A bar's room, in units of its picture; its middle stands for no change."""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A class of items with its sums, as text; the bar begins at `start` and is `width` wide, out of 100.

    `direction` and `found` are classes: of the delta's sign, and of what was found.
    """

    label: str
    count: str
    baseline: str
    contender: str
    delta: str
    direction: str
    found: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class LedgerView:
    """The classes and their total; `kind` is what was counted."""

    kind: str
    rows: tuple[LedgerRow, ...]
    total: LedgerRow


def ledger_view(example: ExampleDiff) -> LedgerView | None:
    """The finest closed ledger that there is; None where the sides are not comparable, which leaves no classes."""
    if example.finding.verdict == NOT_COMPARABLE:
        return None
    has_functions = bool(example.functions.rows) or any(rest.group != UNRESOLVED for rest in example.functions.rest)
    ledger, kind = (example.functions, "functions") if has_functions else (example.modules, "modules")
    classes = [each for each in ledger.classes if each.count]
    widest = max((abs(each.delta_ns) for each in classes), default=0.0)
    return LedgerView(kind, tuple(_row(each, widest) for each in classes), _total(ledger, example.finding))


def _row(each: Remainder, widest: float) -> LedgerRow:
    width = abs(each.delta_ns) / widest * _WIDTH / 2 if widest else 0.0
    start = _WIDTH / 2 - (width if each.delta_ns < 0 else 0.0)
    bar = (round(start, 2), round(width, 2))
    return _figures(each.group, each.group, each.count, (each.baseline_ns, each.contender_ns), bar)


def _total(ledger: Ledger, finding: Finding) -> LedgerRow:
    total, count = ledger.total, sum(each.count for each in ledger.classes)
    return _figures("total", finding.verdict, count, (total.baseline.mean, total.contender.mean), (0.0, 0.0))


def _figures(label: str, found: str, count: int, means_ns: tuple[float, float], bar: tuple[float, float]) -> LedgerRow:
    baseline_ns, contender_ns = means_ns
    delta = cell((contender_ns - baseline_ns) / NS_PER_MS, "delta_ms")
    direction = {"+": "slower", "-": "faster"}.get(delta[:1], "")
    baseline, contender = (cell(mean / NS_PER_MS, "ms") for mean in means_ns)
    classes = f"is-{found.replace(' ', '-')}"
    return LedgerRow(label, f"{count:,}", baseline, contender, delta, direction, classes, *bar)
