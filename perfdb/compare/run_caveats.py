"""What a reader must know of the runs before the numbers: what makes them unlike, what was wrong with single ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perfdb.compare.sides import Matched, RunFacts, short_run
from perfdb.profile.columns import EDGES, LEAF, STACKS, TEMPLATES_FOLDED, Caveat
from perfdb.profile.outcome import MixedSymbols
from perfdb.stats import OddRun

LEAST_RUNS = 3
"""Without a history, so many runs a side are the least that tell how runs vary."""
UNRESOLVED_SHIFT = 0.05
"""A greater difference in unresolved share may move time between functions that only lost or got their names."""


def mixed_caveats(mixed: Sequence[MixedSymbols]) -> tuple[Caveat, ...]:
    """What to say of modules of one example that have names in some of its runs only."""
    return tuple(
        Caveat(
            "mixed-symbols",
            f"{each.bare} of {each.bare + each.named} runs have no names for {each.module}: its functions cannot be "
            "compared; perfdb symbolicate gives runs their names",
        )
        for each in mixed
    )


def odd_caveats(runs: Matched, odd: Sequence[OddRun], modules: Sequence[str]) -> tuple[Caveat, ...]:
    """Which modules of which runs lie apart from the other runs of their side, and so count less there."""
    sides = {"baseline": runs.baseline, "contender": runs.contender, "history": runs.history}
    return tuple(
        Caveat(
            "odd-run",
            f"{each.side} run {short_run(sides[each.side][each.run].run_id)}: "
            f"{'the whole run' if each.group is None else modules[int(each.group)]} lies {abs(each.factor - 1):.0%} "
            f"{'above' if each.factor > 1 else 'below'} the other runs, and counts less",
        )
        for each in odd
        if each.side != "history"
    )


def run_caveats(runs: Matched) -> tuple[Caveat, ...]:
    """What makes these runs unlike each other, and what was wrong with single ones."""
    baseline, contender = runs.baseline, runs.contender
    pooled = _pooled(baseline, contender)
    of_profiles = (
        (
            _differs(
                "interval", "sampling intervals", baseline, contender, lambda run: f"{run.interval_ns / 1e6:g} ms"
            ),
            _differs("templates", "ways with template arguments", baseline, contender, templates_of),
            _detail(baseline, contender),
            _unresolved_shift(baseline, contender),
        )
        if runs.has_profiles
        else ()
    )
    found = [
        caveat
        for caveat in (
            _differs("machine", "machines", baseline, contender, lambda run: run.machine or "unknown"),
            _differs("build", "build kinds", baseline, contender, lambda run: run.build or "unknown"),
            pooled or _differs("process", "processes", baseline, contender, lambda run: run.process.lower()),
            *of_profiles,
        )
        if caveat
    ]
    sides = (("baseline", baseline), ("contender", contender))
    told = [_told(side) for _, side in sides]
    everywhere = [
        caveat for caveat, count in told[0].items() if (count, told[1].get(caveat)) == (len(baseline), len(contender))
    ]
    count = len(baseline) + len(contender)
    found += [Caveat(caveat.code, f"all {count} runs: {caveat.text}") for caveat in everywhere]
    for (name, side), counts in zip(sides, told, strict=True):
        dirty = sum(run.is_dirty for run in side)
        if dirty:
            found.append(Caveat("dirty", f"{name}: {dirty} of {len(side)} runs are of a tree with uncommitted changes"))
        for caveat, count in counts.items():
            if caveat not in everywhere:
                found.append(Caveat(caveat.code, f"{name}, {count} of {len(side)} runs: {caveat.text}"))
    return tuple(found)


def repetition_caveats(examples: Sequence[Matched]) -> tuple[Caveat, ...]:
    """What to say, once for all, of benchmarks of which nobody knows how their runs vary."""
    bare = [
        runs
        for runs in examples
        if runs.is_measured
        and not runs.reason
        and not runs.history
        and max(len(runs.baseline), len(runs.contender)) == 1
    ]
    if not bare:
        return ()
    which = "the benchmark has" if len(examples) == 1 else f"{len(bare):,} of {len(examples):,} examples have"
    text = (
        f"{which} one run a side and no earlier runs: repetitions within a run do not tell how runs vary. Run the "
        f"benchmarks {LEAST_RUNS} times or more on each side, and record every file of results"
    )
    return (Caveat("one-run", text),)


def _told(runs: Sequence[RunFacts]) -> dict[Caveat, int]:
    """How many runs have each caveat."""
    counts: dict[Caveat, int] = {}
    for run in runs:
        for caveat in run.caveats:
            counts[caveat] = counts.get(caveat, 0) + 1
    return counts


_TELLS = {
    STACKS: "call paths",
    EDGES: "functions with their callers and callees",
    LEAF: "only what was running",
}


def _detail(baseline: Sequence[RunFacts], contender: Sequence[RunFacts]) -> Caveat | None:
    """Runs that tell differently much are compared at what all of them tell."""
    sides = [sorted({run.detail for run in runs}) for runs in (baseline, contender)]
    if sides[0] == sides[1] and len(sides[0]) == 1:
        return None
    left, right = (" and ".join(f"{detail} ({_TELLS.get(detail, detail)})" for detail in side) for side in sides)
    common = "exclusive costs are in all of them"
    if LEAF in sides[0] + sides[1] and set(sides[0] + sides[1]) != {LEAF}:
        common += ", but for those of the idle process"
    return Caveat("detail", f"different levels of detail: baseline {left}; contender {right}; {common}")


def _pooled(baseline: Sequence[RunFacts], contender: Sequence[RunFacts]) -> Caveat | None:
    """Runs that do not tell processes apart are compared with all processes of the others."""
    runs = [*baseline, *contender]
    pooled = sum(run.is_pooled for run in runs)
    if not pooled or pooled == len(runs):
        return None
    return Caveat(
        "pooled",
        f"{pooled} of {len(runs)} runs do not tell processes apart: all processes are compared, of the other runs too",
    )


def _differs(
    code: str, what: str, baseline: Sequence[RunFacts], contender: Sequence[RunFacts], value: Callable[[RunFacts], str]
) -> Caveat | None:
    left, right = sorted({value(run) for run in baseline}), sorted({value(run) for run in contender})
    if left == right and len(left) == 1:
        return None
    return Caveat(code, f"different {what}: baseline {', '.join(left)}; contender {', '.join(right)}")


def templates_of(run: RunFacts) -> str:
    """Whether the names of a run tell template arguments: `folded` or `kept`."""
    return "folded" if any(caveat.code == TEMPLATES_FOLDED for caveat in run.caveats) else "kept"


def _unresolved_shift(baseline: Sequence[RunFacts], contender: Sequence[RunFacts]) -> Caveat | None:
    shares = [
        [run.unresolved_share for run in runs if run.unresolved_share is not None] for runs in (baseline, contender)
    ]
    if not all(shares):
        return None
    left, right = (sum(side) / len(side) for side in shares)
    if abs(right - left) <= UNRESOLVED_SHIFT:
        return None
    return Caveat(
        "unresolved", f"unresolved share went from {left:.0%} to {right:.0%}: functions may only have got or lost names"
    )
