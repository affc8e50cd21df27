from __future__ import annotations

import base64
import errno
import io
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import perfdb.symbols.download as download
import perfdb.symbols.web as web
from perfdb.symbols.download import ABSENT_FOR_S, FAILURES_IN_A_ROW, Downloader
from perfdb.symbols.path import Server
from perfdb.symbols.web import CancelledError, ServerError
from tests.symbols.servers import (
    APP_ID,
    CORPUS_IDS,
    OTHER_ID,
    Handler,
    SymbolServer,
    files_below,
    put,
    serving,
    tiny_pdb,
    without_proxies,
)

APP = f"/app.pdb/{APP_ID}/app.pdb"
PACKED = f"/app.pdb/{APP_ID}/app.pd_"


@pytest.fixture
def symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SymbolServer]:
    """A server of an empty store."""
    without_proxies(monkeypatch)
    with serving(tmp_path / "store") as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def quick(**options: Any) -> Downloader:
    return Downloader(**{"timeout_s": 5.0, "limit_s": 20.0} | options)


def fetch(symbols: SymbolServer, cache: Path, **options: Any) -> download.Fetched:
    return quick(**options).fetch(Server(symbols.url, (cache,)), "app.pdb", APP_ID)


def texts(fetched: download.Fetched) -> str:
    return "\n".join(f"{caveat.code}: {caveat.text}" for caveat in fetched.caveats)


def test_a_file_lands_in_the_cache_at_its_place(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb())

    fetched = fetch(symbols, cache)

    assert download.Fetched(cache / "app.pdb" / APP_ID / "app.pdb") == fetched
    assert tiny_pdb() == (cache / "app.pdb" / APP_ID / "app.pdb").read_bytes()
    assert [f"app.pdb/{APP_ID}/app.pdb"] == files_below(cache)
    assert [f"GET {APP}"] == symbols.log


@pytest.mark.parametrize("name", sorted(CORPUS_IDS))
def test_real_pdbs_are_fetched(symbols: SymbolServer, cache: Path, corpus: Path, name: str) -> None:
    put(symbols.root, (corpus / name).read_bytes(), name, CORPUS_IDS[name])

    fetched = quick().fetch(Server(symbols.url, (cache,)), name, CORPUS_IDS[name])

    assert fetched.path is not None
    assert (corpus / name).read_bytes() == fetched.path.read_bytes()


@pytest.mark.parametrize("name", ["two words.pdb", "a+b&c.pdb", "50%.pdb", "c#.pdb", "größe.pdb", "問.pdb", "q?.pdb"])
@pytest.mark.skipif(os.name == "nt", reason="a file of Windows cannot have all of these names")
def test_names_may_hold_signs_that_addresses_cannot(symbols: SymbolServer, cache: Path, name: str) -> None:
    put(symbols.root, tiny_pdb(), name)

    fetched = quick().fetch(Server(symbols.url, (cache,)), name, APP_ID)

    assert cache / name / APP_ID / name == fetched.path
    assert [f"/{name}/{APP_ID}/{name}"] == symbols.asked()


def test_the_store_may_lie_below_the_servers_root(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root / "deep" / "down", tiny_pdb())

    assert quick().fetch(Server(f"{symbols.url}/deep/down", (cache,)), "app.pdb", APP_ID).path is not None


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_missing_file_is_absent_without_a_word(symbols: SymbolServer, cache: Path, status: int) -> None:
    symbols.always = lambda request: request.send(b"no", status=status)

    assert download.Fetched(None) == fetch(symbols, cache)
    assert [f"GET {APP}", f"HEAD {PACKED}"] == symbols.log
    assert [] == files_below(cache)


def test_a_file_that_is_there_compressed_only_is_said_to_be_left_out(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, b"MSCF", file="app.pd_")

    fetched = fetch(symbols, cache)

    assert fetched.path is None
    assert f"symbol-compressed: the symbol server {symbols.url} has only app.pd_" in texts(fetched)
    assert [] == files_below(cache)


def test_a_server_that_breaks_down_after_saying_no_is_no_trouble(symbols: SymbolServer, cache: Path) -> None:
    symbols.scripts[PACKED] = lambda request: request.connection.close()

    assert download.Fetched(None) == fetch(symbols, cache)


@pytest.mark.parametrize("begin", [b"MSCF\0\0", b"\x28\xb5\x2f\xfd\0", b"\x1f\x8b\x08"])
def test_compressed_contents_under_the_plain_name_are_left_out(
    symbols: SymbolServer, cache: Path, begin: bytes
) -> None:
    put(symbols.root, begin + bytes(100))

    fetched = fetch(symbols, cache)

    assert fetched.path is None
    assert texts(fetched).startswith(f"symbol-compressed: the symbol server {symbols.url} sends app.pdb compressed")
    assert [] == files_below(cache)


def test_contents_that_were_encoded_on_the_way_are_left_out(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(tiny_pdb(), Content_Encoding="gzip")

    fetched = fetch(symbols, cache)

    assert "symbol-compressed" in texts(fetched)
    assert "identity" == symbols.headers[0]["Accept-Encoding"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>Sign in</html>", "it is no PDB"),
        (b"", "it is empty"),
        (b"BSJB" + bytes(60), "Portable PDB"),
        (b"Microsoft C/C++ program database 2.00\r\n" + bytes(60), "Visual C++ 6"),
        (tiny_pdb()[:-1], "truncated"),
        (tiny_pdb(OTHER_ID), f"the id is {OTHER_ID}, where {APP_ID} was asked for"),
    ],
)
def test_wrong_contents_are_thrown_away(symbols: SymbolServer, cache: Path, content: bytes, reason: str) -> None:
    put(symbols.root, content)

    fetched = fetch(symbols, cache)

    assert fetched.path is None
    assert f"symbol-contents: the symbol server {symbols.url} sent wrong contents for app.pdb" in texts(fetched)
    assert reason in texts(fetched)
    assert [] == files_below(cache)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_server_in_trouble_is_named_with_the_reason(symbols: SymbolServer, cache: Path, status: int) -> None:
    symbols.always = lambda request: request.send(b"", status=status)

    assert f"symbol-server: the symbol server {symbols.url} could not be used: it answers HTTP {status}" == texts(
        fetch(symbols, cache)
    )


def test_a_server_that_wants_a_password_is_said_to(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"", status=401)

    assert "it asks for a user and a password (HTTP 401)" in texts(fetch(symbols, cache))


def test_a_server_that_is_not_there_is_named(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    with serving(tmp_path) as gone:
        pass

    assert f"the symbol server {gone.url} could not be used: it refuses connections" in texts(fetch(gone, cache))


def test_a_server_whose_name_is_not_known_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    without_proxies(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    fetched = quick().fetch(Server("http://symbols.invalid", (cache,)), "app.pdb", APP_ID)

    assert "the symbol server http://symbols.invalid could not be used: its name is not known" in texts(fetched)


def test_a_server_without_tls_is_not_taken_for_a_secure_one(symbols: SymbolServer, cache: Path) -> None:
    url = symbols.url.replace("http:", "https:")

    assert "no secure connection" in texts(quick().fetch(Server(url, (cache,)), "app.pdb", APP_ID))


def test_what_is_no_http_is_said_to_be_none(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.wfile.write(b"SSH-2.0-OpenSSH\r\n")  # type: ignore[assignment]

    assert "it does not speak HTTP" in texts(fetch(symbols, cache))


def test_a_download_that_breaks_off_leaves_nothing(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(tiny_pdb()[:2000], length=len(tiny_pdb()))

    fetched = fetch(symbols, cache)

    assert f"the connection broke off after 2,000 of {len(tiny_pdb()):,} bytes of app.pdb" in texts(fetched)
    assert [] == files_below(cache)


def test_a_download_of_unknown_length_that_breaks_off_leaves_nothing(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(tiny_pdb()[:2000], length=-1)

    assert "truncated" in texts(fetch(symbols, cache))
    assert [] == files_below(cache)


def test_a_download_of_unknown_length_may_be_whole(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(tiny_pdb(), length=-1)

    assert fetch(symbols, cache).path is not None


def test_chunks_that_break_off_leave_nothing(symbols: SymbolServer, cache: Path) -> None:
    def chunked(request: Handler) -> None:
        request.send(b"1000\r\n" + tiny_pdb()[:100], length=-1, Transfer_Encoding="chunked")

    symbols.always = chunked

    assert "the connection broke off" in texts(fetch(symbols, cache))
    assert [] == files_below(cache)


def test_a_silent_server_is_not_waited_for_for_ever(symbols: SymbolServer, cache: Path) -> None:
    def stall(request: Handler) -> None:
        request.send(tiny_pdb()[:1000], length=len(tiny_pdb()))
        request.state.closing.wait(10)

    symbols.always = stall

    assert "it sent nothing for 0.2 s" in texts(fetch(symbols, cache, timeout_s=0.2))
    assert [] == files_below(cache)


def test_a_server_that_never_answers_is_not_waited_for_for_ever(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.state.closing.wait(10)  # type: ignore[assignment]

    assert "it sent nothing for 0.2 s" in texts(fetch(symbols, cache, timeout_s=0.2))


def test_a_server_that_drips_is_given_up_after_the_limit(symbols: SymbolServer, cache: Path) -> None:
    def drip(request: Handler) -> None:
        request.send(b"", length=len(tiny_pdb()))
        for byte in tiny_pdb():
            request.wfile.write(bytes([byte]))
            if request.state.closing.wait(0.02):
                return

    symbols.always = drip

    assert "it is too slow" in texts(fetch(symbols, cache, limit_s=0.4))
    assert [] == files_below(cache)


def test_headers_that_drip_are_given_up_after_the_limit(symbols: SymbolServer, cache: Path) -> None:
    def drip(request: Handler) -> None:
        while not request.state.closing.wait(0.02):
            request.wfile.write(b"H")

    symbols.always = drip

    assert "it is too slow" in texts(fetch(symbols, cache, limit_s=0.4))


def test_a_slow_but_steady_server_is_waited_for(symbols: SymbolServer, cache: Path) -> None:
    def steady(request: Handler) -> None:
        request.send(b"", length=len(tiny_pdb()))
        for begin in range(0, len(tiny_pdb()), 512):
            request.wfile.write(tiny_pdb()[begin : begin + 512])
            request.state.closing.wait(0.05)

    symbols.always = steady

    assert fetch(symbols, cache, timeout_s=0.3).path is not None


def test_a_file_that_is_too_large_is_not_fetched(
    symbols: SymbolServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(symbols.root, tiny_pdb())
    monkeypatch.setattr(download, "MAX_FILE_BYTES", 1000)

    assert "symbol-contents: app.pdb of the symbol server" in texts(fetch(symbols, cache))

    symbols.always = lambda request: request.send(tiny_pdb(), length=-1)
    assert "is larger than" in texts(fetch(symbols, cache))
    assert [] == files_below(cache)


def test_redirects_are_followed(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root / "there", tiny_pdb())
    symbols.scripts[APP] = lambda request: request.send(b"", status=302, Location=f"/there{APP}")

    assert fetch(symbols, cache).path is not None
    assert [APP, f"/there{APP}"] == symbols.asked()


@pytest.mark.parametrize(
    ("target", "reason"),
    [("ftp://127.0.0.1/x", "it redirects from http to ftp"), ("file:///etc/passwd", "it answers HTTP 302")],
)
def test_redirects_to_other_protocols_are_not_followed(
    symbols: SymbolServer, cache: Path, target: str, reason: str
) -> None:
    symbols.always = lambda request: request.send(b"", status=302, Location=target)

    assert reason in texts(fetch(symbols, cache))


def test_a_redirect_away_from_https_is_not_followed() -> None:
    request = urllib.request.Request("https://symbols.example.org/a")

    with pytest.raises(ServerError, match="redirects from https to http"):
        web._Redirects().redirect_request(request, io.BytesIO(), 302, "", Message(), "http://symbols.example.org/a")


def test_redirects_in_a_circle_come_to_an_end(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"", status=302, Location=APP)

    assert "it answers HTTP 302" in texts(fetch(symbols, cache))


def test_a_password_is_sent_and_told_to_nobody_else(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "elsewhere") as elsewhere:
        put(elsewhere.root, tiny_pdb())
        symbols.scripts[APP] = lambda request: request.send(b"", status=302, Location=f"/near{APP}")
        symbols.scripts[f"/near{APP}"] = lambda request: request.send(b"", status=302, Location=elsewhere.url + APP)
        server = Server(symbols.url, (cache,), "ada:s cret")

        assert quick().fetch(server, "app.pdb", APP_ID).path is not None

    basic = "Basic " + base64.b64encode(b"ada:s cret").decode()
    assert [basic, basic] == [headers.get("Authorization") for headers in symbols.headers]
    assert [None] == [headers.get("Authorization") for headers in elsewhere.headers]


def test_a_password_is_in_no_caveat(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"", status=500)
    downloader = quick()

    told = [texts(downloader.fetch(Server(symbols.url, (cache,), "ada:secret"), "app.pdb", APP_ID)) for _ in range(5)]

    assert "HTTP 500" in told[0]
    assert "secret" not in "".join(told)


def test_a_server_that_fails_again_and_again_is_left_alone(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"", status=500)
    downloader, server = quick(), Server(symbols.url, (cache,))

    told = [texts(downloader.fetch(server, f"{number}.pdb", APP_ID)) for number in range(5)]

    assert FAILURES_IN_A_ROW == len(symbols.log)
    assert told[2] == told[3] == told[4]
    assert "it failed 3 times in a row, and is not asked any more" in told[2]
    assert "not asked any more" not in told[1]


def test_a_server_that_sends_web_pages_is_left_alone(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"<html>Sign in</html>")
    downloader, server = quick(), Server(symbols.url, (cache,))

    told = [texts(downloader.fetch(server, f"{number}.pdb", APP_ID)) for number in range(5)]

    assert FAILURES_IN_A_ROW == len(symbols.log)
    assert told[2] == told[3] == told[4]
    assert told[2].startswith("symbol-contents: ")


def test_compressed_files_are_no_failures(symbols: SymbolServer, cache: Path) -> None:
    symbols.always = lambda request: request.send(b"MSCF")
    downloader, server = quick(), Server(symbols.url, (cache,))

    for number in range(5):
        assert "symbol-compressed" in texts(downloader.fetch(server, f"{number}.pdb", APP_ID))

    assert 5 == len(symbols.log)


def test_a_proxy_of_the_environment_is_used(
    symbols: SymbolServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", symbols.url)
    monkeypatch.delenv("no_proxy", raising=False)
    symbols.always = lambda request: request.send(tiny_pdb())

    assert quick().fetch(Server("http://symbols.invalid", (cache,)), "app.pdb", APP_ID).path is not None
    assert [f"http://symbols.invalid{APP}"] == symbols.asked()


def test_an_answer_between_failures_makes_up_for_them(symbols: SymbolServer, cache: Path) -> None:
    symbols.scripts[APP] = lambda request: request.send(b"", status=500)
    downloader, server = quick(), Server(symbols.url, (cache,))

    for name in ("app.pdb", "app.pdb", "missing.pdb", "app.pdb", "app.pdb"):
        downloader.fetch(server, name, APP_ID)

    assert 4 == symbols.asked().count(APP)


def test_what_is_absent_is_remembered_for_a_day(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    fetch(symbols, cache, absent_folder=absent)
    symbols.log.clear()

    assert download.Fetched(None) == fetch(symbols, cache, absent_folder=absent)
    assert [] == symbols.log

    (marker,) = absent.iterdir()
    long_ago = marker.stat().st_mtime - ABSENT_FOR_S - 60
    os.utime(marker, (long_ago, long_ago))
    fetch(symbols, cache, absent_folder=absent)
    assert [APP] == symbols.asked()


def test_a_refresh_asks_again_for_what_was_absent(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    fetch(symbols, cache, absent_folder=tmp_path / "absent")
    put(symbols.root, tiny_pdb())

    assert fetch(symbols, cache, absent_folder=tmp_path / "absent").path is None
    assert fetch(symbols, cache, absent_folder=tmp_path / "absent", refresh=True).path is not None


def test_that_only_a_compressed_file_is_there_is_remembered(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    put(symbols.root, b"MSCF", file="app.pd_")
    first = fetch(symbols, cache, absent_folder=tmp_path / "absent")
    symbols.log.clear()

    assert first == fetch(symbols, cache, absent_folder=tmp_path / "absent")
    assert "symbol-compressed" in texts(first)
    assert [] == symbols.log


def test_failures_are_not_remembered_as_absence(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    symbols.always = lambda request: request.send(b"", status=500)
    fetch(symbols, cache, absent_folder=tmp_path / "absent")

    assert not (tmp_path / "absent").exists()


def test_a_folder_for_absences_that_cannot_be_made_does_no_harm(
    symbols: SymbolServer, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert download.Fetched(None) == fetch(symbols, cache, absent_folder=tmp_path / "file" / "absent")


def test_a_cache_that_cannot_be_written_is_said_once_and_not_tried_again(symbols: SymbolServer, tmp_path: Path) -> None:
    put(symbols.root, tiny_pdb())
    (tmp_path / "file").write_bytes(b"")
    downloader, server = quick(), Server(symbols.url, (tmp_path / "file" / "cache",))

    told = [texts(downloader.fetch(server, "app.pdb", APP_ID)) for _ in range(2)]

    assert told[0] == told[1]
    assert told[0].startswith(f"symbol-cache: {tmp_path / 'file' / 'cache'}, the cache of the symbol server")
    assert [APP] == symbols.asked()


def test_a_full_disk_leaves_nothing(symbols: SymbolServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(symbols.root, tiny_pdb())

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, chunk: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    original = download._new_file
    monkeypatch.setattr(download, "_new_file", lambda path: Full(original(path)))

    assert "cannot be written: No space left on device" in texts(fetch(symbols, cache))
    assert [] == files_below(cache)


def test_a_damaged_file_at_the_place_is_replaced(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb())
    put(cache, b"half a fi")

    fetched = fetch(symbols, cache)

    assert fetched.path is not None
    assert tiny_pdb() == fetched.path.read_bytes()


def test_a_file_that_another_process_put_there_and_holds_is_used(
    symbols: SymbolServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(symbols.root, tiny_pdb())
    put(cache, tiny_pdb())

    def held(self: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "The process cannot access the file")

    monkeypatch.setattr(Path, "replace", held)

    assert download.Fetched(cache / "app.pdb" / APP_ID / "app.pdb") == fetch(symbols, cache)
    assert [f"app.pdb/{APP_ID}/app.pdb"] == files_below(cache)


def test_many_may_fetch_the_same_file_at_once(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb(padding=400))
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: fetch(symbols, cache).path, range(8)))

    assert {cache / "app.pdb" / APP_ID / "app.pdb"} == paths
    assert [f"app.pdb/{APP_ID}/app.pdb"] == files_below(cache)


def test_progress_tells_the_bytes(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb(padding=4000))
    size = len(tiny_pdb(padding=4000))
    steps: list[tuple[str, int, int]] = []

    fetch(symbols, cache, progress=lambda *step: steps.append(step))

    assert ("app.pdb", size, size) == steps[-1]
    assert sorted(steps) == steps
    assert len(steps) > 1


def test_ctrl_c_leaves_nothing(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb(padding=4000))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(symbols, cache, progress=interrupt)

    assert [] == files_below(cache)


def test_a_download_can_be_cancelled_from_outside(symbols: SymbolServer, cache: Path) -> None:
    downloader = quick()

    def stall(request: Handler) -> None:
        request.send(tiny_pdb()[:1000], length=len(tiny_pdb()))
        threading.Thread(target=downloader.cancelled.set).start()
        request.state.closing.wait(10)

    symbols.always = stall

    with pytest.raises(CancelledError):
        downloader.fetch(Server(symbols.url, (cache,)), "app.pdb", APP_ID)

    assert [] == files_below(cache)


def test_a_file_of_the_cache_can_be_read_by_others(symbols: SymbolServer, cache: Path, tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    put(symbols.root, tiny_pdb())
    path = fetch(symbols, cache).path

    assert path is not None
    assert usual.stat().st_mode == path.stat().st_mode


def test_what_killed_processes_left_in_a_cache_is_removed_after_an_hour(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb())
    old, young, other = cache / "perfdb-1.part", cache / "perfdb-2.part", cache / "other.part"
    cache.mkdir()
    for path, age_s in ((old, download.LEFT_OVER_S + 60), (young, 60), (other, 2 * download.LEFT_OVER_S)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age_s,) * 2)

    assert fetch(symbols, cache).path is not None
    assert [f"app.pdb/{APP_ID}/app.pdb", "other.part", "perfdb-2.part"] == files_below(cache)


def test_a_cache_is_swept_once(symbols: SymbolServer, cache: Path) -> None:
    put(symbols.root, tiny_pdb())
    downloader, server = quick(), Server(symbols.url, (cache,))
    downloader.fetch(server, "app.pdb", APP_ID)
    left = cache / "perfdb-1.part"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))

    downloader.fetch(server, "app.pdb", APP_ID)

    assert left.exists()
