"""Names for the addresses of profiles: the symbol path that holds, and one look at it for many traces."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from perfdb.config import TEMPLATES, Settings
from perfdb.errors import InputError, UsageError
from perfdb.profile.columns import Profile
from perfdb.symbols.path import Folder, SymbolPath, parse_symbol_path

if TYPE_CHECKING:
    from perfdb.profile.columns import U64
    from perfdb.symbols.locate import Locator
    from perfdb.symbols.lookup import LookedUp
    from perfdb.symbols.model import Wanted
    from perfdb.symbols.symcache import Symcache

Progress = Callable[[str, int, int], None]

VARIABLE = "_NT_SYMBOL_PATH"
"""The environment's symbol path, which debuggers and profilers of Windows use."""

HOW_TO_SET = f"name one: --symbols DIR, or path under [symbols] in perfdb.toml, or the environment variable {VARIABLE}"


@dataclass(frozen=True, slots=True)
class SymbolsInForce:
    """Where symbol files are looked for, and `notes` on what of it is not there or could not be understood."""

    path: SymbolPath
    notes: tuple[str, ...] = ()


def symcache_folder(settings: Settings) -> Path:
    """Where looked-up symbols are kept, by debug id."""
    return settings.root / "artifacts" / "symcache"


def download_folder(settings: Settings) -> Path:
    """Where files from symbol servers are kept for which the symbol path names no cache: a symbol store."""
    return settings.root / "artifacts" / "symbols"


def symbols_in_force(
    settings: Settings, folder: Path, asked: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> SymbolsInForce:
    """The symbol path: what was `asked` for first, then that of the settings, else that of the environment.

    Raises InputError for a folder that was asked for and is not there, and for what is no symbol path. Of the
    environment's, which other programs understand in their own ways, such elements are left out with a note.
    """
    variables = os.environ if environ is None else environ
    cache = download_folder(settings)
    first = parse_symbol_path(asked, folder, cache, variables)
    for element in first.elements:
        if isinstance(element, Folder) and not element.path.is_dir():
            is_file = element.path.is_file()
            found = "that it is a file. Name its folder." if is_file else "no such folder. Check --symbols."
            raise InputError(f"asked for symbols in {element}, found {found}")
    notes = []
    if settings.symbols.path:
        rest = [parse_symbol_path(settings.symbols.path, settings.root, cache, variables)]
        notes += [
            f"symbol path: found no folder {element} ({settings.file})"
            for element in rest[0].elements
            if isinstance(element, Folder) and not element.path.is_dir()
        ]
    else:
        texts = []
        for text in variables.get(VARIABLE, "").split(";"):
            try:
                parse_symbol_path(text, folder, cache, variables)
                texts.append(text)
            except InputError as problem:
                notes.append(f"{VARIABLE}: left out: {problem}")
        rest = [parse_symbol_path(texts, folder, cache, variables)]  # as a whole: a cache counts for what follows it
    elements = (*first.elements, *(element for part in rest for element in part.elements))
    return SymbolsInForce(SymbolPath(tuple(dict.fromkeys(elements))), tuple(notes))


def prune_symcache(settings: Settings, keep_days: float) -> tuple[int, int]:
    """Remove looked-up symbols that were not used for some days; how many files, and how many bytes they had."""
    from perfdb.symbols.symcache import Symcache

    return Symcache(symcache_folder(settings)).prune(keep_days)


@dataclass(frozen=True, slots=True)
class Named:
    """A profile with names, and the names of its addresses to keep with it: deflated symcaches by debug id."""

    profile: Profile
    symbols: Mapping[str, bytes]


class Symbols:
    """Gives profiles their names. One for many traces: folders are walked, and servers asked, once."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        asked: Sequence[str] = (),
        templates: str | None = None,
        progress: Progress | None = None,
        refresh: bool = False,
    ) -> None:
        in_force = symbols_in_force(settings, folder, asked)
        self.path = in_force.path
        self.notes = in_force.notes
        self.templates = templates or settings.symbols.templates
        if self.templates not in TEMPLATES:
            raise UsageError(f"asked for templates {self.templates}, found that they can be {' or '.join(TEMPLATES)}.")
        self._searching = _Searching(self.path, settings, progress, refresh)

    def __bool__(self) -> bool:
        """Whether a symbol path is set."""
        return bool(self.path.elements)

    def name(self, profile: Profile, templates: str | None = None, known: Mapping[str, bytes] | None = None) -> Named:
        """The profile with the names that the symbol path has; as it is where no path is set.

        `known` are the names that the run has, as in `Named.symbols`: they serve where the symbol file is not found.
        """
        if not self and not known:
            return Named(profile, {})
        return self._searching.name(profile, templates or self.templates, known or {})


class _Searching:
    """What is open while symbols are looked for: one cache, and one locator once something is not in it."""

    def __init__(self, path: SymbolPath, settings: Settings, progress: Progress | None, refresh: bool) -> None:
        # What looks up symbols takes a while to import, and many histories have no symbol path.
        self._path = path
        self._settings = settings
        self._progress = progress
        self._refresh = refresh
        self._known: Mapping[str, bytes] = {}
        self._kept: dict[str, bytes] = {}

    @cached_property
    def _cache(self) -> Symcache:
        from perfdb.symbols.symcache import Symcache

        return Symcache(symcache_folder(self._settings))

    @cached_property
    def _locator(self) -> Locator:
        from perfdb.symbols.locate import Locator

        return Locator(
            self._path,
            timeout_s=self._settings.symbols.timeout_s,
            limit_s=self._settings.symbols.limit_s,
            absent_folder=symcache_folder(self._settings) / "absent",
            refresh=self._refresh,
            progress=self._progress,
        )

    def name(self, profile: Profile, templates: str, known: Mapping[str, bytes]) -> Named:
        from perfdb.symbols.resolve import resolve, wanted_by

        # Looking for all at once asks servers for several files at a time; the locator remembers what came of it.
        unknown = [wanted for wanted in wanted_by(profile) if self._cache.read(wanted.debug_id) is None]
        if unknown:
            self._locator.find_all(unknown)
        self._known, self._kept = known, {}
        named = resolve(profile, self._look_up, templates)
        return Named(named, self._kept)

    def _look_up(self, wanted: Wanted, rva: U64) -> LookedUp:
        from perfdb.symbols.kept import looked_up_before, to_keep
        from perfdb.symbols.lookup import look_up

        answer = look_up(wanted, rva, lambda each: self._locator.find(each), self._cache)
        if wanted.debug_id in self._known:
            answer = looked_up_before(self._known[wanted.debug_id], wanted, rva, answer)
        if answer.state in ("full", "public"):
            self._kept[wanted.debug_id] = to_keep(wanted, rva, answer)
        return answer
