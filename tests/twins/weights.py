"""The slow, obvious twin of `profile.weights` and `store.write`: one sample at a time, in dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfdb.profile import Profile

Key = tuple[int, str, str | None]
"""(row of the process, module in lower case, function or None for the module as a whole)."""


@dataclass
class Counted:
    """The four weights of one item in one process."""

    exclusive_samples: int = 0
    inclusive_samples: int = 0
    exclusive_ns: int = 0
    inclusive_ns: int = 0


@dataclass
class Count:
    """All weights of a profile, and its samples by thread and path of functions."""

    items: dict[Key, Counted] = field(default_factory=dict)
    paths: dict[tuple[int, int, tuple[tuple[str, str], ...]], tuple[int, int]] = field(default_factory=dict)


def count(profile: Profile) -> Count:
    """Walk every sample from its leaf to its root."""
    found = Count()
    samples = profile.samples
    for row in range(len(samples)):
        process, tid = int(samples.process[row]), int(samples.tid[row])
        number, weight_ns = int(samples.count[row]), int(samples.weight_ns[row])
        path = path_of(profile, int(samples.stack[row]))
        seen: set[Key] = set()
        for place, (module, function) in enumerate(reversed(path)):
            for key in ((process, module, function), (process, module, None)):
                counted = found.items.setdefault(key, Counted())
                if place == 0:
                    counted.exclusive_samples += number
                    counted.exclusive_ns += weight_ns
                if key not in seen:
                    counted.inclusive_samples += number
                    counted.inclusive_ns += weight_ns
                seen.add(key)
        before = found.paths.get((process, tid, path), (0, 0))
        found.paths[process, tid, path] = (before[0] + number, before[1] + weight_ns)
    return found


def path_of(profile: Profile, stack: int) -> tuple[tuple[str, str], ...]:
    """The (module in lower case, function) pairs of a stack, root first."""
    path = []
    while stack >= 0:
        function = int(profile.frames.function[profile.stacks.frame[stack]])
        module = profile.modules[int(profile.functions.module[function])].lower()
        path.append((module, profile.functions.name[function]))
        stack = int(profile.stacks.parent[stack])
    return tuple(reversed(path))
