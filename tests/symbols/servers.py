"""A symbol server on this computer, symbol stores, and the smallest PDBs that have an id."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from perfdb.symbols.identity import PDB_MAGIC
from perfdb.symbols.model import Wanted

APP_ID = "0123456789ABCDEFFEDCBA98765432101"
OTHER_ID = "0123456789ABCDEFFEDCBA98765432102"

CORPUS_IDS = {
    "CppCon.pdb": "12DC0A4FBD7D4F2AA9BE263BACAEB4675",
    "softokn3.pdb": "CCF79D6C6BA5FBBF4C4C44205044422E1",
    "WriteArgument.pdb": "DF5016E17D4C30144C4C44205044422E1",
}

_BLOCK_BYTES = 512


def wanted(pdb_name: str = "app.pdb", debug_id: str = APP_ID, module: str = "app.exe", path: str = "") -> Wanted:
    """What a trace asks for: `app.exe`, made with `app.pdb`, unless said otherwise."""
    return Wanted(module, path, debug_id, pdb_name)


def tiny_pdb(
    debug_id: str = APP_ID,
    *,
    info_age: int | None = None,
    padding: int = 0,
    has_dbi: bool = True,
    is_stripped: bool = False,
) -> bytes:
    """A PDB of nothing but its id, in blocks: superblock, two free maps, PDB and DBI stream, directory, its map."""
    low, mid, high, rest = debug_id[:8], debug_id[8:12], debug_id[12:16], debug_id[16:32]
    guid = struct.pack("<IHH8s", int(low, 16), int(mid, 16), int(high, 16), bytes.fromhex(rest))
    age = int(debug_id[32:], 16)
    info = struct.pack("<III16s", 20000404, 0, age if info_age is None else info_age, guid)
    dbi = struct.pack("<iII44xHxxxxxx", -1, 19990903, age, 2 * is_stripped) if has_dbi else b""
    blocks = [3, 4] if has_dbi else [3]
    directory = struct.pack(f"<5I{len(blocks)}I", 4, 0, len(info), 0, len(dbi), *blocks)
    count = 7 + padding
    superblock = PDB_MAGIC + struct.pack("<6I", _BLOCK_BYTES, 1, count, len(directory), 0, 6)
    contents = [superblock, b"", b"", info, dbi, directory, struct.pack("<I", 5), *[b""] * padding]
    return b"".join(content.ljust(_BLOCK_BYTES, b"\0") for content in contents)


def put(store: Path, content: bytes, name: str = "app.pdb", debug_id: str = APP_ID, file: str | None = None) -> Path:
    """Put a file into a symbol store, under its own name or another."""
    path = store / name / debug_id / (file or name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


Script = Callable[["Handler"], None]


@dataclass
class SymbolServer:
    """A server that is running: it serves `root`, unless there is a script for a path or for all.

    `log` has the method and the path of every request, `headers` its headers.
    """

    root: Path
    url: str = ""
    log: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    scripts: dict[str, Script] = field(default_factory=dict)
    always: Script | None = None
    closing: threading.Event = field(default_factory=threading.Event)

    def asked(self, method: str = "GET") -> list[str]:
        """The paths that were asked for by one method, in their order."""
        return [line.removeprefix(f"{method} ") for line in self.log if line.startswith(f"{method} ")]


class Handler(BaseHTTPRequestHandler):
    """Answers one request; scripts use its helpers."""

    state: SymbolServer

    def do_GET(self) -> None:
        self.state.log.append(f"{self.command} {unquote(self.path)}")
        self.state.headers.append(dict(self.headers.items()))
        script = self.state.always or self.state.scripts.get(unquote(self.path)) or Handler.serve
        with suppress(ConnectionError):  # the client hangs up when it has seen enough
            script(self)

    do_HEAD = do_GET  # noqa: N815

    def serve(self) -> None:
        """The file of the store, or 404."""
        path = self.state.root / unquote(self.path).lstrip("/")
        if path.is_file():
            self.send(path.read_bytes())
        else:
            self.send(b"not here", status=404)

    def send(self, content: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        """A whole answer; `length` is what Content-Length says, where it is not true; -1 leaves it out."""
        self.send_response(status)
        if length != -1:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the library's name
        pass


@contextmanager
def serving(root: Path) -> Iterator[SymbolServer]:
    """A symbol server for a folder, on a port of its own."""
    state = SymbolServer(root)
    handler = type("_Handler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.closing.set()
            server.shutdown()
            thread.join()


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests go straight to the server, whatever proxy this machine uses."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def files_below(folder: Path) -> list[str]:
    """The files below a folder, as paths from it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
