"""Names as tables show them and commands take them: short ones of runs and commits, any as one word."""

from __future__ import annotations

import re

from perfdb.compare.sides import short_run

__all__ = ["short_commit", "short_run", "word"]

SHORT_COMMIT = 10


def short_commit(commit_sha: str, is_dirty: bool = False) -> str:
    """The beginning of a hash; `+` marks a tree with uncommitted changes."""
    is_hash = len(commit_sha) >= 40 and all(char in "0123456789abcdef" for char in commit_sha)
    return (commit_sha[:SHORT_COMMIT] if is_hash else commit_sha) + ("+" if is_dirty else "")


def word(text: str) -> str:
    """A text as one word of a command, `NAME` for one that a shell could take for more than a name.

    Names come from files of strangers, and commands are pasted.
    """
    if re.fullmatch(r"[\w./@][\w./:@~+-]*", text):
        return text
    return f'"{text}"' if re.fullmatch(r"[\w./:@~+,=()#^ -]+", text) else "NAME"
