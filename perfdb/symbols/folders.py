r"""Files by name: in a folder, in what lies below it, and in a symbol store, in whatever case they are spelt.

A symbol store keeps `app.pdb` as `app.pdb/GUIDAGE/app.pdb`; with a file `index2.txt` in it, as `ap/app.pdb/…`. In place
of the file there may be a compressed one (`app.pd_`), or `file.ptr`, which tells where it is: `PATH:C:\there\app.pdb`.
Stores are made on Windows, where `App.pdb` and `app.pdb` are one, so what is not there as it is spelt is looked for in
other case. What was listed once is not listed again.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_ENTRIES = 200_000
"""So many files and folders of one tree are looked at: more than a large build leaves, and less than a whole disk."""

POINTER = "file.ptr"
_POINTER_BYTES = 4096
_STORE_MARKS = frozenset({"pingme.txt", "000admin"})
_TWO_TIERS = "index2.txt"
_LEFT_OUT = frozenset({".git", "node_modules"})
_ENDS = (".pdb", ".pd_", ".zst", ".debug")


@dataclass(frozen=True, slots=True)
class Tree:
    """The files at and below a folder that may hold symbols, by name in lower case; `is_cut` if it was too large."""

    files: Mapping[str, tuple[Path, ...]]
    is_cut: bool = False


class Folders:
    """The folders that were listed so far; several threads may ask."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._trees: dict[Path, Tree] = {}
        self._listings: dict[Path, Mapping[str, tuple[Path, ...]]] = {}
        self._lock = threading.Lock()

    def tree(self, folder: Path) -> Tree:
        """What lies at and below a folder, the nearest first; of a symbol store nothing, since it has its own order."""
        with self._lock:
            if folder not in self._trees:
                self._trees[folder] = _walk(folder, self._max_entries)
            return self._trees[folder]

    def known_tree(self, folder: Path) -> Tree:
        """What `tree` gives if it was asked for this folder before; else nothing."""
        with self._lock:
            return self._trees.get(folder, Tree({}))

    def at(self, folder: Path, *names: str) -> Iterator[Path]:
        """What is at `folder/name/name/…`: as it is spelt first, then in other case. The folder's own case is kept."""
        exact = folder.joinpath(*names)
        if _is_there(exact):
            yield exact
        if os.name != "nt":
            yield from (path for path in self._in_any_case(folder, names) if path != exact)

    def in_store(self, store: Path, name: str, debug_id: str) -> Iterator[Path]:
        """What a symbol store has in its place for a file of this name and id: files of any name."""
        roots = [store]
        if is_file(store / _TWO_TIERS):
            roots += self.at(store, name[:2])
        for root in roots:
            for place in self.at(root, name, debug_id):
                for listed in self._listing(place).values():
                    yield from listed

    def _in_any_case(self, folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
        for path in self._listing(folder).get(names[0].lower(), ()):
            if len(names) == 1:
                yield path
            else:
                yield from self._in_any_case(path, names[1:])

    def _listing(self, folder: Path) -> Mapping[str, tuple[Path, ...]]:
        with self._lock:
            if folder not in self._listings:
                self._listings[folder] = _by_name(sorted(_paths(folder)))
            return self._listings[folder]


def pointed_to(pointer: Path) -> Path | None:
    r"""The file that a `file.ptr` names: an absolute path of this computer, not of a share, with no `..`; else None."""
    try:
        with pointer.open("rb") as file:
            text = file.read(_POINTER_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return None
    head, _, rest = text.partition(":")
    return local_file(rest.strip()) if head.upper() == "PATH" else None


def local_file(text: str) -> Path | None:
    """The regular file that an absolute local path names; None if there is none, for a share, and where it has `..`."""
    is_windows = os.name == "nt"
    pure = PureWindowsPath(text) if is_windows else PurePosixPath(text)
    if "\0" in text or not pure.is_absolute() or ".." in pure.parts:
        return None
    if text.startswith(("\\\\", "//")) or (is_windows and not pure.drive[:1].isalpha()):
        return None
    path = Path(text)
    return path if is_file(path) else None


def is_file(path: Path) -> bool:
    """Whether a regular file is there; what cannot be looked at is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _paths(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [folder / entry.name for entry in entries]
    except OSError:
        return []


def _by_name(paths: list[Path]) -> Mapping[str, tuple[Path, ...]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.name.lower(), []).append(path)
    return {name: tuple(same) for name, same in found.items()}


def _may_have_symbols(name: str) -> bool:
    """Whether a file is worth remembering: symbol files, and the programs and libraries of other systems."""
    return name.endswith(_ENDS) or ".so" in name or "." not in name


def _walk(top: Path, max_entries: int) -> Tree:
    """List a tree level by level, each folder once, however many links lead to it."""
    waiting, seen, found, count = deque([top]), set[tuple[int, int]](), list[Path](), 0
    while waiting:
        folder = waiting.popleft()
        if _is_new(folder, seen):
            names, folders = _files_and_folders(folder)
            if folder == top and any(name.lower() in _STORE_MARKS for name in (*names, *folders)):
                break
            found += [folder / name for name in names if _may_have_symbols(name.lower())]
            waiting.extend(folder / name for name in folders if name.lower() not in _LEFT_OUT)
            count += len(names) + len(folders)
            if count >= max_entries:
                return Tree(_by_name(found), is_cut=True)
    return Tree(_by_name(found))


def _is_new(folder: Path, seen: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:
        return False
    key = status.st_dev, status.st_ino
    is_new = key not in seen
    seen.add(key)
    return is_new


def _files_and_folders(folder: Path) -> tuple[list[str], list[str]]:
    files, folders = list[str](), list[str]()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                (folders if _is_folder(entry) else files).append(entry.name)
    except OSError:  # not ours to read, or gone meanwhile: what was listed so far counts
        pass
    return sorted(files), sorted(folders)
