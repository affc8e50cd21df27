"""What perf and the kernel say about sampling: what of perf's words is worth telling, and what to do about it."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from perfdb.collect.process import Ended

PARANOID, KPTR = Path("/proc/sys/kernel/perf_event_paranoid"), Path("/proc/sys/kernel/kptr_restrict")

INSTALL = (
    "Install it (Debian: apt install linux-perf; Ubuntu: apt install linux-tools-$(uname -r); Fedora: dnf install perf)"
)

_CHATTER = re.compile(r"^\[ perf record:|^Error:$|^Warning:$")
_FORBIDDEN = re.compile(
    r"perf_event_paranoid|no permission|permission to|permission denied|not permitted|operations is limited",
    re.IGNORECASE,
)
_NOT_INSTALLED = re.compile(
    r"not found for kernel|linux-(perf|tools)\S* is not installed|perf_\S+: (command )?not found", re.IGNORECASE
)


def paranoid() -> int | None:
    """What the kernel lets unprivileged users sample: less with every step from -1; None where it cannot be told."""
    try:
        return int(PARANOID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def hides_kernel_symbols() -> bool:
    """Are the kernel's functions kept from unprivileged users?"""
    try:
        return KPTR.read_text(encoding="ascii").strip() != "0"
    except OSError:
        return False


def words_of(ended: Ended) -> list[str]:
    """Its words without chatter; of an error only what comes first, which is what is wrong: then follows a manual."""
    lines = [line for line in ended.lines if not _CHATTER.match(line)]
    if "Error:" in ended.lines:
        return lines[:2]
    before_manual = list(takewhile(lambda line: not line.startswith("Usage: perf "), lines))
    return before_manual or lines


def warning_about_rate(ended: Ended) -> str:
    """What perf says where it takes fewer samples than it was asked for; "" where it does not."""
    return next((line for line in ended.lines if "Maximum frequency rate" in line), "")


def is_missing(ended: Ended) -> bool:
    """Was it a distribution's script that only says that perf is not installed for this kernel?"""
    return any(_NOT_INSTALLED.search(line) for line in ended.lines)


def is_forbidden(ended: Ended) -> bool:
    """Does perf say that it may not sample?"""
    return any(_FORBIDDEN.search(line) and "workload" not in line for line in ended.lines)


def advice(ended: Ended, event: str) -> str:
    """What to do about a failure."""
    if is_missing(ended):
        return f"{INSTALL}."
    if is_forbidden(ended):
        level = paranoid()
        known = "" if level is None else f" (it is {level})"
        return (
            f"Type sysctl kernel.perf_event_paranoid=1 as root{known}, or give perf the capability CAP_PERFMON; a "
            "container needs it from outside (--cap-add PERFMON, and a seccomp profile that lets perf_event_open pass)."
        )
    if any("No space left on device" in line for line in ended.lines):
        return "Make room on the disk that holds the traces: folder under [profile] in perfdb.toml names another."
    return f"Try by hand to see more: perf record -e {event} -- ls"
