"""The tables of one profile, as numpy columns that refer to each other by row index.

    samples ──stack──▶ stacks ──frame──▶ frames ──function──▶ functions ──module──▶ modules
       │                 └──parent (an earlier row, -1 at a root)
       └──process──▶ processes                  frames ──loaded──▶ loaded (what the run had in memory)

A *stack* is a row of a prefix tree: its parent is the caller's stack, its frame is the callee. Two samples that share
their outermost forty frames share those forty rows, so a stack costs one row where it differs and nothing where it does
not. Parents come before children, which lets every pass over the tree go in one direction.

A *frame* is a place in a loaded module, as an RVA (address minus image base), because base addresses move from run to
run. Callers are kept at `return address - 1`, so that a call in the last instruction of a function belongs to that
function. A frame outside every module has `loaded` -1 and keeps the address itself. With symbols, one place may be
several frames: a function, and what was inlined into it there, each a stack row below its caller.

Some sources tell no samples but sums of them: their profiles have `sums`, and no samples, stacks or frames.

Idle time is not in `samples`: the trace's idle samples are counted in `idle_count`, and `sample_count` counts them too.
Times are in ns since the start of the trace; weights are in ns.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]

UNKNOWN_MODULE = "<unknown>"
"""The module of a frame that lies in no image."""

UNRESOLVED = "<unresolved>"
"""The function of a frame that has no symbol."""

JIT_MODULE = "<jit>"
"""The module of frames that lie in no image, but in a method that a managed runtime compiled while the run went on."""

TRIMMED = "<trimmed>"
"""The function of work whose functions the source leaves out because each did little."""

POOLED_PROCESS = "<all processes>"
"""The process of work that its source does not tell apart by process."""

NO_PID = -1
"""The pid of a process whose pid is not known, and of `POOLED_PROCESS`."""

STACKS, EDGES, LEAF, MEASURED = "stacks", "edges", "leaf", "measured"
"""How much a run tells: whole call paths; functions with their callers and callees; only what was running; nothing of
all that, only values of metrics, as benchmark programs tell them.
"""

SYMBOL_STATES = ("", "full", "public", "absent", "mismatch", "unreadable")
"""What came of looking for a module's symbol file: not looked for; used; used, but it has only public symbols; not
found; found one of another build only; found, but it cannot be read.
"""

NOT_KNOWN = -1
"""An inclusive weight that the source does not tell, in samples or ns."""

TEMPLATES_FOLDED = "templates-folded"
"""The code of the caveat of runs in whose names all functions of a template are one."""

FLAG_DPC = 1
FLAG_ISR = 2


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning that travels with a result: `code` is stable and for programs, `text` is a sentence for people."""

    code: str
    text: str


LOSSES_NOT_TOLD = "losses-not-told"
"""The code of the caveat of a source that does not tell what was lost: its counts of losses are then no zeros."""


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a profile was read from; `sha256` is of its unpacked bytes, in hex."""

    format: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer that was profiled, as far as the trace tells; "" and 0 where it does not."""

    hostname: str = ""
    os: str = ""
    cpu: str = ""
    cores: int = 0


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the trace.

    `incarnation` tells processes apart that bore the same pid one after the other: 0 is the first of them.
    `start_ns` and `end_ns` are None where the process was running before or after the trace. `samples` is its own work
    where the source tells that, but not which functions did it; else None.
    """

    pid: int
    name: str
    command_line: str = ""
    parent_pid: int | None = None
    incarnation: int = 0
    start_ns: int | None = None
    end_ns: int | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """One distinct module that the run had in memory: `module` is a row of `Profile.modules`.

    `debug_id` is the PDB's guid in upper-case hex followed by its age in hex, as in a symbol store, or the build id of
    an ELF file in lower-case hex; "" if not known. `symbols` says what came of looking for names; see `SYMBOL_STATES`.
    """

    module: int
    path: str = ""
    debug_id: str = ""
    pdb_name: str = ""
    symbols: str = ""


@dataclass(frozen=True, slots=True)
class FunctionTable:
    """Distinct functions: shape (functions,)."""

    module: I32
    name: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Distinct places in the code: shape (frames,). See the module's docstring for `rva` of callers."""

    loaded: I32
    rva: U64
    function: I32

    def __len__(self) -> int:
        return len(self.rva)


@dataclass(frozen=True, slots=True)
class PlaceTable:
    """Where in the source the frames are: shape (frames,), row by row those of `Profile.frames`.

    `file` is a row of `Profile.files`, -1 if not known; `line` counts from 1, 0 if not known. `is_inlined` frames are
    of functions that the compiler put into their caller, which is the stack row above.
    """

    file: I32
    line: I32
    is_inlined: Bool

    def __len__(self) -> int:
        return len(self.line)


@dataclass(frozen=True, slots=True)
class SymbolName:
    """A name that a symbol file has for a function (a row of `Profile.functions`) where it is not the function's own.

    A function may have several: those that were made one by the rule for names, and those of other functions whose
    identical code was folded onto the same address.
    """

    function: int
    symbol: str


@dataclass(frozen=True, slots=True)
class StackTable:
    """The prefix tree of call paths: shape (stacks,), parents before children; `depth` of a root is 1."""

    parent: I32
    frame: I32
    depth: I32

    def __len__(self) -> int:
        return len(self.parent)


@dataclass(frozen=True, slots=True)
class SampleTable:
    """One row a sample that is work, in the order of time: shape (samples,).

    `count` is how many samples the profiler folded into the event (nearly always 1), `weight_ns` what they stand for,
    `cpu` the logical processor, `flags` are `FLAG_DPC | FLAG_ISR`, `has_stack` is False where only the leaf is known.
    """

    time_ns: I64
    process: I32
    tid: I64
    cpu: I32
    stack: I32
    count: I64
    weight_ns: I64
    flags: U8
    has_stack: Bool

    def __len__(self) -> int:
        return len(self.time_ns)


@dataclass(frozen=True, slots=True)
class ItemWeights:
    """Weights per process and item, both distinct, in the order of (process, item): shape (rows,).

    An item is a row of whatever table the weights are of. Inclusive weights may be `NOT_KNOWN`.
    """

    process: I32
    item: I32
    exclusive_samples: I64
    inclusive_samples: I64
    exclusive_ns: I64
    inclusive_ns: I64

    def __len__(self) -> int:
        return len(self.process)


@dataclass(frozen=True, slots=True)
class CallTable:
    """Who called whom: shape (calls,). (process, caller, callee) are distinct; the latter are rows of the functions.

    Every occurrence of the call on a stack counts, so a recursive one may count more than once a sample.
    """

    process: I32
    caller: I32
    callee: I32
    samples: I64
    weight_ns: I64

    def __len__(self) -> int:
        return len(self.process)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a source tells that keeps no samples: items of `functions` and `modules` are rows of the profile's tables.

    The exclusive weights of a process are the same sum over its functions and over its modules.
    """

    functions: ItemWeights
    modules: ItemWeights
    calls: CallTable


@dataclass(frozen=True, slots=True)
class Profile:
    """One profiling run, read and joined. Rows of one table name rows of another by index; see the module.

    `detail` is `STACKS` where there are samples, `EDGES` or `LEAF` where `sums` hold the weights, and `MEASURED` where
    there is no work at all, but one process and measurements elsewhere. `places` and
    `symbol_names` come with symbols; `places` is None where no frame has a line.
    """

    source: Source
    machine: Machine
    started_at: datetime | None
    duration_ns: int
    interval_ns: int
    sample_count: int
    idle_count: int
    lost_events: int
    lost_buffers: int
    processes: tuple[Process, ...]
    modules: tuple[str, ...]
    loaded: tuple[LoadedModule, ...]
    functions: FunctionTable
    frames: FrameTable
    stacks: StackTable
    samples: SampleTable
    detail: str = STACKS
    caveats: tuple[Caveat, ...] = ()
    sums: Sums | None = None
    files: tuple[str, ...] = ()
    places: PlaceTable | None = None
    symbol_names: tuple[SymbolName, ...] = ()
