"""What `perfdb profile` is asked for, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfdb.api.revision import RecordedAs


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """What to profile, and as what. `examples` None is all of the suite; None elsewhere is what the settings say.

    `pair` are two of (revision, build folder), whose runs alternate; without it the build is in `build_dir`, and the
    runs are those of `commit`. `is_recorded` says whether traces go into the history as they land.
    """

    examples: tuple[str, ...] | None = None
    repeat: int | None = None
    warmup: int | None = None
    pair: tuple[tuple[str, Path], tuple[str, Path]] | None = None
    build_dir: Path | None = None
    profiler: str | None = None
    is_recorded: bool = True
    keep: int | None = None
    timeout_s: float | None = None
    commit: str | None = None
    build: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ManualRequest:
    """One command to profile into one trace file; `example` names it where it is to be recorded."""

    trace: Path
    command: tuple[str, ...]
    example: str | None = None
    process: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """What the runs of one side are of; `label` is "" where there is but one side."""

    label: str
    build_dir: Path | None
    recorded_as: RecordedAs | None
