"""Which profiler is taken, on every system, and what is said where there is none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.collect import rights
from perfdb.collect.choose import chosen_name, open_profiler
from perfdb.collect.profiler import Profiler
from perfdb.config import Settings, XperfSettings
from perfdb.errors import MissingToolError, UsageError
from perfdb.suite_settings import EtwprofSettings, PerfSettings
from tests.collect.machine import Machine


@pytest.fixture(autouse=True)
def _elevated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "is_elevated", lambda: True)


def naming(machine: Machine, *names: str) -> Settings:
    """Settings that name these programs."""
    return Settings(
        machine.folder,
        machine.folder / "perfdb.toml",
        etwprof=EtwprofSettings(machine.etwprof if "etwprof" in names else None),
        xperf=XperfSettings(machine.xperf if "xperf" in names else None),
        perf=PerfSettings(machine.perf if "perf" in names else None),
    )


def bare(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is found."""
    kept = {name: value for name, value in os.environ.items() if "PROGRAM" not in name.upper()}
    return {**kept, "PATH": str(tmp_path)}


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("name", ["etwprof", "xperf", "perf"])
def test_one_whose_program_is_named_is_used_on_any_system(tmp_path: Path, platform: str, name: str) -> None:
    profiler: Profiler = open_profiler(naming(Machine(tmp_path), name), name, os.environ, platform)

    assert (name, {"perf": ".perf.gz"}.get(name, ".etl")) == (profiler.name, profiler.suffix)


@pytest.mark.parametrize(
    ("platform", "named", "chosen"),
    [
        ("win32", ("etwprof",), "etwprof"),
        ("win32", ("perf",), "xperf"),
        ("linux", ("etwprof",), "perf"),
        ("darwin", ("xperf",), "xperf"),
        ("darwin", (), None),
    ],
)
def test_the_one_of_the_system_is_the_default(
    tmp_path: Path, platform: str, named: tuple[str, ...], chosen: str | None
) -> None:
    assert chosen == chosen_name(naming(Machine(tmp_path), *named), bare(tmp_path), platform)


def test_the_call_comes_before_the_settings_and_these_before_the_system(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    settings = naming(machine, "etwprof", "xperf", "perf")
    wanting_xperf = replace(settings, suite=replace(settings.suite, profiler="xperf"))

    def opened(settings: Settings, wanted: str | None) -> str:
        return open_profiler(settings, wanted, os.environ, "linux").name

    assert ["perf", "xperf", "etwprof"] == [
        opened(settings, None),
        opened(wanting_xperf, None),
        opened(wanting_xperf, "etwprof"),
    ]


def test_on_macos_there_is_none_and_what_works_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as told:
        open_profiler(Settings(tmp_path), None, bare(tmp_path), "darwin")

    assert (
        "asked to profile, found no profiler for macOS that perfdb can run: it runs etwprof and xperf on Windows, and "
        "perf on Linux. Record what was made elsewhere: perfdb record FILE, with traces, folded stacks or results of "
        "benchmarks."
    ) == str(told.value)


def test_on_windows_without_any_xperf_is_asked_for_and_etwprof_named(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="Install the Windows Performance Toolkit.* Or use etwprof"):
        open_profiler(Settings(tmp_path), None, bare(tmp_path), "win32")


def test_an_unknown_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="asked to profile with wpr, found no such profiler. Known are etwprof, xperf"):
        open_profiler(Settings(tmp_path), "wpr", os.environ, "linux")
