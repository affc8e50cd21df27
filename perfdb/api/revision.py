"""From what the user calls a revision to a commit that the history has runs of.

In this order: the commit itself; another commit with the same tree (a rebase or a squash leaves the code as it was);
the nearest recorded ancestor, with its distance. Whatever is not the commit itself is said to the user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perfdb.compare.sides import ANCESTOR, EXACT, SAME_TREE, Side
from perfdb.errors import RevisionError, TooLittleDataError
from perfdb.revisions import Repository, parse_range
from perfdb.store.model import RecordedCommit, Revision

SHORTEST_PREFIX = 4


def find_side(asked: str, repository: Repository | None, recorded: Sequence[RecordedCommit]) -> Side:
    """The recorded commit that stands for `asked`; raises RevisionError or TooLittleDataError where none can."""
    sha = repository.resolve(asked) if repository else None
    if sha is None or repository is None:
        return _without_git(asked, repository, recorded)
    by_sha = {each.commit_sha: each for each in recorded}
    if sha in by_sha:
        return Side(asked, sha, by_sha[sha].subject or "", EXACT, 0, sha)
    commit = repository.commit(sha)
    twins = [each for each in recorded if each.tree_sha == commit.tree_sha]
    if twins:
        return Side(asked, sha, commit.subject, SAME_TREE, 0, twins[0].commit_sha)
    nearest = repository.nearest(sha, by_sha.keys())
    if nearest is None:
        raise TooLittleDataError(
            f"asked for {asked} ({sha[:10]}), found no run of it nor of any of its ancestors. "
            f"{_what_there_is(recorded)} Record one: perfdb record TRACE --commit {asked}"
        )
    return Side(asked, sha, by_sha[nearest[0]].subject or "", ANCESTOR, nearest[1], nearest[0])


def _without_git(asked: str, repository: Repository | None, recorded: Sequence[RecordedCommit]) -> Side:
    """A commit of the history by its name or by the beginning of its hash, where git does not know it."""
    exact = [each for each in recorded if each.commit_sha == asked]
    prefix = asked.lower()
    starting = [each for each in recorded if len(prefix) >= SHORTEST_PREFIX and each.commit_sha.startswith(prefix)]
    found = exact or starting
    if len(found) > 1:
        names = ", ".join(each.commit_sha[:12] for each in found)
        raise RevisionError(f"asked for revision {asked}, found several that begin so: {names}. Give more of the hash.")
    if not found:
        where = (
            "neither git nor the history knows it"
            if repository
            else "the history does not have it, and there is no git repository here to ask"
        )
        raise RevisionError(f"asked for revision {asked}: {where}. {_what_there_is(recorded)}")
    return Side(asked, found[0].commit_sha, found[0].subject or "", EXACT, 0, found[0].commit_sha)


def _what_there_is(recorded: Sequence[RecordedCommit]) -> str:
    if not recorded:
        return "The history is empty."
    newest = ", ".join(each.commit_sha[:10] for each in recorded[:5])
    return f"Recorded are {len(recorded)} commits, the newest {newest}; `perfdb runs` lists them."


@dataclass(frozen=True, slots=True)
class RecordedAs:
    """The revision that new runs are recorded for."""

    revision: Revision
    is_dirty: bool


def revision_to_record(asked: str | None, repository: Repository | None) -> RecordedAs:
    """The commit to record for: what was asked, else HEAD, which is dirty when tracked files differ from it.

    Without git, or for a full hash that a shallow clone does not have, the name is taken as it is.
    """
    if repository is None:
        if asked is None:
            raise RevisionError(
                "asked to record for the current commit, found no git repository around this folder. "
                "Say which commit was profiled: --commit REV"
            )
        return RecordedAs(Revision(asked), is_dirty=False)
    sha = repository.resolve(asked or "HEAD")
    if sha is not None:
        commit = repository.commit(sha)
        revision = Revision(commit.sha, commit.committed_at, commit.tree_sha, commit.parent_shas, commit.subject)
        return RecordedAs(revision, is_dirty=asked is None and repository.is_dirty())
    if asked is None:
        raise RevisionError(
            "asked to record for HEAD, found a repository without commits. Commit first, or give --commit REV."
        )
    if len(asked) in (40, 64) and all(char in "0123456789abcdef" for char in asked.lower()):
        return RecordedAs(Revision(asked.lower()), is_dirty=False)
    raise RevisionError(
        f"asked to record for {asked}, found no such revision in {repository.path}. "
        "`git log --oneline` lists commits; a full hash is taken even where this clone does not have it."
    )


class Commits:
    """The commits that the files of one call are of: what the call says, else what a file says, else HEAD.

    HEAD is looked up when the first file needs it: where all files say their commit, no repository need be there.
    """

    def __init__(self, asked: str | None, folder: Path) -> None:
        self._asked = asked
        self._repository = cache(lambda: Repository.find(folder))
        self.of_call = cache(self._of_call)
        self._of_told = cache(self._look_up)

    def of_file(self, told: str | None, is_dirty: bool | None) -> RecordedAs:
        """The commit of a file that says `told`, None or "" where it says nothing, and whether it was dirty.

        What a file says is looked up in git, and taken as it is where git does not know it.
        """
        if self._asked is not None or not told:
            return self.of_call()
        return RecordedAs(self._of_told(told), bool(is_dirty))

    def _of_call(self) -> RecordedAs:
        """What the call says, else HEAD. Raises RevisionError where neither is known."""
        return revision_to_record(self._asked, self._repository())

    def _look_up(self, told: str) -> Revision:
        repository = self._repository()
        sha = repository.resolve(told) if repository else None
        return Revision(told) if sha is None else revision_to_record(sha, repository).revision


def two_revisions(
    baseline: str, contender: str | None, repository: Repository | None
) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two sides of a call, each as (what to call it, revision); `A...B` and `A..B` are taken apart."""
    if contender is not None:
        return (baseline, baseline), (contender, contender)
    asked = parse_range(baseline)
    other = asked.contender or "HEAD"
    if not asked.from_merge_base:
        return (asked.baseline, asked.baseline), (other, other)
    if repository is None:
        raise RevisionError(
            f"asked for the merge base of {asked.baseline} and {other}, found no git repository around this folder. "
            f"Name the two sides: perfdb diff A {other}"
        )
    base = repository.merge_base(asked.baseline, other)
    if base is None:
        raise RevisionError(
            f"asked for the merge base of {asked.baseline} and {other}, found that they share no commit."
        )
    return (f"merge base of {asked.baseline} and {other}", base), (other, other)
