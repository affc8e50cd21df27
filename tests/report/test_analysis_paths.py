"""Where in a call tree the time is, against sums over texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfdb.report.of_analysis_advice import is_system
from perfdb.report.of_analysis_paths import asked_by, heaviest_path_to, heaviest_paths, hot_path
from perfdb.units import NS_PER_MS
from tests.report.analyses import INDEXER, item, tree

FRAMES = st.sampled_from(["a.exe!main", "a.exe!run", "b.dll!work", "b.dll!<unresolved>", "ntdll.dll!alloc", "n.sys!io"])
SAMPLES = st.dictionaries(
    st.lists(FRAMES, min_size=1, max_size=6).map(";".join), st.integers(1, 50).map(lambda count: [count]), min_size=1
)


def text(path: tuple[object, ...]) -> str:
    return ";".join(map(str, path))


def test_the_hot_path_ends_where_the_time_spreads_out() -> None:
    found = hot_path(tree(INDEXER))

    assert found is not None
    assert "ntdll.dll!<unresolved>;indexer.exe!main;indexer.exe!visit;kuzu.dll!execute" == text(found.cost.path)
    assert (0.67, 0.0, 670.0, 0, 670) == (
        found.share,
        found.cost.exclusive_ns,
        found.cost.inclusive_ns / NS_PER_MS,
        found.cost.exclusive_samples,
        found.cost.inclusive_samples,
    )
    assert [("kuzu.dll!insert", 400.0), ("kuzu.dll!append", 270.0)] == [
        (str(each), ns / NS_PER_MS) for each, ns in found.callees
    ]
    assert [("kuzu.dll", 670.0)] == [(str(each), ns / NS_PER_MS) for each, ns in found.modules]


def test_frames_without_names_are_left_at_the_last_one_with_a_name() -> None:
    found = hot_path(tree({"a.exe!main;b.dll!work;ntdll.dll!<unresolved>;ntdll.dll!<unresolved>": [7]}))

    assert found is not None
    assert "a.exe!main;b.dll!work" == text(found.cost.path)
    assert 7 * NS_PER_MS == found.cost.inclusive_ns


def test_a_path_without_any_name_ends_where_it_came_into_its_module() -> None:
    found = hot_path(tree({"a.exe!<unresolved>;b.dll!<unresolved>;B.dll!<unresolved>": [7]}))

    assert found is not None
    assert "a.exe!<unresolved>;b.dll!<unresolved>" == text(found.cost.path)


def test_a_tree_without_work_has_no_hot_path() -> None:
    assert hot_path(tree({"a.exe!main": [0]})) is None


def test_costs_of_several_runs_are_means() -> None:
    found = hot_path(tree({"a.exe!main": [10, 20]}))

    assert found is not None
    assert (15.0, 30) == (found.cost.inclusive_ns / NS_PER_MS, found.cost.inclusive_samples)


@given(SAMPLES)
def test_the_heaviest_paths_are_those_of_the_texts(samples: dict[str, list[int]]) -> None:
    found = heaviest_paths(tree(samples), 3, [item("b.dll!work")])

    told = {text(each.path): each for each in found}
    for path, each in told.items():
        assert samples[path][0] == each.exclusive_samples
        below = sum(count for other, (count,) in samples.items() if other == path or other.startswith(f"{path};"))
        assert below == each.inclusive_samples
        assert below * NS_PER_MS == each.inclusive_ns
    exclusive = [each.exclusive_samples for each in found]
    assert sorted(exclusive, reverse=True) == exclusive
    assert sorted((count for (count,) in samples.values()), reverse=True)[:3] == exclusive[:3]
    own = [count for path, (count,) in samples.items() if path.endswith("b.dll!work")]
    heaviest = heaviest_path_to(tree(samples), item("b.dll!work"))
    assert max(own, default=None) == (heaviest.exclusive_samples if heaviest else None)
    if heaviest:
        assert text(heaviest.path) in told


@given(SAMPLES)
def test_who_asks_the_system_is_the_nearest_caller_outside_of_it(samples: dict[str, list[int]]) -> None:
    expected: dict[str, int] = {}
    for path, (count,) in samples.items():
        frames = path.split(";")
        callers = [frame for frame in frames if not is_system(item(frame))]
        if is_system(item(frames[-1])) and callers:
            expected[callers[-1]] = expected.get(callers[-1], 0) + count

    assert expected == {str(each): ns / NS_PER_MS for each, ns in asked_by(tree(samples), is_system)}


@given(SAMPLES)
def test_what_is_below_the_hot_path_is_in_some_module(samples: dict[str, list[int]]) -> None:
    found = hot_path(tree(samples))

    assert found is not None
    assert found.cost.inclusive_ns == sum(ns for _, ns in found.modules)
    assert found.cost.inclusive_ns == found.cost.exclusive_ns + sum(ns for _, ns in found.callees)
    assert found.share == found.cost.inclusive_samples / sum(count for (count,) in samples.values())
