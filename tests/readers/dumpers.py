"""Small texts as `xperf -a dumper` writes them: `dump(sample(1000), stack(1000, (0x140001010, "app.exe!f")))`.

Rows are strings without line ends, laid out as xperf does: names right-aligned, times in microseconds. The process is
`app.exe (100)` with thread 1 unless a test says otherwise, and `IMAGES` says where its modules lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from perfdb.profile import Profile
from perfdb.readers.dumper import DUMPER
from tests.readers.reading import read_as
from tests.twins.weights import path_of

APP = "app.exe ( 100)"
IDLE = "Idle (   0)"
UNBATCHED = "Unbatched"

APP_BASE, APP_END = 0x140000000, 0x140100000
NTDLL_BASE, NTDLL_END = 0x7FF800000000, 0x7FF800200000
KERNEL_BASE, KERNEL_END = 0xFFFFF80001000000, 0xFFFFF80001800000

COLUMNS = {
    "P-Start": "Process Name ( PID),  ParentPID,  SessionID,          UniqueKey,  DirectoryTableBase,      Flags, "
    "UserSid, Command Line",
    "P-End": "Process Name ( PID),  ParentPID,  SessionID,          UniqueKey,     Status,  DirectoryTableBase, "
    "     Flags, UserSid, Command Line",
    "T-Start": "Process Name ( PID),   ThreadID,          StackBase,         StackLimit,         UsrStkBase, "
    "        UsrStkLmt,            TebBase, SubProcessTag, BasePri, PagePri,  IoPri,      Flags,  Image!Function",
    "I-Start": "Process Name ( PID),           BaseAddr,            EndAddr,   Checksum, TimeDateStamp, "
    "       DefaultBase, FileName, Relocated, NT FileName",
    "SampledProfileNmi": "Process Name ( PID),   ThreadID,           PrgrmCtr, CPU, ThreadStartImage!Function, "
    "           Image!Function, Interrupts Masked",
    "SampledProfile": "Process Name ( PID),   ThreadID,           PrgrmCtr, CPU, ThreadStartImage!Function, "
    "           Image!Function, Count, SampledProfile type",
    "ProfileFreq-SetInterval": "Process Name ( PID),   ThreadID, Source, New Interval, Old Interval",
    "CSwitch": "New Process Name ( PID),    New TID, NPri, NQnt, TmSinceLast, WaitTime, Old Process Name ( PID), "
    "   Old TID, OPri, OQnt,        OldState,      Wait Reason, Swapable, InSwitchTime, CPU, IdealProc",
    "ReadyThread": "Process Name ( PID),   ThreadID, Rdy Process Name ( PID),    Rdy TID, AdjustReason",
    "SysCallEnter": "Process Name ( PID),   ThreadID,        ServiceAddr,            Image!Function",
    "Stack": "  ThreadID, No.,            Address,            Image!Function",
}
"""What the header says of each event, after the time."""

LIKE = {
    "P-Start": ("P-DCStart", "P-DCEnd"),
    "T-Start": ("T-End", "T-DCStart", "T-DCEnd"),
    "I-Start": ("I-End", "I-DCStart", "I-DCEnd"),
    "ProfileFreq-SetInterval": ("ProfileFreq-DCStart", "ProfileFreq-DCEnd"),
}
"""Events with the same columns."""

Rows = str | Sequence[str]


def header(**other: str) -> list[str]:
    """The header block; a keyword gives an event other columns (`I_Start` is I-Start)."""
    columns = dict(COLUMNS)
    for event, alike in LIKE.items():
        columns.update(dict.fromkeys(alike, COLUMNS[event]))
    columns.update({event.replace("_", "-"): text for event, text in other.items()})
    lines = [f"{event:>23},  TimeStamp, {text}" for event, text in columns.items()]
    return ["BeginHeader", "FirstReliableEventTimeStamp, TimeStamp", *lines, "EndHeader"]


def info(
    events_lost: int = 0, buffers_lost: int = 0, pointer_size: int = 8, name: str = "merged.etl", word: str = "lost"
) -> str:
    """The line about the trace. It began on 2021-06-08 at 08:22:49 UTC and took 2 seconds."""
    return (
        f"OS Version: 10.0.19043, Trace Size: 20736KB, Events Lost: {events_lost}, Buffers {word}: {buffers_lost}, "
        "Trace Start: 132676141690347142, Trace Length: 2 sec, "
        f"PointerSize: {pointer_size}, Trace Name: {name}"
    )


def hexed(address: int) -> str:
    """An address as xperf writes it."""
    return f"0x{address:016x}"


def sample(
    time: int,
    address: int = APP_BASE + 0x1010,
    leaf: str = "app.exe!work",
    *,
    process: str = APP,
    tid: int = 1,
    cpu: int = 0,
    count: int = 1,
    start: str = "ntdll.dll!RtlUserThreadStart",
) -> str:
    """A SampledProfile row."""
    return (
        f"{'SampledProfile':>23}, {time:>10}, {process:>24}, {tid:>10}, {hexed(address)}, {cpu:>3}, "
        f"{start:>26}, {leaf:>26}, {count:>5}, {UNBATCHED}"
    )


def idle(time: int, cpu: int = 0, address: int = KERNEL_BASE + 0x500) -> str:
    """A sample of an idle processor."""
    return sample(time, address, "ntoskrnl.exe!HalProcessorIdle", process=IDLE, tid=0, cpu=cpu)


def stack(time: int, *frames: tuple[int, str], tid: int = 1, first: int = 1) -> list[str]:
    """Stack rows, leaf first, numbered from `first`."""
    return [
        f"{'Stack':>23}, {time:>10}, {tid:>10}, {number:>3}, {hexed(address)}, {symbol:>26}"
        for number, (address, symbol) in enumerate(frames, first)
    ]


def process_row(event: str, time: int, process: str = APP, command: str = "app.exe --run", parent: int = 4) -> str:
    """A P- row, with the two fields at its end that no header names."""
    status = "0x00000000, " if event == "P-End" else ""
    return (
        f"{event:>23}, {time:>10}, {process:>24}, {parent:>10}, {1:>10}, {hexed(0)}, {status}{hexed(0)}, 0x00000000, "
        f"S-1-5-21-100-200-300-1001, {command}, <none>, <none>"
    )


def thread_row(event: str, time: int, tid: int, process: str = APP) -> str:
    """A T- row, with the field at its end that no header names."""
    return (
        f"{event:>23}, {time:>10}, {process:>24}, {tid:>10}, {', '.join([hexed(0)] * 5)}, 0x00000000, 8, 5, 2, 0x00, "
        'app.exe!0x0000000140001000, "Unknown"'
    )


def image_row(event: str, time: int, base: int, end: int, path: str, process: str = APP) -> str:
    """An I- row."""
    return (
        f"{event:>23}, {time:>10}, {process:>24}, {hexed(base)}, {hexed(end)}, 0x00000000, 0x00000000, {hexed(base)}, "
        f'"{path}", , "{path}"'
    )


def interval_row(event: str, time: int, interval: int, source: str = "0", old: int = 10_000) -> str:
    """A ProfileFreq row; intervals in 100 ns."""
    return f"{event:>23}, {time:>10}, {'System (   4)':>24}, {8:>10}, {source:>6}, {interval:>12}, {old:>12}"


def switch_row(time: int, new_tid: int, new_process: str = APP, old_tid: int = 0) -> str:
    """A CSwitch row of the newest build, longer than the header says."""
    return (
        f"{'CSwitch':>23}, {time:>10}, {new_process:>24}, {new_tid:>10}, {8:>4}, {-1:>4}, {0:>11}, {4294966:>8}, "
        f"{IDLE:>24}, {old_tid:>10}, {0:>4}, {-1:>4}, {'<out of range>':>15}, {'WrProcessInSwap':>16}, {'NonSwap':>8}, "
        f"{0:>12}, {0:>3}, {0:>9},   97936384,    0,    0,   Important,   Important"
    )


def ready_row(time: int, tid: int, process: str = APP) -> str:
    """A ReadyThread row."""
    return f"{'ReadyThread':>23}, {time:>10}, {process:>24}, {tid:>10}, {APP:>24}, {77:>10}, 0"


IMAGES = (
    process_row("P-DCStart", 5, "System (   4)", "", 0),
    process_row("P-DCStart", 5),
    image_row("I-DCStart", 6, KERNEL_BASE, KERNEL_END, r"\SystemRoot\system32\ntoskrnl.exe", IDLE),
    image_row("I-DCStart", 6, NTDLL_BASE, NTDLL_END, r"\Device\HarddiskVolume2\Windows\System32\ntdll.dll"),
    image_row("I-DCStart", 6, APP_BASE, APP_END, r"C:\bin\app.exe"),
    interval_row("ProfileFreq-DCStart", 7, 10_000),
)
"""What a whole trace says before its samples: two processes, three images, an interval of 1 ms."""

FIRST = ("FirstReliableEventTimeStamp, 0", "FirstReliableCSwitchEventTimeStamp, 6016")


def dump(
    *rows: Rows,
    head: Iterable[str] | None = None,
    about: Rows | None = None,
    rundown: Sequence[str] = IMAGES,
    newline: str = "\r\n",
    encoding: str = "utf-8",
) -> bytes:
    """A whole dump. `head`, `about` and `rundown` replace the header, the line about the trace and `IMAGES`."""
    lines = [*(header() if head is None else head), *_flat([info() if about is None else about]), *FIRST, *rundown]
    return newline.join([*lines, *_flat(rows), ""]).encode(encoding)


def bare(*rows: Rows, newline: str = "\r\n") -> bytes:
    """Rows alone: no header, no line about the trace, no rundown."""
    return newline.join([*_flat(rows), ""]).encode()


def run(*rows: Rows, **more: object) -> Profile:
    """The profile of a dump of some rows; `more` as for `dump`."""
    return read_as(DUMPER, dump(*rows, **more))  # type: ignore[arg-type]


def paths(profile: Profile) -> list[str]:
    """Each sample's stack, root first and modules in lower case, in the order of time."""
    return [";".join(map("!".join, path_of(profile, stack))) for stack in profile.samples.stack.tolist()]


def _flat(rows: Iterable[Rows]) -> list[str]:
    return [line for row in rows for line in ([row] if isinstance(row, str) else row)]
