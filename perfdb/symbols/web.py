"""One HTTP request: within a time limit that nothing stretches, no leaks of passwords, and words for failures.

The standard library's time limit is for one wait on the socket, so a server that sends a byte now and then could hold a
reader for ever. Here every wait is short; in between it is asked whether the server was silent for too long, whether
the whole took too long, and whether the user gave up.

Redirects are followed, but not from https to http; a user and a password are not passed on to another host. Proxies are
those of the environment.
"""

from __future__ import annotations

import base64
import functools
import http.client
import io
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import IO, Any, cast
from urllib.parse import urlsplit

_TICK_S = 0.25
"""How long a wait may be before it is asked whether to go on."""


class ServerError(Exception):
    """A server that gave no answer, or none that can be used; the text is the reason, in words that hold no secret."""


class CancelledError(Exception):
    """The user gave up while a file was being fetched."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: `timeout_s` for a byte, and until `deadline_s` (of `time.monotonic`) for everything."""

    timeout_s: float
    deadline_s: float
    cancelled: threading.Event

    def left_s(self, since_s: float) -> float:
        """Seconds that are left of a wait which began at `since_s`; raises where there are none, or by wish."""
        if self.cancelled.is_set():
            raise CancelledError
        now_s = time.monotonic()
        if now_s >= self.deadline_s:
            raise ServerError("it is too slow: the time limit for one file is over")
        if now_s >= since_s + self.timeout_s:
            raise ServerError(f"it sent nothing for {self.timeout_s:g} s")
        return min(since_s + self.timeout_s, self.deadline_s) - now_s


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers: `length` of the content in bytes, None if it does not say; `encoding` is "" for none."""

    status: int
    length: int | None
    encoding: str
    _body: IO[bytes]

    def read(self, size: int) -> bytes:
        """The next bytes, `size` of them at most; b"" at the end. Raises ServerError where the connection breaks."""
        with _words_for_failures():
            return cast(http.client.HTTPResponse, self._body).read1(size)


@contextmanager
def ask(url: str, patience: Patience, *, credentials: str = "", method: str = "GET") -> Iterator[Answer]:
    """Ask for a file; whatever the status, the answer is given. Raises ServerError where there is none."""
    request = urllib.request.Request(url, method=method)
    request.add_header("Accept-Encoding", "identity")
    request.add_header("User-Agent", "perfdb")
    if credentials:
        request.add_unredirected_header("Authorization", _basic(credentials))
    opener = urllib.request.build_opener(_Http(patience), _Https(patience), _Redirects())
    with _words_for_failures():
        timeout_s = patience.left_s(time.monotonic())
        try:
            response = opener.open(request, timeout=timeout_s)
        except urllib.error.HTTPError as error:
            response = error
    with response:
        headers = response.headers
        encoding = headers.get("Content-Encoding", "").strip().lower()
        length = headers.get("Content-Length", "")
        yield Answer(
            int(response.status or 0),
            int(length) if length.isascii() and length.isdigit() else None,
            "" if encoding == "identity" else encoding,
            response,
        )


class _Reader(io.RawIOBase):
    """The bytes of a socket, waited for with patience."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience
        # urllib closes the socket as soon as it has the headers; it stays open as long as a file of it does.
        self._keeper = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # a writable buffer, which Python 3.11 has no type for
        since_s = time.monotonic()
        while True:
            self._sock.settimeout(min(self._patience.left_s(since_s), _TICK_S))
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                continue

    def close(self) -> None:
        if not self.closed:
            self._keeper.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, patience: Patience, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock, patience))


def _connection(kind: type[http.client.HTTPConnection], patience: Patience, *args: Any, **kwargs: Any) -> Any:
    connection = kind(*args, **kwargs)
    connection.response_class = functools.partial(_Response, patience=patience)  # type: ignore[assignment]
    return connection


class _Http(urllib.request.HTTPHandler):
    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._make = functools.partial(_connection, http.client.HTTPConnection, patience)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._make = functools.partial(_connection, http.client.HTTPSConnection, patience)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._make, req, context=_tls())


@functools.cache
def _tls() -> ssl.SSLContext:
    """The system's certificates, which take longer to read than a small file to fetch."""
    return ssl.create_default_context()


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in {"http", "https"} or (old.scheme, new.scheme) == ("https", "http"):
            raise ServerError(f"it redirects from {old.scheme} to {new.scheme or 'nowhere'}")
        request = super().redirect_request(req, fp, code, msg, cast(Any, headers), newurl)
        if request is not None:
            request.method = req.get_method()
            secret = req.unredirected_hdrs.get("Authorization")
            if secret and (old.scheme, old.netloc) == (new.scheme, new.netloc):
                request.add_unredirected_header("Authorization", secret)
        return request


def _basic(credentials: str) -> str:
    text = credentials if ":" in credentials else f"{credentials}:"
    return "Basic " + base64.b64encode(text.encode()).decode("ascii")


@contextmanager
def _words_for_failures() -> Iterator[None]:
    try:
        yield
    except urllib.error.URLError as error:
        reason = error.reason
        raise ServerError(_words(reason) if isinstance(reason, Exception) else str(reason)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ServerError(_words(error)) from None


def _words(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "its name is not known"
        case ConnectionRefusedError():
            return "it refuses connections"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return f"no secure connection ({error.reason or 'TLS failed'})"
        case TimeoutError():
            return "it does not answer in time"
        case ConnectionError() | http.client.IncompleteRead() | http.client.RemoteDisconnected():
            return "the connection broke off"
        case http.client.HTTPException():
            return "it does not speak HTTP"
        case OSError():
            return error.strerror or "the connection failed"
        case _:
            return "its answer cannot be understood"
