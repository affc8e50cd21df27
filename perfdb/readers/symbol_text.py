"""`module!function` as the tools of Windows write it, in all the spellings that they have for "no symbol".

    ntdll.dll!RtlUserThreadStart          a function
    ntdll.dll!0x00007ffb1c0b26a1          an address that no symbol covers
    ntdll.dll!"Unknown"                   the same, as `-a profile -detail` writes it
    ntdll.dll!***unknown***               the same, as the butterfly writes it
    "Unknown"!0x00007ffb1c0b26a1  ?!?  n/a  ***unknown***!***unknown***  "Unknown"!"Unknown"    in no module at all
    ntdll.dll                             a module whose functions the tool was not asked for

Addresses move from run to run, so `module!0x…` never is a name. Function names are raw: they may hold commas, blanks,
quotes and further exclamation marks, so the first `!` divides.
"""

from __future__ import annotations

import re
from functools import lru_cache

from perfdb.profile.columns import NO_PID, UNKNOWN_MODULE, UNRESOLVED

_NO_NAME = ("", "?", "n/a", '"unknown"', "***unknown***")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


@lru_cache(maxsize=1 << 16)
def split_symbol(text: str) -> tuple[str, str]:
    """The module and the function of a symbol as a tool wrote it; `<unknown>` and `<unresolved>` where it has none.

    Text without `!` is a module whose functions were not asked for.
    """
    module, _, function = text.strip().partition("!")
    module, function = module.strip(), function.strip()
    is_nameless = function == UNRESOLVED or function.lower() in _NO_NAME or _ADDRESS.fullmatch(function) is not None
    # Old builds wrote the missing module without quotes; a module may be called so, but not one without symbols.
    in_no_module = module.lower() in _NO_NAME or (is_nameless and module == "Unknown")
    return UNKNOWN_MODULE if in_no_module else module, UNRESOLVED if is_nameless else function


_PROCESS_END = re.compile(r"\(\s*-?\d+\s*\)$")


def join_process(parts: list[str], at: int) -> None:
    """Put together, in place, the field of a process whose name holds commas, which `split(",")` took apart.

    The field begins at `at` and ends with the pid in parentheses; where no field does, nothing is changed.
    """
    for end in range(at, len(parts)):
        if _PROCESS_END.search(parts[end].rstrip()):
            parts[at : end + 1] = [",".join(parts[at : end + 1])]
            return


@lru_cache(maxsize=1 << 12)
def split_process(text: str) -> tuple[str, int]:
    """The name and the pid of a process as the tools write it, `name (  pid)`; `NO_PID` where no number is told.

    Names may hold blanks, commas and parentheses, so the last pair of parentheses counts. A process that the tool does
    not know stands in quotes: `"Unknown" (99)`.
    """
    name, opened, rest = text.rpartition("(")
    number, closed, _ = rest.partition(")")
    if not (opened and closed and number.strip().lstrip("-").isdecimal()):
        return text.strip().strip('"') or UNKNOWN_MODULE, NO_PID
    if len(number) > 12:
        return text.strip().strip('"'), NO_PID
    name = name.strip()
    is_nameless = name in ('"Unknown"', "Unknown", "")
    return UNKNOWN_MODULE if is_nameless else name.strip('"'), max(int(number), NO_PID)
