"""Writes the container of a PDB, MSF 7.00 ("multi-stream file"): numbered streams in a file of equal blocks.

    block 0       the superblock
    block 1, 2    free block maps, the first in use; again at every k * block_size + 1 and + 2
    the others    here: the block map, the directory, and the streams in the order of their numbers

    superblock    offset  bytes  what
                       0     32  `MAGIC`
                      32      4  size of a block in bytes
                      36      4  number of the free block map in use: 1 or 2
                      40      4  blocks in the file
                      44      4  size of the directory in bytes
                      48      4  0
                      52   4 ×n  numbers of the block map's blocks, which are neighbours

    block map     the u32 numbers of the directory's blocks
    directory     u32 count of streams, u32 size of each (`NIL_SIZE` for one that is not there), then for each the u32
                  numbers of its blocks
    free map      a bit a block, the lowest first, over all blocks of the map: 1 where the block is free

The layout is that of LLVM's "The MSF File Format" (https://llvm.org/docs/PDB/MsfFile.html), but for the list at 52, of
which it knows the first number only: Microsoft's own header goes on, and readers go by either.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np

from perfdb.profile.columns import I64

MAGIC = b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0"
BLOCK_BYTES = 4096
BLOCK_LIST = 52
"""Where in the superblock the block map's blocks are named."""

NIL_SIZE = 0xFFFF_FFFF

_SUPERBLOCK = struct.Struct("<32s5I")
_FIRST_FREE_MAP = 1
_MAPS = 2
"""Blocks that free block maps take in every run of blocks."""

_FIRST_DATA = 3


def write_msf(streams: Sequence[bytes | None], block_size: int = BLOCK_BYTES) -> bytes:
    """The bytes of an MSF with these streams; None is a stream that has a number but is not there.

    `block_size` is a power of two from 512 to 32,768. Raises ValueError where the superblock cannot name the block map,
    which with blocks of 4 KiB is beyond 4 GiB.
    """
    directory_bytes = 4 + 4 * len(streams) + 4 * sum(_blocks(len(stream or b""), block_size) for stream in streams)
    directory_blocks = _blocks(directory_bytes, block_size)
    map_blocks = _blocks(4 * directory_blocks, block_size)
    if BLOCK_LIST + 4 * map_blocks > block_size:
        raise ValueError(f"streams with a directory of {directory_bytes:,} bytes need blocks over {block_size:,} bytes")
    first_stream = map_blocks + directory_blocks
    block_list = _place(np.arange(map_blocks), block_size)
    block_map = _place(np.arange(map_blocks, first_stream), block_size)
    directory = _directory(streams, first_stream, block_size)
    content = b"".join(_padded((block_map.astype("<u4").tobytes(), directory, *streams), block_size))
    runs = _runs(content, block_size)
    count = _FIRST_DATA - _MAPS + len(content) // block_size + _MAPS * len(runs)
    superblock = _SUPERBLOCK.pack(MAGIC, block_size, _FIRST_FREE_MAP, count, directory_bytes, 0)
    head = (superblock + block_list.astype("<u4").tobytes()).ljust(block_size, b"\0")
    unused = b"\xff" * block_size
    parts: list[bytes | memoryview] = [head]
    for used, run in zip(_free_maps(count, len(runs), block_size), runs, strict=True):
        parts += (used, unused, run)
    return b"".join(parts)


def _blocks(size: int, block_size: int) -> int:
    """How many blocks hold `size` bytes."""
    return -(-size // block_size)


def _place(number: I64, block_size: int) -> I64:
    """The blocks of the file that hold the content's blocks: free block maps lie in between."""
    return _FIRST_DATA + number + _MAPS * (number // (block_size - _MAPS))


def _directory(streams: Sequence[bytes | None], first: int, block_size: int) -> bytes:
    """The directory of streams that follow each other from the content's block `first` on."""
    sizes = np.array([NIL_SIZE if stream is None else len(stream) for stream in streams], "<u4")
    blocks = sum(_blocks(len(stream or b""), block_size) for stream in streams)
    places = _place(np.arange(first, first + blocks), block_size).astype("<u4")
    return struct.pack("<I", len(streams)) + sizes.tobytes() + places.tobytes()


def _padded(streams: Iterable[bytes | None], block_size: int) -> Iterable[bytes]:
    """The streams, each followed by what is missing to whole blocks."""
    for stream in streams:
        if stream:
            yield stream
            yield bytes(-len(stream) % block_size)


def _runs(content: bytes, block_size: int) -> list[memoryview]:
    """The content cut where free block maps come: they take two of every `block_size` blocks."""
    step = (block_size - _MAPS) * block_size
    view = memoryview(content)
    return [view[start : start + step] for start in range(0, len(content), step)]


def _free_maps(count: int, maps: int, block_size: int) -> list[bytes]:
    """The blocks of the free block map in use, one a run: no block of the file is free, and all beyond it are."""
    bits = np.ones(max(maps * block_size * 8, count), np.uint8)
    bits[:count] = 0
    content = np.packbits(bits, bitorder="little").tobytes()
    return [content[start : start + block_size] for start in range(0, maps * block_size, block_size)]
