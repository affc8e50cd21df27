"""What became of one trace that was to be recorded."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.profile.columns import Caveat

RECORDED, KNOWN, FAILED = "recorded", "known", "failed"


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
