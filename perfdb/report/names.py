"""Short names of runs and commits, as tables show them and commands take them."""

from __future__ import annotations

SHORT_COMMIT = 10
SHORT_RUN = 8


def short_run(run_id: str) -> str:
    """`r` and the end of the id: the beginning is the time, which runs of one evening share."""
    return f"r{run_id.replace('-', '')[-SHORT_RUN:]}"


def short_commit(commit_sha: str, is_dirty: bool = False) -> str:
    """The beginning of a hash; `+` marks a tree with uncommitted changes."""
    is_hash = len(commit_sha) >= 40 and all(char in "0123456789abcdef" for char in commit_sha)
    return (commit_sha[:SHORT_COMMIT] if is_hash else commit_sha) + ("+" if is_dirty else "")
