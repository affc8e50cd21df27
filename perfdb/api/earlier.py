"""Runs of commits before the baseline: what tells how much a program's costs vary from run to run.

Which commits came before is git's to say: the ancestors of the baseline's recorded commit, the nearest first. A shallow
clone does not know all of them, and a commit that was recorded elsewhere, or rebased since, may be unknown; what git
cannot tell, dates do: the commits that were made before the baseline was, the latest first, or recorded before it was
where no date is known. Git knows nothing of side branches then; levels that moved are `perfdb.stats`' business anyway.

Neither the baseline's nor the contender's own runs are history, and no run with uncommitted changes is. Only runs are
taken that `perfdb.compare.conditions` would not leave out at once: of the machine and build kind of some compared run,
and as detailed, so that history never makes a comparison poorer.

The nearest commits are asked for in one query, as many as runs are wanted: a commit without a run of an example leaves
a gap, and what is further back is rather stale.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from perfdb import store
from perfdb.api.costs import is_pooled
from perfdb.compare.sides import Side
from perfdb.errors import RevisionError
from perfdb.profile.columns import MEASURED
from perfdb.revisions import Repository
from perfdb.store.model import RecordedCommit

FURTHEST = 5_000
"""Commits before the baseline among which is looked: the walk takes less than a tenth of a second."""
_CLOCKS_APART = timedelta(days=1)
"""A commit is dated after its parents, but for the clocks of those who made them: git allows for a day, too."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Earlier runs by example, and how many more there are that are unlike all compared ones."""

    runs: Mapping[str, list[store.Run]] = field(default_factory=dict)
    unlike: Mapping[str, int] = field(default_factory=dict)


def earlier_runs(
    connection: store.Connection,
    repository: Repository | None,
    baseline: Side,
    contender: Side,
    examples: Collection[str],
    recorded: Sequence[RecordedCommit],
    build: str | None,
    limit: int,
) -> Earlier:
    """At most `limit` runs of each example and kind, of commits before the baseline: those of the nearest ones first.

    `recorded` are the commits of the history. Examples without any are left out. With a limit of 0 nothing is asked.
    """
    if limit <= 0 or not examples:
        return Earlier()
    commits = _earlier_commits(repository, baseline, contender, recorded, limit)
    if not commits:
        return Earlier()
    compared = (baseline.recorded_sha, contender.recorded_sha)
    runs = store.runs(connection, commit_shas=[*commits, *compared], examples=sorted(examples), build=build)
    wanted = {key for run in runs if run.commit_sha in compared for key in _keys(run)}
    place = {commit: number for number, commit in enumerate(commits)}
    found: dict[str, list[store.Run]] = {}
    kinds: dict[tuple[str, bool], int] = {}
    unlike: dict[str, int] = {}
    for run in sorted((run for run in runs if run.commit_sha in place), key=lambda run: place[run.commit_sha]):
        if run.is_dirty:
            continue
        if wanted.isdisjoint(_keys(run)):
            unlike[run.example] = unlike.get(run.example, 0) + 1
            continue
        # Profiles and results of benchmarks are never compared with each other, and must not crowd each other out.
        kind = run.example, run.detail == MEASURED
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] <= limit:
            found.setdefault(run.example, []).append(run)
    return Earlier(found, unlike)


def _keys(run: store.Run) -> Iterator[tuple[object, ...]]:
    """What a run has in common with those of its example that it may be told by: host or processor, and the rest."""
    alike = run.example, run.build.strip().casefold(), is_pooled(run), run.detail
    yield "host", run.machine.strip().casefold(), *alike
    if run.cpu:
        yield "processor", " ".join(run.cpu.split()).casefold(), run.cores, *alike


def _earlier_commits(
    repository: Repository | None, baseline: Side, contender: Side, recorded: Sequence[RecordedCommit], most: int
) -> list[str]:
    """At most so many recorded commits before the baseline, the nearest first."""
    compared = {baseline.recorded_sha, contender.recorded_sha}
    mark = next(each for each in recorded if each.commit_sha == baseline.recorded_sha)
    others = [each for each in recorded if each.commit_sha not in compared]
    by_date = sorted((each for each in others if _is_before(each, mark)), key=_made_at, reverse=True)
    start = _known_commit(repository, baseline)
    if repository is None or start is None:
        return [each.commit_sha for each in by_date][:most]
    candidates = [each.commit_sha for each in others if _may_be_before(each, mark)]
    try:
        found = [sha for sha, _ in repository.ancestors(start, candidates, count=most, limit=FURTHEST)]
    except RevisionError:  # a commit on the way is damaged: a diff that names others goes on without it
        return [each.commit_sha for each in by_date][:most]
    if len(found) == most or not repository.is_shallow():
        return found
    return [*found, *(each.commit_sha for each in by_date if each.commit_sha not in found)][:most]


def _known_commit(repository: Repository | None, side: Side) -> str | None:
    """The commit of a side that git knows, if it knows one: that with the runs, else the one they stand for."""
    if repository is None:
        return None
    return next((sha for sha in (side.recorded_sha, side.commit_sha) if repository.resolve(sha) == sha), None)


def _made_at(commit: RecordedCommit) -> tuple[datetime, datetime]:
    return commit.committed_at or commit.last_recorded_at, commit.last_recorded_at


def _is_before(commit: RecordedCommit, mark: RecordedCommit) -> bool:
    if commit.committed_at is None or mark.committed_at is None:
        return commit.last_recorded_at < mark.last_recorded_at
    return commit.committed_at < mark.committed_at


def _may_be_before(commit: RecordedCommit, mark: RecordedCommit) -> bool:
    """Whether a commit may be an ancestor, by its date: git need not look for the others to the end of its history."""
    if commit.committed_at is None or mark.committed_at is None:
        return True
    return commit.committed_at <= mark.committed_at + _CLOCKS_APART
