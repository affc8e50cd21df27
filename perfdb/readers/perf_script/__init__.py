"""What `perf script` prints of a `perf.data`: Linux's sampling profiler as text, one sample after the other.

    header      the lines that begin with `#`
    rows        the lines of the text: samples in columns, records to `tasks`
    frame_rows  the lines of stacks, each distinct one once
    frames      one of them, and the names of functions and modules
    events      which of the sampled events is CPU time
    tasks       processes and images
    assemble    columns in, `Profile` out
    caveats     what one must know of it

The file is read in blocks of a few MiB. `perf script` has no format but what its source prints
(tools/perf/builtin-script.c, tools/perf/util/evsel_fprintf.c of Linux); what its fields may be depends on its version
and its `-F`. The tests hold this reader against one that goes line by line, and against perf itself.

What is needed is a thread and a time of every sample; what is there besides is used: pid, cpu, period, event, source
lines, and the records of `--show-task-events`, `--show-mmap-events` and `--show-lost-events`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from perfdb.errors import TraceError
from perfdb.profile.columns import Profile, Source
from perfdb.readers.files import HEAD_BYTES, Content, Reader, ReadOptions
from perfdb.readers.text import ascii_blocks, encoding_of

_MAGIC = (b"PERFILE2", b"2ELIFREP", b"PERFFILE")
"""How perf's own files begin, of either byte order."""


def _recognises(head: bytes) -> bool:
    from perfdb.readers.perf_script.header import MARKS

    if head.startswith(_MAGIC):
        return True
    encoding, skip = encoding_of(head)
    text = head[skip:] if encoding == "utf-8" else head[skip:].decode(encoding, "replace").encode()
    text = text.replace(b"\r\n", b"\n")
    if len(MARKS.findall(text)) >= 3:
        return True
    lines = text.split(b"\n")
    if len(head) >= HEAD_BYTES:
        lines.pop()
    return any(_is_perfs(line, after) for line, after in zip(lines, [*lines[1:], b""], strict=False))


def _is_perfs(line: bytes, after: bytes) -> bool:
    """Whether a line is a sample or record of perf: other logs have times and words too."""
    from perfdb.readers.perf_script.events import read_name
    from perfdb.readers.perf_script.rows import LINE, RECORD

    found = LINE.fullmatch(line)
    if found is None:
        return False
    event, rest = found[8] or b"", found[9]
    is_event = bool(read_name(event.decode("latin-1")).kind) or not {*b":/-"}.isdisjoint(event)
    return is_event or after.startswith(b"\t") or RECORD in event or rest.startswith(RECORD)


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    from perfdb.readers.perf_script.assemble import SCRIPT, assemble
    from perfdb.readers.perf_script.rows import read_rows

    if content.head().startswith(_MAGIC):
        text = f"{PurePath(source.name).stem}.perf"
        call = SCRIPT.replace("app.perf", shlex.quote(text)).replace("perf.data", shlex.quote(source.name))
        raise TraceError(
            f"{source.name}: asked for what perf script prints, found the file of perf itself, which only perf reads. "
            f"Where it was recorded, type: {call}"
        )
    return assemble(read_rows(_blocks(content, options), source.name), source, options)


def _blocks(content: Content, options: ReadOptions) -> Iterator[bytes]:
    done = 0
    for block in ascii_blocks(content):
        yield block
        done += len(block)
        if options.progress:
            options.progress(min(done, content.size), content.size)


PERF = Reader(
    name="perf",
    title="perf script text",
    suffixes=(".perf", ".txt"),
    recognises=_recognises,
    read=_read,
    rank=4,
)
