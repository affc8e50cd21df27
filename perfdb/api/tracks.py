"""From stacks of the store to tracks, which other tools' files are made from: whose work, of which runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from perfdb import store
from perfdb.compare.preorder import inclusive, subtree_order
from perfdb.compare.scope import Scope, matches_process
from perfdb.errors import InputError
from perfdb.profile.columns import I64
from perfdb.profile.identity import levels
from perfdb.report.tracks import Track, Tracks
from perfdb.store.model import RunProcess
from perfdb.store.stacks import StackSamples, StackTree, stack_samples


def tracks_of_runs(connection: store.Connection, title: str, runs: Sequence[store.Run], scope: Scope) -> Tracks:
    """The stacks of runs as tracks: one an example or, where all processes are asked for, one a process of an example.

    What has no sample in scope has no track. Raises InputError where there is no such process, DatabaseError where a
    stack has no parent or no name.
    """
    by_id = {run.run_id: run for run in runs}
    processes = _in_scope(store.processes(connection, list(by_id)), scope)
    work: dict[str, list[tuple[int, int]]] = {}
    for process in processes:
        work.setdefault(process.run_id, []).append((process.pid, process.incarnation))
    found = stack_samples(connection, work)
    tree, position = _in_preorder(found)
    tracks = _tracks(found, position, processes, by_id, scope.all_processes)
    return Tracks(
        title,
        tree,
        tuple(
            sorted(tracks, key=lambda track: (track.example, -int(track.weight_ns.sum()), track.process, track.pids))
        ),
        by_process=scope.all_processes,
        interval_ns=min(run.interval_ns for run in runs),
        started_at=min(run.started_at or run.recorded_at for run in runs),
        facts=_facts([by_id[run_id] for run_id in work]),
    )


def _in_scope(processes: Sequence[RunProcess], scope: Scope) -> list[RunProcess]:
    """The processes that are asked for and have samples, those of one run together."""
    busy = [process for process in processes if process.samples]
    if scope.is_main_only:
        return [process for process in busy if process.is_main]
    if scope.process is None:
        return busy
    chosen = [process for process in busy if matches_process(scope.process, process.name, process.pid)]
    if not chosen:
        work: dict[str, int] = {}
        for process in busy:
            work[process.name] = work.get(process.name, 0) + process.samples
        busiest = ", ".join(sorted(work, key=lambda name: -work[name])[:5])
        raise InputError(f"asked for process {scope.process}, found none in these runs. The busiest are {busiest}.")
    return chosen


def _in_preorder(found: StackSamples) -> tuple[StackTree, I64]:
    """The tree in preorder, among siblings those with more samples first, and the new row of each old one."""
    tree = found.tree
    by_depth = levels(tree.depth)
    exclusive = np.bincount(found.stack, found.samples, len(tree)).astype(np.float64)
    heaviest = np.lexsort((tree.function, -inclusive(tree.parent, by_depth, exclusive)))
    order, position = subtree_order(tree.parent, by_depth, heaviest)
    above = tree.parent[order]
    parent = np.where(above >= 0, position[above], -1)
    return StackTree(parent, tree.depth[order], tree.function[order], tree.module, tree.name), position


def _tracks(
    found: StackSamples,
    position: I64,
    processes: Sequence[RunProcess],
    runs: Mapping[str, store.Run],
    by_process: bool,
) -> list[Track]:
    """The samples by track and stack; `processes` are the parts that were asked for, `position` the rows of stacks."""
    if not len(found.samples):
        return []
    numbers: dict[tuple[str, str, int], int] = {}
    members: list[list[RunProcess]] = []
    track_of_part = np.empty(len(processes), np.int64)
    for part, process in enumerate(processes):
        example = runs[process.run_id].example
        key = (example, process.name, process.pid) if by_process else (example, "", 0)
        number = track_of_part[part] = numbers.setdefault(key, len(numbers))
        if number == len(members):
            members.append([])
        members[number].append(process)
    cell = track_of_part[found.part] * len(position) + position[found.stack]
    order = np.argsort(cell, kind="stable")
    first = np.flatnonzero(np.diff(cell[order], prepend=-1))
    track, stack = np.divmod(cell[order][first], len(position))
    samples, weight_ns = (np.add.reduceat(column[order], first) for column in (found.samples, found.weight_ns))
    bounds = np.searchsorted(track, np.arange(len(members) + 1)).tolist()
    return [
        Track(
            example=runs[own[0].run_id].example,
            process=own[0].name,
            pids=tuple(dict.fromkeys(process.pid for process in own)),
            run_ids=tuple(dict.fromkeys(process.run_id for process in own)),
            stack=stack[start:end],
            samples=samples[start:end],
            weight_ns=weight_ns[start:end],
        )
        for own, (start, end) in zip(members, pairwise(bounds), strict=True)
    ]


def _facts(runs: Sequence[store.Run]) -> tuple[tuple[str, str], ...]:
    """What a viewer may show of the runs beside their stacks."""
    told = {
        "commit": [run.commit_sha for run in runs],
        "runs": [run.run_id for run in runs],
        "sources": [run.source_name for run in runs],
        "machine": [run.machine for run in runs],
        "processor": [run.cpu for run in runs],
    }
    return tuple((label, ", ".join(dict.fromkeys(values))) for label, values in told.items() if any(values))
