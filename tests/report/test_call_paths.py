"""Call paths as text: the last frames, what tells one path from another, and how they are fitted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfdb.compare.costs import Item
from perfdb.report.call_paths import call_paths
from perfdb.report.widths import shorten_apart, width_of


def path(text: str) -> tuple[Item, ...]:
    """Frames from `module!function module!function`."""
    return tuple(Item(*frame.split("!")) for frame in text.split())


def shown(*texts: str) -> list[str]:
    return [str(each) for each in call_paths([path(text) for text in texts])]


def test_the_last_frames_are_shown_and_modules_where_they_change() -> None:
    (text,) = shown("n!start n!thunk a!main a!run B!open b!read c!copy")

    assert "… → B!open → read → c!copy" == text


def test_a_short_path_is_shown_whole() -> None:
    assert ["a!main → run"] == shown("a!main a!run")


def test_paths_with_the_same_end_show_where_they_differ() -> None:
    texts = shown("a!main a!load a!p a!q a!r a!s a!f", "a!main a!save a!p a!q a!r a!s a!f")

    assert ["… → a!load → … → r → s → f", "… → a!save → … → r → s → f"] == texts


def test_a_path_that_is_the_end_of_another_shows_its_root() -> None:
    texts = shown("a!p a!q a!r a!s a!t a!f", "a!main a!p a!q a!r a!s a!t a!f")

    assert ["a!p → … → s → t → f", "a!main → … → s → t → f"] == texts


def test_the_path_of_nothing_is_the_whole_program() -> None:
    (whole,) = call_paths([()])

    assert "(the whole program)" == str(whole) == whole.shortened(10)


frames = st.lists(st.sampled_from([Item("a", "f"), Item("a", "g"), Item("b", "f")]), min_size=1, max_size=9)


@given(st.lists(frames.map(tuple) | st.just(()), min_size=1, max_size=6, unique=True))
def test_two_paths_never_look_alike(paths: list[tuple[Item, ...]]) -> None:
    assert len(paths) == len({str(each) for each in call_paths(paths)})


def test_a_narrow_column_shows_fewer_frames_and_then_shorter_names() -> None:
    (long,) = call_paths([path("a!main a!one b!second b!third b!kuzu::storage::LocalNodeTable::insert")])

    assert "… → b!third → kuzu::storage::LocalNodeTable::insert" == long.shortened(59)
    assert "… → b!kuzu::storage::LocalNodeTable::insert" == long.shortened(45)
    assert "… → kuzu…eTable::insert" == long.shortened(23)


def test_a_narrow_column_keeps_what_tells_paths_with_the_same_end_apart() -> None:
    steps = "ntdll.dll!step " * 12
    texts = [f"a.exe!main a.exe!{each}Everything {steps}kuzu.dll!kuzu::storage::insert" for each in ("load", "save")]
    load, save = call_paths([path(text) for text in texts])

    assert "… → a.exe!loadEverything → … → kuzu::storage::insert" == load.shortened(53)
    assert "… → …erything → … → kuzu::storage::insert" == load.shortened(41) == save.shortened(41)
    assert "… → kuzu::storage::insert" == load.shortened(36)
    names = shorten_apart(map(str, (load, save)), 41, lambda text: (load if text == str(load) else save).shortened(41))
    assert ["load", "save"] == [
        word for word, name in zip(("load", "save"), names.values(), strict=True) if word in name
    ]


@given(st.lists(frames.map(tuple) | st.just(()), min_size=1, max_size=6, unique=True), st.integers(20, 40))
def test_shortened_paths_fit(paths: list[tuple[Item, ...]], width: int) -> None:
    assert all(width_of(each.shortened(width)) <= width for each in call_paths(paths))
