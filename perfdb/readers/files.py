"""From paths to profiles: folders and globs expanded, packed files unpacked, the right reader found by the bytes."""

from __future__ import annotations

import glob
import hashlib
import io
import mmap
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from perfdb.errors import InputError, TraceError, UsageError
from perfdb.example_name import trace_stem
from perfdb.profile.columns import Profile, Source
from perfdb.profile.measurement import BenchmarkResults
from perfdb.units import MIB

Progress = Callable[[int, int], None]
HEAD_BYTES = 1 << 16
PACKED_SUFFIXES = (".zip", ".xz", ".gz")

BLOCK_BYTES = 4 * MIB
"""How much of a file is in memory at once where it is read in blocks."""

IN_MEMORY_BYTES = 64 * MIB
"""What a packed file may unpack to in memory; more goes to a temporary file."""


@dataclass(frozen=True, slots=True)
class Content:
    """The unpacked bytes of one file: mapped for readers that jump about, in blocks for those that stream."""

    size: int
    _file: IO[bytes]

    def view(self) -> memoryview:
        """All bytes. A real file is mapped, not read."""
        if not self.size:
            return memoryview(b"")
        if isinstance(self._file, io.BytesIO):
            return memoryview(self._file.getvalue())
        # A mapping is not closed by hand: it goes with the last view of it, which an error on its way up may hold.
        return memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ))

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The bytes from the beginning, `size` of them at a time; the last block may be shorter."""
        self._file.seek(0)
        while block := self._file.read(size):
            yield block

    def head(self) -> bytes:
        """The first `HEAD_BYTES`."""
        self._file.seek(0)
        return self._file.read(HEAD_BYTES)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may be told.

    `interval_ns` is the sampling interval for formats that do not tell it; `progress` is called with (bytes done, bytes
    in all).
    """

    interval_ns: int | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How one format is recognised, from the first `HEAD_BYTES` of a file, and read.

    `suffixes` serve only to pick files out of a folder; `is_named_surely` is whether nothing else ends so. Formats of
    greater `rank` tell more of a recording: of several files that were made from one, a folder stands for the one that
    tells most. A format of benchmark results has `read_results`, and its `read` refuses: they are no profile.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[Content, Source, ReadOptions], Profile]
    rank: int = 0
    is_named_surely: bool = False
    read_results: Callable[[Content, Source, ReadOptions], BenchmarkResults] | None = None


def choose_readers(readers: Sequence[Reader], format_name: str | None) -> tuple[Reader, ...]:
    """The readers to ask: the one that the user names, else all. Raises UsageError for a name that none has."""
    chosen = tuple(reader for reader in readers if format_name in (None, reader.name))
    if not chosen:
        known = ", ".join(reader.name for reader in readers)
        raise UsageError(f"asked to read as {format_name}, found no such format. perfdb reads: {known}.")
    return chosen


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """The files that the user means, and for some of them others that lie beside them and tell less of the same
    recording, which are left out.
    """

    paths: tuple[Path, ...]
    left_out: Mapping[Path, tuple[Path, ...]]


def expand_paths(paths: Sequence[str], readers: Sequence[Reader]) -> list[Path]:
    """The files that the user means; see `find_traces`."""
    return list(find_traces(paths, readers).paths)


def find_traces(paths: Sequence[str], readers: Sequence[Reader]) -> FoundTraces:
    """The files that the user means: a folder stands for the traces in it, a glob for what it matches, each file once.

    Of the files of a folder that were made from one trace, the one that tells most is meant: recording them all would
    count one run several times. Globs are expanded here because shells on Windows do not. Raises InputError for a path
    that stands for nothing.
    """
    found: dict[Path, None] = {}
    left_out: dict[Path, tuple[Path, ...]] = {}
    for text in paths:
        path = Path(text)
        if path.is_dir():
            of_folder = _traces_in(path, text, readers)
            found.update(dict.fromkeys(of_folder.paths))
            left_out.update(of_folder.left_out)
        else:
            found.update(dict.fromkeys(_files(path, text)))
    return FoundTraces(tuple(found), left_out)


def _files(path: Path, text: str) -> list[Path]:
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


def _traces_in(folder: Path, text: str, readers: Sequence[Reader]) -> FoundTraces:
    by_stem: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(child for child in folder.iterdir() if child.is_file()):
        reader = _reader_of(path, readers)
        if reader is not None:
            # Results of benchmarks are made from no trace, whatever else has their name.
            stem = path.name if reader.read_results else trace_stem(path.name).lower()
            by_stem.setdefault(stem, []).append((reader.rank, path))
    paths: list[Path] = []
    left_out: dict[Path, tuple[Path, ...]] = {}
    for files in by_stem.values():
        most = max(rank for rank, _ in files)
        kept = [path for rank, path in files if rank == most]
        others = tuple(path for rank, path in files if rank < most)
        paths += kept
        if others:
            left_out[kept[0]] = others
    if not paths:
        endings = ", ".join(dict.fromkeys(suffix for reader in readers for suffix in reader.suffixes))
        raise InputError(
            f"asked to record the folder {text}, found no trace in it ({endings}, "
            f"also packed as {', '.join(PACKED_SUFFIXES)}). Name the files, or the folder that they are in."
        )
    return FoundTraces(tuple(sorted(paths)), left_out)


def _reader_of(path: Path, readers: Sequence[Reader]) -> Reader | None:
    """Who reads a file of a folder, of several the one that tells most; None for a file that is no trace.

    A file that is called a trace is one, even if it should turn out to be damaged; a text must look like one.
    """
    name = path.name.lower()
    for packed in PACKED_SUFFIXES:
        name = name.removesuffix(packed)
    by_name = [reader for reader in readers if name.endswith(reader.suffixes)]
    if len(by_name) == 1 and by_name[0].is_named_surely:
        return by_name[0]
    if not by_name:
        return None
    try:
        head = _head(path)
    except (OSError, TraceError, InputError):
        return None
    recognised = [reader for reader in readers if reader.recognises(head)]
    return max(recognised, key=lambda reader: reader.rank, default=None)


def _head(path: Path) -> bytes:
    """The first `HEAD_BYTES` of a file, unpacked."""
    with _stream(path, _packing(path)) as file:
        head: bytes = file.read(HEAD_BYTES)
        return head


@dataclass(frozen=True, slots=True)
class OpenTrace:
    """A recognised file, open for reading: what it is, before the work of reading it is done."""

    source: Source
    _reader: Reader
    _content: Content

    def read(self, options: ReadOptions | None = None) -> Profile:
        """The profile in the file. Raises TraceError."""
        return self._reader.read(self._content, self.source, options or ReadOptions())

    @property
    def has_results(self) -> bool:
        """Whether it holds results of benchmarks, and no profile."""
        return self._reader.read_results is not None

    def read_results(self, options: ReadOptions | None = None) -> BenchmarkResults:
        """The results of benchmarks in the file. Raises TraceError, also for a file that holds a profile."""
        if self._reader.read_results is None:
            raise TraceError(f"{self.source.name}: asked for results of benchmarks, found {self._reader.title}.")
        return self._reader.read_results(self._content, self.source, options or ReadOptions())


def refuse_as_profile(content: Content, source: Source, options: ReadOptions) -> Profile:
    """What `Reader.read` of a format of benchmark results is."""
    raise TraceError(
        f"{source.name}: asked for a profile, found results of benchmarks, which have no functions. "
        "perfdb record keeps them, and perfdb diff compares them."
    )


@contextmanager
def open_trace(path: Path, readers: Sequence[Reader], format_name: str | None = None) -> Iterator[OpenTrace]:
    """A file with the one reader that knows it, or with the one that `format_name` names.

    Raises TraceError for what none knows, InputError where it cannot be opened, UsageError for a format that is none.
    """
    chosen = choose_readers(readers, format_name)
    with _opened(path) as (content, name):
        matching = chosen
        if format_name is None or not content.size:
            head = content.head()
            matching = tuple(reader for reader in chosen if reader.recognises(head))
            if len(matching) != 1:
                raise _not_one(path, head, matching, chosen)
        digest = hashlib.sha256()
        for block in content.blocks():
            digest.update(block)
        yield OpenTrace(Source(matching[0].name, name, digest.hexdigest()), matching[0], content)


def _not_one(path: Path, head: bytes, matching: Sequence[Reader], readers: Sequence[Reader]) -> TraceError:
    known = "; ".join(reader.title for reader in readers)
    if matching:
        titles = " and ".join(reader.title for reader in matching)
        names = " or ".join(reader.name for reader in matching)
        return TraceError(f"{path}: could be {titles}. Say which: --format {names}.")
    if not head:
        return TraceError(
            f"{path}: asked for a trace, found an empty file. "
            "xperf leaves one when events were lost and it was not given -tle -tti, a recording when it was not "
            "stopped and merged. Make the file again."
        )
    shown = repr(head[:8])[1:] if head[:8].isascii() and head[:1].isalnum() else head[:8].hex(" ")
    return TraceError(
        f"{path}: asked for a trace, found something else (it begins with {shown}). perfdb reads: {known}."
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Content, str]]:
    """The unpacked content of a file and the name that it goes by."""
    try:
        packing = _packing(path)
        file: IO[Any] = _unpack(path, packing) if packing else path.open("rb")
        size = file.seek(0, 2)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise InputError(
            f"{path}: asked to read it, found that it cannot be opened ({reason}). Check the path and its permissions."
        ) from problem
    with file:
        yield Content(size, file), path.stem if packing and path.suffix.lower() == packing else path.name


def _packing(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(6)
    for magic, suffix in ((b"PK\x03\x04", ".zip"), (b"\xfd7zXZ\x00", ".xz"), (b"\x1f\x8b", ".gz")):
        if head.startswith(magic):
            return suffix
    return ""


def _unpack(path: Path, packing: str) -> IO[bytes]:
    """What the archive holds, in a file of its own: in memory while it is small."""
    with _stream(path, packing) as packed:
        return _spool(packed)


@contextmanager
def _stream(path: Path, packing: str) -> Iterator[Any]:
    """The unpacked bytes of a file, to be read once from the beginning. Raises TraceError for a broken archive."""
    import gzip
    import lzma
    import zipfile
    import zlib

    try:
        if packing == ".xz":
            with lzma.open(path) as packed:
                yield packed
        elif packing == ".gz":
            with gzip.open(path) as packed:
                yield packed
        elif packing == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_one_member(path, archive)) as member:
                yield member
        else:
            with path.open("rb") as file:
                yield file
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


def _spool(packed: Any) -> IO[bytes]:
    """The content of an open file, in memory up to `IN_MEMORY_BYTES`, else in a temporary file."""
    memory = io.BytesIO()
    while len(block := packed.read(MIB)):
        memory.write(block)
        if memory.tell() > IN_MEMORY_BYTES:
            break
    else:
        return memory
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    try:
        file.write(memory.getbuffer())
        shutil.copyfileobj(packed, file, MIB)
    except BaseException:
        file.close()
        raise
    return file


def _one_member(path: Path, archive: Any) -> Any:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        raise InputError(
            f"{path}: asked for one trace, found an archive of {len(members)} files. Unpack it and record the files."
        )
    return members[0]
