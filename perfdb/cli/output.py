"""Where results go: data to standard output or to a file, messages to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from perfdb.errors import InputError

if TYPE_CHECKING:
    from perfdb.cli.progress import ProgressBar
    from perfdb.profile.outcome import Outcome, Resolved
    from perfdb.report import Report

Told = TypeVar("Told", "Outcome", "Resolved")

BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended: the reader of our output has gone."""


def emit(report: Report, format: str, fitted: bool = True) -> None:
    """Print a report; on a terminal, tables are fitted to its width unless `fitted` is False."""
    from perfdb.report import render

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if fitted and is_terminal else None
    text = render(report, format, width, color=is_terminal and _takes_colour())
    if format == "csv":  # which has no place for them
        for caveat in (caveat for block in report.blocks for caveat in block.caveats):
            say(f"! {caveat}")
    emit_text(text)


def _takes_colour() -> bool:
    """Whether the terminal shows colours and the user wants them (no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def emit_text(text: str) -> None:
    """Print text that is the result. Raises InputError where nobody takes it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Typer would make it exit code 1, which is a gate that failed.
        give_up_output()
        raise SystemExit(BROKEN_PIPE) from None
    except OSError as problem:
        give_up_output()
        raise InputError(f"asked to print the result, found that nobody takes it ({problem.strerror}).") from problem


def give_up_output() -> None:
    """Nobody reads our output any more: what is still buffered must not fail again when the interpreter exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(message: str) -> None:
    """Tell something about the work, not its result."""
    print(message, file=sys.stderr)


def tell_each(outcomes: Iterable[Told], line: Callable[[Told], str], bar: ProgressBar, quiet: bool) -> list[Told]:
    """Print a line for each outcome as it comes, and say what failed; `quiet` where they are printed as data later."""
    from perfdb.profile.outcome import FAILED  # which imports numpy, and every command imports this module

    told = []
    for outcome in outcomes:
        told.append(outcome)
        bar.hide()
        if outcome.status == FAILED:
            say(f"error: {outcome.message}")
        elif not quiet:
            print(line(outcome), flush=True)
    return told


def fail_for(exit_codes: Sequence[int], total: int, what: str) -> None:
    """End with an error where some of several things failed; why has been said with each.

    `what` is "traces could not be recorded" and the like; one thing alone ends with its own code.
    """
    if exit_codes and total == 1:
        raise SystemExit(exit_codes[0])
    if exit_codes:
        others = "the others were" if len(exit_codes) < total else "nothing was"
        raise InputError(f"{len(exit_codes)} of {total} {what}; {others}.")


def write_file(path: Path, text: str, force: bool) -> None:
    """Write a file whole or not at all; an existing one is replaced only with `force`. Raises InputError."""
    if path.exists() and not force:
        raise InputError(
            f"asked to write {path}, found that it exists. Add --force to replace it, or name another file."
        )
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise InputError(
            f"asked to write {path}, found that it cannot be ({problem.strerror}). Name another file."
        ) from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
