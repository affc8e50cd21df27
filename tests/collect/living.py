"""Watching a descendant of a program from outside: it holds a connection for as long as it lives."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager


class Living:
    """The end of the connection that tells."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.port: int = server.getsockname()[1]

    def has_begun(self) -> bool:
        """Has it connected?"""
        return bool(select.select([self._server], [], [], 0)[0])

    def has_ended(self) -> bool:
        """Is it gone? Raises TimeoutError where it lives on."""
        connection, _ = self._server.accept()
        with connection:
            connection.settimeout(30)
            try:
                return connection.recv(1) == b""
            except ConnectionResetError:
                return True


@contextmanager
def watched() -> Iterator[Living]:
    """Wait for one descendant, which is to connect to `port`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield Living(server)
