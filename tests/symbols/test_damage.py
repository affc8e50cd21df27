"""Symbol files that are cut off or overwritten: right names or none, whatever is left of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.etl import read_etl
from perfdb.profile.columns import SYMBOL_STATES, UNRESOLVED, Profile, Source
from perfdb.symbols.locate import Locator
from perfdb.symbols.lookup import look_up
from perfdb.symbols.path import Folder, SymbolPath
from perfdb.symbols.resolve import resolve
from tests.symbols.corpus_traces import CPPCON, PDBS, trace
from tests.symbols.damage import DEBUG_STREAM, ID_STREAM, PDB_STREAM, TYPE_STREAM, cuts, filled_up, flips, with_stream


def named(profile: Profile, folder: Path) -> Profile:
    """The profile with the names that a folder has, nothing kept from one call to the next."""
    locator = Locator(SymbolPath((Folder(folder),)))
    return resolve(profile, lambda wanted, rva: look_up(wanted, rva, locator.find, None))


def profile_of(content: bytes) -> Profile:
    return read_etl(memoryview(content), Source("etl", "made.etl", ""))


@pytest.fixture(scope="module")
def spread() -> Profile:
    """A profile with places all over CppCon.exe."""
    return profile_of(trace([(CPPCON.leaf(rva),) for rva in range(0x1000, 0x2400, 0x29)], [CPPCON]))


def names_by_place(profile: Profile) -> dict[int, set[str]]:
    """The names at each RVA, `<unresolved>` left out."""
    found: dict[int, set[str]] = {}
    frames = profile.frames
    for rva, function in zip(frames.rva.tolist(), frames.function.tolist(), strict=True):
        if profile.functions.name[function] != UNRESOLVED:
            found.setdefault(rva, set()).add(profile.functions.name[function])
    return found


def states(profile: Profile) -> set[str]:
    """What came of looking for CppCon.pdb."""
    return {row.symbols for row in profile.loaded if row.pdb_name == "CppCon.pdb"}


def test_a_pdb_that_is_cut_off_anywhere_gives_no_name_and_a_caveat(
    spread: Profile, corpus: Path, tmp_path: Path
) -> None:
    for place, content in cuts((corpus / "CppCon.pdb").read_bytes()):
        (tmp_path / "CppCon.pdb").write_bytes(content)

        result = named(spread, tmp_path)

        assert {"unreadable"} == states(result), f"cut at {place}"
        assert {"symbol-unreadable"} == {caveat.code for caveat in result.caveats if caveat not in spread.caveats}
        assert {} == names_by_place(result)


def test_a_pdb_whose_rest_is_zeros_gives_right_names_or_none(spread: Profile, corpus: Path, tmp_path: Path) -> None:
    good = (corpus / "CppCon.pdb").read_bytes()
    right = names_by_place(named(spread, corpus))
    assert 50 < len(right)

    for place, _ in cuts(good):
        (tmp_path / "CppCon.pdb").write_bytes(filled_up(good, place))
        result = named(spread, tmp_path)
        for rva, names in names_by_place(result).items():
            assert names <= right[rva], f"zeros from {place}"
        assert states(result) <= set(SYMBOL_STATES)
        assert result.caveats or states(result) == {"full"}


@pytest.mark.parametrize("number", [PDB_STREAM, TYPE_STREAM, DEBUG_STREAM, ID_STREAM])
def test_a_stream_that_is_cut_gone_or_empty_gives_right_names_or_none(
    spread: Profile, corpus: Path, tmp_path: Path, number: int
) -> None:
    good = (corpus / "CppCon.pdb").read_bytes()
    right = names_by_place(named(spread, corpus))

    changes: list[Callable[[bytes], bytes | None]] = [
        lambda whole: None,
        lambda whole: b"",
        lambda whole: whole[:20],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole[:64] + bytes(len(whole) - 64),
        lambda whole: whole[:64] + b"\xff" * (len(whole) - 64),
    ]
    for change in changes:
        (tmp_path / "CppCon.pdb").write_bytes(with_stream(good, number, change))
        for rva, names in names_by_place(named(spread, tmp_path)).items():
            assert names <= right[rva]


@pytest.mark.parametrize("seed", range(10))
def test_bytes_overwritten_at_random_never_end_the_program(
    spread: Profile, corpus: Path, tmp_path: Path, seed: int
) -> None:
    name = list(PDBS)[seed % len(PDBS)]
    (tmp_path / "CppCon.pdb").write_bytes(flips((corpus / name).read_bytes(), seed))
    image = replace(PDBS[name], pdb_name="CppCon.pdb")
    content = trace([(image.leaf(rva),) for rva in range(0x1000, 0x9000, 0x129)], [image])

    result = named(profile_of(content), tmp_path)

    assert len(result.samples) == len(profile_of(content).samples)
    assert states(result) <= set(SYMBOL_STATES)
