"""What `xperf -a dumper` prints: every event of a trace as a row of text, stacks a row a frame.

    layout      the header block, which names the columns, and the line of facts after it
    lines       a block of the file as lines and fields, in numpy
    texts       distinct symbols and places, collected over the blocks
    samples     the rows of samples, in columns
    stacks      the rows of stacks, in columns
    rows        all of them, and whatever else may own a stack
    rundown     processes, images, threads and intervals, row by row
    join        which stack is whose
    assemble    columns in, `Profile` out, through the joins of `perfdb.etl`

The file is read in blocks of a few MiB: what stays in memory is some dozens of bytes a sample and stack, and the
distinct stacks. The format's facts were collected from Microsoft's documentation and from public outputs, for its maker
does not describe it; the tests hold this reader against one that goes line by line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfdb.errors import TraceError
from perfdb.profile.columns import Profile, Source
from perfdb.readers.dumper.layout import END_MARK, MARK, looks_like_dump, read_info, read_layout
from perfdb.readers.files import Content, Reader, ReadOptions
from perfdb.readers.text import ascii_blocks, head_text

if TYPE_CHECKING:
    from perfdb.readers.dumper.assemble import Told
    from perfdb.readers.dumper.rows import Rows

LONGEST_HEADER = 4 << 20
"""No header block is longer: without its end by then there is none."""

LONGEST_LINE = 32 << 20
"""No line is longer, nor a stack: more than this without an end is no text."""


def _recognises(head: bytes) -> bool:
    return looks_like_dump(head_text(head))


def _read(content: Content, source: Source, options: ReadOptions) -> Profile:
    from perfdb.readers.dumper.assemble import assemble

    rows, told = _rows(content, source, options, with_idle=False)
    if rows.missed_idle_stacks():  # it came very late, which is rare enough to begin anew
        rows, told = _rows(content, source, options, with_idle=True)
    return assemble(rows, told, source)


def _rows(content: Content, source: Source, options: ReadOptions, with_idle: bool) -> tuple[Rows, Told]:
    """All rows of the file, and what it tells besides."""
    from perfdb.readers.dumper.assemble import Told
    from perfdb.readers.dumper.rows import Rows

    blocks = ascii_blocks(content)
    head = b""
    for block in blocks:
        head += block
        if END_MARK in head or len(head) > LONGEST_HEADER or MARK not in head:
            break
    layout, end = read_layout(head)
    info = read_info(head)
    rows = Rows(layout, source.name, with_idle=with_idle)
    carried, waiting, done = b"", head[end:], end
    for block in blocks:
        carried = rows.take(carried, waiting, is_last=False)
        if len(carried) > LONGEST_LINE:
            raise TraceError(f"{source.name}: asked for lines of text, found none that ends. Dump the trace again.")
        done += len(waiting)
        if options.progress:
            options.progress(min(done, content.size), content.size)
        waiting = block
    carried = rows.take(carried, waiting, is_last=True)
    # A DOS end-of-file mark, or zeros where the disk was full, are no line; anything else is one that was cut.
    is_cut = bool(carried.strip(b"\0\r\x1a"))
    return rows, Told(info, layout.has_header, is_cut, options.interval_ns)


DUMPER = Reader(
    name="dumper",
    title="xperf -a dumper",
    suffixes=(".txt", ".csv"),
    recognises=_recognises,
    read=_read,
    rank=4,
)
