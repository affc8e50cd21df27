"""A file for speedscope.app, in its own format: https://www.speedscope.app/file-format-schema.json.

Every track is a profile of type "sampled": a stack, root first, with its weight in nanoseconds. Frames are functions;
`file` is their module, by which speedscope picks colours. The history knows how often a stack was met and not when, so
stacks go in the order of the tree: what speedscope calls "time order" is the heaviest call path first.
"""

from __future__ import annotations

import json
from typing import Any

from perfdb import __version__
from perfdb.profile.columns import TRIMMED, UNRESOLVED
from perfdb.report.tracks import Track, Tracks, Walker

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope_text(tracks: Tracks) -> str:
    """The tracks as a speedscope file: compact JSON in ASCII, whatever the names hold."""
    tree = tracks.tree
    walker = Walker(tree)
    names = zip(tree.module.tolist(), tree.name.tolist(), strict=True)
    content = {
        "$schema": SCHEMA,
        "exporter": f"perfdb {__version__}",
        "name": tracks.title,
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": shown_name(module, name), "file": module} for module, name in names]},
        "profiles": [_profile(tracks.name(track), track, walker) for track in tracks.tracks],
    }
    return json.dumps(content, separators=(",", ":")) + "\n"


def shown_name(module: str, function: str) -> str:
    """What a viewer that shows functions without modules calls one: where there is no name, the module says more."""
    return f"{module}!{function}" if function in (UNRESOLVED, TRIMMED) else function


def _profile(name: str, track: Track, walker: Walker) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": name,
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": int(track.weight_ns.sum()),
        "samples": [path.copy() for path in walker.paths(track.stack)],
        "weights": track.weight_ns.tolist(),
    }
