"""Plain XPRESS (LZ77, no Huffman), the way in: what Windows does to the buffers of a compressed trace.

The stream is the one of [MS-XCA] 2.3: groups of a u32 of flags and what its 32 bits announce, the highest bit first.
Bit 0 is a literal byte. Bit 1 is a match, a u16 of `(distance - 1) << 3 | min(length - 3, 7)`; a longer one goes on
with four bits (every second such match puts them into the upper half of the byte that the one before began), then a
byte, then a u16.

Matches are looked for between aligned 4-byte words, since traces are made of those, and all at once: each word points
to the last place where it, and its neighbour if possible, stood before; neighbours that point equally far back are one
match. That is not the densest stream for the data, but a valid one, and numpy makes it without a Python loop.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perfdb.profile.columns import I64, U8, U32, U64, Bool

WINDOW_BYTES = 8192
"""How far back a match may reach: its distance has 13 bits."""

LARGEST_INPUT_BYTES = 4 << 20
"""More than any trace's buffer; the word's number then fits into the lower 20 bits of the sort key."""

_UNIT = 4
_INDEX_BITS = np.uint64(20)
_INDEX_MASK = np.uint64((1 << 20) - 1)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_LONGEST_UNITS = 8_000
"""Matches are cut here: a u16 holds twice that length, but `libfwnt` refuses more than 32 KiB."""
_GROUP = 32


def compress(data: bytes) -> bytes:
    """The plain XPRESS stream of some bytes; raises ValueError for more than `LARGEST_INPUT_BYTES`."""
    if len(data) > LARGEST_INPUT_BYTES:
        raise ValueError(f"{len(data):,} bytes at once, the most is {LARGEST_INPUT_BYTES:,}")
    units = np.frombuffer(data, "<u4", len(data) // _UNIT)
    back = _distances(units)
    index = np.arange(len(units))
    begins = (back == 0) | (index % _LONGEST_UNITS == 0)
    begins[1:] |= back[1:] != back[:-1]
    run = np.flatnonzero(begins)
    length = np.diff(np.append(run, len(units)))
    # A run is one match or, where nothing was found, one unit of four literals; the odd bytes at the end are literals
    # too.
    tokens = np.where(back[run] > 0, 1, _UNIT)
    of_token = np.repeat(np.arange(len(run)), tokens)
    within = np.arange(len(of_token)) - np.repeat(np.cumsum(tokens) - tokens, tokens)
    source = run[of_token] * _UNIT + within
    tail = np.arange(len(units) * _UNIT, len(data))
    is_match = np.append(back[run][of_token] > 0, np.zeros(len(tail), np.bool_))
    return _encode(
        is_match,
        literal=np.frombuffer(data, np.uint8)[np.append(source, tail)[~is_match]],
        distance=back[run][back[run] > 0] * _UNIT,
        extra=length[back[run] > 0] * _UNIT - 3,
    )


def _distances(units: U32) -> I64:
    """How many units back each unit stands already, within the window; 0 where it does not."""
    alone = _previous(units.astype(np.uint64), units.astype(np.uint64))
    if len(units) < 2:
        return alone
    pairs = units[:-1].astype(np.uint64) | units[1:].astype(np.uint64) << np.uint64(32)
    pair = np.append(_previous(pairs, pairs * _GOLDEN >> _INDEX_BITS), 0)
    after_pair = np.append(0, pair[:-1])
    return np.where(pair > 0, pair, np.where(after_pair > 0, after_pair, alone))


def _previous(values: U64, codes: U64) -> I64:
    """How far before each value the last equal one stands, 0 for none in the window; `codes` are below 2**44."""
    distance = np.zeros(len(values), np.int64)
    order = (np.sort(codes << _INDEX_BITS | np.arange(len(values), dtype=np.uint64)) & _INDEX_MASK).astype(np.int64)
    step = order[1:] - order[:-1]
    same = (values[order[1:]] == values[order[:-1]]) & (step > 0) & (step <= WINDOW_BYTES // _UNIT)
    distance[order[1:][same]] = step[same]
    return distance


def _encode(is_match: Bool, literal: U8, distance: I64, extra: I64) -> bytes:
    """The stream of tokens: `literal` bytes, and matches of `distance` and `extra` = length - 3, in the tokens'
    order.
    """
    long = extra >= 7
    ordinal = np.cumsum(long) - 1
    opens = long & (ordinal % 2 == 0)
    byte_follows, word_follows = extra >= 22, extra >= 277
    size = np.ones(len(is_match), np.int64)
    size[is_match] = 2 + opens + byte_follows + 2 * word_follows
    place = np.cumsum(size) - size + 4 * (np.arange(len(is_match)) // _GROUP + 1)
    groups = len(is_match) // _GROUP + 1
    out = np.zeros(int(size.sum()) + 4 * groups, np.uint8)
    out[place[~is_match]] = literal
    at = place[is_match]
    _put_u16(out, at, (distance - 1) << 3 | np.minimum(extra, 7))
    half = np.minimum(extra - 7, 15).astype(np.uint8)
    shared = at[opens] + 2
    out[shared] = half[opens]
    closes = long & ~opens
    out[shared[: np.count_nonzero(closes)]] |= half[closes] << np.uint8(4)
    at = at + 2 + opens
    out[at[byte_follows]] = np.minimum(extra[byte_follows] - 22, 255)
    _put_u16(out, at[word_follows] + 1, extra[word_follows])
    # The last group's unused bits are 1: a match where the stream ends is how its end is told.
    bits = np.ones(groups * _GROUP, np.bool_)
    bits[: len(is_match)] = is_match
    first = np.append(place, len(out))[::_GROUP][:groups] - 4
    out[first[:, None] + np.arange(4)] = np.packbits(bits).reshape(-1, 4)[:, ::-1]
    return out.tobytes()


def _put_u16(out: U8, at: I64, value: npt.NDArray[np.signedinteger]) -> None:
    out[at] = value & 0xFF
    out[at + 1] = value >> 8
