"""Names in events: decoded once for each distinct run of bytes, and numbered."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import numpy as np

from perfdb.etl.events import Events
from perfdb.etl.hashing import hash_runs
from perfdb.profile.columns import I64
from perfdb.profile.grouping import distinct, ranges

T = TypeVar("T", bound=Hashable)

ProcessText = tuple[str, str]
"""Image name and command line."""

DebugText = tuple[str, str]
"""Debug id (the guid and age of a PDB, as in a symbol store) and the PDB's name."""


_NAMELESS_TYPE = re.compile(r"\bpMT: [0-9A-Fa-f]+\b")
_LEFT_OUT = re.compile(r"\b(?:value )?class |(?<![\w.])[\w.]*\.(?=[^\W\d]|<)")
"""What is left out of a managed method's arguments: `class`, `value class`, and what stands before a type's last dot,
unless no name follows it (`int32[0...]`).
"""


class Distinct(Generic[T]):
    """Distinct decoded values, numbered in the order in which they were first met."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._number: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of a value, a new one where it is met for the first time."""
        known = self._number.setdefault(value, len(self.values))
        if known == len(self.values):
            self.values.append(value)
        return known


def decode_distinct(events: Events, rows: I64, offset: I64, decode: Callable[[bytes], T], texts: Distinct[T]) -> I64:
    """The number in `texts` of each row's decoded payload, from `offset` to its end.

    Rundown repeats the same few hundred names for every process, so each distinct run of bytes, told by its hash, is
    decoded once. An offset is a multiple of 4, as all fields before a name are.
    """
    start = events.payload[rows] + offset
    length = events.payload_bytes[rows] - offset
    units = -(-length // 4)
    values = events.u32[ranges(start >> 2, units)].astype(np.uint64)
    ends = np.cumsum(units)
    # Of the last four bytes only the run's own count.
    broken = np.flatnonzero(length % 4)
    values[ends[broken] - 1] &= (np.uint64(1) << (8 * (length[broken] % 4)).astype(np.uint64)) - np.uint64(1)
    first, group = distinct(hash_runs(values, ends - units, units), length)
    contents = (
        events.batch.data[at : at + size].tobytes()
        for at, size in zip(start[first].tolist(), length[first].tolist(), strict=True)
    )
    order = np.argsort(first)
    numbers = np.zeros(len(first), np.int64)
    decoded = [decode(content) for content in contents]
    # Numbers are given in the order of the rows, so that they do not depend on the hash.
    numbers[order] = [texts.number(decoded[each]) for each in order.tolist()]
    return numbers[group]


def utf16(content: bytes) -> str:
    """The UTF-16 string up to its NUL, or to the end of the bytes."""
    return utf16_strings(content)[0]


def utf16_strings(content: bytes) -> list[str]:
    """All NUL-ended UTF-16 strings of some bytes; what is not valid becomes U+FFFD."""
    return content[: len(content) & ~1].decode("utf-16-le", "replace").split("\0")


def process_names(content: bytes) -> ProcessText:
    """The image name (ANSI) and the command line (UTF-16) at the end of a process event."""
    name, _, rest = content.partition(b"\0")
    return name.decode("cp1252", "replace"), utf16(rest)


def method_name(content: bytes) -> str | None:
    r"""A managed method's `Namespace.Type.Method(arguments)` from the strings of its event; None if they are damaged.

    The strings are the type's full name, the method's name and its signature, each UTF-16 and NUL-ended; none is whole
    without its NUL, and a method without a name has none. The first two stand as the runtime spells them, as in
    `List`1[System.__Canon]` or `dynamicClass`, the arguments shortly: `instance void  (class System.String[],int32&)`
    gives `(String[],int32&)`. `class` and `value class` go, and the namespaces of types; a type that the runtime tells
    by its address (`pMT: 093FF280`), which is another in each run, is `pMT`. A signature without a list of arguments
    adds nothing. What cannot be printed is written as `\u` and its number in hex.
    """
    # What follows the strings is no text: it must not decide whether they are.
    strings = content[: len(content) & ~1].decode("utf-16-le", "surrogatepass").split("\0", 3)
    if len(strings) < 4 or not strings[1]:
        return None
    type_name, name, signature, _ = strings
    start = signature.find("  (") if "  (" in signature else signature.find("(")
    arguments = signature[start:].lstrip() if start >= 0 else ""
    if "pMT: " in arguments:
        arguments = _NAMELESS_TYPE.sub("pMT", arguments)
    arguments = _LEFT_OUT.sub("", arguments)
    whole = (f"{type_name}.{name}" if type_name else name) + arguments
    if whole.isprintable():
        return whole
    if any("\ud800" <= each <= "\udfff" for each in whole):
        return None
    return "".join(each if each.isprintable() else f"\\u{ord(each):04X}" for each in whole)


def rsds_names(content: bytes) -> DebugText:
    """The debug id and the PDB's name at the end of a DbgID_RSDS event: guid 16 bytes, age u32, name."""
    low, mid, high = (int.from_bytes(content[a:b], "little") for a, b in ((0, 4), (4, 6), (6, 8)))
    age = int.from_bytes(content[16:20], "little")
    debug_id = f"{low:08X}{mid:04X}{high:04X}{content[8:16].hex().upper()}{age:x}"
    return debug_id, content[20:].partition(b"\0")[0].decode("utf-8", "replace")
