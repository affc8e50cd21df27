"""Text of unknown encoding: what xperf and its relatives print is in the code page of the machine that printed it.

A byte order mark decides, else NUL bytes (UTF-16 that lost its mark), else what is valid UTF-8 is UTF-8, and the rest
is taken for Windows-1252. Readers of large files work on bytes, for which `ascii_blocks` guarantees that line ends,
commas and digits are single bytes, and decode single names with `decode`.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from perfdb.profile.columns import Caveat
from perfdb.readers.files import Content

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
ANSI = "cp1252"


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding that the beginning of a file tells, and how many bytes of it are a byte order mark.

    "utf-8" also stands for an unknown code page: only its decoding can tell.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, len(mark)
    start = head[:1024]
    if len(start) >= 4 and start[1::2].count(0) > len(start) // 4 and start[0::2].count(0) == 0:
        return "utf-16-le", 0
    if len(start) >= 4 and start[0::2].count(0) > len(start) // 4 and start[1::2].count(0) == 0:
        return "utf-16-be", 0
    return "utf-8", 0


def decode(raw: bytes) -> str:
    """Bytes in UTF-8 or, where they are none, in the usual code page; never fails."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(ANSI, "replace")


def head_text(head: bytes) -> str:
    """The beginning of a file as text, for recognising its format; never fails."""
    encoding, skip = encoding_of(head)
    if encoding == "utf-8":
        # The last characters may be cut in the middle.
        return decode(head[skip:].rsplit(b"\n", 1)[0] if len(head) > 4096 else head[skip:])
    return head[skip:].decode(encoding, "replace")


def read_text(content: Content) -> tuple[str, tuple[Caveat, ...]]:
    """A whole file as text, its lines ended by LF, and a caveat where its encoding had to be guessed."""
    raw = b"".join(content.blocks())
    encoding, skip = encoding_of(raw[:1024])
    caveats: tuple[Caveat, ...] = ()
    if encoding == "utf-8":
        try:
            text = raw[skip:].decode("utf-8")
        except UnicodeDecodeError:
            text = raw[skip:].decode(ANSI, "replace")
            caveats = (guessed_encoding(),)
    else:
        text = raw[skip:].decode(encoding, "replace")
        if "\ufffd" in text:
            caveats = (Caveat("encoding", "the file is not all UTF-16: some names are damaged"),)
    return text.replace("\r\n", "\n").replace("\r", "\n"), caveats


def guessed_encoding() -> Caveat:
    """What to say where names are not UTF-8."""
    return Caveat("encoding", "the file is not UTF-8: names were read as Windows-1252, and may be spelt wrongly")


def ascii_blocks(content: Content) -> Iterator[bytes]:
    """The file in blocks of bytes in which ASCII is ASCII: UTF-16 becomes UTF-8, everything else stays as it is."""
    blocks = content.blocks()
    first = next(blocks, b"")
    encoding, skip = encoding_of(first[:1024])
    if encoding == "utf-8":
        yield first[skip:]
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(first[skip:]).encode("utf-8", "replace")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
