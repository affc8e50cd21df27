"""A C++ name cut into tokens, brackets and quotes first from the inside out, without recursion.

A token is a kind and a text. What stands in brackets or quotes becomes one token as soon as it is closed, written by
`canonical_write`; so a name is read once, whatever its depth, and nothing is read of names whose brackets do not match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from perfdb.symbols.canonical_write import (
    ANGLE,
    ANONYMOUS,
    COMMA,
    CONVERSION,
    CURLY,
    INITIALIZER,
    LAMBDA,
    LOCAL,
    MARK,
    NAME_ENDS,
    NUMBER,
    OPERATOR,
    QUOTED,
    ROUND,
    SCOPE,
    SPACE,
    SPECIAL,
    SQUARE,
    UNNAMED,
    WORD,
    Token,
    finish_name,
    finish_type,
    plain_text,
)

_TOKEN = re.compile(
    r"""
    (?P<word>    (?!operator\b) [A-Za-z][A-Za-z0-9_]* (?= :: | [ <>,)*&] | $ ) )
  | (?P<scope>   :: )
  | (?P<made>    (?!operator(?![\w$])) (?: [^ <>()\[\]{}`',:&*-]+ | -(?!>) | :(?!:) | (?<=\w)`\d+(?![\d']) )+ )
  | (?P<comma>   , )
  | (?P<space>   [ ]+ )
  | (?P<mark>    \* | &&? )
  | (?P<operator> operator [ ]* (?:
        ""[ ]*[\w$]+ | (?:new|delete)\b(?:[ ]*\[\])? | co_await\b | \(\) | \[\]
      | ->\*? | <=> | <<= | >>= | <<(?= $ | [ (,')] | `(?:adj|vto) | <(?!(?:lambda|unnamed)[\w$-]*>) ) | <=
      | <(?= $ | [ (<,')] | `(?:adj|vto) ) | >> | >= | > | && | \|\| | [=!+*/%^&|-]= | \+\+ | -- | [-+*/%^&|~!=,]
      ) )
  | (?P<conversion> operator(?=[ <]) )
  | (?P<lambda>  <lambda (?: _?\d+ | _[0-9a-f]{32} )? > | 'lambda\d*' | `lambda[ ]at[ ][^`']*'
               | \(lambda[ ]at[ ] [^()]* (?: \([^()]*\) [^()]* )* \) )
  | (?P<unnamed> <(?: unnamed (?: -tag | -(?:type|enum)-\$\w+ )? | anonymous-tag )> | 'unnamed\d*'
               | `unnamed[ ][^`']*' | \{unnamed[ ]type\#\d+\}
               | \((?: unnamed | anonymous )[ ](?: class|struct|union|enum )
                   [^()]* (?: \([^()]*\) [^()]* )* \) )
  | (?P<kept>    <(?: unnamed-(?:type|enum)-[\w$]+ | lambda_\w+ )> )
  | (?P<nameless> `anonymous[ -]namespace' | \(anonymous[ ]namespace\) | \{anonymous\} )
  | (?P<init>    `dynamic[ ](?: initializer | atexit[ ]destructor )[ ]for[ ]' )
  | (?P<arrow>   -> )
  | (?P<open>    [<(\[{`] )
  | (?P<close>   [>)\]}] )
  | (?P<quote>   ' )
  | (?P<other>   . )
    """,
    re.VERBOSE,
)

_CHARACTER = re.compile(r"'([^'\\])'")
_CLOSERS = {">": "<", ")": "(", "]": "[", "}": "{"}
_AS_THEY_ARE = frozenset((WORD, SCOPE, COMMA, MARK, CONVERSION))

_FUNCLET = re.compile(r"(?:(?P<function>.*)\$)?(?P<kind>catch|fin|filt|dtor|cleanup|unwind)\$\d+")
_LAMBDA_WORD = re.compile(r"\$_\d+")
_UNNAMED_WORD = re.compile(r"__unnamed_\d+|\$S\d+")
_LOCAL_WORD = re.compile(r"__l\d+")
_ANONYMOUS_WORD = re.compile(r"\?A0x[0-9a-fA-F]{1,8}")
_ADJUSTORS = re.compile(r"(?:adjustor|vtordisp|vtordispex)\{[^{}]*\}")
_SHORT_STRUCTOR = re.compile(r"(?<= )([cd])tor\b")
_CLOSURE = re.compile(r"closure(?:_env)?#\d+")


class UnbalancedError(Exception):
    """A name whose brackets or quotes do not match. It never leaves `canonical_name`."""


@dataclass(slots=True)
class _Frame:
    """What was read since a bracket or quote was opened. `is_template` is whether a `<` follows a name."""

    opener: str
    tokens: list[Token] = field(default_factory=list)
    is_template: bool = False


def rewrite(name: str, *, fold: bool) -> str:
    """The name with the rules applied once, template arguments left out if `fold`."""
    frames = [_Frame("")]
    position = 0
    while position < len(name):
        tokens = frames[-1].tokens
        for match in _TOKEN.finditer(name, position):
            kind = match.lastgroup
            if kind in _AS_THEY_ARE:  # not a call for each of these, which are most of a name
                tokens.append((kind, match[0]))
                continue
            position = _step(frames, match, fold=fold)
            if position != match.end():
                break
            tokens = frames[-1].tokens
        else:
            break
    if len(frames) != 1:
        raise UnbalancedError
    return finish_name(frames[0].tokens)


def _step(frames: list[_Frame], match: re.Match[str], *, fold: bool) -> int:
    """Take one token that is not as it is, and give the position behind it."""
    kind, text = match.lastgroup or "", match[0]
    tokens = frames[-1].tokens
    if kind in ("open", "init"):
        frames.append(_Frame(text, is_template=text == "<" and _follows_name(tokens)))
    elif kind == "close":
        _close(frames, _CLOSERS[text], fold=fold)
    elif kind == "made":
        tokens.extend(_made_word(text))
    elif kind in ("lambda", "unnamed", "kept"):
        return _nameless(frames, kind, match)
    elif kind == SPACE:
        tokens.append((SPACE, " "))
    elif kind == OPERATOR:
        tokens.append((OPERATOR, _operator(text)))
    elif kind == "nameless":
        tokens.append((SPECIAL, ANONYMOUS))
    elif kind == "quote":
        return _quote(frames, match)
    else:
        tokens.append((WORD, text))
    return match.end()


def _made_word(text: str) -> list[Token]:
    """A word that a compiler may have made, or what it stands for: `f$catch$12`, `$_0`, `?A0x1234abcd`."""
    if match := _FUNCLET.fullmatch(text):
        function = [(WORD, match["function"])] if match["function"] else []
        scope = [(SCOPE, "::")] if match["function"] is not None else []
        return [*function, *scope, (WORD, match["kind"])]
    if _LAMBDA_WORD.fullmatch(text):
        return [(SPECIAL, LAMBDA)]
    if _UNNAMED_WORD.fullmatch(text):
        return [(SPECIAL, UNNAMED)]
    if _ANONYMOUS_WORD.fullmatch(text):
        return [(SPECIAL, ANONYMOUS)]
    return [(LOCAL if _LOCAL_WORD.fullmatch(text) else WORD, text)]


def _operator(text: str) -> str:
    symbol = text.removeprefix("operator").replace(" ", "")
    return f"operator {symbol}" if symbol[0].isalpha() else f"operator{symbol}"


def _follows_name(tokens: list[Token]) -> bool:
    """Whether a `<` here begins template arguments: after a name, or after an operator and a space."""
    if not tokens:
        return False
    if tokens[-1][0] == SPACE:
        return len(tokens) > 1 and tokens[-2][0] == OPERATOR
    return tokens[-1][0] in NAME_ENDS


def _nameless(frames: list[_Frame], kind: str, match: re.Match[str]) -> int:
    """A lambda or type without a name; but `f<lambda_1>` is `f` with an argument."""
    tokens, text = frames[-1].tokens, match.group()
    if text[0] == "<" and _follows_name(tokens):
        frames.append(_Frame("<", is_template=True))
        return match.start() + 1
    if text[0] == "'" and frames[-1].opener[:1] == "`":
        return _quote(frames, match)
    tokens.append((SPECIAL, {"lambda": LAMBDA, "unnamed": UNNAMED}.get(kind, text)))
    return match.end()


def _quote(frames: list[_Frame], match: re.Match[str]) -> int:
    """A `'`: it closes what a backtick has opened; else it is part of a character literal, or of a word."""
    frame, start = frames[-1], match.start()
    if frame.opener == "`":
        frames.pop()
        frames[-1].tokens.append(_quoted(frame.tokens))
        return start + 1
    if frame.opener:
        if frame.opener[0] == "`":  # clang leaves out the second quote
            frames.pop()
            frames[-1].tokens.append((INITIALIZER, f"{frame.opener}{finish_name(frame.tokens)}''"))
            return start + (2 if match.string.startswith("''", start) else 1)
        if literal := _CHARACTER.match(match.string, start):
            frame.tokens.append((WORD, str(ord(literal[1]))))
            return literal.end()
    frame.tokens.append((WORD, "'"))
    return start + 1


def _quoted(tokens: list[Token]) -> Token:
    """The scope, number or special name between a backtick and its quote."""
    text = finish_name(tokens).removeprefix('extern "C" ')
    if text.isdecimal():
        return NUMBER, text
    if _ADJUSTORS.fullmatch(text):
        return SPECIAL, f"`{text[: text.index('{')]}'"
    if len(tokens) > 1 and all(kind in (WORD, SPACE) for kind, _ in tokens):
        text = _SHORT_STRUCTOR.sub(lambda match: "constructor" if match[1] == "c" else "destructor", text)
    return QUOTED, text


def _close(frames: list[_Frame], opener: str, *, fold: bool) -> None:
    frame = frames.pop()
    if frame.opener != opener:
        raise UnbalancedError
    tokens = frames[-1].tokens
    if frame.is_template and tokens[-1][0] == SPACE:
        tokens.pop()
    tokens.append(_bracketed(frame, fold=fold))


def _bracketed(frame: _Frame, *, fold: bool) -> Token:
    if frame.opener == "<":
        if fold and frame.is_template:
            return ANGLE, "<>"
        listed = _listed(frame.tokens)
        return ANGLE, f"<{listed} >" if listed[-1:] in ("<", ">") else f"<{listed}>"
    if frame.opener == "(":
        listed = _listed(frame.tokens)
        return ROUND, "()" if listed == "void" else f"({listed})"
    if frame.opener == "[":
        return SQUARE, f"[{plain_text(frame.tokens)}]"
    if len(frame.tokens) > 1 and frame.tokens[0] == (WORD, "lambda") and frame.tokens[1][0] == ROUND:
        return SPECIAL, LAMBDA
    text = ",".join(finish_name(part) for part in _split(frame.tokens))
    return CURLY, "{closure}" if _CLOSURE.fullmatch(text) else f"{{{text}}}"


def _listed(tokens: list[Token]) -> str:
    """Types and values with commas between them."""
    if (COMMA, ",") not in tokens:
        return finish_type(tokens)
    return ",".join(finish_type(part) for part in _split(tokens))


def _split(tokens: list[Token]) -> list[list[Token]]:
    """What stands between the commas."""
    commas = [index for index, (kind, _) in enumerate(tokens) if kind == COMMA]
    return [tokens[start + 1 : end] for start, end in pairwise([-1, *commas, len(tokens)])]
