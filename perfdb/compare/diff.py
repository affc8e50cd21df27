"""Two revisions compared, example by example, with the caveats that a reader needs before the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from perfdb.compare.costs import Costs
from perfdb.compare.ledger import Entry, Ledger, close_ledger
from perfdb.profile.columns import EDGES, LEAF, STACKS, TEMPLATES_FOLDED, Caveat
from perfdb.profile.outcome import MixedSymbols

EXACT, SAME_TREE, ANCESTOR = "exact", "same-tree", "ancestor"

UNRESOLVED_SHIFT = 0.05
"""A greater difference in unresolved share may move time between functions that only lost or got their names."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a diff: what was asked for, and the recorded commit that stands for it.

    `how` is `exact`, `same-tree` (another commit with the same content), or `ancestor`, `distance` commits back.
    """

    asked: str
    commit_sha: str
    subject: str
    how: str
    distance: int
    recorded_sha: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What of a run decides whether it can be compared with another.

    `is_pooled` is whether its source does not tell processes apart.
    """

    run_id: str
    process: str
    machine: str
    build: str
    is_dirty: bool
    detail: str
    interval_ns: int
    unresolved_share: float | None
    caveats: tuple[Caveat, ...]
    is_pooled: bool = False


@dataclass(frozen=True, slots=True)
class ExampleDiff:
    """One example on both sides; `baseline` and `contender` are the runs that were compared."""

    example: str
    baseline: tuple[RunFacts, ...]
    contender: tuple[RunFacts, ...]
    modules: Ledger
    functions: Ledger
    caveats: tuple[Caveat, ...]

    @property
    def total(self) -> Entry:
        """The whole program's CPU time."""
        return self.modules.total


@dataclass(frozen=True, slots=True)
class Comparison:
    """A diff: the two sides, the examples that both have, and the names of those that only one has."""

    baseline: Side
    contender: Side
    scope: str
    examples: tuple[ExampleDiff, ...]
    only_baseline: tuple[str, ...]
    only_contender: tuple[str, ...]
    caveats: tuple[Caveat, ...]


def compare_example(
    example: str,
    runs: tuple[Sequence[RunFacts], Sequence[RunFacts]],
    modules: tuple[Costs, Costs],
    functions: tuple[Costs, Costs],
    top: int | None,
    caveats: Sequence[Caveat] = (),
) -> ExampleDiff:
    """Compare the runs of one example; each pair is (baseline, contender). `caveats` come before what is found here."""
    baseline, contender = runs
    return ExampleDiff(
        example,
        tuple(baseline),
        tuple(contender),
        close_ledger(*modules, top=top),
        close_ledger(*functions, top=top),
        (*caveats, *_caveats(baseline, contender)),
    )


def stand_in_caveat(role: str, side: Side) -> Caveat | None:
    """What to say where a side stands for another commit than the one that was asked for; None where it does not."""
    stand_in = side.recorded_sha[:10]
    if side.how == ANCESTOR:
        steps = f"{side.distance} commit{'s' if side.distance != 1 else ''}"
        text = f"{side.asked} has no runs: {role} is its nearest recorded ancestor {stand_in}, {steps} back"
        return Caveat("ancestor", text)
    if side.how == SAME_TREE:
        return Caveat("same-tree", f"{side.asked} has no runs: {role} is {stand_in}, a commit with the same tree")
    return None


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


def side_caveats(baseline: Side, contender: Side) -> tuple[Caveat, ...]:
    """What to say of the two sides before any number."""
    found = [stand_in_caveat("baseline", baseline), stand_in_caveat("contender", contender)]
    if baseline.recorded_sha == contender.recorded_sha:
        found.append(Caveat("same-commit", "both sides are the same recorded commit: all differences are noise"))
    return tuple(caveat for caveat in found if caveat)


def _caveats(baseline: Sequence[RunFacts], contender: Sequence[RunFacts]) -> tuple[Caveat, ...]:
    """What makes these runs unlike each other, and what was wrong with single ones."""
    pooled = _pooled(baseline, contender)
    found = [
        caveat
        for caveat in (
            _differs("machine", "machines", baseline, contender, lambda run: run.machine or "unknown"),
            _differs("build", "build kinds", baseline, contender, lambda run: run.build or "unknown"),
            pooled or _differs("process", "processes", baseline, contender, lambda run: run.process.lower()),
            _differs(
                "interval", "sampling intervals", baseline, contender, lambda run: f"{run.interval_ns / 1e6:g} ms"
            ),
            _differs("templates", "ways with template arguments", baseline, contender, _templates),
            _detail(baseline, contender),
            _unresolved_shift(baseline, contender),
        )
        if caveat
    ]
    for name, runs in (("baseline", baseline), ("contender", contender)):
        dirty = sum(run.is_dirty for run in runs)
        if dirty:
            found.append(Caveat("dirty", f"{name}: {dirty} of {len(runs)} runs are of a tree with uncommitted changes"))
        told: dict[Caveat, int] = {}
        for run in runs:
            for caveat in run.caveats:
                told[caveat] = told.get(caveat, 0) + 1
        for caveat, count in told.items():
            found.append(Caveat(caveat.code, f"{name}, {count} of {len(runs)} runs: {caveat.text}"))
    return tuple(found)


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


def _templates(run: RunFacts) -> str:
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
