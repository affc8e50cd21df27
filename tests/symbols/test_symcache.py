"""What is kept between traces: whole or not at all, whatever happens to the files."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.demo.pdb_writer import write_pdb
from perfdb.symbols import symcache
from perfdb.symbols.model import FUNCTION, INLINED, PUBLIC, Chains
from perfdb.symbols.pdb import PdbFile
from perfdb.symbols.symcache import Symcache, pack, unpack
from perfdb.symbols.table import Moved, Table, merged, table_of_chains
from tests.symbols.chains import folded, names, rows, rvas
from tests.symbols.small_pdb import APP

ID = APP.debug_id
EVERYWHERE = rvas(*range(0x1000, 0x1060))
DAY_S = 24 * 60 * 60


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("pdb") / "app.pdb"
    path.write_bytes(write_pdb(APP))
    with PdbFile(path) as file:
        return file.table(EVERYWHERE)


def same(one: Table, other: Table) -> bool:
    return (
        rows(one.chains(EVERYWHERE)) == rows(other.chains(EVERYWHERE))
        and one.covers(EVERYWHERE).tolist() == other.covers(EVERYWHERE).tolist()
        and folded(one.chains(EVERYWHERE)) == folded(other.chains(EVERYWHERE))
        and (one.machine, one.is_public) == (other.machine, other.is_public)
    )


def test_what_is_kept_comes_back(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path / "deep" / "symcache")

    cache.add(ID, table)

    found = cache.read(ID)
    assert found is not None
    assert same(table, found)
    assert cache.read(ID[:-1] + "4") is None


def test_a_symcache_is_what_its_description_says(table: Table) -> None:
    data = pack(table, ID)

    counts = np.frombuffer(data, "<u4", 7, 28).tolist()
    assert b"perfdbSC" == data[:8]
    assert (2, b"x64\0\0\0\0\0", 0) == (data[8], data[16:24], data[24])
    assert ID.encode() == data[56:128].rstrip(b"\0")
    moved, segments, places, name_count, files, pairs, text_bytes = counts
    columns = 16 * moved + 12 * segments + 17 * places + 4 * (name_count + files + 2) + 8 * pairs
    assert 128 + columns + text_bytes == len(data)


def test_tables_are_added_to_what_is_there(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path)
    early = table_of_chains(rvas(0x10), chain("early"), "x64")

    cache.add(ID, early)
    cache.add(ID, table)
    cache.add(ID, table)

    found = cache.read(ID)
    assert found is not None
    assert [["early"], ["help"]] == names(found.chains(rvas(0x10, 0x1050)))
    assert len(table.segments) + 1 == len(found.segments)
    assert [f"{ID}.symcache"] == [path.name for path in tmp_path.iterdir()]


def chain(*texts: str) -> Chains:
    count = len(texts)
    kind = np.array([INLINED] * (count - 1) + [FUNCTION], np.uint8)
    none = np.full(count, -1, np.int32)
    return Chains(np.array([0, count]), np.arange(count, dtype=np.int32), kind, none, none * 0, texts, ())


def test_functions_take_the_place_of_public_symbols(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path)
    public = replace(table_of_chains(rvas(0x1050), chain("_help"), "x64"), is_public=True)

    cache.add(ID, public)
    cache.add(ID, table)

    found = cache.read(ID)
    assert found is not None
    assert [["help"]] == names(found.chains(rvas(0x1050)))
    assert not found.is_public


def test_code_that_was_moved_is_remembered_as_such(table: Table) -> None:
    moved = replace(table, moved=Moved(np.array([0x2000, 0x2010]), np.array([0x1050, 0])))

    found = unpack(pack(moved, ID), ID)

    assert found is not None
    assert [["help"], [], []] == names(found.chains(rvas(0x2004, 0x2014, 0x1050)))
    assert [True, True, True] == found.covers(rvas(0x2004, 0x2014, 0x1050)).tolist()


names_ = st.text("ab<>\0é漢", max_size=6)
chains_ = st.lists(st.tuples(names_, st.text("abc/", max_size=3), st.integers(0, 2**24)), max_size=4)


@given(st.dictionaries(st.integers(0, 2**32 - 1), chains_, max_size=6))
def test_chains_of_all_shapes_are_kept_as_they_are(book: dict[int, list[tuple[str, str, int]]]) -> None:
    wanted = rvas(*sorted(book))
    told = [row for rva in sorted(book) for row in book[rva]]
    files = sorted({file for _, file, _ in told if file})
    length = [len(book[rva]) for rva in sorted(book)]
    kinds = [FUNCTION if at == count - 1 else INLINED for count in length for at in range(count)]
    chains = Chains(
        start=np.cumsum([0, *length]),
        name=np.arange(len(told), dtype=np.int32),
        kind=np.array(kinds, np.uint8),
        file=np.array([files.index(file) if file else -1 for _, file, _ in told], np.int32),
        line=np.array([line for *_, line in told], np.int32),
        names=tuple(name for name, *_ in told),
        files=tuple(files),
        folded={0: ("other",)} if told else {},
    )

    found = unpack(pack(table_of_chains(wanted, chains, "arm64"), "AB"), "AB")

    assert found is not None
    assert rows(chains) == rows(found.chains(wanted))
    assert found.covers(wanted).all()
    assert not found.covers(np.setdiff1d(wanted[:-1] + np.uint64(1), wanted)).any()


def test_of_two_tables_the_first_is_right_where_both_know(table: Table) -> None:
    other = table_of_chains(rvas(0x10, 0x1050), chain_pair(), "x64")

    assert [["a"], ["help"]] == names(merged(table, other).chains(rvas(0x10, 0x1050)))
    assert [["a"], ["b"]] == names(merged(other, table).chains(rvas(0x10, 0x1050)))


def chain_pair() -> Chains:
    none = np.full(2, -1, np.int32)
    kind = np.full(2, PUBLIC, np.uint8)
    return Chains(np.array([0, 1, 2]), np.arange(2, dtype=np.int32), kind, none, none * 0, ("a", "b"), ())


# Damage


def test_damaged_files_are_as_if_they_were_not_there(table: Table) -> None:
    data = pack(table, ID)
    chance = random.Random(5)
    for _ in range(300):
        broken = bytearray(data)
        broken[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        assert unpack(bytes(broken), ID) is None
    for size in [*range(0, 140, 7), *range(140, len(data), 97)]:
        assert unpack(data[:size], ID) is None
    assert unpack(data + b"\0", ID) is None


def test_rows_that_there_are_not_are_found_out_although_the_checksum_is_right(table: Table) -> None:
    places, segments = table.places, table.segments
    loop = np.arange(len(places), dtype=np.int32)
    for broken in (
        replace(table, places=replace(places, name=places.name + 100)),
        replace(table, places=replace(places, name=places.name - 100)),
        replace(table, places=replace(places, file=places.file + 100)),
        replace(table, places=replace(places, caller=loop)),
        replace(table, segments=replace(segments, place=segments.place + 100)),
        replace(table, folded=np.array([[0, 100]], np.int32)),
        replace(table, names=replace(table.names, start=table.names.start[::-1])),
    ):
        assert unpack(pack(broken, ID), ID) is None


@pytest.mark.parametrize("content", [b"", b"perfdbSC", b"\0" * 500])
def test_a_damaged_file_is_written_anew(tmp_path: Path, table: Table, content: bytes) -> None:
    cache = Symcache(tmp_path)
    (tmp_path / f"{ID}.symcache").write_bytes(content)

    assert cache.read(ID) is None
    cache.add(ID, table)

    assert cache.read(ID) is not None


def test_a_file_of_another_version_or_of_another_module_is_not_used(
    tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pack(table, ID)
    assert unpack(data, ID[::-1]) is None

    monkeypatch.setattr(symcache, "VERSION", symcache.VERSION + 1)

    assert unpack(data, ID) is None


@pytest.mark.parametrize("debug_id", ["", "..", "../A", "A/B", "A\\B", "A\0", "CON", "A" * 65, "A\n"])
def test_an_id_that_is_none_names_no_file(tmp_path: Path, table: Table, debug_id: str) -> None:
    cache = Symcache(tmp_path / "symcache")

    cache.add(debug_id, table)

    assert cache.read(debug_id) is None
    assert [] == list(tmp_path.rglob("*"))


def test_a_folder_that_cannot_be_made_costs_the_cache_only(tmp_path: Path, table: Table) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = Symcache(tmp_path / "file")

    cache.add(ID, table)

    assert cache.read(ID) is None
    assert (0, 0) == cache.prune(None)


def test_many_that_add_at_once_leave_a_whole_file(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path)
    seen: list[Table | None] = []

    def work(number: int) -> None:
        for turn in range(8):
            cache.add(ID, table_of_chains(rvas(number * 100 + turn), chain("f"), "x64"))
            seen.append(cache.read(ID))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 32 == len(seen)
    # Windows lets nobody open a file in the moment in which it is replaced.
    assert sys.platform == "win32" or None not in seen
    assert cache.read(ID) is not None
    assert [f"{ID}.symcache"] == [path.name for path in tmp_path.iterdir()]


# Pruning


def test_pruning_removes_what_was_not_used_for_so_many_days(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path)
    for debug_id, days in (("AA", 40), ("BB", 10)):
        cache.add(debug_id, table)
        aged(tmp_path / f"{debug_id}.symcache", days)
    left_over = tmp_path / "AA.symcache.x1.part"
    left_over.write_bytes(b"half")
    aged(left_over, 40)
    (tmp_path / "other.txt").write_bytes(b"mine")
    size = (tmp_path / "AA.symcache").stat().st_size

    assert (2, size + 4) == cache.prune(30)
    assert {"BB.symcache", "other.txt"} == {path.name for path in tmp_path.iterdir()}
    assert (1, size) == cache.prune(None)
    assert (0, 0) == cache.prune(None)


def test_reading_a_symcache_keeps_it_from_being_pruned(tmp_path: Path, table: Table) -> None:
    cache = Symcache(tmp_path)
    cache.add(ID, table)
    aged(tmp_path / f"{ID}.symcache", 40)

    cache.read(ID)

    assert (0, 0) == cache.prune(30)


def aged(path: Path, days: int) -> None:
    at = time.time() - days * DAY_S
    os.utime(path, (at, at))
