"""Which stack is whose: blocks of Stack rows joined to the samples of their time and thread.

A block may follow its event at once, dozens of rows later, or come before it; other events (context switches, system
calls, …) have stacks of the same form. Nearly always one sample and one block share time and thread, and the block
begins with the sampled address: those are joined all at once. What is left is looked at one time and thread after
the other:

1. a block that begins with the address of a sample is that sample's;
2. one that begins in user mode right after a block that ended in the kernel is the user part of that one;
3. any other belongs to the nearest event before it that has no block yet, whatever its kind, else to the nearest after
   it. Where that is no sample, the block is left out.

(What xperf's `-stacktimeshifting` does is to put 2 into one block.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.profile.columns import I64, U64, Bool
from perfdb.profile.grouping import distinct
from perfdb.readers.dumper.rows import OtherOwners
from perfdb.readers.dumper.samples import SampleRows
from perfdb.readers.dumper.stacks import Blocks

NONE = -1


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses that each block begins and ends with, and whether those are the kernel's."""

    first: U64
    is_kernel_first: Bool
    is_kernel_last: Bool


def join_blocks(samples: SampleRows, blocks: Blocks, owners: OtherOwners, ends: Ends) -> tuple[I64, I64]:
    """For each sample the row of the block that holds its leaf, and of the block with its user part; -1 for none."""
    part, rest = (np.full(len(samples.row), NONE, np.int64) for _ in range(2))
    near = np.flatnonzero(np.isin(blocks.ticks, samples.ticks))
    ticks = np.concatenate((samples.ticks, blocks.ticks[near]))
    tid = np.concatenate((samples.tid, blocks.tid[near]))
    _, group = distinct(ticks, tid)
    of_sample, of_block = group[: len(samples.row)], group[len(samples.row) :]
    groups = int(group.max(initial=-1)) + 1
    sample_count, block_count = (np.bincount(of, minlength=groups) for of in (of_sample, of_block))
    single = (sample_count == 1) & (block_count == 1)
    block_of_group = np.full(groups, NONE, np.int64)
    block_of_group[of_block] = near
    block = block_of_group[of_sample]
    fits = single[of_sample] & (ends.first[np.maximum(block, 0)] == samples.ip) if len(near) else block >= 0
    part[fits] = block[fits]
    open_group = (sample_count > 0) & (block_count > 0)
    open_group[of_sample[fits]] = False
    _join_one_by_one(samples, blocks, owners, ends, (of_sample, of_block, near, open_group), part, rest)
    return part, rest


def _join_one_by_one(
    samples: SampleRows,
    blocks: Blocks,
    owners: OtherOwners,
    ends: Ends,
    grouped: tuple[I64, I64, I64, Bool],
    part: I64,
    rest: I64,
) -> None:
    of_sample, of_block, near, open_group = grouped
    sample_rows = np.flatnonzero(open_group[of_sample])
    if not len(sample_rows):
        return
    block_rows = np.flatnonzero(open_group[of_block])
    in_time = np.flatnonzero(np.isin(owners.ticks, samples.ticks[sample_rows]))
    others: dict[tuple[int, int], list[int]] = {}
    for at in in_time.tolist():
        others.setdefault((int(owners.ticks[at]), int(owners.tid[at])), []).append(int(owners.row[at]))
    blocks_of = _lists(of_block[block_rows], near[block_rows], blocks.row)
    for group, members in _lists(of_sample[sample_rows], sample_rows, samples.row).items():
        key = (int(samples.ticks[members[0]]), int(samples.tid[members[0]]))
        events = [(int(samples.row[at]), at) for at in members] + [(row, NONE) for row in others.get(key, ())]
        _share(sorted(events), blocks_of.get(group, []), samples, blocks, ends, part, rest)


def _lists(group: I64, items: I64, row: I64) -> dict[int, list[int]]:
    """The items of each group, in the order of their rows in the file."""
    order = np.lexsort((row[items], group))
    found: dict[int, list[int]] = {}
    for number, item in zip(group[order].tolist(), items[order].tolist(), strict=True):
        found.setdefault(number, []).append(item)
    return found


def _share(
    events: list[tuple[int, int]],
    members: list[int],
    samples: SampleRows,
    blocks: Blocks,
    ends: Ends,
    part: I64,
    rest: I64,
) -> None:
    """Give the blocks of one time and thread to its events, each (row in the file, sample or -1)."""
    free = list(events)
    owner: dict[int, int] = {}
    for block in members:
        fitting = [event for event in free if event[1] >= 0 and samples.ip[event[1]] == ends.first[block]]
        if fitting:
            chosen = _nearest(fitting, int(blocks.row[block]))
            free.remove(chosen)
            owner[block] = chosen[1]
            part[chosen[1]] = block
    for before, block in zip([NONE, *members], members, strict=False):
        if block in owner:
            continue
        continues = before in owner and ends.is_kernel_last[before] and not ends.is_kernel_first[block]
        if continues:
            sample = owner[before]
            owner[block] = NONE
            if sample >= 0 and rest[sample] < 0:
                rest[sample] = block
        elif free:
            chosen = _nearest(free, int(blocks.row[block]))
            free.remove(chosen)
            owner[block] = chosen[1]
            if chosen[1] >= 0:
                part[chosen[1]] = block


def _nearest(events: list[tuple[int, int]], row: int) -> tuple[int, int]:
    """The last event before a row of the file, else the first one after it."""
    before = [event for event in events if event[0] < row]
    return before[-1] if before else events[0]
