"""The slow, obvious twin of `perfdb.etl`: one event at a time, in plain Python, with its own numbers.

It is written from the description of the format alone, shares no code with the fast reader, and may be read as the
format's second documentation. What is not in the format but agreed between the two:

- A thread, a process or an image that was there in a rundown has been there since before the trace; one that starts
  later than an event that names it was there already when that event came.
- An image keeps its addresses until another is loaded over them. Of two that were there from the start, the one with
  the higher base lies over the other.
- A sample without DPC or ISR bit on thread 0 is idle time. It is counted, and is no sample of the result.
- Stacks join a sample of the same time and thread, and on thread 0 the same processor. Of two for the same part of the
  stack, the one written first counts.
- The sampled address is the leaf. It replaces the stack's first address, but goes before it where the sample was in the
  kernel and the stack has no kernel part.
- A caller's place is one byte before its return address.
- A managed method keeps its addresses as an image does. Methods of processes that the trace does not name are nobody's;
  one of no bytes, or of more than 16 MiB, is damage.
- A place in an image and a method has the image's module and the method's name. A method that was loaded before the
  image does not count there; and if the runtime compiled the method after the image was loaded, the image does not.
- A method without a name, or with names that are not three whole strings, names nothing, but holds its addresses.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.twins.etl_events import Event, events
from tests.twins.etl_names import method_name

BEFORE, AFTER = -(1 << 62), 1 << 62
START, END, RUNNING_AT_START, RUNNING_AT_END, LOAD = 1, 2, 3, 4, 10
RUNTIME = bytes.fromhex("230d3ce1bccc124e931bd9cc2eee27e4")
RUNDOWN = bytes.fromhex("1c0269a650c40946a0355af59af4df18")
METHOD_EVENTS = {
    (RUNTIME, 139): RUNNING_AT_START,
    (RUNTIME, 140): RUNNING_AT_END,
    (RUNTIME, 143): START,
    (RUNTIME, 144): END,
    (RUNDOWN, 143): RUNNING_AT_START,
    (RUNDOWN, 144): RUNNING_AT_END,
}
IMAGE_IDS = bytes.fromhex("d775e6b35425184f830b2762732560de")
NOBODY = 0xFFFFFFFF

Place = tuple[str | None, int]
"""Module name in lower case and RVA, or None and an address."""


@dataclass
class Life:
    """The time from `start` to `end` in which a pid, a tid or a base address was one thing; `first` tells what
    it was.
    """

    start: int
    end: int
    first: Any


@dataclass
class Image:
    """An image at its addresses, for a process (`owner` is its life) or for all (None)."""

    owner: Life | None
    base: int
    size: int
    path: str
    loaded_at: int
    debug: tuple[str, str] = ("", "")

    @property
    def module(self) -> str:
        return self.path.replace("/", "\\").split("\\")[-1].lower() or "<unknown>"


@dataclass
class Method:
    """A managed method at its addresses in a process; `text` is what its event says after the flags."""

    base: int
    size: int
    loaded_at: int
    is_jitted: bool
    text: bytes


@dataclass
class Sample:
    """One sample that is work. `stack` is leaf first; `has_stack` False where only the sampled address is known.

    `names` are the methods of the frames, None where a frame is in no method with a name.
    """

    time: int
    cpu: int
    tid: int
    ip: int
    count: int
    flags: int
    pid: int = -1
    process: str = "<unknown>"
    interval_ns: int = 0
    has_stack: bool = False
    stack: tuple[Place, ...] = ()
    names: tuple[str | None, ...] = ()


@dataclass
class Walked:
    """What a trace says."""

    pointer: int = 8
    frequency: int = 10_000_000
    first_time: int = 0
    events: int = 0
    lost_events: int = 0
    lost_buffers: int = 0
    duration_100ns: int = 0
    samples_in_all: int = 0
    idle: int = 0
    lost_keys: int = 0
    samples: list[Sample] = field(default_factory=list)
    processes: list[tuple[int, str, str, int, int, int]] = field(default_factory=list)
    """(pid, name, command line, parent, start, end) in ticks, in the order of pid and start."""
    images: list[Image] = field(default_factory=list)

    def ns(self, ticks: int) -> int:
        """ns since the start of the trace."""
        return (ticks - self.first_time) * 1_000_000_000 // self.frequency


def walk(data: bytes) -> Walked:
    """Read a whole trace."""
    return _Walker(list(events(data))).walk()


class _Walker:
    def __init__(self, found: list[Event]) -> None:
        self.result = Walked(events=len(found))
        self.found = found
        self.read_header(found[0])

    def read_header(self, event: Event) -> None:
        payload, result = event.payload, self.result
        result.pointer = struct.unpack_from("<I", payload, 44)[0]
        shift = 0 if result.pointer == 8 else -8
        start, clock = struct.unpack_from("<qI", payload, 264 + shift)
        end = struct.unpack_from("<q", payload, 16)[0]
        mhz = struct.unpack_from("<I", payload, 52)[0]
        perf_freq = struct.unpack_from("<q", payload, 256 + shift)[0]
        result.frequency = {1: perf_freq, 2: 10_000_000, 3: mhz * 1_000_000}[clock]
        result.first_time = event.time
        result.lost_events = struct.unpack_from("<I", payload, 48)[0]
        result.lost_buffers = struct.unpack_from("<I", payload, 276 + shift)[0]
        result.duration_100ns = end - start

    def pointers(self, payload: bytes, offset: int) -> list[int]:
        """All addresses from an offset to the end."""
        count = (len(payload) - offset) // self.result.pointer
        return list(struct.unpack_from(f"<{count}{'Q' if self.result.pointer == 8 else 'I'}", payload, offset))

    def walk(self) -> Walked:
        self.processes = self.read_processes()
        self.threads = self.read_threads()
        self.images = self.read_images()
        self.methods = self.read_methods()
        self.read_samples()
        self.join_stacks()
        return self.result

    def read_processes(self) -> dict[int, list[Life]]:
        p = self.result.pointer
        told = []
        for event in self.found:
            if event.hook not in (0x301, 0x302, 0x303, 0x304):
                continue
            payload = event.payload
            (key,) = self.pointers(payload[:p], 0)
            pid, parent = struct.unpack_from("<II", payload, p)
            at = 2 * p + 16 + (4 if event.version >= 4 else 0)
            if struct.unpack_from("<I", payload, at)[0]:
                at += 2 * p
                at += 8 + 4 * payload[at + 1]
            else:
                at += 4
            name, _, rest = payload[at:].partition(b"\0")
            command = rest[: len(rest) // 2 * 2].decode("utf-16-le", "replace").split("\0")[0]
            text = (pid, name.decode("cp1252", "replace"), command, parent)
            told.append((pid, event.time, event.hook & 0xFF, key, text))
        lives = _lives(told)
        rows = [(*life.first[:3], life.first[3], life.start, life.end) for pid in sorted(lives) for life in lives[pid]]
        self.result.processes = rows
        return lives

    def read_threads(self) -> dict[int, list[Life]]:
        told = []
        for event in self.found:
            if event.hook in (0x501, 0x502, 0x503, 0x504):
                pid, tid = struct.unpack_from("<II", event.payload)
                told.append((tid, event.time, event.hook & 0xFF, pid, pid))
        return _lives(told)

    def read_debug_ids(self) -> dict[tuple[int, int], list[tuple[int, tuple[str, str]]]]:
        p = self.result.pointer
        found = defaultdict(list)
        for event in self.found:
            if event.guid == IMAGE_IDS and event.opcode == 36:
                payload = event.payload
                (base,) = self.pointers(payload[:p], 0)
                (pid,) = struct.unpack_from("<I", payload, p)
                a, b, c = struct.unpack_from("<IHH", payload, p + 4)
                (age,) = struct.unpack_from("<I", payload, p + 20)
                debug_id = f"{a:08X}{b:04X}{c:04X}{payload[p + 12 : p + 20].hex().upper()}{age:x}"
                name = payload[p + 24 :].partition(b"\0")[0].decode("utf-8", "replace")
                found[pid, base].append((event.time, (debug_id, name)))
        return found

    def read_images(self) -> dict[int | None, list[Image]]:
        """Images by the identity of their process's life; None for the kernel's."""
        p = self.result.pointer
        told = []
        for event in self.found:
            if event.hook not in (0x140A, 0x1402, 0x1403, 0x1404):
                continue
            base, size = self.pointers(event.payload[: 2 * p], 0)
            pid, _, timestamp = struct.unpack_from("<III", event.payload, 2 * p)
            name = event.payload[3 * p + 32 :]
            path = name[: len(name) // 2 * 2].decode("utf-16-le", "replace").split("\0")[0]
            owner = None if pid in (0, 4) else _life_at(self.processes.get(pid, []), event.time)
            if owner is None and pid not in (0, 4):
                continue
            opcode = {LOAD: START}.get(event.hook & 0xFF, event.hook & 0xFF)
            place = (None if owner is None else id(owner), base)
            told.append((place, event.time, opcode, (size, timestamp), (event.time, owner, pid, base, size, path)))
        debug_ids = self.read_debug_ids()
        images = defaultdict(list)
        for (who, _), lives in _lives(told).items():
            for life in lives:
                time, owner, pid, base, size, path = life.first
                named = sorted(debug_ids[pid, base], key=lambda each: each[0])
                later = [text for when, text in named if when >= time]
                debug = later[0] if later else named[-1][1] if named else ("", "")
                images[who].append(Image(owner, base, size, path, life.start, debug))
        self.result.images = [image for group in images.values() for image in group if image.size]
        return images

    def read_methods(self) -> dict[tuple[int, int], list[Method]]:
        """Methods by the identity of their process's life and by every 64 KiB of memory that they reach into."""
        told = []
        for event in self.found:
            opcode = METHOD_EVENTS.get((event.guid, event.event_id))
            if opcode is None or len(event.payload) < 36:
                continue
            method_id, _, base, size, _, flags = struct.unpack_from("<QQQIII", event.payload)
            owner = _life_at(self.processes.get(event.pid, []), event.time)
            if owner is None or not 0 < size <= 16 << 20:
                continue
            what = (base, size, bool(flags & 8), event.payload[36:])
            told.append(((id(owner), base), event.time, opcode, (method_id, size), what))
        methods = defaultdict(list)
        for (who, _), lives in _lives(told).items():
            for life in lives:
                base, size, is_jitted, text = life.first
                for block in range(base >> 16, (base + size - 1 >> 16) + 1):
                    methods[who, block].append(Method(base, size, life.start, is_jitted, text))
        return methods

    def read_samples(self) -> None:
        p, result = self.result.pointer, self.result
        intervals = []
        for event in self.found:
            if event.hook in (0x0F48, 0x0F49, 0x0F4A):
                source, interval = struct.unpack_from("<II", event.payload)
                if source == 0 and interval:
                    intervals.append((event.time, interval * 100))
            if event.hook == 0x0F2E:
                (ip,) = self.pointers(event.payload[:p], 0)
                tid, count, flags = struct.unpack_from("<IHB", event.payload, p)
                result.samples_in_all += count
                if tid == 0 and not flags & 3:
                    result.idle += count
                else:
                    result.samples.append(Sample(event.time, event.cpu, tid, ip, count, flags & 3))
        result.samples.sort(key=lambda sample: (sample.time, sample.cpu))
        intervals.sort(key=lambda each: each[0])
        for sample in result.samples:
            before = [interval for time, interval in intervals if time <= sample.time]
            sample.interval_ns = before[-1] if before else intervals[0][1] if intervals else 1_000_000

    def read_stacks(self) -> list[tuple[int, int, int, int, int, bool, list[int] | None]]:
        """(time written, time of the sample, pid, tid, cpu, user part?, addresses or None if they got lost)."""
        p = self.result.pointer
        definitions = defaultdict(list)
        for event in self.found:
            if event.hook in (0x1823, 0x1824) and len(event.payload) >= 2 * p:
                key, *meaning = self.pointers(event.payload, 0)
                definitions[key].append((event.time, meaning))
        for defined in definitions.values():
            defined.sort(key=lambda each: each[0])
        stacks: list[tuple[int, int, int, int, int, bool, list[int] | None]] = []
        for event in self.found:
            if event.hook not in (0x1820, 0x1825, 0x1826) or len(event.payload) < 16 + p:
                continue
            time, pid, tid = struct.unpack_from("<qII", event.payload)
            addresses: list[int] | None = self.pointers(event.payload, 16)
            assert addresses
            user = event.hook == 0x1826
            if event.hook == 0x1820:
                user = not self.is_kernel(addresses[0])
            elif addresses[0] == 0:
                continue
            else:
                addresses = _meaning(definitions[addresses[0]], event.time)
            stacks.append((event.time, time, pid, tid, event.cpu, user, addresses))
        stacks.sort(key=lambda stack: stack[0])
        return stacks

    def is_kernel(self, address: int) -> bool:
        return address >= 1 << (self.result.pointer * 8 - 1)

    def join_stacks(self) -> None:
        samples = self.result.samples
        by_event: dict[tuple[int, int, int | None], int] = {}
        for row, sample in enumerate(samples):
            by_event.setdefault((sample.time, sample.tid, None if sample.tid else sample.cpu), row)
        parts: dict[tuple[int, bool], list[int] | None] = {}
        pids: dict[int, int] = {}
        for _, time, pid, tid, cpu, user, addresses in self.read_stacks():
            row = by_event.get((time, tid, None if tid else cpu), -1)
            if row < 0:
                continue
            parts.setdefault((row, user), addresses)
            pids[row] = pid
            self.result.lost_keys += addresses is None
        for row, sample in enumerate(samples):
            owner = self.own(sample, pids.get(row, NOBODY))
            kernel, user_part = parts.get((row, False)) or [], parts.get((row, True)) or []
            sample.has_stack = bool(kernel or user_part)
            frames = self.places(owner, self.addresses(sample, kernel, user_part), sample.time)
            sample.stack = tuple(place for place, _ in frames)
            sample.names = tuple(name for _, name in frames)

    def own(self, sample: Sample, stack_pid: int) -> Life | None:
        thread = _life_at(self.threads.get(sample.tid, []), sample.time)
        if thread:
            sample.pid = thread.first
        elif stack_pid != NOBODY:
            sample.pid = stack_pid
        if sample.tid == 0:
            sample.pid = 0
        process = _life_at(self.processes.get(sample.pid, []), sample.time)
        if process:
            sample.process = process.first[1] or "<unnamed>"
        else:
            sample.process = {0: "Idle", 4: "System"}.get(sample.pid, "<unknown>")
        return process

    def addresses(self, sample: Sample, kernel: list[int], user: list[int]) -> list[int]:
        """The whole stack, leaf first."""
        stack = kernel + user
        if not stack:
            return [sample.ip]
        if sample.ip in (0, stack[0]):
            return stack
        if self.is_kernel(sample.ip) and not kernel:
            return [sample.ip, *stack]
        return [sample.ip, *stack[1:]]

    def places(self, owner: Life | None, addresses: list[int], time: int) -> list[tuple[Place, str | None]]:
        """Each address's place, and the name of the method there."""
        found: list[tuple[Place, str | None]] = []
        for depth, address in enumerate(addresses):
            image = None
            if owner:
                image = _image_at(self.images.get(id(owner), []), address, time)
            image = image or _image_at(self.images.get(None, []), address, time)
            if depth and address > (image.base if image else 0):
                address -= 1
            near = self.methods.get((id(owner), address >> 16), [])
            method = _method_at(near, address, time) if owner else None
            if image and method:
                if method.is_jitted and method.loaded_at > image.loaded_at:
                    image = None
                elif BEFORE < method.loaded_at < image.loaded_at:
                    method = None
            place = (image.module, address - image.base) if image else (None, address)
            found.append((place, method_name(method.text) if method else None))
        return found


def _lives(told: list[tuple[Any, int, int, Any, Any]]) -> dict[Any, list[Life]]:
    """The lives of each key, from events of (key, time, opcode, owner, what it is)."""
    by_key = defaultdict(list)
    for key, *rest in told:
        by_key[key].append(rest)
    lives: dict[Any, list[Life]] = {}
    for key, rows in by_key.items():
        lives[key] = []
        previous = None
        for time, opcode, owner, what in sorted(rows, key=lambda row: row[0]):
            if previous is None or opcode == START or previous[1] == END or owner != previous[2]:
                start = time if opcode == START else previous[0] if previous else BEFORE
                if lives[key]:
                    lives[key][-1].end = min(lives[key][-1].end, start)
                lives[key].append(Life(start, AFTER, what))
            lives[key][-1].end = time if opcode == END else AFTER
            previous = (time, opcode, owner)
    return lives


def _life_at(lives: list[Life], time: int) -> Life | None:
    """The life at a time, or the last one before it, or else the first one after it."""
    begun = [life for life in lives if life.start <= time]
    return begun[-1] if begun else lives[0] if lives else None


def _method_at(methods: list[Method], address: int, time: int) -> Method | None:
    holding = [each for each in methods if each.base <= address < each.base + each.size and each.loaded_at <= time]
    return max(holding, key=lambda method: (method.loaded_at, method.base)) if holding else None


def _meaning(definitions: list[tuple[int, list[int]]], time: int) -> list[int] | None:
    """What a stack key that was written at a time means: what it is said to at the next chance, else what it
    was last.
    """
    later = [addresses for when, addresses in definitions if when >= time]
    if later:
        return later[0]
    return definitions[-1][1] if definitions else None


def _image_at(images: list[Image], address: int, time: int) -> Image | None:
    holding = [image for image in images if image.base <= address < image.base + image.size and image.loaded_at <= time]
    return max(holding, key=lambda image: (image.loaded_at, image.base)) if holding else None
