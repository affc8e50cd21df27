"""xperf: where it is found, how it is called, and what is said of each way in which it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfdb.collect import CLASSICS, DUMPER, Ended, Xperf, find_xperf, names_functions, open_xperf, shown_code
from perfdb.collect.xperf import TOOLKIT_FOLDERS, has_crashed, step_of
from perfdb.config import Settings, XperfSettings
from perfdb.errors import MissingToolError
from tests.collect.stand_in import WRONG_CALL, Play, calls, stand_in

INSTEAD = "Do without."


def opened(program: Path, environ: dict[str, str] | None = None, **settings: object) -> Xperf:
    said = XperfSettings(program, **settings)  # type: ignore[arg-type]
    environment = {**os.environ, **(environ or {})}
    return open_xperf(Settings(program.parent, xperf=said), environment, on_windows=True, instead=INSTEAD)


@pytest.fixture(autouse=True)
def _no_symbols_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_NT_SYMBOL_PATH", raising=False)
    monkeypatch.delenv("_NT_SYMCACHE_PATH", raising=False)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "my traces" / "app (1).etl"
    path.parent.mkdir()
    path.write_bytes(b"a trace")
    return path


# ---- found -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folders", TOOLKIT_FOLDERS, ids=lambda folders: folders[-2] if len(folders) > 1 else "old")
@pytest.mark.parametrize("variable", ["ProgramFiles(x86)", "ProgramFiles"])
def test_found_in_the_standard_folders(tmp_path: Path, variable: str, folders: tuple[str, ...]) -> None:
    program = tmp_path.joinpath(*folders, "xperf.exe")
    program.parent.mkdir(parents=True)
    program.write_bytes(b"MZ")

    assert program == find_xperf(XperfSettings(), {"PATH": str(tmp_path), variable: str(tmp_path)})


def test_the_newest_toolkit_is_taken(tmp_path: Path) -> None:
    for folders in TOOLKIT_FOLDERS:
        tmp_path.joinpath(*folders).mkdir(parents=True)
        tmp_path.joinpath(*folders, "xperf.exe").write_bytes(b"MZ")

    found = find_xperf(XperfSettings(), {"ProgramFiles": str(tmp_path)})

    assert tmp_path.joinpath("Windows Kits", "10", "Windows Performance Toolkit", "xperf.exe") == found


def test_path_comes_before_the_standard_folders_and_the_setting_before_all(tmp_path: Path) -> None:
    on_path, named = stand_in(tmp_path / "path", Play()), stand_in(tmp_path / "named", Play())
    installed = tmp_path.joinpath(*TOOLKIT_FOLDERS[0], "xperf.exe")
    installed.parent.mkdir(parents=True)
    installed.write_bytes(b"MZ")
    environ = {"PATH": str(on_path.parent), "ProgramFiles": str(tmp_path)}

    found = [find_xperf(XperfSettings(program), environ) for program in (None, named, tmp_path / "gone.exe")]

    assert [os.path.normcase(on_path), os.path.normcase(named), None] == [
        path and os.path.normcase(path) for path in found
    ]


def test_a_missing_xperf_is_said_with_the_places_and_the_ways_out(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "ProgramFiles(x86)": str(tmp_path / "x86")}

    def said(settings: Settings, on_windows: bool) -> str:
        with pytest.raises(MissingToolError) as told:
            open_xperf(settings, environ, on_windows=on_windows, instead=INSTEAD)
        return str(told.value)

    kit = tmp_path / "x86" / "Windows Kits" / "10" / "Windows Performance Toolkit"
    file = tmp_path / "perfdb.toml"
    here = Settings(tmp_path)
    there = Settings(tmp_path, file, xperf=XperfSettings(tmp_path / "gone.exe"))

    assert said(here, True).startswith(f"asked to run xperf, found none in PATH, {kit}, ")
    assert said(here, True).endswith(
        "Install the Windows Performance Toolkit, a part of the Windows ADK, or name the program in perfdb.toml: "
        "program under [xperf]. Do without."
    )
    assert (
        "asked to run xperf, found none on PATH; it exists for Windows only. Do without. A program that stands in for "
        "it can be named in perfdb.toml: program under [xperf]."
    ) == said(here, False)
    assert (
        f"asked to run xperf, found no program at {tmp_path / 'gone.exe'}, where {file} has it. "
        "Mend program under [xperf] there. Do without."
    ) == said(there, False)


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path, trace: Path) -> None:
    program = tmp_path / ("xperf.exe" if os.name == "nt" else "xperf")
    program.write_bytes(b"\x00\x01 no program at all")
    program.chmod(0o755)

    with pytest.raises(MissingToolError, match=r"found that it cannot be started \(.+\)\. Install"):
        opened(program).run(trace, tmp_path / "out.txt", DUMPER)


# ---- called ----------------------------------------------------------------------------------------------------------


def test_the_call_is_right_to_the_letter(tmp_path: Path, trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = stand_in(tmp_path / "wpt", Play("text\n"))
    xperf = opened(program)

    ended = xperf.run(trace.relative_to(tmp_path), Path("out.txt"), DUMPER)

    options = ["-tle", "-tti", "-symbols", "-o", str(tmp_path / "out.txt"), "-a", "dumper", "-stacktimeshifting"]
    assert (0, ()) == (ended.exit_code, ended.lines)
    assert [["-i", str(trace), *options]] == [call["words"] for call in calls(program)]
    assert xperf.problem(ended, tmp_path / "out.txt", DUMPER) is None


@pytest.mark.parametrize(
    "action", [("dumper",), ("stack", "-butterfly"), ("stack", "-butterfly", "0"), ("profile", "-o")]
)
def test_the_stand_in_refuses_what_xperf_would(tmp_path: Path, trace: Path, action: tuple[str, ...]) -> None:
    assert WRONG_CALL == opened(stand_in(tmp_path / "wpt", Play())).run(trace, tmp_path / "out.txt", action).exit_code


def test_symbols_come_from_the_settings_else_from_the_environment(tmp_path: Path, trace: Path) -> None:
    program = stand_in(tmp_path / "wpt", Play("text\n"))
    theirs = {"_NT_SYMBOL_PATH": "theirs", "_NT_SYMCACHE_PATH": "cache"}

    opened(program, theirs).run(trace, tmp_path / "1", DUMPER)
    opened(program, theirs, symbol_path="build;srv*c").run(trace, tmp_path / "2", DUMPER)
    opened(program, {}, symcache_path="mine").run(trace, tmp_path / "3", DUMPER)

    expected = [
        ("theirs", "cache", Path.cwd()),
        ("build;srv*c", "cache", program.parent),
        (None, "mine", program.parent),
    ]
    assert expected == [(call["SYMBOL"], call["SYMCACHE"], Path(call["folder"])) for call in calls(program)]
    assert [True, True, False] == [
        opened(program, theirs).has_symbol_path,
        opened(program, {}, symbol_path="x").has_symbol_path,
        opened(program, {"_NT_SYMBOL_PATH": " "}).has_symbol_path,
    ]


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("[1/2] 30.0%", (30, 200)),
        ("[2/2]  99,5 %", (199, 200)),
        ("[ 1 / 1 ] Processing", (0, 100)),
        ("[2/2] 900%", (200, 200)),
        ("[3/2] 10%", None),
        ("[0/0]", None),
        ("error: [1/2]", None),
    ],
)
def test_progress_is_told_from_words(line: str, step: tuple[int, int] | None) -> None:
    assert step == step_of(line)


# ---- judged ----------------------------------------------------------------------------------------------------------


def judged(tmp_path: Path, ended: Ended, content: bytes | None = b"") -> str | None:
    """What is said of a run that left such an output."""
    output = tmp_path / "out.txt"
    if content is not None:
        output.write_bytes(content)
    xperf = Xperf(Path("wpt", "xperf.exe"), {}, 600.0, None, INSTEAD)
    return xperf.problem(ended, output, DUMPER)


LOST = (
    "6728 Events were lost in this trace. Data may be unreliable.",
    "This is usually caused by insufficient disk bandwidth for ETW logging.",
    "Please try increasing the minimum and maximum number of buffers.",
)
BY_HAND = "xperf.exe -i TRACE -tle -tti -symbols -o FILE -a dumper -stacktimeshifting"


@pytest.mark.parametrize(
    ("code", "lines", "quoted", "means"),
    [
        (1, LOST, LOST[0], "events were lost while the trace was recorded, and this xperf gives up on that in spite"),
        (-2147023504, ("odd",), "odd", "events were lost"),
        (0x80070005, (), None, "it was denied access. Check that you may read"),
        (-2147024891, ("Cannot open",), "Cannot open", "it was denied access"),
        (
            1,
            ("xperf: error: Access is denied. (0x5)",),
            "xperf: error: Access is denied. (0x5)",
            "it was denied access",
        ),
        (1, ("failed: -2147024891",), "failed: -2147024891", "it was denied access"),
        (2147943404, (), None, "it does not know an option that perfdb gives it. Install"),
        (1, ("error: NT Kernel Logger: 0x800700B7",), "error: NT Kernel Logger: 0x800700B7", "a recording session"),
        (2147942583, (), None, "Stop it (xperf -stop, or wpr -cancel)"),
        (1, ("There is not enough space on the disk.",), "There is not enough space on the disk.", "the disk is full"),
        (0x80070020, (), None, "another program holds the trace"),
    ],
)
def test_known_failures(tmp_path: Path, code: int, lines: tuple[str, ...], quoted: str | None, means: str) -> None:
    said = judged(tmp_path, Ended(code, lines, 1.0))

    words = f"; it said: {quoted}" if quoted else ", without a word"
    assert said is not None
    assert said.startswith(f"xperf -a dumper -stacktimeshifting left an empty file ({shown_code(code)}){words}: ")
    assert f": {means}" in said or means in said.partition(words)[2]


def test_unknown_failures_quote_the_last_words(tmp_path: Path) -> None:
    ended = Ended(9, ("one", "two", "three", "error: stack: no option specified"), 1.0)

    begun = "xperf -a dumper -stacktimeshifting wrote no file (exit code 9)"
    rest = f"Try by hand to see more ({BY_HAND}). Do without."
    assert f"{begun}; it said: two / three / error: stack: no option specified. {rest}" == judged(tmp_path, ended, None)
    assert f"{begun}, without a word. {rest}" == judged(tmp_path, Ended(9, (), 1.0), None)


def test_a_loss_of_nothing_is_no_loss(tmp_path: Path) -> None:
    said = judged(tmp_path, Ended(1, ("Events Lost: 0, Buffers lost: 0", "0 Events were lost"), 1.0))

    assert said is not None
    assert "events were lost while" not in said


def test_an_end_by_the_time_limit_whatever_is_there(tmp_path: Path) -> None:
    said = judged(tmp_path, Ended(-9, ("SYMSRV: http",), 600.25, timed_out=True), b"BeginHeader\r\n")

    assert (
        "xperf -a dumper was still at work after 600.2 s, the most that it may take, and was ended; it said: SYMSRV: "
        "http. Symbol servers are the usual cause: let symbol_path under [xperf] in perfdb.toml name local folders, or "
        "raise timeout_s there."
    ) == said


@pytest.mark.parametrize(
    ("ended", "content", "said"),
    [
        (Ended(0, (), 1.0), b"BeginHeader\r\n", None),
        (Ended(0, (), 1.0), b"cut, but not by a failure", None),
        (Ended(1, (), 1.0), b"BeginHeader\r\n", None),
        (Ended(1, (), 1.0), b"BeginHeader\r\n  SampledPro", "gave up in the middle of a line (exit code 1)"),
        (Ended(-11, (), 1.0), b"BeginHeader\r\n", "crashed before its file was whole (ended by signal 11)"),
        (Ended(0xC0000005, (), 1.0), b"BeginHeader\r\n", "crashed before its file was whole (exit code 0xC0000005)"),
        (Ended(0, (), 1.0), b"", "left an empty file (exit code 0)"),
    ],
)
def test_code_and_content_are_judged_together(tmp_path: Path, ended: Ended, content: bytes, said: str | None) -> None:
    told = judged(tmp_path, ended, content)

    assert (told or "").startswith(f"xperf -a dumper -stacktimeshifting {said}" if said else "")
    assert (said is None) == (told is None)


def test_long_last_words_are_cut(tmp_path: Path) -> None:
    said = judged(tmp_path, Ended(1, ("x" * 1000,), 1.0))

    assert said is not None
    assert "it said: …" + "x" * 300 + "." in said


def test_crashes_are_told_from_failures() -> None:
    assert [True, True, False, False, False] == [
        has_crashed(code) for code in (-11, 0xC0000005, 1, 0x80070005, -2147024891)
    ]


# ---- its reports -----------------------------------------------------------------------------------------------------

SUMMARY = b" StartTime,   EndTime,  Cpu 0\r\n         0,   1000000,  94.74\r\n"


@pytest.mark.parametrize("name", ["butterfly", "detail"])
def test_the_reports_of_the_corpus_look_right(corpus: Path, name: str) -> None:
    file = {"butterfly": "dotnet-gc-x64.butterfly.html", "detail": "dotnet-gc-x64.profile_detail.txt"}[name]

    assert [name] == [classic.name for classic in CLASSICS if classic.looks_right(corpus / file)]


def test_a_butterfly_that_is_cut_does_not_look_right(tmp_path: Path, corpus: Path) -> None:
    whole = (corpus / "dotnet-gc-x64.butterfly.html").read_bytes()
    cut = tmp_path / "cut.html"
    cut.write_bytes(whole[: len(whole) // 2])
    summary = tmp_path / "summary.txt"
    summary.write_bytes(SUMMARY)

    assert [] == [classic.name for classic in CLASSICS if classic.looks_right(cut)]
    assert ["summary"] == [classic.name for classic in CLASSICS if classic.looks_right(summary)]
    assert names_functions(corpus / "dotnet-gc-x64.butterfly.html")
    assert not names_functions(summary)
