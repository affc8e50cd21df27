"""Options that several commands share, so that they read and mean the same everywhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from perfdb.errors import UsageError


class Format(StrEnum):
    """How a table is printed."""

    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"


class By(StrEnum):
    """What costs are listed by."""

    module = "module"
    function = "function"
    both = "both"


class Templates(StrEnum):
    """What becomes of template arguments in names."""

    keep = "keep"
    fold = "fold"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
ByOption = Annotated[By, typer.Option("--by", help="List modules, functions, or both.")]
TopOption = Annotated[int, typer.Option("--top", min=0, metavar="N", help="How many rows a table has; 0 for all.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Everything: all rows and columns, and names as long as they are.")
]
ProcessOption = Annotated[
    str | None,
    typer.Option(
        "--process", metavar="NAME", help="The process to look at, by name or pid. Default: the main process."
    ),
]
AllProcessesOption = Annotated[bool, typer.Option("--all-processes", help="Count the work of every process.")]
ExampleOption = Annotated[
    list[str] | None, typer.Option("--example", metavar="NAME", help="Only this example; may be repeated.")
]
BuildOption = Annotated[
    str | None, typer.Option("--build", metavar="KIND", help="Only runs of this build kind (Debug, Release, …).")
]

BuildKindOption = Annotated[
    str | None, typer.Option("--build", metavar="KIND", help="The build kind: Debug, Release, …")
]
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", metavar="K=V", help="A label to keep with the run; may be repeated.")
]

TargetArgument = Annotated[
    str | None, typer.Argument(metavar="REV|RUN", help="A revision or a run. Default: HEAD, or the newest run.")
]
BaselineArgument = Annotated[
    str, typer.Argument(metavar="A", help="The baseline; `A...B` compares B with its merge base with A.")
]
ContenderArgument = Annotated[str | None, typer.Argument(metavar="B", help="The contender. Default: HEAD.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not to standard output.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")]

SymbolsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--symbols",
        metavar="DIR",
        help="Where symbol files are: a folder, or srv*CACHE*SERVER; may be repeated. Comes before the path of the "
        "settings, or of $_NT_SYMBOL_PATH.",
    ),
]
TemplatesOption = Annotated[
    Templates | None,
    typer.Option("--templates", help="Tell template arguments in names, or make all of a template one. Default: keep."),
]


def key_values(pairs: list[str] | None, option: str) -> dict[str, str]:
    """`k=v` pairs as a dictionary; raises UsageError for a pair that is none."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"{option} takes key=value, found {pair!r}. Type for example: {option} compiler=msvc-19.40"
            )
        if key.strip() in found:
            raise UsageError(f"{option} was given {key.strip()} twice: say which value it has")
        found[key.strip()] = value
    return found


def limit(top: int) -> int | None:
    """`--top 0` means no limit."""
    return top or None


def most_rows(context: typer.Context, top: int, verbose: bool) -> int | None:
    """How many rows a table has, None for all: `--verbose` lifts the limit, but not one that was typed."""
    source = context.get_parameter_source("top")
    return None if verbose and (source is None or source.name != "COMMANDLINE") else limit(top)
