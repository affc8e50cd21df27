"""What the rows of a butterfly report say: processes, modules, functions, and the blocks of callers and callees.

A symbol is written in one of three ways. Ids are numbers of this page alone; several functions may bear one name, each
with an id of its own, so within the page the id tells functions apart.

    <a href='#MI12'>app.exe</a>!<a href='#SN34'>main</a>      a function that has a block in TblSN
    <a href='#MI12'>app.exe</a>!helper (trimmed)              one that has none, for it has too few hits
    <a id='#SN34' href='#MI12'>app.exe</a>!main               the head of a block itself; the id does begin with #
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from perfdb.readers import told
from perfdb.readers.butterfly_page import DamagedError, Page, Row
from perfdb.readers.symbol_text import split_symbol

_SYMBOL = re.compile(
    r"<a (?:id=['\"]#?(?P<own>SN[^'\"<>]*)['\"] )?href=['\"]#(?P<module_id>[^'\"<>]*)['\"]>(?P<module>.*?)</a>!"
    r"(?:<a href=['\"]#(?P<id>SN[^'\"<>]*)['\"]>(?P<linked>.+)</a>|(?P<plain>.+))",
    re.S,
)
_MODULE = re.compile(r"(?:<p>)?<a [^<>]*>(.+)</a>(?:</p>)?", re.S)
_ENTITY = re.compile(r"&(nbsp|lt|gt|amp);")
_ENTITIES = {"nbsp": " ", "lt": "<", "gt": ">", "amp": "&"}
_TRIMMED = " (trimmed)"
_ITSELF = "***itself***"
_DOWN, _UP = "--> ", "<-- "

_FILE_NAMES = {"ntkrnlmp.exe": "ntoskrnl.exe"}
"""Modules that the report calls as they were linked, by the names of their files, which all else goes by."""

Key = str | tuple[str, str]
"""What tells functions apart within the page: the id, or for those without one the module and the name."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function as one row names it; `id` is "" where it has none."""

    id: str
    module: str
    function: str

    @property
    def name(self) -> tuple[str, str]:
        """Module and function; letter case does not tell modules apart."""
        return self.module.lower(), self.function

    @property
    def key(self) -> Key:
        """See `Key`."""
        return self.id or self.name


@dataclass(frozen=True, slots=True)
class ProcessHits:
    """A process and its samples."""

    pid: int
    name: str
    hits: int


@dataclass(frozen=True, slots=True)
class FunctionHits:
    """A row of a table of functions: samples that it ran in, and samples that have it anywhere on the stack."""

    symbol: Symbol
    exclusive: int
    inclusive: int


@dataclass
class Block:
    """A function with what it called and what called it. Here every occurrence on a stack counts."""

    symbol: Symbol
    inclusive: int
    exclusive: int
    itself: int = 0
    callees: list[tuple[Symbol, int]] = field(default_factory=list)
    callers: list[tuple[Symbol, int]] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Whether the block's rows agree with its head. A stack's root has no caller, hence "at most"."""
        below = self.itself + sum(hits for _, hits in self.callees)
        above = sum(hits for _, hits in self.callers)
        return self.itself == self.exclusive and below == self.inclusive and above <= self.inclusive


def unescape(text: str) -> str:
    """A name without the page's own entities, each replaced once: names are raw, and may hold what looks like one."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text) if "&" in text else text


@lru_cache(maxsize=1 << 16)
def module_name(text: str) -> str:
    """A module as the page writes it, by the name that other formats know it by."""
    name = unescape(text).strip()
    module = name if "!" in name else split_symbol(f"{name}!f")[0]
    return _FILE_NAMES.get(module.lower(), module)


def read_processes(page: Page) -> tuple[list[ProcessHits], list[Symbol]]:
    """The processes, and the functions that their stacks begin with."""
    processes: list[ProcessHits] = []
    roots: list[Symbol] = []
    for row in page.table("TblP", "pid", "exclusive hits").rows:
        pid = row.cells["pid"].strip()
        if not pid:
            # No number depends on them.
            with suppress(DamagedError):
                roots.append(_symbol(row.name.removeprefix("&nbsp;")))
            continue
        name = told.process_name(unescape(row.name))
        if not re.fullmatch(r"-?[0-9]{1,10}", pid) or not name:
            raise DamagedError("TblP has a damaged row")
        processes.append(ProcessHits(int(pid), name, row.count("exclusive hits")))
    return processes, roots


def read_modules(page: Page, table: str) -> tuple[list[tuple[str, int]], bool]:
    """The modules and their hits, and whether some were left out."""
    found = page.table(table, "hits")
    return [(_module(row), row.count("hits")) for row in found.rows], found.is_trimmed


def read_functions(page: Page, table: str) -> tuple[list[FunctionHits], bool]:
    """The functions and their hits, and whether some were left out."""
    found = page.table(table, "exclusive hits", "inclusive hits")
    rows = [
        FunctionHits(_symbol(row.name), row.count("exclusive hits"), row.count("inclusive hits")) for row in found.rows
    ]
    return rows, found.is_trimmed


def read_blocks(page: Page) -> tuple[list[Block], bool]:
    """The blocks of callers and callees, and whether some were left out.

    The arrow tells a caller from a callee. The class of the row does not: callers that were trimmed bear that of
    callees.
    """
    found = page.table("TblSN", "inclusive hits", "exclusive hits")
    blocks: list[Block] = []
    for row in found.rows:
        name, hits = row.name, row.count("inclusive hits")
        if not name.startswith("&nbsp;"):
            symbol = _symbol(name)
            if not symbol.id:
                raise DamagedError("TblSN has a block without an id")
            blocks.append(Block(symbol, hits, row.count("exclusive hits")))
            continue
        name = name.removeprefix("&nbsp;")
        arrow = unescape(name[:7])[:4]
        if not blocks:
            raise DamagedError("TblSN has a row before its first function")
        if name == _ITSELF:
            blocks[-1].itself += hits
        elif arrow in (_DOWN, _UP):
            side = blocks[-1].callees if arrow == _DOWN else blocks[-1].callers
            side.append((_symbol(name[name.index(" ") + 1 :]), hits))
        else:
            raise DamagedError("TblSN has a damaged row")
    return blocks, found.is_trimmed


def _module(row: Row) -> str:
    match = _MODULE.fullmatch(row.name)
    if match is None:
        raise DamagedError("a module has no name")
    return module_name(match[1])


@lru_cache(maxsize=1 << 16)
def _symbol(cell: str) -> Symbol:
    match = _SYMBOL.fullmatch(cell)
    if match is None or (match["plain"] or "").endswith("</a>"):
        raise DamagedError("a function has no name")
    function = unescape(match["linked"] or match["plain"]).removesuffix(_TRIMMED)
    return Symbol(match["own"] or match["id"] or "", module_name(match["module"]), split_symbol(f"m!{function}")[1])
