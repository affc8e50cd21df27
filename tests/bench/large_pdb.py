"""The PDB of a large program: the object modules of a real one again and again, each time with names of its own.

Round `k` of a module is the module with every function named `…_000k`, moved behind the code of the rounds before, with
ids of inlined functions of its own. So what is at an address is what the real PDB has at the address of round 0, but
for that name: the answers are known. Section contributions, section headers, public symbols and the stream of ids grow
likewise; the stream of types, and symbols that no look-up reads, stay what they are.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from purepdb import MsfFile, codeview
from purepdb.c13 import DEBUG_S_INLINEELINES, DEBUG_S_LINES

from perfdb.demo.msf_writer import write_msf
from perfdb.profile.columns import I64
from perfdb.symbols.pdb_dbi import CONTRIBUTION, DBI_STREAM, MODULE_HEAD, NO_STREAM, STREAM_SECTIONS
from perfdb.symbols.pdb_types import ID_STREAM

Bytes = npt.NDArray[np.uint8]

SUFFIX_BYTES = 5
"""Of `_0001`, behind the names of round 1."""

GUID_AT = 12
GUID = b"perfdb-large-pdb"
_DBI_HEAD = struct.Struct("<iIIHHHHHH5iI2i2HI")
_SECTION_STEP = 0x1000
_CODE_SECTION = 1


@dataclass(frozen=True, slots=True)
class LargePdb:
    """What was made: how many object modules, and how far a round's code lies behind that of the round before."""

    path: Path
    modules: int
    rounds: int
    code_rva: int
    code_bytes: int


@dataclass(frozen=True, slots=True)
class _Template:
    """A stream of round 0 with room for the suffix, and where in it are what each round changes."""

    content: bytes
    symbol_bytes: int
    line_bytes: int
    suffixes: I64
    offsets: I64
    sections: I64
    ids: I64

    def round(self, number: int, steps: I64, ids: int) -> bytes:
        """The stream of one round; `steps` are the bytes by which each section moves, `ids` the ids of a round."""
        data = np.frombuffer(bytearray(self.content), np.uint8)
        _put_suffixes(data, self.suffixes, number)
        _add(data, self.offsets, number * steps[self.sections])
        _add(data, self.ids, np.full(len(self.ids), number * ids))
        return data.tobytes()


def make_large_pdb(source: Path, target: Path, modules: int) -> LargePdb:
    """Write a PDB with so many object modules; the last round is a part of one where that does not come out even."""
    msf = MsfFile(source.read_bytes())
    streams: list[bytes | None] = [
        msf.read_stream(number) if msf.is_valid_stream(number) else None for number in range(msf.num_streams)
    ]
    dbi = streams[DBI_STREAM]
    assert dbi is not None
    head = list(_DBI_HEAD.unpack_from(dbi))
    parts = _dbi_parts(dbi, head)
    records = list(_module_records(parts[0]))
    rounds = -(-modules // len(records))
    numbers = np.frombuffer(parts[-1], "<u2").tolist()
    sections = np.frombuffer(streams[numbers[STREAM_SECTIONS]] or b"", "<u4").reshape(-1, 10).copy()
    steps = (sections[:, 2].astype(np.int64) + _SECTION_STEP - 1) // _SECTION_STEP * _SECTION_STEP
    steps = np.concatenate(([0], steps, np.zeros(NO_STREAM, np.int64)))
    streams[numbers[STREAM_SECTIONS]] = _sections(sections, steps, rounds)
    ids = _more_ids(streams, rounds)
    templates = [_template(streams, record) for record in records]
    for record in records:
        if _head(record)[0] != NO_STREAM:
            streams[_head(record)[0]] = None
    new_records: list[bytes] = []
    for row in range(modules):
        number, module = divmod(row, len(records))
        template = templates[module]
        at = NO_STREAM
        if template is not None:
            at = len(streams)
            streams.append(template.round(number, steps, ids))
        new_records.append(_module_record(records[module], template, at))
    contributions = _contributions(parts[1], len(records), modules, rounds, steps)
    _more_publics(streams, int(head[7]), int(head[5]), rounds, steps)
    streams[DBI_STREAM] = _dbi(head, [b"".join(new_records), contributions, *parts[2:]])
    info = streams[1]
    assert info is not None
    streams[1] = info[:GUID_AT] + GUID + info[GUID_AT + len(GUID) :]
    target.write_bytes(write_msf(_only_u16(streams)))
    return LargePdb(target, modules, rounds, int(sections[0, 3]), int(steps[_CODE_SECTION]))


def _only_u16(streams: list[bytes | None]) -> list[bytes | None]:
    if len(streams) >= NO_STREAM:
        raise ValueError(f"a PDB has no room for {len(streams):,} streams")
    return streams


def _dbi_parts(dbi: bytes, head: list[int]) -> list[bytes]:
    """Modules, contributions, section map, files, type servers, EC, numbers of streams."""
    sizes = [*head[9:14], head[16], head[15]]
    ends = np.cumsum([_DBI_HEAD.size, *sizes]).tolist()
    return [dbi[start:end] for start, end in itertools.pairwise(ends)]


def _dbi(head: list[int], parts: list[bytes]) -> bytes:
    # The files of object modules are counted in u16, and no look-up reads them.
    parts[3] = b""
    tail = head[17:]
    head = [*head[:3], NO_STREAM, *head[4:9], *(len(part) for part in parts[:5]), head[14]]
    return _DBI_HEAD.pack(*head, len(parts[6]), len(parts[5]), *tail) + b"".join(parts)


def _module_records(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + MODULE_HEAD.size < len(data):
        end = data.find(b"\0", data.find(b"\0", at + MODULE_HEAD.size) + 1)
        following = (end + 4) & ~3
        yield data[at:following]
        at = following


def _head(record: bytes) -> tuple[int, int, int, int]:
    stream, symbols, old_lines, lines = MODULE_HEAD.unpack_from(record)
    return stream, symbols, old_lines, lines


def _module_record(record: bytes, template: _Template | None, stream: int) -> bytes:
    symbols, lines = (template.symbol_bytes, template.line_bytes) if template else (0, 0)
    return record[:34] + struct.pack("<HIII", stream, symbols, 0, lines) + record[48:]


def _template(streams: list[bytes | None], record: bytes) -> _Template | None:
    stream, symbol_bytes, old_lines, line_bytes = _head(record)
    data = streams[stream] if stream != NO_STREAM else None
    if data is None:
        return None
    symbols, places = _renamed(data[:symbol_bytes])
    lines_at = symbol_bytes + old_lines
    lines = data[lines_at : lines_at + line_bytes]
    _line_places(lines, len(symbols), places)
    return _Template(
        symbols + lines + bytes(4),
        len(symbols),
        len(lines),
        np.array(places.suffixes, np.int64),
        np.array(places.offsets, np.int64),
        np.array(places.sections, np.int64),
        np.array(places.ids, np.int64),
    )


class _Places:
    """Where a stream has what each round changes."""

    def __init__(self) -> None:
        self.suffixes: list[int] = []
        self.offsets: list[int] = []
        self.sections: list[int] = []
        self.ids: list[int] = []


def _renamed(data: bytes) -> tuple[bytes, _Places]:
    """The symbols of an object module with room behind the names, scopes pointing to where things are now."""
    places = _Places()
    moved: dict[int, int] = {0: 0}
    out = bytearray(data[:4])
    scopes: list[int] = []
    at = 4
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("<HH", data, at)
        record = data[at : at + 2 + size]
        here = moved[at] = len(out)
        name_at = {codeview.S_THUNK32: 25, **dict.fromkeys(codeview.PROC_KINDS, 39)}.get(kind)
        if name_at is not None:
            name, _, rest = record[name_at:].partition(b"\0")
            places.suffixes.append(here + name_at + len(name))
            record = record[:name_at] + name + bytes(SUFFIX_BYTES) + b"\0" + rest
            record += bytes(-len(record) % 4)
            record = struct.pack("<H", len(record) - 2) + record[2:]
            offset_at, section_at = (16, 20) if kind == codeview.S_THUNK32 else (32, 36)
            places.offsets.append(here + offset_at)
            places.sections.append(int.from_bytes(record[section_at : section_at + 2], "little"))
        if name_at is not None or kind in (*codeview.INLINE_SITE_KINDS, codeview.S_BLOCK32):
            scopes.append(here)
        if kind in codeview.INLINE_SITE_KINDS:
            places.ids.append(here + 12)
        out += record
        at += 2 + size
    for scope in scopes:
        pair = struct.unpack_from("<II", out, scope + 4)
        struct.pack_into("<II", out, scope + 4, *(moved.get(old, 0) for old in pair))
    return bytes(out), places


def _line_places(data: bytes, base: int, places: _Places) -> None:
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        content = at + 8
        if kind == DEBUG_S_LINES:
            places.offsets.append(base + content)
            places.sections.append(struct.unpack_from("<H", data, content + 4)[0])
        elif kind == DEBUG_S_INLINEELINES:
            assert data[content : content + 4] == bytes(4)
            places.ids += range(base + content + 4, base + content + size, 12)
        at = (content + size + 3) & ~3


def _put_suffixes(data: Bytes, at: I64, number: int) -> None:
    text = np.frombuffer(f"_{number:0{SUFFIX_BYTES - 1}}".encode(), np.uint8)
    data[at[:, None] + np.arange(SUFFIX_BYTES)] = text


def _add(data: Bytes, at: I64, amount: I64) -> None:
    """Add to the u32 at each place."""
    place = at[:, None] + np.arange(4)
    values = data[place].view("<u4")[:, 0] + amount.astype(np.uint32) if len(at) else np.zeros(0, np.uint32)
    data[place] = values.astype("<u4").view(np.uint8).reshape(-1, 4)


def _sections(headers: npt.NDArray[np.uint32], steps: I64, rounds: int) -> bytes:
    """The section headers of an image in which each section is as many times as large."""
    start = _SECTION_STEP
    for row in range(len(headers)):
        size = int(steps[row + 1]) * rounds
        headers[row, 2], headers[row, 3] = size, start
        start += size
    return headers.tobytes()


def _contributions(data: bytes, per_round: int, modules: int, rounds: int, steps: I64) -> bytes:
    rows = np.frombuffer(data, CONTRIBUTION, (len(data) - 4) // CONTRIBUTION.itemsize, 4)
    raw = np.frombuffer(data, np.uint8, rows.nbytes, 4).reshape(-1, CONTRIBUTION.itemsize)
    found = []
    for number in range(rounds):
        copied = raw.copy()
        fields = copied.view(CONTRIBUTION)[:, 0]
        fields["offset"] += (number * steps[rows["section"]]).astype(np.int32)
        module = rows["module"].astype(np.int64) + number * per_round
        fields["module"] = module
        found.append(copied[module < modules])
    joined = np.concatenate(found)
    fields = joined.view(CONTRIBUTION)[:, 0]
    return data[:4] + joined[np.lexsort((fields["offset"], fields["section"]))].tobytes()


def _more_ids(streams: list[bytes | None], rounds: int) -> int:
    """Repeat the stream of ids, with offsets for every 100 of them; returns how many there are in a round."""
    data = streams[ID_STREAM]
    assert data is not None
    head = list(struct.unpack_from("<5I2H2Ii5I", data))
    body = data[head[1] : head[1] + head[4]]
    starts = [0]
    while starts[-1] < len(body):
        starts.append(starts[-1] + 2 + struct.unpack_from("<H", body, starts[-1])[0])
    count = len(starts) - 1
    every = np.arange(0, rounds * count, 100)
    offsets = np.array(starts, np.int64)[every % count] + every // count * len(body)
    streams[head[5]] = np.column_stack((every + head[2], offsets)).astype("<u4").tobytes()
    head[3], head[4] = head[2] + rounds * count, rounds * len(body)
    head[9:15] = [0, 0, 0, 8 * len(every), 0, 0]
    streams[ID_STREAM] = struct.pack("<5I2H2Ii5I", *head) + data[56 : head[1]] + body * rounds
    return count


def _more_publics(streams: list[bytes | None], symbols: int, publics: int, rounds: int, steps: I64) -> None:
    """Public symbols of all rounds, in the order of their addresses, and nothing else in the stream of symbols."""
    data = streams[symbols]
    assert data is not None
    suffixes, offsets, sections, records, places = [], [], [], [], []
    size = 0
    for record in codeview.iter_records(data, kinds=frozenset({codeview.S_PUB32})):
        name = record.payload[10:].partition(b"\0")[0]
        content = record.payload[:10] + name + bytes(SUFFIX_BYTES) + b"\0"
        content += bytes(-(len(content) + 4) % 4)
        records.append(struct.pack("<HH", len(content) + 2, record.kind) + content)
        places.append(size)
        suffixes.append(size + 14 + len(name))
        offsets.append(size + 8)
        sections.append(struct.unpack_from("<H", content, 8)[0])
        size += len(records[-1])
    template = _Template(
        b"".join(records), 0, 0, np.array(suffixes), np.array(offsets), np.array(sections), np.zeros(0, np.int64)
    )
    streams[symbols] = b"".join(template.round(number, steps, 0) for number in range(rounds))
    section = np.tile(np.array(sections, np.int64), rounds)
    at = np.repeat(np.arange(rounds) * size, len(places)) + np.tile(np.array(places, np.int64), rounds)
    whole = np.frombuffer(streams[symbols] or b"", "<u4")
    order = np.lexsort((whole[at // 4 + 2], section))
    streams[publics] = struct.pack("<4I2H2I", 0, 4 * len(at), 0, 0, 0, 0, 0, 0) + at[order].astype("<u4").tobytes()
