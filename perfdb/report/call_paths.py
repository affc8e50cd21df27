"""Call paths as text: the root stands first, and of forty frames the last few tell where one is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfdb.compare.costs import Item
from perfdb.report.cells import printable
from perfdb.report.widths import LEFT_OUT, shorten_middle, width_of

BETWEEN = " → "
"""Frames are parted by what no name has: `> >` may end a template."""
WHOLE_PROGRAM = "(the whole program)"
LAST_FRAMES = 3
"""So many frames from the end are shown, where there is room."""
LEAST_LEAD = 12
"""With less room than that, landmarks are left out: the last frame matters more. With twice that, its module stays."""
ROOM = 100
"""Where nothing limits the width, fewer frames are shown than fill more than that; the last one is always whole."""


@dataclass(frozen=True, slots=True)
class CallPath:
    """A path of `frames`, root first, none for the whole program.

    `landmarks` are the places of frames that tell it from paths with the same end.
    """

    frames: tuple[Item, ...]
    landmarks: frozenset[int] = frozenset()

    def __str__(self) -> str:
        texts = (self._text(last) for last in range(LAST_FRAMES, 0, -1))
        return next((text for text in texts if len(text) <= ROOM), self._text(1)) if self.frames else WHOLE_PROGRAM

    def shortened(self, width: int) -> str:
        """At most `width` columns, printable: first fewer frames, then shorter names, and then no landmarks either."""
        if not self.frames:
            return WHOLE_PROGRAM
        for last in range(LAST_FRAMES, 0, -1):
            text = printable(self._text(last))
            if width_of(text) <= width:
                return text
        end = len(self.frames) - 1
        leading = sorted(self.landmarks - {end})
        gap = BETWEEN if leading and leading[-1] == end - 1 else f"{BETWEEN}{LEFT_OUT}{BETWEEN}"
        function = printable(self.frames[end].function or str(self.frames[end]))
        for text, least in ((printable(str(self.frames[end])), 2 * LEAST_LEAD), (function, LEAST_LEAD)):
            room = width - width_of(f"{gap}{text}")
            if leading and room >= least:
                return f"{shorten_middle(printable(self._of(leading)), room)}{gap}{text}"
        return shorten_middle(f"{LEFT_OUT}{BETWEEN}{function}" if end else function, width)

    def _text(self, last: int) -> str:
        return self._of(sorted(self.landmarks | set(range(max(0, len(self.frames) - last), len(self.frames)))))

    def _of(self, shown: Sequence[int]) -> str:
        parts, module, previous = [], None, -1
        for place in shown:
            frame = self.frames[place]
            if place > previous + 1:
                parts.append(LEFT_OUT)
            is_same_module = module == frame.key[0] and frame.function is not None
            parts.append(frame.function or "" if is_same_module else str(frame))
            module, previous = frame.key[0], place
        return BETWEEN.join(parts)


def call_paths(paths: Sequence[tuple[Item, ...]]) -> list[CallPath]:
    """The paths as text shows them side by side: those with the same last frames also show where they differ."""
    alike: dict[tuple[Item, ...], list[int]] = {}
    for number, path in enumerate(paths):
        alike.setdefault(path[-1:], []).append(number)
    return [
        CallPath(path, frozenset(_landmarks(path, (paths[other] for other in alike[path[-1:]] if other != number))))
        for number, path in enumerate(paths)
    ]


def _landmarks(path: tuple[Item, ...], others: Iterable[tuple[Item, ...]]) -> set[int]:
    """Where the path, read from its end, first differs from each other; its root where it is all of the other's end."""
    places: set[int] = set()
    for other in others if path else ():
        common = 0
        while common < min(len(path), len(other)) and path[-1 - common] == other[-1 - common]:
            common += 1
        places.add(max(0, len(path) - 1 - common))
    return places
