"""Folded stacks (`a;b;c 12`), the exchange format of the flame-graph world; `perfdb.profile.folded_text` describes it.

What perfdb makes of what the format leaves open:

- Counts are whole samples. Decimal and negative ones are weights or differences of another kind, and two numbers at
  the end of every line are the comparison of two profiles: such files are refused. A count of 0 says nothing.
- A frame without `!` is a function of no known module; the marks `_[k]`, `_[j]` and `_[i]` of stackcollapse-perf.pl
  stay part of its name. Only where there is no name, as in `[vmlinux]_[k]`, do they go.
- Where the first frame of every line is `name (pid)`, it is the process; else all is work of one process `<unknown>`.
- A line that is not of the format is left out and counted in a caveat; a file that is mostly such lines is refused.
- Many tools end the file without a line end. The last line then counts, with a caveat: of a file that was cut off, the
  count may be cut off too.
- Neither the sampling interval nor losses are told; stacks have no threads and no times.

A first line longer than the head that a format is recognised by (64 KiB) needs `--format folded`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from perfdb.errors import TraceError
from perfdb.profile.builder import About, Names, StackedSamples, stacked_profile
from perfdb.profile.columns import NO_PID, UNKNOWN_MODULE, UNRESOLVED, Caveat, Profile, Source
from perfdb.profile.folded_text import MODULE_FRAME, MODULELESS, PROCESS_FRAME
from perfdb.readers.files import HEAD_BYTES, Content, Reader, ReadOptions
from perfdb.readers.symbol_text import split_symbol
from perfdb.readers.text import decode, encoding_of, read_text
from perfdb.readers.told import Processes, interval, losses_not_told

_LINE = re.compile(r"(?P<path>.*[^ \t])[ \t]+(?P<count>[0-9]+)")
_OTHER_NUMBER = re.compile(r".*[^ \t][ \t]+(?:-[0-9.,]+|[0-9]*[.,][0-9.,]*(?:[eE][-+]?[0-9]+)?)")

_MOST_NS = (1 << 63) - 1
"""What the weights of a profile may come to."""

_MOST_DIGITS = 40
"""Longer numbers are no counts, leading zeros or not, and Python refuses to read very long ones."""


def split_frame(text: str) -> tuple[str, str]:
    """The module and the function of a frame; `<unknown>` and `<unresolved>` where it has none."""
    text = text.strip()
    if not MODULELESS.match(text):
        return split_symbol(text)
    if found := MODULE_FRAME.fullmatch(text):
        return UNKNOWN_MODULE if found["module"] == "unknown" else found["module"], UNRESOLVED
    return split_symbol(f"{UNKNOWN_MODULE}!{text}")


def looks_like_folded(head: bytes) -> bool:
    """Whether every whole line of the head is a stack with a number, and one of them has two frames."""
    encoding, skip = encoding_of(head)
    text = decode(head[skip:]) if encoding == "utf-8" else head[skip:].decode(encoding, "replace")
    lines = text.split("\n")
    if len(lines) > 1 or len(head) >= HEAD_BYTES:
        lines.pop()  # empty, or cut off
    stacks = [line for line in (line.strip() for line in lines) if line]
    return any(";" in line for line in stacks) and all(
        "\0" not in line and (_LINE.fullmatch(line) or _OTHER_NUMBER.fullmatch(line)) for line in stacks
    )


@dataclass
class _Counts:
    """Samples by path, as the lines told them, and what was found besides."""

    samples: dict[str, int] = field(default_factory=dict)
    malformed: int = 0
    is_ended: bool = True


def _count_lines(text: str) -> _Counts:
    """Add up the lines. Raises TraceError where the numbers are of another kind than counts of samples."""
    found = _Counts(is_ended=text.endswith("\n"))
    read = 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        match = _LINE.fullmatch(line)
        if match is None or "\0" in line:
            if line and _OTHER_NUMBER.fullmatch(line):
                raise TraceError(
                    f"asked for counts of samples, found another number in line {number}: {_short(line)}. "
                    "Fold the stacks again with whole counts."
                )
            found.malformed += bool(line)
            continue
        if len(match["count"]) > _MOST_DIGITS:
            raise _too_many()
        found.samples[match["path"]] = found.samples.get(match["path"], 0) + int(match["count"])
        read += 1
    if found.malformed > read or not any(found.samples.values()):
        raise TraceError(
            f"asked for folded stacks, found {read:,} lines of a stack and a count and {found.malformed:,} others, "
            f"and {sum(found.samples.values()):,} samples in all. A line looks like main;work;copy 12"
        )
    if len(found.samples) > 1 and all(_LINE.fullmatch(path) for path in found.samples):
        raise TraceError(
            "asked for folded stacks, found two numbers at the end of every line, as in a comparison of two profiles "
            "(difffolded.pl). Give the two files that it was made from, one by one."
        )
    return found


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    text, caveats = read_text(content)
    counts = _count_lines(text)
    interval_ns, untold = interval(options, "the file does not tell the sampling interval (--interval says it)")
    if sum(counts.samples.values()) * interval_ns > _MOST_NS:
        raise _too_many()
    processes = Processes()
    process_of: dict[tuple[str, int], int] = {}
    names = Names()
    samples = StackedSamples()
    row_of: dict[str, int] = {}
    has_processes = all(PROCESS_FRAME.fullmatch(path.split(";", 1)[0].strip()) for path in counts.samples)
    for path, count in counts.samples.items():
        frames = path.split(";")
        if not count:
            continue
        named = _process(frames.pop(0)) if has_processes else (UNKNOWN_MODULE, NO_PID)
        process = process_of.get(named)
        if process is None:
            process = process_of[named] = processes.add(named[1], named[0])
        rows = []
        for frame in frames or ("",):
            row = row_of.get(frame)
            if row is None:
                row = row_of[frame] = names.function(*split_frame(frame))
            rows.append(row)
        samples.add(rows, process=process, count=count, weight_ns=count * interval_ns, has_stack=bool(frames))
    if options.progress:
        options.progress(content.size, content.size)
    about = About(source, interval_ns, caveats=(*caveats, *_caveats(counts), *untold))
    return stacked_profile(about, processes.rows, names, samples)


def _process(frame: str) -> tuple[str, int]:
    match = PROCESS_FRAME.fullmatch(frame.strip())
    assert match is not None
    return match["name"].strip(), int(match["pid"])


def _caveats(counts: _Counts) -> list[Caveat]:
    caveats = [losses_not_told()]
    if counts.malformed:
        text = f"{counts.malformed:,} lines are no stack with a count, and were left out"
        caveats.append(Caveat("malformed-rows", text))
    if not counts.is_ended:
        text = "the file does not end with a line end: if it was cut off, its last line is not to be trusted"
        caveats.append(Caveat("no-final-newline", text))
    return caveats


def _too_many() -> TraceError:
    return TraceError(
        "asked for counts of samples, found counts that add up to more than 292 years of CPU time. "
        "The file is damaged, or its numbers are of another kind."
    )


def _short(line: str) -> str:
    return line if len(line) <= 80 else f"…{line[-79:]}"


FOLDED = Reader(
    name="folded",
    title="folded stacks (a;b;c 12)",
    suffixes=(".folded", ".collapsed"),
    recognises=looks_like_folded,
    read=_read,
    rank=3,
)
