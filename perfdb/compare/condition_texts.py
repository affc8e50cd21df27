"""Sentences for people about runs that are not compared: what was found, with figures, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from perfdb.compare.sides import RunFacts
from perfdb.units import NS_PER_MS

_MOST_HOSTS = 4
"""So many hosts are named one by one."""

_APART = "what the machines do and what the commits do cannot be told apart"

_A_KIND = {True: "a result of a benchmark, without samples", False: "a profile"}
_KINDS = {True: "results of benchmarks, which have no samples", False: "profiles"}


@dataclass(frozen=True, slots=True, order=True)
class Condition:
    """What two runs must share to be compared: the machine class (name, cores), build kind, interval class and kind.

    Texts are in folded letter case; `machine` has a host's name and 0 cores where the processor is not known.
    `is_measured` tells results of benchmarks, whose interval is 0, from profiles.
    """

    machine: tuple[str, int]
    build: str
    interval_ns: int
    is_measured: bool = False


def empty_text() -> str:
    """Why a run without samples is set aside."""
    return "has no samples: its process did no work, or was not sampled"


def other_condition_text(run: RunFacts, own: Condition, compared: Sequence[RunFacts], condition: Condition) -> str:
    """Why a run in another condition than the `compared` ones is set aside."""
    parts = []
    if own.is_measured != condition.is_measured:
        parts.append(f"is {_A_KIND[own.is_measured]}; compared are {_KINDS[condition.is_measured]}")
    if own.machine != condition.machine:
        parts.append(f"ran on {machines([run])}; compared are runs on {machines(compared)}")
    if own.build != condition.build:
        parts.append(f"is of {builds([run])}; compared are runs of {builds(compared)} (--build chooses)")
    if own.interval_ns != condition.interval_ns and own.is_measured == condition.is_measured:
        parts.append(f"was sampled every {intervals([run])}; compared are runs sampled every {intervals(compared)}")
    return ", and ".join(parts)


def other_host_text(run: RunFacts, compared: Sequence[RunFacts]) -> str:
    """Why a run on a machine that the other side lacks is set aside."""
    return f"ran on {machines([run])}, on which the other side has no run; compared are runs on {machines(compared)}"


def hosts_apart_text(baseline: Sequence[RunFacts], contender: Sequence[RunFacts], pool: int) -> str:
    """Why runs on machines of one kind cannot be judged where no machine ran both sides."""
    return (
        f"baseline ran on {machines(baseline)}, contender on {machines(contender)}: machines of one kind, but no two "
        f"are alike, and {_APART}; record both sides on one machine, or each on {pool} or more"
    )


def lost_text(run: RunFacts, others: int, side: str) -> str:
    """Why a run that lost events is set aside, where `others` runs of its side lost less."""
    rest = "the other run" if others == 1 else f"{others} other runs"
    return f"lost {_lost([run])}; {rest} of the {side} lost less"


def lossy_text(side: str, runs: Sequence[RunFacts]) -> str:
    """Why a side cannot be judged of which every run lost too much."""
    which = "the only run" if len(runs) == 1 else f"all {len(runs)} runs"
    return (
        f"{which} of the {side} lost events ({_lost(runs)}), and nobody knows whose; "
        "record again with more and larger buffers (xperf -BufferSize and -MaxBuffers)"
    )


def _lost(runs: Sequence[RunFacts]) -> str:
    buffers, events, samples = (
        sum(values) for values in zip(*((run.lost_buffers, run.lost_events, run.samples) for run in runs), strict=True)
    )
    parts = [f"{buffers:,} {'buffer' if buffers == 1 else 'buffers'}"] if buffers else []
    parts += [f"{events:,} {'event' if events == 1 else 'events'} beside {samples:,} samples"] if events else []
    return " and ".join(parts)


def odd_names_text(run: RunFacts, middle: float, side: str) -> str:
    """Why a run is set aside whose share of unresolved work lies apart from its side's."""
    return (
        f"{run.unresolved_share or 0.0:.0%} of its work has no function names, of the {side}'s other runs about "
        f"{middle:.0%}: the same functions go by other names; perfdb symbolicate gives runs their names"
    )


def nothing_in_common_text(
    baseline: Sequence[RunFacts], contender: Sequence[RunFacts], conditions: Mapping[str, Condition]
) -> str:
    """Why two sides without a common condition cannot be judged: all in which no run of one is like the other's."""
    left, right = ([conditions[run.run_id] for run in runs] for runs in (baseline, contender))
    parts = []
    if _are_apart({each.is_measured for each in left}, {each.is_measured for each in right}):
        before, after = (_KINDS[side[0].is_measured] for side in (left, right))
        parts.append(
            f"baseline has {before}, contender {after}: what one tells is not in the other; record both sides alike"
        )
    if _are_apart({each.machine for each in left}, {each.machine for each in right}):
        unknown = any(not each.machine[0] for each in (*left, *right))
        remedy = "record both sides on one machine" + (", with traces that tell it (.etl)" if unknown else "")
        parts.append(f"baseline ran on {machines(baseline)}, contender on {machines(contender)}: {_APART}; {remedy}")
    if _are_apart({each.build for each in left}, {each.build for each in right}):
        parts.append(
            f"baseline is of {builds(baseline)}, contender of {builds(contender)}: "
            "record both sides with one build kind (perfdb record --build)"
        )
    profiled = [[each.interval_ns for each in side if not each.is_measured] for side in (left, right)]
    if all(profiled) and _are_apart(*profiled):
        parts.append(
            f"baseline was sampled every {intervals(baseline)}, contender every {intervals(contender)}: "
            "record both sides with one sampling interval"
        )
    if not parts:
        parts.append(
            f"no run of the baseline ({_in_full(baseline)}) has machine, build kind and sampling interval in common "
            f"with one of the contender ({_in_full(contender)}); record both sides alike"
        )
    return "; ".join(parts)


def _are_apart(left: Collection[object], right: Collection[object]) -> bool:
    return not set(left) & set(right)


def _in_full(runs: Sequence[RunFacts]) -> str:
    """The conditions of some runs, each once."""
    told = dict.fromkeys(
        f"{machines([run])}, {builds([run])}, " + (_A_KIND[True] if run.is_measured else f"every {intervals([run])}")
        for run in runs
    )
    return "; ".join(told)


def machines(runs: Sequence[RunFacts]) -> str:
    """The machines of some runs, by kind: `BUILD-07, BUILD-08 (AMD Ryzen 9 7950X, 32 cores)`."""
    hosts: dict[str, dict[str, str]] = {}
    for run in runs:
        name = run.machine.strip()
        hosts.setdefault(_kind(run), {}).setdefault(name.casefold(), name)
    return " and ".join(_told(sorted(names.values()), kind) for kind, names in hosts.items())


def _kind(run: RunFacts) -> str:
    cpu = " ".join(run.cpu.split())
    return f" ({cpu}, {run.cores} cores)" if cpu and run.cores else f" ({cpu})" if cpu else ""


def _told(names: Sequence[str], kind: str) -> str:
    unnamed = "a machine without a name" if kind else "a machine that is not told"
    return f"{_listed([name or unnamed for name in names])}{kind}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_HOSTS
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_MOST_HOSTS])} and {more} more"


def builds(runs: Sequence[RunFacts]) -> str:
    """The build kinds of some runs."""
    kinds = {run.build.strip().casefold(): run.build.strip() or "a build kind that was not told" for run in runs}
    return " and ".join(kind for _, kind in sorted(kinds.items()))


def intervals(runs: Sequence[RunFacts]) -> str:
    """The sampling intervals of some runs, in ms."""
    return " and ".join(f"{interval / NS_PER_MS:g} ms" for interval in sorted({run.interval_ns for run in runs}))
