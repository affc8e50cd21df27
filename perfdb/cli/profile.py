"""`perfdb profile`: run examples under a profiler, and record what they did."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfdb.cli.options import BuildKindOption, Format, FormatOption, SymbolsOption, TagOption, key_values
from perfdb.errors import UsageError

if TYPE_CHECKING:
    from perfdb.api.profile import ProfileRequest
    from perfdb.cli.progress import ProgressBar
    from perfdb.profile.outcome import Profiled

INTERRUPTED = 130
"""What a shell reports for a program that Ctrl+C ended."""


class Profiler(StrEnum):
    """A profiler that perfdb drives."""

    etwprof = "etwprof"
    xperf = "xperf"
    perf = "perf"


def profile(
    context: typer.Context,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND ARG…", help="With --tracefile: what to run.")
    ] = None,
    all_examples: Annotated[bool, typer.Option("--all", help="Profile every example of the suite.")] = False,
    example: Annotated[
        list[str] | None,
        typer.Option("--example", metavar="NAME", help="Profile this example of the suite; may be repeated."),
    ] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List the examples of the suite, and run nothing.")] = False,
    tracefile: Annotated[
        Path | None,
        typer.Option("--tracefile", metavar="F", help="Profile COMMAND once, into this trace; --record keeps the run."),
    ] = None,
    repeat: Annotated[
        int | None, typer.Option("--repeat", min=1, metavar="N", help="Runs of each example. Default: the suite's.")
    ] = None,
    warmup: Annotated[
        int | None,
        typer.Option("--warmup", min=0, metavar="N", help="Runs before those, not profiled. Default: the suite's."),
    ] = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--pair",
            metavar="REV=DIR REV=DIR",
            help="Two builds of two commits in turns (A B, B A, …), so that the machine's drift falls on both.",
        ),
    ] = None,
    build_dir: Annotated[
        Path | None, typer.Option("--build-dir", metavar="DIR", help="What {build} stands for in the suite.")
    ] = None,
    profiler: Annotated[
        Profiler | None, typer.Option("--profiler", help="Which profiler to run. Default: what this system has.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="S", help="Seconds that one run of an example may take.")
    ] = None,
    record: Annotated[
        bool | None,
        typer.Option(
            "--record/--no-record", help="Record each trace as it lands. Default: of the suite, but not --tracefile."
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, metavar="N", help="Keep the newest N traces of each example, remove older ones."),
    ] = None,
    commit: Annotated[
        str | None,
        typer.Option("--commit", metavar="REV", help="The commit that was built. Default: HEAD, dirty if it is."),
    ] = None,
    build: BuildKindOption = None,
    process: Annotated[
        str | None,
        typer.Option("--process", metavar="NAME", help="With --tracefile: the main process. Default: COMMAND's."),
    ] = None,
    tag: TagOption = None,
    symbols: SymbolsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the trace of --tracefile if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of the runs as JSON.")] = False,
    format: FormatOption = Format.table,
) -> None:
    """Run examples under a profiler, measure them, keep the traces, and record them."""
    history = context.obj.history()
    if list_only:
        _list(history, "json" if as_json else format.value)
        return
    sides = None if pair is None else (_side(pair[0]), _side(pair[1]))
    if tracefile is None:
        _check_suite(all_examples, example, command, has_manual=bool(process or force))
    else:
        of_suite = (all_examples, pair, repeat, warmup, build_dir, keep)
        _check_manual(tracefile, command, example, has_suite=any(of_suite))
    from perfdb.api.profile import ManualRequest, ProfileRequest

    request = ProfileRequest(
        examples=None if all_examples else tuple(example or ()),
        repeat=repeat,
        warmup=warmup,
        pair=sides,
        build_dir=build_dir,
        profiler=profiler.value if profiler else None,
        is_recorded=(tracefile is None) if record is None else record,
        keep=keep,
        timeout_s=_seconds(timeout),
        commit=commit,
        build=build,
        tags=key_values(tag, "--tag"),
        symbols=tuple(symbols or ()),
    )
    manual = None
    if tracefile is not None:
        name = example[0] if example else None
        manual = ManualRequest(tracefile, tuple(command or ()), name, process, force)
    _run(history, request, manual, as_json)


def _run(history: Any, request: ProfileRequest, manual: Any, as_json: bool) -> None:
    from perfdb.cli.output import emit, fail_for, say
    from perfdb.cli.progress import ProgressBar
    from perfdb.profile.outcome import FAILED
    from perfdb.report.of_profile import closing_line, profile_report

    outcomes: list[Profiled] = []
    try:
        with (
            _terminable(),
            ProgressBar(tells_rest=False) as bar,
            closing(history.profile_each(request, bar.show, manual)) as runs,
        ):
            for outcome in runs:
                outcomes.append(outcome)
                _tell(outcome, bar, quiet=as_json)
    except KeyboardInterrupt as pressed:
        left = str(pressed) or "nothing else is left"
        kept = sum(outcome.status != FAILED for outcome in outcomes)
        finished = {0: "no run was finished", 1: "1 run was finished, and kept"}
        say(f"stopped: {finished.get(kept, f'{kept} runs were finished, and kept')}; {left}")
        raise SystemExit(INTERRUPTED) from None
    finally:
        if as_json:
            emit(profile_report(outcomes), "json")
    if not as_json and (told := closing_line(outcomes)):
        say(told)
    failed = [outcome.exit_code for outcome in outcomes if outcome.status == FAILED]
    fail_for(failed, len(outcomes), "runs failed", "kept")


def _tell(outcome: Profiled, bar: ProgressBar, quiet: bool) -> None:
    """A line for a run that went well, an error for one that did not, and what one might not expect."""
    from perfdb.cli.output import say, say_result
    from perfdb.profile.outcome import FAILED
    from perfdb.report.of_profile import profiled_line, which_run

    bar.hide()
    if outcome.status == FAILED:
        say(f"error: {outcome.message}")
    elif not quiet:
        say_result(profiled_line(outcome))
    caveats = outcome.recorded.caveats if outcome.recorded else ()
    for text in (*(caveat.text for caveat in caveats), *outcome.notes):
        say(f"note: {which_run(outcome)}: {text}")


def _list(history: Any, format: str) -> None:
    from perfdb.cli.output import emit
    from perfdb.collect.suite import chosen_examples
    from perfdb.report.of_profile import suite_report

    settings = history.settings
    examples = {each.name: each for each in chosen_examples(settings.suite, None, settings.file)}
    emit(suite_report(settings.suite, settings.root, examples), format)


def _check_suite(all_examples: bool, example: list[str] | None, command: list[str] | None, has_manual: bool) -> None:
    """Raises UsageError for a call about the suite whose words do not fit together.

    `has_manual` says that options are there which the suite has settings for.
    """
    if command:
        raise UsageError(
            "asked to profile a command, found no --tracefile for its trace. "
            f"Type: perfdb profile --tracefile OUT -- {' '.join(command)}"
        )
    if all_examples and example:
        raise UsageError("--all is every example: leave --example out, or --all.")
    if not all_examples and not example:
        raise UsageError(
            "say what to profile: --all, --example NAME (perfdb profile --list shows them), "
            "or --tracefile OUT -- COMMAND"
        )
    if has_manual:
        raise UsageError("--process and --force are for --tracefile; the suite says them in perfdb.toml.")


def _check_manual(tracefile: Path, command: list[str] | None, example: list[str] | None, has_suite: bool) -> None:
    """Raises UsageError for a call about one command whose words do not fit together.

    `has_suite` says that options are there which mean the suite.
    """
    if not command:
        raise UsageError(f"asked for a trace of a command, found none. Type: --tracefile {tracefile} -- COMMAND ARG…")
    if has_suite or len(example or ()) > 1:
        raise UsageError(
            "--tracefile is for one run of one command: leave --all, --pair, --repeat, --warmup, --build-dir, --keep, "
            "and more than one --example out."
        )


def _side(text: str) -> tuple[str, Path]:
    revision, equals, folder = text.partition("=")
    if not equals or not revision.strip() or not folder.strip():
        raise UsageError(
            f"--pair takes two of REV=DIR, found {text!r}. "
            "Type for example: --pair main=build/main feature=build/feature"
        )
    return revision.strip(), Path(folder)


def _seconds(value: float | None) -> float | None:
    if value is not None and not 0 < value < 1e7:
        raise UsageError(f"--timeout takes seconds, more than 0; found {value:g}.")
    return value


@contextmanager
def _terminable() -> Iterator[None]:
    """Being asked to end (a CI job is cancelled, a terminal closed) is like Ctrl+C: nothing half-done stays."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {kind: signal.getsignal(kind) for kind in kinds}
    before = {kind: handler for kind, handler in before.items() if handler not in (None, signal.SIG_IGN)}  # as nohup
    for kind in before:
        signal.signal(kind, interrupt)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
