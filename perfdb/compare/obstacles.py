"""Where names stand in the way: functions that cannot be compared although their runs can.

A function that has a name on one side only seems to be new, and its module's unresolved work to shrink. Nothing is said
of the functions of such a module; the module as a whole, and the program, are judged as ever.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from perfdb.compare.costs import Aligned
from perfdb.compare.run_caveats import UNRESOLVED_SHIFT, templates_of
from perfdb.compare.sides import Matched
from perfdb.profile.columns import I64, TRIMMED, Bool
from perfdb.profile.outcome import MixedSymbols

LEAST_DEVIATIONS = 4.0
"""So many standard deviations a share of unresolved samples must move before it is more than chance."""


def function_obstacles(runs: Matched, functions: Aligned, mixed: Sequence[MixedSymbols]) -> list[str]:
    """For each item of `functions` why it cannot be compared, '' where it can."""
    templates = [{templates_of(run) for run in side} for side in (runs.baseline, runs.contender)]
    if templates[0] != templates[1] or len(templates[0]) > 1:
        return ["template arguments are told in the names of some runs and folded in others"] * len(functions.items)
    reasons = {
        each.module.lower(): f"{each.bare} of {each.bare + each.named} runs have no names for {each.module}"
        for each in mixed
    }
    reasons = _shifted(functions) | reasons
    hidden = np.logical_or(*(_may_hide(functions, ns) for ns in (functions.baseline_ns, functions.contender_ns)))
    return [
        reasons.get(item.key[0], "the other side leaves out functions that did little" if hides else "")
        for item, hides in zip(functions.items, hidden.tolist(), strict=True)
    ]


def _shifted(functions: Aligned) -> dict[str, str]:
    """The modules whose share of unresolved samples differs between the sides by more than chance."""
    modules: dict[str, list[int]] = {}
    for place, item in enumerate(functions.items):
        modules.setdefault(item.key[0], []).append(place)
    found = {}
    for module, places in modules.items():
        bare = [place for place in places if functions.items[place].is_unresolved]
        if not bare or len(bare) == len(places):
            continue
        shares, variance = [], 0.0
        for samples in (functions.baseline_samples, functions.contender_samples):
            all_samples, bare_samples = int(samples[:, places].sum()), int(samples[:, bare].sum())
            if not all_samples:
                break
            shares.append(bare_samples / all_samples)
            variance += max(shares[-1] * (1 - shares[-1]), 1 / all_samples) / all_samples
        if len(shares) < 2:
            continue
        shift = abs(shares[1] - shares[0])
        if shift > UNRESOLVED_SHIFT and shift > LEAST_DEVIATIONS * math.sqrt(variance):
            name = functions.items[places[0]].module
            found[module] = (
                f"the unresolved share of {name} went from {shares[0]:.0%} to {shares[1]:.0%}: "
                "functions may only have got or lost names"
            )
    return found


def _may_hide(functions: Aligned, costs: I64) -> Bool:
    """Which items a side may have although it does not name them: functions of modules of which it left some out."""
    present: Bool = np.asarray((costs > 0).any(axis=0), np.bool_)
    trimmed = {
        item.key[0]
        for item, here in zip(functions.items, present.tolist(), strict=True)
        if here and item.function == TRIMMED
    }
    return np.array([item.key[0] in trimmed for item in functions.items], np.bool_) & ~present
