"""A profile in columns: what every reader makes, what symbols rename, and what the store writes.

`columns` holds the tables, `tree` the prefix tree of call paths, `weights` the exclusive and inclusive sums,
`identity` the content hashes that serve as keys, and `check` proves that a profile holds together.
"""

from perfdb.profile.columns import (
    UNKNOWN_MODULE,
    UNRESOLVED,
    Caveat,
    FrameTable,
    FunctionTable,
    LoadedModule,
    Machine,
    Process,
    Profile,
    SampleTable,
    Source,
    StackTable,
)

__all__ = [
    "UNKNOWN_MODULE",
    "UNRESOLVED",
    "Caveat",
    "FrameTable",
    "FunctionTable",
    "LoadedModule",
    "Machine",
    "Process",
    "Profile",
    "SampleTable",
    "Source",
    "StackTable",
]
