from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import InputError
from perfdb.symbols.path import Folder, Server, Store, SymbolPath, parse_symbol_path, without_credentials

ROOT = Path(__file__).anchor
BASE = Path(ROOT, "project")
CACHE = Path(ROOT, "default-cache")
STORE = Path(ROOT, "store")
FAR = Path(ROOT, "far")
URL = "https://symbols.example.org/store"

off_windows = pytest.mark.skipif(os.name == "nt", reason="is about folders of Windows on other systems")


def parse(text: str | list[str], **environ: str) -> tuple[Folder | Store | Server, ...]:
    return parse_symbol_path(text, BASE, CACHE, environ).elements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("srv", (Folder(BASE / "srv"),)),
        (" ; ;; ", ()),
        ("build", (Folder(BASE / "build"),)),
        (f"{STORE}", (Folder(STORE),)),
        (f' "{STORE}" ;  build ', (Folder(STORE), Folder(BASE / "build"))),
        (f"srv*{STORE}", (Store(STORE),)),
        (f"SRV*{STORE}", (Store(STORE),)),
        (f"srv*{FAR}*{STORE}", (Store(STORE, (FAR,)),)),
        (f"srv*{STORE}*{URL}", (Server(URL, (STORE,)),)),
        (f"srv*{STORE}*{FAR}*{URL}", (Server(URL, (STORE, FAR)),)),
        (f"srv*{URL}", (Server(URL, (CACHE,)),)),
        (f"srv**{URL}", (Server(URL, (CACHE,)),)),
        (f"srv*{STORE}**{URL}", (Server(URL, (STORE, CACHE)),)),
        (f"{URL}/", (Server(URL, (CACHE,)),)),
        (f"symsrv*symsrv.dll*{STORE}*{URL}", (Server(URL, (STORE,)),)),
        (f"SymSrv*symsrv.dll*{URL}", (Server(URL, (CACHE,)),)),
        (f"cache*{STORE}", (Store(STORE),)),
        ("cache*", (Store(CACHE),)),
        (f"{URL};cache*{STORE};build;srv*{FAR}*{URL}", (
            Server(URL, (CACHE,)), Store(STORE), Folder(BASE / "build"), Server(URL, (STORE, FAR)),
        )),
        (f"cache*{STORE};{URL}", (Store(STORE), Server(URL, (STORE,)))),
        ("HTTP://Symbols.Example.ORG:8080/a b/ä", (Server("http://symbols.example.org:8080/a%20b/%C3%A4", (CACHE,)),)),
        ("http://[::1]:80", (Server("http://[::1]:80", (CACHE,)),)),
        ("https://bücher.example", (Server("https://xn--bcher-kva.example", (CACHE,)),)),
    ],
)  # fmt: skip
def test_the_syntax_of_nt_symbol_path_is_read(text: str, expected: tuple[Folder | Store | Server, ...]) -> None:
    assert expected == parse(text)


def test_several_paths_are_one_after_the_other() -> None:
    assert (Store(STORE), Folder(BASE / "a"), Server(URL, (STORE,))) == parse([f"cache*{STORE}", f"a;{URL}"])


def test_variables_are_expanded_whatever_their_case_and_unknown_ones_stay() -> None:
    assert (Folder(BASE / "out" / "x"), Folder(BASE / "%NOWHERE%")) == parse("%Build%/x;%NOWHERE%", BUILD="out")


def test_a_variable_may_hold_several_elements() -> None:
    assert (Store(STORE), Server(URL, (CACHE,))) == parse("%_NT_SYMBOL_PATH%", _NT_SYMBOL_PATH=f"srv*{STORE};{URL}")


def test_percent_signs_of_an_address_stay() -> None:
    assert (Server("https://h/a%20b%20c", (CACHE,)),) == parse("https://h/a%20b%20c")


def test_the_process_environment_is_asked_if_no_other_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERFDB_TEST_FOLDER", "here")

    assert (Folder(BASE / "here"),) == parse_symbol_path("%PERFDB_TEST_FOLDER%", BASE, CACHE).elements


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(STORE))
    monkeypatch.setenv("USERPROFILE", str(STORE))

    assert (Folder(STORE / "symbols"), Store(STORE)) == parse("~/symbols;srv*~")


@off_windows
def test_folders_of_windows_are_kept_as_they_are_elsewhere() -> None:
    assert (
        Folder(Path("C:\\symbols")),
        Store(Path("\\\\server\\symbols")),
    ) == parse("C:\\symbols;srv*\\\\server\\symbols")


@off_windows
def test_a_cache_of_windows_is_the_default_cache_elsewhere() -> None:
    assert (Server(URL, (CACHE,)),) == parse(f"srv*C:\\symbols*{URL}")


@off_windows
def test_relative_folders_may_be_spelt_as_on_windows() -> None:
    assert (Folder(BASE / "build" / "x64"), Folder(BASE / ".." / "out")) == parse("build\\x64;..\\out")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("srv*", "names no server and no store; write srv\\*CACHE\\*https://SERVER or srv\\*FOLDER"),
        ("srv*cache*", "names no server and no store"),
        ("symsrv*", "names no server and no store"),
        ("symsrv*symsrv.dll", "names no server and no store"),
        ("srv*ftp://host/x", "do not come by ftp:; write srv"),
        ("file:///tmp/x", "do not come by file:"),
        ("https://", "names no server"),
        ("https:///x", "names no server"),
        ("https://host:port/x", "cannot be understood"),
        ("https://[::1/x", "cannot be understood"),
        ("https://host/x?sig=1", "has a \\? or #"),
        ("https://host/x#y", "has a \\? or #"),
        ("https://ho st/", "names no server"),
        ("srv*https://a*https://b", "a server stands where a cache does"),
        ("cache*https://a", "a server stands where a cache does"),
        ("cache*a*b", "it has a \\*"),
        ("other*a*b", "it has a \\*"),
        ("a\0b", "NUL"),
    ],
)
def test_nonsense_is_refused_with_what_to_write_instead(text: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as caught:
        parse(text)

    assert "\0" not in str(caught.value)
    assert "; write " in str(caught.value)


def test_credentials_are_kept_and_never_shown() -> None:
    path = parse_symbol_path("srv**https://ada:s%20cret@host:444/x", BASE, CACHE, {})

    assert path.servers == (Server("https://host:444/x", (CACHE,), "ada:s cret"),)
    assert "cret" not in f"{path} {path!r} {path.servers[0]} {path.servers[0]!r}"


@pytest.mark.parametrize(
    "text", ["srv*https://a:secret@h*x*ftp://y:secret@z", "ftp://a:secret@b@c", "x*http://secret@h"]
)
def test_credentials_are_not_in_messages(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)

    assert "secret" not in str(caught.value)


def test_text_is_shown_without_credentials() -> None:
    assert "srv*a*https://h/x;b" == without_credentials("srv*a*https://u:p@h/x;b")


_FOLDERS = st.sampled_from([STORE, FAR, CACHE, BASE / "with blank"])
_CACHES = st.lists(_FOLDERS, max_size=2).map(tuple)
_SOME_CACHES = st.lists(_FOLDERS, min_size=1, max_size=2).map(tuple)
_ELEMENTS = st.one_of(
    st.builds(Folder, _FOLDERS),
    st.builds(Store, _FOLDERS, _CACHES),
    st.builds(Server, st.sampled_from([URL, "http://h:8"]), _SOME_CACHES),
)


@given(st.lists(_ELEMENTS, max_size=5).map(tuple))
def test_a_path_is_what_its_text_is_read_as(elements: tuple[Folder | Store | Server, ...]) -> None:
    assert elements == parse(str(SymbolPath(elements)))


@given(st.text(alphabet="srvcacheSRV*;:/\\.%~\"' \0?#@[]é1-", max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with suppress(InputError):
        assert "\0" not in str(SymbolPath(parse(text)))
