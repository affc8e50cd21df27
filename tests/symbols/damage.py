"""Symbol files that went wrong: cut off, overwritten, with a stream that does not hold what it should."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from purepdb import MsfFile

from perfdb.demo.msf_writer import write_msf

PDB_STREAM, TYPE_STREAM, DEBUG_STREAM, ID_STREAM = 1, 2, 3, 4
SUPERBLOCK_BYTES = 56


def cuts(data: bytes, count: int = 20) -> Iterator[tuple[int, bytes]]:
    """The file cut off at many places, with the place: within its first bytes, at ends of blocks, and all over it."""
    block_size = MsfFile(data).super.block_size
    edges = {0, 1, 31, 32, 44, SUPERBLOCK_BYTES - 1, SUPERBLOCK_BYTES, block_size, block_size * 3, len(data) - 1}
    spread = {len(data) * part // count for part in range(1, count)}
    blocks = {place // block_size * block_size for place in spread}
    for place in sorted(place for place in edges | spread | blocks if place < len(data)):
        yield place, data[:place]


def filled_up(data: bytes, place: int) -> bytes:
    """The file as long as it was, with zeros from `place` on: a download that broke, or a disk that was full."""
    return data[:place].ljust(len(data), b"\0")


def flips(data: bytes, seed: int, count: int = 24) -> bytes:
    """The file with some bytes changed, half of them in what describes the file: its ends and its first streams."""
    chance = random.Random(seed)
    content = bytearray(data)
    msf = MsfFile(data)
    size = msf.super.block_size
    told = [0, msf.super.block_map_addr, *msf.stream_blocks[PDB_STREAM][:1], *msf.stream_blocks[DEBUG_STREAM]]
    for number in range(count):
        place = chance.choice(told) * size + chance.randrange(size) if number % 2 else chance.randrange(len(content))
        content[min(place, len(content) - 1)] = chance.randrange(256)
    return bytes(content)


def with_stream(data: bytes, number: int, change: Callable[[bytes], bytes | None]) -> bytes:
    """The file with one stream changed, and all else as it was; None takes the stream away."""
    msf = MsfFile(data)
    streams = [msf.read_stream(row) if msf.is_valid_stream(row) else None for row in range(msf.num_streams)]
    streams[number] = change(streams[number] or b"")
    return write_msf(streams, msf.super.block_size)
