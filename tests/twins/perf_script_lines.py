"""The slow, obvious twin of `perfdb.readers.perf_script`: one line at a time, with regular expressions and lists.

It is written from what perf prints, shares no code with the fast reader but the rules for names (which have tests of
their own), and is also what the bench holds that reader's speed against. It takes undamaged texts of `perf script`
whose frames have addresses, symbols and images, and leaves processes, intervals and the choice of events to whoever
compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from perfdb.profile import UNKNOWN_MODULE, UNRESOLVED, Profile
from perfdb.readers.perf_script.frames import function_name, module_name

_SAMPLE = re.compile(
    r"^\s*(?P<name>\S.*?)\s+(?:(?P<pid>-?\d+)/)?(?P<tid>-?\d+)\s+(?:\[(?P<cpu>\d+)\]\s+)?"
    r"(?P<seconds>\d+)\.(?P<fraction>\d+):\s+(?:(?P<period>\d+)\s+)?(?P<event>[^\s(]+):(?:\s+(?P<rest>.*))?$"
)
_FRAME = re.compile(r"^\s*(?P<address>[0-9a-f]+) (?P<symbol>.*?)(?:\+0x[0-9a-f]+)? \((?P<image>\[.*\]|/.*|inlined)\)$")
_INLINED_SYMBOL = re.compile(r"^\s*(?P<address>[0-9a-f]+) (?P<symbol>.*?)(?:\+0x[0-9a-f]+)?$")
_SOURCE = re.compile(r"^  (?P<file>\S+):(?P<line>\d+)(?P<inlined> \(inlined\))?$")


@dataclass
class Frame:
    """One line of a stack; `image` None is inlined."""

    address: int
    symbol: str
    image: str | None
    place: tuple[str, int] | None = None


@dataclass
class Sample:
    """One sample; `frames` innermost first."""

    name: str
    pid: int | None
    tid: int
    cpu: int
    time_ns: int
    event: str
    period: int | None
    has_stack: bool = True
    frames: list[Frame] = field(default_factory=list)

    def path(self) -> tuple[tuple[str, str], ...]:
        """(module, function) of the frames, root first."""
        return tuple((self._module(at), _function(frame)) for at, frame in reversed(list(enumerate(self.frames))))

    def _module(self, at: int) -> str:
        frame = self.frames[at]
        if frame.image is not None:
            return module_name(frame.image)
        outer = [each for each in self.frames[at + 1 :] if each.image is not None][:1]
        inner = [each for each in reversed(self.frames[:at]) if each.image is not None][:1]
        for each in (*outer, *inner):
            if each.address == frame.address:
                return module_name(each.image or "")
        modules = {module_name(each.image or "") for each in (*outer, *inner)}
        if len(modules) == 1:
            return modules.pop()
        near = sorted((abs(each.address - frame.address), module_name(each.image or "")) for each in (*outer, *inner))
        return near[0][1] if near and near[0][0] < 4096 else UNKNOWN_MODULE


def _function(frame: Frame) -> str:
    if frame.symbol == "[unknown]":
        return UNRESOLVED
    generated = frame.image is not None and module_name(frame.image) == "<jit>"
    return frame.symbol if generated else function_name(frame.symbol)


def read_lines(lines: Iterable[str]) -> list[Sample]:
    """All samples, those of other events too, in the order of the text."""
    samples: list[Sample] = []
    current: Sample | None = None
    for line in lines:
        line = line.rstrip("\n")
        if not line:
            current = None
        elif line.startswith("\t"):
            if current is not None:
                current.frames.append(_frame(line))
        elif (source := _SOURCE.match(line)) and current is not None and current.frames:
            frame = current.frames[-1]
            if source["file"] != "??" and int(source["line"]):
                frame.place = (source["file"], int(source["line"]))
            if source["inlined"]:
                frame.image = None
        elif "PERF_RECORD_" not in line and (found := _SAMPLE.match(line)):
            current = _sample(found)
            samples.append(current)
    return samples


def _sample(found: re.Match[str]) -> Sample:
    sample = Sample(
        name=found["name"],
        pid=int(found["pid"]) if found["pid"] else None,
        tid=int(found["tid"]),
        cpu=int(found["cpu"] or 0),
        time_ns=int(found["seconds"]) * 10**9 + int(found["fraction"].ljust(9, "0")),
        event=found["event"],
        period=int(found["period"]) if found["period"] else None,
    )
    if found["rest"] and _FRAME.match(found["rest"]):
        sample.frames = [_frame(found["rest"])]
        sample.has_stack = False
    return sample


def _frame(line: str) -> Frame:
    if found := _FRAME.match(line):
        image = None if found["image"] == "inlined" else found["image"]
        return Frame(int(found["address"], 16), found["symbol"], image)
    found = _INLINED_SYMBOL.match(line)
    assert found is not None, line
    return Frame(int(found["address"], 16), found["symbol"], None)


Row = tuple[int, int, int, bool, tuple[tuple[str, str], ...]]
"""Time since the first of the kept samples, tid, cpu, has a stack?, path of (module, function), root first."""


def rows_of_twin(samples: Iterable[Sample], event: str) -> list[Row]:
    """The samples of an event that are not idle."""
    kept = [each for each in samples if each.event == event and each.tid and each.pid != 0]
    first = min(each.time_ns for each in kept)
    return sorted((each.time_ns - first, each.tid, each.cpu, each.has_stack, each.path()) for each in kept)


def rows_of_profile(profile: Profile) -> list[Row]:
    """The samples of a profile."""
    table = profile.samples
    first = int(table.time_ns.min())
    paths: dict[int, tuple[tuple[str, str], ...]] = {-1: ()}
    columns = zip(profile.stacks.parent.tolist(), profile.stacks.frame.tolist(), strict=True)
    for row, (parent, frame) in enumerate(columns):
        function = int(profile.frames.function[frame])
        module = profile.modules[int(profile.functions.module[function])]
        paths[row] = (*paths[parent], (module, profile.functions.name[function]))
    return sorted(
        (time_ns - first, tid, cpu, has_stack, paths[stack])
        for time_ns, tid, cpu, has_stack, stack in zip(
            table.time_ns.tolist(),
            table.tid.tolist(),
            table.cpu.tolist(),
            table.has_stack.tolist(),
            table.stack.tolist(),
            strict=True,
        )
    )
