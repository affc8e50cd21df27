"""A machine that is made up: programs that stand in for etwprof, xperf and perf, with what they change of it.

    machine = Machine(tmp_path, {"xperf -on": Play(says="Access is denied.", exit_code=5)})
    XperfSession(machine.xperf, …).trace(machine.call(…))
    machine.interval, machine.session, machine.calls

They check every argument to the letter, run the command they are given, and change the machine as the real ones do: one
sampling interval and one session, which stay when the program has ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from perfdb.collect.process import Step, run
from perfdb.collect.profiler import Call
from tests.traces import small_trace

WRONG_CALL = 87


@dataclass(frozen=True)
class Play:
    """What a step of a program does besides, or instead: it speaks, hangs, kills itself, or fails.

    With an exit code it does not do its work, unless it `works_all_the_same`. `writes` is what it leaves as its output:
    `all`, nothing (`none`), an `empty` file, or `text`. `times` is how often it plays before it does as it should.
    """

    says: str = ""
    exit_code: int = 0
    hangs: bool = False
    dies: bool = False
    works_all_the_same: bool = False
    writes: str = "all"
    times: int = 1000


class Machine:
    """The machine's folder. `calls` are those of its programs, the program's name first, but not perf's being tried."""

    def __init__(self, folder: Path, plays: Mapping[str, Play] | None = None) -> None:
        self.folder = folder / "machine of tests"
        self.folder.mkdir()
        self.work = folder / "work"
        self.work.mkdir()
        self.target = folder / "traces" / "trace (1).etl"
        self.target.parent.mkdir()
        plan = {step: asdict(play) for step, play in (plays or {}).items()}
        (self.folder / "plan.json").write_text(json.dumps(plan))
        (self.folder / "trace.etl").write_bytes(small_trace())
        self.change(interval=10_000, session=None)
        self.etwprof, self.xperf, self.perf = map(self._program, ("etwprof", "xperf", "perf"))

    def _program(self, name: str) -> Path:
        script = self.folder / "script.py"
        script.write_text(_SCRIPT, encoding="utf-8")
        if os.name == "nt":
            program = self.folder / f"{name}.cmd"
            program.write_text(f'@"{sys.executable}" -I -S "{script}" {name} %*\n')
        else:
            program = self.folder / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" {name} "$@"\n')
            program.chmod(0o755)
        return program

    def change(self, **values: object) -> None:
        """Make it another machine."""
        file = self.folder / "machine.json"
        before = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(before | values))

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / "machine.json").read_text())
        return state

    @property
    def interval(self) -> int:
        return int(self.state["interval"])

    @property
    def session(self) -> str | None:
        session: str | None = self.state["session"]
        return session

    @property
    def calls(self) -> list[list[str]]:
        record = self.folder / "calls.jsonl"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def steps(self) -> list[str]:
        """The calls by their names alone."""
        return [" ".join(call[:2]) for call in self.calls]

    def call(self, code: str = "", limit_s: float = 60.0, tick: Any = None, suffix: str = ".etl") -> Call:
        """A call of a small Python program, which knows `until_stopped()`."""
        stop = self.work / "stop"
        known = (
            "import os, sys, time\n"
            "def until_stopped():\n"
            f"    open({str(self.work / 'runs')!r}, 'w').close()\n"
            f"    while not os.path.exists({str(stop)!r}): time.sleep(0.02)\n"
        )
        script = self.folder / "command.py"
        script.write_text(known + code, encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(script)]
        target = self.target.with_name("trace (1)" + suffix)
        return Call(command, target, self.work, limit_s, stop.touch, tick)

    def press_ctrl_c(self, times: int = 1) -> Any:
        """A tick that presses Ctrl+C so often once the program runs."""
        left = [times]

        def tick(_seconds: float, _step: Step | None) -> None:
            if (self.work / "runs").exists() and left[0]:
                for _ in range(left[0]):
                    signal.raise_signal(signal.SIGINT)
                left[0] = 0

        return tick

    def has_left_nothing(self) -> bool:
        """Is no trace there, no session, and no file between but those of `call`?"""
        between = {path.name for path in self.work.iterdir()} - {"runs", "stop"}
        return not between and not list(self.target.parent.iterdir()) and self.session is None


def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs that were told to end have a moment only."""
    monkeypatch.setattr(run, "__kwdefaults__", {**(run.__kwdefaults__ or {}), "stop_grace_s": 0.1})


_SCRIPT = r'''
import json, os, re, signal, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
tool, *words = sys.argv[1:]
is_trial = tool == "perf" and (words[-1].startswith("sum(") or words[-2:] == ["-F", "event"])
step = tool if tool == "etwprof" else "perf trial" if is_trial else " ".join((tool, *words[:1]))


def file(name):
    return os.path.join(HERE, name)


def load(name):
    with open(file(name), encoding="utf-8") as opened:
        return json.load(opened)


def change(**values):
    machine = load("machine.json")
    machine.update(values)
    with open(file("machine.json.new"), "w", encoding="utf-8") as opened:
        json.dump(machine, opened)
    os.replace(file("machine.json.new"), file("machine.json"))


def say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def refuse(why):
    say("error: wrong call: " + why + ": " + " ".join(words))
    sys.exit(87)


def pattern(*expected):
    """The values of the words, where they are right to the letter; None in a pattern is any word, a list a choice."""
    if len(words) < len(expected):
        refuse("too few words")
    values = []
    for word, wanted in zip(words, expected):
        if wanted is None:
            values.append(word)
        elif isinstance(wanted, re.Pattern):
            if not wanted.fullmatch(word):
                refuse("wanted " + wanted.pattern + ", found " + word)
            values.append(wanted.fullmatch(word)[1])
        elif word != wanted:
            refuse("wanted " + wanted + ", found " + word)
    return values, words[len(expected):]


def absolute(path, is_there=False):
    if not os.path.isabs(path) or os.path.exists(path) != is_there:
        refuse("wrong path " + path)
    return path


def write(path):
    if play["writes"] == "none":
        return
    with open(path, "wb") as opened, open(file("trace.etl"), "rb") as trace:
        opened.write({"all": trace.read(), "empty": b"", "text": b"no trace at all\n"}[play["writes"]])


def run(command):
    absolute(command[0], is_there=True)
    return subprocess.call(command)


def stay():
    """What comes when a program will not end."""
    time.sleep(600)


def etwprof():
    (output,), rest = pattern("profile", re.compile(r"--output=(.+\.etl)"), "--nologo")
    absolute(output)
    rate = None
    if rest and rest[0].startswith("--rate="):
        rate = int(rest.pop(0)[7:])
        if not 100 <= rate <= 20000:
            refuse("rate")
    if rest[:2] != ["--children", "--"]:
        refuse("options")
    if play["exit_code"] and not play["works_all_the_same"]:
        return
    if rate is not None:
        change(interval=round(1e7 / rate))
    change(session="ETWProf_Session")
    run(rest[2:])
    change(session=None)
    write(output)


def xperf_on():
    _, rest = pattern("-on", "PROC_THREAD+LOADER+PROFILE", "-stackwalk", "Profile", "-BufferSize", "1024",
                      "-MinBuffers", "256", "-MaxBuffers", "1024")
    interval = None
    if rest[0] == "-SetProfInt":
        interval = int(rest[1])
        rest = rest[2:]
        if interval < 1221:
            refuse("interval")
    if len(rest) != 2 or rest[0] != "-f":
        refuse("options")
    raw = absolute(rest[1])
    if load("machine.json")["session"] is not None:
        say("xperf: error: NT Kernel Logger: Cannot create a file when that file already exists. (0x800700b7).")
        sys.exit(183)
    if play["exit_code"] and not play["works_all_the_same"]:
        return
    if interval is not None:
        change(interval=interval)
    change(session=raw)
    with open(raw, "wb") as opened:
        opened.write(b"raw")


def xperf_stop():
    if words != ["-stop"]:
        refuse("options")
    if play["exit_code"] and not play["works_all_the_same"]:
        return
    if load("machine.json")["session"] is None:
        say("xperf: error: NT Kernel Logger: The instance name passed was not recognized as valid by a WMI data "
            "provider. (0x80071069).")
        sys.exit(105)
    change(session=None)


def xperf_merge():
    (raw, merged), rest = pattern("-merge", None, None, "-compress")
    absolute(raw, is_there=True)
    if rest or load("machine.json")["session"] is not None:
        refuse("options, or not stopped")
    if not play["exit_code"] or play["works_all_the_same"]:
        write(absolute(merged))


def xperf_ask():
    if words != ["-ProfInt"]:
        refuse("options")
    if not play["says"]:
        interval = load("machine.json")["interval"]
        print("Current Sampled Profile Interval = %d [%.4fms]" % (interval, interval / 1e4))


def xperf_set():
    (interval,), rest = pattern("-setprofint", re.compile(r"(\d+)"))
    if rest:
        refuse("options")
    if not play["exit_code"]:
        change(interval=int(interval))


MODERN = ["--sample-cpu", "-k", "mono", "--buildid-mmap", "--no-bpf-event"]


def perf_record():
    (output,), rest = pattern("record", "-o", None)
    absolute(output)
    options = rest[:rest.index("-F")]
    rest = rest[len(options):]
    if options not in (MODERN, ["--sample-cpu", "-N"]) or rest[2:5:2] != ["-e", "--call-graph"] or rest[6] != "--":
        refuse("options")
    machine = load("machine.json")
    if options == MODERN and machine.get("is_old"):
        say("  Error: unknown option `buildid-mmap'")
        sys.exit(129)
    event = machine.get("events", {}).get(rest[3], rest[3])
    if event == "refused":
        say("event syntax error: '" + rest[3] + "'\n                     \\___ parser error")
        sys.exit(129)
    if play["exit_code"] and not play["works_all_the_same"]:
        return
    code = run(rest[7:])
    say("[ perf record: Woken up 1 times to write data ]")
    if play["writes"] != "none":
        with open(output, "w") as opened:
            json.dump({"event": event, "rate": rest[1], "call_graph": rest[5]}, opened)
    if code:
        sys.exit(code)


TEXT = ["script", "-i", None, "--header", "-F", "comm,pid,tid,cpu,time,period,event,ip,sym,symoff,dso", "--ns",
        "--show-task-events", "--show-mmap-events", "--show-lost-events"]


def perf_trial():
    if words[0] == "record":
        return perf_record()
    with open(words[2]) as opened:
        event = json.load(opened)["event"]
    print("%s: \n" % event * (20 if event else 0), end="")


def perf_script():
    (data,), rest = pattern(*TEXT)
    if rest not in (["--no-inline"], ["--inline"]):
        refuse("options")
    with open(absolute(data, is_there=True)) as opened:
        about = json.load(opened)
    if play["writes"] == "all":
        print("# ========\n# call graph %s, %s Hz, %s" % (about["call_graph"], about["rate"], rest[0]))
        for number in range(3000):
            print("app 1/1 [000] %d.0: 1000 %s: \n\t401000 work+0x1 (/app)\n" % (number, about["event"]))
    sys.stdout.flush()


STEPS = {
    "etwprof": etwprof, "xperf -on": xperf_on, "xperf -stop": xperf_stop, "xperf -merge": xperf_merge,
    "xperf -ProfInt": xperf_ask, "xperf -setprofint": xperf_set, "perf record": perf_record,
    "perf script": perf_script, "perf trial": perf_trial,
}

played = 0
if not is_trial:
    if os.path.exists(file("calls.jsonl")):
        with open(file("calls.jsonl"), encoding="utf-8") as record:
            played = sum(1 for line in record if " ".join(json.loads(line)[: 1 if tool == "etwprof" else 2]) == step)
    with open(file("calls.jsonl"), "a", encoding="utf-8") as record:
        record.write(json.dumps([tool, *words]) + "\n")
play = load("plan.json").get(step)
nothing = {"says": "", "exit_code": 0, "hangs": False, "dies": False, "works_all_the_same": False, "writes": "all"}
if play is None or played >= play["times"]:
    play = nothing
if step not in STEPS:
    refuse("unknown")
if play["says"]:
    say(play["says"])
if play["dies"] and os.name == "nt":
    os._exit(0xC0000005 - (1 << 32))
STEPS[step]()
if play["dies"]:
    os.kill(os.getpid(), signal.SIGKILL)
if play["hangs"]:
    stay()
sys.exit(play["exit_code"])
'''
