"""Which modules and functions somebody means: a name as people type it, found among those of a comparison.

In this order, and the first that finds something holds:

    module!function     a function, letter case of modules aside; as the history writes it
    module              `kuzu_shared.dll`
    function            in whichever modules have it
    glob                `*` and `?`: of modules where it matches one, else of functions; `module!function` of both
    module              without its ending, where one module alone has that name
    function            by the end of its name (`Table::insert`, `insert`), template arguments left out if they are not
                        typed: a few functions at most

What a name finds is one target: the costs of several functions add up.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from perfdb.compare.costs import Item
from perfdb.errors import InputError

FEW = 5
"""So many functions may share the end of a name that is meant for all of them; more are no answer to a short name."""
NEAREST = 5
"""So many names are told where one is not found."""
_SEARCHED = 5_000
"""Nearest names are looked for among so many functions, the first ones."""
_LONGEST = 120
"""Names that are longer are told without their middle, and are no near miss of a name that is typed."""
_ENDINGS = re.compile(r"\.(?:dll|exe|sys|drv|ocx|so)$")

Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for, and the modules, or the functions, that it means: distinct, by name, one at least."""

    asked: str
    items: tuple[Item, ...]

    @property
    def is_module(self) -> bool:
        """Whether it is a module or several, and not functions."""
        return self.items[0].function is None

    @property
    def keys(self) -> frozenset[Key]:
        """The keys of its items."""
        return frozenset(item.key for item in self.items)

    def __str__(self) -> str:
        return str(self.items[0]) if len(self.items) == 1 else self.asked


def find_target(asked: str, modules: Sequence[Item], functions: Sequence[Item], others: Sequence[Item] = ()) -> Target:
    """What is meant among these modules and functions, else among the `others`; the first ones are suggested first.

    Raises InputError where nothing is found, or more than can be meant.
    """
    items = _search(asked, modules, functions) or _search(
        asked,
        [item for item in others if item.function is None],
        [item for item in others if item.function is not None],
    )
    if not items:
        raise _not_found(asked, modules, (*functions, *others))
    return Target(asked, tuple(sorted(items, key=lambda item: (item.key[0], item.function or ""))))


def _search(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> list[Item]:
    return _exact(asked, modules, functions) or _glob(asked, modules, functions) or _loose(asked, modules, functions)


def _exact(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> list[Item]:
    whole = [item for item in functions if _is_written(item, asked)]
    return (
        whole
        or [item for item in modules if item.key[0] == asked.lower()]
        or [item for item in functions if item.function == asked]
    )


def _is_written(item: Item, asked: str) -> bool:
    head = len(item.module)
    return asked[head : head + 1] == "!" and asked[head + 1 :] == item.function and asked[:head].lower() == item.key[0]


def _glob(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> list[Item]:
    if "*" not in asked and "?" not in asked:
        return []
    module, bang, function = asked.partition("!")
    if bang:
        return [item for item in _of_module(module, functions) if _matcher(function)(item.function or "")]
    matches = _matcher(asked.lower())
    found = [item for item in modules if matches(item.key[0])]
    matches = _matcher(asked)
    return found or [item for item in functions if matches(item.function or "")]


def _matcher(glob: str) -> Callable[[str], bool]:
    """Whether a name matches; brackets, which C++ names have, are no wildcards."""
    parts = ("." if char == "?" else ".*" if char == "*" else re.escape(char) for char in re.sub(r"\*+", "*", glob))
    pattern = re.compile("".join(parts), re.DOTALL)
    return lambda name: pattern.fullmatch(name) is not None


def _of_module(module: str, functions: Sequence[Item]) -> list[Item]:
    """The functions of a module, by its name with or without the ending, or by a glob."""
    matches = _matcher(module.lower())
    return [item for item in functions if matches(item.key[0])] or [
        item for item in functions if _stem(item) == module.lower()
    ]


def _stem(item: Item) -> str:
    return _ENDINGS.sub("", item.key[0])


def _loose(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> list[Item]:
    named = [item for item in modules if _stem(item) == asked.lower()]
    if len(named) > 1:
        raise InputError(
            f"asked for {shown_name(asked)}, found several modules of that name: {_listed(named)}. Name one."
        )
    if named:
        return named
    module, bang, function = asked.partition("!")
    found = _by_end(function, _of_module(module, functions)) if bang else []
    found = found or _by_end(asked, functions)
    if len(found) > FEW:
        shown = shown_name(asked)
        raise InputError(
            f"asked for {shown}, found {len(found):,} functions whose names end so: {_listed(found)}. Name one as "
            f"module!function, or mean all of them with a glob: '*{shown}*'"
        )
    return found


def _by_end(asked: str, functions: Iterable[Item]) -> list[Item]:
    """The functions whose names end with the parts that are asked for; the whole name counts as its end."""
    wanted = name_parts(asked)
    if not any(wanted):
        return []
    # A function whose name ends so has these letters in it: most names need not be taken apart.
    letters = max(wanted, key=len)
    found = []
    for item in functions:
        if item.function is not None and letters in item.function:
            parts = name_parts(item.function)[-len(wanted) :]
            if parts == wanted or [bare_name(part) for part in parts] == wanted:
                found.append(item)
    return found


# ---- names of functions ----------------------------------------------------------------------------------------------

_OPERATOR = re.compile(r"(?<!\w)operator\s*(?:<=>|<<=|>>=|->\*|<<|>>|<=|>=|->|<|>|\(\))")
_OPENING, _CLOSING = "<([{", ">)]}"


def name_parts(function: str) -> list[str]:
    """A function's name at its outermost `::`: `n::list<a::b>::push` is `n`, `list<a::b>`, `push`."""
    parts, begin, depth = [], 0, 0
    for place, char in _brackets(function):
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif depth == 0 and place >= begin:
            parts.append(function[begin:place])
            begin = place + 2
    return [*parts, function[begin:]] if depth == 0 else [function]


def bare_name(part: str) -> str:
    """A part of a name without its template arguments: `list<a::b>` is `list`; what begins with a bracket stays."""
    depth, end = 0, len(part)
    for place, char in _brackets(part):
        if char == "<" and depth == 0:
            end = place
        depth += (char in _OPENING) - (char in _CLOSING)
    return part[:end] if depth == 0 and part.endswith(">") and end else part


def _brackets(name: str) -> Iterable[tuple[int, str]]:
    """The brackets and `::` of a name with their places, those aside that name an operator."""
    place = 0
    while place < len(name):
        operator = _OPERATOR.match(name, place)
        if operator:
            place = operator.end()
            # Of `operator<<int>` the second is the bracket of arguments: it has a partner at the end.
            if operator.group().endswith("<<") and name[place:].count(">") > name[place:].count("<"):
                place -= 1
            continue
        if name[place] in _OPENING or name[place] in _CLOSING or name.startswith("::", place):
            yield place, name[place]
        place += 1


# ---- what to say where nothing is found ------------------------------------------------------------------------------


def _not_found(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> InputError:
    near = [shown_name(name) for name in _nearest(asked, modules, functions)]
    if near:
        told = f"The nearest names are {', '.join(near)}."
    else:
        told = f"The modules are {_listed(modules)}." if modules else "They have no samples at all."
    return InputError(
        f"asked for the impact on {shown_name(asked)}, found no module or function of that name in the "
        f"examples of both sides. {told} `perfdb diff A B --top 0` lists all."
    )


def _nearest(asked: str, modules: Sequence[Item], functions: Sequence[Item]) -> list[str]:
    """The names that look most like it: those that hold it first, then those of almost the same letters."""
    spelt: dict[str, list[Item]] = {}
    for item in (*modules, *functions[:_SEARCHED]):
        parts = [] if item.function is None else [item.function, bare_name(name_parts(item.function)[-1])]
        for name in {str(item), *parts}:
            if name and len(name) <= _LONGEST:
                spelt.setdefault(name.lower(), []).append(item)
    wanted = asked.lower().strip("*?")
    holding = [name for name in spelt if len(wanted) > 2 and wanted in name]
    alike = difflib.get_close_matches(wanted, spelt, NEAREST, 0.6) if wanted else []
    found = dict.fromkeys(str(item) for name in (*sorted(holding, key=len), *alike) for item in spelt[name])
    return list(found)[:NEAREST]


def _listed(items: Sequence[Item]) -> str:
    more = f" and {len(items) - NEAREST:,} more" if len(items) > NEAREST else ""
    return ", ".join(shown_name(str(item)) for item in items[:NEAREST]) + more


def shown_name(name: str) -> str:
    """A name as a message can bear it: of one line, and not for pages; '' where there is none."""
    half = _LONGEST // 2
    short = name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in short) or "''"
