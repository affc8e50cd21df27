"""Names for one module's addresses: the cache first, then the file, and never the wrong file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perfdb.demo.pdb_spec import FunctionSpec, ObjectSpec, PdbSpec
from perfdb.demo.pdb_writer import write_pdb
from perfdb.profile.columns import SYMBOL_STATES, Caveat
from perfdb.symbols.lookup import LookedUp, look_up
from perfdb.symbols.model import PUBLIC, Located, Wanted
from perfdb.symbols.symcache import Symcache
from tests.symbols.chains import names, rows, rvas
from tests.symbols.small_pdb import APP

OTHER = ObjectSpec("other.obj", (FunctionSpec("other", 0x3000, 0x10, public="?other@@YAXXZ"),))
TWO = replace(APP, objects=(*APP.objects, OTHER))
WANTED = Wanted("app.exe", "C:\\app\\app.exe", APP.debug_id, "app.pdb")
ABSENT = Located(None, "absent", (Caveat("symbol-server", "the server is ill"),))


class Place:
    """Where the symbol file is to be found; counts how often it was asked."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.asked = 0

    def __call__(self, wanted: Wanted) -> Located:
        self.asked += 1
        return self.located


def at(tmp_path: Path, spec: PdbSpec, name: str = "app.pdb") -> Place:
    path = tmp_path / name
    path.write_bytes(write_pdb(spec))
    return Place(Located(path, "full"))


def ask(locate: Callable[[Wanted], Located], cache: Symcache | None, *rva: int, wanted: Wanted = WANTED) -> LookedUp:
    answer = look_up(wanted, rvas(*rva), locate, cache)
    assert answer.state in SYMBOL_STATES
    assert len(rva) + 1 == len(answer.chains.start)
    return answer


def test_names_come_out_of_the_file_that_is_found(tmp_path: Path) -> None:
    answer = ask(at(tmp_path, TWO), None, 0x1052, 0x3001)

    assert [["help"], ["other"]] == names(answer.chains)
    assert ("full", "x64", ()) == (answer.state, answer.machine, answer.caveats)


def test_a_second_trace_needs_no_file(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    first = ask(at(tmp_path, TWO), cache, 0x101A)
    (tmp_path / "app.pdb").unlink()
    gone = Place(ABSENT)

    again = ask(gone, cache, 0x101A, 0x1055)

    assert 0 == gone.asked
    assert rows(first.chains)[0] == rows(again.chains)[0]
    assert ["help"] == names(again.chains)[1]
    assert ("full", "x64", ()) == (again.state, again.machine, again.caveats)


def test_only_what_is_missing_is_read_and_then_kept(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    place = at(tmp_path, TWO)
    ask(place, cache, 0x1052)

    ask(place, cache, 0x1052, 0x3001)
    ask(place, cache, 0x1000, 0x3002)

    assert 2 == place.asked


def test_addresses_that_have_no_name_are_remembered_too(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    place = at(tmp_path, TWO)
    nowhere = (0, 0x1048, 0x2000, 0x7010, 0x9000, 0xFFFF_FFFF, 1 << 33)
    ask(place, cache, *nowhere)

    assert [[]] * 7 == names(ask(place, cache, *nowhere).chains)
    assert 1 == place.asked


def test_without_a_file_what_the_cache_knows_is_used_and_the_rest_is_told(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    ask(at(tmp_path, TWO), cache, 0x1052)

    answer = ask(Place(ABSENT), cache, 0x1052, 0x3001)

    assert [["help"], []] == names(answer.chains)
    assert ("absent", "x64") == (answer.state, answer.machine)
    assert ["symbol-server", "symbol-cached"] == [caveat.code for caveat in answer.caveats]
    assert "1 of 2 addresses" in answer.caveats[1].text


@pytest.mark.parametrize("state", ["absent", "mismatch", "unreadable"])
def test_without_a_file_and_without_a_cache_there_are_no_names(tmp_path: Path, state: str) -> None:
    answer = ask(Place(Located(None, state, ABSENT.caveats)), Symcache(tmp_path), 0x1052)

    assert [[]] == names(answer.chains)
    assert (state, "", ABSENT.caveats) == (answer.state, answer.machine, answer.caveats)


@pytest.mark.parametrize("change", [{"age": 4}, {"guid": "F" + APP.guid[1:]}, {"guid": APP.guid[:-1] + "F", "age": 1}])
def test_a_file_of_another_build_is_refused_whoever_found_it(tmp_path: Path, change: dict[str, object]) -> None:
    cache = Symcache(tmp_path / "cache")
    other = replace(APP, **change)  # type: ignore[arg-type]

    answer = ask(at(tmp_path, other), cache, 0x1052)

    assert [[]] == names(answer.chains)
    assert "mismatch" == answer.state
    (caveat,) = answer.caveats
    assert WANTED.debug_id in caveat.text
    assert other.debug_id.upper() in caveat.text.upper()
    assert [] == list(tmp_path.rglob("*.symcache"))


def test_a_module_that_names_no_id_gets_no_file(tmp_path: Path) -> None:
    answer = ask(at(tmp_path, APP), Symcache(tmp_path / "cache"), 0x1052, wanted=replace(WANTED, debug_id=""))

    assert ("mismatch", [[]]) == (answer.state, names(answer.chains))


def test_an_id_in_another_spelling_is_the_same_id(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    guid = APP.guid.lower()
    dashed = f"{guid[:8]}-{guid[8:12]}-{guid[12:16]}-{guid[16:20]}-{guid[20:]}-3"
    place = at(tmp_path, APP)
    ask(place, cache, 0x1052)

    assert [["help"]] == names(ask(place, cache, 0x1052, wanted=replace(WANTED, debug_id=dashed)).chains)
    assert 1 == place.asked


@pytest.mark.parametrize("cut", [0, 10, 4096, -4096])
def test_a_damaged_file_is_unreadable_and_said_to_be(tmp_path: Path, cut: int) -> None:
    place = at(tmp_path, APP)
    path = tmp_path / "app.pdb"
    path.write_bytes(path.read_bytes()[:cut])

    answer = ask(place, Symcache(tmp_path / "cache"), 0x1052)

    assert ("unreadable", [[]]) == (answer.state, names(answer.chains))
    assert ["symbol-unreadable"] == [caveat.code for caveat in answer.caveats]
    assert "app.exe: app.pdb cannot be read: " in answer.caveats[0].text


def test_a_file_that_goes_away_after_it_was_found_is_unreadable(tmp_path: Path) -> None:
    answer = ask(Place(Located(tmp_path / "gone.pdb", "full")), None, 0x1052)

    assert ("unreadable", [[]]) == (answer.state, names(answer.chains))


# Public symbols only


def test_public_symbols_are_used_with_a_caveat(tmp_path: Path) -> None:
    answer = ask(at(tmp_path, replace(TWO, is_stripped=True)), Symcache(tmp_path / "cache"), 0x3001)

    assert ["?other@@YAXXZ"] == names(answer.chains)[0]
    assert PUBLIC == rows(answer.chains)[0][0].kind
    assert ("public", ["symbol-public"]) == (answer.state, [caveat.code for caveat in answer.caveats])


def test_a_full_file_that_turns_up_later_takes_over(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    ask(at(tmp_path, replace(TWO, is_stripped=True)), cache, 0x3001)

    answer = ask(at(tmp_path, TWO), cache, 0x3001)
    again = ask(Place(ABSENT), cache, 0x3001)

    assert [["other"]] == names(answer.chains) == names(again.chains)
    assert ["full", "full"] == [answer.state, again.state]


def test_public_symbols_that_are_kept_serve_when_no_file_is_there(tmp_path: Path) -> None:
    cache = Symcache(tmp_path / "cache")
    ask(at(tmp_path, replace(TWO, is_stripped=True)), cache, 0x3001)

    answer = ask(Place(ABSENT), cache, 0x3001)

    assert ["?other@@YAXXZ"] == names(answer.chains)[0]
    assert "public" == answer.state
    assert ["symbol-server", "symbol-public"] == [caveat.code for caveat in answer.caveats]


# Files of Linux


def test_a_build_id_is_looked_up_in_an_elf_file(tmp_path: Path) -> None:
    place = at(tmp_path, APP)

    answer = ask(place, Symcache(tmp_path / "cache"), 0x10, wanted=Wanted("app", "/app", "ab" * 20, ""))

    assert 1 == place.asked
    assert ("unreadable", [[]]) == (answer.state, names(answer.chains))
