"""Processes and images, by the records of `--show-task-events` and `--show-mmap-events`, and by the samples' own words.

    app 7037/7037 822.9: PERF_RECORD_COMM exec: app:7037/7037                        a program begins; pid/tid
    app 7037/7037 822.9: PERF_RECORD_COMM: my worker: 1:7037/7047                    a thread gets a name
    app 7037/7037 822.9: PERF_RECORD_FORK(7048:7048):(7037:7037)                     pid:tid of the child, of the parent
    app 7037/7047 822.9: PERF_RECORD_EXIT(7037:7047):(7010:7010)
    app 7037/7037 822.9: PERF_RECORD_MMAP2 7037/7037: [0x55d4(0x10) @ 0 fe:00 21 0]: r-xp /tmp/app
    app 7037/7037 822.9: PERF_RECORD_MMAP2 7037/7037: [0x55d4(0x10) @ 0 <9d5d…>]: r-xp /tmp/app       with a build id
    app 7037/7037 822.9: PERF_RECORD_LOST lost 29

What was there before is told at the time 0. A process is called as the program that it ran last; without records, as
the last name of its main thread (tid = pid), else as the first thread that has a sample. Names have 15 bytes: the path
of the program's image, where it is told, says how a longer one goes on.

perf's usual fields tell a thread's id and not its process's. Where no record says whose thread it is, all threads of
one name are one process whose pid is not known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from perfdb.profile.columns import JIT_MODULE, NO_PID, UNKNOWN_MODULE, Process
from perfdb.readers.perf_script.frames import module_name

NAME_BYTES = 15
"""What the kernel keeps of a thread's name."""

_COMM = re.compile(r"COMM( exec)?: (.*):(-?[0-9]{1,8})/(-?[0-9]{1,8})", re.DOTALL)
_FORK = re.compile(r"(FORK|EXIT)\((-?[0-9]{1,8}):(-?[0-9]{1,8})\):\((-?[0-9]{1,8}):(-?[0-9]{1,8})\)")
_MMAP = re.compile(r"MMAP2? (-?[0-9]{1,8})/-?[0-9]{1,8}: \[[^\]<]*(?:<([0-9a-f]*)>)?\]: ([-rwxps]+) (.+)", re.DOTALL)
_LOST = re.compile(r"LOST(_SAMPLES)?\b.*?\blost (?:samples )?([0-9]{1,15})")
_NAMELESS = re.compile(r":-?[0-9]+|")
_BEFORE_EXEC = ("perf-exec", "perf")


@dataclass
class Life:
    """One process while its pid is its own. Times are of the samples' clock."""

    pid: int
    program: str = ""
    own_name: str = ""
    other_name: str = ""
    parent: int | None = None
    start: int | None = None
    end: int | None = None
    has_samples: bool = False
    is_over: bool = False

    @property
    def name(self) -> str:
        """How the process is called."""
        return self.program or self.own_name or self.other_name or UNKNOWN_MODULE


@dataclass(frozen=True, slots=True)
class Image:
    """A file that was loaded; `build_id` is "" where it is not told."""

    path: str
    build_id: str


@dataclass
class Tasks:
    """What is known of processes after the lines so far. A process's row is its place in `lives`."""

    lives: list[Life] = field(default_factory=list)
    images: dict[Image, None] = field(default_factory=dict)
    lost_events: int = 0
    lost_samples: int = 0
    samples_without_pid: bool = False
    _row_of: dict[int, int] = field(default_factory=dict)
    _row_of_name: dict[str, int] = field(default_factory=dict)
    _pid_of: dict[int, int] = field(default_factory=dict)

    def record(self, time_ns: int, text: str) -> bool:
        """Take a record, as it stands behind `PERF_RECORD_`; whether it changed whose thread is whose."""
        if found := _MMAP.fullmatch(text):
            self._mapped(int(found[1]), found[2] or "", found[3], found[4])
            return False
        if found := _LOST.match(text):
            if found[1]:
                self.lost_samples += int(found[2])
            else:
                self.lost_events += int(found[2])
            return False
        if found := _COMM.fullmatch(text):
            self._named(time_ns, int(found[3]), int(found[4]), found[2].strip(), is_exec=bool(found[1]))
            return True
        if found := _FORK.match(text):
            child, thread, parent, parent_thread = (int(found[at]) for at in range(2, 6))
            if found[1] == "FORK":
                self._forked(time_ns, child, thread, parent, parent_thread)
            else:
                self._ended(time_ns, child, thread)
            return True
        return False

    def row(self, pid: int | None, tid: int, name: str) -> int:
        """The process of a sample, -1 for idling; `pid` is None where only the thread is told."""
        if pid is None:
            pid = self._pid_of.get(tid, 0 if not tid else None)
        if pid == 0:
            return -1
        is_nameless = _NAMELESS.fullmatch(name) is not None
        if pid is None or pid < 0:
            self.samples_without_pid |= pid is None
            name = UNKNOWN_MODULE if is_nameless else name
            row = self._row_of_name.setdefault(name, len(self.lives))
            if row == len(self.lives):
                self.lives.append(Life(NO_PID, own_name=name))
            return row
        row, life = self._life(pid)
        life.has_samples = True
        if not is_nameless:
            if tid == pid:
                life.own_name = name
            life.other_name = life.other_name or name
        return row

    def _life(self, pid: int) -> tuple[int, Life]:
        row = self._row_of.get(pid)
        if row is None:
            row = self._row_of[pid] = len(self.lives)
            self.lives.append(Life(pid))
        return row, self.lives[row]

    def _forked(self, time_ns: int, pid: int, tid: int, parent: int, parent_thread: int) -> None:
        self._pid_of[tid] = pid
        if pid == parent:  # a thread
            if parent_thread == parent:
                self._pid_of.setdefault(parent, parent)
            return
        if pid in self._row_of and (time_ns or self.lives[self._row_of[pid]].is_over):
            del self._row_of[pid]
        _, life = self._life(pid)
        life.parent = parent if parent >= 0 else None
        life.start = time_ns or None
        above = self._row_of.get(parent)
        life.other_name = self.lives[above].name if above is not None and not life.other_name else life.other_name

    def _ended(self, time_ns: int, pid: int, tid: int) -> None:
        if pid <= 0:
            return
        _, life = self._life(pid)
        life.is_over |= pid == tid
        life.end = time_ns or None

    def _named(self, time_ns: int, pid: int, tid: int, name: str, *, is_exec: bool) -> None:
        if pid <= 0:
            return
        self._pid_of[tid] = pid
        _, life = self._life(pid)
        if is_exec:
            is_begun = life.has_samples or life.start is not None or life.name not in (*_BEFORE_EXEC, UNKNOWN_MODULE)
            life.start = life.start if is_begun else time_ns or None
            life.program = life.own_name = name
        elif pid == tid:
            life.own_name = name
        else:
            life.other_name = life.other_name or name

    def _mapped(self, pid: int, build_id: str, access: str, path: str) -> None:
        module = module_name(path)
        if "x" not in access and pid >= 0:
            return
        if module not in (JIT_MODULE, UNKNOWN_MODULE):
            self.images.setdefault(Image(path, build_id))
        row = self._row_of.get(pid)
        if row is not None:
            life = self.lives[row]
            name = path.rsplit("/", 1)[-1]
            if len(life.program.encode()) == NAME_BYTES and name.startswith(life.program):
                life.program = name

    def processes(self, first_ns: int) -> tuple[Process, ...]:
        """All of them, their times since `first_ns`."""
        bearers: dict[int, int] = {}
        rows = []
        for life in self.lives:
            incarnation = bearers[life.pid] = bearers.get(life.pid, -1) + 1
            rows.append(
                Process(
                    life.pid,
                    life.name,
                    parent_pid=life.parent,
                    incarnation=incarnation,
                    start_ns=None if life.start is None else max(life.start - first_ns, 0),
                    end_ns=None if life.end is None or not life.is_over else max(life.end - first_ns, 0),
                )
            )
        return tuple(rows)
