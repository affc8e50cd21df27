"""The command line: a command parses, calls one verb of `perfdb.api`, and prints.

`main` owns exit codes and streams. It imports Typer only when called, and every command imports what it needs when it
runs, so that `perfdb --help` costs no database.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program on the arguments (default: the process's own) and return its exit code; see `perfdb.errors`."""
    from perfdb.cli.app import app
    from perfdb.cli.output import say
    from perfdb.errors import PerfdbError

    _prepare_streams()
    if sys.stdout is None:  # a shell closed it: `perfdb runs >&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # as long as the process
    try:
        app(args=list(sys.argv[1:] if argv is None else argv), prog_name="perfdb")
    except SystemExit as stop:
        return _flushed(stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1)
    except PerfdbError as problem:
        sys.stdout.flush()
        say(f"error: {problem}")
        return problem.exit_code
    return _flushed(0)


INTERRUPTED = 130
"""What a shell reports for a program that Ctrl+C ended."""


def entry() -> None:
    """The console script. Ctrl+C before a command has begun, or as it cleans up, ends it without a traceback."""
    try:
        code = main()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except ImportError as problem:
        if not isinstance(problem.__cause__, KeyboardInterrupt):  # what DuckDB makes of it while it is loaded
            raise
        code = INTERRUPTED
    sys.exit(code)


def _prepare_streams() -> None:
    """Names in traces hold any character; a console that cannot show one must not stop the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _flushed(code: int) -> int:
    """Write out what is buffered while errors can still be told from success."""
    from perfdb.cli.output import BROKEN_PIPE, give_up_output

    try:
        sys.stdout.flush()
    except BrokenPipeError:
        give_up_output()
        return BROKEN_PIPE
    return code
