"""The suite, made ready to run: which examples, in which order, and what each of them starts.

    [examples.simple] ─▶ chosen_examples ─▶ launch_of  ({build}, PATH, environment) ─▶ Launch
                                         └▶ turns      (warm-ups, then A B, B A, …) ─▶ Turn, Turn, …

Whatever is wrong with an example is said here, before anything is run. Runs of two sides alternate, so that a machine
that grows warm, or gets busy, slows down both.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfdb.collect.launch import Launch
from perfdb.errors import InputError, UsageError
from perfdb.suite_settings import BUILD, ExampleSettings, SuiteSettings

FEW_EXAMPLES = 10
"""How many examples a message lists; of more than that it says how to list them."""
ENDINGS = ".COM;.EXE;.BAT;.CMD"
"""The endings of programs on Windows where PATHEXT is not set."""


# ---- which examples --------------------------------------------------------------------------------------------------


def chosen_examples(
    suite: SuiteSettings, names: Sequence[str] | None, file: Path | None
) -> tuple[ExampleSettings, ...]:
    """The examples of some names, each once, as they were named; without names all, in the order of the file.

    `file` is the settings file, for messages. Raises InputError for a name that the suite does not have, and for a
    suite that has none.
    """
    if not suite.examples:
        raise InputError(_empty(file))
    for name in names or ():
        if name not in suite.examples:
            raise InputError(_unknown(name, suite, file))
    return tuple(suite.examples[name] for name in dict.fromkeys(names or suite.examples))


def _empty(file: Path | None) -> str:
    table = "tool.perfdb.examples" if file is not None and file.name == "pyproject.toml" else "examples"
    where = f"none in {file}" if file is not None else "no settings file"
    return (
        f"asked for the examples of the suite, found {where}. Write each into "
        f"{'it' if file is not None else 'a perfdb.toml'} with its command, such as:\n"
        f'[{table}.simple]\ncommand = ["build/simple", "--n", "5"]'
    )


def _unknown(name: str, suite: SuiteSettings, file: Path | None) -> str:
    folded = {known.casefold(): known for known in suite.examples}
    near = [repr(folded[key]) for key in difflib.get_close_matches(name.casefold(), folded)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    if len(suite.examples) <= FEW_EXAMPLES:
        listed = f"Its examples: {', '.join(suite.examples)}."
    else:
        listed = f"`perfdb profile --list` lists its {len(suite.examples)} examples."
    return f"asked for the example {name!r}, found none of that name in {file or 'the suite'}.{hint} {listed}"


# ---- what they start -------------------------------------------------------------------------------------------------


def launch_of(
    example: ExampleSettings,
    suite: SuiteSettings,
    root: Path,
    build_dir: Path | None,
    environ: Mapping[str, str],
    *,
    on_windows: bool = os.name == "nt",
) -> Launch:
    """An example, ready to be started. `build_dir` None is that of the suite; `environ` is that of the call.

    Raises InputError where its build folder is not known or not there, or its folder or program is not there.
    """
    called = f"the example {example.name!r}"
    build = _build(example, build_dir or suite.build_dir)
    words = [word.replace(BUILD, build) for word in example.command]
    folder = Path(str(example.folder).replace(BUILD, build))
    if not _is_so(folder.is_dir):
        raise InputError(
            f"asked to run {called} in {folder}, found no such folder. Make it, or mend its folder in the settings."
        )
    said = {name: value.replace(BUILD, build) for name, value in example.environment.items()}
    environment = _added(environ, said, on_windows)
    places = _Places(root, environment, on_windows)
    program = places.program(words[0], called, "mend its command in the settings")
    limit_s = suite.timeout_s if example.timeout_s is None else example.timeout_s
    return Launch((str(program), *words[1:]), folder, environment, limit_s)


def command_launch(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    limit_s: float,
    *,
    on_windows: bool = os.name == "nt",
) -> Launch:
    """A command that somebody typed in a folder, ready to be started there.

    Raises UsageError for no command at all, InputError where its program is not there.
    """
    if not command:
        raise UsageError("asked to profile a command, found none. Write it behind two dashes: -- COMMAND ARG…")
    places = _Places(folder.absolute(), environ, on_windows)
    program = places.program(command[0], "the command", "name another behind the two dashes")
    return Launch((str(program), *command[1:]), folder.absolute(), dict(environ), limit_s)


def _build(example: ExampleSettings, build_dir: Path | None) -> str:
    """What `{build}` stands for, absolute; "" where the example does not ask."""
    texts = (*example.command, str(example.folder), *example.environment.values())
    if not any(BUILD in text for text in texts):
        return ""
    asked = f"asked to run the example {example.name!r} from {BUILD}"
    if build_dir is None:
        raise InputError(
            f"{asked}, found nobody who says which folder that is. Set build_dir under [profile], or add "
            "--build-dir DIR or --pair."
        )
    build_dir = build_dir.absolute()
    if not _is_so(build_dir.is_dir):
        raise InputError(f"{asked}, found no folder {build_dir}. Build it first, or name another: --build-dir DIR.")
    return str(build_dir)


def _added(environ: Mapping[str, str], said: Mapping[str, str], on_windows: bool) -> dict[str, str]:
    """An environment with more in it, where Windows takes names for the same whatever their case."""
    replaced = {name.upper() for name in said} if on_windows else set()
    return {**{name: value for name, value in environ.items() if name.upper() not in replaced}, **said}


@dataclass(frozen=True, slots=True)
class _Places:
    """Where programs are looked for: `folder` is what relative paths count from."""

    folder: Path
    environ: Mapping[str, str]
    on_windows: bool

    def program(self, word: str, called: str, remedy: str) -> Path:
        """The program that a command begins with. The others say, for a message, whose it is and what else helps."""
        is_path = "/" in word or "\\" in word
        bases = [self.folder / word] if is_path else [Path(folder, word).absolute() for folder in self._search()]
        files = [path for base in bases for path in self._spelt(base) if _is_so(path.is_file)]
        for path in files:
            if self.on_windows or os.access(path, os.X_OK):
                return path
        if files:
            found = f"that {files[0]} may not be executed. Make it a program (chmod +x)"
        elif is_path:
            tried = f", nor one with {', '.join(self._endings())}" if self.on_windows else ""
            found = f"no program {bases[0]}{tried}. Build it first"
        else:
            found = f"no program {word!r} on PATH. Install it"
        raise InputError(f"asked to run {called}, found {found}, or {remedy}.")

    def _search(self) -> list[str]:
        return [folder for folder in self._variable("PATH", os.defpath).split(os.pathsep) if folder]

    def _spelt(self, path: Path) -> list[Path]:
        """A path with the endings that Windows adds: first of all as it is, if it has one of them."""
        endings = self._endings() if self.on_windows else []
        longer = [Path(f"{path}{ending}") for ending in endings]
        has_one = any(path.name.lower().endswith(ending) for ending in endings)
        return [path, *longer] if has_one else [*longer, path]

    def _endings(self) -> list[str]:
        return [ending.lower() for ending in self._variable("PATHEXT", ENDINGS).split(";") if ending]

    def _variable(self, name: str, default: str) -> str:
        if self.on_windows:
            return next((value for key, value in self.environ.items() if key.upper() == name), default)
        return self.environ.get(name, default)


def _is_so(check: Callable[[], bool]) -> bool:
    """What a check of a path says; False where it must not be asked, or has a name that no system takes."""
    try:
        return check()
    except (OSError, ValueError):
        return False


# ---- in which order --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of an example: `number` of `of`, counted from 1 for each example and side, warm-ups by themselves."""

    example: ExampleSettings
    side: int
    number: int
    of: int
    is_warmup: bool


def turns(
    examples: Sequence[ExampleSettings], suite: SuiteSettings, sides: int, repeat: int | None, warmup: int | None
) -> tuple[Turn, ...]:
    """All runs in their order: the warm-ups of each example and side, then round by round one run of everything.

    Sides change places from round to round: over an even number of rounds each comes, on average, at the same place.
    `repeat` and `warmup` are the call's; None is what the example says, else the suite. An example with fewer runs
    than others is done earlier.
    """
    warmups = [(example, _first(warmup, example.warmup, suite.warmup)) for example in examples]
    runs = [(example, _first(repeat, example.repeat, suite.repeat)) for example in examples]
    warming = [
        Turn(example, side, number, of, is_warmup=True)
        for example, of in warmups
        for number in range(1, of + 1)
        for side in range(sides)
    ]
    measured = [
        Turn(example, side, number, of, is_warmup=False)
        for number in range(1, max((of for _, of in runs), default=0) + 1)
        for example, of in runs
        if number <= of
        for side in (range(sides) if number % 2 else reversed(range(sides)))
    ]
    return (*warming, *measured)


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
