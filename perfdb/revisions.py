"""git, as far as perfdb needs it: which commit is meant, what came before it, and what two lines share.

Everything goes through the `git` program, because only it knows every layout of a repository: worktrees, submodules,
shallow and bare clones, packed refs, replaced objects. Commits are read with `git cat-file --batch`, which has two
merits. A revision is a line of its input and so can never be taken for an option, however it begins. And it hands out
the commit as it was made: its true parents also where a shallow clone ends.

The repository is always the one around the given folder. Variables that would point git elsewhere, and that git itself
sets for hooks (`GIT_DIR` and its like), are left out of its environment.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

from perfdb.errors import RevisionError, UsageError

_LEFT_OUT = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_PUT_IN = {
    "LC_ALL": "C",  # messages are compared with English words
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",  # looking must not get in the way of somebody's `git commit`
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone would ask its server about every unknown name
    "GIT_TERMINAL_PROMPT": "0",
}
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 or SHA-256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ASKED_AT_ONCE = 64
"""Commits asked of git before its answers are read: few enough that the questions fit into any system's pipe, or both
sides would wait for each other."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as it was made: hashes in full, the committer's time in UTC, the subject on one line."""

    sha: str
    tree_sha: str
    committed_at: datetime
    parent_shas: tuple[str, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class RevisionRange:
    """Two sides of a comparison, as they were written; `contender` is None when only one revision was.

    With `from_merge_base` the comparison starts where the two lines parted, not at `baseline` itself.
    """

    baseline: str
    contender: str | None = None
    from_merge_base: bool = False


def parse_range(text: str) -> RevisionRange:
    """Read `A...B` (from the merge base), `A..B` or `A`; an empty side means HEAD, as it does to git.

    Raises UsageError when the text holds no revision, or more than two.
    """
    baseline, dots, contender = text.partition("...")
    if not dots:
        baseline, dots, contender = text.partition("..")
    if not (baseline or contender) or ".." in contender or contender.startswith("."):
        raise UsageError(f"cannot tell which revisions {text!r} means. Write A, A..B, or A...B for the merge base.")
    if not dots:
        return RevisionRange(baseline)
    return RevisionRange(baseline or "HEAD", contender or "HEAD", from_merge_base=dots == "...")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository; `path` is the top of its working folder, or the repository itself where there is none."""

    path: Path

    @classmethod
    def find(cls, cwd: Path) -> Repository | None:
        """The repository around a folder; None when there is none, or no git program.

        Raises RevisionError, with git's own words, when there is one that git refuses to read.
        """
        if _git_program() is None:
            return None
        found = _git(cwd, "rev-parse", "--absolute-git-dir", "--is-inside-work-tree")
        if found.returncode != 0:
            words = _text(found.stderr).strip()
            # A Mac without developer tools has a `git` that only asks to install them.
            if "not a git repository (or any" in words or words.startswith("xcrun:"):
                return None
            raise RevisionError(f"git refuses to read the repository around {cwd}; it says: {words}")
        git_dir, inside_work_tree = os.fsdecode(found.stdout).rstrip("\r\n").rsplit("\n", 1)
        if inside_work_tree == "true":
            return cls(Path(os.fsdecode(_git(cwd, "rev-parse", "--show-toplevel").stdout).rstrip("\r\n")))
        return cls(Path(git_dir.rstrip("\r")))

    def resolve(self, rev: str) -> str | None:
        """The full hash of the commit that a revision means; None when git knows no such commit.

        Raises RevisionError for an abbreviation of several commits, and for HEAD while nothing is committed.
        """
        if not rev or "\n" in rev or "\0" in rev:
            return None
        # A line of input is never taken for an option. `^{commit}` looks through tags and prefers commits to files
        # where an abbreviation fits both, but it becomes part of what `:/words` looks for. So both ways are asked.
        name = os.fsencode(rev)
        asked = self._run("cat-file", "--batch-check", given=name + b"^{commit}\n" + name + b"\n")
        answers = _text(asked.stdout).splitlines()
        for answer in answers:
            if match := re.fullmatch(rf"({_FULL_HASH.pattern}) commit [0-9]+", answer):
                return match[1]
        if any(answer.endswith(" ambiguous") for answer in answers):
            raise RevisionError(f"{rev!r} begins more than one hash of {self.path}. Write more of it.")
        if re.match(r"(HEAD|@)($|[~^@:])", rev) and self._run("rev-parse", "-q", "--verify", "HEAD").returncode != 0:
            raise RevisionError(
                f"asked for {rev}, but nothing is committed yet on the current branch of {self.path}. "
                "Commit first, or name another revision."
            )
        return None

    def commit(self, sha: str) -> Commit:
        """A commit's facts. Raises RevisionError when the repository holds no commit of this full hash."""
        if _FULL_HASH.fullmatch(sha):
            with self._commits() as read:
                for raw in read([sha]):
                    return _parse(sha, raw)
        raise RevisionError(f"{self.path} holds no commit {sha!r}. Run `git fetch`, or name another revision.")

    def subject(self, sha: str) -> str:
        """The first paragraph of a commit's message, on one line. Raises RevisionError for an unknown commit."""
        return self.commit(sha).subject

    def is_dirty(self) -> bool:
        """Whether tracked files differ from HEAD, staged or not, as in `git describe --dirty`.

        Files that git does not track do not count, also those of submodules. False where there is no working folder.
        """
        # Shows its findings instead of setting an exit code, and refreshes git's idea of touched files first.
        status = self._run("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=untracked")
        if status.returncode != 0:
            if "must be run in a work tree" in _text(status.stderr):
                return False
            raise self._failure("see which files changed", status)
        return bool(status.stdout)

    def is_shallow(self) -> bool:
        """Whether this clone was made without the older commits, so that ancestors may be missing."""
        return self._run("rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def merge_base(self, a: str, b: str) -> str | None:
        """The full hash of the best common ancestor of two revisions; None when their histories share none.

        Raises RevisionError when one of them is unknown.
        """
        base = self._run("merge-base", self._known(a), self._known(b))
        if base.returncode not in (0, 1):
            raise self._failure(f"find where {a} and {b} parted", base)
        return _text(base.stdout).strip() or None

    def nearest(self, sha: str, candidates: Collection[str], limit: int = 20_000) -> tuple[str, int] | None:
        """The candidate that is the fewest parent steps before a commit, and how many; 0 is the commit itself.

        Candidates are full hashes. Among equally near ones, that on the line of first parents wins, as in `git log
        --first-parent`. None when there is none among the nearest `limit` commits, or before a shallow clone ends.
        Raises RevisionError when `sha` is unknown, and when a commit on the way is missing without a reason.
        """
        wanted = frozenset(candidates)
        with closing(self._walk(self._known(sha), limit)) as walk:
            return next((met for met in walk if met[0] in wanted), None)

    def ancestors(
        self, sha: str, candidates: Collection[str], count: int | None = None, limit: int = 20_000
    ) -> list[tuple[str, int]]:
        """The candidates that are ancestors of a commit, the nearest first, each with its distance as in `nearest`.

        The commit itself is none of them. At most `count` (None: all) are looked for, among the nearest `limit`
        commits. Raises RevisionError as `nearest` does.
        """
        start = self._known(sha)
        wanted = set(candidates) - {start}
        most = len(wanted) if count is None else min(count, len(wanted))
        if most <= 0:
            return []
        with closing(self._walk(start, limit)) as walk:
            return list(itertools.islice((met for met in walk if met[0] in wanted), most))

    def _walk(self, sha: str, limit: int) -> Generator[tuple[str, int]]:
        """A commit and all before it, the nearest first, each with its distance in parent steps.

        Ends once more than `limit` commits were met, or with the names of those that a shallow clone does not hold.
        """
        frontier, distance = [sha], 0
        seen = set(frontier)
        with self._commits() as read:
            # All commits of one distance before any of the next: the first candidate met is provably a nearest one,
            # and no commit behind it is read, whatever the dates in the history say.
            while frontier:
                yield from ((reached, distance) for reached in frontier)
                if len(seen) > limit:
                    return
                commits = list(read(frontier))
                if len(commits) < len(frontier) and not self.is_shallow():
                    raise self._damaged()
                parents = dict.fromkeys(parent for raw in commits for parent in _parents(raw))
                frontier = [parent for parent in parents if parent not in seen]
                seen.update(frontier)
                distance += 1

    # ---- talking with git --------------------------------------------------------------------------------------------

    def _run(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return _git(self.path, *words, given=given)

    def _known(self, rev: str) -> str:
        sha = self.resolve(rev)
        if sha is None:
            raise RevisionError(f"{self.path} knows no revision {rev!r}. Run `git fetch`, or name another one.")
        return sha

    def _failure(self, attempt: str, ran: subprocess.CompletedProcess[bytes]) -> RevisionError:
        return RevisionError(f"asked git to {attempt} in {self.path}; it says: {_text(ran.stderr).strip()}")

    def _damaged(self) -> RevisionError:
        return RevisionError(f"asked git for commits of {self.path} that it cannot read. Run `git fsck` to see why.")

    @contextmanager
    def _commits(self) -> Iterator[_ReadCommits]:
        """One git that answers any number of questions about commits, for as long as the block lasts."""
        command = [_git_program() or "git", "-C", str(self.path), "cat-file", "--batch"]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere, env=_environment()) as git:
                try:
                    yield _ReadCommits(cast("IO[bytes]", git.stdin), cast("IO[bytes]", git.stdout))
                finally:
                    git.kill()  # it only reads, and may hold questions or answers that nobody waits for
        except (OSError, EOFError) as error:  # git is gone: its pipe breaks, at the latest when it is closed
            raise self._damaged() from error


@dataclass(frozen=True, slots=True)
class _ReadCommits:
    """Asks a running `git cat-file --batch` for commits, and yields those it has, in the order asked, as bytes."""

    questions: IO[bytes]
    answers: IO[bytes]

    def __call__(self, shas: Sequence[str]) -> Iterator[bytes]:
        for start in range(0, len(shas), _ASKED_AT_ONCE):
            asked = shas[start : start + _ASKED_AT_ONCE]
            self.questions.write("".join(f"{sha}\n" for sha in asked).encode())
            self.questions.flush()
            for _ in asked:
                raw = self._answer()
                if raw is not None:
                    yield raw

    def _answer(self) -> bytes | None:
        """One answer: `HASH TYPE SIZE`, the object, a line end; or `WORD missing`, as beyond a shallow clone's end."""
        head = self.answers.readline().split()
        if not head:
            raise EOFError
        if len(head) != 3:
            return None
        raw = self.answers.read(int(head[2]) + 1)[:-1]
        return raw if head[1] == b"commit" else None


def _git_program() -> str | None:
    return shutil.which("git")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _LEFT_OUT} | _PUT_IN


def _git(folder: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder and wait for it; exit codes are the caller's to judge."""
    command = [_git_program() or "git", "-C", str(folder), *words]
    return subprocess.run(command, input=given, capture_output=True, env=_environment(), check=False)


# ---- a commit's bytes ------------------------------------------------------------------------------------------------
#
#     tree 9bd6…                          one
#     parent 4b82…                        none, one or more
#     author A U Thor <a@…> 1714212030 +0200
#     committer C O Mitter <c@…> 1714212030 +0200
#     encoding ISO-8859-1                 only when it is not UTF-8
#     gpgsig -----BEGIN …                 and other lines, continued by a leading space
#
#     The subject, up to the first empty line


def _parents(raw: bytes) -> list[str]:
    header, _, _ = raw.partition(b"\n\n")
    return [line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent ")]


def _parse(sha: str, raw: bytes) -> Commit:
    header, _, message = raw.partition(b"\n\n")
    fields = dict(line.split(b" ", 1) for line in header.split(b"\n") if b" " in line and not line.startswith(b" "))
    subject = re.split(rb"\n[ \t\r]*\n", message.lstrip(b"\n"), maxsplit=1)[0]
    return Commit(
        sha=sha,
        tree_sha=fields[b"tree"].decode(),
        committed_at=_committed_at(fields.get(b"committer", b"")),
        parent_shas=tuple(_parents(raw)),
        subject=" ".join(_text(subject, _text(fields.get(b"encoding", b"utf-8"))).split()),
    )


def _committed_at(committer: bytes) -> datetime:
    """The committer's time; 1970 for one that is broken, as git says of it."""
    match = re.search(rb"> (-?[0-9]+) [+-][0-9]+$", committer)
    try:
        return _EPOCH + timedelta(seconds=int(match[1]) if match else 0)
    except OverflowError:
        return _EPOCH


def _text(raw: bytes, encoding: str = "utf-8") -> str:
    try:
        return raw.decode(encoding, errors="replace")
    except LookupError:  # a commit may name an encoding that Python has not
        return raw.decode("utf-8", errors="replace")
