"""Which profiler runs: the one that is asked for, else the one that this system has."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perfdb.collect.etwprof import find_etwprof, open_etwprof
from perfdb.collect.perf import open_perf
from perfdb.collect.profiler import Profiler
from perfdb.collect.xperf_session import open_xperf_session
from perfdb.config import Settings
from perfdb.errors import MissingToolError, UsageError

Opener = Callable[[Settings, Mapping[str, str], str], Profiler]

PROFILERS: dict[str, Opener] = {"etwprof": open_etwprof, "xperf": open_xperf_session, "perf": open_perf}


def open_profiler(settings: Settings, wanted: str | None, environ: Mapping[str, str], platform: str) -> Profiler:
    """The profiler that runs here: `wanted`, else the settings' one, else the system's (`platform` as in `sys`).

    One whose program the settings name is used on any system. Raises MissingToolError where it is not there or cannot
    be used, with the way to get it; ConfigError where the settings ask for what it cannot do.
    """
    name = wanted or chosen_name(settings, environ, platform)
    if name is None:
        raise MissingToolError(
            f"asked to profile, found no profiler for {_SYSTEMS.get(platform, platform)} that perfdb can run: it runs "
            "etwprof and xperf on Windows, and perf on Linux. Record what was made elsewhere: perfdb record FILE, with "
            "traces, folded stacks or results of benchmarks."
        )
    opener = PROFILERS.get(name)
    if opener is None:
        raise UsageError(f"asked to profile with {name}, found no such profiler. Known are {', '.join(PROFILERS)}.")
    return opener(settings, environ, platform)


def chosen_name(settings: Settings, environ: Mapping[str, str], platform: str) -> str | None:
    """The profiler that is taken when the call names none; None where there is none for this system."""
    if settings.suite.profiler is not None:
        return settings.suite.profiler
    if platform == "win32":
        return "etwprof" if find_etwprof(settings, environ) else "xperf"
    if platform == "linux":
        return "perf"
    named = {"etwprof": settings.etwprof.program, "xperf": settings.xperf.program, "perf": settings.perf.program}
    return next((name for name, program in named.items() if program is not None), None)


_SYSTEMS = {"darwin": "macOS", "linux": "Linux", "win32": "Windows"}
