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

        [xperf]                                           [tool.perfdb.xperf]
        program = "tools/wpt/xperf.exe"
        symbol_path = 'build;srv*C:\symbols'
        symcache_path = 'C:\symcache'
        timeout_s = 600

`path` under [symbols] is in the syntax of `_NT_SYMBOL_PATH`, one text or a list; its relative folders count from the
settings file's. `timeout_s` there is how long a server may be silent.

The settings file is the one that `--config` names, else `PERFDB_CONFIG`, else the first that is met walking up from
the current folder. A relative `database` or `program` counts from that file's folder, which is also the project's root;
without a settings file the root is the top of the git checkout, else the current folder. No file at all is fine.

A key or a type that is not known is an error, never ignored: a misspelt setting that does nothing costs an afternoon.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from perfdb.errors import ConfigError
from perfdb.example_name import pattern_problem

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


def load(explicit: Path | None, cwd: Path, environ: Mapping[str, str]) -> Settings:
    """The settings that hold in the folder `cwd`.

    `explicit` is the file of `--config`, taken relative to `cwd`; `environ` may name one in `PERFDB_CONFIG`.
    Raises ConfigError when a file cannot be read, or says something that perfdb does not understand.
    """
    cwd = cwd.absolute()
    named = explicit or (Path(environ["PERFDB_CONFIG"]) if environ.get("PERFDB_CONFIG") else None)
    if named is not None:
        file = cwd / _expand(named)
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
        return _expand(option).absolute()
    if environ.get("PERFDB_DB"):
        return _expand(Path(environ["PERFDB_DB"])).absolute()
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


def _section(file: Path) -> _Section | None:
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
            raise ConfigError(f"{where}: should be a table, found {_shown(values)}.")
    return _Section(where, cast("dict[str, object]", values))


def _git_top(cwd: Path) -> Path | None:
    """The folder around `cwd` that holds `.git`, which is a file in worktrees and submodules; works without git."""
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), None)


def _expand(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ConfigError(f"cannot tell which folder {path} means: {error} Write the path in full.") from error


# ---- understanding it ------------------------------------------------------------------------------------------------


def _settings(file: Path, section: _Section) -> Settings:
    section.check_keys(("database", "lock_wait_s", "record", "symbols", "xperf"))
    database = section.text("database")
    record = section.table("record")
    record.check_keys(("build", "example_pattern", "process"))
    return Settings(
        root=file.parent,
        file=file,
        database=None if database is None else file.parent / _expand(Path(database)),
        lock_wait_s=section.seconds("lock_wait_s", default=LOCK_WAIT_S),
        record=RecordSettings(
            example_pattern=record.patterns("example_pattern"),
            process=record.text("process"),
            build=record.text("build"),
        ),
        symbols=_symbols(section.table("symbols")),
        xperf=_xperf(file, section.table("xperf")),
    )


def _symbols(section: _Section) -> SymbolSettings:
    section.check_keys(("path", "templates", "timeout_s", "limit_s"))
    return SymbolSettings(
        path=section.texts("path"),
        templates=section.one_of("templates", TEMPLATES),
        timeout_s=section.seconds("timeout_s", default=SYMBOL_TIMEOUT_S, may_be_zero=False),
        limit_s=section.seconds("limit_s", default=SYMBOL_LIMIT_S, may_be_zero=False),
    )


def _xperf(file: Path, section: _Section) -> XperfSettings:
    section.check_keys(("program", "symbol_path", "symcache_path", "timeout_s"))
    program = section.text("program")
    return XperfSettings(
        program=None if program is None else file.parent / _expand(Path(program)),
        symbol_path=section.text("symbol_path"),
        symcache_path=section.text("symcache_path"),
        timeout_s=section.seconds("timeout_s", default=XPERF_TIMEOUT_S, may_be_zero=False),
    )


@dataclass(frozen=True, slots=True)
class _Section:
    """One table of a settings file, and `where` it stands, for the messages."""

    where: str
    values: Mapping[str, object]

    def check_keys(self, known: Collection[str]) -> None:
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ConfigError(f"{self.where}: unknown key {key!r}.{hint} Known keys: {', '.join(sorted(known))}.")

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self._wrong(key, 'text in quotes, such as "…"')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
            raise self._wrong(key, 'text in quotes, such as "build", or a list of such texts')
        return tuple(found)

    def one_of(self, key: str, words: tuple[str, ...]) -> str:
        value = self.values.get(key, words[0])
        if value not in words:
            raise self._wrong(key, " or ".join(f'"{word}"' for word in words))
        return value

    def seconds(self, key: str, default: float, may_be_zero: bool = True) -> float:
        value = self.values.get(key, default)
        # TOML knows inf and nan, and true is an int to Python.
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or cast("float", value) < 0 or (value == 0 and not may_be_zero):
            raise self._wrong(key, f"a number of seconds, {'0 or more' if may_be_zero else 'more than 0'}")
        return float(cast("float", value))

    def patterns(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        patterns = [value] if isinstance(value, str) else value
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise self._wrong(key, 'a pattern such as "[example]_[timestamp]", or a list of patterns')
        for pattern in patterns:
            if problem := pattern_problem(pattern):
                raise ConfigError(
                    f"{self.where}: {key} {pattern!r} {problem}{'' if problem.endswith('?') else '.'} "
                    "Placeholders: [example], [timestamp], [pid]; everything else stands for itself."
                )
        return tuple(patterns)

    def table(self, key: str) -> _Section:
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, f"a table, written under a line [{key}]")
        name = f"tool.perfdb.{key}" if self.where.endswith("[tool.perfdb]") else key
        return _Section(f"{self.where.removesuffix(', [tool.perfdb]')}, [{name}]", value)

    def _wrong(self, key: str, wanted: str) -> ConfigError:
        return ConfigError(f"{self.where}: {key} should be {wanted}; found {_shown(self.values[key])}.")


def _shown(value: object) -> str:
    """A value of a TOML file with the kind of thing it is, cut to a length that suits a message."""
    kinds = {bool: "true/false", int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}
    shown = repr(value)
    return f"{shown[:60]}{'…' if len(shown) > 60 else ''} ({kinds.get(type(value), 'a date or time')})"
