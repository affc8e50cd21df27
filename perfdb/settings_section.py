"""One table of a settings file: its values are taken out by kind, and what is wrong with one is said with its place."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from perfdb.errors import ConfigError
from perfdb.example_name import pattern_problem

_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""
_FRACTION = re.compile(r"([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(%?)", re.ASCII | re.IGNORECASE)


def fraction(text: str) -> float:
    """`5%`, `5 %` or `0.05` as 0.05; raises ValueError, with what is wrong with the text, for anything else.

    A number without a percent sign must be below 1: who types 5 means 5 %, and would get 500 %.
    """
    match = _FRACTION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no such number")
    value = float(match[1]) / (100 if match[2] else 1)
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is too large")
    if not match[2] and value >= 1:
        raise ValueError(f"{text} would be {value:.0%}; {value:g} % is written {value:g}%")
    return value


def expanded(path: Path) -> Path:
    """A path with its `~` replaced; raises ConfigError for one that leads nowhere."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigError(f"cannot tell which folder {path} means: {error} Write the path in full.") from error


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a settings file, and `where` it stands, for the messages."""

    where: str
    values: Mapping[str, object]

    def check_keys(self, known: Collection[str]) -> None:
        """Raise ConfigError for a key that is not known."""
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"{self.where}: unknown key {key!r}.{hint} Known keys: {', '.join(sorted(known))}.")

    def text(self, key: str) -> str | None:
        """Text in quotes, None where the key is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self.wrong(key, 'text in quotes, such as "…"')
        return value

    def path(self, key: str, folder: Path) -> Path | None:
        """A path, which counts from `folder` where it is relative; None where the key is not there."""
        text = self.text(key)
        return None if text is None else folder / expanded(Path(text))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """One text or a list of texts."""
        value = self.values.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
            raise self.wrong(key, 'text in quotes, such as "build", or a list of such texts')
        return tuple(found)

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        """One of some words, by default the first."""
        value = self.values.get(key, words[0])
        if value not in words:
            raise self.wrong(key, " or ".join(f'"{word}"' for word in words))
        return value

    def seconds(self, key: str, default: float, may_be_zero: bool = True) -> float:
        """A number of seconds."""
        return self._number(
            key, default, f"a number of seconds, {'0 or more' if may_be_zero else 'more than 0'}", may_be_zero
        )

    def milliseconds(self, key: str, default: float) -> float:
        """A number of milliseconds, 0 or more."""
        return self._number(key, default, "a number of milliseconds, 0 or more")

    def count(self, key: str, default: int, least: int = 0, most: int | None = None) -> int:
        """A whole number, `least` or more, and `most` or less where there is a most."""
        value = self.values.get(key, default)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or cast("int", value) < least or (most is not None and cast("int", value) > most):
            limits = f"{least} or more" if most is None else f"{least} to {most}"
            raise self.wrong(key, f"a whole number, {limits}")
        return cast("int", value)

    def fraction(self, key: str, default: float | None, wanted: str) -> float:
        """A number such as 0.05, or a text such as "5%", as a fraction; `wanted` says so, for the message."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.wrong(key, wanted)
        try:
            return fraction(str(value))
        except ValueError as error:
            raise self.wrong(key, wanted) from error

    def _number(self, key: str, default: float, wanted: str, may_be_zero: bool = True) -> float:
        value = self.values.get(key, default)
        # TOML knows inf and nan, and true is an int to Python.
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or cast("float", value) < 0 or (value == 0 and not may_be_zero):
            raise self.wrong(key, wanted)
        return float(cast("float", value))

    def patterns(self, key: str) -> tuple[str, ...]:
        """One pattern of example names or a list of patterns."""
        value = self.values.get(key, [])
        patterns = [value] if isinstance(value, str) else value
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise self.wrong(key, 'a pattern such as "[example]_[timestamp]", or a list of patterns')
        for pattern in patterns:
            if problem := pattern_problem(pattern):
                raise ConfigError(
                    f"{self.where}: {key} {pattern!r} {problem}{'' if problem.endswith('?') else '.'} "
                    "Placeholders: [example], [timestamp], [pid]; everything else stands for itself."
                )
        return tuple(patterns)

    def table(self, key: str) -> Section:
        """The table under a key, without values where there is none."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"a table, written under a line [{self._name(key)}]")
        return Section(f"{self._file()}, [{self._name(key)}]", value)

    def tables(self, key: str) -> list[Section]:
        """The tables of a list under a key."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(key, f"a list of tables, each under a line [[{self._name(key)}]]")
        where = f"{self._file()}, [[{self._name(key)}]]"
        return [Section(f"{where} number {number}", each) for number, each in enumerate(value, 1)]

    def wrong(self, key: str, wanted: str) -> ConfigError:
        """The error that says what was wanted of a key, and what was found or missed."""
        found = f"found {shown(self.values[key])}" if key in self.values else "it is missing"
        return ConfigError(f"{self.where}: {key} should be {wanted}; {found}.")

    def _file(self) -> str:
        return self.where.partition(", [")[0]

    def _name(self, key: str) -> str:
        """A key's full name as TOML has it, for the messages."""
        key = key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        _, comma, table = self.where.removesuffix("]").rpartition(", [")
        return f"{table}.{key}" if comma else key


def shown(value: object) -> str:
    """A value of a TOML file with the kind of thing it is, cut to a length that suits a message."""
    kinds = {bool: "true/false", int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}
    shown = repr(value)
    return f"{shown[:60]}{'…' if len(shown) > 60 else ''} ({kinds.get(type(value), 'a date or time')})"
