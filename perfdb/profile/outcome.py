"""What became of one example that was to be profiled, of one trace that was to be recorded, of one run that was to be
resolved, and what names it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from perfdb.profile.columns import Caveat
from perfdb.profile.measurement import Measured, Measurement

RECORDED, KNOWN, FAILED, RESOLVED, PROFILED = "recorded", "known", "failed", "resolved", "profiled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one trace: `recorded`, `known` (nothing changed) or `failed`, for which `message` says why.

    A benchmark of a file of results `has_profile` False, and only what was `measured`. Of its caveats, `told_before`
    were told with a benchmark before.
    """

    status: str
    source_name: str
    message: str = ""
    exit_code: int = 0
    run_id: str = ""
    example: str = ""
    commit_sha: str = ""
    is_dirty: bool = False
    process: str = ""
    pid: int = 0
    samples: int = 0
    cpu_ms: float = 0.0
    hottest_module: str = ""
    hottest_share: float = 0.0
    lost_events: int = 0
    lost_buffers: int = 0
    unresolved_share: float = 0.0
    caveats: tuple[Caveat, ...] = ()
    notes: tuple[str, ...] = ()
    has_profile: bool = True
    measured: tuple[Measured, ...] = ()
    told_before: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedSymbols:
    """A symbol file whose names some runs want.

    The samples are those of main processes with an unresolved frame of it: at their leaf, and anywhere. `symbols` says
    what came of looking for the file, as in `LoadedModule`; "" is "not looked for".
    """

    module: str
    pdb_name: str
    debug_id: str
    symbols: str
    runs: int
    exclusive_samples: int
    inclusive_samples: int


@dataclass(frozen=True, slots=True)
class MixedSymbols:
    """A module of an example's runs whose functions have names in `named` runs and none in `bare` ones."""

    example: str
    module: str
    named: int
    bare: int


def added(one: WantedSymbols, other: WantedSymbols) -> WantedSymbols:
    """The same symbol file, wanted by the runs of both."""
    return replace(
        one,
        runs=one.runs + other.runs,
        exclusive_samples=one.exclusive_samples + other.exclusive_samples,
        inclusive_samples=one.inclusive_samples + other.inclusive_samples,
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one run whose addresses were looked up: `resolved`, or `failed`, for which `message` says why.

    The shares are of the main process's samples whose leaf has no symbol.
    """

    status: str
    run_id: str
    example: str
    commit_sha: str
    source_name: str
    is_dirty: bool = False
    message: str = ""
    exit_code: int = 0
    samples: int = 0
    share_before: float = 0.0
    share_after: float = 0.0
    wanted: tuple[WantedSymbols, ...] = ()
    caveats: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True)
class Profiled:
    """What became of one run of an example under a profiler: `profiled`, or `failed`, for which `message` says why.

    `side` is the revision of a pair, "" where there is none; the run is number `number` of `of`. `trace` is the file
    that there is now, `removed` are older ones that made room. `samples` are the main process's. `recorded` is what
    became of the trace in the history, None where it was not to be recorded.
    """

    status: str
    example: str
    side: str = ""
    number: int = 1
    of: int = 1
    message: str = ""
    exit_code: int = 0
    trace: Path | None = None
    measurements: tuple[Measurement, ...] = ()
    samples: int = 0
    removed: tuple[Path, ...] = ()
    recorded: Outcome | None = None
    notes: tuple[str, ...] = ()
