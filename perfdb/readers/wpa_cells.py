"""The cells of a wpaexporter CSV: labels of columns, and stacks.

A stack is one text, its frames root first and joined by `/`, which also stands in names (`operator/`, paths of managed
code, `n/a`). So a `/` divides only where what follows begins like a frame: with `module!`, the module being free of the
characters ``< > ( ) : * ? " | ,`` that stand in function names; or as one of `[Root]`, `Idle`, `?!?`, `n/a`. Anything
else goes on with the function name before it, if there is one to go on with.
"""

from __future__ import annotations

import re

from perfdb.profile.columns import UNRESOLVED
from perfdb.readers.symbol_text import split_symbol

UNIT_DIGITS = {"ns": 0, "us": 3, "µs": 3, "μs": 3, "ms": 6, "s": 9}
"""Units of time in labels, by the power of ten that makes them ns. Greek mu and the micro sign look alike."""

_LABEL = re.compile(r"(?P<name>.*?)\s*(?:\((?P<unit>[^()]{1,3})\))?")
_MODULE = re.compile(r'[^<>():*?"|,]+|\?|"[^"]*"|\*\*\*unknown\*\*\*')
_WHOLE_FRAMES = ("[Root]", "Idle", "?!?")

_PLACEHOLDERS = ("<symbols disabled>", "<pdb not found>", "<missing imageid event>")
"""What WPA writes for a function when it has no symbols."""


def split_label(label: str) -> tuple[str, str]:
    """The name of a column in lower case, without "(in view)", and its unit; "" where it has none."""
    match = _LABEL.fullmatch(" ".join(label.strip("\ufeff").lower().replace("(in view)", " ").split()))
    return (match["name"], match["unit"] or "") if match else (label, "")


def split_stack(cell: str) -> list[str]:
    """The frames of a stack, root first, as the module says; none for `n/a`, an empty cell or `[Root]` alone."""
    frames: list[str] = []
    pieces = cell.strip().split("/")
    number = 0
    while number < len(pieces):
        piece = pieces[number]
        number += 1
        if piece == "n" and pieces[number : number + 1] == ["a"]:
            frames.append("n/a")
            number += 1
        elif frames and frames[-1] != "?!?" and "!" in frames[-1] and not _begins_frame(piece):
            frames[-1] += f"/{piece}"
        elif piece:
            frames.append(piece)
    if frames and frames[0] == "[Root]":
        frames.pop(0)
    return [] if frames == ["n/a"] else frames


def _begins_frame(piece: str) -> bool:
    module, divider, _ = piece.partition("!")
    return piece in _WHOLE_FRAMES or (bool(divider) and _MODULE.fullmatch(module) is not None)


def split_frame(text: str) -> tuple[str, str]:
    """The module and the function of a frame; `<unknown>` and `<unresolved>` where it has none."""
    module, function = split_symbol(text)
    return module, UNRESOLVED if function.lower() in _PLACEHOLDERS else function
