"""Profiles out of names: for sources that tell modules and functions as text, and no addresses.

`Names` numbers modules and functions as they are met. `stacked_profile` makes a profile of call paths,
`summed_profile` one of sums, `measured_profile` one of neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from perfdb.profile.check import self_check
from perfdb.profile.columns import (
    MEASURED,
    NOT_KNOWN,
    UNKNOWN_MODULE,
    CallTable,
    Caveat,
    FrameTable,
    FunctionTable,
    ItemWeights,
    Machine,
    Process,
    Profile,
    SampleTable,
    Source,
    StackTable,
    Sums,
)
from perfdb.profile.identity import fold_module
from perfdb.profile.tree import build_tree

Weights = tuple[int, int, int, int]
"""Exclusive and inclusive samples, exclusive and inclusive ns; the inclusive ones may be `NOT_KNOWN`."""


@dataclass
class Names:
    """Modules and functions, each numbered when first met. Letter case does not tell modules apart; the first
    spelling stays.
    """

    modules: list[str] = field(default_factory=list)
    functions: list[tuple[int, str]] = field(default_factory=list)
    _module_of: dict[bytes, int] = field(default_factory=dict)
    _function_of: dict[tuple[int, str], int] = field(default_factory=dict)

    def module(self, name: str) -> int:
        """The row of a module; "" is the module of frames that lie in none."""
        name = name or UNKNOWN_MODULE
        row = self._module_of.setdefault(fold_module(name), len(self.modules))
        if row == len(self.modules):
            self.modules.append(name)
        return row

    def function(self, module: str, name: str) -> int:
        """The row of a function of a module."""
        key = (self.module(module), name)
        row = self._function_of.setdefault(key, len(self.functions))
        if row == len(self.functions):
            self.functions.append(key)
        return row

    def table(self) -> FunctionTable:
        """The functions so far."""
        module = np.array([module for module, _ in self.functions], np.int32)
        return FunctionTable(module, tuple(name for _, name in self.functions))


@dataclass(frozen=True, slots=True)
class About:
    """What is to be known of a profile besides its work; see `Profile` for the fields."""

    source: Source
    interval_ns: int
    idle_count: int = 0
    duration_ns: int = 0
    lost_events: int = 0
    lost_buffers: int = 0
    machine: Machine = field(default_factory=Machine)
    caveats: tuple[Caveat, ...] = ()


@dataclass
class StackedSamples:
    """Samples with their call paths, collected one by one: `path` holds rows of functions, root first."""

    time_ns: list[int] = field(default_factory=list)
    process: list[int] = field(default_factory=list)
    tid: list[int] = field(default_factory=list)
    cpu: list[int] = field(default_factory=list)
    path: list[int] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    weight_ns: list[int] = field(default_factory=list)
    has_stack: list[bool] = field(default_factory=list)
    _paths: dict[tuple[int, ...], int] = field(default_factory=dict)

    def add(
        self,
        path: Sequence[int],
        *,
        process: int,
        count: int,
        weight_ns: int,
        tid: int = 0,
        time_ns: int = 0,
        cpu: int = 0,
        has_stack: bool = True,
    ) -> None:
        """Add one sample, or several that are alike."""
        self.path.append(self._paths.setdefault(tuple(path), len(self._paths)))
        self.process.append(process)
        self.count.append(count)
        self.weight_ns.append(weight_ns)
        self.tid.append(tid)
        self.time_ns.append(time_ns)
        self.cpu.append(cpu)
        self.has_stack.append(has_stack)

    def tree(self) -> tuple[StackTable, SampleTable]:
        """The prefix tree, whose frames are rows of functions, and the samples in the order of time."""
        lengths = np.array([len(path) for path in self._paths], np.int64)
        flat = np.fromiter((each for path in self._paths for each in path), np.int32, int(lengths.sum()))
        stacks, leaf = build_tree(np.cumsum(lengths) - lengths, lengths, flat)
        order = np.argsort(np.array(self.time_ns, np.int64), kind="stable")
        return stacks, SampleTable(
            time_ns=np.array(self.time_ns, np.int64)[order],
            process=np.array(self.process, np.int32)[order],
            tid=np.array(self.tid, np.int64)[order],
            cpu=np.array(self.cpu, np.int32)[order],
            stack=leaf[np.array(self.path, np.int64)[order]],
            count=np.array(self.count, np.int64)[order],
            weight_ns=np.array(self.weight_ns, np.int64)[order],
            flags=np.zeros(len(order), np.uint8),
            has_stack=np.array(self.has_stack, np.bool_)[order],
        )


def stacked_profile(about: About, processes: Sequence[Process], names: Names, samples: StackedSamples) -> Profile:
    """A profile of call paths: a frame is a function here, for its place in the function is not known."""
    stacks, table = samples.tree()
    rows = np.arange(len(names.functions), dtype=np.int32)
    frames = FrameTable(np.full(len(rows), -1, np.int32), rows.astype(np.uint64), rows)
    work = int(table.count.sum())
    return _profile(about, processes, names, frames, stacks, table, work, detail="stacks", sums=None)


def summed_profile(
    about: About,
    processes: Sequence[Process],
    names: Names,
    functions: Mapping[tuple[int, int], Weights],
    modules: Mapping[tuple[int, int], Weights],
    calls: Mapping[tuple[int, int, int], tuple[int, int]],
    detail: str,
) -> Profile:
    """A profile of sums: weights by (process, function) and (process, module), calls by (process, caller, callee) with
    samples and ns.
    """
    empty = np.zeros(0, np.int32)
    keys = sorted(calls)
    table = CallTable(
        process=np.array([key[0] for key in keys], np.int32),
        caller=np.array([key[1] for key in keys], np.int32),
        callee=np.array([key[2] for key in keys], np.int32),
        samples=np.array([calls[key][0] for key in keys], np.int64),
        weight_ns=np.array([calls[key][1] for key in keys], np.int64),
    )
    sums = Sums(_item_weights(functions), _item_weights(modules), table)
    return _profile(
        about,
        processes,
        names,
        FrameTable(empty, empty.astype(np.uint64), empty),
        StackTable(empty, empty, empty),
        StackedSamples().tree()[1],
        int(sums.functions.exclusive_samples.sum()),
        detail,
        sums,
    )


def measured_profile(about: About, process: Process, started_at: datetime | None) -> Profile:
    """A profile of nothing: of a run of which only measurements are told."""
    empty = stacked_profile(about, [process], Names(), StackedSamples())
    profile = replace(empty, detail=MEASURED, started_at=started_at)
    self_check(profile)
    return profile


def _item_weights(weights: Mapping[tuple[int, int], Weights]) -> ItemWeights:
    keys = sorted(weights)
    columns = np.array([weights[key] for key in keys], np.int64).reshape(len(keys), 4)
    return ItemWeights(
        process=np.array([key[0] for key in keys], np.int32),
        item=np.array([key[1] for key in keys], np.int32),
        exclusive_samples=columns[:, 0],
        inclusive_samples=columns[:, 1],
        exclusive_ns=columns[:, 2],
        inclusive_ns=columns[:, 3],
    )


def add_weights(into: dict[tuple[int, int], Weights], key: tuple[int, int], more: Weights) -> None:
    """Add exclusive weights to those of a key; inclusive ones, which cannot be added, become `NOT_KNOWN`."""
    had = into.get(key)
    into[key] = more if had is None else (had[0] + more[0], NOT_KNOWN, had[2] + more[2], NOT_KNOWN)


def modules_of(names: Names, functions: Iterable[tuple[tuple[int, int], Weights]]) -> dict[tuple[int, int], Weights]:
    """Exclusive weights by (process, module), summed from those of functions; inclusive ones are `NOT_KNOWN`."""
    found: dict[tuple[int, int], Weights] = {}
    for (process, function), (samples, _, weight_ns, _) in functions:
        key = (process, names.functions[function][0])
        add_weights(found, key, (samples, NOT_KNOWN, weight_ns, NOT_KNOWN))
    return found


def _profile(
    about: About,
    processes: Sequence[Process],
    names: Names,
    frames: FrameTable,
    stacks: StackTable,
    samples: SampleTable,
    work: int,
    detail: str,
    sums: Sums | None,
) -> Profile:
    profile = Profile(
        source=about.source,
        machine=about.machine,
        started_at=None,
        duration_ns=about.duration_ns,
        interval_ns=about.interval_ns,
        sample_count=about.idle_count + work,
        idle_count=about.idle_count,
        lost_events=about.lost_events,
        lost_buffers=about.lost_buffers,
        processes=tuple(processes),
        modules=tuple(names.modules),
        loaded=(),
        functions=names.table(),
        frames=frames,
        stacks=stacks,
        samples=samples,
        detail=detail,
        caveats=about.caveats,
        sums=sums,
    )
    self_check(profile)
    return profile
