"""The types inside Microsoft's decorated names, read from left to right and written as C++ declares them.

A type is kept as what stands left and right of the place where a name would be, because pointers to functions and to
arrays are written around it. Back references make a short name stand for a long one (each may double it), so depth
and length are bounded: what exceeds the bounds counts as not decodable.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from perfdb.symbols.undecorate_tables import (
    ADJUSTED,
    BUILT_IN_TYPES,
    CALLING_CONVENTIONS,
    FUNCTION_KINDS,
    MEMBER,
    MEMBER_QUALIFIERS,
    POINTERS,
    QUALIFIERS,
    TAGS,
)

MAX_DEPTH = 64
"""How deep types, templates and scopes may nest; a level takes up to five Python calls."""

MAX_CHARS = 16_384
"""The longest text that a name, or a part of it, may become."""

MAX_BACK_REFERENCES = 10
MAX_DIMENSIONS = 100
_POINTER_QUALIFIERS = re.compile(r"\*((?: const| volatile)+)$")
END = "\0"
"""Stands behind the last character, so that looking one ahead never fails; no rule takes it."""


class UndecodableError(Exception):
    """A name that does not follow the scheme, or exceeds the bounds. It never leaves `undecorate`."""


class CppType(NamedTuple):
    """A type around the place of its name: `int (__cdecl*` and `)(char)`.

    `inner` is not None for functions and arrays, to which a pointer is written in brackets: there it is what stands in
    the brackets before the `*` (the calling convention).
    """

    left: str
    right: str = ""
    inner: str | None = None

    def text(self) -> str:
        """The type without a name."""
        return f"{self.left} {self.inner}{self.right}" if self.inner else self.left + self.right


class TypeReader:
    """Reads types at a position that moves on. `NameReader` adds the names, which types are made of and made into."""

    def __init__(self, decorated: str) -> None:
        self.source = decorated + END
        self.position = 0
        self.depth = 0
        self.known_names: list[tuple[str, str]] = []
        self.known_types: list[CppType] = []

    def qualified_type_name(self) -> str:
        """A class or enum with its scopes."""
        raise NotImplementedError

    def unscoped_type_name(self) -> str:
        """A class or enum without scopes."""
        raise NotImplementedError

    def peek(self) -> str:
        """The next character, `END` at the end."""
        return self.source[self.position]

    def next(self) -> str:
        """Take the next character."""
        character = self.source[self.position]
        if character == END:
            raise UndecodableError
        self.position += 1
        return character

    def take(self, expected: str) -> bool:
        """Take these characters if they come next."""
        if not self.source.startswith(expected, self.position):
            return False
        self.position += len(expected)
        return True

    def expect(self, expected: str) -> None:
        """Take these characters, which must come next."""
        if not self.take(expected):
            raise UndecodableError

    def enter(self) -> None:
        """Go one level down; `leave` goes up again. After a failure nobody reads on, so that need not be undone."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UndecodableError

    def leave(self) -> None:
        """Go one level up."""
        self.depth -= 1

    def number(self) -> int:
        """A number: `0` to `9` are 1 to 10, else digits `A` to `P` up to an `@`; a `?` before it is a minus."""
        sign = -1 if self.take("?") else 1
        if self.peek().isdecimal():
            return sign * (int(self.next()) + 1)
        value = 0
        while (digit := self.next()) != "@":
            if not "A" <= digit <= "P":
                raise UndecodableError
            value = value * 16 + ord(digit) - ord("A")
        return sign * (value % 2**64)

    def bounded(self, text: str) -> str:
        """The text itself, if it is not too long."""
        if len(text) > MAX_CHARS:
            raise UndecodableError
        return text

    def qualifiers(self) -> str:
        """What a pointer or `this` points to is: "", " const", … ."""
        letter = self.next()
        found = QUALIFIERS.get(letter, MEMBER_QUALIFIERS.get(letter))
        if found is None:
            raise UndecodableError
        return found

    def result_type(self) -> CppType:
        """The type of a function's result, whose qualifiers are there only after a `?`."""
        return self.qualified_type() if self.take("?") else self.plain_type()

    def qualified_type(self) -> CppType:
        """A type with its qualifiers before it."""
        qualifiers = self.qualifiers()
        return _qualify(self.plain_type(), qualifiers)

    def plain_type(self) -> CppType:
        """A type without qualifiers of its own."""
        self.enter()
        letter = self.peek()
        if letter in TAGS:
            kind = self._tagged()
        elif letter in POINTERS:
            kind = self._pointer(POINTERS[self.next()])
        elif self.take("$$Q"):
            kind = self._pointer("&&")
        elif letter == "Y":
            kind = self._array()
        elif self.take("$$A6"):
            kind = self.function_type(has_this=False)
        elif self.take("$$A8@@"):
            kind = self.function_type(has_this=True)
        elif self.take("$$T"):
            kind = CppType("std::nullptr_t")
        elif self.take("?"):
            kind = CppType(self.unscoped_type_name())
            self.expect("@")
        else:
            kind = self._built_in()
        self.leave()
        self.bounded(kind.left + kind.right)
        return kind

    def _built_in(self) -> CppType:
        letters = self.next()
        if letters == "_":
            letters += self.next()
        if letters not in BUILT_IN_TYPES:
            raise UndecodableError
        return CppType(BUILT_IN_TYPES[letters])

    def _tagged(self) -> CppType:
        tag = TAGS[self.next()]
        if tag == "enum ":
            self.expect("4")
        return CppType(tag + self.qualified_type_name())

    def _array(self) -> CppType:
        self.expect("Y")
        rank = self.number()
        if not 0 < rank <= MAX_DIMENSIONS:
            raise UndecodableError
        sizes = [self.number() for _ in range(rank)]
        element = self.qualified_type() if self.take("$$C") else self.plain_type()
        # The size of an array of unknown bound is 0.
        dimensions = "".join(f"[{size or ''}]" for size in sizes)
        return CppType(element.left, dimensions + element.right, "")

    def _pointer(self, mark: str) -> CppType:
        """A pointer or reference, its own letter read: to a function (6), to a member function (8), else to a type."""
        if self.take("6"):
            return _pointer_to(self.function_type(has_this=False), mark)
        if self.take("8"):
            owner = self.qualified_type_name()
            return _pointer_to(self.function_type(has_this=True), f" {owner}::{mark}")
        self.pointer_extras()
        letter = self.peek()
        if letter not in MEMBER_QUALIFIERS:
            return _pointer_to(self.qualified_type(), mark)
        self.next()
        owner = self.qualified_type_name()
        target = _qualify(self.plain_type(), MEMBER_QUALIFIERS[letter])
        return _pointer_to(target, f"{owner}::{mark}")

    def pointer_extras(self) -> None:
        """Skip `__ptr64`, `__restrict` and `__unaligned`, which are not written."""
        self.take("E")
        self.take("I")
        self.take("F")

    def function_type(self, *, has_this: bool) -> CppType:
        """A function's type, as that of a pointer's target or a template argument."""
        convention, result, behind = self._signature(has_this=has_this)
        return CppType(result.left, behind + result.right, convention)

    def _signature(self, *, has_this: bool) -> tuple[str, CppType, str]:
        """Calling convention, result (nothing for a constructor), and parameters with the qualifiers of `this`."""
        qualifiers = ""
        if has_this:
            self.pointer_extras()
            reference = " &" if self.take("G") else " &&" if self.take("H") else ""
            qualifiers = self.qualifiers() + reference
        convention = CALLING_CONVENTIONS.get(self.next())
        if convention is None:
            raise UndecodableError
        result = CppType("") if self.take("@") else self.result_type()
        behind = f"({self._parameters()}){qualifiers}"
        if self.take("_E"):
            behind += " noexcept"
        else:
            self.expect("Z")
        return convention, result, behind

    def _parameters(self) -> str:
        """The types of a function's parameters. The first ten that take more than one letter can be referred to."""
        if self.take("X"):
            return "void"
        texts: list[str] = []
        while True:
            if self.take("@"):
                break
            if self.take("Z"):
                texts.append("...")
                break
            texts.append(self._parameter().text())
        return self.bounded(",".join(texts))

    def _parameter(self) -> CppType:
        if self.peek().isdecimal():
            index = int(self.next())
            if index >= len(self.known_types):
                raise UndecodableError
            return self.known_types[index]
        start = self.position
        kind = self.plain_type()
        if self.position - start > 1 and len(self.known_types) < MAX_BACK_REFERENCES:
            self.known_types.append(kind)
        return kind

    def variable_type(self) -> None:
        """Skip the type of a variable and what follows it: qualifiers, and the class again for pointers to members."""
        is_pointer = self.peek() in POINTERS or self.source.startswith("$$Q", self.position)
        self.plain_type()
        if is_pointer:
            self.pointer_extras()
        letter = self.peek()
        self.qualifiers()
        if letter in MEMBER_QUALIFIERS:
            self.qualified_type_name()

    def function(self) -> tuple[str, str]:
        """What follows a function's name: the text that a thunk adds to it, and the type of its result, "" if none."""
        for origin in ("$$J0", "$$h", "$$F", "$$H"):  # extern "C"; ARM64EC; native and managed code of C++/CLI
            self.take(origin)
        letter = self.next()
        if letter == "9":  # extern "C", in the scope of a local name
            return "", ""
        if letter == "$":
            return self._virtual_thunk()
        kind = FUNCTION_KINDS.get(letter)
        if kind is None:
            raise UndecodableError
        thunk = f"`adjustor{{{self.number()}}}'" if kind == ADJUSTED else ""
        _, result, _ = self._signature(has_this=kind in (MEMBER, ADJUSTED))
        return thunk, result.text()

    def _virtual_thunk(self) -> tuple[str, str]:
        extended = self.take("R")
        if self.next() not in "012345":
            raise UndecodableError
        numbers = ",".join(str(self.number()) for _ in range(4 if extended else 2))
        _, result, _ = self._signature(has_this=True)
        return f"`vtordisp{'ex' if extended else ''}{{{numbers}}}'", result.text()


def _qualify(kind: CppType, qualifiers: str) -> CppType:
    """The type with qualifiers; a pointer that is const by its own letter is told so a second time by its pointer."""
    match = _POINTER_QUALIFIERS.search(kind.left)
    own = match[1].split() if match else []
    return kind._replace(left=kind.left + "".join(f" {word}" for word in qualifiers.split() if word not in own))


def _pointer_to(kind: CppType, mark: str) -> CppType:
    if kind.inner is None:
        return CppType(f"{kind.left} {mark}", kind.right)
    return CppType(f"{kind.left} ({kind.inner}{mark}", f"){kind.right}")
