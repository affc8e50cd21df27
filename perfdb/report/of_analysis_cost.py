"""Rules on where the time of an example is: the path and the function to look at first, modules, the system."""

from __future__ import annotations

from perfdb.report.of_analysis_advice import (
    HOT_FUNCTION_SHARE,
    HOT_MODULE_SHARE,
    HOT_PATH_SHARE,
    MOST_LISTED,
    SYSTEM_SHARE,
    Advice,
    example_name,
    is_system,
    listed,
    ms,
    named,
    named_frame,
    percent,
)
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.report.of_analysis_paths import asked_by, heaviest_path_to, hot_path


def hot_call_path(of: ExampleAnalysis) -> Advice | None:
    """The path on which the time stays together, with the most that can be saved there."""
    found = hot_path(of.tree) if of.tree is not None else None
    if found is None or found.share < HOT_PATH_SHARE:
        return None
    path, cost = found.cost.path, found.cost
    caller = f" called from {named_frame(path[-2])}" if len(path) > 1 else ""
    text = f"{percent(found.share)} of the CPU time of {example_name(of)} is below {named_frame(path[-1])}{caller}."
    more = [f"Work on this path can save {ms(cost.inclusive_ns)} a run at most, of {ms(of.hot.total.mean)}."]
    if found.callees:
        callees = [f"{named_frame(item)} {ms(ns)}" for item, ns in found.callees]
        more.append(f"It spreads out there, into {listed(callees)}.")
    if found.modules:
        module, ns = found.modules[0]
        more.append(f"{percent(ns / cost.inclusive_ns)} of it is exclusive time in {named(module)}.")
    return Advice("look here first", text, cost.inclusive_ns, more=tuple(more))


def hot_function(of: ExampleAnalysis) -> Advice | None:
    """The function with the most time of its own, among those with a name."""
    hot = next((each for each in of.hot.functions if not each.item.is_unresolved), None)
    if hot is None or hot.exclusive_share < HOT_FUNCTION_SHARE:
        return None
    text = (
        f"{named(hot.item)} has the most time of its own of all functions with a name: {ms(hot.exclusive.mean)} "
        f"({percent(hot.exclusive_share)} of {example_name(of)})."
    )
    more: tuple[str, ...] = ()
    path = heaviest_path_to(of.tree, hot.item) if of.tree is not None else None
    if path is not None and len(path.path) > 1:
        frames = " → ".join(named_frame(item) for item in path.path[-MOST_LISTED - 1 : -1])
        more = (f"{percent(path.exclusive_ns / hot.exclusive.mean)} of that is when called by {frames}.",)
    return Advice("hottest function", text, hot.exclusive.mean, more=more)


def hot_module(of: ExampleAnalysis) -> Advice | None:
    """The module with the most time of its own."""
    hot = of.hot.modules[0] if of.hot.modules else None
    if hot is None or hot.exclusive_share < HOT_MODULE_SHARE:
        return None
    text = f"{named(hot.item)} holds the most exclusive time: {ms(hot.exclusive.mean)} ({percent(hot.exclusive_share)})"
    if hot.inclusive is not None and hot.inclusive_share is not None:
        text += f", and {ms(hot.inclusive.mean)} ({percent(hot.inclusive_share)}) with what it calls"
    more: tuple[str, ...] = ()
    own = [each for each in of.hot.functions if each.item.module.lower() == hot.item.module.lower()]
    own = [each for each in own if each.exclusive.mean and not each.item.is_unresolved]
    if own:
        functions = [f"{named(each.item)} {ms(each.exclusive.mean)}" for each in own]
        more = (f"Its functions: {listed(functions)}.",)
    return Advice("hottest module", f"{text}.", hot.exclusive.mean, more=more)


def system_time(of: ExampleAnalysis) -> Advice | None:
    """Time in the system's own modules, and whose calls ask for it."""
    modules = [each for each in of.hot.modules if is_system(each.item) and each.exclusive.mean]
    total = sum(each.exclusive.mean for each in modules)
    share = total / of.hot.total.mean if of.hot.total.mean else 0.0
    if share < SYSTEM_SHARE:
        return None
    parts = [f"{named(each.item)} {ms(each.exclusive.mean)}" for each in modules]
    text = f"{percent(share)} of the time ({ms(total)}) is in the system's own modules ({listed(parts)})."
    more: tuple[str, ...] = ()
    callers = asked_by(of.tree, is_system) if of.tree is not None else []
    if callers:
        asking = [f"{named_frame(item)} {ms(ns)}" for item, ns in callers]
        more = (f"It is asked for by {listed(asking)}.",)
    return Advice("time in the system", text, total, more=more)
