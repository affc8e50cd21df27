"""The two sides of a diff: the commits that stand for them, and what decides whether runs can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from perfdb.profile.columns import MEASURED, Caveat
from perfdb.profile.measurement import Measured

SHORT_RUN = 8
EXACT, SAME_TREE, ANCESTOR = "exact", "same-tree", "ancestor"


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

    `machine` is a host's name; `cpu` and `cores` are '' and 0 where the source does not tell them. `samples` are the
    main process's. `is_pooled` is whether its source does not tell processes apart. `measured` are its metrics, which
    are all that a run of detail `measured` has.
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
    commit_sha: str = ""
    cpu: str = ""
    cores: int = 0
    samples: int = 0
    lost_events: int = 0
    lost_buffers: int = 0
    measured: tuple[Measured, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether it has metrics only: it comes from a benchmark program, and is no profile."""
        return self.detail == MEASURED


@dataclass(frozen=True, slots=True)
class SetAside:
    """A run that is not compared, and why; `side` is `baseline`, `contender` or `history`."""

    run_id: str
    side: str
    reason: str


@dataclass(frozen=True, slots=True)
class Matched:
    """The runs of one example that are compared, in the order in which their costs stand.

    `history` are earlier runs of the same example in the same conditions. Where `reason` says something, the two sides
    differ in more than the commit: their costs are shown and nothing is judged. `unlike` is how many earlier runs were
    not looked at, because they are unlike all that are compared.
    """

    baseline: tuple[RunFacts, ...]
    contender: tuple[RunFacts, ...]
    history: tuple[RunFacts, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    reason: str = ""
    unlike: int = 0

    @property
    def is_measured(self) -> bool:
        """Whether what is compared are results of benchmarks, and no profile is among them."""
        runs = (*self.baseline, *self.contender)
        return bool(runs) and all(run.is_measured for run in runs)

    @property
    def has_profiles(self) -> bool:
        """Whether all runs that are compared are profiles, so that they have modules and functions to compare."""
        return not any(run.is_measured for run in (*self.baseline, *self.contender))


def short_run(run_id: str) -> str:
    """`r` and the end of the id, as tables show it: the beginning is the time, which runs of one evening share."""
    return f"r{run_id.replace('-', '')[-SHORT_RUN:]}"


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


def side_caveats(baseline: Side, contender: Side) -> tuple[Caveat, ...]:
    """What to say of the two sides before any number."""
    found = [stand_in_caveat("baseline", baseline), stand_in_caveat("contender", contender)]
    if baseline.recorded_sha == contender.recorded_sha:
        found.append(Caveat("same-commit", "both sides are the same recorded commit: all differences are noise"))
    return tuple(caveat for caveat in found if caveat)
