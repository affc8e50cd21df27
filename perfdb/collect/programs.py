"""Where the programs of others are: where the settings say, in places of their own, on PATH."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from perfdb.errors import MissingToolError


def find_program(
    name: str,
    named: Path | None,
    environ: Mapping[str, str],
    *,
    before_path: Iterable[Path] = (),
    after_path: Iterable[Path] = (),
) -> Path | None:
    """The program that the settings name, and no other if they do; else the first of some places, PATH among them."""
    if named is not None:
        found = shutil.which(named)
        return Path(found) if found else None
    placed = next((path for path in before_path if path.is_file()), None)
    if placed is not None:
        return placed
    found = shutil.which(name, path=environ.get("PATH", ""))
    if found:
        return Path(found).absolute()
    return next((path for path in after_path if path.is_file()), None)


def missing_as_named(asked: str, tool: str, named: Path, file: Path | None) -> MissingToolError:
    """What to say where the settings name a program that is not there; `asked` is what it was to do, with its name."""
    return MissingToolError(
        f"asked to {asked}, found no program at {named}, where {file} has it. Mend program under [{tool}] there."
    )
