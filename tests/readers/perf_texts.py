"""Small texts as `perf script` writes them: `text(sample(1.0, "main+0x1 (/tmp/app)"))`, frames innermost first."""

from __future__ import annotations

from perfdb.profile import Profile
from perfdb.readers.perf_script import PERF
from tests.readers.reading import read_as
from tests.twins.weights import path_of

MAIN = "401136 main+0x16 (/tmp/app)"
WORK = "401200 work+0x20 (/tmp/app)"
READ = "ffffffff81360092 ksys_read+0x72 ([kernel.kallsyms])"

HEADER = """\
# ========
# captured on    : Sun Nov 29 11:43:20 2026
# header version : 1
# hostname : buildbox
# os release : 6.1.0-18-amd64
# perf version : 6.1.187
# nrcpus online : 8
# cpudesc : AMD Ryzen 9
# cmdline : /usr/bin/perf record -F 997 -g -e cpu-clock ./app 12 3
# event : name = cpu-clock, , id = { 116, 117 }, type = 1, size = 128, { sample_period, sample_freq } = 997, \
sample_type = IP|TID|TIME|CALLCHAIN|PERIOD, read_format = ID|LOST, disabled = 1, inherit = 1, freq = 1
# missing features: TRACING_DATA BRANCH_STACK
# ========
#
"""


def sample(
    seconds: float,
    *frames: str,
    comm: str = "app",
    ids: str = "100/100",
    cpu: int | None = None,
    period: int | None = None,
    event: str = "cpu-clock",
) -> str:
    """One sample with its stack, as perf prints it with `-g`."""
    processor = "" if cpu is None else f"[{cpu:03}] "
    weight = "" if period is None else f"{period:10} "
    stack = "".join(_frame(frame) for frame in frames)
    return f"{comm} {ids} {processor}{seconds:12.6f}: {weight}{event + ': ' if event else ''}\n{stack}\n"


def record(seconds: float, text: str, comm: str = "app", ids: str = "100/100") -> str:
    """One record, as `--show-task-events` and its like print it."""
    return f"{comm} {ids} {seconds:12.6f}: PERF_RECORD_{text}\n"


def _frame(frame: str) -> str:
    address, _, rest = frame.partition(" ")
    return f"\t{address:>16} {rest}\n"


def read(*parts: str, interval_ns: int | None = None) -> Profile:
    """The profile of a text, checked."""
    return read_as(PERF, "".join(parts).encode(), "app.perf", interval_ns)


def paths(profile: Profile) -> list[str]:
    """The stack of each sample as `module!function;…`, root first, in the order of time."""
    stacks = [path_of(profile, stack) for stack in profile.samples.stack.tolist()]
    return [";".join(f"{module}!{function}" for module, function in stack) for stack in stacks]


def names(profile: Profile) -> list[tuple[int, str]]:
    """Pid and name of each process."""
    return [(process.pid, process.name) for process in profile.processes]


def caveat_text(profile: Profile, code: str) -> str:
    """The text of the one caveat of a code."""
    (text,) = (caveat.text for caveat in profile.caveats if caveat.code == code)
    return text


def weights(profile: Profile) -> list[int]:
    """The weight of each sample in ns, in the order of time."""
    return [int(weight) for weight in profile.samples.weight_ns]
