r"""Folded stacks, the exchange format of the flame-graph world: one line a stack, root first, with its samples.

    ntdll.dll!RtlUserThreadStart;app.exe!main;app.exe!parse 12

Frames are spelled as in `perfdb.profile.folded_text`; stacks that come out alike are one line. Lines are in the order
of their code points, so that the same work always gives the same text. Every line ends with LF and matches
`^(.+) (\d+)$`.

What perfdb wrote it reads again as the same stacks and samples. Only functions that are really called as tools write
"no symbol" (`?`, `n/a`, an address), which no reader of perfdb lets into a history, come back as `<unresolved>`.
"""

from __future__ import annotations

from perfdb.profile.folded_text import spell_frame, spell_process
from perfdb.report.tracks import Tracks, Walker


def folded_text(tracks: Tracks) -> str:
    """The tracks as folded stacks, added up; where they are processes, `name (pid)` stands before the root."""
    tree = tracks.tree
    frames = [spell_frame(*names) for names in zip(tree.module.tolist(), tree.name.tolist(), strict=True)]
    walker = Walker(tree)
    samples: dict[str, int] = {}
    for track in tracks.tracks:
        before = f"{spell_process(track.process, track.pids[0])};" if tracks.by_process else ""
        for path, count in zip(walker.paths(track.stack), track.samples.tolist(), strict=True):
            line = before + ";".join([frames[function] for function in path])
            samples[line] = samples.get(line, 0) + count
    return "".join(f"{line} {number}\n" for line, number in sorted(samples.items()) if number)
