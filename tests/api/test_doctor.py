"""What `perfdb doctor` says of profilers and of the suite."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perfdb.api import doctor
from perfdb.errors import MissingToolError
from perfdb.report.of_database import Finding
from tests.collect.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    monkeypatch.chdir(machine.folder)
    return machine


def found(what: str) -> Finding | None:
    return next((finding for finding in doctor.examine(None, None) if finding.what == what), None)


def say(machine: Machine, text: str) -> Path:
    file = machine.folder / "perfdb.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_etwprof_is_told_where_the_settings_name_it(machine: Machine) -> None:
    file = say(machine, f"[etwprof]\nprogram = '{machine.etwprof}'\n")
    there = found("etwprof")
    say(machine, "[etwprof]\nprogram = 'gone.exe'\n")
    gone = found("etwprof")

    assert there is not None
    assert ("ok", f"{machine.etwprof} (settings: {file})") == (there.state, there.found)
    assert gone is not None
    assert ("missing", f"no program at {machine.folder / 'gone.exe'}") == (gone.state, gone.found)
    assert f"mend program under [etwprof] in {file}" == gone.advice


def test_missing_rights_are_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    say(machine, f"[etwprof]\nprogram = '{machine.etwprof}'\n")
    monkeypatch.setattr(doctor, "is_elevated", lambda: False)

    told = found("etwprof")

    assert told is not None
    assert told.found.endswith(", which needs administrator's rights that this prompt has not")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is where etwprof is at home")
def test_elsewhere_than_on_windows_it_is_silent_about_etwprof(machine: Machine) -> None:
    assert found("etwprof") is None


def test_perf_is_told_with_what_it_may_sample(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    file = say(machine, f"[perf]\nprogram = '{machine.perf}'\n")
    monkeypatch.setattr(doctor, "version_of", lambda *_: "perf version 9.9")
    monkeypatch.setattr(doctor, "paranoid", lambda: 2)
    monkeypatch.setattr(doctor, "hides_kernel_symbols", lambda: True)

    told = found("perf")

    assert told is not None
    assert (
        f"{machine.perf} (settings: {file}), perf version 9.9; kernel.perf_event_paranoid is 2, kernel functions have "
        "names for root only"
    ) == told.found


@pytest.mark.skipif(sys.platform != "linux", reason="Linux is where perf is at home")
def test_a_missing_perf_is_told_with_the_way_to_get_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.work))

    told = found("perf")

    assert told is not None
    assert ("missing", "not on PATH") == (told.state, told.found)
    assert "for perfdb profile: install it (Debian: apt install linux-perf" in told.advice


def test_the_profiler_that_is_taken_is_tried_out(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    file = say(machine, f"[profile]\nprofiler = 'perf'\n\n[perf]\nprogram = '{machine.perf}'\n")
    machine.change(events={"cycles": "cpu-clock"})
    usable = found("profiler")
    machine.change(events={"cycles": "refused", "cpu-clock": "refused"})
    unusable = found("profiler")

    assert file.exists()
    assert usable is not None
    assert (
        "perf can be used; perf counts no cycles on this machine, and samples by its clock instead (cpu-clock)"
    ) == usable.found
    assert unusable is not None
    assert "missing" == unusable.state
    assert "brings no samples of cpu-clock here" in unusable.found


def test_a_system_without_a_profiler_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MissingToolError("asked to profile, found no profiler")

    monkeypatch.setattr(doctor, "open_profiler", refuse)

    assert Finding("profiler", "missing", "asked to profile, found no profiler") == found("profiler")


def test_the_examples_of_the_suite_are_counted(machine: Machine) -> None:
    none = found("examples")
    file = say(machine, "[examples.a]\ncommand = 'a'\n\n[examples.b]\ncommand = 'b'\n")
    two = found("examples")

    assert none is not None
    assert ("missing", "none in the suite") == (none.state, none.found)
    assert "[examples.NAME]" in none.advice
    assert Finding("examples", "ok", f"2 in the suite (settings: {file})") == two
