"""What to type to see, or to compare, the same again."""

from __future__ import annotations

from perfdb.compare.comparison import Comparison
from perfdb.compare.scope import Scope


def revisions(comparison: Comparison) -> tuple[str, str]:
    """The commits that were compared: names such as `main` move on."""
    return comparison.baseline.recorded_sha, comparison.contender.recorded_sha


def scope_words(scope: Scope) -> tuple[str, ...]:
    """The options that ask for this part of the work."""
    words = [word for each in scope.examples for word in ("--example", each)]
    words += ["--process", scope.process] if scope.process else []
    words += ["--all-processes"] if scope.all_processes else []
    words += ["--build", scope.build] if scope.build else []
    return tuple(words)


def options(comparison: Comparison) -> tuple[str, ...]:
    """The options that ask for the same work by the same criteria, whatever the settings say."""
    criteria = comparison.criteria
    words = ["--margin", f"{criteria.margin * 100:g}%"]
    words += ["--min-ms", f"{criteria.min_ms:g}"] if criteria.min_ms else []
    return (*scope_words(comparison.scope), *words, "--history", str(criteria.history))
