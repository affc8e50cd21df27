"""perf, the profiler of Linux: whether it may sample here, and what, and its records as text.

    perf record -o DATA [OPTIONS] -F HZ -e EVENT --call-graph fp|dwarf -- COMMAND ARG…
    perf script -i DATA --header -F comm,pid,tid,cpu,time,period,event,ip,sym,symoff,dso --ns --show-task-events
                --show-mmap-events --show-lost-events --no-inline|--inline

What `perf script` says is packed as it comes (`.perf.gz`): DATA itself is of use on this machine only, where the
programs and their symbols are. What the text must tell: processors (`--sample-cpu`), who started whom and what was
loaded where with which build id (`--buildid-mmap`), the wall clock (`-k mono` puts a reference time into the header),
and what was lost. At its end stand the call, `# perf script call: …`, for only with `--show-lost-events` is no loss
told if there was none, and perf's own words, `# perf script: …`.

`--no-bpf-event`, because perf otherwise waits a second at its end for BPF programs. A perf or a kernel that is too old
for such options gets `-N` instead, which keeps perf from copying every program into the user's home (`--buildid-mmap`
does so by itself).

Where a machine has no cycles to count, as most virtual ones, perf takes another event or brings no sample, and where
the kernel may not be sampled it leaves that out, both without failing. So a small program is profiled first, and what
perf says of its samples is what is asked for by name afterwards.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from perfdb.collect.failures import quoted, shown_code
from perfdb.collect.landing import land
from perfdb.collect.packing import Packer
from perfdb.collect.perf_words import INSTALL, advice, is_forbidden, is_missing, paranoid, warning_about_rate, words_of
from perfdb.collect.process import Ended, Tick, run
from perfdb.collect.profiler import Call
from perfdb.collect.programs import find_program, missing_as_named
from perfdb.config import Settings
from perfdb.errors import CollectError, MissingToolError

RATE_HZ = 997
"""Samples a second when nobody asks for others: prime, so that nothing that happens every millisecond is met always."""

FIELDS = "comm,pid,tid,cpu,time,period,event,ip,sym,symoff,dso"
TOLD = ("--ns", "--show-task-events", "--show-mmap-events", "--show-lost-events")
MODERN = ("--sample-cpu", "-k", "mono", "--buildid-mmap", "--no-bpf-event")
PLAIN = ("--sample-cpu", "-N")
CYCLES, CLOCK = "cycles", "cpu-clock"

PROBE_LIMIT_S = 60.0
SCRIPT_LIMIT_S = 600.0
"""What turning a trace into text may take: seconds as a rule, minutes where inlined functions are looked up."""

_MODIFIERS = re.compile(r"[:/]([ukhGHIpPSDWebR]+)$")
_EVENT_LINE = re.compile(r"\S+:$")
_WORK = "sum(range(3_000_000))"
"""Long enough for some dozens of samples."""


# ---- finding it ------------------------------------------------------------------------------------------------------


def find_perf(settings: Settings, environ: Mapping[str, str]) -> Path | None:
    """The program that the settings name, and no other if they do; else the one on PATH."""
    return find_program("perf", settings.perf.program, environ)


def open_perf(settings: Settings, environ: Mapping[str, str], platform: str) -> Perf:
    """perf, which has brought samples here. Raises MissingToolError where it is not there, or may not sample."""
    named = settings.perf.program
    if named is None and platform != "linux":
        raise MissingToolError(
            "asked to profile with perf, which exists for Linux only. On Windows type --profiler etwprof or xperf. "
            "A program that stands in for perf can be named in perfdb.toml: program under [perf]."
        )
    program = find_perf(settings, environ)
    if program is None and named is not None:
        raise missing_as_named("profile with perf", "perf", named, settings.file)
    if program is None:
        raise MissingToolError(
            f"asked to profile with perf, found none on PATH. {INSTALL}, or name the program in perfdb.toml: program "
            "under [perf]."
        )
    wanted = settings.perf
    rate_hz = settings.suite.rate_hz or RATE_HZ
    perf = Perf(program, {**environ, "LC_ALL": "C"}, rate_hz, wanted.event or CYCLES, wanted.call_graph, wanted.inline)
    return perf.probed([wanted.event] if wanted.event else [CYCLES, CLOCK])


def version_of(program: Path, environ: Mapping[str, str]) -> str:
    """What a perf says of itself, such as `perf version 6.1.187`; of one that cannot be run, why."""
    try:
        ended = run([program, "--version"], PROBE_LIMIT_S, environ=environ)
    except OSError as problem:
        return f"cannot be started: {problem.strerror or problem}"
    return ended.lines[0] if ended.lines else shown_code(ended.exit_code)


# ---- running it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Perf:
    """A perf that was found. `options` are those of `perf record` besides the ones that have fields of their own.

    `notes` are what to know of its traces before they are made: another event than asked for, fewer samples.
    """

    program: Path
    environ: Mapping[str, str] = field(repr=False)
    rate_hz: int = RATE_HZ
    event: str = CYCLES
    call_graph: str = "fp"
    inline: bool = False
    options: tuple[str, ...] = MODERN
    notes: tuple[str, ...] = ()
    name: str = "perf"
    suffix: str = ".perf.gz"

    def session(self) -> AbstractContextManager[None]:
        """Nothing holds for the whole machine."""
        return nullcontext()

    def trace(self, call: Call) -> None:
        """Run a command under perf. Raises CollectError where there is no trace of use afterwards."""
        data, text = call.folder / "perf.data", call.folder / "trace.perf.gz"
        try:
            words = [*self._record(data), "--", *call.command]
            try:
                ended = run(words, call.limit_s, environ=self.environ, tick=call.tick, stop=call.stop)
            except OSError as problem:
                raise self._cannot_be_started(problem) from problem
            if ended.timed_out or ended.exit_code or not data.exists():
                raise CollectError(self._failed(ended))
            self._pack(data, text, call.tick)
            land(text, call.target)
        finally:
            data.unlink(missing_ok=True)
            text.unlink(missing_ok=True)

    def _record(self, data: Path) -> list[str | Path]:
        begun: list[str | Path] = [self.program, "record", "-o", data, *self.options]
        return [*begun, "-F", str(self.rate_hz), "-e", self.event, "--call-graph", self.call_graph]

    def _pack(self, data: Path, text: Path, tick: Tick | None) -> None:
        """Have the text of a trace packed into a file."""
        options = ["--header", "-F", FIELDS, *TOLD, "--inline" if self.inline else "--no-inline"]
        words: list[str | Path] = [self.program, "script", "-i", data, *options]
        with Packer(text) as packer:
            try:
                ended = run(words, SCRIPT_LIMIT_S, environ=self.environ, tick=tick, output=packer.input)
            except OSError as problem:
                raise self._cannot_be_started(problem) from problem
            last = [f"# perf script call: perf script -i perf.data {' '.join(options)}"]
            last += [f"# perf script: {line}" for line in words_of(ended)]
            packer.finish("".join(f"{line}\n" for line in last).encode())
        if ended.timed_out:
            raise CollectError(
                f"perf script was still at work after {ended.seconds:,.1f} s, the most that it may take, and was ended"
                f"{quoted(words_of(ended))}. Inlined functions are the usual cause: inline = false under [perf] in "
                "perfdb.toml leaves them out."
            )
        if ended.exit_code or not packer.size_bytes:
            what = "could not read its own trace" if ended.exit_code else "wrote no text"
            raise CollectError(
                f"perf script {what} ({shown_code(ended.exit_code)}){quoted(words_of(ended))}. Look at the room on the "
                "disk, and whether perf and the kernel are of one version."
            )

    def _cannot_be_started(self, problem: OSError) -> CollectError:
        return CollectError(
            f"asked to run {self.program}, found that it cannot be started ({problem.strerror or problem}). "
            f"{INSTALL} again, or name another in perfdb.toml: program under [perf]."
        )

    def _failed(self, ended: Ended) -> str:
        said = quoted(words_of(ended))
        if ended.timed_out:
            return (
                f"perf record was still at work after {ended.seconds:,.1f} s, the most that it may take, and was "
                f"ended{said}. Give the example more time: timeout_s in perfdb.toml."
            )
        return f"perf record brought no trace ({shown_code(ended.exit_code)}){said}. {advice(ended, self.event)}"

    # ---- whether it may sample here ----

    def probed(self, events: Sequence[str]) -> Perf:
        """This perf with the first of these events, and the options, that bring samples. Raises MissingToolError."""
        for event in events:
            for options in (MODERN, PLAIN):
                tried = replace(self, event=event, options=options)
                ended, sampled = tried._try_out()
                if sampled:
                    notes = tuple(_notes(events[0], sampled, warning_about_rate(ended)))
                    return replace(tried, event=_asked_by_name(event, sampled), notes=notes)
                if is_missing(ended):
                    raise tried._unusable("it is not installed for this kernel", ended)
                if is_forbidden(ended):
                    raise tried._unusable("it may not sample here", ended)
        raise tried._unusable(f"it brings no samples of {event} here ({shown_code(ended.exit_code)})", ended)

    def _try_out(self) -> tuple[Ended, str]:
        """How profiling a small program ended, and the event of its samples, "" where there are none."""
        with tempfile.TemporaryDirectory(prefix="perfdb-", ignore_cleanup_errors=True) as folder:
            data = Path(folder, "perf.data")
            words = [*self._record(data), "--", sys.executable, "-I", "-S", "-c", _WORK]
            try:
                recorded = run(words, PROBE_LIMIT_S, environ=self.environ)
                if recorded.exit_code or recorded.timed_out or not data.exists():
                    return recorded, ""
                told = run([self.program, "script", "-i", data, "-F", "event"], PROBE_LIMIT_S, environ=self.environ)
            except OSError as problem:
                raise MissingToolError(str(self._cannot_be_started(problem))) from problem
        if told.exit_code or told.timed_out:
            return told, ""
        names = [line.removesuffix(":") for line in words_of(told) if _EVENT_LINE.match(line)]
        return recorded, names[-1] if names else ""

    def _unusable(self, what: str, ended: Ended) -> MissingToolError:
        said = quoted(words_of(ended))
        return MissingToolError(f"asked to profile with perf, found that {what}{said}. {advice(ended, self.event)}")


def _notes(wanted: str, sampled: str, warning: str) -> Iterator[str]:
    if warning:
        yield f"perf says: {warning}"
    if wanted == CYCLES and not _counts_cycles(sampled):
        yield f"perf counts no cycles on this machine, and samples by its clock instead ({CLOCK})"
    if _is_of_users_only(sampled) and not _is_of_users_only(wanted):
        yield f"perf samples code of users only here, not the kernel (kernel.perf_event_paranoid is {paranoid()})"


def _asked_by_name(event: str, sampled: str) -> str:
    """The event to ask for, where this one brings samples that are called so."""
    if event != CYCLES:
        return event
    base = CYCLES if _counts_cycles(sampled) else CLOCK
    return f"{base}:u" if _is_of_users_only(sampled) else base


def _counts_cycles(sampled: str) -> bool:
    """Such as `cycles:P`, or `cpu_core/cycles/`."""
    return CYCLES in sampled


def _is_of_users_only(sampled: str) -> bool:
    modifiers = _MODIFIERS.search(sampled)
    return modifiers is not None and "u" in modifiers[1] and "k" not in modifiers[1]
