"""`perfdb demo`: a worked example, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Make the demo in this folder and keep it. Default: a temporary folder."
        ),
    ] = None,
) -> None:
    """A worked example, made on the spot.

    Makes a small git repository and a dozen traces, records them, and compares two branches.
    """
    from perfdb.demo.story import run_demo

    run_demo(keep, typer.echo)
