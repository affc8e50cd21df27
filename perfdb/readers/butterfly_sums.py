"""The sums in a butterfly report, by the names of modules and functions, in hits.

Exclusive hits can be added: a sample runs in one function. Inclusive hits cannot, for one sample may have several
functions of one name on its stack (overloads; without symbols every address is a function `***unknown***`). Where a
name has several rows, the truth lies between the largest of them and their sum, the module's inclusive hits at most;
unless the bounds meet, it is not known. A module none of whose functions has a name is the exception: its nameless
functions together are the module. A name with one row is taken at its word, although a trimmed function of the same
name may have a few hits more; unless it is seen beside others.

A call stands in the page twice, below the caller and below the callee, unless one of them was trimmed. Callers and
callees count every occurrence on a stack, as `CallTable` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfdb.profile.builder import Names
from perfdb.profile.columns import NOT_KNOWN, TRIMMED, UNRESOLVED
from perfdb.readers.butterfly_page import DamagedError
from perfdb.readers.butterfly_rows import Block, FunctionHits, Key, ProcessHits, Symbol


@dataclass(frozen=True, slots=True)
class Report:
    """The tables of a report. `by_inclusive` and `blocks` are None where they were cut; `trimmed` names the tables
    from which rows were left out.
    """

    processes: list[ProcessHits]
    roots: list[Symbol]
    module_exclusive: list[tuple[str, int]]
    module_inclusive: list[tuple[str, int]]
    by_exclusive: list[FunctionHits]
    by_inclusive: list[FunctionHits] | None
    blocks: list[Block] | None
    trimmed: frozenset[str]

    @property
    def is_trimmed(self) -> bool:
        """Whether functions were left out, or have no block."""
        return bool(self.trimmed) or any(not row.symbol.id for row in self.by_exclusive)

    @property
    def process_hits(self) -> int:
        """The samples of all processes."""
        return sum(process.hits for process in self.processes)


@dataclass
class _Function:
    """What the rows of one name say; `inclusive` by what tells the rows apart."""

    exclusive: int = 0
    inclusive: dict[Key | int, int] = field(default_factory=dict)
    is_disputed: bool = False
    has_hidden: bool = False


@dataclass
class HitSums:
    """Exclusive and inclusive hits by row of `names.modules` and of `names.functions`, and calls by (caller, callee).

    `split` is how many modules and functions have inclusive hits that are not known, for they have several rows.
    """

    names: Names = field(default_factory=Names)
    modules: dict[int, tuple[int, int]] = field(default_factory=dict)
    functions: dict[int, tuple[int, int]] = field(default_factory=dict)
    calls: Counter[tuple[int, int]] = field(default_factory=Counter)
    split: int = 0
    contradictions: Counter[str] = field(default_factory=Counter)
    _symbols: dict[Key, tuple[Symbol, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All hits."""
        return sum(exclusive for exclusive, _ in self.modules.values())

    def function(self, symbol: Symbol) -> int:
        """The row of a function. The first name that comes with an id stays the function's name."""
        known = self._symbols.get(symbol.key)
        if known is None:
            known = self._symbols[symbol.key] = (symbol, self.names.function(symbol.module, symbol.function))
        elif symbol.name != known[0].name:
            self.contradictions["functions that go by several names"] += 1
        return known[1]

    def between(self, lower: int, upper: int) -> int:
        """Inclusive hits that have these bounds, or `NOT_KNOWN`."""
        if lower > upper:
            self.contradictions["inclusive hits that are out of bounds"] += 1
        return lower if lower == upper else NOT_KNOWN


def sum_report(report: Report) -> HitSums:
    """Everything in a report by name. Raises DamagedError where tables that must agree do not."""
    sums = HitSums()
    _sum_modules(sums, report)
    if not sums.total or not report.process_hits:
        if sums.total or report.process_hits:
            raise DamagedError(f"its processes have {report.process_hits:,} hits, its modules {sums.total:,}")
        return sums
    if sums.total != report.process_hits:
        difference = abs(sums.total - report.process_hits)
        sums.contradictions["hits of no process or of no module"] += difference
    functions = _collect_functions(sums, report)
    if report.blocks is not None:
        _sum_calls(sums, report.blocks)
        _check_blocks(sums, report, report.blocks)
    _mark_hidden(sums, report, functions)
    _sum_functions(sums, report, functions)
    _add_rest(sums, "TblSE" in report.trimmed)
    return sums


def _sum_modules(sums: HitSums, report: Report) -> None:
    exclusive: Counter[int] = Counter()
    inclusive: dict[int, list[int]] = {}
    for name, hits in report.module_exclusive:
        exclusive[sums.names.module(name)] += hits
    for name, hits in report.module_inclusive:
        inclusive.setdefault(sums.names.module(name), []).append(hits)
    total = max(exclusive.total(), report.process_hits)
    for module in range(len(sums.names.modules)):
        rows = inclusive.get(module)
        own = exclusive[module]
        if rows is None and "TblMI" not in report.trimmed:
            sums.contradictions["modules without inclusive hits"] += 1
        # One row is the truth, several are not.
        known = sums.between(max(*rows, own), min(sum(rows), total)) if rows else NOT_KNOWN
        sums.modules[module] = (own, known)
        sums.split += rows is not None and len(rows) > 1 and known == NOT_KNOWN


def _collect_functions(sums: HitSums, report: Report) -> dict[int, _Function]:
    functions: dict[int, _Function] = {}
    with_id: dict[str, FunctionHits] = {}
    for number, row in enumerate(report.by_exclusive):
        found = functions.setdefault(sums.function(row.symbol), _Function())
        found.exclusive += row.exclusive
        if row.symbol.id in with_id:
            _dispute(sums, found)
        found.inclusive[row.symbol.id or number] = row.inclusive
        if row.symbol.id:
            with_id[row.symbol.id] = row
    for number, row in enumerate(report.by_inclusive or (), len(report.by_exclusive)):
        found = functions.setdefault(sums.function(row.symbol), _Function())
        twin = with_id.get(row.symbol.id)
        if twin is None:
            found.inclusive[row.symbol.id or number] = row.inclusive
            if row.exclusive and "TblSE" in report.trimmed and row.symbol.id:
                found.exclusive += row.exclusive
            elif row.exclusive:
                _dispute(sums, found)
        elif (twin.exclusive, twin.inclusive) != (row.exclusive, row.inclusive):
            _dispute(sums, found)
    return functions


def _dispute(sums: HitSums, found: _Function) -> None:
    found.is_disputed = True
    sums.contradictions["functions with different hits in different tables"] += 1


def _mark_hidden(sums: HitSums, report: Report, functions: dict[int, _Function]) -> None:
    """Mark names that a function without a row bears, too: it is seen beside others, trimmed, and has no hits."""
    beside = [symbol for block in report.blocks or () for symbol, _ in (*block.callees, *block.callers)]
    trimmed = {sums.function(symbol) for symbol in (*report.roots, *beside) if not symbol.id}
    trimmed -= {sums.function(row.symbol) for row in report.by_exclusive if not row.symbol.id}
    for row in trimmed & functions.keys():
        functions[row].has_hidden = True


def _sum_functions(sums: HitSums, report: Report, functions: dict[int, _Function]) -> None:
    named = {module for module, name in sums.names.functions if name != UNRESOLVED}
    total = max(sums.total, report.process_hits)
    for row, found in functions.items():
        module, name = sums.names.functions[row]
        of_module = sums.modules.get(module, (0, NOT_KNOWN))[1]
        ceiling = total if of_module == NOT_KNOWN else of_module
        is_module = name == UNRESOLVED and module not in named and report.by_inclusive is not None
        inclusive = NOT_KNOWN
        if is_module and of_module != NOT_KNOWN:
            inclusive = sums.between(max(of_module, found.exclusive), of_module)
        elif not found.is_disputed:
            lower = max(*found.inclusive.values(), found.exclusive)
            upper = ceiling if found.has_hidden else min(sum(found.inclusive.values()), ceiling)
            inclusive = sums.between(lower, upper)
            sums.split += lower < upper
        sums.functions[row] = (found.exclusive, inclusive)


def _add_rest(sums: HitSums, is_trimmed: bool) -> None:
    """Give the hits of a module that none of its functions has to a function `TRIMMED`."""
    rest = Counter({module: exclusive for module, (exclusive, _) in sums.modules.items()})
    for row, (exclusive, _) in sums.functions.items():
        rest[sums.names.functions[row][0]] -= exclusive
    for module, hits in rest.items():
        name = sums.names.modules[module]
        if hits < 0:
            raise DamagedError(f"the functions of {name} have {-hits:,} more exclusive hits than {name} itself")
        if hits:
            row = sums.names.function(name, TRIMMED)
            sums.functions[row] = (hits + sums.functions.get(row, (0, 0))[0], NOT_KNOWN)
            if not is_trimmed:
                sums.contradictions["exclusive hits of modules and of no function"] += hits


def _sum_calls(sums: HitSums, blocks: Iterable[Block]) -> None:
    below: Counter[tuple[Key, Key]] = Counter()
    above: Counter[tuple[Key, Key]] = Counter()
    for block in blocks:
        sums.function(block.symbol)
        for symbol, hits in block.callees:
            sums.function(symbol)
            below[block.symbol.key, symbol.key] += hits
        for symbol, hits in block.callers:
            sums.function(symbol)
            above[symbol.key, block.symbol.key] += hits
    for pair in below | above:
        if pair in below and pair in above and below[pair] != above[pair]:
            # Either number may be the wrong one.
            sums.contradictions["calls that caller and callee tell differently (left out)"] += 1
            continue
        caller, callee = (sums._symbols[key][1] for key in pair)
        sums.calls[caller, callee] += below[pair] or above[pair]


def _check_blocks(sums: HitSums, report: Report, blocks: Iterable[Block]) -> None:
    rows = {row.symbol.id: row for row in (*(report.by_inclusive or ()), *report.by_exclusive)}
    for block in blocks:
        row = rows.get(block.symbol.id)
        agrees = row is None or (row.exclusive == block.exclusive and row.inclusive <= block.inclusive)
        if not (agrees and block.adds_up):
            sums.contradictions["functions that do not add up with their callers and callees"] += 1
