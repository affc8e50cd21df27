r"""The suite: which examples `perfdb profile` runs, and how; a part of the settings (see `perfdb.config`).

    [profile]
    project = "dosatsu"                    # names the traces; default: the name of the project's folder
    profiler = "perf"                      # etwprof, xperf or perf; default: what this system has
    folder = "artifacts/profile"           # where traces go
    build_dir = "build/release"            # what {build} stands for; --build-dir and --pair say others
    repeat = 3                             # default: 1
    warmup = 1                             # runs before that, which are not profiled; default: 0
    timeout_s = 600                        # what one run of an example may take
    keep = 20                              # traces of each example that stay; default: all
    rate_hz = 1000                         # samples a second; default: as the machine is set (perf: 997)

    [examples.simple]                      # everything but `command` has a default; all of [profile]'s
    command = ["{build}/simple", "--n", "5"]     # or one text: words divided by blanks, "…" holds one together
    folder = "data"                        # where it runs, from the settings file's folder
    environment = { OMP_NUM_THREADS = "1" }      # added to that of the call
    process = "simple.exe"                 # the main process, where it is not the program itself
    repeat = 5
    warmup = 0
    timeout_s = 60
    exit_codes = [0]                       # what it may end with

    [etwprof]
    program = "third_party/etwprof/etwprof.exe"  # default: the one that is found

    [perf]
    program = "tools/perf"                 # default: the one on PATH
    call_graph = "fp"                      # fp (frame pointers) or dwarf
    event = "cycles"                       # default: cycles, or cpu-clock where the machine has none
    inline = false                         # are inlined functions told? perf is slower then

Relative paths count from the settings file's folder; so does a command's first word that holds a slash or a backslash,
and one that holds neither is looked for on PATH. A command that is one text has no escapes, so that it means the same
on every system: backslashes are backslashes. `{build}` stands for the build folder's absolute path in command, folder
and environment; other braces stay as they are, doubled ones too: they are common in arguments that are JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from perfdb.errors import ConfigError
from perfdb.example_name import safe_name
from perfdb.settings_section import Section

REPEAT, WARMUP = 1, 0
TIMEOUT_S = 600.0
FOLDER = Path("artifacts", "profile")
PROFILERS = ("etwprof", "xperf", "perf")
CALL_GRAPHS = ("fp", "dwarf")
MOST_HZ = 20_000
"""The most samples a second that may be asked for."""
BUILD = "{build}"
"""Stands for the folder of a build."""


@dataclass(frozen=True, slots=True)
class ExampleSettings:
    """One example of the suite. `command` and `environment` may hold `{build}`; None is what the suite says.

    `folder` is absolute but for a `{build}` it may begin with.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: str | None = None
    repeat: int | None = None
    warmup: int | None = None
    timeout_s: float | None = None
    exit_codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class SuiteSettings:
    """What `perfdb profile` assumes when the call does not say it. Paths are absolute; None is the default."""

    project: str
    folder: Path
    examples: Mapping[str, ExampleSettings] = field(default_factory=dict)
    profiler: str | None = None
    build_dir: Path | None = None
    repeat: int = REPEAT
    warmup: int = WARMUP
    timeout_s: float = TIMEOUT_S
    keep: int | None = None
    rate_hz: int | None = None


@dataclass(frozen=True, slots=True)
class EtwprofSettings:
    """Which etwprof is run; `program` is absolute, None for the one that is found."""

    program: Path | None = None


@dataclass(frozen=True, slots=True)
class PerfSettings:
    """Which perf is run, and how it unwinds stacks: `fp` (frame pointers) or `dwarf`.

    `event` is what is sampled, None for `cycles` where the machine has them and `cpu-clock` where it does not.
    """

    program: Path | None = None
    call_graph: str = "fp"
    event: str | None = None
    inline: bool = False


def default_suite(root: Path) -> SuiteSettings:
    """The suite of a project that says nothing about one."""
    return SuiteSettings(safe_name(root.name), root / FOLDER)


# ---- understanding it ------------------------------------------------------------------------------------------------

_Value = TypeVar("_Value")
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


def parse_suite(profile: Section, examples: Section, root: Path) -> SuiteSettings:
    """The suite that [profile] and [examples] say; `root` is the settings file's folder. Raises ConfigError."""
    profile.check_keys(
        ("build_dir", "folder", "keep", "profiler", "project", "rate_hz", "repeat", "timeout_s", "warmup")
    )
    default = default_suite(root)
    return SuiteSettings(
        project=profile.text("project") or default.project,
        folder=profile.path("folder", root) or default.folder,
        examples=_examples(examples, root),
        profiler=_if_said(profile, "profiler", lambda: profile.one_of("profiler", PROFILERS)),
        build_dir=profile.path("build_dir", root),
        repeat=_repeat(profile),
        warmup=_warmup(profile),
        timeout_s=_timeout_s(profile),
        keep=_if_said(profile, "keep", lambda: profile.count("keep", 1, least=1)),
        rate_hz=_if_said(profile, "rate_hz", lambda: profile.count("rate_hz", 1, least=1, most=MOST_HZ)),
    )


def parse_etwprof(section: Section, root: Path) -> EtwprofSettings:
    """What [etwprof] says. Raises ConfigError."""
    section.check_keys(("program",))
    return EtwprofSettings(section.path("program", root))


def parse_perf(section: Section, root: Path) -> PerfSettings:
    """What [perf] says. Raises ConfigError."""
    section.check_keys(("call_graph", "event", "inline", "program"))
    return PerfSettings(
        program=section.path("program", root),
        call_graph=section.one_of("call_graph", CALL_GRAPHS),
        event=section.text("event"),
        inline=section.flag("inline", default=False),
    )


def _examples(section: Section, root: Path) -> dict[str, ExampleSettings]:
    examples: dict[str, ExampleSettings] = {}
    by_safe_name: dict[str, str] = {}
    for name in section.values:
        if not name.strip() or not name.isprintable():
            raise ConfigError(f"{section.where}: the name of an example should be printable text; found {name!r}.")
        # Windows and macOS take names of files for the same whatever their case.
        other = by_safe_name.setdefault(safe_name(name).casefold(), name)
        if other != name:
            raise ConfigError(
                f"{section.where}: traces of the examples {other!r} and {name!r} would have the same name. "
                "Rename one of them."
            )
        examples[name] = _example(name, section.table(name), root)
    return examples


def _example(name: str, section: Section, root: Path) -> ExampleSettings:
    section.check_keys(("command", "environment", "exit_codes", "folder", "process", "repeat", "timeout_s", "warmup"))
    return ExampleSettings(
        name=name,
        command=_command(section),
        folder=_folder(section, root),
        environment=_environment(section.table("environment")),
        process=section.text("process"),
        repeat=_if_said(section, "repeat", lambda: _repeat(section)),
        warmup=_if_said(section, "warmup", lambda: _warmup(section)),
        timeout_s=_if_said(section, "timeout_s", lambda: _timeout_s(section)),
        exit_codes=_exit_codes(section),
    )


def _command(section: Section) -> tuple[str, ...]:
    value = section.values.get("command")
    if isinstance(value, str):
        if value.count('"') % 2:
            raise section.wrong("command", "words divided by blanks, each quote with one that closes it")
        words: list[object] = [word.replace('"', "") for word in _WORD.findall(value)]
    else:
        words = value if isinstance(value, list) else []
    command = tuple(word for word in words if isinstance(word, str) and "\0" not in word)
    if len(command) < len(words) or not command or not command[0].strip():
        raise section.wrong("command", 'a program and its arguments, such as ["build/simple", "--n", "5"]')
    return command


def _folder(section: Section, root: Path) -> Path:
    text = section.text("folder")
    if text is not None and text.startswith(BUILD):
        return Path(text)
    return section.path("folder", root) or root


def _environment(section: Section) -> dict[str, str]:
    for name, value in section.values.items():
        if not name or "=" in name or "\0" in name:
            raise ConfigError(f"{section.where}: {name!r} cannot be the name of a variable.")
        if not isinstance(value, str) or "\0" in value:
            raise section.wrong(name, 'text in quotes, such as "1"')
    return {name: str(value) for name, value in section.values.items()}


def _exit_codes(section: Section) -> tuple[int, ...]:
    codes = section.values.get("exit_codes", [0])
    if not isinstance(codes, list) or not codes or not all(type(code) is int for code in codes):
        raise section.wrong("exit_codes", "a list of whole numbers, such as [0, 1]")
    return tuple(codes)


def _repeat(section: Section) -> int:
    return section.count("repeat", REPEAT, least=1)


def _warmup(section: Section) -> int:
    return section.count("warmup", WARMUP)


def _timeout_s(section: Section) -> float:
    return section.seconds("timeout_s", default=TIMEOUT_S, may_be_zero=False)


def _if_said(section: Section, key: str, read: Callable[[], _Value]) -> _Value | None:
    """A value that has no default here."""
    return read() if key in section.values else None
