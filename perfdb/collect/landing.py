"""Traces land whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from perfdb.collect.failures import quoted
from perfdb.collect.process import Ended
from perfdb.errors import CollectError
from perfdb.etl import looks_like_etl

_HEAD_BYTES = 1 << 16


def land(made: Path, target: Path) -> None:
    """Move a finished file to where it belongs, replacing what is there. Raises CollectError."""
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.move(made, part)  # a copy, where the folder is on another disk
        part.replace(target)
    except OSError as problem:
        raise CollectError(
            f"asked to put the trace at {target}, found that this fails ({problem.strerror or problem}). "
            "Check the folder's rights, and the room on the disk."
        ) from problem
    finally:
        part.unlink(missing_ok=True)


def land_etl(made: Path, target: Path, who: str, ended: Ended) -> None:
    """The same for an `.etl`, which must be one. Raises CollectError with the words of the program that wrote it."""
    try:
        with made.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        what = "wrote no trace"
    else:
        what = "left an empty trace" if not head else "" if looks_like_etl(head) else "wrote something that is no .etl"
    if what:
        raise CollectError(f"{who} ended well, but {what}{quoted(ended.lines)}. Check the room on the disk.")
    land(made, target)
