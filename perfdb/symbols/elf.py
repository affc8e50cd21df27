"""Build ids: how an ELF file says which build it is of, and whether it has what names are made from.

The linker puts a hash of its output into a note, which stays when the file is stripped, and comes along into the
separate `.debug` file. Files of 32 and 64 bits and of both byte orders are read; the tables below have the offsets.

A note is three u32, the sizes of its owner's name and of its content, and its type; then the name and the content, each
padded to 4 bytes.

Source: "Executable and Linking Format (ELF) Specification" 1.2 of the TIS Committee; elf(5) of the Linux manual pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from perfdb.symbols.identity import SymbolFileError

ELF_MAGIC = b"\x7fELF"
PAGE_BYTES = 4096
"""The unit in which images are mapped; larger pages, as some machines have, do not change where an image begins."""

# Fields by name: kind, and offset for 32 and 64 bits. A word is as wide as an address.
_Fields = Mapping[str, tuple[str, int, int]]
_HEADER_BYTES = (52, 64)
_HEADER: _Fields = {
    "segment_table": ("word", 28, 32),
    "section_table": ("word", 32, 40),
    "segment_bytes": ("u2", 42, 54),
    "segment_count": ("u2", 44, 56),
    "section_bytes": ("u2", 46, 58),
    "section_count": ("u2", 48, 60),
    "names_section": ("u2", 50, 62),
}
_SEGMENT_BYTES = (32, 56)
_SEGMENT: _Fields = {
    "type": ("u4", 0, 0),
    "offset": ("word", 4, 8),
    "address": ("word", 8, 16),
    "bytes": ("word", 16, 32),
}
_SECTION_BYTES = (40, 64)
_SECTION: _Fields = {
    "name": ("u4", 0, 0),
    "type": ("u4", 4, 4),
    "offset": ("word", 16, 24),
    "bytes": ("word", 20, 32),
}
_NOTE_HEAD_BYTES = 12

_LOADED_SEGMENT, _NOTE_SEGMENT = 1, 4
_SYMBOLS_SECTION, _NOTE_SECTION, _EMPTY_SECTION = 2, 7, 8
_BUILD_ID_NOTE = (b"GNU\0", 3)
_DEBUG_SECTIONS = frozenset({b".debug_info", b".zdebug_info"})

_MAX_TABLE_BYTES = 64 << 20
_BUILD_ID = re.compile(r"(?:[0-9a-f]{2}){4,64}")


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What an ELF file tells of itself: `build_id` in lower-case hex, "" if it has none.

    `base` is the virtual address that RVAs count from: the lowest one that is loaded, rounded down to its page.
    `first` is that address before it was rounded.
    """

    build_id: str
    first: int
    has_debug_info: bool
    has_symbols: bool

    @property
    def base(self) -> int:
        """The virtual address at RVA 0."""
        return self.first // PAGE_BYTES * PAGE_BYTES


def is_build_id(text: str) -> bool:
    """Whether an id may be the build id of an ELF file: lower-case hex of whole bytes, four at least."""
    return _BUILD_ID.fullmatch(text) is not None


def read_elf(path: Path) -> ElfFacts:
    """The facts of an ELF file; raises SymbolFileError for what is none, or is too damaged to tell."""
    try:
        with path.open("rb") as file:
            return _Elf(file).facts()
    except OSError as error:
        raise SymbolFileError(f"it cannot be read: {error.strerror or error}") from None


class _Elf:
    """The tables of one ELF file, read from where its header says they are."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        begin = file.read(_HEADER_BYTES[1])
        if not begin.startswith(ELF_MAGIC):
            raise SymbolFileError("it is no ELF file" if begin else "it is empty")
        if len(begin) < _HEADER_BYTES[1] or begin[4] not in (1, 2) or begin[5] not in (1, 2):
            raise SymbolFileError("its ELF header is damaged")
        self._wide = begin[4] - 1
        self._order = "<>"[begin[5] - 1]
        header = np.frombuffer(begin, self._layout(_HEADER, _HEADER_BYTES), count=1)[0]
        self._segments = self._table(header, "segment", self._layout(_SEGMENT, _SEGMENT_BYTES))
        self._sections = self._table(header, "section", self._layout(_SECTION, _SECTION_BYTES))
        self._names_section = int(header["names_section"])

    def facts(self) -> ElfFacts:
        loaded = self._segments[self._segments["type"] == _LOADED_SEGMENT]
        kept = self._sections[self._sections["type"] != _EMPTY_SECTION]
        return ElfFacts(
            build_id=next(self._build_ids(), ""),
            first=int(loaded["address"].min()) if len(loaded) else 0,
            has_debug_info=any(name in _DEBUG_SECTIONS for name in self._names(kept)),
            has_symbols=bool(np.any(kept["type"] == _SYMBOLS_SECTION)),
        )

    def _layout(self, fields: _Fields, sizes: tuple[int, int]) -> np.dtype[np.void]:
        word = f"u{4 << self._wide}"
        return np.dtype(
            {
                "names": list(fields),
                "formats": [self._order + (word if kind == "word" else kind) for kind, *_ in fields.values()],
                "offsets": [offsets[self._wide] for _, *offsets in fields.values()],
                "itemsize": sizes[self._wide],
            }
        )

    def _table(self, header: np.void, what: str, layout: np.dtype[np.void]) -> npt.NDArray[np.void]:
        count = int(header[f"{what}_count"])
        if count and header[f"{what}_bytes"] != layout.itemsize:
            raise SymbolFileError(f"its table of {what}s is damaged")
        return np.frombuffer(self._bytes(int(header[f"{what}_table"]), count * layout.itemsize, f"{what}s"), layout)

    def _bytes(self, offset: int, size: int, what: str) -> bytes:
        if size > _MAX_TABLE_BYTES or offset >= 1 << 63:
            raise SymbolFileError(f"its table of {what} is damaged")
        self._file.seek(offset)
        content = self._file.read(size)
        if len(content) < size:
            raise SymbolFileError(f"it is cut off: its table of {what} is missing")
        return content

    def _names(self, sections: npt.NDArray[np.void]) -> Iterator[bytes]:
        if self._names_section < len(self._sections):
            place = self._sections[self._names_section]
            texts = self._bytes(int(place["offset"]), int(place["bytes"]), "names")
            for begin in sections["name"].tolist():
                yield texts[begin : texts.find(b"\0", begin)]

    def _build_ids(self) -> Iterator[str]:
        # In a separate debug file the segments still lie where they lay in the program; its sections are right.
        table = self._sections if len(self._sections) else self._segments
        note_type = _NOTE_SECTION if len(self._sections) else _NOTE_SEGMENT
        for row in table[table["type"] == note_type]:
            for owner, kind, content in self._notes(self._bytes(int(row["offset"]), int(row["bytes"]), "notes")):
                if (owner, kind) == _BUILD_ID_NOTE:
                    yield content.hex()

    def _notes(self, content: bytes) -> Iterator[tuple[bytes, int, bytes]]:
        at = 0
        while at + _NOTE_HEAD_BYTES <= len(content):
            name_bytes, data_bytes, kind = np.frombuffer(content, f"{self._order}u4", 3, at).tolist()
            name = at + _NOTE_HEAD_BYTES
            data = name + _padded(name_bytes)
            yield content[name : name + name_bytes], kind, content[data : data + data_bytes]
            at = data + _padded(data_bytes)


def _padded(size: int) -> int:
    return (size + 3) // 4 * 4
