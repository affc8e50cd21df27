"""Short names of runs and commits, as tables show them and commands take them."""

from __future__ import annotations

from perfdb.compare.sides import short_run

__all__ = ["short_commit", "short_run"]

SHORT_COMMIT = 10


def short_commit(commit_sha: str, is_dirty: bool = False) -> str:
    """The beginning of a hash; `+` marks a tree with uncommitted changes."""
    is_hash = len(commit_sha) >= 40 and all(char in "0123456789abcdef" for char in commit_sha)
    return (commit_sha[:SHORT_COMMIT] if is_hash else commit_sha) + ("+" if is_dirty else "")
