"""Does a profile hold together? One call after each step that makes or changes one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I64, MEASURED, NOT_KNOWN, STACKS, SYMBOL_STATES, ItemWeights, Profile, Sums
from perfdb.profile.identity import fold_module


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
    if profile.places is not None:
        _require(len(profile.places) == len(frames), "places are not those of the frames")
        _within("place.file", profile.places.file, len(profile.files), lowest=-1)
    named = np.array([row.function for row in profile.symbol_names], np.int64)
    _within("symbol_name.function", named, len(functions))
    _require(all(row.symbols in SYMBOL_STATES for row in profile.loaded), "loaded.symbols is no known state")
    rows = np.arange(len(stacks))
    _require(bool(np.all(stacks.parent < rows) and np.all(stacks.parent >= -1)), "stack.parent is not an earlier row")
    above = np.where(stacks.parent >= 0, stacks.depth[stacks.parent], 0) if len(stacks) else stacks.depth
    _require(bool(np.all(stacks.depth == above + (len(stacks) > 0))), "stack.depth is not its parent's plus one")
    _require(bool(np.all(samples.weight_ns >= 0) and np.all(samples.count >= 0)), "a sample has a negative weight")
    has_no_sums = profile.detail in (STACKS, MEASURED)
    _require((profile.sums is None) == has_no_sums, "only a profile without samples has sums")
    _require(profile.detail != MEASURED or not len(samples), "a profile of measurements has samples")
    if profile.sums is not None:
        _require(not len(samples), "a profile has both samples and sums")
        _check_sums(profile, profile.sums)
    work = samples.count if profile.sums is None else profile.sums.functions.exclusive_samples
    _require(profile.sample_count == profile.idle_count + int(work.sum()), "samples are not idle plus work")


def _check_sums(profile: Profile, sums: Sums) -> None:
    modules, functions = profile.modules, profile.functions
    _require(len({fold_module(name) for name in modules}) == len(modules), "a module is there twice")
    pairs = set(zip(functions.module.tolist(), functions.name, strict=True))
    _require(len(pairs) == len(functions), "a function is there twice")
    for name, weights, items in (
        ("functions", sums.functions, len(functions)),
        ("modules", sums.modules, len(modules)),
    ):
        _within(f"{name}.process", weights.process, len(profile.processes))
        _within(f"{name}.item", weights.item, items)
        keys = set(zip(weights.process.tolist(), weights.item.tolist(), strict=True))
        _require(len(keys) == len(weights), f"{name} have a weight twice")
        for exclusive, inclusive in (
            (weights.exclusive_samples, weights.inclusive_samples),
            (weights.exclusive_ns, weights.inclusive_ns),
        ):
            known = inclusive != NOT_KNOWN
            _require(bool(np.all(exclusive >= 0)), f"{name} have a negative weight")
            _require(bool(np.all(inclusive[known] >= exclusive[known])), f"{name} are less inclusive than exclusive")
    left, right = (_by_process(profile, weights) for weights in (sums.functions, sums.modules))
    _require(bool(np.all(left == right)), "functions and modules do not add up to the same")
    for name, rows, length in (
        ("calls.process", sums.calls.process, len(profile.processes)),
        ("calls.caller", sums.calls.caller, len(functions)),
        ("calls.callee", sums.calls.callee, len(functions)),
    ):
        _within(name, rows, length)


def _by_process(profile: Profile, weights: ItemWeights) -> I64:
    """Exclusive samples and ns of each process: shape (2, processes)."""
    total = np.zeros((2, len(profile.processes)), np.int64)
    np.add.at(total[0], weights.process, weights.exclusive_samples)
    np.add.at(total[1], weights.process, weights.exclusive_ns)
    return total


def _within(name: str, rows: npt.NDArray[np.signedinteger], length: int, lowest: int = 0) -> None:
    _require(not len(rows) or bool(rows.min() >= lowest and rows.max() < length), f"{name} points outside its table")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise AssertionError(message)
