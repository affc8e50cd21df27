"""Folded stacks, the exchange format of the flame-graph world: what a frame means there, for its reader and its writer.

    app.exe (4711);ntdll.dll!RtlUserThreadStart;app.exe!main;[libc.so.6];std::sort<int*, 0> 12

A line is a stack, root first, its frames joined by `;`, then a blank and the number of samples. Frames are free text;
these forms are understood:

    module!function         as everywhere in perfdb; the first `!` divides
    function                of no module that is known; also `operator!=(…)` and what has nothing behind its `!`
    [module]                a place in a module that no symbol covers, as stackcollapse-perf.pl writes it
    [unknown]               a place in no module
    name (pid)              the process, where the first frame of every line looks so
"""

from __future__ import annotations

import re

from perfdb.profile.columns import UNKNOWN_MODULE, UNRESOLVED

PROCESS_FRAME = re.compile(r"(?P<name>[^!]*[^!\s]) \((?P<pid>-1|[0-9]{1,10})\)")
"""A first frame that is a process; -1 is a pid that is not known."""

MODULE_FRAME = re.compile(r"\[(?P<module>\S+?)(?: <[0-9a-fA-Fx]+>)?\](?:_\[[a-z]\])?")
"""A place in a module without symbol, perhaps with its address (`stackcollapse-perf.pl --addrs`) and the mark that
`--all` puts behind it (`_[k]` kernel, `_[j]` compiled at run time, `_[i]` inlined).
"""

MODULELESS = re.compile(r"[^!]*(?:!(?=\s|\Z)|(?<=\boperator)!(?=[=(])|\Z)")
"""How a function without module begins: its first `!`, if it has one, is part of the name."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def spell_frame(module: str, function: str) -> str:
    """A function as a frame.

    What would break the format is replaced: `;` by `:`, line ends and other control characters by blanks, `!` in the
    name of a module by `_`. Blanks around names are left out.
    """
    module, function = _plain(module).replace("!", "_") or UNKNOWN_MODULE, _plain(function) or UNRESOLVED
    if module.lower() != UNKNOWN_MODULE:
        return f"{module}!{function}"
    if function == UNRESOLVED:
        return "[unknown]"
    is_special = not MODULELESS.match(function) or MODULE_FRAME.fullmatch(function) or PROCESS_FRAME.fullmatch(function)
    return f"{UNKNOWN_MODULE}!{function}" if is_special else function


def spell_process(name: str, pid: int) -> str:
    """A process as the first frame; characters are replaced as in `spell_frame`, `!` by `_`."""
    return f"{_plain(name).replace('!', '_') or UNKNOWN_MODULE} ({pid})"


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text).replace(";", ":").strip()
