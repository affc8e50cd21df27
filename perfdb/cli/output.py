"""Where results go: data to standard output or to a file, messages to standard error."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from perfdb.errors import InputError

if TYPE_CHECKING:
    from perfdb.cli.progress import ProgressBar
    from perfdb.profile.outcome import Outcome, Resolved
    from perfdb.report import Report

Told = TypeVar("Told", "Outcome", "Resolved")

BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended: the reader of our output has gone."""


MORE = "-v shows all"
"""How to see what a terminal has no room for, in commands that take -v."""


def emit(report: Report, format: str, fitted: bool = True, verbose: bool | None = None) -> None:
    """Print a report; on a terminal no line is wider than it.

    Tables lose names' middles and columns to that end; with `fitted` False they are written record by record instead.
    `verbose` is None for commands that have no such option; with it, nothing is cut or broken.
    """
    from perfdb.report import render

    is_terminal = sys.stdout.isatty()
    more = "" if verbose is None else MORE
    width = None if verbose else _width_of(sys.stdout)
    text = render(report, format, width, color=is_terminal and _takes_colour(), more=more, shortens=fitted)
    if format == "csv":  # which has no place for them
        for caveat in (caveat for block in report.blocks for caveat in block.caveats):
            say(f"! {caveat}")
    emit_text(text)


def _width_of(stream: TextIO) -> int | None:
    """The columns of the terminal that the stream goes to; None where it goes elsewhere: files are never cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _takes_colour() -> bool:
    """Whether the terminal shows colours and the user wants them (no-color.org, and CLICOLOR=0)."""
    refuses = os.environ.get("NO_COLOR") or os.environ.get("CLICOLOR") == "0"
    return not refuses and os.environ.get("TERM") != "dumb"


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
    """Tell something about the work, not its result; on a terminal, in lines that fit."""
    print(_lines(message, sys.stderr), file=sys.stderr)


def say_result(line: str) -> None:
    """Print a line of the result as it comes; on a terminal, broken to fit it."""
    print(_lines(line, sys.stdout), flush=True)


def _lines(text: str, stream: TextIO) -> str:
    """The lines of a text, safe to print, for names come from files of strangers; broken to fit a terminal."""
    from perfdb.report.cells import printable
    from perfdb.report.widths import wrapped

    lines, width = [printable(line) for line in text.split("\n")], _width_of(stream)
    return "\n".join(lines if width is None else [part for line in lines for part in wrapped(line, width)])


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
            say_result(line(outcome))
    return told


def fail_for(exit_codes: Sequence[int], total: int, what: str, done: str = "") -> None:
    """End with an error where some of several things failed; why has been said with each.

    `what` is "traces could not be recorded" and the like, `done` what the others are where that does not say it; one
    thing alone ends with its own code.
    """
    if exit_codes and total == 1:
        raise SystemExit(exit_codes[0])
    if exit_codes:
        is_all = len(exit_codes) == total
        others = f"nothing is {done}" if is_all else f"the others are {done}"
        if not done:
            others = "nothing was" if is_all else "the others were"
        raise InputError(f"{len(exit_codes)} of {total} {what}; {others}.")


def write_file(path: Path, text: str, force: bool) -> None:
    """Write a file whole or not at all; an existing one is replaced only with `force`. Raises InputError."""
    if path.is_dir():
        raise InputError(f"asked to write {path}, found that it is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"asked to write {path}, found no folder {path.parent}. Make it, or name another file.")
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
