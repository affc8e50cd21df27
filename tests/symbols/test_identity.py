from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.demo.pdb_writer import write_pdb
from perfdb.symbols.identity import SymbolFileError, format_debug_id, is_stripped_pdb, parse_debug_id, pdb_identity
from perfdb.symbols.pdb import PdbFile
from tests.symbols.servers import APP_ID, CORPUS_IDS, tiny_pdb
from tests.symbols.small_pdb import APP

DASHED = "01234567-89ab-cdef-fedc-ba9876543210"


@pytest.mark.parametrize("name", sorted(CORPUS_IDS))
def test_the_ids_of_real_pdbs_are_known(corpus: Path, name: str) -> None:
    assert CORPUS_IDS[name] == pdb_identity(corpus / name)


@pytest.mark.parametrize("name", sorted(CORPUS_IDS))
def test_symbolic_reads_the_same_ids(corpus: Path, name: str) -> None:
    symbolic = pytest.importorskip("symbolic", reason="symbolic has no wheel for this system")
    (found,) = symbolic.Archive.open(str(corpus / name)).iter_objects()

    assert parse_debug_id(found.debug_id) == pdb_identity(corpus / name)


def test_the_age_is_that_of_the_dbi_stream(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_bytes(tiny_pdb(info_age=9))
    (tmp_path / "b.pdb").write_bytes(tiny_pdb(info_age=9, has_dbi=False))

    assert APP_ID == pdb_identity(tmp_path / "a.pdb")
    assert f"{APP_ID[:32]}9" == pdb_identity(tmp_path / "b.pdb")


@pytest.mark.parametrize("is_stripped", [False, True])
def test_a_header_tells_whether_there_are_public_symbols_only(tmp_path: Path, is_stripped: bool) -> None:
    path = tmp_path / "a.pdb"
    path.write_bytes(write_pdb(replace(APP, is_stripped=is_stripped)))

    assert is_stripped == is_stripped_pdb(path)
    with PdbFile(path) as file:
        assert is_stripped == file.is_public


def test_a_file_without_that_header_is_not_known_to_be_stripped(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_bytes(tiny_pdb(has_dbi=False))

    assert not is_stripped_pdb(tmp_path / "a.pdb")


def test_an_age_is_in_hex(tmp_path: Path) -> None:
    (tmp_path / "a.pdb").write_bytes(tiny_pdb(f"{APP_ID[:32]}1f"))

    assert f"{APP_ID[:32]}1f" == pdb_identity(tmp_path / "a.pdb")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (APP_ID, APP_ID),
        (APP_ID.lower(), APP_ID),
        (f" {APP_ID[:32]}0A ", f"{APP_ID[:32]}a"),
        (f"{DASHED}-1", APP_ID),
        (f"{{{DASHED.upper()}}}1", APP_ID),
        (f"{{{DASHED}}}-1f", f"{APP_ID[:32]}1f"),
        (DASHED, f"{APP_ID[:32]}0"),
        (APP_ID[:32], None),
        (APP_ID + "00000000", None),
        (DASHED.replace("a", "g"), None),
        (f"{DASHED}-", f"{APP_ID[:32]}0"),
        (f"{DASHED}--", None),
        ("", None),
        ("..", None),
    ],
)
def test_ids_are_read_as_tools_write_them(text: str, expected: str | None) -> None:
    assert expected == parse_debug_id(text)


@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**32 - 1))
def test_an_id_is_read_as_it_is_written(guid: bytes, age: int) -> None:
    text = format_debug_id(guid, age)

    assert text == parse_debug_id(text)
    low, mid, high = int(text[:8], 16), int(text[8:12], 16), int(text[12:16], 16)
    assert guid == struct.pack("<IHH", low, mid, high) + bytes.fromhex(text[16:32])
    assert age == int(text[32:], 16)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"M", "it is no PDB"),
        (b"MZ" + bytes(2000), "it is no PDB"),
        (b"BSJB" + bytes(60), r"Portable PDB \(ECMA-335"),
        (b"Microsoft C/C++ program database 2.00\r\n" + bytes(99), "Visual C"),
        (tiny_pdb()[:40], "too small"),
        (tiny_pdb()[:-1], "truncated"),
        (tiny_pdb().replace(struct.pack("<I", 20000404), struct.pack("<I", 19970604)), "has no guid yet"),
        (tiny_pdb().replace(struct.pack("<5I", 4, 0, 28, 0, 64), struct.pack("<5I", 4, 0, 8, 0, 64)), "PDB stream"),
        (tiny_pdb().replace(struct.pack("<5I", 4, 0, 28, 0, 64), struct.pack("<5I", 4, 0, 28, 0, 4)), "DBI stream"),
    ],
)
def test_what_has_no_id_is_refused_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.pdb").write_bytes(content)

    with pytest.raises(SymbolFileError, match=reason):
        pdb_identity(tmp_path / "a.pdb")


def test_what_is_no_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.pdb", tmp_path / "a\0b"):
        with pytest.raises(SymbolFileError, match="it cannot be read"):
            pdb_identity(path)


@given(st.integers(0, 7 * 512 - 1), st.integers(1, 255), st.integers(0, 7 * 512))
def test_damage_gives_an_id_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, length: int
) -> None:
    content = bytearray(tiny_pdb())
    content[place] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.pdb"
    path.write_bytes(content[:length] if length % 2 else content)
    try:
        found = pdb_identity(path)
    except SymbolFileError:
        return

    assert found == parse_debug_id(found)
