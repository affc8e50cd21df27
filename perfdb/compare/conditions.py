"""Which runs of one example are compared: those that differ in the commit, and in nothing else that can be known.

A run's *condition* is its machine class, its build kind, its sampling interval, and whether it is a profile or a result
of a benchmark, which has metrics only and no interval. Costs of two conditions are never put together. Machine class:
the processor's name and the number of cores; where no trace of a host names the processor, the host itself. Sampling
intervals within 2 % of each other are one, for some readers take them from the times between samples; letter case never
matters. What a source does not tell (machine, build kind) is a value of its own: a run on an unknown machine is not
compared with one on a known machine.

In this order, example by example:

1. *Profiles without samples* are set aside, unless their side has no other.
2. *Condition.* Where both sides have several in common, that one is compared in which most can be told: first of all
   one in which nothing of the below forbids it, then profiles, then the most runs on the side with fewer, then the most
   runs, then the newest. Runs in other conditions are set aside. Where no condition is common, all runs stay and
   nothing is judged.
3. *Hosts within a machine class.* Like machines are not the same machine: they differ by a few percent. With three
   hosts or more on each side, as a pool of build machines has, hosts are part of the noise and all are compared. Else
   only hosts that both sides have are; where there is none, nothing is judged, for what the machine does and what the
   commit does cannot be told apart. Hosts without a name pass for one.
4. *Losses.* Nobody knows what was in a lost buffer, so one is too many. Lost events are counted against the samples: a
   run that lost more than 0.1 % is set aside while its side has a better one. A side on which every run lost more
   than 1 %, or a buffer, is not judged: a fifth of the usual margin would be a matter of what was lost.
5. *Odd names.* On a side of three runs or more, one whose share of unresolved work lies more than 0.15 apart from the
   side's median is set aside, as long as most runs agree: the same functions have other names in it. A shift of a whole
   side is not told here.

Detail, uncommitted changes and the process are no conditions; caveats tell them. Of the history those runs are taken
that have the compared condition, ran on the compared hosts (with a pool: on any), lost no more than 0.1 % and have
about the baseline's share of unresolved work. Others are left out without a word: nobody asked for them by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from perfdb.compare.condition_texts import (
    Condition,
    empty_text,
    hosts_apart_text,
    lossy_text,
    lost_text,
    nothing_in_common_text,
    odd_names_text,
    other_condition_text,
    other_host_text,
)
from perfdb.compare.sides import Matched, RunFacts, SetAside

BASELINE, CONTENDER = "baseline", "contender"

SAME_INTERVAL = 0.02
"""Sampling intervals that differ by no more than this part are one."""
POOL = 3
"""So many hosts on each side make a pool, in which a host is noise. With fewer, one odd host may be a whole side."""
LOSSY = 0.001
"""Lost events for each sample above which a run is left out where there is a better one."""
MOST_LOST = 0.01
"""Lost events for each sample above which a run cannot be judged at all: a fifth of the usual margin of 5 %."""
ODD_UNRESOLVED = 0.15
"""How far a run's share of unresolved work may lie from its side's median."""
ENOUGH_FOR_ODD = 3
"""The fewest runs of which one can be the odd one."""

_Runs = Sequence[RunFacts]


def match_runs(baseline: _Runs, contender: _Runs, history: _Runs) -> Matched:
    """The runs of one example that are compared, those that are set aside, and why the two sides cannot be judged.

    Runs keep their order. Where `reason` says something there is no history.
    """
    aside: list[SetAside] = []
    left, right = _with_samples(baseline, BASELINE, aside), _with_samples(contender, CONTENDER, aside)
    conditions = _conditions([*left, *right, *history])
    common = {conditions[run.run_id] for run in left} & {conditions[run.run_id] for run in right}
    if not common:
        reason = nothing_in_common_text(left, right, conditions)
        return Matched(tuple(left), tuple(right), (), tuple(aside), reason)
    tried = [_at(condition, left, right, conditions) for condition in sorted(common)]
    best = max(tried, key=lambda each: each.rank)
    return Matched(
        best.baseline,
        best.contender,
        () if best.reason else _history(best, history, conditions),
        (*aside, *best.aside),
        best.reason,
    )


def _with_samples(runs: _Runs, side: str, aside: list[SetAside]) -> list[RunFacts]:
    some = [run for run in runs if _tells_something(run)]
    if not some:
        return list(runs)
    aside += [SetAside(run.run_id, side, empty_text()) for run in runs if not _tells_something(run)]
    return some


def _tells_something(run: RunFacts) -> bool:
    return run.is_measured or run.samples > 0


# ---- conditions ------------------------------------------------------------------------------------------------------


def _conditions(runs: _Runs) -> dict[str, Condition]:
    """The condition of each run, by run id."""
    intervals = _interval_classes(runs)
    machines = _machines_of_hosts(runs)
    return {
        run.run_id: Condition(
            _processor(run) or machines.get(_host(run)) or (_host(run), 0),
            run.build.strip().casefold(),
            0 if run.is_measured else intervals[run.interval_ns],
            run.is_measured,
        )
        for run in runs
    }


def _interval_classes(runs: _Runs) -> dict[int, int]:
    """Each sampling interval with the least one of its class."""
    classes: dict[int, int] = {}
    least = 0
    for interval in sorted({run.interval_ns for run in runs if not run.is_measured}):
        if not classes or interval > least * (1 + SAME_INTERVAL):
            least = interval
        classes[interval] = least
    return classes


def _machines_of_hosts(runs: _Runs) -> dict[str, tuple[str, int]]:
    """The machine classes of hosts that some trace tells: other formats of the same host tell its name alone."""
    found: dict[str, set[tuple[str, int]]] = {}
    for run in runs:
        processor = _processor(run)
        if processor and _host(run):
            found.setdefault(_host(run), set()).add(processor)
    return {host: next(iter(processors)) for host, processors in found.items() if len(processors) == 1}


def _processor(run: RunFacts) -> tuple[str, int] | None:
    name = " ".join(run.cpu.split()).casefold()
    return (name, run.cores) if name else None


def _host(run: RunFacts) -> str:
    return run.machine.strip().casefold()


# ---- one condition ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tried:
    """What could be compared in one condition. `hosts` is None for a pool."""

    condition: Condition
    baseline: tuple[RunFacts, ...]
    contender: tuple[RunFacts, ...]
    aside: tuple[SetAside, ...]
    hosts: frozenset[str] | None
    reason: str

    @property
    def rank(self) -> tuple[bool, bool, int, int, str]:
        """What makes one condition better than another; run ids sort by time."""
        counts = len(self.baseline), len(self.contender)
        newest = max(run.run_id for run in (*self.baseline, *self.contender))
        return not self.reason, not self.condition.is_measured, min(counts), sum(counts), newest


def _at(condition: Condition, baseline: _Runs, contender: _Runs, conditions: dict[str, Condition]) -> _Tried:
    given = {BASELINE: baseline, CONTENDER: contender}
    sides = {side: [run for run in runs if conditions[run.run_id] == condition] for side, runs in given.items()}
    like = [run for runs in sides.values() for run in runs]
    aside = [
        SetAside(run.run_id, side, other_condition_text(run, conditions[run.run_id], like, condition))
        for side, runs in given.items()
        for run in runs
        if conditions[run.run_id] != condition
    ]
    hosts, reason = _common_hosts(*sides.values())
    reasons = [reason] if reason else []
    for side, runs in sides.items():
        here = [run for run in runs if hosts is None or _host(run) in hosts]
        kept = [run for run in like if hosts and _host(run) in hosts]
        aside += [SetAside(run.run_id, side, other_host_text(run, kept)) for run in runs if run not in here]
        here, problem = _without_losses(here, side, aside)
        reasons += [problem] if problem else []
        sides[side] = _without_odd_names(here, side, aside)
    found = [tuple(runs) for runs in sides.values()]
    return _Tried(condition, found[0], found[1], tuple(aside), hosts, "; ".join(reasons))


def _common_hosts(baseline: _Runs, contender: _Runs) -> tuple[frozenset[str] | None, str]:
    """The hosts whose runs are compared (None: any), and why none can be."""
    left, right = ({_host(run) for run in runs} for runs in (baseline, contender))
    if min(len(left), len(right)) >= POOL:
        return None, ""
    if left & right:
        return frozenset(left & right), ""
    return None, hosts_apart_text(baseline, contender, POOL)


def _without_losses(runs: list[RunFacts], side: str, aside: list[SetAside]) -> tuple[list[RunFacts], str]:
    """The runs of a side that lost least, and why none can be judged."""
    sound = [run for run in runs if _is_sound(run, LOSSY)]
    if not sound:
        bearable = [run for run in runs if _is_sound(run, MOST_LOST)]
        if not bearable:
            return runs, lossy_text(side, runs)
        sound = bearable
    better = len(sound)
    aside += [SetAside(run.run_id, side, lost_text(run, better, side)) for run in runs if run not in sound]
    return sound, ""


def _is_sound(run: RunFacts, share: float) -> bool:
    return run.lost_buffers <= 0 and run.lost_events <= share * run.samples


def _without_odd_names(runs: list[RunFacts], side: str, aside: list[SetAside]) -> list[RunFacts]:
    middle = _middle_share(runs)
    if middle is None or len(runs) < ENOUGH_FOR_ODD:
        return runs
    odd = [run for run in runs if not _is_near(run, middle)]
    if 2 * len(odd) >= len(runs):
        return runs
    aside += [SetAside(run.run_id, side, odd_names_text(run, middle, side)) for run in odd]
    return [run for run in runs if run not in odd]


def _middle_share(runs: _Runs) -> float | None:
    shares = [run.unresolved_share for run in runs if run.unresolved_share is not None]
    return median(shares) if shares else None


def _is_near(run: RunFacts, share: float | None) -> bool:
    return share is None or run.unresolved_share is None or abs(run.unresolved_share - share) <= ODD_UNRESOLVED


def _history(best: _Tried, history: _Runs, conditions: dict[str, Condition]) -> tuple[RunFacts, ...]:
    share = _middle_share(best.baseline)
    return tuple(
        run
        for run in history
        if conditions[run.run_id] == best.condition
        and _tells_something(run)
        and (best.hosts is None or _host(run) in best.hosts)
        and _is_sound(run, LOSSY)
        and _is_near(run, share)
    )
