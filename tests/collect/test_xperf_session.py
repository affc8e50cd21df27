"""Recording with xperf: its calls, and that a session of ours never stays, nor one of others ends."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.collect import rights
from perfdb.collect.interval import XperfInterval
from perfdb.collect.xperf_session import XperfSession, open_xperf_session
from perfdb.config import Settings, XperfSettings
from perfdb.errors import CollectError, ConfigError, MissingToolError
from tests.collect.machine import Machine, Play, short_grace
from tests.traces import small_trace

BEGIN, STOP, MERGE = "xperf -on", "xperf -stop", "xperf -merge"


def xperf(machine: Machine, interval_ticks: int | None = None) -> XperfSession:
    return XperfSession(machine.xperf, os.environ, 60.0, interval_ticks)


def failure(machine: Machine, code: str = "", limit_s: float = 60.0) -> str:
    """What is said of a call that fails, and leaves nothing between nor a trace."""
    with pytest.raises(CollectError) as told:
        xperf(machine).trace(machine.call(code, limit_s))
    assert {"runs", "stop"} >= {path.name for path in machine.work.iterdir()}
    assert not list(machine.target.parent.iterdir())
    return str(told.value)


def settings(machine: Machine, rate_hz: int | None = None) -> Settings:
    plain = Settings(machine.folder, xperf=XperfSettings(machine.xperf, timeout_s=5.0))
    return replace(plain, suite=replace(plain.suite, rate_hz=rate_hz))


# ---- called ----------------------------------------------------------------------------------------------------------


def test_the_calls_are_right_to_the_letter_and_the_trace_lands(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    with (profiler := xperf(machine)).session():
        profiler.trace(machine.call())

    raw, merged = str(machine.work / "kernel.etl"), str(machine.work / "merged.etl")
    assert [
        [
            *("xperf", "-on", "PROC_THREAD+LOADER+PROFILE", "-stackwalk", "Profile", "-BufferSize", "1024"),
            *("-MinBuffers", "256", "-MaxBuffers", "1024", "-f", raw),
        ],
        ["xperf", "-stop"],
        ["xperf", "-merge", raw, merged, "-compress"],
    ] == machine.calls
    assert small_trace() == machine.target.read_bytes()
    assert [machine.target] == list(machine.target.parent.iterdir())
    assert [] == list(machine.work.iterdir())
    assert machine.session is None


def test_it_is_opened_with_the_settings(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    opened = open_xperf_session(settings(machine, rate_hz=8_000), os.environ, "linux")

    assert (machine.xperf, 5.0, 1250) == (opened.program, opened.timeout_s, opened.interval_ticks)
    assert ("xperf", ".etl") == (opened.name, opened.suffix)


def test_without_rights_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setattr(rights, "is_elevated", lambda: False)

    with pytest.raises(MissingToolError, match="asked to profile with xperf, found that this prompt has no admin"):
        open_xperf_session(settings(machine), os.environ, "win32")

    assert [] == machine.calls


def test_a_rate_that_windows_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="asked for 9,000 samples a second, found that Windows takes at most 8,190."):
        open_xperf_session(settings(Machine(tmp_path), rate_hz=9_000), os.environ, "linux")


# ---- a session of others ---------------------------------------------------------------------------------------------


def test_a_session_of_others_is_left_alone(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(session="theirs")

    said = failure(machine)

    assert (
        "it said: xperf: error: NT Kernel Logger: Cannot create a file when that file already exists. (0x800700b7).: "
        "another recording is running, which perfdb does not touch. Wait for its end, or if it is yours stop it (xperf "
        "-stop, or wpr -cancel), and try again."
    ) in said
    assert ("theirs", [BEGIN]) == (machine.session, machine.steps)


def test_a_session_that_began_in_spite_of_the_exit_code_is_ours(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {BEGIN: Play(says="odd", exit_code=3, works_all_the_same=True)})

    assert "xperf could not begin to record (exit code 3); it said: odd." in failure(machine)
    assert (None, [BEGIN, STOP]) == (machine.session, machine.steps)


def test_one_that_others_stopped_meanwhile_is_said(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    theirs = machine.folder / "machine.json"
    stopped = f"open({str(theirs)!r}, 'w').write('{{\"interval\": 10000, \"session\": null}}')"

    assert "somebody else stopped xperf's recording while it ran" in failure(machine, stopped)


# ---- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "means"),
    [
        ("xperf: error: NT Kernel Logger: Access is denied. (0x5)", "it was denied access. Open a prompt with"),
        ("error 0x80070005", "it was denied access. Open a prompt with"),
        ("failed: -2147024891", "it was denied access."),
        ("xperf: error: Invalid flags. (0x3ec)", "it does not know an option that perfdb gives it"),
        ("xperf: error: Insufficient system resources exist", "Windows has no room for another recording"),
        ("There is not enough space on the disk.", "the disk is full. Make room on the disk that holds the traces"),
        ("new", "Look at what is said there"),
    ],
)
def test_a_recording_that_cannot_begin(tmp_path: Path, says: str, means: str) -> None:
    machine = Machine(tmp_path, {BEGIN: Play(says=says, exit_code=5)})

    said = failure(machine)

    assert said.startswith(f"xperf could not begin to record (exit code 5); it said: {says}")
    assert means in said
    assert [BEGIN] == machine.steps


@pytest.mark.parametrize("play", [Play(hangs=True, works_all_the_same=True), Play(dies=True, works_all_the_same=True)])
def test_one_that_hangs_or_crashes_once_it_has_begun_is_stopped(
    tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfdb.collect.xperf_session.LIMIT_S", 3.0)
    machine = Machine(tmp_path, {BEGIN: play})

    assert "xperf could not begin to record" in failure(machine)
    assert machine.session is None


@pytest.mark.parametrize(
    ("code", "limit_s", "said"),
    [
        ("sys.exit('no launch.json')", 60.0, "could not be run (exit code 1); it said: no launch.json."),
        ("until_stopped()", 0.5, "was still at work after"),
    ],
)
def test_the_session_ends_however_the_command_ends(tmp_path: Path, code: str, limit_s: float, said: str) -> None:
    machine = Machine(tmp_path)

    assert said in failure(machine, code, limit_s)
    assert (None, [BEGIN, STOP]) == (machine.session, machine.steps)


def test_a_command_that_does_not_stop_is_killed_and_the_session_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_grace(monkeypatch)
    machine = Machine(tmp_path)

    assert "was still at work" in failure(machine, "time.sleep(600)", limit_s=0.3)
    assert machine.session is None


def test_a_command_that_cannot_be_started(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    call = replace(machine.call(), command=[str(tmp_path / "gone")])

    with pytest.raises(CollectError, match="while xperf records, found that it cannot be started"):
        xperf(machine).trace(call)

    assert machine.has_left_nothing()


def test_a_bug_in_between_ends_the_session_too(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    call = machine.call("until_stopped()", tick=lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        xperf(machine).trace(call)

    assert machine.has_left_nothing()


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_ends_the_session_however_often_it_is_pressed(tmp_path: Path, times: int) -> None:
    machine = Machine(tmp_path)
    call = machine.call("until_stopped()", tick=machine.press_ctrl_c(times))

    with pytest.raises(KeyboardInterrupt):
        xperf(machine).trace(call)

    assert machine.has_left_nothing()
    assert [BEGIN, STOP] == machine.steps


def test_stopping_is_tried_twice(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {STOP: Play(says="busy", exit_code=1, times=1)})

    xperf(machine).trace(machine.call())

    assert machine.session is None
    assert small_trace() == machine.target.read_bytes()


def test_a_session_that_cannot_be_stopped_is_said_with_what_to_type(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {STOP: Play(says="busy", exit_code=1)})
    left = (
        "xperf could not stop its recording, which goes on and fills the disk (exit code 1); it said: busy. "
        f"Type: {machine.xperf.name} -stop"
    )

    assert left == failure(machine)
    machine.change(session=None)
    with pytest.raises(KeyboardInterrupt) as told:
        xperf(machine).trace(machine.call("until_stopped()", tick=machine.press_ctrl_c()))
    assert left == str(told.value)


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (Play(says="Access is denied.", exit_code=5), "xperf could not merge the trace (exit code 5); it said: Access"),
        (Play(exit_code=1, works_all_the_same=True), "xperf could not merge the trace (exit code 1), without a word"),
        (Play(writes="none"), "xperf -merge ended well, but wrote no trace, without a word."),
        (Play(writes="empty"), "xperf -merge ended well, but left an empty trace"),
        (Play(writes="text", says="0 events"), "wrote something that is no .etl; it said: 0 events."),
    ],
)
def test_a_trace_that_is_none_does_not_land(tmp_path: Path, play: Play, said: str) -> None:
    machine = Machine(tmp_path, {MERGE: play})

    assert said in failure(machine)
    assert machine.has_left_nothing()


def test_merging_may_take_so_long_and_no_longer(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {MERGE: Play(hangs=True)})

    with pytest.raises(CollectError, match="could not merge the trace .*still at work after"):
        replace(xperf(machine), timeout_s=2.0).trace(machine.call())

    assert machine.has_left_nothing()


# ---- the interval ----------------------------------------------------------------------------------------------------


def test_an_interval_is_given_to_every_session_and_put_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(interval=5_000)

    with (profiler := xperf(machine, 1250)).session():
        profiler.trace(machine.call())
        meanwhile = machine.interval

    assert (1250, 5_000) == (meanwhile, machine.interval)
    assert ["xperf -ProfInt", BEGIN, STOP, MERGE, "xperf -setprofint"] == machine.steps
    assert ["-SetProfInt", "1250"] == machine.calls[1][-4:-2]
    (note,) = profiler.notes
    assert "the whole machine takes a sample every 0.125 ms meanwhile; xperf puts back what it is now" == note


def test_without_one_nothing_is_asked_or_changed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    with (profiler := xperf(machine)).session():
        profiler.trace(machine.call())

    assert [BEGIN, STOP, MERGE] == machine.steps
    assert () == profiler.notes


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_puts_the_interval_back(tmp_path: Path, times: int) -> None:
    machine = Machine(tmp_path)
    profiler = xperf(machine, 1250)

    def pressed() -> None:
        with profiler.session():
            profiler.trace(machine.call("until_stopped()", tick=machine.press_ctrl_c(times)))

    with pytest.raises(KeyboardInterrupt):
        pressed()

    assert 10_000 == machine.interval
    assert machine.has_left_nothing()


@pytest.mark.parametrize("step", [BEGIN, MERGE])
def test_a_failure_puts_the_interval_back(tmp_path: Path, step: str) -> None:
    machine = Machine(tmp_path, {step: Play(exit_code=1, works_all_the_same=True)})
    profiler = xperf(machine, 1250)

    with pytest.raises(CollectError), profiler.session():
        profiler.trace(machine.call())

    assert 10_000 == machine.interval
    assert machine.session is None


def test_an_xperf_that_is_gone_is_said_when_the_interval_is_asked(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="does not tell the present one .*it cannot be started"):
        XperfInterval(tmp_path / "gone", os.environ).read()
