"""The traces of the suite: how they are called, and which of them stay.

    artifacts/profile/dosatsu_profile_simple_20261129-113047.etl
                      PROJECT_profile_[example]_[timestamp]           YYYYMMDD-HHMMSS in UTC

Project and example stand there as `safe_name` makes them, so that every system can keep the file, and
`perfdb.example_name` reads the example off the name again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from perfdb.collect.run_sheet import sheet_path
from perfdb.example_name import safe_name


def project_pattern(project: str) -> str:
    """The pattern of example names, for `example_name`, that fits the traces of a project."""
    return f"{safe_name(project)}_profile_[example]_[timestamp]"


def trace_path(folder: Path, project: str, example: str, moment: datetime, suffix: str) -> Path:
    """The file for a trace that was begun at a moment, which knows its time zone.

    Of a name that is taken, by a trace or by the sheet of one, the next second is tried.
    """
    while True:
        path = folder / f"{_begin(project, example)}{moment.astimezone(UTC):%Y%m%d-%H%M%S}{suffix}"
        if not path.exists() and not sheet_path(path).exists():
            return path
        moment += timedelta(seconds=1)


def thin_traces(folder: Path, project: str, example: str, keep: int, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """Remove all traces of an example but the `keep` newest, by their names, with their run sheets.

    Gives the traces that were removed, oldest first. One that cannot be removed is passed over, with its sheet; texts
    that were made from a trace stay.
    """
    ending = "|".join(map(re.escape, suffixes))
    name = re.compile(rf"{re.escape(_begin(project, example))}([0-9]{{8}}-[0-9]{{6}})(?:{ending})")
    try:
        found = [(match[1], path) for path in folder.iterdir() if (match := name.fullmatch(path.name))]
    except OSError:
        return ()
    traces = [path for _, path in sorted(found)]
    return tuple(path for path in traces[: max(len(traces) - keep, 0)] if _is_removed(path))


def _is_removed(trace: Path) -> bool:
    try:
        trace.unlink()
    except OSError:
        return False
    with suppress(OSError):
        sheet_path(trace).unlink()
    return True


def _begin(project: str, example: str) -> str:
    return f"{safe_name(project)}_profile_{safe_name(example)}_"
