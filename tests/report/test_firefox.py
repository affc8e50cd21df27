"""Tracks as a file of the Firefox Profiler, held against the format and against the profiler's own code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perfdb import __version__
from perfdb.report.firefox import firefox_text
from tests.npm import missing, npm_package
from tests.report.firefox_file import category_of, checked_firefox, paths_of
from tests.report.made_tracks import STARTED_AT, tracks
from tests.store.profiles import MS

WORK = {
    ("simple", "app.exe", 7): [
        ("ntdll.dll!start;app.exe!main", 1),
        ("ntdll.dll!start;app.exe!main;a.dll!f", 3),
        ("ntdll.dll!start;app.exe!main;a.dll!f;a.dll!f", 2),
        ("ntdll.dll!start;app.exe!main;ntoskrnl.exe!<unresolved>", 4),
    ],
    ("simple", "System", 4): [("ntoskrnl.exe!<unresolved>;Ntfs.SYS!<unresolved>", 6)],
    ("large", "app.exe", 7): [("ntdll.dll!start;<jit>!Main;<unknown>!<unresolved>", 5)],
}


def test_a_track_is_the_main_thread_of_a_process_of_its_own() -> None:
    content = checked_firefox(firefox_text(tracks(WORK, by_process=True)))

    assert [
        ("simple: app.exe (7)", "app.exe", "7"),
        ("simple: System (4)", "System", "4"),
        ("large: app.exe (7)", "app.exe", "7.1"),
    ] == [(thread["name"], thread["processName"], thread["pid"]) for thread in content["threads"]]


def test_samples_follow_each_other_and_end_where_the_last_one_does() -> None:
    [thread, *_] = checked_firefox(firefox_text(tracks(WORK)))["threads"]

    samples = thread["samples"]
    assert [0, 1, 4, 6, 10] == samples["time"]
    assert [1, 3, 2, 4, 0] == samples["weight"]
    assert [0, MS, 3 * MS, 2 * MS, 4 * MS] == samples["threadCPUDelta"]
    assert "tracing-ms" == samples["weightType"]


def test_stacks_have_their_weights() -> None:
    content = checked_firefox(firefox_text(tracks(WORK)))

    main = (("ntdll.dll", "start"), ("app.exe", "main"))
    f = ("a.dll", "f")
    assert {
        main: MS,
        (*main, f): 3 * MS,
        (*main, f, f): 2 * MS,
        (*main, ("ntoskrnl.exe", "<unresolved>")): 4 * MS,
    } == paths_of(content, content["threads"][0])


def test_categories_tell_the_kernel_and_compiled_code_apart() -> None:
    content = checked_firefox(firefox_text(tracks(WORK)))

    of_module = {
        "app.exe": "User",
        "ntoskrnl.exe": "Kernel",
        "Ntfs.SYS": "Kernel",
        "<jit>": "JIT",
        "<unknown>": "Other",
    }
    assert of_module == {module: "".join(category_of(content, module)) for module in of_module}


def test_what_is_known_of_the_runs_comes_along() -> None:
    meta = checked_firefox(firefox_text(tracks(WORK, notes=("half of it",))))["meta"]

    assert ("main", f"perfdb {__version__}", 1.0) == (meta["product"], meta["importedFrom"], meta["interval"])
    assert STARTED_AT.timestamp() * 1000 == meta["startTime"]
    assert [("commit", "abc"), ("note", "half of it")] == [
        (entry["label"], entry["value"]) for entry in meta["extra"][0]["entries"]
    ]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("shared", "stackTable", "prefix", 1), 1),
        (("shared", "stackTable", "frame", 0), 99),
        (("shared", "funcTable", "name", 0), -1),
        (("shared", "resourceTable", "lib"), []),
        (("threads", 0, "samples", "weight", 0), -1),
        (("threads", 0, "samples", "stack", 0), 99),
        (("threads", 1, "pid"), "7"),
        (("meta", "interval"), 0),
    ],
)
def test_the_checks_find_what_is_wrong(place: tuple[str | int, ...], value: object) -> None:
    content = json.loads(firefox_text(tracks(WORK)))
    *above, last = place
    part = content
    for key in above:
        part = part[key]
    part[last] = value

    with pytest.raises(AssertionError):
        checked_firefox(json.dumps(content))


# The profiler's own code, as its command line: it upgrades what it loads to its newest version, and counts.
CLI = ("@firefox-devtools/profiler-cli", "0.10.0")
Ask = Callable[..., Any]

WATCHED = '"$@" & read -r nothing; kill $!; wait'
"""For a shell: a program that ends when nobody holds the shell's standard input any more, however that came about."""


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Asks the profiler's command line about `firefox_text` of the work above; its daemon goes when the test does."""
    program = str(npm_package(*CLI) / "dist" / "profiler-cli.js")
    node = shutil.which("node") or missing("needs node, for the Firefox Profiler's command line")
    shell = shutil.which("sh") or missing("needs sh, for the Firefox Profiler's command line")
    file = tmp_path / "profile.json"
    file.write_text(firefox_text(tracks(WORK, by_process=True)))
    with tempfile.TemporaryDirectory(prefix="pq") as sessions:  # holds a socket, whose path must be short
        environment = {**os.environ, "PROFILER_CLI_SESSION_DIR": sessions, "PROFILER_CLI_NO_SYMBOLICATE": "1"}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = [node, program, *words, "--session", "perfdb", "--json"]
            return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

        def answer(*words: str) -> Any:
            ran = run(*words)
            assert 0 == ran.returncode, ran.stderr
            return json.loads(ran.stdout)

        daemon = [shell, "-c", WATCHED, shell, node, program, "--daemon", str(file), "--session", "perfdb"]
        with subprocess.Popen(daemon, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as running:
            until = time.monotonic() + 60
            # Asking before it has told where it is makes the command line clear away what it takes for a dead session.
            while not Path(sessions, "perfdb.json").exists() and running.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            while run("status").returncode and running.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            yield answer


def test_the_profiler_itself_counts_the_same(ask: Ask) -> None:
    threads = ask("thread", "list")["threads"]
    counted = {
        thread["pid"]: {
            function["nameWithLibrary"]: (function["selfSamples"], function["totalSamples"])
            for function in ask("thread", "functions", "--thread", thread["threadHandle"])["functions"]
        }
        for thread in threads
    }
    shares = ask("thread", "samples", "--thread", "t-0")["categoryBreakdown"]["categories"]

    assert [
        ("simple: app.exe (7)", "app.exe", "7", 10),
        ("simple: System (4)", "System", "4", 6),
        ("large: app.exe (7)", "app.exe", "7.1", 5),
    ] == [(thread["name"], thread["processName"], thread["pid"], thread["cpuMs"]) for thread in threads]
    assert {
        "7": {
            "ntdll.dll!start": (0, 10),
            "app.exe!main": (1, 10),
            "a.dll!f": (5, 5),
            "ntoskrnl.exe!<unresolved>": (4, 4),
        },
        "4": {"ntoskrnl.exe!<unresolved>": (0, 6), "Ntfs.SYS!<unresolved>": (6, 6)},
        "7.1": {"ntdll.dll!start": (0, 5), "<jit>!Main": (0, 5), "<unknown>!<unresolved>": (5, 5)},
    } == counted
    assert {"User": 6, "Kernel": 4} == {share["name"]: share["samples"] for share in shares}
