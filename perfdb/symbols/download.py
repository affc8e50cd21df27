"""Symbol files from servers: asked for once, checked before they are kept, and kept by one rename.

A symbol server is a symbol store that is read over HTTP: `URL/NAME/GUIDAGE/NAME`. What it sends goes to a temporary
file in the nearest cache; only a whole PDB with the id that was asked for is renamed to its place there, so that a
cache never has half a file or the wrong one, whoever interrupts it and however many processes fetch the same. What a
process that was killed left there is removed an hour later, with the first file that another one fetches into it.

What a server does not have is remembered for a day, if there is a folder for that. A server that fails three times in a
row, or sends rubbish (a page to sign in, mostly), is left alone from then on.

Time limits: `timeout_s` (10 s) for a connection and for every wait for more bytes, `limit_s` (600 s) for one file in
all: a slow but steady server may take its time, a silent or a dripping one may not.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from perfdb.profile.columns import Caveat
from perfdb.symbols.identity import SymbolFileError, pdb_identity
from perfdb.symbols.path import Server
from perfdb.symbols.web import Answer, CancelledError, Patience, ServerError, ask

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes of it that came, and those that will in all (0 if that is not known)."""

TIMEOUT_S = 10.0
LIMIT_S = 600.0
MAX_FILE_BYTES = 4 << 30
FAILURES_IN_A_ROW = 3
ABSENT_FOR_S = 24 * 60 * 60
"""How long it is remembered that a server does not have a file: a build may be published at any time."""

LEFT_OVER_S = 60 * 60
"""A temporary file that nothing was added to for so long is one that nobody finishes: time limits are shorter."""

_CHUNK_BYTES = 1 << 18
_ONLY_PACKED = "compressed"
_CONTENTS = "symbol-contents"
_NOT_THERE = frozenset({403, 404, 410})
_PACKED = (b"MSCF", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")
"""What cabinets, zstd files and gzip files begin with."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of asking a server: where the file is now, or None and what there is to say about it."""

    path: Path | None
    caveats: tuple[Caveat, ...] = ()


@dataclass(slots=True)
class _Standing:
    """How a server behaves: failures in a row, and the caveat that is given in its place once it is left alone."""

    failures: int = 0
    given_up: Caveat | None = None


class _CacheError(Exception):
    """A cache that cannot be written."""


class _RefusedError(Exception):
    """Content that is not kept; carries the caveat. Rubbish, unlike a compressed file, is a failure of the server."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.caveat = Caveat(code, text)
        self.is_failure = code == _CONTENTS


class Downloader:
    """Fetches PDBs from servers into their caches; several threads may ask. Knows which servers to leave alone."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        limit_s: float = LIMIT_S,
        absent_folder: Path | None = None,
        refresh: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.cancelled = threading.Event()
        self._timeout_s = timeout_s
        self._limit_s = limit_s
        self._absences = _Absences(absent_folder, refresh)
        self._progress = progress
        self._lock = threading.Lock()
        self._standings: dict[Server, _Standing] = {}
        self._swept: set[Path] = set()

    def fetch(self, server: Server, name: str, debug_id: str) -> Fetched:
        """Fetch one PDB. `name` is a plain file name and `debug_id` a normal one: both become part of addresses."""
        standing = self._standing(server)
        if standing.given_up:
            return Fetched(None, (standing.given_up,))
        folder = f"{server.url}/{quote(name, safe='')}/{debug_id}"
        url = f"{folder}/{quote(name, safe='')}"
        if (told := self._absences.recall(url)) is not None:
            return Fetched(None, _compressed(server, name) if told else ())
        try:
            return self._fetch(server, folder, name, debug_id)
        except ServerError as error:
            caveat = Caveat("symbol-server", f"the symbol server {server.url} could not be used: {error}")
            return Fetched(None, (self._failed(server, caveat),))
        except _RefusedError as error:
            return Fetched(None, (self._failed(server, error.caveat) if error.is_failure else error.caveat,))
        except _CacheError as error:
            text = f"{server.caches[0]}, the cache of the symbol server {server.url}, cannot be written: {error}"
            with self._lock:
                standing.given_up = Caveat("symbol-cache", text)
            return Fetched(None, (standing.given_up,))

    def _fetch(self, server: Server, folder: str, name: str, debug_id: str) -> Fetched:
        url = f"{folder}/{quote(name, safe='')}"
        patience = Patience(self._timeout_s, time.monotonic() + self._limit_s, self.cancelled)
        with ask(url, patience, credentials=server.credentials) as answer:
            if answer.status not in _NOT_THERE:
                _check_head(server, name, answer)
                path = self._land(server, answer, name, debug_id)
                self._answered(server)
                return Fetched(path)
        self._answered(server)
        is_packed = self._has_packed(server, f"{folder}/{quote(_packed_name(name), safe='')}", patience)
        if is_packed is not None:
            self._absences.remember(url, is_packed)
        return Fetched(None, _compressed(server, name) if is_packed else ())

    def _has_packed(self, server: Server, url: str, patience: Patience) -> bool | None:
        """Whether the server has a compressed file at this address; None if it does not answer."""
        try:
            with ask(url, patience, credentials=server.credentials, method="HEAD") as answer:
                return answer.status == 200
        except ServerError:
            return None

    def _land(self, server: Server, answer: Answer, name: str, debug_id: str) -> Path:
        """Copy the content beside its place in the nearest cache, check it, and rename it."""
        cache = server.caches[0]
        self._sweep(cache)
        partial = cache / f"perfdb-{uuid.uuid4().hex}.part"
        try:
            with _new_file(partial) as file:
                self._copy(server, answer, file, name)
            _check_content(server, partial, name, debug_id)
            return _move(partial, cache / name / debug_id / name, debug_id)
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _sweep(self, cache: Path) -> None:
        """Remove what killed processes left in a cache, once."""
        with self._lock:
            is_first = cache not in self._swept
            self._swept.add(cache)
        for left in cache.glob("perfdb-*.part") if is_first else ():
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_OVER_S:
                    left.unlink()

    def _copy(self, server: Server, answer: Answer, file: IO[bytes], name: str) -> None:
        done = 0
        while chunk := answer.read(_CHUNK_BYTES):
            if done == 0 and chunk.startswith(_PACKED):
                raise _RefusedError(*_packed_text(server, name))
            done += len(chunk)
            _check_size(server, name, done)
            try:
                file.write(chunk)
            except OSError as error:
                raise _CacheError(error.strerror) from None
            self._tell(name, done, answer.length or 0)
        if answer.length is not None and done != answer.length:
            raise ServerError(f"the connection broke off after {done:,} of {answer.length:,} bytes of {name}")

    def _tell(self, name: str, done: int, total: int) -> None:
        if self.cancelled.is_set():
            raise CancelledError
        if self._progress is not None:
            with self._lock:
                self._progress(name, done, total)

    def _standing(self, server: Server) -> _Standing:
        with self._lock:
            return self._standings.setdefault(server, _Standing())

    def _answered(self, server: Server) -> None:
        with self._lock:
            self._standings[server].failures = 0

    def _failed(self, server: Server, caveat: Caveat) -> Caveat:
        """Count a failure; gives the caveat, with more to it when the server is left alone from now on."""
        with self._lock:
            standing = self._standings[server]
            standing.failures += 1
            if standing.failures >= FAILURES_IN_A_ROW and standing.given_up is None:
                text = f"{caveat.text}; it failed {standing.failures} times in a row, and is not asked any more"
                standing.given_up = caveat = Caveat(caveat.code, text)
        return caveat


class _Absences:
    """What servers do not have: a file for each address, which also tells whether there is a compressed one.

    The files are a cache: one that cannot be read or written is as good as none.
    """

    def __init__(self, folder: Path | None, refresh: bool) -> None:
        self._folder = folder
        self._refresh = refresh
        self._known: dict[str, bool] = {}

    def recall(self, url: str) -> bool | None:
        """Whether there is only a compressed file at an address, or none at all; None if nothing is known of it."""
        if url not in self._known and self._folder is not None and not self._refresh:
            marker = _marker(self._folder, url)
            with suppress(OSError, ValueError):
                if 0 <= time.time() - marker.stat().st_mtime < ABSENT_FOR_S:
                    self._known[url] = marker.read_text(encoding="ascii") == _ONLY_PACKED
        return self._known.get(url)

    def remember(self, url: str, is_packed: bool) -> None:
        """Remember that there is nothing at an address, or only a compressed file."""
        self._known[url] = is_packed
        if self._folder is not None:
            with suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                _marker(self._folder, url).write_text(_ONLY_PACKED if is_packed else "", encoding="ascii")


def _marker(folder: Path, url: str) -> Path:
    return folder / f"{hashlib.blake2b(url.encode(), digest_size=16).hexdigest()}.absent"


def _new_file(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")
    except OSError as error:
        raise _CacheError(error.strerror) from None


def _check_head(server: Server, name: str, answer: Answer) -> None:
    """Raise for an answer whose content is not worth reading."""
    if answer.status in {401, 407}:
        raise ServerError(f"it asks for a user and a password (HTTP {answer.status})")
    if answer.status != 200:
        raise ServerError(f"it answers HTTP {answer.status}")
    if answer.encoding:
        raise _RefusedError(*_packed_text(server, name))
    _check_size(server, name, answer.length or 0)


def _check_size(server: Server, name: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES >> 30} GiB"
        raise _RefusedError(_CONTENTS, f"{name} of the symbol server {server.url} is larger than {limit}")


def _check_content(server: Server, path: Path, name: str, debug_id: str) -> None:
    sent = f"the symbol server {server.url} sent wrong contents for {name}"
    try:
        found = pdb_identity(path)
    except SymbolFileError as error:
        raise _RefusedError(_CONTENTS, f"{sent}: {error}; they were thrown away") from None
    if found != debug_id:
        text = f"{sent}: the id is {found}, where {debug_id} was asked for; they were thrown away"
        raise _RefusedError(_CONTENTS, text)


def _move(partial: Path, target: Path, debug_id: str) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.replace(target)
    except OSError as error:
        # On Windows, a file that another process fetched meanwhile and has open cannot be replaced, and need not be.
        with suppress(SymbolFileError):
            if pdb_identity(target) == debug_id:
                return target
        raise _CacheError(error.strerror) from None
    return target


def _packed_text(server: Server, name: str) -> tuple[str, str]:
    return "symbol-compressed", f"the symbol server {server.url} sends {name} compressed, which perfdb leaves out"


def _packed_name(name: str) -> str:
    """What a compressed file is called in a store: its last letter is an underscore."""
    return f"{name[:-1]}_"


def _compressed(server: Server, name: str) -> tuple[Caveat, ...]:
    text = f"the symbol server {server.url} has only {_packed_name(name)}, a compressed file, which perfdb leaves out"
    return (Caveat("symbol-compressed", text),)
