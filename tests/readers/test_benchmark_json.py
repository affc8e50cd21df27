"""Results of benchmarks as JSON: told apart by their keys, and damage to them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfdb.errors import TraceError
from perfdb.readers import READERS, Reader
from perfdb.readers.benchmark_json import key_paths
from perfdb.readers.google_benchmark import GOOGLE_BENCHMARK
from perfdb.readers.hyperfine import HYPERFINE
from perfdb.readers.pytest_benchmark import PYTEST_BENCHMARK
from tests.readers.reading import read_as, results_as

TIME = {"real_time": 2.5, "cpu_time": 2.0, "time_unit": "us"}
FILES: dict[str, tuple[Reader, object]] = {
    "google-benchmark": (
        GOOGLE_BENCHMARK,
        {
            "context": {"date": "2026-11-29T11:44:03+00:00", "num_cpus": 2, "library_build_type": "release"},
            "benchmarks": [{"name": "BM_é", "run_type": "iteration", "repetition_index": 0, "hits": 3} | TIME],
        },
    ),
    "hyperfine": (
        HYPERFINE,
        {"results": [{"command": 'echo "é"', "mean": 0.5, "times": [0.25, 0.75], "exit_codes": [0, 0]}]},
    ),
    "pytest-benchmark": (
        PYTEST_BENCHMARK,
        {
            "machine_info": {"node": "é", "cpu": {"count": 2}},
            "commit_info": {"id": "a" * 40, "dirty": False},
            "benchmarks": [{"fullname": "t.py::é", "stats": {"mean": 0.5, "data": [0.25, 0.75]}}],
        },
    ),
}
EVERY = pytest.mark.parametrize(("reader", "value"), FILES.values(), ids=FILES.keys())
WRITTEN = {
    "indented": lambda value: json.dumps(value, indent=2).encode(),
    "on one line": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(),
    "sorted": lambda value: json.dumps(value, sort_keys=True, indent=1).replace("\n", "\r\n").encode(),
    "UTF-16 of a shell": lambda value: ("\ufeff" + json.dumps(value, ensure_ascii=False)).encode("utf-16-le"),
    "UTF-8 with its mark": lambda value: b"\xef\xbb\xbf" + json.dumps(value, ensure_ascii=False).encode(),
}


@EVERY
@pytest.mark.parametrize("how", WRITTEN)
def test_one_reader_knows_a_file_however_it_is_written(reader: Reader, value: object, how: str) -> None:
    data = WRITTEN[how](value)

    assert [reader.name] == [each.name for each in READERS if each.recognises(data)]
    (result,) = results_as(reader, data).results
    assert ("é" in result.name, "") == (True, result.failed)


@EVERY
def test_a_head_is_enough_wherever_it_ends(reader: Reader, value: object) -> None:
    data = json.dumps(value, ensure_ascii=False).encode()
    known = [reader.recognises(data[:end]) for end in range(len(data) + 1)]

    assert known == sorted(known)
    assert known[-1]
    assert known.index(True) < len(data) - 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 70_000,
        b'{"a":' * 10_000,
        b"{}",
        b'{"results": []}',
        b'{"results": {"command": 1}}',
        b'{"benchmarks": []}',
        b'{"context": {"date": "x"}, "benchmarks": []}',
        b'{"schema": "perfdb.run/1", "command": ["x"], "measurements": [{"metric": "wall_time", "value": 1}]}',
        b'{"nodes": [{"benchmarks": [{"real_time": 1}]}], "machine_info": 1}',
        b'"benchmarks": {"real_time": 1}',
        b'{"a": "\\"benchmarks\\": [{", "real_time": 1}',
        b'} {"benchmarks": [{"real_time": 1}]}',
        bytes(range(256)) * 4,
    ],
)
def test_other_json_is_none_of_them(data: bytes) -> None:
    assert [] == [reader.name for reader, _ in FILES.values() if reader.recognises(data)]


def test_keys_are_told_with_those_above_them() -> None:
    head = b' {"a": {"b": [1, {"c": "x:y", "d": {"e": {"f": 1}}}]}, "g": [[{"h": null}]], "i": {"j'

    assert {("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "d"), ("g",), ("g", "h"), ("i",)} == key_paths(head)


@EVERY
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[1, 2]", "which are a JSON object, found an array"),
        (b"3", "found 3"),
        (b"{", "asked for JSON, found none that is whole"),
        (b'{"a": ' * 100_000, "asked for JSON, found none"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "asked for JSON, found none that can be read"),
        (b"\xff\xfe{\x00", "asked for JSON, found none that is whole"),
        (b'{"results": 3, "benchmarks": 3}', "an array of objects in"),
        (b'{"results": [3], "benchmarks": [3]}', r"an object in (results|benchmarks)\[0\], found 3"),
        (b"{}", "found that no benchmark was run"),
    ],
    ids=["array", "number", "cut", "deep", "digits", "UTF-16", "no array", "no object", "empty"],
)
def test_what_is_refused(reader: Reader, value: object, data: bytes, message: str) -> None:
    with pytest.raises(TraceError, match=message) as refused:
        results_as(reader, data)
    assert str(refused.value).startswith("results.json: asked for ")


@EVERY
def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    reader: Reader, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfdb.readers.benchmark_json.MOST_BYTES", 20)

    with pytest.raises(TraceError, match="perfdb reads 0 MiB"):
        results_as(reader, json.dumps(value).encode())


@EVERY
def test_results_are_no_profile(reader: Reader, value: object) -> None:
    with pytest.raises(TraceError, match="asked for a profile, found results of benchmarks"):
        read_as(reader, json.dumps(value).encode())


@EVERY
def test_a_name_may_have_half_a_character(reader: Reader, value: object) -> None:
    data = json.dumps(value).replace("\\u00e9", "\\ud800").encode()

    assert "?" in results_as(reader, data).results[0].name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@EVERY
@given(other=JSON, data=st.data())
def test_a_value_of_another_kind_is_an_error_or_a_result(
    reader: Reader, value: object, other: object, data: st.DataObject
) -> None:
    changed = json.loads(json.dumps(value))
    place = changed
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = other
            break
        place = place[key]
    with suppress(TraceError):
        results_as(reader, json.dumps(changed).encode())


@EVERY
@given(noise=st.binary(max_size=30), place=st.integers(0, 300))
def test_damage_is_an_error_or_a_result(reader: Reader, value: object, noise: bytes, place: int) -> None:
    whole = json.dumps(value).encode()
    for data in (whole[:place], whole[:place] + noise + whole[place:], whole[:place] + noise + whole[place + 5 :]):
        reader.recognises(data)
        with suppress(TraceError):
            results_as(reader, data)
