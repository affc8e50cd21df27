"""What those who record one file after the other have in common: the request, and where runs go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfdb import readers, store
from perfdb.api.revision import Commits
from perfdb.config import Settings
from perfdb.profile.columns import Source
from perfdb.profile.outcome import KNOWN, Outcome
from perfdb.report.names import short_run
from perfdb.units import NS_PER_MS

Progress = Callable[[str, int, int], None]
"""Called with what is being read, and how many of how many bytes are done."""

AGAIN = "--again records it anew"
_KNOWN_MESSAGE = (
    "this trace is recorded already for this commit and example, with the format, process, build and tags it had then; "
    f"{AGAIN}"
)


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to record, and as what. `paths` may hold folders and globs; None is the default of `perfdb record`.

    Of results of benchmarks, `example` is the name where a file has one benchmark, else what their names begin with.

    `via` is None, or "xperf" for traces that xperf is to turn into text first. `symbols` are symbol paths that come
    before that of the settings; `no_symbols` leaves names out, those of managed code too; `templates` None is as set.
    """

    paths: tuple[str, ...]
    commit: str | None = None
    example: str | None = None
    process: str | None = None
    build: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    format: str | None = None
    interval_ms: float | None = None
    via: str | None = None
    symbols: tuple[str, ...] = ()
    no_symbols: bool = False
    templates: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One call: what is asked, which commits files are of, and the history that runs go to."""

    request: RecordRequest
    commits: Commits
    database: Path
    settings: Settings
    progress: Progress | None

    def read_options(self, name: str) -> readers.ReadOptions:
        """What a reader of the file `name` is told."""
        interval_ms, progress = self.request.interval_ms, self.progress
        return readers.ReadOptions(
            interval_ns=None if interval_ms is None else round(interval_ms * NS_PER_MS),
            progress=None if progress is None else lambda done, total: progress(name, done, total),
        )

    def earlier_runs(self, source: Source) -> list[store.SourceRun]:
        """The runs that were recorded from a file, whatever their commit and example, newest first."""
        if not self.database.exists():
            return []
        with store.opened_for_write(self.database, self.settings.lock_wait_s) as connection:
            return store.runs_of_source(connection, source.sha256)

    def known(self, source: Source, run_id: str, example: str, commit_sha: str) -> Outcome:
        """The outcome of a trace that is recorded already."""
        message = _KNOWN_MESSAGE
        if self.request.symbols or self.request.templates:
            message += f"; perfdb symbolicate {short_run(run_id)} gives it names"
        return Outcome(KNOWN, source.name, message, 0, run_id, example, commit_sha)


def also_recorded(earlier: list[store.SourceRun], commit_sha: str) -> tuple[str, ...]:
    """A note where a file was recorded for other commits too, which it can hardly be of."""
    others = sorted({run.commit_sha for run in earlier} - {commit_sha})
    return (f"the same trace is also recorded for {', '.join(sha[:10] for sha in others)}",) if others else ()
