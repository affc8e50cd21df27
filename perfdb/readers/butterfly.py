"""The "Stack Report" of `xperf -a stack -butterfly`: functions with their callers and callees (detail `edges`).

`butterfly_page` takes the page apart, `butterfly_rows` reads its rows, `butterfly_sums` adds up what bears one name;
here they become a profile.

Limits. The tables of functions are of all processes together: unless the report has only one, all its weights belong to
`POOLED_PROCESS`, and processes have only their samples. Samples without a stack are not in the report. Functions with
few hits and no own samples are absent, as the option of `-butterfly` says (10 hits by default), and so are calls among
functions with few hits: what is absent is not zero. Hits are numbers of samples; weights are hits times the interval.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from perfdb.errors import TraceError
from perfdb.profile.builder import About, Weights, summed_profile
from perfdb.profile.columns import EDGES, NO_PID, NOT_KNOWN, POOLED_PROCESS, Caveat, Process, Profile, Source
from perfdb.readers import told
from perfdb.readers.butterfly_page import DamagedError, Page, find_tables
from perfdb.readers.butterfly_rows import read_blocks, read_functions, read_modules, read_processes
from perfdb.readers.butterfly_sums import HitSums, Report, sum_report
from perfdb.readers.files import HEAD_BYTES, Content, Reader, ReadOptions
from perfdb.readers.text import head_text, read_text

COMMAND = "xperf -i TRACE.etl -tle -tti -symbols -o butterfly.html -a stack -butterfly 10"

_REPORT = re.compile(r"<title>\s*Stack Report\s*</title>|<a\s+id=['\"]TblP['\"]", re.I)
_NO_OPTION = re.compile(r"^[^\n<>]{0,40}error: stack: no option specified", re.I | re.M)
_EVENTS = "which events it counts (made without -event Profile, stacks of context switches count as samples too)"
_BUSIEST = 3
_HIGHEST_NS = 1 << 62

T = TypeVar("T")


def _recognises(head: bytes) -> bool:
    text = head_text(head)
    return bool(_REPORT.search(text) or _NO_OPTION.search(text))


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    text, caveats = read_text(content)
    if not _REPORT.search(text):
        raise _no_report(text, source)
    interval_ns, assumed = told.interval(options, "the report does not say its sampling interval")
    try:
        page = find_tables(text)
        report, cut = _read_report(page)
        sums = sum_report(report)
        if not sums.total:
            raise _no_hits(report, source)
        processes, mine, pooled = _place(report, sums.total)
        functions = _weigh(sums.functions, mine, interval_ns)
        modules = _weigh(sums.modules, mine, interval_ns)
        calls = {(mine, *pair): (hits, _ns(hits, interval_ns)) for pair, hits in sums.calls.items()}
    except DamagedError as problem:
        raise TraceError(
            f"{source.name}: asked for a butterfly report, found one that is damaged: {problem}. "
            f"Copy the file again, or make it again: {COMMAND}"
        ) from problem
    about = About(
        source=source,
        interval_ns=interval_ns,
        caveats=(
            *caveats,
            *_uncounted(assumed),
            *pooled,
            *_caveats(report, sums, [*cut, *([] if page.is_whole else ["</html>"])]),
            told.losses_not_told(),
        ),
    )
    return summed_profile(about, processes, sums.names, functions, modules, calls, EDGES)


def _read_report(page: Page) -> tuple[Report, list[str]]:
    """The tables, and the names of those that are cut and can be done without. Raises DamagedError for the others."""
    processes, roots = read_processes(page)
    module_exclusive, is_trimmed_me = read_modules(page, "TblME")
    module_inclusive, is_trimmed_mi = read_modules(page, "TblMI")
    by_exclusive, is_trimmed_se = read_functions(page, "TblSE")
    by_inclusive, is_trimmed_si = _try(lambda: read_functions(page, "TblSI"))
    blocks, is_trimmed_sn = _try(lambda: read_blocks(page))
    trimmed = {
        "TblME": is_trimmed_me,
        "TblMI": is_trimmed_mi,
        "TblSE": is_trimmed_se,
        "TblSI": is_trimmed_si,
        "TblSN": is_trimmed_sn,
    }
    report = Report(
        processes,
        roots,
        module_exclusive,
        module_inclusive,
        by_exclusive,
        by_inclusive,
        blocks,
        frozenset(name for name, is_trimmed in trimmed.items() if is_trimmed),
    )
    return report, [name for name, rows in (("TblSI", by_inclusive), ("TblSN", blocks)) if rows is None]


def _try(read: Callable[[], tuple[T, bool]]) -> tuple[T | None, bool]:
    try:
        return read()
    except DamagedError:
        return None, False


def _place(report: Report, total: int) -> tuple[list[Process], int, list[Caveat]]:
    """The processes, the row of the one that all weights belong to, and a caveat where that is all of them."""
    processes = told.Processes()
    busy = sorted((each for each in report.processes if each.hits), key=lambda each: -each.hits)
    if len(busy) == 1 and busy[0].hits == total:
        for each in report.processes:
            processes.add(each.pid, each.name)
        return processes.rows, report.processes.index(busy[0]), []
    for each in report.processes:
        processes.add(each.pid, each.name, each.hits)
    mine = processes.add(NO_PID, POOLED_PROCESS)
    shares = ", ".join(f"{each.name} {each.hits / report.process_hits:.0%}" for each in busy[:_BUSIEST])
    text = f"the report does not tell functions apart by process: weights are of all processes ({shares})"
    return processes.rows, mine, [Caveat("pooled", text)]


def _weigh(hits: dict[int, tuple[int, int]], process: int, interval_ns: int) -> dict[tuple[int, int], Weights]:
    return {
        (process, row): (
            exclusive,
            inclusive,
            _ns(exclusive, interval_ns),
            NOT_KNOWN if inclusive == NOT_KNOWN else _ns(inclusive, interval_ns),
        )
        for row, (exclusive, inclusive) in hits.items()
    }


def _ns(hits: int, interval_ns: int) -> int:
    if hits * interval_ns > _HIGHEST_NS:
        raise DamagedError(f"it tells of {hits:,} hits, more than a trace can hold")
    return hits * interval_ns


def _uncounted(assumed: tuple[Caveat, ...]) -> Iterator[Caveat]:
    """What the report leaves open about its hits, in one caveat where the interval is open, too."""
    for caveat in assumed:
        yield Caveat(caveat.code, f"{caveat.text}; nor does it say {_EVENTS}")
    if not assumed:
        yield Caveat("events-not-told", f"the report does not say {_EVENTS}")


def _caveats(report: Report, sums: HitSums, cut: list[str]) -> Iterator[Caveat]:
    if report.is_trimmed:
        yield Caveat("trimmed", _trimmed_text(report))
    if sums.split:
        text = (
            "inclusive weights are not known of names that stand in several rows which may share samples (overloads, "
            f"addresses without symbols): {sums.split:,}"
        )
        yield Caveat("split-functions", text)
    if cut:
        lost = {"TblSI": "functions that only called others", "TblSN": "callers and callees"}
        missing = [lost[name] for name in cut if name in lost]
        text = "the report is cut" + (
            f": {' and '.join(missing)} are missing" if missing else " at its end, behind its tables"
        )
        yield Caveat("truncated", text)
    if sums.contradictions:
        found = "; ".join(f"{what}: {count:,}" for what, count in sums.contradictions.items())
        yield Caveat("inconsistent", f"the report contradicts itself, and may be damaged: {found}")


def _trimmed_text(report: Report) -> str:
    if report.by_inclusive:
        least = min(row.inclusive for row in report.by_inclusive)
        return (
            f"functions under {least:,} hits are absent, not zero, unless they have exclusive hits; so are their calls"
        )
    which = "all functions were trimmed: those" if report.by_inclusive is not None else "functions with few hits and"
    return f"{which} without exclusive hits are absent, not zero; so are their calls. Make the report with -butterfly 1"


def _no_hits(report: Report, source: Source) -> TraceError:
    if report.trimmed:
        return TraceError(
            f"{source.name}: asked for a butterfly report, found one from which everything was trimmed: each function "
            f"has fewer hits than -butterfly asks for. Make it with -butterfly 1: {COMMAND.replace('fly 10', 'fly 1')}"
        )
    return TraceError(
        f"{source.name}: asked for a butterfly report, found one without hits: the trace has no stacks. Record with "
        f"stacks (etwprof does, xperf with -stackwalk Profile), then: {COMMAND}"
    )


def _no_report(text: str, source: Source) -> TraceError:
    if _NO_OPTION.search(text[:HEAD_BYTES]):
        return TraceError(
            f"{source.name}: asked for a butterfly report, found what xperf says to -a stack without an option. "
            f"Make it with {COMMAND}"
        )
    return TraceError(
        f"{source.name}: asked for a butterfly report, found no 'Stack Report' page. Make it with {COMMAND}"
    )


BUTTERFLY = Reader(
    name="butterfly",
    title="xperf -a stack -butterfly",
    suffixes=(".html", ".htm"),
    recognises=_recognises,
    read=_read,
    rank=2,
)
