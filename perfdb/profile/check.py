"""Does a profile hold together? One call after each step that makes or changes one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import Profile


def self_check(profile: Profile) -> None:
    """Raise AssertionError, naming the table, where a profile breaks the rules of `columns`: that is a bug in
    perfdb.
    """
    samples, stacks, frames, functions = profile.samples, profile.stacks, profile.frames, profile.functions
    _within("sample.process", samples.process, len(profile.processes))
    _within("sample.stack", samples.stack, len(stacks))
    _within("stack.frame", stacks.frame, len(frames))
    _within("frame.function", frames.function, len(functions))
    _within("frame.loaded", frames.loaded, len(profile.loaded), lowest=-1)
    _within("function.module", functions.module, len(profile.modules))
    _within("loaded.module", np.array([row.module for row in profile.loaded], np.int64), len(profile.modules))
    rows = np.arange(len(stacks))
    _require(bool(np.all(stacks.parent < rows) and np.all(stacks.parent >= -1)), "stack.parent is not an earlier row")
    above = np.where(stacks.parent >= 0, stacks.depth[stacks.parent], 0) if len(stacks) else stacks.depth
    _require(bool(np.all(stacks.depth == above + (len(stacks) > 0))), "stack.depth is not its parent's plus one")
    _require(bool(np.all(samples.weight_ns >= 0) and np.all(samples.count >= 0)), "a sample has a negative weight")
    _require(profile.sample_count == profile.idle_count + int(samples.count.sum()), "samples are not idle plus work")


def _within(name: str, rows: npt.NDArray[np.signedinteger], length: int, lowest: int = 0) -> None:
    _require(not len(rows) or bool(rows.min() >= lowest and rows.max() < length), f"{name} points outside its table")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
