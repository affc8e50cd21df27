"""The names inside Microsoft's decorated names: scopes, templates, operators, special names, local scopes.

A symbol is `?`, its name with the scopes from the inside out up to an `@`, then its type. Names and scopes that were
written once are referred to by a digit; template arguments count anew.
"""

from __future__ import annotations

import re

from perfdb.symbols.undecorate_tables import CALLING_CONVENTIONS, OPERATORS, TABLES, UNTYPED
from perfdb.symbols.undecorate_types import MAX_BACK_REFERENCES, TypeReader, UndecodableError

ANONYMOUS = "`anonymous namespace'"

# Marks in an unfinished name: a constructor is called as its class and a conversion as its type, both read later.
_CLASS, _TARGET = "\1", "\2"

_LOCAL_SCOPE = re.compile(r"\?(?:[0-9]|@|[B-P][A-P]*@)\?")
_STRING_LITERAL = re.compile(r"\?_C@_[01](?:[0-9]|[A-P]+@)[0-9A-P]+@[^@]*@")
_PACKS = ("$S", "$$V", "$$$V", "$$Z")
_STORAGE = "01234"
_MEMBER_POINTER_OFFSETS = {"1": 0, "H": 1, "I": 2, "J": 3}
_DATA_POINTER_OFFSETS = {"F": 2, "G": 3}


class NameReader(TypeReader):
    """Reads the symbol at the position; `symbol` is the way in."""

    innermost = ""
    """The name, without its scopes, of the declaration that was read last."""

    def symbol(self) -> str:
        """The name of a whole symbol, its type read and left out; raises UndecodableError if it is not well-formed."""
        self.enter()
        self.expect("?")
        name = self._special_symbol() if self.peek() == "?" else None
        if name is None:
            name = self._declaration()
        self.leave()
        return self.bounded(name)

    def _declaration(self) -> str:
        innermost = self._unqualified_symbol()
        name = self._qualified(innermost)
        if self.peek() in _STORAGE:
            self.next()
            self.variable_type()
            thunk, result = "", ""
        else:
            thunk, result = self.function()
        if _TARGET in name:
            if not result:
                raise UndecodableError
            scope, _, arguments = name.rpartition(_TARGET)
            name = f"{scope}operator{arguments} {result}"
        self.innermost = innermost
        return name + thunk

    def _special_symbol(self) -> str | None:
        """A symbol whose name says what its type is; None for others, the position unchanged."""
        if match := _STRING_LITERAL.match(self.source, self.position):
            self.position = match.end()
            return "`string'"
        for code, text in TABLES.items():
            if self.take(code):
                return self._table(text)
        for code, text in UNTYPED.items():
            if self.take(code):
                name = self._qualified(text)
                self.expect("8")
                return name
        if self.take("?_R0"):
            described = self.result_type().text()
            self.expect("@8")
            return f"{described} `RTTI Type Descriptor'"
        if self.take("?_R1"):
            place = ",".join(str(self.number()) for _ in range(4))
            name = self._qualified(f"`RTTI Base Class Descriptor at ({place})'")
            self.take("8")
            return name
        if self.take("?_9"):
            return self._virtual_call()
        for code, text in (("?_B", "`local static guard'"), ("?__J", "`local static thread guard'")):
            if self.take(code):
                return self._guard(text)
        for code, text in (("?__E", "dynamic initializer"), ("?__F", "dynamic atexit destructor")):
            if self.take(code):
                return f"`{text} for '{self._initialized()}''"
        return None

    def _table(self, text: str) -> str:
        name = self._qualified(text)
        if self.next() not in "67":
            raise UndecodableError
        self.qualifiers()
        bases: list[str] = []
        while not self.take("@"):
            bases.append(f"`{self.qualified_type_name()}'")
        return f"{name}{{for {'s '.join(bases)}}}" if bases else name

    def _virtual_call(self) -> str:
        scope = self._qualified("`vcall'")
        self.expect("$B")
        slot = self.number()
        self.expect("A")
        if self.next() not in CALLING_CONVENTIONS:
            raise UndecodableError
        return f"{scope}{{{slot},{{flat}}}}"

    def _guard(self, text: str) -> str:
        name = self._qualified(text)
        if not self.take("4IA"):
            self.expect("5")
        if self.peek().isdecimal() or "A" <= self.peek() <= "P":
            return f"{name}{{{self.number()}}}"
        return name

    def _initialized(self) -> str:
        """The variable of an initializer: a name, or the whole symbol of a static member, then the function's type."""
        if self.take("?"):
            name = self._declaration()
            self.expect("@@")
        else:
            name = self._qualified(self._unqualified_symbol())
            if self.peek() in _STORAGE:  # as older versions of clang wrote a static member
                self.next()
                self.variable_type()
                self.expect("@")
        self.function()
        return name

    def qualified_type_name(self) -> str:
        """A class or enum with its scopes."""
        return self._qualified(self.unscoped_type_name())

    def unscoped_type_name(self) -> str:
        """A class or enum without scopes."""
        if self.peek().isdecimal():
            return self._known_name()
        if self.take("?$"):
            return self._template(is_type=True)
        return self._simple_name()

    def _unqualified_symbol(self, *, is_template: bool = False) -> str:
        if self.peek().isdecimal():
            return self._known_name()
        if not is_template and self.take("?$"):
            return self._template(is_type=False)
        return self._operator() if self.take("?") else self._simple_name()

    def _operator(self) -> str:
        code = self.next()
        if code == "0":
            return _CLASS
        if code == "1":
            return "~" + _CLASS
        if code == "B":
            return _TARGET
        while code in ("_", "__"):
            code += self.next()
        if code == "__K":
            return f'operator""{self._plain_text()}'
        if code not in OPERATORS:
            raise UndecodableError
        return OPERATORS[code]

    def _qualified(self, name: str) -> str:
        """The name with the scopes that follow up to the `@`."""
        parts = [name]
        while not self.take("@"):
            parts.append(self._scope())
        if _CLASS in name:
            if len(parts) == 1:
                raise UndecodableError
            parts[0] = name.replace(_CLASS, parts[1])
        return self.bounded("::".join(reversed(parts)))

    def _scope(self) -> str:
        if self.peek().isdecimal():
            return self._known_name()
        if self.take("?$"):
            return self._template(is_type=True)
        if self.take("?A"):
            self._remember(self._plain_text(allow_empty=True), ANONYMOUS)
            return ANONYMOUS
        if _LOCAL_SCOPE.match(self.source, self.position):
            self.expect("?")
            number = self.number()
            self.expect("?")
            return f"`{self.symbol()}'::`{number}'"
        return self._simple_name()

    def _plain_text(self, *, allow_empty: bool = False) -> str:
        end = self.source.find("@", self.position)
        if end < self.position + (not allow_empty):
            raise UndecodableError
        text = self.source[self.position : end]
        self.position = end + 1
        return text

    def _simple_name(self) -> str:
        if self.peek() == "?":
            raise UndecodableError
        text = self._plain_text()
        self._remember(text, text)
        return text

    def _known_name(self) -> str:
        index = int(self.next())
        if index >= len(self.known_names):
            raise UndecodableError
        return self.known_names[index][1]

    def _remember(self, key: str, text: str) -> None:
        if len(self.known_names) < MAX_BACK_REFERENCES and all(key != known for known, _ in self.known_names):
            self.known_names.append((key, text))

    def _template(self, *, is_type: bool) -> str:
        """A template's name and arguments, its `?$` read. Only types and scopes can be referred to later."""
        self.enter()
        outer = self.known_names, self.known_types
        self.known_names, self.known_types = [], []
        name = self._unqualified_symbol(is_template=True)
        name = self.bounded(f"{name}{self._arguments()}")
        self.known_names, self.known_types = outer
        self.leave()
        if is_type:
            if _CLASS in name or _TARGET in name:
                raise UndecodableError
            self._remember(name, name)
        return name

    def _arguments(self) -> str:
        texts: list[str] = []
        while not self.take("@"):
            if not any(self.take(mark) for mark in _PACKS):
                texts.append(self._argument())
                self.bounded("".join(texts[-2:]))
        listed = self.bounded(",".join(texts))
        return f"<{listed} >" if listed.endswith(">") else f"<{listed}>"

    def _argument(self) -> str:
        if self.take("$M"):  # `auto`: the type, which is not written, and the value without its `$`
            self.plain_type()
            return self._value() or self.plain_type().text()
        if self.take("$$Y"):
            return self.qualified_type_name()
        if self.take("$$B"):
            return self.plain_type().text()
        if self.take("$$C"):
            return self.qualified_type().text()
        if self.peek() == "$" and self.source[self.position + 1] != "$":
            self.next()
            value = self._value()
            if value is None:
                raise UndecodableError
            return value
        return self.plain_type().text()

    def _value(self) -> str | None:
        """An argument that is no type, its `$` read: a number, or a pointer to something. None if it is neither."""
        letter = self.peek()
        if letter == "0":
            self.next()
            return str(self.number())
        if letter == "E" and self.source[self.position + 1] == "?":
            self.next()
            return self.symbol()
        if letter in _MEMBER_POINTER_OFFSETS:
            self.next()
            return self._member_pointer(_MEMBER_POINTER_OFFSETS[letter])
        if letter in _DATA_POINTER_OFFSETS:
            self.next()
            return "{" + ",".join(str(self.number()) for _ in range(_DATA_POINTER_OFFSETS[letter])) + "}"
        return None

    def _member_pointer(self, offsets: int) -> str:
        """A pointer to a function or object; to a member of several bases with the offsets of its `this`."""
        parts: list[str] = []
        if self.peek() == "?":
            parts.append(self.symbol())
            self._remember(self.innermost, self.innermost)
        if offsets == 0:
            if not parts:
                raise UndecodableError
            return f"&{parts[0]}"
        parts += [str(self.number()) for _ in range(offsets)]
        return "{" + ",".join(parts) + "}"
