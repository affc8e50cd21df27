"""Which limit of a gate holds for a program, a module, a function or a metric; `gate` says what that means."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from perfdb.compare.costs import Item
from perfdb.config import GateLimit


def limit_of(example: str, item: Item | None, limits: Sequence[GateLimit], metric: str | None = None) -> float | None:
    """Up to which change one item (None: the program) or metric of an example passes; None where no limit matches."""
    return next((limit.allow for limit in reversed(limits) if _matches(limit, example, item, metric)), None)


def _matches(limit: GateLimit, example: str, item: Item | None, metric: str | None) -> bool:
    if not _fits(example, limit.example):
        return False
    if limit.metric is not None and (metric is None or not _fits(metric, limit.metric)):
        return False
    if item is None:
        return limit.module is None and limit.function is None
    if limit.module is not None and not _fits(item.module.lower(), limit.module.lower()):
        return False
    if limit.function is None:
        return True
    return item.function is not None and _fits(item.function, limit.function)


def _fits(name: str, glob: str) -> bool:
    """Whether a glob matches; a name that is copied matches itself, whatever brackets it has."""
    return name == glob or fnmatchcase(name, glob)
