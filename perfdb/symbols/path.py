r"""Symbol paths: where symbol files are looked for, in the syntax of `_NT_SYMBOL_PATH`.

    C:\build;..\out\Release                     plain folders, and all that lies below them (but see `locate`)
    srv*C:\symbols   srv*\\server\symbols       a symbol store: NAME.pdb\GUIDAGE\NAME.pdb
    srv*C:\cache*https://server/symbols         a server; what it sends is kept in a store, the cache
    srv*C:\near*\\far\cache*https://server      several caches, the nearest first
    srv**https://server   https://server        a server with the default cache
    symsrv*symsrv.dll*C:\cache*https://server   the long form of `srv*`
    cache*C:\cache                              a cache for the servers to its right; a store itself

Elements stand between `;`, with blanks and quotes around them or not, and count from the left. `%NAME%` is a variable
of the environment, on every system; one that is not set stays as it is. A user name and password of a server's address
are used, and never shown. `srv*` alone, which means Microsoft's server elsewhere, is an error: nothing is asked of a
server that nobody named.

Off Windows, a folder such as `C:\symbols` or `\\server\symbols` is not there: as a folder or a store it finds nothing,
and the default cache takes its place as a cache. In relative folders `\` counts as `/` there.

Source: "Symbol path for Windows debuggers" and "Advanced SymSrv use" of the Windows documentation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from urllib.parse import SplitResult, quote, unquote, urlsplit

from perfdb.errors import InputError

_VARIABLE = re.compile(r"%([A-Za-z_][A-Za-z0-9_()]*)%")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_USER = re.compile(r"//[^*;]*@")
_EXAMPLE = "srv*CACHE*https://SERVER"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that holds symbol files, itself or anywhere below."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder laid out as a symbol store; files in `caches` are taken before its own."""

    path: Path
    caches: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return "*".join(("srv", *map(str, self.caches), str(self.path)))


@dataclass(frozen=True, slots=True)
class Server:
    """A symbol server: `url` without a user and without a slash at its end; `caches` has one folder at least.

    `credentials` is "user:password" or ""; it is for requests only, and neither `str` nor `repr` tells it.
    """

    url: str
    caches: tuple[Path, ...]
    credentials: str = field(default="", repr=False)

    def __str__(self) -> str:
        return "*".join(("srv", *map(str, self.caches), self.url))


@dataclass(frozen=True, slots=True)
class SymbolPath:
    """The places to look at, in their order; `str` gives them in the syntax of `_NT_SYMBOL_PATH`."""

    elements: tuple[Folder | Store | Server, ...] = ()

    def __str__(self) -> str:
        return ";".join(map(str, self.elements))

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers among the places: where there is none, nothing is ever asked over a network by perfdb."""
        return tuple(element for element in self.elements if isinstance(element, Server))


def parse_symbol_path(
    text: str | Sequence[str], base: Path, default_cache: Path, environ: Mapping[str, str] | None = None
) -> SymbolPath:
    """The places that one or several symbol paths name; see the module for their syntax.

    Relative folders count from `base`. `environ` is what `%NAME%` is looked up in, without regard to case: the
    environment of the process if None. Raises InputError for what is no symbol path.
    """
    joined = text if isinstance(text, str) else ";".join(text)
    if "\0" in joined:
        raise _error(joined, "it holds a NUL character", "write folders and servers only")
    return _Parser(base, default_cache).parse(_expanded(joined, os.environ if environ is None else environ))


def without_credentials(text: str) -> str:
    """A text that may hold addresses of servers, without the users and passwords in them."""
    return _USER.sub("//", text)


class _Parser:
    """Reads the elements of one symbol path from left to right: a `cache*` counts for those that follow."""

    def __init__(self, base: Path, default_cache: Path) -> None:
        self._base = base
        self._default_cache = default_cache
        self._caches: tuple[Path, ...] = ()

    def parse(self, text: str) -> SymbolPath:
        bare = (part.strip().strip('"').strip() for part in text.split(";"))
        return SymbolPath(tuple(self._element(part) for part in bare if part))

    def _element(self, text: str) -> Folder | Store | Server:
        first, *rest = (part.strip().strip('"').strip() for part in text.split("*"))
        match first.lower(), rest:
            case _, []:
                return self._server(text, text, ()) if _SCHEME.match(text) else Folder(self._folder(text))
            case "srv", _:
                return self._store(text, rest)
            case "symsrv", [_, *places]:
                return self._store(text, places)
            case "cache", [place]:
                cache = self._cache(place, text)
                self._caches = (*self._caches, cache)
                return Store(cache)
            case _:
                raise _error(text, "it has a *, but is no srv*, symsrv*DLL* or cache*", f"write {_EXAMPLE}")

    def _store(self, text: str, places: list[str]) -> Store | Server:
        if not places or not places[-1]:
            raise _error(text, "it names no server and no store", f"write {_EXAMPLE} or srv*FOLDER")
        *before, last = places
        caches = tuple(self._cache(place, text) for place in before)
        if _SCHEME.match(last):
            return self._server(text, last, caches)
        return Store(self._folder(last), self._caches + caches)

    def _server(self, text: str, url: str, caches: tuple[Path, ...]) -> Server:
        parts, host = _address(text, url)
        path = quote(parts.path.rstrip("/"), safe="/%~!$&'()+,:=@")
        user = parts.netloc.rpartition("@")[0]
        return Server(f"{parts.scheme}://{host}{path}", self._caches + caches or (self._default_cache,), unquote(user))

    def _cache(self, place: str, text: str) -> Path:
        if _SCHEME.match(place):
            raise _error(text, "a server stands where a cache does", f"write {_EXAMPLE}, one for each server")
        return self._default_cache if not place or _is_for_windows_only(place) else self._folder(place)

    def _folder(self, text: str) -> Path:
        if _is_for_windows_only(text):
            return Path(text)
        native = text if os.name == "nt" or text.startswith("/") else text.replace("\\", "/")
        try:
            return self._base / Path(native).expanduser()
        except RuntimeError:
            raise _error(text, "there is no home folder for its ~", "write the folder's full path") from None


def _expanded(text: str, environ: Mapping[str, str]) -> str:
    values = {name.lower(): value for name, value in environ.items()}
    return _VARIABLE.sub(lambda found: values.get(found[1].lower(), found[0]), text)


def _is_for_windows_only(text: str) -> bool:
    """Whether a folder has a drive or is on a share, and this is another system."""
    return os.name != "nt" and PureWindowsPath(text).drive != "" and not text.startswith("/")


def _address(text: str, url: str) -> tuple[SplitResult, str]:
    """The parts of a server's address, and its host in ASCII with the port."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
        host = name.encode("idna").decode("ascii") if not name.isascii() else name
    except (ValueError, UnicodeError):
        raise _error(text, "the server's address cannot be understood", f"write {_EXAMPLE}") from None
    if parts.scheme not in {"http", "https"}:
        raise _error(text, f"symbol files do not come by {parts.scheme}:", f"write {_EXAMPLE}")
    if not host or re.search(r"[\s\x00-\x1f\x7f]", host):
        raise _error(text, "the address names no server", f"write {_EXAMPLE}")
    if parts.query or parts.fragment or "?" in url:
        raise _error(text, "the address has a ? or #, but names of files come last", "write the address without it")
    if ":" in host:
        host = f"[{host}]"
    return parts, host if port is None else f"{host}:{port}"


def _error(text: str, found: str, remedy: str) -> InputError:
    shown = without_credentials(text).replace("\0", "\\0").strip()
    return InputError(f"symbol path {shown!r}: {found}; {remedy}")
