"""A profile without the names that its trace has for managed code: bare modules, and addresses without a module."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perfdb.profile.columns import (
    JIT_MODULE,
    UNKNOWN_MODULE,
    UNRESOLVED,
    FrameTable,
    FunctionTable,
    LoadedModule,
    Profile,
)


def bare(profile: Profile) -> Profile:
    """The profile with every function unresolved: that of its module, or of no module where code lay in no image.

    For profiles whose functions have names from managed code only, as those of an `.etl` are before symbols.
    """
    if all(name == UNRESOLVED for name in profile.functions.name):
        return profile
    kept = [name for name in profile.modules if name != JIT_MODULE]
    if UNKNOWN_MODULE not in kept:
        kept.append(UNKNOWN_MODULE)
    row_of = {name: row for row, name in enumerate(kept)}
    new_row = np.array([row_of[UNKNOWN_MODULE if name == JIT_MODULE else name] for name in profile.modules], np.int32)
    module = new_row[profile.functions.module]
    used, function = np.unique(module, return_inverse=True)
    frames = profile.frames
    return replace(
        profile,
        modules=tuple(kept),
        loaded=tuple(_moved(row, new_row) for row in profile.loaded),
        functions=FunctionTable(used.astype(np.int32), (UNRESOLVED,) * len(used)),
        frames=FrameTable(frames.loaded, frames.rva, function.astype(np.int32)[frames.function]),
    )


def _moved(loaded: LoadedModule, new_row: np.ndarray[tuple[int], np.dtype[np.int32]]) -> LoadedModule:
    return replace(loaded, module=int(new_row[loaded.module]))
