"""From paths to profiles: folders and globs expanded, packed files unpacked, the right reader found by the bytes."""

from __future__ import annotations

import glob
import hashlib
import mmap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perfdb.errors import InputError, TraceError
from perfdb.profile.columns import Profile, Source

Progress = Callable[[int, int], None]
HEAD_BYTES = 1 << 16
PACKED_SUFFIXES = (".zip", ".xz", ".gz")


@dataclass(frozen=True, slots=True)
class Reader:
    """How one format is recognised and read. `suffixes` serve only to pick files out of a folder."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[memoryview, Source, Progress | None], Profile]


def expand_paths(paths: Sequence[str], readers: Sequence[Reader]) -> list[Path]:
    """The files that the user means: a folder stands for the traces in it, a glob for what it matches, each file once.

    Globs are expanded here because shells on Windows do not. Raises InputError for a path that stands for nothing.
    """
    found: dict[Path, None] = {}
    for text in paths:
        found.update(dict.fromkeys(_expand(text, readers)))
    return list(found)


def _expand(text: str, readers: Sequence[Reader]) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        endings = [
            suffix + packed for reader in readers for suffix in reader.suffixes for packed in ("", *PACKED_SUFFIXES)
        ]
        files = sorted(
            child for child in path.iterdir() if child.is_file() and child.name.lower().endswith(tuple(endings))
        )
        if not files:
            raise InputError(
                f"asked to record the folder {text}, found no trace in it ({', '.join(endings)}). "
                "Name the files, or the folder that they are in."
            )
        return files
    if path.exists():
        return [path]
    matches = glob.glob(text, recursive=True)  # noqa: PTH207  # Path.glob takes no absolute patterns
    files = sorted(Path(match) for match in matches if Path(match).is_file())
    if not files:
        raise InputError(
            f"asked to record {text}, found no such file. "
            "Check the path; in quotes, a glob like 'traces/*.etl' works too."
        )
    return files


@dataclass(frozen=True, slots=True)
class OpenTrace:
    """A recognised file, open for reading: what it is, before the work of reading it is done."""

    source: Source
    _reader: Reader
    _data: memoryview

    def read(self, progress: Progress | None = None) -> Profile:
        """The profile in the file; `progress` is called with (bytes done, bytes in all). Raises TraceError."""
        return self._reader.read(self._data, self.source, progress)


@contextmanager
def open_trace(path: Path, readers: Sequence[Reader]) -> Iterator[OpenTrace]:
    """A file with the one reader that knows it.

    Raises TraceError for what none knows, InputError where it cannot be opened.
    """
    with _opened(path) as (data, name):
        head = bytes(data[:HEAD_BYTES])
        matching = [reader for reader in readers if reader.recognises(head)]
        if len(matching) != 1:
            raise _not_one(path, head, matching, readers)
        yield OpenTrace(Source(matching[0].name, name, hashlib.sha256(data).hexdigest()), matching[0], data)


def _not_one(path: Path, head: bytes, matching: Sequence[Reader], readers: Sequence[Reader]) -> TraceError:
    known = "; ".join(reader.title for reader in readers)
    if matching:
        titles = " and ".join(reader.title for reader in matching)
        return TraceError(f"{path}: could be {titles}. Say which with --format.")
    if not head:
        return TraceError(
            f"{path}: asked for a trace, found an empty file. Was the recording stopped and merged? Record it again."
        )
    return TraceError(
        f"{path}: asked for a trace, found something else (it begins with {head[:8].hex(' ')}). perfdb reads: {known}."
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[memoryview, str]]:
    """The unpacked bytes of a file and the name that they go by; a plain file is mapped, not read."""
    try:
        packing = _packing(path)
        if packing:
            content: bytes | mmap.mmap = _unpack(path, packing)
        else:
            content = _map(path)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise InputError(
            f"{path}: asked to read it, found that it cannot be opened ({reason}). Check the path and its permissions."
        ) from problem
    # A mapping is not closed by hand: it goes with the last view of it, which an error on its way up may still hold.
    yield memoryview(content), path.stem if packing and path.suffix.lower() == packing else path.name


def _map(path: Path) -> bytes | mmap.mmap:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return b""
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _packing(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(6)
    for magic, suffix in ((b"PK\x03\x04", ".zip"), (b"\xfd7zXZ\x00", ".xz"), (b"\x1f\x8b", ".gz")):
        if head.startswith(magic):
            return suffix
    return ""


def _unpack(path: Path, packing: str) -> bytes:
    import gzip
    import lzma
    import zipfile
    import zlib

    try:
        if packing == ".xz":
            return lzma.decompress(path.read_bytes())
        if packing == ".gz":
            return gzip.decompress(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise InputError(
                    f"{path}: asked for one trace, found an archive of {len(members)} files. "
                    "Unpack it and record the files."
                )
            return archive.read(members[0])
    except (
        lzma.LZMAError,
        gzip.BadGzipFile,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as problem:
        raise TraceError(
            f"{path}: the {packing} archive cannot be unpacked ({problem}). Copy or pack the file again."
        ) from problem
