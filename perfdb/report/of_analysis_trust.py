"""Rules on what the figures are worth: symbols, losses, debug runtimes, too few runs or samples, runs that vary."""

from __future__ import annotations

from perfdb.compare.costs import Item
from perfdb.profile.columns import STACKS
from perfdb.report.cells import printable
from perfdb.report.names import word
from perfdb.report.of_analysis_advice import (
    DEBUG_SHARE,
    ENOUGH_RUNS,
    ENOUGH_SAMPLES,
    NOISY_DISPERSION,
    UNRESOLVED_SHARE,
    Advice,
    example_name,
    is_debug_runtime,
    listed,
    ms,
    named,
    of_example,
    percent,
)
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.report.of_diff_words import counted
from perfdb.report.of_symbols import wanted_name


def missing_symbols(of: ExampleAnalysis) -> Advice | None:
    """Time in frames without names, and the symbol files that would name them."""
    bare = [each for each in of.hot.functions if each.item.is_unresolved and each.exclusive.mean]
    hidden = sum(each.exclusive.mean for each in bare)
    share = hidden / of.hot.total.mean if of.hot.total.mean else 0.0
    if share < UNRESOLVED_SHARE:
        return None
    modules = [f"{named(Item(each.item.module))} {ms(each.exclusive.mean)}" for each in bare]
    text = f"{percent(share)} of the time ({ms(hidden)}) is in frames without symbols: {listed(modules)}."
    wanted = [each for each in of.wanted if each.exclusive_samples]
    if not wanted:
        return Advice("find symbols", text, hidden, more=("The runs name no symbol file for them.",))
    files = [f"{wanted_name(each)} (id {printable(each.debug_id)})" for each in wanted]
    more = (f"Put {listed(files)} on the symbol path.",)
    target = f"symbolicate {word(of.commit)}" if of.is_recorded else "record TRACE"
    return Advice("find symbols", text, hidden, (f"perfdb {target} --symbols DIR",), more)


def debug_runtime(of: ExampleAnalysis) -> Advice | None:
    """A debug runtime among the modules: the program that was measured is not the one that is released."""
    found = [each for each in of.hot.modules if is_debug_runtime(each.item)]
    hot = max(found, key=lambda each: (each.inclusive or each.exclusive).mean, default=None)
    if hot is None:
        return None
    costs = f"{ms(hot.exclusive.mean)} ({percent(hot.exclusive_share)}) of its own"
    share, ns = hot.exclusive_share, hot.exclusive.mean
    if hot.inclusive is not None and hot.inclusive_share is not None:
        share, ns = hot.inclusive_share, hot.inclusive.mean
        costs += f" and {ms(ns)} ({percent(share)}) with what it calls"
    if share < DEBUG_SHARE:
        return None
    builds = sorted({run.build for run in of.runs if run.build})
    said = f" (recorded as build {', '.join(map(printable, builds))})" if builds else ""
    text = (
        f"{named(hot.item)} has {costs}: the program, or a library of it, is built against the debug runtime{said}, so "
        "these figures are not those of a release build"
    )
    return Advice("measure a release build", f"{text}.", ns, ("perfdb record TRACE --build Release",))


def losses(of: ExampleAnalysis) -> Advice | None:
    """Events and buffers that the recording lost."""
    runs = [run for run in of.runs if run.lost_events or run.lost_buffers]
    if not runs:
        return None
    events, buffers = sum(run.lost_events for run in runs), sum(run.lost_buffers for run in runs)
    lost = [counted(count, what) for count, what in ((events, "event"), (buffers, "buffer")) if count]
    text = f"{len(runs)} of {counted(len(of.runs), 'run')} lost {' and '.join(lost)}: what was in them is in no figure."
    return Advice("record without losses", text, more=("Record again with more or larger buffers.",))


def few_runs(of: ExampleAnalysis) -> Advice | None:
    """Too few runs to tell how runs vary."""
    count = len(of.runs)
    if count >= ENOUGH_RUNS:
        return None
    tells = "one run tells nothing of how runs vary" if count == 1 else f"{count} runs tell little of how runs vary"
    text = f"{tells[0].upper()}{tells[1:]}; record at least {ENOUGH_RUNS} of {example_name(of)}."
    commit = f" --commit {word(of.commit)}" if of.is_recorded else ""
    return Advice("record more runs", text, None, (f"perfdb record TRACE{commit} {of_example(of)}",))


def noisy_runs(of: ExampleAnalysis) -> Advice | None:
    """Runs that vary so much that changes which matter do not show."""
    dispersion = of.hot.total.dispersion
    if dispersion is None or dispersion < NOISY_DISPERSION:
        return None
    text = (
        f"The {len(of.runs)} runs of {example_name(of)} vary by ±{percent(dispersion)} about "
        f"{ms(of.hot.total.mean)}: a change of less does not show in one of them."
    )
    return Advice("quieten the machine", text)


def few_samples(of: ExampleAnalysis) -> Advice | None:
    """So few samples that small functions have next to none."""
    counts = [run.samples for run in of.runs]
    mean = sum(counts) / len(counts)
    if not mean or mean >= ENOUGH_SAMPLES:
        return None
    text = (
        f"A run has {mean:,.0f} samples, one of them is {percent(1 / mean)} of the time, and a function of 1 % has "
        f"{mean / 100:,.1f}: figures of small functions are coarse."
    )
    return Advice("sample more", text, more=(f"Let {example_name(of)} run longer.",))


def no_call_paths(of: ExampleAnalysis) -> Advice | None:
    """Runs that tell no call paths."""
    bare = [run for run in of.runs if run.detail != STACKS]
    if not bare:
        return None
    formats = ", ".join(sorted({printable(run.source_format) for run in bare}))
    which = f"{len(bare)} of {counted(len(of.runs), 'run')} ({formats})"
    text = f"{which} {'tells' if len(bare) == 1 else 'tell'} no call paths, so that none can be named."
    return Advice("record call paths", text, None, ("perfdb record TRACE.etl",), ("Record the .etl itself.",))
