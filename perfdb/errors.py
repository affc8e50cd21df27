"""The errors that are meant for people, and the exit code that each of them stands for.

    PerfdbError                     never raised itself; `perfdb.cli.main` catches it, and nothing else does
    ├── UsageError          exit 2  the words of the call do not fit together
    ├── InputError          exit 3  a file or a value that was given cannot be used
    │   ├── TraceError              not a trace, or one that is too damaged to read
    │   ├── CollectError            a profiling run that brought no trace of use
    │   ├── ConfigError             perfdb.toml says something that perfdb does not understand
    │   ├── RevisionError           a revision that neither git nor the history knows
    │   └── QueryError              SQL that DuckDB or the sandbox refused
    ├── DatabaseError       exit 3  the history cannot be opened, read or written
    │   ├── DatabaseLockedError     another process holds it
    │   └── DatabaseVersionError    written by a newer perfdb, or not upgraded yet
    ├── MissingToolError    exit 3  git, xperf, ... is needed and not there
    └── TooLittleDataError  exit 4  all is well, but there is nothing to answer from

A message says what was asked, what was found, and what to type next. It is written where those facts are known;
the command line adds the word "error" and nothing else. Every other exception is a bug and keeps its traceback.
"""

from __future__ import annotations


class PerfdbError(Exception):
    """A problem that the user can mend; `exit_code` is what the command then returns."""

    exit_code = 3


class UsageError(PerfdbError):
    """The words of the call do not fit together."""

    exit_code = 2


class InputError(PerfdbError):
    """A file or a value that was given cannot be used."""


class TraceError(InputError):
    """Not a trace, or one that is too damaged to read."""


class CollectError(InputError):
    """A profiling run that brought no trace of use: the example or its profiler failed."""


class ConfigError(InputError):
    """A settings file says something that perfdb does not understand."""


class RevisionError(InputError):
    """A revision that neither git nor the history knows."""


class QueryError(InputError):
    """SQL that DuckDB or the sandbox refused."""


class DatabaseError(PerfdbError):
    """The history cannot be opened, read or written."""


class DatabaseLockedError(DatabaseError):
    """Another process holds the database file."""


class DatabaseVersionError(DatabaseError):
    """The file was written by a newer perfdb, or must be upgraded first."""


class MissingToolError(PerfdbError):
    """A program that the command needs is not on this machine."""


class TooLittleDataError(PerfdbError):
    """Nothing is wrong, but the history holds too little to answer."""

    exit_code = 4
