r"""The right symbol file, or none: looks through a symbol path for the file that a module of a trace names.

The places are looked at in their order; in a folder its own files first, then its layout as a store, then what lies
below it. Only a file whose debug id is the wanted one is ever given; of several, the first that has all symbols, else
the first, which has public ones only: those are published, and often found before the full ones of one's own build. A
server is asked only if no right file, of either kind, was found before.

A folder is not walked for the sake of a module of Windows alone (an image below `\Windows`, or a driver): a build may
be large, and has no symbols of these. They are looked for in the folder itself, in its layout as a store, and below it
if it was walked for another module already; `find_all` looks for the others before them.

What was found instead is told:

    state       found instead                            caveat
    absent      nothing                                  none: that is counted elsewhere
    absent      a compressed file                        symbol-compressed
    absent      a server that failed, or sent rubbish    symbol-server, symbol-contents, symbol-cache
    absent      a name or an id that no file can have    symbol-refused
    mismatch    files of that name, of other builds      symbol-mismatch
    unreadable  damaged files of that name               symbol-unreadable
    unreadable  DWARF, and no library that reads it      symbol-dwarf

A trace may come from anywhere, and so may the names in it: only the last part of a PDB's name is ever joined to a
folder or an address, and only where it is a plain file name. A name that is a whole path is also tried as it stands,
last, if it is a file of this computer. The id is checked in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from perfdb.profile.columns import Caveat
from perfdb.symbols.download import LIMIT_S, TIMEOUT_S, Downloader, Progress
from perfdb.symbols.dwarf import HOW_TO_INSTALL, can_read_dwarf
from perfdb.symbols.elf import is_build_id, read_elf
from perfdb.symbols.folders import MAX_ENTRIES, POINTER, Folders, is_file, local_file, pointed_to
from perfdb.symbols.identity import SymbolFileError, is_stripped_pdb, parse_debug_id, pdb_identity
from perfdb.symbols.model import Located, Wanted
from perfdb.symbols.path import Folder, Server, Store, SymbolPath

DOWNLOADS_AT_ONCE = 4

_MAX_NAME_BYTES = 255
_SHOWN_LENGTH = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f:]")
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])[ ]*(\..*)?", re.IGNORECASE)

_OF_WINDOWS = re.compile(
    r"(\\[\\?]\?\\)?([a-z]:|\\Device\\\w+)?\\Windows\\.*|\\?SystemRoot\\.*|.*\.sys", re.IGNORECASE | re.DOTALL
)

_Element = Folder | Store | Server
_Key = tuple[str, str, str, str]


def plain_name(text: str) -> str | None:
    """The last part of a path of any system, if it can name a file on every one; else None."""
    name = re.split(r"[/\\]", text)[-1]
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return None
    is_fine = 0 < size <= _MAX_NAME_BYTES and not name.endswith((".", " "))
    return name if is_fine and not _CONTROL.search(name) and not _DEVICE.fullmatch(name) else None


class Locator:
    """Looks for symbol files along one path, and remembers what it found: one serves many traces.

    Nothing is asked of a server unless the path names one, and never if `offline`. `timeout_s`, `limit_s`,
    `absent_folder`, `refresh` and `progress` are those of `download.Downloader`; `progress` may be called from other
    threads, by one at a time. Folders that change meanwhile are not looked at again.
    """

    def __init__(
        self,
        path: SymbolPath,
        *,
        offline: bool = False,
        timeout_s: float = TIMEOUT_S,
        limit_s: float = LIMIT_S,
        absent_folder: Path | None = None,
        refresh: bool = False,
        progress: Progress | None = None,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._path = path
        self._asks_servers = bool(path.servers) and not offline
        self._folders = Folders(max_entries)
        self._downloader = Downloader(
            timeout_s=timeout_s, limit_s=limit_s, absent_folder=absent_folder, refresh=refresh, progress=progress
        )
        self._located: dict[_Key, Located] = {}
        self._ids: dict[Path, str | SymbolFileError] = {}

    def find(self, wanted: Wanted) -> Located:
        """The symbol file of a module: a PDB, or where its `debug_id` is a build id, an ELF file with debug info."""
        key = _key(wanted)
        if key not in self._located:
            self._located[key] = self._find(wanted)
        return self._located[key]

    def find_all(self, wanteds: Iterable[Wanted]) -> list[Located]:
        """The symbol files of several modules, in their order; servers are asked for several at a time."""
        rows = list(wanteds)
        distinct = {_key(wanted): wanted for wanted in sorted(rows, key=_is_of_windows)}
        if self._asks_servers:
            self._find_at_once([wanted for wanted in distinct.values() if not _is_of_windows(wanted)])
            self._find_at_once([wanted for wanted in distinct.values() if _is_of_windows(wanted)])
        for wanted in distinct.values():
            self.find(wanted)
        return [self.find(wanted) for wanted in rows]

    def _find_at_once(self, wanteds: list[Wanted]) -> None:
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE, "perfdb-symbols") as pool:
            futures = [pool.submit(self.find, wanted) for wanted in wanteds]
            try:
                for future in futures:
                    future.result()
            except BaseException:  # Ctrl+C, mostly: the threads are told, and waited for until they have tidied up
                self._downloader.cancelled.set()
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                self._downloader.cancelled.clear()

    def _find(self, wanted: Wanted) -> Located:
        if not wanted.pdb_name and is_build_id(wanted.debug_id):
            return self._find_elf(wanted)
        return self._find_pdb(wanted) if wanted.pdb_name or wanted.debug_id else Located(None, "absent")

    def _find_pdb(self, wanted: Wanted) -> Located:
        name, debug_id = plain_name(wanted.pdb_name), parse_debug_id(wanted.debug_id)
        if name is None:
            return _refused(wanted, f"a symbol file {_shown(wanted.pdb_name)}, which no file can be called")
        if debug_id is None:
            return _refused(wanted, f"the symbol file {name} with the id {_shown(wanted.debug_id)}, which is none")
        search = _Search(wanted.module, debug_id, self._pdb_id)
        stripped: Path | None = None
        for candidates in self._pdb_candidates(wanted, search, name, debug_id):
            while found := search.first(candidates):
                if not _is_stripped(found):
                    return Located(found, "full")
                stripped = stripped or found
        return Located(stripped, "full") if stripped else self._outcome(search, wanted)

    def _pdb_candidates(self, wanted: Wanted, search: _Search, name: str, debug_id: str) -> Iterator[Iterator[Path]]:
        """The files that may be the wanted PDB, place after place; what a server has is fetched on the way."""
        can_walk = not _is_of_windows(wanted)
        for element in self._path.elements:
            yield self._files_named(element, name, debug_id, can_walk)
            if isinstance(element, Server) and self._asks_servers and not search.has_found:
                fetched = self._downloader.fetch(element, name, debug_id)
                search.caveats += fetched.caveats
                if fetched.path:
                    self._ids.pop(fetched.path, None)
                    search.forget(fetched.path)
                    yield iter([fetched.path])
        yield filter(None, [local_file(wanted.pdb_name)])

    def _files_named(self, element: _Element, name: str, debug_id: str, can_walk: bool) -> Iterator[Path]:
        """The files of an element that may be the wanted PDB, and compressed ones."""
        names = (name, *_packed_names(name))
        if isinstance(element, Folder):
            for each in names:
                yield from self._folders.at(element.path, each)
        for store in _stores(element):
            for path in self._folders.in_store(store, name, debug_id):
                if path.name.lower() == POINTER:
                    yield from filter(None, [pointed_to(path)])
                elif path.name.lower() in {each.lower() for each in names}:
                    yield path
        if isinstance(element, Folder):
            yield from self._below(element, names, can_walk)

    def _find_elf(self, wanted: Wanted) -> Located:
        """Of the files with the build id the first one that has debug info, else the first: it may be stripped."""
        search = _Search(wanted.module, wanted.debug_id, self._build_id)
        candidates = self._elf_files(wanted)
        bare: Path | None = None
        while found := search.first(candidates):
            if read_elf(found).has_debug_info:
                return _readable(found)
            bare = bare or found
        return _readable(bare) if bare else self._outcome(search, wanted)

    def _elf_files(self, wanted: Wanted) -> Iterator[Path]:
        place = ".build-id", wanted.debug_id[:2], f"{wanted.debug_id[2:]}.debug"
        plain = sorted({name for name in (plain_name(wanted.path), plain_name(wanted.module)) if name})
        names = [f"{name}{end}" for name in plain for end in (".debug", "")]
        for element in self._path.elements:
            for folder in _stores(element):
                yield from self._folders.at(folder, *place)
            if isinstance(element, Folder):
                for name in names:
                    yield from self._folders.at(element.path, name)
                yield from self._below(element, names, can_walk=True)
        yield from filter(None, [local_file(wanted.path)])

    def _below(self, folder: Folder, names: Iterable[str], can_walk: bool) -> Iterator[Path]:
        tree = self._folders.tree(folder.path) if can_walk else self._folders.known_tree(folder.path)
        for name in names:
            yield from tree.files.get(name.lower(), ())

    def _outcome(self, search: _Search, wanted: Wanted) -> Located:
        folders = [element.path for element in self._path.elements if isinstance(element, Folder)]
        cut = [folder for folder in folders if self._folders.known_tree(folder).is_cut]
        text = "holds so many files that not all were looked at; name the folders in it that hold symbol files"
        return search.outcome(tuple(Caveat("symbol-folder", f"{folder} {text}") for folder in cut))

    def _pdb_id(self, path: Path) -> str:
        return self._remembered(path, pdb_identity)

    def _build_id(self, path: Path) -> str:
        return self._remembered(path, lambda path: read_elf(path).build_id)

    def _remembered(self, path: Path, identify: Callable[[Path], str]) -> str:
        if path not in self._ids:
            try:
                self._ids[path] = identify(path)
            except SymbolFileError as error:
                self._ids[path] = error
        known = self._ids[path]
        if isinstance(known, SymbolFileError):
            raise SymbolFileError(str(known))
        return known


@dataclass(slots=True)
class _Search:
    """One symbol file that is looked for, and what was met instead of it so far."""

    module: str
    debug_id: str
    identify: Callable[[Path], str]
    other: tuple[Path, str] | None = None
    damaged: tuple[Path, str] | None = None
    packed: Path | None = None
    caveats: tuple[Caveat, ...] = ()
    has_found: bool = False
    _seen: set[Path] = field(default_factory=set)

    def forget(self, path: Path) -> None:
        """Look at a file again, which has been written meanwhile."""
        self._seen.discard(path)

    def first(self, candidates: Iterable[Path]) -> Path | None:
        """The first of some files that is the right one."""
        return next((path for path in candidates if self._is_it(path)), None)

    def _is_it(self, path: Path) -> bool:
        if path in self._seen or not is_file(path):
            return False
        self._seen.add(path)
        if path.name.endswith("_") or path.suffix.lower() == ".zst":
            self.packed = self.packed or path
            return False
        try:
            found = self.identify(path)
        except SymbolFileError as error:
            self.damaged = self.damaged or (path, str(error))
            return False
        if found != self.debug_id:
            self.other = self.other or (path, found)
        self.has_found |= found == self.debug_id
        return found == self.debug_id

    def outcome(self, more: tuple[Caveat, ...]) -> Located:
        """What there is to say when the right file did not turn up."""
        state, caveats = "absent", more + self.caveats
        if self.other:
            path, found = self.other
            text = f"{path} is of another build: {_spelt(found)}; the trace names {_spelt(self.debug_id)}"
            state, caveats = "mismatch", (Caveat("symbol-mismatch", f"{self.module}: {text}"), *caveats)
        elif self.damaged:
            path, reason = self.damaged
            text = f"{self.module}: {path} cannot be used: {reason}"
            state, caveats = "unreadable", (Caveat("symbol-unreadable", text), *caveats)
        elif self.packed:
            text = f"{self.module}: {self.packed} is compressed, and left out; {_how_to_unpack(self.packed)}"
            caveats = (Caveat("symbol-compressed", text), *caveats)
        return Located(None, state, caveats)


def _key(wanted: Wanted) -> _Key:
    place = str(_is_of_windows(wanted)) if wanted.pdb_name else wanted.path
    return wanted.module, wanted.pdb_name, wanted.debug_id, place


def _is_of_windows(wanted: Wanted) -> bool:
    r"""Whether an image lies under the folder of Windows, as `C:\Windows\…` or `\SystemRoot\…`, or is a driver."""
    return _OF_WINDOWS.fullmatch(wanted.path.replace("/", "\\")) is not None


def _is_stripped(path: Path) -> bool:
    try:
        return is_stripped_pdb(path)
    except SymbolFileError:
        return False


def _stores(element: _Element) -> tuple[Path, ...]:
    """The folders of an element that are laid out as symbol stores, or may be."""
    match element:
        case Folder(path):
            return (path,)
        case Store(path, caches):
            return (*caches, path)
        case Server(_, caches):
            return caches


def _packed_names(name: str) -> tuple[str, str, str]:
    """What compressed files of a PDB are called."""
    return f"{name[:-1]}_", f"{name}.zst", f"{Path(name).stem}.zst"


def _how_to_unpack(path: Path) -> str:
    if path.suffix.lower() == ".zst":
        return f"run: zstd -d {path.name}"
    new_name = f"{path.stem}.pdb" if path.suffix.lower() == ".pd_" else "-r"
    return f"run: expand {path.name} {new_name}"


def _readable(path: Path) -> Located:
    """An ELF file that is the right one, if there is a library that reads it."""
    if can_read_dwarf():
        return Located(path, "full")
    return Located(None, "unreadable", (Caveat("symbol-dwarf", HOW_TO_INSTALL),))


def _refused(wanted: Wanted, what: str) -> Located:
    return Located(None, "absent", (Caveat("symbol-refused", f"{wanted.module}: the trace names {what}"),))


def _shown(text: str) -> str:
    """A text out of a trace, in a form that is safe to print."""
    return ascii(text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…")


def _spelt(debug_id: str) -> str:
    if is_build_id(debug_id):
        return f"build id {debug_id}"
    return f"guid {debug_id[:32]}, age {debug_id[32:]}" if debug_id else "no id"
