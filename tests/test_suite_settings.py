"""The suite in the settings: what is understood of it, what holds where it says nothing, what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfdb import suite_settings
from perfdb.config import Settings, load
from perfdb.errors import ConfigError
from perfdb.suite_settings import EtwprofSettings, ExampleSettings, PerfSettings, SuiteSettings


def settings(folder: Path, text: str) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "perfdb.toml").write_text(text, encoding="utf-8")
    return load(None, folder, {})


def example(folder: Path, text: str) -> ExampleSettings:
    return settings(folder, f"[examples.simple]\n{text}").suite.examples["simple"]


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(folder, text)
    return str(caught.value).replace(str(folder / "perfdb.toml"), "perfdb.toml")


# ---- understood ------------------------------------------------------------------------------------------------------


def test_everything_said(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        """
        [profile]
        project = "my project"
        profiler = "xperf"
        folder = "traces"
        build_dir = "build/release"
        repeat = 3
        warmup = 1
        timeout_s = 90
        keep = 20
        rate_hz = 20000
        [examples.simple]
        command = ["{build}/simple", "--n", "5", ""]
        folder = "data"
        environment = { OMP_NUM_THREADS = "1", DATA = "{build}/data", EMPTY = "" }
        process = "simple.exe"
        repeat = 5
        warmup = 0
        timeout_s = 0.5
        exit_codes = [0, 3, -11]
        [etwprof]
        program = "tools/etwprof.exe"
        [perf]
        program = "tools/perf"
        call_graph = "dwarf"
        event = "cpu-clock"
        inline = true
        """,
    )

    simple = ExampleSettings(
        "simple",
        ("{build}/simple", "--n", "5", ""),
        tmp_path / "data",
        {"OMP_NUM_THREADS": "1", "DATA": "{build}/data", "EMPTY": ""},
        "simple.exe",
        5,
        0,
        0.5,
        (0, 3, -11),
    )
    build = tmp_path / "build" / "release"
    suite = SuiteSettings("my project", tmp_path / "traces", {"simple": simple}, "xperf", build, 3, 1, 90.0, 20, 20_000)
    assert suite == found.suite
    assert EtwprofSettings(tmp_path / "tools/etwprof.exe") == found.etwprof
    assert PerfSettings(tmp_path / "tools/perf", "dwarf", "cpu-clock", inline=True) == found.perf


def test_what_holds_where_nothing_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "my [old] project."
    expected = SuiteSettings("my -old- project", folder / "artifacts" / "profile", repeat=1, warmup=0, timeout_s=600.0)

    assert expected == Settings(root=folder).suite
    assert expected == settings(folder, "[profile]\n[examples]\n[etwprof]\n[perf]").suite
    assert (EtwprofSettings(), PerfSettings()) == (Settings(folder).etwprof, Settings(folder).perf)


def test_an_example_needs_no_more_than_a_command(tmp_path: Path) -> None:
    assert ExampleSettings("simple", ("tool",), tmp_path) == example(tmp_path, 'command = "tool"')


def test_examples_keep_their_order(tmp_path: Path) -> None:
    text = "".join(f'[examples.{name}]\ncommand = "x"\n' for name in ("zeta", '"two words"', "alpha", '"v1.2"'))

    assert ["zeta", "two words", "alpha", "v1.2"] == list(settings(tmp_path, text).suite.examples)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("simple --n 5", ("simple", "--n", "5")),
        ("  simple\t--n\n5 ", ("simple", "--n", "5")),
        (r'"C:\Program Files\simple.exe" \x\ ', ("C:\\Program Files\\simple.exe", "\\x\\")),
        ('simple --title="two words" ""', ("simple", "--title=two words", "")),
        ('a"b c"d', ("ab cd",)),
        (r'simple "\" x', ("simple", "\\", "x")),
        ("simple 'two words' $HOME", ("simple", "'two", "words'", "$HOME")),
    ],
)
def test_a_command_as_text_is_split_without_escapes(tmp_path: Path, command: str, words: tuple[str, ...]) -> None:
    assert words == example(tmp_path, f"command = '''{command}'''").command


@pytest.mark.parametrize(
    ("folder", "expected"),
    [("data/{build}", "ROOT/data/{build}"), ("{build}/data", "{build}/data"), ("{build}", "{build}"), (".", "ROOT")],
)
def test_a_folder_counts_from_the_file_unless_it_begins_with_the_build(
    tmp_path: Path, folder: str, expected: str
) -> None:
    found = example(tmp_path, f'command = "x"\nfolder = "{folder}"').folder

    assert Path(expected.replace("ROOT", str(tmp_path))) == found


def test_home_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))

    found = settings(
        tmp_path / "project", '[profile]\nfolder = "~/traces"\nbuild_dir = "~"\n[perf]\nprogram = "~/perf"'
    )

    assert (tmp_path / "traces", tmp_path) == (found.suite.folder, found.suite.build_dir)
    assert tmp_path / "perf" == found.perf.program


def test_tables_of_a_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.perfdb.examples.simple]\ncommand = "x"\nenvironment = { A = 1 }')

    with pytest.raises(ConfigError, match=r"pyproject.toml, \[tool.perfdb.examples.simple.environment\]: A should be"):
        load(None, tmp_path, {})


def test_the_sample_of_the_docstring_is_understood(tmp_path: Path) -> None:
    story = suite_settings.__doc__ or ""
    sample = "\n".join(line for line in story.splitlines() if line.startswith("    "))

    found = settings(tmp_path, sample)

    assert ["simple"] == list(found.suite.examples)
    for table in (r"\[profile\]", r"\[examples.simple\]", r"\[etwprof\]", r"\[perf\]"):
        assert re.search(table, sample)


# ---- refused ---------------------------------------------------------------------------------------------------------

TEXT = 'should be text in quotes, such as "…"'
COMMAND = 'command should be a program and its arguments, such as ["build/simple", "--n", "5"]'
SUITE_KEYS = "build_dir, folder, keep, profiler, project, rate_hz, repeat, timeout_s, warmup"
EXAMPLE_KEYS = "command, environment, exit_codes, folder, process, repeat, timeout_s, warmup"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profil.repeat = 1", ": unknown key 'profil'. Did you mean 'profile'? Known keys: database, diff, etwprof, "
         "examples, gate, lock_wait_s, perf, profile, record, symbols, xperf."),
        ("profile.repeats = 1", ", [profile]: unknown key 'repeats'. Did you mean 'repeat'? "
         f"Known keys: {SUITE_KEYS}."),
        ("profile.project = ' '", f", [profile]: project {TEXT}; found ' ' (text)."),
        ("profile.profiler = 'vtune'", ', [profile]: profiler should be "etwprof" or "xperf" or "perf"; '
         "found 'vtune' (text)."),
        ("profile.repeat = 0", ", [profile]: repeat should be a whole number, 1 or more; found 0 (a whole number)."),
        ("profile.repeat = true", ", [profile]: repeat should be a whole number, 1 or more; found True (true/false)."),
        ("profile.warmup = -1", ", [profile]: warmup should be a whole number, 0 or more; found -1 (a whole number)."),
        ("profile.keep = 0", ", [profile]: keep should be a whole number, 1 or more; found 0 (a whole number)."),
        ("profile.rate_hz = 0", ", [profile]: rate_hz should be a whole number, 1 to 20000; found 0 (a whole number)."),
        ("profile.rate_hz = 20001", ", [profile]: rate_hz should be a whole number, 1 to 20000; "
         "found 20001 (a whole number)."),
        ("profile.timeout_s = 0", ", [profile]: timeout_s should be a number of seconds, more than 0; "
         "found 0 (a whole number)."),
        ("profile.build_dir = []", f", [profile]: build_dir {TEXT}; found [] (a list)."),
        ("[[examples]]\nname = 'simple'", ": examples should be a table, written under a line [examples]; "
         "found [{'name': 'simple'}] (a list)."),
        ("examples.simple = 'x'", ", [examples]: simple should be a table, written under a line [examples.simple]; "
         "found 'x' (text)."),
        ("[examples.simple]", f", [examples.simple]: {COMMAND}; it is missing."),
        ("examples.simple.command = ''", f", [examples.simple]: {COMMAND}; found '' (text)."),
        ("examples.simple.command = []", f", [examples.simple]: {COMMAND}; found [] (a list)."),
        ("examples.simple.command = ['x', 5]", f", [examples.simple]: {COMMAND}; found ['x', 5] (a list)."),
        ("examples.simple.command = ['', 'x']", f", [examples.simple]: {COMMAND}; found ['', 'x'] (a list)."),
        ("examples.simple.command = '\"\" x'", f", [examples.simple]: {COMMAND}; found '\"\" x' (text)."),
        ('examples.simple.command = ["x", "a\\u0000b"]', f", [examples.simple]: {COMMAND}; "
         "found ['x', 'a\\x00b'] (a list)."),
        ("examples.simple.command = 'x \"y'", ", [examples.simple]: command should be words divided by blanks, each "
         "quote with one that closes it; found 'x \"y' (text)."),
        ("examples.simple.comand = 'x'", ", [examples.simple]: unknown key 'comand'. Did you mean 'command'? "
         f"Known keys: {EXAMPLE_KEYS}."),
        ("examples.'a.b'.repeat = 1", f', [examples."a.b"]: {COMMAND}; it is missing.'),
        ("[examples.simple]\ncommand = 'x'\nexit_codes = 1", ", [examples.simple]: exit_codes should be a list of "
         "whole numbers, such as [0, 1]; found 1 (a whole number)."),
        ("[examples.simple]\ncommand = 'x'\nexit_codes = [true]", ", [examples.simple]: exit_codes should be a list "
         "of whole numbers, such as [0, 1]; found [True] (a list)."),
        ("[examples.simple]\ncommand = 'x'\nexit_codes = []", ", [examples.simple]: exit_codes should be a list "
         "of whole numbers, such as [0, 1]; found [] (a list)."),
        ("[examples.simple]\ncommand = 'x'\nrepeat = 0", ", [examples.simple]: repeat should be a whole number, "
         "1 or more; found 0 (a whole number)."),
        ("[examples.simple]\ncommand = 'x'\nenvironment = 'A=1'", ", [examples.simple]: environment should be a table, "
         "written under a line [examples.simple.environment]; found 'A=1' (text)."),
        ("[examples.simple]\ncommand = 'x'\nenvironment = { A = 1 }", ", [examples.simple.environment]: A should be "
         "text in quotes, such as \"1\"; found 1 (a whole number)."),
        ("[examples.simple]\ncommand = 'x'\nenvironment = { 'A=B' = '1' }", ", [examples.simple.environment]: 'A=B' "
         "cannot be the name of a variable."),
        ("examples.''.command = 'x'", ", [examples]: the name of an example should be printable text; found ''."),
        ('examples."a\\nb".command = "x"', ", [examples]: the name of an example should be printable text; "
         "found 'a\\nb'."),
        ("[examples.'a/b']\ncommand = 'x'\n[examples.'A:b']\ncommand = 'x'", ", [examples]: traces of the examples "
         "'a/b' and 'A:b' would have the same name. Rename one of them."),
        ("etwprof.progam = 'a'", ", [etwprof]: unknown key 'progam'. Did you mean 'program'? Known keys: program."),
        ("perf.call_graph = 'lbr'", ', [perf]: call_graph should be "fp" or "dwarf"; found \'lbr\' (text).'),
        ("perf.inline = 1", ", [perf]: inline should be true or false; found 1 (a whole number)."),
        ("perf.rate = 1", ", [perf]: unknown key 'rate'. Known keys: call_graph, event, inline, program."),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, text: str, said: str) -> None:
    assert f"perfdb.toml{said}" == refusal(tmp_path, text)
