"""Holds a profile against what the slow twin found in a dump, sample by sample and frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from perfdb.profile import UNKNOWN_MODULE, UNRESOLVED, Profile
from tests.twins.dumper_lines import Dump, Sample

Row = tuple[Any, ...]
"""(us, cpu, tid, pid, incarnation, process, count, weight in ns, has a stack?, names, places), the latter two leaf
first: names are (module in lower case, function), places are (offset, base that it counts from).
"""


def assert_agree(dump: Dump, profile: Profile) -> None:
    """Raise AssertionError where the two differ."""
    assert (dump.sample_count, dump.idle_count) == (profile.sample_count, profile.idle_count)
    assert (dump.lost_events or 0, dump.lost_buffers or 0) == (profile.lost_events, profile.lost_buffers)
    assert dump_processes(dump) == profile_processes(profile)
    assert_same_samples(dump_rows(dump), profile_rows(profile))


def assert_same_samples(expected: Sequence[Row], found: Sequence[Row]) -> None:
    """Raise AssertionError where the samples, their stacks or the places of their frames differ.

    Where the dump does not tell where a module was, the distance between its addresses and the RVAs must be the same
    for all frames of that module in that process.
    """
    assert [row[:-1] for row in expected] == [row[:-1] for row in found]
    bases: dict[tuple[object, ...], int] = {}
    for left, right in zip(expected, found, strict=True):
        for name, (address, base), (offset, _) in zip(left[-2], left[-1], right[-1], strict=True):
            if base is None:
                base = bases.setdefault((left[3], left[4], name[0]), address - offset)
            assert (left, address - base) == (left, offset)


def dump_rows(dump: Dump) -> list[Row]:
    """Each sample as a row, sorted. Places are (address, base), base None where only the module's name is known."""
    return sorted(
        (
            (
                *(row.time_us, row.cpu, row.tid, row.pid, row.incarnation, row.process, row.count, row.weight_ns),
                row.has_stack,
                tuple((module or UNKNOWN_MODULE, function or UNRESOLVED) for module, function, _ in row.stack),
                tuple(_places(dump, row)),
            )
            for row in dump.samples
        ),
        key=lambda row: row[:-1],
    )


def _places(dump: Dump, row: Sample) -> Iterator[tuple[int, int | None]]:
    """(address, base) of a sample's frames. Callers are one byte before where they return to."""
    for depth, (module, _, address) in enumerate(row.stack):
        image = dump.image_at(row.pid, row.incarnation, address, row.time_us)
        base = image.base if image else 0
        known = module == (image.module if image else None)
        yield address - 1 if depth and address != base else address, base if known else None


def profile_rows(profile: Profile) -> list[Row]:
    """Each sample as a row, in the same shape, sorted."""
    samples, names, places = profile.samples, _names(profile), profile.frames.rva.tolist()
    frame, parent = profile.stacks.frame.tolist(), profile.stacks.parent.tolist()
    columns = (samples.time_ns, samples.cpu, samples.tid, samples.process, samples.count, samples.weight_ns)
    rows = zip(*(column.tolist() for column in (*columns, samples.has_stack, samples.stack)), strict=True)
    found: list[Row] = []
    for time_ns, cpu, tid, row, count, weight_ns, has_stack, stack in rows:
        path = []
        while stack >= 0:
            path.append(frame[stack])
            stack = parent[stack]
        process = profile.processes[row]
        found.append(
            (
                *(time_ns // 1000, cpu, tid, process.pid, process.incarnation, process.name, count, weight_ns),
                *(has_stack, tuple(names[each] for each in path), tuple((places[each], None) for each in path)),
            )
        )
    return sorted(found, key=lambda row: row[:-1])


def _names(profile: Profile) -> list[tuple[str, str]]:
    """(module in lower case, function) of each frame."""
    functions = profile.functions
    return [
        (profile.modules[functions.module[row]].lower(), functions.name[row])
        for row in profile.frames.function.tolist()
    ]


def dump_processes(dump: Dump) -> set[Row]:
    """Each process that has a P- row."""
    return {
        (pid, incarnation, *life.what)
        for pid, lives in dump.processes.items()
        for incarnation, life in enumerate(lives)
    }


def profile_processes(profile: Profile) -> set[Row]:
    """Each process whose parent is known, in the same shape."""
    return {
        (row.pid, row.incarnation, row.name, row.parent_pid, row.command_line.strip())
        for row in profile.processes
        if row.parent_pid is not None
    }
