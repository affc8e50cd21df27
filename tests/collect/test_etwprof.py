"""etwprof: where it is found, how it is called, what its failures mean, and that the machine is as before."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.collect import rights
from perfdb.collect.etwprof import Etwprof, find_etwprof, open_etwprof
from perfdb.collect.interval import XperfInterval
from perfdb.collect.process import Ended
from perfdb.config import Settings, XperfSettings
from perfdb.errors import CollectError, ConfigError, MissingToolError
from perfdb.suite_settings import EtwprofSettings
from tests.collect.machine import Machine, Play, short_grace
from tests.traces import small_trace

ETWPROF_EXE = Path("third_party", "etwprof", "etwprof.exe")


def etwprof(machine: Machine, rate_hz: int | None = None, *, has_xperf: bool = True) -> Etwprof:
    interval = XperfInterval(machine.xperf, os.environ) if has_xperf and rate_hz else None
    return Etwprof(machine.etwprof, os.environ, rate_hz, interval)


def settings(root: Path, rate_hz: int | None = None, program: Path | None = None) -> Settings:
    plain = Settings(root, root / "perfdb.toml")
    suite = replace(plain.suite, rate_hz=rate_hz)
    return replace(plain, suite=suite, etwprof=EtwprofSettings(program), xperf=XperfSettings(root / "no xperf"))


def failure(machine: Machine, code: str = "", limit_s: float = 60.0) -> str:
    """What is said of a call that fails, and leaves nothing."""
    with pytest.raises(CollectError) as told:
        etwprof(machine).trace(machine.call(code, limit_s))
    assert not list(machine.target.parent.iterdir())
    return str(told.value)


@pytest.fixture
def is_elevated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "is_elevated", lambda: True)


# ---- found -----------------------------------------------------------------------------------------------------------


def test_the_setting_comes_before_third_party_and_that_before_path(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    placed = tmp_path / ETWPROF_EXE
    environ = {"PATH": str(machine.folder)}

    on_path = find_etwprof(Settings(tmp_path), environ)
    placed.parent.mkdir(parents=True)
    placed.write_bytes(b"MZ")
    under_third_party = find_etwprof(Settings(tmp_path), environ)
    named = find_etwprof(settings(tmp_path, program=machine.etwprof), environ)
    gone = find_etwprof(settings(tmp_path, program=tmp_path / "gone.exe"), environ)

    assert os.path.normcase(machine.etwprof) == os.path.normcase(on_path or "")
    assert placed == under_third_party
    assert os.path.normcase(machine.etwprof) == os.path.normcase(named or "")
    assert gone is None


def test_a_missing_etwprof_is_said_with_the_way_to_get_it(tmp_path: Path, is_elevated: None) -> None:
    def said(settings: Settings, platform: str) -> str:
        with pytest.raises(MissingToolError) as told:
            open_etwprof(settings, {"PATH": str(tmp_path)}, platform)
        return str(told.value)

    assert (
        f"asked to profile with etwprof, found none at {tmp_path / ETWPROF_EXE} and none on PATH. Put etwprof 0.3 "
        "(github.com/Donpedro13/etwprof) there, name it in perfdb.toml: program under [etwprof], or type "
        "--profiler xperf."
    ) == said(Settings(tmp_path), "win32")
    assert "which exists for Windows only. On Linux type --profiler perf." in said(Settings(tmp_path), "linux")
    assert (
        f"asked to profile with etwprof, found no program at {tmp_path / 'gone.exe'}, where {tmp_path / 'perfdb.toml'} "
        "has it. Mend program under [etwprof] there."
    ) == said(settings(tmp_path, program=tmp_path / "gone.exe"), "win32")


def test_without_rights_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(tmp_path)
    monkeypatch.setattr(rights, "is_elevated", lambda: False)

    with pytest.raises(MissingToolError, match="this prompt has no administrator's rights"):
        open_etwprof(settings(tmp_path, program=machine.etwprof), os.environ, "win32")

    assert open_etwprof(settings(tmp_path, program=machine.etwprof), os.environ, "linux").name == "etwprof"
    assert [] == machine.calls


@pytest.mark.parametrize("rate_hz", [99, 20_001])
def test_a_rate_that_etwprof_does_not_take_is_refused(tmp_path: Path, rate_hz: int, is_elevated: None) -> None:
    machine = Machine(tmp_path)

    with pytest.raises(ConfigError, match="found that etwprof takes 100 to 20,000. Mend rate_hz under"):
        open_etwprof(settings(tmp_path, rate_hz, program=machine.etwprof), os.environ, "win32")


# ---- called ----------------------------------------------------------------------------------------------------------


def test_the_call_is_right_to_the_letter_and_the_trace_lands(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    call = machine.call()

    with (profiler := etwprof(machine)).session():
        profiler.trace(call)

    options = [f"--output={machine.work / 'etwprof.etl'}", "--nologo", "--children", "--"]
    assert [["etwprof", "profile", *options, *call.command]] == machine.calls
    assert small_trace() == machine.target.read_bytes()
    assert [machine.target] == list(machine.target.parent.iterdir())
    assert () == profiler.notes


def test_the_exit_code_of_the_command_is_not_its_own(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    etwprof(machine).trace(machine.call("sys.exit(7)"))

    assert machine.target.exists()


def test_a_trace_that_is_there_is_replaced_only_by_a_whole_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"etwprof": Play(writes="empty", times=1)})
    machine.target.write_bytes(b"older")

    with pytest.raises(CollectError, match="left an empty trace"):
        etwprof(machine).trace(machine.call())
    kept = machine.target.read_bytes()
    (machine.work / "etwprof.etl").unlink()
    etwprof(machine).trace(machine.call())

    assert b"older" == kept
    assert small_trace() == machine.target.read_bytes()


# ---- failing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "says", "means", "advice"),
    [
        (
            262,
            "ERROR: Unable to construct profiler object: Process is not elevated! For ETW profiling, you need to run "
            "this program as an Administrator!",
            "it needs administrator's rights",
            'Open a prompt with "Run as administrator"',
        ),
        (
            262,
            'ERROR: Unable to add "SeSystemProfilePrivilege" to the process\' token! Contact your IT department!',
            "your account may not profile the system",
            'Ask for the right "Profile system performance"',
        ),
        (
            262,
            "ERROR: Unable to construct profiler object: The system profile privilege is missing!",
            "your account may not profile the system",
            'Ask for the right "Profile system performance"',
        ),
        (
            262,
            "ERROR: Profiling finished with an error: Unable to start ETW session!",
            "the recording could not be started",
            "Look with logman query -ets",
        ),
        (
            262,
            "ERROR: Starting failed: Unable to set sampling rate!",
            "it could not set the sampling",
            "rate_hz",
        ),
        (
            262,
            "ERROR: Unable to get targets for profiling: Given PID was not found in the running processes list!",
            "the program to profile could not be started",
            "try again",
        ),
        (
            262,
            "ERROR: Profiling finished with an error: Debug info merge failed: 0x80070070",
            "the trace could not be written",
            "Make room",
        ),
        (260, "ERROR: Invalid Windows version! Server versions are unsupported", "this Windows", "--profiler xperf"),
        (
            260,
            "WARNING: Argument parsing failed (--children): Unknown non-value argument!",
            "it does not take the options",
            "Use etwprof 0.3",
        ),
        (260, "", "it does not take the options that perfdb gives it, or could not begin", "Use etwprof 0.3"),
    ],
)
def test_known_failures(code: int, says: str, means: str, advice: str) -> None:
    said = Etwprof(Path("etwprof.exe"), {})._problem(Ended(code, (says,) if says else (), 1.0))

    words = says.partition(": ")[2] if says else ""
    quote = f"; it said: {words}" if words else ", without a word"
    assert said.startswith(f"etwprof could not profile (exit code {code}){quote}: ")
    assert means in said
    assert advice in said


def test_what_it_says_besides_its_errors_is_not_quoted(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"etwprof": Play(says="Profiling app.exe...\nERROR: Something new!", exit_code=1)})

    assert (
        "etwprof could not profile (exit code 1); it said: Something new!. Try by hand to see more: etwprof profile "
        "--output=F.etl --verbose -- PROGRAM"
    ) == failure(machine)


@pytest.mark.parametrize(
    ("writes", "said"),
    [("none", "wrote no trace"), ("empty", "left an empty trace"), ("text", "wrote something that is no .etl")],
)
def test_a_good_end_without_a_trace(tmp_path: Path, writes: str, said: str) -> None:
    machine = Machine(tmp_path, {"etwprof": Play(says="WARNING: odd", writes=writes)})

    assert f"etwprof ended well, but {said}; it said: WARNING: odd. Check the room on the disk." == failure(machine)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_one_that_crashes(tmp_path: Path) -> None:
    assert "etwprof could not profile (ended by signal 9)" in failure(Machine(tmp_path, {"etwprof": Play(dies=True)}))


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.etwprof = tmp_path / "gone.exe"

    assert "gone.exe, found that it cannot be started" in failure(machine)


def test_a_command_that_takes_too_long_is_stopped_and_no_session_is_left(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    assert "etwprof was still at work after" in failure(machine, "until_stopped()", limit_s=0.5)
    assert machine.session is None


def test_one_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_grace(monkeypatch)
    machine = Machine(tmp_path, {"etwprof": Play(hangs=True)})

    assert "and was ended" in failure(machine, limit_s=0.5)


def test_a_hanging_recording_is_said_to_go_on() -> None:
    hung = Etwprof(Path("etwprof.exe"), {})._problem(Ended(-9, ("Profiling…",), 900.25, timed_out=True))

    assert (
        "etwprof was still at work after 900.2 s, the most that it may take, and was ended; it said: Profiling…. Its "
        "recording may go on: look with logman query -ets for one named ETWProf_Session_…, and end it with logman stop "
        "NAME -ets."
    ) == hung


@pytest.mark.parametrize("times", [1, 3])
def test_ctrl_c_lets_etwprof_end_its_session(tmp_path: Path, times: int) -> None:
    machine = Machine(tmp_path)
    call = machine.call("until_stopped()", tick=machine.press_ctrl_c(times))

    with pytest.raises(KeyboardInterrupt):
        etwprof(machine).trace(call)

    assert machine.session is None
    assert [] == list(machine.target.parent.iterdir())


# ---- the rate --------------------------------------------------------------------------------------------------------


def test_without_a_rate_nothing_is_asked_or_changed(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(interval=5_000)

    with (profiler := etwprof(machine)).session():
        profiler.trace(machine.call())

    assert ["etwprof profile"] == machine.steps
    assert 5_000 == machine.interval


def test_a_rate_is_given_to_every_call_and_put_back_by_xperf(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.change(interval=5_000)

    with (profiler := etwprof(machine, rate_hz=4_000)).session():
        profiler.trace(machine.call())
        meanwhile = machine.interval

    assert (2_500, 5_000) == (meanwhile, machine.interval)
    assert ["xperf -ProfInt", "etwprof profile", "xperf -setprofint"] == machine.steps
    assert "--rate=4000" in machine.calls[1]
    assert (
        "the whole machine takes 4,000 samples a second meanwhile; xperf puts back what it is now",
    ) == profiler.notes


def test_without_xperf_etwprof_sets_the_default_of_windows(tmp_path: Path) -> None:
    machine = Machine(tmp_path)

    with (profiler := etwprof(machine, rate_hz=4_000, has_xperf=False)).session():
        profiler.trace(machine.call())

    last = machine.calls[-1]
    assert 10_000 == machine.interval
    assert ["--nologo", "--rate=1000", "--children", "--", sys.executable, "-I", "-S", "-c", ""] == last[3:]
    assert "etwprof then sets 1,000, the default of Windows" in profiler.notes[0]


@pytest.mark.parametrize("has_xperf", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, CollectError, ZeroDivisionError, GeneratorExit])
def test_the_rate_is_put_back_whatever_happens(tmp_path: Path, error: type[BaseException], *, has_xperf: bool) -> None:
    machine = Machine(tmp_path)
    profiler = etwprof(machine, rate_hz=4_000, has_xperf=has_xperf)

    def fail() -> None:
        with profiler.session():
            profiler.trace(machine.call())
            raise error

    with pytest.raises(error):
        fail()

    assert 10_000 == machine.interval


def test_a_rate_that_cannot_be_told_is_not_touched(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"xperf -ProfInt": Play(says="no idea")})

    with pytest.raises(
        CollectError, match="-ProfInt does not tell the present one .*; it said: no idea. Leave rate_hz"
    ):
        etwprof(machine, rate_hz=4_000).session()

    assert ["xperf -ProfInt"] == machine.steps


def test_a_rate_that_could_not_be_put_back_is_said_with_what_to_type(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"xperf -setprofint": Play(says="busy", exit_code=5)})
    profiler = etwprof(machine, rate_hz=4_000)

    with pytest.raises(CollectError) as told, profiler.session():
        profiler.trace(machine.call())

    assert (
        "the sampling interval of this machine is changed, and could not be put back (exit code 5); it said: busy. "
        f"Type: {machine.xperf.name} -setprofint 10000"
    ) == str(told.value)
    assert 2 == machine.steps.count("xperf -setprofint")


def test_when_both_fail_both_are_said_and_ctrl_c_stays_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"xperf -setprofint": Play(exit_code=5)})

    def fail(error: BaseException) -> None:
        with etwprof(machine, rate_hz=4_000).session():
            raise error

    with pytest.raises(CollectError, match="^the first. Besides, the sampling interval of this machine is changed"):
        fail(CollectError("the first."))
    with pytest.raises(KeyboardInterrupt, match="^the sampling interval of this machine is changed"):
        fail(KeyboardInterrupt())


def test_a_default_that_etwprof_could_not_set_is_said(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"etwprof": Play(says="ERROR: Unable to set sampling rate!", exit_code=6)})

    session = etwprof(machine, rate_hz=4_000, has_xperf=False).session()
    with pytest.raises(CollectError, match="takes 4,000 samples a second, .*Type xperf -setprofint 10000"), session:
        pass
