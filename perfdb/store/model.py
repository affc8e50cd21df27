"""What travels between the history and the rest of perfdb: plain frozen values, no connections and no SQL.

Moments are aware datetimes in UTC. Weights are in ns, as everywhere but in the views that people query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I32, I64, Bool, Caveat
from perfdb.profile.measurement import Measured, Measurement

Text = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, as far as it is known: without git only its name is."""

    commit_sha: str
    committed_at: datetime | None = None
    tree_sha: str | None = None
    parent_shas: tuple[str, ...] | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is to be known of a profile when it is recorded. `main_process` is a row of `Profile.processes`.

    `addresses` is the packed profile as it was before symbols, to resolve it again later; None for none.
    `symbols` are the names of its addresses, deflated symcaches by debug id.
    """

    revision: Revision
    example: str
    main_process: int
    recorded_at: datetime
    build: str = ""
    is_dirty: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    addresses: bytes | None = None
    symbols: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the history, with what is asked of every run. Weights and samples are the main process's own.

    `hottest_module` is the module with the most exclusive weight and `hottest_share` its part of the process's work;
    both are None, as `unresolved_share` is, where the process did no work. `wall_ms` is None where a run of detail
    `measured` does not tell it.
    """

    run_id: str
    commit_sha: str
    committed_at: datetime | None
    tree_sha: str | None
    subject: str | None
    example: str
    machine: str
    cpu: str
    cores: int
    build: str
    is_dirty: bool
    recorded_at: datetime
    started_at: datetime | None
    duration_ns: int
    interval_ns: int
    detail: str
    sample_count: int
    idle_count: int
    lost_events: int
    lost_buffers: int
    unresolved_count: int
    source_format: str
    source_name: str
    source_sha256: str
    process: str
    main_pid: int
    main_incarnation: int
    perfdb_version: str
    samples: int
    cpu_ns: int
    wall_ms: float | None
    unresolved_share: float | None
    hottest_module: str | None
    hottest_share: float | None
    caveats: tuple[Caveat, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run that was recorded from a certain trace file."""

    run_id: str
    commit_sha: str
    example: str


@dataclass(frozen=True, slots=True)
class RunProcess:
    """One process of one run, and its own work."""

    run_id: str
    pid: int
    incarnation: int
    name: str
    command_line: str
    is_main: bool
    samples: int
    weight_ns: int


@dataclass(frozen=True, slots=True)
class RecordedCommit:
    """A commit that has runs in the history."""

    commit_sha: str
    tree_sha: str | None
    committed_at: datetime | None
    subject: str | None
    runs: int
    last_recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Costs:
    """Weights per run, process and item, in columns of one length; a run's rows are together, the heaviest first.

    Text is in object arrays of str. `function` is None where the items are modules. An item that a process never had
    on a stack has no row. Inclusive weights that the run does not tell are `NOT_KNOWN`.
    """

    run_id: Text
    process: Text
    pid: I64
    incarnation: I32
    is_main: Bool
    module: Text
    function: Text | None
    exclusive_ns: I64
    inclusive_ns: I64
    exclusive_samples: I64
    inclusive_samples: I64

    def __len__(self) -> int:
        return len(self.run_id)


@dataclass(frozen=True, slots=True)
class Call:
    """How much of one process's work of a run, of detail `edges`, was in calls of one function by another.

    Every occurrence on a stack counts, so that a recursive call may count more than once a sample.
    """

    run_id: str
    pid: int
    incarnation: int
    caller_module: str
    caller: str
    callee_module: str
    callee: str
    samples: int
    weight_ns: int


@dataclass(frozen=True, slots=True)
class RunMark:
    """The name of a run, and when it was recorded."""

    run_id: str
    commit_sha: str
    example: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class HistoryInfo:
    """The facts of a database file; `rows` is the number of rows by table."""

    path: Path
    size_bytes: int
    schema_version: int
    duckdb_version: str
    rows: Mapping[str, int]
    oldest_run: RunMark | None
    newest_run: RunMark | None
