"""Recording a file of benchmark results: a run for each benchmark, of detail `measured`, all of them or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from perfdb import readers, store
from perfdb.api.recording import AGAIN, Recording, also_recorded
from perfdb.api.revision import RecordedAs
from perfdb.errors import TraceError
from perfdb.profile.builder import About, measured_profile
from perfdb.profile.columns import NO_PID, UNKNOWN_MODULE, Caveat, Process, Profile
from perfdb.profile.measurement import BenchmarkResult, BenchmarkResults, summed_up
from perfdb.profile.outcome import FAILED, KNOWN, RECORDED, Outcome

_KNOWN_MESSAGE = f"its results in this file are recorded already for this commit; {AGAIN}"


def record_results(recording: Recording, trace: readers.OpenTrace, path: Path) -> list[Outcome]:
    """Record the benchmarks of an open file, `path`; an outcome for each, in the order of the file.

    One that failed becomes a failed outcome and no run, and costs no other. Raises InputError.
    """
    results = trace.read_results(recording.read_options(trace.source.name))
    recorded_as = recording.commits.of_file(results.commit_sha, results.is_dirty)
    file = _File(recording, results, recorded_as, path, _example_names(results, recording.request.example))
    return list(file.outcomes(file.write()))


def _example_names(results: BenchmarkResults, asked: str | None) -> dict[str, str]:
    """What the history calls each benchmark: its own name, or what the call says with its own behind it."""
    names = [result.name for result in results.results]
    if asked is None:
        return {name: name for name in names}
    return {names[0]: asked} if len(names) == 1 else {name: f"{asked}/{name}" for name in names}


@dataclass(frozen=True, slots=True)
class _Written:
    """The run of each benchmark that was written, and of each that is there already, by its name; and all runs that
    were recorded from the file before.
    """

    recorded: Mapping[str, str]
    known: Mapping[str, str]
    earlier: list[store.SourceRun]


@dataclass(frozen=True, slots=True)
class _File:
    recording: Recording
    results: BenchmarkResults
    recorded_as: RecordedAs
    path: Path
    examples: Mapping[str, str]

    @property
    def commit_sha(self) -> str:
        return self.recorded_as.revision.commit_sha

    def write(self) -> _Written:
        """Write the benchmarks that did not fail and are not there yet; the database is not touched for none."""
        sound = [result for result in self.results.results if not result.failed]
        if not sound:
            return _Written({}, {}, [])
        profile, moment = self._profile(), datetime.now(UTC)
        with store.opened_for_write(self.recording.database, self.recording.settings.lock_wait_s) as connection:
            earlier = store.runs_of_source(connection, self.results.source.sha256)
            runs = {run.example: run.run_id for run in reversed(earlier) if run.commit_sha == self.commit_sha}
            known = {name: runs[example] for name, example in self.examples.items() if example in runs}
            new = [result for result in sound if self.recording.request.again or result.name not in known]
            written = [(replace(profile, caveats=each.caveats), self._new_run(each, moment)) for each in new]
            run_ids = store.write_measured(connection, written)
        return _Written({each.name: run_id for each, run_id in zip(new, run_ids, strict=True)}, known, earlier)

    def _profile(self) -> Profile:
        """The profile of nothing that all runs have; its process is the program, which the call may name where the
        file does not.
        """
        wanted = self.recording.request.process or self.recording.settings.record.process
        process = Process(NO_PID, self.results.program or wanted or UNKNOWN_MODULE)
        return measured_profile(
            About(self.results.source, 0, machine=self.results.machine), process, self.results.started_at
        )

    def _new_run(self, result: BenchmarkResult, moment: datetime) -> store.NewRun:
        request, settings = self.recording.request, self.recording.settings
        return store.NewRun(
            revision=self.recorded_as.revision,
            example=self.examples[result.name],
            main_process=0,
            recorded_at=moment,
            build=request.build or settings.record.build or self.results.build,
            is_dirty=self.recorded_as.is_dirty,
            tags=dict(request.tags),
            measurements=result.measurements,
        )

    def outcomes(self, written: _Written) -> Iterator[Outcome]:
        """What became of each benchmark. A caveat that many have, and a note on the file, is told with the first."""
        source_name = self.results.source.name
        notes = also_recorded(written.earlier, self.commit_sha)
        told: set[Caveat] = set()
        for result in self.results.results:
            outcome = Outcome(KNOWN, source_name, example=self.examples[result.name], commit_sha=self.commit_sha)
            if result.failed:
                message = f"{self.path}: {result.name}: {result.failed}"
                yield replace(outcome, status=FAILED, message=message, exit_code=TraceError.exit_code)
            elif result.name in written.recorded:
                yield replace(
                    outcome,
                    status=RECORDED,
                    run_id=written.recorded[result.name],
                    is_dirty=self.recorded_as.is_dirty,
                    process=self.results.program,
                    pid=NO_PID,
                    caveats=result.caveats,
                    notes=notes,
                    has_profile=False,
                    measured=summed_up(result.measurements),
                    told_before=tuple(caveat for caveat in result.caveats if caveat in told),
                )
                told.update(result.caveats)
                notes = ()
            else:
                yield replace(outcome, message=_KNOWN_MESSAGE, run_id=written.known[result.name])
