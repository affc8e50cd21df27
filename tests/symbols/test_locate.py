from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import perfdb.symbols.folders as folders
from perfdb.symbols.folders import Folders
from perfdb.symbols.locate import Locator, plain_name
from perfdb.symbols.model import Located, Wanted
from perfdb.symbols.path import parse_symbol_path
from tests.symbols.servers import (
    APP_ID,
    CORPUS_IDS,
    OTHER_ID,
    Handler,
    SymbolServer,
    files_below,
    put,
    serving,
    tiny_pdb,
    wanted,
    without_proxies,
)

needs_links = pytest.mark.skipif(os.name == "nt", reason="links need rights that not everybody has on Windows")
off_windows = pytest.mark.skipif(os.name == "nt", reason="is about paths of other systems")
minds_case = pytest.mark.skipif(os.name == "nt", reason="Windows itself does not mind case")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "build"
    folder.mkdir()
    return folder


@pytest.fixture
def symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SymbolServer]:
    """A server of an empty store."""
    without_proxies(monkeypatch)
    with serving(tmp_path / "store") as server:
        yield server


def write(path: Path, content: bytes = tiny_pdb()) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def locator(text: str | Path, **options: Any) -> Locator:
    path = parse_symbol_path(str(text), Path.cwd(), Path.cwd() / "no-such-cache", {})
    return Locator(path, **{"timeout_s": 5.0, "limit_s": 20.0} | options)


def find(text: str | Path, asked: Wanted | None = None, **options: Any) -> Located:
    return locator(text, **options).find(asked or wanted())


def codes(located: Located) -> list[str]:
    return [caveat.code for caveat in located.caveats]


@pytest.mark.parametrize(
    "place",
    [
        "app.pdb",
        f"app.pdb/{APP_ID}/app.pdb",
        "examples/simple/Release/app.pdb",
        "Examples/APP.PDB",
        f"deep/app.pdb/{APP_ID}/app.pdb",
    ],
)
def test_a_folder_has_it_itself_or_as_a_store_or_below(build: Path, place: str) -> None:
    path = write(build / place)

    assert Located(path, "full") == find(build)


def test_the_path_of_a_pdb_on_the_machine_that_built_it_does_not_matter(build: Path) -> None:
    path = write(build / "app.pdb")

    assert path == find(build, wanted("D:\\agent\\_work\\1\\Release\\app.pdb")).path
    assert path == find(build, wanted("/home/agent/app.pdb")).path


def test_ids_may_be_spelt_with_dashes_and_in_any_case(build: Path) -> None:
    path = write(build / "app.pdb")

    assert path == find(build, wanted(debug_id="01234567-89ab-cdef-fedc-ba9876543210-1")).path
    assert path == find(build, wanted(debug_id=APP_ID.lower())).path


def test_of_several_files_the_right_one_is_taken_wherever_it_lies(build: Path) -> None:
    write(build / "app.pdb", tiny_pdb(OTHER_ID))
    write(build / "a" / "app.pdb", b"damaged")
    right = write(build / "z" / "y" / "x" / "app.pdb")

    assert Located(right, "full") == find(build)


def test_the_first_place_of_the_path_wins(build: Path) -> None:
    second = write(build / "second" / "app.pdb")
    first = write(build / "first" / "sub" / "app.pdb")

    assert first == find(f"{build / 'first'};{build / 'second'}").path
    assert second == find(f"{build / 'nowhere'};{build / 'second'}").path


def test_nothing_is_no_caveat(build: Path) -> None:
    assert Located(None, "absent") == find(build)
    assert Located(None, "absent") == find(build / "nowhere")
    assert Located(None, "absent") == find("")


def test_a_module_without_a_symbol_file_is_no_caveat(build: Path) -> None:
    assert Located(None, "absent") == find(build, Wanted("ntoskrnl.exe", "\\SystemRoot\\ntoskrnl.exe", "", ""))


@pytest.mark.parametrize("other", [OTHER_ID, "FF" + APP_ID[2:]])
def test_another_build_is_told_with_both_ids(build: Path, other: str) -> None:
    path = write(build / "app.pdb", tiny_pdb(other))
    write(build / "sub" / "app.pdb", tiny_pdb(other))

    located = find(build)

    assert "mismatch" == located.state
    assert ["symbol-mismatch"] == codes(located)
    assert (
        f"app.exe: {path} is of another build: guid {other[:32]}, age {other[32:]}; "
        f"the trace names guid {APP_ID[:32]}, age 1"
    ) == located.caveats[0].text


def test_the_age_of_the_dbi_stream_counts(build: Path) -> None:
    path = write(build / "app.pdb", tiny_pdb(info_age=7))

    assert path == find(build).path


@pytest.mark.parametrize("name", sorted(CORPUS_IDS))
def test_real_pdbs_are_found_and_another_age_is_refused(corpus: Path, name: str) -> None:
    search = locator(corpus)
    right = CORPUS_IDS[name]

    assert Located(corpus / name, "full") == search.find(wanted(name, right))
    assert "mismatch" == search.find(wanted(name, f"{right[:32]}9")).state
    assert "mismatch" == search.find(wanted(name, APP_ID)).state


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (tiny_pdb()[:600], "truncated"),
        (b"MZ" + bytes(1000), "it is no PDB"),
        (b"BSJB" + bytes(100), "Portable PDB"),
    ],
)
def test_a_damaged_file_is_told_with_the_reason(build: Path, content: bytes, reason: str) -> None:
    path = write(build / "app.pdb", content)

    located = find(build)

    assert ("unreadable", ["symbol-unreadable"]) == (located.state, codes(located))
    assert located.caveats[0].text.startswith(f"app.exe: {path} cannot be used: ")
    assert reason in located.caveats[0].text


def test_another_build_is_told_rather_than_damage(build: Path) -> None:
    write(build / "app.pdb", b"")
    write(build / "sub" / "app.pdb", tiny_pdb(OTHER_ID))

    assert "mismatch" == find(build).state


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("app.pd_", "run: expand app.pd_ app.pdb"),
        ("app.pdb.zst", "run: zstd -d app.pdb.zst"),
        ("app.zst", "run: zstd -d app.zst"),
        (f"app.pdb/{APP_ID}/app.pd_", "run: expand app.pd_ app.pdb"),
        ("sub/APP.PD_", "run: expand APP.PD_ APP.pdb"),
    ],
)
def test_compressed_files_are_left_out_and_it_is_said_how_to_expand_them(build: Path, file: str, remedy: str) -> None:
    path = write(build / file)

    located = find(build)

    assert ("absent", ["symbol-compressed"]) == (located.state, codes(located))
    assert f"app.exe: {path} is compressed, and left out; {remedy}" == located.caveats[0].text


def test_a_store_is_not_walked_but_has_its_order(build: Path) -> None:
    write(build / "000Admin" / "server.txt", b"")
    write(build / "elsewhere" / "app.pdb")

    assert "absent" == find(build).state
    assert "absent" == find(f"srv*{build}").state

    path = put(build, tiny_pdb())
    assert path == find(build).path
    assert path == find(f"srv*{build}").path


def test_a_store_in_two_tiers_is_understood(build: Path) -> None:
    write(build / "index2.txt", b"")
    path = put(build / "ap", tiny_pdb())

    assert path == find(f"srv*{build}").path


@minds_case
def test_a_store_made_on_windows_may_be_in_other_case(build: Path) -> None:
    path = write(build / "App.Pdb" / APP_ID.lower() / "APP.pdb")
    write(build / "APP.PDB" / "unrelated" / "app.pdb")

    assert path == find(f"srv*{build}").path


def test_a_pointer_of_a_store_is_followed_on_this_computer(build: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "drop" / "anything.pdb")
    put(build, f"PATH:{path}".encode(), file="file.ptr")

    assert path == find(f"srv*{build}").path


@pytest.mark.parametrize(
    "text", ["PATH:\\\\host\\share\\app.pdb", "PATH://host/app.pdb", "MSG: gone", "", "PATH:app.pdb"]
)
def test_other_pointers_are_not_followed(build: Path, text: str) -> None:
    put(build, text.encode(), file="file.ptr")

    assert Located(None, "absent") == find(f"srv*{build}")


def test_a_pointer_with_dots_is_not_followed(build: Path, tmp_path: Path) -> None:
    write(tmp_path / "app.pdb")
    put(build, f"PATH:{tmp_path}/build/../app.pdb".encode(), file="file.ptr")

    assert Located(None, "absent") == find(f"srv*{build}")


def test_the_path_that_the_trace_names_is_tried_last(build: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "own" / "app.pdb")
    asked = wanted(str(own))

    assert own == find(build, asked).path

    found = write(build / "app.pdb")
    assert found == find(build, asked).path


def test_the_path_that_the_trace_names_must_have_the_right_file(build: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "own" / "app.pdb", tiny_pdb(OTHER_ID))

    assert "mismatch" == find(build, wanted(str(own))).state
    assert "absent" == find(build, wanted(f"{tmp_path}/own/../own/app.pdb")).state


@pytest.mark.parametrize(
    "name",
    [
        "..", "C:\\x\\..", ".", "a\\", "a/", "a\0.pdb", "a.pdb:stream", "a\nb.pdb", "NUL", "con.pdb", "C:\\COM1.x.pdb",
        "lpt¹.pdb", "aux .pdb", "a" * 252 + ".pdb", "ä" * 130 + ".pdb", "app.pdb.", "app.pdb ", "\ud800.pdb", "",
    ],
)  # fmt: skip
def test_names_that_no_file_can_have_are_refused(build: Path, name: str) -> None:
    located = find(build, wanted(name))

    assert ("absent", ["symbol-refused"]) == (located.state, codes(located))
    assert located.caveats[0].text.isascii()
    assert len(located.caveats[0].text) < 1000


@pytest.mark.parametrize("name", ["..\\..\\app.pdb", "../../app.pdb", "/etc/../app.pdb"])
def test_only_the_last_part_of_a_name_is_used(build: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "app.pdb")

    assert Located(None, "absent") == find(build / "sub", wanted(name))


@pytest.mark.parametrize("debug_id", ["", "..", "../../x", "g" * 33, APP_ID[:-1], APP_ID + "0" * 8, "a/b"])
def test_ids_that_are_none_are_refused(build: Path, debug_id: str) -> None:
    write(build / "app.pdb")

    assert ("absent", ["symbol-refused"]) == (
        find(build, wanted(debug_id=debug_id)).state,
        codes(find(build, wanted(debug_id=debug_id))),
    )


@given(st.text(max_size=12) | st.text(alphabet="a./\\: \0CONul1", max_size=12))
def test_a_plain_name_is_one_part_of_a_path(text: str) -> None:
    name = plain_name(text)

    assert name is None or (text.endswith(name) and not set(name) & set("/\\:\0") and name not in {"", ".", ".."})


@needs_links
def test_links_in_a_circle_are_walked_once(build: Path) -> None:
    path = write(build / "out" / "app.pdb")
    (build / "out" / "again").symlink_to(build, target_is_directory=True)
    (build / "itself").symlink_to(build / "itself")

    assert path == find(build).path
    assert 1 == len(Folders().tree(build).files["app.pdb"])


@needs_links
def test_a_link_to_a_folder_is_followed(build: Path, tmp_path: Path) -> None:
    write(tmp_path / "bazel" / "app.pdb")
    (build / "bazel-bin").symlink_to(tmp_path / "bazel", target_is_directory=True)

    assert build / "bazel-bin" / "app.pdb" == find(build).path


@needs_links
def test_what_is_no_regular_file_is_not_opened(build: Path) -> None:
    os.mkfifo(build / "app.pdb")  # opening it would wait for ever

    assert Located(None, "absent") == find(build)


@pytest.mark.parametrize("folder", [".git", "node_modules", "Node_Modules"])
def test_folders_that_never_hold_symbols_are_left_out(build: Path, folder: str) -> None:
    write(build / folder / "app.pdb")

    assert "absent" == find(build).state


def test_a_tree_that_is_too_large_is_cut_and_said_to_be(build: Path) -> None:
    for number in range(20):
        write(build / f"{number:02}" / f"{number}.pdb")

    near = locator(build, max_entries=25)

    assert build / "00" / "0.pdb" == near.find(wanted("0.pdb")).path
    located = near.find(wanted("19.pdb"))
    assert ("absent", ["symbol-folder"]) == (located.state, codes(located))
    assert located.caveats[0].text.startswith(f"{build} holds so many files")


def test_a_tree_is_walked_once(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[Path] = []
    original = folders._walk

    def counted(top: Path, limit: int) -> folders.Tree:
        walked.append(top)
        return original(top, limit)

    monkeypatch.setattr(folders, "_walk", counted)
    search = locator(build)

    for number in range(5):
        search.find(wanted(f"{number}.pdb"))

    assert [build] == walked


def test_answers_are_remembered(build: Path) -> None:
    search = locator(build)
    first = search.find(wanted())
    write(build / "app.pdb")

    assert first is search.find(wanted(path="another/path/app.exe"))


def test_a_file_comes_from_a_server_into_the_nearest_cache(symbols: SymbolServer, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())
    near, far = tmp_path / "near", tmp_path / "far"
    path = f"srv*{near}*{far}*{symbols.url}"

    assert near / "app.pdb" / APP_ID / "app.pdb" == find(path).path
    assert [f"app.pdb/{APP_ID}/app.pdb"] == files_below(near)
    assert not far.exists()
    assert near / "app.pdb" / APP_ID / "app.pdb" == find(path).path
    assert 1 == len(symbols.log)


def test_a_file_in_a_farther_cache_is_used_from_there(symbols: SymbolServer, tmp_path: Path) -> None:
    path = put(tmp_path / "far", tiny_pdb())

    assert path == find(f"srv*{tmp_path / 'near'}*{tmp_path / 'far'}*{symbols.url}").path
    assert [] == symbols.log


def test_a_cache_in_front_serves_all_servers(symbols: SymbolServer, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())

    assert tmp_path / "c" / "app.pdb" / APP_ID / "app.pdb" == find(f"cache*{tmp_path / 'c'};{symbols.url}").path


def test_a_damaged_file_in_a_cache_is_fetched_again(symbols: SymbolServer, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())
    path = put(tmp_path / "cache", b"half")

    assert Located(path, "full") == find(f"srv*{tmp_path / 'cache'}*{symbols.url}")
    assert tiny_pdb() == path.read_bytes()


def test_nothing_is_asked_of_a_server_that_is_not_in_the_path(symbols: SymbolServer, build: Path) -> None:
    put(symbols.root, tiny_pdb())
    asked = [
        wanted(),
        wanted(f"{symbols.url}/app.pdb"),
        wanted("\\\\127.0.0.1\\share\\app.pdb"),
        wanted("//127.0.0.1/app.pdb"),
    ]

    assert ["absent"] * 4 == [each.state for each in locator(f"{build};srv*{build}").find_all(asked)]
    assert [] == symbols.log


def test_nothing_is_asked_of_a_server_offline(symbols: SymbolServer, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())
    path = f"srv*{tmp_path / 'cache'}*{symbols.url}"

    assert [Located(None, "absent")] == locator(path, offline=True).find_all([wanted()])
    assert [] == symbols.log

    find(path)
    assert find(path, offline=True).path is not None


def test_a_server_is_asked_in_its_turn(symbols: SymbolServer, build: Path, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())
    path = write(build / "app.pdb")

    assert path == find(f"{build};srv*{tmp_path / 'cache'}*{symbols.url}").path
    assert [] == symbols.log


def test_another_build_is_told_besides_what_the_server_said(symbols: SymbolServer, build: Path) -> None:
    write(build / "app.pdb", tiny_pdb(OTHER_ID))
    symbols.always = lambda request: request.send(b"", status=500)

    located = find(f"{build};srv*{build / 'cache'}*{symbols.url}")

    assert ("mismatch", ["symbol-mismatch", "symbol-server"]) == (located.state, codes(located))


def test_what_a_server_lacks_may_lie_further_right(symbols: SymbolServer, build: Path) -> None:
    path = write(build / "app.pdb")
    symbols.always = lambda request: request.send(b"", status=500)

    assert Located(path, "full") == find(f"srv*{build / 'cache'}*{symbols.url};{build}")


def test_several_files_are_fetched_at_once(symbols: SymbolServer, tmp_path: Path) -> None:
    meeting = threading.Barrier(4)
    names = [f"{number}.pdb" for number in range(8)]
    for name in names:
        put(symbols.root, tiny_pdb(), name)

    def together(request: Handler) -> None:
        meeting.wait(10)  # breaks unless four requests are under way
        request.serve()

    symbols.always = together
    asked = [wanted(name) for name in names]

    located = locator(f"srv*{tmp_path / 'cache'}*{symbols.url}").find_all([*asked, *asked])

    assert ["full"] * 16 == [each.state for each in located]
    assert [f"{name}/{APP_ID}/{name}" for name in names] == files_below(tmp_path / "cache")
    assert 8 == len(symbols.log)


def test_ctrl_c_ends_all_downloads_and_leaves_nothing(symbols: SymbolServer, tmp_path: Path) -> None:
    started = threading.Barrier(2)

    def stall(request: Handler) -> None:
        request.send(tiny_pdb()[:1000], length=len(tiny_pdb()))
        if "first" in request.path:
            started.wait(10)
        elif "second" in request.path:
            started.wait(10)
            request.state.closing.wait(10)

    def interrupt(name: str, *_: object) -> None:
        if name == "first.pdb":
            raise KeyboardInterrupt

    symbols.always = stall
    names = ["first.pdb", "second.pdb", *(f"{number}.pdb" for number in range(20))]
    search = locator(f"srv*{tmp_path / 'cache'}*{symbols.url}", progress=interrupt)

    with pytest.raises(KeyboardInterrupt):
        search.find_all([wanted(name) for name in names])

    assert [] == files_below(tmp_path / "cache")


def test_absence_is_remembered_between_locators(symbols: SymbolServer, tmp_path: Path) -> None:
    path = f"srv*{tmp_path / 'cache'}*{symbols.url}"
    find(path, absent_folder=tmp_path / "absent")
    count = len(symbols.log)

    assert "absent" == find(path, absent_folder=tmp_path / "absent").state
    assert count == len(symbols.log)
    find(path, absent_folder=tmp_path / "absent", refresh=True)
    assert count < len(symbols.log)


# Files with public symbols only


STRIPPED = tiny_pdb(is_stripped=True)


def test_a_full_file_is_taken_wherever_it_lies_on_the_path_and_else_the_first_stripped_one(
    build: Path, tmp_path: Path
) -> None:
    near, far = write(build / "near" / "app.pdb", STRIPPED), write(build / "far" / "app.pdb", STRIPPED)
    path = f"{build / 'near'};srv*{tmp_path / 'store'};{build / 'far'};{build / 'full'}"
    assert Located(near, "full") == find(path)

    full = write(build / "full" / "sub" / "app.pdb")

    assert Located(full, "full") == find(path)
    assert Located(full, "full") == find(build)
    full.unlink()
    kept = put(tmp_path / "store", tiny_pdb())
    assert Located(kept, "full") == find(path)
    kept.unlink()
    assert Located(far, "full") == find(build)


def test_a_stripped_file_of_another_build_is_none(build: Path) -> None:
    write(build / "a" / "app.pdb", tiny_pdb(OTHER_ID, is_stripped=True))
    stripped = write(build / "b" / "app.pdb", STRIPPED)

    assert Located(stripped, "full") == find(build)


def test_a_full_file_at_the_path_that_the_trace_names_is_taken_rather_than_a_stripped_one(
    build: Path, tmp_path: Path
) -> None:
    write(build / "app.pdb", STRIPPED)
    own = write(tmp_path / "elsewhere" / "app.pdb")

    assert Located(own, "full") == find(build, wanted(str(own)))


def test_no_server_is_asked_where_a_stripped_file_was_found_before(
    symbols: SymbolServer, build: Path, tmp_path: Path
) -> None:
    put(symbols.root, tiny_pdb())
    stripped = write(build / "app.pdb", STRIPPED)

    assert Located(stripped, "full") == find(f"{build};srv*{tmp_path / 'cache'}*{symbols.url}")
    assert [] == symbols.log


def test_a_stripped_file_from_a_server_is_taken_where_no_full_one_lies_further_right(
    symbols: SymbolServer, build: Path, tmp_path: Path
) -> None:
    put(symbols.root, STRIPPED)
    path = f"srv*{tmp_path / 'cache'}*{symbols.url};srv*{tmp_path / 'other'}*{symbols.url}/other;{build}"
    cached = tmp_path / "cache" / "app.pdb" / APP_ID / "app.pdb"

    assert Located(cached, "full") == find(path)
    full = write(build / "app.pdb")
    assert Located(full, "full") == find(path)
    assert 1 == len(symbols.log)


# Modules of Windows


OF_WINDOWS = [
    "C:\\Windows\\System32\\ntdll.dll",
    "\\Windows\\System32\\ntdll.dll",
    "\\Device\\HarddiskVolume3\\WINDOWS\\System32\\ntdll.dll",
    "\\??\\C:\\Windows\\System32\\drivers\\d.dll",
    "\\\\?\\C:\\Windows\\d.dll",
    "\\SystemRoot\\system32\\ntoskrnl.exe",
    "/Windows/System32/ntdll.dll",
    "\\Device\\HarddiskVolume3\\ProgramData\\driver.sys",
]


@pytest.mark.parametrize("path", OF_WINDOWS)
def test_a_folder_is_not_walked_for_a_module_of_windows_alone(build: Path, path: str) -> None:
    below = write(build / "sub" / "app.pdb")
    system = wanted(module="ntdll.dll", path=path)
    assert Located(None, "absent") == find(build, system)

    here = locator(build)
    assert Located(None, "absent") == here.find(wanted(pdb_name="mine.pdb", module="mine.exe"))
    assert Located(below, "full") == here.find(system)
    assert [below, below] == [located.path for located in locator(build).find_all([system, wanted()])]


@pytest.mark.parametrize("place", ["app.pdb", f"app.pdb/{APP_ID}/app.pdb"])
def test_the_symbols_of_windows_are_found_in_a_folder_itself_or_as_a_store(build: Path, place: str) -> None:
    path = write(build / place)

    assert Located(path, "full") == find(build, wanted(path=OF_WINDOWS[0]))


@pytest.mark.parametrize(
    "path", ["", "C:\\app\\build\\windows\\x64\\Release\\app.exe", "D:\\Windows.old\\app.exe", "C:\\my.system\\a.dll"]
)
def test_other_modules_have_folders_walked(build: Path, path: str) -> None:
    below = write(build / "sub" / "app.pdb")

    assert Located(below, "full") == find(build, wanted(path=path))


def test_no_folder_is_listed_below_itself_for_windows(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[Path] = []

    def walk(top: Path, _: int) -> folders.Tree:
        walked.append(top)
        return folders.Tree({})

    monkeypatch.setattr(folders, "_walk", walk)

    find(build, wanted(path=OF_WINDOWS[0]))
    assert [] == walked
    find(build, wanted())
    assert [build] == walked
