"""File names of examples: safe on every system, and no two the same where letter case does not count."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from perfdb.report.cells import shorten

_FORBIDDEN = re.compile(r'[<>:"/\\|?*%]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)
"""Names of devices on Windows, whatever follows after a full stop."""
MOST_BYTES = 120
"""A name is cut to so many bytes: file systems take 255 in all, and folders lie above."""
_MARK = 8


def file_stems(names: Sequence[str]) -> list[str]:
    """A file name without its ending for each name; one that cannot be the name itself ends with a hash of it."""
    plain = [_safe(name) for name in names]
    met = Counter(_alike(stem) for stem in plain)
    return [
        stem if stem == name and met[_alike(stem)] == 1 else f"{stem}-{_mark(name)}"
        for name, stem in zip(names, plain, strict=True)
    ]


def file_stem(name: str) -> str:
    """The same for one name alone."""
    return file_stems([name])[0]


def _safe(name: str) -> str:
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    text = "".join(char if char.isprintable() else "_" for char in _FORBIDDEN.sub("_", text))
    text = re.sub(r"^[. ]+|[. ]+$", "_", text) or "_"
    if _RESERVED.match(text):
        text = f"_{text}"
    length = len(text)
    while len(text.encode()) > MOST_BYTES:
        length = min(length, len(text)) - 1
        text = shorten(text, length)
    return text


def _alike(stem: str) -> str:
    return unicodedata.normalize("NFC", stem.casefold())


def _mark(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=_MARK // 2).hexdigest()
