"""What is there and what is missing on this machine, for `perfdb doctor`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from perfdb import __version__
from perfdb.api.history import open_history
from perfdb.api.symbols import HOW_TO_SET, SymbolsInForce, symbols_in_force
from perfdb.api.xperf import found_xperf
from perfdb.collect.choose import open_profiler
from perfdb.collect.etwprof import ORIGIN, find_etwprof
from perfdb.collect.etwprof import PLACE as ETWPROF_PLACE
from perfdb.collect.perf import find_perf, version_of
from perfdb.collect.perf_words import INSTALL, hides_kernel_symbols, paranoid
from perfdb.collect.rights import is_elevated
from perfdb.config import Settings, load
from perfdb.errors import PerfdbError
from perfdb.report.of_database import Finding
from perfdb.report.of_symbols import wanted_line
from perfdb.symbols.path import Server

OK, MISSING, BROKEN = "ok", "missing", "broken"

LIBRARIES = ("duckdb", "numpy", "polars", "libfwnt-python", "purepdb", "typer", "tabulate", "rich")

DWARF_ADVICE = "only for names of runs on Linux and macOS: python -m pip install 'perfdb[dwarf]'"

MOST_WANTED = 5
"""How many wanted symbol files are listed one by one."""

XPERF_ADVICE = (
    "for record --via xperf, perfdb xperf, and profile --profiler xperf; comes with the Windows Performance Toolkit of "
    "the Windows ADK"
)
ETWPROF_ADVICE = f"for perfdb profile: put {ORIGIN} at {ETWPROF_PLACE} or on PATH"
PERF_ADVICE = f"for perfdb profile: {INSTALL[0].lower()}{INSTALL[1:]}"
EXAMPLES_ADVICE = 'for perfdb profile: add to perfdb.toml a table [examples.NAME] with command = ["…"]'


def examine(database: Path | None, config: Path | None) -> list[Finding]:
    """Look at Python, the libraries, git, profilers, the suite, the settings and the database.

    Nothing is changed. Findings, worst not first.
    """
    findings = [
        Finding(
            "perfdb", OK, f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        )
    ]
    findings += [_library(name) for name in LIBRARIES]
    findings.append(_program("git", "commits cannot be looked up: give --commit to record, and full hashes to diff"))
    settings = _settings(config)
    findings += _etwprof(settings) + _xperf(settings) + _perf(settings)
    findings += [_profiler(settings), _examples(settings)]
    findings.append(_settings_and_database(database, config))
    if sys.platform != "win32":
        findings.append(_dwarf())
    findings += _symbols(database, config)
    return findings


def _library(name: str) -> Finding:
    try:
        return Finding(name, OK, version(name))
    except PackageNotFoundError:
        return Finding(name, BROKEN, "not installed", "install perfdb again: python -m pip install perfdb")


def _program(name: str, advice: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, OK, path) if path else Finding(name, MISSING, "not on PATH", advice)


def _settings(config: Path | None) -> Settings:
    """The settings, or none where they cannot be read, which is told with the database."""
    try:
        return load(config, Path.cwd(), os.environ)
    except PerfdbError:
        return Settings(Path.cwd())


# ---- profilers -------------------------------------------------------------------------------------------------------


def _etwprof(settings: Settings) -> list[Finding]:
    """etwprof, on Windows and where the settings name one; and whether it may be used."""
    named = settings.etwprof.program
    if sys.platform != "win32" and named is None:
        return []
    path = find_etwprof(settings, os.environ)
    if path is None:
        return [_not_found("etwprof", named, settings, f"not at {ETWPROF_PLACE} and not on PATH", ETWPROF_ADVICE)]
    rights = "" if is_elevated() else ", which needs administrator's rights that this prompt has not"
    return [Finding("etwprof", OK, f"{path}{_by_settings(named, settings)}{rights}")]


def _xperf(settings: Settings) -> list[Finding]:
    """xperf, on Windows and where the settings name one."""
    named = settings.xperf.program
    if sys.platform != "win32" and named is None:
        return []
    path, places = found_xperf(settings)
    if path is None:
        return [_not_found("xperf", named, settings, f"not in {places}", XPERF_ADVICE)]
    return [Finding("xperf", OK, f"{path}{_by_settings(named, settings)}")]


def _perf(settings: Settings) -> list[Finding]:
    """perf, on Linux and where the settings name one; and what the kernel lets it sample."""
    named = settings.perf.program
    if sys.platform != "linux" and named is None:
        return []
    path = find_perf(settings, os.environ)
    if path is None:
        return [_not_found("perf", named, settings, "not on PATH", PERF_ADVICE)]
    told = f"{path}{_by_settings(named, settings)}, {version_of(path, os.environ)}"
    if paranoid() is not None:
        names = "kernel functions have names" + (" for root only" if hides_kernel_symbols() else "")
        told += f"; kernel.perf_event_paranoid is {paranoid()}, {names}"
    return [Finding("perf", OK, told)]


def _profiler(settings: Settings) -> Finding:
    """The profiler that `perfdb profile` takes here, opened as it would be: perf is tried out."""
    try:
        profiler = open_profiler(settings, None, os.environ, sys.platform)
    except PerfdbError as problem:
        return Finding("profiler", MISSING, str(problem))
    return Finding("profiler", OK, "; ".join((f"{profiler.name} can be used", *profiler.notes)))


def _examples(settings: Settings) -> Finding:
    """The suite of `perfdb profile`."""
    count = len(settings.suite.examples)
    if not count:
        return Finding("examples", MISSING, "none in the suite", EXAMPLES_ADVICE)
    return Finding("examples", OK, f"{count} in the suite (settings: {settings.file})")


def _by_settings(named: Path | None, settings: Settings) -> str:
    return "" if named is None else f" (settings: {settings.file})"


def _not_found(what: str, named: Path | None, settings: Settings, where: str, advice: str) -> Finding:
    if named is not None:
        return Finding(what, MISSING, f"no program at {named}", f"mend program under [{what}] in {settings.file}")
    return Finding(what, MISSING, where, advice)


# ---- the history -----------------------------------------------------------------------------------------------------


def _settings_and_database(database: Path | None, config: Path | None) -> Finding:
    try:
        history = open_history(database, config=config)
        where = f"{history.path} (settings: {history.settings.file or 'none, defaults'})"
        if not history.path.exists():
            writable = os.access(_nearest_folder(history.path), os.W_OK)
            if not writable:
                return Finding(
                    "database", BROKEN, f"{where}: cannot be made there", "name another with --db or PERFDB_DB"
                )
            return Finding("database", MISSING, f"{where}: not there yet", "perfdb record TRACE makes it")
        runs = history.info().rows.get("run", 0)
        return Finding("database", OK, f"{where}: {runs:,} runs")
    except PerfdbError as problem:
        return Finding("database", BROKEN, str(problem), "mend it, or name another with --db")


def _dwarf() -> Finding:
    try:
        return Finding("symbolic", OK, version("symbolic"))
    except PackageNotFoundError:
        return Finding("symbolic", MISSING, "not installed", DWARF_ADVICE)


def _symbols(database: Path | None, config: Path | None) -> list[Finding]:
    """The symbol path, and the symbol files that the newest commit's runs want."""
    try:
        history = open_history(database, config=config)
        in_force = symbols_in_force(history.settings, history.folder)
    except PerfdbError as problem:
        return [Finding("symbol path", BROKEN, str(problem), "mend path under [symbols] in the settings")]
    findings = [_symbol_path(in_force)]
    try:
        commit, wanted = history.newest_wanted_symbols()
    except PerfdbError:  # no history yet, or one that cannot be read, which is told above
        return findings
    advice = f"of {commit[:10]}; with them: perfdb symbolicate {commit[:10]} --symbols DIR"
    for each in wanted[:MOST_WANTED]:
        findings.append(Finding("symbols", MISSING, wanted_line(each), advice))
        advice = ""
    if len(wanted) > MOST_WANTED:
        more = f"perfdb query wanted_symbols --param commit={commit[:10]}"
        findings.append(Finding("symbols", MISSING, f"{len(wanted) - MOST_WANTED:,} more", more))
    return findings


def _symbol_path(in_force: SymbolsInForce) -> Finding:
    path, notes = in_force.path, "".join(f"; {note}" for note in in_force.notes)
    if not path.elements:
        return Finding("symbol path", MISSING, f"none set{notes}", HOW_TO_SET)
    gone = [str(each.path) for each in path.elements if not isinstance(each, Server) and not each.path.is_dir()]
    if gone:
        return Finding("symbol path", MISSING, f"{path}{notes}", f"not there: {', '.join(gone)}")
    return Finding("symbol path", OK, f"{path}{notes}")


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.exists())
