"""How wide text is on a terminal, and text made to fit: shortened in the middle, or wrapped.

Widths are in columns: wide characters (CJK, emoji) take two, combining ones none, those of ambiguous width one. Text is
cut between what a reader takes for one character, never inside. All of it is for printable text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise

LEFT_OUT = "…"
HANGING = "  "
"""How lines after the first are indented."""
_WINDOW = 20
"""So much is shown around a place that tells two names apart, where there is room."""
_PIECE = re.compile(r" *[^ ]+(?:(?<=\d) (?:%|ms)[^ ]*)?")
"""What is not broken where it fits a line: a word, a figure with its unit."""
_NEIGHBOURS = 8
"""Of names that look alike, each is told apart from so many on either side, in alphabetical order."""


def width_of(text: str) -> int:
    """The columns that the text takes."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth, wcwidth

    told: int = wcswidth(text)
    return told if told >= 0 else sum(max(0, wcwidth(char)) for char in text)


def characters(text: str) -> Sequence[str]:
    """What a reader takes for one character each: a letter with its accents, an emoji of several parts."""
    if text.isascii():
        return text
    from wcwidth import iter_graphemes

    return list(iter_graphemes(text))


def shorten_middle(text: str, width: int, between: str = LEFT_OUT) -> str:
    """At most `width` columns, the middle left out: both ends of a C++ name matter, and the last one more."""
    if width_of(text) <= width:
        return text
    parts = characters(text)
    room = max(0, width - width_of(between))
    head = _fitting(parts, room * 2 // 5)
    tail = _fitting(parts[::-1], room - width_of(head))
    return f"{head}{between}{''.join(reversed(characters(tail)))}" if room else _fitting(parts, width)


def shorten_apart(texts: Iterable[str], width: int, first: Callable[[str], str] | None = None) -> dict[str, str]:
    """Each text in at most `width` columns, and no two the same: what tells alike ones apart stays in view.

    `first` shortens one text where nothing else looks like it; by default its middle is left out. Where a width has no
    room for what differs, such texts are numbered. Below some twelve columns, nothing is promised.
    """
    shorten = first or (lambda text: shorten_middle(text, width))
    short = {text: shorten(text) for text in dict.fromkeys(texts)}
    for alike in _alike(short):
        for text, places in zip(alike, _telling_places(alike), strict=True):
            if width_of(text) > width:
                short[text] = _around(text, places, width)
    taken = Counter(short.values())
    for alike in _alike(short):
        number = 0
        for text in alike:
            while width_of(text) > width and taken[short[text]] > 1:
                number += 1
                numbered = shorten_middle(text, width, f"{LEFT_OUT}{number}{LEFT_OUT}")
                if not taken[numbered]:
                    taken[short[text]] -= 1
                    taken[numbered] += 1
                    short[text] = numbered
    return short


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken at spaces where possible; those after the first hang."""
    if width_of(text) <= width:
        return [text]
    hanging = re.match(" *", text)[0] + HANGING  # type: ignore[index]  # it always matches
    if len(hanging) > width // 2:
        hanging = HANGING
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        room = width - width_of(line)
        is_broken_anyway = width_of(piece.lstrip(" ")) > width - len(hanging)
        if width_of(piece) > room and line.strip() and not (is_broken_anyway and room > width // 3):
            lines.append(line)
            line, piece = hanging, piece.lstrip(" ")
            room = width - len(hanging)
        while width_of(piece) > room:
            parts = characters(piece)
            begin = _fitting(parts, room) or parts[0]
            lines.append(line + begin)
            line, piece = hanging, piece[len(begin) :]
            room = width - len(hanging)
        line += piece
    return [*lines, line]


def _fitting(parts: Sequence[str], columns: int) -> str:
    """As many of the characters, from the first on, as fit."""
    text, used = [], 0
    for part in parts:
        used += width_of(part)
        if used > columns:
            break
        text.append(part)
    return "".join(text)


def _alike(short: dict[str, str]) -> list[list[str]]:
    """The texts that look the same."""
    groups: dict[str, list[str]] = {}
    for text, shown in short.items():
        groups.setdefault(shown, []).append(text)
    return [group for group in groups.values() if len(group) > 1]


def _telling_places(texts: Sequence[str]) -> list[list[int]]:
    """For each text the characters, by their places, at which it first differs from others."""
    parts = [characters(text) for text in texts]
    order = sorted(range(len(texts)), key=lambda at: texts[at])
    common = [_common(parts[a], parts[b]) for a, b in pairwise(order)]
    places: list[list[int]] = [[] for _ in texts]
    for rank, at in enumerate(order):
        found: set[int] = set()
        for side in (common[max(0, rank - _NEIGHBOURS) : rank][::-1], common[rank : rank + _NEIGHBOURS]):
            least = len(parts[at])
            for each in side:  # what it has in common with a farther one is the least of the steps between
                least = min(least, each)
                found.add(min(least, len(parts[at]) - 1))
        places[at] = sorted(found)
    return places


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _around(text: str, places: Sequence[int], width: int) -> str:
    """The beginning, what stands around the places, and the end, in at most `width` columns."""
    parts = characters(text)
    ends = range(len(text) + 1) if text.isascii() else list(accumulate(map(width_of, parts), initial=0))
    places = places[-max(1, (width - 4) // 10) :]  # the last ones tell it from those that are most like it
    room = width - len(places) - 1
    window = max(3, min(_WINDOW, room * 3 // 5 // len(places)))
    rest = max(0, room - window * len(places))
    head = rest * 2 // 5
    shown = [(0, head), *((ends[place] - window // 3, ends[place] - window // 3 + window) for place in places)]
    shown.append((ends[-1] - (rest - head), ends[-1]))
    kept: set[int] = set()
    for low, high in shown:
        kept.update(range(bisect_left(ends, low), bisect_right(ends, high) - 1))
    text, previous = "", -1
    for at in sorted(kept):
        text += parts[at] if at == previous + 1 else LEFT_OUT + parts[at]
        previous = at
    return shorten_middle(text if previous == len(parts) - 1 else text + LEFT_OUT, width)
