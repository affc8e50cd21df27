"""Paths into traces: folders, globs, packed files, and everything that is no trace."""

from __future__ import annotations

import gzip
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from perfdb.errors import InputError, TraceError, UsageError
from perfdb.readers import READERS, Reader, expand_paths, files, find_traces, open_trace
from tests.traces import small_trace


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "traces" / "app.etl"
    path.parent.mkdir()
    path.write_bytes(small_trace())
    return path


def test_a_folder_stands_for_the_traces_in_it(trace: Path) -> None:
    (trace.parent / "notes.txt").write_text("no trace")
    (trace.parent / "B.ETL.ZIP").write_bytes(b"")

    assert [trace.parent / "B.ETL.ZIP", trace] == expand_paths([str(trace.parent)], READERS)


def test_a_glob_is_expanded_and_no_file_comes_twice(trace: Path) -> None:
    assert [trace] == expand_paths([str(trace), str(trace.parent / "*.etl")], READERS)


def test_a_file_whose_name_looks_like_a_glob_is_taken_as_it_is(trace: Path) -> None:
    odd = trace.parent / "notepad_exe[1234]-2024-04-27(10-20-30).etl"
    odd.write_bytes(trace.read_bytes())

    assert [odd] == expand_paths([str(odd)], READERS)


@pytest.mark.parametrize("missing", ["nothing.etl", "nowhere/*.etl"])
def test_a_path_that_stands_for_nothing_is_said(trace: Path, missing: str) -> None:
    with pytest.raises(InputError, match="found no such file"):
        expand_paths([str(trace.parent / missing)], READERS)


def test_a_folder_without_traces_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no trace in it \(\.etl"):
        expand_paths([str(tmp_path)], READERS)


def test_packed_traces_are_the_same_trace(trace: Path) -> None:
    content = trace.read_bytes()
    packed = [trace.with_name("app.etl.xz"), trace.with_name("app.etl.gz"), trace.with_name("app.etl.zip")]
    packed[0].write_bytes(lzma.compress(content))
    packed[1].write_bytes(gzip.compress(content))
    with zipfile.ZipFile(packed[2], "w") as archive:
        archive.writestr("inner.etl", content)

    with open_trace(trace, READERS) as plain:
        expected = plain.source
        samples = len(plain.read().samples)
    for path in packed:
        with open_trace(path, READERS) as opened:
            assert expected == opened.source
            assert samples == len(opened.read().samples)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.etl", b"", "found an empty file"),
        ("text.etl", b"hello, I am a text file\n" * 10, r"found something else \(it begins with 'hello, I'\)"),
        ("zeros.etl", bytes(4096), "found something else"),
        ("cut.etl.xz", lzma.compress(b"x" * 1000)[:40], r"\.xz archive cannot be unpacked"),
        ("cut.etl.gz", gzip.compress(b"x" * 1000)[:15], r"\.gz archive cannot be unpacked"),
        ("cut.etl.zip", b"PK\x03\x04" + bytes(40), r"\.zip archive cannot be unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and "\\" not in value else "",
)
def test_what_is_no_trace_is_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(TraceError, match=message) as told, open_trace(path, READERS) as opened:
        opened.read()
    assert name in str(told.value)


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.etl", b"a")
        archive.writestr("b.etl", b"b")

    with pytest.raises(InputError, match="found an archive of 2 files"), open_trace(path, READERS):
        pass


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"), open_trace(tmp_path, READERS):
        pass


def test_a_tie_between_readers_is_refused(trace: Path) -> None:
    twin = Reader("twin", "another format", (".etl",), READERS[0].recognises, READERS[0].read)

    with (
        pytest.raises(TraceError, match="could be Windows event trace .* and another format"),
        open_trace(trace, (*READERS, twin)),
    ):
        pass


def test_a_caller_may_fail_with_an_error_of_its_own(trace: Path) -> None:
    """A problem of the work done with an open trace is not mistaken for one of opening it."""
    with pytest.raises(PermissionError), open_trace(trace, READERS):
        raise PermissionError("elsewhere")


def test_the_format_that_is_named_decides_a_tie(trace: Path) -> None:
    twin = Reader("twin", "another format", (".etl",), READERS[0].recognises, READERS[0].read)
    with open_trace(trace, (*READERS, twin), "twin") as opened:
        expected = opened.source.format

    assert "twin" == expected
    with pytest.raises(UsageError, match=r"asked to read as twn, found no such format\. perfdb reads: etl, "):
        open_trace(trace, READERS, "twn").__enter__()


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress])
def test_what_unpacks_to_more_than_memory_should_hold_goes_to_a_file(
    trace: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    content = trace.read_bytes()
    packed = trace.with_name("packed.etl.bin")
    packed.write_bytes(pack(content))
    monkeypatch.setattr(files, "IN_MEMORY_BYTES", 10)
    with open_trace(packed, READERS) as opened, open_trace(trace, READERS) as plain:
        assert plain.source.sha256 == opened.source.sha256
        assert len(plain.read().samples) == len(opened.read().samples)


def test_of_a_folder_only_what_looks_like_a_trace_is_meant(trace: Path) -> None:
    """A text that was made from a trace and lies beside it would count the run twice."""
    folder = trace.parent
    (folder / "app_stacks.txt").write_text("main;work 3\n")
    (folder / "other.folded.gz").write_bytes(gzip.compress(b"main;work 3\n"))
    (folder / "readme.txt").write_text("how these were made\n")
    (folder / "broken.csv.xz").write_bytes(lzma.compress(b"main;work 3\n")[:20])
    found = find_traces([str(folder)], READERS)

    assert (trace, folder / "other.folded.gz") == found.paths
    assert {trace: (folder / "app_stacks.txt",)} == found.left_out
