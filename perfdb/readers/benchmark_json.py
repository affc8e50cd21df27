"""JSON of benchmark programs: what kind of results a file holds, and its values, strictly read where they count.

Formats are told apart by their keys, wherever these stand: programs between the benchmark and perfdb may have sorted
them. Keys that nobody asks for are passed over, whatever they hold. Of what is asked for, a value of another type, a
number that is none (`NaN`) and a time below zero are errors that name their place: a history keeps what it is given.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from perfdb.errors import TraceError
from perfdb.profile.columns import Caveat, Source
from perfdb.profile.measurement import PLAIN, BenchmarkResult, Measurement
from perfdb.readers.files import Content
from perfdb.readers.text import encoding_of, read_text
from perfdb.units import MIB

MOST_BYTES = 256 * MIB
"""What a file may have: Python's JSON is in memory as a whole, several times over."""

MOST = 1e100
"""What the amount of a number may be: squares of greater ones are no numbers any more."""

_MARKS_AT = 256
"""Where the first `{` of a JSON object is found at the latest."""

_DEEPEST, _SHOWN = 3, 40
_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))')
_UNREADABLE = "Was the program that wrote it stopped? Run the benchmarks again."


def key_paths(head: bytes) -> frozenset[tuple[str, ...]]:
    """The keys of a JSON object that begins so, each with the keys above it; arrays between them do not count.

        {"context": {"num_cpus": 8}, "benchmarks": [{"name": …        (context) (context, num_cpus) (benchmarks) …

    Keys deeper than the third level are left out. Nothing for what begins otherwise.
    """
    if b"{" not in head[:_MARKS_AT]:
        return frozenset()
    encoding, skip = encoding_of(head)
    text = head[skip:].decode(encoding, "replace")  # its end may be anywhere, also within a character
    paths: set[tuple[str, ...]] = set()
    above: list[str] = []  # the key of each open bracket, "" for those in an array
    named = 0  # how many of them have one
    key = last = ""
    at = 0
    while token := _TOKEN.match(text, at):
        at = token.end()
        string, mark = token[1], token[2]
        if not above and mark != "{":
            break  # no object
        if string:
            last = string[1:-1]
        elif mark == ":":
            key = last
            if named < _DEEPEST:
                paths.add((*filter(None, above), key))
        elif mark in ("{", "["):
            above.append(key)
            named += bool(key)
            key = ""
        elif mark in ("}", "]"):
            named -= bool(above.pop())
        elif mark == ",":
            key = ""
        if not above:
            break  # its end
    return frozenset(paths)


@dataclass(frozen=True, slots=True)
class Json:
    """An object of a JSON file, `file`; `where` is its place in it, such as `benchmarks[3].stats`, "" at the top.

    What is asked for and is of another type raises TraceError. Null is as good as not there.
    """

    file: str
    where: str
    values: Mapping[str, object]

    def has(self, key: str) -> bool:
        """Whether there is a value that is not null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """A text on one line, "" where there is none."""
        value = self.values.get(key, "")
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return _line(value)

    def name(self, key: str) -> str:
        """A text that must be there."""
        found = self.text(key)
        if not found:
            raise self.wrong(key, "a name")
        return found

    def truth(self, key: str) -> bool | None:
        """True or false, None where there is neither."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(key, "true or false")

    def count(self, key: str) -> int:
        """A whole number from 0, 0 where there is none."""
        value = self.values.get(key, 0)
        if value is None:
            return 0
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 31:
            raise self.wrong(key, "a count")
        return value

    def number(self, key: str) -> float:
        """A number from 0 that must be there."""
        return self._number(self.values.get(key), key)

    def numbers(self, key: str) -> list[float]:
        """An array of numbers from 0, [] where there is none."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "an array of numbers")
        return [self._number(each, f"{key}[{at}]") for at, each in enumerate(value)]

    def _number(self, value: object, place: str) -> float:
        found = plain_number(value)
        if found is None or found < 0:
            raise self._not(place, "a number from 0", value)
        return found

    def inner(self, key: str) -> Json:
        """An object, an empty one where there is none."""
        value = self.values.get(key)
        if value is None:
            return Json(self.file, self._place(key), {})
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        return Json(self.file, self._place(key), value)

    def rows(self, key: str) -> list[Json]:
        """An array of objects, [] where there is none."""
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "an array of objects")
        for at, each in enumerate(value):
            if not isinstance(each, dict):
                raise self._not(f"{key}[{at}]", "an object", each)
        return [Json(self.file, self._place(f"{key}[{at}]"), each) for at, each in enumerate(value)]

    def wrong(self, key: str, wanted: str) -> TraceError:
        """The error of a value that is not what it must be."""
        return self._not(key, wanted, self.values.get(key))

    def _not(self, place: str, wanted: str, found: object) -> TraceError:
        shown = "nothing" if found is None else _shown(found)
        return TraceError(
            f"{self.file}: asked for {wanted} in {self._place(place)}, found {shown}. "
            "Was the file changed by hand? Run the benchmarks again."
        )

    def _place(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key


def load_json(content: Content, source: Source) -> tuple[Json, tuple[Caveat, ...]]:
    """The object that a file is, and a caveat where its encoding had to be guessed.

    Raises TraceError for what is no JSON, no object, or more than `MOST_BYTES`.
    """
    if content.size > MOST_BYTES:
        raise TraceError(
            f"{source.name}: asked for results of benchmarks, found {content.size // MIB:,} MiB of them; perfdb reads "
            f"{MOST_BYTES // MIB} MiB. Run fewer benchmarks a file, or leave single rounds out "
            "(pytest-benchmark: --benchmark-save NAME)."
        )
    text, caveats = read_text(content)
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as problem:
        at = f"{problem.msg}, line {problem.lineno}, column {problem.colno}"
        raise TraceError(f"{source.name}: asked for JSON, found none that is whole ({at}). {_UNREADABLE}") from problem
    except (ValueError, RecursionError) as problem:  # a number of thousands of digits; brackets in brackets
        raise TraceError(f"{source.name}: asked for JSON, found none that can be read. {_UNREADABLE}") from problem
    if not isinstance(value, dict):
        raise TraceError(
            f"{source.name}: asked for results of benchmarks, which are a JSON object, found {_shown(value)}. "
            "Give the file as the benchmark program wrote it."
        )
    return Json(source.name, "", cast("Mapping[str, object]", value)), caveats


def plain_number(value: object) -> float | None:
    """A number that one can count with; None for everything else, and for what is too great."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST:
        return None
    return float(value)


def own_metrics(values: Mapping[str, object], repetition: int = 0) -> tuple[list[Measurement], list[str]]:
    """The counters that a benchmark has of its own, which have no unit, and those of them that are no number: `NaN`,
    infinite, or too great to count with. Texts and all else that was never meant as a number is passed over.
    """
    found: list[Measurement] = []
    odd: list[str] = []
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        number = plain_number(value)
        if number is None:
            odd.append(_line(key))
        else:
            found.append(Measurement(_line(key), PLAIN, number, repetition))
    return found, odd


def odd_counters(names: Sequence[str]) -> tuple[Caveat, ...]:
    """The caveat of counters that were left out, if any."""
    if not names:
        return ()
    which = ", ".join(dict.fromkeys(names))
    return (Caveat("counters-left-out", f"counters that are no number were left out: {which}"),)


def moment(text: str) -> datetime | None:
    """A date and time that says its zone, in UTC; None for every other text, which nobody could place."""
    try:
        found = datetime.fromisoformat(text)
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def program_name(path: str) -> str:
    """The last part of a path of whatever system."""
    return re.split(r"[\\/]", path)[-1]


def refuse_twice(results: Sequence[BenchmarkResult], how: str) -> tuple[BenchmarkResult, ...]:
    """The results, with those failed that share a name: nobody can tell whether they are one benchmark or several.

    `how` says what to do about it.
    """
    times: dict[str, int] = {}
    for result in results:
        times[result.name] = times.get(result.name, 0) + 1
    kept = {
        result.name: result
        if times[result.name] == 1
        else BenchmarkResult(result.name, failed=f"the file has {times[result.name]} benchmarks of this name. {how}")
        for result in results
    }
    return tuple(kept.values())


def require_some(results: Sequence[BenchmarkResult], source: Source) -> None:
    """Raises TraceError for a file without benchmarks."""
    if not results:
        raise TraceError(
            f"{source.name}: asked for results of benchmarks, found that no benchmark was run. "
            "Check which ones the program was told to run."
        )


def _line(text: str) -> str:
    """A text on one line, without the half characters that JSON may name."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, int) and abs(value) >= MOST:
        return "a number that is too great"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
