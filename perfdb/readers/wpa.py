"""What wpaexporter writes of "CPU Usage (Sampled)": a CSV whose columns the user's WPA profile chose.

    Process,Thread ID,Stack,Count,Weight (in view) (ms),TimeStamp (s)
    app.exe (4711),4712,[Root]/ntdll.dll!RtlUserThreadStart/app.exe!main,1,"1.000212",0.105331412

`wpa_rows` reads rows, `wpa_cells` takes labels and stacks apart, `locale_numbers` the numbers. What rows are:

- A row with a time and a count of 1 is one sample. Where there are such rows, all others sum them up, and are left out
  with a caveat; if they sum up more than that, the table is refused, for nobody can tell what belongs to what.
- Else every row counts with its Count. Of rows with an empty Stack (`n/a` is another thing: samples without a stack),
  those whose count is that of the rows below them, of the same process and thread, are subtotals and left out.
- Without a column Count a row is one sample or, if it has no time but a weight, as many as its weight is intervals.
- Rows of `Idle (0)` are idle time, but for those that the column DPC/ISR says otherwise of.

The sampling interval is the median weight of a sample, to three digits or a usual one, for weights jitter.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from perfdb.errors import TraceError
from perfdb.profile.builder import About, Names, StackedSamples, stacked_profile
from perfdb.profile.columns import NO_PID, UNKNOWN_MODULE, UNRESOLVED, Caveat, Profile, Source
from perfdb.readers.files import Content, Reader, ReadOptions
from perfdb.readers.symbol_text import split_process
from perfdb.readers.text import guessed_encoding, head_text
from perfdb.readers.told import Processes, interval, losses_not_told
from perfdb.readers.wpa_cells import split_frame, split_label, split_stack
from perfdb.readers.wpa_rows import Columns, Lines, Row, Table

_LABELS = {
    "process", "process name", "stack", "weight", "% weight", "count", "thread id", "module", "function", "timestamp",
    "dpc/isr", "line #",
}  # fmt: skip
"""Labels that serve to recognise an export; it is also recognised where what is needed of it is missing."""

_NO_STACKS = ("", "[Root]")
"""Cells of a row that may be a subtotal; samples without a stack have `n/a`."""

_NEAR = 0.05
"""How near to the median weight of a sample half of the samples must be for it to be the interval."""

_USUAL_NS = (122_100, 1_000_000)
"""The shortest interval of Windows, and the one that it samples at unless told otherwise."""

_ROUND = 0.005
"""Weights jitter, so a median as near as that to a usual interval means that one."""

_MOST = (1 << 63) - 1
_MOST_PID = (1 << 32) - 1


def looks_like_wpa(head: bytes) -> bool:
    """Whether the first line that is not blank holds labels of WPA, one of them a process or a stack."""
    line = next((line for line in head_text(head).splitlines() if line.strip()), "")
    if "!" in line or len(line) > 10_000:
        return False
    try:
        labels = next(csv.reader([line.replace("\t", ",")], skipinitialspace=True))
    except csv.Error:
        return False
    known = {split_label(label)[0] for label in labels} & _LABELS
    return len(known) >= 2 and bool(known & {"process", "process name", "stack", "line #"})


@dataclass
class _Work:
    """What the rows come to, in terms of a profile."""

    names: Names = field(default_factory=Names)
    processes: Processes = field(default_factory=Processes)
    samples: StackedSamples = field(default_factory=StackedSamples)
    idle_count: int = 0
    duration_ns: int = 0
    tells_code: bool = False
    _process_of: dict[tuple[str, int | None], tuple[int, bool]] = field(default_factory=dict)
    _path_of: dict[tuple[str, str, str], tuple[list[int], bool]] = field(default_factory=dict)
    _function_of: dict[str, int] = field(default_factory=dict)

    def add(self, row: Row, count: int, weight_ns: int) -> None:
        """Count a row as that many samples of that weight in all."""
        process, is_idle = self.process(row)
        self.duration_ns = max(self.duration_ns, row.time_ns or 0)
        if is_idle and not row.in_kernel_call:
            self.idle_count += count
            return
        key = (row.stack, row.module, row.function)
        found = self._path_of.get(key)
        if found is None:
            found = self._path_of[key] = self._path(*key)
        self.tells_code = self.tells_code or bool(row.stack.strip() or row.function.strip())
        path, has_stack = found
        self.samples.add(
            path,
            process=process,
            count=count,
            weight_ns=weight_ns,
            tid=row.tid or 0,
            time_ns=row.time_ns or 0,
            cpu=row.cpu,
            has_stack=has_stack,
        )

    def process(self, row: Row) -> tuple[int, bool]:
        """The row of a process, and whether it is the idle one."""
        found = self._process_of.get((row.process, row.pid))
        if found is None:
            # A name that long is damage, and Python refuses to read very long numbers.
            name, pid = split_process(row.process) if len(row.process) < 1_000 else (row.process, NO_PID)
            if row.pid is not None and pid != row.pid:
                name, pid = row.process.strip(), row.pid
            if pid > _MOST_PID:
                name, pid = row.process, NO_PID
            is_idle = name.lower() in ("idle", "idle process") and pid in (0, NO_PID)
            known = [i for i, each in enumerate(self.processes.rows) if (each.pid, each.name) == (pid, name)]
            place = known[0] if known else self.processes.add(pid, name)
            found = self._process_of[row.process, row.pid] = (place, is_idle)
        return found

    def _path(self, stack: str, module: str, function: str) -> tuple[list[int], bool]:
        frames = split_stack(stack)
        if frames:
            return [self._function(frame) for frame in frames], True
        module = "" if module.strip().lower() in ("", "n/a") else module.strip()
        leaf = split_frame(f"{module}!{function}") if function or module else (UNKNOWN_MODULE, UNRESOLVED)
        return [self.names.function(*leaf)], False

    def _function(self, frame: str) -> int:
        row = self._function_of.get(frame)
        if row is None:
            row = self._function_of[frame] = self.names.function(*split_frame(frame))
        return row


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    lines = Lines(content, options)
    table = Table(lines)
    work = _Work()
    sums: list[Row] = []
    interval_ns, untold = interval(options, "the file has no weights to tell the sampling interval")
    for row in table.rows():
        columns = table.columns
        is_event = row.samples in (None, 1) and row.time_ns is not None
        if is_event or (columns.count < 0 and columns.time < 0 and columns.weight < 0):
            work.add(row, 1, interval_ns if row.weight_ns is None else row.weight_ns)
        else:
            sums.append(row)
    if table.malformed > table.read:
        raise TraceError(
            f"asked for an export of WPA, found {table.malformed:,} damaged lines and {table.read:,} others. "
            "Export again."
        )
    caveats = _file_caveats(table)
    if work.samples.count or work.idle_count:
        caveats += _left_out_sums(work, sums)
    else:
        caveats += _add_sums(work, sums, interval_ns)
    _refuse_nothing(work, table)
    tells_counts = table.columns.count >= 0 or table.columns.time >= 0
    if table.columns.weight >= 0 and tells_counts and not options.interval_ns:
        interval_ns, untold = _median_interval(work.samples)
    if not tells_counts:
        caveats.append(_counts_not_told(table.columns))
    about = About(
        source,
        interval_ns,
        idle_count=work.idle_count,
        duration_ns=work.duration_ns,
        caveats=(*caveats, *untold, losses_not_told()),
    )
    return stacked_profile(about, work.processes.rows, work.names, work.samples)


def _left_out_sums(work: _Work, sums: Sequence[Row]) -> list[Caveat]:
    """The caveat for rows that sum up single samples; TraceError where they sum up something else besides."""
    if not sums:
        return []
    events = np.bincount(np.array(work.samples.process, np.int64), np.array(work.samples.count, np.int64), 1)
    for row in sums:
        place, is_idle = work.process(row) if row.process.strip() else (NO_PID, True)
        told = int(events.sum()) if place == NO_PID else int(events[place]) if place < len(events) else 0
        if row.samples is not None and row.samples > told + (work.idle_count if is_idle else 0):
            raise TraceError(
                f"found single samples, and a row of {row.samples:,} samples of {row.process.strip() or 'no process'} "
                f"that does not sum them up (there are {told:,}). Export the table without grouping."
            )
    text = f"{len(sums):,} rows that sum up others were left out: the single samples were counted"
    return [Caveat("aggregates", text)]


def _add_sums(work: _Work, sums: Sequence[Row], interval_ns: int) -> list[Caveat]:
    """Count the rows of a table that has no single samples, but for its subtotals."""
    subtotals = _subtotals(sums)
    has_stacks = any(row.stack.strip() not in _NO_STACKS for row in sums)
    left_out = unsure = 0
    for row, is_subtotal in zip(sums, subtotals, strict=True):
        if is_subtotal:
            left_out += 1
            continue
        count = row.samples
        if count is None:
            weight_ns = row.weight_ns or 0
            count = max(round(weight_ns / interval_ns), 1) if weight_ns else 0
        unsure += count if has_stacks and _may_be_subtotal(row) else 0
        if count or row.weight_ns:
            work.add(row, count, count * interval_ns if row.weight_ns is None else row.weight_ns)
    caveats = []
    if left_out:
        caveats.append(Caveat("aggregates", f"{left_out:,} rows of subtotals were left out"))
    if unsure:
        text = f"{unsure:,} samples are of rows with an empty stack that are no subtotal of the rows below them: "
        caveats.append(Caveat("empty-stacks", text + "they were counted, perhaps besides samples that they sum up"))
    return caveats


def _subtotals(rows: Sequence[Row]) -> list[bool]:
    """Which rows with an empty stack hold the sum of the rows below them that share their process and thread."""
    found = [False] * len(rows)
    total = 0
    sums: dict[tuple[str, ...], int] = {}
    process, thread = "", ("", "")
    for number in range(len(rows) - 1, -1, -1):
        row = rows[number]
        size = row.samples if row.samples is not None else row.weight_ns or 0
        tid = "" if row.tid is None else str(row.tid)
        if row.process.strip() and row.process != process:
            process, thread = row.process, ("", "")
            sums[process,] = 0
        if tid and (row.process, tid) != thread:
            thread = (row.process, tid)
            sums[thread] = 0
        key: tuple[str, ...] = (row.process, tid) if tid else (row.process,)
        below = total if not row.process.strip() else sums.get(key, 0)
        if _may_be_subtotal(row) and size and below == size:
            found[number] = True
            continue
        total += size
        sums[row.process,] = sums.get((row.process,), 0) + size
        if tid:
            sums[thread] += size
    return found


def _may_be_subtotal(row: Row) -> bool:
    return row.stack.strip() in _NO_STACKS and not (row.module.strip() or row.function.strip())


def _refuse_nothing(work: _Work, table: Table) -> None:
    """Raise TraceError for a table that has nothing of use."""
    weight_ns, count = sum(work.samples.weight_ns), sum(work.samples.count)
    if not count or not weight_ns:
        raise TraceError(
            f"asked for an export of WPA, found {table.read:,} rows without any sample that is work "
            f"({work.idle_count:,} are idle). "
            "Check the range and the filters of the WPA profile, and export again."
        )
    if max(weight_ns, count, work.idle_count) > _MOST:
        raise TraceError("found weights that add up to more than 292 years of CPU time: the file is damaged.")
    if not work.tells_code:
        raise TraceError(
            f"asked for an export of WPA, found {table.read:,} rows, and in none of them a stack or a function. "
            "wpaexporter leaves them out of tables that are grouped. Export the table without grouping, with -symbols."
        )


def _median_interval(samples: StackedSamples) -> tuple[int, tuple[Caveat, ...]]:
    """The interval that the weights of samples tell, and a caveat where they differ too much to tell it."""
    count = np.array(samples.count, np.int64)
    kept = count > 0
    count = count[kept]
    weight = np.array(samples.weight_ns, np.int64)[kept] / count
    order = np.argsort(weight, kind="stable")
    middle = np.searchsorted(np.cumsum(count[order]), (int(count.sum()) + 1) // 2)
    median = float(weight[order][middle])
    rounded = max(int(float(f"{median:.2e}")), 1)
    interval_ns = next((usual for usual in _USUAL_NS if abs(median - usual) <= _ROUND * usual), rounded)
    is_clear = 2 * int(count[abs(weight - median) <= _NEAR * median].sum()) >= int(count.sum())
    text = f"the sampling interval was guessed from weights that differ: {interval_ns / 1e6:g} ms"
    return interval_ns, () if is_clear else (Caveat("interval-guessed", text),)


def _file_caveats(table: Table) -> list[Caveat]:
    caveats = []
    if table.lines.is_guessed:
        caveats.append(guessed_encoding())
    if table.lines.is_damaged:
        caveats.append(Caveat("encoding", "some names hold characters that could not be decoded"))
    if table.lines.is_cut:
        caveats.append(Caveat("cut-off", "the file ends in the middle of a line, which was left out: it was cut off"))
    if table.malformed:
        caveats.append(Caveat("malformed-rows", f"{table.malformed:,} lines are damaged, and were left out"))
    return caveats


def _counts_not_told(columns: Columns) -> Caveat:
    if columns.weight >= 0:
        return Caveat("no-counts", "the file has no column Count: samples were reckoned from the weights of its rows")
    text = (
        "the file has neither Count, Weight nor TimeStamp: each row was taken for a sample, which is wrong if it groups"
    )
    return Caveat("no-counts", text)


WPA = Reader(
    name="wpa",
    title="wpaexporter CSV of CPU Usage (Sampled)",
    suffixes=(".csv",),
    recognises=looks_like_wpa,
    read=_read,
    rank=3,
)
