"""perfdb: a history of profiling runs, by commit and example, with comparisons.

import perfdb

history = perfdb.open("perfdb.duckdb")
history.record("traces/*.etl", commit="HEAD")
history.runs()                                # a polars frame
history.diff("main", "feature-branch")        # a Comparison: values, not text
history.sql("SELECT * FROM module_cost")      # a polars frame
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from perfdb.errors import PerfdbError

if TYPE_CHECKING:
    from perfdb.api import History

__version__ = "0.1.0"
__all__ = ["PerfdbError", "__version__", "open"]


def open(  # noqa: A001  # `perfdb.open` is meant to be read whole
    path: str | os.PathLike[str] | None = None,
) -> History:
    """The history in a file; without a path, the one that the command line would take. Made when first recorded to."""
    from pathlib import Path

    from perfdb.api import open_history

    return open_history(None if path is None else Path(path))
