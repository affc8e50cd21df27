"""Recording with xperf: a session of the kernel's logger while the command runs, then merged into an `.etl`.

    xperf -on PROC_THREAD+LOADER+PROFILE -stackwalk Profile -BufferSize 1024 -MinBuffers 256 -MaxBuffers 1024
          [-SetProfInt N] -f RAW
    COMMAND ARG…
    xperf -stop
    xperf -merge RAW MERGED -compress

The session is the machine's, not ours: there is one, it goes on when xperf has ended, and fills the disk until somebody
stops it. So what was started is stopped whatever happens; and a session is ours only where xperf said that it began, or
where our own RAW came to be. Somebody else's is never touched.

Everything that runs is in the trace, not the command alone. Merging puts in what tells images apart, so that it must be
done on this machine; packed (`-compress`), because traces of a whole machine are large.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from perfdb.collect.failures import Failure, failure, known_failure, quoted, shown_code
from perfdb.collect.interrupts import HeldInterrupts
from perfdb.collect.interval import LEAST_TICKS, LIMIT_S, TICKS_A_SECOND, XperfInterval, put_back_after, ticks_of
from perfdb.collect.landing import land_etl
from perfdb.collect.process import Ended, Tick, run
from perfdb.collect.profiler import Call
from perfdb.collect.rights import require_elevation
from perfdb.collect.xperf import TOO_OLD, open_xperf
from perfdb.config import Settings
from perfdb.errors import CollectError, ConfigError

BEGIN = (
    *("-on", "PROC_THREAD+LOADER+PROFILE", "-stackwalk", "Profile"),
    *("-BufferSize", "1024", "-MinBuffers", "256", "-MaxBuffers", "1024"),
)

_STOP_TRIES = 2


def open_xperf_session(settings: Settings, environ: Mapping[str, str], platform: str) -> XperfSession:
    """xperf, ready to record. Raises MissingToolError, or ConfigError for a rate that Windows does not take."""
    on_windows = platform == "win32"
    instead = "Or use etwprof: perfdb doctor says where it is looked for." if on_windows else "On Linux use perf."
    found = open_xperf(settings, environ, on_windows=on_windows, instead=instead)
    require_elevation("xperf", platform)
    rate_hz, ticks = settings.suite.rate_hz, None
    if rate_hz is not None:
        ticks = ticks_of(rate_hz)
        if ticks < LEAST_TICKS:
            raise ConfigError(
                f"asked for {rate_hz:,} samples a second, found that Windows takes at most "
                f"{TICKS_A_SECOND // LEAST_TICKS:,}. Mend rate_hz under [profile] in perfdb.toml."
            )
    return XperfSession(found.program, environ, found.timeout_s, ticks)


@dataclass(frozen=True, slots=True)
class XperfSession:
    """An xperf that was found. `interval_ticks` is the sampling interval wanted, in 100 ns; None as the machine is set.

    `timeout_s` is what merging may take.
    """

    program: Path
    environ: Mapping[str, str] = field(repr=False)
    timeout_s: float
    interval_ticks: int | None = None
    name: str = "xperf"
    suffix: str = ".etl"

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the traces before they are made."""
        if self.interval_ticks is None:
            return ()
        every = f"{self.interval_ticks / 10_000:g} ms"
        return (f"the whole machine takes a sample every {every} meanwhile; xperf puts back what it is now",)

    def session(self) -> AbstractContextManager[None]:
        """The machine's sampling interval is put back when it is over. Raises CollectError where that fails."""
        if self.interval_ticks is None:
            return nullcontext()
        interval = XperfInterval(self.program, self.environ)
        before = interval.read()
        return put_back_after(lambda: interval.put_back(before))

    def trace(self, call: Call) -> None:
        """Record while a command runs. Raises CollectError where there is no trace of use afterwards."""
        raw, merged = call.folder / "kernel.etl", call.folder / "merged.etl"
        try:
            with HeldInterrupts() as held:
                ended = self._record(call, raw, held.lets_in(call.tick))
            _check_command(ended)
            merging = self._run(self.timeout_s, "-merge", raw, merged, "-compress", tick=call.tick)
            if _has_failed(merging):
                raise CollectError(_sentence("could not merge the trace", merging, _MERGE_FAILURES))
            land_etl(merged, call.target, "xperf -merge", merging)
        finally:
            for path in (raw, merged):
                with contextlib.suppress(OSError):  # the caller removes the folder anyway
                    path.unlink(missing_ok=True)

    def _record(self, call: Call, raw: Path, tick: Tick) -> Ended:
        """Run the command within a session; how it ended. Interrupts come through `tick` only."""
        begun = self._run(LIMIT_S, *BEGIN, *self._rate(), "-f", raw)
        if _has_failed(begun):
            if raw.exists():
                self._stop()
            raise CollectError(_sentence("could not begin to record", begun, _BEGIN_FAILURES))
        try:
            return run(call.command, call.limit_s, environ=self.environ, tick=tick, stop=call.stop)
        except OSError as problem:
            raise CollectError(
                f"asked to run {call.command[0]} while xperf records, found that it cannot be started "
                f"({problem.strerror or problem}). Look whether it is still there."
            ) from problem
        finally:
            self._stop()

    def _rate(self) -> tuple[str, ...]:
        return () if self.interval_ticks is None else ("-SetProfInt", str(self.interval_ticks))

    def _stop(self) -> None:
        """Stop the session. Raises CollectError where it goes on, or was stopped by somebody else."""
        for attempt in range(1, _STOP_TRIES + 1):
            ended = self._run(LIMIT_S, "-stop")
            if not _has_failed(ended):
                return
            if known_failure(_GONE, ended) is not None:
                raise CollectError(
                    f"somebody else stopped xperf's recording while it ran ({shown_code(ended.exit_code)})"
                    f"{quoted(ended.lines)}. Let no other tool record meanwhile, and try again."
                )
            if attempt == _STOP_TRIES:
                raise CollectError(
                    f"xperf could not stop its recording, which goes on and fills the disk "
                    f"({shown_code(ended.exit_code)}){quoted(ended.lines)}. Type: {self.program.name} -stop"
                )

    def _run(self, limit_s: float, *words: str | Path, tick: Tick | None = None) -> Ended:
        try:
            return run([self.program, *words], limit_s, environ=self.environ, tick=tick)
        except OSError as problem:
            return Ended(127, (f"it cannot be started: {problem.strerror or problem}",), 0.0)


def _check_command(ended: Ended) -> None:
    if ended.timed_out:
        raise CollectError(
            f"what xperf was to record was still at work after {ended.seconds:,.1f} s, the most that it may take, and "
            f"was ended{quoted(ended.lines)}. Give the example more time: timeout_s in perfdb.toml."
        )
    if ended.exit_code:
        raise CollectError(
            f"what xperf was to record could not be run ({shown_code(ended.exit_code)}){quoted(ended.lines)}."
        )


def _has_failed(ended: Ended) -> bool:
    return bool(ended.exit_code) or ended.timed_out


def _sentence(what: str, ended: Ended, failures: tuple[Failure, ...]) -> str:
    took = f", still at work after {ended.seconds:,.1f} s" if ended.timed_out else ""
    begun = f"xperf {what} ({shown_code(ended.exit_code)}{took})"
    known = known_failure(failures, ended)
    if known is None:
        return f"{begun}{quoted(ended.lines)}. Look at what is said there, or type --profiler etwprof."
    means, line = known
    return f"{begun}{quoted([line] if line else ended.lines)}: {means.means}. {means.advice}"


_DENIED = failure(
    r"access (is )?denied",
    (0x8007_0005,),
    "it was denied access",
    'Open a prompt with "Run as administrator", and type the command again there.',
)
_FULL = failure(
    r"not enough space|disk is full",
    (0x8007_0070, 0x8007_0027),
    "the disk is full",
    "Make room on the disk that holds the traces: folder under [profile] in perfdb.toml names another.",
)
_BEGIN_FAILURES = (
    failure(
        r"already exists",
        (0x8007_00B7,),
        "another recording is running, which perfdb does not touch",
        "Wait for its end, or if it is yours stop it (xperf -stop, or wpr -cancel), and try again.",
    ),
    _DENIED,
    TOO_OLD,
    failure(
        r"insufficient system resources|not enough memory",
        (0x8007_05AA, 0x8007_000E),
        "Windows has no room for another recording",
        "Look with logman query -ets, end those that are yours, and try again.",
    ),
    _FULL,
)
_MERGE_FAILURES = (_DENIED, _FULL)
_GONE = (
    failure(
        r"instance name passed was not recognized|session .*(not found|does not exist)",
        (0x8007_1069, 4201),
        "there is no such session",
        "",
    ),
)
