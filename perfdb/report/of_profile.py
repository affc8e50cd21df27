"""What became of profiled examples: a line each, or JSON; and the suite as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfdb.profile.measurement import KERNEL_TIME, PEAK_MEMORY, USER_TIME, WALL_TIME
from perfdb.profile.outcome import FAILED, Profiled
from perfdb.report.blocks import Block, Column, Report, Table
from perfdb.report.cells import printable
from perfdb.report.names import short_run, word
from perfdb.suite_settings import ExampleSettings, SuiteSettings
from perfdb.units import MIB

SCHEMA = "perfdb.profile/1"


def profiled_line(outcome: Profiled) -> str:
    """One line: which run, what it took, how many samples, where the trace is, and which run of the history it is."""
    value = {each.metric: each.value for each in outcome.measurements}
    parts = [which_run(outcome)]
    if WALL_TIME in value:
        parts.append(f"{value[WALL_TIME]:,.1f} ms")
    if USER_TIME in value and KERNEL_TIME in value:
        parts.append(f"CPU {value[USER_TIME]:,.1f} + {value[KERNEL_TIME]:,.1f} ms")
    if PEAK_MEMORY in value:
        parts.append(f"{value[PEAK_MEMORY] / MIB:,.1f} MiB")
    parts.append(_counted(outcome.samples, "sample"))
    if outcome.recorded is not None:
        parts.append(short_run(outcome.recorded.run_id))
    parts.append(shown_path(outcome.trace))
    return printable("  ".join(parts))


def which_run(outcome: Profiled) -> str:
    """`simple 2/5 main`."""
    return f"{outcome.example} {outcome.number}/{outcome.of}{f' {outcome.side}' if outcome.side else ''}"


def shown_path(path: Path | None) -> str:
    """A path as one would type it here."""
    if path is None:
        return ""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def profile_report(outcomes: Sequence[Profiled]) -> Report:
    """The outcomes as data."""
    return Report((), Table((), ()), {"schema": SCHEMA, "runs": [_data(outcome) for outcome in outcomes]})


def _data(outcome: Profiled) -> dict[str, Any]:
    recorded = outcome.recorded
    return {
        "status": outcome.status,
        "example": outcome.example,
        "side": outcome.side or None,
        "number": outcome.number,
        "of": outcome.of,
        "message": outcome.message or None,
        "trace": None if outcome.trace is None else str(outcome.trace),
        "samples": outcome.samples,
        "measurements": outcome.measurements,
        "run_id": None if recorded is None else recorded.run_id,
        "commit_sha": None if recorded is None else recorded.commit_sha,
        "caveats": () if recorded is None else recorded.caveats,
    }


def closing_line(outcomes: Sequence[Profiled]) -> str:
    """What there is now, and what to type next; "" where there is nothing."""
    removed = sum(len(outcome.removed) for outcome in outcomes)
    made_room = f"removed {_counted(removed, 'older trace')}" if removed else ""
    recorded = [outcome for outcome in outcomes if outcome.recorded is not None and outcome.status != FAILED]
    kept = f"; {made_room}" if made_room else ""
    if not recorded:
        traces = [each.trace for each in outcomes if each.trace is not None and each.status != FAILED]
        if not traces:
            return made_room
        where = traces[0] if len(traces) == 1 else traces[0].parent
        return f"made {_counted(len(traces), 'trace')}{kept}; next: perfdb record {word(shown_path(where))}"
    examples = len({outcome.example for outcome in recorded})
    sides = list(dict.fromkeys(outcome.side for outcome in recorded if outcome.side))
    told = f"recorded {_counted(len(recorded), 'run')} of {_counted(examples, 'example')}"
    if len(sides) == 2:
        return f"{told}{kept}; next: perfdb diff {sides[0]} {sides[1]}"
    commit = recorded[-1].recorded.commit_sha if recorded[-1].recorded else ""
    return f"{told} for {commit[:10]}{kept}; next: perfdb show {commit[:10]}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


# ---- the suite -------------------------------------------------------------------------------------------------------

_COLUMNS = (
    Column("example", "example"),
    Column("repeat", "repeat", "count"),
    Column("warmup", "warm-up", "count", gives_way=2),
    Column("timeout_s", "time limit s", "value", gives_way=2),
    Column("process", "process", gives_way=3),
    Column("folder", "folder", gives_way=4),
    Column("command", "command"),
)


def suite_report(suite: SuiteSettings, root: Path, examples: Mapping[str, ExampleSettings]) -> Report:
    """The examples of the suite, with what holds for each."""
    rows = tuple(
        (
            example.name,
            example.repeat or suite.repeat,
            suite.warmup if example.warmup is None else example.warmup,
            example.timeout_s or suite.timeout_s,
            example.process,
            _inside(example.folder, root),
            " ".join(example.command),
        )
        for example in examples.values()
    )
    table = Table(_COLUMNS, rows)
    return Report((Block(table=table),), table, table.records())


def _inside(folder: Path, root: Path) -> str:
    try:
        return folder.relative_to(root).as_posix()
    except ValueError:
        return str(folder)
