"""etwprof, which profiles one program and its children into an `.etl`: where it is, what it is told, what it says.

    etwprof profile --output=FILE.etl --nologo [--rate=HZ] --children -- COMMAND ARG…

Options of the stock release 0.3 only; values need their `=`. The command is perfdb's launcher and the example its
child, so `--children` is always given. etwprof ends when the launcher does. Traces are merged and packed by etwprof
itself (`--compress=etw`, its default), which perfdb, xperf and WPA read as they are.

Exit codes: 0 all is well, 260 wrong arguments or an unsupported Windows, 262 anything else that kept it from profiling.
Its words about that are `ERROR:` and `WARNING:` lines. The command's exit code is not passed on.

`--rate` holds for the whole machine until it is started anew. So what was there before is put back at the end: by xperf
where it is found, else by etwprof with the default of Windows.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from perfdb.collect.failures import failure, known_failure, quoted, shown_code
from perfdb.collect.interrupts import HeldInterrupts
from perfdb.collect.interval import DEFAULT_HZ, LIMIT_S, XperfInterval, put_back_after
from perfdb.collect.landing import land_etl
from perfdb.collect.process import Ended, run
from perfdb.collect.profiler import Call
from perfdb.collect.programs import find_program, missing_as_named
from perfdb.collect.rights import require_elevation
from perfdb.collect.xperf import find_xperf
from perfdb.config import Settings
from perfdb.errors import CollectError, ConfigError, MissingToolError

PLACE = Path("third_party", "etwprof", "etwprof.exe")
"""Where it is looked for, under the project's root, before PATH."""

ORIGIN = "etwprof 0.3 (github.com/Donpedro13/etwprof)"

LEAST_HZ, MOST_HZ = 100, 20_000
"""What `--rate` takes."""

_SAID = re.compile(r"(?:ERROR|WARNING):\s*(.*)")


def find_etwprof(settings: Settings, environ: Mapping[str, str]) -> Path | None:
    """The program that the settings name, and no other if they do; else the one under third_party, else on PATH."""
    return find_program("etwprof", settings.etwprof.program, environ, before_path=[settings.root / PLACE])


def open_etwprof(settings: Settings, environ: Mapping[str, str], platform: str) -> Etwprof:
    """etwprof, ready to run. Raises MissingToolError, or ConfigError for a rate that it does not take."""
    named = settings.etwprof.program
    if named is None and platform != "win32":
        raise MissingToolError(
            "asked to profile with etwprof, which exists for Windows only. On Linux type --profiler perf. "
            "A program that stands in for etwprof can be named in perfdb.toml: program under [etwprof]."
        )
    program = find_etwprof(settings, environ)
    if program is None and named is not None:
        raise missing_as_named("profile with etwprof", "etwprof", named, settings.file)
    if program is None:
        raise MissingToolError(
            f"asked to profile with etwprof, found none at {settings.root / PLACE} and none on PATH. "
            f"Put {ORIGIN} there, name it in perfdb.toml: program under [etwprof], or type --profiler xperf."
        )
    require_elevation("etwprof", platform)
    rate_hz = settings.suite.rate_hz
    if rate_hz is not None and not LEAST_HZ <= rate_hz <= MOST_HZ:
        raise ConfigError(
            f"asked for {rate_hz:,} samples a second, found that etwprof takes {LEAST_HZ} to {MOST_HZ:,}. "
            "Mend rate_hz under [profile] in perfdb.toml."
        )
    xperf = find_xperf(settings.xperf, environ) if rate_hz is not None else None
    return Etwprof(program, environ, rate_hz, XperfInterval(xperf, environ) if xperf else None)


@dataclass(frozen=True, slots=True)
class Etwprof:
    """An etwprof that was found; `interval` is where the machine's rate is asked for and put back, None: nowhere."""

    program: Path
    environ: Mapping[str, str] = field(repr=False)
    rate_hz: int | None = None
    interval: XperfInterval | None = None
    name: str = "etwprof"
    suffix: str = ".etl"

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the traces before they are made."""
        if self.rate_hz is None:
            return ()
        begun = f"the whole machine takes {self.rate_hz:,} samples a second meanwhile"
        if self.interval is not None:
            return (f"{begun}; xperf puts back what it is now",)
        return (f"{begun}; etwprof then sets {DEFAULT_HZ:,}, the default of Windows: only xperf tells what it is now",)

    def session(self) -> AbstractContextManager[None]:
        """The machine's sampling rate is put back when it is over. Raises CollectError where that fails."""
        if self.rate_hz is None:
            return nullcontext()
        interval = self.interval
        if interval is None:
            return put_back_after(self._set_default)
        before = interval.read()
        return put_back_after(lambda: interval.put_back(before))

    def trace(self, call: Call) -> None:
        """Run a command under etwprof. Raises CollectError where there is no trace of use afterwards."""
        made = call.folder / "etwprof.etl"
        words = self._words(made, self.rate_hz, call.command)
        # A second Ctrl+C must not end etwprof before it has ended its recording, which would go on without it.
        with HeldInterrupts() as held:
            try:
                ended = run(words, call.limit_s, environ=self.environ, tick=held.lets_in(call.tick), stop=call.stop)
            except OSError as refused:
                raise CollectError(
                    f"asked to run {self.program}, found that it cannot be started ({refused.strerror or refused}). "
                    f"Put {ORIGIN} there again."
                ) from refused
        problem = self._problem(ended)
        if problem:
            raise CollectError(problem)
        land_etl(made, call.target, "etwprof", ended)

    def _words(self, output: Path, rate_hz: int | None, command: Sequence[str]) -> list[str | Path]:
        rate = [] if rate_hz is None else [f"--rate={rate_hz}"]
        return [self.program, "profile", f"--output={output}", "--nologo", *rate, "--children", "--", *command]

    def _problem(self, ended: Ended) -> str:
        """Why there is no trace of use; "" where there should be one."""
        if ended.timed_out:
            told = (
                f"etwprof was still at work after {ended.seconds:,.1f} s, the most that it may take, and was "
                f"ended{_quoted(ended)}."
            )
            return f"{told} {_MAY_GO_ON}" if ended.exit_code else told
        if not ended.exit_code:
            return ""
        begun = f"etwprof could not profile ({shown_code(ended.exit_code)}){_quoted(ended)}"
        known = known_failure(_KNOWN_FAILURES, ended)
        if known is not None:
            return f"{begun}: {known[0].means}. {known[0].advice}"
        return f"{begun}. Try by hand to see more: etwprof profile --output=F.etl --verbose -- PROGRAM"

    def _set_default(self) -> None:
        """Have a trivial program profiled at the rate that Windows has by default. Raises CollectError."""
        trivial = [sys.executable, "-I", "-S", "-c", ""]
        with tempfile.TemporaryDirectory(prefix="perfdb-", ignore_cleanup_errors=True) as folder:
            words = self._words(Path(folder, "rate.etl"), DEFAULT_HZ, trivial)
            try:
                ended = run(words, LIMIT_S, environ=self.environ)
            except OSError as problem:
                ended = Ended(127, (f"it cannot be started: {problem.strerror or problem}",), 0.0)
        if ended.exit_code or ended.timed_out:
            raise CollectError(
                f"the machine still takes {self.rate_hz:,} samples a second, and etwprof could not set {DEFAULT_HZ:,} "
                f"again ({shown_code(ended.exit_code)}){_quoted(ended)}. Type xperf -setprofint 10000 in a prompt with "
                "administrator's rights, or start the machine anew."
            )


def _quoted(ended: Ended) -> str:
    """Its own words about what is wrong, else its last ones."""
    said = [found[1].strip() for line in ended.lines if (found := _SAID.search(line))]
    return quoted(said or ended.lines)


_MAY_GO_ON = (
    "Its recording may go on: look with logman query -ets for one named ETWProf_Session_…, and end it with logman stop "
    "NAME -ets."
)

_KNOWN_FAILURES = (
    failure(
        r"not elevated|as an administrator",
        (),
        "it needs administrator's rights",
        'Open a prompt with "Run as administrator", and type the command again there.',
    ),
    failure(
        r"SeSystemProfilePrivilege|system profile privilege",
        (),
        "your account may not profile the system",
        'Ask for the right "Profile system performance" (secpol.msc, Local Policies, User Rights Assignment), and sign '
        "in again.",
    ),
    failure(
        r"Windows version|Server versions",
        (),
        "it does not support this Windows",
        "Type --profiler xperf.",
    ),
    failure(
        r"sampling rate",
        (),
        "it could not set the sampling rate",
        "Ask for another rate_hz under [profile] in perfdb.toml, or leave it out.",
    ),
    failure(
        r"start ETW session|ETW session to",
        (),
        "the recording could not be started; others may be running, and Windows has room for few",
        "Look with logman query -ets, end those that are yours (xperf -stop, wpr -cancel, logman stop NAME -ets), and "
        "try again.",
    ),
    failure(
        r"get targets|start(ing)? (the )?(target|process)|resume suspended|not found in the running",
        (),
        "the program to profile could not be started, or ended too soon",
        "Look whether a virus scanner holds Python back, and try again.",
    ),
    failure(
        r"merge failed|not enough space|disk is full",
        (),
        "the trace could not be written",
        "Make room on the disk that holds it: folder under [profile] in perfdb.toml names another.",
    ),
    failure(
        r"Invalid arguments|Argument (parsing|error)",
        (260,),
        "it does not take the options that perfdb gives it, or could not begin",
        f"Use {ORIGIN}.",
    ),
)
