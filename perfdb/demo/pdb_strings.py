"""Tables of texts in a made-up PDB, and the hash by which PDBs find names.

    offset  bytes  what
         0      4  0xEFFEEFFE
         4      4  version of the hash, 1
         8      4  bytes of the texts
        12         the texts, each with a NUL: one is told by where it begins among them; the first is ""
                4  places of the table
             4 ×n  where a text begins, 0 for none: each stands at its hash or at the next free place after it
                4  texts, without ""

Source: what LLVM's "The PDB File Format" (https://llvm.org/docs/PDB/) and Microsoft's published writer say of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_SIGNATURE, _VERSION = 0xEFFE_EFFE, 1


@dataclass(slots=True)
class Strings:
    """Texts, each distinct one once."""

    places: dict[str, int] = field(default_factory=lambda: {"": 0})
    size: int = 1

    def place(self, text: str) -> int:
        """Where a text begins; it is added where it is new."""
        if text not in self.places:
            self.places[text] = self.size
            self.size += len(text.encode()) + 1
        return self.places[text]

    def content(self) -> bytes:
        """The texts alone."""
        return b"".join(text.encode() + b"\0" for text in self.places)

    def stream(self) -> bytes:
        """The whole table."""
        content = self.content()
        room = 2 * len(self.places)
        table = [0] * room
        for text, place in self.places.items():
            if text:
                at = name_hash(text.encode()) % room
                while table[at]:
                    at = (at + 1) % room
                table[at] = place
        head = struct.pack("<3I", _SIGNATURE, _VERSION, len(content))
        return head + content + struct.pack(f"<{room + 2}I", room, *table, len(self.places) - 1)


def name_hash(content: bytes) -> int:
    """The hash by which PDBs find names, version 1: it does not tell upper from lower case in ASCII letters."""
    whole = len(content) // 4 * 4
    value = 0
    for (word,) in struct.iter_unpack("<I", content[:whole]):
        value ^= word
    rest = content[whole:]
    if len(rest) >= 2:
        value ^= int.from_bytes(rest[:2], "little")
        rest = rest[2:]
    if rest:
        value ^= rest[0]
    value |= 0x2020_2020
    value ^= value >> 11
    return value ^ value >> 16
