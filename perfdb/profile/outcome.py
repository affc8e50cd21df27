"""What became of one trace that was to be recorded, of one run that was to be resolved, and what names it lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfdb.profile.columns import Caveat

RECORDED, KNOWN, FAILED, RESOLVED = "recorded", "known", "failed", "resolved"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one trace: `recorded`, `known` (nothing changed) or `failed`, for which `message` says why."""

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
