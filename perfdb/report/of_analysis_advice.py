"""What a performance report advises: findings that follow from figures, with the ms that each is about.

A rule is a function from the facts of one example to an `Advice`, or to None where the figures give it no reason. The
thresholds of all rules stand here; a rule says nothing without a number. `of_analysis_cost` has the rules on where the
time is, `of_analysis_change` those on the baseline, `of_analysis_trust` those on what the figures are worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from perfdb.compare.costs import Item
from perfdb.report.cells import cell, printable, shorten
from perfdb.report.markdown import marked
from perfdb.report.names import word
from perfdb.report.of_analysis_facts import ExampleAnalysis
from perfdb.units import NS_PER_MS

HOT_PATH_SHARE = 0.10
"""A call path is worth looking at from this share of the program's time on."""
HOT_FUNCTION_SHARE = 0.05
"""And a function by its own time from this one."""
HOT_MODULE_SHARE = 0.10
"""And a module by its own time."""
SYSTEM_SHARE = 0.20
"""Time of the system's own modules is worth a word from this share on."""
DEBUG_SHARE = 0.01
"""A debug runtime makes a program another one; less than this of its time, and it is not what the time goes to."""
UNRESOLVED_SHARE = 0.01
"""Frames without symbols hide something from this share of the time on."""
NEW_SHARE = 0.01
"""Functions that the baseline does not have are told from this share of the program's time on."""
ENOUGH_RUNS = 3
"""So many runs are the least that tell how runs vary."""
NOISY_DISPERSION = 0.05
"""Runs that vary more than this, which is also the margin of a diff by default, hide changes that matter."""
ENOUGH_SAMPLES = 1_000
"""With fewer samples a run, a function of 1 % has fewer than 10, and counts of 10 vary by a third."""
MOST_LISTED = 3
"""So many functions, modules or files are named in a sentence; the others are counted."""
LONGEST_NAME = 120
"""Names in sentences are shortened to so many characters; tables and JSON have them whole."""

SYSTEM_MODULES = frozenset(
    (
        "ntdll.dll", "ntoskrnl.exe", "ntkrnlmp.exe", "kernel32.dll", "kernelbase.dll", "hal.dll", "win32u.dll",
        "wow64.dll", "wow64cpu.dll", "user32.dll", "gdi32.dll", "advapi32.dll", "ws2_32.dll",
    )
)  # fmt: skip
"""Modules of Windows itself, besides every driver (`.sys`)."""
DEBUG_RUNTIME = re.compile(
    r"(ucrtbased|msvcr\d+d|msvcrtd|vcruntime\d+(_\d+)?d|msvcp\d+d(_\w+)?|concrt\d+d|mfc\d+u?d)\.dll"
)
"""The file names of Microsoft's debug runtimes."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding of an example: what to do in a word or two, why in a sentence with figures, and commands to type.

    `ns` is how much time of a run it is about, None where that cannot be told. `more` are further sentences.
    """

    what: str
    text: str
    ns: float | None = None
    commands: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def by_weight(advice: Iterable[Advice | None]) -> list[Advice]:
    """What there is to say, that about the most time first; what is about no certain time comes last."""
    found = [each for each in advice if each is not None]
    return sorted(found, key=lambda each: -1.0 if each.ns is None else each.ns, reverse=True)


def is_system(item: Item) -> bool:
    """Whether an item belongs to Windows rather than to a program."""
    module = item.module.lower()
    return module in SYSTEM_MODULES or module.endswith(".sys")


def is_debug_runtime(item: Item) -> bool:
    """Whether an item belongs to a debug runtime."""
    return DEBUG_RUNTIME.fullmatch(item.module.lower()) is not None


def named(item: Item) -> str:
    """The name of an item in a sentence, marked for `markdown.sentence`."""
    return marked(shorten(printable(str(item)), LONGEST_NAME))


def named_frame(item: Item) -> str:
    """The name of a frame in a sentence; one without a name is one of its module."""
    if not item.is_unresolved:
        return named(item)
    return f"{named(Item(item.module))} (a frame without a name)"


def example_name(of: ExampleAnalysis) -> str:
    """The name of an example in a sentence."""
    return shorten(printable(of.example), LONGEST_NAME)


def ms(ns: float) -> str:
    """`1,335.3 ms`."""
    return f"{cell(ns / NS_PER_MS, 'ms')} ms"


def percent(share: float) -> str:
    """`65.3 %`."""
    return cell(share, "share")


def listed(parts: list[str], most: int = MOST_LISTED) -> str:
    """`a, b and c`, or `a, b, c and 4 more`."""
    shown = parts[:most]
    if len(parts) > most:
        return f"{', '.join(shown)} and {len(parts) - most:,} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def of_example(of: ExampleAnalysis) -> str:
    """The option that chooses an example."""
    return f"--example={word(of.example)}" if of.example.startswith("-") else f"--example {word(of.example)}"
