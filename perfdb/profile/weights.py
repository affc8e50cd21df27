"""Exclusive and inclusive weights: who was running, and who was on the stack.

*Exclusive* is the weight of the samples whose leaf is the item; it adds up to the total over all items. *Inclusive* is
the weight of the samples that have the item anywhere on their stack, counted once a sample however often it recurs. An
item is whatever the caller labels the tree with: functions, or their modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.profile.columns import I32, I64, Bool, ItemWeights, Profile, StackTable
from perfdb.profile.grouping import distinct


@dataclass(frozen=True, slots=True)
class StackWeights:
    """Work per process, thread and stack, all distinct: shape (rows,)."""

    process: I32
    tid: I64
    stack: I32
    samples: I64
    weight_ns: I64


def sum_samples(profile: Profile) -> StackWeights:
    """The samples of a profile, summed over time and processors."""
    samples = profile.samples
    row, group = distinct(samples.process, samples.tid, samples.stack)
    return StackWeights(
        process=samples.process[row],
        tid=samples.tid[row],
        stack=samples.stack[row],
        samples=_sum(group, samples.count, len(row)),
        weight_ns=_sum(group, samples.weight_ns, len(row)),
    )


def item_weights(stacks: StackTable, label: I32, weights: StackWeights) -> ItemWeights:
    """Exclusive and inclusive weights of the items that `label` gives to the rows of `stacks`."""
    outermost = _outermost(stacks, label)
    processes: list[I32] = []
    items: list[I32] = []
    sources: list[I64] = []
    row = np.arange(len(weights.stack))
    node = weights.stack.astype(np.int64)
    while len(row):
        hit = outermost[node]
        processes.append(weights.process[row[hit]])
        items.append(label[node[hit]])
        sources.append(row[hit])
        node = stacks.parent[node].astype(np.int64)
        inside = node >= 0
        row, node = row[inside], node[inside]
    process = np.concatenate(processes) if processes else np.zeros(0, np.int32)
    item = np.concatenate(items) if items else np.zeros(0, np.int32)
    source = np.concatenate(sources) if sources else np.zeros(0, np.int64)
    span = int(label.max(initial=-1)) + 1
    keys, group = np.unique(process.astype(np.int64) * span + item, return_inverse=True)
    leaf = np.searchsorted(keys, weights.process.astype(np.int64) * span + label[weights.stack])
    return ItemWeights(
        process=(keys // max(span, 1)).astype(np.int32),
        item=(keys % max(span, 1)).astype(np.int32),
        exclusive_samples=_sum(leaf, weights.samples, len(keys)),
        inclusive_samples=_sum(group, weights.samples[source], len(keys)),
        exclusive_ns=_sum(leaf, weights.weight_ns, len(keys)),
        inclusive_ns=_sum(group, weights.weight_ns[source], len(keys)),
    )


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What the functions of one process did themselves: shape (functions,), one for each row of the profile's."""

    samples: I64
    weight_ns: I64


def work_of_processes(profile: Profile) -> I64:
    """The work of each process in ns: shape (processes,)."""
    if profile.sums:
        told = profile.sums.modules
        return _sum(told.process, told.exclusive_ns, len(profile.processes))
    return _sum(profile.samples.process, profile.samples.weight_ns, len(profile.processes))


def own_work(profile: Profile, process: int) -> OwnWork:
    """The exclusive weights of one process by function."""
    count = len(profile.functions)
    if profile.sums:
        told = profile.sums.functions
        mine = told.process == process
        item = told.item[mine]
        return OwnWork(_sum(item, told.exclusive_samples[mine], count), _sum(item, told.exclusive_ns[mine], count))
    samples = profile.samples
    mine = samples.process == process
    item = profile.frames.function[profile.stacks.frame[samples.stack[mine]]]
    return OwnWork(_sum(item, samples.count[mine], count), _sum(item, samples.weight_ns[mine], count))


def _outermost(stacks: StackTable, label: I32) -> Bool:
    """Whether no row above a row of the tree bears the same label: those rows count a recursive item once."""
    first = np.ones(len(stacks), np.bool_)
    row = np.arange(len(stacks))
    above = stacks.parent.astype(np.int64)
    while len(row):
        inside = above >= 0
        row, above = row[inside], above[inside]
        same = label[above] == label[row]
        first[row[same]] = False
        row, above = row[~same], stacks.parent[above[~same]].astype(np.int64)
    return first


def _sum(group: I32 | I64, values: I64, count: int) -> I64:
    """Integer sums per group; `bincount` would go through floating point and lose the last nanosecond."""
    total = np.zeros(count, np.int64)
    np.add.at(total, group, values)
    return total
