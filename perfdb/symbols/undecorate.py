"""Linker names to C++ names, in pure Python: what `UnDecorateSymbolName(…, UNDNAME_NAME_ONLY)` does on Windows.

    ?push_back@?$vector@H@std@@QEAAXAEBH@Z     std::vector<int>::push_back
    ??__Eready@@YAXXZ                          `dynamic initializer for 'ready''
    ?count@?1??next@@YAHXZ@4HA                 `next'::`2'::count
    _close@4, @open@8, _main (x86), sum@@16    close, open, main, sum
    __imp__close@4 (x86), __imp_?f@n@@YAXXZ    __imp_close, __imp_n::f

The result has no return type, access, calling convention or parameters; the name of a conversion operator keeps its
type, a thunk what it adds. Pointers to functions among template arguments are written by name, `call<&n::f>`.

What cannot be read to its last character comes back as it is: never an exception, never half a name. So do Itanium
names (`_Z…`), names that are hashes (`??@…@`), type descriptors (`.?AV…`), and arguments that are objects of classes
or floating-point numbers, whose form nobody describes. Names longer than `MAX_DECORATED_CHARS` are not tried.
"""

from __future__ import annotations

import re

from perfdb.symbols.undecorate_names import NameReader
from perfdb.symbols.undecorate_types import UndecodableError

MAX_DECORATED_CHARS = 16_384
"""Microsoft's compiler cuts names at 4,096 characters and hashes longer ones; clang's may be longer."""

_IMPORT = "__imp_"
_FUNCLET = re.compile(r"\?(?P<funclet>\w+\$\d+)@\?0\?(?P<function>.+?)@?@4HA")

# https://learn.microsoft.com/cpp/build/reference/decorated-names: the forms that C names take.
_VECTORCALL = re.compile(r"(?P<name>[^?@][^@]*)@@\d+")
_STDCALL = re.compile(r"_(?P<name>[^@]+)@\d+")
_FASTCALL = re.compile(r"@(?P<name>[^@]+)@\d+")


def undecorate(name: str, machine: str = "") -> str:
    """The qualified C++ name of a linker name; the name itself where it is not decorated, or cannot be read.

    `machine` is that of the symbol file. C names carry decorations on "x86", and vectorcall ones on "x64" too.
    """
    if name.startswith(_IMPORT):
        return _IMPORT + _undecorate(name.removeprefix(_IMPORT), machine)
    return _undecorate(name, machine)


def _undecorate(name: str, machine: str) -> str:
    if name.startswith("?"):
        return _undecorate_cpp(name)
    return _undecorate_c(name, machine)


def _undecorate_cpp(name: str) -> str:
    if len(name) > MAX_DECORATED_CHARS or not name.isprintable():
        return name
    if match := _FUNCLET.fullmatch(name):
        return _undecorate_funclet(name, match["funclet"], match["function"])
    reader = NameReader(name)
    try:
        text = reader.symbol()
    except UndecodableError:
        return name
    return text if reader.position == len(name) else name


def _undecorate_funclet(name: str, funclet: str, function: str) -> str:
    """A part of a function that handles exceptions: a variable in the function's scope, which may be a C function."""
    scope = _undecorate_cpp(function)
    return name if scope.startswith("?") else f"`{scope}'::`1'::{funclet}"


def _undecorate_c(name: str, machine: str) -> str:
    if machine not in ("x86", "x64"):
        return name
    if match := _VECTORCALL.fullmatch(name):
        return match["name"]
    if machine == "x64":
        return name
    if match := _STDCALL.fullmatch(name) or _FASTCALL.fullmatch(name):
        return match["name"]
    return name[1:] if name.startswith("_") and len(name) > 1 else name
