"""A program that stands in for xperf, on every system: it checks its arguments strictly and plays what it is told to.

    program = stand_in(folder, {"profile": Play(SUMMARY), "profile_detail": Play(DETAIL), "stack": Play(exit_code=3)})

What it is told lies beside it, and so does the record of its calls.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

WRONG_CALL = 87
"""Its exit code where it was not called as xperf must be."""


@dataclass(frozen=True)
class Play:
    """What it does when called: it speaks, writes its output, and ends.

    `output` None is no file at all. `flood_bytes` of standard error come first; `noise` is said as it is, in hex.
    `connect_to` is a port of this machine: a descendant connects to it, and lives on until it is killed. With `hangs`
    the program itself does not end either; with `dies` it kills itself.
    """

    output: str | None = ""
    exit_code: int = 0
    says: str = ""
    noise: str = ""
    flood_bytes: int = 0
    connect_to: int = 0
    hangs: bool = False
    dies: bool = False


def stand_in(folder: Path, plays: Play | Mapping[str, Play]) -> Path:
    """Make the program in a folder; plays are by action, or one is for all."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = {name: asdict(play) for name, play in ({"": plays} if isinstance(plays, Play) else plays).items()}
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    script = folder / "stand_in.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    if os.name == "nt":
        program = folder / "xperf.cmd"
        program.write_text(f'@"{sys.executable}" -I -S "{script}" %*\n')
    else:
        program = folder / "xperf"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{script}" "$@"\n')
        program.chmod(0o755)
    return program


def calls(program: Path) -> list[dict[str, Any]]:
    """How it was called, call by call: its `words`, its `symbols`, its `symcache` and the `folder` it ran in."""
    record = program.parent / "calls.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return [json.loads(line) for line in lines]


_SCRIPT = r'''
import json, os, re, signal, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
ACTIONS = ("dumper -stacktimeshifting", "profile", "profile -detail", r"stack -butterfly [1-9]\d*")


def refuse(why):
    sys.stderr.write("error: wrong call: " + why + "\n")
    sys.exit(87)


def checked(words):
    """The output file and the action, where the call is right to the letter."""
    if len(words) < 9 or words[0] != "-i" or words[2:6] != ["-tle", "-tti", "-symbols", "-o"] or words[7] != "-a":
        refuse(" ".join(words))
    trace, output, action = words[1], words[6], " ".join(words[8:])
    if not (os.path.isabs(trace) and os.path.isfile(trace)):
        refuse("no trace at " + trace)
    if not os.path.isabs(output) or os.path.exists(output):
        refuse("the output is there already: " + output)
    if not any(re.fullmatch(known, action) for known in ACTIONS):
        refuse("unknown action " + action)
    return output, action


words = sys.argv[1:]
output, action = checked(words)
with open(os.path.join(HERE, "calls.jsonl"), "a", encoding="utf-8") as record:
    told = {name: os.environ.get(f"_NT_{name}_PATH") for name in ("SYMBOL", "SYMCACHE")}
    record.write(json.dumps({"words": words, **told, "folder": os.getcwd(), "output": output}) + "\n")
with open(os.path.join(HERE, "plan.json"), encoding="utf-8") as plan:
    plays = json.load(plan)
play = next((plays[name] for name in (action.replace(" -", "_"), action.split()[0], "") if name in plays))

if play["connect_to"]:
    living = (
        "import socket, sys, time\n"
        "held = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "time.sleep(600)\n"
    )
    subprocess.Popen([sys.executable, "-I", "-S", "-c", living, str(play["connect_to"])])
for _ in range(play["flood_bytes"] // 64):
    sys.stderr.write("x" * 63 + "\n")
sys.stderr.flush()
sys.stderr.buffer.write(bytes.fromhex(play["noise"]))
sys.stderr.buffer.write(play["says"].encode("utf-8"))
sys.stderr.flush()
if play["output"] is not None:
    with open(output, "wb") as file:
        file.write(play["output"].encode("latin-1"))
if play["hangs"]:
    time.sleep(600)
if play["dies"] and os.name == "nt":
    os._exit(0xC0000005 - (1 << 32))
if play["dies"]:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(play["exit_code"])
'''
