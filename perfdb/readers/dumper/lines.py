r"""Lines of comma-separated text as numpy columns: where each line and field stands, and its numbers, for all at once.

A block of the file is scanned twice, for line ends and for commas; everything after that is a gather over the rows that
matter. Fields are never cut by column position: the widths that xperf prints are only minimum widths.

    block      ...\n                  SampledProfile,      36765,         app.exe (  56),       3044, 0x551e...\n...
    line       start[i]                                  comma(0)    comma(1)                                 end[i]
    field 1                                          comma(0) + 1 … comma(1), trimmed of blanks
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perfdb.profile.columns import I64, U8, U64, Bool
from perfdb.profile.identity import mix64

PAD = 32
"""Blanks before and after the text of a block, so that a gather of a few bytes never leaves it."""

NAME_BYTES = 24
"""Names of events are told by their last bytes; those that matter are shorter than this."""

_BLANK = ord(" ")
_BLANKS = np.uint64(0x2020202020202020)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a block. `start` and `end` are places in `data`, line end and CR left out: shape (lines,).

    `first` is the place in `comma_at` of each line's first comma, `commas` how many it has. What follows the last line
    end is no line: it begins at `rest`.
    """

    data: U8
    start: I64
    end: I64
    comma_at: I64
    first: I64
    commas: I64
    rest: int

    def words(self) -> U64:
        """The 8 bytes that begin at each place of `data`, as little-endian numbers, without copying anything."""
        words: U64 = np.ndarray((len(self.data) - 7,), "<u8", buffer=self.data, strides=(1,))
        return words

    def comma(self, rows: I64, number: I64 | int) -> I64:
        """The place of the comma of that number (0 is the first) in each of the rows, which must have it."""
        place: I64 = self.comma_at[self.first[rows] + number]
        return place

    def text(self, start: int, end: int) -> bytes:
        """The bytes of one field or line."""
        return self.data[start:end].tobytes()


def split_lines(*parts: bytes) -> Lines:
    """The lines of the parts of a block, one after the other."""
    blanks = b" " * PAD
    data = np.frombuffer(b"".join((blanks, *parts, blanks)), np.uint8)
    mark = np.flatnonzero((data == ord("\n")) | (data == ord(",")))
    is_end = data[mark] == ord("\n")
    line_end = np.flatnonzero(is_end)
    end, comma_at = mark[line_end], mark[~is_end]
    start = np.empty_like(end)
    start[:1] = PAD
    start[1:] = end[:-1] + 1
    # Of the marks before a line's end those that are no line ends are commas.
    commas_until = line_end - np.arange(len(line_end))
    first = np.empty_like(end)
    first[:1] = 0
    first[1:] = commas_until[:-1]
    rest = int(end[-1]) + 1 if len(end) else PAD
    end = np.maximum(end - (data[end - 1] == ord("\r")), start)
    return Lines(data, start, end, comma_at, first, commas_until - first, rest)


def field_span(lines: Lines, rows: I64, column: I64 | int) -> tuple[I64, I64]:
    """Where a field stands: between the commas of its column, or from the last one to the end of the line."""
    start = lines.comma(rows, column - 1) + 1
    place = np.minimum(lines.first[rows] + column, len(lines.comma_at) - 1)
    return start, np.where(lines.commas[rows] > column, lines.comma_at[place], lines.end[rows])


def decimal_field(lines: Lines, rows: I64, column: int) -> tuple[I64, Bool]:
    """`decimals` of a column."""
    return decimals(lines, *field_span(lines, rows, column))


def line_bytes(lines: Lines, row: int) -> bytes:
    """One whole line."""
    return lines.text(int(lines.start[row]), int(lines.end[row]))


def name_words(lines: Lines) -> tuple[U64, U64, U64]:
    """The last 24 bytes of each line's first field, blanks where it is shorter; the first word holds the last bytes.

    A line without a comma has no first field, and gets blanks.
    """
    padded = np.append(lines.comma_at, 0)
    end = np.where(lines.commas > 0, padded[lines.first], lines.start)
    length = end - lines.start
    words = lines.words()
    last, middle, first = (
        _replace_leading(words[end - back], np.clip(back - length, 0, 8), _BLANKS) for back in (8, 16, 24)
    )
    return last, middle, first


def name_key(name: str) -> tuple[int, int, int]:
    """What `name_words` gives for a name."""
    raw = name.encode("utf-8")[-NAME_BYTES:].rjust(NAME_BYTES)
    last, middle, first = (int.from_bytes(raw[at : at + 8], "little") for at in (16, 8, 0))
    return last, middle, first


def trimmed(lines: Lines, start: I64, end: I64) -> tuple[I64, I64]:
    """The fields without the blanks around them."""
    start = start.copy()
    words = lines.words()
    active = np.arange(len(start))
    while len(active := active[start[active] < end[active]]):
        blanks = _leading_blanks(words[start[active]])
        start[active] = np.minimum(start[active] + blanks, end[active])
        active = active[blanks == 8]
    return start, _without_trailing_blanks(lines, start, end)


def _leading_blanks(word: U64) -> I64:
    """How many of the 8 bytes of each word are blanks before the first that is none."""
    other = word ^ _BLANKS
    lowest = other & (~other + np.uint64(1))
    # A power of two is exact in floating point, and its exponent counts the bits that are equal.
    bits = np.frexp(lowest.astype(np.float64))[1].astype(np.int64) - 1
    return np.where(other == 0, 8, bits >> 3)


def decimals(lines: Lines, start: I64, end: I64) -> tuple[I64, Bool]:
    """The whole numbers in the fields, and which fields hold nothing but one of at most 16 digits."""
    end = _without_trailing_blanks(lines, start, end)
    total = np.zeros(len(start), np.uint64)
    good = start < end
    # Eight digits at a time, from the last: xperf prints numbers to the right of their fields.
    rows = np.flatnonzero(good)
    for scale in (np.uint64(1), np.uint64(10**8)):
        word = _word_before(lines, start[rows], end[rows])
        blanks = _leading_blanks(word)
        filled = _replace_leading(word, blanks, _ZEROS)
        digits = filled ^ _ZEROS
        bad = (digits + _each(0x76) | digits) & _each(0x80) != 0
        if scale == 1:
            bad |= blanks == 8
        good[rows[bad]] = False
        total[rows] += _decimal_value(digits) * scale
        end[rows] -= 8
        rows = rows[~bad & (blanks == 0) & (end[rows] > start[rows])]
    good &= _are_blank(lines, start, np.where(good, end, start))
    return total.view(np.int64), good


def hexadecimals(lines: Lines, start: I64, end: I64) -> tuple[U64, Bool]:
    """The numbers written as `0x…` in the fields, and which fields hold nothing but one."""
    start, end = trimmed(lines, start, end)
    good = (end - start > 2) & (end - start <= 18)
    good &= (lines.data[start] == ord("0")) & ((lines.data[start + 1] | 0x20) == ord("x"))
    total = np.zeros(len(start), np.uint64)
    rows = np.flatnonzero(good)
    start = start + 2
    for shift in (np.uint64(0), np.uint64(32)):
        word = _word_before(lines, start[rows], end[rows])
        missing = np.clip(8 - (end[rows] - start[rows]), 0, 8)
        filled = _replace_leading(word, missing, _ZEROS)
        good[rows[_not_hexadecimal(filled)]] = False
        total[rows] |= _hexadecimal_value(filled) << shift
        end[rows] -= 8
        rows = rows[end[rows] > start[rows]]
    return total, good


# ---- eight characters in one word ------------------------------------------------------------------------------------
# The first character is the lowest byte. The tricks are the usual ones of SIMD within a register.


def _each(byte: int) -> np.uint64:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101010101010101)


_ZEROS = _each(ord("0"))


def _word_before(lines: Lines, start: I64, end: I64) -> U64:
    """The 8 bytes before `end`, blanks in place of those before `start`."""
    return _replace_leading(lines.words()[end - 8], np.clip(8 - (end - start), 0, 8), _BLANKS)


def _replace_leading(word: U64, count: I64, other: np.uint64) -> U64:
    """The words with their first `count` bytes taken from another word."""
    shift = np.minimum(count, 7).astype(np.uint64) * np.uint64(8)
    keep = np.where(count < 8, ~np.uint64(0) << shift, np.uint64(0))
    return (word & keep) | (other & ~keep)


def _decimal_value(digits: U64) -> U64:
    """The number that 8 digits, each a byte of 0 to 9, stand for."""
    pairs = (digits * np.uint64(10 * 256 + 1) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100 * 65536 + 1) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    return fours * np.uint64(10_000 * (1 << 32) + 1) >> np.uint64(32)


def _hexadecimal_value(word: U64) -> U64:
    nibbles = (word & _each(0x0F)) + (word >> np.uint64(6) & _each(1)) * np.uint64(9)
    low = np.uint64(0x00FF00FF00FF00FF)
    pairs = (nibbles & low) << np.uint64(4) | nibbles >> np.uint64(8) & low
    low = np.uint64(0x0000FFFF0000FFFF)
    fours = (pairs & low) << np.uint64(8) | pairs >> np.uint64(16) & low
    return (fours & np.uint64(0xFFFFFFFF)) << np.uint64(16) | fours >> np.uint64(32)


def _not_hexadecimal(word: U64) -> Bool:
    """Which words have a byte that is no hexadecimal digit."""
    high = _each(0x80)
    digit = word ^ _ZEROS
    no_digit = (digit + _each(0x76) | digit) & high
    letter = (word | _each(0x20)) ^ _each(0x60)  # a to f become 1 to 6
    no_letter = (letter + _each(0x79) | letter | ~((letter | high) - _each(1))) & high
    return np.asarray(no_digit & no_letter != 0, np.bool_)


def _without_trailing_blanks(lines: Lines, start: I64, end: I64) -> I64:
    end = end.copy()
    active = np.flatnonzero(lines.data[end - 1] == _BLANK)
    while len(active := active[(start[active] < end[active]) & (lines.data[end[active] - 1] == _BLANK)]):
        end[active] -= 1
    return end


def _are_blank(lines: Lines, start: I64, end: I64) -> Bool:
    """Which spans hold nothing but blanks."""
    good = np.ones(len(start), np.bool_)
    words = lines.words()
    end = end.copy()
    active = np.flatnonzero(start < end)
    while len(active):
        beyond = np.clip(8 - (end[active] - start[active]), 0, 7).astype(np.uint64)
        other = (words[end[active] - 8] ^ _BLANKS) >> (beyond * np.uint64(8))
        good[active[other != 0]] = False
        end[active] -= 8
        active = active[(other == 0) & (end[active] > start[active])]
    return good


def hash_fields(lines: Lines, start: I64, end: I64) -> U64:
    """A 64-bit hash of the bytes of each field; equal text, equal hash. It lives as long as one read."""
    words = lines.words()
    length = end - start
    found = mix64(length.astype(np.uint64) + _GOLDEN)
    active = np.flatnonzero(length > 0)
    place = 0
    while len(active):
        left = np.minimum(length[active] - place, 8).astype(np.uint64)
        keep = ~np.uint64(0) >> (np.uint64(64) - left * np.uint64(8))
        mixed = (found[active] ^ (words[start[active] + place] & keep)) * _GOLDEN
        found[active] = mixed ^ mixed >> np.uint64(32)
        place += 8
        active = active[length[active] > place]
    return mix64(found)
