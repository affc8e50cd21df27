"""`perfdb profile`: what runs, lands and is refused; with a stand-in for etwprof, whose traces show `app.exe`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from perfdb.api.history import open_history
from perfdb.errors import InputError
from tests.cli.conftest import Run
from tests.collect.machine import Machine, Play
from tests.conftest import GitRepo

WORKS = "sum(range(200_000))"


class Project:
    """A repository with two commits, a suite, and a machine with an etwprof; the current folder is in it."""

    def __init__(self, repo: GitRepo, machine: Machine) -> None:
        self.repo, self.path, self.machine = repo, repo.path, machine
        self.traces = self.path / "artifacts" / "profile"

    def suite(self, *, profile: str = "", profiler: str = "etwprof", **examples: str) -> None:
        """Write the settings: examples by name, each with the Python that it runs or, in brackets, with a table."""
        lines = [
            "[etwprof]",
            f"program = '{self.machine.etwprof}'",
            "[xperf]",
            f"program = '{self.machine.xperf}'",
            "[profile]",
            'project = "indexer"',
            f'profiler = "{profiler}"',
            profile,
        ]
        for name, text in examples.items():
            table = text if "=" in text.split("\n")[0] and text.startswith("command") else command(text)
            lines += [f"[examples.{name}]", table, 'process = "app.exe"']
        (self.path / "perfdb.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def names(self) -> list[str]:
        """The files among the traces, temporary ones too."""
        return sorted(path.name for path in self.traces.iterdir()) if self.traces.exists() else []

    def etl(self) -> list[str]:
        return [name for name in self.names if name.endswith(".etl")]


def command(code: str) -> str:
    return f"command = {json.dumps([sys.executable, '-I', '-S', '-c', code])}"


@pytest.fixture
def project(git_repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    git_repo.commit({"app.cpp": "int main() {}\n", ".gitignore": "artifacts/\nperfdb.toml\n"}, "First")
    git_repo.git("branch", "old")
    git_repo.commit({"app.cpp": "int main() { return 0; }\n"}, "Second")
    monkeypatch.chdir(git_repo.path)
    made = Project(git_repo, Machine(tmp_path))
    made.suite(simple=WORKS, other=WORKS)
    return made


def runs(perfdb: Run) -> list[dict[str, Any]]:
    """The recorded runs, oldest first."""
    told: list[dict[str, Any]] = json.loads(perfdb("runs", "--format", "json").out)
    return told[::-1]


def asked(perfdb: Run, statement: str) -> Any:
    return json.loads(perfdb("sql", statement, "--format", "json").out)


# ---- what runs, and what lands ---------------------------------------------------------------------------------------


def test_every_example_is_run_measured_kept_and_recorded(perfdb: Run, project: Project) -> None:
    ran = perfdb("profile", "--all", "--repeat", "2")

    assert ran.code == 0
    assert [line.split("  ")[0] for line in ran.out.splitlines()] == [
        "simple 1/2",
        "other 1/2",
        "simple 2/2",
        "other 2/2",
    ]
    assert re.search(r"  [\d.]+ ms  CPU [\d.]+ \+ [\d.]+ ms  [\d.]+ MiB  40 samples  r[0-9a-f]{8}  artifacts", ran.out)
    sha = project.repo.git("rev-parse", "HEAD")
    assert ran.err.endswith(f"recorded 4 runs of 2 examples for {sha[:10]}; next: perfdb show {sha[:10]}\n")
    assert [run["example"] for run in runs(perfdb)] == ["simple", "other", "simple", "other"]
    assert {run["commit_sha"] for run in runs(perfdb)} == {sha}
    assert len(project.etl()) == 4
    assert all(re.fullmatch(r"indexer_profile_(simple|other)_\d{8}-\d{6}\.etl", name) for name in project.etl())


def test_measurements_are_the_examples_own(perfdb: Run, project: Project) -> None:
    project.suite(simple="import time; time.sleep(0.3); bytearray(50_000_000)")

    assert perfdb("profile", "--all").code == 0

    told = {row["metric"]: row for row in asked(perfdb, "from measurement")}
    assert set(told) == {"wall_time", "user_time", "kernel_time", "peak_memory", "exit_code"}
    assert told["wall_time"]["value"] >= 300
    assert told["wall_time"]["unit"] == "ms"
    assert told["user_time"]["value"] + told["kernel_time"]["value"] < 290
    assert told["peak_memory"]["value"] > 50_000_000
    assert told["exit_code"]["value"] == 0


def test_a_kernel_session_of_xperf_comes_to_the_same(perfdb: Run, project: Project) -> None:
    project.suite(profiler="xperf", profile="rate_hz = 4000", simple=WORKS)

    ran = perfdb("profile", "--all", "--repeat", "2")

    assert ran.code == 0, ran.err
    assert [run["samples"] for run in runs(perfdb)] == [40, 40]
    assert len(project.etl()) == 2
    assert (project.machine.session, project.machine.interval) == (None, 10_000)
    assert [step for step in project.machine.steps if step in ("xperf -on", "xperf -stop")] == [
        "xperf -on",
        "xperf -stop",
    ] * 2


def test_a_warm_up_is_run_and_not_profiled(perfdb: Run, project: Project) -> None:
    project.suite(simple="open('log', 'a').write('x')")

    assert perfdb("profile", "--all", "--warmup", "2", "--repeat", "1").code == 0

    assert (project.path / "log").read_text() == "xxx"
    assert project.machine.steps == ["etwprof profile"]
    assert len(runs(perfdb)) == 1


def test_pairs_take_turns_and_each_run_has_its_commit(perfdb: Run, project: Project) -> None:
    for build in ("a", "b"):
        (project.path / build).mkdir()
    project.suite(simple="command = " + json.dumps([sys.executable, "-I", "-S", "-c", "import sys", "{build}"]))

    ran = perfdb("profile", "--all", "--pair", "old=a", "HEAD=b", "--repeat", "4")

    assert ran.code == 0, ran.err
    assert [line.split("  ")[0] for line in ran.out.splitlines()] == [
        f"simple {number}/4 {side}"
        for number, sides in enumerate((("old", "HEAD"), ("HEAD", "old")) * 2, 1)
        for side in sides
    ]
    old, new = project.repo.git("rev-parse", "old"), project.repo.git("rev-parse", "HEAD")
    assert [run["commit_sha"] for run in runs(perfdb)] == [old, new, new, old, old, new, new, old]
    builds = [call[-1] for call in project.machine.calls if call[:2] == ["etwprof", "profile"]]
    assert len(builds) == 8
    assert ran.err.endswith("next: perfdb diff old HEAD\n")
    assert perfdb("diff", "old", "HEAD").code == 0


def test_a_trace_that_is_recorded_later_comes_with_its_measurements(perfdb: Run, project: Project) -> None:
    made = perfdb("profile", "--example", "simple", "--no-record", "--tag", "why=test", "--build", "Release")
    assert made.code == 0
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()
    (trace,) = project.etl()
    assert made.err == f"made 1 trace; next: perfdb record artifacts/profile/{trace}\n"
    project.repo.commit({"app.cpp": "int main() { return 1; }\n"}, "Third")

    ran = perfdb("record", "artifacts/profile")

    assert ran.code == 0, ran.err
    (run,) = runs(perfdb)
    assert (run["example"], run["commit_sha"], run["build"]) == (
        "simple",
        project.repo.git("rev-parse", "HEAD~1"),
        "Release",
    )
    assert [row["value"] for row in asked(perfdb, "select value from run_tag where key = 'why'")] == ["test"]
    assert {"wall_time", "user_time", "kernel_time", "exit_code"} <= {
        row["metric"] for row in asked(perfdb, "from measurement")
    }


def test_older_traces_make_room(perfdb: Run, project: Project) -> None:
    assert perfdb("profile", "--all", "--repeat", "4", "--keep", "2").code == 0

    assert len([name for name in project.etl() if "simple" in name]) == 2
    assert len([name for name in project.names if name.endswith(".run.json")]) == 4
    assert len(runs(perfdb)) == 8


def test_one_command_by_hand(perfdb: Run, project: Project) -> None:
    words = ("--", sys.executable, "-I", "-S", "-c", WORKS)

    ran = perfdb("profile", "--tracefile", "by hand.etl", "--process", "app.exe", *words)

    assert ran.code == 0, ran.err
    assert (project.path / "by hand.etl").exists()
    assert not (project.path / "artifacts" / "perfdb.duckdb").exists()
    assert perfdb("profile", "--tracefile", "by hand.etl", *words).code == 3
    forced = ("--force", "--record", "--example", "mine", "--process", "app.exe")
    recorded = perfdb("profile", "--tracefile", "by hand.etl", *forced, *words)
    assert recorded.code == 0, recorded.err
    assert [run["example"] for run in runs(perfdb)] == ["mine"]


def test_a_trace_may_be_called_as_one_likes(perfdb: Run, project: Project) -> None:
    words = ("--process", "app.exe", "--record", "--", sys.executable, "-I", "-S", "-c", WORKS)

    bare = perfdb("profile", "--tracefile", "bare", *words)
    other = perfdb("profile", "--tracefile", "x.perf.gz", *words)

    assert (bare.code, other.code) == (0, 0), bare.err + other.err
    assert (project.path / "bare.etl").exists()
    assert "x.perf.gz is what etwprof makes, usually called .etl" in other.err
    assert len(runs(perfdb)) == 2
    assert "unchanged" in perfdb("record", "x.perf.gz").out


def test_a_command_that_fails_by_hand_keeps_its_trace_and_is_not_recorded(perfdb: Run, project: Project) -> None:
    words = ("--record", "--process", "app.exe", "--", sys.executable, "-I", "-S", "-c", "raise SystemExit(7)")

    ran = perfdb("profile", "--tracefile", "x.etl", *words)

    assert ran.code == 3
    assert "ended with exit code 7" in ran.err
    assert "the trace is kept, and not recorded" in ran.err
    assert "next:" not in ran.err
    assert (project.path / "x.etl").exists()


def test_the_list_says_what_would_run(perfdb: Run, project: Project) -> None:
    project.suite(profile="repeat = 3\ntimeout_s = 9", simple=WORKS)

    told = json.loads(perfdb("profile", "--list", "--format", "json").out)

    assert [(row["example"], row["repeat"], row["timeout_s"], row["process"]) for row in told] == [
        ("simple", 3, 9.0, "app.exe")
    ]
    assert project.machine.calls == []


def test_json_tells_every_run(perfdb: Run, project: Project) -> None:
    project.suite(simple=WORKS, broken="raise SystemExit('no such table')")

    ran = perfdb("profile", "--all", "--json")

    told = json.loads(ran.out)
    assert told["schema"] == "perfdb.profile/1"
    assert [(run["example"], run["status"]) for run in told["runs"]] == [("simple", "profiled"), ("broken", "failed")]
    assert told["runs"][0]["run_id"] == runs(perfdb)[0]["run_id"]
    assert ran.code == 3


def test_python_has_the_same_verb(perfdb: Run, project: Project) -> None:
    history = open_history()

    done = history.profile("simple", repeat=2, tags={"why": "python"})

    assert [(each.example, each.number, each.samples) for each in done] == [("simple", 1, 40), ("simple", 2, 40)]
    assert [run["tags"] for run in runs(perfdb)] == [["why=python"]] * 2
    project.suite(broken="raise SystemExit(3)")
    with pytest.raises(InputError, match="broken 1/1: ended with exit code 3"):
        open_history().profile()


# ---- examples that fail ----------------------------------------------------------------------------------------------


def test_an_example_that_fails_is_told_and_kept_out(perfdb: Run, project: Project) -> None:
    project.suite(broken="import sys; print('no such table'); sys.exit(3)", simple=WORKS)

    ran = perfdb("profile", "--all", "--repeat", "3")

    assert ran.code == 3
    assert "error: broken 1/3: ended with exit code 3" in ran.err
    assert "it said: no such table; its 2 other runs are left out" in ran.err
    assert [run["example"] for run in runs(perfdb)] == ["simple"] * 3
    assert not [name for name in project.names if "broken" in name]


def test_an_example_that_hangs_is_ended(perfdb: Run, project: Project) -> None:
    project.suite(hangs="import time; print('waiting', flush=True); time.sleep(60)", simple=WORKS)

    ran = perfdb("profile", "--all", "--timeout", "0.5")

    assert ran.code == 3
    assert "error: hangs 1/1: still ran after 0.5 s, its time limit, and was ended; it said: waiting" in ran.err
    assert [run["example"] for run in runs(perfdb)] == ["simple"]


def test_other_exit_codes_may_be_fine(perfdb: Run, project: Project) -> None:
    project.suite(simple=f"{command('raise SystemExit(3)')}\nexit_codes = [0, 3]")

    assert perfdb("profile", "--all").code == 0

    assert len(runs(perfdb)) == 1


def test_a_failing_warm_up_leaves_the_example_out(perfdb: Run, project: Project) -> None:
    project.suite(broken="raise SystemExit(3)")

    ran = perfdb("profile", "--all", "--warmup", "1")

    assert ran.code == 3
    assert "broken warm-up 1/1: the warm-up ended with exit code 3" in ran.err
    assert project.machine.calls == []


def test_a_process_without_samples_is_refused(perfdb: Run, project: Project) -> None:
    project.suite(simple=WORKS)
    text = (project.path / "perfdb.toml").read_text().replace("app.exe", "unheard-of.exe")
    (project.path / "perfdb.toml").write_text(text)

    ran = perfdb("profile", "--all")

    assert ran.code == 3
    assert "etwprof took no samples of unheard-of.exe" in ran.err
    assert project.names == []


def test_a_profiler_that_fails_from_the_start_ends_it(
    perfdb: Run, git_repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_repo.commit({"app.cpp": ""}, "First")
    monkeypatch.chdir(git_repo.path)
    project = Project(git_repo, Machine(tmp_path, {"etwprof": Play("ERROR: Not an administrator", 262)}))
    project.suite(simple=WORKS, other=WORKS)

    ran = perfdb("profile", "--all", "--repeat", "5")

    assert ran.code == 3
    assert "Not an administrator" in ran.err
    assert len(project.machine.calls) == 1
    assert project.names == []


# ---- what is refused before anything runs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "say what to profile: --all, --example NAME"),
        (("--example", "simpel"), 3, "simple"),
        (("--all", "--example", "simple"), 2, "--all is every example"),
        (("--all", "--pair", "old", "HEAD=b"), 2, "--pair takes two of REV=DIR, found 'old'"),
        (("--pair", "old=a", "--example", "simple"), 2, "--pair takes two of REV=DIR, found '--example'"),
        (("--all", "--pair", "old=a", "old=b"), 2, "both are"),
        (("--all", "--pair", "nothing=a", "HEAD=b"), 3, "nothing"),
        (("--all", "--pair", "old=a", "HEAD=b", "--commit", "old"), 2, "leave --commit and --build-dir out"),
        (("--tracefile", "x.etl"), 2, "asked for a trace of a command, found none"),
        (("--tracefile", "nowhere/x.etl", "--", sys.executable), 3, "found no folder nowhere"),
        (("--tracefile", "x.etl", "--", "no-such-program"), 3, "no-such-program"),
        (("--all", "--tracefile", "x.etl", "--", "app"), 2, "one run of one command"),
        (("--keep", "2", "--tracefile", "x.etl", "--", "app"), 2, "--keep"),
        (("--build-dir", "b", "--tracefile", "x.etl", "--", "app"), 2, "--build-dir"),
        (("--", "app"), 2, "found no --tracefile"),
        (("--all", "--commit", "nothing"), 3, "nothing"),
        (("--all", "--timeout", "0"), 2, "more than 0"),
    ],
)
def test_a_call_that_cannot_be_is_refused(
    perfdb: Run, project: Project, words: Sequence[str], code: int, told: str
) -> None:
    ran = perfdb("profile", *words)

    assert ran.code == code, ran.err
    assert told in ran.err
    assert ran.err.count("\n") <= 3
    assert "Traceback" not in ran.err
    assert project.machine.calls == []


def test_an_empty_suite_says_how_to_begin_one(perfdb: Run, project: Project) -> None:
    project.suite()

    ran = perfdb("profile", "--all")

    assert ran.code == 3
    assert "[examples." in ran.err


def test_missing_programs_and_builds_are_told_before_the_first_run(perfdb: Run, project: Project) -> None:
    project.suite(simple=WORKS, unbuilt='command = "{build}/app"')

    unknown = perfdb("profile", "--all")
    missing = perfdb("profile", "--all", "--build-dir", "no-such-build")

    assert (unknown.code, missing.code) == (3, 3)
    assert "--build-dir" in unknown.err
    assert "no-such-build" in missing.err
    assert project.machine.calls == []


def test_a_missing_profiler_says_how_to_get_it(perfdb: Run, project: Project) -> None:
    text = (project.path / "perfdb.toml").read_text().replace(str(project.machine.etwprof), "gone/etwprof")
    (project.path / "perfdb.toml").write_text(text)

    ran = perfdb("profile", "--all")

    assert ran.code == 3
    assert "gone" in ran.err
    assert "[etwprof]" in ran.err


def test_without_git_a_commit_must_be_said(perfdb: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    project = Project.__new__(Project)
    project.path, project.machine = folder, Machine(tmp_path)
    project.suite(simple=WORKS)

    refused = perfdb("profile", "--all")
    taken = perfdb("profile", "--all", "--commit", "release-1.2")

    assert refused.code == 3
    assert "--commit" in refused.err
    assert project.machine.steps == ["etwprof profile"]
    assert taken.code == 0, taken.err


def test_what_a_killed_run_left_long_ago_is_removed(perfdb: Run, project: Project) -> None:
    old, fresh = project.traces / ".perfdb-profile-old", project.traces / ".perfdb-profile-fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "perf.data").write_bytes(b"half a trace")
    weeks_ago = time.time() - 14 * 24 * 3600
    os.utime(old, (weeks_ago, weeks_ago))

    assert perfdb("profile", "--example", "simple").code == 0

    assert (old.exists(), fresh.exists()) == (False, True)


# ---- interrupted -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX sends them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] if os.name != "nt" else [])
@pytest.mark.parametrize("profiler", ["etwprof", "xperf"])
def test_an_interrupt_leaves_nothing_half_done(
    perfdb: Run, project: Project, number: signal.Signals, profiler: str
) -> None:
    slow = "import time; open('runs', 'w').close(); time.sleep(60)"
    project.suite(profiler=profiler, profile="rate_hz = 4000", quick=WORKS, slow=slow)
    words = [sys.executable, "-m", "perfdb", "profile", "--all"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (project.path / "runs").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(number)

    _, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert err.endswith("stopped: 1 run was finished, and kept; nothing else is left\n")
    assert [run["example"] for run in runs(perfdb)] == ["quick"]
    assert len(project.names) == 2  # a trace and its sheet
    assert (project.machine.session, project.machine.interval) == (None, 10_000)


def test_an_interrupt_while_a_run_is_recorded_says_which_trace_is_not(
    perfdb: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perfdb.api.profile_session.record_each", interrupted)

    ran = perfdb("profile", "--example", "simple")

    (trace,) = project.etl()
    assert ran.code == 130
    assert ran.err.startswith("stopped: no run was finished; what it had just profiled is not recorded")
    assert ran.err.endswith(f"perfdb record {project.traces / trace}\n")
