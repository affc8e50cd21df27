"""Which functions became slower: `compare_counts`, numbers in and verdicts out.

    counts of runs ─▶ sides (checked) ─▶ sessions (speed factors, means) ─▶ odd (modules that one run inflates)
                      ─▶ dispersion (spread between runs)
                      ─▶ levels (common change, stale history) ─▶ functions (tests, intervals) ─▶ families (flags)
                                                               └▶ program (the total)

Functions with few samples stay out of the model (`small`) and enter it together, as one row: the rest. README.md in
this folder is the mathematics for readers, with what was measured.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from perfdb.stats.differences import INCONCLUSIVE, Differences, OddRun, TotalDifference
from perfdb.stats.families import adjust, spend
from perfdb.stats.functions import Fit, fit, half_widths, p_values, run_variances, standard_errors
from perfdb.stats.judging import verdicts
from perfdb.stats.needed import runs_needed
from perfdb.stats.normal import F64
from perfdb.stats.odd import Groups, make_groups
from perfdb.stats.one_sided import one_sided
from perfdb.stats.program import total_difference
from perfdb.stats.sessions import odd_run_probabilities
from perfdb.stats.sides import Sides, check_fractions, check_sides
from perfdb.stats.small import LEAST_MEAN, small_intervals, small_p_values

ALLOWANCE = 0.37
"""The part of `fdr` that is spent: when nothing changed, Benjamini-Hochberg at a level flags something that often."""
SMALL_ALLOWANCE = 0.02
"""The part of the allowance that goes to functions too small to be modelled."""
TESTABLE_LEVEL = 1e-7
MODELLED_MOST = 600
"""So many functions are modelled at most, the largest: the others together hold little of a profile."""


def compare_counts(
    baseline: npt.ArrayLike,
    contender: npt.ArrayLike,
    history: npt.ArrayLike | None = None,
    *,
    groups: npt.ArrayLike | None = None,
    fdr: float = 0.05,
    margin: float = 0.05,
) -> Differences:
    """Compare samples by run and function, shape (runs, functions) a side, columns alike.

    `history` holds earlier runs of the baseline's program, which tell how much functions vary and, where their level
    did not move since, count as further baseline runs. `groups`, shape (functions,), is the module of each function,
    by number or name: where a run inflates one module as a whole, that is taken out. `fdr` bounds the false flags (see
    README.md) and `margin` is the relative change that would matter. InputError where the counts are no counts or do
    not fit together.
    """
    check_fractions(fdr=fdr, margin=margin)
    sides = check_sides(baseline, contender, history, groups)
    caveats = _caveats(sides)
    is_one_sided = one_sided(sides.baseline, sides.contender) != 0
    able = ~is_one_sided
    modelled = _modelled(sides, able)
    degrees = sum(max(len(runs) - 1, 0) for runs in (sides.baseline, sides.contender, sides.history))
    if not degrees or not sides.baseline.sum() or not sides.contender.sum():
        return _nothing(sides, caveats)
    if not sides.baseline[:, able].sum() or not sides.contender[:, able].sum():
        return _nothing_in_common(sides, fdr, margin)
    baseline, contender, history = (
        _with_rest(runs, modelled, able) for runs in (sides.baseline, sides.contender, sides.history)
    )
    fitted = fit(baseline, contender, history, _groups(sides, modelled))
    odd = _odd_runs(sides, fitted)
    caveats += tuple(_of_odd_run(sides, run) for run in odd if run.side != "history")
    return replace(_verdicts(sides, modelled, is_one_sided, fitted, fdr, margin), odd=odd, caveats=caveats)


def _verdicts(
    sides: Sides,
    modelled: npt.NDArray[np.intp],
    is_one_sided: npt.NDArray[np.bool_],
    fitted: Fit,
    fdr: float,
    margin: float,
) -> Differences:
    functions, known = sides.baseline.shape[1], len(modelled)
    common = fitted.level.log_ratio
    log_effects, widths = small_intervals(sides.baseline, sides.contender, common)
    p = small_p_values(sides.baseline, sides.contender, common)
    narrow = np.full(functions, np.inf)
    wide, within = half_widths(fitted, (0.05, 0.1))
    log_effects[modelled], widths[modelled], narrow[modelled] = fitted.log_effects[:-1], wide[:-1], within[:-1]
    p[modelled] = p_values(fitted)[:-1]

    levels = np.full(functions, ALLOWANCE * fdr * SMALL_ALLOWANCE / max(functions - known, 1))
    shares = fitted.baseline.means * fitted.baseline.count + fitted.contender.means * fitted.contender.count
    errors = standard_errors(fitted)[:-1]
    levels[modelled] = spend(errors, (shares / shares.sum())[:-1], ALLOWANCE * fdr * (1 - SMALL_ALLOWANCE))
    level = np.where(is_one_sided, 0.0, np.maximum(levels / fdr, 1e-200))
    # What is on one side only is a matter of its own: as discoveries it would make false ones of others seem few.
    adjusted = np.minimum(p * max(int(is_one_sided.sum()), 1), 1)
    adjusted[~is_one_sided] = np.minimum(adjust(p[~is_one_sided], level[~is_one_sided]), 1)
    top = np.expm1(np.minimum(log_effects + narrow, 700))
    within = np.maximum(-np.expm1(log_effects - narrow), top)
    verdict = verdicts(np.expm1(log_effects), adjusted, within, fdr, margin)
    needed = np.zeros(functions, np.int64)
    one_level = np.full(known, ALLOWANCE * fdr / max(int((levels[modelled] > TESTABLE_LEVEL).sum()), 1))
    earlier = np.maximum(fitted.blended.runs - fitted.direct.runs, 0)[:-1]
    needed[modelled] = runs_needed(run_variances(fitted)[:-1], earlier, one_level, margin)
    return Differences(
        effect=np.expm1(log_effects),
        low=np.expm1(log_effects - widths),
        high=np.expm1(np.minimum(log_effects + widths, 700)),
        p_value=p,
        adjusted=adjusted,
        verdict=verdict,
        runs_needed=needed,
        total=total_difference(fitted, _one_sided_work(sides, is_one_sided), fdr, margin),
        caveats=(),
        level=level,
        within=within,
        common_effect=math.expm1(fitted.level.log_ratio),
    )


def _modelled(sides: Sides, able: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The columns of the functions that have samples enough for a model, of those `able`; ascending."""
    means = (sides.baseline.mean(axis=0) + sides.contender.mean(axis=0)) / 2
    modelled = np.flatnonzero((means >= LEAST_MEAN) & able)
    if len(modelled) > MODELLED_MOST:
        largest = np.argsort(-means[modelled], kind="stable")[:MODELLED_MOST]
        modelled = np.sort(modelled[largest])
    return modelled


def _with_rest(counts: F64, modelled: npt.NDArray[np.intp], able: npt.NDArray[np.bool_]) -> F64:
    """The modelled functions' columns, and all others together as the last, but for those that only one side has."""
    chosen = counts[:, modelled]
    rest = counts[:, able].sum(axis=1) - chosen.sum(axis=1)
    return np.concatenate([chosen, rest[:, None]], axis=1)


def _groups(sides: Sides, modelled: npt.NDArray[np.intp]) -> Groups | None:
    """The groups of the modelled functions, and the rest as a group of its own."""
    if sides.groups is None:
        return None
    return make_groups(np.append(sides.groups[modelled], len(sides.names)), len(sides.names))


def _odd_runs(sides: Sides, fitted: Fit) -> tuple[OddRun, ...]:
    """The odd runs, and the odd groups of runs, by the caller's rows and names; the rest of small ones is no group."""
    rows = (range(len(sides.baseline)), range(len(sides.contender)), sides.history_rows)
    sessions = (fitted.baseline, fitted.contender, *((fitted.history,) if fitted.history else ()))
    found = []
    for place, (side, session) in enumerate(zip(("baseline", "contender", "history"), sessions, strict=False)):
        probabilities = odd_run_probabilities(np.log(session.factors))
        for run in np.flatnonzero(probabilities > 0.5).tolist():
            factor = float(session.factors[run])
            found.append(OddRun(side, int(rows[place][run]), None, factor, float(probabilities[run])))
        for each in fitted.odd[place]:
            if each.group < len(sides.names):
                name = sides.names[each.group]
                found.append(OddRun(side, int(rows[place][each.run]), name, each.factor, each.probability))
    return tuple(found)


def _of_odd_run(sides: Sides, odd: OddRun) -> str:
    runs = len(sides.baseline if odd.side == "baseline" else sides.contender)
    others = "the others" if runs > 1 else "other runs"
    direction = "above" if odd.factor > 1 else "below"
    apart = f"{100 * abs(odd.factor - 1):.0f} % {direction} {others}"
    return (
        f"{odd.side} run {odd.run + 1} of {runs} {'lies' if odd.group is None else 'has one group'} {apart}; "
        "that is taken for an odd run, not for a change"
    )


def _caveats(sides: Sides) -> tuple[str, ...]:
    found = []
    counts = len(sides.baseline), len(sides.contender), len(sides.history)
    if sum(max(count - 1, 0) for count in counts) == 0:
        found.append("one run a side and no earlier runs tell nothing of how runs vary: record at least 3 runs a side")
    for name, runs in (("baseline", sides.baseline), ("contender", sides.contender)):
        empty = int((runs.sum(axis=1) == 0).sum())
        if empty == len(runs):
            found.append(f"the {name} has no samples")
        elif empty:
            found.append(f"{empty} of {len(runs)} runs of the {name} have no samples")
    return tuple(found)


def _one_sided_work(sides: Sides, is_one_sided: npt.NDArray[np.bool_]) -> tuple[F64, F64]:
    """The samples of functions that only one side has, in each run of (baseline, contender)."""
    return sides.baseline[:, is_one_sided].sum(axis=1), sides.contender[:, is_one_sided].sum(axis=1)


def _nothing_in_common(sides: Sides, fdr: float, margin: float) -> Differences:
    """No function is on both sides: the totals are all that can be compared."""
    sums = [runs.sum(axis=1, keepdims=True) for runs in (sides.baseline, sides.contender, sides.history)]
    found = compare_counts(*sums, fdr=fdr, margin=margin)
    untold = _nothing(sides, (*found.caveats, "the two sides have no function in common"))
    return replace(untold, total=found.total)


def _nothing(sides: Sides, caveats: tuple[str, ...]) -> Differences:
    """Nothing can be told, beyond how the plain means lie to each other."""
    functions = sides.baseline.shape[1]
    nan = np.full(functions, np.nan)
    first, second = sides.baseline.mean(axis=0), sides.contender.mean(axis=0)
    effect = np.divide(second, first, out=nan.copy(), where=first > 0) - 1
    totals = float(first.sum()), float(second.sum())
    change = totals[1] / totals[0] - 1 if totals[0] else float("nan")
    none = float("nan")
    total = TotalDifference(change, none, none, none, none, INCONCLUSIVE, 0)
    zeros = np.zeros(functions, np.int64)
    return Differences(
        effect=effect,
        low=nan.copy(),
        high=nan.copy(),
        p_value=nan.copy(),
        adjusted=nan.copy(),
        verdict=zeros.astype(np.int8),
        runs_needed=zeros,
        total=total,
        caveats=caveats,
        level=np.zeros(functions),
        within=nan.copy(),
    )
