"""The table that `xperf -a profile -detail` prints: CPU time by process and function, or by process and module.

       Process Name ( PID),     Weight,    Usage %,          Module Name!Function Name
               Idle (   0),     192694,       0.03,         ntoskrnl.exe!SwapContext
        emule.exe (17236),  102036800,       1.06,            ntdll.dll!"Unknown"

Weight is microseconds of CPU time, of what was running and not of its callers, so the profile's detail is `leaf`. The
last column is the rest of the line: names hold commas and blanks. Without `-symbols` it is a module alone.

Limits. The table tells time and no samples: their numbers are estimated from the interval, to the nearest per process.
It does not tell idle time from interrupts that came in on the idle thread, so all of Idle counts as idle. `Usage %` is
of all processors and is not read. The same action without `-detail` prints a timeline of how busy each processor was,
in which there are no functions: it is recognised, and refused with the command that prints the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from perfdb.errors import TraceError
from perfdb.profile.builder import About, Names, Weights, modules_of, summed_profile
from perfdb.profile.columns import LEAF, NOT_KNOWN, UNRESOLVED, Caveat, Process, Profile, Source
from perfdb.readers import told
from perfdb.readers.files import Content, Reader, ReadOptions
from perfdb.readers.symbol_text import split_symbol
from perfdb.readers.text import head_text, read_text

COMMAND = "xperf -i TRACE.etl -tle -tti -symbols -o detail.txt -a profile -detail"
NS_PER_US = 1_000

_HEADER = re.compile(r"^[ \t]*Process Name[ \t]*\([ \t]*PID[ \t]*\)[ \t]*,[ \t]*Weight[ \t]*,[^\n]*", re.I | re.M)
_TIMELINE = re.compile(r"^[ \t]*StartTime[ \t]*,[ \t]*EndTime[ \t]*,[ \t]*Cpu[ \t]*[0-9]+", re.I | re.M)

# The process ends at the first "(pid)" that numbers follow, for names of processes and functions have brackets too.
# Usage must show its decimals: they tell its comma, where it is one, from the comma between columns.
_PROCESS = r"(?P<name>.*?)\(\s*(?P<pid>-?[0-9]{1,10})\s*\)"
_WEIGHT = rf"(?P<weight>{told.NUMBER})"
_USAGE = r"[0-9]+[.,][0-9]+\s*%?"
_OTHER_COLUMN = r"[^,]*?"
_SYMBOL = r"(?P<symbol>.*)"

_EXECUTABLE = (".exe", ".dll", ".sys")
_NO_FUNCTION = '"Unknown"'
_HIGHEST_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class _Row:
    pid: int
    name: str
    weight_us: int
    symbol: str

    @property
    def module(self) -> str:
        return split_symbol(self.symbol)[0]

    @property
    def is_idle(self) -> bool:
        # A filtered trace (etwprof) puts work of processes that it does not know under pid 0, as "Unknown".
        return self.pid == 0 and self.name.lower() == "idle"


@dataclass
class _Table:
    """The rows of the table, and what is wrong with it."""

    rows: list[_Row] = field(default_factory=list)
    malformed: int = 0
    cut: str = ""


def _recognises(head: bytes) -> bool:
    text = head_text(head)
    return bool(_HEADER.search(text) or _TIMELINE.search(text))


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    text, caveats = read_text(content)
    table = _read_table(text, source)
    work = [row for row in table.rows if not row.is_idle]
    _check_work(table, work, source)
    interval_ns, assumed = told.interval(options, "the table does not say its sampling interval")
    idle_us = sum(row.weight_us for row in table.rows if row.is_idle)
    about = About(
        source=source,
        interval_ns=interval_ns,
        idle_count=sum(_estimate_samples([idle_us], interval_ns)),
        caveats=(*caveats, *assumed, *_caveats(table, interval_ns), told.losses_not_told()),
    )
    processes, names, weights_us = _sum_rows(work)
    functions: dict[tuple[int, int], Weights] = {}
    for process, mine in enumerate(weights_us):
        samples = _estimate_samples(list(mine.values()), interval_ns)
        for (function, weight_us), count in zip(mine.items(), samples, strict=True):
            functions[process, function] = (count, NOT_KNOWN, weight_us * NS_PER_US, NOT_KNOWN)
    return summed_profile(about, processes, names, functions, modules_of(names, functions.items()), {}, LEAF)


def _sum_rows(rows: list[_Row]) -> tuple[list[Process], Names, list[dict[int, int]]]:
    """Processes, names, and of each process microseconds by function: rows that are alike are added."""
    processes = told.Processes()
    process_of: dict[tuple[int, str], int] = {}
    names = Names()
    weights: list[dict[int, int]] = []
    for row in rows:
        who = (row.pid, row.name.lower())
        if who not in process_of:
            process_of[who] = processes.add(row.pid, row.name)
            weights.append({})
        mine = weights[process_of[who]]
        function = names.function(*split_symbol(row.symbol))
        mine[function] = mine.get(function, 0) + row.weight_us
    return processes.rows, names, weights


def _estimate_samples(weights_us: list[int], interval_ns: int) -> list[int]:
    """How many samples each weight was: their sum is the sum of the weights to the nearest interval, and at least 1.

    The intervals that rounding down leaves over go to the weights with the largest remainders.
    """
    total_ns = sum(weights_us) * NS_PER_US
    samples = [weight * NS_PER_US // interval_ns for weight in weights_us]
    total = max((2 * total_ns + interval_ns) // (2 * interval_ns), 1 if total_ns else 0)
    order = sorted(range(len(samples)), key=lambda row: -(weights_us[row] * NS_PER_US % interval_ns))
    for row in order[: total - sum(samples)]:
        samples[row] += 1
    return samples


def _caveats(table: _Table, interval_ns: int) -> list[Caveat]:
    found: list[Caveat] = []
    if any(row.weight_us * NS_PER_US % interval_ns for row in table.rows):
        text = "not all weights are whole sampling intervals: numbers of samples are estimates, times are not"
        found.append(Caveat("samples-estimated", text))
    if any(row.is_idle for row in table.rows):
        text = "the table does not tell interrupts on the idle thread from idle time: all of Idle counts as idle"
        found.append(Caveat("idle-work", text))
    if table.malformed:
        rows = "1 row" if table.malformed == 1 else f"{table.malformed:,} rows"
        text = f"{rows} beside {len(table.rows):,} good ones could not be read: their weight is missing"
        found.append(Caveat("malformed-rows", text))
    if table.cut:
        found.append(Caveat("truncated", table.cut))
    return found


def _check_work(table: _Table, work: list[_Row], source: Source) -> None:
    """Raise TraceError where there is nothing to keep, or more than a trace can hold."""
    total_us = sum(row.weight_us for row in table.rows)
    if total_us * NS_PER_US > _HIGHEST_NS:
        found, advice = f"{total_us:,} µs of CPU time, more than a trace can hold", "Make the file again"
    elif any(row.weight_us for row in work):
        return
    elif table.rows:
        found, advice = "nothing but idle time", "Record while the program runs, and make the file again"
    elif table.malformed or table.cut:
        found, advice = "a header and no row that can be read", "Make the file again"
    else:
        found, advice = "a header and no rows", "Record with CPU sampling on (PROFILE), and make the file again"
    raise TraceError(f"{source.name}: asked for xperf's profile detail, found {found}. {advice}: {COMMAND}")


def _read_table(text: str, source: Source) -> _Table:
    header = _HEADER.search(text)
    if header is None:
        raise _no_table(text, source)
    body = text[header.end() + 1 :]
    if _HEADER.search(body):
        raise TraceError(
            f"{source.name}: asked for xperf's profile detail, found several tables in one file. "
            "Split it, and record each as a run of its own."
        )
    # `-util -detail` prints both tables.
    timeline = _TIMELINE.search(body)
    if timeline:
        body = body[: timeline.start()]
    last_header = header.group().rpartition(",")[2]
    if not last_header.strip().lower().startswith("module name"):
        raise TraceError(
            f"{source.name}: asked for xperf's profile detail, found a table whose last column is "
            f"'{last_header.strip()}', not modules. Make it with {COMMAND}"
        )
    return _read_rows(body, _row_pattern(header.group()), last_header)


def _no_table(text: str, source: Source) -> TraceError:
    if _TIMELINE.search(text):
        return TraceError(
            f"{source.name}: asked for functions and their CPU time, found a timeline of how busy each processor was "
            f"(-a profile without -detail, or -a cswitch). Make the table with {COMMAND}, or record the .etl itself."
        )
    return TraceError(
        f"{source.name}: asked for xperf's profile detail, found no header 'Process Name ( PID), Weight'. "
        f"Make the file with {COMMAND}"
    )


def _row_pattern(header: str) -> re.Pattern[str]:
    others = [each.strip().lower() for each in header.split(",")[2:-1]]
    between = [_USAGE if each == "usage %" else _OTHER_COLUMN for each in others]
    return re.compile(r"\s*,\s*".join(f"(?:{each})" for each in (_PROCESS, _WEIGHT, *between, _SYMBOL)))


def _read_rows(body: str, pattern: re.Pattern[str], last_header: str) -> _Table:
    table = _Table()
    lines = body.split("\n")
    for line in lines[:-1]:
        if not line.strip():
            continue
        row = _read_row(line, pattern)
        if row is None:
            table.malformed += 1
        else:
            table.rows.append(row)
    if lines[-1].strip():
        _read_last(lines[-1], pattern, last_header, table)
    return table


def _read_row(line: str, pattern: re.Pattern[str]) -> _Row | None:
    match = pattern.fullmatch(line.strip())
    name = told.process_name(match["name"]) if match else ""
    weight = told.number(match["weight"]) if match else None
    if match is None or weight is None or not name or not match["symbol"]:
        return None
    return _Row(int(match["pid"]), name, weight, match["symbol"])


def _read_last(line: str, pattern: re.Pattern[str], last_header: str, table: _Table) -> None:
    """Take from a line without an end what is surely whole: a name that may be cut is nobody's name."""
    row = _read_row(line, pattern)
    if row is None or not ("!" in row.symbol or _is_whole_module(line.rpartition(",")[2], last_header)):
        table.cut = "the file ends within a line: that row's weight is missing, and rows after it may be"
        return
    table.cut = "the last line has no end: rows after it may be missing"
    if "!" in row.symbol and not row.symbol.endswith(_NO_FUNCTION):
        row = replace(row, symbol=f"{row.module}!{UNRESOLVED}")
        table.cut += f", and its function may be cut and counts as {UNRESOLVED}"
    table.rows.append(row)


def _is_whole_module(column: str, header: str) -> bool:
    """Whether a module at the end of the file is whole. It is padded on the left to the width of the header."""
    if "!" in header:
        return False
    is_padded = column.startswith("  ") and len(column) == len(header)
    return is_padded or column.strip() == _NO_FUNCTION or column.lower().endswith(_EXECUTABLE)


PROFILE_DETAIL = Reader(
    name="profile-detail",
    title="xperf -a profile -detail",
    suffixes=(".txt", ".csv"),
    recognises=_recognises,
    read=_read,
    rank=1,
)
