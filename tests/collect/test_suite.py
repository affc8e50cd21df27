"""The suite made ready: which examples run, what they start, what is refused before anything runs, and the order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.collect.launch import Launch
from perfdb.collect.suite import FEW_EXAMPLES, Turn, chosen_examples, command_launch, launch_of, turns
from perfdb.errors import InputError, UsageError
from perfdb.suite_settings import ExampleSettings, SuiteSettings

FILE = Path("project", "perfdb.toml")


def suite_of(*names: str) -> SuiteSettings:
    return SuiteSettings("p", Path("traces"), {name: ExampleSettings(name, ("tool",), Path()) for name in names})


def program(path: Path, *, may_run: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(0o755 if may_run else 0o644)
    return path


def launched(
    root: Path,
    *command: str,
    build_dir: Path | None = None,
    environ: Mapping[str, str] | None = None,
    on_windows: bool = False,
    example: ExampleSettings | None = None,
) -> Launch:
    """What an example of a command starts, run from `root`; `example` says the rest of it."""
    example = replace(example or ExampleSettings("simple", (), root), command=command)
    return launch_of(example, suite_of(), root, build_dir, environ or {}, on_windows=on_windows)


def refusal(root: Path, *command: str, **other: object) -> str:
    with pytest.raises(InputError) as caught:
        launched(root, *command, **other)  # type: ignore[arg-type]
    assert 3 == caught.value.exit_code
    return str(caught.value).replace(str(root), "ROOT").replace("\\", "/")


# ---- which examples --------------------------------------------------------------------------------------------------


def test_without_names_all_run_in_the_order_of_the_file() -> None:
    suite = suite_of("zeta", "alpha", "mid")

    assert ["zeta", "alpha", "mid"] == [example.name for example in chosen_examples(suite, None, FILE)]


def test_named_examples_run_once_each_in_the_order_asked() -> None:
    suite = suite_of("zeta", "alpha", "mid")

    assert ["mid", "zeta"] == [example.name for example in chosen_examples(suite, ["mid", "zeta", "mid"], FILE)]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (("simple", "templates"), " Did you mean 'simple'? Its examples: simple, templates."),
        (("Simple", "simple2"), " Did you mean 'Simple' or 'simple2'? Its examples: Simple, simple2."),
        (("zeta",), " Its examples: zeta."),
        (
            ("simple", *(f"x{number}" for number in range(FEW_EXAMPLES))),
            " Did you mean 'simple'? `perfdb profile --list` lists its 11 examples.",
        ),
    ],
)
def test_an_unknown_example_is_answered_with_the_nearest(known: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as caught:
        chosen_examples(suite_of(*known), [known[0], "simpel"], FILE)

    assert f"asked for the example 'simpel', found none of that name in {FILE}.{said}" == str(caught.value)


@pytest.mark.parametrize(
    ("file", "said", "table"),
    [
        (FILE, f"found none in {FILE}. Write each into it", "[examples.simple]"),
        (Path("pyproject.toml"), "found none in pyproject.toml. Write each into it", "[tool.perfdb.examples.simple]"),
        (None, "found no settings file. Write each into a perfdb.toml", "[examples.simple]"),
    ],
)
def test_an_empty_suite_is_answered_with_a_sample(file: Path | None, said: str, table: str) -> None:
    for names in (None, ["simple"]):
        with pytest.raises(InputError) as caught:
            chosen_examples(suite_of(), names, file)

        sample = f'{table}\ncommand = ["build/simple", "--n", "5"]'
        assert f"asked for the examples of the suite, {said} with its command, such as:\n{sample}" == str(caught.value)


# ---- what they start -------------------------------------------------------------------------------------------------


def test_a_launch_starts_what_was_written(tmp_path: Path) -> None:
    here = Path(sys.executable)
    told = (
        "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ['DATA'], os.environ['KEPT']]))"
    )
    (tmp_path / "build").mkdir()
    example = ExampleSettings("simple", (), Path("{build}"), {"DATA": "{build}/data"}, timeout_s=7)
    environ = {**os.environ, "PATH": os.pathsep.join([str(tmp_path), str(here.parent)]), "KEPT": "1", "DATA": "0"}
    build = tmp_path / "build"

    launch = launch_of(
        replace(example, command=(here.name, "-c", told, "{build}/x", '{"a":{"b":1}}', "{other}")),
        suite_of(),
        tmp_path,
        build,
        environ,
    )
    output = subprocess.run(launch.command, cwd=launch.folder, env=launch.environment, capture_output=True, check=True)

    assert Path(launch.command[0]).is_absolute()
    arguments = [f"{build}/x", '{"a":{"b":1}}', "{other}"]
    assert [arguments, str(build.resolve()), f"{build}/data", "1"] == json.loads(output.stdout)
    assert 7 == launch.limit_s


def test_the_time_limit_is_the_suites_where_the_example_has_none(tmp_path: Path) -> None:
    program(tmp_path / "tool")

    assert 600.0 == launched(tmp_path, "./tool").limit_s


def test_the_build_folder_of_the_call_goes_before_that_of_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, called = (program(tmp_path / name / "tool") for name in ("said", "called"))
    suite = replace(suite_of(), build_dir=said.parent)
    example = ExampleSettings("simple", ("{build}/tool",), tmp_path)
    monkeypatch.chdir(tmp_path)

    launches = [launch_of(example, suite, tmp_path, build_dir, {}) for build_dir in (None, Path("called"))]

    assert [str(said), str(called)] == [launch.command[0] for launch in launches]


def test_a_program_with_a_folder_counts_from_the_settings_and_others_from_path(tmp_path: Path) -> None:
    own = program(tmp_path / "sub" / "tool")
    other = program(tmp_path / "bin" / "tool")
    program(tmp_path / "tool")
    environ = {"PATH": os.pathsep.join(["", str(tmp_path / "gone"), str(tmp_path / "bin")])}

    found = [launched(tmp_path, word, environ=environ).command[0] for word in ("sub/tool", "tool")]

    assert [str(own), str(other)] == found


def test_the_path_that_an_example_sets_is_searched(tmp_path: Path) -> None:
    tool = program(tmp_path / "own" / "tool")
    example = ExampleSettings("simple", (), tmp_path, {"PATH": str(tool.parent)})

    assert str(tool) == launched(tmp_path, "tool", environ={"PATH": "/nowhere"}, example=example).command[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no right to execute")
def test_path_passes_over_what_may_not_be_executed(tmp_path: Path) -> None:
    program(tmp_path / "a" / "tool", may_run=False)
    tool = program(tmp_path / "b" / "tool")
    environ = {"PATH": os.pathsep.join([str(tmp_path / "a"), str(tmp_path / "b")])}

    assert str(tool) == launched(tmp_path, "tool", environ=environ).command[0]


@pytest.mark.parametrize(
    ("files", "word", "found"),
    [
        (["tool", "tool.exe"], "tool", "tool.exe"),
        (["tool.exe", "tool.com"], "tool", "tool.com"),
        (["tool.exe"], "tool.exe", "tool.exe"),
        (["tool.exe.exe"], "tool.exe", "tool.exe.exe"),
        (["tool.v2.bat"], "tool.v2", "tool.v2.bat"),
        (["tool.py"], "tool.py", "tool.py"),
    ],
)
def test_windows_adds_endings(tmp_path: Path, files: list[str], word: str, found: str) -> None:
    for file in files:
        program(tmp_path / file, may_run=False)
    environ = {"Path": str(tmp_path), "PathExt": ".COM;.EXE;.BAT"}

    for written in (word, f"./{word}"):
        assert found == Path(launched(tmp_path, written, environ=environ, on_windows=True).command[0]).name


def test_windows_knows_variables_whatever_their_case(tmp_path: Path) -> None:
    program(tmp_path / "tool")
    environ = {"Path": "x", "Data": "old", "Kept": "1"}
    example = ExampleSettings("simple", (), tmp_path, {"DATA": "new"})

    windows, other = (
        launched(tmp_path, "./tool", environ=environ, on_windows=on_windows, example=example).environment
        for on_windows in (True, False)
    )

    assert {"Path": "x", "DATA": "new", "Kept": "1"} == windows
    assert {**environ, "DATA": "new"} == other


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    asked = "asked to run the example 'simple'"
    mend = "or mend its command in the settings."
    elsewhere = ExampleSettings("simple", (), tmp_path / "gone")

    assert f"{asked}, found no program ROOT/build/x. Build it first, {mend}" == refusal(tmp_path, "build/x")
    assert f"{asked}, found no program 'x' on PATH. Install it, {mend}" == refusal(
        tmp_path, "x", environ={"PATH": str(tmp_path)}
    )
    assert f"{asked}, found no program ROOT/x, nor one with .exe. Build it first, {mend}" == refusal(
        tmp_path, "./x", environ={"PATHEXT": ".EXE"}, on_windows=True
    )
    assert f"{asked} in ROOT/gone, found no such folder. Make it, or mend its folder in the settings." == refusal(
        tmp_path, "x", example=elsewhere
    )


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()

    assert "found no program ROOT/tool. Build it first" in refusal(tmp_path, "./tool")
    assert "found no program" in refusal(tmp_path, "{build}", build_dir=tmp_path)
    assert "found no program" in refusal(tmp_path, "/", on_windows=True)


def test_a_name_that_no_system_takes_is_no_program(tmp_path: Path) -> None:
    assert "found no program" in refusal(tmp_path, "./" + "x" * 5000)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no right to execute")
def test_a_program_that_may_not_be_executed_is_said(tmp_path: Path) -> None:
    program(tmp_path / "tool", may_run=False)

    assert (
        "asked to run the example 'simple', found that ROOT/tool may not be executed. Make it a program (chmod +x), "
        "or mend its command in the settings."
    ) == refusal(tmp_path, "./tool")


@pytest.mark.parametrize(
    "example",
    [
        ExampleSettings("simple", ("{build}/tool",), Path()),
        ExampleSettings("simple", ("tool", "--data={build}"), Path()),
        ExampleSettings("simple", ("tool",), Path("{build}")),
        ExampleSettings("simple", ("tool",), Path(), {"A": "{build}"}),
    ],
    ids=["program", "argument", "folder", "environment"],
)
def test_a_build_that_nobody_names_or_made_is_said(tmp_path: Path, example: ExampleSettings) -> None:
    asked = "asked to run the example 'simple' from {build}"
    nobody = (
        "found nobody who says which folder that is. Set build_dir under [profile], or add --build-dir DIR or --pair."
    )
    gone = "found no folder ROOT/gone. Build it first, or name another: --build-dir DIR."

    assert f"{asked}, {nobody}" == refusal(tmp_path, *example.command, example=example)
    assert f"{asked}, {gone}" == refusal(tmp_path, *example.command, example=example, build_dir=tmp_path / "gone")


def test_a_build_that_is_not_asked_for_need_not_be_there(tmp_path: Path) -> None:
    tool = program(tmp_path / "tool")

    assert str(tool) == launched(tmp_path, "./tool", build_dir=tmp_path / "gone").command[0]


def test_a_command_that_was_typed_counts_from_its_folder(tmp_path: Path) -> None:
    tool = program(tmp_path / "tool")

    launch = command_launch(["./tool", "{build}", ""], tmp_path, {"A": "1"}, 5.0, on_windows=False)

    assert Launch((str(tool), "{build}", ""), tmp_path, {"A": "1"}, 5.0) == launch


def test_a_command_that_was_typed_wrongly_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found none. Write it behind two dashes: -- COMMAND ARG…"):
        command_launch([], tmp_path, {}, 5.0)
    for word in ("./gone", ""):
        with pytest.raises(InputError, match="asked to run the command, found no program .*, or name another behind"):
            command_launch([word], tmp_path, {"PATH": str(tmp_path)}, 5.0)


# ---- in which order --------------------------------------------------------------------------------------------------


def spelt(order: tuple[Turn, ...]) -> str:
    """Turns in short: the example, its side as a letter, small for a warm-up, and the number."""
    return " ".join(
        f"{turn.example.name}{('ab' if turn.is_warmup else 'AB')[turn.side]}{turn.number}/{turn.of}" for turn in order
    )


def test_sides_change_places_from_round_to_round() -> None:
    (x,) = chosen_examples(suite_of("x"), None, None)

    assert "xA1/3 xB1/3 xB2/3 xA2/3 xA3/3 xB3/3" == spelt(turns([x], suite_of(), 2, 3, None))


def test_warmups_come_first_and_rounds_go_through_all_examples() -> None:
    x, y = chosen_examples(suite_of("x", "y"), None, None)
    x = replace(x, repeat=1, warmup=2)
    suite = replace(suite_of(), repeat=2, warmup=1)

    assert "xa1/2 xa2/2 ya1/1 xA1/1 yA1/2 yA2/2" == spelt(turns([x, y], suite, 1, None, None))
    assert "xa1/1 xb1/1 xA1/1 xB1/1" == spelt(turns([x], suite, 2, None, 1))


def test_the_call_goes_before_the_example_and_zero_is_said_too() -> None:
    (x,) = chosen_examples(suite_of("x"), None, None)

    assert "xA1/2 xA2/2" == spelt(turns([replace(x, repeat=9, warmup=3)], suite_of(), 1, 2, 0))
    assert () == turns([], suite_of(), 2, 3, 1)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=5),
    st.integers(1, 3),
)
def test_every_example_and_side_has_its_runs_and_drift_falls_on_all_sides(
    asked: list[tuple[int, int]], sides: int
) -> None:
    examples = [
        ExampleSettings(f"x{row}", ("tool",), Path(), repeat=repeat, warmup=warmup)
        for row, (repeat, warmup) in enumerate(asked)
    ]

    order = turns(examples, suite_of(), sides, None, None)

    warm = sum(turn.is_warmup for turn in order)
    assert all(turn.is_warmup for turn in order[:warm])
    for example, (repeat, warmup) in zip(examples, asked, strict=True):
        places = []
        for side in range(sides):
            mine = [(place, turn) for place, turn in enumerate(order) if (turn.example, turn.side) == (example, side)]
            assert list(range(1, warmup + 1)) == [turn.number for _, turn in mine if turn.is_warmup]
            assert list(range(1, repeat + 1)) == [turn.number for _, turn in mine if not turn.is_warmup]
            places.append([place for place, turn in mine if not turn.is_warmup])
        if repeat % 2 == 0:
            assert len({mean(each) for each in places}) == 1
