"""Holds a profile of the fast reader against what the slow walker found, sample by sample and frame by frame."""

from __future__ import annotations

from perfdb.profile import JIT_MODULE, UNKNOWN_MODULE, UNRESOLVED, Profile
from tests.twins.etl_walker import AFTER, BEFORE, Place, Walked


def assert_agree(walked: Walked, profile: Profile) -> None:
    """Raise AssertionError where the two differ."""
    assert (walked.samples_in_all, walked.idle) == (profile.sample_count, profile.idle_count)
    assert (walked.lost_events, walked.lost_buffers) == (profile.lost_events, profile.lost_buffers)
    assert walked_processes(walked) == profile_processes(profile)
    assert walked_samples(walked) == profile_samples(profile)
    assert [row.names for row in walked.samples] == profile_names(profile)
    assert walked_modules(walked) == profile_modules(profile)


def walked_samples(walked: Walked) -> list[tuple[object, ...]]:
    """Each sample as a row."""
    return [
        (
            *(walked.ns(row.time), row.cpu, row.tid, row.pid, row.process, row.flags, row.count),
            *(row.count * row.interval_ns, row.has_stack, row.stack),
        )
        for row in walked.samples
    ]


def profile_samples(profile: Profile) -> list[tuple[object, ...]]:
    """Each sample as a row, in the same shape."""
    samples = profile.samples
    paths = profile_stacks(profile)
    columns = (samples.time_ns, samples.cpu, samples.tid, samples.process, samples.flags, samples.count)
    more = (samples.weight_ns, samples.has_stack, samples.stack)
    rows = zip(*(column.tolist() for column in (*columns, *more)), strict=True)
    return [
        (
            *(time, cpu, tid, profile.processes[process].pid, profile.processes[process].name, flags, count),
            *(weight, has_stack, paths[stack]),
        )
        for time, cpu, tid, process, flags, count, weight, has_stack, stack in rows
    ]


def profile_stacks(profile: Profile) -> list[tuple[Place, ...]]:
    """Each row of the prefix tree as a path, leaf first."""
    places: list[Place] = []
    for loaded, rva in zip(profile.frames.loaded.tolist(), profile.frames.rva.tolist(), strict=True):
        module = profile.modules[profile.loaded[loaded].module].lower() if loaded >= 0 else None
        places.append((module, rva))
    paths: list[tuple[Place, ...]] = []
    for parent, frame in zip(profile.stacks.parent.tolist(), profile.stacks.frame.tolist(), strict=True):
        paths.append((places[frame], *(paths[parent] if parent >= 0 else ())))
    return paths


def profile_names(profile: Profile) -> list[tuple[str | None, ...]]:
    """Each sample's managed methods, leaf first, None where a frame has none.

    Asserts besides that a frame in no image is in `<jit>` if it has a name and in `<unknown>` if it has none, and that
    a frame in an image is in that image's module.
    """
    names: list[str | None] = []
    functions = profile.functions
    for loaded, row in zip(profile.frames.loaded.tolist(), profile.frames.function.tolist(), strict=True):
        name = None if functions.name[row] == UNRESOLVED else functions.name[row]
        module = profile.modules[functions.module[row]]
        in_no_image = UNKNOWN_MODULE if name is None else JIT_MODULE
        assert module == (in_no_image if loaded < 0 else profile.modules[profile.loaded[loaded].module])
        names.append(name)
    paths: list[tuple[str | None, ...]] = []
    for parent, frame in zip(profile.stacks.parent.tolist(), profile.stacks.frame.tolist(), strict=True):
        paths.append((names[frame], *(paths[parent] if parent >= 0 else ())))
    return [paths[stack] for stack in profile.samples.stack.tolist()]


def walked_processes(walked: Walked) -> list[tuple[object, ...]]:
    """Each process as a row."""
    return [
        (
            *(pid, name or "<unnamed>", command, parent),
            *(walked.ns(start) if start != BEFORE else None, walked.ns(end) if end != AFTER else None),
        )
        for pid, name, command, parent, start, end in walked.processes
    ]


def profile_processes(profile: Profile) -> list[tuple[object, ...]]:
    """Each process that the trace names as a row, in the same shape."""
    return [
        (row.pid, row.name, row.command_line, row.parent_pid, row.start_ns, row.end_ns)
        for row in profile.processes
        if row.parent_pid is not None
    ]


def walked_modules(walked: Walked) -> set[tuple[str, str, str]]:
    """Distinct (module, debug id, PDB name)."""
    return {(image.module, *image.debug) for image in walked.images}


def profile_modules(profile: Profile) -> set[tuple[str, str, str]]:
    """Distinct (module, debug id, PDB name), without the module of frames in no image."""
    assert UNKNOWN_MODULE in profile.modules
    return {(profile.modules[row.module].lower(), row.debug_id, row.pdb_name) for row in profile.loaded}
