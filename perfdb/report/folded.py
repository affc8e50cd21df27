r"""Folded stacks, the exchange format of the flame-graph world: one line a stack, root first, with its samples.

    ntdll.dll!RtlUserThreadStart;app.exe!main;app.exe!parse 12

Frames are spelled as in `perfdb.profile.folded_text`; stacks that come out alike are one line. Lines are in the order
of their code points, so that the same work always gives the same text. Every line ends with LF and matches
`^(.+) (\d+)$`.

What perfdb wrote it reads again as the same stacks and samples. Only functions that are really called as tools write
"no symbol" (`?`, `n/a`, an address), which no reader of perfdb lets into a history, come back as `<unresolved>`.
"""

from __future__ import annotations

from collections.abc import Iterable

from perfdb.profile.folded_text import spell_frame, spell_process
from perfdb.store.exchange import SampledStacks, StackCount


def folded_text(stacks: SampledStacks, counts: Iterable[StackCount], with_process: bool = False) -> str:
    """The counts as folded stacks; `with_process` puts the process before the root, as `name (pid)`."""
    spelled: dict[tuple[str, str], str] = {}
    frames: list[str] = []
    for names in zip(stacks.module, stacks.function, strict=True):
        frame = spelled.get(names)
        if frame is None:
            frame = spelled[names] = spell_frame(*names)
        frames.append(frame)
    samples: dict[str, int] = {}
    for count in counts:
        path = _path(stacks, frames, count.stack)
        line = f"{spell_process(count.process, count.pid)};{path}" if with_process else path
        samples[line] = samples.get(line, 0) + count.samples
    return "".join(f"{line} {number}\n" for line, number in sorted(samples.items()) if number)


def _path(stacks: SampledStacks, frames: list[str], row: int) -> str:
    path = []
    while row >= 0:
        path.append(frames[row])
        row = stacks.parent[row]
    return ";".join(reversed(path))
