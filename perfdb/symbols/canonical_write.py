"""Names and types written in one spelling, from tokens in which brackets and quotes are closed.

A name loses its parameters, its result and the numbers of its scopes; a type has its `const` behind and one way to set
spaces. `canonical` lists the rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Token = tuple[str, str]
"""A kind and a text. Texts of `QUOTED` and `NUMBER` come without their quotes, other brackets with them."""

WORD, LOCAL, SCOPE, SPACE, MARK, COMMA = "word", "local", "scope", "space", "mark", "comma"
OPERATOR, CONVERSION, INITIALIZER, SPECIAL = "operator", "conversion", "initializer", "special"
ANGLE, ROUND, SQUARE, CURLY, QUOTED, NUMBER = "angle", "round", "square", "curly", "quoted", "number"

ANONYMOUS, LAMBDA, UNNAMED = "`anonymous namespace'", "<lambda>", "<unnamed>"

NAME_ENDS = frozenset((WORD, OPERATOR, CONVERSION, SPECIAL, ANGLE, SQUARE, QUOTED, CURLY, INITIALIZER))
"""After these a `<` begins template arguments, and all but `CONVERSION` may stand before parameters."""

_PATH_KINDS = frozenset((WORD, SCOPE, ANGLE, SPECIAL, OPERATOR))
_IN_QUOTES = frozenset((QUOTED, NUMBER))
_QUALIFIER_WORDS = frozenset(("const", "volatile", "noexcept", "__ptr64", "__restrict", "__unaligned", "restrict"))
_DROPPED_WORDS = frozenset(("__cdecl", "__thiscall", "__ptr64"))
_DROPPED_ATTRIBUTES = frozenset(("((cdecl))", "((thiscall))"))
_TAG_WORDS = frozenset(("class", "struct", "enum", "union"))
_CONST_WORDS = ("const", "volatile")
_INTEGER = re.compile(r"(-?\d+)[uUlL]{0,3}")

_SINGLE_WORDS: Mapping[str, str] = {"true": "1", "false": "0", "unsigned": "unsigned int", "signed": "int"}
_LONG_LONG = ("long", "long")
_BUILT_IN: Mapping[tuple[str, ...], str] = {
    tuple(sorted(words)): text
    for text, spellings in {
        "short": (("short",), ("int", "short"), ("short", "signed"), ("int", "short", "signed")),
        "unsigned short": (("short", "unsigned"), ("int", "short", "unsigned")),
        "int": (("int",), ("signed",), ("int", "signed")),
        "unsigned int": (("unsigned",), ("int", "unsigned")),
        "long": (("long",), ("int", "long"), ("long", "signed"), ("int", "long", "signed")),
        "unsigned long": (("long", "unsigned"), ("int", "long", "unsigned")),
        "__int64": (_LONG_LONG, (*_LONG_LONG, "int"), (*_LONG_LONG, "signed"), ("__int64",), ("__int64", "signed")),
        "unsigned __int64": (
            (*_LONG_LONG, "unsigned"),
            (*_LONG_LONG, "int", "unsigned"),
            ("__int64", "unsigned"),
        ),
        "signed char": (("char", "signed"),),
        "unsigned char": (("char", "unsigned"),),
        "long double": (("double", "long"),),
    }.items()
    for words in spellings
}
_BUILT_IN_WORDS = frozenset(word for words in _BUILT_IN for word in words)


def plain_text(tokens: list[Token]) -> str:
    """The tokens as they are."""
    return "".join([f"`{text}'" if kind in _IN_QUOTES else text for kind, text in tokens]).strip(" ")


def finish_name(tokens: list[Token]) -> str:
    """A function's name, without parameters and what may stand before the name where there are some."""
    if (path := _path(tokens)) is not None:
        return path
    tokens = _without_scope_numbers(tokens)
    end = _parameters_start(tokens)
    if end is not None:
        tokens = tokens[_name_start(tokens[:end]) : end]
    if len(tokens) > 2 and tokens[-1][0] == INITIALIZER and tokens[-2][0] == SCOPE:
        opener, quote, variable = tokens[-1][1].partition("for '")
        return f"{opener}{quote}{plain_text(tokens[:-1])}{variable}"
    conversion = _conversion_index(tokens)
    if conversion is None:
        return plain_text(tokens)
    return plain_text(tokens[:conversion]) + _conversion_text(tokens[conversion + 1 :])


def _path(tokens: list[Token]) -> str | None:
    """The text of names and scopes only, to which no rule applies; None where one may."""
    kinds = [kind for kind, _ in tokens]
    if _PATH_KINDS.issuperset(kinds) and kinds.count(ANGLE) < 2:
        return "".join([text for _, text in tokens])
    return None


def _conversion_index(tokens: list[Token]) -> int | None:
    return next((index for index, (kind, _) in enumerate(tokens) if kind == CONVERSION), None)


def _conversion_text(target: list[Token]) -> str:
    """`operator` and its type; a template's arguments may come between, `operator<int> int`."""
    arguments = ""
    if target and target[0][0] == ANGLE:
        arguments, target = target[0][1], target[1:]
    return f"operator{arguments} {finish_type(target)}".rstrip(" ")


def _without_scope_numbers(tokens: list[Token]) -> list[Token]:
    """Scopes by name only: no `` `2' ``, no `__l2`, no parameters of functions that are scopes, no twice-told `<…>`."""
    found: list[Token] = []
    index = 0
    while index < len(tokens):
        kind, text = token = tokens[index]
        step = 1
        if kind == QUOTED and _kinds(tokens, index + 1) == (SCOPE, NUMBER):
            found.append((WORD, text))
            step = 3
        elif kind in (NUMBER, LOCAL) and _kinds(tokens, index + 1)[:1] == (SCOPE,):
            step = 2
        elif kind == LOCAL:
            found.append((WORD, text))
        elif kind == ROUND and found and found[-1][0] in NAME_ENDS:
            if scope := _scope_after(tokens, index + 1):
                found = found[_name_start(found) :]
                step = scope - index
            elif found[-1] != (SPECIAL, LAMBDA):
                found.append(token)
        elif kind != ANGLE or not _repeats_class(found, text):
            found.append(token)
        index += step
    return found


def _kinds(tokens: list[Token], index: int) -> tuple[str, ...]:
    return tuple(kind for kind, _ in tokens[index : index + 2])


def _scope_after(tokens: list[Token], index: int) -> int | None:
    """Where the `::` is that follows a scope's parameters and their qualifiers, if one does."""
    while index < len(tokens) and _is_qualifier(tokens[index]):
        index += 1
    return index if index < len(tokens) and tokens[index][0] == SCOPE else None


def _is_qualifier(token: Token) -> bool:
    kind, text = token
    return kind == SPACE or (kind == WORD and text in _QUALIFIER_WORDS) or (kind == MARK and text != "*")


def _repeats_class(found: list[Token], arguments: str) -> bool:
    """Whether these are the arguments of the class once more, in a constructor's or destructor's name."""
    if len(found) < 4 or found[-3] != (ANGLE, arguments) or found[-2][0] != SCOPE:
        return False
    return found[-1][0] == found[-4][0] == WORD and found[-1][1].removeprefix("~") == found[-4][1]


def _name_start(tokens: list[Token]) -> int:
    """Where the name begins: behind the last space or `*` that is not part of a conversion's type."""
    index = _conversion_index(tokens)
    if index is None:
        index = len(tokens)
    while index and tokens[index - 1][0] not in (SPACE, MARK, COMMA):
        index -= 1
    return index


def _parameters_start(tokens: list[Token]) -> int | None:
    """Where the parameters begin, with nothing but qualifiers behind them."""
    end = len(tokens)
    while end and _is_qualifier(tokens[end - 1]):
        end -= 1
    if end < 2 or tokens[end - 1][0] != ROUND:
        return None
    before = tokens[end - 2]
    if _conversion_index(tokens) is not None:
        # A conversion has no parameters, but its type may: `operator int (*)()` is the whole name.
        is_type = before[0] == SPACE or (before[0] == ROUND and before[1][-2] in "*&")
        return None if is_type or tokens[end - 1][1] != "()" else end - 1
    return end - 1 if before[0] in NAME_ENDS else None


def finish_type(tokens: list[Token]) -> str:
    """A template argument or parameter: a type, a number, or the name of what is pointed to."""
    if len(tokens) == 1 and tokens[0][0] == WORD:
        return _single_word(tokens[0][1])
    if (path := _path(tokens)) is not None:
        return path
    tokens = _without_scope_numbers(tokens)
    while tokens and tokens[0][0] == SPACE:
        tokens = tokens[1:]
    if len(tokens) > 1 and tokens[0] == (MARK, "&") and tokens[1][0] != MARK:
        return "&" + finish_name(tokens[1:])
    tokens = _without_keywords(tokens)
    if tokens and tokens[-1][0] == WORD and [kind for kind, _ in tokens[:-1]] in ([], [ROUND]):
        return _value(tokens)
    specifiers = _specifiers_end(tokens)
    return _spaced(_base_type(tokens[:specifiers]), tokens[specifiers:])


def _single_word(text: str) -> str:
    """A built-in type, a name, or a value."""
    if text[0] in "-0123456789" and (match := _INTEGER.fullmatch(text)):
        return match[1]
    return _SINGLE_WORDS.get(text, text)


def _value(tokens: list[Token]) -> str:
    """A word, or a number whose type stands before it, as in `(ns::Color)1`."""
    text = tokens[-1][1]
    if len(tokens) == 2 and not _INTEGER.fullmatch(text):
        return _spaced("", tokens)
    return _single_word(text)


def _without_keywords(tokens: list[Token]) -> list[Token]:
    """The tokens without `class` and the like before a name, and without the usual calling conventions."""
    kept: list[Token] = []
    for index, (kind, text) in enumerate(tokens):
        if kind == WORD and (text in _DROPPED_WORDS or (text in _TAG_WORDS and _kinds(tokens, index + 1)[1:])):
            continue
        if text in _DROPPED_ATTRIBUTES and kept and kept[-1] == (WORD, "__attribute__"):
            kept.pop()
            continue
        if kind == SPACE and (not kept or kept[-1][0] == SPACE):
            continue
        kept.append((kind, text))
    while kept and kept[-1][0] == SPACE:
        kept.pop()
    return kept


def _specifiers_end(tokens: list[Token]) -> int:
    """Where the base type ends: before the first `*`, `&` or bracket, and before the class of a pointer to member."""
    end = next((index for index, token in enumerate(tokens) if token[0] in (MARK, ROUND, SQUARE)), len(tokens))
    if end < len(tokens) and end and tokens[end - 1][0] == SCOPE:
        while end and tokens[end - 1][0] != SPACE:
            end -= 1
    return end


def _base_type(tokens: list[Token]) -> str:
    """A type's own name, `const` and `volatile` behind it, built-in types in their usual spelling."""
    words = [text for kind, text in tokens if kind == WORD]
    qualifiers = [word for word in _CONST_WORDS if word in words]
    if qualifiers:
        tokens = [token for token in tokens if not (token[0] == WORD and token[1] in _CONST_WORDS)]
        words = [word for word in words if word not in _CONST_WORDS]
    if words and all(kind in (WORD, SPACE) for kind, _ in tokens) and _BUILT_IN_WORDS.issuperset(words):
        base = _BUILT_IN.get(tuple(sorted(words)), " ".join(words))
    else:
        base = " ".join(plain_text(tokens).split())
    return " ".join([base, *qualifiers]).strip(" ")


def _spaced(text: str, tokens: list[Token]) -> str:
    """The text with pointers, brackets and what follows them, spaces set by one rule."""
    for kind, part in tokens:
        last = text[-1:]
        if kind == SPACE:
            continue
        if kind == MARK:
            needs_space = last not in ("", "*", "&", ":", "(")
        elif kind == ROUND:
            needs_space = last not in ("", "(", ")", "]", ":")
        elif kind in (SQUARE, SCOPE, ANGLE):
            needs_space = False
        else:  # but Go's `(*T)` is no pointer to T
            needs_space = last not in ("", ":", "(") and (part in _QUALIFIER_WORDS or text.strip("*&") != "")
        text += (" " if needs_space else "") + (f"`{part}'" if kind in (QUOTED, NUMBER) else part)
    return "std::nullptr_t" if text == "decltype (nullptr)" else text
