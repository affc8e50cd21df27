"""`perfdb export`: the stacks of a run or a revision, for other tools."""

from __future__ import annotations

import io
import sys
from enum import StrEnum
from typing import Annotated

import typer

from perfdb.cli.options import (
    AllProcessesOption,
    BuildOption,
    ExampleOption,
    ForceOption,
    OutputOption,
    ProcessOption,
    TargetArgument,
)


class As(StrEnum):
    """The formats that runs are exported in."""

    speedscope = "speedscope"
    firefox = "firefox"
    folded = "folded"


def export(
    context: typer.Context,
    format: Annotated[
        As,
        typer.Option(
            "--as",
            help="The format to write: speedscope for speedscope.app (name the file .speedscope.json), firefox for "
            'profiler.firefox.com, "Load a profile from file" (.json), folded for what draws flame graphs (.folded).',
        ),
    ],
    target: TargetArgument = None,
    example: ExampleOption = None,
    process: ProcessOption = None,
    all_processes: AllProcessesOption = False,
    build: BuildOption = None,
    output: OutputOption = None,
    force: ForceOption = False,
) -> None:
    """Write the stacks of a run, or of a revision's runs, for other tools."""
    from perfdb.api import Scope
    from perfdb.cli.output import say, write_file

    scope = Scope(tuple(example or ()), process, all_processes, build)
    exported = context.obj.history().export(target, scope, format)
    for note in exported.notes:
        say(f"! {note}")
    if output is None:
        _print(exported.text)
        return
    write_file(output, exported.text, force)
    runs = f"{exported.runs} run{'s' if exported.runs != 1 else ''}"
    say(f"wrote {exported.stacks:,} stacks, {exported.samples:,} samples of {runs}, to {output}")


def _print(text: str) -> None:
    """Print a file's text: the same bytes as in the file, unless it goes to a terminal."""
    from perfdb.cli.output import emit_text

    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    emit_text(text)
