"""perf: what it is asked for, how its text is kept, what its failures mean; for real, where it is and may sample."""

from __future__ import annotations

import gzip
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.collect import perf_words
from perfdb.collect.perf import MODERN, PLAIN, Perf, open_perf, version_of
from perfdb.collect.process import Ended
from perfdb.config import Settings
from perfdb.errors import CollectError, MissingToolError
from perfdb.suite_settings import PerfSettings
from tests.collect.machine import Machine, Play, short_grace

TRIAL, RECORD, SCRIPT = "perf trial", "perf record", "perf script"

FORBIDDEN = """Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
access to performance monitoring and observability operations for processes
without CAP_PERFMON, CAP_SYS_PTRACE or CAP_SYS_ADMIN Linux capability.
perf_event_paranoid setting is 4:
  -1: Allow use of (almost) all events by all users
To make the adjusted perf_event_paranoid setting permanent preserve it
in /etc/sysctl.conf (e.g. kernel.perf_event_paranoid = <setting>)"""


def opened(machine: Machine, rate_hz: int | None = None, *, perf: PerfSettings | None = None) -> Perf:
    """The stand-in, as settings name it, after it was tried out."""
    plain = Settings(machine.folder, perf=replace(perf or PerfSettings(), program=machine.perf))
    return open_perf(replace(plain, suite=replace(plain.suite, rate_hz=rate_hz)), os.environ, sys.platform)


def text_of(machine: Machine) -> str:
    (trace,) = machine.target.parent.iterdir()
    return gzip.decompress(trace.read_bytes()).decode()


def failure(machine: Machine, code: str = "", limit_s: float = 60.0) -> str:
    """What is said of a call that fails, and leaves nothing between nor a trace."""
    perf = opened(machine)
    with pytest.raises(CollectError) as told:
        perf.trace(machine.call(code, limit_s, suffix=".perf.gz"))
    assert machine.has_left_nothing()
    return str(told.value)


def refusal(machine: Machine, event: str | None = None) -> str:
    """What is said of a perf that cannot be used."""
    with pytest.raises(MissingToolError) as told:
        opened(machine, perf=PerfSettings(event=event))
    return str(told.value)


# ---- found and tried out ---------------------------------------------------------------------------------------------


def test_a_missing_perf_is_said_with_the_way_to_get_it(tmp_path: Path) -> None:
    def said(settings: Settings, platform: str) -> str:
        with pytest.raises(MissingToolError) as told:
            open_perf(settings, {"PATH": str(tmp_path)}, platform)
        return str(told.value)

    assert (
        "asked to profile with perf, found none on PATH. Install it (Debian: apt install linux-perf; Ubuntu: apt "
        "install linux-tools-$(uname -r); Fedora: dnf install perf), or name the program in perfdb.toml: program under "
        "[perf]."
    ) == said(Settings(tmp_path), "linux")
    assert "which exists for Linux only. On Windows type --profiler etwprof or xperf." in said(
        Settings(tmp_path), "win32"
    )
    gone = Settings(tmp_path, tmp_path / "perfdb.toml", perf=PerfSettings(tmp_path / "gone"))
    assert (
        f"asked to profile with perf, found no program at {tmp_path / 'gone'}, where {tmp_path / 'perfdb.toml'} has "
        "it. Mend program under [perf] there."
    ) == said(gone, "linux")


def test_cycles_are_sampled_where_there_are_any(tmp_path: Path) -> None:
    perf = opened(Machine(tmp_path))

    assert ("cycles", MODERN, ()) == (perf.event, perf.options, perf.notes)


@pytest.mark.parametrize(
    ("brought", "event", "note"),
    [
        ("cpu-clock", "cpu-clock", "perf counts no cycles on this machine, and samples by its clock instead"),
        ("task-clock:u", "cpu-clock:u", "samples by its clock instead (cpu-clock)"),
        ("cycles:u", "cycles:u", "perf samples code of users only here, not the kernel"),
        ("cycles:uH", "cycles:u", "perf samples code of users only here"),
        ("cpu_core/cycles/u", "cycles:u", "perf samples code of users only here"),
        ("cpu_core/cycles/", "cycles", None),
        ("cycles:P", "cycles", None),
    ],
)
def test_what_perf_takes_instead_is_asked_for_by_name(
    tmp_path: Path, brought: str, event: str, note: str | None
) -> None:
    machine = Machine(tmp_path)
    machine.change(events={"cycles": brought})

    perf = opened(machine)

    assert event == perf.event
    assert (note is None) == (not perf.notes)
    assert (note or "") in "; ".join(perf.notes)


@pytest.mark.parametrize("brought", ["", "refused"])
def test_cycles_that_bring_nothing_are_replaced_by_the_clock(tmp_path: Path, brought: str) -> None:
    machine = Machine(tmp_path)
    machine.change(events={"cycles": brought})

    assert "cpu-clock" == opened(machine).event


def test_old_perfs_get_plain_options(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(is_old=True)

    perf = opened(machine)
    perf.trace(machine.call(suffix=".perf.gz"))

    assert ("cycles", PLAIN) == (perf.event, perf.options)


def test_a_named_event_is_taken_or_refused_and_never_replaced(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(events={"cycels": "refused", "instructions": ""})

    named = opened(machine, perf=PerfSettings(event="cpu-clock:u"))
    assert ("cpu-clock:u", ()) == (named.event, named.notes)
    assert (
        "asked to profile with perf, found that it brings no samples of cycels here (exit code 129); it said: event "
        "syntax error: 'cycels' / \\___ parser error. Try by hand to see more: perf record -e cycels -- ls"
    ) == refusal(machine, event="cycels")
    assert "brings no samples of instructions here (exit code 0)" in refusal(machine, event="instructions")


def test_a_perf_that_may_not_sample_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perf_words, "paranoid", lambda: 4)
    machine = Machine(tmp_path, {TRIAL: Play(says=FORBIDDEN, exit_code=255)})

    assert (
        "asked to profile with perf, found that it may not sample here; it said: Access to performance monitoring and "
        "observability operations is limited. / Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to "
        "open. Type sysctl kernel.perf_event_paranoid=1 as root (it is 4), or give perf the capability CAP_PERFMON; a "
        "container needs it from outside (--cap-add PERFMON, and a seccomp profile that lets perf_event_open pass)."
    ) == refusal(machine)


@pytest.mark.parametrize(
    "says",
    [
        "WARNING: perf not found for kernel 6.8.0-45\n\n  You may need to install the following packages",
        "/usr/bin/perf: line 13: exec: perf_5.10: not found\nE: linux-perf-5.10 is not installed.",
    ],
)
def test_a_script_that_only_says_what_to_install_is_no_perf(tmp_path: Path, says: str) -> None:
    said = refusal(Machine(tmp_path, {TRIAL: Play(says=says, exit_code=2)}))

    assert said.startswith("asked to profile with perf, found that it is not installed for this kernel; it said: ")
    assert "apt install linux-tools-$(uname -r)" in said


def test_fewer_samples_than_asked_for_are_a_note(tmp_path: Path) -> None:
    warning = "warning: Maximum frequency rate (25000 Hz) exceeded, throttling from 30000 Hz to 25000 Hz."

    perf = opened(Machine(tmp_path, {TRIAL: Play(says=warning)}), rate_hz=30_000)

    assert (f"perf says: {warning}",) == perf.notes


# ---- called ----------------------------------------------------------------------------------------------------------


def test_the_calls_are_right_to_the_letter_and_the_text_lands_packed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    call = machine.call(suffix=".perf.gz")

    with (perf := opened(machine, 400, perf=PerfSettings(call_graph="dwarf", inline=True))).session():
        perf.trace(call)

    data = str(machine.work / "perf.data")
    assert [
        [
            *("perf", "record", "-o", data, "--sample-cpu", "-k", "mono", "--buildid-mmap", "--no-bpf-event"),
            *("-F", "400", "-e", "cycles", "--call-graph", "dwarf", "--", *call.command),
        ],
        [
            *("perf", "script", "-i", data, "--header", "-F"),
            *("comm,pid,tid,cpu,time,period,event,ip,sym,symoff,dso", "--ns", "--show-task-events"),
            *("--show-mmap-events", "--show-lost-events", "--inline"),
        ],
    ] == machine.calls
    text = text_of(machine)
    assert text.startswith("# ========\n# call graph dwarf, 400 Hz, --inline\n")
    assert 3000 == text.count("work+0x1")
    last = text.splitlines()[-1]
    assert last.startswith("# perf script call: perf script -i perf.data --header -F comm,pid,tid,")
    assert last.endswith(" --show-lost-events --inline")
    assert [] == list(machine.work.iterdir())


def test_frame_pointers_997_hz_and_no_inlined_functions_unless_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    opened(machine).trace(machine.call(suffix=".perf.gz"))

    assert "# call graph fp, 997 Hz, --no-inline\n" in text_of(machine)


def test_what_perf_says_of_losses_stays_with_the_text(tmp_path: Path) -> None:
    lost = "Warning:\nProcessed 4402 samples and lost 12.00%!"
    machine = Machine(tmp_path, {SCRIPT: Play(says=lost)})

    opened(machine).trace(machine.call(suffix=".perf.gz"))

    assert text_of(machine).endswith(" --no-inline\n# perf script: Processed 4402 samples and lost 12.00%!\n")


# ---- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "play", "said"),
    [
        (
            RECORD,
            Play(says="failed to open perf.data: No space left on device", exit_code=255),
            "perf record brought no trace (exit code 255); it said: failed to open perf.data: No space left on device. "
            "Make room on the disk",
        ),
        (
            RECORD,
            Play(says="event syntax error: 'oh'\n Run 'perf list'\n\n Usage: perf record [<options>]", exit_code=129),
            "it said: event syntax error: 'oh' / Run 'perf list'. Try by hand",
        ),
        (RECORD, Play(says=FORBIDDEN, exit_code=255), "Type sysctl kernel.perf_event_paranoid=1 as root"),
        (RECORD, Play(writes="none"), "perf record brought no trace (exit code 0), without a word."),
        (
            SCRIPT,
            Play(says="incompatible file format", exit_code=255),
            "perf script could not read its own trace (exit code 255); it said: incompatible file format.",
        ),
        (SCRIPT, Play(writes="empty"), "perf script wrote no text (exit code 0), without a word."),
    ],
)
def test_failures_are_said_with_its_words(tmp_path: Path, step: str, play: Play, said: str) -> None:
    assert said in failure(Machine(tmp_path, {step: play}))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
@pytest.mark.parametrize("step", [RECORD, SCRIPT])
def test_one_that_crashes(tmp_path: Path, step: str) -> None:
    assert "(ended by signal 9)" in failure(Machine(tmp_path, {step: Play(dies=True)}))


def test_a_command_that_fails_is_a_failure(tmp_path: Path) -> None:
    assert "perf record brought no trace (exit code 3); it said: oh. Try" in failure(
        Machine(tmp_path), "print('oh', flush=True); sys.exit(3)"
    )


def test_a_command_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    assert "perf record was still at work after" in failure(Machine(tmp_path), "until_stopped()", limit_s=0.5)


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_grace(monkeypatch)
    monkeypatch.setattr("perfdb.collect.perf.SCRIPT_LIMIT_S", 0.5)

    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    assert "perf record was still at work after" in failure(
        Machine(tmp_path / "1", {RECORD: Play(hangs=True)}), limit_s=1.0
    )
    assert "perf script was still at work after" in failure(Machine(tmp_path / "2", {SCRIPT: Play(hangs=True)}))


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    perf = opened(machine)

    with pytest.raises(KeyboardInterrupt):
        perf.trace(machine.call("until_stopped()", tick=machine.press_ctrl_c(), suffix=".perf.gz"))

    assert machine.has_left_nothing()
    assert [RECORD] == machine.steps


def test_ctrl_c_while_text_is_packed_leaves_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {SCRIPT: Play(hangs=True)})
    perf = opened(machine)

    def press_ctrl_c(*_: object) -> None:
        if SCRIPT in machine.steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perf.trace(machine.call(tick=press_ctrl_c, suffix=".perf.gz"))

    assert machine.has_left_nothing()


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    perf = Perf(tmp_path / "gone", os.environ)

    with pytest.raises(MissingToolError, match="gone, found that it cannot be started"):
        perf.probed(["cycles"])
    with pytest.raises(CollectError, match="gone, found that it cannot be started"):
        perf.trace(Machine(tmp_path).call(suffix=".perf.gz"))


def test_only_the_first_words_of_an_error_count() -> None:
    ended = Ended(255, tuple(FORBIDDEN.splitlines()), 1.0)

    assert FORBIDDEN.splitlines()[1:3] == perf_words.words_of(ended)
    assert perf_words.is_forbidden(ended)
    workload = "Failed to collect 'cycles' for the '/x' workload: Permission denied"
    assert not perf_words.is_forbidden(Ended(255, (workload,), 1.0))


# ---- for real --------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> Perf:
    try:
        return open_perf(Settings(tmp_path), os.environ, sys.platform)
    except MissingToolError as missing:
        pytest.skip(str(missing))


BURN = "import threading\ndef spin(): sum(range(4_000_000))\n" + (
    "t = threading.Thread(target=spin); t.start(); spin(); t.join(); open('/dev/zero', 'rb').read(1 << 28)\n"
)


@pytest.mark.parametrize("call_graph", ["fp", "dwarf"])
def test_a_real_profile(tmp_path: Path, real: Perf, call_graph: str) -> None:
    machine = Machine(tmp_path)

    replace(real, call_graph=call_graph).trace(machine.call(BURN, suffix=".perf.gz"))

    text = text_of(machine)
    samples = re.findall(rf"^\S.* +\d+/\d+ +\[\d+\] +\d+\.\d{{9}}: +\d+ {real.event}\S*: *$", text, re.MULTILINE)
    assert len(samples) > 20
    assert text.startswith("# ========\n")
    assert "PERF_RECORD_EXIT" in text
    assert "PERF_RECORD_MMAP" in text
    assert re.search(r"^\t +[0-9a-f]+ \S.*\+0x[0-9a-f]+ \(.*\)$", text, re.MULTILINE)
    assert [] == list(machine.work.iterdir())


def test_a_real_program_that_is_none(tmp_path: Path, real: Perf) -> None:
    machine = Machine(tmp_path)
    call = replace(machine.call(suffix=".perf.gz"), command=[str(tmp_path / "gone")])

    with pytest.raises(CollectError, match="perf record brought no trace .*gone' workload: No such file or directory"):
        real.trace(call)

    assert machine.has_left_nothing()


def test_a_real_program_that_is_stopped(tmp_path: Path, real: Perf) -> None:
    machine = Machine(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        real.trace(machine.call("until_stopped()", tick=machine.press_ctrl_c(), suffix=".perf.gz"))

    assert machine.has_left_nothing()


def test_a_real_event_that_is_none(tmp_path: Path, real: Perf) -> None:
    with pytest.raises(MissingToolError, match="brings no samples of no-such-event here"):
        real.probed(["no-such-event"])


def test_a_real_version(real: Perf) -> None:
    assert re.match(r"perf version \d", version_of(real.program, os.environ))
