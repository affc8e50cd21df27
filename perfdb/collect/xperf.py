"""xperf, of the Windows Performance Toolkit: where it is, what it is told, and what its failures mean.

    xperf -i TRACE -tle -tti -symbols -o FILE -a ACTION …

Everything after `-a` belongs to the action, so `-o` and `-symbols` stand before it. `-tle` and `-tti` let it go on
after lost events and times that run backwards. Symbols come from `_NT_SYMBOL_PATH` and `_NT_SYMCACHE_PATH`.

Its exit code and its output disagree in both directions: it may fail and have written everything, and it may leave an
empty file where its code is all that says so. So both are looked at; `Xperf.problem` is what they come to before the
output is read.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfdb.collect.failures import failure, known_failure, quoted
from perfdb.collect.failures import has_crashed as has_crashed
from perfdb.collect.failures import shown_code as shown_code
from perfdb.collect.process import Ended, Step, Tick, run
from perfdb.collect.programs import find_program
from perfdb.config import Settings, XperfSettings
from perfdb.errors import MissingToolError

Action = tuple[str, ...]
"""An action of xperf with its options: all that stands after `-a`."""

DUMPER: Action = ("dumper", "-stacktimeshifting")

BASE_FOLDERS = ("ProgramFiles(x86)", "ProgramFiles", "ProgramW6432")
"""The variables that name the folders in which programs are installed."""

TOOLKIT_FOLDERS = (
    ("Windows Kits", "10", "Windows Performance Toolkit"),
    ("Windows Kits", "8.1", "Windows Performance Toolkit"),
    ("Windows Kits", "8.0", "Windows Performance Toolkit"),
    ("Microsoft Windows Performance Toolkit",),
)

SYMBOL_PATH, SYMCACHE_PATH = "_NT_SYMBOL_PATH", "_NT_SYMCACHE_PATH"

_STEP = re.compile(r"\[\s*(\d+)\s*/\s*(\d+)\s*\]\s*(?:(\d+(?:[.,]\d+)?)\s*%)?")
_HEAD_BYTES = 1 << 16


# ---- what it writes --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Classic:
    """One of the reports that are kept beside a trace: how its file's name ends, and what tells a whole one.

    `begins` stands in its first bytes, `ends` in its last.
    """

    name: str
    ending: str
    action: Callable[[int], Action]
    begins: bytes
    ends: bytes = b""

    def looks_right(self, path: Path) -> bool:
        """Is this file such a report, from its beginning to its end?"""
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).replace(b"\0", b"")
            file.seek(max(0, file.seek(0, os.SEEK_END) - 200))
            return self.begins in head and self.ends in file.read().replace(b"\0", b"")


SUMMARY = Classic("summary", "_summary.txt", lambda _: ("profile",), b"StartTime")
BUTTERFLY = Classic(
    "butterfly",
    "_butterfly.html",
    lambda min_hits: ("stack", "-butterfly", str(min_hits)),
    b"Stack Report",
    b"</html>",
)
DETAIL = Classic("detail", "_detail.txt", lambda _: ("profile", "-detail"), b"Weight")
CLASSICS = (SUMMARY, BUTTERFLY, DETAIL)


def names_functions(butterfly: Path) -> bool:
    """Does a butterfly report hold any function? It has none where all had fewer hits than were asked for."""
    with butterfly.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"id='#SN") >= 0


# ---- where it is -----------------------------------------------------------------------------------------------------


def find_xperf(settings: XperfSettings, environ: Mapping[str, str]) -> Path | None:
    """The program that the settings name, and no other if they do; else the one on PATH, else an installed one."""
    return find_program("xperf", settings.program, environ, after_path=_standard_places(environ))


def where_looked(settings: XperfSettings, environ: Mapping[str, str]) -> str:
    """The places in which `find_xperf` looks, for people."""
    if settings.program is not None:
        return str(settings.program)
    return ", ".join(["PATH", *(str(path.parent) for path in _standard_places(environ))])


def _standard_places(environ: Mapping[str, str]) -> list[Path]:
    bases = dict.fromkeys(environ[name] for name in BASE_FOLDERS if environ.get(name))
    return [Path(base, *folders, "xperf.exe") for base in bases for folders in TOOLKIT_FOLDERS]


def open_xperf(settings: Settings, environ: Mapping[str, str], *, on_windows: bool, instead: str) -> Xperf:
    """xperf, ready to run. Raises MissingToolError where there is none; `instead` is what to do without it."""
    program = find_xperf(settings.xperf, environ)
    if program is None:
        raise _missing(settings, environ, on_windows, instead)
    told = {SYMBOL_PATH: settings.xperf.symbol_path, SYMCACHE_PATH: settings.xperf.symcache_path}
    said = {name: value for name, value in told.items() if value is not None}
    return Xperf(
        program,
        {**environ, **said},
        settings.xperf.timeout_s,
        # What the settings say relatively counts from their file.
        settings.root if said else None,
        instead,
    )


def _missing(settings: Settings, environ: Mapping[str, str], on_windows: bool, instead: str) -> MissingToolError:
    places = where_looked(settings.xperf, environ)
    if settings.xperf.program is not None:
        return MissingToolError(
            f"asked to run xperf, found no program at {places}, where {settings.file} has it. "
            f"Mend program under [xperf] there. {instead}"
        )
    if not on_windows:
        return MissingToolError(
            f"asked to run xperf, found none on PATH; it exists for Windows only. {instead} A program that stands in "
            "for it can be named in perfdb.toml: program under [xperf]."
        )
    return MissingToolError(
        f"asked to run xperf, found none in {places}. Install the Windows Performance Toolkit, a part of the Windows "
        f"ADK, or name the program in perfdb.toml: program under [xperf]. {instead}"
    )


# ---- running it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Xperf:
    """An xperf that was found: how to run it, and how to judge what it did."""

    program: Path
    environ: Mapping[str, str]
    timeout_s: float
    folder: Path | None
    instead: str

    @property
    def has_symbol_path(self) -> bool:
        """Is there a place where it looks for symbols?"""
        return bool(self.environ.get(SYMBOL_PATH, "").strip())

    def run(self, trace: Path, output: Path, action: Action, tick: Tick | None = None) -> Ended:
        """Have an action of a trace written to a file. Raises MissingToolError where xperf cannot be started."""
        words: list[str | Path] = [
            "-i",
            trace.absolute(),
            "-tle",
            "-tti",
            "-symbols",
            "-o",
            output.absolute(),
            "-a",
            *action,
        ]
        try:
            return run(
                [self.program, *words],
                self.timeout_s,
                environ=self.environ,
                folder=self.folder,
                step_of=step_of,
                tick=tick,
            )
        except OSError as problem:
            raise MissingToolError(
                f"asked to run {self.program}, found that it cannot be started ({problem.strerror or problem}). "
                "Install the Windows Performance Toolkit again, or name another program in perfdb.toml: "
                "program under [xperf]."
            ) from problem

    def problem(self, ended: Ended, output: Path, action: Action) -> str | None:
        """Why the output of a run is of no use, and what to do; None where it may be read."""
        if ended.timed_out:
            return (
                f"xperf -a {action[0]} was still at work after {ended.seconds:,.1f} s, the most that it may take, and "
                f"was ended{quoted(ended.lines)}. Symbol servers are the usual cause: let symbol_path under [xperf] "
                "in perfdb.toml name local folders, or raise timeout_s there."
            )
        size = output.stat().st_size if output.exists() else None
        if not size:
            return self._failed(ended, action, "wrote no file" if size is None else "left an empty file")
        if has_crashed(ended.exit_code):
            return self._failed(ended, action, "crashed before its file was whole")
        if ended.exit_code and not _last_line_is_whole(output):
            return self._failed(ended, action, "gave up in the middle of a line")
        return None

    def unusable(self, ended: Ended, action: Action, what: str) -> str:
        """What to say of an output that is there and is not what was asked for."""
        return self._failed(ended, action, what)

    def _failed(self, ended: Ended, action: Action, what: str) -> str:
        begun = f"xperf -a {' '.join(action)} {what} ({shown_code(ended.exit_code)})"
        known = known_failure(_KNOWN_FAILURES, ended)
        if known is not None:
            means, line = known
            return f"{begun}{quoted([line] if line else ended.lines)}: {means.means}. {means.advice}"
        by_hand = f"{self.program.name} -i TRACE -tle -tti -symbols -o FILE -a {' '.join(action)}"
        return f"{begun}{quoted(ended.lines)}. Try by hand to see more ({by_hand}). {self.instead}"


def step_of(line: str) -> Step | None:
    """How far xperf says that it is, in percent of all its steps: `[1/2] 30.0%` is 30 of 200."""
    told = _STEP.match(line)
    if not told or not 1 <= int(told[1]) <= int(told[2]):
        return None
    percent = min(int(float((told[3] or "0").replace(",", "."))), 100)
    return (int(told[1]) - 1) * 100 + percent, int(told[2]) * 100


def _last_line_is_whole(output: Path) -> bool:
    with output.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 16))
        return file.read().endswith((b"\n", b"</html>"))


# ---- what its failures mean ------------------------------------------------------------------------------------------


TOO_OLD = failure(
    r"invalid flags",
    (0x8007_03EC,),
    "it does not know an option that perfdb gives it",
    "Install the Windows Performance Toolkit of a current Windows ADK, or name its xperf in perfdb.toml: program under "
    "[xperf].",
)
_KNOWN_FAILURES = (
    failure(
        r"access (is )?denied",
        (0x8007_0005,),
        "it was denied access",
        "Check that you may read the trace and write the symbol cache, and that no recording still holds the trace; "
        "else run perfdb from a prompt with administrator's rights.",
    ),
    TOO_OLD,
    failure(
        r"already exists",
        (0x8007_00B7,),
        "a recording session of that name is running",
        "Stop it (xperf -stop, or wpr -cancel), and try again.",
    ),
    failure(
        r"being used by another process",
        (0x8007_0020,),
        "another program holds the trace or a file of symbols",
        "Let the recording or the viewer end, and try again.",
    ),
    failure(
        r"not enough space|disk is full",
        (0x8007_0070, 0x8007_0027),
        "the disk is full",
        "Make room: the text of a trace is up to seven times its size. perfdb record has it in the folder that TEMP "
        "names; xperf's reports go where --output-folder says.",
    ),
    failure(
        r"(?<![\d.,])[1-9][\d,.]* (events|buffers) (were |was )?lost|^(events|buffers) were lost"
        r"|(events|buffers) lost\W+[1-9]|lost [1-9][\d,.]* (events|buffers)",
        (0x8007_0030, 0x8007_0570),
        "events were lost while the trace was recorded, and this xperf gives up on that in spite of -tle",
        "Record the trace with perfdb alone (no --via), which reads what is there and says what is lost; for the next "
        "one, give the recording more and larger buffers.",
    ),
)
