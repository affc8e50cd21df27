"""Settings: where they are found, what they lead to, and what is said about each mistake."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from perfdb.config import (
    LOCK_WAIT_S,
    DiffSettings,
    GateLimit,
    GateSettings,
    RecordSettings,
    Settings,
    SymbolSettings,
    XperfSettings,
    database_path,
    fraction,
    load,
)
from perfdb.errors import ConfigError


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def refusal(tmp_path: Path, text: str) -> str:
    """What is said about a perfdb.toml, without the folder that it is in."""
    file = write(tmp_path / "perfdb.toml", text)
    with pytest.raises(ConfigError) as caught:
        load(None, tmp_path, {})
    return str(caught.value).replace(str(file), file.name)


# ---- found -----------------------------------------------------------------------------------------------------------


def test_no_file_at_all(tmp_path: Path) -> None:
    assert Settings(root=tmp_path) == load(None, tmp_path, {})


def test_everything_said(tmp_path: Path) -> None:
    file = write(
        tmp_path / "perfdb.toml",
        """
        database = "history/perf.duckdb"
        lock_wait_s = 2
        [record]
        example_pattern = ["nightly_[example]", "[example]-[pid]"]
        process = "indexer.exe"
        build = "Release"
        [symbols]
        path = ["build", 'srv*C:\\symbols']
        templates = "fold"
        timeout_s = 2.5
        limit_s = 60
        [xperf]
        program = "tools/xperf.exe"
        symbol_path = 'build;srv*C:\\symbols'
        symcache_path = 'C:\\symcache'
        timeout_s = 0.5
        [diff]
        margin = "2 %"
        min_ms = 1.5
        history = 0
        [[gate.limit]]
        example = "templates"
        allow = "120%"
        [[gate.limit]]
        module = "ucrtbase.dll"
        function = "strto*"
        allow = "any"
        """,
    )

    record = RecordSettings(("nightly_[example]", "[example]-[pid]"), "indexer.exe", "Release")
    xperf = XperfSettings(tmp_path / "tools/xperf.exe", r"build;srv*C:\symbols", r"C:\symcache", 0.5)
    symbols = SymbolSettings(("build", r"srv*C:\symbols"), "fold", 2.5, 60.0)
    diff = DiffSettings(0.02, 1.5, 0)
    gate = GateSettings(
        (GateLimit(1.2, "templates"), GateLimit(math.inf, module="ucrtbase.dll", function="strto*")),
    )
    expected = Settings(tmp_path, file, tmp_path / "history/perf.duckdb", 2.0, record, symbols, xperf, diff, gate)
    assert expected == load(None, tmp_path, {})


def test_found_upwards_and_the_nearest_wins(tmp_path: Path) -> None:
    write(tmp_path / "perfdb.toml", "lock_wait_s = 1")
    write(tmp_path / "a/pyproject.toml", "[tool.perfdb]\nlock_wait_s = 2")
    write(tmp_path / "a/b/pyproject.toml", "[tool.other]")
    write(tmp_path / "a/b/c/perfdb.toml", "")
    below = tmp_path / "a/b/c/d"
    below.mkdir()

    found = [load(None, folder, {}) for folder in (tmp_path, *reversed(below.parents[:3]), below)]

    assert [1.0, 2.0, 2.0, LOCK_WAIT_S, LOCK_WAIT_S] == [settings.lock_wait_s for settings in found]
    assert [tmp_path, tmp_path / "a", tmp_path / "a", tmp_path / "a/b/c", tmp_path / "a/b/c"] == [s.root for s in found]


@pytest.mark.parametrize("is_file", [False, True], ids=["repository", "worktree"])
def test_root_without_settings_is_the_git_top(tmp_path: Path, is_file: bool) -> None:
    below = tmp_path / "repo/src/deep"
    below.mkdir(parents=True)
    git = tmp_path / "repo/.git"
    if is_file:
        git.write_text("gitdir: elsewhere")
    else:
        git.mkdir()

    assert tmp_path / "repo" == load(None, below, {}).root


def test_named_file(tmp_path: Path) -> None:
    write(tmp_path / "perfdb.toml", "lock_wait_s = 1")
    named = write(tmp_path / "elsewhere/own.toml", 'lock_wait_s = 2\ndatabase = "x.duckdb"')
    other = write(tmp_path / "elsewhere/other.toml", "lock_wait_s = 3")

    settings = load(Path("elsewhere/own.toml"), tmp_path, {"PERFDB_CONFIG": str(other)})

    assert Settings(named.parent, named, named.parent / "x.duckdb", 2.0) == settings
    assert 3.0 == load(None, tmp_path, {"PERFDB_CONFIG": str(other)}).lock_wait_s
    assert 1.0 == load(None, tmp_path, {"PERFDB_CONFIG": ""}).lock_wait_s


def test_one_pattern_needs_no_list(tmp_path: Path) -> None:
    write(tmp_path / "perfdb.toml", 'record.example_pattern = "[example]"')

    assert ("[example]",) == load(None, tmp_path, {}).record.example_pattern


def test_windows_text(tmp_path: Path) -> None:
    (tmp_path / "perfdb.toml").write_bytes(b'\xef\xbb\xbfdatabase = "a.duckdb"\r\nlock_wait_s = 1\r\n')

    assert 1.0 == load(None, tmp_path, {}).lock_wait_s


def test_broken_pyproject_of_others_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.other")

    assert Settings(root=tmp_path) == load(None, tmp_path, {})


# ---- the database ----------------------------------------------------------------------------------------------------


def test_database_path_by_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = Settings(root=tmp_path, database=tmp_path / "said.duckdb")
    environ = {"PERFDB_DB": "env.duckdb"}

    assert tmp_path / "option.duckdb" == database_path(said, Path("option.duckdb"), environ)
    assert tmp_path / "env.duckdb" == database_path(said, None, environ)
    assert tmp_path / "said.duckdb" == database_path(said, None, {"PERFDB_DB": ""})
    assert tmp_path / "artifacts" / "perfdb.duckdb" == database_path(Settings(root=tmp_path), None, {})


def test_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    write(tmp_path / "project/perfdb.toml", 'database = "~/perf.duckdb"\nxperf.program = "~/xperf"')

    settings = load(None, tmp_path / "project", {})
    assert (tmp_path / "perf.duckdb", tmp_path / "xperf") == (settings.database, settings.xperf.program)
    assert tmp_path / "x" == database_path(Settings(tmp_path), None, {"PERFDB_DB": "~/x"})


def test_home_folder_of_nobody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Write the path in full"):
        database_path(Settings(tmp_path), Path("~no-such-user-at-all/x"), {})


# ---- fractions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5%", 0.05),
        (" 5 % ", 0.05),
        ("0.05", 0.05),
        (".5", 0.5),
        ("0", 0.0),
        ("2.5%", 0.025),
        ("250%", 2.5),
        ("5e-2", 0.05),
    ],
)
def test_fractions_with_and_without_a_percent_sign(text: str, value: float) -> None:
    assert value == pytest.approx(fraction(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "5 would be 500%; 5 % is written 5%"),
        ("1", "1 would be 100%; 1 % is written 1%"),
        ("", "'' is no such number"),
        ("%", "'%' is no such number"),
        ("-5%", "'-5%' is no such number"),
        ("0,05", "'0,05' is no such number"),
        ("nan", "'nan' is no such number"),
        ("inf%", "'inf%' is no such number"),
        ("5%%", "'5%%' is no such number"),
        ("1e999%", "'1e999%' is too large"),
        ("٥%", "'٥%' is no such number"),
    ],
)
def test_what_is_no_fraction_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        fraction(text)
    assert said == str(caught.value)


def test_empty_tables_leave_the_defaults(tmp_path: Path) -> None:
    write(tmp_path / "perfdb.toml", "[diff]\n[gate]\n")

    settings = load(None, tmp_path, {})

    assert (DiffSettings(0.05, 0.0, 20), GateSettings(())) == (settings.diff, settings.gate)


# ---- refused ---------------------------------------------------------------------------------------------------------


TOP_KEYS = "Known keys: database, diff, etwprof, examples, gate, lock_wait_s, perf, profile, record, symbols, xperf."
XPERF_KEYS = "Known keys: program, symbol_path, symcache_path, timeout_s."
RECORD_KEYS = "Known keys: build, example_pattern, process."
TEXT = 'should be text in quotes, such as "…"; found'
SECONDS = "should be a number of seconds, 0 or more; found"
SOME_SECONDS = "should be a number of seconds, more than 0; found"
MARGIN = 'should be a fraction such as "5%" or 0.05'
ALLOW = 'allow should be a fraction such as "20%" or 0.2, or "any"'
PATTERN = 'should be a pattern such as "[example]_[timestamp]", or a list of patterns; found'
PLACEHOLDERS = "Placeholders: [example], [timestamp], [pid]; everything else stands for itself."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("databse = 'x'", f": unknown key 'databse'. Did you mean 'database'? {TOP_KEYS}"),
        ("zzz = 1", f": unknown key 'zzz'. {TOP_KEYS}"),
        ("database = 3", f": database {TEXT} 3 (a whole number)."),
        ("database = ''", f": database {TEXT} '' (text)."),
        ('database = "a\\u0000b"', f": database {TEXT} 'a\\x00b' (text)."),
        ("lock_wait_s = '5'", f": lock_wait_s {SECONDS} '5' (text)."),
        ("lock_wait_s = true", f": lock_wait_s {SECONDS} True (true/false)."),
        ("lock_wait_s = -1", f": lock_wait_s {SECONDS} -1 (a whole number)."),
        ("lock_wait_s = nan", f": lock_wait_s {SECONDS} nan (a number)."),
        ("record = 10:20:30", ": record should be a table, written under a line [record]; "
         "found datetime.time(10, 20, 30) (a date or time)."),
        ("[record]\nexample_patern = 'x'", ", [record]: unknown key 'example_patern'. "
         f"Did you mean 'example_pattern'? {RECORD_KEYS}"),
        ("record.build = []", f", [record]: build {TEXT} [] (a list)."),
        ("record.example_pattern = [1]", f", [record]: example_pattern {PATTERN} [1] (a list)."),
        ("record.example_pattern = '[example]_[timestmap]'", ", [record]: example_pattern '[example]_[timestmap]' "
         f"holds [timestmap]; did you mean [timestamp]? {PLACEHOLDERS}"),
        ("record.example_pattern = 'x'", ", [record]: example_pattern 'x' "
         f"does not hold [example], the part of the file name that is wanted. {PLACEHOLDERS}"),
        ("[xperf]\nsymbolpath = 'x'", ", [xperf]: unknown key 'symbolpath'. "
         f"Did you mean 'symbol_path'? {XPERF_KEYS}"),
        ("xperf = 'xperf.exe'", ": xperf should be a table, written under a line [xperf]; found 'xperf.exe' (text)."),
        ("xperf.program = ['a']", f", [xperf]: program {TEXT} ['a'] (a list)."),
        ("xperf.symbol_path = ''", f", [xperf]: symbol_path {TEXT} '' (text)."),
        ("xperf.symcache_path = 1", f", [xperf]: symcache_path {TEXT} 1 (a whole number)."),
        ("xperf.timeout_s = 0", f", [xperf]: timeout_s {SOME_SECONDS} 0 (a whole number)."),
        ("xperf.timeout_s = inf", f", [xperf]: timeout_s {SOME_SECONDS} inf (a number)."),
        ("diff.margin = 5", f", [diff]: margin {MARGIN}; found 5 (a whole number)."),
        ("diff.margin = 1.0", f", [diff]: margin {MARGIN}; found 1.0 (a number)."),
        ("diff.margin = true", f", [diff]: margin {MARGIN}; found True (true/false)."),
        ("diff.margin = -0.1", f", [diff]: margin {MARGIN}; found -0.1 (a number)."),
        ("diff.margin = 'much'", f", [diff]: margin {MARGIN}; found 'much' (text)."),
        ("diff.margin = nan", f", [diff]: margin {MARGIN}; found nan (a number)."),
        ("diff.margin = []", f", [diff]: margin {MARGIN}; found [] (a list)."),
        ("diff.margin = '0%'", f", [diff]: margin {MARGIN}, above 0 and below 100 %; found '0%' (text)."),
        ("diff.margin = '100%'", f", [diff]: margin {MARGIN}, above 0 and below 100 %; found '100%' (text)."),
        ("diff.min_ms = -1", ", [diff]: min_ms should be a number of milliseconds, 0 or more; "
         "found -1 (a whole number)."),
        ("diff.history = 2.5", ", [diff]: history should be a whole number, 0 or more; found 2.5 (a number)."),
        ("diff.history = -1", ", [diff]: history should be a whole number, 0 or more; found -1 (a whole number)."),
        ("diff.history = true", ", [diff]: history should be a whole number, 0 or more; found True (true/false)."),
        ("diff.fail_on = 'total'", ", [diff]: unknown key 'fail_on'. Known keys: history, margin, min_ms."),
        ("gate = 1", ": gate should be a table, written under a line [gate]; found 1 (a whole number)."),
        ("gate.limits = []", ", [gate]: unknown key 'limits'. Did you mean 'limit'? Known keys: limit."),
        ("[gate.limit]\nallow = 'any'", ", [gate]: limit should be a list of tables, each under a line "
         "[[gate.limit]]; found {'allow': 'any'} (a table)."),
        ("gate.limit = [1]", ", [gate]: limit should be a list of tables, each under a line [[gate.limit]]; "
         "found [1] (a list)."),
        ("[[gate.limit]]\nexample = 'x'", f", [[gate.limit]] number 1: {ALLOW}; it is missing."),
        ("[[gate.limit]]\nallow = 'any'\n[[gate.limit]]\nallow = 'all'",
         f", [[gate.limit]] number 2: {ALLOW}; found 'all' (text)."),
        ("[[gate.limit]]\nallow = 20", f", [[gate.limit]] number 1: {ALLOW}; found 20 (a whole number)."),
        ("[[gate.limit]]\nallow = 0\nmodul = 'x'", ", [[gate.limit]] number 1: unknown key 'modul'. "
         "Did you mean 'module'? Known keys: allow, example, function, metric, module."),
        ("[[gate.limit]]\nallow = 0\nmetric = 'x'\nmodule = 'y'", ", [[gate.limit]] number 1: no metric is one of a "
         "module or function. Write a limit for each."),
        ("[[gate.limit]]\nallow = 0\nmodule = 1", f", [[gate.limit]] number 1: module {TEXT} 1 (a whole number)."),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, text: str, said: str) -> None:
    assert f"perfdb.toml{said}" == refusal(tmp_path, text)


def test_broken_toml_names_file_and_place(tmp_path: Path) -> None:
    said = refusal(tmp_path, "database = \n")

    assert said.startswith("the settings file perfdb.toml is not valid TOML: ")
    assert "line 1" in said


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "perfdb.toml").write_bytes('database = "x"'.encode("utf-16"))
    with pytest.raises(ConfigError, match="is not UTF-8 text. Save it as UTF-8"):
        load(None, tmp_path, {})


def test_named_file_that_is_missing_or_a_folder(tmp_path: Path) -> None:
    for name in ("gone.toml", "."):
        with pytest.raises(ConfigError, match="cannot read the settings file"):
            load(Path(name), tmp_path, {})


def test_two_files_in_one_folder(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.perfdb]")
    write(tmp_path / "perfdb.toml", "")
    with pytest.raises(ConfigError, match="Move everything into one of them"):
        load(None, tmp_path, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.perfdb]\nx = 1", r"pyproject.toml, \[tool.perfdb\]: unknown key 'x'. Known"),
        ("[tool.perfdb.record]\nx = 1", r"pyproject.toml, \[tool.perfdb.record\]: unknown key 'x'. Known"),
        ("[[tool.perfdb.gate.limit]]", r"pyproject.toml, \[\[tool.perfdb.gate.limit\]\] number 1: allow should be"),
        ("tool.perfdb.gate.limit = 1", r"\[tool.perfdb.gate\]: .* a line \[\[tool.perfdb.gate.limit\]\]; found 1"),
        ("tool.perfdb = 1", r"\[tool.perfdb\]: should be a table, found 1 \(a whole number\)"),
        ("[tool.perfdb", "is not valid TOML"),
    ],
)
def test_pyproject_refusals(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path / "pyproject.toml", text)
    with pytest.raises(ConfigError, match=said):
        load(None, tmp_path, {})


def test_named_pyproject_without_the_table(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.other]")
    with pytest.raises(ConfigError, match=r"has no table \[tool.perfdb\]"):
        load(Path("pyproject.toml"), tmp_path, {})
