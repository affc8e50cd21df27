r"""Settings: where they are found, what they may say, and which database they lead to.

    perfdb.toml                                       or, in a pyproject.toml,
        database = "history/perfdb.duckdb"                [tool.perfdb]
        lock_wait_s = 5.0                                 database = "…"

        [record]                                          [tool.perfdb.record]
        example_pattern = "nightly_[example]_[timestamp]"
        process = "indexer.exe"
        build = "Release"

        [symbols]                                         [tool.perfdb.symbols]
        path = ["build", 'srv*C:\symcache*https://…']
        templates = "keep"
        timeout_s = 30

        [profile]                                         [tool.perfdb.profile]
        build_dir = "build/release"
        repeat = 3

        [examples.simple]                                 [tool.perfdb.examples.simple]
        command = ["{build}/simple", "--n", "5"]

        [etwprof]                                         [tool.perfdb.etwprof]
        program = "third_party/etwprof/etwprof.exe"

        [perf]                                            [tool.perfdb.perf]
        call_graph = "dwarf"

        [xperf]                                           [tool.perfdb.xperf]
        program = "tools/wpt/xperf.exe"
        symbol_path = 'build;srv*C:\symbols'
        symcache_path = 'C:\symcache'
        timeout_s = 600

        [diff]                                            [tool.perfdb.diff]
        margin = "5%"
        min_ms = 0
        history = 20

        [[gate.limit]]                                    [[tool.perfdb.gate.limit]]
        example = "templates"
        module = "ucrtbase.dll"
        function = "strto*"
        allow = "100%"

`path` under [symbols] is in the syntax of `_NT_SYMBOL_PATH`, one text or a list; its relative folders count from the
settings file's. `timeout_s` there is how long a server may be silent.

[profile] and [examples] are the suite that `perfdb profile` runs; [etwprof] and [perf] say how those profilers are
run. `perfdb.suite_settings` tells all their keys.

Under [diff], `margin` is the relative change that matters to `perfdb diff`, `min_ms` the change in ms a run, and
`history` how many earlier runs of an example it asks at most. Each [[gate.limit]] says up to which change `perfdb diff
--fail-on` lets a regression pass, `"any"` for every one; example, module and function are globs (`*`, `?`, `[abc]`).
`perfdb.compare.gate` tells which limit holds for what.

The settings file is the one that `--config` names, else `PERFDB_CONFIG`, else the first that is met walking up from
the current folder. Relative paths, such as `database` or `program`, count from that file's folder, which is also the
project's root; without a settings file the root is the top of the git checkout, else the current folder. No file at all
is fine.

A key or a type that is not known is an error, never ignored: a misspelt setting that does nothing costs an afternoon.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from perfdb.errors import ConfigError
from perfdb.settings_section import Section, expanded, shown
from perfdb.settings_section import fraction as fraction
from perfdb.suite_settings import (
    EtwprofSettings,
    PerfSettings,
    SuiteSettings,
    default_suite,
    parse_etwprof,
    parse_perf,
    parse_suite,
)

SETTINGS_FILE = "perfdb.toml"
DEFAULT_DATABASE = Path("artifacts", "perfdb.duckdb")
"""Where the history is kept, under the project's root, when nobody says otherwise."""
LOCK_WAIT_S = 5.0
"""Seconds to wait for a database that another process holds, when the settings do not say."""
XPERF_TIMEOUT_S = 600.0
"""Seconds that one call of xperf may take, when the settings do not say: it may have to fetch symbols first."""
SYMBOL_TIMEOUT_S = 15.0
"""Seconds that a symbol server may be silent, when the settings do not say."""
SYMBOL_LIMIT_S = 600.0
"""Seconds that one symbol file may take to come, when the settings do not say: some are gigabytes."""


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What `perfdb record` assumes when the call does not say it; `example_pattern` is for `example_name`."""

    example_pattern: tuple[str, ...] = ()
    process: str | None = None
    build: str | None = None


TEMPLATES = ("keep", "fold")
"""What may become of template arguments in names: all are told, or all functions of one template are one."""


@dataclass(frozen=True, slots=True)
class SymbolSettings:
    """Where symbol files are looked for, as it was written, and how names are made of them.

    `templates` is one of `TEMPLATES`. `timeout_s` is how many seconds a symbol server may be silent, `limit_s` how many
    one file may take in all.
    """

    path: tuple[str, ...] = ()
    templates: str = TEMPLATES[0]
    timeout_s: float = SYMBOL_TIMEOUT_S
    limit_s: float = SYMBOL_LIMIT_S


@dataclass(frozen=True, slots=True)
class XperfSettings:
    """Which xperf is run, where it finds symbols, and for how many seconds at most.

    `program` is absolute, None for the one that is installed. The other two are what xperf takes as `_NT_SYMBOL_PATH`
    and `_NT_SYMCACHE_PATH`, as they were written; None leaves those of the environment.
    """

    program: Path | None = None
    symbol_path: str | None = None
    symcache_path: str | None = None
    timeout_s: float = XPERF_TIMEOUT_S


MARGIN = 0.05
"""The relative change that matters, when nobody says otherwise."""
HISTORY_RUNS = 20
"""How many earlier runs of an example a diff asks at most, when nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class DiffSettings:
    """What matters in a diff: a relative change of `margin`, of `min_ms` a run; and how many earlier runs are asked."""

    margin: float = MARGIN
    min_ms: float = 0.0
    history: int = HISTORY_RUNS


@dataclass(frozen=True, slots=True)
class GateLimit:
    """Up to which relative change a regression passes: 0.2 for 20 %, `math.inf` where it always does.

    The others say of what, as globs; None is for every program, module, function or metric.
    """

    allow: float
    example: str = "*"
    module: str | None = None
    function: str | None = None
    metric: str | None = None


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What a gate lets pass; of several limits that fit, the last holds."""

    limits: tuple[GateLimit, ...] = ()


_DEFAULT_SUITE = SuiteSettings("", Path())
"""Stands for the suite of a project that has none, whose paths depend on the project's root."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The project's settings, with every path absolute.

    `root` is the project's folder and `file` the settings file, None when there is none; `database` is what that file
    says, None when it says nothing; `lock_wait_s` is how many seconds to wait for a database that another holds.
    """

    root: Path
    file: Path | None = None
    database: Path | None = None
    lock_wait_s: float = LOCK_WAIT_S
    record: RecordSettings = field(default_factory=RecordSettings)
    symbols: SymbolSettings = field(default_factory=SymbolSettings)
    xperf: XperfSettings = field(default_factory=XperfSettings)
    diff: DiffSettings = field(default_factory=DiffSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    suite: SuiteSettings = _DEFAULT_SUITE
    etwprof: EtwprofSettings = field(default_factory=EtwprofSettings)
    perf: PerfSettings = field(default_factory=PerfSettings)

    def __post_init__(self) -> None:
        if self.suite is _DEFAULT_SUITE:
            object.__setattr__(self, "suite", default_suite(self.root))


def load(explicit: Path | None, cwd: Path, environ: Mapping[str, str]) -> Settings:
    """The settings that hold in the folder `cwd`.

    `explicit` is the file of `--config`, taken relative to `cwd`; `environ` may name one in `PERFDB_CONFIG`.
    Raises ConfigError when a file cannot be read, or says something that perfdb does not understand.
    """
    cwd = cwd.absolute()
    named = explicit or (Path(environ["PERFDB_CONFIG"]) if environ.get("PERFDB_CONFIG") else None)
    if named is not None:
        file = cwd / expanded(named)
        section = _section(file)
        if section is None:
            raise ConfigError(f"{file} has no table [tool.perfdb]. Add one, or name a {SETTINGS_FILE} with --config.")
        return _settings(file, section)
    for folder in (cwd, *cwd.parents):
        if found := _settings_in(folder):
            return found
    return Settings(root=_git_top(cwd) or cwd)


def database_path(settings: Settings, option: Path | None, environ: Mapping[str, str]) -> Path:
    """The database to use, absolute: `--db` (`option`), else `PERFDB_DB`, else the settings, else the default.

    Relative paths of the first two count from the current folder. Raises ConfigError for a `~` that leads nowhere.
    """
    if option is not None:
        return expanded(option).absolute()
    if environ.get("PERFDB_DB"):
        return expanded(Path(environ["PERFDB_DB"])).absolute()
    return settings.database or settings.root / DEFAULT_DATABASE


# ---- finding the file ------------------------------------------------------------------------------------------------


def _settings_in(folder: Path) -> Settings | None:
    """The settings that this very folder holds, if it does; two files that both claim to be them are refused."""
    files = (folder / SETTINGS_FILE, folder / "pyproject.toml")
    found = [(file, section) for file in files if file.is_file() and (section := _section(file)) is not None]
    if len(found) > 1:
        raise ConfigError(
            f"two files of {folder} hold settings of perfdb: {SETTINGS_FILE}, and pyproject.toml in [tool.perfdb]. "
            "Move everything into one of them."
        )
    return _settings(*found[0]) if found else None


def _section(file: Path) -> Section | None:
    """The table of perfdb's settings in a file; None for a pyproject.toml that has none."""
    try:
        # Notepad and PowerShell begin a file with a byte order mark, which TOML does not know.
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"cannot read the settings file {file}: {reason}. Check its path and rights.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the settings file {file} is not UTF-8 text. Save it as UTF-8.") from error
    is_pyproject = file.name == "pyproject.toml"
    try:
        values: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if is_pyproject and "perfdb" not in text:
            return None  # broken, but none of our business
        raise ConfigError(f"the settings file {file} is not valid TOML: {error}.") from error
    where = str(file)
    if is_pyproject:
        for key in ("tool", "perfdb"):
            if not isinstance(values, dict) or key not in values:
                return None
            values = values[key]
        where = f"{file}, [tool.perfdb]"
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: should be a table, found {shown(values)}.")
    return Section(where, cast("dict[str, object]", values))


def _git_top(cwd: Path) -> Path | None:
    """The folder around `cwd` that holds `.git`, which is a file in worktrees and submodules; works without git."""
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)


# ---- understanding it ------------------------------------------------------------------------------------------------


def _settings(file: Path, section: Section) -> Settings:
    tables = ("diff", "etwprof", "examples", "gate", "perf", "profile", "record", "symbols", "xperf")
    section.check_keys(("database", "lock_wait_s", *tables))
    record = section.table("record")
    record.check_keys(("build", "example_pattern", "process"))
    return Settings(
        root=file.parent,
        file=file,
        database=section.path("database", file.parent),
        lock_wait_s=section.seconds("lock_wait_s", default=LOCK_WAIT_S),
        record=RecordSettings(
            example_pattern=record.patterns("example_pattern"),
            process=record.text("process"),
            build=record.text("build"),
        ),
        symbols=_symbols(section.table("symbols")),
        xperf=_xperf(file, section.table("xperf")),
        diff=_diff(section.table("diff")),
        gate=_gate(section.table("gate")),
        suite=parse_suite(section.table("profile"), section.table("examples"), file.parent),
        etwprof=parse_etwprof(section.table("etwprof"), file.parent),
        perf=parse_perf(section.table("perf"), file.parent),
    )


def _symbols(section: Section) -> SymbolSettings:
    section.check_keys(("path", "templates", "timeout_s", "limit_s"))
    return SymbolSettings(
        path=section.texts("path"),
        templates=section.one_of("templates", TEMPLATES),
        timeout_s=section.seconds("timeout_s", default=SYMBOL_TIMEOUT_S, may_be_zero=False),
        limit_s=section.seconds("limit_s", default=SYMBOL_LIMIT_S, may_be_zero=False),
    )


def _xperf(file: Path, section: Section) -> XperfSettings:
    section.check_keys(("program", "symbol_path", "symcache_path", "timeout_s"))
    return XperfSettings(
        program=section.path("program", file.parent),
        symbol_path=section.text("symbol_path"),
        symcache_path=section.text("symcache_path"),
        timeout_s=section.seconds("timeout_s", default=XPERF_TIMEOUT_S, may_be_zero=False),
    )


def _diff(section: Section) -> DiffSettings:
    section.check_keys(("history", "margin", "min_ms"))
    wanted = 'a fraction such as "5%" or 0.05'
    margin = section.fraction("margin", MARGIN, wanted)
    if not 0 < margin < 1:
        raise section.wrong("margin", f"{wanted}, above 0 and below 100 %")
    return DiffSettings(margin, section.milliseconds("min_ms", default=0.0), section.count("history", HISTORY_RUNS))


def _gate(section: Section) -> GateSettings:
    section.check_keys(("limit",))
    return GateSettings(tuple(_limit(each) for each in section.tables("limit")))


def _limit(section: Section) -> GateLimit:
    section.check_keys(("allow", "example", "function", "metric", "module"))
    if section.text("metric") and (section.text("module") or section.text("function")):
        raise ConfigError(f"{section.where}: no metric is one of a module or function. Write a limit for each.")
    is_any = section.values.get("allow") == "any"
    return GateLimit(
        math.inf if is_any else section.fraction("allow", None, 'a fraction such as "20%" or 0.2, or "any"'),
        section.text("example") or "*",
        section.text("module"),
        section.text("function"),
        section.text("metric"),
    )
